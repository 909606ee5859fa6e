"""One engine: its limits, its dtypes, and results in the caller's own kind."""

import datetime as dt
import gc
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from rfmkit._engine import Engine, open_frame
from rfmkit._engine.backend import unique_name
from rfmkit.exceptions import RfmkitError
from rfmkit.formats._cells import id_look, is_plain


def table_of(**columns):
    return ibis.memtable(pa.table(columns))


@pytest.mark.parametrize(
    "limits",
    [
        {"memory_limit": "lots"},
        {"memory_limit": ""},
        {"memory_limit": "5"},
        {"memory_limit": 5},
        {"threads": 0},
        {"threads": -1},
        {"threads": "two"},
        {"threads": 1.5},
    ],
    ids=str,
)
def test_a_limit_that_is_none_is_an_error_that_shows_it(limits):
    shown = ", ".join(f"{name}={value!r}" for name, value in limits.items())
    with pytest.raises(RfmkitError, match=f"Found: {re.escape(shown)}\nHint: leave it out"):
        Engine.embedded_duckdb(**limits)


def test_limits_are_those_of_the_engine():
    engine = Engine.embedded_duckdb(memory_limit="123MiB", threads=2)
    assert engine.scalar_sql("SELECT current_setting('threads')") == 2
    assert engine.scalar_sql("SELECT current_setting('memory_limit')") == "123.0 MiB"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
        ("TimeZone", "UTC"),
    ],
)
def test_the_engine_fetches_nothing_and_knows_no_zone_of_the_machine(engine, setting, value):
    assert engine.scalar_sql(f"SELECT current_setting('{setting}')") == value


def test_temporary_files_are_gone_with_the_engine():
    engine = Engine.embedded_duckdb()
    folder = Path(engine.spill_folder)
    assert folder.is_dir()
    del engine
    gc.collect()
    assert not folder.exists()


def test_two_engines_share_no_folder(engine):
    assert Engine.embedded_duckdb().spill_folder != engine.spill_folder


def test_names_are_unique():
    names = [unique_name("x") for _ in range(100)]
    assert len(set(names)) == 100


def test_a_row_is_a_dictionary_of_values(engine):
    table = table_of(x=[1, 2, 4])
    assert engine.row(table.aggregate(n=table.count(), top=table.x.max())) == {"n": 3, "top": 4}


def test_a_frame_is_plain_pandas(engine):
    found = engine.frame(table_of(x=[1, None]))
    assert found["x"].dtype == "Int64"
    assert found["x"].tolist() == [1, pd.NA]


@pytest.mark.parametrize(
    ("name", "values", "dtype"),
    [
        ("orders", pa.array([3], pa.uint8()), pa.int64()),
        ("purchases", pa.array([3], pa.int32()), pa.int64()),
        ("recency_days", pa.array([Decimal(3)], pa.decimal128(38, 0)), pa.int64()),
        ("spend", pa.array([Decimal("3.10")], pa.decimal128(38, 4)), pa.float64()),
        ("amount", pa.array([Decimal("3.5000")], pa.decimal128(18, 4)), pa.float64()),
        ("first_purchase", pa.array([dt.datetime(2024, 1, 1)]), pa.date32()),
        ("churned", pa.array([1], pa.int8()), pa.bool_()),
        ("order_id", pa.array([17850], pa.int64()), pa.string()),
        ("customer_id", pa.array([3], pa.int32()), pa.int32()),
        ("anything", pa.array([3], pa.int16()), pa.int16()),
    ],
)
def test_known_columns_are_cast_and_others_left_alone(engine, name, values, dtype):
    found = engine.arrow(engine.canonical(table_of(**{name: values})))
    assert found.schema.field(name).type == dtype


@pytest.mark.parametrize(
    ("kind", "expected", "values"),
    [
        ("pandas", pd.DataFrame, lambda f: f["orders"].tolist()),
        ("polars", pl.DataFrame, lambda f: f["orders"].to_list()),
        ("polars_lazy", pl.LazyFrame, lambda f: f.collect()["orders"].to_list()),
        ("pyarrow", pa.Table, lambda f: f["orders"].to_pylist()),
        ("duckdb", None, lambda f: [row[0] for row in f.fetchall()]),
    ],
)
def test_results_come_in_the_kind_asked_for_and_in_a_stated_order(kind, expected, values):
    engine = Engine.embedded_duckdb()
    table = table_of(orders=pa.array([3, 1, 2], pa.int8()))
    found = engine.deliver(table, kind, order_by=("orders",))
    assert expected is None or type(found) is expected
    assert values(found) == [1, 2, 3]


def test_an_ibis_result_is_an_expression(engine):
    found = engine.deliver(table_of(orders=pa.array([3], pa.int8())), "ibis")
    assert isinstance(found, ibis.expr.types.Table)
    assert found.orders.type() == ibis.dtype("int64")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("pandas", pd.DataFrame),
        ("polars", pl.DataFrame),
        ("polars_lazy", pl.DataFrame),
        ("pyarrow", pa.Table),
        ("ibis", pd.DataFrame),
        ("duckdb", pd.DataFrame),
        ("spark", pd.DataFrame),
    ],
)
def test_a_small_report_is_a_frame_in_memory(engine, kind, expected):
    found = engine.small({"rule": ["kept"], "rows": [3]}, kind)
    assert type(found) is expected
    assert list(found["rule"]) == ["kept"] or found["rule"].to_pylist() == ["kept"]


def test_a_stored_table_is_computed_once(engine):
    drawn = table_of(x=[1, 2]).mutate(chance=ibis.random())
    stored = engine.store(drawn, "drawn")
    first, second = engine.arrow(stored), engine.arrow(stored)
    assert first["chance"].to_pylist() == second["chance"].to_pylist()


