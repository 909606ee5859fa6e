"""Cells: customers alike counted as one row, from a log or a frame of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rfmkit._engine import open_frame
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, examples
from rfmkit.history import customer_table
from rfmkit.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def count_cells(
    source: Any,
    names: Sequence[str],
    *,
    weight: str | None = None,
    hint: str,
    of: Callable[[Orders], ir.Table] = customer_table,
) -> list[Floats]:
    """Count the distinct values of some columns, in the engine that holds them.

    Parameters
    ----------
    source : Orders or DataFrame
        A log, or a frame of any kind.
    names : sequence of str
        The columns: numbers.
    weight : str, optional
        A column that says for how many customers a row stands, where the frame has it.
    hint : str
        What to do where a column is missing.
    of : callable
        Makes the table of a log.

    Returns
    -------
    list of float64 arrays
        One for each name, NaN where it is null, and the number of customers.

    Raises
    ------
    ColumnsError
        A column is missing, or does not hold numbers.
    NotEnoughHistoryError
        There is no row.
    """
    if isinstance(source, Orders):
        table, engine = of(source), source.engine
    else:
        opened = open_frame(source)
        table, engine = opened.table, opened.engine
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ColumnsError(
            f"Customers have {examples(names)}.",
            found=f"no {examples(missing)} among {examples(table.columns)}",
            hint=hint,
        )
    by = [weight] if weight is not None and weight in table.columns else []
    kinds = {name: table[name].type() for name in (*names, *by)}
    texts = [name for name, kind in kinds.items() if not (kind.is_numeric() or kind.is_null())]
    if texts:
        raise ColumnsError(
            f"{examples(kinds)} are numbers.", found=f"{texts[0]} of {kinds[texts[0]]}", hint=hint
        )
    table = table.select(**{name: table[name].cast("float64") for name in kinds})
    customers = table[by[0]].sum() if by else table.count()
    cells = engine.frame(table.group_by(*names).agg(customers_=customers).order_by(*names))
    found = [cells[name].to_numpy(dtype=float) for name in (*names, "customers_")]
    if not len(found[-1]):
        raise NotEnoughHistoryError(
            "There is at least one customer to learn from.", found="none", hint=hint
        )
    return found


def spread(weight: Floats, rows: int) -> tuple[NDArray[np.int64], Floats]:
    """Choose rows evenly by their weight, with the weight of all: rough, and quick."""
    if len(weight) <= rows:
        return np.arange(len(weight)), weight
    ends = np.cumsum(weight)
    marks = (np.arange(rows) + 0.5) / rows * ends[-1]
    chosen, times = np.unique(np.searchsorted(ends, marks), return_counts=True)
    return chosen, times * (ends[-1] / rows)
