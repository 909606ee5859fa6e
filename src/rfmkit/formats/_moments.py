"""Expressions that read cells as moments, decided for a column as a whole, as in `_cells`."""

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

# What a cell means is decided by these patterns; only digits in known places are cast.
CLOCK: Final = r"[ T,]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?\s*(?:([AaPp])\.?[Mm]\.?)?$"
# The hour 24 is not plain: 24:00 is the end of the day in DuckDB, and null in Spark.
HOUR: Final = r"([01]\d|2[0-3])"
PLAIN_TIME: Final = rf"^\d{{4}}-\d{{2}}-\d{{2}}([ T]{HOUR}:\d{{2}}(:\d{{2}}(\.\d+)?)?)?$"
WHOLE_SECONDS: Final = rf"^\d{{4}}-\d{{2}}-\d{{2}}([ T]{HOUR}:\d{{2}}(:\d{{2}})?)?$"
HOUR_24: Final = r"[ T,]\s*24:"
END_OF_DAY: Final = r"[ T]24:00(:00(\.0+)?)?([+-]|$)"
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
TO_THE_MINUTE: Final = r"[ T]\d{1,2}:\d{2}$"
OFFSET_PARTS: Final = (
    r"^(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)"
    r"\s?(Z|z|UTC|GMT|([+-]\d{2}):?(\d{2})?)$"
)


def time_look(column: ir.Column) -> Counts:
    """Return counts of the cells, and of those in plain ISO form without an offset."""
    kind = column.type()
    if kind.is_integer() or kind.is_floating():
        return {"there": column.count(), "compact": count_if(column.between(*YYYYMMDD))}
    if not kind.is_string():
        return {}
    return {"there": column.count(), "plain": count_if(column.re_search(PLAIN_TIME))}


def time_plain(column: ir.Column) -> ir.BooleanValue:
    """Whether a cell is in plain ISO form, without a fraction of a second."""
    return column.re_search(WHOLE_SECONDS)


def time_text(column: ir.StringColumn, census: Mapping[str, int]) -> ir.StringValue:
    """Return the cells to read as text; null where a cell is in plain ISO form."""
    return trimmed(column) if census["offset"] else odd_text(column, time_plain(column))


def time_census(column: ir.Column) -> Counts:
    """Return counts of the forms of dates, and of the evidence for the order of day and month."""
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
        "hour_24": count_if(text.re_search(HOUR_24)),
        "example": text.max(where=day_month & (first != second)),
        "other_example": text.max(where=~known),
        "offset_example": text.max(where=text.re_search(OFFSET_PARTS)),
    }


@dataclass(frozen=True)
class Moment:
    """The reading of a column of moments: an expression, and whether its values are instants."""

    value: ir.TimestampValue
    is_instant: bool
    """Whether the values are in UTC, since the cells have offsets."""


