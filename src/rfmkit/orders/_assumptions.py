"""Assumptions: what was assumed while a log was read, to be checked by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rfmkit.exceptions import examples
from rfmkit.formats._cells import count_if
from rfmkit.formats._registry import GENERIC
from rfmkit.formats._statuses import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import ibis.expr.types as ir

    from rfmkit._engine import Engine, Source
    from rfmkit.orders._census import Census
    from rfmkit.orders._layout import Layout
    from rfmkit.orders._reading_options import ReadingOptions


def assumptions(source: Source, layout: Layout, census: Census) -> list[str]:
    """Return the notes of a log: its format, its columns, and what was assumed without them."""
    platform, columns, meanings = layout.platform, layout.shown, census.statuses
    notes = [f"{role}: column {column!r}" for role, column in columns.items()]
    if platform.name != GENERIC.name:
        notes.insert(0, f"format: {platform.name} ({platform.title}), {layout.why}")
    if "status" not in columns:
        notes.append(
            "no status column: a row is paid if it has a paid time"
            if "paid_at" in columns
            else "no status column: every row is taken as paid"
        )
    if "order_id" not in columns:
        notes.append("no order id: every row is a separate order")
    elif census.cells["order_id"].get("are_rounded"):
        notes.append("order ids rounded by a spreadsheet: their last digits are zeros")
    elif census.cells["order_id"].get("mangled"):
        notes.append(f"{census.cells['order_id']['mangled']:,} order ids destroyed by a float")
    unknown = [word for word, meaning in meanings.items() if meaning == "unknown"]
    if unknown:
        notes.append(f"unknown statuses: {examples(unknown)}")
    notes += source.notes
    notes += [
        f"{role}: the days of {column!r} are days of UTC; pass tz= for those of the shop"
        for role, column in columns.items()
        if source.zones.get(column) in ("UTC", "Etc/UTC", "+00:00") and layout.options.tz is None
    ]
    if "partially_refunded" in meanings.values() and "refund_amount" not in columns:
        notes.append("partially refunded orders count in full: no column has the refunded money")
    return notes + ([f"read as it is{layout.near}"] if layout.near else [])


def unused_words(statuses: Mapping[str, str] | None, seen: Iterable[str]) -> list[str]:
    """Return a note for each word of ``statuses=`` that no row has: it may be mistyped."""
    there = {folded(word) for word in seen}
    unused = [word for word in statuses or {} if folded(word) not in there]
    return [f"statuses=: no row has the word {word!r}" for word in unused]


def unmatched_patterns(table: ir.Table, engine: Engine, options: ReadingOptions) -> list[str]:
    """Return a note for each pattern of ``exclude=`` that matches no row: it may be mistyped."""
    if not options.exclude:
        return []
    hits = {f"n{place}": count_if(hit) for place, hit in enumerate(options.excluding(table))}
    found = engine.row(table.aggregate(**hits))
    return [
        f"exclude=: no row whose {column!r} matches {pattern!r}"
        for (column, pattern), count in zip(options.exclude.items(), found.values(), strict=True)
        if not count
    ]
