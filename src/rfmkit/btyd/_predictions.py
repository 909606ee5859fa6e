"""Predictions of the buy-till-you-die models in continuous time, from their parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._counts import NEEDS
from rfmkit.btyd._covariate_space import shifted_params
from rfmkit.btyd._covariates import check_customers, warn_of_unknown_covariates
from rfmkit.btyd._estimates import Fitted, beside, in_batches
from rfmkit.history.customers import over_customers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit._engine.frame_types import Frame
    from rfmkit.btyd._counts import Params
    from rfmkit.btyd._covariates import Covariates
    from rfmkit.btyd._search_space import PurchaseProcess
    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]


class Predictions(Fitted, ABC):
    """Churn probability, P(alive) and expected purchases of fitted models in continuous time."""

    horizon_days: int
    unit_days: float
    covariates_: Covariates | None = None

    @property
    @abstractmethod
    def _process(self) -> PurchaseProcess:
        """The formulas of the model."""

    @property
    def estimand(self) -> str:
        """The event that `predict_churn` gives the probability of, in words."""
        return f"P(no purchase within {self.horizon_days} days from now | purchases so far)"

    @property
    def _horizon_in_words(self) -> str:
        return f"horizon {self.horizon_days} days"

    @overload
    def predict_churn(
        self,
        customers: Orders[Frame],
        horizon_days: int | None = None,
        *,
        interval: float | None = None,
    ) -> Frame: ...

    @overload
    def predict_churn(
        self, customers: Frame, horizon_days: int | None = None, *, interval: float | None = None
    ) -> Frame: ...

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

    @overload
    def predict_alive(
        self, customers: Orders[Frame], *, interval: float | None = None
    ) -> Frame: ...

    @overload
    def predict_alive(self, customers: Frame, *, interval: float | None = None) -> Frame: ...

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

    @overload
    def predict_purchases(
        self,
        customers: Orders[Frame],
        horizon_days: int | None = None,
        *,
        interval: float | None = None,
    ) -> Frame: ...

    @overload
    def predict_purchases(
        self, customers: Frame, horizon_days: int | None = None, *, interval: float | None = None
    ) -> Frame: ...

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
