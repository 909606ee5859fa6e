"""The optimizer: the maximum of a log-likelihood within bounds, and the curvature there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Objective = Callable[[Floats], tuple[float, Floats]]

STEP: Final = 1e-4
"""Step of the central differences of the gradient."""
AT_BOUND: Final = 1e-6
"""A coordinate within this distance of a bound is on the bound."""
GRADIENT_TOLERANCE: Final = 1e-6
"""The fit has converged if no free component of the gradient is larger."""
TOLERANCE: Final = 1e-11
"""Smallest difference of mean log-likelihoods that counts; also where Newton's method stops."""
NEWTON_STEPS: Final = 12
NEAR_OPTIMUM: Final = 0.01
"""A bound is searched only if the mean log-likelihood on it is at most this much lower."""
NOT_FINITE: Final = 1e10
"""Loss where the objective is not a number: the search moves away from it."""


@dataclass(frozen=True)
class Optimum:
    """The maximum of a mean log-likelihood.

    Attributes
    ----------
    at : float64 array
        The point, in the coordinates of the search.
    value : float
        The objective at the point.
    curvature : float64 array, square
        The negative Hessian at the point: its inverse, over the number of customers, is the
        covariance of the estimates.
    bound : int64 array
        For each coordinate -1 at its lower bound, 1 at its upper bound, and 0 between them.
    converged : bool
        Whether the gradient of the coordinates between their bounds is 0, up to a tolerance.
    """

    at: Floats
    value: float
    curvature: Floats
    bound: NDArray[np.int64]
    converged: bool


def maximise(
    objective: Objective,
    starts: Sequence[Floats],
    limits: Sequence[tuple[float, float]],
    *,
    approximation: Objective | None = None,
) -> Optimum:
    """Return the maximum of a function within bounds, from several starting points.

    A truncated Newton method (TNC of scipy, which keeps bounds and uses one thread) finds a local
    maximum from each start. Newton's method then refines the best of them.

    Parameters
    ----------
    objective : callable
        The value and the gradient at a point. Tolerances are absolute: the value must be of order
        1, as the mean log-likelihood of a customer is.
    starts : sequence of float64 arrays
        The starting points.
    limits : sequence of (lower, upper)
        The bounds of each coordinate.
    approximation : callable, optional
        A cheaper function with almost the same maximum, such as the objective of a sample. All
        starts are followed on it, and only the best result is refined on the objective.

    Returns
    -------
    Optimum
        The maximum.
    """
    limits = [(float(low), float(high)) for low, high in limits]
    cheap = approximation or objective
    found = [_local_maximum(cheap, start, limits) for start in starts]
    best = _search_bounds(cheap, *max(found, key=lambda pair: pair[0]), limits)
    bound = _active_bounds(best, limits)
    refined = _newton(objective, best, bound == 0)
    if refined is None or _is_outside(refined[0], limits) or (approximation and bound.any()):
        # Newton's method did not converge, or the sample may have other active bounds than all
        # customers: search again on the objective itself.
        best = _search_bounds(objective, *_local_maximum(objective, best, limits), limits)
        bound = _active_bounds(best, limits)
        refined = _newton(objective, best, bound == 0) or (best, *objective(best))
    point, value, gradient = refined
    curvature = _negative_hessian(objective, point)
    converged = bool(np.all(np.abs(gradient[bound == 0]) < GRADIENT_TOLERANCE))
    return Optimum(point, value, curvature, bound, converged)


def _local_maximum(
    function: Objective, start: Floats, limits: Sequence[tuple[float, float]]
) -> tuple[float, Floats]:
    """Return the value and the point of a local maximum within the bounds."""
    from scipy.optimize import minimize

    def loss(point: Floats) -> tuple[float, Floats]:
        value, gradient = function(point)
        return (-value, -gradient) if np.isfinite(value) else (NOT_FINITE, np.zeros_like(point))

    found = minimize(
        loss, np.asarray(start, dtype=float), jac=True, method="TNC", bounds=limits,
        options={"ftol": 1e-13, "gtol": 1e-9, "maxfun": 2000},
    )  # fmt: skip
    return -float(found.fun), np.asarray(found.x)


def _search_bounds(
    function: Objective, value: float, point: Floats, limits: Sequence[tuple[float, float]]
) -> Floats:
    """Return the best point with a coordinate on a bound, if it is better than the given point.

    Towards a bound the gradient tends to 0, so that a search may stop before it reaches the bound.
    """
    for place, ends in enumerate(limits):
        for end in ends:
            trial = point.copy()
            trial[place] = end
            if point[place] == end or not function(trial)[0] > value - NEAR_OPTIMUM:
                continue
            fixed = [*limits[:place], (end, end), *limits[place + 1 :]]
            found, trial = _local_maximum(function, trial, fixed)
            if found > value + TOLERANCE:
                value, point = found, trial
    return point


def _active_bounds(point: Floats, limits: Sequence[tuple[float, float]]) -> NDArray[np.int64]:
    """Return -1 for coordinates on their lower bound, 1 on their upper bound, and else 0."""
    low, high = np.array(limits).T
    above, below = point >= high - AT_BOUND, point <= low + AT_BOUND
    return np.asarray(above.astype("int64") - below.astype("int64"))


def _is_outside(point: Floats, limits: Sequence[tuple[float, float]]) -> bool:
    low, high = np.array(limits).T
    return bool(np.any((point < low) | (point > high)))


def _negative_hessian(objective: Objective, point: Floats) -> Floats:
    """Return the negative Hessian, by central differences of the gradient."""
    rows = []
    for place in range(len(point)):
        step = np.zeros_like(point)
        step[place] = STEP
        rows.append((objective(point - step)[1] - objective(point + step)[1]) / (2 * STEP))
    hessian = np.array(rows)
    return np.asarray((hessian + hessian.T) / 2)


def _newton(
    objective: Objective, point: Floats, free: NDArray[np.bool_]
) -> tuple[Floats, float, Floats] | None:
    """Return point, value and gradient after Newton steps with the Hessian of the first point.

    None if the function is not concave there, or if a step decreases it.
    """
    value, gradient = objective(point)
    curvature = _negative_hessian(objective, point)[np.ix_(free, free)]
    if not np.isfinite(curvature).all() or np.any(np.linalg.eigvalsh(curvature) <= 0):
        return None
    inverse = np.linalg.inv(curvature)
    for _ in range(NEWTON_STEPS):
        if np.all(np.abs(gradient[free]) < TOLERANCE):
            break
        trial = point.copy()
        trial[free] += inverse @ gradient[free]
        found, next_gradient = objective(trial)
        if not found >= value - TOLERANCE:
            return None
        if not np.abs(next_gradient[free]).max() < np.abs(gradient[free]).max():
            break  # the gradient is 0 up to rounding
        point, value, gradient = trial, found, next_gradient
    return point, value, gradient
