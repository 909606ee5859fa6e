"""Groups of lines: values that one line of an order has for all of them, and copies of rows.

Each function returns its table with one column added or changed. Windows use named columns, since
no engine accepts a window inside a window.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from rfmkit.columns import MONEY

BLOCK = "line_block"
"""A column for the time of a computation, which each function drops again."""


def filled_down(table: ir.Table, name: str, row: str, *, within: str | None = None) -> ir.Table:
    """Return the table with each null of a column replaced by the last value above it."""
    groups = [] if within is None else [within]
    not_null = table[name].notnull().cast("int64").sum()
    block = not_null.over(group_by=groups, order_by=row, rows=(None, 0))
    table = table.mutate(**{BLOCK: block})
    filled = table[name].max().over(group_by=[BLOCK, *groups])
    return table.mutate(**{name: filled}).drop(BLOCK)


def filled_over(table: ir.Table, name: str, key: tuple[str, ...], *, head: str) -> ir.Table:
    """Return the table with the value of the line that has an amount on all lines of its order."""
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
    """Return the table with an order's amount on one of its lines, and zero on the others.

    The sum over the lines is then the amount of the order. If lines have different amounts, the
    largest counts. If no line has an amount, all stay null. A line that is marked `last` gets the
    amount only if all lines are marked.
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
    """Return the table with the second and further equal rows of a key marked.

    Rows are equal if all of `columns` are. With `file`, only rows of one file are compared.
    """
    table = table.mutate(**{BLOCK: _row_hash(table, columns)})
    group = [key, BLOCK] if file is None else [key, BLOCK, file]
    place = ibis.row_number().over(group_by=group, order_by=row)
    return table.mutate(**{name: table[key].notnull() & (place > 0)}).drop(BLOCK)


def marked_replaced(
    table: ir.Table, name: str, key: tuple[str, ...], file: str, *, amount: str
) -> ir.Table:
    """Return the table with those rows of a key marked that a later file replaces.

    A file in which no row of the key has an amount has only the last lines of the order, and
    replaces nothing.
    """
    newest = table[file].max(where=table[amount].notnull()).over(group_by=key)
    older = (table[file] < newest).fill_null(False)  # noqa: FBT003
    return table.mutate(**{name: table[key[0]].notnull() & older})


def marked_repeated(
    table: ir.Table, name: str, key: str, file: str, columns: list[str]
) -> ir.Table:
    """Return the table with those rows of a key marked that a later file repeats unchanged."""
    table = table.mutate(**{BLOCK: _row_hash(table, columns)})
    newest = table[file].max().over(group_by=[key, BLOCK])
    return table.mutate(**{name: table[key].notnull() & (table[file] < newest)}).drop(BLOCK)


def _row_hash(table: ir.Table, columns: list[str]) -> ir.IntegerValue:
    texts = [table[column].cast("string").fill_null("\x1e") for column in columns]
    return ibis.literal("\x1f").join(texts).hash()
