"""PurchaseCycle: how long between purchases, with the silences counted in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self, overload

import ibis

from rfmkit import _checks as checks
from rfmkit.cycle._categories import (
    count_categories,
    cycle_values,
    fit_categories,
    waits_by_category,
)
from rfmkit.cycle._methods import METHODS, Method, normal_fit, side_by_side
from rfmkit.cycle._products import check_columns, product_customers
from rfmkit.cycle._regularity import facts_of_pairs, last_two
from rfmkit.cycle._shrinkage import shrinkage_strength
from rfmkit.cycle._waits import NEXT, day_after, fit_waits, silence_counts, with_interval
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError, warn
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import Orders, as_orders

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from rfmkit._typing import Frame

SHORT_WINDOW: Final = 3
DUE: Final = ("cycle_days", "expected_next_purchase", *NEXT, "overdue_ratio")


class PurchaseCycle:
    """The usual time between purchases: of the shop, of each customer, of each category.

    The default counts the silences that are still open: naive means and medians of the ended
    gaps are too short, since a window cuts off the long ones.

    Parameters
    ----------
    method : str, default "kaplan_meier"
        Which row of `summary_` is the cycle: ``"kaplan_meier"``, ``"median"``, ``"mean"``,
        ``"quantile"``, ``"normal"``, ``"lognormal"`` or ``"gamma"``.
    q : float, default 0.8
        The quantile of ``method="quantile"``.
    interval : float, default 0.8
        The share of next purchases that fall between `next_purchase_from` and
        `next_purchase_to`.
    by : {None, "category"}
        ``"category"`` looks at gaps between purchases of the same category by the same customer:
        product cycles, for a list of who will need what.
    per_unit : bool, default False
        With ``by="category"``: whether a gap is counted per piece bought at its beginning, since
        two boxes last twice as long.
    min_gaps : int, default 30
        With ``by="category"``: a category with fewer ended gaps borrows the rest of its cycle
        from the shop's.

    Attributes
    ----------
    cycle_days_ : float
        The cycle, in days; with ``by="category"`` that of all categories together.
    never_share_ : float
        Share of purchases that no other ever follows; beyond the data by the tail of the curve.
    regularity_ : float
        Wheat-Morrison k: 1 is random timing, higher is more regular; nan under two customers.
    regularity_summary_ : DataFrame
        One row: `pairs` (customers with two gaps), `regularity, regularity_lower,
        regularity_upper` (95 %) and `timing`: ``"regular"``, ``"random"``, ``"clumped"`` (more
        uneven than chance), or ``"unknown"`` under two pairs.
    strength_ : float
        How many gaps of a customer's own weigh as much as the shop's cycle.
    waits_ : dict
        What the intervals rest on: `regularity, shape, scale_days, leaving_a, leaving_b`.
    summary_ : DataFrame
        All methods side by side: `method, cycle_days, gaps, window_days, open_share, note`; with
        ``by="category"`` a block of such rows for each `category`, from its own gaps alone.
    categories_ : DataFrame
        With ``by="category"``, one row each: `category, cycle_days` (by `method`), of which
        `borrowed_share` came from the shop, `gaps, open_share, never_share, strength, customers,
        repeat_share` (of its customers, who bought it again), and the columns of
        `regularity_summary_`. Under 200 customers who came back `strength` is that of
        all categories.

    Notes
    -----
    Regularity (Wheat and Morrison 1990, "Estimating purchase regularity with two interpurchase
    times", J. Marketing Research 27): with M = g1 / (g1 + g2) of a customer's last two gaps,
    k = (1 - 4 v) / (8 v), v = E[(M - 1/2)^2].

    A customer's own cycle is the posterior mean of a gamma-gamma model, (s + w c) / (n + w): the
    sum s of n own gaps, the shop's cycle c, and the weight w (`strength_`) by maximum likelihood
    of the marginal distribution of s given n (Fader and Hardie 2013, "The Gamma-Gamma model of
    monetary value", eq. 1a, with gaps in the place of spend). A one-time buyer borrows c whole.

    The interval of the next purchase is the predictive distribution of the same model, a beta
    prime, fitted with the open silences and with customers who leave (``rfmkit.cycle._waits``).
    It is conditional on another purchase, is counted from the last one, and does not know how
    long the silence has lasted: in the past, it says that the customer is late.

    Product cycles are those of Bhagat et al. (2018), "Buy It Again: modeling repeat purchase
    recommendations", KDD: repeat gaps of a product over all customers, `repeat_share` its repeat
    customer probability.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> cycle = rk.PurchaseCycle().fit(orders)
    >>> naive = cycle.summary_.set_index("method")["cycle_days"]
    >>> bool(naive["median"] < cycle.cycle_days_)
    True
    >>> due = cycle.transform(rk.summarize(orders))
    >>> list(due.columns[-5:])
    ['cycle_days', 'expected_next_purchase', 'next_purchase_from', 'next_purchase_to',
     'overdue_ratio']

    Who will need what:

    >>> products = rk.PurchaseCycle(by="category").fit(orders)
    >>> products.categories_["category"].tolist()
    ['coffee', 'kitchen', 'snacks', 'tea']
    >>> list(products.transform(orders).columns[:4])
    ['customer_id', 'category', 'purchases', 'last_purchase']
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
            Nobody has bought twice; with ``by="category"``, no category twice.
        ColumnsError
            With ``by="category"``: the log has no category, or for `per_unit` no quantity.

        Warns
        -----
        RfmkitWarning
            The log spans less than three cycles, so that long gaps cannot be seen.
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
        pairs = _compressed(orders)
        self.regularity_summary_ = facts_of_pairs(*last_two(orders))
        self.regularity_ = float(self.regularity_summary_["regularity"].iloc[0])
        values, self.never_share_ = cycle_values(gaps, pairs, self.regularity_, self.q)
        self.cycle_days_ = values[self.method]
        self.strength_ = shrinkage_strength(pairs, self.regularity_)
        self.waits_ = fit_waits(silence_counts(orders), self.regularity_)
        window = (orders.as_of - orders.history.facts["first_day"]).days
        self.summary_ = side_by_side(values, gaps, window)
        is_normal = self.summary_["method"] == "normal"
        self.summary_.loc[is_normal, "note"] += f"; {normal_fit(pairs)}"

    def _fit_categories(self, orders: Orders) -> None:
        counts = count_categories(orders, per_unit=self.per_unit)
        found = fit_categories(counts, method=self.method, q=self.q, min_gaps=self.min_gaps)
        self.regularity_summary_ = found.regularity
        self.regularity_ = float(found.regularity["regularity"].iloc[0])
        self.cycle_days_, self.never_share_ = found.values[self.method], found.never
        self.strength_, self.waits_ = found.strength, found.waits
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
        """Add each customer's own cycle, next date with its interval, and overdue ratio.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind; with ``by="category"`` a log.

        Returns
        -------
        DataFrame
            The customers with `cycle_days` (days), `expected_next_purchase` (date, may be past),
            `next_purchase_from`, `next_purchase_to` (dates: `interval` of those who buy again
            do so between them, both included) and `overdue_ratio` (recency_days / cycle_days).

            With ``by="category"``, one row per customer and category bought: `customer_id,
            category, purchases, last_purchase, recency_days`, and the same; with `per_unit` also
            `last_units` (pieces bought last) and `unit_days` (how long one lasts), and
            `cycle_days` is their product. A category that was not there in ``fit`` has the
            cycle of all.

        Raises
        ------
        NotFittedError
            It has not been fitted.
        ColumnsError
            The frame, or the log, lacks a column.
        RfmkitError
            With ``by="category"``, `customers` is no log.

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
            return self._due_products(customers)
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
            See ``transform``.
        """
        return self.fit(orders).transform(orders)

    def _due_products(self, orders: Any) -> Any:
        if not isinstance(orders, Orders):
            raise RfmkitError(
                "Expected the Orders that rk.read_orders returns.",
                found=f"{type(orders).__module__}.{type(orders).__qualname__}",
                hint="orders = rk.read_orders(source).",
            )
        check_columns(orders, per_unit=self.per_unit)
        waits, learned = waits_by_category(self.waits_, self.categories_)
        learned["own_cycle"] = self.categories_["cycle_days"]
        learned["own_strength"] = self.categories_["strength"]
        table = product_customers(orders, per_unit=self.per_unit)
        table = table.left_join(ibis.memtable(learned), ["category"]).drop("category_right")
        table = table.mutate(
            own_cycle=table.own_cycle.fill_null(self.cycle_days_),
            own_strength=table.own_strength.fill_null(self.strength_),
            own_kind=table.own_kind.fill_null(0).cast("int64"),
        )
        pieces = table.last_units if self.per_unit else None
        due = _with_cycle(table, table.own_cycle, table.own_strength, pieces=pieces)
        due = with_interval(
            due, waits, self.interval, kind=due.own_kind, unit=due.own_cycle,
            pieces=due.last_units if self.per_unit else None,
        )  # fmt: skip
        names = ["customer_id", "category", "purchases", "last_purchase", "recency_days"]
        names += ["last_units", "unit_days"] if self.per_unit else []
        return orders.history.deliver(
            due.select(*names, *DUE), order_by=("customer_id", "category")
        )

    def _check_fitted(self) -> None:
        if not hasattr(self, "cycle_days_"):
            raise NotFittedError(
                "A PurchaseCycle must be fitted before use.",
                found="a PurchaseCycle that has not been fitted",
                hint="rk.PurchaseCycle().fit(orders).",
            )

    def __repr__(self) -> str:
        """Return which cycle, and on how much it was fitted."""
        if not hasattr(self, "cycle_days_"):
            return f"<PurchaseCycle: {self.method}; not fitted>"
        of = ""
        rows = self.summary_[self.summary_["method"] == self.method]
        if self.by == "category":
            of = f" in {len(self.categories_):,} categories"
        gaps = int(rows["gaps"].sum())
        return (
            f"<PurchaseCycle: {self.cycle_days_:.1f} days by {self.method} from {gaps:,} gaps{of}>"
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
    due = _with_cycle(table, cycle.cycle_days_, cycle.strength_)
    due = with_interval(due, [cycle.waits_], cycle.interval)
    return due.select(*(name for name in due.columns if name not in DUE), *DUE)


def _with_cycle(
    table: ir.Table,
    shop: ir.Value | float,
    weight: ir.Value | float,
    *,
    pieces: ir.Value | None = None,
) -> ir.Table:
    """Add the cycle of each row's own, drawn to the shop's, and the date that follows from it."""
    own = (table.active_days.cast("float64") + weight * shop) / (
        table.repeat_purchases.cast("float64") + weight
    )
    own = table.last_purchase.isnull().ifelse(ibis.null("float64"), own)
    if pieces is None:
        table = table.mutate(cycle_days=own)
    else:
        table = table.mutate(unit_days=own, cycle_days=own * pieces)
    return table.mutate(
        expected_next_purchase=day_after(table, table.cycle_days),
        overdue_ratio=table.recency_days.cast("float64") / table.cycle_days.nullif(0),
    )


def _compressed(orders: Orders) -> pd.DataFrame:
    """Count customers by (repeat_purchases, active_days): all that the models need."""
    table = orders.history.customers
    counted = table.group_by("repeat_purchases", "active_days").agg(customers=table.count())
    return orders.history.engine.frame(counted.order_by("repeat_purchases", "active_days"))
