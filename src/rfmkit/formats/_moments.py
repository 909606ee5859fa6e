"""How cells become moments: expressions, decided for a column as a whole, as in `cells`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.types as ir

from rfmkit.exceptions import OrdersError
from rfmkit.formats._cells import Counts, count_if, is_plain, odd_text, trimmed, where_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOCK: Final = r"[ T,]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?\s*(?:([AaPp])\.?[Mm]\.?)?$"
PLAIN_TIME: Final = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
WHOLE_SECONDS: Final = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?$"
YEAR_FIRST: Final = rf"^(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})(?:{CLOCK}|$)"
DAY_MONTH: Final = rf"^(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}|\d{{2}})(?:{CLOCK}|$)"
# The same as most exports write them: four digits a year, and a clock of twenty-four hours.
USUAL_CLOCK: Final = r"(?:[ T](\d{1,2}:\d{2}(?::\d{2})?))?$"
USUAL_YEAR_FIRST: Final = rf"^(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){USUAL_CLOCK}"
USUAL_DAY_MONTH: Final = rf"^(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}){USUAL_CLOCK}"
MONTHS: Final = "janfebmaraprmayjunjulaugsepoctnovdec"
MONTH: Final = "(?i:([a-z]{3})[a-z]*)"
MONTH_DAY: Final = rf"^{MONTH}\.? +(\d{{1,2}})[, ] *(\d{{4}})(?:{CLOCK}|$)"
MONTH_AMID: Final = rf"^(\d{{1,2}})\.?[- ] *{MONTH}\.?[- ] *(\d{{4}})(?:{CLOCK}|$)"
COMPACT: Final = r"^\d{8}$"
YYYYMMDD: Final = (1900_01_01, 2199_12_31)
OFFSET_PARTS: Final = (
    r"^(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)"
    r"\s?(Z|z|UTC|GMT|([+-]\d{2}):?(\d{2})?)$"
)


def time_look(column: ir.Column) -> Counts:
    """Count the cells in plain ISO form, without an offset."""
    kind = column.type()
    if kind.is_integer() or kind.is_floating():
        return {"there": column.count(), "compact": count_if(column.between(*YYYYMMDD))}
    if not kind.is_string():
        return {}
    return {"there": column.count(), "plain": count_if(column.re_search(PLAIN_TIME))}


def time_plain(column: ir.Column) -> ir.BooleanValue:
    """Tell the cells in plain ISO form, but for those with parts of a second."""
    return column.re_search(WHOLE_SECONDS)


def time_text(column: ir.StringColumn, census: Mapping[str, int]) -> ir.StringValue:
    """Give the cells to be read as text; null where the engine's own cast will do."""
    return trimmed(column) if census["offset"] else odd_text(column, time_plain(column))


def time_census(column: ir.Column) -> Counts:
    """Count the forms in which dates are written, and the evidence for the order of day, month."""
    text = trimmed(column)
    day_month = text.re_search(DAY_MONTH)
    named = text.re_search(f"{MONTH_DAY}|{MONTH_AMID}")
    known = day_month | named | text.re_search(f"{YEAR_FIRST}|{COMPACT}|{OFFSET_PARTS}")
    first = text.re_extract(DAY_MONTH, 1).try_cast("int64")
    second = text.re_extract(DAY_MONTH, 2).try_cast("int64")
    return {
        "cells": text.count(),
        "year_first": count_if(text.re_search(YEAR_FIRST)),
        "compact": count_if(text.re_search(COMPACT)),
        "day_month": count_if(day_month),
        "named": count_if(named),
        "day_first": count_if(day_month & (first > 12)),  # noqa: PLR2004 (months in a year)
        "month_first": count_if(day_month & (second > 12)),  # noqa: PLR2004
        "offset": count_if(text.re_search(OFFSET_PARTS)),
        "example": text.max(where=day_month & (first != second)),
        "other_example": text.max(where=~known),
        "offset_example": text.max(where=text.re_search(OFFSET_PARTS)),
    }


@dataclass(frozen=True)
class Moment:
    """How a column of moments reads: an expression, and whether it gives instants (UTC)."""

    value: ir.TimestampValue
    is_instant: bool


