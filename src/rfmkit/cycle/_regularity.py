"""Regularity: how evenly a customer's purchases are spaced (Wheat and Morrison 1990)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from rfmkit.history.snapshots import in_sample
from rfmkit.orders._history import days_between

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

SAMPLE: Final = 100_000
MIN_PAIRS: Final = 2
"""A variance needs two."""
Z_95: Final = 1.96
"""The normal quantile of an interval of 95 %."""


def wheat_morrison(first: Floats, second: Floats, weight: Floats) -> float:
    """Return regularity k from pairs of gaps; the order within a pair does not matter.

    nan with fewer than two pairs. Wheat and Morrison (1990), "Estimating purchase regularity with
    two interpurchase times", Journal of Marketing Research 27.

    >>> import numpy as np
    >>> round(wheat_morrison(np.array([10., 20.]), np.array([30., 20.]), np.ones(2)), 2)
    3.5
    """
    if weight.sum() < MIN_PAIRS:
        return float("nan")
    spread = np.average((first / (first + second) - 0.5) ** 2, weights=weight)
    return float(regularity_of(spread))


def regularity_of(spread: ArrayLike) -> Floats:
    """Return k = (1 - 4 v) / (8 v) of v = E[(M - 1/2)^2]; infinite if all gaps are equal.

    >>> regularity_of([1 / 12, 1 / 20, 0]).round(9).tolist()  # exponential, Erlang-2, all equal
    [1.0, 2.0, inf]
    """
    v = np.asarray(spread, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(v > 0, (1 - 4 * v) / (8 * v), np.where(v == 0, np.inf, np.nan))


def regularity_table(pairs: ArrayLike, squares: ArrayLike, fourths: ArrayLike) -> pd.DataFrame:
    """Return k with its interval of 95 %, one row for each set of pairs.

    Parameters
    ----------
    pairs, squares, fourths : array-like
        The number of pairs of gaps, and the sums of (M - 1/2)^2 and (M - 1/2)^4 over them.

    Returns
    -------
    DataFrame
        `pairs` (int64), `regularity`, `regularity_lower`, `regularity_upper` (float64) and
        `timing` (str). The interval is the normal one of the mean of (M - 1/2)^2, transformed to
        k. `timing` is ``"regular"`` if the interval is above 1, ``"clumped"`` if it is below 1,
        ``"random"`` if it contains 1, and ``"unknown"`` with fewer than two pairs.
    """
    import pandas as pd

    count = np.atleast_1d(np.asarray(pairs, dtype=float))
    known = count >= MIN_PAIRS
    least = np.where(known, count, np.nan)
    mean = np.atleast_1d(np.asarray(squares, dtype=float)) / least
    spread = np.maximum(np.atleast_1d(np.asarray(fourths, dtype=float)) / least - mean**2, 0)
    error = Z_95 * np.sqrt(spread / (least - 1))
    # v lies between 0 and 1/4: k between 0 and infinity (all gaps equal).
    lower, upper = (
        regularity_of(np.minimum(mean + error, 0.25)),
        regularity_of(np.maximum(mean - error, 0)),
    )
    words = [known & (lower > 1), known & (upper < 1), known]
    return pd.DataFrame(
        {
            "pairs": count.astype("int64"),
            "regularity": regularity_of(mean),
            "regularity_lower": lower,
            "regularity_upper": upper,
            "timing": np.select(words, ["regular", "clumped", "random"], "unknown"),
        }
    )


def last_two(orders: Orders) -> tuple[Floats, Floats, Floats]:
    """Return each pair of last two gaps in days, and how many customers have it."""
    pairs = orders.history.engine.frame(two_last_gaps(orders))
    first, second, weight = (
        pairs[name].to_numpy(dtype=float) for name in ("gap_before", "last_gap", "customers")
    )
    return first, second, weight


def regularity_of_pairs(first: Floats, second: Floats, weight: Floats) -> pd.DataFrame:
    """Return k with its interval, in one row, from weighted pairs of gaps."""
    squares = (first / (first + second) - 0.5) ** 2
    return regularity_table(weight.sum(), (weight * squares).sum(), (weight * squares**2).sum())


def two_last_gaps(orders: Orders) -> ir.Table:
    """Return how many customers have each pair of last two gaps: `gap_before`, `last_gap`.

    Of more than 100,000 customers with three purchases, about 100,000 are counted, chosen by a hash
    of their id. The regularity is then exact to three digits.
    """
    often = orders.history.customers.filter(lambda t: t.purchases >= 3)  # noqa: PLR2004
    found = orders.history.engine.row(often.aggregate(customers=often.count()))["customers"]
    if found > SAMPLE:
        often = often.filter(in_sample(often.customer_id, SAMPLE / found))
    # `customers` has the last gap. The gap before it began two purchases before the last one.
    often = often.select(
        "customer_id", "last_gap_days", purchase_number=(often.purchases - 2).cast("int32")
    )
    pairs = orders.history.purchases.inner_join(often, ["customer_id", "purchase_number"])
    # Of several orders of one purchase, only the last one has a gap: max() ignores the others.
    pairs = pairs.group_by("customer_id").agg(
        gap_before=days_between(pairs.day, pairs.next_day).max(),
        last_gap=pairs.last_gap_days.max(),
    )
    pairs = pairs.filter(pairs.gap_before + pairs.last_gap > 0)
    counted = pairs.group_by("gap_before", "last_gap").agg(customers=pairs.count())
    return counted.order_by("gap_before", "last_gap")
