"""Rows that belong together: what stands on one line of an order, and holds for all of it.

Each step takes a table and gives it with one column more or other: windows stand on named
columns, since no engine takes a window within a window.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from rfmkit.columns import MONEY

BLOCK = "line_block"


def filled_down(table: ir.Table, name: str, row: str, *, within: str | None = None) -> ir.Table:
    """Give each row the last value at or above it that is not null."""
    groups = [] if within is None else [within]
    known = table[name].notnull().cast("int64").sum()
    block = known.over(group_by=groups, order_by=row, rows=(None, 0))
    table = table.mutate(**{BLOCK: block})
    filled = table[name].max().over(group_by=[BLOCK, *groups])
    return table.mutate(**{name: filled}).drop(BLOCK)


def filled_over(table: ir.Table, name: str, key: tuple[str, ...], *, head: str) -> ir.Table:
    """Give every line of an order the value that stands on its head, the line with an amount."""
    value = table[name].max(where=table[head].notnull()).over(group_by=key)
    found = table[key[0]].isnull().ifelse(ibis.null(table[name].type()), value)
    return table.mutate(**{name: ibis.coalesce(found, table[name])})


def once_per_order(
    table: ir.Table,
    name: str,
    key: tuple[str, ...],
    *,
    row: str | None = None,
    last: str | None = None,
) -> ir.Table:
    """Leave an amount on one line of its order, and zero on the others: their sum is the amount.

    Lines that differ carry the largest. Where no line has an amount, none gets one. A line that
    is marked `last` carries it only where all are.
    """
    value = table[name]
    order = [table[last]] if last is not None else []
    order += [ibis.desc(value, nulls_first=False)]
    order += [table[row]] if row is not None else []
    place = ibis.row_number().over(group_by=key, order_by=order)
    largest = value.max().over(group_by=key)
    carried = ibis.cases(
        (table[key[0]].isnull(), value),
        ((place == 0) | largest.isnull(), largest),
        else_=ibis.literal(0),
    )
    return table.mutate(**{name: carried.cast(MONEY)})


def marked_copies(
    table: ir.Table,
    name: str,
    key: str,
    columns: list[str],
    *,
    row: str | None = None,
    file: str | None = None,
) -> ir.Table:
    """Mark the second and further rows of a key that are alike in all of some columns.

    With `file`, only within one file: what a later file holds again is another matter.
    """
    table = table.mutate(**{BLOCK: _alike(table, columns)})
    group = [key, BLOCK] if file is None else [key, BLOCK, file]
    place = ibis.row_number().over(group_by=group, order_by=row)
    return table.mutate(**{name: table[key].notnull() & (place > 0)}).drop(BLOCK)


def marked_replaced(
    table: ir.Table, name: str, key: tuple[str, ...], file: str, *, amount: str
) -> ir.Table:
    """Mark the rows of a key that a later file holds again.

    A file in which no row of the key has an amount holds only the end of it, and replaces nothing.
    """
    newest = table[file].max(where=table[amount].notnull()).over(group_by=key)
    older = (table[file] < newest).fill_null(False)  # noqa: FBT003
    return table.mutate(**{name: table[key[0]].notnull() & older})


def marked_repeated(
    table: ir.Table, name: str, key: str, file: str, columns: list[str]
) -> ir.Table:
    """Mark the rows of a key that stand in a later file just as they are."""
    table = table.mutate(**{BLOCK: _alike(table, columns)})
    newest = table[file].max().over(group_by=[key, BLOCK])
    return table.mutate(**{name: table[key].notnull() & (table[file] < newest)}).drop(BLOCK)


def _alike(table: ir.Table, columns: list[str]) -> ir.IntegerValue:
    texts = [table[column].cast("string").fill_null("\x00") for column in columns]
    return ibis.literal("\x1f").join(texts).hash()
