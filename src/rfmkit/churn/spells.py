"""Spells: one row per purchase and the gap it opens, with what was known on its day.

The columns are those of ``summarize`` as of the day of the purchase, so that what a regression
learns from past gaps can be asked of the gaps that are open now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np

from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError
from rfmkit.history import days_between, ends_purchase, gap_table, in_sample, purchases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis.expr.types as ir
    import pandas as pd

    from rfmkit.orders import Orders

SAME_DAY: Final = 0.5
"""What a gap of no days is taken for, in days."""
LEAST_SHARE: Final = 0.01
"""Of the typical value: what is worth less, such as a gift, is taken for so much."""
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
}
"""The covariates, and the columns of a customer from which each is made."""
FACTS: Final = ("purchases", "active_days", "last_gap_days", "mean_purchase_value", "month")
"""What is known of every gap, as numbers; the category joins them as its place in a list."""


@dataclass(frozen=True)
class Scales:
    """What is typical of a shop, and its strata: by these facts become covariates.

    Attributes
    ----------
    gap_days, value : float
        Geometric means of the ended gaps and of the mean purchase values.
    strata : dict of int to str
        First order number of each stratum, rising, and its label.
    categories : tuple of str
        Those that were seen.
    """

    gap_days: float
    value: float
    strata: Mapping[int, str]
    categories: tuple[str, ...]

    def covariates(self, facts: Mapping[str, Any], names: Sequence[str]) -> pd.DataFrame:
        """Make covariates by their names from facts; null where a category was never seen."""
        import pandas as pd

        return pd.DataFrame({name: self._covariate(name, facts) for name in names})

    def _covariate(self, name: str, facts: Mapping[str, Any]) -> Any:
        number = np.asarray(facts["purchases"], dtype=float)
        if name == "order_number":
            firsts = np.array(list(self.strata))
            labels = np.array(list(self.strata.values()), dtype=object)
            return labels[np.searchsorted(firsts, number, side="right") - 1]
        if name == "own_gap":
            mean = np.asarray(facts["active_days"], dtype=float) / np.maximum(number - 1, 1)
            return self._octaves(mean, number)
        if name == "last_gap":
            return self._octaves(np.asarray(facts["last_gap_days"], dtype=float), number)
        if name == "value":
            share = np.asarray(facts["mean_purchase_value"], dtype=float) / self.value
            return np.log2(np.maximum(share, LEAST_SHARE))
        if name in ("quarter", "month"):
            month = np.asarray(facts["month"], dtype=int)
            if name == "quarter":
                return np.array([f"Q{place}" for place in range(1, 5)], dtype=object)[(month - 1) // 3]
            return np.array([f"{place:02d}" for place in range(1, 13)], dtype=object)[month - 1]
        if name == "category":
            place = np.nan_to_num(np.asarray(facts["category"], dtype=float), nan=-1).astype(int)
            return np.array([*self.categories, None], dtype=object)[place]
        return np.asarray(facts[name], dtype=float)

    def _octaves(self, days: Any, number: Any) -> Any:
        """Give the logarithm to base two of days over the typical gap; nought before a gap."""
        return np.where(number > 1, np.log2(np.maximum(days, SAME_DAY) / self.gap_days), 0.0)


def spell_table(orders: Orders, *, share: float = 1.0, categories: bool = False) -> ir.Table:
    """Give one row per purchase: the gap it opens, and the customer as of its day."""
    table = purchases(orders)
    if share < 1:
        table = table.filter(in_sample(table.customer_id, share))
    # Rows of one purchase share its number: a range takes them all, whichever comes first.
    so_far = ibis.window(
        group_by=table.customer_id, order_by=table.purchase_number, range=(None, 0)
    )
    table = table.mutate(
        first_day=table.day.min().over(group_by=table.customer_id),
        spend=table.amount.sum().over(so_far),
    )
    table = table.filter(ends_purchase(table, orders))
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
    """Give `customer_id, day, category`: of several, the one on which most was spent that day."""
    lines = orders.lines
    if "category" not in lines.columns:
        raise ColumnsError(
            "The log has a column of categories.",
            found="none",
            hint="name it: rk.read_orders(..., category='...'), or leave it out of formula=.",
        )
    lines = lines.filter(lines.rule.isnull() & lines.category.notnull())
    spent = lines.group_by("customer_id", "day", "category").agg(amount=lines.amount.sum())
    order = [spent.amount.desc(), spent.category]
    place = ibis.row_number().over(group_by=[spent.customer_id, spent.day], order_by=order)
    ranked = spent.mutate(place=place)
    return ranked.filter(ranked.place == 0).select("customer_id", "day", "category")


def read_spells(
    orders: Orders, *, sample: int, categories: bool
) -> tuple[pd.DataFrame, float]:
    """Read about `sample` gaps at most, of customers chosen by a hash, and tell the share."""
    counted = gap_table(orders)
    gaps = orders.engine.row(counted.aggregate(gaps=counted.gaps.sum().fill_null(0)))["gaps"]
    share = min(1.0, sample / max(gaps, 1))
    table = spell_table(orders, share=share, categories=categories)
    # Sorted, so that what is learned depends neither on the order of rows nor on threads.
    rows = table.mutate(month=table.last_purchase.month()).order_by("customer_id", "purchases")
    frame = orders.engine.frame(rows)
    if not frame["returned"].any():
        raise NotEnoughHistoryError(
            "Somebody has bought twice.",
            found=f"{len(frame):,} purchases, none followed by another",
            hint="a longer log, or same_day='keep' where one day holds several purchases.",
        )
    # A silence of no days tells nothing: everybody's lasts as long.
    told = frame["returned"] | (frame["gap_days"] > 0)
    return frame[told].reset_index(drop=True), float(share)
