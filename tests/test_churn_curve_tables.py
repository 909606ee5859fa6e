"""Tables of the churn curve: strata, survival by day, probabilities, and days until one of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from gaps import by_hand, kaplan_meier, raw_gaps_of
from rfmkit.churn import _curve_tables as tables
from rfmkit.churn.curve import strata_of


@pytest.fixture(scope="module")
def curve(orders):
    return rk.ChurnCurve(horizon_days=180).fit(orders)


@pytest.fixture(scope="module")
def raw_gaps(sample):
    return raw_gaps_of(sample)


# --- strata ---------------------------------------------------------------------------------------


def test_the_strata_of_the_sample(orders, raw_gaps, curve):
    table = curve.strata_
    assert table["stratum"].tolist() == ["1", "2", "3-4", "5-8", "9+"]
    assert table["first_order_number"].tolist() == [1, 2, 3, 5, 9]
    assert table["last_order_number"].tolist()[:-1] == [1, 2, 4, 8]
    assert table["last_order_number"].isna().tolist() == [False] * 4 + [True]
    place = pd.cut(raw_gaps["order_number"], [0, 1, 2, 4, 8, np.inf], labels=False)
    assert table["gaps"].tolist() == raw_gaps.groupby(place).size().tolist()
    assert table["returns"].tolist() == raw_gaps.groupby(place)["returned"].sum().tolist()
    assert table["never_share"].between(0, 1).all()


def test_the_strata_cover_every_number_of_purchases_once(orders):
    for min_gaps in (1, 200, 500, 1000, 10**6):
        table = rk.ChurnCurve(min_gaps=min_gaps).fit(orders).strata_
        ends = table["last_order_number"].tolist()
        assert table["first_order_number"].tolist() == [1, *(end + 1 for end in ends[:-1])]
        assert pd.isna(ends[-1])
        assert len(table) == 1 or table["gaps"].min() >= min_gaps


def test_the_strata_can_be_chosen(orders):
    curve = rk.ChurnCurve(order_numbers=(1, 4)).fit(orders)
    assert curve.strata_["stratum"].tolist() == ["1-3", "4+"]
    assert rk.ChurnCurve(order_numbers=(1,)).fit(orders).strata_["stratum"].tolist() == ["1+"]


def test_a_stratum_that_nobody_reached_is_merged_too(orders):
    curve = rk.ChurnCurve(order_numbers=(1, 2, 1000), min_gaps=0).fit(orders)
    assert curve.strata_["stratum"].tolist() == ["1", "2+"]


# --- survival by day ------------------------------------------------------------------------------


def test_the_curve_is_a_table_of_every_day(raw_gaps, curve):
    table = curve.curve_
    for stratum, rows in table.groupby("stratum", sort=False):
        assert rows["days"].tolist() == list(range(len(rows)))
        assert rows["survival"].is_monotonic_decreasing
        assert rows["lower"].le(rows["survival"] + 1e-12).all()
        assert rows["upper"].ge(rows["survival"] - 1e-12).all()
        last = curve.strata_.set_index("stratum").loc[stratum, "last_return_days"]
        assert rows["beyond_data"].tolist() == (rows["days"] > last).tolist()
    once = raw_gaps[raw_gaps["order_number"] == 1]
    first = table[table["stratum"] == "1"].set_index("days")
    for day in (0, 1, 30, 200):
        assert first.loc[day, "at_risk"] == (once["gap_days"] >= day).sum()
        ended = once["returned"] & (once["gap_days"] == day)
        assert first.loc[day, "returns"] == ended.sum()
    fit = kaplan_meier(once).survival_function_at_times(range(last + 1)).to_numpy()
    np.testing.assert_allclose(first["survival"].iloc[: last + 1], fit, rtol=0, atol=1e-12)


def test_beyond_the_data_the_curve_goes_on_falling(orders):
    # A horizon of ten years is far past a log of two.
    curve = rk.ChurnCurve(3650, anchor="snapshot").fit(orders)
    beyond = curve.curve_[curve.curve_["beyond_data"]]
    assert len(beyond)
    found = curve.predict_churn(by_hand([(1, 0), (1, 300), (1, 700)]))["churn_probability"]
    never = curve.strata_["never_share"].iloc[0]
    survival = curve.curve_.query("stratum == '1'").set_index("days")["survival"]
    assert (found < 1).all()
    assert found.iloc[0] == pytest.approx(never, abs=0.02)
    assert found.iloc[1] == pytest.approx(never / survival[300], abs=0.02)
    assert found.is_monotonic_increasing


def test_a_silence_may_be_longer_than_the_log_was(orders):
    # Learned from half a year, applied to later customers: the year is up after 365 days.
    curve = rk.ChurnCurve(365).fit(orders.until("2023-06-30"))
    found = curve.predict_churn(by_hand([(1, day) for day in (100, 250, 364, 365, 700)]))
    chance = found["churn_probability"]
    assert chance.is_monotonic_increasing
    assert chance.iloc[2] > 0.99
    assert chance.iloc[3:].tolist() == [1.0, 1.0]


# --- probabilities by day -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strata(curve):
    return strata_of(curve)


@given(horizon=st.integers(1, 2000), silent=st.integers(0, 2000))
def test_the_horizon_ends_where_the_anchor_says(horizon, silent):
    days = np.array([silent])
    assert tables.horizon_end(days, horizon, "last_order").tolist() == [horizon]
    assert tables.horizon_end(days, horizon, "snapshot").tolist() == [silent + horizon]


@pytest.mark.parametrize("anchor", tables.ANCHORS)
@settings(max_examples=30)
@given(horizon=st.integers(1, 1500))
def test_a_probability_is_within_its_interval_and_rises_to_its_last_value(strata, anchor, horizon):
    table = tables.probability_table(strata, horizon, anchor, 0.95)
    assert table["churn_probability"].between(0, 1).all()
    assert (table["churn_lower"] <= table["churn_probability"] + 1e-12).all()
    assert (table["churn_probability"] <= table["churn_upper"] + 1e-12).all()
    last = tables.last_silence(strata, horizon)
    assert table.groupby("curve_stratum")["curve_days"].max().tolist() == [last] * len(strata)
    if anchor == "last_order":
        ends = table[table["curve_days"] >= horizon]
        assert (ends["churn_probability"] == 1).all()


@given(near=st.integers(1, 700), more=st.integers(1, 700))
def test_a_longer_horizon_never_makes_churn_more_likely(strata, near, more):
    first = tables.probability_by_day(strata, near, "snapshot")
    second = tables.probability_by_day(strata, near + more, "snapshot")
    days = min(first.shape[1], second.shape[1])
    assert (second[:, :days] <= first[:, :days] + 1e-12).all()


def test_a_stratum_without_a_return_has_no_probability():
    gaps = pd.DataFrame(
        {"order_number": [1, 1], "gap_days": [5, 9], "returned": [False, False], "gaps": [30, 20]}
    )
    strata = tables.estimate_strata(gaps, (1, 2), 200)
    assert len(strata) == 1
    assert np.isnan(tables.probability_by_day(strata, 30, "snapshot")).all()
    columns = list(tables.CHURN)
    assert tables.probability_table(strata, 30, "snapshot", 0.9)[columns].isna().all(axis=None)


# --- days until a probability ---------------------------------------------------------------------


def test_days_until_reaches_the_horizon_also_beyond_the_log(orders):
    curve = rk.ChurnCurve(365).fit(orders.until("2023-06-30"))
    assert curve.days_until(1.0)["days"].tolist() == [365] * len(curve.strata_)


def test_days_until_is_the_first_day_of_so_much_churn(curve):
    for probability in (0.3, 0.8, 1.0):
        found = curve.days_until(probability)
        assert found["stratum"].tolist() == curve.strata_["stratum"].tolist()
        ends = list(zip(curve.strata_["first_order_number"], found["days"], strict=True))
        rows = [*ends, *((first, max(days - 1, 0)) for first, days in ends)]
        at, before = np.split(curve.predict_churn(by_hand(rows))["churn_probability"].to_numpy(), 2)
        assert (at >= probability - 1e-12).all()
        assert ((found["days"] == 0) | (before < probability)).all()
    assert (found["days"] <= 180).all()  # at the horizon it is certain


def test_days_until_is_null_where_the_curve_never_gets_there(orders):
    curve = rk.ChurnCurve(30, anchor="snapshot").fit(orders)
    silences = by_hand([(first, day) for first in (1, 2, 3, 5, 9) for day in range(800)])
    chance = curve.predict_churn(silences)["churn_probability"].groupby(silences["purchases"])
    never = chance.max() < 1
    assert curve.days_until(1.0)["days"].isna().tolist() == never.tolist()
    assert 0 < never.sum() < 5
    assert (curve.days_until(0)["days"] == 0).all()
