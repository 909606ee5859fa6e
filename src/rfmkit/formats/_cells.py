"""Expressions that read cells as ids and money, decided for a column as a whole.

Each kind of cell has a *look* (is every cell of a text column plain? cheap), a *census* (how are
the cells written? only for columns that are not plain) and a *reader* (an expression, chosen by
the two). The caller runs look and census over the whole column: no cell is read by a guess, and a
plain column costs no more than the engine's cast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.types as ir

from rfmkit.columns import MONEY
from rfmkit.exceptions import OrdersError

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING: Final = r"^(?i:nan|null|none|<na>|nat|#?n/a)?$"
# Neither begins nor ends with what would be stripped, nor begins as a word for nothing does.
CLEAN: Final = r"^[^\s\x0b='nN<#](.*[^\s\x0b])?$"
HELD: Final = r"^[\s\x0b]*(?:=\"([^\"]*)\"|'([^']*))[\s\x0b]*$"
# Nothing to strip, no word for nothing (all short, all begin with n, < or #), no float.
PLAIN_ID: Final = r"^(\d[^eE.\s]*|[^\s\d='].{3,}\S|[^\s\dnN<#='](.{0,2}\S)?)$"
EXACT_FLOAT: Final = 2**53
# A spreadsheet keeps fifteen digits of a number, and writes zeros for the others.
LONG: Final = r"^\d{16,}$"
ROUNDED: Final = r"^\d{15}0+$"
KEPT_DIGITS: Final = 15
LOST_DIGITS: Final = 6
"""The number of trailing zeros that random digits have once in a million ids."""
# Scientific notation: certain with a dot or a plus; 12345e67 may also be a hexadecimal id.
MANGLED: Final = r"^\d+(\.\d+)?[eE]\+?\d+$"
SURELY_MANGLED: Final = r"^\d+(\.\d+[eE]\+?|[eE]\+)\d+$"

# Numbers that every engine casts alike. Not so 1_000, which is 1000 in DuckDB and null in Spark,
# nor words such as inf, nan and true, nor 0x10: what they mean may change with a release.
PLAIN_MONEY: Final = r"^ *-?\d+(\.\d+)?$"
BARE_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
SPACE: Final = r"[\s\x{00a0}\x{2009}\x{202f}]"
CURRENCY: Final = r"(?:\p{Sc}|[A-Za-z\p{Sc}]{1,4}\.?|元|圆|円)?"
NUMBER: Final = r"(\d(?:[\d.,'’\s\x{00a0}\x{2009}\x{202f}]*\d)?|[.,]\d+)"
SIGN: Final = r"([-+−]?)"
MONEY_CELL: Final = f"{SPACE}*".join(
    ("^", r"(\()?", SIGN, CURRENCY, SIGN, NUMBER, CURRENCY, SIGN, r"(\))?", "$")
)
COMMA_DECIMAL: Final = r"^0,\d+$|\.\d+,\d+|,\d{1,2}$|,\d{4,}$|\.\d{3}\.\d|^\d{4,},\d"
DOT_DECIMAL: Final = r"^0\.\d+$|,\d+\.\d+|\.\d{1,2}$|\.\d{4,}$|,\d{3},\d|^\d{4,}\.\d"
EITHER: Final = r"^[1-9]\d{0,2}\.\d{3}$"

Counts = dict[str, ir.Value]


def count_if(condition: ir.BooleanValue) -> ir.IntegerScalar:
    """Return the number of rows where a condition is true."""
    return condition.fill_null(False).cast("int64").sum().fill_null(0)  # noqa: FBT003


def trimmed(text: ir.StringValue) -> ir.StringValue:
    """Return text without outer spaces and Excel's marks of text; words for nothing are null."""
    return where_plain(text.re_search(CLEAN), text, _trimmed(text))


def _trimmed(text: ir.StringValue) -> ir.StringValue:
    # ="0123" and '0123 keep a spreadsheet from reading digits as a number.
    held = text.re_extract(HELD, 1) + text.re_extract(HELD, 2)
    text = text.re_search(HELD).ifelse(held, text).strip()
    # A pattern, since a list of words becomes a join, and planning many of them takes seconds.
    return text.re_replace(MISSING, "").nullif("")


