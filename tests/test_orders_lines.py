"""Every row is read, and kept or given one rule; what was assumed is in the notes."""

import datetime as dt
import os
import re
import subprocess
import sys
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rfmkit as rk
from conftest import audited, log
from rfmkit.columns import RULES
from rfmkit.exceptions import ColumnsError, OrdersError, RfmkitError


def rules(frame, **options):
    """The rule against each row, in the order of the log; None: kept."""
    rejected = rk.read_orders(frame, **options).rejected
    rule = dict(zip(rejected["row"], rejected["rule"], strict=True))
    return [rule.get(row) for row in range(1, len(frame) + 1)]


def moments(source, **options):
    return rk.read_orders(source, **options, output="pandas").to_frame()["ordered_at"].tolist()


# --- one rule a row --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("customer", ["a", None, "", " ", "nan", "NULL", "b"], "no_customer"),
        ("customer", ["17850", "3.51531E+16", "1.7e+16"], "mangled_customer"),
        ("customer", [17850.0, 3.51531e16, 1e17], "mangled_customer"),
        ("date", ["2024-01-01", None, "", "null", "2023-02-29", "2024-01-32"], "no_time"),
        ("date", ["2024-01-01", "1900-01-01", "9999-12-31", "1979-12-31"], "implausible_time"),
        ("date", [20240101, 19000101, 99991231], "implausible_time"),
        ("total", ["1", None, "", "abc", "NaN", "inf", "-inf"], "no_amount"),
        ("total", [1.0, None, float("nan"), float("inf"), float("-inf")], "no_amount"),
        ("total", [1.0, 0.0, -0.0], "zero_amount"),
        ("total", ["1", "0", "0.00", "$0"], "zero_amount"),
        ("status", ["paid", "unpaid", "等待买家付款", "pending"], "unpaid"),
        ("status", ["paid", "closed_unpaid", "expired"], "closed_unpaid"),
        ("status", ["paid", "cancelled", "已取消", "Canceled"], "cancelled"),
        ("status", ["paid", "void", "voided"], "void"),
        ("status", ["paid", "test"], "test"),
        ("status", ["paid", "deleted"], "deleted"),
        ("status", ["paid", "refunded", "退款成功"], "refunded"),
        ("status", ["paid", "closed_refunded"], "closed_refunded"),
        ("status", ["paid", "Verschickt", "交易关闭", None, ""], "unknown_status"),
    ],
)
def test_a_row_that_does_not_count_has_its_rule(column, cells, expected):
    frame = log(**{column: cells})
    if column == "customer":
        kept = [str(cell) in ("a", "b", "17850", "17850.0") for cell in cells]
    else:
        kept = [place == 0 for place in range(len(cells))]
    assert rules(frame) == [None if good else expected for good in kept]
    found = audited(rk.read_orders(frame))
    assert found[expected][0] == kept.count(False)
    assert found["kept"][0] == kept.count(True)
    assert found["read"][0] == len(cells)


@pytest.mark.parametrize("status", ["paid", "shipped", "completed", "partially_refunded"])
def test_what_was_paid_counts(status):
    assert rules(log(status=[status])) == [None]


def test_one_row_has_one_rule_and_the_first_one_wins():
    bad = log(
        customer=[None, "3.5E+16", "a", "a", "a", "a"],
        date=["null", "null", "null", "1900-01-01", "2024-01-01", "2024-01-01"],
        total=["x", "x", "x", "x", "x", "0"],
        status=["odd", "odd", "odd", "odd", "odd", "odd"],
    )
    good = log(customer=["a"], total=["1"], status=["paid"])
    assert rules(pd.concat([bad, good], ignore_index=True)) == [
        "no_customer",
        "mangled_customer",
        "no_time",
        "implausible_time",
        "no_amount",
        "unknown_status",
        None,
    ]


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


