"""Kinds of DataFrames: recognised without an import, converted to Arrow and back.

pandas, polars, Arrow, DuckDB and Spark objects are recognised by the module of their class: a
caller who holds one has imported its library already.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from rfmkit.exceptions import OrdersError, examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd


_KINDS = {
    ("pandas", "DataFrame"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("polars", "LazyFrame"): "polars_lazy",
    ("pyarrow", "Table"): "pyarrow",
    ("pyarrow", "RecordBatch"): "pyarrow",
    ("pyarrow", "RecordBatchReader"): "pyarrow",
    ("pyarrow", "Dataset"): "pyarrow",
    ("duckdb", "DuckDBPyRelation"): "duckdb",
    ("_duckdb", "DuckDBPyRelation"): "duckdb",
    ("ibis", "Table"): "ibis",
    ("pyspark", "DataFrame"): "spark",
}


def kind_of(source: object) -> str | None:
    """Return the kind of a DataFrame, or None where the object is none."""
    for base in type(source).__mro__:  # a subclass (geopandas, ...) counts as its base
        kind = _KINDS.get((base.__module__.split(".")[0], base.__name__))
        if kind is not None:
            return kind
    return None


def to_arrow(source: Any, kind: str) -> Any:
    """Return a frame as Arrow data, without a copy where its library allows it."""
    return _known_types(_as_arrow(source, kind))


def _as_arrow(source: Any, kind: str) -> Any:
    if kind == "pandas":
        table = _pandas_to_arrow(source)
    elif kind == "polars":
        table = source.to_arrow()
    elif kind == "polars_lazy":
        table = source.collect(engine="streaming").to_arrow()
    elif kind == "duckdb":
        table = source.to_arrow_table() if hasattr(source, "to_arrow_table") else source.arrow()
    elif isinstance(source, pa.RecordBatch):
        table = pa.Table.from_batches([source])
    elif isinstance(source, pa.RecordBatchReader):
        table = source.read_all()
    else:
        table = source
    return table


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with a number after repeated ones; the engine ignores case.

    >>> distinct_names(["total", "day", "Total"])
    ('total', 'day', 'Total.1')
    """
    seen: Counter[str] = Counter()
    given = []
    for name in names:
        seen[name.lower()] += 1
        given.append(name if seen[name.lower()] == 1 else f"{name}.{seen[name.lower()] - 1}")
    return tuple(given)


def named_zones(schema: pa.Schema) -> dict[str, str]:
    """Return the time zone of each column of instants that has one."""
    return {
        column.name: column.type.tz
        for column in schema
        if pa.types.is_timestamp(column.type) and column.type.tz
    }


def _pandas_to_arrow(frame: pd.DataFrame) -> pa.Table:
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise OrdersError(
            "Every column must have a name of its own.",
            found=f"repeated names {examples(twice)}",
            hint="rename them, or drop the copies: frame.loc[:, ~frame.columns.duplicated()].",
        )
    # By position: frame[name] would fail for names that are numbers, which became text above.
    columns = [_series_to_arrow(frame.iloc[:, place]) for place in range(len(names))]
    return pa.table(columns, names=names)


def _series_to_arrow(series: pd.Series[Any]) -> pa.Array:
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # A column of mixed Python objects (Excel, JSON) becomes text and is parsed as such.
        array = pa.array([None if _missing(cell) else str(cell) for cell in series], pa.string())
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    return array


def _known_types(table: Any) -> Any:
    """Return Arrow data in types that every engine has: no nanoseconds, and text for all-null."""
    if not isinstance(table, pa.Table):
        return table
    table = table.rename_columns(list(distinct_names(table.column_names)))
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            short = pa.timestamp("us", column.type.tz)
            cut = table.column(place).cast(short, safe=False)  # nanoseconds do not matter here
            table = table.set_column(place, column.name, cut)
        elif pa.types.is_null(column.type):
            table = table.set_column(place, column.name, table.column(place).cast(pa.string()))
    return table


def _missing(cell: object) -> bool:
    return cell is None or str(cell) in ("nan", "NaT", "<NA>")


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return a pandas frame whose dtypes do not depend on which rows are null."""
    import pandas as pd

    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        # A count with nulls would become float64, and a date a column of Python objects.
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            series = column.cast(pa.timestamp("us")).to_pandas()
        elif pa.types.is_integer(column.type) and column.null_count:
            series = column.to_pandas(types_mapper={column.type: pd.Int64Dtype()}.get)
        else:
            series = column.to_pandas()
        columns[name] = series
    return pd.DataFrame(columns, columns=table.column_names)


def _to_polars(table: pa.Table) -> Any:
    import polars as pl

    return pl.from_arrow(table)


FROM_ARROW: dict[str, Callable[[pa.Table], Any]] = {
    "pandas": to_pandas,
    "polars": _to_polars,
    "polars_lazy": lambda table: _to_polars(table).lazy(),
    "pyarrow": lambda table: table,
}
