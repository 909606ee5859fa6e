"""The policy: what counts as a purchase, and how cells are read, by the caller's choice."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


@dataclass(frozen=True)
class Policy:
    """What counts, by the caller's choice."""

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
