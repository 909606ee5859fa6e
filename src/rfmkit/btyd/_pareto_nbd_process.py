"""The process of the Pareto/NBD: likelihood, P(alive), churn, expected purchases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from rfmkit.btyd._counts import dot
from rfmkit.btyd._estimates import NO_DROP_OUT, ONE_RATE, homogeneous
from rfmkit.btyd._search_space import PurchaseProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts, Params

    Floats = NDArray[np.float64]

CUT_OFF: Final = 32.0
"""An integral ends where the integrand has fallen by this in logarithm: e^-32 is 1e-14."""
NODES: Final = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 64, 96)
"""Numbers of nodes of the Gauss-Legendre rules."""
MAX_DIFFICULTY: Final = (
    0.03, 0.2, 0.6, 1.4, 2.4, 5.5, 10.0, 15.0, 22.0, 30.0, 42.0, 56.0, 68.0, 105.0,
)  # fmt: skip
"""The difficulty up to which each rule has 11 correct digits; the last rule takes the rest."""
BLOCK: Final = 1 << 13
"""Values of integrands per block: they fit into the cache, and BLAS stays in one thread."""


@dataclass(frozen=True)
class ParetoNBDProcess(PurchaseProcess):
    """Purchases at exponential times until the customer leaves after an exponential time.

    The rate of buying of a customer is Gamma(r, alpha), and the rate of leaving Gamma(s, beta).
    """

    names: ClassVar = ("r", "alpha", "s", "beta")
    times: ClassVar = ("alpha", "beta")
    starts: ClassVar = ((1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 0.05, 1e-6), (2.0, 0.5, 4.0, 20.0))
    limits: ClassVar = ((-14.0, 14.0), (-8.0, 11.0), (-16.0, 4.0), (-30.0, 10.0))
    regularity: ClassVar = 1
    boundaries: ClassVar = {
        (0, -1): (
            "no repeats",
            "Nobody buys again in the data: they do not show who has left.",
        ),
        (1, 1): ONE_RATE,
        (2, -1): NO_DROP_OUT,
        (2, 1): ("certain drop-out", "Everybody leaves at once."),
        (3, -1): (
            "drop-out at once",
            (
                "Customers leave after their first purchase or not at all: P(alive) follows from "
                "whether they came back, and s and beta have no meaning but the share that left."
            ),
        ),
        (3, 1): (
            "homogeneous drop-out",
            homogeneous("soon they leave", "rate of leaving", "s and beta"),
        ),
    }
    shifted: ClassVar = (("alpha", -1), ("beta", -1))
    # If nobody or everybody leaves, the data say nothing about how the rates of leaving differ.
    unidentified: ClassVar = {(2, -1): (3,), (2, 1): (3,)}

    def natural(self, point: Floats, /) -> tuple[Floats, Floats]:
        """Return the parameters at (log r/alpha, log r, log(s log(1 + 1/beta)), log beta).

        The Jacobian is that of the logarithms of the parameters. The third coordinate is
        log(-log P(still there after one mean tenure)), for every beta. So each boundary is a bound
        of one coordinate: nobody leaves, all leave at one rate, some leave at once.
        """
        buying, r, left, beta = point
        odds = np.logaddexp(0, -beta)  # log(1 + 1/beta)
        slope = np.exp(-np.logaddexp(0, beta)) / odds
        jacobian = [[0, 1, 0, 0], [-1, 1, 0, 0], [0, 0, 1, slope], [0, 0, 0, 1]]
        return np.exp([r, r - buying, left - np.log(odds), beta]), np.array(jacobian)

    def point(self, params: Floats, /) -> Floats:
        """Return (log r/alpha, log r, log(s log(1 + 1/beta)), log beta)."""
        r, alpha, s, beta = np.log(params)
        return np.array([r - alpha, r, s + np.log(np.logaddexp(0, -beta)), beta])

    # --- likelihood --------------------------------------------------------------------------

    def log_terms(self, params: Params, counts: Counts, /) -> tuple[Floats, Floats]:
        """Return the log-likelihood of each row, and its gradient in the parameters.

        A customer is still there, or has left between the last purchase and T. The derivatives are
        expectations over the time of leaving; T stands for those still there.
        """
        r, alpha, s, beta = params
        x, t_x, T = counts.x, counts.t_x, counts.T
        log, by_r = log_rising(r, x)
        since_a, since_b = np.log1p(t_x / alpha), np.log1p(t_x / beta)
        log = log - x * np.log(alpha) - (r + x) * since_a - s * since_b
        here, ahead_a, ahead_b = chance_to_stay(params, x, t_x, T)
        gone = leaving_integrals(params, x, t_x, T, moments=True)
        total = here + gone[0]
        here = here / total
        left, log_a, log_b, inverse_a, inverse_b = gone / total
        gradient = np.stack([
            by_r - since_a - here * ahead_a - log_a,
            r / alpha - (r + x) * (here / (alpha + T) + inverse_a),
            left / s - since_b - here * ahead_b - log_b,
            s / beta - s * here / (beta + T) - (s + 1) * inverse_b,
        ])  # fmt: skip
        return log + np.log(total), gradient.T

    def log_likelihood(self, params: Floats, counts: Counts, /) -> tuple[float, Floats]:
        """Return the log-likelihood of all customers, and its gradient in the parameters."""
        terms, gradients = self.log_terms(params, counts)
        return float(dot(counts.weight, terms)), dot(counts.weight, gradients)

    # --- predictions -------------------------------------------------------------------------

    def alive(self, params: Params, x: Floats, t_x: Floats, T: Floats, /) -> Floats:
        """Return the probability that a customer has not left by T."""
        here = chance_to_stay(params, x, t_x, T)[0]
        return np.asarray(here / (here + leaving_integrals(params, x, t_x, T)[0]))

    def churn(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float, /) -> Floats:
        """Return the probability of no purchase in (T, T + H]."""
        now, later = (
            chance_to_stay(params, x, t_x, until)[0] + leaving_integrals(params, x, t_x, until)[0]
            for until in (T, T + H)
        )
        return np.asarray(later / now)

    def purchases(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float, /) -> Floats:
        """Return P(alive) x the expected rate x the expected time in (T, T + H] before leaving."""
        r, alpha, s, beta = params
        span = np.log1p(H / (beta + T))
        power = (s - 1) * span
        # (1 - e^-power) / (s - 1), whose limit for s = 1 is the span.
        stays = span * np.where(power == 0, 1.0, -np.expm1(-power) / np.where(power == 0, 1, power))
        rate = (r + x) / (alpha + T)
        return np.asarray(self.alive(params, x, t_x, T) * rate * (beta + T) * stays)


def log_rising(r: float, x: Floats) -> tuple[Floats, Floats]:
    """Return log Gamma(r + x) / Gamma(r) and its derivative in r.

    A difference of two log-gammas would lose all its digits to cancellation for large r.
    """
    place = x.astype("int64")
    terms = r + np.arange(place.max(initial=0))
    logs, inverses = (
        np.concatenate([[0.0], np.cumsum(part)]) for part in (np.log(terms), 1 / terms)
    )
    return logs[place], inverses[place]


def chance_to_stay(
    params: Params, x: Floats, t_x: Floats, T: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the likelihood of silence from t_x to T of a customer who stays, relative to t_x.

    The second and third arrays are log (alpha + T) / (alpha + t_x) and the same with beta.
    """
    r, alpha, s, beta = params
    ahead_a = np.log1p((T - t_x) / (alpha + t_x))
    ahead_b = np.log1p((T - t_x) / (beta + t_x))
    return np.exp(-(r + x) * ahead_a - s * ahead_b), ahead_a, ahead_b


