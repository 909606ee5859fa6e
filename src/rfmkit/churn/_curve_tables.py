"""Tables of a churn curve: survival by day, strata, and churn probability by days of silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import ibis
import numpy as np

from rfmkit.churn._strata import label, merge_strata
from rfmkit.cycle._survival import Survival, from_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Anchor = Literal["last_order", "snapshot"]
ANCHORS: Final = ("last_order", "snapshot")
CHURN: Final = ("churn_probability", "churn_lower", "churn_upper")

Stratum = tuple[int, int | None, Survival]
"""First and last order number (None for no last one), and the survival of the gaps after them."""


def estimate_strata(
    gaps: pd.DataFrame, order_numbers: Sequence[int], min_gaps: int
) -> list[Stratum]:
    """Estimate the survival of each stratum from `order_number, gap_days, returned, gaps`."""
    strata: list[Stratum] = []
    for first, last in merge_strata(gaps, tuple(order_numbers), min_gaps):
        inside = gaps["order_number"] >= first
        if last is not None:
            inside &= gaps["order_number"] <= last
        strata.append((first, last, from_frame(gaps[inside])))
    return strata


def survival_table(strata: Sequence[Stratum], confidence: float) -> pd.DataFrame:
    """Return the survival of each stratum by day, as `ChurnCurve.curve_`."""
    import pandas as pd

    tables = []
    for first, last, survival in strata:
        days = np.arange(survival.days + 1)
        lower, upper = survival.interval(np.zeros_like(days), days, confidence)
        tables.append(
            pd.DataFrame(
                {
                    "stratum": label(first, last),
                    "days": days,
                    "survival": survival.at(days),
                    "lower": lower,
                    "upper": upper,
                    "at_risk": survival.at_risk.astype("int64"),
                    "returns": survival.returns.astype("int64"),
                    "beyond_data": days > survival.tail_from,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def strata_table(strata: Sequence[Stratum]) -> pd.DataFrame:
    """Return one row per stratum, as `ChurnCurve.strata_`."""
    import pandas as pd

    rows = [
        {
            "stratum": label(first, last),
            "first_order_number": first,
            "last_order_number": last,
            "gaps": int(survival.at_risk[0]),
            "returns": int(survival.returns.sum()),
            "never_share": survival.never,
            "last_return_days": survival.tail_from,
        }
        for first, last, survival in strata
    ]
    return pd.DataFrame(rows).astype({"last_order_number": "Int64"})


def horizon_end(silent: Any, horizon_days: int, anchor: str) -> Any:
    """Return the day on which the horizon ends, counted from the last purchase."""
    if anchor == "snapshot":
        return silent + horizon_days
    return np.full_like(silent, horizon_days)


def last_silence(strata: Sequence[Stratum], horizon_days: int) -> int:
    """Return the days of silence after which the probability no longer changes."""
    return max(horizon_days, *(survival.days for _, _, survival in strata)) + 1


def probability_by_day(strata: Sequence[Stratum], horizon_days: int, anchor: str) -> Floats:
    """Return the churn probability: a row per stratum, a column per day of silence.

    NaN where nobody ever returned: such a stratum holds no evidence of how soon customers return.
    """
    silent = np.arange(last_silence(strata, horizon_days) + 1)
    end = horizon_end(silent, horizon_days, anchor)
    return np.stack(
        [
            survival.lasts(silent, end) if survival.returns.any() else np.full(len(silent), np.nan)
            for _, _, survival in strata
        ]
    )


def probability_table(
    strata: Sequence[Stratum], horizon_days: int, anchor: str, confidence: float
) -> pd.DataFrame:
    """Return the churn probability and its interval for each stratum and day of silence.

    Columns: `curve_stratum` (int64, position of the stratum), `curve_days` (int64, days of
    silence), `churn_probability, churn_lower, churn_upper` (float64, 0 to 1).
    """
    import pandas as pd

    probability = probability_by_day(strata, horizon_days, anchor)
    silent = np.arange(probability.shape[1])
    end = horizon_end(silent, horizon_days, anchor)
    tables = []
    for place, (_, _, survival) in enumerate(strata):
        lower, upper = survival.interval(silent, end, confidence)
        known = survival.returns.any()
        tables.append(
            pd.DataFrame(
                {
                    "curve_stratum": np.full_like(silent, place),
                    "curve_days": silent,
                    "churn_probability": probability[place],
                    "churn_lower": lower if known else np.nan,
                    "churn_upper": upper if known else np.nan,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def stratum_position(strata: Sequence[Stratum], purchases: ir.IntegerValue) -> ir.IntegerValue:
    """Return the position of the stratum for each number of purchases; null without a purchase."""
    places = [(purchases >= first, place) for place, (first, _, _) in enumerate(strata)]
    return ibis.cases(*reversed(places), else_=ibis.null("int64")).cast("int64")


def with_probability(
    customers: ir.Table, strata: Sequence[Stratum], table: pd.DataFrame
) -> ir.Table:
    """Return a table of customers with the columns of `probability_table` joined to it."""
    longest = int(table["curve_days"].max())
    customers = customers.drop(*(name for name in CHURN if name in customers.columns))
    keyed = customers.mutate(
        curve_stratum=stratum_position(strata, customers.purchases.cast("int64")),
        curve_days=customers.recency_days.cast("int64").clip(0, longest),
    )
    scored = keyed.left_join(ibis.memtable(table), ["curve_stratum", "curve_days"])
    return scored.select(*customers.columns, *CHURN)
