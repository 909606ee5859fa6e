"""The files of one log are one table with the same columns, and each row knows its file."""

import pyarrow as pa
import pytest

import rfmkit as rk
from log_files import CSV, FRAME, NAMES, ROWS, read, save
from rfmkit._engine.file_table import FileTable, check_same_columns
from rfmkit._engine.files import read_paths
from rfmkit._engine.scan import FILE
from rfmkit.exceptions import ColumnsDifferError, OrdersError


@pytest.mark.parametrize(
    ("other", "differ"),
    [("customer,date,total,note\n", "'note'"), ("customer,date,amount\n", "'amount', 'total'")],
)
def test_text_files_of_different_columns_are_an_error(engine, write, tmp_path, other, differ):
    write("1.csv", CSV)
    write("2.csv", other + "a,2024-01-01,1,x\n")
    expected = f"Found: '1.csv' and '2.csv' differ in {differ}\nHint: read them one by one"
    with pytest.raises(OrdersError, match=expected):
        read(engine, str(tmp_path / "*.csv"))


@pytest.mark.parametrize("kind", ["parquet", "xlsx"])
def test_other_files_of_different_columns_are_an_error(engine, tmp_path, kind):
    for number, frame in enumerate([FRAME, FRAME.assign(note="x")]):
        path = tmp_path / f"{number}.{kind}"
        frame.to_parquet(path) if kind == "parquet" else frame.to_excel(path, index=False)
    with pytest.raises(OrdersError, match=f"Found: '0.{kind}' and '1.{kind}' differ in 'note'"):
        read(engine, tmp_path)


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "xlsx"])
def test_of_several_files_each_row_tells_its_own(engine, tmp_path, kind):
    for number, name in enumerate(["a[1]", "b", "客"]):
        frame = FRAME.assign(customer=f"c{number}").iloc[: number + 1]
        save(frame, tmp_path / "later" / f"{name}.{kind}")
    found = read_paths(engine, tmp_path / "later", encoding=None, delimiter=None, names=None)
    assert found.files == tuple(f"{name}.{kind}" for name in ["a[1]", "b", "客"])
    table = found.hold().table
    assert str(table.schema()[FILE]) == "int32"
    rows = engine.arrow(table.select("customer", FILE)).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("c0", 0), ("c1", 1), ("c1", 1), ("c2", 2), ("c2", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "xlsx"])
def test_of_several_files_of_one_name_none_is_lost(engine, tmp_path, kind):
    paths = [tmp_path / year / f"orders.{kind}" for year in ("2023", "2024")]
    for path in paths:
        save(FRAME, path)
    assert read(engine, paths)[1] == ROWS * 2


@pytest.mark.parametrize(
    "kind", ["csv", "parquet", pytest.param("jsonl", marks=pytest.mark.slow), "xlsx"]
)
def test_the_place_of_the_file_is_not_shown(tmp_path, kind):
    save(FRAME, tmp_path / "logs" / f"1.{kind}")
    save(FRAME.assign(total="none"), tmp_path / "logs" / f"2.{kind}")
    orders = rk.read_orders(tmp_path / "logs")
    assert orders.rejected.columns.tolist() == ["row", "rule", *NAMES]
    assert orders.rejected["row"].tolist() == [3, 4]
    assert FILE not in " ".join(orders.notes)


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "xlsx"])
def test_one_file_counts_no_files(engine, tmp_path, kind):
    save(FRAME, tmp_path / f"1.{kind}")
    found = read_paths(
        engine, tmp_path / f"1.{kind}", encoding=None, delimiter=None, names=None
    ).hold()
    assert (found.files, found.table.columns) == ((f"1.{kind}",), NAMES)


def test_columns_in_another_order_are_the_same_columns():
    check_same_columns([("1.csv", ("a", "b")), ("2.csv", ("b", "a"))])
    with pytest.raises(ColumnsDifferError, match=r"'1.csv' and '3.csv' differ in 'b', 'c'\nHint: "):
        check_same_columns([("1.csv", ("a", "b")), ("2.csv", ("b", "a")), ("3.csv", ("a", "c"))])


def test_a_table_without_text_is_held_already(engine):
    found = FileTable(engine.register(pa.table({"a": [1]})))
    assert found.hold() is found
