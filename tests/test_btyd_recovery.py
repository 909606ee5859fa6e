"""Fits of simulated shops: estimates near the truth, and the coverage of intervals."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import rfmkit as rk
from rfmkit.btyd._counts import Counts
from rfmkit.btyd._fit_problem import problem_of

TRUTH = {"r": 0.525, "alpha": 43.3, "a": 0.891, "b": 1.614}  # those of CDNOW, in days
SHOPS = [12, pytest.param(40, marks=pytest.mark.slow)]
CUSTOMERS = 1000
LEVEL = 0.9
SIGMAS = 1.6449
ROWS = np.array([(0, 0, 400), (1, 100, 365), (4, 300, 365)], dtype=float).T


def fewest(shops):
    """Of so many intervals of 90 %, fewer than these hold the truth in one of 10,000 runs."""
    return int(binom.ppf(1e-4, shops, LEVEL))


def shop(seed):
    """Simulate customers who may leave after any purchase, the first too."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], CUSTOMERS)
    leaves = rng.beta(TRUTH["a"], TRUTH["b"], CUSTOMERS)
    now = rng.integers(365, 730, CUSTOMERS).astype(float)
    x, last = np.zeros(CUSTOMERS), np.zeros(CUSTOMERS)
    here = np.flatnonzero(rng.random(CUSTOMERS) >= leaves)
    while here.size:
        time = last[here] + rng.exponential(1, here.size) / np.maximum(rate[here], 1e-300)
        bought = time <= now[here]
        here, time = here[bought], time[bought]
        x[here] += 1
        last[here] = time
        here = here[rng.random(here.size) >= leaves[here]]
    return Counts(x, last, now, np.ones(CUSTOMERS))


@pytest.fixture(scope="module", params=SHOPS)
def fits(request):
    models = [rk.ModifiedBetaGeo() for _ in range(request.param)]
    for seed, model in enumerate(models):
        model._solve(problem_of(model._process, shop(seed)))  # as fit does, without an engine
    return models


def test_estimates_are_around_the_truth_as_far_as_their_errors_say(fits):
    for name, true in TRUTH.items():
        table = pd.DataFrame([fit.summary_.set_index("parameter").loc[name] for fit in fits])
        away = (np.log(table["estimate"] / true) / table["log_error"]).astype(float)
        # The mean of 40 such lies within 0.6 in 9,998 of 10,000 runs, and their spread within
        # a half of its own size.
        assert abs(away.mean()) < 0.6 * (40 / len(fits)) ** 0.5
        assert 0.55 < away.std() < 1.6
        assert (away.abs() < SIGMAS).sum() >= fewest(len(fits))


def test_intervals_of_predictions_hold_the_truth(fits):
    expected = fits[0]._process.churn(np.array(list(TRUTH.values())), *ROWS, 180.0)
    held = np.zeros(len(expected))
    for fit in fits:
        # What predict_churn(..., interval=0.9) takes its ends from.
        drawn = [fit._process.churn(params, *ROWS, 180.0) for params in fit._draws]
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        held += (low <= expected) & (expected <= high)
    assert (held >= fewest(len(fits))).all()
    # Nor are they so wide that they would hold anything.
    assert held.sum() < len(fits) * len(expected)
