"""Blend: weights that follow the past days, as far as their rows are evidence."""

import datetime as dt

import numpy as np
import pytest

from rfmkit.churn._blend import LEARNERS, PRIOR_WEIGHTS, Blend
from rfmkit.churn._blend import _least_loss_weights as weights
from rfmkit.churn._learners import FREE
from rfmkit.churn._logits import expit
from rfmkit.churn._training_days import TrainingDay


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


def test_many_rows_give_the_weight_to_the_member_that_is_right_at_any_level():
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


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_prior_weights_are_shares_of_the_members(learner):
    blend = Blend(learner, seasons=False)
    assert len(PRIOR_WEIGHTS[learner]) == len(blend.names)
    assert blend.weights.sum() == pytest.approx(1)


class Seasonal(TrainingDay):
    """A day whose customers churn more in one half of the year than their logit says."""

    def btyd_logit(self):
        return self.facts[:, 0]

    def feature_columns(self):
        return self.facts[:, 1:]

    @classmethod
    def of(cls, place):
        random = np.random.default_rng(place)
        day, facts = (
            dt.date(2022, 1, 1) + dt.timedelta(days=30 * place),
            random.normal(size=(300, 2)),
        )
        empty = cls(day, 60, facts, None, None)
        late = empty.base_columns(seasons=True)[:, 1] * FREE
        churned = random.random(300) < expit(facts[:, 0] + late)
        return cls(day, 60, facts, None, None, churned.astype(float)), late[0]


def test_days_of_two_years_teach_the_season():
    days, late = zip(*(Seasonal.of(place) for place in range(24)), strict=True)
    season, none = (Blend("logistic", seasons=seasons).fit(days, 1.0) for seasons in (True, False))
    apart = [(season.logits(day) - day.facts[:, 0]).mean(axis=1) for day in days]
    for of_member in np.transpose(apart):
        assert np.polyfit(late, of_member, 1)[0] == pytest.approx(1, abs=0.2)
    bias = [
        [expit(blend.logit(day)).mean() - day.churned.mean() for day in days]
        for blend in (season, none)
    ]
    assert np.std(bias[0]) < 0.5 * np.std(bias[1])
