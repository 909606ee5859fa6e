"""Notes: what was taken for granted, and what of the caller's words came to nothing."""

import pandas as pd
import pytest

import rfmkit as rk
from conftest import log

ROWS = log(status=["bezahlt", "paid", ""], memo=["Test order", None, "gift"])


def told(start, **options):
    return [note for note in rk.read_orders(ROWS, **options).notes if note.startswith(start)]


@pytest.mark.parametrize(
    ("statuses", "unused"),
    [
        ({"Bezahlt ": "paid"}, []),
        ({"bezhalt": "paid", "paid": "paid"}, ["statuses=: no row has the word 'bezhalt'"]),
    ],
)
def test_a_word_that_no_row_has_is_noted(statuses, unused):
    assert told("statuses=", statuses=statuses) == unused


@pytest.mark.parametrize(
    ("exclude", "unmatched"),
    [
        ({"memo": "TEST"}, []),
        ({"memo": "tset", "status": "bezahlt"}, ["exclude=: no row whose 'memo' matches 'tset'"]),
    ],
)
def test_a_pattern_that_matches_no_row_is_noted(exclude, unmatched):
    assert told("exclude=", exclude=exclude) == unmatched


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
