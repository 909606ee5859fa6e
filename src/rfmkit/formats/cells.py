"""How cells become ids, money and moments: expressions, decided for a column as a whole.

Each kind of cell has a *look* (is every cell of a text column plain? cheap), a *census* (how are
the cells written? only for columns that are not plain) and a *reader* (an expression, chosen by
the two). The caller runs look and census over the whole column: text is never guessed cell by
cell, and a plain column costs no more than the engine's own cast.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.types as ir

from rfmkit.columns import MONEY
from rfmkit.exceptions import OrdersError

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING: Final = r"^(?i:nan|null|none|<na>|nat|#?n/a)?$"
# Nothing to strip, no word for nothing (all short, all begin with n, < or #), no float.
PLAIN_ID: Final = r"^(\d[^eE.\s]*|[^\s\d].{3,}\S|[^\s\dnN<#](.{0,2}\S)?)$"
EXACT_FLOAT: Final = 2**53
# Scientific notation: certain with a dot or a plus; 12345e67 may also be a hexadecimal id.
MANGLED: Final = r"^\d+(\.\d+)?[eE]\+?\d+$"
SURELY_MANGLED: Final = r"^\d+(\.\d+[eE]\+?|[eE]\+)\d+$"

SPACE: Final = r"[\s\x{00a0}\x{2009}\x{202f}]"
CURRENCY: Final = r"(?:\p{Sc}|[A-Za-z\p{Sc}]{1,4}\.?|元|圆|円)?"
NUMBER: Final = r"(\d(?:[\d.,'’\s\x{00a0}\x{2009}\x{202f}]*\d)?|[.,]\d+)"
SIGN: Final = r"([-+−]?)"
MONEY_CELL: Final = f"{SPACE}*".join(
    ("^", r"(\()?", SIGN, CURRENCY, SIGN, NUMBER, CURRENCY, SIGN, r"(\))?", "$")
)
COMMA_DECIMAL: Final = r"^0,\d+$|\.\d+,\d+|,\d{1,2}$|,\d{4,}$|\.\d{3}\.\d"
DOT_DECIMAL: Final = r"^0\.\d+$|,\d+\.\d+|\.\d{1,2}$|\.\d{4,}$|,\d{3},\d"

CLOCK: Final = r"[ T,]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(?:([AaPp])\.?[Mm]\.?)?$"
PLAIN_TIME: Final = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
YEAR_FIRST: Final = rf"^(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})(?:{CLOCK}|$)"
DAY_MONTH: Final = rf"^(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}|\d{{2}})(?:{CLOCK}|$)"
COMPACT: Final = r"^\d{8}$"
YYYYMMDD: Final = (1900_01_01, 2199_12_31)
OFFSET_PARTS: Final = (
    r"^(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)"
    r"\s?(Z|z|UTC|GMT|([+-]\d{2}):?(\d{2})?)$"
)

Counts = dict[str, ir.Value]


def count_if(condition: ir.BooleanValue) -> ir.IntegerScalar:
    """Count the rows where a condition is true."""
    return condition.fill_null(False).cast("int64").sum().fill_null(0)  # noqa: FBT003


def trimmed(text: ir.StringValue) -> ir.StringValue:
    """Strip, and make the words for nothing null."""
    text = text.strip()
    # A pattern, since a list of words becomes a join, and planning many of them takes seconds.
    return text.re_search(MISSING).ifelse(ibis.null("string"), text)


def is_plain(census: Mapping[str, Any]) -> bool:
    """Tell whether a look found nothing to mend in a column."""
    return bool(census.get("plain") == census.get("there"))


# --- ids -------------------------------------------------------------------------------------


def id_look(column: ir.Column) -> Counts:
    """Count the ids that can stay as they are: no outer space, no word for nothing, no float."""
    if not column.type().is_string():
        return {}
    return {"there": column.count(), "plain": count_if(column.re_search(PLAIN_ID))}


def id_census(column: ir.Column) -> Counts:
    """Count what tells a mangled id: a trailing ``.0`` and scientific notation."""
    text = trimmed(column)
    return {
        "cells": text.count(),
        "dot_zero": count_if(text.re_search(r"^\d+\.0$")),
        "mangled": count_if(text.re_search(MANGLED)),
        "whole": count_if(text.re_search(r"^\d+(\.0)?$")),
    }


def read_id(column: ir.Column, census: Mapping[str, int]) -> ir.Column:
    """Read an id as exact text (integers stay integers); float-mangled whole numbers are mended.

    ``17850.0`` becomes ``17850`` where the whole column has that form, since then a float passed
    through it. What scientific notation or a float beyond 2**53 has destroyed cannot be mended:
    see `is_mangled`.
    """
    kind = column.type()
    if kind.is_floating():
        whole = column.try_cast("int64")
        text = (whole.cast("float64") == column).ifelse(whole.cast("string"), column.cast("string"))
        return (column.isnan() | column.isinf()).ifelse(ibis.null("string"), text)
    if kind.is_integer():
        return column
    if kind.is_string() and is_plain(census):
        return column
    text = trimmed(column.cast("string"))
    if census.get("dot_zero", 0) and census["dot_zero"] + census["mangled"] == census["cells"]:
        return text.re_replace(r"\.0$", "")
    return text


def is_mangled(column: ir.Column, census: Mapping[str, int]) -> ir.BooleanValue:
    """Tell ids whose digits are lost: several customers may hide behind one."""
    kind = column.type()
    if kind.is_floating():
        return (column.abs() >= EXACT_FLOAT).fill_null(False)  # noqa: FBT003
    if census.get("mangled", 0):
        numbers = census["whole"] + census["mangled"] == census["cells"]
        pattern = MANGLED if numbers else SURELY_MANGLED
        return trimmed(column).re_search(pattern).fill_null(False)  # noqa: FBT003
    return ibis.literal(False)  # noqa: FBT003


# --- money -----------------------------------------------------------------------------------


def money_look(column: ir.Column) -> Counts:
    """Count the cells that the engine's own cast reads."""
    if not column.type().is_string():
        return {}
    return {"there": column.count(), "plain": column.try_cast(MONEY).count()}


