"""Alarms: what in a log looks odd as of a day, each a sentence with its figure and what to do.

An alarm is a question to who knows the shop, never a verdict, and changes no number. What is odd
is measured against the log itself, so that a wholesaler's and a kiosk's log are both silent.
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
from rfmkit.orders.audit._outliers import NAMED, TIMES_USUAL, find_outliers, some, usual_most
from rfmkit.report._sections import counted, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import ibis.expr.types as ir

    from rfmkit.orders._lines import Lines
    from rfmkit.orders.audit._counts import Statuses, Tally

OFTEN: Final = 0.05
QUIET_DAYS: Final = 7
SIGNS: Final = 20
MOSTLY: Final = 0.9
SOME_ORDERS: Final = 20
SOME_AMOUNTS: Final = 10

RULES_OF_ALARM: Final[dict[str, tuple[float, str, str]]] = {
    "no_customer": (
        OFTEN,
        "without a customer",
        "they are in nobody's history: if they are no guests, name the right column, customer=",
    ),
    "mangled_customer": (
        0,
        "whose customer id a float destroyed (1.7E+16)",
        "several customers may hide behind one id: export the column as text",
    ),
    "no_time": (OFTEN, "without a date that exists", "look at .rejected, or name it with time="),
    "implausible_time": (
        0,
        "dated outside dates_between",
        "look at .rejected; where the dates are real, widen dates_between=",
    ),
    "no_amount": (OFTEN, "without an amount", "look at .rejected, or name it with amount="),
}


def find_alarms(
    lines: Lines,
    flagged: ir.Table,
    tally: Tally,
    statuses: Statuses,
    *,
    facts: Mapping[str, Any],
) -> tuple[str, ...]:
    """Ring for what looks odd among the lines known on a day.

    Parameters
    ----------
    lines : Lines
        The log.
    flagged : ibis Table
        Its orders as known then, as `order_table` gives them.
    tally : Tally
        What was counted of them.
    statuses : tuple
        The statuses known then, as `count_statuses` gives them.
    facts : mapping
        What `log_facts` found.
    """
    found = [
        *_torn(lines, tally), *_again(lines), *_rules(tally), *_order_ids(lines, tally),
        *_totals(lines, tally), *_unknown(tally, statuses), *_zero(lines, tally),
        *_currencies(lines, tally),
    ]  # fmt: skip
    if tally.days:
        found += [*_quiet(tally), *find_outliers(lines, flagged, tally, facts)]
    if tally.hidden:
        found.append(
            f"Rows dated after {tally.as_of}: {tally.hidden:,}, hidden by as_of; .hidden of the "
            "orders has their money."
        )
    return tuple(found)


# --- rows ------------------------------------------------------------------------------------


def _of_rows(count: int, tally: Tally) -> str:
    return (
        f"{count:,} of {counted(tally.rows['read'], 'row')} ({percent(count, tally.rows['read'])})"
    )


def _torn(lines: Lines, tally: Tally) -> Iterator[str]:
    torn = lines.source.unreadable
    if torn:
        yield (
            f"Torn lines: {_of_rows(len(torn), tally)}, the first in line {torn[0].line} of "
            f"{torn[0].file!r}; mend the export, or name its delimiter with delimiter=."
        )


def _again(lines: Lines) -> Iterator[str]:
    count = lines.census.several_files
    if count:
        yield (
            f"Order ids that stand in several files: {count:,}; rows that are equal count "
            "once, others are summed. Where a later file holds its orders anew, read it with a "
            "format of your own, or leave the earlier out."
        )


def _rules(tally: Tally) -> Iterator[str]:
    for rule, (most, what, advice) in RULES_OF_ALARM.items():
        count = tally.rows.get(rule, 0)
        if count > most * tally.rows["read"]:
            yield f"Rows {what}: {_of_rows(count, tally)}; {advice}."


def _order_ids(lines: Lines, tally: Tally) -> Iterator[str]:
    """Count destroyed order ids, where the census of the whole log has seen one."""
    if "order_id" not in lines.layout.columns:
        return
    cells = lines.written("order_id", tally.as_of)
    mangled = is_mangled(cells.cell, lines.census.cells["order_id"])
    if isinstance(mangled.op(), ops.Literal):
        return
    count = int(lines.engine.row(cells.aggregate(rows=count_if(mangled)))["rows"])
    if count:
        yield (
            f"Rows whose order id a float destroyed: {_of_rows(count, tally)}; each counts as an "
            "order of its own: export the column as text."
        )


def _totals(lines: Lines, tally: Tally) -> Iterator[str]:
    """Find order totals that stand on each line of their orders, where no format tells of it."""
    platform = lines.layout.platform
    if (
        not lines.census.repeats
        or platform.marks
        or platform.once
        or "amount" not in lines.layout.columns
    ):
        return
    table = lines_until(lines.table, tally.as_of)
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
    if found["equal"] >= SOME_ORDERS and found["equal"] > MOSTLY * found["orders"]:
        if found["amounts"] < SOME_AMOUNTS:
            return  # a shop with few prices
        yield (
            f"Orders with the same amount on each of their lines: {found['equal']:,} of "
            f"{counted(found['orders'], 'order')} with several lines; if it is the order's total "
            "it counts once a line: keep one line an order, or declare a format with "
            "once=('amount',)."
        )


def _unknown(tally: Tally, statuses: Statuses) -> Iterator[str]:
    words = [word for word, meaning, _ in statuses if meaning == "unknown"]
    count = sum(rows for _, meaning, rows in statuses if meaning == "unknown")
    if count:
        yield (
            f"Statuses that no table names, {examples(words)}: {_of_rows(count, tally)}, none of "
            f"them counted; say what they mean: statuses={{{words[0]!r}: '...'}}."
        )


def _zero(lines: Lines, tally: Tally) -> Iterator[str]:
    aside, kept = tally.orders.get("zero_amount", 0), tally.orders.get("kept", 0)
    count = aside + tally.free
    if count > OFTEN * (kept + aside):
        now, other = (
            ("kept", "drop") if lines.layout.options.zero_amounts == "keep" else ("aside", "keep")
        )
        yield (
            f"Orders of amount zero: {count:,} of {counted(kept + aside, 'order')} "
            f"({percent(count, kept + aside)}), {now}; if they are "
            f"{'gifts' if now == 'kept' else 'purchases'}, zero_amounts={other!r}."
        )


def _currencies(lines: Lines, tally: Tally) -> Iterator[str]:
    """Look for several signs beside the amounts, where the census met amounts with signs."""
    if "comma" not in lines.census.cells.get("amount", {}):
        return
    table = lines.written("amount", tally.as_of)
    table = table.filter(table.cell.re_search(MONEY_CELL))
    sign = table.cell.re_replace(r"[^\p{L}\p{Sc}]", "").upper()
    signs = table.select(sign=sign).filter(lambda t: t.sign != "").distinct().limit(SIGNS)
    found = sorted(lines.engine.arrow(signs)["sign"].to_pylist())
    if len(found) > 1:
        yield (
            f"Signs beside the amounts: {examples(found)}; if they are several currencies, keep "
            "one of them, or convert the amounts first."
        )


# --- days ------------------------------------------------------------------------------------


def _quiet(tally: Tally) -> Iterator[str]:
    """Find runs of days without an order: a file that is missing, or a date that is mistyped.

    The last run ends with `as_of`. A run counts where it is longer than a week, and five times as
    long as 99 in 100 pauses between days with orders; under a hundred pauses, as the second
    longest.
    """
    days = sorted(tally.days)
    gaps = [(after - before).days for before, after in pairwise(days)]
    usual = usual_most(Counter(gaps)) if gaps else 1
    limit = max(QUIET_DAYS, TIMES_USUAL * usual)
    one = dt.timedelta(days=1)
    after = [*days[1:], tally.as_of + one]
    runs = [
        (before + one, later - one)
        for before, later in zip(days, after, strict=True)
        if (later - before).days > limit
    ]
    if runs:
        longest = sorted(runs, key=lambda run: run[0] - run[1])[:NAMED]
        named = ", ".join(
            f"{first} to {last} ({(last - first).days + 1:,} days)" for first, last in longest
        )
        yield (
            f"Days without any order: {some(named, len(runs))}; 99 in 100 pauses are over within "
            f"{counted(usual, 'day')}: see whether the shop was closed, a file is missing or a "
            "date is mistyped."
        )
