"""Betas: chances of yes and no, and the coordinates in which they are sought."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln

from rfmkit.btyd._beta_binomial import from_mean, log_chance, to_mean

logs = st.floats(-6, 6).map(np.exp)


@given(logs, logs, st.integers(0, 40), st.integers(0, 40))
def test_a_chance_is_a_ratio_of_betas(a, b, yes, no):
    found, _ = log_chance(a, b, np.array([float(yes)]), np.array([float(no)]))
    assert found[0] == pytest.approx(betaln(a + yes, b + no) - betaln(a, b), abs=1e-9)


@given(logs, logs)
def test_far_ahead_is_no_jump(a, b):
    """Beyond some number the chances are no longer summed."""
    far = np.array([99_999.0, 100_000.0, 100_001.0])
    for ahead in (far[:2], far):
        value, slopes = log_chance(a, b, np.zeros_like(ahead), ahead)
        assert value[1] - value[0] == pytest.approx(-np.log1p(a / (b + 99_999)), abs=1e-8)
        assert slopes[1] == pytest.approx(slopes[0], rel=1e-3, abs=1e-4)


@given(logs, logs, st.integers(0, 9), st.integers(0, 9))
def test_the_derivatives_are_those_of_the_chance(a, b, yes, no):
    one, other = np.array([float(yes)]), np.array([float(no)])
    _, slopes = log_chance(a, b, one, other)
    for place in range(2):
        step = np.array([a, b]) * np.eye(2)[place] * 1e-5
        up = log_chance(a + step[0], b + step[1], one, other)[0]
        down = log_chance(a - step[0], b - step[1], one, other)[0]
        scale = (a, b)[place]  # by the logarithm: the slopes themselves span many orders
        numeric = (up - down) / 2e-5
        assert slopes[:, place] * scale == pytest.approx(numeric, rel=1e-5, abs=1e-5)


@given(st.floats(-8, 8), st.floats(-6, 9))
def test_a_point_is_two_parameters_and_back(mean, size):
    params, by_point = from_mean(mean, size)
    assert to_mean(*params) == pytest.approx([mean, size], abs=1e-9)
    for place in range(2):
        step = 1e-6 * np.eye(2)[place]
        up, down = from_mean(mean + step[0], size + step[1]), from_mean(*([mean, size] - step))
        assert by_point[:, place] == pytest.approx(np.log(up[0] / down[0]) / 2e-6, abs=1e-6)
