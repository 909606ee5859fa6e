"""Laws: how long a gap lasts given covariates, and how each row bears on the coefficients."""

from __future__ import annotations

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

MIN_AT_RISK: Final = 10
HALVINGS: Final = 60
STEADY: Final = ("shape", "spread")
"""Parts that no covariate moves."""
# In the order of the alphabet, in which autograd lays parameters out for lifelines.
CURE: Final = {"lambda_": "time", "never_": "never", "rho_": "shape"}


class Times(NamedTuple):
    """Rows of gaps: how long, whether they ended (1 or 0), and how many."""

    days: Floats
    ended: Floats
    gaps: Floats


class Law:
    """The survival of a gap, by parameters that are linear in covariates."""

    ties: ClassVar[bool] = False
    """Whether lifelines treats gaps of equal length otherwise than so many equal rows."""
    intercept: ClassVar[bool] = True
    """Whether covariates stand beside an intercept."""

    @property
    def parts(self) -> Mapping[str, str]:
        """The parameters, by lifelines' names, and what each is called here."""
        raise NotImplementedError

    def hazard(self, predicted: Predicted, days: Floats) -> Floats:
        """Return the cumulative hazard, -log S."""
        raise NotImplementedError

    def scores(self, designs: Designs, predicted: Predicted, times: Times) -> dict[str, Floats]:
        """Return the derivatives of one gap's log-likelihood by the coefficients, row by row."""
        raise NotImplementedError


@dataclass(frozen=True)
class LogScale(Law):
    """log T is a location plus a multiple of an error: accelerated failure times.

    With z = shape (log t - location) the cumulative hazard is a function H of z alone; `slopes`
    gives its derivative h and that of log h. A coefficient c of the location makes all gaps
    exp(c) times as long.
    """

    location: str
    shape: str
    cumulative: Callable[[Floats], Floats]
    slopes: Callable[[Floats], tuple[Floats, Floats]]
    inverse: bool = False
    """Whether lifelines' second parameter is one over the shape."""

    @property
    def parts(self) -> Mapping[str, str]:
        """The parameters, by lifelines' names, and what each is called here."""
        return {self.location: "time", self.shape: "spread" if self.inverse else "shape"}

    def standard(self, predicted: Predicted, days: Floats) -> tuple[Floats, Floats]:
        """Return z, and the shape."""
        sign = -1.0 if self.inverse else 1.0
        shape = np.exp(sign * predicted[self.shape])
        with np.errstate(divide="ignore"):
            return shape * (np.log(days) - predicted[self.location]), shape

    def hazard(self, predicted: Predicted, days: Floats) -> Floats:
        """Return the cumulative hazard, -log S."""
        return self.cumulative(self.standard(predicted, days)[0])

    def scores(self, designs: Designs, predicted: Predicted, times: Times) -> dict[str, Floats]:
        """Return the derivatives of one gap's log-likelihood by the coefficients, row by row."""
        z, shape = self.standard(predicted, times.days)
        by_z, by_log_hazard = self.slopes(z)
        slope = times.ended * by_log_hazard - by_z
        return self.carried(designs, z, shape, slope, times.ended)

    def carried(
        self, designs: Designs, z: Floats, shape: Floats, slope: Floats, ended: Floats
    ) -> dict[str, Floats]:
        """Carry the derivative by z on: dz/dlocation = -shape, dz/dlog(shape) = z."""
        sign = -1.0 if self.inverse else 1.0
        return {
            self.location: designs[self.location] * (-shape * slope)[:, None],
            self.shape: designs[self.shape] * (sign * (ended + z * slope))[:, None],
        }


class MixtureCure(Law):
    """Some never return: S = c + (1 - c) S_W, with Weibull's S_W for those who do.

    Both log-odds of c and the location are linear in the covariates.
    """

    @property
    def parts(self) -> Mapping[str, str]:
        """The parameters, by lifelines' names, and what each is called here."""
        return CURE

    def hazard(self, predicted: Predicted, days: Floats) -> Floats:
        """Return the cumulative hazard, -log S."""
        from scipy.special import log_expit

        odds = predicted["never_"]
        lasts = log_expit(-odds) - WEIBULL.hazard(predicted, days)
        return np.asarray(-np.logaddexp(log_expit(odds), lasts))

    def scores(self, designs: Designs, predicted: Predicted, times: Times) -> dict[str, Floats]:
        """Return the derivatives of one gap's log-likelihood by the coefficients, row by row."""
        from scipy.special import expit, log_expit

        odds = predicted["never_"]
        z, shape = WEIBULL.standard(predicted, times.days)
        by_z, by_log_hazard = WEIBULL.slopes(z)
        # Whoever has not returned yet may still do so.
        later = expit(log_expit(-odds) - WEIBULL.cumulative(z) - log_expit(odds))
        returns = np.where(times.ended > 0, 1.0, later)
        slope = times.ended * by_log_hazard - returns * by_z
        found = WEIBULL.carried(designs, z, shape, slope, times.ended)
        return found | {"never_": designs["never_"] * (expit(-odds) - returns)[:, None]}


