"""Coordinates: where the search for coefficients of covariates goes, beside the parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.btyd._counts import dot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts
    from rfmkit.btyd._covariates import Covariates
    from rfmkit.btyd._optimizer import Objective
    from rfmkit.btyd._search_space import Likelihood

    Floats = NDArray[np.float64]

MOST_EFFECT: Final = 12.0
"""The largest effect that is sought, of a level or of a standard deviation: a factor of e^12."""


@dataclass(frozen=True)
class Coordinates:
    """Those of the model, for a customer of mean covariates, and a coefficient each.

    Covariates are measured from their mean, numbers in standard deviations, so that neither their
    unit nor their zero matters to the search.

    Attributes
    ----------
    model : Likelihood
        Whose parameters they are.
    covariates : Covariates
        The design.
    centre, scale : arrays
        Of its columns.
    """

    model: Likelihood
    covariates: Covariates
    centre: Floats
    scale: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, and the coefficients."""
        return (*self.model.names, *self.covariates.labels)

    @property
    def limits(self) -> tuple[tuple[float, float], ...]:
        """Between which they lie."""
        return (*self.model.limits, *[(-MOST_EFFECT, MOST_EFFECT)] * len(self.scale))

    @property
    def boundaries(self) -> dict[tuple[int, int], tuple[str, str]]:
        """Those of the model, and a coefficient without end."""
        own = len(self.model.names)
        found = {
            face: (name, f"Covariates apart: {meaning}")
            for face, (name, meaning) in self.model.boundaries.items()
        }
        for place, label in enumerate(self.covariates.labels):
            process = "buy" if label.startswith("buying") else "leave"
            for side, speed in ((-1, "slowly"), (1, "soon")):
                found[own + place, side] = (
                    f"no end of {label}",
                    f"By {label} customers {process} so {speed} that the data set it no limit.",
                )
        return found

    @property
    def moot(self) -> dict[tuple[int, int], tuple[int, ...]]:
        """Those of the model; where none or all leave, or buy, no covariate says who does."""
        own, first = len(self.model.names), len(self.covariates.buying)
        buying, leaving = range(own, own + first), range(own + first, own + len(self.scale))
        found = {face: (*other, *leaving) for face, other in self.model.moot.items()}
        return {**found, (0, -1): tuple(buying)}

    @property
    def widths(self) -> Floats:
        """What each parameter moves by, per unit of its coordinate: those of logarithms 1."""
        return np.array([*np.ones(len(self.model.names)), *(1 / self.scale)])

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Return the parameters of a customer without covariates, and the coefficients."""
        own = len(self.model.names)
        base, by_base = self.model.natural(point[:own])
        coefficients = point[own:] / self.scale
        by_point = np.zeros((len(point), len(point)))
        by_point[:own, :own] = by_base
        by_point[own:, own:] = np.diag(1 / self.scale)
        for place, sign, part in moves(self.model, self.covariates):
            with np.errstate(over="ignore"):
                base[place] *= np.exp(-sign * dot(coefficients[part], self.centre[part]))
            columns = np.arange(own, len(point))[part]
            by_point[place, columns] = -sign * self.centre[part] / self.scale[part]
        return np.concatenate([base, coefficients]), by_point

    def point(self, params: Floats) -> Floats:
        """Return the coordinates of parameters and coefficients."""
        own = len(self.model.names)
        base, coefficients = params[:own].copy(), params[own:]
        for place, sign, part in moves(self.model, self.covariates):
            base[place] *= np.exp(sign * dot(coefficients[part], self.centre[part]))
        return np.concatenate([self.model.point(base), coefficients * self.scale])

    def objective(self, counts: Counts) -> Objective:
        """Make what is maximised: the mean log-likelihood of a customer, at a point."""
        z, own, share = counts.z, len(self.model.names), counts.weight / counts.customers
        assert z is not None  # noqa: S101 (for the types)

        def mean(point: Floats) -> tuple[float, Floats]:
            base, by_base = self.model.natural(point[:own])
            with np.errstate(all="ignore"):
                params = varied(self.model, base, point[own:], z, self.covariates)
                terms, slopes = self.model.log_terms(params, counts)
                by_log = [share * slopes[:, place] * each for place, each in enumerate(params)]
            slope = np.zeros(len(point))
            slope[:own] = np.array([by.sum() for by in by_log]) @ by_base
            for place, sign, part in moves(self.model, self.covariates):
                slope[own:][part] = sign * dot(by_log[place], z[:, part])
            return float(dot(share, terms)), slope

        return mean


def coordinates(
    model: Likelihood, covariates: Covariates, design: Floats, weight: Floats
) -> tuple[Coordinates, Floats]:
    """Measure the design from its mean, and give it so."""
    share = weight / weight.sum()
    centre = dot(share, design)
    apart = design - centre
    levels = [
        all(level is not None for _, level in product)
        for product in (*covariates.buying, *covariates.leaving)
    ]
    scale = np.where(levels, 1.0, np.sqrt(dot(share, apart**2)))
    return Coordinates(model, covariates, centre, scale), apart / scale


def moves(model: Likelihood, covariates: Covariates) -> Iterator[tuple[int, int, slice]]:
    """Return each parameter that covariates move: its place, up or down, and by which columns."""
    first, last = len(covariates.buying), len(covariates.buying) + len(covariates.leaving)
    for (name, sign), part in zip(model.moved, (slice(0, first), slice(first, last)), strict=True):
        if part.start < part.stop:
            yield model.names.index(name), sign, part


def varied(
    model: Likelihood,
    params: Floats,
    coefficients: Floats,
    design: Floats,
    covariates: Covariates,
) -> list[Any]:
    """Return the parameters of each customer, those that are moved as an array."""
    each: list[Any] = params.tolist()
    for place, sign, part in moves(model, covariates):
        effect = np.einsum("ij,j->i", design[:, part], coefficients[part])
        each[place] = params[place] * np.exp(sign * effect)
    return each
