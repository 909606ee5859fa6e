"""Snapshots: customers as of past days, with what they bought afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit import _checks as checks
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError
from rfmkit.orders._history import days_between, joined
from rfmkit.orders.orders import as_day, as_orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

    from rfmkit._engine.frame_types import Frame
    from rfmkit.orders.orders import DateLike, Orders

__all__ = ["snapshots"]

HASH_DIGITS: Final = 8
"""Hexadecimal digits of the hash: shares are exact to one in four billion."""


def snapshots(
    orders: Orders[Frame],
    *,
    origins: Sequence[DateLike],
    horizon_days: int,
    sample: float = 1.0,
) -> Frame:
    """Return customers as of past days, with what they bought in the horizon after each day.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    origins : sequence of dates
        The past days. Each must be at least `horizon_days` before `orders.as_of`, so that the whole
        horizon is in the log.
    horizon_days : int
        The length of the horizon (origin, origin + horizon_days], in days.
    sample : float, default 1.0
        The share of customers, over 0 and at most 1. They are chosen by a hash of `customer_id`:
        the same customers on every origin and engine.

    Returns
    -------
    DataFrame
        In the kind of the source, one row per origin and customer with a purchase by then, ordered
        by both:

        - `origin` (date);
        - the columns of ``summarize``, as of that day;
        - `purchases_ahead` (int64): purchases in the horizon;
        - `spend_ahead` (float64): money in the horizon, net of refunds;
        - `churned` (bool): whether there is no purchase in the horizon.

    Raises
    ------
    NotEnoughHistoryError
        An origin is less than `horizon_days` before `orders.as_of`.
    RfmkitError
        `origins` is not a list of days, `horizon_days` or `sample` is out of its range, or `orders`
        is not what ``read_orders`` returns.

    See Also
    --------
    rfmkit.backtest : the errors of churn models on past days.

    Notes
    -----
    Orders after an origin are not seen. Statuses and refund amounts of earlier orders are those
    that the log has now: an order that was refunded in full after the origin is no purchase before
    it.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> past = rk.snapshots(orders, origins=["2024-03-31", "2024-06-30"], horizon_days=90)
    >>> past[["origin", "customer_id", "recency_days", "purchases_ahead", "churned"]].head(3)
          origin customer_id  recency_days  purchases_ahead  churned
    0 2024-03-31     C000002            14                0     True
    1 2024-03-31     C000004           147                0     True
    2 2024-03-31     C000005            84                0     True
    >>> past.groupby("origin")["churned"].agg(["count", "mean"]).round(3)
                count   mean
    origin
    2024-03-31    727  0.692
    2024-06-30    840  0.682
    """
    horizon_days = checks.horizon(horizon_days)
    checks.number("sample", sample, above=0, most=1)
    given: Any = origins
    if isinstance(given, str) or not isinstance(given, Iterable):
        given = []
    days = sorted({as_day(origin, "origins") for origin in given})
    if not days:
        raise RfmkitError(
            "origins must be a list of days.",
            found=f"origins={origins!r}",
            hint="for example origins=['2024-06-30'].",
        )
    if (as_orders(orders).as_of - days[-1]).days < horizon_days:
        raise NotEnoughHistoryError(
            f"Every origin must lie at least {horizon_days} days before as_of.",
            found=f"origin {days[-1]} with as_of {orders.as_of}",
            hint="take earlier origins or a shorter horizon_days.",
        )
    pasts = [orders.until(day) for day in days]  # kept until the result is given
    tables = [_snapshot(orders, past, horizon_days, sample) for past in pasts]
    table = ibis.union(*tables, distinct=False) if len(tables) > 1 else tables[0]
    return orders.history.deliver(table, order_by=("origin", "customer_id"))


def _snapshot(orders: Orders, past: Orders, horizon_days: int, sample: float) -> ir.Table:
    """Return the customers of `past` with their purchases in the horizon after its day."""
    history = orders.history
    seen, table, day = past.history.customers, history.purchases, ibis.literal(past.as_of)
    if sample < 1:
        seen = seen.filter(in_sample(seen.customer_id, sample))
    rows = table.select("customer_id", "day", "amount", "purchase_number")
    if history.facts["negative"]:
        netted = history.orders.filter(history.orders.rule == "refund")
        none = ibis.null(rows.schema()["purchase_number"])
        netted = netted.mutate(purchase_number=none).select(rows.columns)
        rows = ibis.union(rows, netted.cast(dict(rows.schema().items())))
    ahead = rows.filter((rows.day > day) & (days_between(day, rows.day) <= horizon_days))
    ahead = ahead.group_by("customer_id").agg(
        purchases_ahead=ahead.purchase_number.nunique(),
        spend_ahead=ahead.amount.sum().cast("float64"),
    )
    both = joined(seen, ahead)
    both = both.mutate(
        purchases_ahead=both.purchases_ahead.fill_null(0), spend_ahead=both.spend_ahead.fill_null(0)
    )
    both = both.mutate(churned=both.purchases_ahead == 0)
    return both.select(origin=day, **{name: both[name] for name in both.columns})


def in_sample(customer_id: ir.Column, share: float) -> ir.BooleanValue:
    """Return which customers are in a share of them, by a hash of their id.

    The hash is the same on every engine, and a smaller share is a part of a larger one.
    """
    limit = f"{int(share * 16**HASH_DIGITS):0{HASH_DIGITS}x}"
    return customer_id.cast("string").hexdigest("md5").substr(0, HASH_DIGITS) < limit