@dataclass(frozen=True)
class Baseline:
    """The cumulative hazard of a row of covariates `level`, by days; beyond the data a tail."""

    cumulative: Floats
    tail_from: int
    tail: Tail
    level: float

    @classmethod
    def of(cls, times: Times, predicted: Floats) -> Baseline:
        """Estimate it as Breslow does, on whole days.

        Breslow (1972), in the discussion of Cox's paper, J. Royal Statistical Society B 34.
        """
        level = float(np.average(predicted, weights=times.gaps))
        day = np.ceil(times.days).astype(int)
        length = int(day.max()) + 1
        risks = times.gaps * np.exp(predicted - level)
        held, risk, returns = (
            np.bincount(day, part, minlength=length).astype(float)
            for part in (times.gaps, risks, times.gaps * times.ended)
        )
        held, risk = held[::-1].cumsum()[::-1], risk[::-1].cumsum()[::-1]
        steady = np.flatnonzero((returns > 0) & (held >= min(MIN_AT_RISK, held[0] / 2)))
        tail_from = int(steady[-1]) if len(steady) else 0
        tail, _ = fit_tail(risk, returns, tail_from)
        return cls((returns / risk).cumsum(), tail_from, tail, level)

    def hazard(self, days: Floats) -> Floats:
        """Return it after any number of days."""
        inside = self.cumulative[np.clip(days, 0, self.tail_from).astype(int)]
        return np.asarray(inside + self.tail.hazard(np.maximum(days - self.tail_from, 0)))


@dataclass(frozen=True)
class Cox(Law):
    """Covariates multiply the hazard; the hazard itself is any, by the days of silence.

    Beyond the last day of the data it goes on with the tail of ``rfmkit.cycle._survival``.
    """

    baseline: Baseline | None = None
    ties: ClassVar[bool] = True
    intercept: ClassVar[bool] = False

    @property
    def parts(self) -> Mapping[str, str]:
        """The parameters, by lifelines' names, and what each is called here."""
        return {"beta_": "hazard"}

    def hazard(self, predicted: Predicted, days: Floats) -> Floats:
        """Return the cumulative hazard, -log S."""
        if self.baseline is None:
            raise NotFittedError(
                "The hazard of a Cox model needs a fit.",
                found="a model that has not been fitted",
                hint="rk.GapRegression('cox').fit(orders).",
            )
        risk = np.exp(predicted["beta_"] - self.baseline.level)
        return np.asarray(risk * self.baseline.hazard(days))

    def scores(self, designs: Designs, predicted: Predicted, times: Times) -> dict[str, Floats]:
        """Return each row's share of the derivatives of the partial log-likelihood.

        Lin and Wei (1989), JASA 84: a row that returned has its covariates less the mean of those
        at risk, and every row owes as much for each day by the hazard it stood under.
        """
        columns, predictor = designs["beta_"], predicted["beta_"]
        risk = np.exp(predictor - predictor.mean())
        known, place = np.unique(times.days, return_inverse=True)

        def by_time(part: Floats) -> Floats:
            sums = np.zeros((len(known), *part.shape[1:]))
            np.add.at(sums, place, part)
            return sums

        weighted = times.gaps * risk
        at_risk = by_time(weighted)[::-1].cumsum()[::-1]
        sums = by_time(weighted[:, None] * columns)[::-1].cumsum(axis=0)[::-1]
        mean = sums / at_risk[:, None]
        step = by_time(times.gaps * times.ended) / at_risk
        hazard, drift = step.cumsum(), (step[:, None] * mean).cumsum(axis=0)
        seen = times.ended[:, None] * (columns - mean[place])
        owed = risk[:, None] * (columns * hazard[place, None] - drift[place])
        return {"beta_": seen - owed}


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


WEIBULL: Final = LogScale("lambda_", "rho_", np.exp, _weibull)
LAWS: Final[dict[str, Law]] = {
    "weibull": WEIBULL,
    "lognormal": LogScale("mu_", "sigma_", _lognormal_cumulative, _lognormal, inverse=True),
    "loglogistic": LogScale("alpha_", "beta_", lambda z: np.logaddexp(0, z), _loglogistic),
    "cox": Cox(),
    "mixture_cure": MixtureCure(),
}


def median_wait(hazard: Callable[[Floats], Floats], silent: Floats) -> Floats:
    """Find the days after which log 2 more of hazard has passed, halving on the log of days."""
    start = hazard(silent)
    low, high = np.full_like(silent, -5.0), np.full_like(silent, np.log(CENTURY))
    never = hazard(silent + CENTURY) - start < np.log(2)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        reached = hazard(silent + np.exp(middle)) - start >= np.log(2)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.where(never, np.nan, np.exp(high))
