"""Features of customers on a day: facts computed by the engine, and columns for learners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np

from rfmkit.history.snapshots import in_sample
from rfmkit.orders._history import days_between

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

WINDOWS: Final = (0.5, 1.0, 2.0, 4.0)
"""Lengths of the trailing windows, as multiples of the horizon."""

RECENT: Final = 2
"""Index of the window whose spend is compared with the total spend."""
GROUPS: Final = {
    "purchases": ("repeat_purchases", "active_days"),
    "silence": ("recency_days",),
    "recent_purchases": tuple(f"purchases_{place}" for place in range(len(WINDOWS))),
    "rhythm": ("last_gap_days", "gap_squares"),
    "value": ("spend", "recent_spend"),
}
"""The facts about a customer, in the groups that are explained together."""

FACTS: Final = tuple(name for names in GROUPS.values() for name in names)
PLACES: Final = {name: place for place, name in enumerate(FACTS)}
BOUGHT: Final = ("repeat_purchases", "active_days", "recency_days")
"""The facts that a buy-till-you-die model uses."""
PRIOR_GAPS: Final = 3.0
"""Gaps of random timing that are added to the gaps of each customer, to shrink irregularity."""


def feature_table(orders: Orders, *, horizon_days: int, share: float = 1.0) -> ir.Table:
    """Return one row per customer with the facts that were known at the end of `orders.as_of`."""
    table = orders.history.purchases
    if share < 1:
        table = table.filter(in_sample(table.customer_id, share))
    today = ibis.literal(orders.as_of)
    ends = orders.history.ends_purchase(table)
    ended = table.next_day.notnull() & ends
    gap = days_between(table.day, table.next_day)
    silent = days_between(table.day, today)
    sums: dict[str, Any] = {
        "purchases": table.purchase_number.max(),
        "first_purchase": table.day.min(),
        "last_purchase": table.day.max(),
        "previous_purchase": table.day.max(where=ended),
        "gap_squares": (gap * gap).sum(where=ended),
        "spend": table.amount.sum(),  # a sum of decimals does not depend on the order of rows
        "recent_spend": table.amount.sum(where=silent < round(WINDOWS[RECENT] * horizon_days)),
    }
    for place, window in enumerate(WINDOWS):
        inside = silent < round(window * horizon_days)
        sums[f"opened_{place}"] = table.purchase_number.min(where=inside)
    found = table.group_by("customer_id").agg(**sums)
    facts = {
        "repeat_purchases": found.purchases - 1,
        "active_days": days_between(found.first_purchase, found.last_purchase),
        "recency_days": days_between(found.last_purchase, today),
        "last_gap_days": days_between(found.previous_purchase, found.last_purchase),
        "gap_squares": found.gap_squares,
        "spend": found.spend,
        "recent_spend": found.recent_spend,
    }
    for place in range(len(WINDOWS)):
        facts[f"purchases_{place}"] = found.purchases - found[f"opened_{place}"] + 1
    return found.select(
        "customer_id", **{name: facts[name].cast("float64").fill_null(0) for name in FACTS}
    )


def measures(facts: Floats, rates: tuple[float, float]) -> dict[str, Floats]:
    """Return the columns for learners, computed from facts with a row per customer.

    `rates` are the shape and rate of the gamma distribution of purchase rates over customers (r
    and alpha of the BTYD model). They shrink the cycle of customers with few purchases.
    """
    column = {name: facts[:, place] for name, place in PLACES.items()}
    shape, scale = rates
    repeats, active, silent = (column[name] for name in BOUGHT)
    tenure = active + silent
    cycle = np.clip((scale + active) / (shape + repeats), 0.1, 1e5)
    mean = active / np.maximum(repeats, 1)
    spread = np.sqrt(np.maximum(column["gap_squares"] / np.maximum(repeats, 1) - mean**2, 0))
    own = np.where(repeats > 0, spread / np.maximum(mean, 0.5), 0) * repeats
    value = np.log1p(np.maximum(column["spend"], 0) / (repeats + 1))
    recent = column[f"purchases_{RECENT}"]
    latest = np.log1p(np.maximum(column["recent_spend"], 0) / np.maximum(recent, 1))
    found = {
        "repeat_purchases": np.log1p(repeats),
        "recency_days": np.log1p(silent),
        "tenure_days": np.log1p(tenure),
        "idle_share": silent / np.maximum(tenure, 1),
        "cycle_days": np.log(cycle),
        "cycles_silent": np.log1p(silent / cycle),
        "irregularity": (own + PRIOR_GAPS) / (repeats + PRIOR_GAPS),
        "gap_trend": np.where(
            repeats > 1, np.log((column["last_gap_days"] + cycle) / (mean + cycle)), 0
        ),
        "mean_value": value,
        "value_trend": np.where(recent > 0, latest - value, 0),
    }
    for name in GROUPS["recent_purchases"]:
        found[name] = np.log1p(column[name])
    return found
