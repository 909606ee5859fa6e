"""Strata of the order number: customers with more purchases return more often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

ORDER_NUMBERS: Final = (1, 2, 3, 5, 9)
"""The first order number of each stratum."""


def merge_strata(
    gaps: pd.DataFrame, starts: tuple[int, ...], min_gaps: int
) -> list[tuple[int, int | None]]:
    """Return the first and last order number of strata with at least `min_gaps` gaps each.

    Strata with fewer gaps are merged with the next lower one; the first stratum, with the next
    higher one.
    """
    total = gaps.groupby("order_number")["gaps"].sum()
    bounds: list[tuple[int, int | None]] = []
    last: int | None = None
    count = 0
    for first, following in zip(starts[::-1], (None, *starts[:0:-1]), strict=True):
        end = None if following is None else following - 1
        inside = (total.index >= first) & (total.index <= (end or total.index.max()))
        count += int(total[inside].sum())
        if count >= max(min_gaps, 1) or first == 1:
            bounds.append((first, last))
            last, count = first - 1, 0
    bounds.reverse()
    first_count = total[total.index <= (bounds[0][1] or total.index.max())].sum()
    if len(bounds) > 1 and first_count < min_gaps:
        bounds[:2] = [(1, bounds[1][1])]
    return bounds


def label(first: int, last: int | None) -> str:
    """Return the name of a stratum."""
    if last is None:
        return f"{first}+"
    return str(first) if first == last else f"{first}-{last}"
