"""Any source becomes one table with its engine; what the caller holds is never changed."""

import copy
import re

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rfmkit as rk
from conftest import KINDS, log
from rfmkit._engine import FILE, open_beside, open_frame, open_source, over_rows
from rfmkit.exceptions import OrdersError, RfmkitError

OWN_KIND = {kind: kind for kind in KINDS} | {"csv": "pandas", "parquet": "pandas"}
OUTPUTS = "pandas", "polars", "pyarrow", "ibis"
TWO_ROWS = pd.DataFrame({"x": ["a", "b"], "y": [1, 2]})


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        *((kind, None) for kind in KINDS),
        *(("pandas", output) for output in OUTPUTS),
        *(
            pytest.param(kind, output, marks=pytest.mark.slow)
            for kind in KINDS
            if kind != "pandas"
            for output in OUTPUTS
        ),
    ],
)
def test_a_source_of_any_kind_is_a_table_and_remembers_its_kind(as_kind, kind, output):
    opened = open_source(as_kind(TWO_ROWS, kind), output=output).hold()
    assert opened.kind == (output or OWN_KIND[kind])
    assert opened.table.columns == ("x", "y")
    rows = opened.engine.arrow(opened.table.order_by("x")).to_pylist()
    assert [(row["x"], int(row["y"])) for row in rows] == [("a", 1), ("b", 2)]


@pytest.mark.parametrize("output", ["spark", "duckdb", "polars_lazy", "Pandas", ""])
def test_another_output_is_an_error(output):
    with pytest.raises(RfmkitError, match=rf"'pandas', 'polars'.*\nFound: output={output!r}"):
        open_source(TWO_ROWS, output=output)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ([{"x": 1}], "a list"),
        ([], "a list"),
        ({"x": [1]}, "a dict"),
        (None, "None"),
        (pd.Series([1]), "a pandas Series"),
        (np.zeros(3), "a numpy ndarray"),
        ([pd.DataFrame({"x": [1]})], "a list"),
    ],
)
def test_what_is_no_source_is_an_error_with_a_hint(source, found):
    expected = (
        f"Found: {found}\nHint: pass a path, or make a DataFrame of rows: pandas.DataFrame(rows)."
    )
    with pytest.raises(OrdersError, match=re.escape(expected)):
        open_source(source)


@pytest.mark.parametrize("source", [pd.DataFrame(), pd.DataFrame(index=[1]), pl.DataFrame()])
def test_a_frame_without_columns_is_an_error(source):
    with pytest.raises(
        OrdersError,
        match=r"A DataFrame must have columns\.\nFound: a DataFrame without columns\nHint: check",
    ):
        open_source(source)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/New_York"])
@pytest.mark.parametrize("kind", ["pandas", "polars", "polars_lazy", "pyarrow"])
def test_a_frame_names_the_zones_of_its_columns(as_kind, kind, zone):
    moments = pd.to_datetime(["2024-05-01"]).tz_localize(zone)
    frame = pd.DataFrame({"when": moments, "naive": moments.tz_localize(None)})
    assert open_source(as_kind(frame, kind)).zones == {"when": zone}


def test_the_zone_of_a_duckdb_session_is_not_the_shops():
    connection = duckdb.connect()
    relation = connection.sql("SELECT now() AS moment")
    assert open_source(relation).zones == {}


def test_an_ibis_table_stays_where_it_lives():
    backend = ibis.duckdb.connect()
    backend.con.register("mine", pa.table({"x": [1]}))
    opened = open_source(backend.table("mine"))
    assert opened.engine.backend is backend
    assert not opened.engine.embedded


def test_a_frame_may_join_the_tables_of_an_engine(engine):
    opened = open_frame(TWO_ROWS, engine=engine)
    assert opened.engine is engine
    other = open_frame(pl.DataFrame({"x": ["b"]}), engine=engine)
    both = opened.table.semi_join(other.table, "x")
    assert engine.arrow(both)["y"].to_pylist() == [2]


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars_lazy", "pyarrow"])
def test_over_rows_gives_the_same_kind_and_rows_in_their_own_order(as_kind, kind):
    frame = pd.DataFrame({"x": [3, 1, 2, 1] * 500, "place": range(2000)})
    source = as_kind(frame, kind)
    found = over_rows(source, lambda table: table.mutate(double=table.x * 2))
    assert type(found) is type(source)
    plain = found.lazy().collect() if "polars" in kind else found
    plain = plain if kind == "pandas" else plain.to_pandas()
    assert plain["place"].tolist() == list(range(2000))
    assert plain["double"].tolist() == [6, 2, 4, 2] * 500
    assert list(plain.columns) == ["x", "place", "double"]


def test_over_rows_keeps_the_index_of_a_pandas_frame():
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=pd.Index([9, 9, 4], name="mine"))
    found = over_rows(frame, lambda table: table.mutate(y=table.x + 1))
    pd.testing.assert_index_equal(found.index, frame.index)