# --- ids -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["17850.0", "17851.0"], ["17850", "17851"]),
        ([17850.0, 17851.0, None], ["17850", "17851"]),
        ([17850, 17851], [17850, 17851]),
        (["a", "A", " a"], ["A", "a", "a"]),
        (["007", "7"], ["007", "7"]),
        ([17850, "A1"], ["17850", "A1"]),
    ],
)
def test_customers_are_exact_text_or_the_sources_integers(ids, expected):
    found = rk.read_orders(log(customer=ids)).to_frame()["customer_id"].tolist()
    assert found == expected


@pytest.mark.parametrize("ids", [["1.5E+16", "1.5E+16", "7"], [1.5e16, 1.5e16, 7.0]])
def test_orders_whose_id_was_destroyed_are_orders_of_their_own(ids):
    orders = rk.read_orders(log(order_id=ids, total=[1, 2, 4]))
    assert rk.summarize(orders)["orders"].tolist() == [3]
    assert orders.to_frame()["order_id"].isna().tolist().count(True) == 2


def test_destroyed_order_ids_are_noted():
    notes = rk.read_orders(log(order_id=["1.5E+16", "1.5E+16", "7"])).notes
    assert "2 order ids destroyed by a float" in notes


def test_order_ids_are_text_in_results():
    found = rk.read_orders(log(order_id=[17850, 17851])).to_frame()
    assert found["order_id"].tolist() == ["17850", "17851"]


# --- moments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Shanghai", "2024-05-02 07:30"),
        ("UTC", "2024-05-01 23:30"),
        ("America/New_York", "2024-05-01 19:30"),
        ("Europe/Berlin", "2024-05-02 01:30"),
    ],
)
@pytest.mark.parametrize("written", ["2024-05-01T23:30:00+00:00", "2024-05-02 01:30:00 +0200"])
def test_an_offset_becomes_the_shops_clock_and_its_day(written, zone, shown):
    orders = rk.read_orders(log(date=[written]), tz=zone)
    assert orders.to_frame()["ordered_at"].tolist() == [pd.Timestamp(shown)]
    assert str(orders.as_of) == shown[:10]
    assert rk.summarize(orders)["first_purchase"].astype(str).tolist() == [shown[:10]]


@pytest.mark.parametrize(
    "written",
    ["2024-05-01T23:30:00+00:00", "2024-05-01T23:30:00Z", "2024-05-01 23:30:00 +0800"],
)
def test_an_offset_without_the_shops_zone_is_an_error(written):
    expected = (
        "The shop's time zone is needed: the times in 'date' have UTC offsets.\n"
        f"Found: for example {written!r}\nHint: pass it: read_orders(..., tz='Europe/Berlin')"
    )
    with pytest.raises(OrdersError, match=re.escape(expected)):
        rk.read_orders(log(date=[written]))


def test_the_zone_of_a_duckdb_session_is_not_taken_for_the_shops():
    sql = "SELECT 'a' AS customer, 1 AS total, TIMESTAMPTZ '2024-05-01 23:30:00+00' AS date"
    relation = duckdb.connect().sql(sql)
    with pytest.raises(OrdersError, match=r"Found: for example 'UTC instants'\nHint: pass it: "):
        rk.read_orders(relation)
    assert moments(relation, tz="Asia/Shanghai") == [pd.Timestamp("2024-05-02 07:30")]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "+08:00"])
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_column_with_a_zone_shows_its_own_clock(library, zone):
    if library == "polars" and zone == "+08:00":
        zone = "Etc/GMT-8"  # polars knows zones by name only
    frame = log(date=pd.to_datetime(["2024-05-02 00:30"]).tz_localize(zone))
    source = {"pandas": frame, "polars": pl.from_pandas(frame), "pyarrow": pa.table(frame)}[library]
    assert moments(source) == [pd.Timestamp("2024-05-02 00:30")]


def test_the_callers_zone_wins_over_the_columns_own():
    frame = log(date=pd.to_datetime(["2024-05-01 23:30"]).tz_localize("UTC"))
    assert moments(frame, tz="Asia/Shanghai") == [pd.Timestamp("2024-05-02 07:30")]


