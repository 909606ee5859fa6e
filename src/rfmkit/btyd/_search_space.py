"""Search spaces: the coordinates in which a likelihood is maximised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rfmkit.btyd._counts import dot

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts, Params
    from rfmkit.btyd._optimizer import Objective

    Floats = NDArray[np.float64]
    LogLikelihood = Callable[[Floats], tuple[float, Floats]]

Bound = tuple[int, int]
"""A bound of the search: the number of a coordinate, and -1 for its lower, 1 for its upper end."""
Limits = tuple[tuple[float, float], ...]
Boundaries = Mapping[Bound, tuple[str, str]]
Unidentified = Mapping[Bound, tuple[int, ...]]


class SearchSpace(Protocol):
    """Coordinates of a search, and the parameters of a model at each point.

    The coordinates are chosen so that every boundary of the parameter space, such as "nobody
    leaves", is a bound of a single coordinate.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in order: positive ones, followed by coefficients."""

    @property
    def limits(self) -> Limits:
        """The lower and the upper bound of each coordinate."""

    @property
    def boundaries(self) -> Boundaries:
        """The bounds with a meaning for the model: the name of each, and a sentence about it."""

    @property
    def unidentified(self) -> Unidentified:
        """The coordinates on which the likelihood does not depend at a bound."""
        return {}

    @property
    def coefficients(self) -> int:
        """The number of coefficients: the last parameters, which are logarithms already."""
        return 0

    @property
    def widths(self) -> Floats:
        """The change of each parameter (its logarithm, if positive) per unit of a coordinate."""
        return np.ones(len(self.names))

    def natural(self, point: Floats, /) -> tuple[Floats, Floats]:
        """Return the parameters at a point, and the Jacobian of their logarithms.

        In the rows of coefficients the Jacobian is that of the coefficients themselves.
        """

    def point(self, params: Floats, /) -> Floats:
        """Return the point with these parameters: the inverse of `natural`."""


class PurchaseProcess(SearchSpace, Protocol):
    """A buy-till-you-die model of purchases in continuous time: its formulas, without any data."""

    @property
    def starts(self) -> tuple[tuple[float, ...], ...]:
        """Parameters at which a search starts; the unit of time is the mean tenure."""

    @property
    def times(self) -> tuple[str, ...]:
        """The parameters that are times."""

    @property
    def shifted(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """The parameter that covariates of buying multiply, and the one of leaving.

        The sign is 1 if a greater value of the parameter means more purchases or leaving sooner,
        and -1 if it means the opposite.
        """

    @property
    def regularity(self) -> int:
        """The shape k of the Erlang distribution of times between purchases; 1 is exponential."""

    def log_terms(self, params: Any, counts: Counts, /) -> tuple[Floats, Floats]:
        """Return the log-likelihood of each row, and its gradient in the parameters."""

    def log_likelihood(self, params: Floats, counts: Counts, /) -> tuple[float, Floats]:
        """Return the log-likelihood of all customers, and its gradient in the parameters."""

    def alive(self, params: Params, x: Floats, t_x: Floats, T: Floats, /) -> Floats:
        """Return the probability that a customer has not left by T."""

    def churn(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float, /) -> Floats:
        """Return the probability of no purchase in (T, T + H]."""

    def purchases(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float, /) -> Floats:
        """Return the expected number of purchases in (T, T + H]."""


def mean_log_likelihood(at_point: LogLikelihood, customers: float) -> Objective:
    """Return the objective of a fit: the mean log-likelihood of a customer, and its gradient.

    Parameters
    ----------
    at_point : callable
        The log-likelihood of all customers at a point, and its gradient in the coordinates.
    customers : float
        The number of customers.
    """

    def mean(point: Floats) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):  # the optimizer steps back from what is not finite
            value, gradient = at_point(point)
        return float(value) / customers, gradient / customers

    return mean


def weighted_sum(
    log_terms: Callable[[Floats], tuple[Floats, Floats]], weight: Floats
) -> LogLikelihood:
    """Return the log-likelihood of all customers, from that of each row and its gradient."""

    def total(params: Floats) -> tuple[float, Floats]:
        terms, gradients = log_terms(params)
        return float(dot(weight, terms)), dot(weight, gradients)

    return total


def in_space(space: SearchSpace, of_params: LogLikelihood) -> LogLikelihood:
    """Return a log-likelihood of positive parameters as one of points, by the chain rule."""

    def at_point(point: Floats) -> tuple[float, Floats]:
        params, jacobian = space.natural(point)
        value, gradient = of_params(params)
        return value, (gradient * params) @ jacobian

    return at_point
