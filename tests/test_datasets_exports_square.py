"""Square's transactions: money as people write it, and refunds as rows of their own."""

import io

import pandas as pd
import pytest

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.square import ITEMS, TRANSACTIONS

SHOP = simulate_orders(150, seed=1, spend_mean=400)
FORMS = {"2022": "%Y-%m-%d %H:%M:%S", "2026": "%m/%d/%Y %I:%M:%S %p"}


def tables(export: object) -> list[pd.DataFrame]:
    return [
        pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        for content in export.files.values()
    ]


def dollars(column: pd.Series) -> pd.Series:
    return column.str.replace(r"[$,]", "", regex=True).astype(float)


def test_the_headers_are_those_of_the_dashboard() -> None:
    assert len(TRANSACTIONS) == len(set(TRANSACTIONS)) == 55
    assert len(ITEMS) == len(set(ITEMS)) == 35
    assert TRANSACTIONS[31] == "Event Type"
    assert TRANSACTIONS[-2:] == ("Table Info", "International Fee")
    assert ITEMS[27] == "Itemization Type"


@pytest.mark.parametrize("vintage", FORMS)
def test_a_plain_reading_finds_the_truth(vintage: str) -> None:
    export = export_orders(SHOP, format="square", vintage=vintage)
    rows, _ = tables(export)
    rows["money"] = dollars(rows["Total Collected"])
    assert (rows["money"] == dollars(rows["Net Sales"])).all()
    rows["when"] = pd.to_datetime(rows["Date"] + " " + rows["Time"], format=FORMS[vintage])
    # a refund has the payment id of its sale
    sales = rows.sort_values("when").groupby("Payment ID")
    found = pd.DataFrame(
        {
            "order_id": sales["Payment ID"].first(),
            "customer_id": sales["Customer ID"].first(),
            "ordered_at": sales["when"].first(),
            "amount": sales["money"].sum().round(2),
        }
    )
    size, charged = sales.size(), sales["money"].first()
    nobody, returned = found["customer_id"] == "", (found["amount"] == 0) & (size == 2)
    free = charged == 0
    assert export.aside == {
        "no_customer": size[nobody].sum(),
        "refunded": size[returned].sum(),
        "zero_amount": size[free].sum(),
    }
    found = found[~nobody & ~returned & ~free]
    found = found.sort_values(["ordered_at", "order_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found, export.truth, check_dtype=False)


def test_the_traps_are_in_the_bytes() -> None:
    rows, items = tables(export_orders(SHOP, format="square", vintage="2026"))
    refunds = rows[rows["Event Type"] == "Refund"]
    assert refunds["Total Collected"].str.startswith("-$").all()
    payments = rows[rows["Event Type"] == "Payment"].set_index("Payment ID")
    assert (payments["Date"][refunds["Payment ID"]].to_numpy() != refunds["Date"]).all()
    assert not set(refunds["Transaction ID"]) & set(payments["Transaction ID"])
    assert rows["Total Collected"].str.contains(",").any()
    assert rows["Time"].str.fullmatch(r"\d{1,2}:\d\d:\d\d [AP]M").all()
    assert rows["Time"].str.startswith("12:").any()
    assert set(rows["Time Zone"]) == {"Eastern Time (US & Canada)"}
    assert set(items["Transaction ID"]) == set(payments["Transaction ID"])
