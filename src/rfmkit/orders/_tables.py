"""Tables of a log: logs of several tables, and files without a header line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit._engine import ROW, is_paths, list_paths, open_beside, open_source
from rfmkit.columns import MONEY
from rfmkit.exceptions import ColumnsDifferError, OrdersError, examples
from rfmkit.formats._cells import bare_money
from rfmkit.formats._names import normalized
from rfmkit.formats._registry import known
from rfmkit.formats.format import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

    from rfmkit._engine import Source
    from rfmkit.formats.format import Part

REPEATED: Final = r"(\.\d+)?"
"""The suffix that a repeated column name gets."""


def open_log(source: Any, *, asked: Any, names: list[str] | None = None, **options: Any) -> Source:
    """Return an order log, opened: one table, or the joined tables of a format."""
    options["sheets"] = tuple(sheet for one in _candidates(asked) for sheet in one.sheets)
    if isinstance(source, Mapping):
        return _open_mapping(source, asked, options)
    try:
        opened = open_source(source, names=names, **options)
    except ColumnsDifferError:
        tables = {path.name: path for path in list_paths(source)}
        together = None if names is not None else _open_together(tables, asked, options)
        if together is None:
            raise
        return together
    if names is None and is_paths(source):
        header = _missing_header(opened.columns, asked)
        if header is not None:
            return open_source(source, names=header, **options)
    return opened


def _candidates(asked: Any) -> tuple[Format, ...]:
    if isinstance(asked, Format):
        return (asked,)
    return tuple(one for one in known() if asked in ("auto", one.name))


def _missing_header(seen: Sequence[str], asked: Any) -> list[str] | None:
    """Return the column names of a format without header lines, if the first line is an order."""
    for one in _candidates(asked):
        for header in one.headers:
            alike = len(header) == len(seen) and all(
                re.fullmatch(pattern + REPEATED, cell)
                for pattern, cell in zip(header.values(), seen, strict=True)
            )
            if alike:
                return list(header)
    return None


def _open_mapping(tables: Mapping[Any, Any], asked: Any, options: dict[str, Any]) -> Source:
    if not tables:
        raise OrdersError(
            "An order log must have at least one table.",
            found="an empty mapping",
            hint="map names to tables: read_orders({'orders': orders, 'payments': payments}).",
        )
    together = _open_together({str(name): table for name, table in tables.items()}, asked, options)
    if together is None:
        made = [one.name for one in _candidates(asked) if one.parts]
        raise OrdersError(
            "Several tables must be those of one format.",
            found=f"{examples(tables)}, which are not the tables of {' or '.join(made) or 'any'}",
            hint="join them first, to one row per order or per order line, and pass that table.",
        )
    return together


def _open_together(tables: Mapping[str, Any], asked: Any, options: dict[str, Any]) -> Source | None:
    """Return the tables of one log, joined; None if they are not tables of one log."""
    opened: dict[str, Source] = {}
    for name, table in tables.items():
        first = next(iter(opened.values()), None)
        opened[name] = (
            open_source(table, **options) if first is None else open_beside(table, first.engine)
        )
    for one in _candidates(asked):
        found = _parts_of(one, opened)
        if found is not None:
            return _joined(one, found)
    without = _without_lines(opened)
    if not without:
        return None
    orders = [table for name, table in tables.items() if name not in without]
    left_out = (
        f"{', '.join(without)}: order lines, left out: the list of orders has all that is needed"
    )
    read = open_source(orders if len(orders) > 1 else orders[0], **options)
    return replace(read, notes=(*read.notes, left_out))


def _without_lines(opened: Mapping[str, Source]) -> list[str]:
    """Return the names of the lists of order lines, if the list of their orders is there too."""
    formats = {}
    for name, source in opened.items():
        fit = [one for one in known() if one.claims(source.columns)]
        formats[name] = fit[0] if len(fit) == 1 else None
    orders = {one.name for one in formats.values() if one is not None and not one.lines_of}
    lines = [name for name, one in formats.items() if one is not None and one.lines_of in orders]
    return lines if len(orders) == 1 and None not in formats.values() else []


def _parts_of(one: Format, opened: Mapping[str, Source]) -> list[tuple[Part, str, Source]] | None:
    found = []
    for part in one.parts:
        fit = [
            (part, name, table)
            for name, table in opened.items()
            if {normalized(mark) for mark in part.marks}
            <= {normalized(column) for column in table.columns}
        ]
        if len(fit) != 1:
            return None
        found += fit
    return found or None


def _joined(one: Format, found: Sequence[tuple[Part, str, Source]]) -> Source:
    """Return the first part with the others joined.

    The others are summed to one row per key first, so that a join does not multiply money.
    """
    (_, _, base), *others = ((part, name, source.hold()) for part, name, source in found)
    engine = base.engine
    rows = base.table.mutate(**{ROW: ibis.row_number()})
    notes = list(base.notes)
    for part, name, source in others:
        notes += [*source.notes, *_notes_of_unmatched_rows(part, name, source, base)]
        table = _one_row_a_key(part, source.table)
        rows = rows.left_join(table, part.key).drop(f"{part.key}_right")
    # The order of rows stays: the audit numbers them.
    table = engine.store(rows.order_by(ROW).drop(ROW), one.name)
    return replace(base, table=table, notes=tuple(notes), files=(), scan=None)


def _one_row_a_key(part: Part, table: ir.Table) -> ir.Table:
    amounts = {name: bare_money(table[name]) for name in part.sums}
    sums = {
        # A sum is null if one of its amounts cannot be read.
        name: (table[name].count() == amount.count()).ifelse(amount.sum(), None).cast(MONEY)
        for name, amount in amounts.items()
    }
    kept = {name: table[name].max() for name in part.keeps}
    return table.filter(table[part.key].notnull()).group_by(part.key).agg(**sums, **kept)


def _notes_of_unmatched_rows(part: Part, name: str, source: Source, base: Source) -> list[str]:
    """Return notes of the rows of a part that have no order, and of lines that cannot be read."""
    stray = source.table.anti_join(base.table, part.key)
    rows = int(base.engine.row(stray.aggregate(rows=stray.count()))["rows"])
    notes = [f"{name}: {rows:,} rows belong to no order and are left out"] if rows else []
    unreadable = len(source.unreadable)
    return [*notes, f"{name}: {unreadable:,} lines could not be read"] if unreadable else notes
