"""GapRegression: the effect of covariates on the gaps between purchases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self, overload

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._counts import SAME_DAY
from rfmkit.btyd._estimates import beside, in_batches
from rfmkit.btyd._formulas import learn, names_of
from rfmkit.churn import _fits as fits
from rfmkit.churn._distributions import DISTRIBUTIONS, Durations, median_days
from rfmkit.churn._gaps import (
    COVARIATES,
    day_categories,
    facts_needed,
    read_gaps,
    scales_of,
    terms_in,
)
from rfmkit.exceptions import NotFittedError
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import Orders, as_orders

if TYPE_CHECKING:
    from collections.abc import Callable

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit._engine.frame_types import Frame
    from rfmkit.btyd._formulas import Terms
    from rfmkit.churn._fits import Fit

    Floats = NDArray[np.float64]

Kind = Literal["weibull", "lognormal", "loglogistic", "cox", "mixture_cure"]
DEFAULT: Final = ("order_number", "own_gap", "value", "quarter")
TWO_YEARS: Final = 730
MIN_GAPS: Final = 200


class GapRegression:
    """Regression of the gaps between purchases on covariates of the customer, by lifelines.

    Each purchase begins a gap, which ends with the next purchase or is still open (censored) on
    `as_of`. The covariates are what was known of the customer on the day of the purchase.

    Parameters
    ----------
    kind : str, default "loglogistic"
        The distribution of the gaps. ``"weibull"``, ``"lognormal"`` and ``"loglogistic"`` are
        accelerated failure times; the last one fits customers who do not return best. ``"cox"``
        is proportional hazards; ``"mixture_cure"`` is Weibull with a share that never returns.
    horizon_days : int, default 365
        The horizon of `predict_churn`, in days.
    formula : str, optional
        The covariates, for example ``"order_number + own_gap * value"``. The operators are those
        of the formulas of `ParetoNBD`: ``+``, ``:``, ``*``, ``/``, ``**`` and brackets, and
        ``C(purchases)`` for the levels of a number. Default:
        ``order_number + own_gap + value + quarter``, without `quarter` in logs under two years,
        and without covariates that do not vary.
    sample : int, default 200_000
        Largest number of gaps to learn from. Of more, those of customers chosen by a hash of their
        id are used.
    confidence : float, default 0.95
        Confidence level of the intervals.

    Attributes
    ----------
    summary_ : DataFrame
        One row per coefficient: `part` (str), `covariate` (str, levels as
        ``order_number[2]``), `coefficient`, `robust_error`, `naive_error` (float64: standard errors
        with and without clustering by customer), `ratio`, `ratio_lower`, `ratio_upper` (float64:
        exp(coefficient) and its interval from `robust_error`). The ratio of part ``"time"``
        multiplies the length of gaps; of ``"hazard"``, the chance of a return on any day; of
        ``"never"``, the odds of never returning. A level is compared with the first level in
        sorted order. Intercepts have no ratio; those of parts ``"shape"`` and ``"spread"`` are
        logarithms.
    formula_ : str
        The formula that was fitted.
    log_likelihood_ : float
        The log-likelihood; for ``"cox"`` the partial one.
    gaps_, customers_ : int
        Number of gaps in the fit, and of the customers they belong to.
    log_days_ : int
        Length of the log, in days.
    sampled_ : float
        The share of the customers in the fit; 1 for all.

    See Also
    --------
    rfmkit.ChurnCurve : the same probability by days of silence, without covariates.

    Notes
    -----
    A formula can name these covariates:

    - `order_number`: order number of the purchase, in the strata of `ChurnCurve` (1, 2, 3-4, 5-8,
      9+), merged where they have few gaps;
    - `own_gap`: log2 of the customer's mean gap so far over the typical gap of the shop. 0 at the
      first purchase, which has a stratum of its own;
    - `last_gap`: log2 of the gap before the purchase over the typical gap;
    - `value`: log2 of the customer's mean purchase value so far over the typical value;
    - `quarter`, `month`: of the purchase, as ``"Q1"`` and ``"01"``;
    - `category`: where the log has one, with up to 100 levels: the category with the largest
      spend of the day. Gaps after a day without a category are left out;
    - `purchases`, `active_days`: the numbers;
    - `log_purchases`, `log_active_days`: their log2, with 0 days counted as half a day.

    The survival of a gap is S(t | z) = exp(-(t / exp(z b))^k) for ``"weibull"``; the normal and
    the logistic distribution function of log t for ``"lognormal"`` and ``"loglogistic"``;
    S0(t)^exp(z b) for ``"cox"``, with Breslow's S0 and the tail of `ChurnCurve`; and
    c + (1 - c) S_W(t) for ``"mixture_cure"``, with log-odds of c linear in z: Farewell (1982),
    Biometrics 38.

    Gaps of one customer are not independent, so the errors from the information matrix are too
    small. `robust_error` comes from the sandwich A M A n / (n - 1): A is the inverse information
    and M the sum of u u' over n customers, with u the sum of a customer's scores. Lin and Wei
    (1989), "The robust inference for the Cox proportional hazards model", JASA 84, for Cox;
    Williams (2000), "A note on robust variance estimation for cluster-correlated data",
    Biometrics 56, for the others. It corrects the errors, not a wrong distribution.

    A gap of 0 days counts as half a day. Equal rows are fitted as one with a weight, except for
    Cox's model, whose ties are treated by Efron's method.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.GapRegression("loglogistic", horizon_days=90).fit(orders)
    >>> model.formula_
    'order_number + own_gap + value'
    >>> effects = model.summary_.query("covariate == ['own_gap', 'value']")
    >>> effects[["part", "covariate", "ratio", "ratio_lower", "ratio_upper"]].round(2)
       part covariate  ratio  ratio_lower  ratio_upper
    5  time   own_gap   1.42         1.35         1.49
    6  time     value   0.99         0.94         1.03
    >>> model.predict_churn(orders).head(3).round(2)
      customer_id  churn_probability
    0     C000001               0.63
    1     C000002               0.77
    2     C000003               0.33
    """

    def __init__(
        self,
        kind: Kind = "loglogistic",
        *,
        horizon_days: int = 365,
        formula: str | None = None,
        sample: int = 200_000,
        confidence: float = 0.95,
    ) -> None:
        self.kind = kind
        self.horizon_days = horizon_days
        self.formula = formula
        self.sample = sample
        self.confidence = confidence

    # --- fit ---------------------------------------------------------------------------------

    def fit(self, orders: Orders) -> Self:
        """Fit the regression to the gaps of a log; nothing after `orders.as_of` is used.

        Parameters
        ----------
        orders : Orders
            The log, as of its day.

        Returns
        -------
        GapRegression
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            Nobody has bought twice, or the fit did not converge.
        ColumnsError
            The formula names the category, and the log has none.
        RfmkitError
            The formula cannot be read, names an unknown covariate, or has collinear covariates;
            another argument is wrong, or `orders` is no log.

        Warns
        -----
        RfmkitWarning
            lifelines warns of its result, for example of slow convergence.
        """
        checks.choice("kind", self.kind, DISTRIBUTIONS)
        checks.horizon(self.horizon_days)
        checks.whole("sample", self.sample)
        checks.number("confidence", self.confidence, above=0, below=1)
        terms = None if self.formula is None else terms_in(self.formula)
        names = DEFAULT if terms is None else names_of(terms)
        as_orders(orders)
        gaps, self.sampled_ = read_gaps(orders, sample=self.sample, categories="category" in names)
        self._scales = scales_of(gaps)
        covariates = self._scales.covariates(self._scales.facts(gaps), names)
        self.log_days_ = (orders.as_of - orders.history.facts["first_day"]).days
        if terms is None:
            if self.log_days_ < TWO_YEARS:
                del covariates["quarter"]
            names = fits.informative(covariates)
            terms = [[(name, False)] for name in names]
        self.formula_ = self.formula or " + ".join(names) or "1"
        self.gaps_ = len(gaps)
        self._estimate(gaps, covariates, terms)
        return self

    def _estimate(self, gaps: pd.DataFrame, covariates: dict[str, Any], terms: Terms) -> None:
        import pandas as pd

        (design,) = learn([terms], covariates, np.ones(len(gaps)), each="gap")
        days = np.maximum(gaps["gap_days"].to_numpy(dtype=float), SAME_DAY)
        row = [*design.code(covariates), days, gaps["returned"].to_numpy(dtype=float)]
        place: Any = np.arange(len(gaps))
        if not DISTRIBUTIONS[self.kind].ties:
            rows = pd.DataFrame(dict(enumerate(row)))
            place = rows.groupby(list(rows.columns)).ngroup().to_numpy()
        _, first, count = np.unique(place, return_index=True, return_counts=True)
        *codes, days, ended = (column[first] for column in row)
        durations = Durations(days, ended, count.astype(float))
        self._found = fits.regress(self.kind, design, codes, durations, formula=self.formula_)
        self.log_likelihood_ = self._found.log_likelihood
        buyers = pd.factorize(gaps["customer_id"])[0]
        self.customers_ = int(buyers.max()) + 1
        scores = self._found.scores(self._found.designs(codes, len(days)), durations)
        variance = fits.clustered_variance(self._found.variance, scores, place, buyers)
        self.summary_ = fits.coefficient_table(self._found, variance, self.confidence)

    # --- predict -----------------------------------------------------------------------------

    @property
    def estimand(self) -> str:
        """What the probabilities are probabilities of, in words.

        Returns
        -------
        str
            For example ``P(no purchase in the next 90 days | silent so far, covariates)``.
        """
        return f"P(no purchase in the next {self.horizon_days} days | silent so far, covariates)"

    @overload
    def predict_churn(self, customers: Orders[Frame], horizon_days: int | None = None) -> Frame: ...

    @overload
    def predict_churn(self, customers: Frame, horizon_days: int | None = None) -> Frame: ...

    def predict_churn(self, customers: Any, horizon_days: int | None = None) -> Any:
        """Return each customer's probability of no purchase within the horizon.

        It is S(r + H | z) / S(r | z) for a customer silent for r days with covariates z at the
        last purchase. `ChurnCurve` with the anchor ``"snapshot"`` predicts the same without z.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind. If the formula names the category,
            the frame needs a column `category`: that of the last purchase.
        horizon_days : int, optional
            The horizon, in days. Default: the model's own. Another horizon needs no new fit.

        Returns
        -------
        DataFrame
            `customer_id`, `churn_probability` (float64, 0 to 1), in the input's kind and row
            order. The probability is null where the formula names a category, month or quarter
            (or by ``C( )`` a number) that no gap of the fit had.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame has no column that the formula needs.
        RfmkitError
            `horizon_days` is no whole number of days of at least 1.

        Warns
        -----
        RfmkitWarning
            The horizon is longer than the log of the fit, so the probability is extrapolated.
        """
        horizon = checks.horizon(self.horizon_days if horizon_days is None else horizon_days)
        fits.warn_beyond_log(horizon, getattr(self, "log_days_", horizon))

        def churn(found: Fit, predicted: dict[str, Floats], silent: Floats) -> Floats:
            return np.exp(
                found.distribution.hazard(predicted, silent)
                - found.distribution.hazard(predicted, silent + horizon)
            )

        return self._predict(customers, "churn_probability", churn)

    @overload
    def predict_median_days(self, customers: Orders[Frame]) -> Frame: ...

    @overload
    def predict_median_days(self, customers: Frame) -> Frame: ...

    def predict_median_days(self, customers: Any) -> Any:
        """Return the days from now within which half of customers like each one buy again.

        Parameters
        ----------
        customers : Orders or DataFrame
            As for `predict_churn`.

        Returns
        -------
        DataFrame
            `customer_id`, `median_days` (float64, days from now), in the input's kind and row
            order. Null where fewer than half would buy again within a hundred years.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        ColumnsError
            The frame has no column that the formula needs.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> model = rk.GapRegression("weibull").fit(orders)
        >>> model.predict_median_days(orders).head(3).round(0)
          customer_id  median_days
        0     C000001        207.0
        1     C000002        250.0
        2     C000003         60.0
        """

        def median(found: Fit, predicted: dict[str, Floats], silent: Floats) -> Floats:
            return median_days(lambda days: found.distribution.hazard(predicted, days), silent)

        return self._predict(customers, "median_days", median)

    def _predict(self, customers: Any, name: str, predict: Callable[..., Floats]) -> Any:
        if not hasattr(self, "summary_"):
            raise NotFittedError(
                "A GapRegression must be fitted before use.",
                found="a GapRegression that has not been fitted",
                hint="call .fit(orders) first.",
            )
        names = self._found.design.names
        facts = facts_needed(names)

        def batch(silent: Floats, *known: Floats) -> Floats:
            found = self._found
            covariates = self._scales.covariates(
                dict(zip(facts, known, strict=True)), found.design.names
            )
            row = found.design.code(covariates)
            unknown = np.isnan(row).any(axis=0) if row else False
            predicted = found.predictors(found.designs(row, len(silent)))
            return np.where(unknown, np.nan, predict(found, predicted, silent))

        scored = in_batches(batch, *("float64",) * (len(facts) + 1))

        def expression(table: ir.Table) -> ir.Table:
            if isinstance(customers, Orders) and "category" in names:
                last = day_categories(customers).rename(
                    last_purchase="day", category_buyer="customer_id"
                )
                same = [table.customer_id == last.category_buyer, "last_purchase"]
                table = table.left_join(last, same).select(*table.columns, "category")
            row = [table.recency_days, *(self._scales.column(table, fact) for fact in facts)]
            return beside(
                customers,
                table,
                kept=("customer_id",),
                row=[column.cast("float64") for column in row],
                functions={name: scored},
            )

        columns = dict.fromkeys(column for name in names for column in COVARIATES[name])
        needs = ("customer_id", "recency_days", "purchases", *columns)  # asked of frames only
        return over_customers(customers, expression, needs=needs)

    def __repr__(self) -> str:
        """Return the distribution, the data of the fit, and what to call next."""
        if not hasattr(self, "summary_"):
            what = f"{self.kind}, horizon {self.horizon_days} days"
            return f"<GapRegression: {what}; not fitted, next: .fit(orders)>"
        return (
            f"<GapRegression: {self.kind} of {self.formula_}, horizon {self.horizon_days} days; "
            f"{self.gaps_:,} gaps of {self.customers_:,} customers; next: .summary_ or "
            ".predict_churn(orders)>"
        )
