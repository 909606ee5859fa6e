"""ParetoNBD: customers leave at any time, at a rate of their own, whether they buy or not."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from rfmkit.btyd._estimates import NO_DROP_OUT, ONE_RATE, alike
from rfmkit.btyd._model import BuyTillYouDie

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts, Params

    Floats = NDArray[np.float64]

DEEP: Final = 32.0
"""The fall of the logarithm of an integrand after which the rest is nothing: e^-32 is 1e-14."""
NODES: Final = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 64, 96)
"""How many nodes an integral may take."""
REACH: Final = (0.03, 0.2, 0.6, 1.4, 2.4, 5.5, 10.0, 15.0, 22.0, 30.0, 42.0, 56.0, 68.0, 105.0)
"""Up to which difficulty so many nodes give 11 digits; beyond the last, take the most nodes."""
CELLS: Final = 1 << 13
"""Integrands worked out at once: in cache, and too few for a BLAS to wake its threads over."""


class ParetoNBD(BuyTillYouDie):
    """Buy at random times until leaving at a random time: the Pareto/NBD model.

    A customer buys at a rate that is Gamma(r, alpha) over customers, and leaves at a rate that is
    Gamma(s, beta): at any time, whether they buy or not, so that P(alive) falls with every day of
    silence, also of who has bought once.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    unit_days : float, default 1
        The unit of time of `params_`, in days.
    buying, leaving : str, optional
        Formulas of covariates, columns that the frame of customers has beside those of
        ``summarize``, such as ``"gender + channel"``: who buys how often, and who leaves how soon.
        Words are taken by their levels, against the first of them; ``C(region)`` takes numbers
        so. The intercept is the model's own.

    Notes
    -----
    Schmittlein, Morrison and Colombo (1987), "Counting your customers: who are they and what will
    they do next?", Management Science 33. The letters, P(alive) and the expected purchases are
    those of Fader and Hardie (2005), "A note on deriving the Pareto/NBD model and related
    expressions".

    The likelihood is taken before its last integral, over the time of leaving,

        L = Gamma(r + x) / Gamma(r) alpha^r beta^s [(alpha + T)^-(r+x) (beta + T)^-s
            + integral from t_x to T of s (alpha + y)^-(r+x) (beta + y)^-(s+1) dy],

    and over its value at t_x, so that nothing overflows, however often a customer buys; the papers
    write the integral as a difference of two hypergeometric functions. It is done by Gauss and
    Legendre in the logarithm of the smaller of alpha + y and beta + y.

    Covariates: Fader and Hardie (2007), "Incorporating time-invariant covariates into the
    Pareto/NBD and BG/NBD models", alpha_i = alpha exp(-g'z_i) and beta_i = beta exp(-h'z_i): exp(g)
    is how many times as often customers buy, and exp(h) how many times as soon they leave, where z
    is one more.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.ParetoNBD(horizon_days=90).fit(orders)
    >>> sorted(model.params_)
    ['alpha', 'beta', 'r', 's']
    >>> bool(model.predict_churn(orders)["churn_probability"].between(0, 1).all())
    True
    """

    names: ClassVar = ("r", "alpha", "s", "beta")
    times: ClassVar = ("alpha", "beta")
    starts: ClassVar = ((1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 0.05, 1e-6), (2.0, 0.5, 4.0, 20.0))
    limits: ClassVar = ((-14.0, 14.0), (-8.0, 11.0), (-16.0, 4.0), (-30.0, 10.0))
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
                "whether they came back, and s and beta mean nothing but the share that left."
            ),
        ),
        (3, 1): (
            "homogeneous drop-out",
            alike("soon they leave", "rate of leaving", "s and beta"),
        ),
    }
    moved: ClassVar = (("alpha", -1), ("beta", -1))
    moot: ClassVar = {(2, -1): (3,), (2, 1): (3,)}  # how unevenly they leave, where none or all do

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Read (log r/alpha, log r, log s log(1 + 1/beta), log beta).

        The third is how many have left after one mean tenure, the unit of time of the search:
        -log P(still here), whatever beta is. So each way of nothing to estimate is a face of its
        own: nobody leaving, all leaving at one rate, some leaving at once.
        """
        buying, r, left, beta = point
        odds = np.logaddexp(0, -beta)  # log(1 + 1/beta)
        slope = np.exp(-np.logaddexp(0, beta)) / odds
        by_point = [[0, 1, 0, 0], [-1, 1, 0, 0], [0, 0, 1, slope], [0, 0, 0, 1]]
        return np.exp([r, r - buying, left - np.log(odds), beta]), np.array(by_point)

    def point(self, params: Floats) -> Floats:
        """Return the coordinates in which a boundary is one of them."""
        r, alpha, s, beta = np.log(params)
        return np.array([r - alpha, r, s + np.log(np.logaddexp(0, -beta)), beta])

    def log_terms(self, params: Params, counts: Counts) -> tuple[Floats, Floats]:
        """Return the log-likelihood: still here, or left between the last purchase and now.

        The derivatives are expectations over the time of leaving, now for who has not left.
        """
        r, alpha, s, beta = params
        x, t_x, T = counts.x, counts.t_x, counts.T
        log, by_r = _rising(r, x)
        since_a, since_b = np.log1p(t_x / alpha), np.log1p(t_x / beta)
        log = log - x * np.log(alpha) - (r + x) * since_a - s * since_b
        here, ahead_a, ahead_b = _stays(params, x, t_x, T)
        gone = _leaves(params, x, t_x, T, moments=True)
        total = here + gone[0]
        here = here / total
        left, log_a, log_b, inverse_a, inverse_b = gone / total
        slopes = np.stack([
            by_r - since_a - here * ahead_a - log_a,
            r / alpha - (r + x) * (here / (alpha + T) + inverse_a),
            left / s - since_b - here * ahead_b - log_b,
            s / beta - s * here / (beta + T) - (s + 1) * inverse_b,
        ])  # fmt: skip
        return log + np.log(total), slopes.T

    # --- predictions -------------------------------------------------------------------------

    def alive(self, params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Return the probability of not having left."""
        here = _stays(params, x, t_x, T)[0]
        return np.asarray(here / (here + _leaves(params, x, t_x, T)[0]))

    def churn(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:
        """Return the probability of no purchase in (T, T + H]."""
        now, later = (
            _stays(params, x, t_x, until)[0] + _leaves(params, x, t_x, until)[0]
            for until in (T, T + H)
        )
        return np.asarray(later / now)

    def purchases(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:
        """Return the rate of who is here, times the time that they are expected to stay of H."""
        r, alpha, s, beta = params
        span = np.log1p(H / (beta + T))
        power = (s - 1) * span
        # (1 - e^-power) / (s - 1), which is the span where s is 1.
        stays = span * np.where(power == 0, 1.0, -np.expm1(-power) / np.where(power == 0, 1, power))
        rate = (r + x) / (alpha + T)
        return np.asarray(self.alive(params, x, t_x, T) * rate * (beta + T) * stays)


def _rising(r: float, x: Floats) -> tuple[Floats, Floats]:
    """Return log Gamma(r + x) / Gamma(r) and its derivative: sums, exact where r is large."""
    place = x.astype("int64")
    terms = r + np.arange(place.max(initial=0))
    logs, inverses = (
        np.concatenate([[0.0], np.cumsum(part)]) for part in (np.log(terms), 1 / terms)
    )
    return logs[place], inverses[place]


def _stays(
    params: Params, x: Floats, t_x: Floats, T: Floats
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Return the chance of silence and no leaving from t_x to T, up to what all chances share.

    It comes with the logarithms of (alpha + T) / (alpha + t_x), and of the same with beta.
    """
    r, alpha, s, beta = params
    ahead_a = np.log1p((T - t_x) / (alpha + t_x))
    ahead_b = np.log1p((T - t_x) / (beta + t_x))
    return np.exp(-(r + x) * ahead_a - s * ahead_b), ahead_a, ahead_b


def _leaves(
    params: Params, x: Floats, t_x: Floats, T: Floats, *, moments: bool = False
) -> Floats:  # fmt: skip
    """Return the chance of leaving between t_x and T, in silence until then.

    With the moments, four more rows: the integrals with log (alpha + y) / (alpha + t_x), the same
    with beta, 1 / (alpha + y) and 1 / (beta + y).
    """
    r, alpha, s, beta = params
    # In w = log (near + y) / (near + t_x) the integrand is e^-fall(w), which is convex.
    near, far, sooner = np.minimum(alpha, beta), np.maximum(alpha, beta), alpha <= beta
    steep, bend = np.where(sooner, r + x - 1, s), np.where(sooner, s + 1, r + x)
    share = (near + t_x) / (far + t_x)
    ends = np.log1p((T - t_x) / (near + t_x))
    ends, falls = _shortened(steep, bend, share, ends)
    found = np.empty((5 if moments else 1, len(x)))
    for rows, nodes, weights in _groups(np.abs(falls) + 4 * ends):
        w = ends[rows, None] * nodes
        growth = np.expm1(w)
        above = share[rows, None] * growth  # (far + y) / (far + t_x) - 1
        log = np.log1p(above)
        density = np.exp(-steep[rows, None] * w - bend[rows, None] * log)
        found[0, rows] = density @ weights
        if moments:
            found[1, rows] = density @ (weights * nodes) * ends[rows]
            found[2, rows] = (density * log) @ weights
            found[3, rows] = (density / (1 + growth)) @ weights
            found[4, rows] = (density / (1 + above)) @ weights
    if moments:
        found[3:] /= np.stack([near + t_x, far + t_x])
        found = np.where(sooner, found, found[[0, 2, 1, 4, 3]])
    return np.asarray(found * (s * ends * (near + t_x) / (beta + t_x)))


def _shortened(
    steep: Floats, bend: Floats, share: Floats, ends: Floats
) -> tuple[Floats, Floats]:  # fmt: skip
    """End each integral where nothing is left of its integrand, and give how far that has fallen.

    The fall is convex, so that Newton's steps from beyond the end never pass it.
    """

    def fall(rows: NDArray[np.int64]) -> Floats:
        grown = share[rows] * np.expm1(ends[rows])
        return steep[rows] * ends[rows] + bend[rows] * np.log1p(grown)

    falls = fall(np.arange(len(ends)))
    ends, rows = ends.copy(), np.flatnonzero(falls > DEEP)
    for _ in range(6):
        grown = share[rows] * np.exp(ends[rows])
        slope = steep[rows] + bend[rows] * grown / (1 - share[rows] + grown)
        ends[rows] -= (falls[rows] - DEEP) / slope
        falls[rows] = fall(rows)
    return ends, falls


def _groups(difficulty: Floats) -> Iterator[tuple[NDArray[np.int64], Floats, Floats]]:
    """Part the rows by how many nodes they need, and into pieces that are quick to work on.

    The difficulty is how far the logarithm of the integrand falls, plus four times the length of
    the integral: the integrand is analytic within pi of it.
    """
    need = np.searchsorted(REACH, difficulty).astype("uint8")
    order = np.argsort(need, kind="stable")
    ends = np.cumsum(np.bincount(need, minlength=len(NODES)))
    for number, start, end in zip(NODES, [0, *ends[:-1]], ends, strict=True):
        nodes, weights = _gauss(number)
        for first in range(start, end, CELLS // number):
            yield order[first : min(first + CELLS // number, end)], nodes, weights


@cache
def _gauss(number: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights of Gauss and Legendre between 0 and 1."""
    nodes, weights = np.polynomial.legendre.leggauss(number)
    return (nodes + 1) / 2, weights / 2
