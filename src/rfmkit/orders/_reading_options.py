"""Reading options: what counts as a purchase and how cells are read, as the caller decides."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rfmkit.formats._cells import trimmed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    import ibis.expr.types as ir


@dataclass(frozen=True)
class ReadingOptions:
    """What counts as a purchase and how cells are read; the arguments of `read_orders`.

    Every option has the default of `read_orders`, so `ReadingOptions()` reads a plain log.
    """

    refunds: str = "net"
    zero_amounts: str = "drop"
    same_day: str = "merge"
    tz: str | None = None
    dayfirst: bool | None = None
    decimal: str | None = None
    dates_between: tuple[dt.date, dt.date] = (dt.date(1980, 1, 1), dt.date(2100, 1, 1))
    exclude: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, Decimal] | None = None
    secret: str | None = field(default=None, repr=False)

    def excluding(self, raw: ir.Table) -> list[ir.BooleanValue]:
        """Return one condition per pattern of `exclude`: whether a row of the log matches it."""
        texts = (trimmed(raw[column].cast("string")) for column in self.exclude)
        hits = (
            text.re_search(f"(?i){pattern}")
            for text, pattern in zip(texts, self.exclude.values(), strict=True)
        )
        return [hit.fill_null(False) for hit in hits]  # noqa: FBT003
