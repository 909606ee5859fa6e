"""The process of the BG/BB: likelihood, P(alive), churn, expected purchases, by opportunities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rfmkit.btyd._beta_binomial import from_mean, log_chance, to_mean
from rfmkit.btyd._estimates import NO_DROP_OUT, homogeneous
from rfmkit.btyd._grouping import systematic_sample
from rfmkit.btyd._optimizer import maximise
from rfmkit.btyd._search_space import SearchSpace, in_space, mean_log_likelihood, weighted_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rfmkit.btyd._optimizer import Objective, Optimum

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BetaGeoBetaBinomialSpace(SearchSpace):
    """The coordinates of the BG/BB: mean and size of the two Beta distributions."""

    names: ClassVar = ("alpha", "beta", "gamma", "delta")
    starts: ClassVar = ((1.0, 1.0, 0.5, 3.0), (0.5, 2.0, 1.0, 1.0), (4.0, 6.0, 2.0, 20.0))
    limits: ClassVar = ((-16.0, 16.0), (-8.0, 11.0), (-16.0, 16.0), (-8.0, 11.0))
    boundaries: ClassVar = {
        (0, -1): ("no repeat purchase", "Nobody buys again."),
        (0, 1): (
            "certain purchase",
            "Everybody who is still a customer buys at every opportunity.",
        ),
        (1, -1): (
            "polarised purchases",
            "Customers buy at every opportunity while they stay, or never.",
        ),
        (1, 1): (
            "homogeneous purchases",
            homogeneous("often they buy", "probability", "alpha and beta"),
        ),
        (2, -1): NO_DROP_OUT,
        (2, 1): ("certain drop-out", "Everybody leaves before the next opportunity."),
        (3, -1): ("polarised drop-out", "Customers leave at once or never."),
        (3, 1): (
            "homogeneous drop-out",
            homogeneous("soon they leave", "probability", "gamma and delta"),
        ),
    }

    def natural(self, point: Floats, /) -> tuple[Floats, Floats]:
        """Return the parameters, with the Jacobian of their logarithms.

        The point is (logit alpha/(alpha+beta), log(alpha+beta)), followed by the same of gamma and
        delta.
        """
        buys, by_buys = from_mean(*point[:2])
        leaves, by_leaves = from_mean(*point[2:])
        jacobian = np.zeros((4, 4))
        jacobian[:2, :2], jacobian[2:, 2:] = by_buys, by_leaves
        return np.hstack([buys, leaves]), jacobian

    def point(self, params: Floats, /) -> Floats:
        """Return the point with these parameters."""
        return np.hstack([to_mean(*params[:2]), to_mean(*params[2:])])


def maximum_likelihood(x: Floats, t_x: Floats, n: Floats, weight: Floats) -> Optimum:
    """Return the maximum of the mean log-likelihood of rows with weights."""
    space = BetaGeoBetaBinomialSpace()
    some, sample_weight = systematic_sample(weight)

    def objective(rows: Any, weight: Floats) -> Objective:
        total = weighted_sum(lambda params: log_terms(params, x[rows], t_x[rows], n[rows]), weight)
        return mean_log_likelihood(in_space(space, total), float(weight.sum()))

    return maximise(
        objective(slice(None), weight),
        [space.point(np.array(start)) for start in space.starts],
        space.limits,
        approximation=objective(some, sample_weight),
    )


def log_terms(params: Floats, x: Floats, t_x: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the log-likelihood of each row, and its gradient in the parameters.

    A customer is still there after n opportunities, or has left before opportunity t_x + 1, t_x +
    2, ... or n: Fader, Hardie and Shang (2010), equation 5.
    """
    alpha, beta, gamma, delta = params
    total, gradient = _product(
        log_chance(alpha, beta, x, n - x), log_chance(gamma, delta, 0 * n, n)
    )
    gone, gone_gradient = _product(
        log_chance(alpha, beta, x, t_x - x), log_chance(gamma, delta, 0 * n + 1, t_x)
    )
    for silent in range(int(np.max(n - t_x, initial=0))):
        seen = t_x + silent  # opportunities before leaving
        together = np.where(seen < n, np.logaddexp(total, gone), total)
        share = np.where(seen < n, np.exp(gone - together), 0.0)[:, None]
        total, gradient = together, gradient * (1 - share) + gone_gradient * share
        # From here on the customer has stayed for one more opportunity, and has not taken it.
        missed, buys = beta + seen - x, alpha + beta + seen
        stayed, leaves = delta + seen, gamma + delta + seen + 1
        gone = gone + np.log(missed / buys) + np.log(stayed / leaves)
        gone_gradient = gone_gradient + np.stack(
            [-1 / buys, 1 / missed - 1 / buys, -1 / leaves, 1 / stayed - 1 / leaves], axis=1
        )
    return total, gradient


def _product(
    one: tuple[Floats, Floats], other: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return the logarithm of a product of chances with different parameters, and its gradient."""
    return one[0] + other[0], np.hstack([one[1], other[1]])


def alive(params: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
    """Return the probability of being a customer at opportunity n + 1."""
    alpha, beta, gamma, delta = params
    here = log_chance(alpha, beta, x, n - x)[0] + log_chance(gamma, delta, 0 * n, n + 1)[0]
    return np.clip(np.exp(here - log_terms(params, x, t_x, n)[0]), 0, 1)


def churn(params: Floats, x: Floats, t_x: Floats, n: Floats, ahead: int) -> Floats:
    """Return the probability of no purchase at opportunities n + 1 to n + ahead."""
    later = log_terms(params, x, t_x, n + ahead)[0]
    return np.clip(np.exp(later - log_terms(params, x, t_x, n)[0]), 0, 1)


def purchases(params: Floats, x: Floats, t_x: Floats, n: Floats, ahead: int) -> Floats:
    """Return the expected purchases at opportunities n + 1 to n + ahead.

    The sum over opportunities of P(still there) times the expected probability of buying.
    """
    alpha, beta, gamma, delta = params
    here = alive(params, x, t_x, n)
    total = np.zeros_like(here)
    for seen in range(1, ahead + 1):
        total += here
        here = here * (delta + n + seen) / (gamma + delta + n + seen)
    return np.asarray(total * (alpha + x) / (alpha + beta + n))
