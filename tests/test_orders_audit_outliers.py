"""Outliers: tests, tills and made-up orders are warned of; wholesalers and sales days are not."""

import re

import pandas as pd
import pytest

import rfmkit as rk
from shops import SHOP, only, shop

BRUSHED = "One amount, paid on one day by many who bought once only: "
CROWDED = "Customers with "


def more(rows, **columns):
    """Return the shop's log with more rows."""
    good = {
        "order_id": [f"new{place}" for place in range(rows)],
        "customer": [f"once{place}" for place in range(rows)],
        "date": pd.Timestamp("2024-03-01"),
        "total": "19.90",
        "status": "paid",
    }
    return pd.concat([SHOP, pd.DataFrame(good | columns, index=range(rows))], ignore_index=True)


def warnings(frame, **options):
    return rk.read_orders(frame, **options).audit.warnings


# --- money -----------------------------------------------------------------------------------


def test_an_order_of_a_test_is_warned_of_with_its_row():
    warning = only(warnings(more(1, total="99999999", customer="x")), "Orders of over 1 %")
    assert "order 'new0' of customer 'x' (99,999,999.00, row 601)" in warning


def test_rows_are_those_of_the_source_where_lines_are_summed():
    frame = more(2, total="99999", customer="x", order_id="same")
    warning = only(warnings(frame), "Orders of over 1 %")
    assert "order 'same' of customer 'x' (199,998.00, row 601)" in warning


def test_an_order_without_an_id_is_named_by_its_customer():
    frame = more(1, total="99999999", customer="x").drop(columns="order_id")
    warning = only(warnings(frame), "Orders of over 1 %")
    assert ": an order of customer 'x' (99,999,999.00, row 601), 100.0 % of it" in warning


def test_at_most_three_are_named():
    frame = more(5, total=["9001", "9002", "9003", "9004", "9005"])
    warning = only(warnings(frame), "Orders of over 1 %")
    assert warning.count("row ") == 3
    assert "9,005.00, row 605" in warning
    assert "... (5 in all)" in warning


def test_a_large_order_of_a_small_shop_is_silent():
    """It carries over 1 % of the money, as every order of a small shop may."""
    assert warnings(more(1, total="1000")) == ()


def test_a_customer_with_much_of_the_money_is_warned_of():
    frame = more(300, total="60", customer="wholesale", date=SHOP["date"][:300])
    warning = only(warnings(frame), "Customers of over 5 % of all money kept each: 'wholesale' (")
    assert "% in 300 orders)" in warning


def test_amounts_that_are_all_the_same_are_silent():
    assert warnings(SHOP.drop(columns="total"), amount=1) == ()


# --- one customer, many orders on one day ----------------------------------------------------


@pytest.mark.parametrize(("rows", "warned"), [(19, False), (20, True)])
def test_many_orders_of_one_customer_on_one_day_are_warned_of(rows, warned):
    totals = [f"{n}.10" for n in range(5, 5 + rows)]
    warning = only(warnings(more(rows, customer="x", total=totals)), CROWDED)
    assert ("'x' (20 on 2024-03-01), where 99 in 100 never have over 2" in warning) == warned


def test_a_guest_account_is_warned_of_at_any_number_of_orders():
    frame = shop(120, 30)
    frame.loc[frame.index % 30 < 24, "customer"] = "guest"
    found = warnings(frame)
    assert any(w.startswith(CROWDED) and "'guest' (24 on 2024-01-01)" in w for w in found)
    assert any(w.startswith("Customers of over 5 %") and "'guest'" in w for w in found)


def test_a_shop_whose_customers_all_order_much_is_silent():
    frame = shop(30, 300)
    frame["customer"] = [f"c{place}" for place in (frame.index // 25) % 120]
    assert warnings(frame) == ()


# --- made-up orders --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "warned"), [(19, False), (20, True), pytest.param(60, True, marks=pytest.mark.slow)]
)
def test_one_amount_of_many_one_time_customers_on_a_day_is_warned_of(rows, warned):
    warning = only(warnings(more(rows)), BRUSHED)
    assert (f"19.90 on 2024-03-01 ({rows} of {rows}" in warning) == warned


def test_made_up_orders_of_three_days_are_warned_of():
    days = [pd.Timestamp("2024-03-01") + pd.Timedelta(n % 3, "D") for n in range(90)]
    warning = only(warnings(more(90, date=days)), BRUSHED)
    assert warning.count("19.90 on ") == 3


def harmless():
    """Return logs that are a little like it."""
    day = pd.Timestamp("2024-03-01")
    return {
        "many amounts": more(200, total=[f"{5 + n % 40}.50" for n in range(200)]),
        "a new product that goes on selling": more(
            300, date=[day + pd.Timedelta(n % 40, "D") for n in range(300)]
        ),
        "a fifth of a busy day": more(
            150, total=["19.90" if n < 24 else f"{n}.01" for n in range(150)]
        ),
        "old customers": more(40, customer=SHOP["customer"].drop_duplicates()[:40].to_numpy()),
        "one price": more(60, total="9.90").assign(total="9.90"),
        "gifts": more(25, total="0"),
    }


SLOW = ("many amounts", "old customers", "gifts")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in harmless()],
)
def test_what_looks_a_little_like_it_is_silent(name):
    frame = harmless()[name]
    assert warnings(frame, zero_amounts="keep") == ()


# --- other engines ---------------------------------------------------------------------------


@pytest.mark.spark
def test_spark_warns_of_the_same(spark):
    many = more(30).assign(customer=lambda f: f["customer"].mask(f.index < 25, "guest"))
    many.loc[:24, "date"] = pd.Timestamp("2024-02-02")
    many.loc[40, "total"] = "99999999"
    many.loc[41, "total"] = "$5"
    many.loc[42, "total"] = "5 EUR"
    many.loc[43, "order_id"] = "1.7E+16"
    many["total"] = many["total"].mask(many.index < 25, [f"{n}.10" for n in range(len(many))])
    expected = warnings(many)
    found = warnings(spark.createDataFrame(many))
    assert len(expected) == 5
    # Spark keeps no place of a row.
    assert found == tuple(re.sub(r", row \d+", "", warning) for warning in expected)
