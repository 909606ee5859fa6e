"""Origins: the past days of a backtest, passed by the caller or chosen from the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError
from rfmkit.orders.orders import as_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rfmkit.orders.orders import DateLike

MOST_ORIGINS: Final = 3


def choose_origins(
    as_of: dt.date, first: dt.date, horizon: int, given: Sequence[DateLike] | None
) -> list[dt.date]:
    """Return the past days that were passed, checked, or else the default ones."""
    if given is None:
        return _default_origins(as_of, first, horizon)
    listed = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    days = sorted({as_day(day, "origins") for day in listed})
    if not days:
        raise RfmkitError(
            "origins must name at least one day.",
            found=f"origins={given!r}",
            hint="leave it out, or pass dates: origins=['2024-06-30'].",
        )
    if (as_of - days[-1]).days < horizon:
        raise NotEnoughHistoryError(
            f"Every origin must lie {horizon} days or more before as_of.",
            found=f"origin {days[-1]} with as_of {as_of}",
            hint="pass earlier origins or a shorter horizon_days.",
        )
    if days[0] < first:
        raise NotEnoughHistoryError(
            "At least one customer must have bought by every origin.",
            found=f"origin {days[0]}, and the first purchase on {first}",
            hint=f"pass origins from {first} on.",
        )
    return days


def _default_origins(as_of: dt.date, first: dt.date, horizon: int) -> list[dt.date]:
    """Return the last days, at most three, whose horizons do not overlap."""
    back = [(place, as_of.toordinal() - place * horizon) for place in range(1, MOST_ORIGINS + 1)]
    days = [
        dt.date.fromordinal(day) for place, day in back
        if day - first.toordinal() >= (horizon if place == 1 else 2 * horizon)
    ]  # fmt: skip
    if not days:
        most = (as_of - first).days // 2
        raise NotEnoughHistoryError(
            f"The log must hold a horizon of {horizon} days before the origin and one after it.",
            found=f"{(as_of - first).days} days, {first} to {as_of}",
            hint=f"pass horizon_days={most} or less, or name origins=."
            if most else "read a longer log.",
        )  # fmt: skip
    return days[::-1]
