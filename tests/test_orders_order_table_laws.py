"""Laws of the order table: every row and every cent of a log is accounted for, once."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from random import Random

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import audited

POLICIES = tuple(product(("net", "drop_full", "gross"), ("drop", "keep"), ("merge", "keep")))
FIRST = dt.date(2024, 1, 1)
DATELESS = ("2024-02-30", "null", None, "1900-01-01", "9999-12-31")
STATUS_RULES = {
    "paid": None, "completed": None, "partially_refunded": None, "unpaid": "unpaid",
    "cancelled": "cancelled", "void": "void", "refunded": "refunded",
    "closed_refunded": "closed_refunded", "closed_unpaid": "closed_unpaid",
    "odd": "unknown_status", None: "unknown_status",
}  # fmt: skip
GIVEN_BACK = ("refunded", "closed_refunded")

row = st.fixed_dictionaries(
    {
        "customer": st.sampled_from(["a", "a", "b", "c", None]),
        "order_id": st.sampled_from(["1", "2", "3", "4", None, None]),
        "date": st.integers(0, 4).map(lambda n: str(FIRST + dt.timedelta(n)))
        | st.sampled_from(["2024-01-01", "2024-01-02", *DATELESS]),
        "total": st.sampled_from(["5.00", "-5.00", "10.01", "-10.01", "0.00", "nan", None])
        | st.decimals(-99, 99, places=2).map(str),
        "refund": st.sampled_from([None, "0", "5.00", "2.50", "10.01", "1000"]),
        "status": st.sampled_from(["paid", "paid", "completed", *STATUS_RULES]),
    }
)
logs = st.lists(row, min_size=1, max_size=15).filter(
    lambda rows: any(row["date"] not in DATELESS for row in rows)
)
some_columns = st.sets(st.sampled_from(["order_id", "refund", "status"]))


def money(cell):
    return None if pd.isna(cell) or cell == "nan" else Decimal(cell)


def day_of(row):
    """The day of a row; None where it has none, or a placeholder."""
    return None if row["date"] in DATELESS else dt.date.fromisoformat(row["date"])


def line_rule(line, refunds):
    """What is against a row by itself; None: nothing."""
    status = STATUS_RULES[line["status"]]
    if line["customer"] is None:
        return "no_customer"
    if line["date"] in DATELESS:
        placeholder = line["date"] in ("1900-01-01", "9999-12-31")
        never_paid = status in ("unpaid", "closed_unpaid")
        return "implausible_time" if placeholder else status if never_paid else "no_time"
    if money(line["total"]) is None:  # what does not count anyway needs no amount
        counts = status in (None, "unknown_status", *GIVEN_BACK)
        return "no_amount" if counts else status
    if status in GIVEN_BACK and (refunds == "gross" or money(line["total"]) < 0):
        return None  # a negative amount is the refund itself, not the order that was refunded
    return status


def order_rule(order, refunds, zero_amounts):
    """What is against an order, its lines summed."""
    if order.amount < 0:
        return "refund" if refunds == "net" else "refund_row"
    if order.amount == 0 and order.given_back and refunds != "gross":
        return "refunded"
    if order.amount == 0 and zero_amounts == "drop":
        return "zero_amount"
    if refunds != "gross" and 0 < order.amount <= order.refund:
        return "refunded"
    return "kept"


@dataclass
class Order:
    """An order, as it is summed up by hand."""

    customer: str
    day: dt.date
    amount: Decimal = Decimal(0)
    refund: Decimal = Decimal(0)
    lines: int = 0
    given_back: bool = False
    rule: str = ""
    net: Decimal = Decimal(0)


def net_refunds(orders):
    """Set aside what cancels out on its day, and then refunds of customers without a purchase."""
    for who, day in {(order.customer, order.day) for order in orders}:
        same = [order for order in orders if (order.customer, order.day) == (who, day)]
        same = [order for order in same if order.rule in ("kept", "refund")]
        has_refund = any(order.rule == "refund" for order in same)
        if has_refund and sum(order.net for order in same) == 0:
            for order in same:
                order.rule = "refunded_same_day"
    buyers = {order.customer for order in orders if order.rule == "kept"}
    for order in orders:
        if order.rule == "refund" and order.customer not in buyers:
            order.rule = "refund_without_purchase"


def by_hand(rows, refunds, zero_amounts):
    """The definitions, one row after the other: money and rows by rule, and the orders."""
    orders, found_by_rule = {}, defaultdict(lambda: [0, Decimal(0)])
    for place, line in enumerate(rows):
        if rule := line_rule(line, refunds):
            found_by_rule[rule][0] += 1
            found_by_rule[rule][1] += money(line["total"]) or 0
            continue
        key = (line["customer"], line["order_id"] or place)
        order = orders.setdefault(key, Order(line["customer"], day_of(line)))
        order.day = min(order.day, day_of(line))
        order.amount += money(line["total"])
        order.given_back |= money(line["total"]) < 0
        order.refund += Decimal(line["refund"] or 0)
        order.lines += 1
    for order in orders.values():
        order.rule = order_rule(order, refunds, zero_amounts)
        is_netted = order.rule == "kept" and refunds == "net"
        order.net = order.amount - (order.refund if is_netted else 0)
    if refunds == "net":
        net_refunds(orders.values())
    for order in orders.values():  # what is kept counts net, what is set aside as it was read
        net = order.net if order.rule == "kept" else order.amount
        found_by_rule[order.rule][0] += order.lines
        found_by_rule[order.rule][1] += net
        found_by_rule["refund_deducted"][1] += order.amount - net
    return {
        rule: tuple(found) for rule, found in found_by_rule.items() if any(found)
    }, orders.values()


def as_frame(rows, columns):
    frame = pd.DataFrame(rows)
    return frame.drop(
        columns=[name for name in ("order_id", "refund", "status") if name not in columns]
    )


def without(rows, columns):
    """The rows as the log without the other columns tells them."""
    blank = {"order_id": None, "refund": None, "status": "paid"}
    return [row | {k: v for k, v in blank.items() if k not in columns} for row in rows]


def options(policy):
    return dict(zip(("refunds", "zero_amounts", "same_day"), policy, strict=True))


law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def each_row_and_each_cent(rows, columns, policy):
    """Check one log against the definitions."""
    frame = as_frame(rows, columns)
    orders = rk.read_orders(frame, **options(policy))
    found = audited(orders)

    # What was read is what pandas counts, since the last day hides nothing.
    assert found.pop("read") == (
        len(frame),
        sum(money(cell) or Decimal(0) for cell in frame["total"]),
    )
    # Kept and set aside make what was read, in rows and in money, exactly.
    assert sum(count for count, _ in found.values()) == len(frame)
    amounts = [money(cell) or Decimal(0) for cell in frame["total"]]
    assert sum(amount for _, amount in found.values()) == sum(amounts)
    # Each row is under the rule that the definitions give it.
    expected, by_order = by_hand(without(rows, columns), *policy[:2])
    assert {rule: entry for rule, entry in found.items() if any(entry)} == expected
    # The rows set aside are all there, each once.
    aside = {rule: n for rule, (n, _) in found.items() if n and rule not in ("kept", "refund")}
    rejected = orders.rejected
    assert rejected["rule"].value_counts().to_dict() == aside
    assert rejected["row"].is_unique

    # What the customers spent is what was kept.
    customers = rk.summarize(orders)
    kept = found["kept"][1] + found.get("refund", (0, Decimal(0)))[1]
    assert customers["spend"].sum() == pytest.approx(float(kept), abs=1e-9)
    days, spend = defaultdict(list), defaultdict(Decimal)
    for order in by_order:
        if order.rule == "kept":
            days[order.customer].append(order.day)
        if order.rule in ("kept", "refund"):
            spend[order.customer] += order.net
    by_customer = customers.set_index("customer_id")
    assert by_customer["purchases"].to_dict() == {
        who: len(set(bought) if policy[2] == "merge" else bought) for who, bought in days.items()
    }
    assert by_customer["spend"].to_dict() == pytest.approx(
        {who: float(spend[who]) for who in days}, abs=1e-9
    )


EVERY_COLUMN = {"order_id", "refund", "status"}
NAMES = ("customer", "order_id", "date", "total", "refund", "status")
# A row for each rule there is.
VARIED = [
    dict(zip(NAMES, cells, strict=True))
    for cells in [
        ("a", "1", "2024-01-01", "10.01", None, "paid"),
        ("a", "1", "2024-01-02", "5.00", "2.50", "completed"),
        ("a", None, "2024-01-02", "-5.00", None, "paid"),
        ("a", "2", "2024-01-03", "10.01", "10.01", "partially_refunded"),
        ("b", "1", "2024-01-01", "0.00", None, "completed"),
        ("b", "2", "2024-01-04", "20.00", None, "refunded"),
        ("b", None, "2024-01-02", "7.00", "0", "paid"),
        ("b", None, "2024-01-02", "-7.00", None, "paid"),
        ("b", "3", "2024-01-05", "99.99", "5.00", "paid"),
        ("b", None, "2024-01-05", "1.23", None, "paid"),
        ("c", None, "2024-01-03", "-10.01", None, "closed_refunded"),
        (None, "4", "2024-01-01", "5.00", None, "paid"),
        ("a", "4", "2024-02-30", "5.00", None, "paid"),
        ("b", "4", "9999-12-31", "5.00", None, "paid"),
        ("b", None, "2024-01-03", "nan", None, "paid"),
        ("a", None, "2024-01-02", None, None, "unpaid"),
        ("a", None, "2024-01-03", "3.00", None, "cancelled"),
        ("a", None, "2024-01-03", "4.00", None, "void"),
        ("a", None, "2024-01-03", "6.00", None, "closed_unpaid"),
        ("a", None, "2024-01-04", "3.50", None, "odd"),
        ("b", None, "2024-01-04", "2.50", None, None),
    ]
]
policies = st.sampled_from(POLICIES)


@pytest.mark.parametrize(
    ("policy", "columns"),
    [
        (("net", "drop", "merge"), EVERY_COLUMN),
        (("gross", "keep", "keep"), EVERY_COLUMN),
        pytest.param(("drop_full", "drop", "merge"), EVERY_COLUMN, marks=pytest.mark.slow),
        pytest.param(("net", "keep", "keep"), {"order_id"}, marks=pytest.mark.slow),
        pytest.param(("net", "drop", "merge"), set(), marks=pytest.mark.slow),
    ],
)
def test_every_row_and_every_cent_of_a_varied_log_is_accounted_for(policy, columns):
    each_row_and_each_cent(VARIED, columns, policy)


@pytest.mark.slow
@settings(law, max_examples=100)
@given(logs, some_columns, policies)
def test_every_row_and_every_cent_is_accounted_for(rows, columns, policy):
    each_row_and_each_cent(rows, columns, policy)


def order_of_rows(rows, columns, policy, random):
    """Read a log twice, the second time with its rows in another order."""
    shuffled = random.sample(rows, len(rows))
    first = rk.read_orders(as_frame(rows, columns), **options(policy))
    second = rk.read_orders(as_frame(shuffled, columns), **options(policy))
    assert audited(second) == audited(first)
    pd.testing.assert_frame_equal(rk.summarize(second), rk.summarize(first))


def test_the_order_of_the_rows_of_a_varied_log_changes_nothing():
    order_of_rows(VARIED, EVERY_COLUMN, POLICIES[0], Random(1))  # noqa: S311


@pytest.mark.slow
@settings(law, max_examples=40)
@given(logs, some_columns, policies, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows, columns, policy, random):
    order_of_rows(rows, columns, policy, random)


later = st.lists(
    row.map(lambda line: line | {"date": "2024-03-05"})
    | row.map(lambda line: line | {"date": "2024-02-01", "customer": line["customer"] or "z"}),
    min_size=1,
    max_size=8,
)


def last_day(rows):
    return max(day_of(row) for row in rows if row["date"] not in DATELESS)


def later_rows(rows, more, columns, policy):
    """Read a log as of its last day, with and without rows of later days."""
    day = last_day(rows)
    before = rk.read_orders(as_frame(rows, columns), as_of=day, **options(policy))
    after = rk.read_orders(as_frame(rows + more, columns), as_of=day, **options(policy))
    pd.testing.assert_frame_equal(after.audit.to_frame(), before.audit.to_frame())
    pd.testing.assert_frame_equal(after.rejected, before.rejected)
    pd.testing.assert_frame_equal(rk.summarize(after), rk.summarize(before))
    amounts = [money(line["total"]) or Decimal(0) for line in more]
    assert after.hidden == {"rows": len(more), "amount": sum(amounts)}


def test_rows_of_later_days_change_nothing_in_a_varied_log():
    bought = [line for line in VARIED if line["customer"] and line["date"] not in DATELESS]
    more = [line | {"date": "2024-02-01"} for line in bought]
    more += [line | {"date": "2024-03-05"} for line in VARIED]
    later_rows(VARIED, more, EVERY_COLUMN, POLICIES[0])


@pytest.mark.slow
@settings(law, max_examples=40)
@given(logs, later, some_columns, policies)
def test_rows_of_later_days_change_nothing(rows, more, columns, policy):
    assume(last_day(rows) < dt.date(2024, 2, 1))
    later_rows(rows, more, columns, policy)


def three_totals(orders):
    """Compare the money that `repr`, the audit and the segments of a log show."""
    audit = orders.audit.to_frame().set_index("rule")["amount"]
    kept = audit["kept"] + audit.get("refund", Decimal(0))
    bridge = repr(orders.audit).partition("Net money of the customers\n")[2].split(" = ")[0]
    assert Decimal(bridge.replace(",", "")) == kept
    assert f", {kept:,.2f} net as of " in repr(orders)
    assert rk.segment(orders)["spend"].sum() == pytest.approx(float(kept), abs=1e-9)


def test_a_varied_log_its_audit_and_its_segments_show_one_total():
    three_totals(rk.read_orders(as_frame(VARIED, EVERY_COLUMN), **options(POLICIES[0])))


@pytest.mark.slow
@settings(law, max_examples=40)
@given(logs, some_columns, policies)
def test_a_log_its_audit_and_its_segments_show_one_total(rows, columns, policy):
    orders = rk.read_orders(as_frame(rows, columns), **options(policy))
    assume(len(rk.summarize(orders)))
    three_totals(orders)
