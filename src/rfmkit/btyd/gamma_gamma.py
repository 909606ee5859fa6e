"""GammaGamma: what a customer's purchases will be worth, from how few of them are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._estimates import Fitted, beside, in_batches
from rfmkit.btyd._grouping import count_cells, spread
from rfmkit.btyd._optimizer import maximise
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, warn
from rfmkit.history.customers import over_customers

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROUGH_ROWS: Final = 2000
MANY: Final = 0.01
WEAK, STRONG = 0.1, 0.3  # Cohen (1988), Statistical Power Analysis, of a correlation
HINT: Final = "pass the frame that rk.summarize(orders) gives, or name the columns: count=, value=."


class GammaGamma(Fitted):
    """Spend an amount of one's own at each purchase, more or less: the Gamma-Gamma model.

    The value of a purchase is Gamma(p, rate) about the customer's own mean, and the rate is
    Gamma(q, v) over customers. The fewer purchases are known, the more a customer's mean is drawn
    to that of all. How much is spent is taken to be independent of how often.

    Attributes
    ----------
    params_ : dict of str to float
        p, q, and v, which is money. Another currency changes v, and nothing else.
    log_likelihood_ : float
        Its logarithm at `params_`: a density of money, so it moves with the currency.
    columns_ : tuple of two str
        The columns of the count and the value it was fitted on.
    left_out_ : int
        Customers with purchases whose value is null or not above 0: left out.
    correlation_ : float
        Of the number of purchases and their mean value, over the customers; NaN where one of them
        does not vary.
    independence_ : str
        In words: whether value is independent of frequency, as the model has it.

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
    >>> sorted(model.params_)
    ['p', 'q', 'v']
    >>> bool((model.predict_spend(orders)["expected_purchase_value"] > 0).all())
    True
    """

    names: ClassVar = ("p", "q", "v")
    starts: ClassVar = ((2.0, 2.0, 1.0), (6.0, 4.0, 0.6), (1.0, 8.0, 8.0), (30.0, 3.0, 0.1))
    limits: ClassVar = ((-60.0, 60.0), (-4.0, 12.0), (-4.0, 12.0))
    boundaries: ClassVar = {
        (1, -1): ("boundless variety", "One customer's purchases differ beyond measure."),
        (1, 1): (
            "constant values",
            "Every customer always spends the same: the mean of what is known is taken as it is.",
        ),
        (2, -1): ("boundless differences", "Customers differ beyond measure."),
        (2, 1): (
            "homogeneous values",
            "The data do not tell customers apart in what they spend: all are given one mean.",
        ),
    }

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Read (log p v / q, log p, log q): a typical value stands still on the boundaries."""
        value, p, q = point
        by_point = np.array([[0, 1, 0], [0, 0, 1], [1, -1, 1]], dtype=float)
        return np.exp([p, q, value + q - p]), by_point

    def point(self, params: Floats) -> Floats:
        """Turn parameters into a point of the search."""
        p, q, v = np.log(params)
        return np.array([p + v - q, p, q])

    # --- fit -----------------------------------------------------------------------------------

    def fit(
        self, customers: Any, *, count: str = "purchases", value: str = "mean_purchase_value"
    ) -> Self:
        """Maximise the likelihood.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or a frame of customers of any kind.
        count : str, default "purchases"
            The column of how many purchases `value` is the mean of. Customers without any teach
            nothing; they are predicted the mean of all.
        value : str, default "mean_purchase_value"
            The column of a customer's mean value of a purchase, in money.

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
        """
        x, z, weight = self._spent(*count_cells(customers, (count, value), hint=HINT))
        self.columns_ = count, value
        scale = float(np.exp(np.log(z) @ weight / weight.sum()))  # no result depends on the unit
        some, rough = spread(weight, ROUGH_ROWS)
        found = maximise(
            self._mean(_Terms(x, z / scale), weight),
            [self.point(np.array(start)) for start in self.starts],
            self.limits,
            rough=self._mean(_Terms(x[some], z[some] / scale), rough),
        )
        customers_ = float(weight.sum())
        self._learn(found, customers=customers_, unit=np.array([1.0, 1.0, scale]))
        self.log_likelihood_ = (found.value - float(np.log(scale))) * customers_
        self.correlation_ = _correlation(x, z, weight)
        self.independence_, warning = _in_words(self.correlation_)
        no_mean = "" if self.params_["q"] > 1 else (
            "q is not over 1: the values of some customers are so large that no mean over all "
            "exists, and nothing is predicted for a customer without a purchase."
        )  # fmt: skip
        self.diagnosis_ = " ".join(filter(None, (self.diagnosis_, no_mean, warning)))
        return self

    def _spent(self, x: Floats, z: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
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
                hint="see whether refunds were netted, or gifts kept: orders.audit shows it.",
            )
        return x[known], z[known], weight[known]

    # --- what it says --------------------------------------------------------------------------

    @property
    def mean_(self) -> float:
        """The mean value of a purchase over all customers, in money; NaN where q is not over 1."""
        self._insist_on_fit()
        p, q, v = self._params
        return float(p * v / (q - 1)) if q > 1 else float("nan")

    def predict_spend(self, customers: Any, *, interval: float | None = None) -> Any:
        """Return each customer's expected value of a purchase, in money.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or a frame of customers of any kind, with the columns that `fit` used.
        interval : float, optional
            A level such as 0.9: adds `purchase_value_lower` and `purchase_value_upper`, of the
            expectation, from draws of the parameters. They tell how surely the model is known.

        Returns
        -------
        DataFrame
            `customer_id, expected_purchase_value`, in the input's kind and row order: `mean_` for
            a customer without a purchase; null where there were purchases of no positive value.

        Notes
        -----
        p (v + x z) / (p x + q - 1), with x the number of purchases and z their mean value.
        """
        self._insist_on_fit()
        functions = {
            "expected_purchase_value": self._by_row(lambda *row: _mean(self._params, *row))
        }
        if interval is not None:
            checks.number("interval", interval, above=0, below=1)
            for name, share in (("lower", 1 - interval), ("upper", 1 + interval)):
                functions[f"purchase_value_{name}"] = self._by_row(self._quantile(_mean, share / 2))

        def expression(table: ir.Table) -> ir.Table:
            row = [table[name].cast("float64").fill_null(0) for name in self.columns_]
            return beside(customers, table, kept=("customer_id",), row=row, functions=functions)

        return over_customers(customers, expression, needs=("customer_id", *self.columns_))

    def _by_row(self, predict: Any) -> Any:
        return in_batches(predict, "float64", "float64")


