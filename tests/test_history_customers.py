"""Customers: `summarize` gives what plain Python makes of the same rows."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from histories import (
    PAID,
    START,
    VARIED,
    assert_same,
    customers_by_hand,
    frame_of,
    quick,
    small_logs,
)
from rfmkit.exceptions import RfmkitError


@pytest.mark.parametrize(
    ("as_of", "same_day", "share"),
    [
        (dt.date(2024, 6, 30), "merge", 4),
        pytest.param(dt.date(2024, 6, 30), "merge", 1, marks=pytest.mark.slow),
        pytest.param(dt.date(2024, 12, 31), "keep", 1, marks=pytest.mark.slow),
    ],
)
def test_the_customers_of_the_sample_are_those_counted_by_hand(sample, as_of, same_day, share):
    log = sample[sample["customer_id"].isin(sample["customer_id"].unique()[::share])]
    found = rk.summarize(rk.read_orders(log, as_of=as_of, same_day=same_day))
    assert_same(found, customers_by_hand(log, as_of, same_day=same_day))


def summarized_as_by_hand(rows, same_day, day):
    """Compare the summary of a log on a day of it with the one made by hand."""
    log = frame_of(rows)
    as_of = (START + pd.Timedelta(days=day)).date()
    found = rk.summarize(rk.read_orders(log, as_of=as_of, same_day=same_day))
    expected = customers_by_hand(log, as_of, same_day=same_day)
    if expected.empty:
        assert found.empty
    else:
        assert_same(found, expected)


@pytest.mark.parametrize(("same_day", "day"), [("merge", 22), ("keep", 40)])
def test_a_varied_log_is_summarized_as_by_hand(same_day, day):
    summarized_as_by_hand(VARIED, same_day, day)


@pytest.mark.slow
@quick
@given(small_logs, st.sampled_from(["merge", "keep"]), st.integers(0, 40))
def test_any_small_log_is_summarized_as_by_hand(rows, same_day, day):
    summarized_as_by_hand(rows, same_day, day)


def test_refund_amount_is_all_the_money_given_back():
    # The order of 2 January was paid and given back in full, by its status or by its refund.
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b"],
            "ordered_at": ["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-02"],
            "amount": [50.0, 100.0, 50.0, 100.0],
            "refund_amount": [10.0, 100.0, 10.0, 100.0],
            "status": ["partially_refunded", "refunded", "paid", "paid"],
        }
    )
    customers = rk.summarize(rk.read_orders(log))
    assert customers["spend"].tolist() == [40.0, 40.0]
    assert customers["refunded_orders"].tolist() == [2, 2]
    assert customers["refund_amount"].tolist() == [110.0, 110.0]


def test_one_purchase_has_no_gap(sample, customers):
    once = customers[customers["purchases"] == 1]
    assert len(once) > 100
    assert once[["mean_gap_days", "last_gap_days"]].isna().all(axis=None)
    assert (once["repeat_purchases"] == 0).all()
    more = customers[customers["purchases"] > 1]
    assert more[["mean_gap_days", "last_gap_days"]].notna().all(axis=None)


def test_categories_are_counted_on_request(sample, orders, customers):
    found = rk.summarize(orders, categories=True)
    assert list(found.columns) == [*customers.columns, "categories"]
    paid = sample[sample["status"].isin(PAID)]
    expected = paid.groupby("customer_id")["category"].nunique()
    assert found.set_index("customer_id")["categories"].equals(expected[found["customer_id"]])


def test_categories_are_not_there_where_the_log_has_none():
    log = pd.DataFrame({"customer_id": ["a"], "date": ["2024-01-01"], "amount": [1]})
    assert "categories" not in rk.summarize(rk.read_orders(log), categories=True)


def test_money_is_summed_exactly():
    # Three doubles of 0.1 make 0.30000000000000004; a hundred million and cents lose the cents.
    log = pd.DataFrame(
        {
            "customer_id": ["a"] * 3 + ["b"] * 2,
            "date": "2024-01-01",
            "amount": ["0.10", "0.10", "0.10", "99999999999.99", "0.01"],
        }
    )
    assert rk.summarize(rk.read_orders(log))["spend"].tolist() == [0.3, 1e11]


def test_before_the_first_order_nobody_is_there(orders):
    before = orders.until("2022-12-31")
    assert rk.summarize(before).empty
    assert rk.purchase_gaps(before).empty


def test_customers_without_a_column_are_an_error_that_names_it(orders, customers):
    curve = rk.ChurnCurve().fit(orders)
    with pytest.raises(RfmkitError, match=r"no 'recency_days' among .*\nHint: .*summarize"):
        curve.predict_churn(customers.drop(columns="recency_days"))


def test_the_money_of_a_summary_adds_up_to_the_audit(orders, customers):
    audit = orders.audit.to_frame().set_index("rule")
    cents = (customers["spend"] * 100).round().astype("int64").sum()
    assert Decimal(int(cents)) / 100 == audit.loc["kept", "amount"]
    assert customers["orders"].sum() == audit.loc["kept", "rows"]
