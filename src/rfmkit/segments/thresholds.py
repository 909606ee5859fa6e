"""Limits of silence: in days, in purchase cycles, by a share of the returners, by a probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rfmkit.churn import ChurnCurve
    from rfmkit.cycle import PurchaseCycle

__all__ = ["Cycles", "Limit", "Probability", "Quantile", "days_of"]

NEVER: Final = 1_000_000  # days: a churn so probable is never reached


@dataclass(frozen=True)
class Cycles:
    """A limit of so many purchase cycles."""

    count: float


@dataclass(frozen=True)
class Quantile:
    """A limit after which this share of the returners had returned."""

    share: float


@dataclass(frozen=True)
class Probability:
    """A limit from which on churn is at least so probable."""

    churn: float


Limit = int | Cycles | Quantile | Probability


def days_of(limit: Limit, curve: ChurnCurve, cycle: Callable[[], PurchaseCycle]) -> list[int]:
    """Give a limit in days, one for each stratum of the curve; the cycle only if it is needed.

    Where nobody ever returned, no share and no probability is ever reached.
    """
    given: Any = limit
    match given:
        case Cycles(count) if _within(count, 0, NEVER):
            return [round(count * cycle().cycle_days_)] * len(curve.fits)
        case Quantile(share) if _within(share, 0, 1):
            # The day itself still belongs to the share that returned by then.
            return [
                fit.returned_within(share) + 1 if fit.returns.any() else NEVER
                for _, _, fit in curve.fits
            ]
        case Probability(churn) if _within(churn, 0, 1):
            return [int(day) for day in curve.days_until(churn)["days"].fillna(NEVER)]
        case bool():
            pass
        case int() | np.integer() if given > 0:
            return [int(given)] * len(curve.fits)
    raise RfmkitError(
        "A limit is a number of days, Cycles(2), Quantile(0.8) or Probability(0.8).",
        found=repr(limit),
        hint="days and cycles are over 0; shares and probabilities lie between 0 and 1.",
    )


def _within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float | np.number) and bool(low < value < high)
