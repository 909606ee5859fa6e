"""Sales are the simulated orders, to the cent, with lines that add up."""

import datetime as dt

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from rfmkit.datasets import simulate_orders
from rfmkit.datasets.exports.sales import CHINESE, draw_sales


def draw(shop: object, **options: object) -> list:
    return draw_sales(shop, np.random.default_rng(0), **options)


def test_the_sales_are_the_orders() -> None:
    shop = simulate_orders(100, seed=4)
    sales = draw(shop)
    found = pd.DataFrame(
        {
            "customer": [sale.person.number for sale in sales],
            "ordered_at": [sale.created for sale in sales],
            "cents": [sale.amount for sale in sales],
            "back": [sale.refund for sale in sales],
            "status": [sale.kind for sale in sales],
        }
    )
    orders = shop.orders
    assert found["customer"].tolist() == orders["customer_id"].str[1:].astype(int).tolist()
    assert found["ordered_at"].tolist() == orders["ordered_at"].tolist()
    assert found["cents"].tolist() == (100 * orders["amount"]).round().astype(int).tolist()
    assert found["back"].tolist() == (100 * orders["refund_amount"]).round().astype(int).tolist()
    assert found["status"].tolist() == orders["status"].tolist()
    never = found["status"].isin(["unpaid", "closed_unpaid"])
    assert [sale.paid is None for sale in sales] == never.tolist()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.floats(0.001, 1e6), st.booleans(), st.booleans())
def test_lines_discount_and_shipping_add_up(
    seed: int, mean: float, discounts: bool, shipping: bool
) -> None:
    shop = simulate_orders(8, seed=seed, spend_mean=mean, days=200)
    extras = {"gift": 0.1, "cancelled": 0.1, "twin": 0.1}
    for sale in draw(shop, extras=extras, discounts=discounts, shipping=shipping):
        assert sale.goods - sale.discount + sale.shipping == sale.amount
        assert all(line.price >= 0 and line.quantity >= 1 for line in sale.lines)
        assert discounts or not sale.discount
        assert shipping or not sale.shipping
        assert 0 <= sale.discount < max(1, sale.goods)
        assert sale.back_at.date() > sale.moment.date()


def test_extra_kinds_come_once_at_least_and_are_numbered_in_time() -> None:
    shop = simulate_orders(30, seed=4)
    sales = draw(shop, extras={"gift": 0.0001, "test": 0.1})
    kinds = [sale.kind for sale in sales]
    assert kinds.count("gift") == 1
    assert kinds.count("test") == round(0.1 * len(shop.orders))
    assert [sale.number for sale in sales] == list(range(1, len(sales) + 1))
    assert all(sale.amount == 0 for sale in sales if sale.kind == "gift")
    created = [sale.created for sale in sales]
    assert created == sorted(created)


def test_a_clock_time_that_summer_time_skips_is_moved() -> None:
    shop = simulate_orders(1, days=1, start="2024-03-31", prospects_share=0, same_day_share=0)
    skipped = pd.Timestamp("2024-03-31 02:30")
    shop.orders["ordered_at"] = skipped
    assert draw(shop, zone="Europe/Berlin")[0].created == dt.datetime(2024, 3, 31, 3, 30)
    assert draw(shop, zone="Asia/Shanghai")[0].created == skipped


def test_the_goods_are_the_ones_asked_for() -> None:
    titles = {
        line.title for sale in draw(simulate_orders(40), goods=CHINESE) for line in sale.lines
    }
    assert titles == {title for title, _ in CHINESE}
    assert any("," in title for title in titles)
    assert any("，" in title for title in titles)
    assert any("\n" in title for title in titles)
