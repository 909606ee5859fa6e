"""The churn rate of a shop: the share of its customers who stayed away, day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from rfmkit import _checks as checks
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit.orders.orders import Orders


def churn_rate(orders: Orders, *, horizon_days: int = 365) -> Any:
    """Return, for every day, the share of customers so far without a purchase for `horizon_days`.

    The manuals' rate: of all who had ever bought by a day, those whose last purchase lay
    `horizon_days` or more before it. It looks back; it is no probability of what comes.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    horizon_days : int, default 365
        The silence, in days, from which on a customer counts as churned.

    Returns
    -------
    DataFrame
        `day, customers` (had bought by then), `churned_customers`, `churn_rate`, from the first
        purchase to `as_of`, for the days on which either number changed.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> rate = rk.churn_rate(orders, horizon_days=180)
    >>> bool((rate["churned_customers"] <= rate["customers"]).all())
    True
    """
    checks.horizon(horizon_days)
    table = as_orders(orders).history.purchases
    table = table.filter(orders.history.ends_purchase(table))
    first = table.filter(table.purchase_number == 1)
    lapse = _days_later(table.day, horizon_days)
    lapsed = table.filter(table.next_day.isnull() | (table.next_day > lapse))
    back = lapsed.filter(lapsed.next_day.notnull())
    events = ibis.union(
        first.select(day=first.day, came=1, left=0),
        lapsed.select(day=_days_later(lapsed.day, horizon_days), came=0, left=1),
        back.select(day=back.next_day, came=0, left=-1),
    )
    events = events.filter(events.day <= orders.as_of)
    daily = events.group_by("day").agg(came=events.came.sum(), left=events.left.sum())
    daily = daily.filter((daily.came != 0) | (daily.left != 0))
    upto = {"order_by": daily.day, "rows": (None, 0)}
    running = daily.select(
        "day",
        customers=daily.came.sum().over(**upto).cast("int64"),
        churned_customers=daily.left.sum().over(**upto).cast("int64"),
    )
    running = running.mutate(
        churn_rate=running.churned_customers.cast("float64") / running.customers.cast("float64")
    )
    return orders.history.deliver(running, order_by=("day",))


def _days_later(day: ir.DateValue, days: int) -> ir.DateValue:
    # A date plus an interval is a timestamp on some engines, whatever Ibis calls it.
    return (day + ibis.interval(days=days)).cast("timestamp").cast("date")
