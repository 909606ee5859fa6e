"""Cells: customers alike counted as one row, from a log or a frame of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rfmkit._engine import open_frame
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, examples
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def count_cells(
    source: Any,
    names: Sequence[str],
    *,
    words: Sequence[str] = (),
    weight: str | None = None,
    hint: str,
    of: Callable[[Orders], ir.Table] = lambda orders: orders.history.customers,
) -> list[NDArray[Any]]:
    """Count the distinct values of some columns, in the engine that holds them.

    Parameters
    ----------
    source : Orders or DataFrame
        A log, or a frame of any kind.
    names : sequence of str
        The columns: numbers.
    words : sequence of str
        More columns: numbers, or words.
    weight : str, optional
        A column that says for how many customers a row stands, where the frame has it.
    hint : str
        What to do where a column is missing.
    of : callable
        Makes the table of a log.

    Returns
    -------
    list of arrays
        One for each name, of float64 and NaN where it is null; one for each of `words`, of objects
        where they are; and the number of customers.

    Raises
    ------
    ColumnsError
        A column is missing, or does not hold numbers, or words where it may.
    NotEnoughHistoryError
        There is no row.
    """
    if isinstance(source, Orders):
        table, engine = of(source), source.history.engine
    else:
        opened = open_frame(source)
        table, engine = opened.table, opened.engine
    wanted = (*names, *words)
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise ColumnsError(
            f"A frame of customers must have the columns {examples(wanted)}.",
            found=f"no {examples(missing)} among {examples(table.columns)}",
            hint=hint,
        )
    by = [weight] if weight is not None and weight in table.columns else []
    numbers = {name: number(table, name) for name in (*names, *by)}
    wrong = [name for name, column in numbers.items() if column is None]
    if wrong:
        kind = table[wrong[0]].type()
        raise ColumnsError(
            f"{examples(numbers)} must be numbers.", found=f"{wrong[0]} of {kind}", hint=hint
        )
    columns = [*numbers.values(), *(number(table, name, words=True) for name in words)]
    if any(column is None for column in columns):
        kinds = ", ".join(f"{name} of {table[name].type()}" for name in words)
        raise ColumnsError(f"{examples(words)} must be numbers or words.", found=kinds, hint=hint)
    # A column of the caller's own may have any name.
    cells = [f"cell{place}" for place in range(len(columns))]
    table = table.select(**dict(zip(cells, columns, strict=True)))
    key = [cell for place, cell in enumerate(cells) if not by or place != len(names)]
    customers = table[cells[len(names)]].sum() if by else table.count()
    counted = engine.frame(table.group_by(*key).agg(customers=customers).order_by(*key))
    found = [_array(counted[name]) for name in (*key, "customers")]
    if not len(found[-1]):
        raise NotEnoughHistoryError(
            "The fit needs at least one customer.", found="no customer", hint=hint
        )
    return found


def number(table: ir.Table, name: str, *, words: bool = False) -> ir.Column | None:
    """Return a column as a number, or as the words that it may be; nothing, where it is neither."""
    column = table[name]
    kind = column.type()
    if words and kind.is_string():
        return column
    if kind.is_numeric() or kind.is_null() or (words and kind.is_boolean()):
        return column.cast("float64")
    return None


def _array(column: Any) -> NDArray[Any]:
    if column.dtype != object and not str(column.dtype).startswith("str"):
        return np.asarray(column.to_numpy(dtype=float))
    words = column.to_numpy(dtype=object)
    words[column.isna()] = None  # of pandas 3 a missing word is a number
    return np.asarray(words)


def spread(weight: Floats, rows: int) -> tuple[NDArray[np.int64], Floats]:
    """Choose rows evenly by their weight, with the weight of all: rough, and quick."""
    if len(weight) <= rows:
        return np.arange(len(weight)), weight
    ends = np.cumsum(weight)
    marks = (np.arange(rows) + 0.5) / rows * ends[-1]
    chosen, times = np.unique(np.searchsorted(ends, marks), return_counts=True)
    return chosen, times * (ends[-1] / rows)
