"""Gaps: one row per purchase with the gap after it, and what was known on the day it began.

The columns are those of ``summarize`` as of the day of the purchase, so that a regression learned
from past gaps applies to the gaps that are open now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np

from rfmkit.btyd._counts import SAME_DAY
from rfmkit.btyd._formulas import names_of, terms_of
from rfmkit.churn._strata import ORDER_NUMBERS, label, merge_strata
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, RfmkitError, examples
from rfmkit.history.snapshots import in_sample
from rfmkit.orders._history import days_between

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.btyd._formulas import Factor
    from rfmkit.orders.orders import Orders

MIN_GAPS: Final = 200
LEAST_SHARE: Final = 0.01
"""Smallest value in a logarithm, as a share of the typical value: for gifts and the like."""
COVARIATES: Final = {
    "order_number": ("purchases",),
    "own_gap": ("purchases", "active_days"),
    "last_gap": ("purchases", "last_gap_days"),
    "value": ("mean_purchase_value",),
    "quarter": ("last_purchase",),
    "month": ("last_purchase",),
    "category": ("category",),
    "purchases": ("purchases",),
    "active_days": ("active_days",),
    "log_purchases": ("purchases",),
    "log_active_days": ("active_days",),
}
"""The covariates, and the columns of a customer that each is computed from."""
FACT_OF: Final = {
    "order_number": "purchases",
    "own_gap": "active_days",
    "last_gap": "last_gap_days",
    "value": "mean_purchase_value",
    "quarter": "month",
    "log_purchases": "purchases",
    "log_active_days": "active_days",
}
"""The fact that a covariate is computed from, where it has another name."""
QUARTERS: Final = np.array([f"Q{quarter}" for quarter in range(1, 5)], dtype=object)
MONTHS: Final = np.array([f"{month:02d}" for month in range(1, 13)], dtype=object)
FACTS: Final = ("purchases", "active_days", "last_gap_days", "mean_purchase_value", "month")
"""The facts of a gap, all numbers. A category is added as its position in `Scales.categories`."""


@dataclass(frozen=True)
class Scales:
    """The typical gap and value of a shop and its strata, which turn facts into covariates.

    Attributes
    ----------
    gap_days, value : float
        Geometric means of the ended gaps and of the mean purchase values.
    strata : dict of int to str
        First order number of each stratum, rising, and its label.
    categories : tuple of str
        The categories in the log.
    """

    gap_days: float
    value: float
    strata: Mapping[int, str]
    categories: tuple[str, ...]

    def facts(self, gaps: pd.DataFrame) -> dict[str, Any]:
        """Return the facts of past gaps, in the form of the facts of customers."""
        found: dict[str, Any] = {name: gaps[name] for name in FACTS}
        found["last_gap_days"] = gaps["last_gap_days"].fillna(0)
        if "category" in gaps:
            places = {name: place for place, name in enumerate(self.categories)}
            found["category"] = gaps["category"].map(places)
        return found

    def covariates(self, facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return covariates by name; None for a category that is not in `categories`."""
        return {name: self._covariate(name, facts) for name in names}

    def column(self, customers: ir.Table, fact: str) -> ir.Value:
        """Return a fact of customers as a number, not null for a customer with a purchase."""
        if fact == "month":
            return customers.last_purchase.cast("date").month()
        if fact == "last_gap_days":
            return customers.last_gap_days.fill_null(0)
        if fact == "category":
            pairs = [
                (customers.category == name, place) for place, name in enumerate(self.categories)
            ]
            return ibis.cases(*pairs, else_=-1)
        return customers[fact]

    def _covariate(self, name: str, facts: Mapping[str, Any]) -> NDArray[Any]:
        known = np.asarray(facts[FACT_OF.get(name, name)], dtype=float)
        number = np.asarray(facts["purchases"], dtype=float)
        match name:
            case "order_number":
                firsts = np.array(list(self.strata))
                place = np.searchsorted(firsts, number, side="right") - 1
                made = np.array(list(self.strata.values()), dtype=object)[place]
            case "own_gap":
                made = self._doublings(known / np.maximum(number - 1, 1), number)
            case "last_gap":
                made = self._doublings(known, number)
            case "value":
                made = np.log2(np.maximum(known / self.value, LEAST_SHARE))
            case "quarter":
                made = QUARTERS[(known.astype(int) - 1) // 3]
            case "month":
                made = MONTHS[known.astype(int) - 1]
            case "category":
                made = np.array([*self.categories, None], dtype=object)[known.astype(int)]
            case "log_purchases" | "log_active_days":
                made = np.log2(np.maximum(known, SAME_DAY))
            case _:
                made = known
        return np.asarray(made)

    def _doublings(self, days: Any, number: Any) -> Any:
        """Return log2(days / typical gap); 0 before the first gap."""
        return np.where(number > 1, np.log2(np.maximum(days, SAME_DAY) / self.gap_days), 0.0)


def facts_needed(names: Sequence[str]) -> list[str]:
    """Return the facts that covariates are computed from, with the number of purchases."""
    needed = {column for name in names for column in COVARIATES[name]} | {"purchases"}
    needed = {"month" if column == "last_purchase" else column for column in needed}
    return [fact for fact in (*FACTS, "category") if fact in needed]


def gap_table(orders: Orders, *, share: float = 1.0, categories: bool = False) -> ir.Table:
    """Return one row per purchase: the gap after it, and the customer as of its day."""
    table = orders.history.purchases
    if share < 1:
        table = table.filter(in_sample(table.customer_id, share))
    # A purchase of several orders has several rows of one number: a range window has all of them.
    so_far = ibis.window(
        group_by=table.customer_id, order_by=table.purchase_number, range=(None, 0)
    )
    table = table.mutate(
        first_day=table.day.min().over(group_by=table.customer_id),
        spend=table.amount.sum().over(so_far),
    )
    table = table.filter(orders.history.ends_purchase(table))
    before = table.day.lag().over(group_by=table.customer_id, order_by=table.purchase_number)
    number = table.purchase_number.cast("int64")
    found = table.select(
        "customer_id",
        purchases=number,
        last_purchase=table.day,
        active_days=days_between(table.first_day, table.day),
        last_gap_days=days_between(before, table.day),
        mean_purchase_value=table.spend.cast("float64") / number.cast("float64"),
        gap_days=days_between(table.day, table.next_day.fill_null(orders.as_of)),
        returned=table.next_day.notnull(),
    )
    if not categories:
        return found
    bought = day_categories(orders).rename(last_purchase="day", category_buyer="customer_id")
    same = [found.customer_id == bought.category_buyer, "last_purchase"]
    return found.left_join(bought, same).select(*found.columns, "category")


def day_categories(orders: Orders) -> ir.Table:
    """Return `customer_id, day, category`, with the category of the largest spend of the day."""
    lines = orders.history.lines
    if "category" not in lines.columns:
        raise ColumnsError(
            "formula= with category needs a column of categories.",
            found="a log without one",
            hint="name it: rk.read_orders(..., category='...'), or leave it out of formula=.",
        )
    lines = lines.filter(lines.rule.isnull() & lines.category.notnull())
    spent = lines.group_by("customer_id", "day", "category").agg(amount=lines.amount.sum())
    order = [spent.amount.desc(), spent.category]
    place = ibis.row_number().over(group_by=[spent.customer_id, spent.day], order_by=order)
    ranked = spent.mutate(place=place)
    return ranked.filter(ranked.place == 0).select("customer_id", "day", "category")


def read_gaps(orders: Orders, *, sample: int, categories: bool) -> tuple[pd.DataFrame, float]:
    """Return about `sample` gaps at most, and the share of the customers that were chosen.

    Customers are chosen by a hash of their id.
    """
    counted = orders.history.gaps
    gaps = orders.history.engine.row(counted.aggregate(gaps=counted.gaps.sum().fill_null(0)))[
        "gaps"
    ]
    share = min(1.0, sample / max(gaps, 1))
    table = gap_table(orders, share=share, categories=categories)
    # Sorted, so that the fit depends neither on the order of rows nor on threads.
    rows = table.mutate(month=table.last_purchase.month()).order_by("customer_id", "purchases")
    frame = orders.history.engine.frame(rows)
    if categories:
        frame = frame[frame["category"].notna()]
    if not frame["returned"].any():
        raise NotEnoughHistoryError(
            "At least one customer must have bought on two different days.",
            found=f"{len(frame):,} purchases, none followed by another",
            hint="give a longer log, or same_day='keep' where one day holds several purchases.",
        )
    # An open gap of 0 days carries no information.
    informative = frame["returned"] | (frame["gap_days"] > 0)
    return frame[informative].reset_index(drop=True), float(share)


def terms_in(formula: Any) -> list[list[Factor]]:
    """Return the terms of a formula whose covariates are known when a gap begins."""
    listed = ", ".join(COVARIATES)
    terms = terms_of(
        formula,
        "formula",
        must="formula must be a formula of covariates, such as 'order_number + own_gap'.",
        hint="write covariates with + : * ( ), and C(purchases) for a number by its levels. It can "
        f"name {listed}.",
        bare=True,
    )
    if unknown := sorted(set(names_of(terms)) - set(COVARIATES)):
        raise RfmkitError(
            "The covariates of the formula must be known when a gap begins.",
            found=examples(unknown),
            hint=f"it can name {listed}.",
        )
    return terms


def scales_of(gaps: pd.DataFrame) -> Scales:
    """Return the typical gap and value of past gaps, and the strata with enough gaps."""
    ended = np.maximum(gaps.loc[gaps["returned"], "gap_days"].to_numpy(dtype=float), SAME_DAY)
    value = gaps["mean_purchase_value"].to_numpy(dtype=float)
    value = value[value > 0]
    counted = gaps.groupby("purchases").size().rename("gaps").reset_index()
    counted = counted.rename(columns={"purchases": "order_number"})
    strata = merge_strata(counted, ORDER_NUMBERS, MIN_GAPS)
    named = sorted(gaps["category"].dropna().unique()) if "category" in gaps else []
    return Scales(
        float(np.exp(np.log(ended).mean())),
        float(np.exp(np.log(value).mean())) if len(value) else 1.0,
        {first: label(first, last) for first, last in strata},
        tuple(named),
    )
