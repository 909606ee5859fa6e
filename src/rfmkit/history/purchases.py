"""Gaps between purchases, counted: how many silences of each length ended in a purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    from rfmkit._typing import Frame
    from rfmkit.orders.orders import Orders

__all__ = ["purchase_gaps"]


def purchase_gaps(orders: Orders[Frame]) -> Frame:
    """Count the gaps between purchases: by order number, length, and whether they ended.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.

    Returns
    -------
    DataFrame
        `order_number` (of the purchase that opens the gap, 1 is the first), `gap_days`,
        `returned` (true: ended in a purchase; false: still open on `as_of`), `gaps` (how many).
        A few hundred rows stand for millions of purchases, and nothing is lost: Kaplan-Meier
        from these counts equals Kaplan-Meier from the raw gaps.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> gaps = rk.purchase_gaps(orders)
    >>> open_gaps = gaps.loc[~gaps["returned"], "gaps"].sum()
    >>> bool(open_gaps == len(rk.summarize(orders)))  # every customer is silent once, now
    True
    """
    order = ("order_number", "gap_days", "returned")
    history = as_orders(orders).history
    return history.deliver(history.gaps, order_by=order)
