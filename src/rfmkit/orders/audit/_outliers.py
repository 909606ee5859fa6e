"""Outliers: orders and customers far from the rest of the log, such as tests and made-up orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit.orders._lines import lines_until
from rfmkit.orders._order_table import order_table
from rfmkit.report._sections import counted, money, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    import ibis.expr.types as ir

    from rfmkit.orders._lines import Lines
    from rfmkit.orders.audit._counts import AuditCounts

NAMED: Final = 3
"""How many of a kind a warning names."""
HEAVY_ORDER: Final = (100, 50)
"""An order is heavy with 1/100 of all money, if that is also 50 times the mean order."""
HEAVY_CUSTOMER: Final = (20, 20)
"""A customer is heavy with 1/20 of all money, if that is also 20 times the mean customer."""
TIMES_USUAL: Final = 5
MANY: Final = 20
RARE_DAYS: Final = 3
LEAST_DAYS: Final = 28
"""In less than four weeks with orders, no amount has a usual number of days."""


def find_outliers(
    lines: Lines, orders: ir.Table, counts: AuditCounts, facts: Mapping[str, Any]
) -> Iterator[str]:
    """Return a warning of each kind of outlier among the valid orders.

    One pass sums them by customer; the sums are stored, since several queries read them.
    """
    engine = lines.engine
    valid = orders.filter(orders.rule.isnull())
    by_day = valid.group_by("customer_id", "day").agg(
        orders=valid.count(), spend=valid.amount.sum(), top=valid.amount.max()
    )
    people = engine.store(
        by_day.group_by("customer_id").agg(
            orders=by_day.orders.sum(), spend=by_day.spend.sum(), top=by_day.top.max(),
            peak=by_day.orders.max(), day=by_day.day.min(),
        ),
        "people",
    )  # fmt: skip
    try:
        found = engine.row(
            people.aggregate(
                customers=people.count(), spend=people.spend.max(), top=people.top.max()
            )
        )
        yield from _heavy_orders(lines, counts, facts, found["top"])
        yield from _heavy_customers(lines, people, counts, found)
        yield from _busy_customers(lines, people, valid)
        yield from _repeated_amounts(lines, people, counts)
    finally:
        engine.drop(people)


def _threshold(counts: AuditCounts, heavy: tuple[int, int], count: int) -> Decimal:
    """Return the money above which one of `count` orders or customers is heavy."""
    part, times = heavy
    return max(counts.amounts["kept"] / part, counts.amounts["kept"] * times / count)


def _heavy_orders(
    lines: Lines, counts: AuditCounts, facts: Mapping[str, Any], top: Decimal
) -> Iterator[str]:
    """Warn of orders of over 1 % of the money kept and over fifty times the mean order."""
    threshold = _threshold(counts, HEAVY_ORDER, counts.orders["kept"])
    if not 0 < threshold < top:
        return
    # Rows are numbered only if there are such orders: numbering ten million rows is slow.
    orders = order_table(lines_until(lines.numbered, counts.as_of), lines.layout.options, facts)
    heavy = orders.filter(orders.rule.isnull() & (orders.amount > threshold))
    fields = [name for name in ("customer_id", "order_id", "row") if name in heavy.columns]
    heavy = heavy.select("amount", *fields).order_by(ibis.desc("amount"), *fields)
    found = lines.engine.arrow(heavy).to_pylist()
    named = ", ".join(map(_order_name, found[:NAMED]))
    share = percent(sum(order["amount"] for order in found), counts.amounts["kept"])
    yield (
        f"Orders of over 1 % of all money kept each: {first_of(named, len(found))}, {share} of it "
        "together; check whether they are tests or mistyped."
    )


def _order_name(order: Mapping[str, Any]) -> str:
    name = f"order {order['order_id']!r}" if order["order_id"] is not None else "an order"
    place = f", row {order['row']}" if "row" in order else ""
    return f"{name} of customer {order['customer_id']!r} ({money(order['amount'])}{place})"


def _heavy_customers(
    lines: Lines, people: ir.Table, counts: AuditCounts, most: Mapping[str, Any]
) -> Iterator[str]:
    """Warn of customers of over 5 % of the money kept and over twenty times the mean customer.

    At least half of their money must come from other orders than the largest one: a single large
    order has its own warning.
    """
    threshold = _threshold(counts, HEAVY_CUSTOMER, most["customers"])
    if not 0 < threshold < most["spend"]:
        return
    heavy = people.filter((people.spend > threshold) & (people.spend >= people.top * 2))
    found = lines.engine.arrow(heavy.order_by(ibis.desc("spend"), "customer_id")).to_pylist()
    if not found:
        return
    named = ", ".join(
        f"{who['customer_id']!r} ({percent(who['spend'], counts.amounts['kept'])} in "
        f"{counted(who['orders'], 'order')})"
        for who in found[:NAMED]
    )
    yield (
        f"Customers of over 5 % of all money kept each: {first_of(named, len(found))}; check "
        "whether each is one buyer, or a till or guest account that many people share."
    )


def _busy_customers(lines: Lines, people: ir.Table, valid: ir.Table) -> Iterator[str]:
    """Warn of customers with very many orders on one day.

    Very many means at least 20, and over five times what 99 in 100 customers reach on their
    busiest day. The percentile is taken over customers, not orders: so a guest account is found
    even if most orders are its own, and a shop whose customers all order often gets no warning.
    """
    peaks = lines.engine.arrow(people.group_by("peak").agg(people=people.count())).to_pylist()
    usual = usual_most({row["peak"]: row["people"] for row in peaks})
    threshold = max(MANY, TIMES_USUAL * usual + 1)
    count = sum(row["people"] for row in peaks if row["peak"] >= threshold)
    if not count:
        return
    busiest = people.filter(people.peak >= threshold).order_by(ibis.desc("peak"), "customer_id")
    found = lines.engine.arrow(busiest.limit(NAMED)).to_pylist()
    theirs = valid.filter(valid.customer_id.isin([who["customer_id"] for who in found]))
    by_day = theirs.group_by("customer_id", "day").agg(orders=theirs.count())
    day = {
        (row["customer_id"], row["orders"]): row["day"]
        for row in lines.engine.arrow(by_day.order_by(ibis.desc("day"))).to_pylist()
    }
    named = ", ".join(
        f"{who['customer_id']!r} ({who['peak']:,} on {day[who['customer_id'], who['peak']]})"
        for who in found
    )
    yield (
        f"Customers with {threshold:,} or more orders on one day: {first_of(named, count)}, where "
        f"99 in 100 never have over {usual:,}; check whether they are tills, guest accounts or "
        "made-up orders (brushing, 刷单)."
    )


def _repeated_amounts(lines: Lines, people: ir.Table, counts: AuditCounts) -> Iterator[str]:
    """Warn of an amount that many customers with one purchase paid on the same day.

    Made-up orders have this pattern (brushing, 刷单): many accounts, one listing, one price, one
    day. Four conditions must hold, each to exclude a common harmless case:

    - at least 20 customers paid the amount on that day;
    - they are at least a fifth of the day's customers with one purchase: a busy day has many
      customers of every amount;
    - on at most 1 % of the days (or three days) a tenth as many customers paid it: a new product
      that keeps selling has more such days;
    - its share is at least twice that on other days: in a shop with one price both are equal.

    A sale of one product on one day meets the conditions too. Made-up orders of many amounts, or
    from accounts that buy again, are not found.
    """
    if len(counts.days) < LEAST_DAYS:
        return
    once = people.filter((people.orders == 1) & (people.top > 0))
    paid = once.group_by("day", amount=once.top).agg(customers=once.count())
    paid = paid.mutate(
        of_day=paid.customers.sum().over(group_by="day"),
        most=paid.customers.max().over(group_by="amount"),
        of_all=paid.customers.sum().over(),
    )
    paid = paid.filter(paid.most >= MANY)
    near = (paid.customers * 10 >= paid.most).cast("int64")
    paid = paid.mutate(
        days=near.sum().over(group_by="amount"),
        elsewhere=((1 - near) * paid.customers).sum().over(group_by="amount"),
        of_elsewhere=paid.of_all - (near * paid.of_day).sum().over(group_by="amount"),
    )
    odd = paid.filter(
        (paid.customers >= MANY)
        & (paid.customers * 5 >= paid.of_day)
        & (paid.elsewhere * 2 * paid.of_day <= paid.customers * paid.of_elsewhere)
        & (paid.days <= max(RARE_DAYS, len(counts.days) // 100))
    )
    order = (ibis.desc("customers"), "day", "amount")
    found = lines.engine.arrow(odd.order_by(*order)).to_pylist()
    if found:
        named = ", ".join(
            f"{money(one['amount'])} on {one['day']} ({one['customers']:,} of "
            f"{one['of_day']:,} such customers that day)"
            for one in found[:NAMED]
        )
        yield (
            "One amount, paid on one day by many who bought once only: "
            f"{first_of(named, len(found))}, and hardly on other days; "
            "check whether it was a sale or made-up orders (brushing, 刷单)."
        )


def usual_most(counts: Mapping[int, int]) -> int:
    """Return the 99th percentile (the lower one) of values, from how often each occurs."""
    place = int(0.99 * (sum(counts.values()) - 1))
    values = sorted(counts)
    while (place := place - counts[values[0]]) >= 0:
        values.pop(0)
    return values[0]


def first_of(named: str, count: int) -> str:
    """Return the named ones as text, followed by how many there are if not all are named."""
    return named if count <= NAMED else f"{named}, ... ({count:,} in all)"
