"""Training days: customers as they were on days whose outcome is known."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import log
from rfmkit.churn import _training_days as training_days
from rfmkit.churn._features import FACTS, PLACES
from rfmkit.churn._learners import FREE
from rfmkit.churn._training_days import TrainingDay, btyd_churn, curve_churn

START = dt.date(2023, 1, 1)


def day_of(origin, horizon_days=30, churned=()):
    btyd, curve = rk.ModifiedBetaGeo(horizon_days), rk.ChurnCurve(horizon_days)
    return TrainingDay(
        origin, horizon_days, np.zeros((0, 11)), btyd, curve, np.array(churned, dtype=float)
    )


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


@pytest.mark.parametrize(
    ("most", "rows_asked"),
    [
        (2, 400),
        pytest.param(6, 400, marks=pytest.mark.slow),
        pytest.param(6, 1500, marks=pytest.mark.slow),
    ],
)
def test_the_sample_is_of_rows(orders, most, rows_asked):
    plan = training_days.plan(orders, 60, most, rows_asked)
    days = training_days.look_back(orders, plan, 60)
    rows = sum(len(day.churned) for day in days)
    assert 0.8 * rows_asked < rows < 1.2 * rows_asked


@pytest.mark.parametrize("most", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_past_day_has_everybody_of_that_day_and_what_they_did(orders, most):
    plan = training_days.plan(orders, 60, most, 10**9)
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


@pytest.mark.parametrize(
    ("churned", "returned", "reason"),
    [
        (50, 50, ""),
        (60, 49, "To learn, .* 50 customers .* 30 days and 50 .*: at most 49 and 60 did"),
        (7, 90, "at most 90 and 7 did"),
    ],
)
def test_both_outcomes_are_needed_often_enough_on_one_day(churned, returned, reason):
    one = day_of(START, churned=[1] * churned + [0] * returned)
    assert training_days.most_outcomes([one, one]) == (churned, returned)
    found = training_days.why_not([one], [one, one], 30)
    assert re.search(reason, found) if reason else found == ""


def test_without_an_early_day_the_log_is_too_short():
    assert training_days.most_outcomes([]) == (0, 0)
    assert "too short to learn and to check" in training_days.why_not([], [], 30)


def test_the_table_has_a_row_per_day_and_its_role():
    days = [day_of(START, churned=[1, 1, 0, 1]), day_of(START - dt.timedelta(days=30))]
    table = training_days.training_table(days, days[:1], learned=True)
    assert table["role"].tolist() == ["calibrate", "fit"]
    assert table["customers"].tolist() == [4, 0]
    assert table["churn_rate"].iloc[0] == 0.75
    assert pd.isna(table["churn_rate"].iloc[1])
    unused = training_days.training_table(days, [], learned=False)
    assert unused["role"].tolist() == ["not used", "not used"]


# --- the predictions of the models of a day ------------------------------------------------------


@pytest.fixture(scope="module")
def facts(customers):
    table = np.zeros((len(customers), len(FACTS)))
    for name in ("repeat_purchases", "active_days", "recency_days"):
        table[:, PLACES[name]] = customers[name].to_numpy(dtype=float)
    return table


def test_a_curve_predicts_the_same_from_facts_and_from_customers(orders, customers, facts):
    curve = rk.ChurnCurve(60, anchor="snapshot").fit(orders)
    for horizon in (60, 200):
        expected = curve.predict_churn(customers, horizon)["churn_probability"]
        found = curve_churn(curve, facts, horizon)
        assert found == pytest.approx(expected.to_numpy(dtype=float), abs=1e-15)


def test_a_btyd_model_predicts_the_same_from_facts_and_from_customers(orders, customers, facts):
    model = rk.ModifiedBetaGeo(60).fit(orders)
    expected = model.predict_churn(customers)["churn_probability"].to_numpy(dtype=float)
    assert btyd_churn(model, facts, 60) == pytest.approx(expected, abs=1e-12)


def test_where_nobody_ever_returned_the_btyd_model_replaces_the_curve(orders, facts):
    once = orders.until(orders.history.facts["first_day"])
    btyd = rk.ModifiedBetaGeo(60).fit(orders)
    curve = rk.ChurnCurve(60, anchor="snapshot").fit(once)
    day = TrainingDay(dt.date(2024, 1, 1), 60, facts, btyd, curve)
    assert np.isnan(curve_churn(curve, facts, 60)).all()
    assert np.array_equal(day.curve_logit(), day.btyd_logit())


def test_the_season_is_that_of_the_middle_of_the_horizon(orders, facts):
    btyd = rk.ModifiedBetaGeo(60).fit(orders)
    curve = rk.ChurnCurve(60, anchor="snapshot").fit(orders)
    day = TrainingDay(dt.date(2024, 1, 1), 60, facts, btyd, curve)
    logit, sine, cosine = day.base_columns(seasons=True).T
    assert np.array_equal(logit, day.base_columns(seasons=False)[:, 0])
    angle = 2 * np.pi * (1 + 30) / 365.25
    assert FREE * sine == pytest.approx(np.full(len(facts), np.sin(angle)))
    assert FREE * cosine == pytest.approx(np.full(len(facts), np.cos(angle)))
