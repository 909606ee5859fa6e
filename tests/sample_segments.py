"""What the bundled sample says by default, learned once in a process; never to be changed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import rfmkit as rk

if TYPE_CHECKING:
    import pandas as pd


@cache
def parts_of(orders: Any) -> dict[str, Any]:
    """The cycle, the curve and the scorer of a log, as arguments of `segment`."""
    return {
        "cycle": rk.PurchaseCycle().fit(orders),
        "churn": rk.ChurnCurve().fit(orders),
        "scorer": rk.RFMScorer().fit(orders),
    }


@cache
def segments_of(orders: Any) -> pd.DataFrame:
    """The segments of a log, as `segment` gives them without any other argument."""
    return rk.segment(orders)


@cache
def chinese_segments_of(orders: Any) -> pd.DataFrame:
    """The segments of a log in Chinese."""
    return rk.segment(orders, lang="zh", **parts_of(orders))
