"""The distribution of gaps: between which days the next purchase of a returning customer falls.

The gaps of one customer follow a gamma distribution. Its rate differs between customers, and after
each purchase a customer leaves with a probability that also differs between customers. The fit
includes the gaps that are still open: without them a short log would give intervals that are too
short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis
import numpy as np

from rfmkit._checks import CENTURY
from rfmkit.cycle._shrinkage import bounded
from rfmkit.history.snapshots import in_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

GapDistribution = dict[str, float]
"""Its parameters by name, as `PurchaseCycle.gap_distribution_` holds them."""
SAMPLE: Final = 5_000
"""Customers that are enough for the fit."""
MOST_GAPS: Final = 200
"""With more gaps than this, the interval changes by less than a hundredth of its width."""
BOUNDS: Final = ((0.0, 6.0), (-12.0, 12.0), (-6.0, 6.0), (-6.0, 6.0))
"""Of the logarithms of shape, scale, a and b. The mean gap is finite only for a shape over 1."""
INTERVAL_COLUMNS: Final = ("next_purchase_from", "next_purchase_to")


def fit_gap_distribution(silences: pd.DataFrame, regularity: float) -> GapDistribution:
    """Return the parameters of the distribution of gaps, by maximum likelihood.

    Parameters
    ----------
    silences : DataFrame
        `repeat_purchases`, `active_days`, `open_days` (days since the last purchase) and
        `customers` (how many have these values).
    regularity : float
        The shape k of the gaps of one customer, by Wheat and Morrison.

    Returns
    -------
    dict
        `regularity` (k), `shape` and `scale_days` of the rates, `leaving_a` and `leaving_b`.

    Notes
    -----
    The gaps of a customer are Gamma(k, k l) with rate l. Over customers, l is Gamma(shape,
    scale_days). After each purchase a customer leaves with probability p; over customers, p is
    Beta(a, b). After n gaps of sum s, the next gap is (scale_days / k + s) G1 / G2 with
    G1 ~ Gamma(k) and G2 ~ Gamma(shape + n k): a beta prime distribution. With r days since the
    last purchase, the likelihood of a customer is

        marginal(s | n) * (E[(1 - p)^n p] + E[(1 - p)^(n + 1)] P(next gap > r)).

    This is the likelihood of MBG/CNBD-k (Reutterer, Platzer and Schroeder 2021, "Leveraging
    purchase regularity for predicting customer behavior the easy way", International Journal of
    Research in Marketing 38), for any k over 0. The marginal is eq. 1a of Fader and Hardie (2013,
    "The Gamma-Gamma model of monetary value"), with gaps in the place of spend.
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
    # Nothing was bought on the last day either: on average half a day more has passed.
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
    with np.errstate(all="ignore"):  # the logarithm of P(next gap > r) may be that of 0
        found = minimize(loss, start, method="L-BFGS-B", bounds=BOUNDS).x
    return {
        "regularity": k,
        "shape": float(np.exp(found[0])),
        "scale_days": float(np.exp(found[1])) * unit,
        "leaving_a": float(np.exp(found[2])),
        "leaving_b": float(np.exp(found[3])),
    }


def count_silences(orders: Orders) -> pd.DataFrame:
    """Return how many customers have each `repeat_purchases`, `active_days` and `open_days`.

    Of more than 5,000 customers, about 5,000 are counted, chosen by a hash of their id.
    """
    table = orders.history.customers
    found = orders.history.engine.row(table.aggregate(customers=table.count()))["customers"]
    if found > SAMPLE:
        table = table.filter(in_sample(table.customer_id, SAMPLE / found))
    keys = {"open_days": table.recency_days}
    counted = table.group_by("repeat_purchases", "active_days", **keys).agg(customers=table.count())
    return orders.history.engine.frame(
        counted.order_by("repeat_purchases", "active_days", "open_days")
    )