def test_a_dropped_table_is_gone_and_dropping_it_again_is_nothing():
    engine = Engine.embedded_duckdb()
    stored = engine.store(table_of(x=[1]), "some")
    count = "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'rfmkit_some_%'"
    assert engine.scalar_sql(count) == 1
    engine.drop(stored)
    assert engine.scalar_sql(count) == 0
    engine.drop(stored)


@pytest.mark.parametrize(
    ("instant", "zone", "clock"),
    [
        ("2024-05-01 23:30", "Asia/Shanghai", "2024-05-02 07:30"),
        ("2024-05-01 23:30", "UTC", "2024-05-01 23:30"),
        ("2024-05-01 03:30", "America/New_York", "2024-04-30 23:30"),  # summer time: -4
        ("2024-01-01 03:30", "America/New_York", "2023-12-31 22:30"),  # winter time: -5
        ("2024-03-31 00:59", "Europe/Berlin", "2024-03-31 01:59"),  # a minute before the change
        ("2024-03-31 01:00", "Europe/Berlin", "2024-03-31 03:00"),
    ],
)
def test_an_instant_shows_a_clock_in_a_zone(engine, instant, zone, clock):
    moments = pa.array([pd.Timestamp(instant, tz="UTC")], pa.timestamp("us", "UTC"))
    table = table_of(x=moments)
    found = engine.arrow(table.select(y=engine.local_time(table.x, zone)))
    assert found["y"].to_pylist() == [dt.datetime.fromisoformat(clock)]


@pytest.mark.parametrize("share", [0.01, 0.2, 0.25, 0.5, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("embedded", [True, False])
def test_a_quantile_is_the_smallest_value_that_reaches_the_share(engine, share, embedded):
    values = [5, 1, 2, 2, 40, 3, 3, 3, 8, 13]
    # Elsewhere than in DuckDB the quantile is written in words that every engine has.
    elsewhere = SimpleNamespace(name="elsewhere", to_pyarrow=engine.backend.to_pyarrow)
    asked = engine if embedded else Engine(elsewhere, embedded=False)
    found = asked.quantile(table_of(x=values), "x", share)
    assert found == np.quantile(values, share, method="inverted_cdf")


@pytest.mark.parametrize("embedded", [True, False])
def test_nothing_has_no_quantile(engine, embedded):
    elsewhere = SimpleNamespace(name="elsewhere", to_pyarrow=engine.backend.to_pyarrow)
    asked = engine if embedded else Engine(elsewhere, embedded=False)
    assert asked.quantile(table_of(x=pa.array([], pa.int64())), "x", 0.5) is None


@pytest.mark.parametrize(
    ("values", "rises"),
    [
        ([1, 2, 10], True),
        ([1], True),
        ([1, 2, 2], False),
        ([1, 3, 2], False),
        ([1, None, 2], False),
        ([None, 1], False),
        (["a1", "a2", "b2"], True),
        (["O9", "O10"], True),  # shorter text comes first
        (["b", "a1", "b1"], True),
        (["a10", "a2"], False),
        (["a1", "a1 "], False),  # one id
        (["1", '="1"'], False),
        (["1", "'1"], False),
        (["王", "王五"], True),
        ([""], False),
    ],
)
def test_rising_ids_are_told(engine, values, rises):
    opened = open_frame(pa.table({"x": values}), engine=engine)
    assert engine.is_strictly_increasing(opened.table, "x") is rises


SURELY_PLAIN = ["A1", "b", "_x", "客户 1", "王", "o'no", "M e5", "{}"]
NOT_SURELY = [
    "",
    " A1",
    "A1 ",
    "A1\t",
    "A1\r",
    "A\n1",
    "nan",
    "Null",
    "n1",
    "<NA>",
    "17",
    "1e5",
    "=x",
]


@pytest.mark.parametrize("value", SURELY_PLAIN + NOT_SURELY)
def test_what_is_surely_plain_is_plain(engine, value):
    opened = open_frame(pa.table({"x": ["A1", None, value]}), engine=engine)
    found = engine.are_surely_plain(opened.table, "x")
    assert found is (value in SURELY_PLAIN)
    assert not found or is_plain(engine.row(opened.table.aggregate(**id_look(opened.table.x))))


def test_nothing_is_sure_of_numbers_or_elsewhere(engine):
    opened = open_frame(pa.table({"x": [1, 2], "y": ["a", "b"]}), engine=engine)
    assert engine.are_surely_plain(opened.table, "x") is False
    assert Engine(engine.backend, embedded=False).are_surely_plain(opened.table, "y") is False


def test_elsewhere_rows_have_no_order(engine):
    opened = open_frame(pa.table({"x": [1, 2]}), engine=engine)
    elsewhere = Engine(engine.backend, embedded=False)
    assert elsewhere.is_strictly_increasing(opened.table, "x") is False


def test_too_little_memory_is_an_error_with_a_hint(tmp_path):
    engine = Engine.embedded_duckdb(memory_limit="5MB", threads=1)
    many = ibis.range(0, 2_000_000).unnest().name("x").as_table()
    with pytest.raises(RfmkitError, match=r"needs more memory .*\nFound: .*\nHint: raise "):
        engine.store(many.group_by(key=many.x.cast("string")).agg(rows=many.count()), "many")


def test_a_view_has_the_names_of_its_expression_in_their_own_case(engine):
    table = engine.store(ibis.memtable({"Total": [1], "day": [2]}), "case")
    view = engine.view(table.select(total=table["Total"], DAY=table["day"]))
    assert view.columns == ("total", "DAY")
    assert engine.row(view.mutate(sum=view.total + view.DAY)) == {"total": 1, "DAY": 2, "sum": 3}