@pytest.mark.parametrize(
    "dates",
    [["2024-05-01 23:30"], pd.to_datetime(["2024-05-01 23:30"]), ["2024/5/1 23:30"]],
)
@pytest.mark.parametrize("zone", [None, "Asia/Shanghai"])
def test_moments_without_a_zone_stay_as_they_are(dates, zone):
    assert moments(log(date=dates), tz=zone) == [pd.Timestamp("2024-05-01 23:30")]


@pytest.mark.parametrize("zone", ["Mars/Phobos", "Shanghai"])
def test_a_zone_that_does_not_exist_is_an_error(zone):
    with pytest.raises(RfmkitError, match=zone):
        rk.read_orders(log(date=["2024-05-01T23:30:00Z"]), tz=zone)


ELSEWHERE = """
import pandas as pd, rfmkit as rk
dates = {
    "naive": pd.to_datetime(["2024-05-01 23:30", "2024-05-02 00:30"]),
    "text": ["2024-05-01 23:30", "2024-05-02 00:30"],
    "offset": ["2024-05-01T23:30:00Z", "2024-05-02T00:30:00+00:00"],
    "zoned": pd.to_datetime(["2024-05-01 23:30", "2024-05-02 00:30"]).tz_localize("Europe/Berlin"),
}
for name, column in dates.items():
    frame = pd.DataFrame({"customer": "a", "total": [1, 2], "date": column})
    orders = rk.read_orders(frame, tz="Asia/Shanghai" if name == "offset" else None)
    print(name, orders.as_of, *orders.to_frame()["ordered_at"], sep=",")
    print(*rk.summarize(orders).loc[0, ["first_purchase", "purchases", "recency_days"]], sep=",")
    print(*rk.summarize(orders.until("2024-05-01"))["purchases"], orders.hidden["rows"], sep=",")
"""


@pytest.fixture(scope="module")
def seen_in():
    """What a process in another time zone prints."""

    def run(zone):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            env=os.environ | {"TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    return run


def test_the_zone_of_the_machine_changes_nothing(seen_in):
    west, east = seen_in("America/New_York"), seen_in("Asia/Shanghai")
    assert west == east
    one_day_apart = (
        "2024-05-02,2024-05-01 23:30:00,2024-05-02 00:30:00\n2024-05-01 00:00:00,2,0\n1,0\n"
    )
    same_day = "2024-05-02,2024-05-02 07:30:00,2024-05-02 08:30:00\n2024-05-02 00:00:00,1,0\n0\n"
    assert east == (
        f"naive,{one_day_apart}text,{one_day_apart}offset,{same_day}zoned,{one_day_apart}"
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"paid_at": "2024-03-03", "date": "2024-02-02", "created_at": "2024-01-01"}, "2024-03-03"),
        ({"paid_at": None, "date": "2024-02-02", "created_at": "2024-01-01"}, "2024-02-02"),
        ({"created_at": "2024-01-01", "completed_at": "2024-04-04"}, "2024-01-01"),
        ({"created_at": None, "completed_at": "2024-04-04"}, "2024-04-04"),
    ],
)
def test_the_paid_moment_counts_and_else_the_next_best(columns, expected):
    frame = pd.DataFrame(
        {
            "customer": ["a", "b"],
            "total": [1, 1],
            "status": ["paid", "paid"],
            **{name: [cell, "2024-05-05"] for name, cell in columns.items()},
        }
    )
    assert moments(frame)[0] == pd.Timestamp(expected)


# --- money -----------------------------------------------------------------------------------


def test_a_constant_amount_counts_where_the_log_has_none():
    orders = rk.read_orders(log(total=["x", "y"]).drop(columns="total"), amount=2.5)
    assert audited(orders)["kept"] == (2, Decimal("5.0000"))


def test_a_constant_amount_wins_over_a_column():
    assert audited(rk.read_orders(log(total=["x", "7"]), amount=1))["kept"] == (2, Decimal(2))


