"""Distributions of gaps given covariates: cumulative hazards, and scores of the coefficients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import numpy as np

from rfmkit._checks import CENTURY
from rfmkit.cycle._survival import Tail, fit_tail
from rfmkit.exceptions import NotFittedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Designs = Mapping[str, Floats]
    Predicted = Mapping[str, Floats]
    Scores = dict[str, Floats]

MIN_AT_RISK: Final = 10
HALVINGS: Final = 60
WITHOUT_COVARIATES: Final = ("shape", "spread")
"""Parameters that have an intercept only."""
# In alphabetical order, as lifelines orders parameters.
CURE: Final = {"lambda_": "time", "never_": "never", "rho_": "shape"}


class Durations(NamedTuple):
    """Rows of gaps: their length in days, whether they ended (1 or 0), and how many there are."""

    days: Floats
    ended: Floats
    gaps: Floats


class Distribution(ABC):
    """A distribution of gaps whose parameters are linear in covariates."""

    ties: ClassVar[bool] = False
    """Whether lifelines treats tied gaps differently from one row with their number as weight."""
    intercept: ClassVar[bool] = True
    """Whether the parameters have an intercept."""

    @property
    @abstractmethod
    def parts(self) -> Mapping[str, str]:
        """The parameters: lifelines' name of each, and the name in `GapRegression.summary_`."""

    @abstractmethod
    def hazard(self, predicted: Predicted, days: Floats) -> Floats:
        """Return the cumulative hazard, -log S."""

    @abstractmethod
    def scores(self, designs: Designs, predicted: Predicted, durations: Durations) -> Scores:
        """Return the score of one gap of each row: log-likelihood derivatives by coefficient."""


@dataclass(frozen=True)
class LocationScale(Distribution):
    """Accelerated failure times: log T is a location plus a scaled error.

    With z = shape (log t - location), the cumulative hazard is a function H(z). A coefficient c of
    the location makes all gaps exp(c) times as long.

    Attributes
    ----------
    location, shape : str
        lifelines' names of the two parameters.
    cumulative : callable
        H(z).
    slopes : callable
        The derivatives of H and of log H' at z.
    inverse : bool
        Whether lifelines' second parameter is 1 / shape.
    """

    location: str
    shape: str
    cumulative: Callable[[Floats], Floats]
    slopes: Callable[[Floats], tuple[Floats, Floats]]
    inverse: bool = False

    @property
    def parts(self) -> Mapping[str, str]:
        """The parameters: lifelines' name of each, and the name in `GapRegression.summary_`."""
        return {self.location: "time", self.shape: "spread" if self.inverse else "shape"}

    def standardized(self, predicted: Predicted, days: Floats) -> tuple[Floats, Floats]:
        """Return z and the shape."""
        sign = -1.0 if self.inverse else 1.0
        shape = np.exp(sign * predicted[self.shape])
        with np.errstate(divide="ignore"):
            return shape * (np.log(days) - predicted[self.location]), shape

    def hazard(self, predicted: Predicted, days: Floats) -> Floats:
        """Return the cumulative hazard, -log S."""
        return self.cumulative(self.standardized(predicted, days)[0])

    def scores(self, designs: Designs, predicted: Predicted, durations: Durations) -> Scores:
        """Return the score of one gap of each row: log-likelihood derivatives by coefficient."""
        z, shape = self.standardized(predicted, durations.days)
        by_z, by_log_hazard = self.slopes(z)
        slope = durations.ended * by_log_hazard - by_z
        return self.by_coefficient(designs, z, shape, slope, durations.ended)

    def by_coefficient(
        self, designs: Designs, z: Floats, shape: Floats, slope: Floats, ended: Floats
    ) -> dict[str, Floats]:
        """Return scores by the chain rule: dz/dlocation = -shape, dz/dlog(shape) = z."""
        sign = -1.0 if self.inverse else 1.0
        return {
            self.location: designs[self.location] * (-shape * slope)[:, None],
            self.shape: designs[self.shape] * (sign * (ended + z * slope))[:, None],
        }


