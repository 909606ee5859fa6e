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
NEWTON_STEPS: Final = 3


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
        Whether the search ended where the slope is nought.
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
    """Maximise a function that gives its gradient as well, by L-BFGS-B from each start.

    Parameters
    ----------
    objective : callable
        Point to value and gradient. The value is to be of the order of one, as a mean is.
    starts : sequence of arrays
        Where the search begins; the best end counts.
    limits : sequence of pairs
        Between which each coordinate is sought.
    rough : callable, optional
        A cheaper likeness of the objective, by which the starts are told apart: then only the best
        of them is followed on the objective itself.
    """
    from scipy.optimize import minimize

    def search(function: Objective, start: Floats, precision: float) -> tuple[float, Floats]:
        def loss(point: Floats) -> tuple[float, Floats]:
            value, slope = function(point)
            return (-value, -slope) if np.isfinite(value) else (1e10, np.zeros_like(point))

        found = minimize(
            loss, start, jac=True, method="L-BFGS-B", bounds=limits,
            options={"ftol": precision, "gtol": precision, "maxiter": 1000, "maxcor": 20},
        )  # fmt: skip
        return -float(found.fun), np.asarray(found.x)

    ends = [search(rough or objective, np.asarray(start, dtype=float), 1e-9) for start in starts]
    _, best = max(ends, key=lambda end: end[0])
    _, best = search(objective, best, 1e-13)
    low, high = np.array(limits, dtype=float).T
    bound = (best >= high - AT_BOUND).astype("int64") - (best <= low + AT_BOUND)
    best, value, slope, curvature = _newton(objective, best, bound == 0)
    return Optimum(best, value, curvature, bound, bool(np.all(np.abs(slope[bound == 0]) < LEVEL)))


def _curvature(objective: Objective, point: Floats) -> Floats:
    """Give the negative second derivatives, by central differences of the gradient."""
    rows = []
    for place in range(len(point)):
        step = np.zeros_like(point)
        step[place] = STEP
        rows.append((objective(point - step)[1] - objective(point + step)[1]) / (2 * STEP))
    both = np.array(rows)
    return np.asarray((both + both.T) / 2)


def _newton(
    objective: Objective, point: Floats, free: NDArray[np.bool_]
) -> tuple[Floats, float, Floats, Floats]:
    """Take the last steps by the curvature: L-BFGS stops a little before a flat top."""
    (value, slope), curvature = objective(point), _curvature(objective, point)
    for _ in range(NEWTON_STEPS):
        if not free.any() or np.all(np.abs(slope[free]) < FLAT):
            break
        try:
            np.linalg.cholesky(curvature[np.ix_(free, free)])
        except np.linalg.LinAlgError:
            break
        trial = point.copy()
        trial[free] += np.linalg.solve(curvature[np.ix_(free, free)], slope[free])
        found, steeper = objective(trial)
        if not found >= value - FLAT:
            break
        far = np.abs(trial - point).max() > STEP
        point, value, slope = trial, found, steeper
        curvature = _curvature(objective, point) if far else curvature
    return point, value, slope, curvature
