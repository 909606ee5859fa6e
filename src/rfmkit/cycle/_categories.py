"""The cycles of categories: each from its own gaps, and from those of the shop if it has few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.cycle._gap_distribution import (
    SAMPLE,
    GapDistribution,
    at_regularity,
    fit_gap_distribution,
)
from rfmkit.cycle._methods import (
    METHODS,
    erlang_median,
    method_of_mean_gaps,
    methods_of_ended_gaps,
    methods_table,
)
from rfmkit.cycle._products import (
    check_columns,
    product_buyers,
    product_gaps,
    product_regularity,
    product_silences,
)
from rfmkit.cycle._regularity import regularity_table
from rfmkit.cycle._shrinkage import bounded, shrinkage_strength
from rfmkit.cycle._survival import from_frame
from rfmkit.exceptions import NotEnoughHistoryError

if TYPE_CHECKING:
    import pandas as pd

    from rfmkit.orders.orders import Orders

STRENGTH_CUSTOMERS: Final = 200
"""Returning customers that a category needs for a strength of its own."""
SHORTEST: Final = 0.5
"""Days. A cycle of 0 days cannot be a unit of time."""
REGULARITY_PAIRS: Final = 100
"""Pairs of gaps that a category needs for a distribution of its own regularity."""
STEP: Final = 1.1
"""Regularities are rounded to powers of this, so that few distributions must be computed."""


@dataclass(frozen=True)
class CategoryCounts:
    """The counts by category that the cycles are estimated from.

    Attributes
    ----------
    gaps : DataFrame
        How many gaps of each `category`, `gap_days` and `returned`.
    silences : DataFrame
        How many customers of each `category`, `repeat_purchases`, `active_days` and `open_days`.
    buyers : DataFrame
        The `customers` of each category, and how many of them bought it `again`.
    moments : DataFrame
        The sums of each category for its regularity: `pairs`, `squares`, `fourths`.
    window_days : int
        Days from the first day of the log to its `as_of`.
    """

    gaps: pd.DataFrame
    silences: pd.DataFrame
    buyers: pd.DataFrame
    moments: pd.DataFrame
    window_days: int

    @property
    def regularity(self) -> pd.DataFrame:
        """The regularity of all categories together, in one row."""
        sums = self.moments[["pairs", "squares", "fourths"]].sum()
        return regularity_table(sums["pairs"], sums["squares"], sums["fourths"])


@dataclass(frozen=True)
class CategoryCycles:
    """The cycles of the categories, and of all of them together.

    Attributes
    ----------
    values : dict of method to float
        The cycle of all categories together by every method, in days.
    never_share : float
        The share of purchases that no other of the same category follows.
    strength : float
        How many gaps of a customer the cycle of the category is worth.
    regularity : DataFrame
        The regularity of all categories together, in one row.
    gap_distribution : dict
        The distribution of the gaps, in cycles of their category in the place of days.
    table, summary : DataFrame
        One row per category; one row per category and method.
    """

    values: dict[str, float]
    never_share: float
    strength: float
    regularity: pd.DataFrame
    gap_distribution: GapDistribution
    table: pd.DataFrame
    summary: pd.DataFrame


def cycles_by_method(
    gaps: pd.DataFrame, pairs: pd.DataFrame, regularity: float, q: float
) -> tuple[dict[str, float], float]:
    """Return the cycle in days by every method, and the share of gaps that never end."""
    survival = from_frame(gaps)
    ended = gaps[gaps["returned"]]
    values = {
        "kaplan_meier": float(survival.returned_within(0.5)),
        **methods_of_ended_gaps(ended, q),
        **method_of_mean_gaps(pairs),
    }
    values["gamma"] = erlang_median(values["mean"], regularity)
    return values, survival.never


def count_categories(orders: Orders, *, per_unit: bool) -> CategoryCounts:
    """Return the counts of a log by category.

    Raises
    ------
    ColumnsError
        The log has no category, or for `per_unit` no quantity.
    NotEnoughHistoryError
        Nobody bought the same category on two days.
    """
    check_columns(orders, per_unit=per_unit)
    gaps = product_gaps(orders, per_unit=per_unit)
    if not gaps["returned"].any():
        raise NotEnoughHistoryError(
            "At least one customer must have bought the same category on two different days.",
            found=f"{int(gaps['gaps'].sum()):,} purchases, each the first of its category",
            hint="give a longer log, or wider categories.",
        )
    return CategoryCounts(
        gaps,
        product_silences(orders, per_unit=per_unit),
        product_buyers(orders, per_unit=per_unit),
        product_regularity(orders, per_unit=per_unit),
        (orders.as_of - orders.history.facts["first_day"]).days,
    )


def fit_categories(
    counts: CategoryCounts, *, method: str, q: float, min_gaps: int
) -> CategoryCycles:
    """Return the cycle of every category.

    A category with fewer than `min_gaps` ended gaps has the weighted mean of its own cycle and the
    shop's. The weight of its own is gaps / min_gaps.
    """
    regularity = counts.regularity
    k = float(regularity["regularity"].iloc[0])
    shop, never = cycles_by_method(counts.gaps, _for_mean_gaps(counts.silences, counts.gaps), k, q)
    table = _category_facts(counts)
    blocks = _methods_by_category(counts, table, q)
    table = table.assign(**_shrunk_cycles(table, blocks, shop[method], method, min_gaps))
    relative = _in_units_of_cycle(counts.silences, table)
    strength = shrinkage_strength(relative, k)
    # A few thousand rows are enough. They are sorted by category: every n-th row is of all of them.
    distribution = fit_gap_distribution(relative.iloc[:: max(1, len(relative) // SAMPLE)], k)
    table["strength"] = _strengths(counts, table).fillna(strength)
    first = ["category", "cycle_days", "borrowed_share", "gaps", "open_share", "never_share"]
    table = table[[*first, "strength", *(n for n in table if n not in (*first, "strength"))]]
    summary = blocks.drop(columns="never_share")
    return CategoryCycles(shop, never, strength, regularity, distribution, table, summary)


def distributions_by_category(
    distribution: GapDistribution, table: pd.DataFrame
) -> tuple[list[GapDistribution], pd.DataFrame]:
    """Return a distribution for each regularity of the categories, and which one each has.

    The first is that of all categories, for those with few pairs of gaps. How much customers
    differ is estimated from all categories together. The regularity is that of each category,
    rounded to within 5 %.
    """
    import pandas as pd

    own = table["regularity"].map(bounded)
    grid = np.round(np.log(own) / np.log(STEP)).astype("int64")
    known = table["pairs"] >= REGULARITY_PAIRS
    steps = sorted(set(grid[known]))
    made = [distribution, *(at_regularity(distribution, float(STEP**step)) for step in steps)]
    place = grid.map({step: number for number, step in enumerate(steps, start=1)})
    place = place.where(known, 0).astype("int64")
    return made, pd.DataFrame({"category": table["category"], "own_place": place})


def _category_facts(counts: CategoryCounts) -> pd.DataFrame:
    """Return the customers of each category, the share who bought it again, and its regularity."""
    moments, buyers = counts.moments, counts.buyers
    facts = regularity_table(moments["pairs"], moments["squares"], moments["fourths"])
    facts.insert(0, "category", moments["category"])
    table = buyers[["category"]].assign(
        customers=buyers["customers"].astype("int64"),
        repeat_share=buyers["again"].to_numpy(dtype=float) / buyers["customers"],
    )
    table = table.merge(facts, on="category", how="left")
    table["timing"] = table["timing"].fillna("unknown")
    return table.assign(pairs=table["pairs"].fillna(0).astype("int64"))


def _methods_by_category(counts: CategoryCounts, table: pd.DataFrame, q: float) -> pd.DataFrame:
    """Return the cycle of each category by every method, from its own gaps; nan without any."""
    import pandas as pd

    silences = dict(iter(counts.silences.groupby("category")))
    gaps_of = dict(iter(counts.gaps.groupby("category")))
    blocks = []
    for category, k in zip(table["category"], table["regularity"], strict=True):
        gaps, pairs = gaps_of[category], silences.get(category, counts.silences.iloc[:0])
        values, never = dict.fromkeys(METHODS, np.nan), np.nan
        if gaps["returned"].any():
            values, never = cycles_by_method(gaps, _for_mean_gaps(pairs, gaps), k, q)
        block = methods_table(values, gaps, counts.window_days).assign(never_share=never)
        block.insert(0, "category", category)
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True)


def _shrunk_cycles(
    table: pd.DataFrame, blocks: pd.DataFrame, shop: float, method: str, min_gaps: int
) -> dict[str, pd.Series[Any]]:
    """Return the cycle of each category, and which share of it is from the shop's."""
    own = blocks[blocks["method"] == method].set_index("category").loc[table["category"]]
    own = own.reset_index()
    ended = (own["gaps"] * (1 - own["open_share"])).round()
    share = (1 - ended / min_gaps).clip(lower=0.0)
    return {
        "cycle_days": (1 - share) * own["cycle_days"].fillna(shop) + share * shop,
        "borrowed_share": share,
        **{name: own[name] for name in ("gaps", "open_share", "never_share")},
    }


def _strengths(counts: CategoryCounts, table: pd.DataFrame) -> pd.Series[Any]:
    """Return the strength of each category that enough customers bought again; nan of others."""
    again = counts.buyers.set_index("category")["again"]
    silences = dict(iter(counts.silences.groupby("category")))
    found = {
        category: shrinkage_strength(silences[category], k)
        for category, k in zip(table["category"], table["regularity"], strict=True)
        if again[category] >= STRENGTH_CUSTOMERS and category in silences
    }
    return table["category"].map(found).astype(float)


def _for_mean_gaps(silences: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Return the customers, or the ended gaps if nobody in the sample bought again."""
    if (silences["repeat_purchases"] > 0).any():
        return silences
    ended = gaps[gaps["returned"]]
    return ended.assign(repeat_purchases=1, active_days=ended["gap_days"], customers=ended["gaps"])


def _in_units_of_cycle(silences: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the silences in cycles of their category, so that one fit can use all of them."""
    cycle = table.set_index("category")["cycle_days"].clip(lower=SHORTEST)
    unit = silences["category"].map(cycle).to_numpy(dtype=float)
    return silences.assign(
        active_days=silences["active_days"] / unit,
        open_days=(silences["open_days"] + 0.5) / unit - 0.5,
    )
