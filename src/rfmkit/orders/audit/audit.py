"""The audit: what was read, every row and every cent accounted for, and what looks odd."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit.columns import RULES
from rfmkit.formats._registry import GENERIC
from rfmkit.orders._lines import lines_until
from rfmkit.orders._order_table import order_table
from rfmkit.orders.audit._counts import count_statuses, take_tally
from rfmkit.orders.audit._warnings import find_alarms
from rfmkit.report._sections import Report, Section, as_html, as_text, counted, decimals, money

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import ibis.expr.types as ir
    import pandas as pd

    from rfmkit.orders._lines import Lines
    from rfmkit.orders.audit._counts import Statuses, Tally

__all__ = ["Audit"]

EXAMPLES: Final = 3
TOP_STATUSES: Final = 10
KEPT: Final = ("kept", "refund")
OPEN: Final = {"closed": "refunded or unpaid, by payment", "held": "paid or unpaid, by payment"}
NOTHING: Final = Decimal("0.0000")


@dataclass(frozen=True)
class Entry:
    """One line of the rule table."""

    rule: str
    kept: bool
    rows: int
    orders: int
    amount: Decimal
    examples: str
    meaning: str


class Audit:
    """What was read, why rows were set aside, and what looks odd; made by ``Orders.audit``.

    It is shown as a report, in a terminal and in a notebook, and counts what was known on the
    orders' ``as_of``; only the last warning tells how many rows are dated later. An order id's
    lines count as one order of their customer, a row without an id as one; an order whose lines
    are under two rules counts under both, so that rows and money add up, and orders need not.

    Attributes
    ----------
    format : str
        The name of the log's format.
    columns : dict
        The column of each role.
    statuses : DataFrame
        The statuses as the log has them: status, meaning, rows; the most frequent first.
    warnings : tuple of str
        What looks odd, each with its figure and what to do. Looked for when first asked for.

    Examples
    --------
    >>> import pandas as pd
    >>> import rfmkit as rk
    >>> log = pd.DataFrame({
    ...     "customer": ["a", "a", "b", None],
    ...     "date": ["2024-01-03", "2024-02-01", "2024-02-10", "2024-02-11"],
    ...     "amount": ["10.50", "1,200.00", "3.00", "5"],
    ...     "status": ["paid", "paid", "cancelled", "paid"],
    ... })
    >>> audit = rk.read_orders(log).audit
    >>> audit.columns["ordered_at"]
    'date'
    >>> audit.to_frame()[["rule", "kept", "rows", "orders"]]
              rule   kept  rows  orders
    0         kept   True     2       2
    1  no_customer  False     1       1
    2    cancelled  False     1       1
    3         read  False     4       4
    >>> for warning in audit.warnings:
    ...     print(warning)
    Rows without a customer: 1 of 4 rows (25.0 %); they are in nobody's history: if they are no
    guests, name the right column, customer=.
    """

    def __init__(self, lines: Lines, *, as_of: dt.date, facts: Mapping[str, Any]) -> None:
        self._lines = lines
        self._as_of = as_of
        self._facts = facts

    @property
    def format(self) -> str:
        """The name of the log's format."""
        return self._lines.layout.platform.name

    @property
    def columns(self) -> dict[str, str]:
        """The column of each role."""
        return dict(self._lines.layout.shown)

    @property
    def statuses(self) -> pd.DataFrame:
        """The statuses as the log has them, with their meaning and their rows."""
        import pandas as pd

        words, meanings, rows = zip(*self._statuses, strict=True) if self._statuses else ((),) * 3
        return pd.DataFrame({
            "status": pd.Series(words, dtype="str"),
            "meaning": pd.Series(meanings, dtype="str"),
            "rows": pd.Series(rows, dtype="int64"),
        })  # fmt: skip

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What looks odd, each a sentence with its figure and what to do."""
        return find_alarms(
            self._lines, self._flagged, self._tally, self._statuses, facts=self._facts
        )

    def to_frame(self) -> Any:
        """Give the rule table: kept and set aside make what was read, in rows and in money.

        Returns
        -------
        DataFrame
            One row per rule, in the source's own kind; pandas for what is not in memory. The
            columns are rule, kept, rows, orders, amount, examples and meaning; the last row,
            ``"read"``, is the whole log.
        """
        fields = ("rule", "kept", "rows", "orders", "amount", "examples", "meaning")
        columns = {name: [getattr(entry, name) for entry in self._entries] for name in fields}
        return self._lines.engine.small(columns, self._lines.source.kind)

    def __repr__(self) -> str:
        """Write the report as plain text."""
        return as_text(self.report)

    def _repr_html_(self) -> str:
        return as_html(self.report)

    # --- what is counted -------------------------------------------------------------------

    @cached_property
    def _flagged(self) -> ir.Table:
        lines = self._lines
        flagged = order_table(
            lines_until(lines.table, self._as_of), lines.layout.options, self._facts
        )
        return lines.engine.view(flagged, owner=self)

    @cached_property
    def _tally(self) -> Tally:
        return take_tally(self._lines, self._flagged, self._facts, as_of=self._as_of)

    @cached_property
    def _statuses(self) -> Statuses:
        return count_statuses(self._lines, self._facts, as_of=self._as_of)

    @cached_property
    def _entries(self) -> list[Entry]:
        tally, shown = self._tally, self._examples
        return [
            Entry(
                rule, rule in KEPT, tally.rows.get(rule, 0), tally.orders.get(rule, 0),
                tally.amounts.get(rule, NOTHING), shown.get(rule, ""), meaning,
            )
            for rule, meaning in (RULES | {"read": "the whole log"}).items()
            if rule in ("kept", "read") or tally.rows.get(rule) or tally.amounts.get(rule)
        ]  # fmt: skip

    @cached_property
    def _examples(self) -> dict[str, str]:
        """Give the first rows of each rule, where the engine keeps the place of a row."""
        torn = ", ".join(f"line {bad.line}" for bad in self._lines.source.unreadable[:EXAMPLES])
        shown = {"unreadable_line": torn}
        if not self._lines.engine.embedded or not self._tally.aside:
            return shown
        numbered = lines_until(self._lines.numbered, self._as_of)
        flagged = order_table(numbered, self._lines.layout.options, self._facts)
        aside = flagged.filter(flagged.rule.notnull())
        place = ibis.row_number().over(group_by=aside.rule, order_by=aside.row)
        first = aside.select("rule", "row", place=place)
        first = first.filter(first.place < EXAMPLES).order_by("rule", "row")
        rows: dict[str, list[str]] = {}
        for found in self._lines.engine.arrow(first).to_pylist():
            rows.setdefault(found["rule"], []).append(str(found["row"]))
        return shown | {rule: "row " + ", ".join(places) for rule, places in rows.items()}

    @cached_property
    def _known_by(self) -> dict[str, int]:
        """Count the rows by what tells their customer, where that is not always the same."""
        if "customer_key" not in self._lines.table.columns:
            return {}
        lines = lines_until(self._lines.table, self._as_of)
        kinds = lines.filter(lines.customer_key.notnull()).group_by("customer_key")
        counts = self._lines.engine.arrow(kinds.agg(rows=lambda t: t.count())).to_pylist()
        return dict(sorted((row["customer_key"], row["rows"]) for row in counts))

    # --- what is shown ---------------------------------------------------------------------

    @cached_property
    def report(self) -> Report:
        """The report before it is written: for the command line, not part of the interface."""
        sections = [_what_was_read(self._lines, self._entries[-1].rows, self._known_by)]
        if self._statuses:
            sections.append(_status_section(self._statuses))
        sections.append(_rule_section(self._entries))
        warnings = self.warnings or ("Nothing looks odd.",)
        sections.append(Section("Warnings", sentences=warnings, warns=bool(self.warnings)))
        return Report(f"Every row of the order log, as of {self._as_of}", tuple(sections))


def _what_was_read(lines: Lines, rows: int, known_by: Mapping[str, int]) -> Section:
    platform = lines.layout.platform
    told_why = "" if platform.name == GENERIC.name else f": {lines.layout.why}"
    facts = [("format", f"{platform.name} ({platform.title}){told_why}")]
    facts += [("file", name) for name in lines.source.files]
    facts += [("rows", f"{rows:,}")]
    facts += [(role, f"column {column!r}") for role, column in lines.layout.shown.items()]
    facts += [("known by", f"{kind}: {counted(count, 'row')}") for kind, count in known_by.items()]
    # Roles have their own lines; unknown statuses and destroyed ids are warned of, as of the day.
    told = ("format: ", ": column ", "unknown statuses: ", " destroyed by a float")
    facts += [("note", note) for note in lines.notes if not any(word in note for word in told)]
    return Section("Read", rows=tuple(facts))


def _status_section(statuses: Statuses) -> Section:
    shown = [
        status for place, status in enumerate(statuses)
        if place < TOP_STATUSES or status[1] == "unknown"
    ]  # fmt: skip
    rows = [
        (word or "(empty)", OPEN.get(meaning, meaning), f"{count:,}")
        for word, meaning, count in shown
    ]
    if len(shown) < len(statuses):
        more = sum(status[2] for status in statuses) - sum(status[2] for status in shown)
        left = counted(len(statuses) - len(shown), "more word")
        rows.append((f"({left}: see .statuses)", "", f"{more:,}"))
    return Section("Statuses", tuple(rows), ("status", "meaning", "rows"), right=(2,))


def _rule_section(entries: list[Entry]) -> Section:
    places = max(decimals(entry.amount) for entry in entries)
    rows = tuple(
        (
            "read" if entry.rule == "read" else "kept" if entry.kept else "aside",
            "" if entry.rule == "read" else entry.rule,
            f"{entry.rows:,}", f"{entry.orders:,}", money(entry.amount, places), entry.examples,
            entry.meaning,
        )
        for entry in entries
    )  # fmt: skip
    headings = ("", "rule", "rows", "orders", "amount", "examples", "meaning")
    return Section("Rules", rows, headings, right=(2, 3, 4), total=True)
