"""Gaps between purchases, counted by their length and by whether they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    from rfmkit._engine.frame_types import Frame
    from rfmkit.orders.orders import Orders

__all__ = ["purchase_gaps"]


def purchase_gaps(orders: Orders[Frame]) -> Frame:
    """Return how many gaps between purchases there are of each length.

    A gap is the days from a purchase of a customer to the next one. After the last purchase it is
    still open, and its length is the days to `as_of`.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.

    Returns
    -------
    DataFrame
        In the kind of the source, ordered by its first three columns:

        - `order_number` (int64): the number of the purchase at the start of the gap, from 1;
        - `gap_days` (int64): days;
        - `returned` (bool): true if the gap ended in a purchase, false if it is open;
        - `gaps` (int64): how many gaps have these values.

    Raises
    ------
    RfmkitError
        `orders` is not what ``read_orders`` returns.

    See Also
    --------
    rfmkit.PurchaseCycle : the usual length of a gap.
    rfmkit.ChurnCurve : the probability that an open gap does not end within a horizon.

    Notes
    -----
    A few hundred rows stand for millions of purchases without loss: the Kaplan-Meier estimate
    (Kaplan and Meier 1958, "Nonparametric estimation from incomplete observations", Journal of the
    American Statistical Association 53) with the counts as weights equals that of the single gaps.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> gaps = rk.purchase_gaps(orders)
    >>> gaps.head(3)
       order_number  gap_days  returned  gaps
    0             1         0     False     1
    1             1         1     False     2
    2             1         1      True    12
    >>> gaps.groupby("returned")["gaps"].sum()
    returned
    False    1140
    True     3672
    Name: gaps, dtype: int64

    Each customer has one open gap:

    >>> len(rk.summarize(orders))
    1140
    """
    order = ("order_number", "gap_days", "returned")
    history = as_orders(orders).history
    return history.deliver(history.gaps, order_by=order)
