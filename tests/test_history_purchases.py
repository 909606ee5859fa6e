"""Purchases: the gaps between them are those that plain pandas counts."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from histories import START, VARIED, assert_same, counted, frame_of, quick, raw_gaps, small_logs


@pytest.mark.parametrize(
    ("as_of", "same_day"), [(dt.date(2024, 12, 31), "merge"), (dt.date(2024, 3, 31), "keep")]
)
def test_the_gaps_of_the_sample_are_counted(sample, as_of, same_day):
    log = rk.read_orders(sample, as_of=as_of, same_day=same_day)
    assert_same(rk.purchase_gaps(log), counted(raw_gaps(sample, as_of, same_day=same_day)))


def gaps_are_counted(rows, same_day):
    """Compare the gaps of a log with those counted from its rows."""
    log = frame_of(rows)
    as_of = (START + pd.Timedelta(days=33)).date()
    expected = counted(raw_gaps(log, as_of, same_day=same_day))
    found = rk.purchase_gaps(rk.read_orders(log, as_of=as_of, same_day=same_day))
    if expected.empty:
        assert found.empty
    else:
        assert_same(found, expected)


def test_the_gaps_of_a_varied_log_are_counted():
    gaps_are_counted(VARIED, "merge")


@pytest.mark.slow
@quick
@given(small_logs, st.sampled_from(["merge", "keep"]))
def test_the_gaps_of_any_small_log_are_counted(rows, same_day):
    gaps_are_counted(rows, same_day)


def test_orders_of_one_day_are_one_purchase_unless_kept():
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a"],
            "ordered_at": ["2024-01-01 09:00", "2024-01-01 17:00", "2024-01-05 12:00"],
            "amount": [1, 2, 3],
        }
    )
    gaps = rk.purchase_gaps(rk.read_orders(log))
    assert gaps.to_numpy().tolist() == [[1, 4, True, 1], [2, 0, False, 1]]
    kept = rk.purchase_gaps(rk.read_orders(log, same_day="keep"))
    assert kept.to_numpy().tolist() == [[1, 0, True, 1], [2, 4, True, 1], [3, 0, False, 1]]


def every_purchase_opens_one_gap(rows, same_day):
    """Compare the number and the days of the gaps of a log with those of its customers."""
    orders = rk.read_orders(frame_of(rows), same_day=same_day)
    gaps, customers = rk.purchase_gaps(orders), rk.summarize(orders)
    returned = gaps["returned"]
    assert gaps["gaps"].sum() == customers["purchases"].sum()
    assert gaps.loc[~returned, "gaps"].sum() == len(customers)
    # The ended gaps of a customer add up to its active days, the open one is its recency.
    days = gaps["gap_days"] * gaps["gaps"]
    assert days[returned].sum() == customers["active_days"].sum()
    assert days[~returned].sum() == customers["recency_days"].sum()


def test_in_a_varied_log_every_purchase_opens_one_gap():
    every_purchase_opens_one_gap(VARIED, "keep")


@pytest.mark.slow
@quick
@given(small_logs, st.sampled_from(["merge", "keep"]))
def test_every_purchase_opens_one_gap_and_every_customer_has_one_open(rows, same_day):
    every_purchase_opens_one_gap(rows, same_day)


def test_the_counts_are_whole_numbers_and_the_outcome_is_a_flag(orders):
    gaps = rk.purchase_gaps(orders)
    whole = gaps.drop(columns="returned").dtypes
    assert all(np.issubdtype(dtype, np.integer) for dtype in whole)
    assert gaps["returned"].dtype == bool
    assert gaps.columns.tolist() == ["order_number", "gap_days", "returned", "gaps"]
    assert not gaps.duplicated(["order_number", "gap_days", "returned"]).any()
