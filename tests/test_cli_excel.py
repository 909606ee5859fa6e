"""Excel workbooks show what was written: text stays text, and ids keep their digits."""

import datetime as dt
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from rfmkit.cli._excel import MOST_ROWS, check_length, write_workbook
from rfmkit.exceptions import RfmkitError


def written(path, *values):
    """Write one row and return its cells."""
    names = [f"column {place}" for place in range(len(values))]
    write_workbook(path, names, [values], sheet="customers")
    page = load_workbook(path)["customers"]
    assert [cell.value for cell in page[1]] == names
    assert page.freeze_panes == "A2"
    return list(page[2])


@pytest.mark.parametrize(
    "value", ["a", "张三", 7, -3, 2.25, True, False, None, 999_999_999_999_999]
)
def test_a_cell_is_the_value(tmp_path, value):
    (cell,) = written(tmp_path / "x.xlsx", value)
    assert cell.value == value
    assert type(cell.value) is type(value)


def test_days_and_money_keep_their_kind(tmp_path):
    day, amount = written(tmp_path / "x.xlsx", dt.date(2024, 2, 29), Decimal("12.5000"))
    assert (day.value, day.is_date) == (dt.datetime(2024, 2, 29), True)
    assert (amount.value, amount.data_type) == (12.5, "n")


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://x")', "#N/A", "#17", "="])
def test_text_is_never_a_formula_or_an_error(tmp_path, text):
    (cell,) = written(tmp_path / "x.xlsx", text)
    assert (cell.value, cell.data_type) == (text, "s")


@pytest.mark.parametrize("number", [10**15, -(10**15), 12345678901234567])
def test_a_number_of_more_digits_than_excel_keeps_is_text(tmp_path, number):
    (cell,) = written(tmp_path / "x.xlsx", number)
    assert cell.value == str(number)


def test_characters_that_a_workbook_cannot_hold_are_written_out(tmp_path):
    (cell,) = written(tmp_path / "x.xlsx", "a\x00b\x1bc\td")
    assert cell.value == "a\\x00b\\x1bc\td"


def test_what_is_not_a_number_is_an_empty_cell(tmp_path):
    (cell,) = written(tmp_path / "x.xlsx", float("nan"))
    assert cell.value is None


def test_more_rows_than_a_sheet_holds_are_an_error():
    check_length(MOST_ROWS)
    with pytest.raises(RfmkitError, match=r"1,048,575 rows\.\nFound: 1,048,576 rows\n"):
        check_length(MOST_ROWS + 1)
