"""Orders: an order log that was read, as of one day."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic

from rfmkit._engine.frame_types import Frame
from rfmkit.columns import MONEY
from rfmkit.exceptions import RfmkitError, kind_in_words
from rfmkit.orders._history import History
from rfmkit.orders._order_table import log_facts, rejected_table
from rfmkit.orders.audit._counts import count_statuses
from rfmkit.orders.audit.audit import Audit
from rfmkit.report._sections import counted

if TYPE_CHECKING:
    from rfmkit.orders._lines import Lines

__all__ = ["Orders"]

DateLike = dt.date | str
"""A day as a date, a datetime or ISO text."""


def as_orders(source: Orders[Frame]) -> Orders[Frame]:
    """Check that `source` is the Orders that `read_orders` returns."""
    given: Any = source
    if isinstance(given, Orders):
        return source
    raise RfmkitError(
        "Expected the Orders that rk.read_orders returns.",
        found=kind_in_words(given),
        hint="orders = rk.read_orders(log), where log is a file or a frame with a row for every "
        "order, and pass the orders.",
    )


def as_day(day: DateLike, name: str) -> dt.date:
    """Return the date of a date, a datetime or ISO text."""
    try:
        if isinstance(day, dt.datetime):
            return dt.date(day.year, day.month, day.day)  # raises for NaT, which .date() does not
        if isinstance(day, dt.date):
            return day
        return dt.datetime.fromisoformat(str(day)).date()
    except (ValueError, TypeError) as error:
        raise RfmkitError(
            f"{name} must be a date, or text such as '2024-04-24'.",
            found=f"{name}={day!r}",
            hint="write the year first: '2024-04-24'.",
        ) from error


class Orders(Generic[Frame]):
    """An order log as of a day.

    ``read_orders`` returns it, and every function of rfmkit takes it. ``until`` returns the same
    log as of another day. In annotations, ``Orders[pandas.DataFrame]`` is a log whose results are
    pandas frames, and plain ``Orders`` a log of any kind.

    Attributes
    ----------
    as_of : datetime.date
        The day on which everything is measured. Rows of that day count; later rows are hidden.
    audit : Audit
        A report: what was read, how many rows and how much money each rule set aside, and
        warnings of what looks odd.
    rejected : DataFrame
        The rows that were set aside, with `row` (int64, the place in the source) and `rule` (str).
    hidden : dict
        What is dated after `as_of`: `rows` (int) and `amount` (Decimal).
    notes : tuple of str
        What was assumed while the log was read, such as columns and time zones.
    history : History
        The tables that everything is computed from, as Ibis expressions: `orders`, `purchases`,
        `gaps` and `customers`. For code that works inside the engine.

    See Also
    --------
    rfmkit.segment : one row per customer with segment, scores and churn probability.
    rfmkit.summarize : one row per customer with counts, dates and money.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> orders
    <Orders: 1,140 customers, 4,956 orders, 417,584.07 net as of 2024-12-30; 482 of 5,438 rows \
