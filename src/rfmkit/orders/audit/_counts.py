"""The tally: how many rows and orders and how much money each rule has, on a day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rfmkit.orders._lines import lines_until

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import ibis.expr.types as ir

    from rfmkit.orders._lines import Lines

CENT_OF_CENT: Final = Decimal("0.0001")

Statuses = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Tally:
    """Rows, orders and money by rule, with ``"read"`` for the whole, as known on `as_of`.

    `days` has the valid orders of each day, `free` those of amount zero, `hidden` the rows dated
    later than `as_of`.
    """

    as_of: dt.date
    rows: Mapping[str, int]
    orders: Mapping[str, int]
    amounts: Mapping[str, Decimal]
    days: Mapping[dt.date, int]
    free: int
    hidden: int

    @property
    def aside(self) -> bool:
        """Tell whether anything but valid orders was read."""
        return self.rows.keys() > {"kept", "read", "unreadable_line"}


def take_tally(
    lines: Lines, flagged: ir.Table, facts: Mapping[str, Any], *, as_of: dt.date
) -> Tally:
    """Count the orders by rule and day in one pass, and what was read in another, by itself.

    That the rules make what was read is so a finding, not a definition.
    """
    found = _by_rule_and_day(lines, flagged)
    read = _read(lines, as_of)
    torn = len(lines.source.unreadable)
    rows, orders = _sums(found, "rows"), _sums(found, "orders")
    amounts = {rule: _exact(amount) for rule, amount in _sums(found, "amount").items()}
    amounts |= {"refund_deducted": _exact(sum(row["deducted"] for row in found))}
    orders["read"] = read["rows"]
    if facts["grouped"]:
        orders = _distinct_orders(lines, flagged, found, as_of=as_of)
        orders["read"] += read["without_id"]
    kept = [row for row in found if row["rule"] == "kept"]
    return Tally(
        as_of=as_of,
        rows={"kept": 0, **rows, "unreadable_line": torn, "read": read["rows"] + torn},
        orders={"kept": 0, **orders, "unreadable_line": torn, "read": orders["read"] + torn},
        amounts=amounts | {"read": _exact(read["amount"])},
        days={row["day"]: row["orders"] for row in kept},
        free=sum(row["free"] for row in kept),
        hidden=read["hidden"],
    )


def _by_rule_and_day(lines: Lines, flagged: ir.Table) -> list[dict[str, Any]]:
    deducted = flagged.rule.isnull() & (lines.layout.options.refunds == "net")
    whole = flagged.summed | flagged.order_id.isnull()
    by_rule = flagged.group_by(rule=flagged.rule.fill_null("kept"), day=flagged.day).agg(
        rows=flagged.lines.sum(),
        orders=flagged.count(),
        whole=whole.cast("int64").sum(),
        free=(flagged.amount == 0).cast("int64").sum().fill_null(0),
        amount=flagged.amount.sum().fill_null(0),
        deducted=deducted.ifelse(flagged.refunded, 0).sum().fill_null(0),
    )
    return list(lines.engine.arrow(by_rule).to_pylist())


def _sums(found: list[dict[str, Any]], what: str) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for row in found:
        sums[row["rule"]] = sums.get(row["rule"], 0) + row[what]
    return sums


def _exact(amount: Decimal | int) -> Decimal:
    return Decimal(amount).quantize(CENT_OF_CENT)


def _read(lines: Lines, as_of: dt.date) -> dict[str, Any]:
    table = lines.table
    later = (table.day > as_of).fill_null(False)  # noqa: FBT003
    return lines.engine.row(
        table.aggregate(
            rows=(~later).cast("int64").sum().fill_null(0),
            amount=later.ifelse(0, table.amount).sum().fill_null(0),
            without_id=(~later & table.order_id.isnull()).cast("int64").sum().fill_null(0),
            hidden=later.cast("int64").sum().fill_null(0),
        )
    )


def _distinct_orders(
    lines: Lines, flagged: ir.Table, found: list[dict[str, Any]], *, as_of: dt.date
) -> Counter[str]:
    """Count orders where ids come again: lines set aside by themselves are put together again."""
    orders = Counter(_sums(found, "whole"))
    key = ["customer_id", "order_id"]
    single = flagged.filter(~flagged.summed & flagged.order_id.notnull())
    single = single.select("rule", *key).distinct()
    counts = lines.engine.arrow(single.group_by("rule").agg(orders=single.count())).to_pylist()
    orders.update({row["rule"]: row["orders"] for row in counts})
    read = lines_until(lines.table, as_of)
    read = read.filter(read.order_id.notnull()).select(*key).distinct()
    orders["read"] = lines.engine.row(read.aggregate(orders=read.count()))["orders"]
    return orders


def count_statuses(lines: Lines, facts: Mapping[str, Any], *, as_of: dt.date) -> Statuses:
    """Count the statuses known on a day: word, meaning, rows, the most frequent first."""
    counts = lines.census.status_rows
    if counts and as_of < facts["last_day"]:  # else they were all counted in reading
        cells = lines.written("status", as_of)
        words = cells.select(word=cells.cell.cast("string").fill_null(""))
        found = lines.engine.arrow(words.group_by("word").agg(rows=words.count())).to_pylist()
        counts = {row["word"]: row["rows"] for row in found}
        if lines.layout.platform.continued:  # the blank status of a further line is none
            counts.pop("", None)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple((word, lines.census.statuses.get(word, "unknown"), rows) for word, rows in ordered)
