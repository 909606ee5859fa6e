"""ParetoNBD against 60-digit arithmetic, published values, and the laws of its probabilities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.btyd import pareto_nbd
from rfmkit.btyd._counts import Counts

# r, alpha, s, beta, x, t_x, T; log-likelihood and P(alive) by mpmath's hypergeometric function
# with 60 digits.
CORNERS = [
    (0.01, 0.001, 0.01, 0.001, 0, 0, 1, -0.066702899281873332, 0.931022163091794),
    (0.01, 1e5, 0.01, 0.001, 0, 0, 1, -9.4259956847606336e-8, 0.933244967607362),
    (0.01, 0.001, 100, 1e5, 0, 0, 1, -0.069077521617879193, 0.998990488724397),
    (100, 0.001, 100, 1e5, 0, 0, 1, -18.410630418404986, 8.94938432249853e-293),
    (0.55, 0.3, 0.6, 0.35, 0, 0, 1, -0.51560986954752183, 0.33259440031539),
    (0.01, 0.001, 0.01, 0.001, 1000, 1, 1, 5899.5523405044507, 1.0),
    (100, 1e5, 100, 1e5, 1000, 0.5, 1, -5271.2816826797877, 0.999498752143448),
    (0.01, 0.001, 100, 0.001, 1000, 0.001, 1, 12043.578560463846, 0.0),
    (0.5, 0.01, 0.01, 1e5, 1000, 0.999, 1, 5895.8439196943355, 0.999999999829076),
    (100, 1e5, 0.01, 0.001, 1, 0.0001, 1, -6.9096612893031723, 0.934081549541214),
    (100, 100, 0.01, 0.001, 1, 0, 1, -0.91412187498174453, 0.852187173578883),
    (0.01, 1e5, 100, 0.001, 10, 0.9, 1, -787.25500102669967, 2.68576121783117e-5),
    # parameters on which hypergeometric functions overflow
    (10.465, 0.00798565, 3.0516, 2.82, 400, 5, 6, 1323.1889287438494, 5.13745798830848e-31),
    (10.465, 0.00798565, 3.0516, 2.82, 500, 0.1, 6, 3733.4922938590635, 0.0),
    (0.55, 10.58, 0.61, 11.67, 133, 200, 200, -196.84535254945133, 1.0),
    (1, 1, 1, 1, 1, 0.5, 1, -1.7032060718866099, 0.686440677966102),
]
CDNOW = np.array([0.5534, 10.5802, 0.6061, 11.6562])
MODEL = rk.ParetoNBD()


def array(*values):
    return np.array(values, dtype=float)


def counts(x, t_x, T):
    return Counts(array(x), array(t_x), array(T), array(1))


@pytest.mark.parametrize("corner", CORNERS)
def test_the_likelihood_holds_in_every_corner(corner):
    *params, x, t_x, T, log_likelihood, alive = corner
    term, slopes = MODEL.log_terms(array(*params), counts(x, t_x, T))
    assert term[0] == pytest.approx(log_likelihood, rel=1e-14, abs=1e-11)
    found = MODEL.alive(array(*params), array(x), array(t_x), array(T))
    assert found[0] == pytest.approx(alive, rel=1e-11, abs=1e-300)
    assert np.isfinite(slopes).all()


@st.composite
def cases(draw):
    """Draw parameters and one customer."""
    logs = [draw(st.floats(low, high)) for low, high in ((-4, 4), (-6, 6), (-4, 4), (-6, 6))]
    x = draw(st.integers(0, 200))
    tenure = draw(st.floats(0.01, 100))
    share = draw(st.floats(0, 1)) if x else 0
    return np.exp(logs), float(x), share * tenure, tenure


@given(cases())
def test_the_derivatives_are_those_of_the_likelihood(case):
    params, *row = case
    _, slopes = MODEL.log_terms(params, counts(*row))
    by_difference = []
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-4
        high, low = (MODEL.log_terms(params * np.exp(d), counts(*row))[0][0] for d in (step, -step))
        by_difference.append((high - low) / 2e-4)
    size = 1 + row[0] + params[0] + params[2]
    assert slopes[0] * params == pytest.approx(by_difference, rel=1e-5, abs=1e-6 * size)


@given(cases(), st.floats(0.01, 1000))
def test_no_unit_of_time_matters(case, unit):
    params, x, t_x, T = case
    term, _ = MODEL.log_terms(params, counts(x, t_x, T))
    moved = params * array(1, unit, 1, unit)
    other, _ = MODEL.log_terms(moved, counts(x, t_x * unit, T * unit))
    assert other[0] + x * np.log(unit) == pytest.approx(term[0], rel=1e-9, abs=1e-9)
    row = (array(x), array(t_x), array(T))
    scaled = (array(x), array(t_x * unit), array(T * unit))
    for one, two in [
        (MODEL.alive(params, *row), MODEL.alive(moved, *scaled)),
        (MODEL.churn(params, *row, 3), MODEL.churn(moved, *scaled, 3 * unit)),
        (MODEL.purchases(params, *row, 3), MODEL.purchases(moved, *scaled, 3 * unit)),
    ]:
        assert two == pytest.approx(one, rel=1e-8, abs=1e-200)


@given(cases(), st.floats(0.01, 50), st.floats(0.01, 50))
def test_silence_adds_up(case, first, second):
    params, x, t_x, T = case
    row = (array(x), array(t_x))
    early = MODEL.churn(params, *row, array(T), first)
    late = MODEL.churn(params, *row, array(T + first), second)
    both = MODEL.churn(params, *row, array(T), first + second)
    assert early * late == pytest.approx(both, rel=1e-9)
    assert both[0] <= early[0] * (1 + 1e-10) <= 1 + 2e-10
    # Who has left does not buy.
    assert both[0] >= 1 - MODEL.alive(params, *row, array(T))[0] - 1e-10


@given(cases(), st.floats(0.01, 50))
def test_expected_purchases_are_at_least_the_chance_of_one(case, horizon):
    params, x, t_x, T = case
    row = (array(x), array(t_x), array(T))
    expected = MODEL.purchases(params, *row, horizon)[0]
    assert expected >= (1 - MODEL.churn(params, *row, horizon)[0]) * (1 - 1e-9) - 1e-9


def test_a_drop_out_of_shape_1_is_the_limit_of_its_neighbours():
    at, *near = (
        MODEL.purchases(array(0.6, 10, s, 12), array(2), array(20), array(30), 52)
        for s in (1, 1 - 1e-9, 1 + 1e-9)
    )
    assert near == [pytest.approx(at, rel=1e-8)] * 2


def test_many_rows_are_worked_out_like_each_alone():
    rng = np.random.default_rng(7)
    T = rng.uniform(0.001, 50, 3000)
    x = np.floor(rng.exponential(20, 3000))
    t_x = np.where(x > 0, rng.uniform(0, 1, 3000) * T, 0)
    together = MODEL.churn(CDNOW, x, t_x, T, 10)
    for row in range(0, 3000, 100):
        alone = MODEL.churn(CDNOW, x[[row]], t_x[[row]], T[[row]], 10)
        assert together[row] == pytest.approx(alone[0], rel=1e-13)


def test_fewer_nodes_would_not_do(monkeypatch):
    corner = CORNERS[4]
    monkeypatch.setattr(pareto_nbd, "NODES", (2,) * len(pareto_nbd.NODES))
    term, _ = MODEL.log_terms(array(*corner[:4]), counts(*corner[4:7]))
    assert abs(term[0] - corner[7]) > 1e-6


# --- as published --------------------------------------------------------------------------------


def new_customers(horizon, params=CDNOW):
    return MODEL.purchases(params, array(0), array(0), array(0), horizon)[0]


@pytest.mark.parametrize(("weeks", "expected"), [(1, 0.0510045), (3, 0.1461243), (6, 0.2750506)])
def test_new_customers_buy_as_published(weeks, expected):
    assert new_customers(weeks) == pytest.approx(expected, abs=5e-8)


def test_the_growth_of_a_new_customer_is_as_published():
    params = array(0.55, 10.56, 0.61, 11.64)
    weeks = [new_customers(week, params) for week in range(10)]
    published = [
        0.0, 0.05077821, 0.09916088, 0.14542507, 0.18979930,
        0.23247466, 0.27361274, 0.31335159, 0.35181024, 0.38909211,
    ]  # fmt: skip
    assert weeks == pytest.approx(published, abs=5e-9)


def test_customers_of_cdnow_are_as_published():
    # Customer 1516 of the sample, 52 weeks ahead. The parameters of the publication have more
    # digits than it prints.
    row = (array(26), array(216 / 7), array(31))
    assert MODEL.purchases(CDNOW, *row, 52)[0] == pytest.approx(25.45647, rel=2e-4)
    assert MODEL.alive(CDNOW, *row)[0] == pytest.approx(0.997874, abs=2e-6)
    assert new_customers(52) == pytest.approx(1.473434, rel=3e-4)
    # Who bought more often and is silent as long is expected to buy less.
    x = array(10, 15, 20, 25)
    paradox = MODEL.purchases(CDNOW, x, np.full(4, 20.0), np.full(4, 39.0), 52)
    assert paradox == pytest.approx([0.7062289, 0.1442396, 0.02250658, 0.00309267], rel=6e-4)


def test_heavy_buyers_are_as_published():
    params = array(0.55, 10.58, 0.61, 11.67)
    expected = MODEL.purchases(params, array(132, 133), array(200, 200), array(200, 200), 10)
    assert expected == pytest.approx([6.2060517890, 6.2528722476], abs=5e-11)
    alive = MODEL.alive(
        array(0.5143, 2.8845, 0.2856, 14.1087),
        array(221, 254, 161, 204),
        array(103.42857, 97.14286, 94.71429, 98.57143),
        array(103.57143, 97.28571, 98, 99.42857),
    )
    assert (alive > 0.7).all()
    assert (alive < 1).all()


# --- the fit -------------------------------------------------------------------------------------


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


def test_simulated_parameters_are_found_again():
    truth = {"r": 0.8, "alpha": 60.0, "s": 0.7, "beta": 90.0}
    customers = simulated(40_000, gamma(0.8, 60), gamma(0.7, 90), days=(300, 900))
    model = rk.ParetoNBD().fit(customers)
    assert model.converged_
    assert not model.boundary_
    table = model.summary_.set_index("parameter")
    for name, value in truth.items():
        off = np.log(model.params_[name] / value)
        assert abs(off) < 3.5 * table.loc[name, "log_error"]
        assert abs(off) < 0.15


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
        (np.where(np.arange(1000) % 5 < 2, 0, 1000), "drop-out at once"),
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


def test_any_unit_gives_the_same_predictions(customers):
    frames = []
    for unit in (1, 7, 365.25):
        model = rk.ParetoNBD(90, unit_days=unit).fit(customers)
        frame = model.predict_churn(customers)
        frame["alive"] = model.predict_alive(customers)["alive_probability"]
        frame["purchases"] = model.predict_purchases(customers)["expected_purchases"]
        frames.append(frame.drop(columns="customer_id"))
    for other in frames[1:]:
        pd.testing.assert_frame_equal(frames[0], other, rtol=1e-6, atol=0)


def test_the_coordinates_are_those_of_the_parameters():
    params = array(0.55, 0.3, 0.6, 0.35)
    point = MODEL.point(params)
    found, by_point = MODEL.natural(point)
    assert found == pytest.approx(params, rel=1e-12)
    assert point[2] == pytest.approx(np.log(0.6 * np.log(1 + 1 / 0.35)))
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-6
        moved = np.log(MODEL.natural(point + step)[0] / MODEL.natural(point - step)[0]) / 2e-6
        assert by_point[:, place] == pytest.approx(moved, abs=1e-8)
