"""Laws: how long a gap lasts given covariates, fitted by lifelines; their scores and survival."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from rfmkit.exceptions import NotEnoughHistoryError, warn
from rfmkit.survival import Tail, fit_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Designs = Mapping[str, Floats]

TIMES: Final = ("days", "ended", "gaps")
"""What lifelines is given beside covariates: how long, whether it ended, and how many."""
MIN_AT_RISK: Final = 10


@dataclass(frozen=True)
class Regression:
    """What lifelines found, without the rows: a law with coefficients, and how to make designs.

    Attributes
    ----------
    law : Law
        Of the gaps.
    design : object
        What turns covariates into the columns of each parameter.
    params : Series
        Coefficients by parameter and column.
    variance : array
        The inverse of the observed information: the variance where rows are independent.
    log_likelihood : float
        At `params`; of Cox's model the partial one.
    """

    law: Law
    design: Any
    params: pd.Series[float]
    variance: Floats
    log_likelihood: float

    def designs(self, covariates: pd.DataFrame) -> dict[str, Floats]:
        """Make the columns of each parameter from covariates."""
        made = self.design.transform_df(covariates)
        return {name: made[name].to_numpy(dtype=float) for name in self.law.parts}

    def predictors(self, designs: Designs) -> dict[str, Floats]:
        """Give the linear predictor of each parameter."""
        return {
            name: np.einsum("ij,j->i", columns, self.params[name].to_numpy(dtype=float))
            for name, columns in designs.items()
        }

    def scores(self, designs: Designs, rows: pd.DataFrame) -> Floats:
        """Give the derivatives of each row's log-likelihood by the coefficients."""
        days, ended, gaps = (rows[name].to_numpy(dtype=float) for name in TIMES)
        predicted = self.predictors(designs)
        with np.errstate(all="ignore"):
            found = self.law.scores(designs, predicted, days, ended, gaps)
        return np.hstack([found[name] for name in dict.fromkeys(self.params.index.droplevel(1))])


class Law:
    """The survival of a gap, by parameters that are linear in covariates."""

    parts: ClassVar[dict[str, str]]
    """The parameters, by lifelines' names, and what each is called here."""

    def fitter(self) -> Any:
        """Make lifelines' fitter."""
        raise NotImplementedError

    def asked(self, formula: str) -> dict[str, Any]:
        """Give the arguments by which the fitter is told the formula."""
        return {"formula": formula}

    def hazard(self, predicted: Mapping[str, Floats], days: Floats) -> Floats:
        """Give the cumulative hazard, -log S."""
        raise NotImplementedError

    def scores(
        self, designs: Designs, predicted: Mapping[str, Floats], days: Floats, ended: Floats,
        gaps: Floats,
    ) -> dict[str, Floats]:  # fmt: skip
        """Give the derivatives of one gap's log-likelihood by the coefficients, row by row."""
        raise NotImplementedError

    def kept(self, rows: pd.DataFrame, predicted: Floats) -> Law:
        """Give the law with what it needs to know of the rows, for predictions."""
        return self


