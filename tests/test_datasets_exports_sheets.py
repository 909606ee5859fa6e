"""How tables are written: money, moments, and a workbook that Excel's readers read."""

import datetime as dt
import io

import openpyxl
import pytest

from rfmkit.datasets.exports import sheets

SUMMER = dt.datetime(2024, 7, 4, 0, 5, 9)


@pytest.mark.parametrize(
    ("cents", "plain", "symbol"),
    [
        (0, "0.00", "$0.00"),
        (5, "0.05", "$0.05"),
        (-4500, "-45.00", "-$45.00"),
        (123_456_789, "1234567.89", "$1,234,567.89"),
    ],
)
def test_money(cents: int, plain: str, symbol: str) -> None:
    assert sheets.plain(cents) == plain
    assert sheets.symbol(cents) == symbol


def test_moments() -> None:
    assert sheets.offset(SUMMER, "Europe/Berlin") == "+0200"
    assert sheets.offset(SUMMER, "America/Los_Angeles") == "-0700"
    assert sheets.utc(SUMMER, "Europe/Berlin") == dt.datetime(2024, 7, 3, 22, 5, 9)
    assert sheets.month_first(SUMMER) == "7/4/2024 0:05"


def test_a_row_has_the_order_of_its_header_whatever_spaces_that_has() -> None:
    assert sheets.picked(["b ", "a", "c"], {"a": 1, "b": "x"}) == ["x", "1", ""]


def test_a_table_is_quoted_where_it_must_be() -> None:
    rows = [["a", 'say "b"'], ["c,d", "e"]]
    assert sheets.table(rows) == b'a,"say ""b"""\n"c,d",e\n'
    assert sheets.table([["é"]], quote_all=True, encoding="latin-1") == b'"\xe9"\n'
    assert sheets.table(rows, delimiter="\t", line_end="\r\n").startswith(b'a\t"say ""b"""\r\n')


def test_a_workbook_keeps_texts_as_they_are() -> None:
    rows = {"一": [["a & b", "<c>"], ["0012", " x\ny"]], "two": [["z"]]}
    content = sheets.workbook(rows)
    assert content == sheets.workbook(rows)
    book = openpyxl.load_workbook(io.BytesIO(content))
    read = {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}
    assert read == rows
