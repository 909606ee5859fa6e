"""Warnings of the audit: what in a log is unusual as of a day, with its number and what to do.

A warning asks somebody who knows the shop to look. It changes no number. Its limits are relative to
the log itself, so that the usual orders of a wholesaler or of a kiosk cause none.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import ibis.expr.operations as ops

from rfmkit.exceptions import examples
from rfmkit.formats._cells import MONEY_CELL, count_if, is_mangled
from rfmkit.orders._lines import lines_until
from rfmkit.orders.audit._outliers import NAMED, TIMES_USUAL, find_outliers, first_of, usual_most
from rfmkit.report._sections import counted, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import ibis.expr.types as ir

    from rfmkit.orders._lines import Lines
    from rfmkit.orders.audit._counts import AuditCounts, Statuses

OFTEN: Final = 0.05
"""Share of rows (or orders) above which a warning is given."""
QUIET_DAYS: Final = 7
"""A run of days without an order must be longer than this."""
MOST_SIGNS: Final = 20
MOST_EQUAL: Final = 0.9
"""Share of orders with equal lines above which the amount is probably the order's total."""
LEAST_ORDERS: Final = 20
LEAST_AMOUNTS: Final = 10
"""With fewer different amounts, equal lines may come from a shop with few prices."""

RULE_WARNINGS: Final[dict[str, tuple[float, str, str]]] = {  # share of rows, what, what to do
    "no_customer": (
        OFTEN,
        "without a customer",
        "they belong to no customer: if they are not guests, name the right column with customer=",
    ),
    "mangled_customer": (
        0,
        "whose customer id a float destroyed (1.7E+16)",
        "several customers may have the same id now: export the column as text",
    ),
    "no_time": (
        OFTEN,
        "without a date that exists",
        "look at orders.rejected, or name another column with time=",
    ),
    "implausible_time": (
        0,
        "dated outside dates_between",
        "look at orders.rejected; if the dates are real, widen dates_between=",
    ),
    "no_amount": (
        OFTEN,
        "without an amount",
        "look at orders.rejected, or name another column with amount=",
    ),
}


def find_warnings(
    lines: Lines,
    orders: ir.Table,
    counts: AuditCounts,
    statuses: Statuses,
    *,
    facts: Mapping[str, Any],
) -> tuple[str, ...]:
    """Return the warnings of the rows known on a day, one sentence each.

    Parameters
    ----------
    lines : Lines
        The log.
    orders : ibis Table
        Its orders known on that day, as `order_table` returns them.
    counts : AuditCounts
        How many rows and orders and how much money each rule has.
    statuses : tuple
        The statuses known on that day, as `count_statuses` returns them.
    facts : mapping
        What `log_facts` found.
    """
    found = [
        *_unreadable(lines, counts), *_in_several_files(lines), *_rules(counts),
        *_order_ids(lines, counts), *_totals(lines, counts), *_unknown(counts, statuses),
        *_zero(lines, counts), *_currencies(lines, counts),
    ]  # fmt: skip
    if counts.days:
        found += [*_quiet(counts), *find_outliers(lines, orders, counts, facts)]
    if counts.hidden:
        found.append(
            f"Rows dated after {counts.as_of}: {counts.hidden:,}, hidden by as_of; orders.hidden "
            "has their money."
        )
    return tuple(found)


# --- rows ------------------------------------------------------------------------------------


def _of_rows(count: int, counts: AuditCounts) -> str:
    read = counts.rows["read"]
    return f"{count:,} of {counted(read, 'row')} ({percent(count, read)})"


def _unreadable(lines: Lines, counts: AuditCounts) -> Iterator[str]:
    unreadable = lines.source.unreadable
    if unreadable:
        yield (
            f"Lines that cannot be read: {_of_rows(len(unreadable), counts)}, the first in line "
            f"{unreadable[0].line} of {unreadable[0].file!r}; repair the file, or pass its "
            "delimiter with delimiter=."
        )


def _in_several_files(lines: Lines) -> Iterator[str]:
    count = lines.census.several_files
    if count:
        yield (
            f"Order ids in several files: {count:,}; equal rows count once, other "
            "rows are summed. If a later file replaces the orders of an earlier one, leave the "
            "earlier one out, or read them with a Format(whole=True)."
        )


def _rules(counts: AuditCounts) -> Iterator[str]:
    for rule, (most, what, advice) in RULE_WARNINGS.items():
        count = counts.rows.get(rule, 0)
        if count > most * counts.rows["read"]:
            yield f"Rows {what}: {_of_rows(count, counts)}; {advice}."


def _order_ids(lines: Lines, counts: AuditCounts) -> Iterator[str]:
    """Warn of order ids that a float destroyed, if the census of the whole log found any."""
    if "order_id" not in lines.layout.columns:
        return
    cells = lines.written("order_id", counts.as_of)
    mangled = is_mangled(cells.cell, lines.census.cells["order_id"])
    if isinstance(mangled.op(), ops.Literal):
        return
    count = int(lines.engine.row(cells.aggregate(rows=count_if(mangled)))["rows"])
    if count:
        yield (
            f"Rows whose order id a float destroyed: {_of_rows(count, counts)}; each counts as an "
            "separate order: export the column as text."
        )


