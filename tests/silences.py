"""Logs of customers by how long ago they bought, for the tests of segments."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

AS_OF = dt.date(2024, 12, 31)
SCORES = ["recency_score", "frequency_score", "monetary_score"]


def log_of(silences_by_customer: dict[str, list[int]], *, spend: float = 100.0) -> pd.DataFrame:
    """A log from the days before `AS_OF` on which each customer bought."""
    rows = [
        (customer, AS_OF - dt.timedelta(days=silence), spend)
        for customer, silences in silences_by_customer.items()
        for silence in silences
    ]
    log = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return log.assign(status="paid")


def stages_of(table: pd.DataFrame) -> dict[str, tuple[Any, Any]]:
    """Segment and phase by customer; None for no phase."""
    return {
        row.customer_id: (row.segment, row.phase if pd.notna(row.phase) else None)
        for row in table.itertuples()
    }
