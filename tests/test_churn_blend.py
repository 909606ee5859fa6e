"""Blend: weights that follow the past, as far as it can tell."""

import datetime as dt

import numpy as np
import pytest

import rfmkit as rk
from rfmkit.churn._blend import (
    LEAST,
    PULL,
    PULL_A_ROW,
    TRUST,
    Day,
    btyd_churn,
    curve_churn,
    expit,
    log_loss,
    logit,
)  # fmt: skip
from rfmkit.churn._blend import _weights as weights
from rfmkit.churn._features import FACTS, PLACES

LOG = rk.read_orders(rk.load_sample())
CUSTOMERS = rk.summarize(LOG).query("purchases > 0")


def facts():
    table = np.zeros((len(CUSTOMERS), len(FACTS)))
    for name in ("repeat_purchases", "active_days", "recency_days"):
        table[:, PLACES[name]] = CUSTOMERS[name].to_numpy(dtype=float)
    return table


def test_a_curve_says_of_facts_what_it_says_of_customers():
    curve = rk.ChurnCurve(60, anchor="snapshot").fit(LOG)
    expected = curve.predict_churn(CUSTOMERS)["churn_probability"].to_numpy(dtype=float)
    assert curve_churn(curve, facts(), 60) == pytest.approx(expected, abs=1e-15)
    expected = curve.predict_churn(CUSTOMERS, horizon_days=200)["churn_probability"]
    assert curve_churn(curve, facts(), 200) == pytest.approx(expected.to_numpy(dtype=float))


def test_a_model_of_counts_says_of_facts_what_it_says_of_customers():
    model = rk.ModifiedBetaGeo(60).fit(LOG)
    expected = model.predict_churn(CUSTOMERS)["churn_probability"].to_numpy(dtype=float)
    assert btyd_churn(model, facts(), 60) == pytest.approx(expected, abs=1e-12)


def test_where_nobody_ever_returned_the_curve_stands_back():
    once = LOG.until(LOG.history.facts["first_day"])
    btyd = rk.ModifiedBetaGeo(60).fit(LOG)
    curve = rk.ChurnCurve(60, anchor="snapshot").fit(once)
    day = Day(dt.date(2024, 1, 1), 60, facts(), btyd, curve)
    assert np.isnan(curve_churn(curve, facts(), 60)).all()
    assert np.array_equal(day.curve_logit(), day.btyd_logit())


def test_logit_and_expit_are_each_others_inverse():
    chances = np.array([LEAST, 0.2, 0.5, 0.9, 1 - LEAST])
    assert expit(logit(chances)) == pytest.approx(chances)
    assert logit(np.array([0.0, 1.0])) == pytest.approx(logit(np.array([LEAST, 1 - LEAST])))
    assert log_loss(logit(chances), np.ones(5)) == pytest.approx(-np.log(chances))


def members(rows, days=3, seed=0):
    """Days on which the first member is right but for a level, and the second is noise."""
    random = np.random.default_rng(seed)
    logits, churned = [], []
    for day in range(days):
        truth = random.normal(size=rows)
        churned.append((random.random(rows) < expit(truth + day)).astype(float))
        logits.append(np.stack([truth, random.normal(size=rows)]))
    return logits, churned


def test_weights_are_shares():
    found = weights(*members(500), 0.5, np.array([0.5, 0.5]))
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()


def test_many_rows_tell_the_member_that_is_right_whatever_the_level_of_the_day():
    assert weights(*members(20_000), 1.0, np.array([0.5, 0.5]))[0] > 0.85


def test_few_rows_leave_the_weights_as_they_were():
    found = weights(*members(4), 0.25, np.array([0.5, 0.5]))
    assert found == pytest.approx([0.5, 0.5], abs=0.1)


def test_a_small_gain_does_not_move_the_weights_far_however_many_rows():
    random = np.random.default_rng(1)
    truth = random.normal(size=50_000)
    churned = (random.random(50_000) < expit(truth)).astype(float)
    near = np.stack([truth, truth + random.normal(scale=0.05, size=50_000)])
    assert weights([near], [churned], 1.0, np.array([0.5, 0.5])) == pytest.approx(0.5, abs=0.05)
    assert PULL > 0
    assert PULL_A_ROW > 0


def test_what_is_trusted_adds_up():
    for trust in TRUST.values():
        assert sum(trust) == pytest.approx(1)
