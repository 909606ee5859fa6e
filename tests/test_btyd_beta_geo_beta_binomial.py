"""BetaGeoBetaBinomial: buying or not at each opportunity, until leaving."""

import copy

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from conftest import plain
from rfmkit.exceptions import NotFittedError, RfmkitError

NEEDS = ["repeat_purchases", "last_opportunity", "opportunities"]
KINDS = [
    "polars_lazy", "duckdb",
    *(
        pytest.param(kind, marks=pytest.mark.slow)
        for kind in ("pandas", "polars", "pyarrow", "ibis")
    ),
]  # fmt: skip


def of(*params):
    """A model of known parameters."""
    made = rk.BetaGeoBetaBinomial()
    made.params_ = dict(zip(("alpha", "beta", "gamma", "delta"), params, strict=True))
    return made


def frame(*rows):
    return pd.DataFrame(list(rows), columns=NEEDS)


def simulated(alpha, beta, gamma, delta, *, n=8, customers=6000, seed=0):
    """Customers who buy with a probability of their own, and leave with another."""
    random = np.random.default_rng(seed)
    buys = random.beta(alpha, beta, customers)[:, None]
    life = random.geometric(random.beta(gamma, delta, customers))[:, None] - 1
    taken = (random.random((customers, n)) < buys) & (np.arange(n) < life)
    return pd.DataFrame(
        {"customer_id": np.arange(customers), "repeat_purchases": taken.sum(axis=1),
         "last_opportunity": (taken * np.arange(1, n + 1)).max(axis=1), "opportunities": n}
    )  # fmt: skip


@pytest.fixture(scope="module")
def truth():
    return simulated(1.2, 0.8, 0.7, 2.8)


@pytest.fixture(scope="module")
def model(truth):
    return rk.BetaGeoBetaBinomial(opportunities_ahead=3).fit(truth)


@pytest.fixture(scope="module")
def quick(model):
    """The same model, whose intervals come from a few of its draws: they take most of the time."""
    made = copy.copy(model)
    made._draws = model._draws[:16]
    return made


@pytest.fixture(scope="module")
def some(truth):
    return truth.iloc[::60][::-1]


@pytest.fixture(scope="module")
def params_of_some(some):
    return rk.BetaGeoBetaBinomial().fit(some).params_


def test_what_was_simulated_is_found_again(model):
    summary = model.summary_.set_index("parameter")
    true = {"alpha": 1.2, "beta": 0.8, "gamma": 0.7, "delta": 2.8}
    for name, value in true.items():
        assert abs(np.log(model.params_[name] / value)) < 3 * summary.loc[name, "log_error"]
        assert summary.loc[name, "log_error"] < 0.25
    assert model.converged_
    assert (model.customers_, model.boundary_, model.diagnosis_) == (6000, "", "")


# The probabilities are ratios of sums of exp(log-gamma): a log-gamma near 50 is rounded by 7e-15,
# and n + ahead of them add up, so that equal values may differ by some 1e-13.


def test_customers_alike_may_be_one_row(truth, model):
    cells = truth.groupby(NEEDS).size().rename("customers").reset_index()
    found = rk.BetaGeoBetaBinomial().fit(cells)
    assert found.params_ == pytest.approx(model.params_, rel=1e-9)
    assert found.customers_ == 6000
    alive = found.predict_alive(cells)
    assert alive.columns.tolist() == [*NEEDS, "customers", "alive_probability"]
    assert alive[NEEDS].equals(cells[NEEDS])


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_of_any_kind_gives_the_same(some, params_of_some, quick, as_kind, kind):
    fitted = rk.BetaGeoBetaBinomial().fit(as_kind(some, kind))
    assert fitted.params_ == pytest.approx(params_of_some, rel=1e-6)
    for method in ("predict_churn", "predict_alive"):
        found = plain(getattr(quick, method)(as_kind(some, kind), interval=0.8))
        expected = plain(getattr(quick, method)(some, interval=0.8))
        pd.testing.assert_frame_equal(found, expected)
        low, middle, high = (found.iloc[:, place] for place in (2, 1, 3))
        assert ((low <= middle) & (middle <= high)).all()


def test_the_rows_keep_their_order_and_index(model, truth):
    mixed = truth.sample(20, random_state=1)
    found = model.predict_churn(mixed)
    assert found.index.tolist() == mixed.index.tolist()
    assert found["customer_id"].tolist() == mixed["customer_id"].tolist()
    assert found.columns.tolist() == ["customer_id", "churn_probability"]


