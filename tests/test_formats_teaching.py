"""Logs to learn with, by the traps that everybody falls into."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.exceptions import NoCustomerKeyError

FIRST = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
)
SECOND = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID")
ROWS = (
    ("536365", "85123A", "LAMP", "6", "12/1/2010 8:26", "2.55", "17850.0"),
    ("536365", "71053", "CUP", "1", "12/1/2010 8:26", "3.39", "17850.0"),
    ("C536379", "85123A", "LAMP", "-1", "12/13/2010 9:41", "2.55", "17850.0"),
    ("536414", "22139", "", "56", "12/1/2010 11:52", "0", ""),
)


@pytest.mark.parametrize("header", [FIRST, pytest.param(SECOND, marks=pytest.mark.slow)])
def test_both_vintages_of_online_retail(header):
    orders = rk.read_orders(pd.DataFrame(list(ROWS), columns=list(header)))
    assert orders.notes[0].startswith("format: online_retail")
    assert audited(orders)["refund"] == (1, Decimal("-2.55"))
    assert audited(orders)["no_customer"][0] == 1
    assert orders.to_frame()["customer_id"].tolist() == ["17850"]
    assert rk.summarize(orders)["spend"].tolist() == [16.14]


def test_the_second_vintage_of_online_retail():
    orders = rk.read_orders(pd.DataFrame(list(ROWS), columns=list(SECOND)))
    assert orders.notes[0].startswith("format: online_retail")
    kept = orders.to_frame(exact=True)[["order_id", "customer_id", "amount"]]
    assert kept.to_numpy().tolist() == [["536365", "17850", Decimal("18.69")]]
    assert orders.rejected["rule"].tolist() == ["no_customer"]


def test_online_retail_as_it_comes_in_latin_1(tmp_path):
    file = tmp_path / "data.csv"
    rows = [FIRST, *((*row[:2], "CAFÉ £1", *row[3:]) for row in ROWS)]
    file.write_bytes("\r\n".join(",".join(row) for row in rows).encode("latin-1"))
    orders = rk.read_orders(file, encoding="latin-1")
    assert orders.as_of.isoformat() == "2010-12-13"


OLIST = {
    "order_id": ["a", "b"],
    "customer_id": ["1", "2"],
    "order_status": ["delivered", "unavailable"],
    "order_purchase_timestamp": ["2017-10-02 10:56:33", "2017-11-02 10:56:33"],
    "order_approved_at": ["2017-10-02 11:07:15", ""],
}


def test_the_customer_of_an_olist_order_is_one_per_order_and_the_error_says_so():
    with pytest.raises(NoCustomerKeyError, match="Hint: its customer_id is one per order"):
        rk.read_orders(pd.DataFrame(OLIST).assign(price="1"))


def test_olist_joined_to_customers_and_payments():
    frame = pd.DataFrame(OLIST).assign(customer_unique_id="x", payment_value=["10.5", "3"])
    orders = rk.read_orders(frame)
    assert orders.to_frame()["amount"].tolist() == [Decimal("10.5")]
    assert audited(orders)["cancelled"][0] == 1
