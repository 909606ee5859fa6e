"""The history of a log as of a day: its orders, purchases, gaps and customers, as tables.

Each table is an Ibis expression over the engine that holds the log, and is computed once. All
measures of rfmkit read from these tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic

import ibis

from rfmkit._engine.frame_types import Frame
from rfmkit.orders._lines import lines_until
from rfmkit.orders._order_table import order_table
from rfmkit.orders._status import NEVER_PAID, REFUNDED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    import ibis.expr.types as ir

    from rfmkit._engine import Engine
    from rfmkit.orders._lines import Lines
    from rfmkit.orders._reading_options import ReadingOptions

MONEY_SUM: Final = "decimal(38, 4)"


class History(Generic[Frame]):
    """The tables of a log as of one day; `Orders.history` holds it.

    Parameters
    ----------
    lines : Lines
        The rows of the log, read.
    as_of : datetime.date
        The day.
    facts : mapping
        Counts over the whole log, which decide the steps it needs (see `log_facts`).

    Attributes
    ----------
    orders, valid : ibis Table
        One row per order, with the rule that sets it aside or null; only those with null.
    purchases : ibis Table
        One row per valid order, with the number of its purchase and the day of the next one.
    gaps : ibis Table
        How many gaps between purchases there are of each order number, length and outcome.
    customers : ibis Table
        One row per customer with a valid purchase.
    """

    def __init__(self, lines: Lines, *, as_of: dt.date, facts: Mapping[str, Any]) -> None:
        self._lines = lines
        self._made: dict[str, Any] = {}
        self.as_of = as_of
        self.facts = facts

    def __repr__(self) -> str:
        """Return the day and the names of the tables."""
        return (
            f"<History as of {self.as_of}: .orders, .purchases, .gaps, .customers, as Ibis tables>"
        )

    # --- the engine and the options --------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """The engine that holds the log."""
        return self._lines.engine

    @property
    def kind(self) -> str:
        """The kind of DataFrame in which results are delivered."""
        return self._lines.source.kind

    @property
    def options(self) -> ReadingOptions:
        """What counts as a purchase, by the caller's choice."""
        return self._lines.layout.options

    @property
    def customer_role(self) -> str:
        """The role that identifies customers first: customer_id, email, phone or name."""
        return self._lines.layout.customer_roles[0]

    def deliver(self, table: ir.Table, *, order_by: tuple[str, ...] = ()) -> Frame:
        """Return a result in the caller's own kind of DataFrame."""
        delivered: Frame = self.engine.deliver(table, self.kind, order_by=order_by)
        return delivered

    def once(self, name: str, build: Callable[[], Any]) -> Any:
        """Return the result of `build`, which is called at most once for this log and day."""
        with self.engine.lock:
            if name not in self._made:
                self._made[name] = build()
            return self._made[name]

    def keep(self, table: ir.Table, stem: str) -> ir.Table:
        """Compute a table and store it in the engine for as long as this history lives.

        Lazy results read from the table later: if the kind is lazy, it lives as long as the
        connection.
        """
        return self.engine.store(table, stem, owner=self._owner)

    def _view(self, table: ir.Table) -> ir.Table:
        # A named view keeps the SQL of what is built on it short.
        return self.engine.view(table, owner=self._owner)

    @property
    def _owner(self) -> History[Frame] | None:
        return None if self._lines.source.is_lazy else self

    # --- the tables ------------------------------------------------------------------------

    @property
    def lines(self) -> ir.Table:
        """The rows known on the day, without those of later days."""
        return lines_until(self._lines.table, self.as_of)

    @property
    def orders(self) -> ir.Table:
        """One row per order (or per line set aside by itself), with its rule or null."""
        return self.once("orders", self._orders)

    def _orders(self) -> ir.Table:
        return self._view(order_table(self.lines, self.options, self.facts))

    @property
    def valid(self) -> ir.Table:
        """One row per valid order: customer_id, ordered_at, day, amount (net), refunded."""
        return self.orders.filter(self.orders.rule.isnull())

    @property
    def purchases(self) -> ir.Table:
        """One row per valid order with its purchase number and the day of the next purchase.

        Orders of one customer and day share a number (``dense_rank``), so same-day orders merge
        without a group-by over the whole log, which would double the time.
        """
        return self.once("purchases", self._purchases)

    def _purchases(self) -> ir.Table:
        valid = self.valid.select("customer_id", "day", "amount", "refunded")
        if not self.facts["refunded"]:
            valid = valid.drop("refunded")
        window = ibis.window(group_by=valid.customer_id, order_by=valid.day)
        keep = self.options.same_day == "keep"
        rank = ibis.row_number() if keep else ibis.dense_rank()
        numbered = valid.mutate(
            purchase_number=(rank.over(window) + 1).cast("int32"),
            next_day=valid.day.lead().over(window),
        )
        return self.keep(numbered, "purchases")

    def ends_purchase(self, table: ir.Table) -> ir.BooleanValue:
        """Return which rows are the last order of their purchase, where a gap starts."""
        last = table.next_day.isnull()
        if self.options.same_day == "keep":
            return last | (table.next_day >= table.day)
        return last | (table.next_day > table.day)

    @property
    def gaps(self) -> ir.Table:
        """The number of gaps of each order number, length and outcome."""
        return self.once("gaps", self._gaps)

    def _gaps(self) -> ir.Table:
        table = self.purchases
        table = table.filter(self.ends_purchase(table))
        end = table.next_day.fill_null(self.as_of)
        counted = table.group_by(
            order_number=table.purchase_number,
            gap_days=days_between(table.day, end),
            returned=table.next_day.notnull(),
        ).agg(gaps=lambda t: t.count())
        return self.keep(counted, "gaps")

    @property
    def customers(self) -> ir.Table:
        """One row per customer, over a table stored in the engine."""
        return self.once("customers", self._customers)

    def _customers(self) -> ir.Table:
        sums = self.keep(self._customer_sums(), "customer_sums")
        return self._view(_with_measures(sums, self.as_of))

    def _customer_sums(self) -> ir.Table:
        found = self._sums_of_purchases()
        facts = self.facts
        # Most logs without refunds need no second pass over the rows set aside.
        if not (
            facts["negative"] or facts["never_paid"] or facts["refund_status"] or facts["refunded"]
        ):
            zero = ibis.literal(0, "int64")
            none = dict.fromkeys(("unpaid_orders", "refund_orders", "given_back", "netted"), zero)
            return found.mutate(spend=found.spend.cast("float64"), **none)
        table = self.orders
        others = sums_of_others(table.filter(table.rule.notnull() & table.customer_id.notnull()))
        counted = [name for name in others.columns if name != "customer_id"]
        found = joined(found, others)
        found = found.mutate(**{name: found[name].fill_null(0) for name in counted})
        return found.mutate(spend=(found.spend + found.netted).cast("float64"))

    def _sums_of_purchases(self) -> ir.Table:
        table = self.purchases
        earlier = table.next_day.notnull() & self.ends_purchase(table)
        found = {
            "orders": table.count(),
            "purchases": table.purchase_number.max(),
            "first_purchase": table.day.min(),
            "last_purchase": table.day.max(),
            "previous_purchase": table.day.max(where=earlier),
            "spend": table.amount.sum(),
        }
        by_customer = table.group_by("customer_id")
        if "refunded" in table.columns:
            found["part_refunds"] = _count_if(table.refunded > 0)
            found["part_refunded"] = table.refunded.sum()
            return by_customer.agg(**found)
        zero = ibis.literal(0, "int64")
        return by_customer.agg(**found).mutate(part_refunds=zero, part_refunded=zero)


