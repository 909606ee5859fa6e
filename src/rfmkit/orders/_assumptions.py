"""Notes: what was taken for granted while a log was read, and might be otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rfmkit.exceptions import examples
from rfmkit.formats._cells import count_if
from rfmkit.formats._statuses import folded
from rfmkit.formats.format import GENERIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import ibis.expr.types as ir

    from rfmkit._engine import Engine, Source
    from rfmkit.formats import Format
    from rfmkit.orders._reading_options import Policy


def taking_notes(
    platform: Format,
    why: str,
    columns: Mapping[str, str],
    *,
    census: Mapping[str, Any],
    meanings: Mapping[str, str],
    source: Source,
    policy: Policy,
) -> list[str]:
    """Say which format and columns were found, and what they leave open."""
    notes = [f"{role}: column {column!r}" for role, column in columns.items()]
    if platform.name != GENERIC.name:
        notes.insert(0, f"format: {platform.name} ({platform.title}), {why}")
    if "status" not in columns:
        notes.append(
            "no status column: a row is paid where it has a paid time"
            if "paid_at" in columns
            else "no status column: every row is taken as paid"
        )
    if "order_id" not in columns:
        notes.append("no order id: every row is an order of its own")
    elif census["order_id"].get("are_rounded"):
        notes.append("order ids rounded by a spreadsheet: their last digits are zeros")
    elif census["order_id"].get("mangled"):
        notes.append(f"{census['order_id']['mangled']:,} order ids destroyed by a float")
    unknown = [word for word, meaning in meanings.items() if meaning == "unknown"]
    if unknown:
        notes.append(f"unknown statuses: {examples(unknown)}")
    notes += source.notes
    notes += [
        f"{role}: the days of {column!r} are those of UTC; tz= names the shop's zone"
        for role, column in columns.items()
        if source.zones.get(column) in ("UTC", "Etc/UTC", "+00:00") and policy.tz is None
    ]
    if "partially_refunded" in meanings.values() and "refund_amount" not in columns:
        notes.append("partially refunded orders count in full: no column says how much went back")
    return notes


def unused_words(statuses: Mapping[str, str] | None, seen: Iterable[str]) -> list[str]:
    """Name the words of ``statuses=`` that no row has: one of them may be mistyped."""
    there = {folded(word) for word in seen}
    unused = [word for word in statuses or {} if folded(word) not in there]
    return [f"statuses=: no row has the word {word!r}" for word in unused]


def unmatched_patterns(table: ir.Table, engine: Engine, policy: Policy) -> list[str]:
    """Name the patterns of ``exclude=`` that match no row: one of them may be mistyped."""
    if not policy.exclude:
        return []
    hits = {f"n{place}": count_if(hit) for place, hit in enumerate(policy.excluding(table))}
    found = engine.row(table.aggregate(**hits))
    return [
        f"exclude=: no row whose {column!r} matches {pattern!r}"
        for (column, pattern), count in zip(policy.exclude.items(), found.values(), strict=True)
        if not count
    ]
