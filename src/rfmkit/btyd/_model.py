"""The base class of the buy-till-you-die models in continuous time, and their fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._counts import count_customers
from rfmkit.btyd._covariates import count_covariates, learn, terms_of
from rfmkit.btyd._fit_problem import problem_of, problem_with_covariates
from rfmkit.btyd._formulas import names_of
from rfmkit.btyd._optimizer import maximise
from rfmkit.btyd._predictions import Predictions
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rfmkit.btyd._fit_problem import FitProblem

    Floats = NDArray[np.float64]


class BuyTillYouDie(Predictions):
    """A model of customers who buy at their own rate until they leave, which is not observed.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of `predict_churn` and `predict_purchases`, in days.
    unit_days : float, default 1
        The unit of time of `params_`, in days; 7 for weeks, as in the papers. No prediction
        depends on it.
    buying, leaving : str, optional
        Formulas of covariates, for the models that take them.

    Attributes
    ----------
    log_likelihood_ : float
        The log-likelihood at `params_`, in the unit of time.
    covariates_ : Covariates or None
        What the formulas name: columns, their levels, and the columns of the design.
    """

    def __init__(
        self,
        horizon_days: int = 365,
        *,
        unit_days: float = 1.0,
        buying: str | None = None,
        leaving: str | None = None,
    ) -> None:
        self.horizon_days = horizon_days
        self.unit_days = unit_days
        self.buying = buying
        self.leaving = leaving

    def fit(self, customers: Any) -> Self:
        """Fit the parameters by maximum likelihood.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind. A model with formulas needs the
            frame, with the columns of its covariates.

        Returns
        -------
        BuyTillYouDie
            Itself, fitted.

        Raises
        ------
        ColumnsError
            The frame lacks a column, or a column does not hold numbers.
        NotEnoughHistoryError
            There is no customer, or no time has passed since the first purchases.
        RfmkitError
            `horizon_days` or `unit_days` is wrong, a row is impossible, a formula cannot be read,
            or its covariates are missing for some customers, constant or collinear.

        Examples
        --------
        >>> import rfmkit as rk
        >>> customers = rk.summarize(rk.read_orders(rk.load_sample()))
        >>> model = rk.ParetoNBD(horizon_days=90).fit(customers)
        >>> model.summary_.round(3)
          parameter  estimate  log_error   lower    upper
        0         r     1.214      0.097   1.003    1.470
        1     alpha    80.063      0.094  66.612   96.232
        2         s     0.750      0.233   0.475    1.184
        3      beta   183.069      0.367  89.146  375.947
        """
        checks.horizon(self.horizon_days)
        process, unit_days = self._process, float(self.unit_days)
        if self.buying is None and self.leaving is None:
            self.covariates_ = None
            self._solve(problem_of(process, count_customers(customers, unit_days=unit_days)))
            return self
        buying, leaving = terms_of(self.buying, "buying"), terms_of(self.leaving, "leaving")
        names = names_of([*buying, *leaving])
        counts, values = count_covariates(customers, names, unit_days=unit_days)
        self.covariates_ = learn(buying, leaving, values, counts.weight)
        self._solve(problem_with_covariates(process, counts, self.covariates_, values))
        return self

    def _solve(self, problem: FitProblem) -> None:
        found, counts = problem.solve(), problem.counts
        self._keep_estimates(found, problem.space, customers=counts.customers, unit=problem.units)
        self.log_likelihood_ = problem.log_likelihood(found)

    def bootstrap(self, customers: Any, *, times: int = 100, seed: int = 0) -> Self:
        """Replace the parameter draws of the intervals by a bootstrap of the customers.

        After `fit` the draws come from the curvature of the likelihood, which is valid if the model
        is right. If it is wrong, the intervals of the bootstrap are usually wider, as they should
        be. `params_` and `summary_` do not change.

        Parameters
        ----------
        customers : Orders or DataFrame
            The customers of the fit.
        times : int, default 100
            The number of samples, drawn with replacement. Each takes about as long as the fit.
        seed : int, default 0
            The seed of the samples.

        Returns
        -------
        BuyTillYouDie
            Itself, with the draws.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        RfmkitError
            `times` is under 2, or the number of customers is not that of the fit.

        Notes
        -----
        Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> model = rk.ModifiedBetaGeo(90).fit(orders).bootstrap(orders, times=20)
        >>> model.predict_churn(orders, interval=0.9).head(2).round(2)
          customer_id  churn_probability  churn_lower  churn_upper
        0     C000001               0.81         0.79         0.83
        1     C000002               0.95         0.94         0.96
        """
        self._check_fitted()
        checks.whole("times", times, least=2)
        process, known, unit_days = self._process, self.covariates_, float(self.unit_days)
        if known is None:
            problem = problem_of(process, count_customers(customers, unit_days=unit_days))
        else:
            found, values = count_covariates(customers, known.names, unit_days=unit_days)
            problem = problem_with_covariates(process, found, known, values)
        counts, space, unit = problem.counts, problem.space, problem.units
        if round(counts.customers) != self.customers_:
            raise RfmkitError(
                "A bootstrap needs the customers of the fit.",
                found=f"{counts.customers:,.0f} customers, and a fit on {self.customers_:,}",
                hint="pass what was passed to fit.",
            )
        start = space.point(self._params / unit)
        rng, draws = np.random.default_rng(seed), []
        for _ in range(times):
            drawn = rng.multinomial(self.customers_, counts.weight / counts.customers)
            objective = problem.objective(replace(counts, weight=drawn.astype(float)))
            draws.append(space.natural(maximise(objective, [start], space.limits).at)[0] * unit)
        self._draws = np.array(draws)
        return self
