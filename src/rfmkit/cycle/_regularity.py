"""Regularity: whether purchases come as by the clock, or at random (Wheat and Morrison)."""

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
FEWEST: Final = 2
"""Two pairs, for a variance."""
NORMAL: Final = 1.96


def wheat_morrison(first: Floats, second: Floats, weight: Floats) -> float:
    """Estimate regularity k from pairs of gaps; the order of the two does not matter.

    >>> import numpy as np
    >>> round(wheat_morrison(np.array([10., 20.]), np.array([30., 20.]), np.ones(2)), 2)
    3.5
    """
    if weight.sum() < FEWEST:
        return float("nan")
    spread = np.average((first / (first + second) - 0.5) ** 2, weights=weight)
    return float(k_of(spread))


def k_of(spread: ArrayLike) -> Floats:
    """Return k of v = E[(M - 1/2)^2]: (1 - 4 v) / (8 v); infinite where all gaps are equal.

    >>> k_of([1 / 12, 1 / 20, 0]).round(9).tolist()  # exponential gaps, Erlang-2, clockwork
    [1.0, 2.0, inf]
    """
    v = np.asarray(spread, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(v > 0, (1 - 4 * v) / (8 * v), np.where(v == 0, np.inf, np.nan))


def regularity_facts(pairs: ArrayLike, squares: ArrayLike, fourths: ArrayLike) -> pd.DataFrame:
    """Return k with its interval, for one set of pairs or many.

    Parameters
    ----------
    pairs, squares, fourths : array-like
        How many pairs of gaps, and the sums of (M - 1/2)^2 and (M - 1/2)^4 over them.

    Returns
    -------
    DataFrame
        `pairs, regularity, regularity_lower, regularity_upper, timing`. The interval of 95 % is
        that of the mean of (M - 1/2)^2, by the spread of what it averages: k falls as it rises.
        `timing` is ``"regular"`` where the whole interval lies over 1, ``"clumped"`` where it
        lies under 1, ``"random"`` where it holds 1, and ``"unknown"`` under two pairs.
    """
    import pandas as pd

    count = np.atleast_1d(np.asarray(pairs, dtype=float))
    known = count >= FEWEST
    least = np.where(known, count, np.nan)
    mean = np.atleast_1d(np.asarray(squares, dtype=float)) / least
    spread = np.maximum(np.atleast_1d(np.asarray(fourths, dtype=float)) / least - mean**2, 0)
    error = NORMAL * np.sqrt(spread / (least - 1))
    # v lies between 0 and 1/4: k between 0 and infinity (all gaps equal).
    lower, upper = k_of(np.minimum(mean + error, 0.25)), k_of(np.maximum(mean - error, 0))
    words = [known & (lower > 1), known & (upper < 1), known]
    return pd.DataFrame(
        {
            "pairs": count.astype("int64"),
            "regularity": k_of(mean),
            "regularity_lower": lower,
            "regularity_upper": upper,
            "timing": np.select(words, ["regular", "clumped", "random"], "unknown"),
        }
    )


def last_two(orders: Orders) -> tuple[Floats, Floats, Floats]:
    """Return the last two gaps of customers, and how many customers have them."""
    pairs = orders.history.engine.frame(two_last_gaps(orders))
    first, second, weight = (
        pairs[name].to_numpy(dtype=float) for name in ("gap_before", "last_gap", "customers")
    )
    return first, second, weight


def facts_of_pairs(first: Floats, second: Floats, weight: Floats) -> pd.DataFrame:
    """Return k with its interval from pairs of gaps: one row."""
    squares = (first / (first + second) - 0.5) ** 2
    return regularity_facts(weight.sum(), (weight * squares).sum(), (weight * squares**2).sum())


def two_last_gaps(orders: Orders) -> ir.Table:
    """Count customers by their last two gaps, for regularity.

    Of more than 100,000 customers with three purchases so many are sampled, by hash: regularity
    is then known to its third digit, at a tenth of the cost.
    """
    often = orders.history.customers.filter(lambda t: t.purchases >= 3)  # noqa: PLR2004
    found = orders.history.engine.row(often.aggregate(customers=often.count()))["customers"]
    if found > SAMPLE:
        often = often.filter(in_sample(often.customer_id, SAMPLE / found))
    # The last gap is known of the customer; the one before began two purchases before the last.
    often = often.select(
        "customer_id", "last_gap_days", purchase_number=(often.purchases - 2).cast("int32")
    )
    pairs = orders.history.purchases.inner_join(often, ["customer_id", "purchase_number"])
    # Of several orders of a purchase the last one begins the gap, and is the only one to have one.
    pairs = pairs.group_by("customer_id").agg(
        gap_before=days_between(pairs.day, pairs.next_day).max(),
        last_gap=pairs.last_gap_days.max(),
    )
    pairs = pairs.filter(pairs.gap_before + pairs.last_gap > 0)
    counted = pairs.group_by("gap_before", "last_gap").agg(customers=pairs.count())
    return counted.order_by("gap_before", "last_gap")