def read_time(
    column: ir.Column,
    census: Mapping[str, int],
    *,
    dayfirst: bool | None,
    name: str,
    as_written: bool = False,
    text: ir.StringValue | None = None,
) -> Moment:
    """Read moments; null where a cell is none, or names a date that does not exist.

    `as_written` takes the clock that a moment shows, and leaves its offset. `text` is what
    `time_text` gives, where that has a name: the expression would be repeated many times.

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
    text = time_text(column, census) if text is None else text
    if census["offset"]:
        return _instants(text, census, name, as_written=as_written)
    written = _read_text(text, census, dayfirst, name)
    value = where_plain(text.isnull(), column.try_cast("timestamp"), written)
    return Moment(value, is_instant=False)


def _instants(
    text: ir.StringValue, census: Mapping[str, int], name: str, *, as_written: bool
) -> Moment:
    _mostly_moments(census, name)
    _all_with_offset(census, name)
    if as_written:
        shown = text.re_extract(OFFSET_PARTS, 1).nullif("").try_cast("timestamp")
        return Moment(shown, is_instant=False)
    return Moment(_with_offset(text), is_instant=True)


def _read_text(
    text: ir.StringValue,
    census: Mapping[str, int],
    dayfirst: bool | None,  # noqa: FBT001
    name: str,
) -> ir.TimestampValue:
    _mostly_moments(census, name)
    day_first = _day_first(census, dayfirst, name)
    first, second = (text.re_extract(DAY_MONTH, place) for place in (1, 2))
    year = text.re_extract(DAY_MONTH, 3)
    parts = (
        (year.length() == 2).ifelse("20" + year, year),  # noqa: PLR2004
        second if day_first else first,
        first if day_first else second,
    )
    year_first = tuple(text.re_extract(YEAR_FIRST, place) for place in (1, 2, 3))
    return ibis.cases(
        # The first two would be read by the rest as well, at ten times their cost.
        (
            text.re_search(USUAL_DAY_MONTH),
            _usual(text, USUAL_DAY_MONTH, (3, 2, 1) if day_first else (3, 1, 2)),
        ),
        (text.re_search(USUAL_YEAR_FIRST), _usual(text, USUAL_YEAR_FIRST, (1, 2, 3))),
        (text.re_search(YEAR_FIRST), _from_parts(text, year_first, clock=True)),
        (text.re_search(COMPACT), _from_parts(text, _compact_parts(text), clock=False)),
        (text.re_search(DAY_MONTH), _from_parts(text, parts, clock=True)),
        *_with_month_names(text, census),
    )


def _usual(text: ir.StringValue, pattern: str, places: tuple[int, int, int]) -> ir.TimestampValue:
    """Read a usual form by few looks at the cell; `places` are those of year, month and day."""
    year, month, day = (text.re_extract(pattern, place) for place in places)
    # The engines cast 2024-3-5 9:05 as it is; to fill it up would repeat each look three times.
    written = year + "-" + month + "-" + day + " " + text.re_extract(pattern, 4)
    return written.strip().try_cast("timestamp")


def _with_month_names(
    text: ir.StringValue, census: Mapping[str, int]
) -> list[tuple[ir.BooleanValue, ir.TimestampValue]]:
    """Read ``Sep 7, 2023`` and ``07-Sep-2023``; an English month is known by three letters."""
    if not census["named"]:
        return []
    forms = []
    for pattern, (year, month, day) in ((MONTH_DAY, (3, 1, 2)), (MONTH_AMID, (3, 2, 1))):
        place = ibis.literal(MONTHS).find(text.re_extract(pattern, month).lower())
        number = ibis.cases((place % 3 == 0, (place // 3 + 1).cast("string")))  # null: no month
        parts = (text.re_extract(pattern, year), number, text.re_extract(pattern, day))
        forms.append((text.re_search(pattern), _from_parts(text, parts, clock=True)))
    return forms


def _mostly_moments(census: Mapping[str, Any], name: str) -> None:
    forms = ("year_first", "compact", "day_month", "named", "offset")
    if sum(census[form] for form in forms) < census["cells"] / 2:
        raise _unread(name, f"for example {census['other_example']!r}")


def _unread(name: str, found: str) -> OrdersError:
    return OrdersError(
        f"The column {name!r} holds dates: ISO (2024-03-05 14:30), 20240305, day and month with "
        "slashes, dots or hyphens, or an English month (Mar 5, 2024).",
        found=found,
        hint="convert it first: pandas.to_datetime(frame[column]), with unit='s' for seconds since "
        "1970, and with unit='D', origin='1899-12-30' for the day numbers of Excel.",
    )


def _all_with_offset(census: Mapping[str, int], name: str) -> None:
    plain = sum(census[form] for form in ("year_first", "compact", "day_month", "named"))
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
    example: Any = census["example"]
    if example is None:  # 03/03/2024 and its like are the same day either way
        return True
    if not census["day_first"] and not census["month_first"]:
        first, second, year = re.split(r"[-/.]", re.split(r"[ T,]", example)[0])
        year = year if len(year) > 2 else f"20{year}"  # noqa: PLR2004 (24 is 2024)
        raise OrdersError(
            f"The order of day and month in the column {name!r} is known.",
            found=f"{example!r}, which may be {year}-{second:0>2}-{first:0>2} "
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
