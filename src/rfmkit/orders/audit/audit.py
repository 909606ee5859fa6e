"""The audit of a log: what was read, what each rule set aside, and what looks odd."""

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
from rfmkit.orders.audit._counts import count_rules, count_statuses
from rfmkit.orders.audit._warnings import find_warnings
from rfmkit.report._sections import Report, Section, as_html, as_text, counted, decimals, money

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import ibis.expr.types as ir
    import pandas as pd

    from rfmkit.orders._lines import Lines
    from rfmkit.orders.audit._counts import AuditCounts, Statuses

__all__ = ["Audit"]

EXAMPLES: Final = 3
TOP_STATUSES: Final = 10
KEPT: Final = ("kept", "refund")
"""Rules whose money is in the spend of customers; the other rules set their rows aside."""
DECIDED_BY_PAYMENT: Final = {
    "closed": "refunded or unpaid, by payment",
    "held": "paid or unpaid, by payment",
}
NOTHING: Final = Decimal("0.0000")


@dataclass(frozen=True)
class Entry:
    """A line of the rule table: the columns of `Audit.to_frame`."""

    rule: str
    kept: bool
    rows: int
    orders: int
    amount: Decimal
    examples: str
    meaning: str


class Audit:
    """The report of a log: what was read, why rows were set aside, and what looks odd.

    ``Orders.audit`` makes it. A terminal shows it as text and a notebook as HTML. It counts the
    rows known on the orders' ``as_of``; only the last warning counts later rows.

    The lines of one order id and customer count as one order; a row without an id counts as one.
    If lines of one order are under two rules, the order counts under both: rows and money add up
    to the whole log, and orders may not.

    Attributes
    ----------
    format : str
        The name of the log's format.
    columns : dict
        The column of each role.
    statuses : DataFrame
        The status words of the log, the most frequent first: `status` (str), `meaning` (str, the
        canonical status) and `rows` (int64).
    warnings : tuple of str
        What looks odd, each with its number and what to do. Computed when first read.

    See Also
    --------
    rfmkit.Orders.rejected : the rows that were set aside, with their rule.

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
    Rows without a customer: 1 of 4 rows (25.0 %); they belong to no customer: if they are not
    guests, name the right column with customer=.
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
        """The status words of the log, with their meaning and their rows.

        Returns
        -------
        DataFrame
            A pandas frame: `status` (str, as written), `meaning` (str, the canonical status) and
            `rows` (int64), the most frequent first.

        Examples
        --------
        >>> import rfmkit as rk
        >>> rk.read_orders(rk.load_sample()).audit.statuses
                       status             meaning  rows
        0           completed           completed  4760
        1              unpaid              unpaid   165
        2       closed_unpaid       closed_unpaid   164
        3  partially_refunded  partially_refunded    99
        4            refunded            refunded    82
        5             shipped             shipped    75
        6     closed_refunded     closed_refunded    71
        7                paid                paid    22
        """
        import pandas as pd

        words, meanings, rows = zip(*self._statuses, strict=True) if self._statuses else ((),) * 3
        return pd.DataFrame({
            "status": pd.Series(words, dtype="str"),
            "meaning": pd.Series(meanings, dtype="str"),
            "rows": pd.Series(rows, dtype="int64"),
        })  # fmt: skip

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What looks odd, each a sentence with its number and what to do."""
        return find_warnings(
            self._lines, self._orders, self._counts, self._statuses, facts=self._facts
        )

    def to_frame(self) -> Any:
        """Return the table of rules, whose rows and money add up to the whole log.

        Returns
        -------
        DataFrame
            One row per rule that has rows or money, in the source's own kind (pandas for sources
            that are not in memory):

            - `rule` (str): the last one, ``"read"``, is the whole log;
            - `kept` (bool): whether the money is in the spend of customers;
            - `rows`, `orders` (int64);
            - `amount` (Decimal, four decimals);
            - `examples` (str): the first three rows of the source, if the engine numbers rows;
            - `meaning` (str).

        Examples
        --------
        >>> import rfmkit as rk
        >>> audit = rk.read_orders(rk.load_sample()).audit
        >>> audit.to_frame()[["rule", "kept", "rows", "amount"]]
                      rule   kept  rows       amount
        0             kept   True  4956  417584.0700
        1  refund_deducted  False     0    3112.6800
        2           unpaid  False   165   13727.3400
        3    closed_unpaid  False   164   12519.0300
        4         refunded  False    82    6254.8700
        5  closed_refunded  False    71    5969.0100
        6             read  False  5438  459167.0000
        """
        fields = ("rule", "kept", "rows", "orders", "amount", "examples", "meaning")
        columns = {name: [getattr(entry, name) for entry in self._entries] for name in fields}
        return self._lines.engine.small(columns, self._lines.source.kind)

    def __repr__(self) -> str:
        """Return the report as plain text."""
        return as_text(self.report)

    def _repr_html_(self) -> str:
        return as_html(self.report)

    # --- what is counted -------------------------------------------------------------------

    @cached_property
    def _orders(self) -> ir.Table:
        lines = self._lines
        orders = order_table(
            lines_until(lines.table, self._as_of), lines.layout.options, self._facts
        )
        return lines.engine.view(orders, owner=self)

    @cached_property
    def _counts(self) -> AuditCounts:
        return count_rules(self._lines, self._orders, self._facts, as_of=self._as_of)

    @cached_property
    def _statuses(self) -> Statuses:
        return count_statuses(self._lines, self._facts, as_of=self._as_of)

    @cached_property
    def _entries(self) -> list[Entry]:
        counts, shown = self._counts, self._examples
        return [
            Entry(
                rule, rule in KEPT, counts.rows.get(rule, 0), counts.orders.get(rule, 0),
                counts.amounts.get(rule, NOTHING), shown.get(rule, ""), meaning,
            )
            for rule, meaning in (RULES | {"read": "the whole log"}).items()
            if rule in ("kept", "read") or counts.rows.get(rule) or counts.amounts.get(rule)
        ]  # fmt: skip

    @cached_property
    def _examples(self) -> dict[str, str]:
        """Return the first rows of each rule, if the engine numbers the rows of a source."""
        unreadable = ", ".join(
            f"line {bad.line}" for bad in self._lines.source.unreadable[:EXAMPLES]
        )
        shown = {"unreadable_line": unreadable}
        if not self._lines.engine.embedded or not self._counts.any_aside:
            return shown
        numbered = lines_until(self._lines.numbered, self._as_of)
        orders = order_table(numbered, self._lines.layout.options, self._facts)
        aside = orders.filter(orders.rule.notnull())
        place = ibis.row_number().over(group_by=aside.rule, order_by=aside.row)
        first = aside.select("rule", "row", place=place)
        first = first.filter(first.place < EXAMPLES).order_by("rule", "row")
        rows: dict[str, list[str]] = {}
        for found in self._lines.engine.arrow(first).to_pylist():
            rows.setdefault(found["rule"], []).append(str(found["row"]))
        return shown | {rule: "row " + ", ".join(places) for rule, places in rows.items()}

    @cached_property
    def _known_by(self) -> dict[str, int]:
        """Return the rows of each kind of customer key, if there are several kinds."""
        if "customer_key" not in self._lines.table.columns:
            return {}
        lines = lines_until(self._lines.table, self._as_of)
        kinds = lines.filter(lines.customer_key.notnull()).group_by("customer_key")
        counts = self._lines.engine.arrow(kinds.agg(rows=lambda t: t.count())).to_pylist()
        return dict(sorted((row["customer_key"], row["rows"]) for row in counts))

    # --- what is shown ---------------------------------------------------------------------

    @cached_property
    def report(self) -> Report:
        """The report as tables and sentences, which the command line writes in its own way."""
        sections = [_what_was_read(self._lines, self._entries[-1].rows, self._known_by)]
        if self._statuses:
            sections.append(_status_section(self._statuses))
        sections += [_rule_section(self._entries), _net_money(self._entries)]
        warnings = self.warnings or ("Nothing looks odd.",)
        sections.append(Section("Warnings", sentences=warnings, warns=bool(self.warnings)))
        return Report(f"Every row of the order log, as of {self._as_of}", tuple(sections))


