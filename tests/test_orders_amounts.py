"""How much a line is: from parts, once per order, in one currency."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited, log
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


def test_a_further_line_of_an_order_needs_no_currency_for_its_missing_amount():
    file = rk.datasets.sample_path("shopify.csv")
    plain, doubled = (
        rk.read_orders(file, rates=rates).to_frame()["amount"].sum() for rates in (None, DOUBLE)
    )
    assert doubled == 2 * plain


DOUBLE = {"EUR": 2, "USD": 2, "GBP": 2}


# --- without a declared format ---------------------------------------------------------------


def test_a_constant_amount_counts_where_the_log_has_none():
    orders = rk.read_orders(log(total=["x", "y"]).drop(columns="total"), amount=2.5)
    assert audited(orders)["kept"] == (2, Decimal("5.0000"))


def test_a_constant_amount_wins_over_a_column():
    assert audited(rk.read_orders(log(total=["x", "7"]), amount=1))["kept"] == (2, Decimal(2))


@pytest.mark.parametrize(
    ("quantity", "price", "amount"),
    [
        ([2, 3], [1.10, 0.25], "2.95"),
        (["2", "3"], ["1.10", "0.25"], "2.95"),
        ([1.5, 2], ["$2.50", "$1,000.00"], "2003.75"),
        ([None, 1], [1.0, 1.0], "1"),
        (["x", "1"], ["1.0", "1.0"], "1"),
        ([3, 1], [0.1, None], "0.3"),
    ],
)
def test_quantity_times_unit_price_counts_where_there_is_no_amount(quantity, price, amount):
    frame = log(quantity=quantity, price=price).drop(columns="total")
    assert audited(rk.read_orders(frame))["kept"][1] == Decimal(amount)


def test_an_amount_column_counts_before_quantity_times_unit_price():
    frame = log(quantity=[2], price=["no number"], total=[3])
    assert audited(rk.read_orders(frame))["kept"] == (1, Decimal(3))


@pytest.mark.parametrize(
    "column", [[0.1, 0.2], ["0.1", "0.2"], [Decimal("0.1"), Decimal("0.2")], ["$0.10", "0.20 $"]]
)
def test_sums_are_exact(column):
    orders = rk.read_orders(log(total=column))
    assert audited(orders)["kept"] == (2, Decimal("0.3"))
    assert rk.summarize(orders)["spend"].tolist() == [0.3]


def test_a_hundred_thousand_cents_are_a_thousand():
    orders = rk.read_orders(log(total=[0.01] * 100_000))
    assert audited(orders)["kept"] == (100_000, Decimal(1000))


@pytest.mark.parametrize("nothing", [[None, None], ["", " "], [float("nan")] * 2])
def test_a_refund_column_without_refunds_refunds_nothing(nothing):
    assert audited(rk.read_orders(log(refund=nothing)))["kept"] == (2, Decimal(2))


@pytest.mark.parametrize("refund", [4, -4, "4.00", "(4.00)", "$4"])
def test_a_refund_is_money_given_back_whatever_its_sign(refund):
    found = audited(rk.read_orders(log(total=[10], refund=[refund])))
    assert found["kept"] == (1, Decimal(6))
    assert found["refund_deducted"] == (0, Decimal(4))


def test_pieces_are_written_as_money_is():
    frame = log(unit_price=["10,50", "2,00", "3,10"], quantity=["1,5", "2", "1.000"])
    found = audited(rk.read_orders(frame.drop(columns="total"), decimal=","))
    assert found["kept"] == (3, Decimal("3119.7500"))


def test_a_refund_that_cannot_be_read_sets_its_order_aside():
    frame = log(customer=["a", "b", "c"], total=[100, 50, 7], refund=["full", "", "1.5"])
    found = audited(rk.read_orders(frame))
    assert found["no_amount"] == (1, Decimal(100))
    assert found["kept"] == (2, Decimal("55.5"))
