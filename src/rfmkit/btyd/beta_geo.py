"""BetaGeo and ModifiedBetaGeo: customers leave after a purchase, with a probability of their own.

With regular timing (k over 1) they are BetaGeoCNBD and ModifiedBetaGeoCNBD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._counts import count_customers, dot, uncoded
from rfmkit.btyd._erlang import Timing
from rfmkit.btyd._estimates import NO_DROP_OUT, ONE_RATE, alike
from rfmkit.btyd._model import BuyTillYouDie
from rfmkit.cycle import two_last_gaps, wheat_morrison
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts, Params

    Floats = NDArray[np.float64]

MOST_REGULAR: Final = 12
MOST_LOG: Final = 700


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
    buying, leaving : str, optional
        Formulas of covariates, columns that the frame of customers has beside those of
        ``summarize``, such as ``"gender + channel"``: who buys how often, and who leaves how soon.
        Words are taken by their levels, against the first of them; ``C(region)`` takes numbers
        so. The intercept is the model's own.

    Notes
    -----
    Fader, Hardie and Lee (2005), "Counting your customers the easy way: an alternative to the
    Pareto/NBD model", Marketing Science 24, equations 6 (likelihood) and 10 (expected purchases,
    here summed purchase by purchase).

    Covariates: Fader and Hardie (2007), "Incorporating time-invariant covariates into the
    Pareto/NBD and BG/NBD models", alpha_i = alpha exp(-g'z_i) and a_i = a exp(h'z_i). They let b
    have coefficients of its own; here it is the same for all, so that exp(h) is how many times
    the mean odds of leaving, a / (b - 1), grow with z. (CLVTools multiplies a and b by the same,
    which leaves the share of those who leave as it was.) A coefficient over 0 means more
    purchases, or leaving sooner.

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
        (0, -1): (
            "no repeat purchases",
            "Nobody has bought again: the data do not show how soon anybody would.",
        ),
        (1, 1): ONE_RATE,
        (2, -1): NO_DROP_OUT,
        (2, 1): ("certain drop-out", "Everybody leaves at the first chance."),
        (3, -1): (
            "polarised drop-out",
            (
                "Customers either leave at the first chance or never: P(alive) jumps with the "
                "first purchase that shows which."
            ),
        ),
        (3, 1): (
            "homogeneous drop-out",
            alike("soon they leave", "probability", "a and b"),
        ),
    }
    moved: ClassVar = (("alpha", -1), ("a", 1))
    moot: ClassVar = {(2, -1): (3,), (2, 1): (3,)}  # how unevenly they leave, where none or all do
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
        """Return the coordinates in which a boundary is one of them."""
        r, alpha, a, b = np.log(params)
        return np.array([r - alpha, r, a - b, np.logaddexp(a, b)])

    def log_terms(self, params: Params, counts: Counts) -> tuple[Floats, Floats]:
        """Return the log-likelihood: still here, or left after the last purchase."""
        r, alpha, a, b = params
        x, t_x, T = counts.coded
        timing, chances = Timing(r, alpha, self.regularity), self.at_first
        here, by_here = timing.silent(x, t_x, T)
        gone, by_gone = timing.bought(x, t_x)
        stays, by_stays = _beta_ratio(a, b, 0, x.values, chances)
        leaves, by_leaves = _beta_ratio(a, b, 1, x.values, chances - 1)
        here += x.of(stays)
        odds = np.exp(np.minimum(gone + x.of(leaves) - here, MOST_LOG))
        odds[(x.rows + chances) == 0] = 0  # without a chance to leave
        left = odds / (1 + odds)
        slopes = [
            still + left * (lost - still)
            for still, lost in zip(
                [*by_here, *map(x.of, by_stays)], [*by_gone, *map(x.of, by_leaves)], strict=True
            )
        ]
        return here + np.log1p(odds), np.array(slopes).T

    def log_likelihood(self, params: Floats, counts: Counts) -> tuple[float, Floats]:
        """Sum up `log_terms`, at a third of its cost where timing is random.

        What depends on x alone is worked out once a value, for the sums as well.
        """
        if self.regularity > 1:
            return super().log_likelihood(params, counts)
        r, alpha, a, b = params
        x, t_x, T = counts.coded
        timing, chances, weight = Timing(r, alpha), self.at_first, counts.weight
        base, by_r = timing.of_count(x.values)
        stays, by_stays = _beta_ratio(a, b, 0, x.values, chances)
        leaves, by_leaves = _beta_ratio(a, b, 1, x.values, chances - 1)
        leaves = np.where(x.values + chances == 0, -np.inf, leaves)  # without a chance to leave
        shape, log_T, log_t = r + x.rows, T.of(timing.log_time), t_x.of(timing.log_time)
        odds = x.of(leaves - stays) + shape * (log_T - log_t)
        odds = np.exp(np.minimum(odds, MOST_LOG, out=odds), out=odds)
        left = weight * (odds / (1 + odds))
        here, by_x = weight - left, np.bincount(x.place, left)
        all_x = np.bincount(x.place, weight)
        silent = shape * log_T
        value = dot(weight, np.log1p(odds, out=odds) - silent) + dot(all_x, base + stays)
        by_alpha = dot(here * shape, np.exp(-log_T)) + dot(left * shape, np.exp(-log_t))
        slopes = [
            dot(all_x, by_r) - dot(here, log_T) - dot(left, log_t),
            counts.customers * r / alpha - by_alpha,
            *(
                dot(all_x, still) + dot(by_x, lost - still)
                for still, lost in zip(by_stays, by_leaves, strict=True)
            ),
        ]
        return float(value), np.array(slopes)

    # --- predictions -------------------------------------------------------------------------

    def _here(self, params: Params, x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, Floats]:
        """Return the logarithms of being here and of having left, up to what both share."""
        r, alpha, a, b = params
        timing = Timing(r, alpha, self.regularity)
        row = uncoded(x), uncoded(t_x)
        here, gone = timing.silent(*row, uncoded(T))[0], timing.bought(*row)[0]
        chances = np.log(a) - np.log(np.maximum(b + x + self.at_first - 1, b))
        gone = np.where((x > 0) | bool(self.at_first), gone + chances, -np.inf)
        return here, gone

    def alive(self, params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Return the probability of not having left."""
        here, gone = self._here(params, x, t_x, T)
        return np.asarray(np.exp(here - np.logaddexp(here, gone)))

    def churn(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:
        """Return the probability of no purchase in (T, T + H]."""
        here, gone = self._here(params, x, t_x, T)
        later, _ = self._here(params, x, t_x, T + H)
        return np.asarray(np.exp(np.logaddexp(later, gone) - np.logaddexp(here, gone)))

    def purchases(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:
        """Sum the chances of a first, a second, ... purchase in (T, T + H]."""
        r, alpha, a, b = params
        timing = Timing(r, alpha, self.regularity)
        return self.alive(params, x, t_x, T) * timing.purchases(
            x, t_x, T, H, (a, b + x + self.at_first)
        )


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
    buying, leaving : str, optional
        Formulas of covariates, as of `BetaGeo`.

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

    Regular timing fits the gaps that there are, most of all by how few short ones there are, and
    takes long ones for rarer than they may be: see the page on these models before churn is
    predicted by it.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    k : int or {"likelihood", "wheat_morrison"}, default "likelihood"
        The regularity: 1 is random timing. By ``"likelihood"`` it is the one for which that is
        greatest, by ``"wheat_morrison"`` that of the customers' last two gaps, rounded; both need
        the log itself: the customers alone do not tell their gaps.
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
    The two last gaps: Wheat and Morrison (1990), see `PurchaseCycle`, whose `regularity_` is the
    same before it is rounded.

    Reutterer, Platzer and Schroeder (2021), "Leveraging purchase regularity for predicting
    customer behavior the easy way", International Journal of Research in Marketing 38. Expected
    purchases are exact here: the phases of the open gap and the negative binomial of the phases
    to come are summed.
    """

    def __init__(
        self,
        horizon_days: int = 365,
        *,
        k: int | Literal["likelihood", "wheat_morrison"] = "likelihood",
        unit_days: float = 1.0,
    ) -> None:
        super().__init__(horizon_days, unit_days=unit_days)
        self.k = k

    def fit(self, customers: Any) -> Self:
        """Maximise the likelihood, with the regularity that is given or found.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or, where `k` is a number, the frame of ``summarize`` in any kind.

        Returns
        -------
        BetaGeoCNBD
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            There is no customer, or no time has passed since the first purchases, or too few
            have bought three times for the regularity of Wheat and Morrison.
        RfmkitError
            Regularity is to be found in a frame of customers.
        """
        import pandas as pd

        checks.horizon(self.horizon_days)
        counts = count_customers(customers, unit_days=float(self.unit_days))
        tried: dict[int, float] = {}
        for k in self._regularities(customers):
            self.regularity = k
            self._fit_counts(counts)
            tried[k] = self.log_likelihood_ = self.log_likelihood_ + _of_gaps(k, counts)
            if k > 1 and tried[k] < tried.get(k - 1, -np.inf):
                break
        best = max(tried, key=lambda k: tried[k])
        if best != self.regularity:
            self.regularity = best
            self._fit_counts(counts)
            self.log_likelihood_ = tried[best]
        self.k_ = best
        self.by_k_ = pd.DataFrame({"k": list(tried), "log_likelihood": list(tried.values())})
        return self

    def _regularities(self, customers: Any) -> list[int]:
        """Return the k that are tried."""
        if not isinstance(self.k, str):
            return [checks.whole("k", self.k)]
        checks.choice("k", self.k, ("likelihood", "wheat_morrison"))
        if not isinstance(customers, Orders):
            raise RfmkitError(
                "k='likelihood' and k='wheat_morrison' need the gaps of a log.",
                found="a frame of customers, which has no gaps",
                hint=f"fit on the orders, or pass {type(self).__name__}(k=2).",
            )
        if self.k == "likelihood":
            return list(range(1, MOST_REGULAR + 1))
        pairs = customers.history.engine.frame(two_last_gaps(customers))
        first, last, weight = (
            pairs[name].to_numpy(dtype=float) for name in ("gap_before", "last_gap", "customers")
        )
        found = wheat_morrison(first, last, weight)
        if np.isnan(found):
            raise NotEnoughHistoryError(
                "Regularity needs at least two customers who have bought three times.",
                found="fewer than two",
                hint=f"give a longer log, or pass {type(self).__name__}(k=2).",
            )
        return [round(min(max(found, 1), MOST_REGULAR))]


class ModifiedBetaGeoCNBD(BetaGeoCNBD):
    """ModifiedBetaGeo with regular timing; the parameters are those of `BetaGeoCNBD`."""

    at_first = 1


def _of_gaps(k: int, counts: Counts) -> float:
    """Return what the lengths of the gaps add to the likelihood, whatever the parameters."""
    from math import lgamma

    return (k - 1) * (counts.log_gaps or 0.0) - counts.repeats * lgamma(k)


def _beta_ratio(
    a: float | Floats, b: float | Floats, leaves: int, x: Floats, more: int
) -> tuple[Floats, tuple[Floats, Floats]]:
    """Return log B(a + leaves, b + x + more) - log B(a, b), and its derivatives by a and b."""
    from scipy.special import betaln, digamma

    stays = np.maximum(b + x + more, b)
    both = digamma(a + b) - digamma(a + b + leaves + x + more)
    by_a, by_b = digamma(a + leaves) - digamma(a) + both, digamma(stays) - digamma(b) + both
    return np.asarray(betaln(a + leaves, stays) - betaln(a, b)), (by_a, by_b)
