"""BetaGeo and ModifiedBetaGeo: customers leave after a purchase, with a probability of their own.

With regular timing (k over 1) they are BetaGeoCNBD and ModifiedBetaGeoCNBD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from rfmkit import checks
from rfmkit.btyd.model import BuyTillYouDie
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

    from rfmkit.btyd.counts import Counts

    Floats = NDArray[np.float64]

MOST_REGULAR: Final = 12
ENOUGH: Final = 1e-13
MOST_TERMS: Final = 20_000


class BetaGeo(BuyTillYouDie):
    """Buy at random times until leaving after a repeat purchase: the BG/NBD model.

    A customer buys at a rate that is Gamma(r, alpha) over customers, and after every repeat
    purchase leaves with a probability that is Beta(a, b). Who has bought once cannot have left:
    where most buy once, `ModifiedBetaGeo` is the better choice.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    unit_days : float, default 1
        The unit of time of `params_`, in days.

    Notes
    -----
    Fader, Hardie and Lee (2005), "Counting your customers the easy way: an alternative to the
    Pareto/NBD model", Marketing Science 24, equations 6 (likelihood) and 10 (expected purchases,
    here summed purchase by purchase).

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.BetaGeo(horizon_days=90).fit(orders)
    >>> sorted(model.params_)
    ['a', 'alpha', 'b', 'r']
    >>> bool(model.predict_churn(orders)["churn_probability"].between(0, 1).all())
    True
    """

    names: ClassVar = ("r", "alpha", "a", "b")
    times: ClassVar = ("alpha",)
    starts: ClassVar = ((1.0, 1.0, 1.0, 2.0), (0.3, 0.3, 0.5, 3.0), (2.0, 0.3, 4.0, 12.0))
    limits: ClassVar = ((-14.0, 14.0), (-8.0, 11.0), (-16.0, 16.0), (-8.0, 11.0))
    boundaries: ClassVar = {
        (1, 1): (
            "homogeneous rates",
            "The data do not tell customers apart in how often they buy: all are given one rate, "
            "and r and alpha mean nothing but their ratio.",
        ),
        (2, -1): ("no drop-out", "The data show nobody leaving: P(alive) is 1 for everybody."),
        (2, 1): ("certain drop-out", "Everybody leaves at the first chance."),
        (3, -1): (
            "polarised drop-out",
            "Customers either leave at the first chance or never: P(alive) jumps with the first "
            "purchase that shows which.",
        ),
        (3, 1): (
            "homogeneous drop-out",
            "The data do not tell customers apart in how soon they leave: all are given one "
            "probability, and a and b mean nothing but their ratio.",
        ),
    }
    at_first: ClassVar[int] = 0
    """Whether customers may leave after their first purchase as well."""

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Read (log r/alpha, log r, logit a/(a+b), log(a+b))."""
        rate, r, mean, size = point
        low = -np.logaddexp(0, -mean)  # log of a / (a + b)
        high = -np.logaddexp(0, mean)
        logs = np.array([r, r - rate, size + low, size + high])
        share = np.exp(low)
        by_point = np.array(
            [[0, 1, 0, 0], [-1, 1, 0, 0], [0, 0, 1 - share, 1], [0, 0, -share, 1]], dtype=float
        )
        return np.exp(logs), by_point

    def point(self, params: Floats) -> Floats:
        """Give the coordinates in which a boundary is one of them."""
        r, alpha, a, b = np.log(params)
        return np.array([r - alpha, r, a - b, np.logaddexp(a, b)])

    def log_terms(self, params: Floats, counts: Counts) -> tuple[Floats, Floats]:
        """Give the log-likelihood: still here, or left after the last purchase."""
        r, alpha, a, b = params
        k, x, t_x, T = self.regularity, counts.x, counts.t_x, counts.T  # noqa: N806
        here, by_here = _silent(r, alpha, k, x, t_x, T)
        gone, by_gone = _bought(r, alpha, k, x, t_x)
        stays, by_stays = _beta_ratio(a, b, 0, x + self.at_first)
        leaves, by_leaves = _beta_ratio(a, b, 1, x + self.at_first - 1)
        here, gone = here + stays, gone + leaves
        if not self.at_first:
            gone = np.where(x > 0, gone, -np.inf)
        total = np.logaddexp(here, gone)
        share = np.exp(here - total)[:, None]
        left = np.where(share < 1, 1 - share, 0)
        slopes = np.hstack([share * by_here + left * by_gone,
                            share * by_stays + left * np.nan_to_num(by_leaves)])  # fmt: skip
        return total, slopes

    # --- predictions -------------------------------------------------------------------------

    def _here(self, params: Floats, x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, Floats]:  # noqa: N803
        """Give the logarithms of being here and of having left, up to what both share."""
        r, alpha, a, b = params
        here = _silent(r, alpha, self.regularity, x, t_x, T)[0]
        gone = _bought(r, alpha, self.regularity, x, t_x)[0]
        chances = np.log(a) - np.log(b + x + self.at_first - 1)
        gone = np.where((x > 0) | bool(self.at_first), gone + chances, -np.inf)
        return here, gone

    def alive(self, params: Floats, x: Floats, t_x: Floats, T: Floats) -> Floats:  # noqa: N803
        """Give the probability of not having left."""
        here, gone = self._here(params, x, t_x, T)
        return np.exp(here - np.logaddexp(here, gone))

    def churn(self, params: Floats, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:  # noqa: N803
        """Give the probability of no purchase in (T, T + H]."""
        here, gone = self._here(params, x, t_x, T)
        later, _ = self._here(params, x, t_x, T + H)
        return np.exp(np.logaddexp(later, gone) - np.logaddexp(here, gone))

    def purchases(self, params: Floats, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:  # noqa: N803
        """Sum the chances of a first, a second, ... purchase in (T, T + H]."""
        r, alpha, a, b = params
        k = self.regularity
        shapes = r + k * x
        expected = np.zeros_like(shapes)
        weights = _phases(r, alpha, k, x, t_x, T)
        odds = H / (alpha + T)
        for phase, weight in enumerate(weights):
            expected += weight * _renewals(shapes + phase, odds, k, phase, a, b + x + self.at_first)
        return self.alive(params, x, t_x, T) * expected


class ModifiedBetaGeo(BetaGeo):
    """The same, where customers may leave after their first purchase too: the MBG/NBD model.

    The better default of the two: the BG/NBD takes everybody who has bought once to be still
    here, for ever.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    unit_days : float, default 1
        The unit of time of `params_`, in days.

    Notes
    -----
    Batislam, Denizel and Filiztekin (2007), "Empirical validation and comparison of models for
    customer base analysis", International Journal of Research in Marketing 24.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.ModifiedBetaGeo(horizon_days=90).fit(orders)
    >>> alive = model.predict_alive(orders)["alive_probability"]
    >>> bool(alive.between(0, 1).all())
    True
    """

    at_first = 1


class BetaGeoCNBD(BetaGeo):
    """BetaGeo with regular timing: times between purchases are Erlang-k.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    k : int, optional
        The regularity: 1 is random timing. Left out, it is the one of greatest likelihood, which
        needs the log itself: the customers alone do not tell their gaps.
    unit_days : float, default 1
        The unit of time of `params_`, in days.

    Attributes
    ----------
    k_ : int
        The regularity.
    by_k_ : DataFrame
        `k, log_likelihood`, for every k that was tried.

    Notes
    -----
    Reutterer, Platzer and Schroeder (2021), "Leveraging purchase regularity for predicting
    customer behavior the easy way", International Journal of Research in Marketing 38. Expected
    purchases are exact here: the phases of the open gap and the negative binomial of the phases
    to come are summed.
    """

    def __init__(
        self, horizon_days: int = 365, *, k: int | None = None, unit_days: float = 1.0
    ) -> None:
        super().__init__(horizon_days, unit_days=unit_days)
        self.k = k

    def _fit_counts(self, counts: Counts) -> None:
        import pandas as pd

        if self.k is not None:
            checks.whole("k", self.k)
        if self.k is None and counts.log_gaps is None:
            raise RfmkitError(
                "k is given, or found from the gaps of a log.",
                found="a frame of customers, which does not tell their gaps",
                hint=f"fit on the orders, or say {type(self).__name__}(k=2).",
            )
        tried: dict[int, float] = {}
        for k in [self.k] if self.k is not None else range(1, MOST_REGULAR + 1):
            self.regularity = k
            super()._fit_counts(counts)
            tried[k] = self.log_likelihood_ = self.log_likelihood_ + _of_gaps(k, counts)
            if k > 1 and tried[k] < tried.get(k - 1, -np.inf):
                break
        best = max(tried, key=lambda k: tried[k])
        if best != self.regularity:
            self.regularity = best
            super()._fit_counts(counts)
            self.log_likelihood_ = tried[best]
        self.k_ = best
        self.by_k_ = pd.DataFrame({"k": list(tried), "log_likelihood": list(tried.values())})


class ModifiedBetaGeoCNBD(BetaGeoCNBD):
    """ModifiedBetaGeo with regular timing; the parameters are those of `BetaGeoCNBD`."""

    at_first = 1


def _of_gaps(k: int, counts: Counts) -> float:
    """Give what the lengths of the gaps add to the likelihood, whatever the parameters."""
    from math import lgamma

    return (k - 1) * (counts.log_gaps or 0.0) - counts.repeats * lgamma(k)


def _by_value(function: Any, shift: float, values: Floats) -> Floats:
    """Work out a function of whole numbers once a number."""
    unique, place = np.unique(values, return_inverse=True)
    return np.asarray(function(shift + unique))[place]


def _bought(r: float, alpha: float, k: int, x: Floats, t_x: Floats) -> tuple[Floats, Floats]:
    """Give the logarithm of buying x times up to t_x, and its derivatives by r and alpha."""
    from scipy.special import digamma, gammaln

    shape, log = r + k * x, np.log(alpha + t_x)
    value = r * np.log(alpha) - gammaln(r) + _by_value(gammaln, r, k * x) - shape * log
    by_r = np.log(alpha) - digamma(r) + _by_value(digamma, r, k * x) - log
    return value, np.stack([by_r, r / alpha - shape / (alpha + t_x)], axis=1)


def _silent(
    r: float, alpha: float, k: int, x: Floats, t_x: Floats, T: Floats  # noqa: N803
) -> tuple[Floats, Floats]:  # fmt: skip
    """Give the same with silence from t_x to T: under k of the phases of a gap are over."""
    value, slopes = _bought(r, alpha, k, x, T)
    if k == 1:
        return value, slopes
    phases = _log_phases(r, alpha, k, x, t_x, T)
    total = np.logaddexp.reduce(phases, axis=0)
    share = np.exp(phases - total)
    order = np.arange(k)[:, None]
    harmonic = np.cumsum(
        np.vstack([np.zeros_like(x), 1 / (r + k * x + order[:-1])]), axis=0
    )  # of the rising factorial
    by_r = (share * harmonic).sum(axis=0)
    by_alpha = -(share * order).sum(axis=0) / (alpha + T)
    return value + total, slopes + np.stack([by_r, by_alpha], axis=1)


def _log_phases(
    r: float, alpha: float, k: int, x: Floats, t_x: Floats, T: Floats  # noqa: N803
) -> Floats:  # fmt: skip
    """Give the logarithm of 0, 1, ... k - 1 phases in the present silence, over that of none."""
    shape, share = r + k * x, (T - t_x) / (alpha + T)
    rows = [np.zeros_like(shape)]
    for phase in range(1, k):
        rows.append(rows[-1] + np.log(share) + np.log(shape + phase - 1) - np.log(phase))
    return np.stack(rows)


def _phases(
    r: float, alpha: float, k: int, x: Floats, t_x: Floats, T: Floats  # noqa: N803
) -> Floats:  # fmt: skip
    """Give the probability of each number of phases that are over, of who is here."""
    logs = _log_phases(r, alpha, k, x, t_x, T)
    return np.exp(logs - np.logaddexp.reduce(logs, axis=0))


def _beta_ratio(a: float, b: float, leaves: int, stays: Floats) -> tuple[Floats, Floats]:
    """Give log B(a + leaves, b + stays) - log B(a, b), and its derivatives by a and b."""
    from scipy.special import betaln, digamma, polygamma  # noqa: F401

    def value(n: Floats) -> Floats:
        return betaln(a + leaves, b + n) - betaln(a, b)

    def by_a(n: Floats) -> Floats:
        return digamma(a + leaves) - digamma(a + b + leaves + n) - digamma(a) + digamma(a + b)

    def by_b(n: Floats) -> Floats:
        return digamma(b + n) - digamma(a + b + leaves + n) - digamma(b) + digamma(a + b)

    slopes = np.stack([_by_value(by_a, 0, stays), _by_value(by_b, 0, stays)], axis=1)
    return _by_value(value, 0, stays), slopes


def _renewals(shape: Floats, odds: Floats, k: int, phase: int, a: float, b: Floats) -> Floats:
    """Sum over n the chance of n more purchases in time, and of staying until the n-th.

    The phases to come are negative binomial: of `shape`, with `odds` against none. The n-th
    purchase is over when n k - phase of them are; E[(1 - p)^(n - 1)] is a ratio of betas.
    """
    success = odds / (1 + odds)
    term = np.exp(-shape * np.log1p(odds))  # of no phase
    reached = 1 - term  # at least one phase
    stays = np.ones_like(shape)
    total = np.zeros_like(shape)
    purchase = 0
    for count in range(1, MOST_TERMS):
        if (count + phase) % k == 0:
            total += np.maximum(reached, 0) * stays
            stays = stays * (b + purchase) / (a + b + purchase)
            purchase += 1
        term = term * (shape + count - 1) / count * success
        reached = reached - term
        if count % 16 == 0 and np.all(reached * stays < ENOUGH):
            break
    return total