class MixtureCure(Distribution):
    """A mixture cure model: S = c + (1 - c) S_W, with Weibull's S_W and a share c without return.

    The log-odds of c and the location of S_W are linear in the covariates: Farewell (1982), "The
    use of mixture models for the analysis of survival data with long-term survivors", Biometrics
    38.
    """

    @property
    def parts(self) -> Mapping[str, str]:
        """The parameters: lifelines' name of each, and the name in `GapRegression.summary_`."""
        return CURE

    def hazard(self, predicted: Predicted, days: Floats) -> Floats:
        """Return the cumulative hazard, -log S."""
        from scipy.special import log_expit

        odds = predicted["never_"]
        lasts = log_expit(-odds) - WEIBULL.hazard(predicted, days)
        return np.asarray(-np.logaddexp(log_expit(odds), lasts))

    def scores(self, designs: Designs, predicted: Predicted, durations: Durations) -> Scores:
        """Return the score of one gap of each row: log-likelihood derivatives by coefficient."""
        from scipy.special import expit, log_expit

        odds = predicted["never_"]
        z, shape = WEIBULL.standardized(predicted, durations.days)
        by_z, by_log_hazard = WEIBULL.slopes(z)
        # Of an open gap: the probability that it will end.
        later = expit(log_expit(-odds) - WEIBULL.cumulative(z) - log_expit(odds))
        returns = np.where(durations.ended > 0, 1.0, later)
        slope = durations.ended * by_log_hazard - returns * by_z
        found = WEIBULL.by_coefficient(designs, z, shape, slope, durations.ended)
        return found | {"never_": designs["never_"] * (expit(-odds) - returns)[:, None]}


@dataclass(frozen=True)
class Baseline:
    """The baseline cumulative hazard of a Cox model, by day.

    Attributes
    ----------
    cumulative : array, a value a day from 0
        The cumulative hazard where the linear predictor is `level`.
    tail_from : int
        The day from which the tail continues it.
    tail : Tail
        The extrapolated hazard.
    level : float
        The mean linear predictor of the gaps.
    """

    cumulative: Floats
    tail_from: int
    tail: Tail
    level: float

    @classmethod
    def estimate(cls, durations: Durations, predicted: Floats) -> Baseline:
        """Return Breslow's estimator, on whole days.

        Breslow (1972), discussion of D. R. Cox, "Regression models and life-tables", Journal of
        the Royal Statistical Society B 34.
        """
        level = float(np.average(predicted, weights=durations.gaps))
        day = np.ceil(durations.days).astype(int)
        length = int(day.max()) + 1
        risks = durations.gaps * np.exp(predicted - level)
        held, risk, returns = (
            np.bincount(day, part, minlength=length).astype(float)
            for part in (durations.gaps, risks, durations.gaps * durations.ended)
        )
        held, risk = held[::-1].cumsum()[::-1], risk[::-1].cumsum()[::-1]
        enough = np.flatnonzero((returns > 0) & (held >= min(MIN_AT_RISK, held[0] / 2)))
        tail_from = int(enough[-1]) if len(enough) else 0
        tail, _ = fit_tail(risk, returns, tail_from)
        return cls((returns / risk).cumsum(), tail_from, tail, level)

    def hazard(self, days: Floats) -> Floats:
        """Return the cumulative hazard after each number of days."""
        inside = self.cumulative[np.clip(days, 0, self.tail_from).astype(int)]
        return np.asarray(inside + self.tail.hazard(np.maximum(days - self.tail_from, 0)))