@pytest.mark.parametrize(
    ("quantity", "price", "amount"),
    [
        ([2, 3], [1.10, 0.25], "2.95"),
        (["2", "3"], ["1.10", "0.25"], "2.95"),
        ([1.5, 2], ["$2.50", "$1,000.00"], "2003.75"),
        ([None, 1], [1.0, 1.0], "1"),
        (["x", "1"], ["1.0", "1.0"], "1"),
        ([3, 1], [0.1, None], "0.3"),
    ],
)
def test_quantity_times_unit_price_counts_where_there_is_no_amount(quantity, price, amount):
    frame = log(quantity=quantity, price=price).drop(columns="total")
    assert audited(rk.read_orders(frame))["kept"][1] == Decimal(amount)


def test_an_amount_column_counts_before_quantity_times_unit_price():
    frame = log(quantity=[2], price=["no number"], total=[3])
    assert audited(rk.read_orders(frame))["kept"] == (1, Decimal(3))


@pytest.mark.parametrize(
    "column", [[0.1, 0.2], ["0.1", "0.2"], [Decimal("0.1"), Decimal("0.2")], ["$0.10", "0.20 $"]]
)
def test_sums_are_exact(column):
    orders = rk.read_orders(log(total=column))
    assert audited(orders)["kept"] == (2, Decimal("0.3"))
    assert rk.summarize(orders)["spend"].tolist() == [0.3]


def test_a_hundred_thousand_cents_are_a_thousand():
    orders = rk.read_orders(log(total=[0.01] * 100_000))
    assert audited(orders)["kept"] == (100_000, Decimal(1000))


@pytest.mark.parametrize("currencies", [["USD", "usd", " USD ", None, ""], [None, None]])
def test_one_currency_is_fine(currencies):
    assert rules(log(currency=currencies)) == [None] * len(currencies)


def test_several_currencies_are_an_error():
    expected = r"Found: 'EUR', 'USD' in 'currency'\nHint: rates=\{'USD': 1, 'EUR': 1.08\} converts"
    with pytest.raises(OrdersError, match=expected):
        rk.read_orders(log(currency=["USD", "eur", "USD", None]))


@pytest.mark.parametrize("nothing", [[None, None], ["", " "], [float("nan")] * 2])
def test_a_refund_column_without_refunds_refunds_nothing(nothing):
    assert audited(rk.read_orders(log(refund=nothing)))["kept"] == (2, Decimal(2))


@pytest.mark.parametrize("refund", [4, -4, "4.00", "(4.00)", "$4"])
def test_a_refund_is_money_given_back_whatever_its_sign(refund):
    found = audited(rk.read_orders(log(total=[10], refund=[refund])))
    assert found["kept"] == (1, Decimal(6))
    assert found["refund_deducted"] == (0, Decimal(4))


# --- statuses --------------------------------------------------------------------------------


def test_unknown_statuses_are_noted_by_name():
    orders = rk.read_orders(log(status=["paid", "Verschickt", "Unterwegs", "Verschickt"]))
    assert "unknown statuses: 'Unterwegs', 'Verschickt'" in orders.notes
    assert audited(orders)["unknown_status"] == (3, Decimal(3))


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_row_without_a_status_is_noted_too(nothing):
    orders = rk.read_orders(log(status=["paid", nothing]))
    assert audited(orders)["unknown_status"] == (1, Decimal(1))
    assert any("unknown status" in note for note in orders.notes)


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


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_words_may_be_categories(kind):
    frame = log(customer=["a", "b"], status=["paid", "void"], total=["1", "2"]).astype("category")
    source = {"pandas": frame, "polars": pl.from_pandas(frame), "pyarrow": pa.table(frame)}[kind]
    found = rk.read_orders(source, output="pandas")
    assert audited(found) == {
        "kept": (1, Decimal(1)),
        "void": (1, Decimal(2)),
        "read": (2, Decimal(3)),
    }


