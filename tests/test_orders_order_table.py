"""The order table: lines are summed to orders, and refunds, gifts and copies have their rules."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited, log


def spends(orders):
    customers = rk.summarize(orders)
    return dict(zip(customers["customer_id"], customers["spend"], strict=True))


def purchases(orders):
    customers = rk.summarize(orders)
    return dict(zip(customers["customer_id"], customers["purchases"], strict=True))


# --- lines and orders ------------------------------------------------------------------------


def test_lines_of_one_order_are_one_order():
    frame = log(order_id=["1", "1", "2", "1"], total=[1, 2, 4, 8])
    orders = rk.read_orders(frame)
    assert orders.to_frame()[["order_id", "amount"]].to_numpy().tolist() == [
        ["1", Decimal(11)],
        ["2", Decimal(4)],
    ]
    assert rk.summarize(orders)["orders"].tolist() == [2]
    assert audited(orders)["kept"] == (4, Decimal(15))


IDS = [
    (["1", "2", "3"], 3),
    (["1", "2", "1"], 2),
    (["1", "1", "1"], 1),
    (["1", None, "1"], 2),
    ([None, None, None], 3),
    (["", "nan", "NULL"], 3),
    ([None, "1", None], 3),
    ([7, 7, 9], 2),
    ([7.0, 7.0, None], 2),
    (["7.0", "7.0", "9.0"], 2),
    (["A1", "A1 ", "A2"], 2),
    (["a1", "A1", "a1"], 2),
    ([3, 2, 1], 3),
]


@pytest.mark.parametrize(
    "cases",
    [
        [case for case in IDS if any(isinstance(cell, str) for cell in case[0])],
        [([7, 7, 9], 2), ([3, 2, 1], 3)],
        [([7.0, 7.0, None], 2), ([None, None, None], 3)],
    ],
    ids=["text", "integers", "floats"],
)
def test_orders_are_counted_by_their_id(cases):
    counts = {f"c{place:02}": count for place, (_, count) in enumerate(cases)}
    frame = log(
        order_id=[cell for ids, _ in cases for cell in ids],
        customer=[customer for customer in counts for _ in range(3)],
    )
    orders = rk.read_orders(frame)
    customers = rk.summarize(orders)
    assert dict(zip(customers["customer_id"], customers["orders"], strict=True)) == counts
    assert audited(orders)["kept"] == (len(frame), Decimal(len(frame)))


@pytest.mark.slow
@pytest.mark.parametrize(("ids", "count"), IDS)
def test_orders_of_a_log_of_one_kind_of_ids_are_counted_by_them(ids, count):
    orders = rk.read_orders(log(order_id=ids))
    assert rk.summarize(orders)["orders"].tolist() == [count]
    assert audited(orders)["kept"] == (3, Decimal(3))


def test_an_order_id_of_several_customers_stays_apart_and_is_noted():
    frame = log(
        order_id=["1", "1", "1", "1", "2", "2", "3"], customer=["a", "b", "c", "a", "a", "b", "a"]
    )
    orders = rk.read_orders(frame)
    assert orders.to_frame()[["customer_id", "order_id", "amount"]].to_numpy().tolist() == [
        ["a", "1", Decimal(2)],
        ["a", "2", Decimal(1)],
        ["a", "3", Decimal(1)],
        ["b", "1", Decimal(1)],
        ["b", "2", Decimal(1)],
        ["c", "1", Decimal(1)],
    ]
    assert "2 order ids have several customers: kept apart" in orders.notes


def test_one_order_id_of_several_customers_is_noted():
    orders = rk.read_orders(log(order_id=["1", "1", "2", "1"], customer=["a", "b", "a", "a"]))
    assert "1 order ids have several customers: kept apart" in orders.notes


def test_a_line_set_aside_takes_nothing_from_the_rest_of_its_order():
    frame = log(
        order_id=["1", "1", "1", "1"],
        customer=["a", "a", None, "a"],
        total=["5", "x", "2", "4"],
        status=["paid", "paid", "paid", "cancelled"],
    )
    orders = rk.read_orders(frame)
    assert audited(orders) == {
        "kept": (1, Decimal(5)),
        "no_amount": (1, Decimal(0)),
        "no_customer": (1, Decimal(2)),
        "cancelled": (1, Decimal(4)),
        "read": (4, Decimal(11)),
    }
    assert orders.rejected[["row", "rule"]].to_numpy().tolist() == [
        [2, "no_amount"],
        [3, "no_customer"],
        [4, "cancelled"],
    ]


@pytest.fixture(scope="module", params=["net", "drop_full", "gross"])
def undone(request):
    """Orders of lines that sum to zero, one that is kept, and two rows without an order id."""
    frame = log(
        order_id=["1", "1", "2", "2", "3", None, None],
        total=[5, -5, 0, 0, 7, 0, -3],
        customer=["a"] * 5 + ["b", "c"],
    )
    return request.param, rk.read_orders(frame, refunds=request.param)


def test_all_lines_of_an_order_set_aside_are_shown(undone):
    policy, orders = undone
    zeros, refund = (3, Decimal(0)), (1, Decimal(-3))
    aside = {
        "net": {
            "refunded": (2, Decimal(0)),
            "zero_amount": zeros,
            "refund_without_purchase": refund,
        },
        "drop_full": {"refunded": (2, Decimal(0)), "zero_amount": zeros, "refund_row": refund},
        "gross": {"zero_amount": (5, Decimal(0)), "refund_row": refund},
    }[policy]
    assert audited(orders) == {"kept": (1, Decimal(7)), **aside, "read": (7, Decimal(4))}


def test_a_row_without_an_order_id_is_shown_beside_orders_of_several_lines(undone):
    policy, orders = undone
    given_back = "zero_amount" if policy == "gross" else "refunded"
    refund = "refund_without_purchase" if policy == "net" else "refund_row"
    assert orders.rejected[["row", "rule"]].to_numpy().tolist() == [
        [1, given_back],
        [2, given_back],
        [3, "zero_amount"],
        [4, "zero_amount"],
        [6, "zero_amount"],
        [7, refund],
    ]


def test_a_negative_row_of_a_refunded_status_is_the_refund_itself():
    given_back = ["refunded", "closed_refunded"]
    frame = log(
        customer=["a", "a", "a", "b", "b", "b"],
        total=[10, -4, 5] * 2,
        status=["paid", *given_back[:1] * 2, "paid", *given_back[1:] * 2],
    )
    assert audited(rk.read_orders(frame)) == {
        "kept": (2, Decimal(20)),
        "refund": (2, Decimal(-8)),
        "refunded": (1, Decimal(5)),
        "closed_refunded": (1, Decimal(5)),
        "read": (6, Decimal(22)),
    }


def test_an_order_given_back_in_full_is_no_purchase_even_where_gifts_are():
    orders = rk.read_orders(log(order_id=["1", "1", "2"], total=[5, -5, 0]), zero_amounts="keep")
    assert audited(orders)["refunded"] == (2, Decimal(0))
    assert purchases(orders) == {"a": 1}


# --- refunds ---------------------------------------------------------------------------------

REFUNDS = log(
    #          part, full, over, two rows,  undone,    stray, other day undone
    customer=["part", "full", "over", "row", "row", "undo", "undo", "stray", "late", "late"],
    total=[100, 50, 40, 80, -20, 60, -60, -10, 30, -30],
    refund=[30, 50, 45, 0, 0, 0, 0, 0, 0, 0],
    date=["2024-01-01"] * 4
    + ["2024-01-05", "2024-01-01", "2024-01-01", "2024-01-01", "2024-01-01", "2024-01-02"],
)
READ = (10, Decimal(240))


@pytest.mark.parametrize(
    ("policy", "expected", "spend"),
    [
        (
            "net",
            {
                "kept": (3, Decimal(70 + 80 + 30)),
                "refund": (2, Decimal(-20 - 30)),
                "refund_deducted": (0, Decimal(30)),
                "refunded": (2, Decimal(50 + 40)),
                "refunded_same_day": (2, Decimal(0)),
                "refund_without_purchase": (1, Decimal(-10)),
                "read": READ,
            },
            {"part": 70, "row": 60, "late": 0},
        ),
        (
            "drop_full",
            {
                "kept": (4, Decimal(100 + 80 + 60 + 30)),
                "refunded": (2, Decimal(50 + 40)),
                "refund_row": (4, Decimal(-20 - 60 - 10 - 30)),
                "read": READ,
            },
            {"part": 100, "row": 80, "undo": 60, "late": 30},
        ),
        (
            "gross",
            {
                "kept": (6, Decimal(100 + 50 + 40 + 80 + 60 + 30)),
                "refund_row": (4, Decimal(-20 - 60 - 10 - 30)),
                "read": READ,
            },
            {"part": 100, "full": 50, "over": 40, "row": 80, "undo": 60, "late": 30},
        ),
    ],
)
def test_refunds_are_netted_dropped_or_passed_over(policy, expected, spend):
    orders = rk.read_orders(REFUNDS, refunds=policy)
    assert audited(orders) == expected
    assert spends(orders) == spend
    assert set(purchases(orders).values()) == {1}  # a refund is never a purchase


@pytest.mark.parametrize(
    "policy", ["net", pytest.param("drop_full", marks=pytest.mark.slow), "gross"]
)
def test_a_refunded_status_counts_only_gross(policy):
    frame = log(customer=["a", "b", "c"], status=["paid", "refunded", "closed_refunded"])
    orders = rk.read_orders(frame, refunds=policy)
    assert set(spends(orders)) == (set("abc") if policy == "gross" else {"a"})


def test_a_refund_of_an_order_that_cancels_out_with_another_row_keeps_its_money():
    """Net of its refund the order is 6, and a row of -6 undoes it: 4 stay to be accounted for."""
    frame = log(customer=["a", "a", "b"], total=[10, -6, 5], refund=[4, 0, 0])
    found = audited(rk.read_orders(frame))
    total = found.pop("read")
    assert total == (3, Decimal(9))
    assert sum(amount for _, amount in found.values()) == Decimal(9)
    assert sum(rows for rows, _ in found.values()) == 3


@pytest.fixture(scope="module")
def netted():
    """Customers whose refunds are rows: of a day, of nearly the amount, of lines of one order."""
    frame = log(
        customer=["day"] * 5 + ["cents"] * 2 + ["lines"] * 3 + ["early"] * 2,
        order_id=[None] * 7 + ["1", "1", "2", "3", "3"],
        total=["10", "20", "-25", "-5", "7", "10.00", "-9.99", "10", "-4", "5", "1", "1"],
        date=["2024-01-01"] * 4 + ["2024-01-09"] + ["2024-01-01"] * 2
        + ["2024-01-01", "2024-01-09", "2024-01-02", "2024-01-05 10:00", "2024-01-04 09:00"],
    )  # fmt: skip
    return rk.read_orders(frame)


def test_orders_and_refunds_of_a_day_cancel_out_by_their_sum_or_are_netted(netted):
    assert audited(netted) == {
        "kept": (1 + 1 + 3 + 2, Decimal(7 + 10 + 11 + 2)),
        "refund": (1, Decimal("-9.99")),
        "refunded_same_day": (4, Decimal(0)),
        "read": (12, Decimal("20.01")),
    }
    cents = pytest.approx(0.01, abs=1e-12)
    assert spends(netted) == {"day": 7, "cents": cents, "lines": 11, "early": 2}


def test_a_refund_line_of_an_order_is_taken_off_that_order(netted):
    frame = netted.to_frame().set_index("customer_id")
    assert frame.loc["lines", "amount"].tolist() == [Decimal(6), Decimal(5)]


def test_an_order_is_as_early_as_its_first_line(netted):
    frame = netted.to_frame().set_index("customer_id")
    assert frame.loc["early", "ordered_at"] == pd.Timestamp("2024-01-04 09:00")


def test_a_small_file_with_a_refund_of_its_own_id_is_planned(tmp_path):
    """DuckDB 2.0 failed inside on this one, where amounts came typed from the file."""
    path = tmp_path / "log.csv"
    path.write_text(
        "customer,date,total,order_id\na,2024-01-01,5.00,1\nb,2024-01-02,-3.00,2\n"
        "a,2024-01-03,7.00,3\n"
    )
    assert rk.read_orders(path).to_frame()["amount"].tolist() == [Decimal(5), Decimal(7)]


@pytest.mark.parametrize(
    ("policy", "kept", "aside"), [("drop", 1, {"zero_amount": (2, Decimal(0))}), ("keep", 3, {})]
)
def test_amounts_of_zero_are_gifts_or_purchases(policy, kept, aside):
    frame = log(total=[0, 5, "0.00"], date=["2024-01-01", "2024-01-02", "2024-01-03"])
    orders = rk.read_orders(frame, zero_amounts=policy)
    found = audited(orders)
    assert found == {"kept": (kept, Decimal(5)), **aside, "read": (3, Decimal(5))}
    assert purchases(orders) == {"a": kept}


@pytest.mark.parametrize(("policy", "expected"), [("merge", 2), ("keep", 4)])
def test_orders_of_one_day_are_one_purchase_or_several(policy, expected):
    frame = log(date=["2024-01-01 09:00", "2024-01-01 23:59", "2024-01-02", "2024-01-02"])
    orders = rk.read_orders(frame, same_day=policy)
    assert purchases(orders) == {"a": expected}
    assert rk.summarize(orders)["orders"].tolist() == [4]
    assert audited(orders)["kept"] == (4, Decimal(4))


# --- what the audit shows --------------------------------------------------------------------


def test_the_audit_is_in_the_order_of_the_rules_and_ends_with_the_log():
    frame = log(
        customer=["a", None, "a", "a", None, None, None],
        total=["1", "1", "x", "0", "1", "1", "1"],
    )
    audit = rk.read_orders(frame).audit.to_frame()
    columns = ["rule", "kept", "rows", "orders", "amount", "examples", "meaning"]
    assert audit.columns.tolist() == columns
    assert audit["rule"].tolist() == ["kept", "no_customer", "no_amount", "zero_amount", "read"]
    assert audit["kept"].tolist() == [True, False, False, False, False]
    assert audit["rows"].tolist() == [1, 4, 1, 1, 7]
    # At most three examples are shown.
    assert audit["examples"].tolist() == ["", "row 2, 5, 6", "row 3", "row 4", ""]


NAMES = (  # of customer, date and total
    ("row", "rule", "lines"),
    ("line_customer", "line_time", "line_amount"),
)
SLOW_NAMES = (("customer_id", "ordered_at", "amount"), ("Customer ID", "Order Date", "Amount"))


@pytest.mark.parametrize(
    "names",
    [*NAMES, *(pytest.param(names, marks=pytest.mark.slow) for names in SLOW_NAMES)],
    ids=" ".join,
)
def test_rejected_rows_are_as_they_stand_in_the_source(names):
    frame = log(
        customer=["a", None, "b", "c"],
        date=["2024-01-01", "2024-01-02", "2024-02-30", "2024-01-03"],
        total=["1", "2", "3", "free"],
        status=["paid", "odd", "paid", "paid"],
    ).rename(columns=dict(zip(("customer", "date", "total"), names, strict=True)))
    roles = dict(zip(("customer", "time", "amount"), names, strict=True))
    rejected = rk.read_orders(frame, **roles).rejected
    assert rejected["rule"].tolist() == ["no_customer", "no_time", "no_amount"]
    assert rejected["row"].tolist() == [2, 3, 4]
    for name in set(frame.columns) - {"row", "rule"}:
        shown = rejected[name].astype(object).where(rejected[name].notna(), None)
        given = frame[name].astype(object).where(frame[name].notna(), None)
        assert shown.tolist() == given.tolist()[1:]


SLOW_KINDS = ("polars", "pyarrow", "ibis", "csv", "parquet")
SOME = log(
    customer=["a", "b", None, "a", "c"],
    order_id=["1", "2", "3", "1", "4"],
    total=["1.50", "-2.25", "3", "x", "0"],
)


@pytest.fixture(scope="module")
def some():
    """A few rows from pandas."""
    return rk.read_orders(SOME)


@pytest.mark.parametrize(
    "kind",
    ["duckdb", *(pytest.param(kind, marks=pytest.mark.slow) for kind in SLOW_KINDS)],
)
def test_the_order_table_is_the_same_for_every_kind_of_source(some, as_kind, kind):
    found = rk.read_orders(as_kind(SOME, kind), output="pandas")
    pd.testing.assert_frame_equal(found.audit.to_frame(), some.audit.to_frame())
    rows = found.rejected[["row", "rule"]].to_numpy().tolist()
    assert rows == some.rejected[["row", "rule"]].to_numpy().tolist()