def test_a_row_that_cannot_be_is_not_predicted(model):
    found = model.predict_churn(frame((1, 2, 3), (4, 3, 3), (0, 2, 3), (1, 5, 3)))
    assert found["churn_probability"].isna().tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("rows", "boundary"),
    [
        ([(4, 4, 4, 10), (3, 4, 4, 20), (2, 4, 4, 15)], "no drop-out"),
        ([(4, 4, 4, 10), (0, 0, 4, 10)], "polarised purchases"),
        ([(4, 4, 4, 10)], "certain purchase; no drop-out"),
    ],
)
def test_a_boundary_is_found_and_named(rows, boundary):
    cells = pd.DataFrame(rows, columns=[*NEEDS, "customers"])
    found = rk.BetaGeoBetaBinomial().fit(cells)
    for name in boundary.split("; "):
        assert name in found.boundary_
    assert found.diagnosis_
    assert found.boundary_ in repr(found)
    assert found.predict_churn(cells)["churn_probability"].between(0, 1).all()


def test_customers_who_all_buy_alike_are_one_probability():
    found = rk.BetaGeoBetaBinomial().fit(simulated(300, 300, 1, 5, customers=400, seed=8))
    alpha, beta = found.params_["alpha"], found.params_["beta"]
    assert alpha / (alpha + beta) == pytest.approx(0.5, abs=0.05)
    assert "homogeneous purchases" in found.boundary_ or alpha + beta > 30


def test_a_log_is_cut_into_periods():
    rows = [
        ("a", "2024-01-01"), ("a", "2024-01-08"), ("a", "2024-01-09"), ("a", "2024-01-10"),
        ("a", "2024-01-30"), ("b", "2024-01-10"), ("c", "2024-01-10"), ("c", "2024-01-29"),
        ("d", "2024-01-31"),
    ]  # fmt: skip
    log = pd.DataFrame(rows, columns=["customer", "date"]).assign(total=1.0)
    orders = rk.read_orders(log, as_of="2024-01-31")
    # a: 30 days are 4 weeks, day 7 in the first of them, 8 and 9 in the second, 29 after the last.
    expected = frame((2, 2, 4), (0, 0, 3), (1, 3, 3), (0, 0, 0))
    by_log = rk.BetaGeoBetaBinomial(period_days=7).fit(orders)
    by_frame = rk.BetaGeoBetaBinomial().fit(expected)
    assert by_log.params_ == pytest.approx(by_frame.params_)
    for method in ("predict_churn", "predict_alive", "predict_purchases"):
        found = getattr(by_log, method)(orders)
        assert found["customer_id"].tolist() == ["a", "b", "c", "d"]
        (name,) = set(found.columns) & {"churn_probability", "alive_probability",
                                        "expected_purchases"}  # fmt: skip
        assert found[name].tolist() == getattr(by_log, method)(expected)[name].tolist()


def test_the_horizon_may_be_the_second_argument_and_is_in_the_frame(quick, truth):
    few = truth.head(3)
    for predict in (quick.predict_churn, quick.predict_purchases):
        pd.testing.assert_frame_equal(predict(few, 5), predict(few, opportunities_ahead=5))
    found = quick.predict_purchases(few, 5, interval=0.9)
    assert list(found.columns) == [
        "customer_id", "expected_purchases", "opportunities_ahead", "purchases_lower",
        "purchases_upper",
    ]  # fmt: skip
    assert found["opportunities_ahead"].tolist() == [5, 5, 5]
    assert found["opportunities_ahead"].dtype == "int64"
    assert quick.predict_purchases(few)["opportunities_ahead"].tolist() == [3, 3, 3]


def test_a_horizon_is_whole(model, truth):
    with pytest.raises(
        RfmkitError, match="opportunities_ahead must be a whole number of at least 1"
    ):
        rk.BetaGeoBetaBinomial(0).fit(truth)
    with pytest.raises(
        RfmkitError, match="opportunities_ahead must be a whole number of at least 1"
    ):
        model.predict_churn(truth, opportunities_ahead=1.5)
    with pytest.raises(RfmkitError, match="interval must be a number between 0 and 1"):
        model.predict_alive(truth, interval=2)
    assert "next 3 opportunities" in model.estimand


def test_a_model_that_is_not_fitted_says_so(truth):
    made = rk.BetaGeoBetaBinomial()
    assert repr(made) == (
        "<BetaGeoBetaBinomial: not fitted; call fit(customers); horizon 1 opportunities>"
    )
    with pytest.raises(NotFittedError, match="A BetaGeoBetaBinomial must be fitted before use"):
        made.predict_alive(truth)
