"""The problem that a fit solves: customers, the coordinates of the search, and its starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rfmkit.btyd._covariate_space import CovariateSpace, covariate_space
from rfmkit.btyd._optimizer import maximise
from rfmkit.btyd._search_space import in_space, mean_log_likelihood
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts
    from rfmkit.btyd._covariates import Covariates
    from rfmkit.btyd._optimizer import Objective, Optimum
    from rfmkit.btyd._search_space import PurchaseProcess

    Floats = NDArray[np.float64]

"""Rows on which the search is done first; only the last steps are done on all of them."""


@dataclass(frozen=True)
class FitProblem:
    """The likelihood of customers, to be maximised.

    Attributes
    ----------
    process : PurchaseProcess
        The model.
    space : PurchaseProcess or CovariateSpace
        The coordinates of the search: those of the model, or those with coefficients.
    counts : Counts
        The customers, in mean tenures, with the design if there are covariates.
    scale : float
        The mean tenure, in the unit of time of the parameters.
    """

    process: PurchaseProcess
    space: PurchaseProcess | CovariateSpace
    counts: Counts
    scale: float

    @property
    def units(self) -> Floats:
        """The unit of each parameter of the search; 1 for those that are no times."""
        unit = np.ones(len(self.space.names))
        own = self.process.names
        unit[: len(own)] = [self.scale if name in self.process.times else 1.0 for name in own]
        return unit

    def objective(self, counts: Counts) -> Objective:
        """Return the mean log-likelihood of customers as a function of the point."""
        space, process = self.space, self.process
        if isinstance(space, CovariateSpace):
            at_point = lambda point: space.log_likelihood(point, counts)  # noqa: E731
        else:
            at_point = in_space(process, lambda params: process.log_likelihood(params, counts))
        return mean_log_likelihood(at_point, counts.customers)

    def solve(self) -> Optimum:
        """Return the maximum of the likelihood.

        Raises
        ------
        RfmkitError
            The covariates are so far from 0 that the parameters at covariates of 0 overflow.
        """
        starts = [self.process.point(np.array(start)) for start in self.process.starts]
        sample = self.counts.thinned()
        if not isinstance(self.space, CovariateSpace):
            return maximise(
                self.objective(self.counts), starts, self.space.limits,
                approximation=self.objective(sample),
            )  # fmt: skip
        # Coefficients start at 0, and the parameters also at the fit without covariates.
        alone = replace(self, space=self.process)
        without = maximise(alone.objective(replace(sample, z=None)), starts, self.process.limits)
        zeros = np.zeros(self.space.coefficients)
        starts = [np.concatenate([start, zeros]) for start in (without.at, *starts)]
        everybody, limits = self.objective(self.counts), self.space.limits
        found = maximise(everybody, starts, limits, approximation=self.objective(sample))
        if not found.converged:  # a sample may hold too few customers of a rare level
            found = maximise(everybody, [found.at], limits)
        own = self.space.natural(found.at)[0][: len(self.process.names)]
        if not (np.isfinite(own) & (own > 0)).all():
            raise RfmkitError(
                "Covariates must be centred: their mean is too large relative to their spread.",
                found="parameters of a customer with covariates 0 that no float can hold",
                hint="subtract the mean of each numeric covariate first.",
            )
        return found

    def log_likelihood(self, found: Optimum) -> float:
        """Return the log-likelihood at a maximum, in the unit of time of the parameters.

        A density of times has the unit 1 / time, k times for each of the repeat purchases.
        """
        times = self.process.regularity * self.counts.repeats
        return float(found.value * self.counts.customers - times * np.log(self.scale))


def problem_of(process: PurchaseProcess, counts: Counts) -> FitProblem:
    """Return the problem of a fit without covariates."""
    scaled = counts.scaled()
    return FitProblem(process, process, scaled, scaled.unit_days / counts.unit_days)


def problem_with_covariates(
    process: PurchaseProcess, counts: Counts, covariates: Covariates, values: Mapping[str, Any]
) -> FitProblem:
    """Return the problem of a fit with covariates; `values` are those of each row of the counts."""
    design = covariates.matrix(covariates.code(values))
    space, z = covariate_space(process, covariates, design, counts.weight)
    scaled = replace(counts.scaled(), z=z)
    return FitProblem(process, space, scaled, scaled.unit_days / counts.unit_days)
