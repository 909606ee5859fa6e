"""The Gamma-Gamma density against numerical integration, and the laws of its predictions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

from rfmkit.btyd._gamma_gamma_density import LogTerms, expected_value


def test_the_density_is_a_gamma_of_a_gamma():
    p, q, v, x, z = 1.7, 3.2, 20.0, 3, 12.0
    rate = (np.arange(200_000) + 0.5) / 200_000 * 4
    mixed = gamma.pdf(z, p * x, scale=1 / (rate * x)) * gamma.pdf(rate, q, scale=1 / v)
    found, _ = LogTerms(np.array([x]), np.array([z]))(np.array([p, q, v]))
    assert np.exp(found[0]) == pytest.approx(mixed.sum() * 4 / 200_000, rel=1e-6)


def test_the_prediction_is_the_mean_of_the_posterior():
    p, q, v, x, z = 1.7, 3.2, 20.0, 3, 12.0
    rate = (np.arange(200_000) + 0.5) / 200_000 * 4
    posterior = gamma.pdf(z, p * x, scale=1 / (rate * x)) * gamma.pdf(rate, q, scale=1 / v)
    expected = (p / rate * posterior).sum() / posterior.sum()
    found = expected_value(np.array([p, q, v]), np.array([x]), np.array([z]))
    assert found[0] == pytest.approx(expected, rel=1e-5)


positive = st.floats(0.2, 20)


@given(st.tuples(positive, positive, positive), st.integers(1, 40), st.floats(0.05, 50))
def test_the_derivatives_are_those_of_the_density(params, count, value):
    terms = LogTerms(np.array([float(count), 1.0]), np.array([value, 2.0]))
    at = np.array(params)
    _, slopes = terms(at)
    for place in range(3):
        step = np.zeros(3)
        step[place] = 1e-5 * at[place]
        numeric = (terms(at + step)[0] - terms(at - step)[0]) / (2 * step[place])
        assert slopes[:, place] == pytest.approx(numeric, rel=1e-5, abs=1e-5)


@given(
    st.tuples(positive, st.floats(1.1, 20), positive),
    st.integers(0, 60), st.floats(0.05, 50), st.floats(0.05, 50),
)  # fmt: skip
def test_a_prediction_lies_between_the_mean_of_all_and_the_customers_own(params, count, one, two):
    low, high = sorted((one, two))
    p, q, v = params
    x = np.array([count, count], dtype=float)
    less, more = expected_value(np.array(params), x, np.array([low, high]))
    population = p * v / (q - 1)
    for value, found in ((low, less), (high, more)):
        ends = sorted((population, value if count else population))
        assert ends[0] * (1 - 1e-9) <= found <= ends[1] * (1 + 1e-9)
    assert less <= more
