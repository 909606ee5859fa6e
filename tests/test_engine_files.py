"""Files of any form are one table; a line that does not fit is counted, and never dropped."""

import gzip
import io
import json
import zipfile

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from log_files import CSV, FRAME, NAMES, ROWS, read
from rfmkit._engine.scan import Unreadable
from rfmkit.exceptions import OrdersError

TEXTS = {
    "comma": CSV,
    "semicolon": CSV.replace(",", ";"),
    "tab": CSV.replace(",", "\t"),
    "bar": CSV.replace(",", "|"),
    "spaces": CSV.replace(",", "   "),
    "spaces before": "".join(f"  {line}\n" for line in CSV.replace(",", "  ").splitlines()),
    "quotes": '"customer","date","total"\n"a","2024-01-01","1.50"\n"b","2024-01-02","2"\n',
    "windows lines": CSV.replace("\n", "\r\n"),
    "old Macintosh lines": CSV.replace("\n", "\r"),
    "no last line break": CSV.rstrip(),
    "blank lines": CSV.replace("\n", "\n\n"),
    "blank lines first": "\n\n" + CSV,
    "spaces round names": CSV.replace("customer,date", " customer , date "),
    "a comma at each end": CSV.replace("\n", ",\n").replace("total,", "total"),
}


@pytest.mark.parametrize("form", TEXTS)
def test_a_text_file_of_any_form_is_the_same_table(engine, write, form):
    assert read(engine, write("orders.csv", TEXTS[form])) == (NAMES, ROWS, [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_text_file_of_any_encoding_is_the_same_table(engine, write, encoding, suffix):
    content = "客户,日期,金额\n张三,2024-01-01,1\n".encode(encoding)
    content = gzip.compress(content) if suffix.endswith("gz") else content
    columns, rows, _ = read(engine, write(f"orders{suffix}", content))
    assert columns == ("客户", "日期", "金额")
    assert rows == [("张三", "2024-01-01", "1")]


def test_an_encoding_may_be_named(engine, write):
    path = write("orders.csv", "customer,total\nRenée,1\n", "cp1252")
    assert read(engine, path, encoding="cp1252")[1] == [("Renée", "1")]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"x, y"', "x, y"),
        ('"x\ny"', "x\ny"),
        ('"x,\r\ny"', "x,\r\ny"),
        ('"say ""x"""', 'say "x"'),
        ('""', ""),
        ("", None),
        ("NULL", "NULL"),
        ("0017", "0017"),
        ("17850.0", "17850.0"),
        ("12345678901234567890", "12345678901234567890"),
        ("it's", "it's"),
        (" x ", " x "),
    ],
)
def test_a_cell_of_text_is_as_it_stands(engine, write, cell, value):
    path = write("orders.csv", f"id,note,total\n1,{cell},5\n2,z,6\n")
    _, rows, unreadable = read(engine, path)
    assert rows == [("1", value, "5"), ("2", "z", "6")] or (
        value in ("", None) and rows[0] in [("1", "", "5"), ("1", None, "5")]
    )
    assert unreadable == []


def test_a_column_may_have_any_name(engine, write):
    path = write("orders.csv", '"it\'s ""it""",{x},rfmkit\n1,2,3\n')
    assert read(engine, path)[:2] == (('it\'s "it"', "{x}", "rfmkit"), [("1", "2", "3")])


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a,2024-01-01,1.50\nb,2024-01-02,2\n", None),
        ("a  2024-01-01  1.50\n\nb  2024-01-02  2\n", None),
        ("a\t2024-01-01\t1.50\nb\t2024-01-02\t2", None),
    ],
)
def test_a_file_without_a_header_takes_names(engine, write, content, names):
    assert read(engine, write("x.txt", content), names=NAMES) == (NAMES, ROWS, [])


def test_repeated_names_are_an_error_about_names(engine, write):
    with pytest.raises(OrdersError, match="names"):
        read(engine, write("x.csv", "a,b,c\n"), names=["id", "id", "total"])


def test_an_encoding_that_was_guessed_is_noted(write):
    path = write("orders.csv", "客户,日期,金额\n张三,2024-01-01,1\n", "gb18030")
    note = "orders.csv: read as gb18030; encoding= names another"
    assert note in rk.read_orders(path).notes
    assert note not in rk.read_orders(path, encoding="gb18030").notes


