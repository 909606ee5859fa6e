"""Reading an order log of any kind, with every row of it accounted for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from rfmkit import _checks as checks
from rfmkit.exceptions import RfmkitError
from rfmkit.formats._names import keyword
from rfmkit.orders._assumptions import assumptions, unmatched_patterns, unused_words
from rfmkit.orders._census import count_ids_in_several_files, take_census
from rfmkit.orders._customer_keys import check_secret
from rfmkit.orders._layout import find_layout
from rfmkit.orders._lines import Lines
from rfmkit.orders._reading_options import ReadingOptions
from rfmkit.orders._tables import open_log
from rfmkit.orders.orders import Orders, as_day

if TYPE_CHECKING:
    import datetime as dt

    from rfmkit._engine import Source
    from rfmkit.formats import Format
    from rfmkit.orders.orders import Day

__all__ = ["read_orders"]

MOST_MONEY: Final = 1e13
MOST_RATE: Final = Decimal(10) ** 9


def read_orders(
    source: Any,
    *,
    format: str | Format = "auto",  # noqa: A002 (the word every reader uses)
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
    exclude: Mapping[str, str] | None = None,
    rates: Mapping[str, float | str | Decimal] | None = None,
    pseudonymize: str | None = None,
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
        A mapping of several of them, or a folder, where a format is made of several tables.
    format : str or Format
        The platform whose export it is, such as ``"shopify"`` (`rfmkit formats` lists them), or
        a declaration of your own. ``"auto"`` finds it by the columns, and where it is none takes
        ``"generic"``: columns found by their names, in English and Chinese.
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
    exclude : mapping of column to pattern, optional
        Rows in which a column matches a regular expression, in any case, are set aside:
        ``{"商家备注": "刷单|补单", "Lineitem name": "deposit|gift wrap"}``.
    rates : mapping of currency code to number, optional
        What one unit of each currency of the log is worth in the one of the results.
    pseudonymize : str, optional
        A secret: customers are known by keyed hashes of their ids (SHA-256, 128 bits), the same
        ones for the same secret, and rejected rows are shown without the source's own columns.
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
    NoCustomerKeyError
        The export is one that never tells who bought; the message says which one does.
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
    rfmkit.exceptions.ColumnsError: An order log must have a column for the amount.
    Found: columns 'Customer ID', 'Order Date', 'how much'
    Hint: name it: read_orders(..., amount='...').
    """
    checks.choice("refunds", refunds, ("net", "drop_full", "gross"))
    checks.choice("zero_amounts", zero_amounts, ("drop", "keep"))
    checks.choice("same_day", same_day, ("merge", "keep"))
    checks.choice("dayfirst", dayfirst, (None, True, False))
    checks.choice("decimal", decimal, (None, ".", ","))
    _check_zone(tz)
    between = _pair_of_days(dates_between)
    options = ReadingOptions(
        refunds, zero_amounts, same_day, tz, dayfirst, decimal, between,
        _patterns(exclude), _rates(rates), check_secret(pseudonymize),
    )  # fmt: skip
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
    opened = open_log(
        source, asked=format, names=_names(names), output=output, encoding=encoding,
        delimiter=delimiter, memory_limit=memory_limit, threads=threads,
    )  # fmt: skip
    lines = _read_lines(
        opened,
        asked=format,
        named={role: column for role, column in named.items() if column is not None},
        constant_amount=constant,
        statuses=statuses,
        options=options,
    )
    return Orders(lines, as_of=None if as_of is None else as_day(as_of, "as_of"))


def _read_lines(
    source: Source,
    *,
    asked: Any,
    named: Mapping[str, str],
    constant_amount: float | None,
    statuses: Mapping[str, str] | None,
    options: ReadingOptions,
) -> Lines:
    """Find the layout, take the census, and put the lines together."""
    layout = find_layout(
        source.columns, asked=asked, named=named, constant_amount=constant_amount, options=options
    )
    kinds = layout.held_as(source.columns)
    several = len(source.files) > 1
    alike = bool(layout.platform.unique) or (several and not layout.platform.whole)
    at_once = several or source.begins_with_repeats(layout.columns.get("order_id"))
    source, layout = layout.with_made_columns(source.hold(kinds, alike=alike and at_once))
    census = take_census(source, layout, statuses)
    if census.repeats and alike and not at_once:
        # To compare whole rows every cell is read: not before it is known that ids come again.
        source, layout = layout.with_made_columns(source.hold_alike(kinds))
    if census.repeats and not layout.platform.whole:
        census = replace(census, several_files=count_ids_in_several_files(source, layout))
    notes = [
        *assumptions(source, layout, census),
        *unused_words(statuses, census.status_rows),
        *unmatched_patterns(source.table, source.engine, options),
    ]
    lines = Lines(source, layout, census, tuple(notes))
    _ = lines.table  # a cell that cannot be read raises here, and not in the first result
    return lines


def _patterns(exclude: Any) -> dict[str, str]:
    if exclude is None:
        return {}
    try:
        if isinstance(exclude, Mapping) and all(isinstance(name, str) for name in exclude):
            return {name: re.compile(pattern).pattern for name, pattern in exclude.items()}
        found = repr(exclude)
    except (re.error, TypeError) as error:
        found = f"{exclude!r}: {error}"
    raise RfmkitError(
        "exclude maps columns to regular expressions.",
        found=found,
        hint="for instance exclude={'Memo': 'test|sample'}.",
    )


def _rates(rates: Any) -> dict[str, Decimal] | None:
    if rates is None:
        return None
    try:
        # By way of text: 1.08 is the number that was written, not the nearest double to it.
        found = {code.strip().upper(): Decimal(str(rate)) for code, rate in rates.items()}
        if found and all(0 < rate < MOST_RATE for rate in found.values()):
            return found
    except (AttributeError, ArithmeticError):
        pass
    raise RfmkitError(
        "rates maps currencies to what one unit of each is worth.",
        found=repr(rates),
        hint="for instance rates={'USD': 1, 'EUR': 1.08}.",
    )


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
