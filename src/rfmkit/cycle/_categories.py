"""Categories: the cycle of each, from its own gaps as far as they go, and from the shop's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.cycle._methods import METHODS, erlang_median, of_ended, of_means, side_by_side
from rfmkit.cycle._products import (
    check_columns,
    product_buyers,
    product_gaps,
    product_regularity,
    product_silences,
)
from rfmkit.cycle._regularity import regularity_facts
from rfmkit.cycle._shrinkage import bounded, shrinkage_strength
from rfmkit.cycle._survival import from_frame
from rfmkit.cycle._waits import SAMPLE, at_regularity, fit_waits
from rfmkit.exceptions import NotEnoughHistoryError

if TYPE_CHECKING:
    import pandas as pd

    from rfmkit.orders.orders import Orders

STRENGTH_CUSTOMERS: Final = 200
"""From so many customers who came back on, a category has a strength of its own."""
SHORTEST: Final = 0.5
REGULARITY_PAIRS: Final = 100
"""From so many pairs of gaps on a category has a regularity of its own."""
STEP: Final = 1.1


@dataclass(frozen=True)
class Counts:
    """What leaves the log: counts by category."""

    gaps: pd.DataFrame
    silences: pd.DataFrame
    buyers: pd.DataFrame
    moments: pd.DataFrame
    window: int
    """Days that the log spans."""

    @property
    def regularity(self) -> pd.DataFrame:
        """The regularity of all categories together."""
        sums = self.moments[["pairs", "squares", "fourths"]].sum()
        return regularity_facts(sums["pairs"], sums["squares"], sums["fourths"])


@dataclass(frozen=True)
class Categories:
    """What was learned of the categories, and of all of them together."""

    values: dict[str, float]
    """The cycle of all categories together, by every method."""
    never: float
    strength: float
    regularity: pd.DataFrame
    waits: dict[str, float]
    """In cycles of the category, not days."""
    table: pd.DataFrame
    """One row a category."""
    summary: pd.DataFrame
    """One row a category and method."""


def cycle_values(
    gaps: pd.DataFrame, pairs: pd.DataFrame, regularity: float, q: float
) -> tuple[dict[str, float], float]:
    """Return the cycle by every method, and the share that never returns."""
    survival = from_frame(gaps)
    ended = gaps[gaps["returned"]]
    values = {
        "kaplan_meier": float(survival.returned_within(0.5)),
        **of_ended(ended, q),
        **of_means(pairs),
    }
    values["gamma"] = erlang_median(values["mean"], regularity)
    return values, survival.never


def count_categories(orders: Orders, *, per_unit: bool) -> Counts:
    """Count what is to be learned from."""
    check_columns(orders, per_unit=per_unit)
    gaps = product_gaps(orders, per_unit=per_unit)
    if not gaps["returned"].any():
        raise NotEnoughHistoryError(
            "At least one customer must have bought the same category on two different days.",
            found=f"{int(gaps['gaps'].sum()):,} purchases, each the first of its category",
            hint="give a longer log, or wider categories.",
        )
    return Counts(
        gaps,
        product_silences(orders, per_unit=per_unit),
        product_buyers(orders, per_unit=per_unit),
        product_regularity(orders, per_unit=per_unit),
        (orders.as_of - orders.history.facts["first_day"]).days,
    )


def fit_categories(counts: Counts, *, method: str, q: float, min_gaps: int) -> Categories:
    """Learn the cycle of every category.

    Under `min_gaps` ended gaps a category borrows: its cycle is the mean of its own and the
    shop's, its own with the weight of gaps / min_gaps.
    """
    regularity = counts.regularity
    k = float(regularity["regularity"].iloc[0])
    shop, never = cycle_values(counts.gaps, _with_means(counts.silences, counts.gaps), k, q)
    table = _facts(counts)
    blocks = _blocks(counts, table, q)
    table = table.assign(**_borrowed(table, blocks, shop[method], method, min_gaps))
    relative = _in_cycles(counts.silences, table)
    strength = shrinkage_strength(relative, k)
    # A few thousand rows tell the waits; the rows are sorted, so that every category is heard.
    waits = fit_waits(relative.iloc[:: max(1, len(relative) // SAMPLE)], k)
    table["strength"] = _strengths(counts, table).fillna(strength)
    first = ["category", "cycle_days", "borrowed_share", "gaps", "open_share", "never_share"]
    table = table[[*first, "strength", *(n for n in table if n not in (*first, "strength"))]]
    summary = blocks.drop(columns="never_share")
    return Categories(shop, never, strength, regularity, waits, table, summary)


def waits_by_category(
    waits: dict[str, float], table: pd.DataFrame
) -> tuple[list[dict[str, float]], pd.DataFrame]:
    """Return the waits of categories by their regularity, and which of them each has.

    The first is that of all. How unequal customers are is learned from all categories together;
    how regular they are, from each one with enough pairs of gaps, to a tenth.
    """
    import pandas as pd

    own = table["regularity"].map(bounded)
    grid = np.round(np.log(own) / np.log(STEP)).astype("int64")
    known = table["pairs"] >= REGULARITY_PAIRS
    steps = sorted(set(grid[known]))
    made = [waits, *(at_regularity(waits, float(STEP**step)) for step in steps)]
    kind = grid.map({step: place for place, step in enumerate(steps, start=1)})
    kind = kind.where(known, 0).astype("int64")
    return made, pd.DataFrame({"category": table["category"], "own_kind": kind})


def _facts(counts: Counts) -> pd.DataFrame:
    """Return, for each category, its customers, who of them came back, and its regularity."""
    moments, buyers = counts.moments, counts.buyers
    facts = regularity_facts(moments["pairs"], moments["squares"], moments["fourths"])
    facts.insert(0, "category", moments["category"])
    table = buyers[["category"]].assign(
        customers=buyers["customers"].astype("int64"),
        repeat_share=buyers["again"].to_numpy(dtype=float) / buyers["customers"],
    )
    table = table.merge(facts, on="category", how="left")
    table["timing"] = table["timing"].fillna("unknown")
    return table.assign(pairs=table["pairs"].fillna(0).astype("int64"))


def _blocks(counts: Counts, table: pd.DataFrame, q: float) -> pd.DataFrame:
    """Return the cycle of each category by every method, from its own gaps; null without any."""
    import pandas as pd

    silences = dict(iter(counts.silences.groupby("category")))
    gaps_of = dict(iter(counts.gaps.groupby("category")))
    blocks = []
    for category, k in zip(table["category"], table["regularity"], strict=True):
        gaps, pairs = gaps_of[category], silences.get(category, counts.silences.iloc[:0])
        values, never = dict.fromkeys(METHODS, np.nan), np.nan
        if gaps["returned"].any():
            values, never = cycle_values(gaps, _with_means(pairs, gaps), k, q)
        block = side_by_side(values, gaps, counts.window).assign(never_share=never)
        block.insert(0, "category", category)
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True)


def _borrowed(
    table: pd.DataFrame, blocks: pd.DataFrame, shop: float, method: str, min_gaps: int
) -> dict[str, pd.Series[Any]]:
    """Return the cycle of each category, as far as need be from the shop's."""
    own = blocks[blocks["method"] == method].set_index("category").loc[table["category"]]
    own = own.reset_index()
    ended = (own["gaps"] * (1 - own["open_share"])).round()
    share = (1 - ended / min_gaps).clip(lower=0.0)
    return {
        "cycle_days": (1 - share) * own["cycle_days"].fillna(shop) + share * shop,
        "borrowed_share": share,
        **{name: own[name] for name in ("gaps", "open_share", "never_share")},
    }


def _strengths(counts: Counts, table: pd.DataFrame) -> pd.Series[Any]:
    """Estimate the strength of each category in which many came back."""
    again = counts.buyers.set_index("category")["again"]
    silences = dict(iter(counts.silences.groupby("category")))
    found = {
        category: shrinkage_strength(silences[category], k)
        for category, k in zip(table["category"], table["regularity"], strict=True)
        if again[category] >= STRENGTH_CUSTOMERS and category in silences
    }
    return table["category"].map(found).astype(float)


def _with_means(silences: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Return the customers; where none of the sample came back, the ended gaps in their place."""
    if (silences["repeat_purchases"] > 0).any():
        return silences
    ended = gaps[gaps["returned"]]
    return ended.assign(repeat_purchases=1, active_days=ended["gap_days"], customers=ended["gaps"])


def _in_cycles(silences: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Measure gaps in cycles of their category, so that all of them can be learned from at once."""
    cycle = table.set_index("category")["cycle_days"].clip(lower=SHORTEST)
    unit = silences["category"].map(cycle).to_numpy(dtype=float)
    return silences.assign(
        active_days=silences["active_days"] / unit,
        open_days=(silences["open_days"] + 0.5) / unit - 0.5,
    )