def leaving_integrals(
    params: Params, x: Floats, t_x: Floats, T: Floats, *, moments: bool = False
) -> Floats:
    """Return the likelihood of leaving between t_x and T without a purchase, relative to t_x.

    It is the integral over the time y of leaving. With `moments` four rows follow: the integrals
    of the integrand times log (alpha + y) / (alpha + t_x), the same with beta, 1 / (alpha + y) and
    1 / (beta + y).
    """
    r, alpha, s, beta = params
    # In w = log (near + y) / (near + t_x) the integrand is e^-fall(w), and the fall is convex.
    near, far, alpha_is_near = np.minimum(alpha, beta), np.maximum(alpha, beta), alpha <= beta
    near_power = np.where(alpha_is_near, r + x - 1, s)
    far_power = np.where(alpha_is_near, s + 1, r + x)
    share = (near + t_x) / (far + t_x)
    ends = np.log1p((T - t_x) / (near + t_x))
    ends, falls = _cut_off(near_power, far_power, share, ends)
    found = np.empty((5 if moments else 1, len(x)))
    for rows, nodes, weights in _blocks(np.abs(falls) + 4 * ends):
        w = ends[rows, None] * nodes
        growth = np.expm1(w)
        above = share[rows, None] * growth  # (far + y) / (far + t_x) - 1
        log = np.log1p(above)
        density = np.exp(-near_power[rows, None] * w - far_power[rows, None] * log)
        found[0, rows] = density @ weights
        if moments:
            found[1, rows] = density @ (weights * nodes) * ends[rows]
            found[2, rows] = (density * log) @ weights
            found[3, rows] = (density / (1 + growth)) @ weights
            found[4, rows] = (density / (1 + above)) @ weights
    if moments:
        found[3:] /= np.stack([near + t_x, far + t_x])
        found = np.where(alpha_is_near, found, found[[0, 2, 1, 4, 3]])
    return np.asarray(found * (s * ends * (near + t_x) / (beta + t_x)))


