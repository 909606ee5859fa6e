"""History: the three tables that leave the log, however large it is.

``purchases`` is computed once per log and kept in its engine; ``summarize`` (one row a customer),
``purchase_gaps`` (how many silences of each length ended in a purchase) and ``snapshots``
(customers as they stood on past days) all read from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit import _checks as checks
from rfmkit._engine import over_rows
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, RfmkitError, examples
from rfmkit.orders._lines import NEVER_PAID, REFUNDED
from rfmkit.orders.orders import Orders, as_day, as_orders

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    import ibis.expr.types as ir

    from rfmkit.orders.orders import Day

__all__ = ["purchase_gaps", "snapshots", "summarize"]

HASH_DIGITS: Final = 8


def summarize(orders: Orders, *, categories: bool = False) -> Any:
    """Give one row per customer: when, how often, how much, how long silent.

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
    return as_orders(orders).deliver(
        customer_table(orders, categories=categories), order_by=("customer_id",)
    )


def purchase_gaps(orders: Orders) -> Any:
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
    return as_orders(orders).deliver(gap_table(orders), order_by=order)


def snapshots(
    orders: Orders, *, origins: Sequence[Day], horizon_days: int, sample: float = 1.0
) -> Any:
    """Show customers as they stood on past days, with what they did in the horizon after.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    origins : sequence of dates
        The past days. Each must lie at least `horizon_days` before `orders.as_of`, so that every
        outcome is complete.
    horizon_days : int
        Length of the outcome window (origin, origin + horizon_days], in days.
    sample : float, default 1.0
        Share of customers, chosen by a hash of `customer_id`: the same customers come back on
        every origin, engine and day.

    Returns
    -------
    DataFrame
        One row per origin and customer with a purchase by then: `origin`, the columns of
        `summarize` as of that day, `purchases_ahead`, `spend_ahead` (money) and `churned` (no
        purchase in the horizon).

    Raises
    ------
    NotEnoughHistoryError
        An outcome would reach beyond `orders.as_of`.

    Notes
    -----
    Orders dated after an origin are not seen. Statuses and refund amounts of earlier orders stand
    as the log has them: an order refunded in full after the origin is no purchase before it.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> past = rk.snapshots(orders, origins=["2024-06-30"], horizon_days=90)
    >>> bool((past["churned"] == (past["purchases_ahead"] == 0)).all())
    True
    """
    horizon_days = checks.horizon(horizon_days)
    checks.number("sample", sample, above=0, most=1)
    given: Any = origins
    if isinstance(given, str) or not isinstance(given, Iterable):
        given = []
    days = sorted({as_day(origin, "origins") for origin in given})
    if not days:
        raise RfmkitError(
            "origins is a list of days such as ['2024-06-30'].", found=f"origins={origins!r}"
        )
    if (as_orders(orders).as_of - days[-1]).days < horizon_days:
        raise NotEnoughHistoryError(
            f"Every origin lies {horizon_days} days or more before as_of.",
            found=f"origin {days[-1]} with as_of {orders.as_of}",
            hint="take earlier origins or a shorter horizon_days.",
        )
    pasts = [orders.until(day) for day in days]  # kept until the result is given
    tables = [_snapshot(orders, past, horizon_days, sample) for past in pasts]
    table = ibis.union(*tables, distinct=False) if len(tables) > 1 else tables[0]
    return orders.deliver(table, order_by=("origin", "customer_id"))


# --- expressions, for the modules above ----------------------------------------------------------


def purchases(orders: Orders) -> ir.Table:
    """Give one row per valid order with its purchase number and the day of the next purchase.

    Computed once and kept. Orders of one customer and day share a number (``dense_rank``), so
    same-day orders merge without a group-by over the whole log, which would cost as much again.
    """

    def build() -> ir.Table:
        valid = orders.valid.select("customer_id", "day", "amount", "refunded")
        if not orders.facts["refunded"]:
            valid = valid.drop("refunded")
        window = ibis.window(group_by=valid.customer_id, order_by=valid.day)
        keep = orders.policy.same_day == "keep"
        rank = ibis.row_number() if keep else ibis.dense_rank()
        return valid.mutate(
            purchase_number=(rank.over(window) + 1).cast("int32"),
            next_day=valid.day.lead().over(window),
        )

    return orders.stored("purchases", build)


