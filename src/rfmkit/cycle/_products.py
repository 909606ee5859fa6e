"""Gaps between purchases of the same category by the same customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit.exceptions import ColumnsError
from rfmkit.history.snapshots import in_sample
from rfmkit.orders._history import days_between

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from rfmkit.orders.orders import Orders

SAMPLE: Final = 100_000
PARTS_OF_DAY: Final = 1000
"""Gaps per piece are summed as whole thousandths of a day: exact, and equal on every engine."""
PARTS_OF_SQUARE: Final = 10**11
"""The moments of regularity are summed as whole parts of this size, for the same reason."""


def check_columns(orders: Orders, *, per_unit: bool) -> None:
    """Check that the log has the columns that product cycles need."""
    needed = {"category": "category of the goods"}
    if per_unit:
        needed["quantity"] = "number of pieces"
    for role, what in needed.items():
        if role not in orders.history.lines.columns:
            raise ColumnsError(
                f"Cycles by category need a column for the {what}.",
                found="no column of a known name",
                hint=f"name it: read_orders(..., {role}='...').",
            )


def product_purchases(orders: Orders, *, per_unit: bool) -> ir.Table:
    """Return one row per customer, category and day of valid orders, with the gap to the next.

    `gap_parts` is the gap in thousandths of a day, per piece if `per_unit`; null while it is open.
    The table is computed once and stored.
    """

    def build() -> ir.Table:
        days = _bought(orders, per_unit=per_unit)
        days = days.mutate(next_day=days.day.lead().over(_in_order(days)))
        gap = days_between(days.day, days.next_day.fill_null(orders.as_of))
        parts = gap.cast("float64") * PARTS_OF_DAY / days.pieces
        days = days.mutate(gap_days=_rounded(gap / days.pieces), all_parts=_rounded(parts))
        return days.mutate(
            gap_parts=days.next_day.isnull().ifelse(ibis.null("int64"), days.all_parts)
        ).drop("all_parts")

    name = f"products_{'unit' if per_unit else 'whole'}"
    found: ir.Table = orders.history.once(name, lambda: orders.history.keep(build(), name))
    return found


def _bought(orders: Orders, *, per_unit: bool) -> ir.Table:
    """Return one row per customer, category and day, with the pieces bought."""
    lines, facts, policy = orders.history.lines, orders.history.facts, orders.history.options
    category = lines.category.strip().nullif("")
    pieces = ibis.literal(1.0)
    if per_unit:
        # A quantity of zero, or one that cannot be read, counts as one piece.
        pieces = (lines.quantity > 0).ifelse(lines.quantity, 1.0).fill_null(1.0)
    lines = lines.mutate(category=category, pieces=pieces, order_key=_order_key(lines))
    lines = lines.filter(lines.rule.isnull() & lines.category.notnull())
    if facts["negative"] or facts["zero"] or facts["refunded"]:
        lines = lines.filter(lines.amount.fill_null(0) >= 0)
        # A line without an order id is an order: it must count by itself. Any line must belong to
        # a valid order.
        alone = lines.order_id.isnull()
        counts = lines.amount > 0
        if policy.zero_amounts == "keep":
            counts = lines.amount >= 0
        if policy.refunds != "gross":
            counts = counts & ((lines.refunded < lines.amount) | (lines.amount == 0))
        lines = lines.filter(~alone | counts)
        valid = orders.history.valid
        valid = valid.select("customer_id", order_key=_order_key(valid)).distinct()
        lines = lines.semi_join(valid, ["customer_id", "order_key"])
    keys = ["customer_id", "category", "day"]
    if policy.same_day == "keep":
        keys.append("order_key")
        alike = ibis.window(group_by=[lines[name] for name in keys], order_by=lines.pieces)
        place = ibis.row_number().over(alike).cast("string")
        own = lines.order_id.isnull().ifelse(lines.order_key + " " + place, lines.order_key)
        lines = lines.mutate(order_key=own)
    days = lines.group_by(*keys).agg(pieces=lines.pieces.sum())
    return days if per_unit else days.mutate(pieces=ibis.literal(1.0))


def _in_order(days: ir.Table) -> Any:
    """Return the window of one customer and category, with a fixed order of orders within a day."""
    order = [days[name] for name in ("day", "order_key") if name in days.columns]
    return ibis.window(group_by=[days.customer_id, days.category], order_by=order)


def _order_key(table: ir.Table) -> ir.StringValue:
    """Return the id of the order of a line, or its day if it has no id."""
    return table.order_id.cast("string").fill_null("day " + table.day.cast("string"))


def _rounded(number: ir.FloatingValue) -> ir.IntegerValue:
    """Return a number rounded to a whole one, halves up: engines round halves differently."""
    return (number + 0.5).floor().cast("int64")


def product_gaps(orders: Orders, *, per_unit: bool) -> pd.DataFrame:
    """Return how many gaps there are of each category, length and outcome."""
    table = product_purchases(orders, per_unit=per_unit)
    keys = ("category", "gap_days", "returned")
    counted = table.mutate(returned=table.next_day.notnull()).group_by(*keys)
    return orders.history.engine.frame(counted.agg(gaps=lambda t: t.count()).order_by(*keys))


def product_customers(orders: Orders, *, per_unit: bool) -> ir.Table:
    """Return one row per customer and category, with the columns of `summarize`.

    With `per_unit`, `active_days` and `open_days` are in days per piece.
    """
    table = product_purchases(orders, per_unit=per_unit)
    open_now = table.next_day.isnull()
    found: dict[str, Any] = {
        "purchases": table.count(),
        "first_purchase": table.day.min(),
        "last_purchase": table.day.max(),
        "active_parts": table.gap_parts.sum(),
        "open_days": table.gap_days.max(where=open_now),
        "last_units": table.pieces.max(where=open_now),
    }
    made = table.group_by("customer_id", "category").agg(**found)
    return made.select(
        "customer_id",
        "category",
        "purchases",
        "last_purchase",
        recency_days=days_between(made.last_purchase, ibis.literal(orders.as_of)),
        repeat_purchases=made.purchases - 1,
        active_days=made.active_parts.fill_null(0).cast("float64") / PARTS_OF_DAY,
        open_days=made.open_days,
        last_units=made.last_units,
    )


def product_silences(orders: Orders, *, per_unit: bool) -> pd.DataFrame:
    """Return how many customers of each category have the same gaps, sum of gaps and silence.

    Of more than 100,000 customers and categories, about 100,000 are counted, chosen by a hash.
    """
    table = product_customers(orders, per_unit=per_unit)
    found = orders.history.engine.row(table.aggregate(customers=table.count()))["customers"]
    if found > SAMPLE:
        who = table.customer_id.cast("string") + " " + table.category
        table = table.filter(in_sample(who, SAMPLE / found))
    keys = ("category", "repeat_purchases", "active_days", "open_days")
    table = table.mutate(active_days=_rounded(table.active_days))
    counted = table.group_by(*keys).agg(customers=lambda t: t.count())
    return orders.history.engine.frame(counted.order_by(*keys))


def product_buyers(orders: Orders, *, per_unit: bool) -> pd.DataFrame:
    """Return the customers of each category, and how many of them bought it again."""
    table = product_customers(orders, per_unit=per_unit)
    again = (table.repeat_purchases > 0).cast("int64").sum()
    counted = table.group_by("category").agg(customers=table.count(), again=again)
    return orders.history.engine.frame(counted.order_by("category"))


def product_regularity(orders: Orders, *, per_unit: bool) -> pd.DataFrame:
    """Return the sums of (M - 1/2)^2 and (M - 1/2)^4 of each category, for its regularity.

    M is the share of the earlier in the sum of a customer's last two gaps.
    """
    table = product_purchases(orders, per_unit=per_unit)
    window = _in_order(table)
    table = table.mutate(
        last_gap=table.gap_parts.lead().over(window),
        second_day=table.day.lead(2).over(window),
        third_day=table.day.lead(3).over(window),
    )
    both = table.gap_parts + table.last_gap
    last = table.filter(table.second_day.notnull() & table.third_day.isnull() & (both > 0))
    apart = last.gap_parts.cast("float64") / (last.gap_parts + last.last_gap) - 0.5
    last = last.mutate(square=apart * apart)
    made = last.group_by("category").agg(
        pairs=last.count(),
        squares=_rounded(last.square * PARTS_OF_SQUARE).sum(),
        fourths=_rounded(last.square * last.square * PARTS_OF_SQUARE).sum(),
    )
    found = orders.history.engine.frame(made.order_by("category"))
    sums = ["squares", "fourths"]
    return found.assign(**{name: found[name].astype(float) / PARTS_OF_SQUARE for name in sums})
