"""GapRegression: what lengthens the gaps between purchases, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._counts import SAME_DAY
from rfmkit.btyd._estimates import beside, in_batches
from rfmkit.btyd._formulas import learn, names_of
from rfmkit.churn._distributions import LAWS, STEADY, Times, median_wait
from rfmkit.churn._fits import INTERCEPT, clustered, regress, tell_of_law, telling
from rfmkit.churn._gaps import (
    COVARIATES,
    FACTS,
    day_categories,
    read_spells,
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

    from rfmkit.btyd._formulas import Terms
    from rfmkit.churn._fits import Fit

    Floats = NDArray[np.float64]

Kind = Literal["weibull", "lognormal", "loglogistic", "cox", "mixture_cure"]
DEFAULT: Final = ("order_number", "own_gap", "value", "quarter")
TWO_YEARS: Final = 730
MIN_GAPS: Final = 200


class GapRegression:
    """How covariates lengthen or shorten the gaps between purchases, by lifelines.

    Every purchase opens a gap, that ends with the next purchase or is still open on `as_of`. The
    covariates are what was known of the customer on the day of the purchase, and nothing later.

    Parameters
    ----------
    kind : str, default "loglogistic"
        The law of the gaps: accelerated failure times ``"weibull"``, ``"lognormal"`` or
        ``"loglogistic"``, of which the last bears customers who do not return best; ``"cox"``,
        proportional hazards; or ``"mixture_cure"``, Weibull's law with a share that never
        returns.
    horizon_days : int, default 365
        The horizon of `predict_churn`, in days.
    formula : str, optional
        Covariates, such as ``"order_number + own_gap * value"``, in the language of the formulas of
        `ParetoNBD`: with ``+``, ``:``, ``*``, ``/``, ``**`` and brackets, and ``C(purchases)`` for
        the levels of a number. Left out: ``order_number + own_gap + value + quarter``, the quarter
        only in logs of two years and more, and each only where it varies.
    sample : int, default 200_000
        How many gaps are learned from at most; of more, those of customers chosen by a hash of
        their id.
    confidence : float, default 0.95
        Level of the intervals.

    Attributes
    ----------
    summary_ : DataFrame
        `part, covariate, coefficient, robust_error, naive_error, ratio, ratio_lower,
        ratio_upper`. The ratio is exp(coefficient); of part ``"time"`` gaps are so many times as
        long, of ``"hazard"`` a return is so many times as likely on any day, of ``"never"`` the
        odds of never returning are so many times as high. Of words, such as
        ``order_number[2]``, against the first in sorted order. Intercepts have none; that of the
        shape is its logarithm, and that of a lognormal's spread its.
    formula_ : str
        The formula that was fitted.
    log_likelihood_ : float
        Of Cox's model the partial one.
    gaps_, customers_, log_days_ : int
        How many gaps of how many customers it was fitted on, in a log of how many days.
    sampled_ : float
        The share of the customers these are; 1 for all.

    See Also
    --------
    rfmkit.ChurnCurve : the same probability by days of silence, without covariates.

    Notes
    -----
    A formula can name:

    - `order_number`: of the purchase, in the strata of `ChurnCurve`: 1, 2, 3-4, 5-8, 9+, merged
      where they have few gaps;
    - `own_gap`: doublings of the customer's mean gap before, over the typical gap of the shop;
      0 at the first purchase, which has a stratum of its own;
    - `last_gap`: the same of the gap just before;
    - `value`: doublings of the mean value of the purchases so far, over the typical one;
    - `quarter`, `month`: of the purchase, as ``"Q1"`` and ``"01"``;
    - `category`: where the log has one, of up to 100; the one on which most was spent that day
      (gaps after a day without are left out);
    - `purchases`, `active_days`: the numbers;
    - `log_purchases`, `log_active_days`: their doublings, where no days count as half a day.

    S(t | z) is exp(-(t / exp(z b))^k) for Weibull; the normal's and the logistic's in log t for
    the next two; S0(t)^exp(z b) for Cox, with Breslow's S0 and the tail of ``ChurnCurve``;
    c + (1 - c) S_W with log-odds of c linear in z for the mixture (Farewell 1982, Biometrics 38).

    The gaps of one customer resemble each other, so that the information understates the errors.
    `robust_error` is of the sandwich A M A: A the inverse of the information, M the sum over n
    customers of u u', times n / (n - 1), with u the sum of a customer's scores (Lin and Wei 1989,
    JASA 84, for Cox; Williams 2000, "A note on robust variance estimation for cluster-correlated
    data", Biometrics 56). It mends the errors, not the law.

    Gaps of no days count as half a day. Equal rows are counted and fitted once, but for Cox's
    model, of which lifelines takes ties by Efron's method.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.GapRegression("weibull", horizon_days=90).fit(orders)
    >>> model.formula_
    'order_number + own_gap + value'
    >>> effects = model.summary_.set_index("covariate")
    >>> bool(effects.loc["own_gap", "ratio"] > 1)  # who bought seldom goes on to
    True
    >>> list(model.predict_churn(orders).columns)
    ['customer_id', 'churn_probability']
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
        """Fit the law to the gaps of a log; nothing after `orders.as_of` is seen.

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
            The formula cannot be read, or names a covariate that does not exist, or covariates
            that are collinear.

        Warns
        -----
        RfmkitWarning
            lifelines doubts its result.
        """
        checks.choice("kind", self.kind, LAWS)
        checks.horizon(self.horizon_days)
        checks.whole("sample", self.sample)
        checks.number("confidence", self.confidence, above=0, below=1)
        terms = None if self.formula is None else terms_in(self.formula)
        names = DEFAULT if terms is None else names_of(terms)
        as_orders(orders)
        gaps, self.sampled_ = read_spells(
            orders, sample=self.sample, categories="category" in names
        )
        self._scales = scales_of(gaps)
        cells = self._scales.covariates(self._scales.facts(gaps), names)
        self.log_days_ = (orders.as_of - orders.history.facts["first_day"]).days
        if terms is None:
            if self.log_days_ < TWO_YEARS:
                del cells["quarter"]
            names = telling(cells)
            terms = [[(name, False)] for name in names]
        self.formula_ = self.formula or " + ".join(names) or "1"
        self.gaps_ = len(gaps)
        self._learn(gaps, cells, terms)
        return self

    def _learn(self, gaps: pd.DataFrame, cells: dict[str, Any], terms: Terms) -> None:
        import pandas as pd

        (design,) = learn([terms], cells, np.ones(len(gaps)), each="gap")
        days = np.maximum(gaps["gap_days"].to_numpy(dtype=float), SAME_DAY)
        row = [*design.code(cells), days, gaps["returned"].to_numpy(dtype=float)]
        place: Any = np.arange(len(gaps))
        if not LAWS[self.kind].ties:
            rows = pd.DataFrame(dict(enumerate(row)))
            place = rows.groupby(list(rows.columns)).ngroup().to_numpy()
        _, first, count = np.unique(place, return_index=True, return_counts=True)
        *codes, days, ended = (column[first] for column in row)
        times = Times(days, ended, count.astype(float))
        self._found = regress(self.kind, design, codes, times, formula=self.formula_)
        self.log_likelihood_ = self._found.log_likelihood
        buyers = pd.factorize(gaps["customer_id"])[0]
        self.customers_ = int(buyers.max()) + 1
        scores = self._found.scores(self._found.designs(codes, len(days)), times)
        variance = clustered(self._found.variance, scores, place, buyers)
        self.summary_ = _summary(self._found, variance, self.confidence)

    # --- predict -----------------------------------------------------------------------------

    @property
    def estimand(self) -> str:
        """What the probabilities are probabilities of."""
        return f"P(no purchase in the next {self.horizon_days} days | silent so far, covariates)"

    def predict_churn(self, customers: Any, horizon_days: int | None = None) -> Any:
        """Return each customer's probability of no purchase within the horizon.

        S(r + H | z) / S(r | z), for a customer silent for r days whose last purchase had the
        covariates z: what `ChurnCurve` calls the anchor ``"snapshot"``.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind; with a column `category`, that of
            the last purchase, where the formula names it.
        horizon_days : int, optional
            Another horizon than the model's own; nothing needs to be fitted again.

        Returns
        -------
        DataFrame
            `customer_id, churn_probability`, in the input's kind and row order; null where the
            formula names a category, month or quarter (or by ``C( )`` a number) in which no gap
            began that was learned.

        Warns
        -----
        RfmkitWarning
            The horizon is longer than the log that was learned.
        """
        horizon = checks.horizon(self.horizon_days if horizon_days is None else horizon_days)
        tell_of_law(horizon, getattr(self, "log_days_", horizon))

        def churn(found: Fit, predicted: dict[str, Floats], silent: Floats) -> Floats:
            return np.exp(
                found.law.hazard(predicted, silent) - found.law.hazard(predicted, silent + horizon)
            )

        return self._predict(customers, "churn_probability", churn)

    def predict_median_days(self, customers: Any) -> Any:
        """Return the days from now within which half of such customers buy again.

        Parameters
        ----------
        customers : Orders or DataFrame
            As for `predict_churn`.

        Returns
        -------
        DataFrame
            `customer_id, median_days`; null where over half would not within a hundred years.
        """

        def median(found: Fit, predicted: dict[str, Floats], silent: Floats) -> Floats:
            return median_wait(lambda days: found.law.hazard(predicted, days), silent)

        return self._predict(customers, "median_days", median)

    def _predict(self, customers: Any, name: str, predict: Callable[..., Floats]) -> Any:
        if not hasattr(self, "summary_"):
            raise NotFittedError(
                "A GapRegression must be fitted before use.",
                found="a GapRegression that has not been fitted",
                hint="rk.GapRegression().fit(orders).",
            )
        facts = [fact for fact in (*FACTS, "category") if fact in self._facts]

        def batch(silent: Floats, *known: Floats) -> Floats:
            found = self._found
            cells = self._scales.covariates(
                dict(zip(facts, known, strict=True)), found.design.names
            )
            row = found.design.code(cells)
            strange = np.isnan(row).any(axis=0) if row else False
            predicted = found.predictors(found.designs(row, len(silent)))
            return np.where(strange, np.nan, predict(found, predicted, silent))

        scored = in_batches(batch, *("float64",) * (len(facts) + 1))

        def expression(table: ir.Table) -> ir.Table:
            if isinstance(customers, Orders) and "category" in self._found.design.names:
                last = day_categories(customers).rename(
                    last_purchase="day", category_buyer="customer_id"
                )
                same = [table.customer_id == last.category_buyer, "last_purchase"]
                table = table.left_join(last, same).select(*table.columns, "category")
            row = [table.recency_days, *(self._fact(table, fact) for fact in facts)]
            return beside(
                customers,
                table,
                kept=("customer_id",),
                row=[column.cast("float64") for column in row],
                functions={name: scored},
            )

        names = self._found.design.names
        columns = dict.fromkeys(column for name in names for column in COVARIATES[name])
        return over_customers(
            customers,
            expression,
            needs=("customer_id", "recency_days", "purchases", *columns)
            if not isinstance(customers, Orders)
            else (),
        )

    @property
    def _facts(self) -> set[str]:
        names = self._found.design.names
        used = {column for name in names for column in COVARIATES[name]}
        return {"month" if column == "last_purchase" else column for column in used} | {"purchases"}

    def _fact(self, table: ir.Table, fact: str) -> ir.Value:
        """Return a fact as a number on the engine, never null where there is a purchase."""
        if fact == "month":
            return table.last_purchase.cast("date").month()
        if fact == "last_gap_days":
            return table.last_gap_days.fill_null(0)
        if fact == "category":
            names = self._scales.categories
            pairs = [(table.category == name, place) for place, name in enumerate(names)]
            return ibis.cases(*pairs, else_=-1)
        return table[fact]

    def __repr__(self) -> str:
        """Return what was fitted, on how much."""
        if not hasattr(self, "summary_"):
            return f"<GapRegression: {self.kind}; not fitted>"
        return (
            f"<GapRegression: {self.kind} of {self.formula_}; {self.gaps_:,} gaps of "
            f"{self.customers_:,} customers>"
        )


def _summary(found: Fit, variance: Floats, confidence: float) -> pd.DataFrame:
    import pandas as pd
    from scipy.stats import norm

    named = [
        (found.law.parts[name], covariate)
        for name, covariates in found.columns.items()
        for covariate in covariates
    ]
    part, covariate = (list(each) for each in zip(*named, strict=True))
    coefficient = found.coefficients
    error = np.sqrt(np.maximum(np.diag(variance), 0))
    width = norm.ppf(0.5 + confidence / 2) * error
    no_ratio = [what in STEADY or of == INTERCEPT for what, of in named]
    with np.errstate(over="ignore"):
        ratios = [np.exp(coefficient + sign * width) for sign in (0, -1, 1)]
    ratio, lower, upper = (np.where(no_ratio, np.nan, each) for each in ratios)
    return pd.DataFrame(
        {
            "part": part,
            "covariate": covariate,
            "coefficient": coefficient,
            "robust_error": error,
            "naive_error": np.sqrt(np.maximum(np.diag(found.variance), 0)),
            "ratio": ratio,
            "ratio_lower": lower,
            "ratio_upper": upper,
        }
    )
