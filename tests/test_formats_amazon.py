"""The traps of Amazon's reports, each by its name."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.exceptions import NoCustomerKeyError

# One worker reads the log that the tests share.
pytestmark = pytest.mark.xdist_group("amazon")

ROW = {
    "order-id": "111-1", "order-item-id": "1", "purchase-date": "2017-06-17T08:04:21+00:00",
    "payments-date": "2017-06-17T08:05:00+00:00", "buyer-email": "AB12@marketplace.example.com",
    "sku": "S", "quantity-purchased": "1", "currency": "USD", "item-price": "10.00",
    "item-tax": "0.80", "shipping-price": "4.00", "gift-wrap-price": "1.00",
    "item-promotion-discount": "2.00", "ship-promotion-discount": "4.00",
}  # fmt: skip


def read(*changes, **options):
    return rk.read_orders(pd.DataFrame([ROW | change for change in changes]), **options)


@pytest.fixture(scope="module")
def kept():
    """Two orders of one row, of which one writes what is taken off as negative amounts."""
    negative = {"item-promotion-discount": "-2.00", "ship-promotion-discount": "-4.00"}
    return read({}, {"order-id": "111-2"} | negative).to_frame().set_index("order_id")


def test_money_in_parts_is_added_and_promotions_are_taken_off(kept):
    assert kept.loc["111-1", "amount"] == Decimal(9)


def test_promotions_may_be_written_as_negative_amounts(kept):
    assert kept.loc["111-2", "amount"] == Decimal(9)


def test_the_amount_that_the_caller_names_stands_alone():
    assert read({}, amount="item-price").to_frame()["amount"].tolist() == [Decimal(10)]


def test_lines_are_summed_and_a_copy_of_a_line_is_not():
    orders = read({}, {"order-item-id": "2"}, {"order-item-id": "2"})
    assert orders.to_frame()["amount"].tolist() == [Decimal(18)]
    assert audited(orders)["duplicate"] == (1, Decimal(9))


@pytest.mark.parametrize(
    ("moment", "tz", "expected"),
    [
        pytest.param(
            "2017-06-17T08:04:21Z", None, dt.datetime(2017, 6, 17, 8, 4, 21), marks=pytest.mark.slow
        ),
        ("2017-06-16T23:04:21-07:00", None, dt.datetime(2017, 6, 16, 23, 4, 21)),
        ("2017-06-17T23:04:21+00:00", "Asia/Tokyo", dt.datetime(2017, 6, 18, 8, 4, 21)),
    ],
)
def test_moments_show_their_own_clock_or_that_of_the_zone(moment, tz, expected):
    found = read({"purchase-date": moment, "payments-date": moment}, tz=tz).to_frame()
    assert found["ordered_at"].tolist() == [expected]


def test_the_alias_address_is_the_customer_in_small_letters(kept):
    assert set(kept["customer_id"]) == {"ab12@marketplace.example.com"}


def test_all_orders_tells_no_buyer_and_the_error_says_which_report_does(tmp_path):
    file = tmp_path / "all_orders.txt"
    file.write_text(
        "amazon-order-id\tpurchase-date\torder-status\tsales-channel\titem-price\n"
        "111-1\t2017-06-17T08:04:21+00:00\tShipped\tAmazon.com\t10.00\n"
    )
    with pytest.raises(NoCustomerKeyError, match="Hint: take the order report"):
        rk.read_orders(file)
