"""Thresholds of silence: days, purchase cycles, a share of the returners, a churn probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.churn.curve import strata_of
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rfmkit.churn import ChurnCurve
    from rfmkit.cycle import PurchaseCycle

__all__ = ["ChurnProbability", "PurchaseCycles", "SilenceQuantile", "Threshold", "threshold_days"]

NEVER: Final = 1_000_000
"""Days. No silence of a real log is as long: a threshold that is never reached."""


@dataclass(frozen=True)
class PurchaseCycles:
    """A threshold of silence in purchase cycles of the shop.

    Parameters
    ----------
    count : float
        Number of cycles, over 0. The threshold is `count` times ``cycle_days_`` of the
        ``PurchaseCycle``, rounded to whole days.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> cycle = rk.PurchaseCycle().fit(orders)
    >>> print(round(cycle.cycle_days_, 1), "days")
    29.0 days
    >>> stages = rk.Lifecycle(silent_after=rk.PurchaseCycles(2), cycle=cycle).fit(orders)
    >>> stages.boundaries_[["stratum", "silent_after_days"]].head(3)
      stratum  silent_after_days
    0       1                 58
    1       2                 58
    2     3-4                 58
    """

    count: float


@dataclass(frozen=True)
class SilenceQuantile:
    """A threshold of silence after which a share of the returners had returned.

    Parameters
    ----------
    share : float
        Between 0 and 1. Of the customers who buy again, this share does so in a shorter silence
        (Kaplan-Meier, open silences counted in). There is one threshold per stratum of
        ``ChurnCurve``.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> stages = rk.Lifecycle(silent_after=rk.SilenceQuantile(0.9)).fit(orders)
    >>> stages.boundaries_[["stratum", "silent_after_days"]].head(3)
      stratum  silent_after_days
    0       1                250
    1       2                140
    2     3-4                123
    """

    share: float


@dataclass(frozen=True)
class ChurnProbability:
    """A threshold of silence from which on churn has at least a stated probability.

    Parameters
    ----------
    churn : float
        Between 0 and 1: a probability of the ``ChurnCurve``, of churn within its own horizon. There
        is one threshold per stratum of the curve.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> stages = rk.Lifecycle(lost_after=rk.ChurnProbability(0.9)).fit(orders)
    >>> stages.boundaries_[["stratum", "lost_after_days"]].head(3)
      stratum  lost_after_days
    0       1              244
    1       2              198
    2     3-4              247
    """

    churn: float


Threshold = int | PurchaseCycles | SilenceQuantile | ChurnProbability


def threshold_days(
    threshold: Threshold, curve: ChurnCurve, cycle: Callable[[], PurchaseCycle]
) -> list[int]:
    """Return a threshold in days, one for each stratum of the curve.

    `cycle` is called only for `PurchaseCycles`. A stratum where nobody ever returned has no
    quantile of the returners and no churn probability: its threshold is `NEVER`.
    """
    given: Any = threshold
    strata = strata_of(curve)
    match given:
        case PurchaseCycles(count) if _within(count, 0, NEVER):
            return [round(count * cycle().cycle_days_)] * len(strata)
        case SilenceQuantile(share) if _within(share, 0, 1):
            # The day of the quantile itself still belongs to the share that returned by then.
            return [
                fit.returned_within(share) + 1 if fit.returns.any() else NEVER
                for _, _, fit in strata
            ]
        case ChurnProbability(churn) if _within(churn, 0, 1):
            return [int(day) for day in curve.days_until(churn)["days"].fillna(NEVER)]
        case bool():  # True is an int to Python
            pass
        case int() | np.integer() if given > 0:
            return [int(given)] * len(strata)
    raise RfmkitError(
        "A threshold must be a whole number of days, PurchaseCycles(2), SilenceQuantile(0.8) or "
        "ChurnProbability(0.8).",
        found=repr(threshold),
        hint="pass days or cycles over 0, or a share or probability between 0 and 1.",
    )


def _within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float | np.number) and bool(low < value < high)