def uses(source):
    orders = rk.read_orders(source, refunds="net", tz="Asia/Shanghai")
    _ = (
        repr(orders.audit),
        orders.rejected,
        orders.to_frame(),
        orders.notes,
        orders.hidden,
        repr(orders),
    )
    rk.summarize(orders.until("2024-01-02"))


MESSY = log(
    customer=pd.Series(["a", None, " b ", 17850], index=[7, 7, 1, 0], dtype=object),
    date=pd.Series(
        pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", None]).tz_localize("UTC"),
        index=[7, 7, 1, 0],
    ),
    total=pd.Series(["1.5", "$2", "x", None], index=[7, 7, 1, 0]),
    refund=pd.Series([1.0, np.nan, 0.0, 2.0], index=[7, 7, 1, 0]),
    status=pd.Series(["paid", "void", "odd", None], index=[7, 7, 1, 0], dtype="category"),
)


def test_a_pandas_frame_is_never_changed():
    frame = MESSY.copy(deep=True)
    frame.attrs["mine"] = 1
    uses(frame)
    pd.testing.assert_frame_equal(frame, MESSY, check_exact=True)
    pd.testing.assert_index_equal(frame.index, MESSY.index)
    assert [type(cell) for cell in frame["customer"]] == [str, type(None), str, int]
    assert frame.attrs == {"mine": 1}


@pytest.mark.parametrize("lazy", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_polars_frame_is_never_changed(lazy):
    good = MESSY.reset_index(drop=True).assign(customer=["a", None, " b ", "17850"])
    frame, before = pl.from_pandas(good), pl.from_pandas(good)
    uses(frame.lazy() if lazy else frame)
    assert frame.equals(before)
    assert frame.schema == before.schema


def test_an_arrow_table_is_never_changed():
    good = MESSY.reset_index(drop=True).assign(customer=["a", None, " b ", "17850"])
    table, before = pa.Table.from_pandas(good), copy.deepcopy(pa.Table.from_pandas(good))
    uses(table)
    assert table.equals(before, check_metadata=True)


def test_an_ibis_backend_keeps_its_tables_and_settings():
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET TimeZone = 'America/New_York'")
    backend.con.register("mine", pa.Table.from_pandas(log(total=[1, 2, -1])))
    before = backend.con.execute("SELECT * FROM mine").fetchall()
    orders = rk.read_orders(backend.table("mine"))
    _ = repr(orders.audit), repr(orders)
    assert backend.con.execute("SELECT * FROM mine").fetchall() == before
    assert backend.con.execute("SELECT current_setting('TimeZone')").fetchone() == (
        "America/New_York",
    )


def test_a_file_is_never_changed(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_bytes("客户,日期,金额\n张,2024-01-01,1\n".encode("gb18030"))
    before = path.read_bytes(), path.stat().st_mtime_ns
    orders = rk.read_orders(path)
    _ = repr(orders.audit)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [found.name for found in tmp_path.iterdir()] == ["orders.csv"]


@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize("listed", ["frame", "file", "files"])
def test_a_second_source_joins_the_first(tmp_path, embedded, listed):
    if embedded:
        first = open_source(TWO_ROWS)
    else:
        con = ibis.duckdb.connect()
        con.con.execute(
            "CREATE TABLE first AS SELECT * FROM (VALUES ('a', 1), ('b', 2)) AS t(x, y)"
        )
        first = open_source(con.table("first"))
    path = tmp_path / "second.csv"
    pd.DataFrame({"x": ["b", "c"]}).to_csv(path, index=False)
    second = {"frame": pl.DataFrame({"x": ["b", "c"]}), "file": path, "files": [str(path)]}[listed]
    joined = first.table.semi_join(open_beside(second, first.engine).table, "x")
    assert first.engine.arrow(joined)["x"].to_pylist() == ["b"]


def test_a_source_knows_its_files_and_its_sheets(tmp_path):
    for name in ("1", "2"):
        with pd.ExcelWriter(tmp_path / f"{name}.xlsx") as book:
            TWO_ROWS.to_excel(book, sheet_name="first", index=False)
            TWO_ROWS.assign(y=5).to_excel(book, sheet_name="orders", index=False)
    opened = open_source(tmp_path, sheets=("orders",))
    assert opened.files == ("1.xlsx", "2.xlsx")
    assert opened.columns == opened.rows.columns == ("x", "y")
    rows = opened.engine.arrow(opened.table).to_pylist()
    assert [(int(row["y"]), row[FILE]) for row in rows] == [(5, 0), (5, 0), (5, 1), (5, 1)]


def test_frames_are_of_no_file():
    opened = open_source(TWO_ROWS)
    assert (opened.files, opened.hold({"x": "id"}), opened.rows) == ((), opened, opened.table)


def test_a_second_source_of_several_files_shows_only_its_columns(tmp_path):
    for name in ("1", "2"):
        TWO_ROWS.to_csv(tmp_path / f"{name}.csv", index=False)
    opened = open_beside(str(tmp_path / "*.csv"), open_source(TWO_ROWS).engine)
    assert opened.table.columns == ("x", "y")
