"""Survival from counted gaps is lifelines' Kaplan-Meier of the raw ones, and a tail that falls."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

import rfmkit as rk
from rfmkit.cycle._survival import Tail, estimate, from_frame
from rfmkit.exceptions import NotEnoughHistoryError

quick = settings(deadline=None, max_examples=15)

# Every log ends in silences: at least one gap is open.
raw_logs = st.tuples(
    st.lists(st.tuples(st.integers(0, 120), st.booleans()), min_size=1, max_size=100),
    st.integers(0, 120),
).map(lambda drawn: [*drawn[0], (drawn[1], False)])


def lifelines_fit(days, returned):
    with np.errstate():  # lifelines leaves numpy's warnings off
        return KaplanMeierFitter().fit(days, returned)


def counted(days, returned):
    """Count equal gaps, as `purchase_gaps` does."""
    raw = pd.DataFrame({"gap_days": days, "returned": returned})
    return raw.groupby(["gap_days", "returned"]).size().rename("gaps").reset_index()


def raw_gaps_of(sample):
    """Return every gap of the sample by itself, from its rows."""
    paid = sample["status"].isin(["paid", "shipped", "completed", "partially_refunded"])
    days = sample.loc[paid].assign(day=sample["ordered_at"].dt.normalize())
    days = days[["customer_id", "day"]].drop_duplicates().sort_values(["customer_id", "day"])
    following = days.groupby("customer_id")["day"].shift(-1)
    as_of = sample["ordered_at"].max().normalize()
    return (following.fillna(as_of) - days["day"]).dt.days.to_numpy(), following.notna().to_numpy()


@pytest.fixture(scope="module")
def gaps(sample):
    return raw_gaps_of(sample)


@pytest.fixture(scope="module")
def fit(orders):
    return from_frame(rk.purchase_gaps(orders))


# --- the curve -----------------------------------------------------------------------------------


def test_the_sample_is_estimated_as_lifelines_does_from_the_raw_gaps(gaps, fit):
    raw = lifelines_fit(*gaps)
    days = np.arange(fit.tail_from + 1)
    expected = raw.survival_function_at_times(days).to_numpy()
    np.testing.assert_allclose(fit.at(days), expected, rtol=0, atol=1e-12)
    assert fit.tail_from > 365


def test_its_intervals_are_those_of_lifelines(gaps, fit):
    raw = lifelines_fit(*gaps).confidence_interval_
    days = raw.index[(raw.index > 0) & (raw.index <= fit.tail_from)].to_numpy()
    lower, upper = fit.interval(np.zeros_like(days), days, 0.95)
    np.testing.assert_allclose(lower, raw.loc[days].iloc[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(upper, raw.loc[days].iloc[:, 1], rtol=0, atol=1e-12)
    assert (upper - lower).max() > 0.01


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_other_levels_are_those_of_lifelines(gaps, fit, confidence):
    with np.errstate():
        raw = KaplanMeierFitter(alpha=1 - confidence).fit(*gaps).confidence_interval_
    days = np.array([10.0, 50.0, 200.0])
    expected = raw.iloc[raw.index.searchsorted(days, side="right") - 1]
    found = np.column_stack(fit.interval(np.zeros(3), days, confidence))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("silent", [1, 17, 60, 180])
def test_after_a_silence_it_is_lifelines_of_the_longer_gaps(gaps, fit, silent):
    days, returned = gaps
    raw = lifelines_fit(days[days > silent], returned[days > silent])
    until = np.arange(silent + 1, fit.tail_from + 1)
    expected = raw.survival_function_at_times(until).to_numpy()
    np.testing.assert_allclose(fit.lasts(silent, until), expected, rtol=0, atol=1e-12)
    bounds = raw.confidence_interval_
    place = bounds.index.searchsorted(until, side="right") - 1
    # Before the first return lifelines has no interval: its sum is still empty.
    known = expected < 1
    lower, upper = fit.interval(np.full_like(until, silent), until, 0.95)
    np.testing.assert_allclose(
        np.column_stack([lower, upper])[known], bounds.iloc[place][known], rtol=0, atol=1e-12
    )
    assert known.sum() > 100


@quick
@given(raw_logs)
def test_any_gaps_are_estimated_as_lifelines_does(gaps):
    days, returned = map(np.array, zip(*gaps, strict=True))
    fit = from_frame(counted(days, returned))
    known = np.arange(fit.tail_from + 1)
    expected = lifelines_fit(days, returned).survival_function_at_times(known).to_numpy()
    np.testing.assert_allclose(fit.survival[known], expected, rtol=0, atol=1e-12)
    # Only a curve that falls to nothing is held above it.
    assert (fit.least > 0) == (expected[-1] == 0)
    np.testing.assert_array_equal(fit.at(known), np.maximum(fit.survival[known], fit.least))


@quick
@given(raw_logs)
def test_survival_falls_and_stays_a_probability(gaps):
    days, returned = map(np.array, zip(*gaps, strict=True))
    fit = from_frame(counted(days, returned))
    survival = fit.at(np.arange(5 * fit.days + 400))
    assert ((survival >= 0) & (survival <= 1)).all()
    assert (np.diff(survival) <= 1e-15).all()
    assert 0 <= fit.never <= 1
    silent = np.arange(3 * fit.days + 10)
    lower, upper = fit.interval(silent, silent + 30, 0.95)
    chance = fit.lasts(silent, silent + 30)
    assert ((lower >= 0) & (lower <= chance + 1e-12)).all()
    assert ((upper <= 1) & (upper >= chance - 1e-12)).all()


@quick
@given(raw_logs, st.randoms())
def test_the_order_of_the_rows_does_not_matter(gaps, random):
    days, returned = map(np.array, zip(*gaps, strict=True))
    table = counted(days, returned)
    shuffled = table.sample(frac=1, random_state=random.randint(0, 2**32 - 1))
    one, two = from_frame(table), from_frame(shuffled)
    np.testing.assert_array_equal(one.survival, two.survival)
    assert one.tail == two.tail


def test_the_counts_are_gaps_at_least_as_long_and_gaps_that_ended():
    fit = estimate([2, 2, 5, 7], [True, False, True, False], [3, 4, 5, 6])
    assert fit.at_risk.tolist() == [18, 18, 18, 11, 11, 11, 6, 6]
    assert fit.returns.tolist() == [0, 0, 3, 0, 0, 5, 0, 0]
    assert fit.days == 7
    # On day 2, 3 of 18 come back; on day 5, 5 of 11.
    np.testing.assert_allclose(
        fit.survival, [1, 1] + [15 / 18] * 3 + [15 / 18 * 6 / 11] * 3, rtol=1e-14
    )
    greenwood = 3 / (18 * 15)
    np.testing.assert_allclose(fit.greenwood[[1, 2, 4]], [0, greenwood, greenwood], rtol=1e-14)
    np.testing.assert_allclose(fit.greenwood[5], greenwood + 5 / (11 * 6), rtol=1e-14)


def test_a_silence_past_the_horizon_lasts_for_sure(fit):
    assert fit.lasts([90, 91, 500], [90, 90, 90]).tolist() == [1.0, 1.0, 1.0]
    lower, upper = fit.interval(np.array([90, 500]), np.array([90, 90]), 0.95)
    assert lower.tolist() == upper.tolist() == [1.0, 1.0]


# --- the tail ------------------------------------------------------------------------------------


def test_a_falling_hazard_adds_up_to_its_integral():
    tail = Tail(level=0.02, decay=0.01)
    days = np.array([0.0, 10.0, 1000.0])
    expected = 0.02 * (1 - np.exp(-0.01 * days)) / 0.01
    np.testing.assert_allclose(tail.hazard(days), expected, rtol=1e-13)
    assert tail.hazard(1e9) == pytest.approx(2.0)  # and so exp(-2) never return
    assert Tail(level=0.02, decay=0.0).hazard(10) == pytest.approx(0.2)


def test_a_constant_hazard_goes_on_as_it_was():
    # Of a hundred thousand gaps one in ten of the rest ends each day; watched for 20 days.
    left = [100_000]
    for _ in range(20):
        left.append(left[-1] - left[-1] // 10)
    ended = -np.diff(left)
    fit = estimate([*range(1, 21), 20], [True] * 20 + [False], [*ended, left[-1]])
    assert fit.tail_from == 20
    assert fit.at(20) == pytest.approx(0.9**20, rel=1e-3)
    # The share that returns a day is 0.1: a hazard of 0.1 a day in the tail.
    assert fit.at(40) == pytest.approx(0.9**20 * np.exp(-0.1 * 20), rel=0.02)


def test_the_tail_begins_where_ten_gaps_are_still_at_risk():
    fit = estimate([5, 9, 12], [True, True, True], [20, 9, 9])
    assert fit.tail_from == 9  # 18 at risk on day 9, and 9 on day 12
    assert fit.at(9) == pytest.approx(18 / 38 * 9 / 18)
    assert 0 < fit.at(12) < fit.at(9)


def test_a_last_return_that_leaves_nobody_is_a_return_too():
    # 120 gaps of exactly 30 days and 20 silences of 20: nobody returns before day 30.
    fit = estimate([30, 20], [True, False], [120, 20])
    assert fit.at([10, 20, 29]).tolist() == [1.0, 1.0, 1.0]
    assert fit.returned_within(0.5) == 30


# --- who never returns, and how long the others take ---------------------------------------------


def test_a_share_that_left_is_found():
    # 3,000 gaps end between day 1 and 100 (the later the fewer), 1,000 are open on day 400.
    days = np.arange(1, 101)
    gaps = np.linspace(59.4, 0.6, 100).round()
    fit = estimate([*days, 400], [True] * 100 + [False], [*gaps, 1000])
    assert fit.never == pytest.approx(1000 / (1000 + gaps.sum()), abs=0.02)
    half = int(days[np.searchsorted(gaps.cumsum(), gaps.sum() / 2)])
    assert fit.returned_within(0.5) == pytest.approx(half, abs=1)


def test_all_return_where_no_gap_is_open():
    fit = estimate(np.arange(1, 101), [True] * 100, [100] * 100)
    assert fit.never == pytest.approx(0, abs=0.01)
    assert fit.returned_within(0.5) == pytest.approx(50, abs=1)
    assert fit.returned_within(0.9) == pytest.approx(90, abs=1)


def test_the_share_of_returners_is_reached_on_the_very_day():
    # Ten gaps of 3 days and ten of 8, and none longer: half have returned on day 3, not before.
    fit = estimate([3, 8], [True, True], [10, 10])
    assert fit.at(3) == pytest.approx(0.5)
    share = 0.5 / (1 - fit.never)
    assert fit.returned_within(share) == 3
    assert fit.returned_within(share + 0.01) > 3


@quick
@given(raw_logs, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_more_returners_take_longer(gaps, one, other):
    days, returned = map(np.array, zip(*gaps, strict=True))
    fit = from_frame(counted(days, returned))
    less, more = sorted([one, other])
    assert fit.returned_within(less) <= fit.returned_within(more)


# --- manners -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["raise", "warn", "ignore"])
def test_numpy_warns_as_before(state):
    with np.errstate(all=state):
        before = np.geterr()
        fit = estimate([1, 2, 3], [True, True, True], [10, 10, 10])
        fit.interval(np.zeros(4), np.arange(4), 0.95)
        assert np.geterr() == before


def test_without_gaps_there_is_nothing_to_estimate():
    with pytest.raises(
        NotEnoughHistoryError, match=r"needs at least one purchase\.\nFound: no purchase\nHint"
    ):
        estimate([], [], [])


def test_silences_alone_leave_everything_open():
    fit = estimate([10, 20], [False, False], [5, 5])
    assert fit.survival.tolist() == [1.0] * 21
    assert fit.tail_from == 0
    assert 0 < fit.at(365) < 1


def test_days_are_seen_as_far_as_ten_gaps_reach():
    survival = estimate([5, 30, 40, 50], [True, False, False, False], [4, 6, 6, 9])
    assert survival.seen_days == 40
    assert survival.open_gaps == 21
    assert estimate([5, 7], [False, False], [9, 1]).seen_days == 5  # half of few


def test_where_all_come_back_half_a_gap_stays():
    survival = estimate([30, 20], [True, False], [120, 20])
    assert survival.tail_from == 30
    assert survival.at(29) == 1
    assert survival.at(30) == pytest.approx(0.5 / 120)
    assert survival.returned_within(0.5) == 30
    assert np.isfinite(survival.lasts(31, 400))