class _Terms:
    """The log-likelihood of each row; what depends on the count alone is worked out once a count.

    The mean z of x purchases: p x / (p x + v z') and so on is a beta of the second kind,
    u^(p x) (1 - u)^q / (z B(p x, q)) with u = x z / (v + x z).
    """

    def __init__(self, x: Floats, z: Floats) -> None:
        self.counts, self.place = np.unique(x, return_inverse=True)
        self.x, self.z, self.sums = x, z, x * z

    def __call__(self, params: Floats) -> tuple[Floats, Floats]:
        from scipy.special import betaln, digamma

        p, q, v = params
        shape = p * self.counts
        log_u, log_rest = -np.log1p(v / self.sums), -np.log1p(self.sums / v)
        value = p * self.x * log_u + q * log_rest - np.log(self.z)
        both = digamma(shape + q)
        by_p = self.x * ((both - digamma(shape))[self.place] + log_u)
        by_q = (both - digamma(q))[self.place] + log_rest
        by_v = (q * self.sums - p * v * self.x) / (v * (v + self.sums))
        return value - betaln(shape, q)[self.place], np.stack([by_p, by_q, by_v], axis=1)


def _mean(params: Floats, x: Floats, z: Floats) -> Floats:
    """Return the expected value of a purchase."""
    p, q, v = params
    known = np.where(x > 0, x * z, 0.0)
    mean = p * (v + known) / (p * x + q - 1)
    bought = (x > 0) & np.isfinite(z) & (z > 0)
    return np.where((p * x + q > 1) & (bought | (x == 0)), mean, np.nan)


def _correlation(x: Floats, z: Floats, weight: Floats) -> float:
    """Return the correlation over the customers, NaN where nothing varies."""
    share = weight / weight.sum()
    by_x, by_z = x - share @ x, z - share @ z
    spread = float(np.sqrt((share @ by_x**2) * (share @ by_z**2)))
    varies = x.min() < x.max() and z.min() < z.max()
    return float(share @ (by_x * by_z)) / spread if varies else float("nan")


def _in_words(correlation: float) -> tuple[str, str]:
    """Return whether value is independent of frequency, and what follows where it is not."""
    if np.isnan(correlation):
        return "Frequency or value does not vary: their independence cannot be checked.", ""
    said = f"Frequency and value have a correlation of {correlation:.2f}"
    if abs(correlation) < STRONG:
        size = "next to none" if abs(correlation) < WEAK else "a weak one"
        return f"{said}, {size}: the model may take them for independent.", ""
    more, few, many = ("more", "high", "low") if correlation > 0 else ("less", "low", "high")
    warning = (
        f"{said}: who buys often spends {more} at each purchase, so the values predicted are too "
        f"{few} for customers of few purchases, and too {many} for those of many."
    )
    return warning, warning
