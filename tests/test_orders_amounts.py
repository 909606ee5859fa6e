"""How much a line is: from parts, once per order, in one currency."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.formats import Format

PARTS = Format(
    name="parts",
    title="lines with the freight of their order on each",
    columns={
        "order_id": "no",
        "customer_id": "who",
        "ordered_at": "when",
        "amount": "goods",
        "shipping_amount": "freight",
        "discount_amount": "coupon",
        "refund_amount": "back",
        "currency": "in",
    },
    adds=("shipping_amount",),
    takes=("discount_amount",),
    once=("shipping_amount", "discount_amount"),
)
LINES = {
    "no": ["1", "1", "1", "2"], "who": ["a"] * 4, "when": ["2024-01-01"] * 3 + ["2024-01-02"],
    "goods": ["10", "20", "5", "7"], "freight": ["4", "4", "4", ""], "coupon": ["", "3", "3", "-1"],
}  # fmt: skip


def amounts(**changes):
    orders = rk.read_orders(pd.DataFrame(LINES | changes), format=PARTS)
    assert audited(orders)["read"][1] == audited(orders)["kept"][1]
    frame = orders.to_frame()
    return dict(zip(frame["order_id"], frame["amount"], strict=True))


def test_freight_and_coupons_count_once_per_order():
    assert amounts() == {"1": Decimal(36), "2": Decimal(6)}


def test_parts_that_differ_by_line_count_with_the_largest():
    assert amounts(freight=["0", "4", "2", ""])["1"] == Decimal(36)


def test_a_part_that_is_missing_everywhere_is_none():
    assert amounts(freight=[""] * 4)["1"] == Decimal(32)


def test_without_ids_that_come_again_every_row_has_its_parts():
    assert amounts(no=["1", "2", "3", "4"]) == {"1": 14, "2": 21, "3": 6, "4": 6}


@pytest.mark.parametrize("rates", [None, {"EUR": 2}])
def test_all_parts_are_in_the_currency_of_the_line(rates):
    frame = pd.DataFrame(LINES | {"in": ["EUR"] * 4, "back": ["1", "", "", ""]})
    found = rk.read_orders(frame, format=PARTS, rates=rates).to_frame()["amount"].tolist()
    assert found == [Decimal(amount) * (2 if rates else 1) for amount in (35, 6)]


def test_a_further_line_of_an_order_needs_no_currency_for_its_nothing():
    file = rk.datasets.sample_path("shopify.csv")
    plain, doubled = (
        rk.read_orders(file, rates=rates).to_frame()["amount"].sum() for rates in (None, DOUBLE)
    )
    assert doubled == 2 * plain


DOUBLE = {"EUR": 2, "USD": 2, "GBP": 2}