set aside>
    Next: rk.segment(orders); orders.audit shows why rows were set aside.
    >>> orders.to_frame()[["order_id", "customer_id", "ordered_at", "amount"]].head(3)
       order_id customer_id          ordered_at  amount
    0  O0004096     C000001 2024-09-13 19:02:33   85.09
    1  O0002571     C000002 2024-03-17 08:04:57   72.34
    2  O0002576     C000002 2024-03-17 15:05:58   49.12
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

    def until(self, day: DateLike) -> Orders[Frame]:
        """Return the same log as of another day; later rows are hidden.

        Parameters
        ----------
        day : date or str
            The new `as_of`, such as ``"2024-06-30"``.

        Returns
        -------
        Orders
            The log as of that day. The source is not read again. ``until`` with a later day shows
            the later rows again.

        Raises
        ------
        RfmkitError
            `day` is not a date.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> half_year = orders.until("2024-06-30")
        >>> half_year
        <Orders: 840 customers, 3,079 orders, 267,689.24 net as of 2024-06-30; 275 of 5,438 rows \
set aside>
        Next: rk.segment(orders); orders.audit shows why rows were set aside.
        >>> half_year.hidden
        {'rows': 2084, 'amount': Decimal('167979.1300')}
        """
        asked = as_day(day, "day")
        ends = self._lines.ends
        return Orders(
            self._lines, as_of=asked if ends is None else min(asked, ends), facts=self._facts
        )

    def cut(self, day: DateLike) -> Orders[Frame]:
        """Return the log without the rows after `day`.

        ``until`` hides later rows, and a later ``until`` shows them again. ``cut`` removes them,
        so that a model that is tested on the past cannot see the future.

        Parameters
        ----------
        day : date or str
            The last day of the shorter log, and its `as_of`.

        Returns
        -------
        Orders
            The shorter log.

        Raises
        ------
        RfmkitError
            `day` is not a date.
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
        """The report of the log: what was read, what each rule set aside, and warnings."""
        return Audit(self._lines, as_of=self.as_of, facts=self._facts)

    @property
    def rejected(self) -> Frame:
        """The rows that were set aside, as they are in the source, with their rule.

        Reading this reads a file again, since memory holds only the columns that orders need.

        Returns
        -------
        DataFrame
            In the kind of the source, ordered by row:

            - `row` (int64): the place in the source, from 1, if the engine numbers rows;
            - `rule` (str): why the row was set aside;
            - all columns of the source. With ``pseudonymize=``, or on an engine that does not
              number rows: `order_id`, `customer_id`, `ordered_at` and `amount` only.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> orders.rejected[["row", "rule", "order_id", "amount", "status"]].head(3)
           row           rule  order_id  amount         status
        0   19  closed_unpaid  O0000019   33.87  closed_unpaid
        1   29  closed_unpaid  O0000029  113.57  closed_unpaid
        2   65         unpaid  O0000065   66.82         unpaid
        """
        table = rejected_table(self._lines, self.as_of, self._facts)
        order = ("row",) if "row" in table.columns else ()
        engine = self._lines.engine
        kind = self._lines.source.kind
        found: Frame = engine.deliver(table, kind, order_by=order, canonical=False)
        return found

    @property
    def hidden(self) -> dict[str, Any]:
        """Rows and money dated after `as_of`: `rows` (int) and `amount` (Decimal).

        Examples
        --------
        >>> import rfmkit as rk
        >>> rk.read_orders(rk.load_sample(), as_of="2024-06-30").hidden
        {'rows': 2084, 'amount': Decimal('167979.1300')}
        """
        lines = self._lines.table
        later = lines.filter(lines.day > self.as_of)
        return dict(
            self._lines.engine.row(
                later.aggregate(rows=later.count(), amount=later.amount.sum().fill_null(0))
            )
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed while the log was read, one sentence each.

        Examples
        --------
        >>> import rfmkit as rk
        >>> for note in rk.read_orders(rk.load_sample()).notes[:3]:
        ...     print(note)
        order_id: column 'order_id'
        customer_id: column 'customer_id'
        ordered_at: column 'ordered_at'
        """
        shared = self._facts["shared_order_ids"]
        more = (f"{shared:,} order ids have several customers: kept apart",) if shared else ()
        return self._lines.notes + more

    @cached_property
    def history(self) -> History[Frame]:
        """The tables that everything is computed from, as Ibis expressions."""
        return History(self._lines, as_of=self.as_of, facts=self._facts)

    def to_frame(self, *, exact: bool = False) -> Frame:
        """Return the valid orders, one row each.

        Parameters
        ----------
        exact : bool, default False
            Whether amounts are exact decimals. Floats are easier to average and to plot.

        Returns
        -------
        DataFrame
            In the kind of the source, ordered by `customer_id` and `ordered_at`:

            - `order_id` (str; null if the log has none);
            - `customer_id` (str, or the source's integer);
            - `ordered_at` (timestamp, in the shop's time zone);
            - `amount` (float64, or decimal with four places; money, net of refunds);
            - `status` (str, the canonical status);
            - `customer_key` (str), if customers are identified by several columns: by which one.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> orders.to_frame()[["customer_id", "ordered_at", "amount", "status"]].head(3)
          customer_id          ordered_at  amount     status
        0     C000001 2024-09-13 19:02:33   85.09  completed
        1     C000002 2024-03-17 08:04:57   72.34  completed
        2     C000002 2024-03-17 15:05:58   49.12  completed
        >>> orders.to_frame(exact=True)["amount"].sum()
        Decimal('417584.0700')
        """
        history = self.history
        valid = history.valid
        fields = ["order_id", "customer_id", "ordered_at", "amount", "status"]
        fields += [name for name in ("customer_key",) if name in valid.columns]
        table = valid.select(*fields)
        table = table.mutate(amount=table.amount.cast(MONEY))
        table = history.engine.canonical(table, but=("amount",) if exact else ())
        order = ("customer_id", "ordered_at", "order_id", "amount")
        found: Frame = history.engine.deliver(table, history.kind, order_by=order, canonical=False)
        return found

    def __reduce__(self) -> Any:
        """Raise an error: the log is in an engine, which cannot be copied or pickled."""
        raise RfmkitError(
            "Orders cannot be copied or pickled: the log is in an engine.",
            found="a copy or a pickle of Orders",
            hint="read it again with rk.read_orders, or keep the frames that it returns.",
        )

    def __repr__(self) -> str:
        """Return what the log holds and what to call next."""
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
        unreadable = len(self._lines.source.unreadable)
        who, what = counted(found["customers"], "customer"), counted(found["orders"], "order")
        following = (
            "rk.segment(orders); orders.audit shows why rows were set aside."
            if found["orders"]
            else "orders.audit, which shows why no order counts."
        )
        return (
            f"<Orders: {who}, {what}, "
            f"{found['amount']:,.2f} net as of {self.as_of}; {found['aside'] + unreadable:,} of "
            f"{self._facts['rows'] + unreadable:,} rows set aside>\nNext: {following}"
        )
