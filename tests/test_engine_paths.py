"""Paths: which files a source names, in which order, and of which kind each is."""

import io
import os
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from log_files import CSV, FRAME, NAMES, ROWS, read
from rfmkit._engine.paths import kind_by_content, kind_by_name, list_paths, time_key
from rfmkit.exceptions import OrdersError


@pytest.fixture
def folder(write, tmp_path):
    """Two files of one log, columns in another order, beside something else."""
    write("logs/2024-01.csv", CSV)
    write("logs/2024-02.csv", "total;customer;date\n3;c;2024-02-01\n")
    write("logs/readme.md", "not an order")
    write("logs/old/2023-12.csv", "customer,date,total\nz,2023-12-01,9\n")
    return tmp_path / "logs"


SOURCES = {
    "a folder": lambda folder: folder,
    "a folder as text": str,
    "a glob": lambda folder: str(folder / "2024-*.csv"),
    "a list": lambda folder: [folder / "2024-01.csv", str(folder / "2024-02.csv")],
    "a tuple": lambda folder: (folder / "2024-01.csv", folder / "2024-02.csv"),
    "a list of globs": lambda folder: [str(folder / "*-01.csv"), str(folder / "*-02.csv")],
    "a glob that also matches folders": lambda folder: str(folder / "[2o]*"),
}


@pytest.mark.parametrize(
    "name", ["it's.csv", "a[1].csv", "a*b.csv", "订单.csv", "no suffix", "a b.dat"]
)
def test_a_file_may_have_any_name(engine, write, name):
    assert read(engine, write(name, CSV))[1] == ROWS


@pytest.mark.parametrize("how", SOURCES)
def test_several_files_are_one_table_by_column_name(engine, folder, how):
    source = SOURCES[how](folder)
    assert read(engine, source) == (NAMES, [*ROWS, ("c", "2024-02-01", "3")], [])


def test_two_stars_go_into_folders(engine, folder):
    _, rows, _ = read(engine, str(folder / "**" / "*.csv"))
    assert sorted(row[0] for row in rows) == ["a", "b", "c", "z"]


def test_files_of_different_kinds_are_an_error(engine, write, tmp_path):
    write("1.csv", CSV)
    FRAME.to_parquet(tmp_path / "2.parquet")
    with pytest.raises(
        OrdersError, match=r"Found: parquet and text among .*\nHint: narrow the glob"
    ):
        read(engine, tmp_path)


@pytest.mark.parametrize("name", ["orders.parquet", "orders.pq", "orders.csv", "orders"])
def test_parquet_is_known_by_its_content(engine, tmp_path, name):
    FRAME.to_parquet(tmp_path / name)
    assert read(engine, tmp_path / name) == (NAMES, ROWS, [])


@pytest.mark.parametrize("name", ["orders.xlsx", "orders.csv", "orders"])
def test_excel_is_known_by_its_content(engine, tmp_path, name):
    FRAME.to_excel(tmp_path / "sheet.xlsx", index=False)
    path = (tmp_path / "sheet.xlsx").rename(tmp_path / name)
    assert read(engine, path) == (NAMES, ROWS, [])


def test_a_web_page_and_an_archive_are_no_table(write):
    page = b"\xef\xbb\xbf \n<html><table><tr><td>1</td></tr></table></html>"
    with pytest.raises(OrdersError, match=r"a web page or XML in 'page.xls'\nHint: open it in"):
        rk.read_orders(write("page.xls", page))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("orders.csv", CSV)
    with pytest.raises(OrdersError, match=r"the archive 'archive.zip'\nHint: unpack it first"):
        rk.read_orders(write("archive.zip", archive.getvalue()))


def test_a_text_is_read_that_is_named_like_a_workbook(write):
    text = CSV.replace(",", "\t").encode()
    orders = rk.read_orders(write("orders.xls", text))
    assert orders.audit.to_frame().equals(rk.read_orders(write("o.csv", CSV)).audit.to_frame())


def test_files_that_are_the_same_are_noted(write, tmp_path):
    for name in ("a.csv", "a (1).csv", "a (2).csv"):
        write(name, CSV)
    write("b.csv", CSV.replace("5", "6"))  # as long, and another
    same = [note for note in rk.read_orders(tmp_path).notes if "byte for byte" in note]
    assert same == [
        "a.csv and a (1).csv are the same, byte for byte",
        "a (1).csv and a (2).csv are the same, byte for byte",
    ]


@pytest.mark.parametrize("source", ["nothing.csv", "nothing/*.csv", "*.nothing"])
def test_a_source_that_is_not_there_is_an_error_that_names_the_working_folder(source):
    folder = str(Path.cwd())
    expected = (
        f"Found: nothing at {source!r}\nHint: check the path; the working folder is {folder!r}"
    )
    with pytest.raises(OrdersError, match=re.escape(expected)):
        rk.read_orders(source)


def test_a_missing_file_among_others_is_an_error(write):
    with pytest.raises(OrdersError, match=r"Found: nothing at .*nothing\.csv"):
        rk.read_orders([write("orders.csv", CSV), "nothing.csv"])


def test_a_folder_without_orders_is_an_error(write, tmp_path):
    write("readme.md", "x")
    with pytest.raises(OrdersError, match=r"Found: none in .*\nHint: name the file, or a glob"):
        rk.read_orders(tmp_path)


def test_no_name_is_no_folder():
    with pytest.raises(OrdersError, match="nothing at ''"):
        rk.read_orders("")


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "orders.csv")
    with pytest.raises(OrdersError, match=r"a pipe or a device\nHint: save it"):
        rk.read_orders(tmp_path / "orders.csv")


def test_files_are_read_in_the_order_in_which_they_were_made(tmp_path):
    names = ["log 2024-9.csv", "log 2024-9 (1).csv", "log 2024-9 (2).csv", "log 2024-10.csv"]
    for name in names:
        (tmp_path / name).write_text("x\n1\n")
    assert [path.name for path in list_paths(tmp_path)] == names
    assert [path.name for path in list_paths(str(tmp_path / "*.csv"))] == names


def test_what_excel_lays_beside_an_open_workbook_is_no_log(tmp_path):
    for name in ("log.csv", "~$log.csv", "~$log.xlsx"):
        (tmp_path / name).write_text("x\n1\n")
    assert [path.name for path in list_paths(tmp_path)] == ["log.csv"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "text"), ("a.CSV.gz", "text"), ("a.tsv", "text"), ("a.dat", "text"),
        ("a.parquet", "parquet"), ("a.PQ", "parquet"), ("a.xls", "excel"), ("a.XLSX", "excel"),
        ("a.jsonl", "json"), ("a.json", "json"), ("readme.md", None), ("csv", None),
    ],
)  # fmt: skip
def test_the_ending_of_a_name_promises_a_kind(name, kind):
    assert kind_by_name(Path(name)) == kind


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"PAR1...", "parquet"),
        ("a", b"\xd0\xcf\x11\xe0...", "excel"),
        ("a.xls", b"a\tb\n", "text"),
        ("a.json", b"{}", "json"),
        ("a", b"a,b\n", "text"),
        ("a.parquet.txt", b"", "text"),
    ],
)
def test_the_content_of_a_file_counts_before_its_name(write, name, content, kind):
    assert kind_by_content(write(name, content)) == kind


BY_MONTH = [f"log {year}-{month}.csv" for year in (2023, 2024) for month in (2, 9, 10)]


@given(st.permutations(BY_MONTH))
def test_the_order_of_time_does_not_depend_on_the_order_given(names):
    assert [path.name for path in sorted(map(Path, names), key=time_key)] == BY_MONTH
