"""Orders: the log, canonical and audited, as it was known at the end of one day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from rfmkit import checks
from rfmkit._engine import open_source
from rfmkit.exceptions import RfmkitError
from rfmkit.formats.names import keyword
from rfmkit.ledger import audit_table, flag_orders, known, log_facts, rejected_table
from rfmkit.lines import Lines, Policy, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis.expr.types as ir

    from rfmkit._engine import Engine

__all__ = ["Orders", "read_orders"]

Day = dt.date | str
MOST_MONEY: Final = 1e13


def read_orders(
    source: Any,
    *,
    format: Literal["auto"] = "auto",  # noqa: A002 (the word every reader uses)
    customer: str | None = None,
    time: str | None = None,
    amount: str | float | None = None,
    order_id: str | None = None,
    status: str | None = None,
    refund_amount: str | None = None,
    unit_price: str | None = None,
    quantity: str | None = None,
    category: str | None = None,
    currency: str | None = None,
    refunds: Literal["net", "drop_full", "gross"] = "net",
    zero_amounts: Literal["drop", "keep"] = "drop",
    same_day: Literal["merge", "keep"] = "merge",
    statuses: Mapping[str, str] | None = None,
    tz: str | None = None,
    dayfirst: bool | None = None,
    decimal: Literal[".", ","] | None = None,
    dates_between: tuple[Day, Day] = ("1980-01-01", "2100-01-01"),
    as_of: Day | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    names: Sequence[str] | None = None,
    output: Literal["pandas", "polars", "pyarrow", "ibis"] | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Orders:
    """Read an order log of any kind, and account for every row of it.

    Parameters
    ----------
    source : path, glob, list of paths, or DataFrame
        CSV (any delimiter; UTF-8, UTF-16 or GB18030), Parquet, Excel, line-delimited JSON; a
        pandas, polars (eager or lazy), Arrow or Spark frame, a DuckDB relation, an Ibis table.
    format : "auto"
        The columns are found by their names, in English and Chinese.
    customer, time, amount, order_id, status, refund_amount, unit_price, quantity, category, \