def money_census(column: ir.Column) -> Counts:
    """Count the evidence for the comma and for the dot as decimal mark."""
    text = trimmed(column)
    number = text.re_extract(MONEY_CELL, 4)
    last_comma, last_dot = number.re_search(COMMA_DECIMAL), number.re_search(DOT_DECIMAL)
    return {
        "comma": count_if(last_comma),
        "dot": count_if(last_dot),
        "comma_example": text.max(where=last_comma),
        "dot_example": text.max(where=last_dot),
    }


def read_money(
    column: ir.Column, census: Mapping[str, int], *, decimal: str | None, name: str
) -> ir.DecimalValue:
    """Read an amount as an exact decimal; null where it is none (text, NaN, infinite).

    Currency signs and codes, thousands separators, parentheses and trailing minus signs for
    negatives are understood.

    Raises
    ------
    OrdersError
        Where some cells read only with a decimal comma and others only with a decimal dot.
    """
    kind = column.type()
    if kind.is_string():
        if is_plain(census) and decimal != ",":
            return column.try_cast(MONEY)
        return _read_money_text(trimmed(column), _decimal_mark(census, decimal, name))
    if kind.is_boolean() or not kind.is_numeric():
        raise OrdersError(
            f"The column {name!r} holds amounts: numbers, or text that reads as numbers.",
            found=f"dtype {kind}",
            hint="name the right column: amount='...'.",
        )
    if kind.is_decimal() or kind.is_integer():
        return column.try_cast(MONEY)
    return column.cast("float64").try_cast(MONEY)


def _decimal_mark(census: Mapping[str, object], decimal: str | None, name: str) -> str:
    if decimal is not None:
        return decimal
    if census["comma"] and census["dot"]:
        raise OrdersError(
            f"The column {name!r} writes decimals with one mark.",
            found=f"{census['comma_example']!r} with a comma and {census['dot_example']!r} "
            "with a dot",
            hint="say which: decimal=',' or decimal='.'.",
        )
    return "," if census["comma"] else "."


