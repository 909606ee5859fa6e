"""ShiftedBetaGeometric: the retention of a cohort of subscribers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._beta_binomial import from_mean, log_chance, to_mean
from rfmkit.btyd._cohorts import read_cohorts
from rfmkit.btyd._estimates import Fitted
from rfmkit.btyd._optimizer import maximise
from rfmkit.btyd._search_space import SearchSpace, in_space, mean_log_likelihood, weighted_sum
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SMALLEST: Final = 1e-17
"""The relative error of the continued fraction."""


@dataclass(frozen=True)
class BetaSpace(SearchSpace):
    """The coordinates of the sBG: mean and size of the Beta distribution."""

    names: ClassVar = ("alpha", "beta")
    starts: ClassVar = ((1.0, 1.0), (0.5, 3.0), (5.0, 20.0))
    limits: ClassVar = ((-16.0, 16.0), (-8.0, 11.0))
    boundaries: ClassVar = {
        (0, -1): ("no drop-out", "Nobody leaves: all survivors stay for ever."),
        (0, 1): ("certain drop-out", "Everybody leaves at the first opportunity."),
        (1, -1): ("polarised drop-out", "Customers leave at the first opportunity or never."),
        (1, 1): (
            "homogeneous drop-out",
            (
                "The retention rate does not grow with time, as it would if customers differed: it "
                "is constant, and only the ratio of alpha and beta has a meaning."
            ),
        ),
    }

    def natural(self, point: Floats, /) -> tuple[Floats, Floats]:
        """Return alpha, beta at (logit alpha/(alpha+beta), log(alpha+beta)), and the Jacobian."""
        return from_mean(*point)

    def point(self, params: Floats, /) -> Floats:
        """Return (logit alpha/(alpha+beta), log(alpha+beta))."""
        return to_mean(*params)


class ShiftedBetaGeometric(Fitted):
    """The shifted-beta-geometric model: customers renew a contract or leave, each period anew.

    It is for customers whose leaving is observed: subscriptions, memberships, insurance. At the
    end of each period a customer leaves with a probability that is Beta(alpha, beta) over
    customers. Customers with a high probability leave early, so that the retention rate of a
    cohort grows.

    Attributes
    ----------
    params_ : dict of str to float
        alpha, beta.
    summary_ : DataFrame
        One row per parameter: `parameter` (str), `estimate`, `log_error`, `lower`, `upper`
        (float64). `log_error` is the standard error of the logarithm, `lower` to `upper` the 95 %
        interval; null where the data do not identify the parameter.
    log_likelihood_ : float
        The log-likelihood at `params_`.
    boundary_, diagnosis_ : str
        The boundary of the parameters on which the likelihood has its maximum, and what it means
        for the predictions; empty if there is none.
    customers_ : int
        The number of customers of the fit.
    converged_ : bool
        Whether the gradient of the likelihood is 0 at `params_`, up to a tolerance.

    See Also
    --------
    rfmkit.ModifiedBetaGeo : customers whose leaving is not observed.

    Notes
    -----
    Fader and Hardie (2007), "How to project customer retention", Journal of Interactive Marketing
    21, equations 5 and 6, and appendix B (likelihood).

    Examples
    --------
    >>> import pandas as pd
    >>> import rfmkit as rk
    >>> model = rk.ShiftedBetaGeometric().fit([1000, 869, 743, 653, 593])
    >>> model
    <ShiftedBetaGeometric: alpha 1.281, beta 7.79 from 1,000 customers; next:
    .survival(periods)>
    >>> pd.DataFrame({"period": [1, 2, 8], "survival": model.survival([1, 2, 8]),
    ...               "retention": model.retention([1, 2, 8])}).round(3)
       period  survival  retention
    0       1     0.859      0.859
    1       2     0.750      0.873
    2       8     0.409      0.920
    """

    _fit_call: ClassVar = "fit(survivors)"
    _next_call: ClassVar = "survival(periods)"

    def fit(self, survivors: Any) -> Self:
        """Fit the parameters by maximum likelihood.

        Parameters
        ----------
        survivors : sequence of int, or DataFrame, or a list of these
            The number of customers of a cohort at the start and after 1, 2, ... periods; or a
            frame of any kind with `period` (0, 1, 2, ...) and `survivors`. Several cohorts, of any
            length, as a list.

        Returns
        -------
        ShiftedBetaGeometric
            Itself, fitted.

        Raises
        ------
        ColumnsError
            A frame lacks a column, or a period.
        RfmkitError
            Survivors are not whole, or increase.
        NotEnoughHistoryError
            There is no customer, or no cohort has two renewals: fewer do not identify two
            parameters.

        Examples
        --------
        >>> import pandas as pd
        >>> import rfmkit as rk
        >>> cohort = pd.DataFrame({"period": [0, 1, 2, 3], "survivors": [1000, 869, 743, 653]})
        >>> rk.ShiftedBetaGeometric().fit(cohort).summary_.round(2)
          parameter  estimate  log_error  lower    upper
        0     alpha      4.64       2.11   0.07   292.45
        1      beta     29.43       2.17   0.41  2089.73
        """
        cohorts = read_cohorts(survivors)
        # One row for each end of a period at which customers left, and one for those still there.
        stayed = np.hstack([np.r_[np.arange(len(c) - 1.0), len(c) - 1.0] for c in cohorts])
        left = np.hstack([np.r_[np.ones(len(c) - 1), 0.0] for c in cohorts])
        weight = np.hstack([np.r_[-np.diff(c), c[-1]] for c in cohorts])
        customers, space = float(weight.sum()), BetaSpace()
        total = weighted_sum(lambda params: log_chance(params[0], params[1], left, stayed), weight)
        found = maximise(
            mean_log_likelihood(in_space(space, total), customers),
            [space.point(np.array(start)) for start in space.starts],
            space.limits,
        )
        self._keep_estimates(found, space, customers=customers)
        self.log_likelihood_ = found.value * customers
        return self

    def survival(self, periods: ArrayLike) -> Floats:
        """Return the share of a cohort that is still there after a number of periods.

        Parameters
        ----------
        periods : int or array of int
            Numbers of periods since the start, from 0.

        Returns
        -------
        float64 array
            The shares, 0 to 1, in the shape of `periods`.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        RfmkitError
            `periods` are not whole numbers of at least 0.

        Notes
        -----
        B(alpha, beta + t) / B(alpha, beta): Fader and Hardie (2007), equation 6.

        Examples
        --------
        >>> import rfmkit as rk
        >>> model = rk.ShiftedBetaGeometric().fit([1000, 869, 743, 653, 593])
        >>> model.survival([0, 4, 8]).round(2)
        array([1.  , 0.59, 0.41])
        """
        self._check_fitted()
        alpha, beta = self._params
        after = _wholes("periods", periods, least=0)
        return np.exp(log_chance(alpha, beta, np.zeros_like(after), after)[0])

    def retention(self, periods: ArrayLike) -> Floats:
        """Return the retention rate: of customers there before a renewal, the share that renews.

        Parameters
        ----------
        periods : int or array of int
            Numbers of the renewal, from 1.

        Returns
        -------
        float64 array
            The shares, 0 to 1, in the shape of `periods`.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        RfmkitError
            `periods` are not whole numbers of at least 1.

        Notes
        -----
        (beta + t - 1) / (alpha + beta + t - 1): Fader and Hardie (2007), equation 8.

        Examples
        --------
        >>> import rfmkit as rk
        >>> model = rk.ShiftedBetaGeometric().fit([1000, 869, 743, 653, 593])
        >>> model.retention([1, 2, 3]).round(2)
        array([0.86, 0.87, 0.88])
        """
        self._check_fitted()
        alpha, beta = self._params
        before = _wholes("periods", periods, least=1) - 1
        return np.asarray((beta + before) / (alpha + beta + before))

    def expected_lifetime(self, renewals: ArrayLike = 0, *, discount: float = 0.0) -> Floats:
        """Return the discounted expected residual lifetime (DERL), in periods.

        It is the expected number of further periods of customers whose next renewal is due. The
        period after that renewal counts as 1, the one after it as 1 / (1 + discount), and so on.

        Parameters
        ----------
        renewals : int or array of int, default 0
            Numbers of renewals that the customers have made.
        discount : float, default 0
            The discount rate per period, such as 0.1. Without a discount the expectation is
            infinite if alpha is at most 1.

        Returns
        -------
        float64 array
            The lifetimes, in periods, in the shape of `renewals`.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        RfmkitError
            `renewals` are not whole numbers of at least 0, or `discount` is negative.

        Notes
        -----
        Fader and Hardie (2010), "Customer-base valuation in a contractual setting: the perils of
        ignoring heterogeneity", Marketing Science 29, equation 6, where n is `renewals` + 1:
        (beta + n - 1) / (alpha + beta + n - 1) 2F1(1, beta + n; alpha + beta + n; 1 / (1 + d)).

        Examples
        --------
        >>> import rfmkit as rk
        >>> model = rk.ShiftedBetaGeometric().fit([1000, 869, 743, 653, 593])
        >>> model.expected_lifetime([0, 1, 4], discount=0.1).round(2)
        array([4.91, 5.19, 5.87])
        """
        self._check_fitted()
        checks.number("discount", discount, least=0)
        alpha, beta = self._params
        behind = _wholes("renewals", renewals, least=0)
        if discount == 0:
            infinite = np.full_like(behind, np.inf)
            return infinite if alpha <= 1 else np.asarray((beta + behind) / (alpha - 1))
        return _lifetime(alpha, beta + behind, float(discount))


def _lifetime(a: float, b: Floats, discount: float) -> Floats:
    """Return b / (a + b) 2F1(1, b + 1; a + b + 1; 1 / (1 + discount)) by a continued fraction.

    The 2F1 of scipy overflows for a and b in the hundreds. Pfaff's transformation gives
    (1 + 1 / discount) 2F1(1, a; a + b + 1; -1 / discount), whose continued fraction by Gauss has
    only positive terms: Digital Library of Mathematical Functions, 15.8.1 and 15.7.1. Each step
    multiplies the error by `rate`.
    """
    root = np.sqrt(1 + 1 / discount)
    rate = (root - 1) / (root + 1)
    fraction = np.ones_like(b)
    for step in range(int(np.ceil(np.log(SMALLEST) / np.log(rate))), 0, -1):
        m, odd = divmod(step, 2)
        up = (a + m) * (a + b + m) if odd else m * (b + m)
        share = up / ((a + b + step - 1) * (a + b + step))
        fraction = 1 + share / discount / fraction
    return np.asarray(b / (a + b) * (1 + 1 / discount) / fraction)


def _wholes(name: str, values: ArrayLike, *, least: int) -> Floats:
    """Return whole numbers as float64.

    Raises
    ------
    RfmkitError
        A value is not whole, or under `least`.
    """
    given = np.asarray(values)
    found = given.astype(float) if given.dtype.kind in "iuf" else np.full(given.shape, np.nan)
    if not np.all((found >= least) & (found == np.floor(found)) & np.isfinite(found)):
        raise RfmkitError(
            f"{name} must be whole numbers of at least {least}.",
            found=f"{name}={values!r}",
            hint=f"for example {name}=[{least}, {least + 1}].",
        )
    return found
