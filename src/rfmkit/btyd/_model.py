"""The base class of the buy-till-you-die models in continuous time: fit and predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._counts import NEEDS, count_customers
from rfmkit.btyd._covariate_space import shifted_params
from rfmkit.btyd._covariates import (
    Covariates,
    check_customers,
    count_covariates,
    learn,
    terms_of,
    warn_of_unknown_covariates,
)
from rfmkit.btyd._estimates import Fitted, beside, in_batches
from rfmkit.btyd._fit_problem import problem_of, problem_with_covariates
from rfmkit.btyd._formulas import names_of
from rfmkit.btyd._optimizer import maximise
from rfmkit.exceptions import RfmkitError
from rfmkit.history.customers import over_customers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Params
    from rfmkit.btyd._fit_problem import FitProblem
    from rfmkit.btyd._search_space import PurchaseProcess

    Floats = NDArray[np.float64]


class BuyTillYouDie(Fitted, ABC):
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

    covariates_: Covariates | None = None

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

    @property
    @abstractmethod
    def _process(self) -> PurchaseProcess:
        """The formulas of the model."""

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

    @property
    def estimand(self) -> str:
        """The event that `predict_churn` gives the probability of, in words."""
        return f"P(no purchase within {self.horizon_days} days from now | purchases so far)"

    @property
    def _horizon_in_words(self) -> str:
        return f"horizon {self.horizon_days} days"

    def predict_churn(
        self, customers: Any, horizon_days: int | None = None, *, interval: float | None = None
    ) -> Any:
        """Return each customer's probability of no purchase within the horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind, with the covariates of the fit.
        horizon_days : int, optional
            The horizon, in days. Default: the model's own. Any other needs no new fit.
        interval : float, optional
            A level such as 0.9: adds `churn_lower` and `churn_upper`, from draws of the
            parameters (see `bootstrap`). The interval covers the uncertainty of the parameters,
            and not the error of a wrong model.

        Returns
        -------
        DataFrame
            `customer_id`, `churn_probability` (float64, 0 to 1), and with `interval` `churn_lower`,
            `churn_upper` (float64, 0 to 1), in the input's kind and row order. Null for a
            customer without purchases, or with a covariate that the fit did not see.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame lacks a column, or a covariate has another type than in the fit.
        RfmkitError
            `horizon_days` or `interval` is wrong, or a model with formulas gets orders.

        Notes
        -----
        L(x, t_x, T + H) / L(x, t_x, T): the likelihood of the same purchases followed by H more
        days without any, over the likelihood of the purchases.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> model = rk.ModifiedBetaGeo(horizon_days=90).fit(orders)
        >>> model.predict_churn(orders, 180, interval=0.9).head(2).round(3)
          customer_id  churn_probability  churn_lower  churn_upper
        0     C000001              0.728        0.704        0.752
        1     C000002              0.917        0.900        0.934
        """
        horizon = self._horizon(horizon_days) / float(self.unit_days)

        def churn(params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
            return np.clip(self._process.churn(params, x, t_x, T, horizon), 0, 1)

        names = ("churn_probability", "churn_lower", "churn_upper")
        return self._predict(customers, churn, names, interval)

    def predict_alive(self, customers: Any, *, interval: float | None = None) -> Any:
        """Return each customer's probability of not having left: P(alive).

        It is not 1 - P(churn): a customer may be alive, and make no purchase within the horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind, with the covariates of the fit.
        interval : float, optional
            A level such as 0.9: adds `alive_lower` and `alive_upper`, as in `predict_churn`.

        Returns
        -------
        DataFrame
            `customer_id`, `alive_probability` (float64, 0 to 1), and with `interval` `alive_lower`,
            `alive_upper` (float64, 0 to 1), in the input's kind and row order. Null as in
            `predict_churn`.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame lacks a column, or a covariate has another type than in the fit.
        RfmkitError
            `interval` is wrong, or a model with formulas gets orders.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> rk.ModifiedBetaGeo(horizon_days=90).fit(orders).predict_alive(orders).head(2).round(3)
          customer_id  alive_probability
        0     C000001              0.390
        1     C000002              0.163
        """
        names = "alive_probability", "alive_lower", "alive_upper"
        return self._predict(customers, self._process.alive, names, interval)

    def predict_purchases(
        self, customers: Any, horizon_days: int | None = None, *, interval: float | None = None
    ) -> Any:
        """Return each customer's expected number of purchases within the horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind, with the covariates of the fit.
        horizon_days : int, optional
            The horizon, in days. Default: the model's own. Any other needs no new fit.
        interval : float, optional
            A level such as 0.9: adds `purchases_lower` and `purchases_upper`, as in
            `predict_churn`. It is an interval of the expectation, not of the number itself.

        Returns
        -------
        DataFrame
            `customer_id`, `expected_purchases` (float64, purchases), `horizon_days` (int64, days),
            and with `interval` `purchases_lower`, `purchases_upper` (float64, purchases), in the
            input's kind and row order. Null as in `predict_churn`.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame lacks a column, or a covariate has another type than in the fit.
        RfmkitError
            `horizon_days` or `interval` is wrong, or a model with formulas gets orders.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> rk.ModifiedBetaGeo(horizon_days=90).fit(orders).predict_purchases(orders).head(2)
          customer_id  expected_purchases  horizon_days
        0     C000001            0.297709            90
        1     C000002            0.067337            90
        """
        days = self._horizon(horizon_days)
        horizon = days / float(self.unit_days)

        def expected(params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
            return self._process.purchases(params, x, t_x, T, horizon)

        names = ("expected_purchases", "purchases_lower", "purchases_upper")
        return self._predict(customers, expected, names, interval, {"horizon_days": days})

    def _horizon(self, horizon_days: int | None) -> int:
        return checks.horizon(self.horizon_days if horizon_days is None else horizon_days)

    def _predict(
        self,
        customers: Any,
        predict: Callable[[Params, Floats, Floats, Floats], Floats],
        names: Sequence[str],
        interval: float | None,
        constants: Mapping[str, int] | None = None,
    ) -> Any:
        self._check_fitted()
        known, process = self.covariates_, self._process

        def of_params(params: Floats, *row: Floats) -> Floats:
            if known is None:
                return predict(params, *row[:3])
            design, own = known.matrix(row[3:]), len(process.names)
            each = shifted_params(process, params[:own], params[own:], design, known)
            return predict(each, *row[:3])

        functions = self._prediction_columns(
            of_params, names, as_udf=self._udf, interval=interval, constants=constants
        )
        if known:
            check_customers(customers, known.names)

        def expression(table: ir.Table) -> ir.Table:
            row = [table[name].cast("int64") for name in NEEDS]
            if known:
                row += known.columns(table)
                warn_of_unknown_covariates(known, customers, table)
            return beside(customers, table, kept=("customer_id",), row=row, functions=functions)

        needs = ("customer_id", *NEEDS, *(known.names if known else ()))
        return over_customers(customers, expression, needs=needs)

    def _udf(self, function: Callable[..., Floats]) -> Any:
        """Return a function of (x, t_x, T, ...) in the unit of time as one of columns in days."""
        unit_days, factors = self.unit_days, self.covariates_.factors if self.covariates_ else ()

        def in_units(x: Floats, t_x: Floats, T: Floats, *more: Floats) -> Floats:
            return function(x, t_x / unit_days, T / unit_days, *more)

        return in_batches(in_units, *["int64"] * 3, *["float64"] * len(factors))
