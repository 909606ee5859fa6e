"""BetaGeoCNBD and ModifiedBetaGeoCNBD: the beta-geometric models with regular timing."""

from __future__ import annotations

from math import lgamma
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._beta_geo_process import BetaGeoProcess
from rfmkit.btyd._counts import count_customers
from rfmkit.btyd._fit_problem import problem_of
from rfmkit.btyd.beta_geo import BetaGeo
from rfmkit.cycle import two_last_gaps, wheat_morrison
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from rfmkit.btyd._counts import Counts

MAX_REGULARITY: Final = 12


class BetaGeoCNBD(BetaGeo):
    """The BG/CNBD-k model: `BetaGeo` with regular timing, where gaps are Erlang-k distributed.

    Regular timing describes short gaps better than random timing does, but it takes long gaps to
    be rarer than they are in many shops. Read the page on these models before you predict churn
    with it, or compare the models in a backtest.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    k : int or {"likelihood", "wheat_morrison"}, default "likelihood"
        The regularity; 1 is random timing. ``"likelihood"`` takes the k from 1 to 12 with the
        greatest likelihood; ``"wheat_morrison"`` estimates it from the last two gaps of the
        customers, and rounds it. Both need the orders: a frame of customers has no gaps.
    unit_days : float, default 1
        The unit of time of `params_`, in days; 7 for weeks, as in the papers. No prediction
        depends on it.

    Attributes
    ----------
    params_ : dict of str to float
        r, alpha (in the unit of time, per phase), a, b.
    summary_ : DataFrame
        One row per parameter: `parameter` (str), `estimate`, `log_error`, `lower`, `upper`
        (float64). `log_error` is the standard error of the logarithm, `lower` to `upper` the 95 %
        interval; null where the data do not identify the parameter.
    log_likelihood_ : float
        The log-likelihood at `params_`, in the unit of time.
    boundary_, diagnosis_ : str
        The boundary of the parameters on which the likelihood has its maximum, and what it means
        for the predictions; empty if there is none.
    customers_ : int
        The number of customers of the fit.
    converged_ : bool
        Whether the gradient of the likelihood is 0 at `params_`, up to a tolerance.
    k_ : int
        The regularity: the number of phases between two purchases.
    by_k_ : DataFrame
        One row for every k that was tried: `k` (int64), `log_likelihood` (float64).
    covariates_ : None
        These models take no covariates.

    See Also
    --------
    rfmkit.BetaGeo : random timing, k = 1.
    rfmkit.PurchaseCycle : has the same regularity before rounding, as `regularity_`.

    Notes
    -----
    Reutterer, Platzer and Schroeder (2021), "Leveraging purchase regularity for predicting
    customer behavior the easy way", International Journal of Research in Marketing 38. Expected
    purchases are exact here: a sum over the phases of the open gap and over the phases to come,
    whose number is negative binomial.

    The estimate from two gaps: Wheat and Morrison (1990), "Estimating purchase regularity with two
    interpurchase times", Journal of Marketing Research 27.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.BetaGeoCNBD(horizon_days=90).fit(orders)
    >>> model.by_k_.round(1)
       k  log_likelihood
    0  1        -19072.7
    1  2        -19085.9
    >>> model.predict_churn(orders).head(3).round(3)
      customer_id  churn_probability
    0     C000001              0.768
    1     C000002              0.876
    2     C000003              0.325
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

    @property
    def _process(self) -> BetaGeoProcess:
        return BetaGeoProcess(regularity=getattr(self, "k_", 1))

    def fit(self, customers: Any) -> Self:
        """Fit the parameters by maximum likelihood, and the regularity if `k` is no number.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log; or, if `k` is a number, the frame of ``summarize`` in any kind.

        Returns
        -------
        BetaGeoCNBD
            Itself, fitted.

        Raises
        ------
        ColumnsError
            The frame lacks a column, or a column does not hold numbers.
        NotEnoughHistoryError
            There is no customer, no time has passed since the first purchases, or with
            ``k="wheat_morrison"`` fewer than two customers have bought three times.
        RfmkitError
            `horizon_days`, `unit_days` or `k` is wrong, a row is impossible, or `k` is no number
            and the customers are a frame.

        Examples
        --------
        >>> import rfmkit as rk
        >>> customers = rk.summarize(rk.read_orders(rk.load_sample()))
        >>> rk.BetaGeoCNBD(horizon_days=90, k=2).fit(customers).summary_.round(3)
          parameter  estimate  log_error   lower   upper
        0         r     0.543      0.054   0.489   0.603
        1     alpha    14.799      0.074  12.808  17.099
        2         a     0.708      0.180   0.497   1.008
        3         b     3.552      0.246   2.194   5.749
        """
        import pandas as pd

        checks.horizon(self.horizon_days)
        counts = count_customers(customers, unit_days=float(self.unit_days))
        tried: dict[int, float] = {}
        for k in self._candidates(customers):
            tried[k] = self._fit_with(k, counts)
            if k > 1 and tried[k] < tried.get(k - 1, -np.inf):
                break
        best = max(tried, key=lambda k: tried[k])
        if best != self.k_:
            self._fit_with(best, counts)
        self.by_k_ = pd.DataFrame({"k": list(tried), "log_likelihood": list(tried.values())})
        return self

    def _fit_with(self, k: int, counts: Counts) -> float:
        """Fit the parameters for a given k, and return the log-likelihood."""
        self.k_ = k
        self._solve(problem_of(self._process, counts))
        self.log_likelihood_ += _log_density_of_gaps(k, counts)
        return self.log_likelihood_

    def _candidates(self, customers: Any) -> list[int]:
        """Return the k to try."""
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
            return list(range(1, MAX_REGULARITY + 1))
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
        return [round(min(max(found, 1), MAX_REGULARITY))]


class ModifiedBetaGeoCNBD(BetaGeoCNBD):
    """The MBG/CNBD-k model: `ModifiedBetaGeo` with regular timing, where gaps are Erlang-k.

    Customers may leave after any purchase, the first one as well. Read the notes on regular timing
    in `BetaGeoCNBD`.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    k : int or {"likelihood", "wheat_morrison"}, default "likelihood"
        The regularity; 1 is random timing. ``"likelihood"`` takes the k from 1 to 12 with the
        greatest likelihood; ``"wheat_morrison"`` estimates it from the last two gaps of the
        customers, and rounds it. Both need the orders: a frame of customers has no gaps.
    unit_days : float, default 1
        The unit of time of `params_`, in days; 7 for weeks, as in the papers. No prediction
        depends on it.

    Attributes
    ----------
    params_ : dict of str to float
        r, alpha (in the unit of time, per phase), a, b.
    summary_ : DataFrame
        One row per parameter: `parameter` (str), `estimate`, `log_error`, `lower`, `upper`
        (float64). `log_error` is the standard error of the logarithm, `lower` to `upper` the 95 %
        interval; null where the data do not identify the parameter.
    log_likelihood_ : float
        The log-likelihood at `params_`, in the unit of time.
    boundary_, diagnosis_ : str
        The boundary of the parameters on which the likelihood has its maximum, and what it means
        for the predictions; empty if there is none.
    customers_ : int
        The number of customers of the fit.
    converged_ : bool
        Whether the gradient of the likelihood is 0 at `params_`, up to a tolerance.
    k_ : int
        The regularity: the number of phases between two purchases.
    by_k_ : DataFrame
        One row for every k that was tried: `k` (int64), `log_likelihood` (float64).
    covariates_ : None
        These models take no covariates.

    See Also
    --------
    rfmkit.BetaGeoCNBD : customers with a single purchase have not left.
    rfmkit.ModifiedBetaGeo : random timing, k = 1.

    Notes
    -----
    Reutterer, Platzer and Schroeder (2021), as in `BetaGeoCNBD`.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.ModifiedBetaGeoCNBD(horizon_days=90, k=2).fit(orders)
    >>> model
    <ModifiedBetaGeoCNBD: r 1.696, alpha 35.01, a 0.6298, b 1.732 from 1,140 customers;
    horizon 90 days; next: .predict_churn(customers)>
    >>> model.predict_churn(orders).head(3).round(3)
      customer_id  churn_probability
    0     C000001              0.805
    1     C000002              0.955
    2     C000003              0.226
    """

    @property
    def _process(self) -> BetaGeoProcess:
        return BetaGeoProcess(at_first=1, regularity=getattr(self, "k_", 1))


def _log_density_of_gaps(k: int, counts: Counts) -> float:
    """Return the part of the log-likelihood that depends on the gaps and k, not on parameters."""
    return (k - 1) * (counts.log_gaps or 0.0) - counts.repeats * lgamma(k)
