"""Status: each row is kept or set aside by one rule, and the shop's words have their meanings."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rfmkit as rk
from conftest import audited, log
from rfmkit.columns import RULES
from rfmkit.exceptions import ColumnsError, RfmkitError


def rules_of(orders, rows):
    """The rule against each row, in the order of the log; None: kept."""
    rejected = orders.rejected
    rule = dict(zip(rejected["row"], rejected["rule"], strict=True))
    return [rule.get(row) for row in range(1, rows + 1)]


def rules(frame, **options):
    return rules_of(rk.read_orders(frame, **options), len(frame))


# --- one rule a row --------------------------------------------------------------------------


TEXT = {"customer": "a", "date": "2024-01-01", "total": "1", "status": "paid"}
NUMBERS = {"customer": 17850.0, "date": 20240101, "total": 1.0}
CASES = [  # the first cell of each case counts
    (TEXT, "customer", ["a", None, "", " ", "nan", "NULL"], "no_customer"),
    (TEXT, "customer", ["17850", "3.51531E+16", "1.7e+16"], "mangled_customer"),
    (NUMBERS, "customer", [17850.0, 3.51531e16, 1e17], "mangled_customer"),
    (TEXT, "date", ["2024-01-01", None, "", "null", "2023-02-29", "2024-01-32"], "no_time"),
    (TEXT, "date", ["2024-01-01", "1900-01-01", "9999-12-31", "1979-12-31"], "implausible_time"),
    (NUMBERS, "date", [20240101, 19000101, 99991231], "implausible_time"),
    (TEXT, "total", ["1", None, "", "abc", "NaN", "inf", "-inf"], "no_amount"),
    (NUMBERS, "total", [1.0, None, float("nan"), float("inf"), float("-inf")], "no_amount"),
    (NUMBERS, "total", [1.0, 0.0, -0.0], "zero_amount"),
    (TEXT, "total", ["1", "0", "0.00", "$0"], "zero_amount"),
    (TEXT, "status", ["paid", "unpaid", "等待买家付款", "pending"], "unpaid"),
    (TEXT, "status", ["paid", "closed_unpaid", "expired"], "closed_unpaid"),
    (TEXT, "status", ["paid", "cancelled", "已取消", "Canceled"], "cancelled"),
    (TEXT, "status", ["paid", "void", "voided"], "void"),
    (TEXT, "status", ["paid", "test"], "test"),
    (TEXT, "status", ["paid", "deleted"], "deleted"),
    (TEXT, "status", ["paid", "refunded", "退款成功"], "refunded"),
    (TEXT, "status", ["paid", "closed_refunded"], "closed_refunded"),
    (TEXT, "status", ["paid", "Verschickt", "交易关闭", None, ""], "unknown_status"),
    (TEXT, "status", ["paid", "shipped", "completed", "partially_refunded"], None),
]


def assert_set_aside(frame, expected):
    """Each row has its rule, and the audit counts them."""
    orders = rk.read_orders(frame)
    assert rules_of(orders, len(frame)) == expected
    counts = dict(Counter(rule or "kept" for rule in expected)) | {"read": len(frame)}
    assert {rule: rows for rule, (rows, _) in audited(orders).items()} == counts


def rows_of(good):
    """Rows with the cells of each case in turn, good otherwise, and the rule against each row."""
    cases = [case[1:] for case in CASES if case[0] is good]
    rows = [good | {column: cell} for column, cells, _ in cases for cell in cells]
    expected = [[None, *[rule] * (len(cells) - 1)] for _, cells, rule in cases]
    return rows, [rule for rules in expected for rule in rules]


FIRST_WINS = [
    ({"customer": None, "date": "null", "total": "x", "status": "odd"}, "no_customer"),
    ({"customer": "3.5E+16", "date": "null", "total": "x", "status": "odd"}, "mangled_customer"),
    ({"customer": "a", "date": "null", "total": "x", "status": "odd"}, "no_time"),
    ({"customer": "a", "date": "1900-01-01", "total": "x", "status": "odd"}, "implausible_time"),
    ({"customer": "a", "date": "2024-01-01", "total": "x", "status": "odd"}, "no_amount"),
    ({"customer": "a", "date": "2024-01-01", "total": "0", "status": "odd"}, "unknown_status"),
]


def test_a_row_that_does_not_count_has_one_rule_and_the_first_one_wins():
    rows, expected = rows_of(TEXT)
    frame = pd.DataFrame(rows + [row for row, _ in FIRST_WINS])
    assert_set_aside(frame, expected + [rule for _, rule in FIRST_WINS])


def test_a_row_of_numbers_that_does_not_count_has_its_rule():
    rows, expected = rows_of(NUMBERS)
    assert_set_aside(pd.DataFrame(rows), expected)


@pytest.mark.slow
@pytest.mark.parametrize(("good", "column", "cells", "rule"), CASES)
def test_a_row_that_does_not_count_has_its_rule_in_a_log_of_its_own(good, column, cells, rule):
    assert_set_aside(log(**{column: cells}), [None, *[rule] * (len(cells) - 1)])


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        (("2024-01-01", "2024-01-03"), [True, True, False]),
        (("2024-01-02", "2024-01-03"), [False, True, False]),
        ((dt.date(2024, 1, 1), dt.date(2024, 1, 4)), [True, True, True]),
    ],
)
def test_plausible_dates_are_half_open(between, kept):
    frame = log(date=["2024-01-01 23:59", "2024-01-02 12:00", "2024-01-03 00:00"])
    found = rules(frame, dates_between=between)
    assert [rule is None for rule in found] == kept
    assert set(found) <= {None, "implausible_time"}


def test_every_rule_of_the_audit_is_explained():
    frame = log(customer=["a", None], total=[1.0, 2.0])
    audit = rk.read_orders(frame).audit.to_frame().set_index("rule")["meaning"].to_dict()
    assert audit == {
        "kept": RULES["kept"],
        "no_customer": RULES["no_customer"],
        "read": "the whole log",
    }


# --- status words ----------------------------------------------------------------------------


def test_unknown_statuses_are_noted_by_name():
    orders = rk.read_orders(log(status=["paid", "Verschickt", "Unterwegs", "Verschickt"]))
    assert "unknown statuses: 'Unterwegs', 'Verschickt'" in orders.notes
    assert audited(orders)["unknown_status"] == (3, Decimal(3))


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_row_without_a_status_is_noted_too(nothing):
    orders = rk.read_orders(log(status=["paid", nothing]))
    assert any("unknown status" in note for note in orders.notes)


def test_a_row_without_a_status_has_an_unknown_one():
    orders = rk.read_orders(log(status=["paid", None, "", "  "]))
    assert audited(orders)["unknown_status"] == (3, Decimal(3))


def test_the_callers_words_decide():
    frame = log(status=["Verschickt", "paid", "Offen"])
    own = {"verschickt": "shipped", "paid": "void", "Offen": "unpaid"}
    assert rules(frame, statuses=own) == [None, "void", "unpaid"]


def test_status_codes_may_be_numbers():
    frame = log(status=[1, 2, 3])
    assert rules(frame, statuses={"1": "paid", "2": "cancelled"}) == [
        None,
        "cancelled",
        "unknown_status",
    ]


def test_a_bad_word_of_the_caller_is_an_error():
    with pytest.raises(RfmkitError, match=r"Found: 'sold'\nHint: the canonical ones are unpaid"):
        rk.read_orders(log(status=["x"]), statuses={"x": "sold"})


def test_a_status_column_of_a_thousand_words_is_an_error():
    frame = log(status=[f"order {n}" for n in range(1001)])
    with pytest.raises(ColumnsError, match=r"over 1,000 different words in 'status'\nHint: name"):
        rk.read_orders(frame)


@pytest.mark.parametrize(
    "kind", ["pandas", pytest.param("polars", marks=pytest.mark.slow), "pyarrow"]
)
def test_words_may_be_categories(kind):
    frame = log(customer=["a", "b"], status=["paid", "void"], total=["1", "2"]).astype("category")
    source = {"pandas": frame, "polars": pl.from_pandas(frame), "pyarrow": pa.table(frame)}[kind]
    found = rk.read_orders(source, output="pandas")
    assert audited(found) == {
        "kept": (1, Decimal(1)),
        "void": (1, Decimal(2)),
        "read": (2, Decimal(3)),
    }


def test_without_a_status_no_paid_time_means_unpaid():
    orders = rk.read_orders(log(paid_at=["2024-01-05", None, "null", "", "2024-01-06"]))
    assert audited(orders)["unpaid"] == (3, Decimal(3))
    assert "no status column: a row is paid if it has a paid time" in orders.notes


def test_with_a_status_no_paid_time_says_nothing():
    assert rules(log(paid_at=["2024-01-05", None], status=["paid", "paid"])) == [None, None]


def test_without_status_and_paid_time_every_row_is_paid():
    orders = rk.read_orders(log(total=[1]))
    assert "no status column: every row is taken as paid" in orders.notes
    assert orders.to_frame()["status"].tolist() == ["paid"]


@pytest.mark.parametrize("status", [pytest.param(["paid", "unpaid"], marks=pytest.mark.slow), None])
def test_an_unpaid_order_needs_no_date_where_the_only_one_is_that_of_payment(status):
    frame = log(customer=["a", "b"], total=[1, 2]).drop(columns="date")
    frame["paid_at"] = ["2024-01-05", None]
    frame = frame if status is None else frame.assign(status=status)
    orders = rk.read_orders(frame)
    assert audited(orders)["unpaid"] == (1, Decimal(2))
    prospect = rk.segment(orders).set_index("customer_id").loc["b"]
    assert prospect[["segment", "unpaid_orders", "ordered_unpaid"]].tolist() == [
        "prospect",
        1,
        True,
    ]
