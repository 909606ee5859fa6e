"""The public data sets' forms: Online Retail, Olist and CDNOW."""

import io

import pandas as pd
import pytest

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.retail import OLIST, ONLINE_RETAIL

SHOP = simulate_orders(150, seed=1)


def table(content: bytes, encoding: str = "utf-8") -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding=encoding)


def assert_orders(found: pd.DataFrame, truth: pd.DataFrame) -> None:
    found = found.sort_values(["ordered_at", "order_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found[truth.columns], truth, check_dtype=False)


def invoices(vintage: str) -> tuple[pd.DataFrame, object]:
    export = export_orders(SHOP, format="online_retail", vintage=vintage)
    (content,) = export.files.values()
    rows = table(content, "iso-8859-1" if vintage == "1" else "utf-8")
    assert tuple(rows.columns) == ONLINE_RETAIL[vintage]
    rows.columns = ONLINE_RETAIL["1"]
    form = "%m/%d/%Y %H:%M" if vintage == "1" else "%Y-%m-%d %H:%M:%S"
    rows["ordered_at"] = pd.to_datetime(rows["InvoiceDate"], format=form)
    rows["amount"] = rows["Quantity"].astype(int) * rows["UnitPrice"].astype(float)
    return rows, export


@pytest.mark.parametrize("vintage", ["1", "2"])
def test_a_plain_reading_of_the_invoices_finds_the_truth(vintage: str) -> None:
    rows, export = invoices(vintage)
    nobody = rows["CustomerID"] == ""
    free = ~nobody & (rows["amount"] == 0)
    assert export.aside == {"no_customer": nobody.sum(), "zero_amount": free.sum()}
    lines = rows[~nobody & ~free]
    orders = lines.groupby("InvoiceNo").agg(
        customer_id=("CustomerID", "first"),
        ordered_at=("ordered_at", "first"),
        amount=("amount", "sum"),
    )
    orders["amount"] = orders["amount"].round(2)
    orders["customer_id"] = orders["customer_id"].str.removesuffix(".0")
    orders = orders.rename_axis("order_id").reset_index()
    back = orders["order_id"].str.startswith("C")
    assert_orders(orders[~back], export.truth)
    assert_orders(orders[back], export.refunds)
    assert (export.refunds["amount"] < 0).all()


def test_the_traps_of_the_invoices_are_in_the_bytes() -> None:
    old, export = invoices("1")
    new, _ = invoices("2")
    assert "É".encode("iso-8859-1") in next(iter(export.files.values()))
    assert old.duplicated().any()
    assert {"POST", "D", "B"} <= set(old["StockCode"])
    assert (old["InvoiceNo"].str[0] == "A").sum() == 1
    assert 0.1 < (old["CustomerID"] == "").mean() < 0.3
    assert new["CustomerID"].str.fullmatch(r"\d{5}\.0|").all()
    # a refund is of another day: on its own day it would cancel the sale out
    refunds = export.refunds.assign(order_id=export.refunds["order_id"].str[1:])
    both = refunds.merge(export.truth, on="order_id", suffixes=("_back", ""))
    assert len(both) == len(refunds)
    assert (both["ordered_at_back"].dt.date > both["ordered_at"].dt.date).all()


def test_a_plain_reading_of_olist_finds_the_truth() -> None:
    export = export_orders(SHOP, format="olist")
    assert list(export.files) == list(OLIST)
    tables = {name: table(content) for name, content in export.files.items()}
    for name, header in OLIST.items():
        assert tuple(tables[name].columns) == header
    orders, items, payments, customers = tables.values()
    paid = payments["payment_value"].astype(float).groupby(payments["order_id"]).sum().round(2)
    orders = orders.merge(customers, on="customer_id")
    rules = {"created": "unpaid", "canceled": "cancelled", "unavailable": "cancelled"}
    rule = orders["order_status"].map(rules).fillna("")
    assert rule[rule != ""].value_counts().to_dict() == export.aside
    kept = orders[rule == ""]
    found = pd.DataFrame(
        {
            "order_id": kept["order_id"],
            "customer_id": kept["customer_unique_id"],
            "ordered_at": pd.to_datetime(kept["order_purchase_timestamp"]),
            "amount": kept["order_id"].map(paid),
        }
    )
    assert_orders(found, export.truth)
    # what was paid is what the pieces and their freight cost
    cost = items["price"].astype(float) + items["freight_value"].astype(float)
    cost = cost.groupby(items["order_id"]).sum().round(2)
    assert (cost[found["order_id"]] == paid[found["order_id"]]).all()


def test_the_traps_of_olist_are_in_the_tables() -> None:
    tables = [table(content) for content in export_orders(SHOP, format="olist").files.values()]
    orders, items, payments, customers = tables
    assert orders["customer_id"].is_unique
    assert orders["order_id"].is_unique
    assert customers["customer_unique_id"].duplicated().any()
    assert not set(customers["customer_id"]) & set(customers["customer_unique_id"])
    assert payments["order_id"].duplicated().any()
    assert items["order_id"].duplicated().any()
    assert (orders["order_approved_at"] == "").any()
    states = {"created", "canceled", "unavailable", "approved", "shipped", "delivered"}
    assert states <= set(orders["order_status"])


def test_cdnow_is_read_by_its_spaces() -> None:
    export = export_orders(SHOP, format="cdnow")
    ((name, content),) = export.files.items()
    assert name == "CDNOW_master.txt"
    rows = pd.read_csv(
        io.BytesIO(content), sep=r"\s+", header=None, dtype=str,
        names=["customer_id", "date", "quantity", "amount"],
    )  # fmt: skip
    # the same row twice is two purchases
    assert rows.duplicated().any()
    rows["amount"] = rows["amount"].astype(float)
    assert export.aside == {"zero_amount": (rows["amount"] == 0).sum()}
    rows["ordered_at"] = pd.to_datetime(rows["date"], format="%Y%m%d")
    rows["order_id"] = (rows.index + 1).astype(str)
    assert_orders(rows[rows["amount"] > 0], export.truth)
    assert rows["customer_id"].str.fullmatch(r"0\d{4}").all()
