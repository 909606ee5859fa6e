"""Files of any form are one table; what has no place in it is counted, and never dropped."""

import gzip
import io
import json
import os
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit._engine.files import list_paths, read_paths
from rfmkit._engine.scan import FILE, Unreadable
from rfmkit.exceptions import MissingExtraError, OrdersError, RfmkitError

ROWS = [("a", "2024-01-01", "1.50"), ("b", "2024-01-02", "2")]
NAMES = ("customer", "date", "total")
CSV = "customer,date,total\na,2024-01-01,1.50\nb,2024-01-02,2\n"
FRAME = pd.DataFrame(ROWS, columns=list(NAMES))


@pytest.fixture
def write(tmp_path):
    def make(name, content, encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make


def read(engine, source, *, encoding=None, delimiter=None, names=None):
    found = read_paths(engine, source, encoding=encoding, delimiter=delimiter, names=names).hold()
    table = found.table.drop(FILE) if len(found.files) > 1 else found.table
    rows = [tuple(row.values()) for row in engine.arrow(table).to_pylist()]
    return table.columns, rows, found.unreadable


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


@pytest.mark.parametrize(
    "name", ["it's.csv", "a[1].csv", "a*b.csv", "订单.csv", "no suffix", "a b.dat"]
)
def test_a_file_may_have_any_name(engine, write, name):
    assert read(engine, write(name, CSV))[1] == ROWS


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


# --- what has no place in the table --------------------------------------------------------------

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


# --- several files ---------------------------------------------------------------------------


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


@pytest.mark.parametrize("how", SOURCES)
def test_several_files_are_one_table_by_column_name(engine, folder, how):
    source = SOURCES[how](folder)
    assert read(engine, source) == (NAMES, [*ROWS, ("c", "2024-02-01", "3")], [])


def test_two_stars_go_into_folders(engine, folder):
    _, rows, _ = read(engine, str(folder / "**" / "*.csv"))
    assert sorted(row[0] for row in rows) == ["a", "b", "c", "z"]


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


def test_files_of_different_kinds_are_an_error(engine, write, tmp_path):
    write("1.csv", CSV)
    FRAME.to_parquet(tmp_path / "2.parquet")
    with pytest.raises(
        OrdersError, match=r"Found: parquet and text among .*\nHint: narrow the glob"
    ):
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


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "xlsx"])
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


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame in the form that the name of a file says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True, force_ascii=False)
        case _:
            frame.to_excel(path, index=False)


# --- other kinds -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["orders.parquet", "orders.pq", "orders.csv", "orders"])
def test_parquet_is_known_by_its_content(engine, tmp_path, name):
    FRAME.to_parquet(tmp_path / name)
    assert read(engine, tmp_path / name) == (NAMES, ROWS, [])


@pytest.mark.parametrize("name", ["orders.xlsx", "orders.csv", "orders"])
def test_excel_is_known_by_its_content(engine, tmp_path, name):
    FRAME.to_excel(tmp_path / "sheet.xlsx", index=False)
    path = (tmp_path / "sheet.xlsx").rename(tmp_path / name)
    assert read(engine, path) == (NAMES, ROWS, [])


def test_parquet_files_may_have_their_columns_in_another_order(engine, tmp_path):
    FRAME.to_parquet(tmp_path / "1.parquet")
    FRAME[["total", "date", "customer"]].to_parquet(tmp_path / "2.parquet")
    assert read(engine, tmp_path) == (NAMES, ROWS * 2, [])


def test_numbers_and_dates_of_excel_keep_their_meaning(write, tmp_path):
    frame = pd.DataFrame(
        {
            "customer": [17850, 17851],
            "date": pd.to_datetime(["2024-01-01 10:30", "2024-01-02 00:00"]),
            "total": [1.5, 2.25],
        }
    )
    frame.to_excel(tmp_path / "orders.xlsx", index=False)
    found = rk.read_orders(tmp_path / "orders.xlsx").to_frame()
    assert found["customer_id"].tolist() == [17850, 17851]
    assert found["ordered_at"].tolist() == frame["date"].tolist()
    assert [str(amount) for amount in found["amount"]] == ["1.5000", "2.2500"]


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


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC", "+08:00"])
@pytest.mark.parametrize("unit", ["ns", "us"])
def test_a_parquet_file_keeps_the_zone_of_its_moments(tmp_path, zone, unit):
    moments = pd.to_datetime(["2024-05-02 00:30"]).tz_localize(zone).as_unit(unit)
    frame = pd.DataFrame({"customer": ["a"], "date": moments, "total": [1.0]})
    frame.to_parquet(tmp_path / "orders.parquet")
    found = rk.read_orders(tmp_path / "orders.parquet").to_frame()
    assert found["ordered_at"].tolist() == [pd.Timestamp("2024-05-02 00:30")]


# --- errors ----------------------------------------------------------------------------------


