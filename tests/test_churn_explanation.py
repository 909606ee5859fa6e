"""Explanations: Shapley values, permutation importances, and the table of effects."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import rfmkit as rk
from rfmkit.churn._explanation import (
    check_buyers,
    customer_ids,
    effects_table,
    importances,
    shapley,
)
from rfmkit.churn._features import FACTS, GROUPS, PLACES
from rfmkit.churn._training_days import TrainingDay
from rfmkit.exceptions import RfmkitError

SLOPES = np.arange(1.0, len(FACTS) + 1)


def test_the_values_of_a_sum_are_its_parts():
    random = np.random.default_rng(0)
    rows, typical, slopes = random.normal(size=(7, len(FACTS))), np.ones(len(FACTS)), SLOPES
    found = shapley(rows, typical, lambda some: some @ slopes)
    parts = (rows - typical) * slopes
    for place, names in enumerate(GROUPS.values()):
        expected = parts[:, [PLACES[name] for name in names]].sum(axis=1)
        assert found[:, place] == pytest.approx(expected)


def test_the_effect_of_two_groups_together_is_halved():
    def value(some):
        return some[:, PLACES["recency_days"]] * some[:, PLACES["spend"]]

    rows = np.zeros((1, len(FACTS)))
    rows[0, PLACES["recency_days"]], rows[0, PLACES["spend"]] = 2, 3
    found = dict(zip(GROUPS, shapley(rows, np.zeros(len(FACTS)), value)[0], strict=True))
    assert found["silence"] == pytest.approx(3)
    assert found["value"] == pytest.approx(3)
    assert found["purchases"] == pytest.approx(0)


@given(arrays.arrays(float, (3, len(FACTS)), elements=st.floats(-3, 3)))
def test_the_values_add_up_to_the_difference_from_the_typical_customer(rows):
    def value(some):
        return np.sin(some).sum(axis=1) * some[:, 0] + some.prod(axis=1)

    typical = np.full(len(FACTS), 0.5)
    total = shapley(rows, typical, value).sum(axis=1)
    assert total == pytest.approx(value(rows) - value(typical[None]), abs=1e-8)


def test_nobody_has_no_values():
    assert shapley(np.empty((0, len(FACTS))), np.zeros(len(FACTS)), len).shape == (0, len(GROUPS))


def day_of(facts, churned):
    models = rk.ModifiedBetaGeo(30), rk.ChurnCurve(30)
    return TrainingDay(dt.date(2024, 1, 1), 30, facts, *models, churned)


def test_only_the_group_that_the_model_uses_is_important():
    random = np.random.default_rng(0)
    facts = random.normal(size=(400, len(FACTS)))
    silence = PLACES["recency_days"]
    day = day_of(facts, (facts[:, silence] > 0).astype(float))
    found = importances([day], lambda day: 3 * day.facts[:, silence])
    assert found["feature"].iloc[0] == "silence"
    assert found["log_loss"].iloc[0] > 0.5
    assert (found["log_loss"].iloc[1:] == 0).all()


def test_without_a_day_no_importance_is_known():
    assert importances([], TrainingDay.btyd_logit)["log_loss"].isna().all()


def test_the_largest_effects_of_each_customer_come_first():
    effects = np.array([[0.1, -3, 0, 2, 0], [1, 0, 0, 0, -0.5]])
    table = effects_table(pd.Series(["a", "b"]), np.array([0.3, 0.9]), effects, top=2)
    groups = list(GROUPS)
    assert table["feature"].tolist() == [groups[1], groups[3], groups[0], groups[4]]
    assert table["effect"].tolist() == [-3, 2, 1, -0.5]
    assert table["rank"].tolist() == [1, 2, 1, 2]
    assert table["customer_id"].tolist() == ["a", "a", "b", "b"]
    assert table["churn_probability"].tolist() == [0.3, 0.3, 0.9, 0.9]


def test_ids_are_compared_as_text():
    assert customer_ids(np.array([7, 12])) == ["7", "12"]
    check_buyers(["7"], pd.DataFrame({"customer_id": [7, 12]}))
    with pytest.raises(RfmkitError, match="no purchase of '9'"):
        check_buyers(["9"], pd.DataFrame({"customer_id": [7, 12]}))
