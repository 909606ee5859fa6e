"""Features: what a customer's purchases tell, by hand, and nothing of what came later."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import log
from rfmkit.churn._features import FACTS, PLACES, feature_table, measures

RATES = (0.8, 20.0)


def facts(orders, horizon_days=20):
    table = feature_table(orders, horizon_days=horizon_days)
    return orders.history.engine.frame(table.order_by("customer_id"))


def read(rows):
    names = [name for name, _, _ in rows]
    days = [str(dt.date(2024, 1, 1) + dt.timedelta(days=day)) for _, day, _ in rows]
    return rk.read_orders(log(customer=names, date=days, total=[value for *_, value in rows]))


def test_the_facts_are_those_of_the_purchases():
    orders = read([("a", 0, 1.0), ("a", 10, 2.0), ("a", 10, 3.0), ("a", 40, 4.0), ("b", 60, 5.0)])
    found = facts(orders).set_index("customer_id")
    expected = {
        "repeat_purchases": 2,
        "active_days": 40,
        "recency_days": 20,
        "purchases_0": 0,
        "purchases_1": 0,
        "purchases_2": 1,
        "purchases_3": 3,
        "last_gap_days": 30,
        "gap_squares": 10**2 + 30**2,
        "spend": 10,
        "recent_spend": 4,
    }
    assert found.loc["a"].to_dict() == expected
    once = found.loc["b"]
    assert once[["repeat_purchases", "active_days", "last_gap_days", "gap_squares"]].eq(0).all()
    assert once[["purchases_0", "purchases_1", "purchases_2", "purchases_3"]].eq(1).all()
    assert list(found.columns) == list(FACTS)


def test_a_past_day_is_seen_as_it_was(sample, orders):
    known = sample[sample["ordered_at"] < "2024-03-02"]
    before = rk.read_orders(known).until("2024-03-01")
    pd.testing.assert_frame_equal(facts(orders.until("2024-03-01")), facts(before))


rows = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 90),
        st.floats(0.01, 9.99).map(lambda value: round(value, 2)),
    ),
    min_size=1,
)


def assert_any_order_is_the_same(rows, shuffled):
    first, second = (
        facts(read([(n, d, v / 100) for n, d, v in some])) for some in (rows, shuffled)
    )
    pd.testing.assert_frame_equal(first, second)
    windows = first[[f"purchases_{place}" for place in range(4)]].to_numpy()
    assert (np.diff(windows, axis=1) >= 0).all()
    assert (windows[:, -1] <= first["repeat_purchases"] + 1).all()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    assert_any_order_is_the_same(rows, random.sample(rows, len(rows)))


def test_the_order_of_the_rows_of_many_customers_does_not_matter():
    random = np.random.default_rng(1)
    names = [f"c{place:02}" for place in random.integers(0, 30, 150)]
    days, values = random.integers(0, 91, 150), random.uniform(0.01, 9.99, 150).round(2)
    many = list(zip(names, days.tolist(), values.tolist(), strict=True))
    assert_any_order_is_the_same(many, [many[place] for place in random.permutation(150)])


def test_the_measures_of_every_customer_are_finite():
    nothing = np.zeros((1, len(FACTS)))
    much = np.full((1, len(FACTS)), 1e6)
    for rows in (nothing, much):
        assert all(np.isfinite(column).all() for column in measures(rows, RATES).values())


def test_who_bought_once_has_the_cycle_of_all():
    row = np.zeros((1, len(FACTS)))
    found = measures(row, RATES)
    assert found["cycle_days"] == pytest.approx(np.log(20 / 0.8))
    assert found["irregularity"] == pytest.approx(1)  # random timing, until gaps tell


def test_regular_gaps_make_a_regular_customer():
    row = np.zeros((1, len(FACTS)))
    row[0, PLACES["repeat_purchases"]], row[0, PLACES["active_days"]] = 9, 90
    row[0, PLACES["gap_squares"]] = 9 * 10**2
    assert measures(row, RATES)["irregularity"] == pytest.approx(3 / 12)
