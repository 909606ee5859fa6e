"""BetaGeoBetaBinomial: customers buy or not at each opportunity, until they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, overload

from rfmkit import _checks as checks
from rfmkit.btyd import _beta_geo_beta_binomial_process as process
from rfmkit.btyd._beta_geo_beta_binomial_process import BetaGeoBetaBinomialSpace
from rfmkit.btyd._estimates import Fitted, beside, in_batches
from rfmkit.btyd._opportunities import (
    NEEDS,
    WEIGHT,
    count_opportunities,
    opportunity_table,
    where_possible,
)
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import ibis.expr.types as ir
    import numpy as np
    from numpy.typing import NDArray

    from rfmkit._engine.frame_types import Frame

    Floats = NDArray[np.float64]


class BetaGeoBetaBinomial(Fitted):
    """The BG/BB model: customers buy or not at each opportunity, until they leave.

    It is for purchases that are possible once per period: a yearly donation, a weekly market, an
    event. A customer buys at an opportunity with a probability that is Beta(alpha, beta) over
    customers, and leaves before an opportunity with a probability that is Beta(gamma, delta).

    Parameters
    ----------
    opportunities_ahead : int, default 1
        The horizon of the predictions, in opportunities.
    period_days : int, optional
        The length of a period, in days; needed for a log. Each whole period since a customer's
        first purchase is an opportunity, which is taken if there is a purchase in it.

    Attributes
    ----------
    params_ : dict of str to float
        alpha, beta, gamma, delta.
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
    rfmkit.ModifiedBetaGeo : purchases are possible on any day.

    Notes
    -----
    Fader, Hardie and Shang (2010), "Customer-base analysis in a discrete-time noncontractual
    setting", Marketing Science 29, equation 5 (likelihood). x is `repeat_purchases`, t_x is
    `last_opportunity`, n is `opportunities`.

    Examples
    --------
    A column `customers` holds the number of customers with equal histories.

    >>> import pandas as pd
    >>> import rfmkit as rk
    >>> donors = pd.DataFrame({"customer_id": ["a", "b", "c", "d", "e", "f", "g"],
    ...                        "repeat_purchases": [0, 1, 1, 1, 2, 2, 3],
    ...                        "last_opportunity": [0, 1, 2, 3, 2, 3, 3], "opportunities": 3,
    ...                        "customers": [50, 10, 6, 8, 9, 12, 30]})
    >>> model = rk.BetaGeoBetaBinomial(opportunities_ahead=2).fit(donors)
    >>> model.customers_
    125
    >>> model.predict_churn(donors).head(3).round(3)
      customer_id  churn_probability
    0           a              0.867
    1           b              0.667
    2           c              0.537
    >>> orders = rk.read_orders(rk.load_sample())
    >>> rk.BetaGeoBetaBinomial(3, period_days=30).fit(orders).predict_churn(orders).head(2).round(3)
      customer_id  churn_probability
    0     C000001              0.786
    1     C000002              0.949
    """

    def __init__(self, opportunities_ahead: int = 1, *, period_days: int | None = None) -> None:
        self.opportunities_ahead = opportunities_ahead
        self.period_days = period_days

    # --- fit -----------------------------------------------------------------------------------

    def fit(self, customers: Any) -> Self:
        """Fit the parameters by maximum likelihood.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, if the model has `period_days`; or a frame of any kind with `repeat_purchases`,
            `last_opportunity`, `opportunities`, and optionally `customers`, the number of
            customers of each row.

        Returns
        -------
        BetaGeoBetaBinomial
            Itself, fitted.

        Raises
        ------
        ColumnsError
            A column is missing, or does not hold numbers.
        RfmkitError
            A customer bought at more opportunities than there were, a log has no `period_days`,
            or an argument of the model is wrong.
        NotEnoughHistoryError
            There is no customer, nobody had three opportunities (fewer do not identify four
            parameters), or nobody took one.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> rk.BetaGeoBetaBinomial(period_days=30).fit(orders).summary_.round(3)
          parameter  estimate  log_error  lower   upper
        0     alpha     1.152      0.117  0.916   1.449
        1      beta     2.089      0.099  1.719   2.539
        2     gamma     0.883      0.252  0.539   1.447
        3     delta     7.788      0.366  3.804  15.944
        """
        checks.whole("opportunities_ahead", self.opportunities_ahead)
        x, t_x, n, weight = count_opportunities(customers, self.period_days)
        found = process.maximum_likelihood(x, t_x, n, weight)
        space = BetaGeoBetaBinomialSpace()
        self._keep_estimates(found, space, customers=float(weight.sum()))
        self.log_likelihood_ = found.value * float(weight.sum())
        return self

    # --- predictions ---------------------------------------------------------------------------

    @property
    def estimand(self) -> str:
        """The event that `predict_churn` gives the probability of, in words."""
        ahead = self.opportunities_ahead
        return f"P(no purchase at the next {ahead} opportunities | purchases so far)"

    @property
    def _horizon_in_words(self) -> str:
        return f"horizon {self.opportunities_ahead} opportunities"

    @overload
    def predict_churn(
        self,
        customers: Orders[Frame],
        opportunities_ahead: int | None = None,
        *,
        interval: float | None = None,
    ) -> Frame: ...

    @overload
    def predict_churn(
        self,
        customers: Frame,
        opportunities_ahead: int | None = None,
        *,
        interval: float | None = None,
    ) -> Frame: ...

    def predict_churn(
        self,
        customers: Any,
        opportunities_ahead: int | None = None,
        *,
        interval: float | None = None,
    ) -> Any:
        """Return each customer's probability of no purchase at the opportunities ahead.

        Parameters
        ----------
        customers : Orders or DataFrame
            As in `fit`.
        opportunities_ahead : int, optional
            The horizon, in opportunities. Default: the model's own. Any other needs no new fit.
        interval : float, optional
            A level such as 0.9: adds `churn_lower` and `churn_upper`, from draws of the
            parameters. The interval covers the uncertainty of the parameters, and not the error of
            a wrong model.

        Returns
        -------
        DataFrame
            `customer_id` (or the columns of `fit`, for a frame without it), `churn_probability`
            (float64, 0 to 1), and with `interval` `churn_lower`, `churn_upper` (float64, 0 to 1),
            in the input's kind and row order. Null for an impossible row.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame lacks a column.
        RfmkitError
            An argument is wrong, or a log has no `period_days`.

        Notes
        -----
        L(x, t_x, n + ahead) / L(x, t_x, n): the likelihood of the same purchases and no more at the
        opportunities ahead, over the likelihood of the purchases.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> model = rk.BetaGeoBetaBinomial(period_days=30).fit(orders)
        >>> model.predict_churn(orders, 3, interval=0.9).head(2).round(3)
          customer_id  churn_probability  churn_lower  churn_upper
        0     C000001              0.786        0.768        0.802
        1     C000002              0.949        0.942        0.956
        """
        ahead = self._ahead(opportunities_ahead)

        def churn(params: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
            return process.churn(params, x, t_x, n, ahead)

        names = ("churn_probability", "churn_lower", "churn_upper")
        return self._predict(customers, churn, names, interval)

    @overload
    def predict_alive(
        self, customers: Orders[Frame], *, interval: float | None = None
    ) -> Frame: ...

    @overload
    def predict_alive(self, customers: Frame, *, interval: float | None = None) -> Frame: ...

    def predict_alive(self, customers: Any, *, interval: float | None = None) -> Any:
        """Return each customer's probability of not having left by the next opportunity: P(alive).

        Parameters
        ----------
        customers : Orders or DataFrame
            As in `fit`.
        interval : float, optional
            A level such as 0.9: adds `alive_lower` and `alive_upper`, as in `predict_churn`.

        Returns
        -------
        DataFrame
            `customer_id` (or the columns of `fit`), `alive_probability` (float64, 0 to 1), and with
            `interval` `alive_lower`, `alive_upper` (float64, 0 to 1), as in `predict_churn`.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame lacks a column.
        RfmkitError
            `interval` is wrong, or a log has no `period_days`.

        Notes
        -----
        Fader, Hardie and Shang (2010), equation 11, one opportunity ahead.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> model = rk.BetaGeoBetaBinomial(period_days=30).fit(orders)
        >>> model.predict_alive(orders).head(2).round(3)
          customer_id  alive_probability
        0     C000001              0.550
        1     C000002              0.222
        """
        names = ("alive_probability", "alive_lower", "alive_upper")
        return self._predict(customers, process.alive, names, interval)

    @overload
    def predict_purchases(
        self,
        customers: Orders[Frame],
        opportunities_ahead: int | None = None,
        *,
        interval: float | None = None,
    ) -> Frame: ...

    @overload
    def predict_purchases(
        self,
        customers: Frame,
        opportunities_ahead: int | None = None,
        *,
        interval: float | None = None,
    ) -> Frame: ...

    def predict_purchases(
        self,
        customers: Any,
        opportunities_ahead: int | None = None,
        *,
        interval: float | None = None,
    ) -> Any:
        """Return each customer's expected number of purchases at the opportunities ahead.

        A row of zeros is a customer who has just bought for the first time.

        Parameters
        ----------
        customers : Orders or DataFrame
            As in `fit`.
        opportunities_ahead : int, optional
            The horizon, in opportunities. Default: the model's own. Any other needs no new fit.
        interval : float, optional
            A level such as 0.9: adds `purchases_lower` and `purchases_upper`, as in
            `predict_churn`. It is an interval of the expectation, not of the number itself.

        Returns
        -------
        DataFrame
            `customer_id` (or the columns of `fit`), `expected_purchases` (float64, purchases),
            `opportunities_ahead` (int64, opportunities), and with `interval` `purchases_lower`,
            `purchases_upper` (float64, purchases), as in `predict_churn`.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame lacks a column.
        RfmkitError
            An argument is wrong, or a log has no `period_days`.

        Notes
        -----
        Fader, Hardie and Shang (2010), equation 13, summed opportunity by opportunity: the closed
        form is not defined for gamma = 1.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> model = rk.BetaGeoBetaBinomial(period_days=30).fit(orders)
        >>> model.predict_purchases(orders, 3).head(2).round(3)
          customer_id  expected_purchases  opportunities_ahead
        0     C000001               0.284                    3
        1     C000002               0.060                    3
        """
        ahead = self._ahead(opportunities_ahead)

        def expected(params: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
            return process.purchases(params, x, t_x, n, ahead)

        names = ("expected_purchases", "purchases_lower", "purchases_upper")
        return self._predict(customers, expected, names, interval, {"opportunities_ahead": ahead})

    def _ahead(self, given: int | None) -> int:
        ahead = self.opportunities_ahead if given is None else given
        return checks.whole("opportunities_ahead", ahead)

    def _predict(
        self,
        customers: Any,
        predict: Callable[..., Floats],
        names: Sequence[str],
        interval: float | None,
        constants: Mapping[str, int] | None = None,
    ) -> Any:
        self._check_fitted()

        whole = ("int64", "int64", "int64")
        functions = self._prediction_columns(
            where_possible(predict), names, as_udf=lambda function: in_batches(function, *whole),
            interval=interval, constants=constants,
        )  # fmt: skip

        def expression(table: ir.Table) -> ir.Table:
            if isinstance(customers, Orders):
                table = opportunity_table(customers, table, self.period_days)
            row = [table[name].cast("int64") for name in NEEDS]
            kept = ("customer_id",) if "customer_id" in table.columns else (*NEEDS, WEIGHT)
            return beside(customers, table, kept=kept, row=row, functions=functions)

        return over_customers(customers, expression, needs=NEEDS)
