"""The traps of WooCommerce's exports, each by its name."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited

# One worker reads the log that the tests share.
pytestmark = pytest.mark.xdist_group("woocommerce")

ROW = {
    "order_id": "71", "order_number": "71", "order_date": "9/6/2016 6:29:00", "paid_date": "",
    "status": "completed", "shipping_total": "5.00", "order_total": "25.00",
    "order_currency": "USD", "customer_id": "0", "billing_first_name": "Anna",
    "billing_last_name": "A", "billing_email": "Anna@example.com", "billing_postcode": "01099",
    "billing_phone": "555-0100",
}  # fmt: skip


def read(*changes, **options):
    return rk.read_orders(pd.DataFrame([ROW | change for change in changes]), **options)


KEYS = {
    "72": ({}, "anna@example.com"),
    "73": ({"billing_email": "bert@example.com"}, "bert@example.com"),  # no other guest
    "74": ({"billing_email": "", "customer_email": "Bert@example.com"}, "bert@example.com"),
    "75": ({"billing_email": "", "customer_email": ""}, "phone:5550100"),
    "76": ({"billing_email": ""}, "phone:5550100"),
    "77": ({"billing_email": "", "billing_phone": ""}, "name:anna a|01099"),
}
SALES = {"81": "wc-processing", "82": "processing", "83": "Completed"}
NO_SALES = {"checkout-draft": "unpaid", "on-hold": "unpaid", "failed": "closed_unpaid",
            "refunded": "refunded", "cancelled": "cancelled"}  # fmt: skip


@pytest.fixture(scope="module")
def orders():
    """The log of all keys and statuses, each of an order of its own."""
    keys = [change | {"order_id": number} for number, (change, _) in KEYS.items()]
    sales = [{"order_id": number, "status": status} for number, status in SALES.items()]
    others = [
        {"order_id": str(91 + place), "status": status} for place, status in enumerate(NO_SALES)
    ]
    return read({}, *keys, *sales, *others)


@pytest.fixture(scope="module")
def kept(orders):
    return orders.to_frame().set_index("order_id")


def test_dates_have_the_month_first(kept):
    assert set(kept["ordered_at"]) == {dt.datetime(2016, 9, 6, 6, 29)}


def test_guests_are_not_one_customer(kept):
    assert kept.loc[["71", "73"], "customer_id"].tolist() == [
        "anna@example.com",
        "bert@example.com",
    ]


@pytest.mark.parametrize("order", KEYS)
def test_without_an_address_the_phone_and_then_the_name_tell(kept, order):
    assert kept.loc[order, "customer_id"] == KEYS[order][1]


def test_one_row_per_line_item_repeats_the_total():
    orders = read({}, {}, {"order_id": "72", "order_total": "3"})
    assert sorted(orders.to_frame()["amount"]) == [Decimal(3), Decimal(25)]


@pytest.mark.parametrize("order", SALES)
def test_statuses_with_and_without_the_prefix_of_the_database(kept, order):
    assert order in kept.index


def test_what_is_no_sale_is_none(orders):
    assert orders.rejected.set_index("status")["rule"].to_dict() == NO_SALES


def test_orders_that_are_no_sales_are_counted_by_their_rules(orders):
    rows = {rule: rows for rule, (rows, _) in audited(orders).items()}
    kept = 1 + len(KEYS) + len(SALES)
    assert rows == {"kept": kept, "read": kept + len(NO_SALES)} | Counter(NO_SALES.values())


def test_refunds_of_analytics_stand_on_their_own_day_and_are_netted():
    frame = pd.DataFrame({
        "Date": ["2024-03-01 10:00:00", "2024-03-09 10:00:00", "2024-03-20 10:00:00"],
        "Order #": ["71", "71", "72"],
        "Net sales": ["25.00", "-5.00", "10.00"],
        "Status": ["completed", "completed", "processing"],
        "Customer": ["Anna A", "Anna A", "Anna  a"],
        "Customer type": ["new", "returning", "returning"],
        "Items sold": ["1", "-1", "1"],
    })  # fmt: skip
    orders = rk.read_orders(frame)
    assert orders.notes[0].startswith("format: woocommerce_analytics")
    assert rk.summarize(orders)["spend"].tolist() == [30.0]
    assert rk.summarize(orders)["purchases"].tolist() == [2]
