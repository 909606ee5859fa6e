"""Due dates: the customer's own cycle, the next purchase and how late a customer is."""

import functools
import itertools

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from conftest import plain

KINDS = ["polars", "polars_lazy", "pyarrow", "duckdb", "ibis", "csv"]
QUICK = ("polars_lazy", True)
"""The kind of the default run, beside pandas, and whether its gaps are counted per piece."""


@pytest.fixture(scope="module")
def cycle(orders):
    return rk.PurchaseCycle().fit(orders)


@pytest.fixture(scope="module")
def due(cycle, customers):
    return cycle.transform(customers)


def test_who_bought_once_gets_the_shops_cycle(cycle, due):
    once = due[due["purchases"] == 1]
    assert len(once) > 100
    assert set(once["cycle_days"]) == {cycle.cycle_days_}


def test_more_gaps_move_it_towards_the_customers_own(cycle, due):
    often = due[due["purchases"] > 1]
    shop, own = cycle.cycle_days_, often["active_days"] / often["repeat_purchases"]
    moved = (often["cycle_days"] - shop) / (own - shop)
    moved = moved[(own - shop).abs() > 1].groupby(often["repeat_purchases"])
    by_gaps = moved.mean()
    assert moved.std().max() < 1e-12  # it depends on the number of gaps alone
    assert by_gaps.is_monotonic_increasing
    assert by_gaps.between(0, 1, inclusive="neither").all()
    assert by_gaps.iloc[-1] > 0.8
    weight = cycle.strength_
    expected = by_gaps.index / (by_gaps.index + weight)
    np.testing.assert_allclose(by_gaps, expected, rtol=1e-9)


def test_the_next_purchase_is_a_cycle_after_the_last(due):
    wait = (due["expected_next_purchase"] - due["last_purchase"]).dt.days
    assert ((wait - due["cycle_days"]).abs() <= 0.5).all()
    overdue = due["recency_days"] / due["cycle_days"]
    pd.testing.assert_series_equal(due["overdue_ratio"], overdue, check_names=False, rtol=1e-15)


def test_the_next_purchase_is_expected_within_its_interval(due):
    assert (due["next_purchase_from"] > due["last_purchase"]).all()
    assert (due["next_purchase_from"] <= due["expected_next_purchase"]).all()
    assert (due["expected_next_purchase"] <= due["next_purchase_to"]).all()


def test_customers_who_have_a_cycle_already_get_another(cycle, customers, due):
    pd.testing.assert_frame_equal(cycle.transform(due), due)
    narrow = rk.PurchaseCycle(interval=0.5)
    vars(narrow).update({name: value for name, value in vars(cycle).items() if name[-1] == "_"})
    found = narrow.transform(due)
    assert list(found.columns) == list(due.columns)
    assert (found["next_purchase_to"] < due["next_purchase_to"]).all()


def test_customers_keep_their_rows_and_index(cycle, customers, due):
    mixed = customers.sample(frac=1, random_state=5)
    mixed.index = [f"row {place}" for place in range(len(mixed))]
    found = cycle.transform(mixed)
    assert found.index.equals(mixed.index)
    assert found["customer_id"].tolist() == mixed["customer_id"].tolist()
    expected = due.set_index("customer_id").loc[mixed["customer_id"]]
    assert found["cycle_days"].tolist() == expected["cycle_days"].tolist()


def test_a_log_is_transformed_as_its_customers(cycle, orders, due):
    pd.testing.assert_frame_equal(cycle.transform(orders), due)
    pd.testing.assert_frame_equal(rk.PurchaseCycle().fit_transform(orders), due)


ADDED = ["cycle_days", "expected_next_purchase", "next_purchase_from", "overdue_ratio"]


def test_who_has_bought_nothing_has_no_cycle(cycle, customers):
    some = customers.head(4).astype(
        dict.fromkeys(["repeat_purchases", "active_days", "recency_days"], "Int64")
    )
    some.loc[:1, ["repeat_purchases", "active_days", "recency_days", "last_purchase"]] = pd.NA
    found = cycle.transform(some)[ADDED]
    assert found.isna().all(axis=1).tolist() == [True, True, False, False]
    assert found.notna().all(axis=1).tolist() == [False, False, True, True]


@pytest.mark.slow
def test_prospects_have_no_cycle(cycle, orders):
    found = cycle.transform(rk.segment(orders))
    prospects = found["segment"] == "prospect"
    assert prospects.any()
    assert found.loc[prospects, ADDED].isna().all(axis=None)
    assert found.loc[~prospects, ADDED].notna().all(axis=None)


def test_a_cycle_of_no_days_gives_no_ratio():
    log = pd.DataFrame({"customer_id": ["a", "a", "b", "b"], "date": "2024-01-01", "amount": 1})
    orders = rk.read_orders(log, same_day="keep")
    cycle = rk.PurchaseCycle("mean").fit(orders)
    assert cycle.cycle_days_ == 0
    assert cycle.transform(orders)["overdue_ratio"].isna().all()


def test_columns_of_the_callers_own_are_left_alone(cycle, customers, due):
    own = customers.assign(place="north", pieces=3, k=1.5, shape="round")
    found = cycle.transform(own)
    pd.testing.assert_frame_equal(found.drop(columns=["place", "pieces", "k", "shape"]), due)
    assert found["place"].eq("north").all()


# --- engines -------------------------------------------------------------------------------------


def products(log, per_unit):
    """The cycles of the categories of a log, and what is due of them."""
    cycle = rk.PurchaseCycle(by="category", per_unit=per_unit).fit(log)
    due = plain(cycle.transform(log)).sort_values(["customer_id", "category"], ignore_index=True)
    return cycle.categories_, due


@pytest.fixture(scope="module")
def expected(orders):
    return functools.cache(lambda per_unit: products(orders, per_unit))


@pytest.mark.parametrize(
    ("kind", "per_unit"),
    [
        pytest.param(*case, marks=() if case == QUICK else pytest.mark.slow)
        for case in itertools.product(KINDS, (False, True))
    ],
)
def test_products_are_the_same_from_every_kind(sample, expected, as_kind, kind, per_unit):
    found = products(rk.read_orders(as_kind(sample, kind)), per_unit)
    for table, same in zip(found, expected(per_unit), strict=True):
        pd.testing.assert_frame_equal(table, same, check_exact=True)


@pytest.mark.spark
def test_products_are_the_same_from_spark(spark, sample, orders):
    table = spark.createDataFrame(sample)
    log = rk.read_orders(table.withColumn("ordered_at", table["ordered_at"].cast("timestamp_ntz")))
    here = rk.PurchaseCycle(by="category", per_unit=True).fit(orders)
    there = rk.PurchaseCycle(by="category", per_unit=True).fit(log)
    pd.testing.assert_frame_equal(there.categories_, here.categories_, check_exact=True)
    key = ["customer_id", "category"]
    found = plain(there.transform(log)).sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(found, plain(here.transform(orders)), check_exact=True)
    shop = rk.PurchaseCycle().fit(orders)
    pd.testing.assert_frame_equal(
        plain(shop.transform(log)), plain(shop.transform(orders)), check_exact=True
    )
