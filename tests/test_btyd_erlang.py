"""Erlang timing against numerical integration, and the gradients of its densities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import beta, gamma, nbinom

from rfmkit.btyd._counts import uncoded
from rfmkit.btyd._erlang import ErlangTiming

shapes = st.floats(0.2, 8)
times = st.floats(0.5, 40)
phases = st.integers(1, 4)
counts = st.integers(0, 6)


def one(value):
    return np.array([float(value)])


# r, alpha, t_x, the days from t_x to T, x, k
histories = st.tuples(shapes, times, times, times, counts, phases)
LOG_RATES = np.arange(-160, 10, 0.01)


@given(histories)
def test_the_density_of_purchases_is_an_integral_over_rates(history):
    """At a given rate k x phases by t_x have the density rate^(k x) e^(-rate t_x)."""
    r, alpha, t_x, _, x, k = history
    found, _ = ErlangTiming(r, alpha, k).bought(uncoded(one(x)), uncoded(one(t_x)))
    rates = np.exp(LOG_RATES)
    terms = gamma.logpdf(rates, r, scale=1 / alpha) + (k * x + 1) * LOG_RATES - rates * t_x
    assert found[0] == pytest.approx(logsumexp(terms) + np.log(0.01), rel=1e-9, abs=1e-9)


@given(histories)
def test_fewer_than_k_phases_end_in_a_silence(history):
    """The chance of silence, given the purchases, is a negative binomial distribution function."""
    r, alpha, t_x, silence, x, k = history
    timing = ErlangTiming(r, alpha, k)
    bought_by = uncoded(one(x)), uncoded(one(t_x))
    silent, _ = timing.silent(*bought_by, uncoded(one(t_x + silence)))
    bought, _ = timing.bought(*bought_by)
    stays = (alpha + t_x) / (alpha + t_x + silence)
    expected = nbinom.logcdf(k - 1, r + k * x, stays)
    assert silent[0] - bought[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(histories)
def test_the_gradient_is_that_of_finite_differences(history):
    r, alpha, t_x, silence, x, k = history
    row = uncoded(one(x)), uncoded(one(t_x)), uncoded(one(t_x + silence))
    _, gradient = ErlangTiming(r, alpha, k).silent(*row)
    for place, (up, down) in enumerate(
        [((r + 1e-5, alpha), (r - 1e-5, alpha)), ((r, alpha + 1e-5), (r, alpha - 1e-5))]
    ):
        high, low = (ErlangTiming(*params, k).silent(*row)[0][0] for params in (up, down))
        assert gradient[place][0] == pytest.approx((high - low) / 2e-5, rel=1e-4, abs=1e-5)


@settings(max_examples=15)
@given(histories, times)
def test_expected_purchases_are_an_integral_over_the_probability_of_leaving(history, H):
    """For given p the n-th purchase is reached with (1 - p)^(n - 1): summed, and integrated."""
    r, alpha, t_x, silence, x, k = history
    T, a, b = t_x + silence, 2.0, 3.0 + x
    found = ErlangTiming(r, alpha, k).purchases(one(x), one(t_x), one(T), H, (a, one(b)))
    states = nbinom.pmf(np.arange(k), r + k * x, (alpha + t_x) / (alpha + T))
    numbers = np.arange(1, 400)
    reached = sum(
        share * nbinom.sf(numbers * k - phase - 1, r + k * x + phase, (alpha + T) / (alpha + T + H))
        for phase, share in enumerate(states / states.sum())
    )
    nodes, weights = np.polynomial.legendre.leggauss(200)
    p, density = (nodes + 1) / 2, weights / 2
    stays = (1 - p[:, None]) ** (numbers - 1)
    expected = (density * beta.pdf(p, a, b)) @ stays @ reached
    assert found[0] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_regular_timing_of_one_phase_is_random_timing():
    x, t_x, T = (np.array(row, dtype=float) for row in ([0, 3, 9], [0, 20, 30], [40, 40, 31]))
    for phases in (1, 2):
        timing = ErlangTiming(0.8, 5.0, phases)
        expected = timing.purchases(x, t_x, T, 26.0, (0.9, 2.0 + x))
        assert np.isfinite(expected).all()
    stays = (1e-12, 1e12 + x)  # nobody leaves: the mean of a negative binomial
    mean = ErlangTiming(0.8, 5.0).purchases(x, t_x, T, 26.0, stays)
    assert mean == pytest.approx((0.8 + x) / (5 + T) * 26)


def test_a_thousand_purchases_ahead_are_summed():
    timing = ErlangTiming(2000.0, 1.0)
    found = timing.purchases(np.zeros(1), np.zeros(1), np.zeros(1), 1.0, (1e-12, np.array([1e12])))
    assert found == pytest.approx([2000], rel=1e-9)