@dataclass(frozen=True)
class LogScale(Law):
    """log T is a location plus a multiple of an error: accelerated failure times.

    With z = shape (log t - location) the cumulative hazard is a function H of z alone; `slopes`
    gives its derivative h and that of log h. A coefficient c of the location makes all gaps
    exp(c) times as long.
    """

    name: str
    location: str
    shape: str
    cumulative: Callable[[Floats], Floats]
    slopes: Callable[[Floats], tuple[Floats, Floats]]
    inverse: bool = False
    """Whether lifelines' second parameter is one over the shape."""

    @property
    def parts(self) -> dict[str, str]:  # type: ignore[override]
        """The parameters."""
        return {self.location: "time", self.shape: "spread" if self.inverse else "shape"}

    def fitter(self) -> Any:
        """Make lifelines' fitter."""
        import lifelines

        return getattr(lifelines, self.name)()

    def standard(self, predicted: Mapping[str, Floats], days: Floats) -> tuple[Floats, Floats]:
        """Give z, and the shape."""
        sign = -1.0 if self.inverse else 1.0
        shape = np.exp(sign * predicted[self.shape])
        with np.errstate(divide="ignore"):
            return shape * (np.log(days) - predicted[self.location]), shape

    def hazard(self, predicted: Mapping[str, Floats], days: Floats) -> Floats:
        """Give the cumulative hazard, -log S."""
        return self.cumulative(self.standard(predicted, days)[0])

    def scores(
        self, designs: Designs, predicted: Mapping[str, Floats], days: Floats, ended: Floats,
        gaps: Floats,
    ) -> dict[str, Floats]:  # fmt: skip
        """Give the derivatives of one gap's log-likelihood by the coefficients, row by row."""
        z, shape = self.standard(predicted, days)
        by_z, by_log_hazard = self.slopes(z)
        return self.by_location_and_shape(designs, z, shape, ended * by_log_hazard - by_z, ended)

    def by_location_and_shape(
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

    # In the order of the alphabet, in which autograd lays them out for lifelines.
    parts: ClassVar[dict[str, str]] = {"lambda_": "time", "never_": "never", "rho_": "shape"}

    def fitter(self) -> Any:
        """Make lifelines' fitter, of a model that it leaves to its users to write."""
        return cure_fitter()

    def asked(self, formula: str) -> dict[str, Any]:
        """Give the arguments by which the fitter is told the formula."""
        return {"regressors": {"lambda_": formula, "never_": formula, "rho_": "1"}}

    def hazard(self, predicted: Mapping[str, Floats], days: Floats) -> Floats:
        """Give the cumulative hazard, -log S."""
        from scipy.special import expit

        never = expit(predicted["never_"])
        return -np.log(never + (1 - never) * np.exp(-WEIBULL.hazard(predicted, days)))

    def scores(
        self, designs: Designs, predicted: Mapping[str, Floats], days: Floats, ended: Floats,
        gaps: Floats,
    ) -> dict[str, Floats]:  # fmt: skip
        """Give the derivatives of one gap's log-likelihood by the coefficients, row by row."""
        from scipy.special import expit

        never = expit(predicted["never_"])
        z, shape = WEIBULL.standard(predicted, days)
        by_z, by_log_hazard = WEIBULL.slopes(z)
        lasts = np.exp(-WEIBULL.cumulative(z))
        both = never + (1 - never) * lasts
        returns = np.where(ended > 0, 1.0, (1 - never) * lasts / both)  # that it will, or did
        found = WEIBULL.by_location_and_shape(
            designs, z, shape, ended * by_log_hazard - returns * by_z, ended
        )
        return found | {"never_": designs["never_"] * ((1 - returns) - never)[:, None]}


@dataclass(frozen=True)
class Cox(Law):
    """Covariates multiply the hazard; the hazard itself is any, by the days of silence.

    Beyond the last day of the data it goes on with the tail of ``rfmkit.survival``.
    """

    cumulative: Floats | None = None
    tail_from: int = 0
    tail: Tail | None = None
    level: float = 0.0

    parts: ClassVar[dict[str, str]] = {"beta_": "hazard"}

    def fitter(self) -> Any:
        """Make lifelines' fitter."""
        import lifelines

        return lifelines.CoxPHFitter()

    def hazard(self, predicted: Mapping[str, Floats], days: Floats) -> Floats:
        """Give the cumulative hazard, -log S."""
        assert self.cumulative is not None and self.tail is not None  # noqa: PT018, S101
        inside = self.cumulative[np.clip(days, 0, self.tail_from).astype(int)]
        beyond = self.tail.hazard(np.maximum(days - self.tail_from, 0))
        return np.asarray(np.exp(predicted["beta_"] - self.level) * (inside + beyond))

    def scores(
        self, designs: Designs, predicted: Mapping[str, Floats], days: Floats, ended: Floats,
        gaps: Floats,
    ) -> dict[str, Floats]:  # fmt: skip
        """Give each row's share of the derivatives of the partial log-likelihood.

        Lin and Wei (1989), eq. 2.9: a row owes what it was expected to return, day by day.
        """
        columns, risk = designs["beta_"], np.exp(predicted["beta_"] - predicted["beta_"].mean())
        times, place = np.unique(days, return_inverse=True)
        shape = (len(times), columns.shape[1])
        at_risk, weighted, returns = np.zeros(len(times)), np.zeros(shape), np.zeros(len(times))
        np.add.at(at_risk, place, gaps * risk)
        np.add.at(weighted, place, (gaps * risk)[:, None] * columns)
        np.add.at(returns, place, gaps * ended)
        at_risk = at_risk[::-1].cumsum()[::-1]
        mean = weighted[::-1].cumsum(axis=0)[::-1] / at_risk[:, None]
        step = returns / at_risk
        hazard, drift = step.cumsum(), (step[:, None] * mean).cumsum(axis=0)
        seen = ended[:, None] * (columns - mean[place])
        owed = risk[:, None] * (columns * hazard[place, None] - drift[place])
        return {"beta_": seen - owed}

    def kept(self, rows: pd.DataFrame, predicted: Floats) -> Cox:
        """Give the law with the hazard of the rows: Breslow's, on whole days."""
        days, ended, gaps = (rows[name].to_numpy(dtype=float) for name in TIMES)
        level = float(np.average(predicted, weights=gaps))
        day = np.ceil(days).astype(int)
        length = int(day.max()) + 1
        counted = (gaps, gaps * np.exp(predicted - level), gaps * ended)
        held, risk, returns = (np.bincount(day, part, minlength=length) for part in counted)
        held, risk = held[::-1].cumsum()[::-1], risk[::-1].cumsum()[::-1]
        steady = np.flatnonzero((returns > 0) & (held >= min(MIN_AT_RISK, held[0] / 2)))
        tail_from = int(steady[-1]) if len(steady) else 0
        tail, _ = fit_tail(risk, returns, tail_from)
        return Cox((returns / risk).cumsum(), tail_from, tail, level)


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


WEIBULL: Final = LogScale("WeibullAFTFitter", "lambda_", "rho_", np.exp, _weibull)
LAWS: Final[dict[str, Law]] = {
    "weibull": WEIBULL,
    "lognormal": LogScale(
        "LogNormalAFTFitter", "mu_", "sigma_", _lognormal_cumulative, _lognormal, inverse=True
    ),
    "loglogistic": LogScale(
        "LogLogisticAFTFitter", "alpha_", "beta_", lambda z: np.logaddexp(0, z), _loglogistic
    ),
    "cox": Cox(),
    "mixture_cure": MixtureCure(),
}


def cure_fitter() -> Any:
    """Make a fitter of lifelines for Weibull's law with a share that never returns."""
    import autograd.numpy as anp
    from lifelines.fitters import ParametricRegressionFitter

    class CureFitter(ParametricRegressionFitter):  # type: ignore[misc]
        _fitted_parameter_names: ClassVar[list[str]] = list(MixtureCure.parts)

        def _both(self, params: Any, times: Any, columns: Any) -> tuple[Any, ...]:
            log_shape = columns["rho_"] @ params["rho_"]
            place = anp.log(times) - columns["lambda_"] @ params["lambda_"]
            odds = columns["never_"] @ params["never_"]
            log_never, log_ever = -anp.logaddexp(0, -odds), -anp.logaddexp(0, odds)
            return log_shape, anp.exp(log_shape) * place, log_never, log_ever

        def _cumulative_hazard(self, params: Any, times: Any, columns: Any) -> Any:
            _, z, log_never, log_ever = self._both(params, times, columns)
            return -anp.logaddexp(log_never, log_ever - anp.exp(anp.clip(z, -700, 7)))

        def _log_hazard(self, params: Any, times: Any, columns: Any) -> Any:
            log_shape, z, log_never, log_ever = self._both(params, times, columns)
            lasts = log_ever - anp.exp(anp.clip(z, -700, 7))
            return lasts + log_shape + z - anp.log(times) - anp.logaddexp(log_never, lasts)

        def _create_initial_point(self, times: Any, ended: Any, _e: Any, gaps: Any, rows: Any) -> Any:
            start = {name: np.zeros(len(rows[name].columns)) for name in MixtureCure.parts}
            known = np.flatnonzero(ended)
            start["lambda_"][0] = np.average(np.log(times[0][known]), weights=gaps[known])
            share = 1 - np.average(ended, weights=gaps)
            start["never_"][0] = np.log(share / 2 / (1 - share / 2))
            return start

    return CureFitter()


def regress(law: Law, covariates: pd.DataFrame, times: pd.DataFrame, formula: str) -> Regression:
    """Fit a law by lifelines; its warnings and failures become those of rfmkit.

    Raises
    ------
    NotEnoughHistoryError
        The fit did not converge.
    """
    import pandas as pd
    from lifelines.exceptions import (
        ApproximationWarning,
        ConvergenceError,
        ConvergenceWarning,
        StatisticalWarning,
    )

    told = (ApproximationWarning, ConvergenceWarning, StatisticalWarning)
    fitter = law.fitter()
    names = {"duration_col": "days", "event_col": "ended", "weights_col": "gaps"}
    # lifelines leaves numpy's warnings off for the whole process.
    with np.errstate(all="ignore"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fitter.fit(pd.concat([covariates, times], axis=1), **names, **law.asked(formula))
        except ConvergenceError as error:
            raise NotEnoughHistoryError(
                "The gaps tell what each covariate does.",
                found=f"no convergence with formula={formula!r}",
                hint="give fewer covariates by formula=, or a longer log.",
            ) from error
    said = [str(each.message) for each in caught if issubclass(each.category, told)]
    if said:
        first = next(line.strip() for line in said[0].splitlines() if line.strip())
        warn(
            f"lifelines says of this fit: {first}",
            hint="give fewer covariates by formula=, and trust no error of this fit.",
        )
    params = fitter.params_
    if not isinstance(params.index, pd.MultiIndex):  # Cox's has one parameter only
        params = pd.concat({"beta_": params})
    found = Regression(
        law, fitter.regressors, params, np.asarray(fitter.variance_matrix_, dtype=float),
        float(fitter.log_likelihood_),
    )  # fmt: skip
    predicted = found.predictors(found.designs(covariates))
    kept = law.kept(times, predicted[next(iter(law.parts))])
    return Regression(kept, found.design, found.params, found.variance, found.log_likelihood)
