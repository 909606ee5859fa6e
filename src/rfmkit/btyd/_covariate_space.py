"""The coordinates of a fit with covariates: those of the model, and one per coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.btyd._counts import dot
from rfmkit.btyd._search_space import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts
    from rfmkit.btyd._covariates import Covariates
    from rfmkit.btyd._search_space import Boundaries, Limits, PurchaseProcess, Unidentified

    Floats = NDArray[np.float64]

MAX_EFFECT: Final = 12.0
"""Bound of the effect of a level, or of one standard deviation: a factor of e^12."""


@dataclass(frozen=True)
class CovariateSpace(SearchSpace):
    """Coordinates of the model at mean covariates, followed by one coordinate per coefficient.

    Columns of the design are centred, and numeric ones divided by their standard deviation, so that
    the search depends neither on the unit nor on the zero of a covariate.

    Attributes
    ----------
    process : PurchaseProcess
        The model.
    covariates : Covariates
        The designs of buying and leaving.
    centre, scale : float64 arrays
        The mean of each column of the design, and its standard deviation (1 for levels).
    """

    process: PurchaseProcess
    covariates: Covariates
    centre: Floats
    scale: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters of the model, and the coefficients."""
        return (*self.process.names, *self.covariates.labels)

    @property
    def limits(self) -> Limits:
        """The bounds of the coordinates."""
        return (*self.process.limits, *[(-MAX_EFFECT, MAX_EFFECT)] * len(self.scale))

    @property
    def coefficients(self) -> int:
        """The number of coefficients."""
        return len(self.scale)

    @property
    def boundaries(self) -> Boundaries:
        """The boundaries of the model, and the bounds of the coefficients."""
        own = len(self.process.names)
        found = {
            bound: (name, f"At mean covariates: {meaning}")
            for bound, (name, meaning) in self.process.boundaries.items()
        }
        for place, label in enumerate(self.covariates.labels):
            process = "buy" if label.startswith("buying") else "leave"
            for side, speed in ((-1, "slowly"), (1, "soon")):
                found[own + place, side] = (
                    f"{label} without bound",
                    f"With {label} customers {process} so {speed} that the data give no bound.",
                )
        return found

    @property
    def unidentified(self) -> Unidentified:
        """Those of the model, and coefficients of a process in which customers do not differ.

        If nobody or everybody leaves, no covariate explains leaving; if nobody buys again, none
        explains buying.
        """
        own, first = len(self.process.names), len(self.covariates.buying)
        buying, leaving = range(own, own + first), range(own + first, own + len(self.scale))
        found = {bound: (*more, *leaving) for bound, more in self.process.unidentified.items()}
        return {**found, (0, -1): tuple(buying)}

    @property
    def widths(self) -> Floats:
        """The change of each parameter per unit of its coordinate; 1 for logarithms."""
        return np.array([*np.ones(len(self.process.names)), *(1 / self.scale)])

    def natural(self, point: Floats, /) -> tuple[Floats, Floats]:
        """Return the parameters at covariates of 0 and the coefficients, and the Jacobian."""
        own = len(self.process.names)
        base, base_jacobian = self.process.natural(point[:own])
        coefficients = point[own:] / self.scale
        jacobian = np.zeros((len(point), len(point)))
        jacobian[:own, :own] = base_jacobian
        jacobian[own:, own:] = np.diag(1 / self.scale)
        for place, sign, part in shifts(self.process, self.covariates):
            with np.errstate(over="ignore"):
                base[place] *= np.exp(-sign * dot(coefficients[part], self.centre[part]))
            columns = np.arange(own, len(point))[part]
            jacobian[place, columns] = -sign * self.centre[part] / self.scale[part]
        return np.concatenate([base, coefficients]), jacobian

    def point(self, params: Floats, /) -> Floats:
        """Return the point with these parameters and coefficients."""
        own = len(self.process.names)
        base, coefficients = params[:own].copy(), params[own:]
        for place, sign, part in shifts(self.process, self.covariates):
            base[place] *= np.exp(sign * dot(coefficients[part], self.centre[part]))
        return np.concatenate([self.process.point(base), coefficients * self.scale])

    def log_likelihood(self, point: Floats, counts: Counts) -> tuple[float, Floats]:
        """Return the log-likelihood of all customers at a point, and its gradient.

        `counts.z` holds the design, centred and scaled as `covariate_space` returns it.
        """
        z, own = counts.z, len(self.process.names)
        assert z is not None  # noqa: S101 (for the type checker)
        base, base_jacobian = self.process.natural(point[:own])
        params = shifted_params(self.process, base, point[own:], z, self.covariates)
        terms, gradients = self.process.log_terms(params, counts)
        by_log = [counts.weight * gradients[:, place] * each for place, each in enumerate(params)]
        gradient = np.zeros(len(point))
        gradient[:own] = np.array([by.sum() for by in by_log]) @ base_jacobian
        for place, sign, part in shifts(self.process, self.covariates):
            gradient[own:][part] = sign * dot(by_log[place], z[:, part])
        return float(dot(counts.weight, terms)), gradient


def covariate_space(
    process: PurchaseProcess, covariates: Covariates, design: Floats, weight: Floats
) -> tuple[CovariateSpace, Floats]:
    """Return the coordinates of a fit with covariates, and the design centred and scaled."""
    share = weight / weight.sum()
    centre = dot(share, design)
    centred = design - centre
    is_level = [
        all(level is not None for _, level in product)
        for product in (*covariates.buying, *covariates.leaving)
    ]
    scale = np.where(is_level, 1.0, np.sqrt(dot(share, centred**2)))
    return CovariateSpace(process, covariates, centre, scale), centred / scale


def shifts(process: PurchaseProcess, covariates: Covariates) -> Iterator[tuple[int, int, slice]]:
    """Return each parameter that covariates multiply: its number, the sign, and the columns."""
    first, last = len(covariates.buying), len(covariates.buying) + len(covariates.leaving)
    parts = (slice(0, first), slice(first, last))
    for (name, sign), part in zip(process.shifted, parts, strict=True):
        if part.start < part.stop:
            yield process.names.index(name), sign, part


def shifted_params(
    process: PurchaseProcess,
    params: Floats,
    coefficients: Floats,
    design: Floats,
    covariates: Covariates,
) -> list[Any]:
    """Return the parameters of each customer: an array where they depend on covariates."""
    each: list[Any] = params.tolist()
    for place, sign, part in shifts(process, covariates):
        effect = np.einsum("ij,j->i", design[:, part], coefficients[part])
        each[place] = params[place] * np.exp(sign * effect)
    return each
