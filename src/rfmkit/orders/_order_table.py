"""The order table: lines summed to orders, each valid or under a rule."""

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
    """Sum lines to orders, and give each order its rule: null for valid, "refund" for netted.

    `amount` is net for what is kept and as read for what is set aside; `refunded` is the money
    given back, whether or not the options take it off; `summed` tells the orders from the lines
    that were set aside by themselves.
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
    flagged = lines.select(
        *fields,
        lines=ibis.literal(1, "int64"),
        summed=lines.rule.isnull(),
        given_back=(lines.amount < 0).ifelse(-lines.amount, 0).cast(MONEY),
    )
    if facts["grouped"]:
        flagged = _sum_lines(flagged)
    flagged = flagged.mutate(rule=_order_rule(flagged, options, facts), net=flagged.amount)
    if options.refunds == "net" and facts["refunded"]:
        net = (flagged.amount - flagged.refunded).cast(MONEY)
        flagged = flagged.mutate(net=flagged.rule.isnull().ifelse(net, flagged.amount))
    if options.refunds == "net" and facts["negative"]:
        flagged = _flag_refunds(flagged)
    kept = flagged.rule.isnull()
    return flagged.mutate(
        amount=kept.ifelse(flagged.net, flagged.amount), refunded=_money_back(flagged)
    ).drop("net", "given_back")


def _money_back(flagged: ir.Table) -> ir.DecimalValue:
    """Give the money that went back: the refund of an order, or the refund that a row is."""
    of_order = flagged.refunded
    whole = ibis.greatest(of_order, flagged.given_back)
    whole = (whole > 0).ifelse(whole, flagged.amount)
    return ibis.cases(
        (flagged.rule.isnull(), of_order),
        (flagged.rule.isin(REFUNDED), whole),
        (flagged.rule.isin(REFUND_ROWS), ibis.greatest(of_order, flagged.given_back)),
        else_=ibis.literal(0),
    ).cast(MONEY)


def _sum_lines(single: ir.Table) -> ir.Table:
    """Sum the lines of an order: one customer's lines of one id that no rule sets aside."""
    whole = single.summed & single.order_id.notnull()
    rows = {"row": lambda t: t.row.min()} if "row" in single.columns else {}
    if "customer_key" in single.columns:
        rows["customer_key"] = lambda t: t.customer_key.min()
    summed = single.filter(whole).group_by("customer_id", "order_id")
    orders = summed.agg(
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
    return ibis.union(single.filter(~whole), orders.select(single.columns))


def _order_rule(
    order: ir.Table, options: ReadingOptions, facts: Mapping[str, Any]
) -> ir.StringValue:
    """Give an order its rule; what no row of the log calls for is not asked of ten million."""
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


def _flag_refunds(flagged: ir.Table) -> ir.Table:
    """Set aside what cancels out on its day, then refunds of customers who bought nothing."""
    counts = flagged.rule.isnull() | (flagged.rule == "refund")
    is_refund = (flagged.rule == "refund").fill_null(False)  # noqa: FBT003
    day = ibis.window(group_by=[flagged.customer_id, flagged.day])
    # Cast first: DuckDB 2.0 fails to plan some windows that sum shorter decimals.
    net = counts.ifelse(flagged.net, 0).cast("decimal(38, 4)").sum().over(day)
    undone = counts & (net == 0) & is_refund.cast("int64").max().over(day).cast("boolean")
    flagged = flagged.mutate(rule=undone.ifelse("refunded_same_day", flagged.rule))
    bought = flagged.rule.isnull().cast("int64").max().over(group_by=flagged.customer_id)
    stray = (flagged.rule == "refund") & (bought == 0)
    return flagged.mutate(rule=stray.ifelse("refund_without_purchase", flagged.rule))


def rejected_table(lines: Lines, as_of: dt.date, facts: Mapping[str, Any]) -> ir.Table:
    """Give the rows set aside, as they stand in the source where its rows can be numbered."""
    numbered = lines_until(lines.numbered, as_of)
    flagged = order_table(numbered, lines.layout.options, facts)
    aside = flagged.filter(flagged.rule.notnull() & (flagged.rule != "refund"))
    if facts["grouped"]:
        aside = _lines_of(aside, numbered)
    if "row" not in numbered.columns or lines.layout.options.secret is not None:
        # Under pseudonyms the source's own columns stay unseen: they tell who it was.
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
    """Give the lines of what was set aside: rows by themselves, and every line of an order."""
    fields = [name for name in aside.columns if name in lines.columns]
    of_order = aside.summed & aside.order_id.notnull()
    keys = ["customer_id", "order_id"]
    orders = aside.filter(of_order).select(*keys, order_rule=aside.rule)
    good = lines.filter(lines.rule.isnull())
    theirs = good.inner_join(orders, keys)
    theirs = theirs.mutate(rule=theirs.order_rule)
    return ibis.union(aside.filter(~of_order).select(fields), theirs.select(fields))


def log_facts(lines: Lines) -> dict[str, Any]:
    """Look at the whole log once, to know its last day and which steps it needs."""
    found = _summed_facts(_facts_by_rule(lines))
    if not found["rows"]:
        torn = lines.source.unreadable
        raise OrdersError(
            "At least one line of the file is whole.",
            found=f"{len(torn):,} torn lines, the first {torn[0].text!r} in line {torn[0].line}",
            hint="see its delimiter and quotes: delimiter=';' names one.",
        )
    if found["last_day"] is None:
        start, end = lines.layout.options.dates_between
        raise OrdersError(
            "At least one row has a date.",
            found=f"{found['rows']:,} rows and not one readable date in {start} to {end}",
            hint="name the right column with time=, or widen dates_between=.",
        )
    shared = _shared(lines) if lines.census.repeats else 0
    return {**found, "grouped": lines.census.repeats, "shared_order_ids": shared}


def _facts_by_rule(lines: Lines) -> dict[str | None, dict[str, Any]]:
    """Count the lines of every rule, in one pass."""
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
    """Sum up the rules; money counts where none sets its line aside."""
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
    """Count order ids that come with several customers; an order never spans two of them."""
    table = lines.table
    named = table.filter(table.order_id.notnull() & table.customer_id.notnull())
    owners = named.group_by("order_id").agg(
        first=named.customer_id.min(), last=named.customer_id.max()
    )
    shared = owners.filter(owners["first"] != owners["last"])
    return int(lines.engine.row(shared.aggregate(ids=shared.count()))["ids"])