def is_plain(census: Mapping[str, Any]) -> bool:
    """Whether every cell of a column is plain, by the counts of a look.

    A column whose every dot stands before three last digits is not plain: the dot may be the mark
    of thousands.
    """
    in_threes = census.get("dots", 0) and census["dots"] == census["threes"]
    return bool(census.get("plain") == census.get("there") and not in_threes)


def where_plain(plain: ir.BooleanValue, value: ir.Value, other: ir.Value) -> ir.Value:
    """Return one value for plain cells, and another, which may be slow, for the others.

    The engines compute a branch only for the rows that take it. A coalesce would not do: DuckDB
    computes the parts that its arguments share for every row.
    """
    return plain.ifelse(value, other)


def odd_text(column: ir.StringColumn, plain: ir.BooleanValue) -> ir.StringValue:
    """Return the trimmed text of the cells that are not plain; null for the others."""
    return where_plain(plain, ibis.null("string"), trimmed(column))


@ibis.udf.scalar.builtin(
    name="regexp_extract_all", signature=(("string", "string", "int32"), "array<string>")
)
def _every(text, pattern, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the group of every match (DuckDB, Spark)."""


def sum_within(text: ir.StringValue, pattern: str) -> ir.DecimalValue:
    """Return the sum of the amounts inside a text; null where there is none."""
    found = _every(text.fill_null(""), pattern, 1)
    return found.map(bare_money).sums().cast(MONEY)


# --- ids -------------------------------------------------------------------------------------


def id_look(column: ir.Column) -> Counts:
    """Return counts of the ids, and of those that need no change: no space, float or null word."""
    if not column.type().is_string():
        return {}
    return {"there": column.count(), "plain": count_if(column.re_search(PLAIN_ID))}


def id_plain(column: ir.Column) -> ir.BooleanValue:
    """Whether an id is used as it is written."""
    return column.re_search(PLAIN_ID) & ~column.contains("\v")  # which strip takes, and \s is not


def id_census(column: ir.Column) -> Counts:
    """Return counts of what marks a mangled id: a trailing ``.0`` and scientific notation."""
    text = trimmed(column)
    return {
        "cells": text.count(),
        "dot_zero": count_if(text.re_search(r"^\d+\.0$")),
        "mangled": count_if(text.re_search(MANGLED)),
        "whole": count_if(text.re_search(r"^\d+(\.0)?$")),
    }


def rounded_look(column: ir.Column) -> Counts:
    """Return counts of the ids of more digits than a spreadsheet keeps, and of the rounded ones."""
    text = trimmed(column.cast("string"))
    rounded = text.re_search(ROUNDED)
    return {
        "long": count_if(text.re_search(LONG)),
        "rounded": count_if(rounded),
        "lost_digits": (text.length() - KEPT_DIGITS).sum(where=rounded).fill_null(0),
    }


def are_rounded(look: Mapping[str, int]) -> bool:
    """Whether every long id ends in zeros, which a spreadsheet does and chance does not."""
    return look["long"] == look["rounded"] and look["lost_digits"] >= LOST_DIGITS


def read_id(column: ir.Column, census: Mapping[str, int]) -> ir.Column:
    """Return ids as exact text; integers stay integers, and whole floats lose their ``.0``.

    ``17850.0`` becomes ``17850`` where the whole column has that form: it was once a column of
    floats. Digits lost to scientific notation, or to a float beyond 2**53, cannot be recovered: see
    `is_mangled`.
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
    return where_plain(id_plain(column), column, text) if kind.is_string() else text


def is_mangled(column: ir.Column, census: Mapping[str, int]) -> ir.BooleanValue:
    """Whether the digits of an id are lost, so that several customers may have the same one."""
    kind = column.type()
    if kind.is_floating():
        return (column.abs() >= EXACT_FLOAT).fill_null(False)  # noqa: FBT003
    if census.get("are_rounded"):
        return trimmed(column.cast("string")).re_search(ROUNDED).fill_null(False)  # noqa: FBT003
    if census.get("mangled", 0):
        numbers = census["whole"] + census["mangled"] == census["cells"]
        pattern = MANGLED if numbers else SURELY_MANGLED
        return trimmed(column).re_search(pattern).fill_null(False)  # noqa: FBT003
    return ibis.literal(False)  # noqa: FBT003


# --- money -----------------------------------------------------------------------------------


def money_look(column: ir.Column) -> Counts:
    """Return counts of the amounts, of those that are plain numbers, and of their dots."""
    if not column.type().is_string():
        return {}
    dots, threes = column.contains("."), column.right(4).startswith(".")
    return {
        "there": column.count(),
        "plain": count_if(column.re_search(PLAIN_MONEY)),
        "dots": count_if(dots),
        "threes": count_if(threes),
    }


def money_plain(column: ir.Column) -> ir.BooleanValue:
    """Whether an amount is a plain number, which every engine casts alike."""
    return column.re_search(PLAIN_MONEY)


def bare_money(column: ir.Column) -> ir.DecimalValue:
    """Return the amounts of a column of bare numbers; null where a cell is none."""
    if not column.type().is_string():
        return column.try_cast(MONEY)
    number = column.strip()
    return number.re_search(BARE_NUMBER).ifelse(number, ibis.null("string")).try_cast(MONEY)


def money_text(
    column: ir.StringColumn, census: Mapping[str, int], decimal: str | None
) -> ir.StringValue:
    """Return the cells to read as text; null where the engine's cast will do."""
    if decimal == "," or (decimal is None and census["comma"]):
        return trimmed(column)  # a dot is no decimal mark here, though the cast reads it as one
    return odd_text(column, money_plain(column))


def money_census(column: ir.Column) -> Counts:
    """Return counts of the evidence for the comma and for the dot as decimal mark."""
    text = trimmed(column)
    number = text.re_extract(MONEY_CELL, 4)
    last_comma, last_dot = number.re_search(COMMA_DECIMAL), number.re_search(DOT_DECIMAL)
    return {
        "comma": count_if(last_comma),
        "dot": count_if(last_dot),
        "comma_example": text.max(where=last_comma),
        "dot_example": text.max(where=last_dot),
        "either": count_if(number.re_search(EITHER)),
        "either_example": number.max(where=number.re_search(EITHER)),
    }


def read_money(
    column: ir.Column,
    census: Mapping[str, int],
    *,
    decimal: str | None,
    name: str,
    text: ir.StringValue | None = None,
) -> ir.DecimalValue:
    """Return amounts as exact decimals; null where a cell is none (text, NaN, infinite).

    Currency signs and codes, thousands separators, parentheses and trailing minus signs for
    negatives are understood. `text` is the result of `money_text`, where it is stored.

    Raises
    ------
    OrdersError
        Where some cells read only with a decimal comma and others only with a decimal dot, or
        where dots may be marks of thousands or of decimals and no cell decides.
    """
    kind = column.type()
    if kind.is_string():
        plain = census.get("plain") == census.get("there")
        if plain and (is_plain(census) or decimal == "." or census.get("dot")) and decimal != ",":
            return column.try_cast(MONEY)
        mark = _decimal_mark(census, decimal, name)
        text = money_text(column, census, decimal) if text is None else text
        value = _read_money_text(text, mark)
        return value if mark == "," else where_plain(text.isnull(), column.try_cast(MONEY), value)
    if kind.is_boolean() or not kind.is_numeric():
        raise OrdersError(
            f"The column {name!r} must hold amounts: numbers, or text that reads as numbers.",
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
            f"The column {name!r} must write decimals with one mark.",
            found=f"{census['comma_example']!r} with a comma and {census['dot_example']!r} "
            "with a dot",
            hint="pass decimal=',' or decimal='.'; amounts with the other mark are set aside.",
        )
    if census["either"] and not census["comma"] and not census["dot"]:
        example = str(census["either_example"])
        raise OrdersError(
            f"The decimal mark of the column {name!r} must be known.",
            found=f"{example!r}, which may be {example.replace('.', '')} or {example} with three "
            "decimals; no cell decides",
            hint="pass decimal=',' where the dot is the mark of thousands, or decimal='.'.",
        )
    return "," if census["comma"] else "."


def _read_money_text(text: ir.StringValue, mark: str) -> ir.DecimalValue:
    opened, closed = text.re_extract(MONEY_CELL, 1) == "(", text.re_extract(MONEY_CELL, 6) == ")"
    number = text.re_extract(MONEY_CELL, 4)
    thousands = rf"[{'.' if mark == ',' else ','}'’]|{SPACE}"
    # "1,50" is no number where the dot is the decimal mark: the last group has three digits.
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
    if mark == ",":  # a dot is no decimal mark
        return value
    return text.re_search(BARE_NUMBER).ifelse(text.try_cast(MONEY), value).cast(MONEY)
