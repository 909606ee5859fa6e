"""Orders: an order log, read and audited, as it was known at the end of one day."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rfmkit.columns import MONEY
from rfmkit.exceptions import RfmkitError, kind_in_words
from rfmkit.orders._history import History
from rfmkit.orders._order_table import log_facts, rejected_table
from rfmkit.orders.audit._counts import count_statuses
from rfmkit.orders.audit.audit import Audit

if TYPE_CHECKING:
    from rfmkit.orders._lines import Lines

__all__ = ["Orders"]

Day = dt.date | str


def as_orders(source: Any) -> Orders:
    """Return `source` if it is the Orders that `read_orders` returns, else raise."""
    if isinstance(source, Orders):
        return source
    name = "path" if isinstance(source, str) else "frame"
    raise RfmkitError(
        "Expected the Orders that rk.read_orders returns.",
        found=kind_in_words(source),
        hint=f"orders = rk.read_orders({name}).",
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
        raise RfmkitError(
            f"{name} must be a date, or text such as '2024-04-24'.",
            found=f"{name}={day!r}",
            hint="write the year first: '2024-04-24'.",
        ) from error


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
        Rows and money dated after `as_of`.
    notes : tuple of str
        What was assumed while reading: columns, statuses, time zones.
    history : History
        The tables that everything is computed from, as Ibis expressions: `orders`, `purchases`,
        `gaps` and `customers`. For code that works inside the engine.

    See Also
    --------
    rfmkit.segment : the main job: one row per customer.
    rfmkit.summarize : one row per customer, without segments.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> orders
    <Orders: 1,182 customers, 3,317 orders, 283,894.58 net as of 2024-12-31; 122 of 3,500 rows \
set aside>
    Next: rk.segment(orders); orders.audit says why rows were set aside.
    >>> orders.to_frame()[["order_id", "customer_id", "ordered_at", "amount"]].head(3)
    """

    def __init__(
        self, lines: Lines, *, as_of: dt.date | None, facts: dict[str, Any] | None = None
    ) -> None:
        self._lines = lines
        self._facts = facts or log_facts(lines)
        self._as_of: dt.date = as_of or self._facts["last_day"]

    @property
    def as_of(self) -> dt.date:
        """The day on which everything is measured; `until` returns the log of another day."""
        return self._as_of

    def until(self, day: Day) -> Orders:
        """Return the same log as it was known at the end of `day`; later rows are hidden.

        Parameters
        ----------
        day : date or str
            The new `as_of`.

        Returns
        -------
        Orders
            The same log; `until` a later day shows the later rows again. Nothing is read anew.

        Raises
        ------
        RfmkitError
            `day` is no date.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> orders.until("2024-06-30").as_of
        datetime.date(2024, 6, 30)
        """
        asked = as_day(day, "day")
        ends = self._lines.ends
        return Orders(
            self._lines, as_of=asked if ends is None else min(asked, ends), facts=self._facts
        )

    def cut(self, day: Day) -> Orders:
        """Return the log as if it ended on `day`: later rows are gone, and not only hidden.

        ``until`` hides later rows and counts them in `hidden`. After ``cut`` nothing later can be
        asked of the log: this is what a backtest gives to its models.

        Parameters
        ----------
        day : date or str
            The last day of the log, and the new `as_of`.

        Returns
        -------
        Orders
            The shorter log.

        Raises
        ------
        RfmkitError
            `day` is no date.
        OrdersError
            No row is dated on `day` or before.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> orders.cut("2024-06-30").until("2024-12-31").as_of
        datetime.date(2024, 6, 30)
        """
        last = as_day(day, "day")
        words = count_statuses(self._lines, self._facts, as_of=last)
        rows = {word: count for word, _, count in words}
        return Orders(self._lines.cut(last, rows), as_of=last)

    @cached_property
    def audit(self) -> Audit:
        """Every row and every cent accounted for, and what looks odd."""
        return Audit(self._lines, as_of=self.as_of, facts=self._facts)

    @property
    def rejected(self) -> Any:
        """The rows set aside, as they stand in the source, with their rule.

        The columns of a file that an order does not need are not kept in memory: the file is read
        again here.
        """
        table = rejected_table(self._lines, self.as_of, self._facts)
        order = ("row",) if "row" in table.columns else ()
        engine = self._lines.engine
        return engine.deliver(table, self._lines.source.kind, order_by=order, canonical=False)

    @property
    def hidden(self) -> dict[str, Any]:
        """Rows and money dated after `as_of`: `rows` (int) and `amount` (Decimal)."""
        lines = self._lines.table
        later = lines.filter(lines.day > self.as_of)
        return dict(
            self._lines.engine.row(
                later.aggregate(rows=later.count(), amount=later.amount.sum().fill_null(0))
            )
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed while reading."""
        shared = self._facts["shared_order_ids"]
        more = (f"{shared:,} order ids come with several customers: kept apart",) if shared else ()
        return self._lines.notes + more

    @cached_property
    def history(self) -> History:
        """The tables that everything is computed from, as Ibis expressions."""
        return History(self._lines, as_of=self.as_of, facts=self._facts)

    def to_frame(self, *, exact: bool = False) -> Any:
        """Return the valid orders in canonical form, one row each.

        Parameters
        ----------
        exact : bool, default False
            Whether amounts are exact decimals; else they are floats, which can be averaged and
            plotted.

        Returns
        -------
        DataFrame
            In the source's own kind, ordered by `customer_id` and `ordered_at`: `order_id`
            (string), `customer_id`, `ordered_at` (timestamp in the shop's time zone), `amount`
            (net money; float64, or decimal), `status` (string), and `customer_key` (string) where
            customers are identified by several columns.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> frame = orders.to_frame()
        >>> round(frame["amount"].mean(), 2)
        85.59
        """
        history = self.history
        valid = history.valid
        fields = ["order_id", "customer_id", "ordered_at", "amount", "status"]
        fields += [name for name in ("customer_key",) if name in valid.columns]
        table = valid.select(*fields)
        table = table.mutate(amount=table.amount.cast(MONEY if exact else "float64"))
        order = ("customer_id", "ordered_at", "order_id", "amount")
        return history.deliver(table, order_by=order)

    def __reduce__(self) -> Any:
        """Refuse to be copied or pickled: the log lives in an engine."""
        raise RfmkitError(
            "Orders cannot be copied or pickled: the log lives in an engine.",
            found="a copy or a pickle of Orders",
            hint="read it again with rk.read_orders, or keep the frames that it returns.",
        )

    def __repr__(self) -> str:
        """Say what the log holds and what to call next."""
        orders = self.history.orders
        valid, netted = orders.rule.isnull(), orders.rule == "refund"
        kept = valid | netted.fill_null(False)  # noqa: FBT003
        found = self._lines.engine.row(
            orders.aggregate(
                customers=orders.customer_id.nunique(where=valid),
                orders=orders.rule.isnull().sum().fill_null(0),
                amount=orders.amount.sum(where=kept).fill_null(0),
                aside=orders.lines.sum(where=~kept).fill_null(0),
            )
        )
        torn = len(self._lines.source.unreadable)
        return (
            f"<Orders: {found['customers']:,} customers, {found['orders']:,} orders, "
            f"{found['amount']:,.2f} net as of {self.as_of}; {found['aside'] + torn:,} of "
            f"{self._facts['rows'] + torn:,} rows set aside>\n"
            "Next: rk.segment(orders); orders.audit says why rows were set aside."
        )
