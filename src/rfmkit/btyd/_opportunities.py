"""Opportunities: how many each customer had and took, and the last one taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._grouping import group_customers
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError
from rfmkit.orders._history import days_between, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

NEEDS: Final = ("repeat_purchases", "last_opportunity", "opportunities")
WEIGHT: Final = "customers"
MIN_OPPORTUNITIES: Final = 3
HINT: Final = (
    "give one row per customer: repeat_purchases, the number of opportunities after the first "
    "purchase at which they bought; last_opportunity, the number of the last of these (0: none); "
    "opportunities, how many there were."
)


def count_opportunities(
    customers: Any, period_days: int | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the customers of a log or of a frame of any kind, grouped.

    Returns
    -------
    tuple of arrays
        Repeat purchases, the last opportunity taken, opportunities, and customers, of each group.

    Raises
    ------
    ColumnsError
        A column is missing, or does not hold numbers.
    RfmkitError
        A customer bought at more opportunities than there were, or a log has no `period_days`.
    NotEnoughHistoryError
        There is no customer, nobody had three opportunities (fewer do not identify four
        parameters), or nobody took one.
    """

    def of(orders: Orders) -> ir.Table:
        return opportunity_table(orders, orders.history.customers, period_days)

    x, t_x, n, weight = group_customers(customers, NEEDS, weight=WEIGHT, hint=HINT, of=of)
    _check(x, t_x, n, weight)
    known = weight > 0
    return x[known], t_x[known], n[known], weight[known]


def opportunity_table(orders: Orders, customers: ir.Table, period_days: int | None) -> ir.Table:
    """Return the opportunities of each customer: the whole periods since the first purchase.

    The last period is left out if it is not over, with the purchases in it.
    """
    if period_days is None:
        raise RfmkitError(
            "A log needs period_days: the length of a period, each an opportunity to buy.",
            found="period_days=None",
            hint="rk.BetaGeoBetaBinomial(period_days=7), or give a frame of opportunities.",
        )
    length = checks.whole("period_days", period_days)
    every = customers.mutate(opportunities=customers.tenure_days // length)
    first = every.select("customer_id", "first_purchase", "opportunities")
    days = joined(orders.history.purchases.select("customer_id", "day"), first)
    days = days.mutate(period=(days_between(days.first_purchase, days.day) + length - 1) // length)
    days = days.filter((days.period > 0) & (days.period <= days.opportunities))
    bought = days.group_by("customer_id").agg(
        repeat_purchases=days.period.nunique(), last_opportunity=days.period.max()
    )
    table = joined(every.select("customer_id", "opportunities"), bought)
    return table.select(
        "customer_id", *(table[name].fill_null(0).cast("int64").name(name) for name in NEEDS)
    )


def is_possible(x: Floats, t_x: Floats, n: Floats) -> NDArray[np.bool_]:
    """Whether each row is possible: 0 <= x <= t_x <= n, and t_x = 0 exactly if x = 0."""
    return np.asarray((x >= 0) & (x <= t_x) & (t_x <= n) & ((x > 0) | (t_x == 0)))


def where_possible(predict: Callable[..., Floats]) -> Callable[..., Floats]:
    """Return a function of parameters and rows that gives NaN for impossible rows."""

    def possible(params: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
        known = is_possible(x, t_x, n)
        found = np.full(len(x), np.nan)
        found[known] = predict(params, x[known], t_x[known], n[known])
        return found

    return possible


def _check(x: Floats, t_x: Floats, n: Floats, weight: Floats) -> None:
    values = np.stack([x, t_x, n])
    whole = np.isfinite(values).all(axis=0) & (values == np.floor(values)).all(axis=0)
    wrong = ~(whole & is_possible(x, t_x, n))
    if wrong.any():
        raise RfmkitError(
            "repeat_purchases <= last_opportunity <= opportunities must hold, all whole; without "
            "a repeat purchase last_opportunity must be 0.",
            found=f"{int(wrong.sum()):,} groups of customers, such as "
            f"{tuple(values[:, wrong][:, 0].tolist())}",
            hint=HINT,
        )
    if not (np.isfinite(weight) & (weight >= 0)).all() or not weight.any():
        raise RfmkitError(
            "customers must be the number of customers of each row, over 0.",
            found=f"customers of {float(np.min(weight))}",
            hint="leave the column out where every row is one customer.",
        )
    most = int(n[weight > 0].max())
    if most < MIN_OPPORTUNITIES:
        raise NotEnoughHistoryError(
            f"Some customers must have had {MIN_OPPORTUNITIES} opportunities or more after their "
            "first purchase.",
            found=f"{most} at most",
            hint="wait, or pass shorter periods.",
        )
    if not (x * weight).any():
        raise NotEnoughHistoryError(
            "At least one customer must have made a repeat purchase.",
            found="no repeat purchase: buying and leaving cannot be distinguished",
            hint="wait, or check that the log is complete.",
        )
