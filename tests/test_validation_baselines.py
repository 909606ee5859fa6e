"""Baselines learn from the last complete horizon, by rules that a few lines of pandas repeat."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from sklearn.isotonic import IsotonicRegression

import rfmkit as rk
from conftest import plain
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, NotFittedError, RfmkitError
from rfmkit.validation._baselines import BASELINES, BaseRate, OverdueRate, PoissonRate, RecencyRate

HORIZON = 90
pytestmark = pytest.mark.xdist_group("baselines")  # one worker fits them


def read(rows):
    """Read a log of (customer, day of 2024) pairs."""
    days = [dt.date(2024, 1, 1) + dt.timedelta(day) for _, day in rows]
    frame = pd.DataFrame({"customer": [name for name, _ in rows], "date": days, "total": 5.0})
    return rk.read_orders(frame)


@pytest.fixture(scope="module")
def past(orders):
    """The customers of the last complete horizon, with their outcomes."""
    origin = orders.as_of - dt.timedelta(days=HORIZON)
    return rk.snapshots(orders, origins=[origin], horizon_days=HORIZON)


@pytest.fixture(scope="module")
def fitted(orders):
    return {kind: kind(horizon_days=HORIZON).fit(orders) for kind in BASELINES}


def test_the_base_rate_is_the_share_that_churned(orders, past, fitted):
    churn = fitted[BaseRate].predict_churn(orders)
    assert fitted[BaseRate].rate_ == past["churned"].mean()
    assert churn["churn_probability"].tolist() == [past["churned"].mean()] * len(churn)


def by_hand(measure, churned):
    """Smooth and sort shares of equal bins, as the docstring says."""
    bins = min(50, len(measure) // 50)
    edges = sorted(set(np.quantile(measure, np.arange(1, bins + 1) / bins, method="inverted_cdf")))
    place = pd.cut(measure, [-np.inf, *edges], labels=False)
    counted = churned.groupby(place.to_numpy()).agg(["sum", "size"])
    share = (counted["sum"] + 0.5) / (counted["size"] + 1)
    rising = IsotonicRegression().fit_transform(share.index, share, sample_weight=counted["size"])
    return lambda value: rising[np.minimum(np.searchsorted(edges, value), len(edges) - 1)]


def test_recency_is_the_share_of_its_bin(orders, customers, past, fitted):
    curve = by_hand(past["recency_days"], past["churned"])
    churn = fitted[RecencyRate].predict_churn(orders)["churn_probability"]
    np.testing.assert_allclose(churn, curve(customers["recency_days"]))
    assert 5 < churn.nunique() < 30


def test_recency_over_the_own_gap_is_too(orders, customers, past, fitted):
    cycle = rk.PurchaseCycle().fit(orders).cycle_days_

    def overdue(frame):
        return frame["recency_days"] / frame["mean_gap_days"].fillna(cycle).clip(lower=1)

    curve = by_hand(overdue(past), past["churned"])
    churn = fitted[OverdueRate].predict_churn(orders)["churn_probability"]
    assert fitted[OverdueRate].cycle_days_ == cycle
    np.testing.assert_allclose(churn, curve(overdue(customers)))


def test_a_rate_is_purchases_over_time(orders, customers, fitted):
    days = customers["tenure_days"].sum() / customers["repeat_purchases"].sum()
    rate = customers["purchases"] / (customers["tenure_days"] + days)
    churn = fitted[PoissonRate].predict_churn(orders)["churn_probability"]
    np.testing.assert_allclose(churn, np.exp(-90 * rate))
    expected = fitted[PoissonRate].predict_purchases(orders)
    assert list(expected.columns) == ["customer_id", "expected_purchases", "horizon_days"]
    counts = expected["expected_purchases"]
    np.testing.assert_allclose(counts, 90 * rate)
    shorter = fitted[PoissonRate].predict_churn(orders, 30)["churn_probability"]
    np.testing.assert_allclose(shorter, np.exp(-30 * rate))
    other = fitted[PoissonRate].predict_purchases(orders, 30)
    assert other["horizon_days"].dtype == "int64"
    assert set(other["horizon_days"]) == {30}
    np.testing.assert_allclose(other["expected_purchases"], 30 * rate)


def test_who_came_today_has_a_finite_rate():
    orders = read([("a", 0), ("a", 10), ("b", 10)])
    model = PoissonRate(horizon_days=10).fit(orders)
    # Ten days of tenure in all, one repeat: ten days a purchase.
    assert model.days_per_purchase_ == 10
    expected = model.predict_purchases(orders)["expected_purchases"].tolist()
    assert expected == [2 / (10 + 10) * 10, 1 / (0 + 10) * 10]


@pytest.mark.parametrize("kind", [RecencyRate, OverdueRate])
def test_churn_rises_with_the_silence(fitted, kind):
    bins = fitted[kind].bins_
    assert bins["churn_probability"].is_monotonic_increasing
    assert bins["upto"].is_monotonic_increasing
    assert bins["churn_probability"].between(0, 1, inclusive="neither").all()
    assert bins["customers"].sum() > 900


def test_few_customers_are_one_bin():
    orders = read([("a", 0), ("b", 3), ("c", 5), ("a", 12), ("d", 20)])
    model = RecencyRate(horizon_days=10).fit(orders)  # as of day 10: a came back, b and c did not
    assert model.bins_["churn_probability"].tolist() == [2.5 / 4]
    assert model.predict_churn(orders)["churn_probability"].tolist() == [2.5 / 4] * 4


@pytest.mark.parametrize("kind", BASELINES)
@pytest.mark.parametrize(
    "source", ["polars", pytest.param("pyarrow", marks=pytest.mark.slow), "ibis"]
)
def test_they_score_a_frame_of_any_kind(customers, fitted, as_kind, kind, source):
    model = fitted[kind]
    expected = model.predict_churn(customers)
    found = plain(model.predict_churn(as_kind(customers, source)))
    assert found["customer_id"].tolist() == expected["customer_id"].tolist()
    np.testing.assert_allclose(found["churn_probability"], expected["churn_probability"])


@pytest.fixture(scope="module")
def whole_and_short(sample, orders):
    """The log moved back to a day, and a log that ends on it."""
    day = "2024-06-30"
    short = sample[sample["ordered_at"].astype("datetime64[us]") < "2024-07-01"]
    return orders.until(day), rk.read_orders(short).until(day)


@pytest.mark.parametrize("kind", BASELINES)
def test_a_fit_sees_no_later_day(whole_and_short, kind):
    """A log that ends on a day, and the same log moved back to it, teach the same."""
    first, second = (kind(HORIZON).fit(log).predict_churn(log) for log in whole_and_short)
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("kind", [BaseRate, RecencyRate, OverdueRate])
def test_without_a_complete_horizon_there_is_nothing_to_learn(orders, kind):
    model = kind(horizon_days=5000)
    with pytest.raises(
        NotEnoughHistoryError, match=r"must have bought by .*\nFound: none\nHint: pass"
    ):
        model.fit(orders)


def test_a_horizon_of_more_than_a_century_is_said():
    with pytest.raises(RfmkitError, match=r"at most 36,525, a hundred years\.\nFound: .*9999999"):
        BaseRate(horizon_days=9_999_999).fit(read([("a", 0)]))


def test_nobody_who_came_back_has_no_rate():
    with pytest.raises(NotEnoughHistoryError, match=r"on two different days\.\nFound: 0 repeat"):
        PoissonRate(10).fit(read([("a", 0), ("b", 3)]))


@pytest.mark.parametrize("kind", BASELINES)
def test_before_a_fit_there_is_no_prediction(customers, kind):
    with pytest.raises(NotFittedError, match=rf"A {kind.__name__} must be fitted before"):
        kind(HORIZON).predict_churn(customers)


@pytest.mark.parametrize("kind", [BaseRate, RecencyRate, OverdueRate])
def test_outcomes_are_of_one_horizon(fitted, customers, kind):
    with pytest.raises(
        RfmkitError, match=r"was fitted on\.\nFound: horizon_days=30, fitted on 90\nHint: f"
    ):
        fitted[kind].predict_churn(customers, horizon_days=30)


@pytest.mark.parametrize("kind", BASELINES)
def test_a_horizon_is_whole(orders, kind):
    with pytest.raises(RfmkitError, match=r"horizon_days must be a whole number of at least 1\."):
        kind(horizon_days=0).fit(orders)


def test_a_frame_that_is_none_of_customers_is_said(fitted):
    with pytest.raises(ColumnsError, match="no 'recency_days'"):
        fitted[RecencyRate].predict_churn(pd.DataFrame({"customer_id": ["a"]}))


def test_they_say_what_they_are():
    assert repr(OverdueRate(30)) == "<OverdueRate: recency / own gap, within 30 days>"