def _cut_off(
    near_power: Floats, far_power: Floats, share: Floats, ends: Floats
) -> tuple[Floats, Floats]:
    """Return the ends of the integrals, cut off where the integrand is negligible, and its fall.

    The fall is convex: Newton's method from a point beyond the cut-off never passes it.
    """

    def fall(rows: NDArray[np.int64]) -> Floats:
        grown = share[rows] * np.expm1(ends[rows])
        return near_power[rows] * ends[rows] + far_power[rows] * np.log1p(grown)

    falls = fall(np.arange(len(ends)))
    ends, rows = ends.copy(), np.flatnonzero(falls > CUT_OFF)
    for _ in range(6):
        grown = share[rows] * np.exp(ends[rows])
        slope = near_power[rows] + far_power[rows] * grown / (1 - share[rows] + grown)
        ends[rows] -= (falls[rows] - CUT_OFF) / slope
        falls[rows] = fall(rows)
    return ends, falls


def _blocks(difficulty: Floats) -> Iterator[tuple[NDArray[np.int64], Floats, Floats]]:
    """Return blocks of rows with the nodes and weights of the rule that each of them needs.

    The difficulty is the fall of the logarithm of the integrand plus four times the length of the
    integral: the integrand is analytic within a distance of pi.
    """
    rule = np.searchsorted(MAX_DIFFICULTY, difficulty).astype("uint8")
    order = np.argsort(rule, kind="stable")
    ends = np.cumsum(np.bincount(rule, minlength=len(NODES)))
    for number, start, end in zip(NODES, [0, *ends[:-1]], ends, strict=True):
        nodes, weights = _gauss_legendre(number)
        for first in range(start, end, BLOCK // number):
            yield order[first : min(first + BLOCK // number, end)], nodes, weights


@cache
def _gauss_legendre(number: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights of the Gauss-Legendre rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(number)
    return (nodes + 1) / 2, weights / 2
