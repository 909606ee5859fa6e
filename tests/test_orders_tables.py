"""Logs of several tables, and files without a header line."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.exceptions import ColumnsDifferError, OrdersError

ORDERS = pd.DataFrame({
    "order_id": ["a", "b", "c", "d"],
    "customer_id": ["1", "2", "3", "4"],
    "order_status": ["delivered", "shipped", "canceled", "delivered"],
    "order_purchase_timestamp": [f"2017-10-0{day} 10:56:33" for day in (2, 3, 4, 5)],
    "order_approved_at": ["2017-10-02 11:07:15", "", "", ""],
})  # fmt: skip
PAYMENTS = pd.DataFrame({
    "order_id": ["a", "a", "b", "c", "z"],
    "payment_sequential": ["1", "2", "1", "1", "1"],
    "payment_type": ["card", "voucher", "card", "card", "card"],
    "payment_value": ["8.00", "2.50", "7.00", "3.00", "99.00"],
})  # fmt: skip
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["1", "2", "3", "4"],
        "customer_unique_id": ["x", "x", "y", "y"],
        "customer_city": ["rio"] * 4,
    }
)
ITEMS = pd.DataFrame(
    {"order_id": ["a", "a"], "order_item_id": ["1", "2"], "price": ["4.00", "4.00"]}
)
TABLES = {"orders": ORDERS, "payments": PAYMENTS, "customers": CUSTOMERS, "items": ITEMS}


def write(folder):
    for name, table in TABLES.items():
        table.to_csv(folder / f"olist_{name}_dataset.csv", index=False)
    return folder


def held_in(kind, folder):
    """Return the tables as a mapping, or write them to files of a folder."""
    if kind == "mapping":
        return TABLES
    write(folder)
    return folder if kind == "folder" else str(folder / "olist_*.csv")


@pytest.fixture(
    scope="module",
    params=["mapping", "folder", pytest.param("glob", marks=pytest.mark.slow)],
)
def olist(request, tmp_path_factory):
    """The tables, read from what they may be in."""
    return rk.read_orders(held_in(request.param, tmp_path_factory.mktemp("olist")))


def test_orders_payments_and_customers_are_joined_and_money_does_not_multiply(olist):
    orders = olist
    frame = orders.to_frame()
    assert frame["customer_id"].tolist() == ["x", "x"]
    assert frame["amount"].tolist() == [Decimal("10.5"), Decimal(7)]
    assert audited(orders)["cancelled"] == (1, Decimal(3))
    assert audited(orders)["no_amount"] == (1, Decimal(0))
    assert audited(orders)["read"] == (4, Decimal("20.5"))


def test_rows_keep_the_place_that_they_have_among_the_orders(olist):
    rejected = olist.rejected
    assert dict(zip(rejected["row"], rejected["order_id"], strict=True)) == {3: "c", 4: "d"}


def test_payments_of_no_order_are_noted(olist):
    assert any("payments" in note and "1 rows belong to no order" in note for note in olist.notes)


@pytest.mark.parametrize(
    "kind",
    ["glob", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("mapping", "folder"))],
)
def test_a_format_of_several_tables_may_be_named(kind, tmp_path):
    named = rk.read_orders(held_in(kind, tmp_path), format="olist")
    assert any("1 rows belong to no order" in note for note in named.notes)


def test_a_payment_that_cannot_be_read_makes_its_order_unknown():
    odd = PAYMENTS.assign(payment_value=["8.00", "?", "7.00", "3.00", "99.00"])
    orders = rk.read_orders(TABLES | {"payments": odd})
    assert orders.to_frame()["order_id"].tolist() == ["b"]


@pytest.mark.parametrize("gone", ["orders", "payments", "customers"])
def test_a_table_that_is_missing_is_an_error(gone, tmp_path):
    tables = {name: table for name, table in TABLES.items() if name != gone}
    with pytest.raises(OrdersError, match="which are not the tables of olist\nHint: join them"):
        rk.read_orders(tables)


def test_an_empty_mapping_is_an_error():
    with pytest.raises(OrdersError, match="Found: an empty mapping\nHint: map names to tables"):
        rk.read_orders({})


def test_files_of_a_format_of_one_table_have_the_same_columns(tmp_path):
    write(tmp_path)
    with pytest.raises(
        ColumnsDifferError, match=r"^All files of one log must have the same columns\."
    ):
        rk.read_orders(tmp_path, format="taobao")


CDNOW = "00001 19970101  1   11.77\n00002 19970112  1   12.00\n00002 19970112  5   77.00\n"
SAMPLE = (
    "   4   1 19970101  2   29.33\n   4   1 19970101  2   29.33\n  21   2 19970118  1   14.96\n"
)


def test_cdnow_needs_no_names(tmp_path):
    file = tmp_path / "CDNOW_master.txt"
    file.write_text(CDNOW)
    orders = rk.read_orders(file)
    assert orders.notes[0].startswith("format: cdnow")
    assert orders.to_frame(exact=True)["amount"].tolist() == [
        Decimal("11.77"),
        Decimal(12),
        Decimal(77),
    ]
    assert orders.to_frame()["customer_id"].tolist() == ["00001", "00002", "00002"]


def test_alike_rows_of_cdnow_are_purchases_and_no_copies(tmp_path):
    file = tmp_path / "CDNOW_sample.txt"
    file.write_text(SAMPLE)
    orders = rk.read_orders(file, format="cdnow")
    assert audited(orders)["kept"] == (3, Decimal("73.62"))
    assert orders.to_frame()["customer_id"].tolist() == ["1", "1", "2"]


def test_another_file_without_a_header_asks_for_names(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("1,2024-01-01,11.77\n2,2024-01-02,3.50\n")
    with pytest.raises(OrdersError, match=r"names=\[...\] where the file has no header line"):
        rk.read_orders(file)
