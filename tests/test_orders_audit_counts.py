"""The tally: rows, orders and money by rule, each counted once."""

from collections import Counter

import pandas as pd
import pytest

import rfmkit as rk
from conftest import log


def orders_by_rule(frame, **options):
    table = rk.read_orders(frame, **options).audit.to_frame()
    return dict(zip(table["rule"], table["orders"], strict=True))


CASES = [
    ({"total": [1, 2]}, {"kept": 2, "read": 2}),
    ({"order_id": ["1", "2"]}, {"kept": 2, "read": 2}),
    ({"order_id": ["1", "1", "2", None, None]}, {"kept": 4, "read": 4}),
    (
        {"order_id": ["1", "1", "2", "2", None, None], "status": ["paid"] * 2 + ["void"] * 4},
        {"kept": 1, "void": 3, "read": 4},
    ),
    # An order with lines under two rules counts under both, and is one of the orders read.
    (
        {"order_id": ["1", "1", "1"], "total": ["5", "x", "y"]},
        {"kept": 1, "no_amount": 1, "read": 1},
    ),
    # The lines of one id on several days are one order all the same.
    (
        {
            "order_id": ["1", "1", "2"],
            "date": ["2024-01-01", "2024-01-02", "2024-01-01"],
            "status": ["void", "void", "paid"],
        },
        {"kept": 1, "void": 1, "read": 2},
    ),
    # An order never spans two customers.
    (
        {"order_id": ["1", "1", "1"], "customer": ["a", "b", "b"]},
        {"kept": 2, "read": 2},
    ),
    (
        {"order_id": ["1", "1", "2"], "customer": [None, None, "a"]},
        {"kept": 1, "no_customer": 1, "read": 2},
    ),
    (
        {"order_id": ["1", "1", "2"], "total": [5, -5, 1]},
        {"kept": 1, "refunded": 1, "read": 2},
    ),
    ({"total": [5, 3], "refund": [2, 0]}, {"kept": 2, "refund_deducted": 0, "read": 2}),
]  # fmt: skip


def test_the_lines_of_an_order_are_one_order():
    """The customers of the cases have names of their own, so that each is as if alone."""
    frames, sums = [], Counter()
    for place, (columns, expected) in enumerate(CASES):
        frame = log(**columns).astype({"total": str})
        frame["customer"] = frame["customer"].map(f"{{}}{place}".format, na_action="ignore")
        frames.append(frame)
        sums += Counter(expected)
    frame = pd.concat(frames, ignore_index=True)
    frame = frame.fillna({"status": "paid", "refund": 0})
    assert orders_by_rule(frame) == dict(sums) | {"refund_deducted": 0}


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "expected"), CASES)
def test_the_lines_of_an_order_of_a_small_log_are_one_order(columns, expected):
    assert orders_by_rule(log(**columns)) == expected


def test_torn_lines_count_as_one_each(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer,date,total\na,2024-01-01,1\nb,2024-01-01\n", "utf-8")
    assert orders_by_rule(path) == {"kept": 1, "unreadable_line": 1, "read": 2}


STATUSES = log(
    date=["2024-01-01", "2024-01-02", "2024-01-03", "1900-01-01", None, "2024-01-03"],
    status=["paid", "paid", "odd", "odd", None, "paid"],
)


def test_statuses_are_counted_by_the_words_of_the_log():
    found = rk.read_orders(STATUSES).audit.statuses
    assert found.to_numpy().tolist() == [
        ["paid", "paid", 3],
        ["odd", "unknown", 2],
        ["", "unknown", 1],
    ]
    assert found.dtypes.astype(str).tolist()[2] == "int64"


def test_statuses_of_later_rows_are_not_counted():
    found = rk.read_orders(STATUSES).until("2024-01-02").audit.statuses
    # A date that is none says nothing of when its row came.
    assert found.to_numpy().tolist() == [
        ["paid", "paid", 2],
        ["", "unknown", 1],
        ["odd", "unknown", 1],
    ]


def test_a_log_without_statuses_has_none():
    found = rk.read_orders(log(total=[1])).audit.statuses
    assert found.columns.tolist() == ["status", "meaning", "rows"]
    assert found.empty
