"""Beta-binomial chances: sequences of yes and no, with P(yes) Beta(a, b) over customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAX_SUMMED: Final = 100_000
"""Longer products are computed by the log-gamma function."""


def log_chance(a: float, b: float, yes: Floats, no: Floats) -> tuple[Floats, Floats]:
    """Return the logarithm of E[p^yes (1 - p)^no], and its derivatives by a and b.

    Parameters
    ----------
    a, b : float
        The parameters of the Beta distribution of p.
    yes, no : float64 arrays of one shape
        The numbers of yes and no in a given sequence, whole.

    Returns
    -------
    tuple of arrays
        log B(a + yes, b + no) - log B(a, b), and its two derivatives along a last axis.
    """
    by_yes, slope_a = _rising(a, yes)
    by_no, slope_b = _rising(b, no)
    both, slope = _rising(a + b, yes + no)
    return by_yes + by_no - both, np.stack([slope_a - slope, slope_b - slope], axis=-1)


def _rising(a: float, times: Floats) -> tuple[Floats, Floats]:
    """Return the logarithm of a (a + 1) ... (a + times - 1), and its derivative by a.

    It is a sum: the difference of two log-gammas loses its digits to cancellation for large a, near
    the boundary of equal customers, and the search needs an accurate gradient there.
    """
    from scipy.special import digamma, gammaln

    if np.max(times, initial=0) > MAX_SUMMED:
        return gammaln(a + times) - gammaln(a), digamma(a + times) - digamma(a)
    count = times.astype(np.int64)
    factors = a + np.arange(count.max(initial=0))
    logs, slopes = (np.cumsum(np.r_[0.0, each]) for each in (np.log(factors), 1 / factors))
    return logs[count], slopes[count]


def from_mean(mean: float, size: float) -> tuple[Floats, Floats]:
    """Return a and b from logit a / (a + b) and log(a + b), whose bounds are the boundaries.

    Returns
    -------
    tuple of arrays
        (a, b), and the Jacobian of their logarithms in the mean and the size.
    """
    low, high = -np.logaddexp(0, -mean), -np.logaddexp(0, mean)  # log a / (a + b), log b / (a + b)
    by_point = np.array([[np.exp(high), 1.0], [-np.exp(low), 1.0]])
    return np.exp([size + low, size + high]), by_point


def to_mean(a: float, b: float) -> Floats:
    """Return logit a / (a + b) and log(a + b)."""
    return np.array([np.log(a) - np.log(b), np.log(a + b)])