def _totals(lines: Lines, counts: AuditCounts) -> Iterator[str]:
    """Warn of totals that are repeated on each line of an order, if no format declares it."""
    platform = lines.layout.platform
    if (
        not lines.census.repeats
        or platform.marks
        or platform.once
        or "amount" not in lines.layout.columns
    ):
        return
    table = lines_until(lines.table, counts.as_of)
    orders = table.filter(table.rule.isnull() & table.order_id.notnull()).group_by("order_id")
    orders = orders.agg(
        lines=lambda t: t.count(), least=lambda t: t.amount.min(), most=lambda t: t.amount.max()
    )
    several = orders.filter(orders.lines > 1)
    equal = several.least == several.most
    found = lines.engine.row(
        several.aggregate(
            orders=several.count(),
            equal=count_if(equal),
            amounts=several.most.nunique(where=equal),
        )
    )
    if found["equal"] >= LEAST_ORDERS and found["equal"] > MOST_EQUAL * found["orders"]:
        if found["amounts"] < LEAST_AMOUNTS:
            return  # the shop has few prices
        yield (
            f"Orders with the same amount on each of their lines: {found['equal']:,} of "
            f"{counted(found['orders'], 'order')} with several lines; if it is the total of the "
            "order, it is counted once per line: keep one line per order, or declare a Format "
            "with once=('amount',)."
        )


def _unknown(counts: AuditCounts, statuses: Statuses) -> Iterator[str]:
    words = [word for word, meaning, _ in statuses if meaning == "unknown"]
    count = sum(rows for _, meaning, rows in statuses if meaning == "unknown")
    if count:
        yield (
            f"Statuses that no table names, {examples(words)}: {_of_rows(count, counts)}, all set "
            f"aside; map them to canonical statuses: statuses={{{words[0]!r}: '...'}}."
        )


def _zero(lines: Lines, counts: AuditCounts) -> Iterator[str]:
    aside, kept = counts.orders.get("zero_amount", 0), counts.orders.get("kept", 0)
    count = aside + counts.free
    if count > OFTEN * (kept + aside):
        kept_now = lines.layout.options.zero_amounts == "keep"
        now, other = ("kept", "drop") if kept_now else ("set aside", "keep")
        yield (
            f"Orders of amount zero: {count:,} of {counted(kept + aside, 'order')} "
            f"({percent(count, kept + aside)}), {now}; if they are "
            f"{'gifts' if kept_now else 'purchases'}, pass zero_amounts={other!r}."
        )


def _currencies(lines: Lines, counts: AuditCounts) -> Iterator[str]:
    """Warn of several currency signs in the column of amounts."""
    # The census counts commas only in a column with cells that are not plain numbers.
    if "comma" not in lines.census.cells.get("amount", {}):
        return
    table = lines.written("amount", counts.as_of)
    table = table.filter(table.cell.re_search(MONEY_CELL))
    sign = table.cell.re_replace(r"[^\p{L}\p{Sc}]", "").upper()
    signs = table.select(sign=sign).filter(lambda t: t.sign != "").distinct().limit(MOST_SIGNS)
    found = sorted(lines.engine.arrow(signs)["sign"].to_pylist())
    if len(found) > 1:
        yield (
            f"Signs beside the amounts: {examples(found)}; if they are several currencies, keep "
            "one of them, or convert the amounts first."
        )


# --- days ------------------------------------------------------------------------------------


def _quiet(counts: AuditCounts) -> Iterator[str]:
    """Warn of long runs of days without an order: a file may be missing, or a date mistyped.

    The last run ends on `as_of`. A run is long if it is over a week and over five times the 99th
    percentile of the pauses between days with orders (the second longest pause, if there are fewer
    than a hundred).
    """
    days = sorted(counts.days)
    gaps = [(after - before).days for before, after in pairwise(days)]
    usual = usual_most(Counter(gaps)) if gaps else 1
    threshold = max(QUIET_DAYS, TIMES_USUAL * usual)
    one = dt.timedelta(days=1)
    after = [*days[1:], counts.as_of + one]
    runs = [
        (before + one, later - one)
        for before, later in zip(days, after, strict=True)
        if (later - before).days > threshold
    ]
    if runs:
        longest = sorted(runs, key=lambda run: run[0] - run[1])[:NAMED]
        named = ", ".join(
            f"{first} to {last} ({(last - first).days + 1:,} days)" for first, last in longest
        )
        yield (
            f"Days without any order: {first_of(named, len(runs))}; 99 in 100 pauses are at most "
            f"{counted(usual, 'day')} long: check whether the shop was closed, a file is missing "
            "or a date is mistyped."
        )