@pytest.mark.parametrize("nothing", [None, "null", ""])
def test_without_a_status_no_paid_time_means_unpaid(nothing):
    orders = rk.read_orders(log(paid_at=["2024-01-05", nothing, "2024-01-06"]))
    assert audited(orders)["unpaid"] == (1, Decimal(1))
    assert "no status column: a row is paid if it has a paid time" in orders.notes


def test_with_a_status_no_paid_time_says_nothing():
    assert rules(log(paid_at=["2024-01-05", None], status=["paid", "paid"])) == [None, None]


def test_without_status_and_paid_time_every_row_is_paid():
    orders = rk.read_orders(log(total=[1]))
    assert "no status column: every row is taken as paid" in orders.notes
    assert orders.to_frame()["status"].tolist() == ["paid"]


# --- notes -----------------------------------------------------------------------------------


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


# --- what a new user met -------------------------------------------------------------------------


def test_pieces_are_written_as_money_is():
    frame = log(unit_price=["10,50", "2,00", "3,10"], quantity=["1,5", "2", "1.000"])
    found = audited(rk.read_orders(frame.drop(columns="total"), decimal=","))
    assert found["kept"] == (3, Decimal("3119.7500"))


def test_a_refund_that_cannot_be_read_sets_its_order_aside():
    frame = log(customer=["a", "b", "c"], total=[100, 50, 7], refund=["full", "", "1.5"])
    found = audited(rk.read_orders(frame))
    assert found["no_amount"] == (1, Decimal(100))
    assert found["kept"] == (2, Decimal("55.5"))


@pytest.mark.parametrize("status", [["paid", "unpaid"], None])
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


def test_an_id_with_a_space_is_the_same_id():
    frame = log(order_id=["A1", "A1 "], date=["2024-01-01", "2024-02-01"], total=[10, -10])
    assert audited(rk.read_orders(frame))["refunded"][0] == 2


HELD = {
    "as it is": ["35001", "35002", "1,234.50"],
    "formula": ['="35001"', '="35002"', '="1,234.50"'],
    "apostrophe": ["'35001", "'35002", "'1,234.50"],
    "tab": ["\t35001", "35002\t", "\t1,234.50"],
    "spaces within": ['=" 35001 "', '="35002"', "' 1,234.50"],
}


@pytest.mark.parametrize("held", HELD)
def test_what_a_spreadsheet_holds_text_with_is_no_part_of_it(held):
    first, second, total = HELD[held]
    frame = log(order_id=[first, second], customer=[second, first], total=[total, "1.5"])
    found = rk.read_orders(frame).to_frame()
    assert found["order_id"].tolist() == ["35002", "35001"]
    assert found["customer_id"].tolist() == ["35001", "35002"]
    assert found["amount"].tolist() == [Decimal("1.5"), Decimal("1234.5")]


def test_an_empty_formula_is_no_id():
    orders = rk.read_orders(log(customer=["a", '=""', "'"]))
    assert audited(orders)["no_customer"][0] == 2


@pytest.mark.parametrize("customer", ["o'neill", "=1+1", '"quoted"', "it's"])
def test_a_name_with_signs_of_its_own_stays_as_it_is(customer):
    assert rk.read_orders(log(customer=[customer])).to_frame()["customer_id"].tolist() == [customer]


@pytest.mark.parametrize("name", ["Amount", "AMOUNT", "Category", "Status"])
def test_columns_that_differ_from_ours_in_case_alone(name):
    amounts = pa.array([Decimal("1.5"), Decimal(2)], pa.decimal128(18, 4))
    columns = {"customer": ["a", "b"], "date": ["2024-01-01"] * 2, "amount": amounts}
    columns |= {"category": ["x", "y"], "status": ["paid", "paid"]}
    table = pa.table({(name if old == name.lower() else old): v for old, v in columns.items()})
    orders = rk.read_orders(table, output="pandas")
    assert orders.to_frame()["amount"].tolist() == [Decimal("1.5"), Decimal(2)]
    assert len(rk.summarize(orders)) == 2
