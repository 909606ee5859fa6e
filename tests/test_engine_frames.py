"""Frames of any kind are recognised, taken in unchanged, and given back in stable dtypes."""

import datetime as dt
from decimal import Decimal

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from rfmkit._engine.frames import FROM_ARROW, kind_of, named_zones, to_arrow, to_pandas
from rfmkit.exceptions import OrdersError


class Subclass(pd.DataFrame):
    """What a library built on pandas hands over."""


ARROW = pa.table({"x": [1, 2]})
CONNECTION = duckdb.connect()  # with DuckDB 1.3 a relation does not keep its own


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (pd.DataFrame(), "pandas"),
        (Subclass(), "pandas"),
        (pl.DataFrame(), "polars"),
        (pl.LazyFrame(), "polars_lazy"),
        (ARROW, "pyarrow"),
        (ARROW.to_batches()[0], "pyarrow"),
        (ARROW.to_reader(), "pyarrow"),
        (ds.dataset(ARROW), "pyarrow"),
        (CONNECTION.sql("SELECT 1 AS x"), "duckdb"),
        (ibis.memtable({"x": [1]}), "ibis"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_frame_is_recognised(source, kind):
    assert kind_of(source) == kind


@pytest.mark.parametrize(
    "source", [pd.Series([1]), pl.Series([1]), {"x": [1]}, [{"x": 1}], None, 5, "text", object()]
)
def test_what_is_no_frame_is_not(source):
    assert kind_of(source) is None


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (pd.DataFrame({"x": [1, 2]}), "pandas"),
        (pd.DataFrame({"x": [1, 2]}, index=[7, 7]), "pandas"),
        (pl.DataFrame({"x": [1, 2]}), "polars"),
        (pl.LazyFrame({"x": [1, 2]}), "polars_lazy"),
        (ARROW, "pyarrow"),
        (ARROW.to_batches()[0], "pyarrow"),
        (ARROW.to_reader(), "pyarrow"),
        (CONNECTION.sql("SELECT unnest([1, 2]) AS x"), "duckdb"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_every_kind_becomes_the_same_arrow_table(source, kind):
    found = to_arrow(source, kind)
    assert found.column_names == ["x"]
    assert found["x"].to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("series", "dtype", "values"),
    [
        (pd.Series([1, 2]), pa.int64(), [1, 2]),
        (pd.Series([1, None], dtype="Int64"), pa.int64(), [1, None]),
        (pd.Series(["a", None]), None, ["a", None]),
        (pd.Series(["b", "a", "b"], dtype="category"), None, ["b", "a", "b"]),
        (pd.Series([5, 3], dtype="category"), pa.int64(), [5, 3]),
        (pd.Series([dt.date(2024, 1, 2)]), pa.date32(), [dt.date(2024, 1, 2)]),
        (pd.Series([1, "a", None, 2.5], dtype=object), pa.string(), ["1", "a", None, "2.5"]),
        (
            pd.Series([dt.datetime(2024, 1, 2, 3, 4), "null", pd.NaT], dtype=object),
            pa.string(),
            ["2024-01-02 03:04:00", "null", None],
        ),
        (pd.Series(["1", pd.NA, np.nan, 2], dtype=object), pa.string(), ["1", None, None, "2"]),
    ],
)
def test_a_pandas_column_keeps_its_cells(series, dtype, values):
    found = to_arrow(pd.DataFrame({"x": series}), "pandas")
    assert dtype is None or found.schema.field("x").type == dtype
    assert found["x"].to_pylist() == values


def test_decimals_stay_exact():
    cents = [Decimal("0.10"), Decimal("12345678901.23")]
    found = to_arrow(pd.DataFrame({"x": cents}), "pandas")
    assert found["x"].to_pylist() == cents


def test_column_names_become_text():
    found = to_arrow(pd.DataFrame([[1, 2]], columns=[0, "b"]), "pandas")
    assert found.column_names == ["0", "b"]


@pytest.mark.parametrize(
    ("names", "found"), [(["a", "b", "a"], "'a'"), (["1", 1], "'1'"), (["b", "a", "b", "a"], "'a'")]
)
def test_repeated_names_are_an_error_that_names_them(names, found):
    frame = pd.DataFrame([[0] * len(names)], columns=names)
    with pytest.raises(OrdersError, match=f"Found: repeated names {found}.*\nHint: rename them"):
        to_arrow(frame, "pandas")


@pytest.mark.parametrize("zone", [None, "Asia/Shanghai"])
def test_nanoseconds_become_microseconds_of_the_same_moment(zone):
    moment = pd.Timestamp("2024-05-01 23:30:00.123456789", tz=zone)
    found = to_arrow(pd.DataFrame({"x": [moment, pd.NaT]}), "pandas")
    assert found.schema.field("x").type == pa.timestamp("us", zone)
    assert found["x"].to_pylist()[0] == moment.floor("us").to_pydatetime()
    assert found["x"].to_pylist()[1] is None


def test_only_instants_name_a_zone():
    schema = pa.schema(
        [
            ("a", pa.timestamp("us", "Asia/Shanghai")),
            ("b", pa.timestamp("us")),
            ("c", pa.string()),
            ("d", pa.timestamp("ns", "UTC")),
        ]
    )
    assert named_zones(schema) == {"a": "Asia/Shanghai", "d": "UTC"}


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (pa.array([1, 2], pa.int64()), "int64"),
        (pa.array([1, None], pa.int64()), "Int64"),
        (pa.array([dt.date(2024, 1, 2), None]), "datetime64[us]"),
        (pa.array([dt.date(2024, 1, 2)]), "datetime64[us]"),
        (pa.array([dt.datetime(2024, 1, 2)], pa.timestamp("us")), "datetime64[us]"),
        (pa.array([1.5, None]), "float64"),
        (pa.array([True, False]), "bool"),
    ],
)
def test_a_pandas_result_has_stable_dtypes(values, dtype):
    assert to_pandas(pa.table({"x": values}))["x"].dtype == dtype


def test_a_pandas_result_keeps_names_and_order_even_without_rows():
    empty = to_pandas(pa.table({"b": pa.array([], pa.int64()), "a": pa.array([], pa.string())}))
    assert list(empty.columns) == ["b", "a"]
    assert empty["b"].dtype == "int64"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("pandas", pd.DataFrame),
        ("polars", pl.DataFrame),
        ("polars_lazy", pl.LazyFrame),
        ("pyarrow", pa.Table),
    ],
)
def test_arrow_becomes_the_kind_asked_for(kind, expected):
    assert type(FROM_ARROW[kind](ARROW)) is expected
