"""Predictions of all buy-till-you-die classes: horizons, and the columns of their frames."""

import copy

import pandas as pd
import pytest

import rfmkit as rk
from conftest import plain
from rfmkit.exceptions import RfmkitError

CLASSES = [
    pytest.param(rk.BetaGeo, marks=pytest.mark.slow),
    rk.ModifiedBetaGeo,
    pytest.param(lambda days: rk.BetaGeoCNBD(days, k=2), marks=pytest.mark.slow),
    lambda days: rk.ModifiedBetaGeoCNBD(days, k=2),
    rk.ParetoNBD,
]
PURCHASES = ["customer_id", "expected_purchases", "horizon_days"]
KINDS = [
    "pandas", "polars_lazy", "duckdb",
    *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("polars", "pyarrow", "ibis")),
]  # fmt: skip


@pytest.fixture(scope="module")
def model(customers):
    return rk.ModifiedBetaGeo(30).fit(customers)


@pytest.fixture(scope="module")
def quick(model):
    """The same model, whose intervals come from a few of its draws: they take most of the time."""
    made = copy.copy(model)
    made._draws = model._draws[:16]
    return made


@pytest.mark.parametrize("make", CLASSES)
def test_the_horizon_may_be_the_second_argument(make, customers):
    fitted, some = make(30).fit(customers.head(300)), customers.head(5)
    for predict in (fitted.predict_churn, fitted.predict_purchases):
        found = predict(some, 90)
        pd.testing.assert_frame_equal(found, predict(some, horizon_days=90))
    assert found["horizon_days"].tolist() == [90] * 5
    assert found["horizon_days"].dtype == "int64"
    assert fitted.predict_purchases(some)["horizon_days"].tolist() == [30] * 5


def test_an_interval_is_named(model, customers):
    with pytest.raises(TypeError, match="positional"):
        model.predict_churn(customers, 90, 0.9)
    with pytest.raises(TypeError, match="positional"):
        model.predict_purchases(customers, 90, 0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_expected_purchases_come_with_their_horizon(quick, customers, as_kind, kind):
    source = as_kind(customers.head(4), kind)
    found = plain(quick.predict_purchases(source, 7, interval=0.8))
    assert list(found.columns) == [*PURCHASES, "purchases_lower", "purchases_upper"]
    assert found["horizon_days"].tolist() == [7] * 4
    assert list(plain(quick.predict_purchases(source)).columns) == PURCHASES


@pytest.mark.parametrize("horizon", [0, 1.5, "90", True])
def test_a_horizon_is_a_number_of_days(model, customers, horizon):
    for predict in (model.predict_churn, model.predict_purchases):
        with pytest.raises(RfmkitError, match="horizon_days must be"):
            predict(customers, horizon)
