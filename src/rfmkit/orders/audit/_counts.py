"""Audit counts: how many rows and orders and how much money each rule has, as of a day."""

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

MONEY_DIGIT: Final = Decimal("0.0001")

Statuses = tuple[tuple[str, str, int], ...]
"""Status words with their meaning and their rows."""


@dataclass(frozen=True)
class AuditCounts:
    """Rows, orders and money of each rule, with ``"read"`` for the whole log.

    Attributes
    ----------
    as_of : date
        The day; later rows are not counted.
    rows, orders, amounts : mapping
        By rule, ``"kept"`` for valid orders.
    days : mapping
        Valid orders of each day.
    free : int
        Valid orders of amount zero.
    hidden : int
        Rows dated later than `as_of`.
    """

    as_of: dt.date
    rows: Mapping[str, int]
    orders: Mapping[str, int]
    amounts: Mapping[str, Decimal]
    days: Mapping[dt.date, int]
    free: int
    hidden: int

    @property
    def any_aside(self) -> bool:
        """Whether anything but valid orders was read."""
        return self.rows.keys() > {"kept", "read", "unreadable_line"}


def count_rules(
    lines: Lines, orders: ir.Table, facts: Mapping[str, Any], *, as_of: dt.date
) -> AuditCounts:
    """Count rows, orders and money by rule.

    Parameters
    ----------
    lines : Lines
        The log.
    orders : ibis Table
        Its orders known on `as_of`, as `order_table` returns them.
    facts : mapping
        What `log_facts` found.
    as_of : date
        The day; later rows are not counted.

    Notes
    -----
    The rules are summed from `orders` and the whole log from `lines`, by two queries, so that an
    audit that adds up shows that no row was lost.
    """
    found = _by_rule_and_day(lines, orders)
    read = _count_read(lines, as_of)
    unreadable = len(lines.source.unreadable)
    rows, order_counts = _sums(found, "rows"), _sums(found, "orders")
    amounts = {rule: _exact(amount) for rule, amount in _sums(found, "amount").items()}
    amounts |= {"refund_deducted": _exact(sum(row["deducted"] for row in found))}
    order_counts["read"] = read["rows"]
    if facts["grouped"]:
        order_counts = _distinct_orders(lines, orders, found, as_of=as_of)
        order_counts["read"] += read["without_id"]
    kept = [row for row in found if row["rule"] == "kept"]
    return AuditCounts(
        as_of=as_of,
        rows={"kept": 0, **rows, "unreadable_line": unreadable, "read": read["rows"] + unreadable},
        orders={
            "kept": 0,
            **order_counts,
            "unreadable_line": unreadable,
            "read": order_counts["read"] + unreadable,
        },
        amounts=amounts | {"read": _exact(read["amount"])},
        days={row["day"]: row["orders"] for row in kept},
        free=sum(row["free"] for row in kept),
        hidden=read["hidden"],
    )


def _by_rule_and_day(lines: Lines, orders: ir.Table) -> list[dict[str, Any]]:
    deducted = orders.rule.isnull() & (lines.layout.options.refunds == "net")
    whole = orders.summed | orders.order_id.isnull()
    by_rule = orders.group_by(rule=orders.rule.fill_null("kept"), day=orders.day).agg(
        rows=orders.lines.sum(),
        orders=orders.count(),
        whole=whole.cast("int64").sum(),
        free=(orders.amount == 0).cast("int64").sum().fill_null(0),
        amount=orders.amount.sum().fill_null(0),
        deducted=deducted.ifelse(orders.refunded, 0).sum().fill_null(0),
    )
    return list(lines.engine.arrow(by_rule).to_pylist())


def _sums(found: list[dict[str, Any]], what: str) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for row in found:
        sums[row["rule"]] = sums.get(row["rule"], 0) + row[what]
    return sums


def _exact(amount: Decimal | int) -> Decimal:
    return Decimal(amount).quantize(MONEY_DIGIT)


def _count_read(lines: Lines, as_of: dt.date) -> dict[str, Any]:
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
    lines: Lines, orders: ir.Table, found: list[dict[str, Any]], *, as_of: dt.date
) -> Counter[str]:
    """Count orders where order ids repeat: lines set aside one by one are put together again."""
    counts = Counter(_sums(found, "whole"))
    key = ["customer_id", "order_id"]
    single = orders.filter(~orders.summed & orders.order_id.notnull())
    single = single.select("rule", *key).distinct()
    by_rule = lines.engine.arrow(single.group_by("rule").agg(orders=single.count())).to_pylist()
    counts.update({row["rule"]: row["orders"] for row in by_rule})
    read = lines_until(lines.table, as_of)
    read = read.filter(read.order_id.notnull()).select(*key).distinct()
    counts["read"] = lines.engine.row(read.aggregate(orders=read.count()))["orders"]
    return counts


def count_statuses(lines: Lines, facts: Mapping[str, Any], *, as_of: dt.date) -> Statuses:
    """Count the rows of each status word as of a day, the most frequent first.

    Returns
    -------
    tuple of (str, str, int)
        The word, its canonical status and its rows.
    """
    counts = lines.census.status_rows
    if counts and as_of < facts["last_day"]:  # else the census has counted them all
        cells = lines.written("status", as_of)
        words = cells.select(word=cells.cell.cast("string").fill_null(""))
        found = lines.engine.arrow(words.group_by("word").agg(rows=words.count())).to_pylist()
        counts = {row["word"]: row["rows"] for row in found}
        if lines.layout.platform.continued:  # a further line of an order has no status of its own
            counts.pop("", None)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple((word, lines.census.statuses.get(word, "unknown"), rows) for word, rows in ordered)