def test_utf8_is_no_guess(write):
    assert not any("read as" in note for note in rk.read_orders(write("orders.csv", CSV)).notes)


# --- lines that do not fit ------------------------------------------------------------------------


TORN = {
    "too few cells": (CSV + "c,2024\n", [4]),
    "too many cells": (CSV + "c,2024-01-03,5,6,7\n", [4]),
    "cut in the middle": (CSV + "c,20", [4]),
    "cut within quotes": (CSV + 'c,2024-01-03,"5', [4]),
    "text after quotes": (CSV + '"c"x,2024-01-03,5\n', [4]),
    "several": (CSV + "c\nd,2024-01-04,4\ne,1\n", [4, 6]),
    "first": ("customer,date,total\nx\n" + CSV.split("\n", 1)[1], [2]),
}


@pytest.mark.parametrize("how", TORN)
def test_a_torn_line_is_counted_and_the_others_are_read(engine, write, how):
    content, lines = TORN[how]
    _, rows, unreadable = read(engine, write("orders.csv", content))
    assert rows[:2] == ROWS
    assert [(bad.file, bad.line) for bad in unreadable] == [("orders.csv", n) for n in lines]


def test_a_torn_line_is_shown(engine, write):
    unreadable = read(engine, write("orders.csv", CSV + "c,2024\n"))[2]
    assert unreadable == [Unreadable("orders.csv", 4, "c,2024")]


def test_a_torn_line_stands_in_the_audit(write):
    content = CSV + "c\nd,2024-01-04,4\ne,1\n"
    orders = rk.read_orders(write("orders.csv", content))
    assert {rule: rows for rule, (rows, _) in audited(orders).items()} == {
        "kept": 3,
        "unreadable_line": 2,
        "read": 5,
    }
    shown = orders.audit.to_frame().set_index("rule").loc["unreadable_line", "examples"]
    assert shown == "line 4, line 6"
    assert "2 of 5 rows set aside" in repr(orders)


def test_torn_lines_of_several_files_add_up(write):
    first, second = write("1.csv", CSV + "c\n"), write("2.csv", CSV + "d,1\ne\n")
    found = audited(rk.read_orders([first, second]))
    assert (found["kept"][0], found["unreadable_line"][0], found["read"][0]) == (4, 3, 7)


@pytest.mark.parametrize("cut", [1, 2])
def test_a_long_file_cut_within_a_character_loses_one_line(write, cut):
    rows = "".join(f"张{n},2024-01-01,1\n" for n in range(100))
    content = f"customer,date,total\n{rows}李".encode()[:-cut]
    found = audited(rk.read_orders(write("orders.csv", content)))
    assert (found["kept"][0], found["unreadable_line"][0]) == (100, 1)


def test_a_file_of_nothing_but_torn_lines_is_an_error_that_says_so(write):
    with pytest.raises(OrdersError, match="line"):
        rk.read_orders(write("orders.csv", "customer,date,total\na\nb\nc\n"))


# --- other kinds ----------------------------------------------------------------------------------


def test_parquet_files_may_have_their_columns_in_another_order(engine, tmp_path):
    FRAME.to_parquet(tmp_path / "1.parquet")
    FRAME[["total", "date", "customer"]].to_parquet(tmp_path / "2.parquet")
    assert read(engine, tmp_path) == (NAMES, ROWS * 2, [])


@pytest.mark.parametrize("name", ["orders.jsonl", "orders.ndjson", "orders.json"])
def test_lines_of_json_are_rows(engine, write, name):
    lines = [json.dumps(dict(zip(NAMES, row, strict=True))) for row in ROWS]
    assert read(engine, write(name, "\n".join(lines) + "\n\n")) == (NAMES, ROWS, [])


def test_cells_of_json_are_text_of_the_same_digits(engine, write):
    path = write(
        "x.jsonl",
        '{"id": 12345678901234567, "total": 1.10, "ok": true, "tags": ["x"]}\n{"id": "A1"}\n',
    )
    _, rows, _ = read(engine, path)
    assert rows == [("12345678901234567", "1.10", "true", '["x"]'), ("A1", None, None, None)] or (
        rows[0][:2] == ("12345678901234567", "1.1")
    )


