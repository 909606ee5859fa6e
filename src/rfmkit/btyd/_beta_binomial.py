"""Betas: chances of yes and no, where the probability of yes is Beta(a, b) over customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FAR: Final = 100_000


def log_chance(a: float, b: float, yes: Floats, no: Floats) -> tuple[Floats, Floats]:
    """Return the logarithm of E[p^yes (1 - p)^no], and its derivatives by a and b.

    Parameters
    ----------
    a, b : float
        Of the Beta distribution of p.
    yes, no : float64 arrays of one shape
        How often each came, in one certain order: whole numbers.

    Returns
    -------
    tuple of arrays
        log B(a + yes, b + no) - log B(a, b), and its derivatives in a last axis of two.
    """
    by_yes, slope_a = _rising(a, yes)
    by_no, slope_b = _rising(b, no)
    both, slope = _rising(a + b, yes + no)
    return by_yes + by_no - both, np.stack([slope_a - slope, slope_b - slope], axis=-1)


def _rising(a: float, times: Floats) -> tuple[Floats, Floats]:
    """Return the logarithm of a (a + 1) ... (a + times - 1), and its derivative by a.

    Summed, as the difference of two logarithms of Gamma is worth little where a is large: there,
    on the boundary of customers who are all alike, the search must still see a slope.
    """
    from scipy.special import digamma, gammaln

    if np.max(times, initial=0) > FAR:
        return gammaln(a + times) - gammaln(a), digamma(a + times) - digamma(a)
    count = times.astype(np.int64)
    factors = a + np.arange(count.max(initial=0))
    logs, slopes = (np.cumsum(np.r_[0.0, each]) for each in (np.log(factors), 1 / factors))
    return logs[count], slopes[count]


def from_mean(mean: float, size: float) -> tuple[Floats, Floats]:
    """Turn logit a / (a + b) and log(a + b), whose limits are boundaries, into a and b.

    Returns
    -------
    tuple of arrays
        (a, b), and the derivatives of their logarithms by the mean and the size.
    """
    low, high = -np.logaddexp(0, -mean), -np.logaddexp(0, mean)  # log a / (a + b), log b / (a + b)
    by_point = np.array([[np.exp(high), 1.0], [-np.exp(low), 1.0]])
    return np.exp([size + low, size + high]), by_point


def to_mean(a: float, b: float) -> Floats:
    """Return logit a / (a + b) and log(a + b)."""
    return np.array([np.log(a) - np.log(b), np.log(a + b)])
