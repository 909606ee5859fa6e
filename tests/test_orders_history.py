"""History: the tables of a log as of a day, each of them made once."""

import datetime as dt

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from conftest import log
from histories import START, frame_of, quick, small_logs, valid_orders
from rfmkit.orders._history import days_between, joined


@pytest.mark.parametrize(
    ("status", "counted"), [("pending", "unpaid_orders"), ("refunded", "refunded_orders")]
)
def test_lines_that_were_set_aside_are_counted_by_order(status, counted):
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "a", "b"],
            "order_id": ["1", "1", None, None, "2"],
            "date": "2024-01-01",
            "amount": [100, 30, 4, 4, 5],
            "status": [status] * 4 + ["paid"],
        }
    )
    segments = rk.segment(rk.read_orders(log)).set_index("customer_id")
    assert segments.loc["a", counted] == 3  # one of two lines, and two that name no order
    assert segments.loc["b", counted] == 0


def frame(history, table):
    return history.engine.frame(table)


ROWS = [
    (customer, 3 * place, cents, back, status)
    for place, (customer, cents, back, status) in enumerate(
        [
            ("a", 1000, 500, "paid"),
            ("a", 2000, 0, "completed"),
            ("a", 1000, 1000, "paid"),
            ("b", 1999, 0, "paid"),
            ("b", 1000, 0, "refunded"),
            ("c", -1000, 0, "paid"),
            ("c", 2000, 0, "unpaid"),
            ("d", 2000, 0, "cancelled"),
            ("d", 0, 0, "paid"),
        ]
    )
]
ROWS += [("a", 3, 1000, 0, "paid"), ("b", 9, -1000, 0, "closed_refunded")]
ROWS += [("d", 20, 1000, 0, "paid"), ("d", 20, -1000, 0, "paid"), ("a", 28, 2000, 0, "paid")]


def assert_valid_by_the_definitions(rows, day):
    as_of = (START + pd.Timedelta(days=day)).date()
    by_hand = frame_of(rows)
    by_hand = valid_orders(by_hand[by_hand["ordered_at"].dt.date <= as_of])
    history = rk.read_orders(frame_of(rows), as_of=as_of).history
    found = frame(history, history.valid)
    valid = by_hand[by_hand["valid"]]
    assert sorted(found["customer_id"]) == sorted(valid["customer_id"])
    assert sorted((found["amount"] * 100).astype("int64")) == sorted(valid["net"])


def test_the_valid_orders_are_those_of_the_definitions():
    assert_valid_by_the_definitions(ROWS, 26)


@pytest.mark.slow
@quick
@given(small_logs, st.integers(0, 30))
def test_the_valid_orders_of_any_log_are_those_of_the_definitions(rows, day):
    assert_valid_by_the_definitions(rows, day)


def assert_numbered_without_a_hole(rows, same_day):
    history = rk.read_orders(frame_of(rows), same_day=same_day).history
    found = frame(history, history.purchases)
    for _, theirs in found.groupby("customer_id"):
        assert sorted(set(theirs["purchase_number"])) == list(
            range(1, theirs["purchase_number"].max() + 1)
        )
        days = theirs["day"].nunique() if same_day == "merge" else len(theirs)
        assert theirs["purchase_number"].max() == days
    ends = frame(history, history.purchases.filter(history.ends_purchase(history.purchases)))
    assert not ends.duplicated(["customer_id", "purchase_number"]).any()
    assert len(ends) == len(found.drop_duplicates(["customer_id", "purchase_number"]))


@pytest.mark.parametrize("same_day", ["merge", "keep"])
def test_purchases_are_numbered_without_a_hole(same_day):
    assert_numbered_without_a_hole(ROWS, same_day)


@pytest.mark.slow
@quick
@given(small_logs, st.sampled_from(["merge", "keep"]))
def test_purchases_of_any_log_are_numbered_without_a_hole(rows, same_day):
    assert_numbered_without_a_hole(rows, same_day)


def test_a_table_is_made_once():
    history = rk.read_orders(log(total=[1, 2])).history
    assert history.purchases is history.purchases
    assert history.customers is history.customers
    made = []
    assert [history.once("name", lambda: made.append(1) or len(made)) for _ in range(3)] == [1] * 3


@pytest.mark.parametrize("role", ["customer", "email"])
def test_the_role_that_identifies_customers_is_known(role):
    orders = rk.read_orders(log(total=[1]).rename(columns={"customer": role}))
    assert orders.history.customer_role == {"customer": "customer_id"}.get(role, role)


def test_a_history_says_of_which_day_it_is_and_what_it_holds():
    history = rk.read_orders(log(date=["2024-03-05"])).history
    assert repr(history).startswith("<History as of 2024-03-05: .orders, .purchases, .gaps")


@given(st.dates(dt.date(1980, 1, 1), dt.date(2100, 1, 1)), st.integers(-9999, 9999))
def test_days_are_counted_by_the_calendar(engine, start, days):
    end = start + dt.timedelta(days=days)
    found = days_between(ibis.literal(start), ibis.literal(end)).name("days").as_table()
    assert engine.row(found) == {"days": days}


def test_joined_customers_are_those_of_the_left(engine):
    left = ibis.memtable({"customer_id": ["a", "b"], "spend": [1.0, 2.0]})
    right = ibis.memtable({"customer_id": ["b", "c"], "visits": [3, 4]})
    found = engine.frame(joined(left, right).order_by("customer_id"))
    assert found.columns.tolist() == ["customer_id", "spend", "visits"]
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found["visits"].fillna(0).tolist() == [0, 3]
