"""The optimum: a maximum of a likelihood, found from several starts, with its curvature."""

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
AT_BOUND: Final = 1e-6
LEVEL: Final = 1e-6
FLAT: Final = 1e-11
NEWTON_STEPS: Final = 12
NEAR: Final = 0.01
"""So little a limit may lie under the top, to be looked at: in log-likelihood a customer."""
UNKNOWN: Final = 1e10
"""What is sought away from: where the objective is not a number."""


@dataclass(frozen=True)
class Optimum:
    """Where a log-likelihood is greatest.

    Attributes
    ----------
    at : array
        The point, in the coordinates in which it was sought.
    value : float
        The log-likelihood there.
    curvature : array, square
        The negative second derivatives: its inverse is the covariance.
    bound : array of int, one a coordinate
        -1 and 1 where the lower and the upper limit of the search was reached, else 0.
    converged : bool
        Whether the search ended where the slope is 0.
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
    rough: Objective | None = None,
) -> Optimum:
    """Maximise a function that gives its gradient as well, from several starts.

    Truncated Newton steps (TNC of scipy, which keeps to limits and to this thread) lead from each
    start to an end, and full ones from the best end to the top.

    Parameters
    ----------
    objective : callable
        Point to value and gradient. The value is to be of the order of one, as a mean is.
    starts : sequence of arrays
        Where the search begins; the best end counts.
    limits : sequence of pairs
        Between which each coordinate is sought.
    rough : callable, optional
        A cheaper likeness of the objective, by which the ends are found: then only the best of
        them is followed on the objective itself.
    """
    limits = [(float(low), float(high)) for low, high in limits]
    ends = [_search(rough or objective, start, limits) for start in starts]
    best = _along_limits(rough or objective, *max(ends, key=lambda end: end[0]), limits)
    bound = _reached(best, limits)
    top = _newton(objective, best, bound == 0)
    if top is None or _left(top[0], limits) or (rough and bound.any()):
        # Too far from the top, or near a limit: the long way.
        best = _along_limits(objective, *_search(objective, best, limits), limits)
        bound = _reached(best, limits)
        top = _newton(objective, best, bound == 0) or (best, *objective(best))
    point, value, slope = top
    curvature = _curvature(objective, point)
    level = bool(np.all(np.abs(slope[bound == 0]) < LEVEL))
    return Optimum(point, value, curvature, bound, level)


def _search(
    function: Objective, start: Floats, limits: Sequence[tuple[float, float]]
) -> tuple[float, Floats]:
    from scipy.optimize import minimize

    def loss(point: Floats) -> tuple[float, Floats]:
        value, slope = function(point)
        return (-value, -slope) if np.isfinite(value) else (UNKNOWN, np.zeros_like(point))

    found = minimize(
        loss, np.asarray(start, dtype=float), jac=True, method="TNC", bounds=limits,
        options={"ftol": 1e-13, "gtol": 1e-9, "maxfun": 2000},
    )  # fmt: skip
    return -float(found.fun), np.asarray(found.x)


def _along_limits(
    function: Objective, value: float, point: Floats, limits: Sequence[tuple[float, float]]
) -> Floats:
    """Look on the limits, where a search on a slope that flattens out would end on its way."""
    for place, ends in enumerate(limits):
        for end in ends:
            trial = point.copy()
            trial[place] = end
            if point[place] == end or not function(trial)[0] > value - NEAR:
                continue
            pinned = [*limits[:place], (end, end), *limits[place + 1 :]]
            found, trial = _search(function, trial, pinned)
            if found > value + FLAT:
                value, point = found, trial
    return point


def _reached(point: Floats, limits: Sequence[tuple[float, float]]) -> NDArray[np.int64]:
    """Return the coordinates that lie on a limit: on the lower one -1, on the upper one 1."""
    low, high = np.array(limits).T
    above, below = point >= high - AT_BOUND, point <= low + AT_BOUND
    return np.asarray(above.astype("int64") - below.astype("int64"))


def _left(point: Floats, limits: Sequence[tuple[float, float]]) -> bool:
    low, high = np.array(limits).T
    return bool(np.any((point < low) | (point > high)))


def _curvature(objective: Objective, point: Floats) -> Floats:
    """Return the negative second derivatives, by central differences of the gradient."""
    rows = []
    for place in range(len(point)):
        step = np.zeros_like(point)
        step[place] = STEP
        rows.append((objective(point - step)[1] - objective(point + step)[1]) / (2 * STEP))
    both = np.array(rows)
    return np.asarray((both + both.T) / 2)


def _newton(
    objective: Objective, point: Floats, free: NDArray[np.bool_]
) -> tuple[Floats, float, Floats] | None:
    """Step to the top by the curvature where the steps begin; nothing, where they lose the way."""
    value, slope = objective(point)
    curvature = _curvature(objective, point)[np.ix_(free, free)]
    if not np.isfinite(curvature).all() or np.any(np.linalg.eigvalsh(curvature) <= 0):
        return None
    inverse = np.linalg.inv(curvature)
    for _ in range(NEWTON_STEPS):
        if np.all(np.abs(slope[free]) < FLAT):
            break
        trial = point.copy()
        trial[free] += inverse @ slope[free]
        found, steep = objective(trial)
        if not found >= value - FLAT:
            return None
        better = np.abs(steep[free]).max() < np.abs(slope[free]).max()
        if not better:
            break  # as level as doubles tell
        point, value, slope = trial, found, steep
    return point, value, slope
