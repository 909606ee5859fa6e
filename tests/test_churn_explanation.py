"""Explanation: what moved a probability, shared out fairly."""

import numpy as np
import pytest

from rfmkit.churn._explanation import shapley
from rfmkit.churn._features import FACTS, GROUPS, PLACES

SLOPES = np.arange(1.0, len(FACTS) + 1)


def test_what_moves_a_sum_is_each_of_its_parts():
    random = np.random.default_rng(0)
    rows, typical, slopes = random.normal(size=(7, len(FACTS))), np.ones(len(FACTS)), SLOPES
    found = shapley(rows, typical, lambda some: some @ slopes)
    parts = (rows - typical) * slopes
    for place, names in enumerate(GROUPS.values()):
        expected = parts[:, [PLACES[name] for name in names]].sum(axis=1)
        assert found[:, place] == pytest.approx(expected)


def test_what_two_move_together_is_halved():
    def value(some):
        return some[:, PLACES["recency_days"]] * some[:, PLACES["spend"]]

    rows = np.zeros((1, len(FACTS)))
    rows[0, PLACES["recency_days"]], rows[0, PLACES["spend"]] = 2, 3
    found = dict(zip(GROUPS, shapley(rows, np.zeros(len(FACTS)), value)[0], strict=True))
    assert found["silence"] == pytest.approx(3)
    assert found["value"] == pytest.approx(3)
    assert found["purchases"] == pytest.approx(0)
