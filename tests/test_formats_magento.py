"""The traps of Magento's order grid, each by its name."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited

ROW = {
    "ID": "000000071", "Purchase Point": "Main", "Purchase Date": "2024-03-01 10:00:00",
    "Bill-to Name": "Anna A", "Grand Total (Base)": "€1,025.00",
    "Grand Total (Purchased)": "$1,100.00", "Status": "Complete", "Customer Email": "a@example.com",
    "Total Refunded": "",
}  # fmt: skip


def read(*changes, **options):
    return rk.read_orders(pd.DataFrame([ROW | change for change in changes]), **options)


def test_of_two_totals_the_base_currency_counts():
    assert read({}).to_frame()["amount"].tolist() == [Decimal(1025)]


def test_zeros_before_an_id_stay():
    assert read({}).to_frame()["order_id"].tolist() == ["000000071"]


def test_refunds_are_taken_off():
    assert read({"Total Refunded": "€25.00"}).to_frame()["amount"].tolist() == [Decimal(1000)]


@pytest.mark.parametrize(
    ("status", "rule"),
    [("Closed", "closed_refunded"), ("Canceled", "cancelled"), ("Pending Payment", "unpaid"),
     ("Suspected Fraud", "cancelled"), ("payment_review", "unpaid"), ("holded", "unknown_status")],
)  # fmt: skip
def test_what_is_no_sale_is_none(status, rule):
    assert audited(read({}, {"ID": "000000072", "Status": status}))[rule][0] == 1


def test_translated_headers_are_named_by_the_caller():
    german = pd.DataFrame([ROW]).rename(columns={
        "ID": "Nummer", "Purchase Date": "Kaufdatum", "Grand Total (Base)": "Gesamtbetrag (Basis)",
        "Customer Email": "Kunden-E-Mail", "Status": "Zustand", "Purchase Point": "Kaufpunkt",
    })  # fmt: skip
    orders = rk.read_orders(
        german, customer="Kunden-E-Mail", time="Kaufdatum", amount="Gesamtbetrag (Basis)",
        order_id="Nummer", status="Zustand",
    )  # fmt: skip
    assert orders.to_frame()["amount"].tolist() == [Decimal(1025)]