def sums_of_others(table: ir.Table) -> ir.Table:
    """Return unpaid orders and refunds per customer, among rows set aside or netted."""
    return table.group_by("customer_id").agg(
        unpaid_orders=_count_orders(table, table.rule.isin(NEVER_PAID)),
        refund_orders=_count_orders(table, table.rule.isin(REFUNDED) | (table.refunded > 0)),
        given_back=table.refunded.sum().cast(MONEY_SUM),
        netted=(table.rule == "refund").ifelse(table.amount, 0).sum(),
    )


def _with_measures(found: ir.Table, as_of: dt.date) -> ir.Table:
    """Return customers with the columns that follow from their dates, counts and money."""
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


def joined(left: ir.Table, right: ir.Table) -> ir.Table:
    """Return the customers of `left` with the columns of `right`."""
    table = left.left_join(right, "customer_id")
    return table.drop("customer_id_right") if "customer_id_right" in table.columns else table


def days_between(start: ir.DateValue, end: ir.DateValue) -> ir.IntegerValue:
    """Return the calendar days from `start` to `end`."""
    return end.delta(start, unit="day").cast("int64")


def _count_orders(table: ir.Table, condition: ir.BooleanValue) -> ir.IntegerValue:
    """Return the number of orders; several lines set aside may have one order id."""
    alone = _count_if(condition & table.order_id.isnull())
    return table.order_id.nunique(where=condition & table.order_id.notnull()) + alone


def _count_if(condition: ir.BooleanValue) -> ir.IntegerScalar:
    return condition.fill_null(False).cast("int64").sum()  # noqa: FBT003