def broken(tmp_path: Path) -> dict[str, bytes]:
    """Files that cannot be read, by name."""
    FRAME.to_parquet(tmp_path / "good")
    parquet = (tmp_path / "good").read_bytes()
    FRAME.to_excel(tmp_path / "good.xlsx", index=False)
    excel = (tmp_path / "good.xlsx").read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("orders.csv", CSV)
    (tmp_path / "good").unlink()
    (tmp_path / "good.xlsx").unlink()
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
def test_a_file_that_cannot_be_read_is_an_error_with_a_way_out(write, tmp_path, name):
    path = write(name, broken(tmp_path)[name])
    with pytest.raises(OrdersError, match=r".+\nFound: .+\nHint: .+"):
        rk.read_orders(path)


def test_what_is_not_a_table_is_called_by_its_name(write, tmp_path):
    files = broken(tmp_path)
    with pytest.raises(OrdersError, match=r"a web page or XML in 'page.xls'\nHint: open it in"):
        rk.read_orders(write("page.xls", files["page.xls"]))
    with pytest.raises(OrdersError, match=r"the archive 'archive.zip'\nHint: unpack it first"):
        rk.read_orders(write("archive.zip", files["archive.zip"]))


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


def test_a_sheet_without_cells_is_an_error(tmp_path):
    pd.DataFrame().to_excel(tmp_path / "orders.xlsx", index=False)
    with pytest.raises(OrdersError, match=r".+\nFound: .+"):
        rk.read_orders(tmp_path / "orders.xlsx")


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
    expected = "Found: columns 'customer', 'date', 'total' and no row\nHint: the export"
    with pytest.raises(OrdersError, match=expected):
        rk.read_orders(path)


def test_an_old_workbook_hints_at_the_new_form(write):
    path = write("orders.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(RfmkitError, match=r"Hint: .*\.xlsx"):
        rk.read_orders(path)


def test_a_workbook_without_openpyxl_names_the_extra(tmp_path, monkeypatch):
    FRAME.to_excel(tmp_path / "orders.xlsx", index=False)

    def missing(*_, **__):
        raise ImportError("No module named 'openpyxl'")

    monkeypatch.setattr(pd, "read_excel", missing)
    with pytest.raises(MissingExtraError, match=r'Hint: pip install "rfmkit\[excel\]"'):
        rk.read_orders(tmp_path / "orders.xlsx")


@pytest.mark.parametrize("source", ["nothing.csv", "nothing/*.csv", "*.nothing"])
def test_a_source_that_is_not_there_is_an_error_that_names_the_working_folder(source):
    expected = f"Found: nothing at {source!r}\nHint: the working folder is {str(Path.cwd())!r}"
    with pytest.raises(OrdersError, match=re.escape(expected)):
        rk.read_orders(source)


def test_a_missing_file_among_others_is_an_error(write):
    with pytest.raises(OrdersError, match=r"Found: nothing at .*nothing\.csv"):
        rk.read_orders([write("orders.csv", CSV), "nothing.csv"])


def test_a_folder_without_orders_is_an_error(write, tmp_path):
    write("readme.md", "x")
    with pytest.raises(OrdersError, match=r"Found: none in .*\nHint: name the file, or a glob"):
        rk.read_orders(tmp_path)


# --- what was guessed is said --------------------------------------------------------------------


def test_an_encoding_that_was_guessed_is_noted(write):
    path = write("orders.csv", "客户,日期,金额\n张三,2024-01-01,1\n", "gb18030")
    note = "orders.csv: read as gb18030; encoding= names another"
    assert note in rk.read_orders(path).notes
    assert note not in rk.read_orders(path, encoding="gb18030").notes


def test_utf8_is_no_guess(write):
    assert not any("read as" in note for note in rk.read_orders(write("orders.csv", CSV)).notes)


def test_other_sheets_of_a_workbook_are_noted(tmp_path):
    with pd.ExcelWriter(tmp_path / "orders.xlsx") as book:
        FRAME.to_excel(book, sheet_name="2024", index=False)
        FRAME.to_excel(book, sheet_name="2023", index=False)
    with pytest.warns(rk.exceptions.RfmkitWarning, match=r"'2023' with the same columns was not"):
        orders = rk.read_orders(tmp_path / "orders.xlsx")
    assert "orders.xlsx: the sheet '2024', and not '2023'" in orders.notes
    assert audited(orders)["read"][0] == len(FRAME)


@pytest.mark.parametrize(
    ("sheets", "chosen", "other"),
    [((), "notes", "2024"), (("2024",), "2024", "notes"), (("x", "2024", "y"), "2024", "notes"),
     (("2024", "notes"), "notes", "2024"), (("x",), "notes", "2024")],
)  # fmt: skip
def test_a_workbook_is_read_by_the_names_of_its_sheets(engine, tmp_path, sheets, chosen, other):
    with pd.ExcelWriter(tmp_path / "orders.xlsx") as book:
        FRAME.assign(customer="notes").to_excel(book, sheet_name="notes", index=False)
        FRAME.assign(customer="2024", more=1).to_excel(book, sheet_name="2024", index=False)
    found = read_paths(
        engine, tmp_path / "orders.xlsx", encoding=None, delimiter=None, names=None, sheets=sheets
    )
    assert engine.arrow(found.table)["customer"].to_pylist() == [chosen, chosen]
    assert found.notes == (f"orders.xlsx: the sheet {chosen!r}, and not {other!r}",)


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
