"""Distributions: hazards by their textbook forms, scores by finite differences."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from rfmkit.churn._distributions import DISTRIBUTIONS, Baseline, Cox, Durations
from rfmkit.exceptions import NotFittedError

DAYS = np.array([0.5, 1, 7, 30, 200, 3000])
LOCATION, SHAPE, ODDS = 3.2, 0.25, -0.4
SURVIVAL = {
    "weibull": stats.weibull_min(np.exp(SHAPE), scale=np.exp(LOCATION)).sf,
    "lognormal": stats.lognorm(np.exp(SHAPE), scale=np.exp(LOCATION)).sf,
    "loglogistic": stats.fisk(np.exp(SHAPE), scale=np.exp(LOCATION)).sf,
}


def predicted(kind, days):
    values = {"time": LOCATION, "shape": SHAPE, "spread": SHAPE, "never": ODDS}
    return {
        name: np.full_like(days, values[part]) for name, part in DISTRIBUTIONS[kind].parts.items()
    }


@pytest.mark.parametrize("kind", SURVIVAL)
def test_survival_is_that_of_scipy(kind):
    found = np.exp(-DISTRIBUTIONS[kind].hazard(predicted(kind, DAYS), DAYS))
    assert found == pytest.approx(SURVIVAL[kind](DAYS), rel=1e-10)


@pytest.mark.parametrize("kind", [*SURVIVAL, "mixture_cure"])
def test_nobody_is_back_before_a_gap_begins(kind):
    start = np.zeros(1)
    assert DISTRIBUTIONS[kind].hazard(predicted(kind, start), start) == pytest.approx(0, abs=1e-12)


def test_of_the_mixture_some_never_return():
    found = np.exp(-DISTRIBUTIONS["mixture_cure"].hazard(predicted("mixture_cure", DAYS), DAYS))
    never = expit(ODDS)
    assert found == pytest.approx(never + (1 - never) * SURVIVAL["weibull"](DAYS), rel=1e-10)
    assert found[-1] == pytest.approx(never)


@pytest.mark.parametrize("kind", [*SURVIVAL, "mixture_cure"])
@pytest.mark.parametrize("ended", [0.0, 1.0])
def test_scores_are_the_slopes_of_the_likelihood(kind, ended):
    distribution, days = DISTRIBUTIONS[kind], DAYS[1:-1]
    times = Durations(days, np.full_like(days, ended), np.ones_like(days))
    at = predicted(kind, days)
    designs = {name: np.ones((len(days), 1)) for name in distribution.parts}

    def log_likelihood(values):
        hazard = distribution.hazard(values, days)
        step = 1e-4 * days
        rate = (
            distribution.hazard(values, days + step) - distribution.hazard(values, days - step)
        ) / (2 * step)
        return ended * np.log(rate) - hazard

    found = distribution.scores(designs, at, times)
    for name in distribution.parts:
        up, down = (log_likelihood(at | {name: at[name] + move}) for move in (1e-4, -1e-4))
        assert found[name][:, 0] == pytest.approx((up - down) / 2e-4, rel=1e-4, abs=1e-4)


def test_breslows_hazard_by_hand():
    # Two of four return on day 2, one of the two left on day 5; all alike.
    times = Durations(np.array([2.0, 2, 5, 9]), np.array([1.0, 1, 1, 0]), np.ones(4))
    baseline = Baseline.estimate(times, np.zeros(4))
    found = Cox(baseline).hazard({"beta_": np.zeros(4)}, np.array([1.0, 2, 4, 5]))
    assert found.tolist() == pytest.approx([0, 2 / 4, 2 / 4, 2 / 4 + 1 / 2])
    doubled = Cox(baseline).hazard({"beta_": np.full(1, np.log(2))}, np.array([5.0]))
    assert doubled == pytest.approx(2.0)


def test_the_level_of_the_predictor_is_no_matter():
    rng = np.random.default_rng(0)
    days, ended = np.ceil(rng.exponential(30, 200)), (rng.random(200) < 0.7) * 1.0
    times, risk = Durations(days, ended, np.ones(200)), rng.normal(size=200)
    near, far = (Cox(Baseline.estimate(times, risk + level)) for level in (0, 500))
    ahead = np.array([3.0, 40, 400])
    assert near.hazard({"beta_": risk[:3]}, ahead) == pytest.approx(
        far.hazard({"beta_": risk[:3] + 500}, ahead)
    )
    # Beyond the last return the hazard goes on.
    assert np.diff(near.hazard({"beta_": np.zeros(2)}, np.array([300.0, 400]))) > 0


def test_coxs_hazard_is_not_known_before_a_fit():
    with pytest.raises(NotFittedError, match="needs a fit"):
        DISTRIBUTIONS["cox"].hazard({"beta_": np.zeros(1)}, np.ones(1))