@dataclass(frozen=True)
class Cox(Distribution):
    """Cox's proportional hazards: covariates multiply a baseline hazard of any form.

    Beyond the data the baseline continues with the tail of `rfmkit.cycle._survival`.
    """

    baseline: Baseline | None = None
    ties: ClassVar[bool] = True
    intercept: ClassVar[bool] = False

    @property
    def parts(self) -> Mapping[str, str]:
        """The parameters: lifelines' name of each, and the name in `GapRegression.summary_`."""
        return {"beta_": "hazard"}

    def hazard(self, predicted: Predicted, days: Floats) -> Floats:
        """Return the cumulative hazard, -log S."""
        if self.baseline is None:
            raise NotFittedError(
                "The hazard of a Cox model needs a fit.",
                found="a model that has not been fitted",
                hint="call .fit(orders) first.",
            )
        risk = np.exp(predicted["beta_"] - self.baseline.level)
        return np.asarray(risk * self.baseline.hazard(days))

    def scores(self, designs: Designs, predicted: Predicted, durations: Durations) -> Scores:
        """Return the score residuals of the partial likelihood, for one gap of each row.

        Lin and Wei (1989), "The robust inference for the Cox proportional hazards model", JASA 84:
        the covariates minus their mean over the gaps at risk, at the return, minus the same
        difference integrated over the hazard of the row.
        """
        columns, predictor = designs["beta_"], predicted["beta_"]
        risk = np.exp(predictor - predictor.mean())
        distinct, place = np.unique(durations.days, return_inverse=True)

        def by_time(part: Floats) -> Floats:
            sums = np.zeros((len(distinct), *part.shape[1:]))
            np.add.at(sums, place, part)
            return sums

        weighted = durations.gaps * risk
        at_risk = by_time(weighted)[::-1].cumsum()[::-1]
        sums = by_time(weighted[:, None] * columns)[::-1].cumsum(axis=0)[::-1]
        mean = sums / at_risk[:, None]
        step = by_time(durations.gaps * durations.ended) / at_risk
        hazard, drift = step.cumsum(), (step[:, None] * mean).cumsum(axis=0)
        observed = durations.ended[:, None] * (columns - mean[place])
        expected = risk[:, None] * (columns * hazard[place, None] - drift[place])
        return {"beta_": observed - expected}


def _weibull(z: Floats) -> tuple[Floats, Floats]:
    return np.exp(z), np.ones_like(z)


def _lognormal(z: Floats) -> tuple[Floats, Floats]:
    from scipy.special import log_ndtr

    hazard = np.exp(-(z**2) / 2 - np.log(2 * np.pi) / 2 - log_ndtr(-z))
    return hazard, hazard - z


def _lognormal_cumulative(z: Floats) -> Floats:
    from scipy.special import log_ndtr

    return np.asarray(-log_ndtr(-z))


def _loglogistic(z: Floats) -> tuple[Floats, Floats]:
    from scipy.special import expit

    return expit(z), expit(-z)


WEIBULL: Final = LocationScale("lambda_", "rho_", np.exp, _weibull)
DISTRIBUTIONS: Final[dict[str, Distribution]] = {
    "weibull": WEIBULL,
    "lognormal": LocationScale("mu_", "sigma_", _lognormal_cumulative, _lognormal, inverse=True),
    "loglogistic": LocationScale("alpha_", "beta_", lambda z: np.logaddexp(0, z), _loglogistic),
    "cox": Cox(),
    "mixture_cure": MixtureCure(),
}


def median_days(hazard: Callable[[Floats], Floats], silent: Floats) -> Floats:
    """Return the days from now until half of such gaps have ended, by bisection on log days.

    Half have ended where the cumulative hazard has grown by log 2. NaN beyond a hundred years.
    """
    start = hazard(silent)
    low, high = np.full_like(silent, -5.0), np.full_like(silent, np.log(CENTURY))
    never = hazard(silent + CENTURY) - start < np.log(2)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        reached = hazard(silent + np.exp(middle)) - start >= np.log(2)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.where(never, np.nan, np.exp(high))
