"""The traps of Magento's order grid, each by its name."""

from collections import Counter
from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited

# One worker reads the log that the tests share.
pytestmark = pytest.mark.xdist_group("magento")

ROW = {
    "ID": "000000071", "Purchase Point": "Main", "Purchase Date": "2024-03-01 10:00:00",
    "Bill-to Name": "Anna A", "Grand Total (Base)": "€1,025.00",
    "Grand Total (Purchased)": "$1,100.00", "Status": "Complete", "Customer Email": "a@example.com",
    "Total Refunded": "",
}  # fmt: skip


def read(*changes, **options):
    return rk.read_orders(pd.DataFrame([ROW | change for change in changes]), **options)


NO_SALES = {
    "Closed": "closed_refunded", "Canceled": "cancelled", "Pending Payment": "unpaid",
    "Suspected Fraud": "cancelled", "payment_review": "unpaid", "holded": "unknown_status",
}  # fmt: skip


@pytest.fixture(scope="module")
def orders():
    """The log of a sale, of one with a refund, and of an order of each status that is no sale."""
    others = [{"ID": f"{73 + place:09}", "Status": status} for place, status in enumerate(NO_SALES)]
    return read({}, {"ID": "000000072", "Total Refunded": "€25.00"}, *others)


@pytest.fixture(scope="module")
def amounts(orders):
    return orders.to_frame().set_index("order_id")["amount"].to_dict()


def test_of_two_totals_the_base_currency_counts(amounts):
    assert amounts["000000071"] == Decimal(1025)


def test_zeros_before_an_id_stay(amounts):
    assert set(amounts) == {"000000071", "000000072"}


def test_refunds_are_taken_off(amounts):
    assert amounts["000000072"] == Decimal(1000)


def test_what_is_no_sale_is_none(orders):
    assert orders.rejected.set_index("Status")["rule"].to_dict() == NO_SALES
    expected = {"kept": 2, "read": 2 + len(NO_SALES)} | Counter(NO_SALES.values())
    rows = {rule: rows for rule, (rows, _) in audited(orders).items() if rule in expected}
    assert rows == expected


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
