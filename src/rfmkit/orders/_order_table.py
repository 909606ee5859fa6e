"""The order table: lines summed to orders, each valid or set aside by a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit._engine import ROW
from rfmkit.columns import MONEY
from rfmkit.exceptions import OrdersError
from rfmkit.formats._cells import count_if
from rfmkit.orders._lines import lines_until
from rfmkit.orders._status import NEVER_PAID, REFUNDED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import ibis.expr.types as ir

    from rfmkit.orders._lines import Lines
    from rfmkit.orders._reading_options import ReadingOptions

REFUND_ROWS: Final = ("refund", "refund_row", "refunded_same_day", "refund_without_purchase")


def order_table(lines: ir.Table, options: ReadingOptions, facts: Mapping[str, Any]) -> ir.Table:
    """Return one row per order, and one per line that was set aside by itself.

    Parameters
    ----------
    lines : ibis Table
        The lines known on a day.
    options : ReadingOptions
        What counts as a purchase.
    facts : mapping
        What `log_facts` found: steps that no row of the log needs are left out.

    Returns
    -------
    ibis Table
        `rule` is null for valid orders and "refund" for refunds whose money is netted. `amount`
        is net for what is kept, and as read for what is set aside. `refunded` is the money given
        back, whether or not the options subtract it. `lines` is the number of lines. `summed`
        is false for lines that were set aside by themselves.
    """
    fields = [
        "customer_id",
        "order_id",
        "ordered_at",
        "day",
        "amount",
        "refunded",
        "status",
        "rule",
    ]
    fields += [name for name in ("customer_key", "row") if name in lines.columns]
    orders = lines.select(
        *fields,
        lines=ibis.literal(1, "int64"),
        summed=lines.rule.isnull(),
        given_back=(lines.amount < 0).ifelse(-lines.amount, 0).cast(MONEY),
    )
    if facts["grouped"]:
        orders = _sum_lines(orders)
    orders = orders.mutate(rule=_order_rule(orders, options, facts), net=orders.amount)
    if options.refunds == "net" and facts["refunded"]:
        net = (orders.amount - orders.refunded).cast(MONEY)
        orders = orders.mutate(net=orders.rule.isnull().ifelse(net, orders.amount))
    if options.refunds == "net" and facts["negative"]:
        orders = _net_refunds(orders)
    kept = orders.rule.isnull()
    return orders.mutate(
        amount=kept.ifelse(orders.net, orders.amount), refunded=_money_back(orders)
    ).drop("net", "given_back")


def _money_back(orders: ir.Table) -> ir.DecimalValue:
    """Return the money given back: the refund of an order, or the amount of a refund row."""
    of_order = orders.refunded
    whole = ibis.greatest(of_order, orders.given_back)
    whole = (whole > 0).ifelse(whole, orders.amount)
    return ibis.cases(
        (orders.rule.isnull(), of_order),
        (orders.rule.isin(REFUNDED), whole),
        (orders.rule.isin(REFUND_ROWS), ibis.greatest(of_order, orders.given_back)),
        else_=ibis.literal(0),
    ).cast(MONEY)


def _sum_lines(single: ir.Table) -> ir.Table:
    """Return orders: the lines of one customer and order id are summed, unless set aside."""
    whole = single.summed & single.order_id.notnull()
    rows = {"row": lambda t: t.row.min()} if "row" in single.columns else {}
    if "customer_key" in single.columns:
        rows["customer_key"] = lambda t: t.customer_key.min()
    summed = single.filter(whole).group_by("customer_id", "order_id")
    whole_orders = summed.agg(
        **rows,
        ordered_at=lambda t: t.ordered_at.min(),
        day=lambda t: t.day.min(),
        amount=lambda t: t.amount.sum().cast(MONEY),
        refunded=lambda t: t.refunded.sum().cast(MONEY),
        given_back=lambda t: t.given_back.sum().cast(MONEY),
        status=lambda t: t.status.min(),
        rule=ibis.null("string"),
        lines=lambda t: t.count(),
        summed=ibis.literal(True),  # noqa: FBT003
    )
    return ibis.union(single.filter(~whole), whole_orders.select(single.columns))


def _order_rule(
    order: ir.Table, options: ReadingOptions, facts: Mapping[str, Any]
) -> ir.StringValue:
    """Return the rule of each order, from only those cases that the log has."""
    cases: list[tuple[ir.BooleanValue, Any]] = []
    if facts["aside"]:
        cases.append((order.rule.notnull(), order.rule))
    if facts["negative"]:
        cases.append((order.amount < 0, "refund" if options.refunds == "net" else "refund_row"))
        if options.refunds != "gross":
            cases.append(((order.given_back > 0) & (order.amount == 0), "refunded"))
    if options.zero_amounts == "drop" and (facts["zero"] or facts["negative"]):
        cases.append((order.amount == 0, "zero_amount"))
    if options.refunds != "gross" and facts["refunded"]:
        full = (order.refunded >= order.amount) & (order.amount > 0)
        cases.append((full, "refunded"))
    return ibis.cases(*cases, else_=ibis.null("string")) if cases else ibis.null("string")


def _net_refunds(orders: ir.Table) -> ir.Table:
    """Return orders with more set aside: what cancels out on its day, and refunds of non-buyers."""
    counts = orders.rule.isnull() | (orders.rule == "refund")
    is_refund = (orders.rule == "refund").fill_null(False)  # noqa: FBT003
    day = ibis.window(group_by=[orders.customer_id, orders.day])
    # Cast first: DuckDB 2.0 fails to plan some windows that sum shorter decimals.
    net = counts.ifelse(orders.net, 0).cast("decimal(38, 4)").sum().over(day)
    undone = counts & (net == 0) & is_refund.cast("int64").max().over(day).cast("boolean")
    orders = orders.mutate(rule=undone.ifelse("refunded_same_day", orders.rule))
    bought = orders.rule.isnull().cast("int64").max().over(group_by=orders.customer_id)
    stray = (orders.rule == "refund") & (bought == 0)
    return orders.mutate(rule=stray.ifelse("refund_without_purchase", orders.rule))


def rejected_table(lines: Lines, as_of: dt.date, facts: Mapping[str, Any]) -> ir.Table:
    """Return the rows set aside, as they are in the source if the engine numbers its rows."""
    numbered = lines_until(lines.numbered, as_of)
    orders = order_table(numbered, lines.layout.options, facts)
    aside = orders.filter(orders.rule.notnull() & (orders.rule != "refund"))
    if facts["grouped"]:
        aside = _lines_of(aside, numbered)
    if "row" not in numbered.columns or lines.layout.options.secret is not None:
        # Under pseudonyms no column of the source is shown: it may identify the customer.
        place = [name for name in ("row",) if name in aside.columns]
        return aside.select(*place, "rule", "order_id", "customer_id", "ordered_at", "amount")
    raw = lines.source.rows
    kept = [
        name
        for name in raw.columns
        if name.lower() not in ("row", "rule") and not name.startswith("rfmkit_")
    ]
    source = raw.mutate(**{ROW: ibis.row_number() + 1}).select(ROW, *kept)
    joined = aside.select("row", "rule").inner_join(source, [("row", ROW)])
    return joined.select("row", "rule", *kept)


def _lines_of(aside: ir.Table, lines: ir.Table) -> ir.Table:
    """Return the lines of what was set aside: single lines, and all lines of an order."""
    fields = [name for name in aside.columns if name in lines.columns]
    of_order = aside.summed & aside.order_id.notnull()
    keys = ["customer_id", "order_id"]
    orders = aside.filter(of_order).select(*keys, order_rule=aside.rule)
    good = lines.filter(lines.rule.isnull())
    theirs = good.inner_join(orders, keys)
    theirs = theirs.mutate(rule=theirs.order_rule)
    return ibis.union(aside.filter(~of_order).select(fields), theirs.select(fields))


def log_facts(lines: Lines) -> dict[str, Any]:
    """Return counts over the whole log: its rows, its days, and which steps it needs."""
    found = _summed_facts(_facts_by_rule(lines))
    if not found["rows"]:
        first, *others = lines.source.unreadable
        raise OrdersError(
            "The file must have at least one complete line.",
            found=f"{1 + len(others):,} lines that cannot be read, the first "
            f"{first.text!r} in line {first.line}",
            hint="check its quotes, or pass its delimiter: delimiter=';'.",
        )
    if found["last_day"] is None:
        start, end = lines.layout.options.dates_between
        raise OrdersError(
            "At least one row must have a date.",
            found=f"{found['rows']:,} rows and not one readable date in {start} to {end}",
            hint="name the right column: time='...', or widen dates_between=.",
        )
    shared = _shared(lines) if lines.census.repeats else 0
    return {**found, "grouped": lines.census.repeats, "shared_order_ids": shared}


def _facts_by_rule(lines: Lines) -> dict[str | None, dict[str, Any]]:
    """Return counts of the lines of each rule."""
    table = lines.table
    counted = table.group_by("rule").agg(
        rows=table.count(),
        first_day=table.day.min(),
        last_day=table.day.max(),
        negative=count_if(table.amount < 0),
        zero=count_if(table.amount == 0),
        refunded=count_if(table.refunded > 0),
    )
    return {row["rule"]: row for row in lines.engine.arrow(counted).to_pylist()}


def _summed_facts(by_rule: Mapping[str | None, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums over all rules; amounts are those of lines that no rule sets aside."""
    rows = {rule: found["rows"] for rule, found in by_rule.items()}
    good = by_rule.get(None, {})
    days = [d for found in by_rule.values() for d in (found["first_day"], found["last_day"]) if d]
    return {
        "rows": sum(rows.values()),
        "last_day": max(days, default=None),
        "first_day": min(days, default=None),
        "aside": sum(rows.values()) - rows.get(None, 0),
        **{name: good.get(name, 0) for name in ("negative", "zero", "refunded")},
        "never_paid": sum(rows.get(rule, 0) for rule in NEVER_PAID),
        "refund_status": sum(rows.get(rule, 0) for rule in REFUNDED),
    }


def _shared(lines: Lines) -> int:
    """Return how many order ids have several customers; an order has only one."""
    table = lines.table
    named = table.filter(table.order_id.notnull() & table.customer_id.notnull())
    owners = named.group_by("order_id").agg(
        first=named.customer_id.min(), last=named.customer_id.max()
    )
    shared = owners.filter(owners["first"] != owners["last"])
    return int(lines.engine.row(shared.aggregate(ids=shared.count()))["ids"])
