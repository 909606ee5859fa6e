"""Notes: what was taken for granted, and what of the caller's words came to nothing."""

import pandas as pd
import pytest

import rfmkit as rk
from conftest import log
from rfmkit.exceptions import OrdersError

ROWS = log(status=["bezahlt", "paid", ""], memo=["Test order", None, "gift"])


def notes_that_begin(start, **options):
    return [note for note in rk.read_orders(ROWS, **options).notes if note.startswith(start)]


@pytest.mark.parametrize(
    ("statuses", "unused"),
    [
        ({"Bezahlt ": "paid"}, []),
        ({"bezhalt": "paid", "paid": "paid"}, ["statuses=: no row has the word 'bezhalt'"]),
    ],
)
def test_a_word_that_no_row_has_is_noted(statuses, unused):
    assert notes_that_begin("statuses=", statuses=statuses) == unused


@pytest.mark.parametrize(
    ("exclude", "unmatched"),
    [
        ({"memo": "TEST"}, []),
        ({"memo": "tset", "status": "bezahlt"}, ["exclude=: no row whose 'memo' matches 'tset'"]),
    ],
)
def test_a_pattern_that_matches_no_row_is_noted(exclude, unmatched):
    assert notes_that_begin("exclude=", exclude=exclude) == unmatched


def test_customers_without_ids_are_known_by_their_addresses():
    frame = log(customer=["x"] * 3).drop(columns="customer")
    frame["Email Address"] = ["A@example.com ", "a@example.com", "none"]
    orders = rk.read_orders(frame)
    assert orders.notes[0] == "ordered_at: column 'date'"
    assert "email: column 'Email Address'" in orders.notes
    assert orders.to_frame()["customer_id"].unique().tolist() == ["a@example.com"]
    assert orders.rejected["rule"].tolist() == ["no_customer"]


def test_where_there_is_a_column_of_customers_the_address_is_not_asked():
    frame = log(customer=["a", None], email=["x@example.com", "y@example.com"])
    assert rk.read_orders(frame).to_frame()["customer_id"].tolist() == ["a"]


def test_a_column_made_of_two_is_shown_as_the_source_has_it():
    square = {
        "Date": ["2024-01-01"],
        "Time": ["10:00:00"],
        "Transaction ID": ["1"],
        "Total Collected": ["$5.00"],
        "Customer ID": ["a"],
    }
    orders = rk.read_orders(pd.DataFrame(square), format="square", customer="Customer ID")
    assert orders.audit.columns["ordered_at"] == "Date"
    assert not any("rfmkit_" in note for note in orders.notes)


def test_the_notes_name_the_column_of_each_role():
    notes = rk.read_orders(log(order_id=["1"], refund=[0], category=["x"])).notes
    assert notes[:6] == (
        "customer_id: column 'customer'",
        "ordered_at: column 'date'",
        "amount: column 'total'",
        "order_id: column 'order_id'",
        "refund_amount: column 'refund'",
        "category: column 'category'",
    )


def test_a_log_without_order_ids_says_what_an_order_is():
    assert "no order id: every row is a separate order" in rk.read_orders(log(total=[1])).notes


def test_a_log_without_rows_is_an_error():
    expected = "Found: columns 'customer', 'date', 'total' and no row\nHint: export it again"
    with pytest.raises(OrdersError, match=expected):
        rk.read_orders(log(total=[1]).iloc[:0])


@pytest.mark.parametrize(
    "dates", [["1900-01-01", "9999-12-31"], ["2024-02-30", None], [None, None]]
)
def test_a_log_without_a_date_is_an_error(dates):
    with pytest.raises(OrdersError, match="date"):
        rk.read_orders(log(date=dates))


def test_days_of_universal_time_are_noted():
    frame = log(date=pd.to_datetime(["2024-01-01T23:30:00Z"]))
    note = "ordered_at: the days of 'date' are days of UTC; pass tz= for those of the shop"
    assert note in rk.read_orders(frame).notes
    assert note not in rk.read_orders(frame, tz="UTC").notes


def test_partial_refunds_of_unknown_size_are_noted():
    frame = log(status=["partially_refunded"])
    note = "partially refunded orders count in full: no column has the refunded money"
    assert note in rk.read_orders(frame).notes
    assert note not in rk.read_orders(frame.assign(refund=0.5)).notes
