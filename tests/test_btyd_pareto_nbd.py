"""ParetoNBD: recovery of a known truth, boundaries, and units of time."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk


def simulated(number, buying, leaving, *, days=(200, 400), seed=5):
    """Simulate customers with a rate of buying and of leaving each."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(*days, number)
    rates, ends = buying(rng, number), leaving(rng, number)
    life = np.where(ends > 0, rng.exponential(1, number) / np.where(ends > 0, ends, 1), np.inf)
    life = np.minimum(life, tenure)
    bought = rng.poisson(rates * life)
    last = life * rng.uniform(size=number) ** (1 / np.maximum(bought, 1))  # the latest of them
    return pd.DataFrame(
        {
            "customer_id": np.arange(number),
            "repeat_purchases": bought,
            "active_days": np.where(bought > 0, np.round(last), 0).astype("int64"),
            "tenure_days": tenure,
        }
    )


def gamma(shape, scale):
    return lambda rng, number: rng.gamma(shape, 1 / scale, number)


@pytest.mark.parametrize("size", [8000, pytest.param(40_000, marks=pytest.mark.slow)])
def test_simulated_parameters_are_found_again(size):
    truth = {"r": 0.8, "alpha": 60.0, "s": 0.7, "beta": 90.0}
    customers = simulated(size, gamma(0.8, 60), gamma(0.7, 90), days=(300, 900))
    model = rk.ParetoNBD().fit(customers)
    assert model.converged_
    assert not model.boundary_
    table = model.summary_.set_index("parameter")
    for name, value in truth.items():
        off = np.log(model.params_[name] / value)
        assert abs(off) < 3.5 * table.loc[name, "log_error"]
        assert abs(off) < 0.15 * (40_000 / size) ** 0.5


def regular(leaves):
    """Make customers who buy every ten days until they leave, more evenly than by any chance."""
    tenure = np.arange(len(leaves)) % 100 + 250
    bought = np.minimum(leaves, tenure) // 10
    return pd.DataFrame(
        {
            "customer_id": np.arange(len(leaves)),
            "repeat_purchases": bought,
            "active_days": 10 * bought,
            "tenure_days": tenure,
        }
    )


@pytest.mark.parametrize(
    ("leaves", "boundary"),
    [
        (np.random.default_rng(0).permutation(1000) // 10 * 4, "homogeneous drop-out"),
        (np.full(1000, 1000), "no drop-out"),
        (np.where(np.arange(300) % 5 < 2, 0, 1000), "drop-out at once"),
    ],
)
def test_a_boundary_is_reached_and_named(leaves, boundary):
    customers = regular(leaves)
    model = rk.ParetoNBD(horizon_days=90).fit(customers)
    assert {"homogeneous rates", boundary} <= set(model.boundary_.split("; "))
    assert boundary in repr(model)
    assert model.converged_
    assert model.diagnosis_
    assert model.summary_["log_error"].isna().any()
    assert model.predict_churn(customers)["churn_probability"].between(0, 1).all()


def test_nobody_coming_back_is_a_boundary_too():
    customers = regular(np.zeros(100, dtype=int))
    model = rk.ParetoNBD(horizon_days=90).fit(customers)
    assert set(model.boundary_.split("; ")) & {"no repeats", "certain drop-out"}
    assert (model.predict_churn(customers)["churn_probability"] > 0.999).all()


def test_one_time_buyers_are_told_from_slow_ones():
    customers = simulated(
        3000, gamma(1, 30), lambda rng, n: 100.0 * (rng.uniform(size=n) < 0.4), seed=0
    )
    model = rk.ParetoNBD().fit(customers)
    assert model.params_["r"] == pytest.approx(1, abs=0.1)
    assert model.params_["alpha"] == pytest.approx(30, abs=3)


@pytest.mark.parametrize("other", [pytest.param(7, marks=pytest.mark.slow), 365.25])
def test_any_unit_gives_the_same_predictions(customers, other):
    some, frames = customers.head(150), []
    for unit in (1, other):
        model = rk.ParetoNBD(90, unit_days=unit).fit(some)
        frame = model.predict_churn(some)
        frame["alive"] = model.predict_alive(some)["alive_probability"]
        frame["purchases"] = model.predict_purchases(some)["expected_purchases"]
        frames.append(frame.drop(columns="customer_id"))
    pd.testing.assert_frame_equal(*frames, rtol=1e-6, atol=0)
