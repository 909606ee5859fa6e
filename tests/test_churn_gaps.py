"""Gaps: the covariates are those of `summarize` on the day the gap began, and nothing later."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from conftest import log, plain
from rfmkit.btyd._formulas import names_of
from rfmkit.churn._gaps import COVARIATES, Scales, day_categories, read_gaps, scales_of, terms_in
from rfmkit.exceptions import RfmkitError

AS_SUMMARIZED = ["purchases", "active_days", "last_gap_days", "mean_purchase_value"]


@pytest.fixture(scope="module")
def gaps(orders):
    found, share = read_gaps(orders, sample=10**6, categories=False)
    assert share == 1
    return found


@pytest.mark.parametrize("day", ["2023-05-05", "2023-09-09", "2024-03-01", "2024-06-15"])
def test_what_is_known_of_a_gap_was_known_on_its_first_day(orders, gaps, day):
    then = rk.summarize(orders.until(day))
    then = then[then["recency_days"] == 0].reset_index(drop=True)
    begun = gaps[gaps["last_purchase"] == day].reset_index(drop=True)
    assert len(begun) >= 3
    assert begun["customer_id"].tolist() == then["customer_id"].tolist()
    for name in AS_SUMMARIZED:
        first, second = (frame[name].astype(float).to_numpy() for frame in (begun, then))
        np.testing.assert_allclose(first, second, rtol=1e-12)
    assert (begun["month"] == pd.Timestamp(day).month).all()


def test_the_gaps_are_those_counted(orders, gaps):
    counted = rk.purchase_gaps(orders)
    informative = counted[counted["returned"] | (counted["gap_days"] > 0)]
    names = ["order_number", "gap_days", "returned"]
    found = gaps.rename(columns={"purchases": "order_number"}).groupby(names).size()
    assert found.to_dict() == informative.set_index(names)["gaps"].to_dict()


@pytest.mark.parametrize("same_day", ["merge", "keep"])
def test_orders_of_one_day(same_day):
    days = ["2024-01-01", "2024-01-11", "2024-01-11", "2024-01-31"]
    orders = rk.read_orders(
        log(customer=["a"] * 4, date=days, total=[10, 20, 60, 30]), same_day=same_day
    )
    found, _ = read_gaps(orders.until("2024-03-01"), sample=100, categories=False)
    values = found["mean_purchase_value"].tolist()
    if same_day == "merge":
        assert found["gap_days"].tolist() == [10, 20, 30]
        assert values == [10, 45, 40]
        assert found["last_gap_days"].fillna(-1).tolist() == [-1, 10, 20]
    else:
        assert found["gap_days"].tolist() == [10, 0, 20, 30]
        assert values[::3] == [10, 30]
        assert found["last_gap_days"].fillna(-1).tolist() == [-1, 10, 0, 20]


def test_a_sample_is_of_whole_customers(orders, gaps):
    some, share = read_gaps(orders, sample=1000, categories=False)
    assert 0.1 < share < 0.3
    whole = gaps[gaps["customer_id"].isin(some["customer_id"].unique())]
    pd.testing.assert_frame_equal(some, whole.reset_index(drop=True))


def test_the_category_of_a_day_is_the_one_most_was_spent_on():
    rows = log(
        customer=["a", "a", "a", "a", "b", "b"],
        date=["2024-01-01"] * 3 + ["2024-01-02"] + ["2024-01-01"] * 2,
        total=[3, 5, 3, 1, 2, 2],
        category=["tea", "milk", "tea", None, "tea", "milk"],
    )
    orders = rk.read_orders(rows)
    found = plain(orders.history.deliver(day_categories(orders)))
    assert found[["customer_id", "category"]].to_numpy().tolist() == [["a", "tea"], ["b", "milk"]]


def test_gaps_after_a_day_without_a_category_are_left_out():
    rows = log(
        customer=["a"] * 3,
        date=["2024-01-01", "2024-01-05", "2024-02-01"],
        category=["tea", None, "milk"],
    )
    found, _ = read_gaps(rk.read_orders(rows).until("2024-03-01"), sample=9, categories=True)
    assert found["category"].tolist() == ["tea", "milk"]


def test_covariates_by_hand():
    scales = Scales(20.0, 8.0, {1: "1", 2: "2-4", 5: "5+"}, ("milk", "tea"))
    facts = {
        "purchases": [1, 2, 5],
        "active_days": [0, 10, 160],
        "last_gap_days": [0, 10, 0],
        "mean_purchase_value": [8, 32, 0],
        "month": [1, 6, 12],
        "category": [1, 0, -1],
    }
    found = scales.covariates(
        facts,
        COVARIATES,
    )
    assert found["order_number"].tolist() == ["1", "2-4", "5+"]
    assert found["own_gap"].tolist() == [0, -1, 1]
    assert found["last_gap"].tolist() == [0, -1, np.log2(0.5 / 20)]
    assert found["value"].tolist() == [0, 2, np.log2(0.01)]
    assert found["quarter"].tolist() == ["Q1", "Q2", "Q4"]
    assert found["month"].tolist() == ["01", "06", "12"]
    assert found["category"].tolist() == ["tea", "milk", None]
    assert found["purchases"].tolist() == [1, 2, 5]
    assert found["active_days"].tolist() == [0, 10, 160]
    assert found["log_purchases"].tolist() == [0, 1, np.log2(5)]
    assert found["log_active_days"].tolist() == [-1, np.log2(10), np.log2(160)]


def test_typical_is_the_geometric_mean():
    gaps = pd.DataFrame(
        {
            "purchases": [1, 2, 1],
            "gap_days": [4, 16, 90],
            "returned": [True, True, False],
            "mean_purchase_value": [1.0, 100.0, 0.0],
        }
    )
    scales = scales_of(gaps)
    assert scales.gap_days == pytest.approx(8)
    assert scales.value == pytest.approx(10)
    assert scales.strata == {1: "1+"}  # too few gaps for more


def test_a_formula_names_what_is_known_of_a_gap():
    terms = terms_in("value:own_gap + C(purchases)")
    assert names_of(terms) == ["purchases", "value", "own_gap"]
    assert terms_in("1") == []
    with pytest.raises(RfmkitError, match=r"(?s)Found: 'income', 'recency_days'"):
        terms_in("income + recency_days + value")
