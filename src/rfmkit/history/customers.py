"""Customers: one row each, and what is computed from such rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from rfmkit._engine import over_rows
from rfmkit.exceptions import ColumnsError, examples
from rfmkit.orders._history import joined
from rfmkit.orders.orders import Orders, as_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ibis.expr.types as ir

    from rfmkit._typing import Frame

__all__ = ["summarize"]


def summarize(orders: Orders[Frame], *, categories: bool = False) -> Frame:
    """Return one row per customer: when, how often, how much, how long silent.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    categories : bool, default False
        Whether to count the distinct categories of each customer, where the log has them.

    Returns
    -------
    DataFrame
        In the source's own kind, ordered by `customer_id`: `orders, purchases, first_purchase,
        last_purchase, recency_days, tenure_days, active_days, repeat_purchases, spend,
        mean_purchase_value, mean_gap_days, last_gap_days, unpaid_orders, refunded_orders,
        refund_amount`. Days are whole calendar days; `mean_gap_days` and `last_gap_days` are
        null under two purchases. Customers without a valid purchase are not here: see `segment`.

    Notes
    -----
    In the letters of Fader, Hardie and Lee (2005, "Counting your customers the easy way",
    Marketing Science 24): x is `repeat_purchases`, t_x is `active_days`, T is `tenure_days`.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> customers = rk.summarize(orders)
    >>> bool((customers["tenure_days"] == customers["recency_days"]
    ...       + customers["active_days"]).all())
    True
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
    """Apply an expression to the customers of a log, or to a frame of customers of any kind.

    A frame comes back in its own kind with its rows in their own order.
    """
    if isinstance(source, Orders):
        history = source.history
        return history.deliver(expression(history.customers), order_by=("customer_id",))

    def checked(table: ir.Table) -> ir.Table:
        missing = [name for name in needs if name not in table.columns]
        if missing:
            raise ColumnsError(
                "A frame of customers must have the columns of rk.summarize(orders).",
                found=f"no {examples(missing)} among {examples(table.columns)}",
                hint="pass rk.summarize(orders), or the orders themselves.",
            )
        return expression(table)

    return over_rows(source, checked)
