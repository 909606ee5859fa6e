"""Regularity: by hand, and in intervals that hold the truth as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.cycle import two_last_gaps, wheat_morrison
from rfmkit.cycle._regularity import last_two, regularity_of, regularity_of_pairs, regularity_table

GAPS = st.floats(min_value=1, max_value=1000)


def test_wheat_and_morrison_by_hand():
    # M is 1/4 and 3/4: v = 1/16, k = (1 - 1/4) / (8/16) = 1.5; the order of two gaps is no matter.
    assert wheat_morrison(np.array([10.0, 30]), np.array([30.0, 10]), np.ones(2)) == 1.5
    assert wheat_morrison(np.array([10.0]), np.array([30.0]), np.array([2.0])) == 1.5
    assert wheat_morrison(np.array([20.0]), np.array([20.0]), np.array([2.0])) == float("inf")
    assert np.isnan(wheat_morrison(np.array([20.0]), np.array([30.0]), np.ones(1)))


@given(pairs=st.lists(st.tuples(GAPS, GAPS), min_size=2, max_size=30), times=st.floats(0.1, 10))
def test_the_unit_of_time_and_the_order_of_the_gaps_are_no_matter(pairs, times):
    first, second = np.array(pairs).T
    k = wheat_morrison(first, second, np.ones(len(pairs)))
    turned = wheat_morrison(second * times, first * times, np.ones(len(pairs)))
    assert turned == pytest.approx(k, rel=1e-6) or min(k, turned) > 1e9


@pytest.mark.parametrize("k", [0.5, 1.0, 3.0])
def test_the_interval_holds_the_truth_as_often_as_it_says(k):
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        found = regularity_of_pairs(*rng.gamma(k, size=(2, 300)), np.ones(300)).iloc[0]
        held += found["regularity_lower"] <= k <= found["regularity_upper"]
    assert 0.92 <= held / 400 <= 0.98


def test_the_timing_is_said_in_a_word():
    rng = np.random.default_rng(2)
    words = [
        regularity_of_pairs(*rng.gamma(k, size=(2, 2000)), np.ones(2000))["timing"].iloc[0]
        for k in (0.5, 1.0, 2.0)
    ]
    assert words == ["clumped", "random", "regular"]


def test_equal_gaps_are_regular_and_one_pair_is_unknown():
    clock = regularity_of_pairs(np.array([7.0]), np.array([7.0]), np.array([5.0])).iloc[0]
    assert clock["regularity"] == clock["regularity_lower"] == float("inf")
    assert (clock["pairs"], clock["timing"]) == (5, "regular")
    none = regularity_table([0, 1], [0, 0.1], [0, 0.01])
    assert none["timing"].tolist() == ["unknown", "unknown"]
    assert none[["regularity", "regularity_lower", "regularity_upper"]].isna().all(axis=None)


def test_k_of_a_spread_is_that_of_the_beta():
    k = np.array([0.5, 1.0, 2.0, 7.5])
    np.testing.assert_allclose(
        regularity_of(1 / (4 * (2 * k + 1))), k
    )  # the variance of Beta(k, k)
    assert np.isnan(regularity_of(np.nan))


def test_pairs_are_counted_once_for_each_customer(orders, customers):
    pairs = orders.history.engine.frame(two_last_gaps(orders))
    assert list(pairs.columns) == ["gap_before", "last_gap", "customers"]
    assert pairs["customers"].sum() == (customers["purchases"] >= 3).sum()
    cycle = rk.PurchaseCycle().fit(orders)
    assert cycle.regularity_ == pytest.approx(wheat_morrison(*last_two(orders)), rel=1e-12)
    row = cycle.regularity_summary_.iloc[0]
    assert row["pairs"] == pairs["customers"].sum()
    assert row["regularity_lower"] < row["regularity"] < row["regularity_upper"]