def _read_money_text(text: ir.StringValue, mark: str) -> ir.DecimalValue:
    opened, closed = text.re_extract(MONEY_CELL, 1) == "(", text.re_extract(MONEY_CELL, 6) == ")"
    number = text.re_extract(MONEY_CELL, 4)
    thousands = rf"[{'.' if mark == ',' else ','}'’]|{SPACE}"
    # "1,50" is no number where the dot is the decimal mark: no group of thousands has two digits.
    grouped = rf"\d{{1,3}}((?:{thousands})\d{{2,3}})*(?:{thousands})\d{{3}}"
    is_number = number.re_search(rf"^(?:\d+|{grouped})?([{mark}]\d+)?$")
    is_money = (text.re_search(MONEY_CELL) & (opened == closed) & is_number).fill_null(False)  # noqa: FBT003
    digits = number.re_replace(thousands, "").replace(",", ".")
    minus = (
        opened
        | text.re_extract(MONEY_CELL, 2).isin(["-", "−"])
        | text.re_extract(MONEY_CELL, 3).isin(["-", "−"])
        | text.re_extract(MONEY_CELL, 5).isin(["-", "−"])
    )
    size = is_money.ifelse(digits, ibis.null("string")).try_cast(MONEY)
    value = minus.ifelse(-size, size)
    # A plain number (also 1e3) needs no grammar; with a decimal comma a dot is no decimal mark.
    return value if mark == "," else ibis.coalesce(text.try_cast(MONEY), value).cast(MONEY)


# --- moments ---------------------------------------------------------------------------------


def time_look(column: ir.Column) -> Counts:
    """Count the cells in plain ISO form, without an offset."""
    kind = column.type()
    if kind.is_integer() or kind.is_floating():
        return {"there": column.count(), "compact": count_if(column.between(*YYYYMMDD))}
    if not kind.is_string():
        return {}
    return {"there": column.count(), "plain": count_if(column.re_search(PLAIN_TIME))}


def time_census(column: ir.Column) -> Counts:
    """Count the forms in which dates are written, and the evidence for the order of day, month."""
    text = trimmed(column)
    day_month = text.re_search(DAY_MONTH)
    known = day_month | text.re_search(f"{YEAR_FIRST}|{COMPACT}|{OFFSET_PARTS}")
    first = text.re_extract(DAY_MONTH, 1).try_cast("int64")
    second = text.re_extract(DAY_MONTH, 2).try_cast("int64")
    return {
        "cells": text.count(),
        "year_first": count_if(text.re_search(YEAR_FIRST)),
        "compact": count_if(text.re_search(COMPACT)),
        "day_month": count_if(day_month),
        "day_first": count_if(day_month & (first > 12)),  # noqa: PLR2004 (months in a year)
        "month_first": count_if(day_month & (second > 12)),  # noqa: PLR2004
        "offset": count_if(text.re_search(OFFSET_PARTS)),
        "example": text.max(where=day_month),
        "other_example": text.max(where=~known),
        "offset_example": text.max(where=text.re_search(OFFSET_PARTS)),
    }


@dataclass(frozen=True)
class Moment:
    """How a column of moments reads: an expression, and whether it gives instants (UTC)."""

    value: ir.TimestampValue
    is_instant: bool


def read_time(
    column: ir.Column, census: Mapping[str, int], *, dayfirst: bool | None, name: str
) -> Moment:
    """Read moments; null where a cell is none, or names a date that does not exist.

    Raises
    ------
    OrdersError
        Where day and month cannot be told apart, or no form is recognised.
    """
    kind = column.type()
    if kind.is_timestamp():
        return Moment(column, is_instant=kind.timezone is not None)
    if kind.is_date():
        return Moment(column.cast("timestamp"), is_instant=False)
    if kind.is_integer() or kind.is_floating():
        column = column.try_cast("int64").cast("string")
        if census["compact"] < census["there"] / 2:
            raise _unread(name, "numbers that are not yyyymmdd")
    elif not kind.is_string():
        raise _unread(name, f"dtype {kind}")
    if not kind.is_string():
        return Moment(_from_parts(column, _compact_parts(column), clock=False), is_instant=False)
    if is_plain(census):
        return Moment(column.try_cast("timestamp"), is_instant=False)
    text = trimmed(column)
    known = census["year_first"] + census["compact"] + census["day_month"] + census["offset"]
    if known < census["cells"] / 2:
        raise _unread(name, f"for example {census['other_example']!r}")
    if census["offset"]:
        _all_with_offset(census, name)
        return Moment(_with_offset(text), is_instant=True)
    day_first = _day_first(census, dayfirst, name)
    first, second = (text.re_extract(DAY_MONTH, place) for place in (1, 2))
    year = text.re_extract(DAY_MONTH, 3)
    parts = (
        (year.length() == 2).ifelse("20" + year, year),  # noqa: PLR2004
        second if day_first else first,
        first if day_first else second,
    )
    year_first = tuple(text.re_extract(YEAR_FIRST, place) for place in (1, 2, 3))
    value = ibis.cases(
        (text.re_search(YEAR_FIRST), _from_parts(text, year_first, clock=True)),
        (text.re_search(COMPACT), _from_parts(text, _compact_parts(text), clock=False)),
        (text.re_search(DAY_MONTH), _from_parts(text, parts, clock=True)),
    )
    return Moment(value, is_instant=False)


