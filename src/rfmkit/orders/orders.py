"""Orders: the log, canonical and audited, as it was known at the end of one day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from rfmkit.exceptions import RfmkitError
from rfmkit.orders import _customer_keys as customer_keys
from rfmkit.orders._order_table import flag_orders, known, log_facts, rejected_table
from rfmkit.orders.audit.audit import Audit

if TYPE_CHECKING:
    from collections.abc import Callable

    import ibis.expr.types as ir

    from rfmkit._engine import Engine
    from rfmkit.orders._lines import Lines
    from rfmkit.orders._reading_options import Policy

__all__ = ["Orders"]

Day = dt.date | str


def as_orders(source: Any) -> Orders:
    """Insist on a log that has been read."""
    if isinstance(source, Orders):
        return source
    raise RfmkitError(
        "The log has been read: orders = rk.read_orders(source).",
        found=f"{type(source).__module__}.{type(source).__qualname__}",
        hint="pass the orders that rk.read_orders gives.",
    )


def as_day(day: Day, name: str) -> dt.date:
    """Read a date from a date, a datetime or ISO text."""
    try:
        if isinstance(day, dt.datetime):
            return dt.date(day.year, day.month, day.day)  # NaT has no year that is a number
        if isinstance(day, dt.date):
            return day
        return dt.datetime.fromisoformat(str(day)).date()
    except (ValueError, TypeError) as error:
        raise RfmkitError(f"{name} is a date such as '2024-04-24'.", found=repr(day)) from error


class Orders:
    """An order log as of a day; made by ``read_orders``, moved by ``until``.

    Attributes
    ----------
    as_of : datetime.date
        The day on which everything is measured, included; later rows are hidden.
    audit : Audit
        What was read, every row and cent accounted for, and warnings of what looks odd.
    rejected : DataFrame
        The rows set aside, with their rule.
    hidden : dict
        Rows and money dated after `as_of`: the one place that looks at them.
    notes : tuple of str
        What was decided while reading: columns, assumptions, unknown statuses.
    """

    def __init__(
        self, lines: Lines, *, as_of: dt.date | None, facts: dict[str, Any] | None = None
    ) -> None:
        self._lines = lines
        self._memory: dict[str, Any] = {}
        self._facts = facts or log_facts(lines)
        self._as_of: dt.date = as_of or self._facts["last_day"]

    # --- what the user sees ----------------------------------------------------------------

    @property
    def as_of(self) -> dt.date:
        """The day on which everything is measured; moved by `until` only."""
        return self._as_of

    def __reduce__(self) -> Any:
        """Refuse to be copied or pickled: the log lives in an engine."""
        raise RfmkitError(
            "A log stays with the engine that holds it: it is neither copied nor pickled.",
            hint="read it again, or pass on the frames it gives.",
        )

    def until(self, day: Day) -> Orders:
        """Give the same log as it was known at the end of `day`: nothing later is seen."""
        return Orders(self._lines, as_of=as_day(day, "day"), facts=self._facts)

    @property
    def audit(self) -> Audit:
        """Every row and every cent accounted for, and what looks odd."""
        made = lambda: Audit(self._lines, as_of=self.as_of, facts=self._facts)  # noqa: E731
        audit: Audit = self.remember("audit", made)
        return audit

    @property
    def rejected(self) -> Any:
        """The rows set aside, as they stand in the source, with their rule.

        Of files, what an order does not need stays where it is: they are read again here.
        """
        table = rejected_table(self._lines, self.as_of, self._facts)
        order = ("row",) if "row" in table.columns else ()
        return self.engine.deliver(table, self.kind, order_by=order, canonical=False)

    @property
    def hidden(self) -> dict[str, Any]:
        """Rows and money dated after `as_of`."""
        lines = self._lines.table
        later = lines.filter(lines.day > self.as_of)
        return dict(
            self.engine.row(
                later.aggregate(rows=later.count(), amount=later.amount.sum().fill_null(0))
            )
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided while reading."""
        shared = self._facts["shared_order_ids"]
        more = (f"{shared:,} order ids come with several customers: kept apart",) if shared else ()
        return self._lines.notes + more

    def to_frame(self) -> Any:
        """Give the valid orders in canonical form, in the source's own kind."""
        valid = self.valid
        fields = ["order_id", "customer_id", "ordered_at", "amount", "status"]
        fields += [name for name in ("customer_key",) if name in valid.columns]
        table = valid.select(*fields)
        return self.deliver(table, order_by=("customer_id", "ordered_at", "order_id", "amount"))

    def __repr__(self) -> str:
        """Say what the log holds, in one line."""
        valid = self.valid
        found = self.engine.row(
            valid.aggregate(
                customers=valid.customer_id.nunique(),
                orders=valid.count(),
                amount=valid.amount.sum().fill_null(0),
            )
        )
        read = self._facts["rows"] + len(self._lines.source.unreadable)
        aside = read - self.hidden["rows"] - self.kept_lines
        return (
            f"<Orders: {found['customers']:,} customers, {found['orders']:,} orders, "
            f"{found['amount']:.2f} as of {self.as_of}; {aside:,} of {read:,} rows set aside, "
            "see .audit>"
        )

    # --- what the other modules build on ---------------------------------------------------

    @property
    def engine(self) -> Engine:
        """The engine that holds the log."""
        return self._lines.engine

    @property
    def kind(self) -> str:
        """The kind of DataFrame in which results are given."""
        return self._lines.source.kind

    @property
    def policy(self) -> Policy:
        """What counts, by the caller's choice."""
        return self._lines.policy

    @property
    def key_kind(self) -> str:
        """What the customers of this log are known by first: customer_id, email, phone, name."""
        return self._lines.customer_roles[0]

    def known_as(self, customer: ir.StringValue) -> ir.StringValue:
        """Give a customer of another list the id by which this log knows the same one."""
        if self.key_kind == "email":
            customer = customer_keys.email_key(customer)
        return (
            customer_keys.pseudonym(customer, secret)
            if (secret := self.policy.secret)
            else customer
        )

    @property
    def facts(self) -> dict[str, Any]:
        """Counts over the whole log that say which steps it needs."""
        return self._facts

    @property
    def kept_lines(self) -> int:
        """How many rows are kept."""
        flagged = self.flagged
        kept = flagged.filter(flagged.rule.isnull() | (flagged.rule == "refund"))
        return int(self.engine.arrow(kept.lines.sum().fill_null(0)).as_py())

    def deliver(self, table: ir.Table, *, order_by: tuple[str, ...] = ()) -> Any:
        """Give a result in the caller's own kind."""
        return self.engine.deliver(table, self.kind, order_by=order_by)

    def remember(self, name: str, build: Callable[[], Any]) -> Any:
        """Build something once."""
        with self.engine.lock:
            if name not in self._memory:
                self._memory[name] = build()
            return self._memory[name]

    def stored(self, name: str, build: Callable[[], ir.Table]) -> ir.Table:
        """Compute a table once and keep it in the engine for as long as this log lives.

        Lazy results read from it: with a lazy kind it lives as long as the connection.
        """

        def make() -> ir.Table:
            return self.engine.store(build(), name, owner=self._owner)

        return self.remember(name, make)

    def named(self, name: str, build: Callable[[], ir.Table]) -> ir.Table:
        """Name an expression once in the engine, so that what is built on it stays short."""
        return self.remember(name, lambda: self.engine.view(build(), owner=self._owner))

    @property
    def _owner(self) -> Orders | None:
        return None if self._lines.source.is_lazy else self

    @property
    def lines(self) -> ir.Table:
        """The lines as known on `as_of`: those of later days are not there."""
        return known(self._lines.table, self.as_of)

    @property
    def flagged(self) -> ir.Table:
        """One row per order (or per line set aside by itself), with its rule or null."""
        return self.named("flagged", lambda: flag_orders(self.lines, self.policy, self._facts))

    @property
    def valid(self) -> ir.Table:
        """One row per valid order: customer_id, ordered_at, day, amount (net), refunded."""
        return self.flagged.filter(self.flagged.rule.isnull())