@pytest.mark.parametrize(
    ("zone", "unit"),
    [
        ("Asia/Shanghai", "ns"),
        ("America/New_York", "us"),
        ("+08:00", "us"),
        pytest.param("UTC", "us", marks=pytest.mark.slow),
        pytest.param("Asia/Shanghai", "us", marks=pytest.mark.slow),
        pytest.param("America/New_York", "ns", marks=pytest.mark.slow),
        pytest.param("UTC", "ns", marks=pytest.mark.slow),
        pytest.param("+08:00", "ns", marks=pytest.mark.slow),
    ],
)
def test_a_parquet_file_keeps_the_zone_of_its_moments(tmp_path, zone, unit):
    moments = pd.to_datetime(["2024-05-02 00:30"]).tz_localize(zone).as_unit(unit)
    frame = pd.DataFrame({"customer": ["a"], "date": moments, "total": [1.0]})
    frame.to_parquet(tmp_path / "orders.parquet")
    found = rk.read_orders(tmp_path / "orders.parquet").to_frame()
    assert found["ordered_at"].tolist() == [pd.Timestamp("2024-05-02 00:30")]


# --- errors ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broken() -> dict[str, bytes]:
    """Files that cannot be read, by name."""
    good = io.BytesIO()
    FRAME.to_parquet(good)
    parquet = good.getvalue()
    good = io.BytesIO()
    FRAME.to_excel(good, index=False)
    excel = good.getvalue()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("orders.csv", CSV)
    return {
        "empty.csv": b"",
        "blank.csv": b" \n\n",
        "empty.parquet": b"",
        "empty.xlsx": b"",
        "empty.jsonl": b"",
        "binary.csv": bytes(range(256)) * 4,
        "binary.dat": b"\x00\x01\x02\x03" * 100,
        "cut.parquet": parquet[:-20],
        "head.parquet": parquet[:6],
        "renamed.parquet": CSV.encode(),
        "cut.xlsx": excel[: len(excel) // 2],
        "renamed.xlsx": b"\x00\x01" + CSV.encode(),
        "page.xls": b"\xef\xbb\xbf \n<html><table><tr><td>1</td></tr></table></html>",
        "archive.zip": archive.getvalue(),
        "zip.csv": b"PK\x03\x04 not a workbook",
        "cut.jsonl": b'{"customer": "a", "total": 1}\n{"customer": "b", "to',
        "array.json": b'[{"customer": "a"}, {"customer": "b"}]',
        "text.jsonl": CSV.encode(),
        "cut.csv.gz": gzip.compress(CSV.encode() * 100)[:-30],
        "renamed.csv.gz": CSV.encode(),
        "latin.csv": "customer,é,1\n".encode("cp1252"),
    }


@pytest.mark.parametrize(
    "name",
    ["empty.csv", "blank.csv", "empty.parquet", "empty.xlsx", "empty.jsonl", "binary.csv",
     "binary.dat", "cut.parquet", "head.parquet", "renamed.parquet", "cut.xlsx", "renamed.xlsx",
     "page.xls", "archive.zip",
     "zip.csv", "cut.jsonl", "array.json", "text.jsonl", "cut.csv.gz", "renamed.csv.gz",
     "latin.csv"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_an_error_with_a_way_out(write, broken, name):
    path = write(name, broken[name])
    with pytest.raises(OrdersError, match=r".+\nFound: .+\nHint: .+"):
        rk.read_orders(path)


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_a_header_alone_is_an_error(tmp_path, kind):
    path, nothing = tmp_path / f"orders.{kind}", FRAME.iloc[:0]
    match kind:
        case "csv":
            nothing.to_csv(path, index=False)
        case "parquet":
            nothing.to_parquet(path)
        case "xlsx":
            nothing.to_excel(path, index=False)
    expected = "Found: columns 'customer', 'date', 'total' and no row\nHint: export it again"
    with pytest.raises(OrdersError, match=expected):
        rk.read_orders(path)
