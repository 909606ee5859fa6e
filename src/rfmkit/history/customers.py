"""Customers: one row each, and functions of such rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from rfmkit._engine import ROW, over_rows
from rfmkit.exceptions import ColumnsError, examples
from rfmkit.orders._history import joined
from rfmkit.orders.orders import Orders, as_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ibis.expr.types as ir

    from rfmkit._engine.frame_types import Frame

__all__ = ["summarize"]


def summarize(orders: Orders[Frame], *, categories: bool = False) -> Frame:
    """Return one row per customer: when and how often they bought, and for how much.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    categories : bool, default False
        Whether to count the categories that each customer bought, if the log has categories.

    Returns
    -------
    DataFrame
        In the kind of the source, ordered by `customer_id`. Only customers with a valid order are
        in it; `segment` also has the others.

        - `customer_id` (str, or the source's integer);
        - `orders` (int64): valid orders;
        - `purchases` (int64): days with a valid order, or with ``same_day="keep"`` valid orders;
        - `first_purchase`, `last_purchase` (date);
        - `recency_days` (int64): days from the last purchase to `as_of`;
        - `tenure_days` (int64): days from the first purchase to `as_of`;
        - `active_days` (int64): days from the first purchase to the last;
        - `repeat_purchases` (int64): `purchases` - 1;
        - `spend` (float64): money, net of refunds;
        - `mean_purchase_value` (float64): `spend` / `purchases`;
        - `mean_gap_days` (float64): `active_days` / `repeat_purchases`; null with one purchase;
        - `last_gap_days` (int64): days between the last two purchases; null with one purchase;
        - `unpaid_orders` (int64): orders that were never paid;
        - `refunded_orders` (int64): orders refunded in full or in part;
        - `refund_amount` (float64): money given back;
        - `categories` (int64), if asked for: different categories bought.

    Raises
    ------
    RfmkitError
        `orders` is not what ``read_orders`` returns.

    See Also
    --------
    rfmkit.segment : the same with segment, scores and churn probability.
    rfmkit.snapshots : the same for past days, with what came after.

    Notes
    -----
    A purchase is a day with at least one valid order. Days are calendar days in the shop's time
    zone. Money is summed as decimals and then converted to the nearest float.

    In the letters of Fader, Hardie and Lee (2005, "Counting your customers the easy way",
    Marketing Science 24): x is `repeat_purchases`, t_x is `active_days`, T is `tenure_days`.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> customers = rk.summarize(orders)
    >>> customers[["customer_id", "purchases", "recency_days", "tenure_days", "spend"]].head(3)
      customer_id  purchases  recency_days  tenure_days   spend
    0     C000001          1           108          108   85.09
    1     C000002          1           288          288  121.46
    2     C000003          5            14          214  144.69
    >>> customers.loc[:2, ["customer_id", "active_days", "mean_gap_days", "last_gap_days"]]
      customer_id  active_days  mean_gap_days  last_gap_days
    0     C000001            0            NaN           <NA>
    1     C000002            0            NaN           <NA>
    2     C000003          200           50.0             28
    """
    history = as_orders(orders).history
    table = history.customers
    if categories and "category" in history.lines.columns:
        lines = history.lines.filter(history.lines.rule.isnull())
        counted = lines.group_by("customer_id").agg(categories=lines.category.nunique())
        table = joined(table, counted).mutate(categories=lambda t: t.categories.fill_null(0))
    return history.deliver(table, order_by=("customer_id",))


@overload
def over_customers(
    source: Orders[Frame], expression: Callable[[ir.Table], ir.Table], *, needs: Sequence[str] = ()
) -> Frame: ...


@overload
def over_customers(
    source: Frame, expression: Callable[[ir.Table], ir.Table], *, needs: Sequence[str] = ()
) -> Frame: ...


def over_customers(
    source: Any, expression: Callable[[ir.Table], ir.Table], *, needs: Sequence[str] = ()
) -> Any:
    """Return an expression of the customers of a log, or of a frame of customers of any kind.

    Parameters
    ----------
    source : Orders or DataFrame
        A log, or a frame of customers.
    expression : callable
        From the table of customers to the table to return.
    needs : sequence of str
        The columns that a frame must have.

    Returns
    -------
    DataFrame
        In the kind of the source. For a frame, its rows are in the order of the frame.

    Raises
    ------
    ColumnsError
        The frame lacks a column of `needs`.
    """
    if isinstance(source, Orders):
        history = source.history
        return history.deliver(expression(history.customers), order_by=("customer_id",))

    def checked(table: ir.Table) -> ir.Table:
        missing = [name for name in needs if name not in table.columns]
        if missing:
            seen = [name for name in table.columns if name != ROW]
            raise ColumnsError(
                "A frame of customers must have the columns of rk.summarize(orders).",
                found=f"no {examples(missing)} among {examples(seen)}",
                hint="pass rk.summarize(orders), or the orders themselves.",
            )
        return expression(table)

    return over_rows(source, checked)
