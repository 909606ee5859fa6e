"""Gaps between purchases for the tests of churn: raw gaps of the sample, and logs by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter


def raw_gaps_of(sample: pd.DataFrame) -> pd.DataFrame:
    """Return every gap of the sample, computed from its rows."""
    paid = sample["status"].isin(["paid", "shipped", "completed", "partially_refunded"])
    days = sample[paid].assign(day=sample["ordered_at"].dt.normalize())
    days = days[["customer_id", "day"]].drop_duplicates().sort_values(["customer_id", "day"])
    by_customer = days.groupby("customer_id")["day"]
    following = by_customer.shift(-1)
    as_of = sample["ordered_at"].max().normalize()
    return pd.DataFrame(
        {
            "order_number": by_customer.cumcount() + 1,
            "gap_days": (following.fillna(as_of) - days["day"]).dt.days,
            "returned": following.notna(),
        }
    )


def kaplan_meier(gaps: pd.DataFrame) -> KaplanMeierFitter:
    """Return lifelines' fit of raw gaps."""
    with np.errstate():  # lifelines turns off numpy's warnings
        return KaplanMeierFitter().fit(gaps["gap_days"], gaps["returned"])


def by_hand(rows: list[tuple[int, int | None]]) -> pd.DataFrame:
    """Return customers by their number of purchases and their days of silence."""
    purchases, silent = zip(*rows, strict=True)
    ids = [f"c{place}" for place in range(len(rows))]
    return pd.DataFrame({"customer_id": ids, "purchases": purchases, "recency_days": silent})


def log_of(rows: list[tuple[str, int]], **columns: Any) -> pd.DataFrame:
    """Return a log of (customer, day), with more columns."""
    who, day = zip(*rows, strict=True)
    dates = pd.Timestamp("2015-01-01") + pd.to_timedelta(np.array(day), unit="D")
    return pd.DataFrame({"customer_id": who, "date": dates, "amount": 1.0} | columns)
