"""Shrinkage: the weight of a customer's own gaps against the cycle of the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]


def count_gap_sums(orders: Orders) -> pd.DataFrame:
    """Return how many customers have each number and sum of gaps, which is all a fit needs."""
    table = orders.history.customers
    counted = table.group_by("repeat_purchases", "active_days").agg(customers=table.count())
    return orders.history.engine.frame(counted.order_by("repeat_purchases", "active_days"))


def shrinkage_strength(pairs: pd.DataFrame, regularity: float) -> float:
    """Return w, the number of gaps that the shop's cycle c is worth, by maximum likelihood.

    Parameters
    ----------
    pairs : DataFrame
        `repeat_purchases`, `active_days` and `customers` (how many have these values).
    regularity : float
        The shape k of the gaps of one customer.

    Returns
    -------
    float
        w; 1 with fewer than two customers who bought twice.

    Notes
    -----
    Gaps are Gamma(k, k / m) with mean m. Over customers 1 / m is gamma with shape w k + 1, so that
    the mean of m is c. Then E[m | n gaps of sum s] = (s + w c) / (n + w). The marginal likelihood
    (Fader and Hardie 2013, "The Gamma-Gamma model of monetary value", eq. 1a) is maximised over w
    and c.
    """
    from scipy.optimize import minimize
    from scipy.special import digamma, gammaln

    pairs = pairs[(pairs["repeat_purchases"] > 0) & (pairs["active_days"] > 0)]
    count, total, weight = (
        pairs[name].to_numpy(dtype=float)
        for name in ("repeat_purchases", "active_days", "customers")
    )
    k = bounded(regularity)
    if weight.sum() < 2:  # noqa: PLR2004
        return 1.0
    centre = float((weight * total).sum() / (weight * count).sum())
    n, s, share = k * count, k * total, weight / weight.sum()

    def loss(logs: Floats) -> tuple[float, Floats]:
        strength, at = np.exp(logs)
        shape, scale = strength * k + 1, strength * at * k * centre
        value = (
            gammaln(shape + n) - gammaln(shape)
            + shape * np.log(scale / (scale + s)) - n * np.log(scale + s)
        )  # fmt: skip
        by_shape = digamma(shape + n) - digamma(shape) + np.log(scale / (scale + s))
        by_scale = shape / scale - (shape + n) / (scale + s)
        slope_at = (share * by_scale).sum() * scale
        slope = (share * by_shape).sum() * strength * k + slope_at
        return -float((share * value).sum()), -np.array([slope, slope_at])

    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-5, 8), (-5, 5)])
    return float(np.exp(found.x[0]))


def bounded(regularity: float) -> float:
    """Return k between 0.5 and 50, where a gamma is computed well; 1 if k is nan."""
    return float(np.clip(np.nan_to_num(regularity, nan=1.0, posinf=50.0), 0.5, 50.0))
