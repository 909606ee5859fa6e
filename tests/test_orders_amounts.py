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


@pytest.fixture(scope="module")
def parted():
    """The amounts of the lines, and of a further order whose lines differ in their freight."""
    further = {"no": ["3"] * 3, "freight": ["0", "4", "2"]}
    lines = {name: cells + further.get(name, cells[:3]) for name, cells in LINES.items()}
    return amounts(**lines)


def test_freight_and_coupons_count_once_per_order(parted):
    assert (parted["1"], parted["2"]) == (Decimal(36), Decimal(6))


def test_parts_that_differ_by_line_count_with_the_largest(parted):
    assert parted["3"] == Decimal(36)


def test_a_part_that_is_missing_everywhere_is_none():
    assert amounts(freight=[""] * 4)["1"] == Decimal(32)


def test_without_ids_that_come_again_every_row_has_its_parts():
    assert amounts(no=["1", "2", "3", "4"]) == {"1": 14, "2": 21, "3": 6, "4": 6}


@pytest.mark.parametrize("rates", [pytest.param(None, marks=pytest.mark.slow), {"EUR": 2}])
def test_all_parts_are_in_the_currency_of_the_line(rates):
    frame = pd.DataFrame(LINES | {"in": ["EUR"] * 4, "back": ["1", "", "", ""]})
    found = rk.read_orders(frame, format=PARTS, rates=rates).to_frame()["amount"].tolist()
    assert found == [Decimal(amount) * (2 if rates else 1) for amount in (35, 6)]


def test_a_further_line_of_an_order_needs_no_currency_for_its_missing_amount():
    lines = pd.DataFrame(
        {
            "Name": ["#1", "#1", "#2"],
            "Email": ["a@b", None, "c@b"],
            "Financial Status": ["paid", None, "paid"],
            "Currency": ["EUR", None, "USD"],
            "Total": ["10.50", None, "3"],
            "Created at": ["2024-01-01 10:00:00 +0100"] * 2 + ["2024-01-02 10:00:00 +0100"],
        }
    )
    orders = rk.read_orders(lines, format="shopify", rates=DOUBLE, tz="Europe/Berlin")
    assert orders.to_frame()["amount"].tolist() == [Decimal(21), Decimal(6)]


@pytest.mark.slow
def test_rates_multiply_the_amounts_of_an_export_of_a_shop():
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


PIECES = [
    ([2, 3], [1.10, 0.25], "2.95"),
    ([None, 1], [1.0, 1.0], "1"),
    ([3, 1], [0.1, None], "0.3"),
    (["2", "3"], ["1.10", "0.25"], "2.95"),
    (["x", "1"], ["1.0", "1.0"], "1"),
    ([1.5, 2], ["$2.50", "$1,000.00"], "2003.75"),
]


@pytest.mark.parametrize(
    "cases", [PIECES[:3], PIECES[3:5], PIECES[5:]], ids=["numbers", "text", "signs"]
)
def test_quantity_times_unit_price_counts_where_there_is_no_amount(cases):
    frame = log(
        customer=[f"c{place}" for place in range(len(cases)) for _ in range(2)],
        quantity=[cell for quantity, _, _ in cases for cell in quantity],
        price=[cell for _, price, _ in cases for cell in price],
    )
    orders = rk.read_orders(frame.drop(columns="total"))
    sums = orders.to_frame(exact=True).groupby("customer_id")["amount"].sum()
    assert sums.tolist() == [Decimal(amount) for _, _, amount in cases]
    assert audited(orders)["kept"][1] == sums.sum()


@pytest.mark.slow
@pytest.mark.parametrize(("quantity", "price", "amount"), PIECES)
def test_quantity_times_unit_price_counts_in_a_log_of_two_rows(quantity, price, amount):
    frame = log(quantity=quantity, price=price).drop(columns="total")
    assert audited(rk.read_orders(frame))["kept"][1] == Decimal(amount)


def test_an_amount_column_counts_before_quantity_times_unit_price():
    frame = log(quantity=[2], price=["no number"], total=[3])
    assert audited(rk.read_orders(frame))["kept"] == (1, Decimal(3))


@pytest.mark.parametrize(
    "column",
    [
        [0.1, 0.2],
        pytest.param(["0.1", "0.2"], marks=pytest.mark.slow),
        pytest.param([Decimal("0.1"), Decimal("0.2")], marks=pytest.mark.slow),
        ["$0.10", "0.20 $"],
    ],
)
def test_sums_are_exact(column):
    orders = rk.read_orders(log(total=column))
    assert audited(orders)["kept"] == (2, Decimal("0.3"))
    assert rk.summarize(orders)["spend"].tolist() == [0.3]


def test_a_hundred_thousand_cents_are_a_thousand():
    orders = rk.read_orders(log(total=[0.01] * 100_000))
    assert audited(orders)["kept"] == (100_000, Decimal(1000))


@pytest.mark.parametrize(
    "nothing",
    [
        ["", " "],
        pytest.param([None, None], marks=pytest.mark.slow),
        pytest.param([float("nan")] * 2, marks=pytest.mark.slow),
    ],
)
def test_a_refund_column_without_refunds_refunds_nothing(nothing):
    assert audited(rk.read_orders(log(refund=nothing)))["kept"] == (2, Decimal(2))


@pytest.mark.parametrize(
    "refunds",
    [
        pytest.param([4, -4], marks=pytest.mark.slow, id="numbers"),
        pytest.param(["4", "-4", "4.00", "(4.00)", "$4"], id="text"),
    ],
)
def test_a_refund_is_money_given_back_whatever_its_sign(refunds):
    rows = len(refunds)
    orders = rk.read_orders(log(total=[10] * rows, refund=refunds))
    assert orders.to_frame()["amount"].tolist() == [Decimal(6)] * rows
    found = audited(orders)
    assert found["kept"] == (rows, Decimal(6 * rows))
    assert found["refund_deducted"] == (0, Decimal(4 * rows))


def test_pieces_are_written_as_money_is():
    frame = log(unit_price=["10,50", "2,00", "3,10"], quantity=["1,5", "2", "1.000"])
    found = audited(rk.read_orders(frame.drop(columns="total"), decimal=","))
    assert found["kept"] == (3, Decimal("3119.7500"))


def test_a_refund_that_cannot_be_read_sets_its_order_aside():
    frame = log(customer=["a", "b", "c"], total=[100, 50, 7], refund=["full", "", "1.5"])
    found = audited(rk.read_orders(frame))
    assert found["no_amount"] == (1, Decimal(100))
    assert found["kept"] == (2, Decimal("55.5"))
