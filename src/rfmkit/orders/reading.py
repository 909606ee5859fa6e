"""The reading of an order log: `read_orders`, and the checks of its arguments."""

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
    from rfmkit._engine.frame_types import Paths, SourceFrame
    from rfmkit.formats import Format
    from rfmkit.orders.orders import DateLike

__all__ = ["read_orders"]

MOST_MONEY: Final = 1e13
MOST_RATE: Final = Decimal(10) ** 9


def read_orders(
    source: SourceFrame | Paths | Mapping[str, Any],
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
    dates_between: tuple[DateLike, DateLike] = ("1980-01-01", "2100-01-01"),
    as_of: DateLike | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    names: Sequence[str] | None = None,
    output: Literal["pandas", "polars", "pyarrow", "ibis"] | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Orders[SourceFrame]:
    """Return an order log of any kind as Orders, with an audit of every row.

    Parameters
    ----------
    source : path, glob, list of paths, DataFrame, or mapping
        A file or several: CSV (any delimiter; UTF-8, UTF-16 or GB18030), Parquet, Excel or
        line-delimited JSON. Or a frame: pandas, polars (eager or lazy), Arrow, Spark, a DuckDB
        relation, an Ibis table. Or, for a format of several tables, a folder of files or a
        mapping of name to table.
    format : str or Format, default "auto"
        The platform that exported the log, such as ``"shopify"`` (``rfmkit formats`` lists the
        names), or a ``Format`` of your own. ``"auto"`` recognises the platform by its columns. If
        it recognises none, it uses ``"generic"``: each column is found by its name, in English or
        Chinese.
    customer, time, amount, order_id, status, refund_amount, unit_price, quantity, category, \
currency : str, optional
        The column of each role, if its name is not recognised. `amount` may also be a number: the
        amount of every row, for logs without money. If there is no amount column, quantity times
        unit price is used.
    refunds : {"net", "drop_full", "gross"}, default "net"
        ``"net"`` subtracts refunds from the money, and an order refunded in full is no purchase.
        ``"drop_full"`` only does the second. ``"gross"`` does neither.
    zero_amounts : {"drop", "keep"}, default "drop"
        Whether orders of amount zero (gifts, samples, replacements) are purchases.
    same_day : {"merge", "keep"}, default "merge"
        Whether several orders of one customer on one day are one purchase.
    statuses : mapping of str to str, optional
        Status words of the shop, mapped to canonical statuses: ``{"bezahlt": "paid"}``.
    exclude : mapping of column to pattern, optional
        Set aside each row whose column matches a regular expression, in upper or lower case:
        ``{"商家备注": "刷单|补单", "Lineitem name": "deposit|gift wrap"}``.
    rates : mapping of currency code to number, optional
        What one unit of each currency in the log is worth in the currency of the results.
    pseudonymize : str, optional
        A secret of at least eight characters. Customer ids are replaced by keyed hashes (SHA-256,
        128 bits), which are the same for the same secret, and `rejected` shows no column of the
        source.
    tz : str, optional
        The time zone of the shop, such as ``"Europe/Berlin"``. It decides on which calendar day
        an order is, and is needed if times have UTC offsets.
    dayfirst : bool, optional
        How ``03/05/2024`` reads, if the column itself does not show it.
    decimal : {".", ","}, optional
        The decimal mark, if the column itself does not show it.
    dates_between : pair of dates, default ("1980-01-01", "2100-01-01")
        Rows outside this range, whose end is excluded, are set aside: such dates (1900, 9999)
        are placeholders.
    as_of : date or str, optional
        The day on which everything is measured; later rows are hidden. Default: the day of the
        last row. The clock of the machine is never used.
    encoding, delimiter : str, optional
        How a text file is written, if it is not recognised.
    names : list of str, optional
        The column names of a file without a header line.
    output : {"pandas", "polars", "pyarrow", "ibis"}, optional
        The kind of every result. Default: the kind of the source; pandas for files.
    memory_limit : str, optional
        Memory that the embedded engine may use, such as ``"1GB"``.
    threads : int, optional
        Threads that the embedded engine may use.

    Returns
    -------
    Orders
        The log as of a day, with its audit.

    Raises
    ------
    ColumnsError
        A role has no column or two, or a named column does not exist.
    NoCustomerKeyError
        The export never identifies customers; the message names an export that does.
    OrdersError
        The log cannot be read: no file, no rows, another format, an ambiguous date or decimal
        mark, a missing time zone, several currencies.
    RfmkitError
        An argument is not one of its values.

    See Also
    --------
    rfmkit.segment : one row per customer with segment, scores and churn probability.
    rfmkit.formats.Format : a declaration of an export that rfmkit does not know.

    Examples
    --------
    Columns are found by their names. A negative amount is a refund; a row without a customer is
    set aside:

    >>> import pandas as pd
    >>> import rfmkit as rk
    >>> log = pd.DataFrame({
    ...     "Customer ID": ["a", "a", "b", None],
    ...     "Order Date": ["2024-01-03", "2024-02-01", "2024-02-10", "2024-02-11"],
    ...     "Total": ["10.50", "$1,200.00", "(3.00)", "5"],
    ... })
    >>> orders = rk.read_orders(log)
    >>> orders
    <Orders: 1 customer, 2 orders, 1,210.50 net as of 2024-02-11; 2 of 4 rows set aside>
    Next: rk.segment(orders); orders.audit shows why rows were set aside.
    >>> orders.audit.to_frame()[["rule", "rows", "amount", "examples"]]
                          rule  rows     amount examples
    0                     kept     2  1210.5000
    1              no_customer     1     5.0000    row 4
    2  refund_without_purchase     1    -3.0000    row 3
    3                     read     4  1212.5000

    A column whose name is not recognised must be named:

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
    """Return the lines of a source: its layout is found first, then its census is taken."""
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
        # Comparing whole rows reads every cell: do it only if order ids repeat.
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
        "exclude must map columns to regular expressions.",
        found=f"exclude={found}",
        hint="for example exclude={'Memo': 'test|sample'}.",
    )


def _rates(rates: Any) -> dict[str, Decimal] | None:
    if rates is None:
        return None
    try:
        # Through text: 1.08 is the number that was written, and not the nearest double.
        found = {code.strip().upper(): Decimal(str(rate)) for code, rate in rates.items()}
        if found and all(0 < rate < MOST_RATE for rate in found.values()):
            return found
    except (AttributeError, ArithmeticError):
        pass
    raise RfmkitError(
        "rates must map each currency to a positive number, what one unit of it is worth.",
        found=f"rates={rates!r}",
        hint="for example rates={'USD': 1, 'EUR': 1.08}.",
    )


def _pair_of_days(days: Any) -> tuple[dt.date, dt.date]:
    if isinstance(days, str) or not isinstance(days, Sequence) or len(days) != 2:  # noqa: PLR2004
        raise RfmkitError(
            "dates_between must be a pair of dates.",
            found=f"dates_between={days!r}",
            hint="for example dates_between=('2000-01-01', '2030-01-01').",
        )
    return as_day(days[0], "dates_between"), as_day(days[1], "dates_between")


def _names(names: Any) -> list[str] | None:
    if names is None:
        return None
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise RfmkitError(
            "names must be a list of column names.",
            found=f"names={names!r}",
            hint="for example names=['customer', 'date', 'amount'].",
        )
    return list(names)


def _check_zone(tz: str | None) -> None:
    checks.text("tz", tz)
    try:
        if tz is not None:
            ZoneInfo(tz)
    except (KeyError, ValueError, OSError) as error:
        raise RfmkitError(
            "tz must be the name of a time zone.",
            found=f"tz={tz!r}",
            hint="for example tz='Asia/Shanghai', tz='Europe/Berlin' or tz='UTC'.",
        ) from error
