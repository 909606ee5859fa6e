"""The methods of `PurchaseCycle`: seven estimates of the cycle from counted gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["kaplan_meier", "median", "mean", "quantile", "normal", "lognormal", "gamma"]
METHODS: Final[dict[str, str]] = {
    "kaplan_meier": "median gap of those who return, open silences counted in",
    "median": "median of the ended gaps: biased low by the window",
    "mean": "mean of the ended gaps: biased low by the window",
    "quantile": "the q quantile of the ended gaps",
    "normal": "expectation of a normal fitted to the customers' mean gaps",
    "lognormal": "median of a lognormal fitted to the ended gaps",
    "gamma": "median of an Erlang-k with the mean of the ended gaps, k by Wheat and Morrison",
}
HALF: Final = 0.5
SHORTEST: Final = 0.5
"""Days that stand for a gap of 0 days, which has no logarithm."""


def methods_of_ended_gaps(ended: pd.DataFrame, q: float) -> dict[str, float]:
    """Return the cycle by the methods that use ended gaps, from a frame of `gap_days, gaps`."""
    counted = ended.groupby("gap_days")["gaps"].sum()
    days, weight = counted.index.to_numpy(dtype=float), counted.to_numpy(dtype=float)
    share = weight.cumsum() / weight.sum()
    logs = np.log(np.maximum(days, SHORTEST))
    return {
        "median": float(days[np.argmax(share >= HALF)]),
        "mean": float(np.average(days, weights=weight)),
        "quantile": float(days[np.argmax(share >= q)]),
        "lognormal": float(np.exp(np.average(logs, weights=weight))),
    }


def method_of_mean_gaps(pairs: pd.DataFrame) -> dict[str, float]:
    """Return the mean of the customers' mean gaps, the expectation of a normal fitted to them.

    The frame has `repeat_purchases`, `active_days` and `customers`.
    """
    twice = pairs[pairs["repeat_purchases"] > 0]
    means = twice["active_days"] / twice["repeat_purchases"]
    return {"normal": float(np.average(means, weights=twice["customers"]))}


def normal_skewness(pairs: pd.DataFrame) -> str:
    """Return the skewness of the customers' mean gaps in words: whether a normal fits them."""
    twice = pairs[pairs["repeat_purchases"] > 0]
    means, weights = twice["active_days"] / twice["repeat_purchases"], twice["customers"]
    apart = means - np.average(means, weights=weights)
    spread = np.sqrt(np.average(apart**2, weights=weights))
    if not spread:
        return "all mean gaps are equal"
    skewness = np.average((apart / spread) ** 3, weights=weights)
    return f"skewness {skewness:.1f}, where a normal has 0"


def erlang_median(mean: float, regularity: float) -> float:
    """Return the median of Erlang-k gaps with this mean; k is the regularity, rounded."""
    from scipy.stats import gamma

    if not np.isfinite(regularity):
        return mean
    k = max(1, round(regularity))
    return float(gamma.median(k, scale=mean / k))


def methods_table(values: dict[str, float], gaps: pd.DataFrame, window: int) -> pd.DataFrame:
    """Return one row per method: its cycle, and the gaps and days that it is estimated from."""
    import pandas as pd

    total, opened = int(gaps["gaps"].sum()), int(gaps.loc[~gaps["returned"], "gaps"].sum())
    return pd.DataFrame(
        {
            "method": list(METHODS),
            "cycle_days": [values[method] for method in METHODS],
            "gaps": total,
            "window_days": window,
            "open_share": opened / total,
            "note": list(METHODS.values()),
        }
    )
