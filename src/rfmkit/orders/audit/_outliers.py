"""Outliers: orders and customers far from what the log shows: tests, tills, made-up orders."""

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
    from rfmkit.orders.audit._counts import Tally

NAMED: Final = 3
# A hundredth, and a twentieth, of all money kept; and so many times the mean.
HEAVY_ORDER: Final = (100, 50)
HEAVY_CUSTOMER: Final = (20, 20)
TIMES_USUAL: Final = 5
MANY: Final = 20
RARE_DAYS: Final = 3
USUAL_FROM: Final = 28


def find_outliers(
    lines: Lines, flagged: ir.Table, tally: Tally, facts: Mapping[str, Any]
) -> Iterator[str]:
    """Look at the valid orders customer by customer: one pass, kept for a few small questions."""
    engine = lines.engine
    valid = flagged.filter(flagged.rule.isnull())
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
        yield from _heavy_orders(lines, tally, facts, found["top"])
        yield from _heavy_customers(lines, people, tally, found)
        yield from _crowded(lines, people, valid)
        yield from _brushed(lines, people, tally)
    finally:
        engine.drop(people)


def _limit(tally: Tally, heavy: tuple[int, int], count: int) -> Decimal:
    """Say from where one of `count` is heavy: a part of the money, and far above the mean."""
    part, times = heavy
    return max(tally.amounts["kept"] / part, tally.amounts["kept"] * times / count)


def _heavy_orders(
    lines: Lines, tally: Tally, facts: Mapping[str, Any], top: Decimal
) -> Iterator[str]:
    """Find orders of over 1 % of the money kept, and over fifty times the mean order."""
    limit = _limit(tally, HEAVY_ORDER, tally.orders["kept"])
    if not 0 < limit < top:
        return
    # Rows are numbered for these few only: numbering ten million costs more than the rest.
    orders = order_table(lines_until(lines.numbered, tally.as_of), lines.layout.options, facts)
    heavy = orders.filter(orders.rule.isnull() & (orders.amount > limit))
    fields = [name for name in ("customer_id", "order_id", "row") if name in heavy.columns]
    heavy = heavy.select("amount", *fields).order_by(ibis.desc("amount"), *fields)
    found = lines.engine.arrow(heavy).to_pylist()
    named = ", ".join(map(_order_name, found[:NAMED]))
    share = percent(sum(order["amount"] for order in found), tally.amounts["kept"])
    yield (
        f"Orders of over 1 % of all money kept each: {some(named, len(found))}, {share} of it "
        "together; see whether they are tests or mistyped."
    )


def _order_name(order: Mapping[str, Any]) -> str:
    name = f"order {order['order_id']!r}" if order["order_id"] is not None else "an order"
    place = f", row {order['row']}" if "row" in order else ""
    return f"{name} of customer {order['customer_id']!r} ({money(order['amount'])}{place})"


def _heavy_customers(
    lines: Lines, people: ir.Table, tally: Tally, most: Mapping[str, Any]
) -> Iterator[str]:
    """Find customers of over 5 % of the money kept, and over twenty times the mean customer.

    One large order is not told twice: at least half of their money came with other orders.
    """
    limit = _limit(tally, HEAVY_CUSTOMER, most["customers"])
    if not 0 < limit < most["spend"]:
        return
    heavy = people.filter((people.spend > limit) & (people.spend >= people.top * 2))
    found = lines.engine.arrow(heavy.order_by(ibis.desc("spend"), "customer_id")).to_pylist()
    if not found:
        return
    named = ", ".join(
        f"{who['customer_id']!r} ({percent(who['spend'], tally.amounts['kept'])} in "
        f"{counted(who['orders'], 'order')})"
        for who in found[:NAMED]
    )
    yield (
        f"Customers of over 5 % of all money kept each: {some(named, len(found))}; see whether "
        "they are one buyer, or a till or guest account that many share."
    )