def interval_factors(distribution: GapDistribution, interval: float) -> pd.DataFrame:
    """Return the ends of the interval as multiples of a customer's mean gap, by number of gaps.

    The mean gap of a customer with n gaps of sum s is (scale_days + k s) / (shape + k n): the gap
    at the posterior mean of the rate. The factors depend on n alone, and `MOST_GAPS` stands for
    every larger n.
    """
    import pandas as pd
    from scipy.stats import betaprime

    k, gaps = distribution["regularity"], np.arange(MOST_GAPS + 1)
    after = distribution["shape"] + k * gaps
    lower, upper = (
        betaprime.ppf(0.5 + side * interval / 2, k, after) * after / k for side in (-1, 1)
    )
    return pd.DataFrame({"n_gaps": gaps, "lower_factor": lower, "upper_factor": upper})


def at_regularity(distribution: GapDistribution, regularity: float) -> GapDistribution:
    """Return a distribution of another regularity, with the same median and spread of rates."""
    from scipy.stats import betaprime

    before, after = (
        betaprime.median(k, distribution["shape"]) / k
        for k in (distribution["regularity"], regularity)
    )
    scale = distribution["scale_days"] * before / after
    return distribution | {"regularity": regularity, "scale_days": scale}


def with_interval(
    table: ir.Table,
    distributions: Sequence[GapDistribution],
    interval: float,
    *,
    place: ir.Value | int = 0,
    unit_days: ir.Value | float = 1.0,
    pieces: ir.Value | None = None,
) -> ir.Table:
    """Return a table with the dates between which the next purchase falls.

    Parameters
    ----------
    table : Table
        With `repeat_purchases`, `active_days` and `last_purchase`.
    distributions : sequence of dict
        What `fit_gap_distribution` returned.
    interval : float
        The share of next purchases between the two dates.
    place : column or int
        Which of the distributions each row has.
    unit_days : column or float
        The unit of `scale_days` in days: the cycle, if gaps were measured in cycles.
    pieces : column, optional
        How many pieces were bought last, if gaps are per piece.
    """
    import pandas as pd

    tables = [
        interval_factors(one, interval).assign(
            place=number, k=one["regularity"], shape=one["shape"], scale=one["scale_days"]
        )
        for number, one in enumerate(distributions)
    ]
    # The prefix keeps them apart from columns of the caller's own.
    lookup = ibis.memtable(pd.concat(tables, ignore_index=True).add_prefix("rfmkit_"))
    keyed = table.mutate(
        rfmkit_place=ibis.literal(place).cast("int64") if isinstance(place, int) else place,
        rfmkit_n_gaps=table.repeat_purchases.clip(0, MOST_GAPS).cast("int64"),
        rfmkit_unit=ibis.literal(unit_days) if isinstance(unit_days, float) else unit_days,
        rfmkit_pieces=ibis.literal(1.0) if pieces is None else pieces,
    )
    found = keyed.left_join(lookup, ["rfmkit_place", "rfmkit_n_gaps"])
    gaps, total = (found[name].cast("float64") for name in ("repeat_purchases", "active_days"))
    mean = (found.rfmkit_unit * found.rfmkit_scale + total * found.rfmkit_k) / (
        gaps * found.rfmkit_k + found.rfmkit_shape
    )
    factors = {
        name: found[f"rfmkit_{end}_factor"] * found.rfmkit_pieces
        for name, end in zip(INTERVAL_COLUMNS, ("lower", "upper"), strict=True)
    }
    return found.select(
        *(name for name in table.columns if name not in INTERVAL_COLUMNS),
        **{name: day_after(found, mean * factor) for name, factor in factors.items()},
    )


def day_after(table: ir.Table, days: ir.FloatingValue) -> ir.DateValue:
    """Return the date that is `days` after the last purchase, at most a century."""
    wait = days.clip(0, CENTURY).round().cast("int64").as_interval("D")
    # A date plus an interval is a timestamp on some engines, whatever Ibis calls it.
    return (table.last_purchase.cast("date") + wait).cast("timestamp").cast("date")
