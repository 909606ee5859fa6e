"""The churn rate of a shop: the share of its customers that churned, by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from rfmkit import _checks as checks
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit._engine.frame_types import Frame
    from rfmkit.orders.orders import Orders


def churn_rate(orders: Orders[Frame], horizon_days: int = 365) -> Frame:
    """Return the share of customers without a purchase for `horizon_days`, for every day.

    Of all customers who had bought by a day, it is the share whose last purchase was
    `horizon_days` or more before that day. It describes the past; it predicts nothing. For a
    probability per customer, see `ChurnCurve`.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    horizon_days : int, default 365
        Days without a purchase from which a customer counts as churned.

    Returns
    -------
    DataFrame
        `day` (date), `customers` (int64: customers who had bought by then), `churned_customers`
        (int64), `churn_rate` (float64, 0 to 1), in the log's kind, from the first purchase to
        `as_of`. Days on which both numbers stay the same are left out.

    Raises
    ------
    RfmkitError
        `horizon_days` is no whole number of days of at least 1, or `orders` is no log.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> rk.churn_rate(orders, 180).tail(2).round(3)
               day  customers  churned_customers  churn_rate
    628 2024-12-29       1139                525       0.461
    629 2024-12-30       1140                523       0.459
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
    # On some engines a date plus an interval is a timestamp, although Ibis calls it a date.
    return (day + ibis.interval(days=days)).cast("timestamp").cast("date")
