"""The traps of WooCommerce's exports, each by its name."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited

ROW = {
    "order_id": "71", "order_number": "71", "order_date": "9/6/2016 6:29:00", "paid_date": "",
    "status": "completed", "shipping_total": "5.00", "order_total": "25.00",
    "order_currency": "USD", "customer_id": "0", "billing_first_name": "Anna",
    "billing_last_name": "A", "billing_email": "Anna@example.com", "billing_postcode": "01099",
    "billing_phone": "555-0100",
}  # fmt: skip


def read(*changes, **options):
    return rk.read_orders(pd.DataFrame([ROW | change for change in changes]), **options)


def test_dates_have_the_month_first():
    assert read({}).to_frame()["ordered_at"].tolist() == [dt.datetime(2016, 9, 6, 6, 29)]


def test_guests_are_not_one_customer():
    two = {"order_id": "72", "billing_email": "bert@example.com"}
    assert read({}, two).to_frame()["customer_id"].tolist() == [
        "anna@example.com",
        "bert@example.com",
    ]


@pytest.mark.parametrize(
    ("change", "customer"),
    [
        ({"billing_email": "", "customer_email": "Bert@example.com"}, "bert@example.com"),
        ({"billing_email": "", "customer_email": ""}, "phone:5550100"),
        ({"billing_email": ""}, "phone:5550100"),
        ({"billing_email": "", "billing_phone": ""}, "name:anna a|01099"),
    ],
)
def test_without_an_address_the_phone_and_then_the_name_tell(change, customer):
    assert read({}, {"order_id": "72"} | change).to_frame()["customer_id"].tolist()[-1] == customer


def test_one_row_per_line_item_repeats_the_total():
    orders = read({}, {}, {"order_id": "72", "order_total": "3"})
    assert sorted(orders.to_frame()["amount"]) == [Decimal(3), Decimal(25)]


@pytest.mark.parametrize("status", ["wc-processing", "processing", "Completed"])
def test_statuses_with_and_without_the_prefix_of_the_database(status):
    assert len(read({"status": status}).to_frame()) == 1


@pytest.mark.parametrize(
    ("status", "rule"),
    [("checkout-draft", "unpaid"), ("on-hold", "unpaid"), ("failed", "closed_unpaid"),
     ("refunded", "refunded"), ("cancelled", "cancelled")],
)  # fmt: skip
def test_what_is_no_sale_is_none(status, rule):
    assert audited(read({}, {"order_id": "72", "status": status}))[rule][0] == 1


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
