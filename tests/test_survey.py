"""What is decided for the log as a whole: currencies, exclusions, and what a column is."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited, log
from rfmkit.exceptions import ColumnsError, RfmkitError

MIXED = log(currency=["USD", "eur ", "USD"], total=["1", "2.50", "3"], refund=["0", "0.5", ""])


def test_rates_convert_amounts_and_refunds_exactly():
    frame = rk.read_orders(MIXED, rates={"USD": 1, "eur": "1.0837"}).to_frame()
    assert sorted(frame["amount"]) == [Decimal(1), Decimal("2.1674"), Decimal(3)]


@pytest.mark.parametrize("rate", [1.08, "1.08", Decimal("1.08")])
def test_a_rate_is_the_number_that_was_written(rate):
    frame = rk.read_orders(MIXED.assign(refund="0"), rates={"USD": 1, "EUR": rate}).to_frame()
    assert sorted(frame["amount"]) == [Decimal(1), Decimal("2.7"), Decimal(3)]


def test_small_rates_and_large_amounts_keep_their_digits():
    frame = log(currency=["VND", "USD"], total=["9999999999", "1"])
    found = rk.read_orders(frame, rates={"VND": "0.00003921", "USD": 1}).to_frame()
    assert sorted(found["amount"]) == [Decimal(1), Decimal("392100.0000")]


def test_rates_without_a_column_of_currencies_are_an_error():
    with pytest.raises(ColumnsError, match=r"Hint: name it: currency='\.\.\.'; signs beside"):
        rk.read_orders(log(total=["2"]), rates={"USD": 3})


def test_a_currency_without_a_rate_is_an_error():
    with pytest.raises(RfmkitError, match=r"Found: none for 'EUR'\nHint: .+rates=\{..., 'EUR': 1"):
        rk.read_orders(MIXED, rates={"USD": 1})


@pytest.mark.parametrize(
    "rates", [{}, {"USD": 0}, {"USD": -1}, {"USD": "x"}, {"USD": None}, [1], 1.1]
)
def test_rates_are_positive_numbers_by_currency(rates):
    with pytest.raises(
        RfmkitError, match=r"^rates maps currencies to what one unit of each is worth\."
    ):
        rk.read_orders(MIXED, rates=rates)


MEMOS = log(memo=["", "G-brush", None, "刷单 补单"], item=["Cup", "Cup", "DEPOSIT", "Cup"])


def test_rows_go_by_any_of_the_patterns():
    orders = rk.read_orders(MEMOS, exclude={"memo": "^G-|刷单", "item": "deposit"})
    assert audited(orders)["excluded"] == (3, Decimal(3))
    assert orders.rejected["rule"].tolist() == ["excluded"] * 3


def test_a_service_line_leaves_its_order():
    frame = log(order_id=["1", "1"], item=["Cup", "安装"], total=["10", "3"])
    assert rk.read_orders(frame, exclude={"item": "安装"}).to_frame()["amount"].tolist() == [10]


def test_numbers_are_matched_as_they_are_written():
    frame = log(code=[85, 86])
    assert audited(rk.read_orders(frame, exclude={"code": "^85$"}))["excluded"][0] == 1


def test_what_is_excluded_makes_no_prospect_and_no_date():
    frame = log(customer=["a", "b"], memo=["", "x"])
    orders = rk.read_orders(frame, exclude={"memo": "x"})
    assert set(rk.segment(orders)["customer_id"]) == {"a"}


def test_excluding_by_a_column_that_is_not_there_is_an_error():
    with pytest.raises(ColumnsError, match=r"Found: no 'Memo' among .+\nHint: exclude="):
        rk.read_orders(MEMOS, exclude={"Memo": "x"})


@pytest.mark.parametrize("exclude", [{"memo": "("}, {"memo": 3}, {3: "x"}, ["memo"], "memo"])
def test_exclude_maps_columns_to_patterns(exclude):
    with pytest.raises(RfmkitError, match=r"^exclude maps columns to regular expressions\."):
        rk.read_orders(MEMOS, exclude=exclude)


def test_a_platforms_own_columns_are_the_only_ones_that_play_roles():
    frame = pd.DataFrame(
        {
            "InvoiceNo": ["1"],
            "StockCode": ["a"],
            "InvoiceDate": ["2024-01-01"],
            "Quantity": ["2"],
            "UnitPrice": ["2"],
            "CustomerID": ["c"],
            "Total": ["99"],
            "Order Date": ["1999-01-01"],
        }
    )
    assert rk.read_orders(frame).to_frame()["amount"].tolist() == [4]
