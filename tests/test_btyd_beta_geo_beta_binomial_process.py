"""The BG/BB process: all histories summed, gradients, and laws of its predictions."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rfmkit.btyd import _beta_geo_beta_binomial_process as process


def likelihoods(params, n):
    """Every history of n opportunities with its probability, by its x and t_x."""
    rows = [(x, t_x, math.comb(t_x - 1, x - 1) if x else 1)
            for t_x in range(n + 1) for x in range(1 if t_x else 0, t_x + 1)]  # fmt: skip
    x, t_x, ways = np.array(rows, dtype=float).T
    terms, slopes = process.log_terms(np.array(params), x, t_x, np.full_like(x, n))
    return x, t_x, ways, np.exp(terms), slopes


size = st.floats(-3, 3).map(np.exp)
four = st.tuples(size, size, size, size)


@settings(max_examples=25)
@given(four, st.integers(1, 12))
def test_the_histories_have_the_probability_one(params, n):
    _, _, ways, chance, _ = likelihoods(params, n)
    assert ways @ chance == pytest.approx(1, abs=1e-9)


@settings(max_examples=25)
@given(four, st.integers(1, 9))
def test_the_derivatives_are_those_of_the_likelihood(params, n):
    _, _, _, _, slopes = likelihoods(params, n)
    for place in range(4):
        step = np.ones(4)
        step[place] = np.exp(1e-5)
        up, down = (np.log(likelihoods(np.array(params) * s, n)[3]) for s in (step, 1 / step))
        numeric = (up - down) / 2e-5
        assert slopes[:, place] * params[place] == pytest.approx(numeric, rel=1e-5, abs=1e-6)


def test_the_likelihood_is_that_of_the_story():
    """Summed by hand: p and q on a grid, and the opportunity before which a customer left."""
    alpha, beta, gamma, delta = 1.5, 2.5, 2.0, 6.0
    grid = (np.arange(4000) + 0.5) / 4000
    p = grid ** (alpha - 1) * (1 - grid) ** (beta - 1)
    q = grid ** (gamma - 1) * (1 - grid) ** (delta - 1)
    p, q = p / p.sum(), q / q.sum()
    x, t_x, n = 2, 3, 6
    total = 0.0
    for left in range(t_x, n + 1):  # after how many opportunities
        stay = (1 - grid) ** left * (grid if left < n else 1)
        total += (p @ (grid**x * (1 - grid) ** (left - x))) * (q @ stay)
    found, _ = process.log_terms(
        np.array([alpha, beta, gamma, delta]), *np.array([[2.0], [3.0], [6.0]])
    )
    assert np.exp(found[0]) == pytest.approx(total, rel=1e-5)


histories = st.integers(1, 15).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n)).flatmap(
        lambda t: st.tuples(st.integers(min(t[0], 1), t[0]), st.just(t[0]), st.just(t[1]))
    )
)
ROUNDING = 1e-11
"""Bound of the relative rounding error of a probability.

A probability is the exponential of a difference of sums of logarithms. At most 36 opportunities
make sums of at most 36 terms. Every partial sum is under 150 in absolute value, and is rounded by
at most 1.1e-16 of it. Two likelihoods have 12 such sums (6 logarithms of Beta functions and the sum
over the times of leaving, each): 12 x 36 x 150 x 1.1e-16 = 7e-12.
"""


@settings(max_examples=25)
@given(four, histories, st.integers(1, 20))
@example((float(np.exp(3)),) * 4, (3, 3, 9), 20)  # seen to differ by 1e-13
def test_a_longer_horizon_brings_more_purchases_and_less_churn(params, history, ahead):
    row = (np.array(params), *np.array(history, dtype=float)[:, None])
    (churn,), (less,) = process.churn(*row, ahead), process.churn(*row, ahead + 1)
    (expected,), (more,) = process.purchases(*row, ahead), process.purchases(*row, ahead + 1)
    (alive,) = process.alive(*row)
    assert 0 <= less <= churn + ROUNDING
    assert churn <= 1
    assert 0 <= expected <= more + ROUNDING
    assert more <= ahead + 1 + ROUNDING
    assert 0 <= alive <= 1
    assert 1 - churn <= min(alive, expected) + 1e-9
    assert process.churn(*row, 1) + process.purchases(*row, 1) == pytest.approx(1)


@settings(max_examples=25)
@given(four, histories)
def test_one_more_silence_is_never_a_sign_of_life(params, history):
    x, t_x, n = np.array(history, dtype=float)[:, None]
    for silent in range(3):
        now, later = (process.alive(np.array(params), x, t_x, n + silent + one) for one in (0, 1))
        assert later <= now + 1e-9


@settings(max_examples=25)
@given(four, st.integers(1, 8), st.integers(1, 6))
def test_predictions_agree_with_the_histories_to_come(params, n, ahead):
    """Expected purchases of all after n, averaged, are those of n + ahead less those of n."""
    x, t_x, ways, chance, _ = likelihoods(params, n)
    at = np.array(params)
    expected = process.purchases(at, x, t_x, np.full_like(x, n), ahead)
    later_x, _, later_ways, later, _ = likelihoods(params, n + ahead)
    gained = later_x @ (later_ways * later) - x @ (ways * chance)
    assert expected @ (ways * chance) == pytest.approx(gained, abs=1e-8)
    none = np.zeros(1)
    assert process.purchases(at, none, none, none, n)[0] == pytest.approx(
        x @ (ways * chance), abs=1e-8
    )
