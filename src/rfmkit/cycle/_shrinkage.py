"""Shrinkage: how far a customer's own gaps move the cycle away from the shop's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def shrinkage_strength(pairs: pd.DataFrame, regularity: float) -> float:
    """Estimate how many gaps the shop's cycle is worth, by the gamma-gamma marginal likelihood.

    Gaps are Gamma(k, k / m) with mean m, and 1 / m is Gamma over customers with shape w k + 1, so
    that the mean of m is c; then E[m | n gaps of sum s] = (s + w c) / (n + w). Maximised over w
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
    """Keep k where a gamma can be computed: 1 where it is not known, 50 for clockwork."""
    return float(np.clip(np.nan_to_num(regularity, nan=1.0, posinf=50.0), 0.5, 50.0))
