"""Grouping: customers with equal values counted, in the engine that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit._engine import open_frame
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, examples
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SAMPLE_ROWS: Final = 2000
"""The rows on which an optimizer starts, before it goes on with all of them."""


def group_customers(
    source: Any,
    names: Sequence[str],
    *,
    words: Sequence[str] = (),
    weight: str | None = None,
    hint: str,
    of: Callable[[Orders], ir.Table] = lambda orders: orders.history.customers,
) -> list[NDArray[Any]]:
    """Return the distinct rows of some columns, and the number of customers of each.

    Parameters
    ----------
    source : Orders or DataFrame
        A log, or a frame of any kind.
    names : sequence of str
        The columns: numbers.
    words : sequence of str
        More columns: numbers, or words.
    weight : str, optional
        A column with the number of customers of each row, if the frame has it.
    hint : str
        The hint of the error if a column is missing.
    of : callable
        Returns the table of a log.

    Returns
    -------
    list of arrays
        One for each of `names` (float64, NaN for null), one for each of `words` (float64, or object
        with None for null), and the number of customers (float64).

    Raises
    ------
    ColumnsError
        A column is missing, or does not hold numbers (or words, for `words`).
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
    # Columns of the caller may have any name, also "customers".
    keys = [f"key{place}" for place in range(len(columns))]
    table = table.select(**dict(zip(keys, columns, strict=True)))
    key = [name for place, name in enumerate(keys) if not by or place != len(names)]
    customers = table[keys[len(names)]].sum() if by else table.count()
    counted = engine.frame(table.group_by(*key).agg(customers=customers).order_by(*key))
    found = [_array(counted[name]) for name in (*key, "customers")]
    if not len(found[-1]):
        raise NotEnoughHistoryError(
            "The fit needs at least one customer.", found="no customer", hint=hint
        )
    return found


def number(table: ir.Table, name: str, *, words: bool = False) -> ir.Column | None:
    """Return a column as float64, or as text with `words`; None if it is neither."""
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
    words[column.isna()] = None  # pandas 3 has NaN for missing text
    return np.asarray(words)


def systematic_sample(weight: Floats, rows: int = SAMPLE_ROWS) -> tuple[NDArray[np.int64], Floats]:
    """Return the indices of a systematic sample of rows, and weights with the total of all.

    The cumulative weight is cut into `rows` equal parts, and the row at the middle of each is
    taken; a row taken several times has several times the weight.
    """
    if len(weight) <= rows:
        return np.arange(len(weight)), weight
    ends = np.cumsum(weight)
    marks = (np.arange(rows) + 0.5) / rows * ends[-1]
    chosen, times = np.unique(np.searchsorted(ends, marks), return_counts=True)
    return chosen, times * (ends[-1] / rows)
