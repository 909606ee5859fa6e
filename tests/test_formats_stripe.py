"""The traps of Stripe's charges, each by its name."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.exceptions import OrdersError

ROW = {
    "id": "ch_1",
    "Created (UTC)": "2024-03-01 23:30",
    "Amount": "100.00",
    "Amount Refunded": "0.00",
    "Currency": "eur",
    "Converted Amount": "108.00",
    "Converted Amount Refunded": "0.00",
    "Converted Currency": "usd",
    "Mode": "Live",
    "Status": "Paid",
    "Captured": "true",
    "Customer ID": "cus_1",
    "Customer Email": "a@example.com",
}


def read(*changes, **options):
    return rk.read_orders(pd.DataFrame([ROW | change for change in changes]), **options)


def test_of_mixed_currencies_the_converted_amount_counts():
    found = read({}, {"id": "ch_2", "Currency": "gbp", "Converted Amount": "120.00"}).to_frame()
    assert found["amount"].tolist() == [Decimal(108), Decimal(120)]


def test_mixed_currencies_without_a_converted_amount_are_an_error_or_need_rates():
    frame = pd.DataFrame([ROW, ROW | {"id": "ch_2", "Currency": "usd"}])
    frame = frame.drop(columns=[name for name in frame if name.startswith("Converted")])
    with pytest.raises(OrdersError, match="Found: 'EUR', 'USD' in 'Currency'"):
        rk.read_orders(frame)
    found = rk.read_orders(frame, rates={"usd": 1, "EUR": "1.08"}).to_frame()
    assert found["amount"].tolist() == [Decimal(108), Decimal(100)]


@pytest.mark.parametrize(
    ("tz", "day"), [(None, 1), pytest.param("UTC", 1, marks=pytest.mark.slow), ("Europe/Berlin", 2)]
)
def test_times_are_universal(tz, day):
    assert read({}, tz=tz).to_frame()["ordered_at"][0].date() == dt.date(2024, 3, day)


NO_SALES = {
    "ch_2": ({"Status": "Failed"}, "closed_unpaid"),
    "ch_3": ({"Captured": "false"}, "unpaid"),
    "ch_4": ({"Captured": "False", "Status": "succeeded"}, "unpaid"),
    "ch_5": ({"Mode": "Test"}, "test"),
    "ch_6": ({"Status": "Refunded", "Converted Amount Refunded": "108.00"}, "refunded"),
}


def test_retries_tests_and_holds_are_no_sales():
    orders = read({}, *({"id": number} | change for number, (change, _) in NO_SALES.items()))
    rules = {number: rule for number, (_, rule) in NO_SALES.items()}
    assert orders.rejected.set_index("id")["rule"].to_dict() == rules
    counts = Counter(rules.values()) | {"kept": 1, "read": 6}
    assert audited(orders) == {rule: (rows, Decimal(108 * rows)) for rule, rows in counts.items()}


def test_without_a_customer_id_the_address_tells_and_is_not_mixed_up_with_ids():
    frame = read(
        {}, {"id": "ch_2", "Customer ID": "", "Customer Email": "A@example.com"}
    ).to_frame()
    assert frame["customer_id"].tolist() == ["cus_1", "email:a@example.com"]
    assert frame["customer_key"].tolist() == ["customer_id", "email"]
