"""PurchaseCycle: the usual days between purchases, with the open gaps included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self, overload

from rfmkit import _checks as checks
from rfmkit.cycle._categories import count_categories, cycles_by_method, fit_categories
from rfmkit.cycle._due_dates import FittedCycle, customer_due_dates, product_due_dates
from rfmkit.cycle._gap_distribution import count_silences, fit_gap_distribution
from rfmkit.cycle._methods import METHODS, Method, methods_table, normal_skewness
from rfmkit.cycle._regularity import last_two, regularity_of_pairs
from rfmkit.cycle._shrinkage import count_gap_sums, shrinkage_strength
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError, warn
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit._engine.frame_types import Frame
    from rfmkit.orders.orders import Orders

SHORT_WINDOW: Final = 3
"""Cycles. A shorter log cuts off too many gaps."""


class PurchaseCycle:
    """The usual days between purchases: of the shop, of each customer and of each category.

    A gap is the days between two consecutive purchases of a customer. The gap after the last
    purchase is still open. The default method, a median, includes the open gaps. The median and the
    mean of the ended gaps alone are smaller than those of all gaps, because the longest gaps are
    still open when the log ends.

    Parameters
    ----------
    method : {"kaplan_meier", "median", "mean", "quantile", "normal", "lognormal", "gamma"}
        Which row of `summary_` is the cycle. Default: ``"kaplan_meier"``, the median gap of those
        who return.
    q : float, default 0.8
        The quantile of ``method="quantile"``, between 0 and 1.
    interval : float, default 0.8
        The share of next purchases that fall between `next_purchase_from` and
        `next_purchase_to`.
    by : {None, "category"}
        ``"category"``: gaps are between purchases of the same category by the same customer. The
        result is a list of which customer needs which category, and when.
    per_unit : bool, default False
        With ``by="category"``: whether a gap is divided by the pieces bought at its beginning.
        Two boxes last twice as long as one.
    min_gaps : int, default 30
        With ``by="category"``: a category with fewer ended gaps takes a part of its cycle from
        all categories together.

    Attributes
    ----------
    cycle_days_ : float
        The cycle in days. With ``by="category"``, that of all categories together.
    never_share_ : float
        The share of purchases that no other follows, from 0 to 1, extrapolated beyond the log.
    regularity_ : float
        The regularity k of Wheat and Morrison. Purchases at random times have 1, regular purchases
        more; nan with fewer than two pairs of gaps.
    regularity_summary_ : DataFrame
        One row: `pairs` (int64; customers with two gaps), `regularity`, `regularity_lower`,
        `regularity_upper` (float64; 95 % interval) and `timing` (str): ``"regular"`` if the
        interval is above 1, ``"clumped"`` if it is below, ``"random"`` if it contains 1,
        ``"unknown"`` with fewer than two pairs.
    strength_ : float
        The number of own gaps at which a customer's cycle is half own and half the shop's.
    gap_distribution_ : dict of str to float
        The distribution that the intervals come from: `regularity`, `shape` and `scale_days` of
        the gaps, `leaving_a` and `leaving_b` of the probability to leave.
    summary_ : DataFrame
        One row per method: `method` (str), `cycle_days` (float64), `gaps` (int64; ended and open),
        `window_days` (int64; days that the log spans), `open_share` (float64; share of gaps that
        are open) and `note` (str). With ``by="category"``, such rows for each `category` (str),
        from its own gaps alone.
    categories_ : DataFrame
        Only with ``by="category"``, one row per category: `category` (str), `cycle_days` (float64,
        by `method`), `borrowed_share` (float64; which share of it comes from all categories),
        `gaps` (int64), `open_share`, `never_share`, `strength` (float64; that of all categories
        if fewer than 200 customers bought it again), `customers` (int64), `repeat_share` (float64;
        the share of them who bought it again), and the columns of `regularity_summary_`.

    See Also
    --------
    rfmkit.ChurnCurve : the probability that a silence ends, by the number of the purchase.
    rfmkit.purchase_gaps : the gaps from which the cycle is estimated.

    Notes
    -----
    ``"kaplan_meier"`` is the smallest t with 1 - S(t) >= (1 - S(infinity)) / 2, where S is the
    Kaplan-Meier estimate (Kaplan and Meier 1958, "Nonparametric estimation from incomplete
    observations", Journal of the American Statistical Association 53) with a Gompertz tail.

    Regularity (Wheat and Morrison 1990, "Estimating purchase regularity with two interpurchase
    times", Journal of Marketing Research 27): with M = g1 / (g1 + g2) of a customer's last two
    gaps and v = E[(M - 1/2)^2], k = (1 - 4 v) / (8 v).

    The cycle of a customer is the posterior mean of a gamma-gamma model, (s + w c) / (n + w): s is
    the sum of n own gaps, c the cycle of the shop, and the weight w is `strength_`. It maximises
    the marginal likelihood of s given n (Fader and Hardie 2013, "The Gamma-Gamma model of monetary
    value", eq. 1a, with gaps in the place of spend). A customer with one purchase has the cycle c.

    The interval of the next purchase is the predictive distribution of the same model, a beta
    prime distribution, fitted with the open gaps and with customers who leave. It holds if the
    customer buys again. It is counted from the last purchase, and does not use how long the
    silence has lasted: if both dates are in the past, the customer is late.

    Cycles of categories: Bhagat, Muralidharan, Lobzhanidze and Vishwanath (2018), "Buy It Again:
    modeling repeat purchase recommendations", KDD. The gaps of a product are taken over all
    customers, and `repeat_share` is its repeat customer probability.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> cycle = rk.PurchaseCycle().fit(orders)
    >>> cycle
    <PurchaseCycle: 29.0 days by kaplan_meier from 4,812 gaps. Next: .transform(orders)>
    >>> cycle.summary_[["method", "cycle_days", "gaps", "open_share"]].round(2)
             method  cycle_days  gaps  open_share
    0  kaplan_meier       29.00  4812        0.24
    1        median       26.00  4812        0.24
    2          mean       42.78  4812        0.24
    3      quantile       63.00  4812        0.24
    4        normal       62.13  4812        0.24
    5     lognormal       24.05  4812        0.24
    6         gamma       29.65  4812        0.24
    >>> due = cycle.transform(orders)
    >>> due = due[["customer_id", "cycle_days", "expected_next_purchase", "overdue_ratio"]]
    >>> due.head(3).round(1)
      customer_id  cycle_days expected_next_purchase  overdue_ratio
    0     C000001        29.0             2024-10-12            3.7
    1     C000002        29.0             2024-04-15            9.9
    2     C000003        44.5             2025-01-30            0.3

    Which customer needs which category:

    >>> products = rk.PurchaseCycle(by="category").fit(orders)
    >>> products.categories_[["category", "cycle_days", "gaps", "repeat_share"]].round(2)
      category  cycle_days  gaps  repeat_share
    0   coffee        44.0  2256          0.52
    1  kitchen        48.0   713          0.38
    2   snacks        48.0   752          0.34
    3      tea        43.0  1153          0.38
    >>> due = products.transform(orders)
    >>> due[["customer_id", "category", "purchases", "expected_next_purchase"]].head(3)
      customer_id category  purchases expected_next_purchase
    0     C000001   coffee          1             2024-10-27
    1     C000002   coffee          1             2024-04-30
    2     C000002      tea          1             2024-04-29
    """

    def __init__(
        self,
        method: Method = "kaplan_meier",
        *,
        q: float = 0.8,
        interval: float = 0.8,
        by: Literal["category"] | None = None,
        per_unit: bool = False,
        min_gaps: int = 30,
    ) -> None:
        self.method = method
        self.q = q
        self.interval = interval
        self.by = by
        self.per_unit = per_unit
        self.min_gaps = min_gaps

    def fit(self, orders: Orders) -> Self:
        """Estimate the cycle by every method.

        Parameters
        ----------
        orders : Orders
            The log, as of its day.

        Returns
        -------
        PurchaseCycle
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            Nobody bought on two days; with ``by="category"``, nobody the same category.
        ColumnsError
            With ``by="category"``: the log has no category, or for `per_unit` no quantity.
        RfmkitError
            An argument of the cycle is wrong, or `orders` is not what ``read_orders`` returns.

        Warns
        -----
        RfmkitWarning
            The log spans fewer than three cycles: longer gaps cannot be seen.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> rk.PurchaseCycle("median").fit(orders)
        <PurchaseCycle: 26.0 days by median from 4,812 gaps. Next: .transform(orders)>
        """
        self._check()
        as_orders(orders)
        if self.by == "category":
            self._fit_categories(orders)
        else:
            self._fit_shop(orders)
        self._warn()
        return self

    def _check(self) -> None:
        checks.choice("method", self.method, METHODS)
        checks.number("q", self.q, above=0, below=1)
        checks.number("interval", self.interval, above=0, below=1)
        checks.choice("by", self.by, (None, "category"))
        checks.choice("per_unit", self.per_unit, (False, True))
        checks.whole("min_gaps", self.min_gaps)
        if self.per_unit and self.by is None:
            raise RfmkitError(
                "per_unit=True needs by='category': gaps are per piece of a category.",
                found="per_unit=True without by=",
                hint="PurchaseCycle(by='category', per_unit=True).",
            )

    def _fit_shop(self, orders: Orders) -> None:
        gaps = orders.history.engine.frame(orders.history.gaps)
        if not gaps["returned"].any():
            raise NotEnoughHistoryError(
                "At least one customer must have bought on two different days.",
                found=f"{int(gaps['gaps'].sum())} purchases by as many customers",
                hint="give a longer log, or same_day='keep' where one day holds several purchases.",
            )
        pairs = count_gap_sums(orders)
        self.regularity_summary_ = regularity_of_pairs(*last_two(orders))
        self.regularity_ = float(self.regularity_summary_["regularity"].iloc[0])
        values, self.never_share_ = cycles_by_method(gaps, pairs, self.regularity_, self.q)
        self.cycle_days_ = values[self.method]
        self.strength_ = shrinkage_strength(pairs, self.regularity_)
        self.gap_distribution_ = fit_gap_distribution(count_silences(orders), self.regularity_)
        window = (orders.as_of - orders.history.facts["first_day"]).days
        self.summary_ = methods_table(values, gaps, window)
        is_normal = self.summary_["method"] == "normal"
        self.summary_.loc[is_normal, "note"] += f"; {normal_skewness(pairs)}"

    def _fit_categories(self, orders: Orders) -> None:
        counts = count_categories(orders, per_unit=self.per_unit)
        found = fit_categories(counts, method=self.method, q=self.q, min_gaps=self.min_gaps)
        self.regularity_summary_ = found.regularity
        self.regularity_ = float(found.regularity["regularity"].iloc[0])
        self.cycle_days_, self.never_share_ = found.values[self.method], found.never_share
        self.strength_, self.gap_distribution_ = found.strength, found.gap_distribution
        self.categories_, self.summary_ = found.table, found.summary

    def _warn(self) -> None:
        window = int(self.summary_["window_days"].iloc[0])
        if window < SHORT_WINDOW * self.cycle_days_:
            warn(
                f"The log spans {window} days, under {SHORT_WINDOW} cycles of "
                f"{self.cycle_days_:.0f} days: longer gaps cannot be seen, and the cycle may be "
                "too short.",
                hint="give a longer log; for durable goods a purchase cycle is not meaningful.",
            )

    @overload
    def transform(self, customers: Orders[Frame]) -> Frame: ...

    @overload
    def transform(self, customers: Frame) -> Frame: ...

    def transform(self, customers: Any) -> Any:
        """Return customers with their own cycle, next purchase date and overdue ratio.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or a frame of customers that ``summarize`` or ``segment`` returned, of any kind.
            With ``by="category"`` it must be a log.

        Returns
        -------
        DataFrame
            The customers, in the kind and row order of the input, with `cycle_days` (float64),
            `expected_next_purchase` (date; it may be past), `next_purchase_from`,
            `next_purchase_to` (dates; `interval` of those who buy again do so between them, both
            included) and `overdue_ratio` (float64; recency_days / cycle_days, so that over 1 is
            late).

            With ``by="category"``, one row per customer and category: `customer_id`, `category`
            (str), `purchases` (int64), `last_purchase` (date), `recency_days` (int64) and the five
            columns above. With `per_unit` also `last_units` (float64; pieces bought last) and
            `unit_days` (float64; days that one piece lasts): `cycle_days` is their product. A
            category that ``fit`` did not see has the cycle of all categories.

        Raises
        ------
        NotFittedError
            ``fit`` has not been called.
        ColumnsError
            The frame or the log lacks a column.
        RfmkitError
            With ``by="category"``, `customers` is a frame.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> due = rk.PurchaseCycle().fit(orders).transform(orders)
        >>> due[["customer_id", "cycle_days", "expected_next_purchase"]].head(3).round(1)
          customer_id  cycle_days expected_next_purchase
        0     C000001        29.0             2024-10-12
        1     C000002        29.0             2024-04-15
        2     C000003        44.5             2025-01-30
        """
        self._check_fitted()
        if self.by == "category":
            log = as_orders(customers)
            due = product_due_dates(
                log, self._fitted(), categories=self.categories_, per_unit=self.per_unit
            )
            return log.history.deliver(due, order_by=("customer_id", "category"))
        needs = ("customer_id", "repeat_purchases", "active_days", "recency_days", "last_purchase")
        return over_customers(customers, lambda table: cycle_columns(self, table), needs=needs)

    def fit_transform(self, orders: Orders[Frame]) -> Frame:
        """Return ``fit(orders).transform(orders)``.

        Parameters
        ----------
        orders : Orders
            The log, as of its day.

        Returns
        -------
        DataFrame
            What ``transform`` returns.

        Raises
        ------
        NotEnoughHistoryError
            Nobody bought twice; see ``fit`` for the other errors.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> due = rk.PurchaseCycle(interval=0.5).fit_transform(orders)
        >>> due[["customer_id", "next_purchase_from", "next_purchase_to"]].head(3)
          customer_id next_purchase_from next_purchase_to
        0     C000001         2024-09-30       2024-12-17
        1     C000002         2024-04-03       2024-06-20
        2     C000003         2025-01-03       2025-02-28
        """
        return self.fit(orders).transform(orders)

    def _fitted(self) -> FittedCycle:
        return FittedCycle(self.cycle_days_, self.strength_, self.gap_distribution_, self.interval)

    def _check_fitted(self) -> None:
        if not hasattr(self, "cycle_days_"):
            raise NotFittedError(
                "A PurchaseCycle must be fitted before use.",
                found="a PurchaseCycle that has not been fitted",
                hint="rk.PurchaseCycle().fit(orders).",
            )

    def __repr__(self) -> str:
        """Return the cycle, what it was estimated from, and the next call."""
        if not hasattr(self, "cycle_days_"):
            return f"<PurchaseCycle: {self.method}; not fitted. Next: .fit(orders)>"
        gaps = int(self.summary_.loc[self.summary_["method"] == self.method, "gaps"].sum())
        of = f" in {len(self.categories_):,} categories" if self.by == "category" else ""
        return (
            f"<PurchaseCycle: {self.cycle_days_:.1f} days by {self.method} from {gaps:,} gaps{of}. "
            "Next: .transform(orders)>"
        )


def cycle_columns(cycle: PurchaseCycle, table: ir.Table) -> ir.Table:
    """Return a table of customers with the columns of `PurchaseCycle.transform` added."""
    cycle._check_fitted()  # noqa: SLF001 (the method's own check)
    if cycle.by is not None:
        raise RfmkitError(
            "transform needs a cycle that was fitted without by=.",
            found="PurchaseCycle(by='category'), whose cycles are those of products",
            hint="fit another one: rk.PurchaseCycle().fit(orders).",
        )
    return customer_due_dates(table, cycle._fitted())  # noqa: SLF001
