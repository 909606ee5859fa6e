"""The traps of Square's exports, each by its name."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited

# One worker reads the log that the tests share.
pytestmark = pytest.mark.xdist_group("square")

ROW = {
    "Date": "2022-11-10", "Time": "14:30:00", "Time Zone": "Eastern Time (US & Canada)",
    "Gross Sales": "$60.00", "Net Sales": "$60.00", "Tax": "$5.00", "Total Collected": "$65.00",
    "Transaction ID": "T1", "Event Type": "Payment", "Customer ID": "C1",
    "Transaction Status": "Complete",
}  # fmt: skip


def read(*changes, **options):
    return rk.read_orders(pd.DataFrame([ROW | change for change in changes]), **options)


@pytest.mark.parametrize(
    ("date", "time"),
    [
        pytest.param("2022-11-10", "14:30:00", marks=pytest.mark.slow),
        ("11/10/2022", "2:30:00 PM"),
        ("11/10/2022", "14:30"),
    ],
)
def test_date_and_time_stand_in_two_columns(date, time):
    found = read({"Date": date, "Time": time}, dayfirst=False).to_frame()
    assert found["ordered_at"].tolist() == [dt.datetime(2022, 11, 10, 14, 30)]


@pytest.fixture(scope="module")
def orders():
    """The log of a payment, of its refund ten days later, and of a payment of nobody."""
    back = {"Transaction ID": "T2", "Date": "2022-11-20", "Event Type": "Refund",
            "Total Collected": "-$45.00"}  # fmt: skip
    return read({}, back, {"Transaction ID": "T3", "Customer ID": ""})


def test_a_date_and_a_time_are_one_moment(orders):
    moments = orders.to_frame()["ordered_at"].tolist()
    assert moments[0] == dt.datetime(2022, 11, 10, 14, 30)


def test_a_refund_is_a_row_of_its_own_on_its_own_day(orders):
    assert audited(orders)["refund"] == (1, Decimal(-45))
    assert rk.summarize(orders)["spend"].tolist() == [20.0]


def test_a_blank_customer_is_set_aside(orders):
    assert audited(orders)["no_customer"][0] == 1


def test_the_column_made_of_date_and_time_is_not_shown(orders):
    assert list(orders.rejected.columns) == ["row", "rule", *ROW]


def test_items_are_summed_to_transactions():
    item = {"Item": "Tea", "Qty": "1.0", "Category": "Drinks", "Net Sales": "$30.00"}
    rows = [{**ROW, **item}, {**ROW, **item, "Item": "Cup"}]
    frame = pd.DataFrame(rows).drop(columns=["Total Collected", "Transaction Status"])
    orders = rk.read_orders(frame)
    assert orders.notes[0].startswith("format: square_items")
    assert orders.to_frame()["amount"].tolist() == [Decimal(60)]