def _unread(name: str, found: str) -> OrdersError:
    return OrdersError(
        f"The column {name!r} holds dates: ISO (2024-03-05 14:30), 20240305, or day and month "
        "with slashes, dots or hyphens.",
        found=found,
        hint="convert it first, for instance with pandas.to_datetime(frame[column]).",
    )


def _all_with_offset(census: Mapping[str, int], name: str) -> None:
    plain = census["year_first"] + census["compact"] + census["day_month"]
    if plain:
        raise OrdersError(
            f"The column {name!r} writes every moment with its offset, or none.",
            found=f"{census['offset']:,} cells such as {census['offset_example']!r} and "
            f"{plain:,} without an offset",
            hint="add the offset that is missing, or cut it off everywhere.",
        )


def _day_first(census: Mapping[str, int], dayfirst: bool | None, name: str) -> bool:  # noqa: FBT001
    if dayfirst is not None or not census["day_month"]:
        return bool(dayfirst)
    if census["day_first"] and census["month_first"]:
        raise OrdersError(
            f"The column {name!r} writes day and month in one order.",
            found=f"{census['day_first']:,} cells with the day first and "
            f"{census['month_first']:,} with the month first",
            hint="say which: dayfirst=True or dayfirst=False; the other cells are set aside.",
        )
    if not census["day_first"] and not census["month_first"]:
        first, second, year = re.split(r"[-/.]", re.split(r"[ T,]", str(census["example"]))[0])
        year = year if len(year) > 2 else f"20{year}"  # noqa: PLR2004 (24 is 2024)
        raise OrdersError(
            f"The order of day and month in the column {name!r} is known.",
            found=f"{census['example']!r}, which may be {year}-{second:0>2}-{first:0>2} "
            f"(day first) or {year}-{first:0>2}-{second:0>2} (month first); no cell decides",
            hint="say which: dayfirst=True or dayfirst=False.",
        )
    return bool(census["day_first"])


def _compact_parts(text: ir.StringValue) -> tuple[ir.StringValue, ...]:
    return text.substr(0, 4), text.substr(4, 2), text.substr(6, 2)


def _from_parts(
    text: ir.StringValue, parts: tuple[ir.StringValue, ...], *, clock: bool
) -> ir.TimestampValue:
    year, month, day = parts
    moment = year + "-" + month.lpad(2, "0") + "-" + day.lpad(2, "0")
    if clock:
        hour = text.re_extract(CLOCK, 1).try_cast("int64").fill_null(0)
        half = text.re_extract(CLOCK, 4).lower()
        hour = ibis.cases(
            ((half == "p") & (hour < 12), hour + 12),  # noqa: PLR2004
            ((half == "a") & (hour == 12), ibis.literal(0, "int64")),  # noqa: PLR2004
            else_=hour,
        )
        minute, second = (text.re_extract(CLOCK, place) for place in (2, 3))
        moment = moment + " " + hour.cast("string").lpad(2, "0") + ":"
        moment = moment + minute.lpad(2, "0") + ":" + second.lpad(2, "0")
    return moment.try_cast("timestamp")


def _with_offset(text: ir.StringValue) -> ir.TimestampValue:
    """Bring every way to write an offset (Z, +08, +0800, +08:00) into the one all engines cast."""
    clock, hours, minutes = (text.re_extract(OFFSET_PARTS, place) for place in (1, 3, 4))
    hours = (hours == "").ifelse("+00", hours)
    minutes = (minutes == "").ifelse("00", minutes)
    is_moment = text.re_search(OFFSET_PARTS)
    moment = is_moment.ifelse(clock + hours + ":" + minutes, ibis.null("string"))
    return moment.try_cast("timestamp('UTC')")
