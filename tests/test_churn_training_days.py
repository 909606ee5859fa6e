"""Past: days whose outcome is known, seen as they were."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import log
from rfmkit.churn import _training_days as training_days
from rfmkit.churn._blend import Day

START = dt.date(2023, 1, 1)


def day_of(origin, horizon_days=30, churned=()):
    btyd, curve = rk.ModifiedBetaGeo(horizon_days), rk.ChurnCurve(horizon_days)
    return Day(origin, horizon_days, np.zeros((0, 11)), btyd, curve, np.array(churned, dtype=float))


@pytest.mark.parametrize("horizon", [7, 30, 90])
@pytest.mark.parametrize("most", [1, 5, 12])
def test_days_lie_between_the_first_history_and_the_last_outcome(orders, horizon, most):
    found = training_days.plan(orders, horizon, most, 10**9)
    first = orders.history.facts["first_day"]
    assert 1 <= len(found.days) <= most
    assert found.days[0] <= orders.as_of - dt.timedelta(days=horizon)
    assert found.days[0] > orders.as_of - dt.timedelta(days=horizon + 2)
    assert found.days[-1] >= first + dt.timedelta(days=horizon // training_days.PER_HORIZON)
    assert list(found.days) == sorted(set(found.days), reverse=True)
    assert found.share == 1


def test_a_log_of_one_horizon_has_no_past_day(orders):
    assert training_days.plan(orders, 729, 12, 10**9).days == ()


@pytest.mark.parametrize("rows_asked", [400, 1500])
def test_the_sample_is_of_rows(orders, rows_asked):
    plan = training_days.plan(orders, 60, 6, rows_asked)
    days = training_days.look_back(orders, plan, 60)
    rows = sum(len(day.churned) for day in days)
    assert 0.8 * rows_asked < rows < 1.2 * rows_asked


def test_a_past_day_has_everybody_of_that_day_and_what_they_did(orders):
    plan = training_days.plan(orders, 60, 3, 10**9)
    for day in training_days.look_back(orders, plan, 60):
        known = rk.snapshots(orders, origins=[day.day], horizon_days=60)
        known = known.sort_values("customer_id")
        assert day.churned.tolist() == known["churned"].astype(float).tolist()
        silent = day.facts[:, training_days.PLACES["recency_days"]]
        assert silent.tolist() == known["recency_days"].tolist()
        expected = rk.ChurnCurve(60, anchor="snapshot").fit(orders.until(day.day))
        pd.testing.assert_frame_equal(day.curve.curve_, expected.curve_)


def test_orders_of_one_day_are_one_entry():
    orders = rk.read_orders(log(customer=["a", "a", "b"], date=["2024-01-01"] * 2 + ["2024-03-01"]))
    assert training_days.plan(orders, 20, 4, 4).share == 1
    assert training_days.plan(orders, 20, 4, 1).share < 1


@settings(max_examples=100)
@given(st.integers(1, 12), st.integers(1, 60), st.integers(1, 120))
def test_what_is_held_back_begins_after_all_other_outcomes(count, step, horizon):
    days = [
        day_of(START + dt.timedelta(days=(count - place) * step), horizon) for place in range(count)
    ]
    held, early = training_days.split(days)
    assert not {id(day) for day in held} & {id(day) for day in early}
    if early:
        first = min(day.day for day in held)
        assert max(day.day for day in early) + dt.timedelta(days=horizon) <= first
        assert held == days[: len(held)]
    else:
        assert not held


def test_enough_is_of_both_outcomes_on_one_day():
    some = day_of(START, churned=[1] * 60 + [0] * 40)
    assert training_days.enough([some], 40)
    assert not training_days.enough([some, some], 41)
    assert not training_days.enough([], 0)