def ends_purchase(table: ir.Table, orders: Orders) -> ir.BooleanValue:
    """Tell the row after which a gap begins: the last order of its purchase."""
    last = table.next_day.isnull()
    if orders.policy.same_day == "keep":
        return last | (table.next_day >= table.day)
    return last | (table.next_day > table.day)


def gap_table(orders: Orders) -> ir.Table:
    """Count gaps by order number, length and outcome."""

    def build() -> ir.Table:
        table = purchases(orders)
        table = table.filter(ends_purchase(table, orders))
        end = table.next_day.fill_null(orders.as_of)
        return table.group_by(
            order_number=table.purchase_number,
            gap_days=days_between(table.day, end),
            returned=table.next_day.notnull(),
        ).agg(gaps=lambda t: t.count())

    return orders.stored("gaps", build)


def customer_table(orders: Orders, *, categories: bool = False) -> ir.Table:
    """Give one row per customer, as an expression over a table kept in the engine."""

    def build() -> ir.Table:
        table = orders.stored("customer_sums", lambda: _customers(orders))
        return _with_rates(table, orders.as_of)

    table = orders.named("customers", build)
    if categories and "category" in orders.lines.columns:
        lines = orders.lines.filter(orders.lines.rule.isnull())
        counted = lines.group_by("customer_id").agg(categories=lines.category.nunique())
        table = joined(table, counted).mutate(categories=lambda t: t.categories.fill_null(0))
    return table


def _customers(orders: Orders) -> ir.Table:
    found = _per_customer(purchases(orders), orders)
    others = _others(orders)
    if others is None:
        return _without_others(found.mutate(spend=found.spend.cast("float64")))
    counted = [name for name in others.columns if name != "customer_id"]
    found = joined(found, others)
    found = found.mutate(**{name: found[name].fill_null(0) for name in counted})
    return found.mutate(spend=(found.spend + found.netted).cast("float64"))


def _per_customer(table: ir.Table, orders: Orders) -> ir.Table:
    earlier = table.next_day.notnull() & ends_purchase(table, orders)
    found = {
        "orders": table.count(),
        "purchases": table.purchase_number.max(),
        "first_purchase": table.day.min(),
        "last_purchase": table.day.max(),
        "previous_purchase": table.day.max(where=earlier),
        "spend": table.amount.sum(),
    }
    if "refunded" in table.columns:
        found["part_refunds"] = _count_if(table.refunded > 0)
        found["part_refunded"] = table.refunded.sum()
        return table.group_by("customer_id").agg(**found)
    zero = ibis.literal(0, "int64")
    return table.group_by("customer_id").agg(**found).mutate(part_refunds=zero, part_refunded=zero)


def _without_others(found: ir.Table) -> ir.Table:
    zero = ibis.literal(0, "int64")
    return found.mutate(unpaid_orders=zero, refund_orders=zero, given_back=zero, netted=zero)


def _with_rates(found: ir.Table, as_of: dt.date) -> ir.Table:
    """Derive the columns that follow from dates, counts and money."""
    today = ibis.literal(as_of)
    repeats = found.purchases - 1
    active = days_between(found.first_purchase, found.last_purchase)
    spend = found.spend.cast("float64")
    return found.select(
        "customer_id",
        orders=found.orders,
        purchases=found.purchases,
        first_purchase=found.first_purchase,
        last_purchase=found.last_purchase,
        recency_days=days_between(found.last_purchase, today),
        tenure_days=days_between(found.first_purchase, today),
        active_days=active,
        repeat_purchases=repeats,
        spend=spend,
        mean_purchase_value=spend / found.purchases.cast("float64"),
        mean_gap_days=active.cast("float64") / repeats.nullif(0).cast("float64"),
        last_gap_days=days_between(found.previous_purchase, found.last_purchase),
        unpaid_orders=found.unpaid_orders,
        refunded_orders=found.refund_orders + found.part_refunds,
        refund_amount=(found.part_refunded + found.given_back).cast("float64"),
    )


