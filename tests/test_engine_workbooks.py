"""Excel workbooks: which sheet is read, and what is said about the others."""

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from log_files import FRAME
from rfmkit._engine.files import read_paths
from rfmkit.exceptions import MissingExtraError, OrdersError, RfmkitError


def test_numbers_and_dates_of_excel_keep_their_meaning(write, tmp_path):
    frame = pd.DataFrame(
        {
            "customer": [17850, 17851],
            "date": pd.to_datetime(["2024-01-01 10:30", "2024-01-02 00:00"]),
            "total": [1.5, 2.25],
        }
    )
    frame.to_excel(tmp_path / "orders.xlsx", index=False)
    found = rk.read_orders(tmp_path / "orders.xlsx").to_frame(exact=True)
    assert found["customer_id"].tolist() == [17850, 17851]
    assert found["ordered_at"].tolist() == frame["date"].tolist()
    assert [str(amount) for amount in found["amount"]] == ["1.5000", "2.2500"]


def test_a_sheet_without_cells_is_an_error(tmp_path):
    pd.DataFrame().to_excel(tmp_path / "orders.xlsx", index=False)
    with pytest.raises(OrdersError, match=r".+\nFound: .+"):
        rk.read_orders(tmp_path / "orders.xlsx")


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
