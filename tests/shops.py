"""An uneventful shop, and the one warning that a log with one oddity must have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence


def shop(days: int = 120, a_day: int = 5) -> pd.DataFrame:
    """Return an uneventful log: a few orders a day, of many customers and many amounts."""
    rng = np.random.default_rng(3)
    size = days * a_day
    return pd.DataFrame({
        "order_id": [f"o{place}" for place in range(size)],
        "customer": [f"c{place}" for place in rng.integers(0, size // 4, size)],
        "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(size) // a_day, unit="D"),
        "total": [f"{cents / 100:.2f}" for cents in rng.integers(500, 5000, size)],
        "status": "paid",
    })  # fmt: skip


SHOP = shop()


def only(warnings: Sequence[str], start: str) -> str:
    """Return the one warning, which begins with `start`, or an empty text if there is none."""
    assert [warning for warning in warnings if not warning.startswith(start)] == []
    assert len(warnings) <= 1
    return warnings[0] if warnings else ""