def _others(orders: Orders) -> ir.Table | None:
    """Count per customer what is no purchase: unpaid orders, refunds; none: nothing."""
    facts = orders.facts
    if not (
        facts["negative"] or facts["never_paid"] or facts["refund_status"] or facts["refunded"]
    ):
        return None
    table = orders.flagged
    table = table.filter(table.rule.notnull() & table.customer_id.notnull())
    return not_bought(table)


def not_bought(table: ir.Table) -> ir.Table:
    """Count per customer, of what was set aside or netted, unpaid orders and refunds."""
    return table.group_by("customer_id").agg(
        unpaid_orders=_count_orders(table, table.rule.isin(NEVER_PAID)),
        refund_orders=_count_orders(table, table.rule.isin(REFUNDED) | (table.refunded > 0)),
        given_back=table.refunded.sum().cast("decimal(38, 4)"),
        netted=(table.rule == "refund").ifelse(table.amount, 0).sum(),
    )


def _snapshot(orders: Orders, past: Orders, horizon_days: int, sample: float) -> ir.Table:
    """Join customers as `past` knew them with what they did after; neither sees the other."""
    seen, table, day = customer_table(past), purchases(orders), ibis.literal(past.as_of)
    if sample < 1:
        seen = seen.filter(in_sample(seen.customer_id, sample))
    rows = table.select("customer_id", "day", "amount", "purchase_number")
    if orders.facts["negative"]:
        netted = orders.flagged.filter(orders.flagged.rule == "refund")
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
    """Choose a share of the customers by a hash of their id: the same ones on every engine."""
    limit = f"{int(share * 16**HASH_DIGITS):0{HASH_DIGITS}x}"
    return customer_id.cast("string").hexdigest("md5").substr(0, HASH_DIGITS) < limit


def over_customers(
    source: Any, expression: Callable[[ir.Table], ir.Table], *, needs: Sequence[str] = ()
) -> Any:
    """Apply an expression to the customers of a log, or to a frame of customers of any kind.

    A frame comes back in its own kind with its rows in their own order.
    """
    if isinstance(source, Orders):
        return source.deliver(expression(customer_table(source)), order_by=("customer_id",))

    def checked(table: ir.Table) -> ir.Table:
        missing = [name for name in needs if name not in table.columns]
        if missing:
            raise ColumnsError(
                "Customers have the columns of rk.summarize(orders).",
                found=f"no {examples(missing)} among {examples(table.columns)}",
                hint="pass the frame that rk.summarize(orders) gives, or the orders themselves.",
            )
        return expression(table)

    return over_rows(source, checked)


def joined(left: ir.Table, right: ir.Table) -> ir.Table:
    """Add the columns of `right` to the customers of `left`."""
    table = left.left_join(right, "customer_id")
    return table.drop("customer_id_right") if "customer_id_right" in table.columns else table


def days_between(start: ir.DateValue, end: ir.DateValue) -> ir.IntegerValue:
    """Count whole calendar days from `start` to `end`."""
    return end.delta(start, unit="day").cast("int64")


def _count_orders(table: ir.Table, condition: ir.BooleanValue) -> ir.IntegerValue:
    """Count orders: lines that were set aside by themselves may share one."""
    alone = _count_if(condition & table.order_id.isnull())
    return table.order_id.nunique(where=condition & table.order_id.notnull()) + alone


def _count_if(condition: ir.BooleanValue) -> ir.IntegerScalar:
    return condition.fill_null(False).cast("int64").sum()  # noqa: FBT003