def read_time(
    column: ir.Column,
    census: Mapping[str, int],
    *,
    dayfirst: bool | None,
    name: str,
    as_written: bool = False,
    text: ir.StringValue | None = None,
) -> Moment:
    """Return the moments of a column; null where a cell is none, or its date does not exist.

    Parameters
    ----------
    column : ir.Column
        Timestamps, dates, text, or numbers such as 20240305.
    census : mapping of str to int
        The counts of `time_look` and, where the column is not plain, of `time_census`.
    dayfirst : bool, optional
        Whether the day stands before the month; by default the cells decide.
    name : str
        The name of the column, for errors.
    as_written : bool
        Whether to take the local clock that a cell shows, and drop its offset.
    text : ir.StringValue, optional
        The result of `time_text`, where it is stored: the expression would be repeated many times.

    Raises
    ------
    OrdersError
        Where no cell decides the order of day and month, or most cells are in no known form.
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
        return Moment(_iso(_compact_parts(column)).try_cast("timestamp"), is_instant=False)
    if is_plain(census):
        return Moment(column.try_cast("timestamp"), is_instant=False)
    text = time_text(column, census) if text is None else text
    if census["offset"]:
        return _instants(text, census, name, as_written=as_written)
    written = _cast(_in_iso(text, census, dayfirst, name), census)
    value = where_plain(text.isnull(), column.try_cast("timestamp"), written)
    return Moment(value, is_instant=False)


def _instants(
    text: ir.StringValue, census: Mapping[str, int], name: str, *, as_written: bool
) -> Moment:
    _check_moments(census, name)
    _check_offsets(census, name)
    if as_written:
        shown = text.re_extract(OFFSET_PARTS, 1).nullif("")
        return Moment(_cast(shown, census), is_instant=False)
    return Moment(_cast(_with_offset(text), census, "timestamp('UTC')"), is_instant=True)


def _cast(
    iso: ir.StringValue, census: Mapping[str, int], kind: str = "timestamp"
) -> ir.TimestampValue:
    """Return ISO text as moments; 24:00 is the midnight at which the day ends, as in ISO 8601."""
    if not census["hour_24"]:
        return iso.try_cast(kind)
    midnight = iso.replace(" 24:", " 00:").replace("T24:", "T00:").try_cast(kind)
    is_late = iso.re_search(HOUR_24)
    later = iso.re_search(END_OF_DAY).ifelse(midnight + ibis.interval(hours=24), ibis.null(kind))
    return is_late.ifelse(later, midnight)


def _in_iso(
    text: ir.StringValue,
    census: Mapping[str, int],
    dayfirst: bool | None,  # noqa: FBT001
    name: str,
) -> ir.StringValue:
    """Return cells of every known form as ISO text, and null for the others."""
    _check_moments(census, name)
    day_first = _day_first(census, dayfirst, name)
    first, second = (text.re_extract(DAY_MONTH, place) for place in (1, 2))
    year = text.re_extract(DAY_MONTH, 3)
    parts = (
        (year.length() == 2).ifelse("20" + year, year),  # noqa: PLR2004
        second if day_first else first,
        first if day_first else second,
    )
    year_first = tuple(text.re_extract(YEAR_FIRST, place) for place in (1, 2, 3))
    day_month = (3, 2, 1) if day_first else (3, 1, 2)
    return ibis.cases(
        # The cases below would read the first two as well, at ten times the cost.
        (text.re_search(USUAL_DAY_MONTH), _usual(text, USUAL_DAY_MONTH, day_month)),
        (text.re_search(USUAL_YEAR_FIRST), _usual(text, USUAL_YEAR_FIRST, (1, 2, 3))),
        (text.re_search(YEAR_FIRST), _iso(year_first) + _clock(text)),
        (text.re_search(COMPACT), _iso(_compact_parts(text))),
        (text.re_search(DAY_MONTH), _iso(parts) + _clock(text)),
        *_with_month_names(text, census),
    )


def _usual(text: ir.StringValue, pattern: str, places: tuple[int, int, int]) -> ir.StringValue:
    """Return cells of a usual form as ISO text; `places` are those of year, month and day."""
    year, month, day = (text.re_extract(pattern, place) for place in places)
    # The engines cast 2024-3-5 9:05 as it is; to pad it would repeat each extraction three times.
    return (year + "-" + month + "-" + day + " " + text.re_extract(pattern, 4)).strip()


def _with_month_names(
    text: ir.StringValue, census: Mapping[str, int]
) -> list[tuple[ir.BooleanValue, ir.StringValue]]:
    """Return the cases of ``Sep 7, 2023`` and ``07-Sep-2023``: three letters identify a month."""
    if not census["named"]:
        return []
    forms = []
    for pattern, (year, month, day) in ((MONTH_DAY, (3, 1, 2)), (MONTH_AMID, (3, 2, 1))):
        place = ibis.literal(MONTHS).find(text.re_extract(pattern, month).lower())
        number = ibis.cases((place % 3 == 0, (place // 3 + 1).cast("string")))  # null: no month
        parts = (text.re_extract(pattern, year), number, text.re_extract(pattern, day))
        forms.append((text.re_search(pattern), _iso(parts) + _clock(text)))
    return forms


def _check_moments(census: Mapping[str, Any], name: str) -> None:
    """Check that at least half of the cells are in a known form."""
    forms = ("year_first", "compact", "day_month", "named", "offset")
    if sum(census[form] for form in forms) < census["cells"] / 2:
        raise _unread(name, f"for example {census['other_example']!r}")


def _unread(name: str, found: str) -> OrdersError:
    return OrdersError(
        f"The column {name!r} must hold dates: ISO (2024-03-05 14:30), 20240305, day and month "
        "with slashes, dots or hyphens, or an English month (Mar 5, 2024).",
        found=found,
        hint="convert it first: pandas.to_datetime(frame[column]), with unit='s' for seconds since "
        "1970, and with unit='D', origin='1899-12-30' for the day numbers of Excel.",
    )


def _check_offsets(census: Mapping[str, int], name: str) -> None:
    plain = sum(census[form] for form in ("year_first", "compact", "day_month", "named"))
    if plain:
        raise OrdersError(
            f"The column {name!r} must write every moment with its UTC offset, or none.",
            found=f"{census['offset']:,} cells such as {census['offset_example']!r} and "
            f"{plain:,} without an offset",
            hint="add the missing offsets, or remove the offsets of the other cells.",
        )


def _day_first(census: Mapping[str, int], dayfirst: bool | None, name: str) -> bool:  # noqa: FBT001
    """Whether the day stands before the month: as the caller says, or by the cells."""
    if dayfirst is not None or not census["day_month"]:
        return bool(dayfirst)
    if census["day_first"] and census["month_first"]:
        raise OrdersError(
            f"The column {name!r} must write day and month in one order.",
            found=f"{census['day_first']:,} cells with the day first and "
            f"{census['month_first']:,} with the month first",
            hint="pass dayfirst=True or dayfirst=False; the other cells are set aside.",
        )
    example: Any = census["example"]
    if example is None:  # 03/03/2024 and the like are the same day in both orders
        return True
    if not census["day_first"] and not census["month_first"]:
        first, second, year = re.split(r"[-/.]", re.split(r"[ T,]", example)[0])
        year = year if len(year) > 2 else f"20{year}"  # noqa: PLR2004 (24 is 2024)
        raise OrdersError(
            f"The order of day and month in the column {name!r} must be known.",
            found=f"{example!r}, which may be {year}-{second:0>2}-{first:0>2} "
            f"(day first) or {year}-{first:0>2}-{second:0>2} (month first); no cell decides",
            hint="pass dayfirst=True or dayfirst=False.",
        )
    return bool(census["day_first"])


def _compact_parts(text: ir.StringValue) -> tuple[ir.StringValue, ...]:
    return text.substr(0, 4), text.substr(4, 2), text.substr(6, 2)


def _iso(parts: tuple[ir.StringValue, ...]) -> ir.StringValue:
    """Return ISO dates of year, month and day."""
    year, month, day = parts
    return year + "-" + month.lpad(2, "0") + "-" + day.lpad(2, "0")


def _clock(text: ir.StringValue) -> ir.StringValue:
    """Return the time of day in 24 hours, after a space; midnight where a cell has none."""
    hour = text.re_extract(CLOCK, 1).try_cast("int64").fill_null(0)
    half = text.re_extract(CLOCK, 4).lower()
    hour = ibis.cases(
        ((half == "p") & (hour < 12), hour + 12),  # noqa: PLR2004
        ((half == "a") & (hour == 12), ibis.literal(0, "int64")),  # noqa: PLR2004
        else_=hour,
    )
    minute, second = (text.re_extract(CLOCK, place) for place in (2, 3))
    clock = " " + hour.cast("string").lpad(2, "0") + ":"
    return clock + minute.lpad(2, "0") + ":" + second.lpad(2, "0")


def _with_offset(text: ir.StringValue) -> ir.StringValue:
    """Return moments with the one form of offset that all engines cast, of Z, +08 and +0800."""
    clock, hours, minutes = (text.re_extract(OFFSET_PARTS, place) for place in (1, 3, 4))
    # DuckDB 1.3 casts no moment with an offset and without seconds.
    clock = clock.re_search(TO_THE_MINUTE).ifelse(clock + ":00", clock)
    hours = (hours == "").ifelse("+00", hours)
    minutes = (minutes == "").ifelse("00", minutes)
    is_moment = text.re_search(OFFSET_PARTS)
    return is_moment.ifelse(clock + hours + ":" + minutes, ibis.null("string"))
