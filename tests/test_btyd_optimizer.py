"""The optimizer: maxima, their curvature, and bounds that are reached."""

import numpy as np
import pytest

from rfmkit.btyd._optimizer import maximise

CURVATURE = np.array([[2.0, 0.5], [0.5, 1.0]])
TOP = np.array([0.3, -1.2])


def hill(point):
    """Return value and gradient of a function whose maximum and curvature are known."""
    away = point - TOP
    return 3 - away @ CURVATURE @ away / 2, -CURVATURE @ away


def two_hills(point):
    """Return value and gradient of a function with two maxima; the higher one is near 3."""
    low, high = np.exp(-((point + 3) ** 2)), 2 * np.exp(-((point - 3) ** 2))
    slope = -2 * (point + 3) * low - 2 * (point - 3) * high
    return float((low + high)[0]), slope


def test_the_top_of_a_hill_with_its_curvature():
    found = maximise(hill, [np.array([4.0, 4.0])], [(-9, 9), (-9, 9)])
    assert found.at == pytest.approx(TOP, abs=1e-9)
    assert found.value == pytest.approx(3, abs=1e-12)
    assert found.curvature == pytest.approx(CURVATURE, abs=1e-6)
    assert found.converged
    assert found.bound.tolist() == [0, 0]


def test_of_several_starts_the_best_end_counts():
    found = maximise(two_hills, [np.array([-2.5]), np.array([2.5])], [(-9, 9)])
    assert found.at == pytest.approx([3], abs=1e-6)


def test_the_starts_may_be_followed_on_an_approximation():
    asked = []

    def counted(point):
        asked.append(float(point[0]))
        return two_hills(point)

    starts = [np.array([-2.5]), np.array([2.5])]
    found = maximise(counted, starts, [(-9, 9)], approximation=two_hills)
    assert found.at == pytest.approx([3], abs=1e-6)
    assert min(asked) > 0  # the hill that is lower was not climbed again


@pytest.mark.parametrize(("limits", "bound", "at"), [((0.5, 9), -1, 0.5), ((-9, 0.1), 1, 0.1)])
def test_a_bound_that_is_reached_is_named(limits, bound, at):
    found = maximise(hill, [np.array([4.0, 4.0])], [limits, (-9, 9)])
    assert found.bound.tolist() == [bound, 0]
    assert found.at[0] == pytest.approx(at, abs=1e-6)
    # Along the bound the gradient is 0: the search has converged.
    assert found.at[1] == pytest.approx(TOP[1] - 0.5 * (at - TOP[0]), abs=1e-8)
    assert found.converged


def test_where_the_function_is_not_known_nothing_is_found():
    def half(point):
        return (np.nan, point * np.nan) if point[0] < 0 else hill(np.array([point[0], TOP[1]]))

    found = maximise(lambda p: (half(p)[0], half(p)[1][:1]), [np.array([2.0])], [(-9, 9)])
    assert found.at == pytest.approx([TOP[0]], abs=1e-6)