currency : str, optional
        The column of each role, where its name does not tell. `amount` may also be a number, the
        same for every row, for logs without money. Without an amount column, quantity times
        unit price counts.
    refunds : {"net", "drop_full", "gross"}
        ``"net"`` takes refunds off the money, and orders refunded in full off the purchases;
        ``"drop_full"`` only the latter; ``"gross"`` neither.
    zero_amounts : {"drop", "keep"}
        Whether orders of amount zero (gifts, samples, replacements) are purchases.
    same_day : {"merge", "keep"}
        Whether several orders of a customer on one day are one purchase.
    statuses : mapping, optional
        The shop's own status words, mapped to canonical statuses.
    tz : str, optional
        The shop's time zone, needed where moments carry offsets; days are its calendar days.
    dayfirst : bool, optional
        How ``03/05/2024`` reads, where the column itself does not decide it.
    decimal : {".", ","}, optional
        The decimal mark, where the column itself does not decide it.
    dates_between : pair of dates
        Rows outside the half-open range are set aside as placeholders (1900, 9999).
    as_of : date or str, optional
        The day on which everything is measured; later rows are hidden. Default: the day of the
        last row. Nothing reads the clock.
    encoding, delimiter, names : optional
        How a text file is written, and its column names where it has no header line.
    output : {"pandas", "polars", "pyarrow", "ibis"}, optional
        The kind of every result. Default: the source's own kind; pandas for files.
    memory_limit, threads : optional
        Limits of the embedded engine, such as ``"1GB"`` and ``2``.

    Returns
    -------
    Orders
        The log as of a day, with its audit.

    Raises
    ------
    ColumnsError
        A role has no column, or two.
    OrdersError
        The log cannot be read: no file, another format, an ambiguous date or decimal mark, a
        missing time zone, several currencies.

    Examples
    --------
    >>> import pandas as pd
    >>> import rfmkit as rk
    >>> log = pd.DataFrame({
    ...     "Customer ID": ["a", "a", "b", None],
    ...     "Order Date": ["2024-01-03", "2024-02-01", "2024-02-10", "2024-02-11"],
    ...     "Total": ["10.50", "$1,200.00", "(3.00)", "5"],
    ... })
    >>> orders = rk.read_orders(log)
    >>> orders
    <Orders: 1 customers, 2 orders, 1210.50 as of 2024-02-11; 2 of 4 rows set aside, see .audit>
    >>> rk.read_orders(log.rename(columns={"Total": "how much"}))
    Traceback (most recent call last):
    rfmkit.exceptions.ColumnsError: An order log has a column for the amount.
    Found: columns 'Customer ID', 'Order Date', 'how much'
    Hint: name it: read_orders(..., amount='...').
    """
    checks.choice("format", format, ("auto",))
    checks.choice("refunds", refunds, ("net", "drop_full", "gross"))
    checks.choice("zero_amounts", zero_amounts, ("drop", "keep"))
    checks.choice("same_day", same_day, ("merge", "keep"))
    checks.choice("dayfirst", dayfirst, (None, True, False))
    checks.choice("decimal", decimal, (None, ".", ","))
    _check_zone(tz)
    between = _pair_of_days(dates_between)
    policy = Policy(refunds, zero_amounts, same_day, tz, dayfirst, decimal, between)
    named = {
        "customer_id": customer, "ordered_at": time, "order_id": order_id, "status": status,
        "amount": amount if isinstance(amount, str) else None, "refund_amount": refund_amount,
        "unit_price": unit_price, "quantity": quantity, "category": category,
        "currency": currency,
    }  # fmt: skip
    for role, column in named.items():
        checks.text(keyword(role), column)
    constant = None if isinstance(amount, str) or amount is None else checks.number(
        "amount", amount, above=-MOST_MONEY, below=MOST_MONEY
    )  # fmt: skip
    opened = open_source(
        source, output=output, encoding=encoding, delimiter=delimiter, names=_names(names),
        memory_limit=memory_limit, threads=threads,
    )  # fmt: skip
    lines = read_lines(
        opened,
        named={role: column for role, column in named.items() if column is not None},
        constant_amount=constant,
        statuses=statuses,
        policy=policy,
    )
    return Orders(lines, as_of=None if as_of is None else as_day(as_of, "as_of"))


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


def _pair_of_days(days: Any) -> tuple[dt.date, dt.date]:
    if isinstance(days, str) or not isinstance(days, Sequence) or len(days) != 2:  # noqa: PLR2004
        raise RfmkitError(
            "dates_between is a pair of dates such as ('2000-01-01', '2030-01-01').",
            found=repr(days),
        )
    return as_day(days[0], "dates_between"), as_day(days[1], "dates_between")


def _names(names: Any) -> list[str] | None:
    if names is None:
        return None
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise RfmkitError("names is a list of column names.", found=f"names={names!r}")
    return list(names)


def _check_zone(tz: str | None) -> None:
    checks.text("tz", tz)
    try:
        if tz is not None:
            ZoneInfo(tz)
    except (KeyError, ValueError, OSError) as error:
        raise RfmkitError(
            "tz names a time zone.",
            found=f"tz={tz!r}",
            hint="for instance 'Asia/Shanghai', 'Europe/Berlin', 'UTC'.",
        ) from error


class Orders:
    """An order log as of a day; made by ``read_orders``, moved by ``until``.

    Attributes
    ----------
    as_of : datetime.date
        The day on which everything is measured, included; later rows are hidden.
    audit : DataFrame
        Every row accounted for: rule, rows, amount, example rows; kept + set aside = read.
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
    def audit(self) -> Any:
        """Every row and every cent accounted for, one line a rule."""
        return audit_table(self._lines, self.as_of, self._facts)

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
        table = valid.select("order_id", "customer_id", "ordered_at", "amount", "status")
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
