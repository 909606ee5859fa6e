"""The times of a log: each role's times, and the time of an order line, in the shop's time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from rfmkit.exceptions import OrdersError
from rfmkit.formats import _moments as moments

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit._engine import Source
    from rfmkit.orders._census import Census
    from rfmkit.orders._layout import Layout

TEXT: Final = "rfmkit_text_"
"""Prefix of the columns that hold the cleaned text of a cell."""
READ: Final = "rfmkit_read_"
"""Prefix of the columns that hold the time or the money of a cell."""


def role_time(
    raw: ir.Table, role: str, *, source: Source, layout: Layout, census: Census
) -> ir.TimestampValue:
    """Return the times of a role, in the shop's time zone."""
    column, tz = layout.columns[role], layout.options.tz
    zone = tz or source.zones.get(column)
    as_written = layout.platform.zone == "written" and zone is None
    dayfirst = layout.options.dayfirst
    moment = moments.read_time(
        raw[column],
        census.cells[role],
        dayfirst=layout.platform.dayfirst if dayfirst is None else dayfirst,
        name=column,
        as_written=as_written,
        text=raw[TEXT + role] if TEXT + role in raw.columns else None,
    )
    if not moment.is_instant and column not in source.zones:
        if layout.platform.zone == "UTC" and tz is not None:
            instant = moment.value.cast("timestamp('UTC')")
            return source.engine.local_time(instant, tz)
        return moment.value
    if zone is None:
        raise OrdersError(
            f"The shop's time zone is needed: the times in {column!r} have UTC offsets.",
            found=f"for example {census.cells[role].get('offset_example') or 'UTC instants'!r}",
            hint="pass it: read_orders(..., tz='Europe/Berlin'), or tz='UTC' for days of UTC.",
        )
    return source.engine.local_time(moment.value, zone)


def line_time(raw: ir.Table, layout: Layout) -> ir.TimestampValue:
    """Return the time of payment, or that of the order if there is none."""
    found = [
        raw[READ + role]
        for role in ("paid_at", "ordered_at", "created_at", "completed_at")
        if role in layout.columns
    ]
    return ibis.coalesce(*found).cast("timestamp")
