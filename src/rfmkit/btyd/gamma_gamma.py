"""GammaGamma: the expected value of a customer's purchases, from few observed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, overload

import numpy as np

from rfmkit.btyd._estimates import Fitted, beside, in_batches
from rfmkit.btyd._gamma_gamma_density import GammaGammaSpace, LogTerms, expected_value
from rfmkit.btyd._grouping import group_customers, systematic_sample
from rfmkit.btyd._optimizer import maximise
from rfmkit.btyd._search_space import in_space, mean_log_likelihood, weighted_sum
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, warn
from rfmkit.history.customers import over_customers

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit._engine.frame_types import Frame
    from rfmkit.btyd._optimizer import Objective
    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

MANY: Final = 0.01
"""The share of customers that may be left out without a warning."""
WEAK, STRONG = 0.1, 0.3  # Cohen (1988), Statistical Power Analysis, of a correlation
HINT: Final = (
    "pass the frame that rk.summarize(orders) returns, or name the columns: count=, value=."
)


class GammaGamma(Fitted):
    """The Gamma-Gamma model: purchases of different value around a mean of each customer.

    The value of a purchase is Gamma(p, rate), and the rate is Gamma(q, v) over customers. The fewer
    purchases a customer has, the more the prediction is shrunk to the mean of all customers. The
    model assumes that the value of purchases is independent of their number; `independence_`
    checks it.

    Attributes
    ----------
    params_ : dict of str to float
        p, q, and v in money. In another currency v changes, and p and q do not.
    summary_ : DataFrame
        One row per parameter: `parameter` (str), `estimate`, `log_error`, `lower`, `upper`
        (float64). `log_error` is the standard error of the logarithm, `lower` to `upper` the 95 %
        interval; null where the data do not identify the parameter.
    log_likelihood_ : float
        The log-likelihood at `params_`. It is a density of money, and depends on the currency.
    boundary_, diagnosis_ : str
        The boundary of the parameters on which the likelihood has its maximum, and what it means
        for the predictions; empty if there is none.
    customers_ : int
        The number of customers of the fit.
    converged_ : bool
        Whether the gradient of the likelihood is 0 at `params_`, up to a tolerance.
    columns_ : tuple of two str
        The columns of the number of purchases and of their mean value.
    left_out_ : int
        The number of customers that were left out: with purchases, and a value that is null or not
        above 0.
    correlation_ : float
        The correlation of the number of purchases and their mean value over customers; NaN if one
        of them does not vary.
    independence_ : str
        Whether the value is independent of the number of purchases, as the model assumes, in a
        sentence.

    See Also
    --------
    rfmkit.ModifiedBetaGeo : the number of purchases.

    Notes
    -----
    Fader, Hardie and Lee (2005), "RFM and CLV: using iso-value curves for customer base analysis",
    Journal of Marketing Research 42; Fader and Hardie (2013), "The Gamma-Gamma model of monetary
    value", equations 1a (likelihood) and 5 (expected value).

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.GammaGamma().fit(orders)
    >>> model
    <GammaGamma: p 5.796, q 3.526, v 36.3 from 1,140 customers; next: .predict_spend(customers)>
    >>> round(model.correlation_, 2)
    0.06
    >>> model.predict_spend(orders).head(3).round(2)
      customer_id  expected_purchase_value
    0     C000001                    84.54
    1     C000002                   109.87
    2     C000003                    33.30
    """

    _next_call: ClassVar = "predict_spend(customers)"

    # --- fit -----------------------------------------------------------------------------------

    def fit(
        self, customers: Any, *, count: str = "purchases", value: str = "mean_purchase_value"
    ) -> Self:
        """Fit the parameters by maximum likelihood.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or a frame of customers of any kind.
        count : str, default "purchases"
            The column with the number of purchases. Customers without a purchase do not change
            the fit; their prediction is the mean of all customers.
        value : str, default "mean_purchase_value"
            The column with the mean value of these purchases, in money.

        Returns
        -------
        GammaGamma
            Itself, fitted.

        Raises
        ------
        ColumnsError
            A column is missing, or does not hold numbers.
        RfmkitError
            A number of purchases is negative or not whole.
        NotEnoughHistoryError
            No customer has spent anything.

        Warns
        -----
        RfmkitWarning
            More than 1 % of the customers with purchases are left out: see `left_out_`.

        Examples
        --------
        >>> import rfmkit as rk
        >>> customers = rk.summarize(rk.read_orders(rk.load_sample()))
        >>> rk.GammaGamma().fit(customers).summary_.round(3)
          parameter  estimate  log_error   lower   upper
        0         p     5.796      0.163   4.215   7.970
        1         q     3.526      0.059   3.139   3.961
        2         v    36.302      0.214  23.871  55.205
        """
        x, z, weight = self._with_value(*group_customers(customers, (count, value), hint=HINT))
        self.columns_ = count, value
        scale = float(np.exp(np.log(z) @ weight / weight.sum()))  # values relative to their mean
        space = GammaGammaSpace()
        some, sample_weight = systematic_sample(weight)

        def objective(rows: Any, weight: Floats) -> Objective:
            total = weighted_sum(LogTerms(x[rows], z[rows] / scale), weight)
            return mean_log_likelihood(in_space(space, total), float(weight.sum()))

        found = maximise(
            objective(slice(None), weight),
            [space.point(np.array(start)) for start in space.starts],
            space.limits,
            approximation=objective(some, sample_weight),
        )
        customers_ = float(weight.sum())
        unit = np.array([1.0, 1.0, scale])
        self._keep_estimates(found, space, customers=customers_, unit=unit)
        self.log_likelihood_ = (found.value - float(np.log(scale))) * customers_
        self.correlation_ = _correlation(x, z, weight)
        self.independence_, warning = _in_words(self.correlation_)
        no_mean = "" if self.params_["q"] > 1 else (
            "q is at most 1: the values of some customers are so large that no mean over all "
            "exists, and the prediction of a customer without a purchase is null."
        )  # fmt: skip
        self.diagnosis_ = " ".join(filter(None, (self.diagnosis_, no_mean, warning)))
        return self

    def _with_value(self, x: Floats, z: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
        x = np.nan_to_num(x, nan=0.0, posinf=-1.0)
        wrong = (x < 0) | (x != np.floor(x))
        if wrong.any():
            raise RfmkitError(
                "The number of purchases must be whole and not negative.",
                found=f"{int(weight[wrong].sum()):,} customers, such as {float(x[wrong][0])}",
                hint=HINT,
            )
        bought, spent = x > 0, np.isfinite(z) & (z > 0)
        self.left_out_ = int(weight[bought & ~spent].sum())
        known = bought & spent
        if not known.any():
            raise NotEnoughHistoryError(
                "At least one customer must have spent something.",
                found=f"no mean value above 0, {self.left_out_:,} customers with purchases",
                hint="see orders.audit: a log without amounts has no values to fit.",
            )
        if self.left_out_ > MANY * weight[bought].sum():
            warn(
                f"{self.left_out_:,} of {int(weight[bought].sum()):,} customers with purchases "
                "are left out: the model needs values above 0, and theirs are not.",
                hint="check refunds and gifts: orders.audit shows how they were counted.",
            )
        return x[known], z[known], weight[known]

    # --- predictions ---------------------------------------------------------------------------

    @property
    def mean_(self) -> float:
        """The mean value of a purchase over all customers, in money; NaN if q is at most 1."""
        self._check_fitted()
        p, q, v = self._params
        return float(p * v / (q - 1)) if q > 1 else float("nan")

    @overload
    def predict_spend(
        self, customers: Orders[Frame], *, interval: float | None = None
    ) -> Frame: ...

    @overload
    def predict_spend(self, customers: Frame, *, interval: float | None = None) -> Frame: ...

    def predict_spend(self, customers: Any, *, interval: float | None = None) -> Any:
        """Return each customer's expected value of a purchase, in money.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or a frame of customers of any kind, with the columns that `fit` used.
        interval : float, optional
            A level such as 0.9: adds `purchase_value_lower` and `purchase_value_upper`, of the
            expectation, from draws of the parameters. The interval covers the uncertainty of the
            parameters, and not the error of a wrong model.

        Returns
        -------
        DataFrame
            `customer_id`, `expected_purchase_value` (float64, money), and with `interval`
            `purchase_value_lower`, `purchase_value_upper` (float64, money), in the input's kind and
            row order. `mean_` for a customer without a purchase; null for a customer whose
            purchases have no positive value.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame lacks a column.
        RfmkitError
            `interval` is wrong.

        Notes
        -----
        p (v + x z) / (p x + q - 1), with x the number of purchases and z their mean value: Fader
        and Hardie (2013), equation 5.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> spend = rk.GammaGamma().fit(orders).predict_spend(orders, interval=0.9)
        >>> ends = ["purchase_value_lower", "purchase_value_upper"]
        >>> spend[["customer_id", *ends]].head(2).round(2)
          customer_id  purchase_value_lower  purchase_value_upper
        0     C000001                 83.42                 85.64
        1     C000002                106.26                113.13
        """
        self._check_fitted()
        names = ("expected_purchase_value", "purchase_value_lower", "purchase_value_upper")
        functions = self._prediction_columns(
            expected_value, names, interval=interval,
            as_udf=lambda function: in_batches(function, "float64", "float64"),
        )  # fmt: skip

        def expression(table: ir.Table) -> ir.Table:
            row = [table[name].cast("float64").fill_null(0) for name in self.columns_]
            return beside(customers, table, kept=("customer_id",), row=row, functions=functions)

        return over_customers(customers, expression, needs=("customer_id", *self.columns_))


def _correlation(x: Floats, z: Floats, weight: Floats) -> float:
    """Return the correlation over the customers; NaN if one of the two does not vary."""
    share = weight / weight.sum()
    by_x, by_z = x - share @ x, z - share @ z
    spread = float(np.sqrt((share @ by_x**2) * (share @ by_z**2)))
    varies = x.min() < x.max() and z.min() < z.max()
    return float(share @ (by_x * by_z)) / spread if varies else float("nan")


def _in_words(correlation: float) -> tuple[str, str]:
    """Return a sentence about the correlation, and again as a warning if it is strong."""
    if np.isnan(correlation):
        return "Frequency or value does not vary: their independence cannot be checked.", ""
    said = f"Frequency and value have a correlation of {correlation:.2f}"
    if abs(correlation) < STRONG:
        size = "negligible" if abs(correlation) < WEAK else "weak"
        return f"{said}, which is {size}: the model may assume that they are independent.", ""
    more, few, many = ("more", "high", "low") if correlation > 0 else ("less", "low", "high")
    warning = (
        f"{said}: customers who buy often spend {more} at each purchase, so the values predicted "
        f"are too {few} for customers with few purchases, and too {many} for those with many."
    )
    return warning, warning
