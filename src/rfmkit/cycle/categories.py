"""Categories: the cycle of each, from its own gaps as far as they go, and from the shop's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rfmkit.cycle.methods import METHODS, erlang_median, of_ended, of_means, side_by_side
from rfmkit.cycle.products import (
    insist_on_columns,
    product_buyers,
    product_gaps,
    product_regularity,
    product_silences,
)
from rfmkit.cycle.regularity import regularity_facts
from rfmkit.cycle.shrinkage import shrinkage_strength
from rfmkit.cycle.waits import SAMPLE, fit_waits
from rfmkit.exceptions import NotEnoughHistoryError
from rfmkit.survival import from_frame

if TYPE_CHECKING:
    import pandas as pd

    from rfmkit.orders import Orders

STRENGTH_GAPS: Final = 200
"""From so many gaps on a category has a strength of its own."""
SHORTEST: Final = 0.5


@dataclass(frozen=True)
class Categories:
    """What was learned of the categories, and of all of them together."""

    values: dict[str, float]
    """The cycle of all categories together, by every method."""
    never: float
    strength: float
    regularity: pd.DataFrame
    gaps: pd.DataFrame
    waits: dict[str, float]
    table: pd.DataFrame
    """One row a category."""
    summary: pd.DataFrame
    """One row a category and method."""


def cycle_values(
    gaps: pd.DataFrame, pairs: pd.DataFrame, regularity: float, q: float
) -> tuple[dict[str, float], float]:
    """Give the cycle by every method, and the share that never returns."""
    survival = from_frame(gaps)
    ended = gaps[gaps["returned"]]
    values = {
        "kaplan_meier": float(survival.returned_within(0.5)),
        **of_ended(ended, q),
        **of_means(pairs),
    }
    values["gamma"] = erlang_median(values["mean"], regularity)
    return values, survival.never


def fit_categories(
    orders: Orders, *, method: str, q: float, min_gaps: int, per_unit: bool
) -> Categories:
    """Learn the cycle of every category.

    Under `min_gaps` ended gaps a category borrows: its cycle is the mean of its own and the
    shop's, its own with the weight of gaps / min_gaps.
    """
    insist_on_columns(orders, per_unit=per_unit)
    gaps = product_gaps(orders, per_unit=per_unit)
    if not gaps["returned"].any():
        raise NotEnoughHistoryError(
            "Somebody has bought the same category twice.",
            found=f"{int(gaps['gaps'].sum()):,} purchases, each the first of its category",
            hint="a longer log, or wider categories.",
        )
    moments = product_regularity(orders, per_unit=per_unit)
    silences = product_silences(orders, per_unit=per_unit)
    sums = moments[["pairs", "squares", "fourths"]].sum()
    regularity = regularity_facts(sums["pairs"], sums["squares"], sums["fourths"])
    k = float(regularity["regularity"].iloc[0])
    # A sample of the customers may hold none who came back; the gaps then stand for them.
    values, never = cycle_values(gaps, _with_means(silences, gaps), k, q)
    shop = Categories(values, never, np.nan, regularity, gaps, {}, gaps, gaps)
    buyers = product_buyers(orders, per_unit=per_unit)
    facts = moments[["category"]].join(
        regularity_facts(moments["pairs"], moments["squares"], moments["fourths"])
    )
    table = buyers[["category"]].assign(
        customers=buyers["customers"].astype("int64"),
        repeat_share=buyers["again"].to_numpy(dtype=float) / buyers["customers"],
    )
    table = table.merge(facts, on="category", how="left")
    table["pairs"] = table["pairs"].fillna(0).astype("int64")
    table["timing"] = table["timing"].fillna("unknown")
    window = (orders.as_of - orders.facts["first_day"]).days
    return _of_each(shop, table, silences, method=method, q=q, min_gaps=min_gaps, window=window)


def _of_each(
    shop: Categories,
    table: pd.DataFrame,
    silences: pd.DataFrame,
    *,
    method: str,
    q: float,
    min_gaps: int,
    window: int,
) -> Categories:
    import pandas as pd

    by_category = dict(iter(silences.groupby("category")))
    blocks, rows = [], []
    all_gaps = shop.gaps.groupby("category")
    for category, k in zip(table["category"], table["regularity"], strict=True):
        gaps = all_gaps.get_group(category)
        pairs = by_category.get(category, silences.iloc[:0])
        ended = int(gaps.loc[gaps["returned"], "gaps"].sum())
        values, never = dict.fromkeys(METHODS, np.nan), np.nan
        if ended:
            values, never = cycle_values(gaps, _with_means(pairs, gaps), k, q)
        borrowed = max(0.0, 1 - ended / min_gaps)
        own = values[method] if ended else 0.0
        block = side_by_side(values, gaps, window)
        block.insert(0, "category", category)
        blocks.append(block)
        rows.append(
            {
                "cycle_days": (1 - borrowed) * own + borrowed * shop.values[method],
                "borrowed_share": borrowed,
                "gaps": int(gaps["gaps"].sum()),
                "open_share": block["open_share"].iloc[0],
                "never_share": never,
                "strength": shrinkage_strength(pairs, k) if ended >= STRENGTH_GAPS else np.nan,
            }
        )
    found = pd.concat([table[["category"]], pd.DataFrame(rows), table.iloc[:, 1:]], axis=1)
    relative = _in_cycles(silences, found)
    k = float(shop.regularity["regularity"].iloc[0])
    strength = shrinkage_strength(relative, k)
    # A few thousand rows tell the waits; the rows are sorted, so that every category is heard.
    waits = fit_waits(relative.iloc[:: max(1, len(relative) // SAMPLE)], k)
    found["strength"] = found["strength"].fillna(strength)
    return Categories(
        shop.values, shop.never, strength, shop.regularity, shop.gaps, waits, found,
        pd.concat(blocks, ignore_index=True),
    )  # fmt: skip


def _with_means(silences: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Give the customers; where none of the sample came back, the ended gaps in their place."""
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