def _crowded(lines: Lines, people: ir.Table, valid: ir.Table) -> Iterator[str]:
    """Find customers with very many orders on one day.

    Very many are 20, and over five times what 99 in 100 customers reach on their busiest day: a
    shop whose customers all order often is silent, and a guest account rings however many of the
    orders are its own, since it is one customer in a hundred at most.
    """
    peaks = lines.engine.arrow(people.group_by("peak").agg(people=people.count())).to_pylist()
    usual = usual_most({row["peak"]: row["people"] for row in peaks})
    limit = max(MANY, TIMES_USUAL * usual + 1)
    count = sum(row["people"] for row in peaks if row["peak"] >= limit)
    if not count:
        return
    busiest = people.filter(people.peak >= limit).order_by(ibis.desc("peak"), "customer_id")
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
        f"Customers with {limit:,} or more orders on one day: {some(named, count)}, where 99 in "
        f"100 never have over {usual:,}; see whether they are tills, guest accounts or made-up "
        "orders (brushing, 刷单)."
    )


def _brushed(lines: Lines, people: ir.Table, tally: Tally) -> Iterator[str]:
    """Find one amount, paid on one day by many customers who bought once only.

    So do made-up orders look (brushing, 刷单): bought accounts, one listing, one price, one day.
    Four things must hold, and each keeps a common harmless log silent: 20 customers at least; a
    fifth of the day's one-time customers (a busy day has many of everything); a tenth of that
    count on no more than 1 % of the days, or three (a new product that goes on selling has more);
    and a share twice that of the other days (in a shop with one price it is the same). A sale of
    one thing on one day looks the same, and rings: whoever knows the shop can tell. Rings that pay
    many amounts, or whose accounts buy again, are not seen. In less than four weeks nothing is
    usual yet.
    """
    if len(tally.days) < USUAL_FROM:
        return
    once = people.filter((people.orders == 1) & (people.top > 0))
    cells = once.group_by("day", amount=once.top).agg(customers=once.count())
    cells = cells.mutate(
        of_day=cells.customers.sum().over(group_by="day"),
        most=cells.customers.max().over(group_by="amount"),
        of_all=cells.customers.sum().over(),
    )
    cells = cells.filter(cells.most >= MANY)
    near = (cells.customers * 10 >= cells.most).cast("int64")
    cells = cells.mutate(
        days=near.sum().over(group_by="amount"),
        elsewhere=((1 - near) * cells.customers).sum().over(group_by="amount"),
        of_elsewhere=cells.of_all - (near * cells.of_day).sum().over(group_by="amount"),
    )
    odd = cells.filter(
        (cells.customers >= MANY)
        & (cells.customers * 5 >= cells.of_day)
        & (cells.elsewhere * 2 * cells.of_day <= cells.customers * cells.of_elsewhere)
        & (cells.days <= max(RARE_DAYS, len(tally.days) // 100))
    )
    order = (ibis.desc("customers"), "day", "amount")
    found = lines.engine.arrow(odd.order_by(*order)).to_pylist()
    if found:
        named = ", ".join(
            f"{money(cell['amount'])} on {cell['day']} ({cell['customers']:,} of "
            f"{cell['of_day']:,} such customers that day)"
            for cell in found[:NAMED]
        )
        yield (
            f"One amount, paid on one day by many who bought once only: {some(named, len(found))}"
            ", and hardly on other days; see whether it was a sale or made-up orders (brushing, "
            "刷单)."
        )


def usual_most(counts: Mapping[int, int]) -> int:
    """Give the 99th percentile, from below, of values that come so many times."""
    place = int(0.99 * (sum(counts.values()) - 1))
    values = sorted(counts)
    while (place := place - counts[values[0]]) >= 0:
        values.pop(0)
    return values[0]


def some(named: str, count: int) -> str:
    """Say how many there are, where not all are named."""
    return named if count <= NAMED else f"{named}, ... ({count:,} in all)"