def _what_was_read(lines: Lines, rows: int, known_by: Mapping[str, int]) -> Section:
    platform = lines.layout.platform
    why = "" if platform.name == GENERIC.name else f": {lines.layout.why}"
    facts = [("format", f"{platform.name} ({platform.title}){why}")]
    facts += [("file", name) for name in lines.source.files]
    facts += [("rows", f"{rows:,}")]
    facts += [(role, f"column {column!r}") for role, column in lines.layout.shown.items()]
    facts += [("known by", f"{kind}: {counted(count, 'row')}") for kind, count in known_by.items()]
    # Roles have their own lines; unknown statuses and destroyed ids have their warnings.
    shown = ("format: ", ": column ", "unknown statuses: ", " destroyed by a float")
    facts += [("note", note) for note in lines.notes if not any(word in note for word in shown)]
    return Section("Read", rows=tuple(facts))


def _net_money(entries: list[Entry]) -> Section:
    """Return the money that `repr(orders)` shows, which the spend of `rfmkit.segment` sums to."""
    kept = [entry for entry in entries if entry.kept]
    places = max(decimals(entry.amount) for entry in kept)
    parts = " + ".join(f"{entry.rule} {money(entry.amount, places)}" for entry in kept)
    net = money(sum((entry.amount for entry in kept), NOTHING), places)
    return Section(
        "Net money of the customers", ((f"{net} = {parts} (sum of spend in rk.segment)",),)
    )


def _status_section(statuses: Statuses) -> Section:
    shown = [
        status for place, status in enumerate(statuses)
        if place < TOP_STATUSES or status[1] == "unknown"
    ]  # fmt: skip
    rows = [
        (word or "(empty)", DECIDED_BY_PAYMENT.get(meaning, meaning), f"{count:,}")
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
