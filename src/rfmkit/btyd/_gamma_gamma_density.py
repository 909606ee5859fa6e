"""The Gamma-Gamma density: log-likelihood of mean values, and the expected value of a purchase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rfmkit.btyd._search_space import SearchSpace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GammaGammaSpace(SearchSpace):
    """The coordinates of the Gamma-Gamma model: a typical value, and the shapes p and q."""

    names: ClassVar = ("p", "q", "v")
    starts: ClassVar = ((2.0, 2.0, 1.0), (6.0, 4.0, 0.6), (1.0, 8.0, 8.0), (30.0, 3.0, 0.1))
    limits: ClassVar = ((-60.0, 60.0), (-4.0, 12.0), (-4.0, 12.0))
    boundaries: ClassVar = {
        (1, -1): (
            "unbounded variation",
            "The values of one customer's purchases differ without bound.",
        ),
        (1, 1): (
            "constant values",
            "Every customer always spends the same: the observed mean is taken as it is.",
        ),
        (2, -1): ("unbounded differences", "The mean values of customers differ without bound."),
        (2, 1): (
            "homogeneous values",
            "The data show no difference between customers in what they spend: all get one mean.",
        ),
    }

    def natural(self, point: Floats, /) -> tuple[Floats, Floats]:
        """Return p, q, v at (log p v / q, log p, log q), with the Jacobian of their logarithms.

        The first coordinate, a typical value, stays finite on every boundary.
        """
        value, p, q = point
        jacobian = np.array([[0, 1, 0], [0, 0, 1], [1, -1, 1]], dtype=float)
        return np.exp([p, q, value + q - p]), jacobian

    def point(self, params: Floats, /) -> Floats:
        """Return (log p v / q, log p, log q)."""
        p, q, v = np.log(params)
        return np.array([p + v - q, p, q])


class LogTerms:
    """The log-likelihood of each row; terms that depend on the count alone are computed once each.

    The mean z of x purchases has the density u^(p x) (1 - u)^q / (z B(p x, q)) with
    u = x z / (v + x z), a beta distribution of the second kind: Fader and Hardie (2013), equation
    1a.

    Parameters
    ----------
    x, z : float64 arrays
        The number of purchases, and their mean value.
    """

    def __init__(self, x: Floats, z: Floats) -> None:
        self.counts, self.place = np.unique(x, return_inverse=True)
        self.x, self.z, self.sums = x, z, x * z

    def __call__(self, params: Floats) -> tuple[Floats, Floats]:
        """Return the log-likelihood of each row, and its gradient in p, q, v."""
        from scipy.special import betaln, digamma

        p, q, v = params
        shape = p * self.counts
        log_u, log_rest = -np.log1p(v / self.sums), -np.log1p(self.sums / v)
        value = p * self.x * log_u + q * log_rest - np.log(self.z)
        both = digamma(shape + q)
        by_p = self.x * ((both - digamma(shape))[self.place] + log_u)
        by_q = (both - digamma(q))[self.place] + log_rest
        by_v = (q * self.sums - p * v * self.x) / (v * (v + self.sums))
        return value - betaln(shape, q)[self.place], np.stack([by_p, by_q, by_v], axis=1)


def expected_value(params: Floats, x: Floats, z: Floats) -> Floats:
    """Return the expected value of a purchase, p (v + x z) / (p x + q - 1).

    NaN where the expectation is infinite, and where there are purchases without a positive value.
    """
    p, q, v = params
    known = np.where(x > 0, x * z, 0.0)
    mean = p * (v + known) / (p * x + q - 1)
    bought = (x > 0) & np.isfinite(z) & (z > 0)
    return np.where((p * x + q > 1) & (bought | (x == 0)), mean, np.nan)
