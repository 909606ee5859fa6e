"""Waits: between which days the next purchase falls, for those who buy again.

Gaps are gamma, of customers unequal among themselves, who leave after a purchase with a
probability of their own. What is left out of a due date by the open silences is put back here: they
are counted in, so that a short log does not make short intervals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis
import numpy as np

from rfmkit.cycle._shrinkage import bounded
from rfmkit.history.snapshots import in_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

SAMPLE: Final = 5_000
MOST_GAPS: Final = 200
"""From here on another gap no longer moves the interval by a hundredth of its width."""
CENTURY: Final = 36_500
BOUNDS: Final = ((0.0, 6.0), (-12.0, 12.0), (-6.0, 6.0), (-6.0, 6.0))
"""Of the logarithms of shape, scale, a and b: from a shape of 1 on the mean wait is finite."""
NEXT: Final = ("next_purchase_from", "next_purchase_to")


def fit_waits(silences: pd.DataFrame, regularity: float) -> dict[str, float]:
    """Learn how long customers wait, the open silences counted in.

    Gaps of a customer are Gamma(k, k l) with rate l, l is Gamma(shape, scale_days) over customers,
    and after each purchase a customer leaves with probability p, Beta(a, b) over customers. With
    n gaps of sum s and a silence of r days, and G1 / G2 of G1 ~ Gamma(k), G2 ~ Gamma(shape + n k),
    the next gap is (scale_days / k + s) G1 / G2, a beta prime, and the likelihood is

        marginal(s | n) * (E[(1 - p)^n p] + E[(1 - p)^(n + 1)] P(next gap > r)).

    It is that of MBG/CNBD-k (Reutterer, Platzer and Schroeder 2021, IJRM 38) with any k over 0;
    the marginal is eq. 1a of Fader and Hardie (2013, "The Gamma-Gamma model of monetary value"),
    with gaps in the place of spend.

    Parameters
    ----------
    silences : DataFrame
        `repeat_purchases, active_days, open_days, customers`: how many customers of each kind.
    regularity : float
        k.

    Returns
    -------
    dict
        `regularity, shape, scale_days, leaving_a, leaving_b`.
    """
    from scipy.optimize import minimize
    from scipy.special import betainc, betaln, gammaln

    silences = silences[(silences["active_days"] > 0) | (silences["repeat_purchases"] == 0)]
    count, total, silent, weight = (
        silences[name].to_numpy(dtype=float)
        for name in ("repeat_purchases", "active_days", "open_days", "customers")
    )
    k, share = bounded(regularity), weight / weight.sum()
    unit = max(float((weight * total).sum() / max((weight * count).sum(), 1)), 0.5)
    n, s = k * count, k * total / unit
    # Nothing bought on the last day either: the silence has lasted half a day more.
    r = k * (silent + 0.5) / unit

    def loss(point: Floats) -> float:
        shape, scale, a, b = np.exp(point)
        after = shape + n
        lasts = betainc(after, k, (scale + s) / (scale + s + r))
        value = (
            gammaln(after) - gammaln(shape) + shape * np.log(scale) - after * np.log(scale + s)
            - betaln(a, b) + np.logaddexp(
                betaln(a + 1, b + count), betaln(a, b + count + 1) + np.log(lasts)
            )
        )  # fmt: skip
        return -float((share * value).sum())

    start = np.array([np.log(2 * k + 1), np.log(2 * k), 0.0, 1.0])
    with np.errstate(all="ignore"):  # a silence that no gap ever lasts has no logarithm
        found = minimize(loss, start, method="L-BFGS-B", bounds=BOUNDS).x
    return {
        "regularity": k,
        "shape": float(np.exp(found[0])),
        "scale_days": float(np.exp(found[1])) * unit,
        "leaving_a": float(np.exp(found[2])),
        "leaving_b": float(np.exp(found[3])),
    }


def silence_counts(orders: Orders) -> pd.DataFrame:
    """Count customers by gaps, their sum and the present silence; 5,000 of more, by hash."""
    table = orders.history.customers
    found = orders.history.engine.row(table.aggregate(customers=table.count()))["customers"]
    if found > SAMPLE:
        table = table.filter(in_sample(table.customer_id, SAMPLE / found))
    keys = {"open_days": table.recency_days}
    counted = table.group_by("repeat_purchases", "active_days", **keys).agg(customers=table.count())
    return orders.history.engine.frame(
        counted.order_by("repeat_purchases", "active_days", "open_days")
    )


def quantiles(waits: dict[str, float], interval: float) -> pd.DataFrame:
    """Tabulate the ends of the interval by number of gaps.

    A quantile of the next gap is (scale_days + k s) / (shape + k n), a customer's gap by the mean
    rate, times what stands here: it depends on n alone, and on nothing from `MOST_GAPS` on.
    """
    import pandas as pd
    from scipy.stats import betaprime

    k, gaps = waits["regularity"], np.arange(MOST_GAPS + 1)
    after = waits["shape"] + k * gaps
    lower, upper = (
        betaprime.ppf(0.5 + side * interval / 2, k, after) * after / k for side in (-1, 1)
    )
    return pd.DataFrame({"wait_gaps": gaps, "wait_lower": lower, "wait_upper": upper})


def at_regularity(waits: dict[str, float], regularity: float) -> dict[str, float]:
    """Return waits of the same median and the same spread of customers, of another regularity."""
    from scipy.stats import betaprime

    before, after = (
        betaprime.median(k, waits["shape"]) / k for k in (waits["regularity"], regularity)
    )
    return waits | {"regularity": regularity, "scale_days": waits["scale_days"] * before / after}


def with_interval(
    table: ir.Table,
    waits: Sequence[dict[str, float]],
    interval: float,
    *,
    kind: ir.Value | int = 0,
    unit: ir.Value | float = 1.0,
    pieces: ir.Value | None = None,
) -> ir.Table:
    """Add the days from and to which the next purchase is due.

    Parameters
    ----------
    table : Table
        Of `repeat_purchases`, `active_days` and `last_purchase`.
    waits : sequence of dict
        What `fit_waits` learned.
    interval : float
        The share of next purchases between the two days.
    kind : column or int
        The place of a row's own among the waits.
    unit : column or float
        What a day of `waits` is here: the cycle, where gaps were measured in cycles.
    pieces : column or float
        How many times that long it lasts: what was bought last, where gaps are per piece.
    """
    import pandas as pd

    tables = [
        quantiles(one, interval).assign(
            wait_kind=place, wait_k=one["regularity"], wait_shape=one["shape"],
            wait_scale=one["scale_days"],
        )
        for place, one in enumerate(waits)
    ]  # fmt: skip
    lookup = ibis.memtable(pd.concat(tables, ignore_index=True))
    keyed = table.mutate(
        wait_kind=ibis.literal(kind).cast("int64") if isinstance(kind, int) else kind,
        wait_gaps=table.repeat_purchases.clip(0, MOST_GAPS).cast("int64"),
        wait_unit=ibis.literal(unit) if isinstance(unit, float) else unit,
        wait_pieces=ibis.literal(1.0) if pieces is None else pieces,
    )
    found = keyed.left_join(lookup, ["wait_kind", "wait_gaps"])
    gaps, total = (found[name].cast("float64") for name in ("repeat_purchases", "active_days"))
    mean = (found.wait_unit * found.wait_scale + total * found.wait_k) / (
        gaps * found.wait_k + found.wait_shape
    )
    ends = zip(NEXT, ("wait_lower", "wait_upper"), strict=True)
    return found.select(
        *(name for name in table.columns if name not in NEXT),
        **{name: day_after(found, mean * found[at] * found.wait_pieces) for name, at in ends},
    )


def day_after(table: ir.Table, days: ir.FloatingValue) -> ir.DateValue:
    """Return the day so many days after the last purchase, of a century at the most."""
    wait = days.clip(0, CENTURY).round().cast("int64").as_interval("D")
    # A date plus an interval is a timestamp on some engines, whatever Ibis calls it.
    return (table.last_purchase.cast("date") + wait).cast("timestamp").cast("date")
