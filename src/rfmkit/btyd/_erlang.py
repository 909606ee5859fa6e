"""Erlang timing: purchases at Erlang-k times, with rates that are gamma distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Coded

    Floats = NDArray[np.float64]

TOLERANCE: Final = 1e-13
"""A sum of probabilities ends where each of the terms left out is smaller."""
CHECK_EVERY: Final = 16
"""Terms between two checks of the tolerance."""
UNDERFLOW: Final = -700
"""exp of a smaller number is 0: products are then summed as logarithms."""
MAX_PHASES: Final = 100_000


class ErlangTiming(NamedTuple):
    """Times between purchases are Erlang-k: the sum of k phases, each exponential.

    All phases of a customer have the same rate, which is Gamma(r, alpha) over customers. With k = 1
    purchases are a Poisson process. The methods take x, t_x and T, one value per customer, in the
    unit of alpha.
    """

    r: float
    alpha: float | Floats
    k: int = 1

    def bought(self, x: Coded, t_x: Coded) -> tuple[Floats, list[Floats]]:
        """Return the log-density of x purchases by t_x, and its derivatives in r and alpha.

        For k over 1 a factor that depends on the lengths of the gaps, and not on the parameters,
        is left out.
        """
        r, alpha, k = self
        shape, log = x.of(lambda x: r + k * x), t_x.of(self.log_time)
        value, by_r = (x.of(found) for found in self.of_count(x.values))
        by_alpha = r / alpha - shape * np.exp(-log)
        return value - shape * log, [by_r - log, by_alpha]

    def of_count(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the term of the log-density that depends on x alone, and its derivative in r."""
        from scipy.special import digamma, gammaln

        r, alpha, k = self
        value = r * np.log(alpha) - gammaln(r) + gammaln(r + k * x)
        return value, np.log(alpha) - digamma(r) + digamma(r + k * x)

    def log_time(self, time: Floats) -> Floats:
        """Return log(alpha + time)."""
        return np.log(self.alpha + time)

    def silent(self, x: Coded, t_x: Coded, T: Coded) -> tuple[Floats, list[Floats]]:
        """Return the log-density of x purchases by t_x and of none from t_x to T.

        There is no purchase from t_x to T if fewer than k phases end. It comes with the derivatives
        in r and alpha, and without the same factor as `bought`.
        """
        value, gradient = self.bought(x, T)
        if self.k == 1:
            return value, gradient
        phases = self._log_phases(x.rows, t_x.rows, T.rows)
        total = np.logaddexp.reduce(phases, axis=0)
        share = np.exp(phases - total)
        order = np.arange(self.k)[:, None]
        rising = np.cumsum(1 / (self.r + self.k * x.rows + order[:-1]), axis=0)
        by_r = (share[1:] * rising).sum(axis=0)
        by_alpha = -(share * order).sum(axis=0) / (self.alpha + T.rows)
        return value + total, [gradient[0] + by_r, gradient[1] + by_alpha]

    def _log_phases(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Return log P(j phases end from t_x to T) - log P(none ends), a row for each j < k."""
        shape, share = self.r + self.k * x, (T - t_x) / (self.alpha + T)
        rows = [np.zeros_like(shape)]
        with np.errstate(divide="ignore"):  # log 0 where t_x is T: no phase ends
            share = np.log(share)
        for phase in range(1, self.k):
            rows.append(rows[-1] + share + np.log(shape + phase - 1) - np.log(phase))
        return np.stack(rows)

    def purchases(
        self, x: Floats, t_x: Floats, T: Floats, H: float, stays: tuple[float | Floats, Floats]
    ) -> Floats:
        """Return the expected purchases in (T, T + H] of customers who are still there at T.

        A customer makes the n-th purchase of the window after staying n - 1 times. With a
        probability p of leaving after each purchase that is Beta(a, b), `stays` is (a, b), and
        E[(1 - p)^(n - 1)] is a ratio of Beta functions. If j phases have ended since t_x, the n-th
        purchase comes when n k - j more phases end. The number of phases that end in the window is
        negative binomial.
        """
        logs = self._log_phases(x, t_x, T)
        chances = np.exp(logs - np.logaddexp.reduce(logs, axis=0))
        total = np.zeros_like(T)
        for phase, chance in enumerate(chances):
            shape = self.r + self.k * x + phase
            total += chance * self._renewals(shape, H / (self.alpha + T), phase, stays)
        return total

    def _renewals(
        self, shape: Floats, odds: Floats, phase: int, stays: tuple[float | Floats, Floats]
    ) -> Floats:
        """Return the sum over n of P(n k - phase or more phases end) E[(1 - p)^(n - 1)]."""
        a, b = stays
        success = odds / (1 + odds)
        log_term = -shape * np.log1p(odds)  # P(no phase ends)
        in_logs = bool(log_term.size) and float(log_term.min()) < UNDERFLOW
        term = np.exp(log_term)
        reached = 1 - term  # P(at least one phase ends)
        staying, total = np.ones_like(shape), np.zeros_like(shape)
        purchase = 0
        for count in range(1, MAX_PHASES):
            if (count + phase) % self.k == 0:
                total += np.maximum(reached, 0) * staying
                staying = staying * (b + purchase) / (a + b + purchase)
                purchase += 1
            ratio = (shape + count - 1) / count * success
            if in_logs:
                log_term = log_term + np.log(ratio)
            term = np.exp(log_term) if in_logs else term * ratio
            reached = reached - term
            if count % CHECK_EVERY == 0 and np.all(reached * staying < TOLERANCE):
                break
        return total
