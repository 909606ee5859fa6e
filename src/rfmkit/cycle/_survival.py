"""The survival of gaps: Kaplan-Meier from counted gaps, with a fitted tail beyond the data.

A gap that ended in a purchase is an event; a gap that is still open is censored. lifelines is given
the counts as weights, which gives the same estimate as the single gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.exceptions import NotEnoughHistoryError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

MIN_AT_RISK: Final = 10
TAIL_SHARE: Final = 0.25
TAIL_RETURNS: Final = 30
REACH: Final = 20


@dataclass(frozen=True)
class Tail:
    """The hazard of returning beyond the data: a Gompertz hazard that falls, or a constant one.

    hazard(t) = level * exp(-decay * t), with t in days since `Survival.tail_from`. With `decay`
    over zero a share never returns. With zero the hazard is constant.
    """

    level: float
    decay: float

    def hazard(self, days: ArrayLike) -> Floats:
        """Return the cumulative hazard from the beginning of the tail to `days` after it."""
        days = np.asarray(days, dtype=float)
        if self.decay <= 0:
            return np.asarray(self.level * days)
        return np.asarray(-self.level / self.decay * np.expm1(-self.decay * days))


@dataclass(frozen=True)
class Survival:
    """The probability that a silence lasts longer than each number of days.

    Attributes
    ----------
    survival, greenwood : arrays, one value a day from 0
        S(day) by Kaplan-Meier, and Greenwood's cumulative sum d / (n (n - d)).
    at_risk, returns : arrays, one value a day from 0
        Gaps at least that long, and those that ended on that day.
    tail_from : int
        Day from which the tail continues the curve: the last day with a return and at least ten
        gaps at risk, or half of them if there are fewer than twenty in all.
    tail : Tail
        The hazard from that day on.
    tail_returns : float
        The number of returns that the tail was fitted to.
    least : float
        The smallest value of `at` before the tail. If every gap ended, half a gap is taken as
        longer: with a survival of zero no conditional probability would exist.
    """

    survival: Floats
    greenwood: Floats
    at_risk: Floats
    returns: Floats
    tail_from: int
    tail: Tail
    tail_returns: float
    least: float

    @property
    def days(self) -> int:
        """The longest gap in the data, open or ended, in days."""
        return len(self.survival) - 1

    @property
    def open_gaps(self) -> float:
        """The number of gaps that have not ended: one for each customer."""
        return float(self.at_risk[0] - self.returns.sum())

    @property
    def seen_days(self) -> int:
        """The longest silence that enough gaps reach, in days; beyond it, S is extrapolated."""
        return int(np.flatnonzero(self.at_risk >= _enough(self.at_risk))[-1])

    def at(self, days: ArrayLike) -> Floats:
        """Return S at each number of days; after `tail_from` the tail continues it."""
        days = np.asarray(days, dtype=float)
        known = self.survival[np.clip(days, 0, self.tail_from).astype(int)]
        return np.asarray(np.maximum(known, self.least)) * np.exp(-self._ahead(days))

    def _ahead(self, days: ArrayLike) -> Floats:
        """Return the cumulative hazard of the tail."""
        return self.tail.hazard(np.maximum(np.asarray(days, dtype=float) - self.tail_from, 0))

    def lasts(self, silent: ArrayLike, until: ArrayLike) -> Floats:
        """Return P(gap > until | gap > silent) = S(until) / S(silent); 1 where until <= silent."""
        ratio = self.at(until) / self.at(silent)
        return np.where(np.asarray(until) <= np.asarray(silent), 1.0, ratio)

    def interval(
        self, silent: ArrayLike, until: ArrayLike, confidence: float
    ) -> tuple[Floats, Floats]:
        """Return the confidence interval of `lasts`: Greenwood's variance on the log(-log) scale.

        Kalbfleisch and Prentice (2002), The Statistical Analysis of Failure Time Data, section 1.4.
        Conditional on the silence so far, Greenwood's sum runs over (silent, until]. After
        `tail_from` the variance of the level of the tail is added, Var(log level) = 1 / returns.
        The form of the tail is an assumption: the interval does not include its error.
        """
        from scipy.stats import norm

        last = self.tail_from
        spread = self.greenwood[np.clip(until, 0, last).astype(int)]
        spread = spread - self.greenwood[np.clip(silent, 0, last).astype(int)]
        seen = max(self.tail_returns, 1.0)
        spread = spread + (self._ahead(until) - self._ahead(silent)) ** 2 / seen
        chance = self.lasts(silent, until)
        z = norm.ppf(0.5 + confidence / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            width = z * np.sqrt(np.maximum(spread, 0)) / np.log(chance)
            lower, upper = chance ** np.exp(-width), chance ** np.exp(width)
        sure = (chance <= 0) | (chance >= 1) | (spread <= 0)
        return np.where(sure, chance, lower), np.where(sure, chance, upper)

    @property
    def never(self) -> float:
        """The share that never returns: S at infinity, or on the last day of a constant hazard."""
        if self.tail.decay <= 0:
            return float(self.at(self.days))
        return float(self.at(self.tail_from) * np.exp(-self.tail.level / self.tail.decay))

    def returned_within(self, share: float) -> int:
        """Return the days within which a share of those who ever return have returned.

        The smallest t with 1 - S(t) >= share * (1 - never), up to 20 times the longest gap.
        """
        grid = np.arange(self.days * REACH + 2)
        reached = 1 - self.at(grid) >= share * (1 - self.never) - 1e-12
        return int(np.argmax(reached)) if reached.any() else int(grid[-1])


def estimate(days: ArrayLike, returned: ArrayLike, gaps: ArrayLike) -> Survival:
    """Return the survival of counted gaps.

    Parameters
    ----------
    days, returned, gaps : array-like
        The length in whole days, whether such gaps ended in a purchase, and how many there are.

    Returns
    -------
    Survival
        The share of gaps that last longer than each day.

    Raises
    ------
    NotEnoughHistoryError
        There is no gap.
    """
    from lifelines import KaplanMeierFitter

    length = np.asarray(days, dtype=float)
    ended, weight = np.asarray(returned, dtype=bool), np.asarray(gaps, dtype=float)
    if not weight.sum():
        raise NotEnoughHistoryError(
            "A survival curve needs at least one purchase.",
            found="no purchase",
            hint="see orders.audit for what was set aside and why.",
        )
    with np.errstate():  # lifelines turns numpy's warnings off for the whole process
        fitted = KaplanMeierFitter().fit(length, ended, weights=weight)
    table = fitted.event_table.loc[lambda t: t.index >= 0]
    grid = np.arange(int(length.max()) + 1)
    place = np.searchsorted(table.index.to_numpy(), grid, side="right") - 1
    survival = fitted.survival_function_.iloc[:, 0].to_numpy()[place]
    died, exposed = (table[name].to_numpy(dtype=float) for name in ("observed", "at_risk"))
    at_risk = _by_day(length, weight, len(grid))[::-1].cumsum()[::-1]
    returns = _by_day(length[ended], weight[ended], len(grid))
    steady = np.flatnonzero((returns > 0) & (at_risk >= _enough(at_risk)))
    died = np.where(died == exposed, died - 0.5, died)  # see Survival.least
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(died > 0, died / (exposed * (exposed - died)), 0.0)
    tail_from = int(steady[-1]) if len(steady) else 0
    before = survival[tail_from - 1] if tail_from else 1.0
    least = 0.0 if survival[tail_from] else before * 0.5 / at_risk[tail_from]
    tail, seen = fit_tail(at_risk, returns, tail_from)
    return Survival(
        survival, np.cumsum(step)[place], at_risk, returns, tail_from, tail, seen, float(least)
    )


def _enough(at_risk: Floats) -> float:
    """Return how many gaps an estimate needs: ten, or half of them if there are under twenty."""
    return min(MIN_AT_RISK, float(at_risk[0]) / 2)


def _by_day(length: Floats, weight: Floats, days: int) -> Floats:
    return np.bincount(length.astype(int), weight, minlength=days).astype(float)


def fit_tail(at_risk: Floats, returns: Floats, tail_from: int) -> tuple[Tail, float]:
    """Return the tail, fitted to the latest quarter of the returns, and their number.

    The fit is a Poisson regression of returns on the day: with a hazard that is constant within
    each day, the likelihood is that of Poisson counts given exposure (Holford 1980, "The analysis
    of rates and of survivorship using log-linear models", Biometrics 36). A log hazard that is
    linear in time is the Gompertz distribution.
    """
    total = returns.sum()
    share = max(TAIL_SHARE, min(1.0, TAIL_RETURNS / max(total, 1.0)))
    start = int(np.argmax(returns.cumsum() >= total * (1 - share))) + 1
    days = np.arange(min(start, tail_from), len(at_risk))
    days = days[at_risk[days] > 0]
    exposed, seen = at_risk[days], returns[days]
    # Jeffreys' prior adds half a return: without any return the hazard is small but not zero.
    steady = Tail(level=float((seen.sum() + 0.5) / max(exposed.sum(), 1.0)), decay=0.0)
    if seen.sum() < TAIL_RETURNS or len(days) < MIN_AT_RISK:
        return steady, float(seen.sum())
    return _falling((days - tail_from).astype(float), exposed, seen) or steady, float(seen.sum())


def _falling(days: Floats, exposed: Floats, seen: Floats) -> Tail | None:
    """Return the tail of maximum Poisson likelihood, or None if its hazard would rise."""
    from scipy.optimize import minimize

    spell = np.ptp(days)
    time = days / spell

    def loss(logs: Floats) -> tuple[float, Floats]:
        expected = exposed * np.exp(np.clip(logs[0] + logs[1] * time, -700, 50))
        surplus = expected - seen
        value = expected.sum() - (seen * (logs[0] + logs[1] * time)).sum()
        return value / seen.sum(), np.array([surplus.sum(), (surplus * time).sum()]) / seen.sum()

    start = np.array([np.log(seen.sum() / exposed.sum()), 0.0])
    level, slope = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-8}).x
    return Tail(float(np.exp(level)), float(-slope / spell)) if slope < 0 else None


def from_frame(gaps: pd.DataFrame) -> Survival:
    """Return the survival of a frame of `gap_days, returned, gaps`."""
    counted: Any = gaps.groupby(["gap_days", "returned"], as_index=False)["gaps"].sum()
    return estimate(counted["gap_days"], counted["returned"], counted["gaps"])
