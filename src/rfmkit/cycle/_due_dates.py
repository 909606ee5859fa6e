"""Due dates: the cycle, next purchase and overdue ratio of each customer, by a fitted cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import ibis

from rfmkit.cycle._categories import distributions_by_category
from rfmkit.cycle._gap_distribution import (
    INTERVAL_COLUMNS,
    GapDistribution,
    day_after,
    with_interval,
)
from rfmkit.cycle._products import check_columns, product_customers

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from rfmkit.orders.orders import Orders

DUE_COLUMNS: Final = ("cycle_days", "expected_next_purchase", *INTERVAL_COLUMNS, "overdue_ratio")


@dataclass(frozen=True)
class FittedCycle:
    """The values of a fitted `PurchaseCycle` from which due dates are computed."""

    cycle_days: float
    strength: float
    distribution: GapDistribution
    interval: float


def customer_due_dates(table: ir.Table, cycle: FittedCycle) -> ir.Table:
    """Return a table of customers with the due columns last, computed anew if they are there."""
    due = with_cycle(table, cycle.cycle_days, cycle.strength)
    due = with_interval(due, [cycle.distribution], cycle.interval)
    return due.select(*(name for name in due.columns if name not in DUE_COLUMNS), *DUE_COLUMNS)


def product_due_dates(
    orders: Orders, cycle: FittedCycle, *, categories: pd.DataFrame, per_unit: bool
) -> ir.Table:
    """Return one row per customer and category of a log, with the due columns.

    `cycle` is that of all categories together, `categories` the table of each of them.

    Raises
    ------
    ColumnsError
        The log has no category, or for ``per_unit=True`` no quantity.
    """
    check_columns(orders, per_unit=per_unit)
    distributions, learned = distributions_by_category(cycle.distribution, categories)
    learned["own_cycle"] = categories["cycle_days"]
    learned["own_strength"] = categories["strength"]
    table = product_customers(orders, per_unit=per_unit)
    table = table.left_join(ibis.memtable(learned), ["category"]).drop("category_right")
    # A category that was not there in `fit` has the values of all categories together.
    table = table.mutate(
        own_cycle=table.own_cycle.fill_null(cycle.cycle_days),
        own_strength=table.own_strength.fill_null(cycle.strength),
        own_place=table.own_place.fill_null(0).cast("int64"),
    )
    pieces = table.last_units if per_unit else None
    due = with_cycle(table, table.own_cycle, table.own_strength, pieces=pieces)
    due = with_interval(
        due, distributions, cycle.interval, place=due.own_place, unit_days=due.own_cycle,
        pieces=due.last_units if per_unit else None,
    )  # fmt: skip
    names = ["customer_id", "category", "purchases", "last_purchase", "recency_days"]
    names += ["last_units", "unit_days"] if per_unit else []
    return due.select(*names, *DUE_COLUMNS)


def with_cycle(
    table: ir.Table,
    shop: ir.Value | float,
    weight: ir.Value | float,
    *,
    pieces: ir.Value | None = None,
) -> ir.Table:
    """Return a table with the cycle of each row, its expected next purchase and overdue ratio.

    Parameters
    ----------
    table : Table
        With `repeat_purchases`, `active_days`, `recency_days` and `last_purchase`.
    shop : column or float
        The cycle c that the cycle of each row is shrunk towards.
    weight : column or float
        How many gaps c is worth (w).
    pieces : column, optional
        The pieces bought last, if gaps are per piece.
    """
    own = (table.active_days.cast("float64") + weight * shop) / (
        table.repeat_purchases.cast("float64") + weight
    )
    own = table.last_purchase.isnull().ifelse(ibis.null("float64"), own)
    if pieces is None:
        table = table.mutate(cycle_days=own)
    else:
        table = table.mutate(unit_days=own, cycle_days=own * pieces)
    return table.mutate(
        expected_next_purchase=day_after(table, table.cycle_days),
        overdue_ratio=table.recency_days.cast("float64") / table.cycle_days.nullif(0),
    )
