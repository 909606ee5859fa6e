"""Timing: purchases at a rate that is gamma over customers, as randomly or regularly as k says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Coded

    Floats = NDArray[np.float64]

ENOUGH: Final = 1e-13
CHECK_EVERY: Final = 16
DEEP: Final = -700
"""A double whose logarithm is below this is 0, and stays 0 in every product."""
MOST_PHASES: Final = 100_000


class Timing(NamedTuple):
    """Times between purchases are Erlang-k: k phases, each over at a rate that is Gamma(r, alpha).

    With k = 1 purchases come at random. Every method takes x, t_x and T, a row a customer, in the
    unit of alpha.
    """

    r: float
    alpha: float | Floats
    k: int = 1

    def bought(self, x: Coded, t_x: Coded) -> tuple[Floats, list[Floats]]:
        """Return the logarithm of buying x times up to t_x, and its derivatives by r and alpha.

        What the lengths of the gaps add for k over 1 does not depend on the parameters, and is
        left out.
        """
        r, alpha, k = self
        shape, log = x.of(lambda x: r + k * x), t_x.of(self.log_time)
        value, by_r = (x.of(found) for found in self.of_count(x.values))
        by_alpha = r / alpha - shape * np.exp(-log)
        return value - shape * log, [by_r - log, by_alpha]

    def of_count(self, x: Floats) -> tuple[Floats, Floats]:
        """Return what x alone adds to the logarithm, and its derivative by r."""
        from scipy.special import digamma, gammaln

        r, alpha, k = self
        value = r * np.log(alpha) - gammaln(r) + gammaln(r + k * x)
        return value, np.log(alpha) - digamma(r) + digamma(r + k * x)

    def log_time(self, time: Floats) -> Floats:
        """Return the logarithm of a time beside alpha."""
        return np.log(self.alpha + time)

    def silent(self, x: Coded, t_x: Coded, T: Coded) -> tuple[Floats, list[Floats]]:
        """Return the same with silence from t_x to T: under k of the phases of a gap are over."""
        value, slopes = self.bought(x, T)
        if self.k == 1:
            return value, slopes
        phases = self._log_phases(x.rows, t_x.rows, T.rows)
        total = np.logaddexp.reduce(phases, axis=0)
        share = np.exp(phases - total)
        order = np.arange(self.k)[:, None]
        rising = np.cumsum(1 / (self.r + self.k * x.rows + order[:-1]), axis=0)
        by_r = (share[1:] * rising).sum(axis=0)
        by_alpha = -(share * order).sum(axis=0) / (self.alpha + T.rows)
        return value + total, [slopes[0] + by_r, slopes[1] + by_alpha]

    def _log_phases(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Return the logarithm of 0, 1, ... k - 1 phases in the silence, over that of none."""
        shape, share = self.r + self.k * x, (T - t_x) / (self.alpha + T)
        rows = [np.zeros_like(shape)]
        with np.errstate(divide="ignore"):  # of no silence no phase is over
            share = np.log(share)
        for phase in range(1, self.k):
            rows.append(rows[-1] + share + np.log(shape + phase - 1) - np.log(phase))
        return np.stack(rows)

    def purchases(
        self, x: Floats, t_x: Floats, T: Floats, H: float, stays: tuple[float | Floats, Floats]
    ) -> Floats:
        """Return the expected purchases in (T, T + H] of who is still here at T.

        Who buys for the n-th time in that window has stayed n - 1 times: the probability of
        leaving after a purchase is Beta(a, b), `stays` is (a, b), and E[(1 - p)^(n - 1)] a ratio
        of betas. With j phases of the silence over, the n-th purchase comes when n k - j more
        are, and the phases in the window are negative binomial.
        """
        logs = self._log_phases(x, t_x, T)
        over = np.exp(logs - np.logaddexp.reduce(logs, axis=0))
        total = np.zeros_like(T)
        for phase, share in enumerate(over):
            shape = self.r + self.k * x + phase
            total += share * self._renewals(shape, H / (self.alpha + T), phase, stays)
        return total

    def _renewals(
        self, shape: Floats, odds: Floats, phase: int, stays: tuple[float | Floats, Floats]
    ) -> Floats:
        a, b = stays
        success = odds / (1 + odds)
        log_term = -shape * np.log1p(odds)  # of no phase
        deep = bool(log_term.size) and float(log_term.min()) < DEEP
        term = np.exp(log_term)
        reached = 1 - term  # of at least one
        staying, total = np.ones_like(shape), np.zeros_like(shape)
        purchase = 0
        for count in range(1, MOST_PHASES):
            if (count + phase) % self.k == 0:
                total += np.maximum(reached, 0) * staying
                staying = staying * (b + purchase) / (a + b + purchase)
                purchase += 1
            ratio = (shape + count - 1) / count * success
            if deep:
                log_term = log_term + np.log(ratio)
            term = np.exp(log_term) if deep else term * ratio
            reached = reached - term
            if count % CHECK_EVERY == 0 and np.all(reached * staying < ENOUGH):
                break
        return total
