"""Fits of gap distributions by lifelines, and their variance clustered by customer."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from rfmkit.btyd._formulas import Design, check_identified, learn, redundant_columns
from rfmkit.churn._distributions import (
    CURE,
    DISTRIBUTIONS,
    WITHOUT_COVARIATES,
    Baseline,
    Cox,
    Distribution,
)
from rfmkit.exceptions import NotEnoughHistoryError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.churn._distributions import Designs, Durations

    Floats = NDArray[np.float64]

NEWTON_STEPS: Final = 3
INTERCEPT: Final = "Intercept"
MAX_LOG_HAZARD: Final = 7.0
"""Largest logarithm of a cumulative hazard; S is 0 in floating point well before it."""


@dataclass(frozen=True)
class Fit:
    """A fitted distribution, without the rows it was fitted on.

    Attributes
    ----------
    kind : str
        The distribution, a key of `DISTRIBUTIONS`.
    design : Design
        Makes the columns of the covariates.
    coefficients : array
        One for each column of each parameter, in the order of `columns`.
    variance : array
        Inverse of the observed information: the variance if rows were independent.
    log_likelihood : float
        At the coefficients; the partial one for Cox's model.
    baseline : Baseline or None
        The baseline hazard of Cox's model.
    """

    kind: str
    design: Design
    coefficients: Floats
    variance: Floats
    log_likelihood: float
    baseline: Baseline | None = None

    @property
    def distribution(self) -> Distribution:
        """The distribution of the gaps."""
        return DISTRIBUTIONS[self.kind] if self.baseline is None else Cox(self.baseline)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The names of the columns of each parameter."""
        level = (INTERCEPT,) * self.distribution.intercept
        return {
            name: level if part in WITHOUT_COVARIATES else (*level, *self.design.labels)
            for name, part in self.distribution.parts.items()
        }

    def designs(self, row: Sequence[Floats], rows: int) -> dict[str, Floats]:
        """Return the columns of each parameter, from what `Design.code` made of the rows."""
        whole = np.ones((rows, int(self.distribution.intercept)))
        if self.design.products:
            whole = np.hstack([whole, self.design.matrix(row)])
        return {name: whole[:, : len(labels)] for name, labels in self.columns.items()}

    def predictors(self, designs: Designs) -> dict[str, Floats]:
        """Return the linear predictor of each parameter."""
        ends = np.cumsum([columns.shape[1] for columns in designs.values()])[:-1]
        parts = np.split(self.coefficients, ends)
        return {
            name: np.einsum("ij,j->i", columns, part)
            for (name, columns), part in zip(designs.items(), parts, strict=True)
        }

    def scores(self, designs: Designs, durations: Durations) -> Floats:
        """Return the score of one gap of each row: log-likelihood derivatives by coefficient."""
        with np.errstate(all="ignore"):
            found = self.distribution.scores(designs, self.predictors(designs), durations)
        return np.hstack([found[name] for name in self.distribution.parts])


def fitter_of(kind: str) -> Any:
    """Return lifelines' fitter of a distribution."""
    import lifelines

    if kind == "mixture_cure":
        return cure_fitter()
    name = {
        "weibull": "WeibullAFTFitter",
        "lognormal": "LogNormalAFTFitter",
        "loglogistic": "LogLogisticAFTFitter",
        "cox": "CoxPHFitter",
    }[kind]
    # The design has a column for the intercept.
    return getattr(lifelines, name)(**{} if kind == "cox" else {"fit_intercept": False})


def cure_fitter() -> Any:
    """Return a lifelines fitter of the mixture cure model with Weibull gaps."""
    import autograd.numpy as anp
    from lifelines.fitters import ParametricRegressionFitter

    class CureFitter(ParametricRegressionFitter):
        _fitted_parameter_names: ClassVar[list[str]] = list(CURE)
        # lifelines' choice for Weibull: BFGS stops early where rounding errors hide the slope.
        _scipy_fit_method = "SLSQP"
        _scipy_fit_options: ClassVar[dict[str, float]] = {"ftol": 1e-8, "maxiter": 500}

        def _both(self, params: Any, times: Any, columns: Any) -> tuple[Any, ...]:
            log_shape = columns["rho_"] @ params["rho_"]
            place = anp.log(times) - columns["lambda_"] @ params["lambda_"]
            odds = columns["never_"] @ params["never_"]
            log_never, log_ever = -anp.logaddexp(0, -odds), -anp.logaddexp(0, odds)
            return log_shape, anp.exp(log_shape) * place, log_never, log_ever

        def _cumulative_hazard(self, params: Any, times: Any, columns: Any) -> Any:
            _, z, log_never, log_ever = self._both(params, times, columns)
            return -anp.logaddexp(log_never, log_ever - anp.exp(anp.clip(z, -700, MAX_LOG_HAZARD)))

        def _log_hazard(self, params: Any, times: Any, columns: Any) -> Any:
            log_shape, z, log_never, log_ever = self._both(params, times, columns)
            lasts = log_ever - anp.exp(anp.clip(z, -700, MAX_LOG_HAZARD))
            return lasts + log_shape + z - anp.log(times) - anp.logaddexp(log_never, lasts)

        def _create_initial_point(
            self, times: Any, ended: Any, _e: Any, gaps: Any, rows: Any
        ) -> Any:
            start = {name: np.zeros(len(rows[name].columns)) for name in CURE}
            known = np.flatnonzero(ended)
            start["lambda_"][0] = np.average(np.log(times[0][known]), weights=gaps[known])
            share = np.clip(1 - np.average(ended, weights=gaps), 0.01, 0.99)
            start["never_"][0] = np.log(share / 2 / (1 - share / 2))
            return start

    return CureFitter()


def regress(
    kind: str, design: Design, row: Sequence[Floats], durations: Durations, *, formula: str
) -> Fit:
    """Return a distribution fitted by lifelines.

    Its warnings and failures are raised as those of rfmkit.

    Parameters
    ----------
    kind : str
        The distribution, a key of `DISTRIBUTIONS`.
    design : Design
        Makes the columns of the covariates.
    row : sequence of arrays
        The numbers and codes of the factors, as `Design.code` makes them.
    durations : Durations
        The gaps.
    formula : str
        The formula, for messages.

    Returns
    -------
    Fit
        The fitted distribution.

    Raises
    ------
    NotEnoughHistoryError
        The fit did not converge, or Cox's model has no covariate.
    RfmkitError
        A covariate is a linear combination of the others.
    """
    import pandas as pd
    from lifelines.exceptions import (
        ApproximationWarning,
        ConvergenceError,
        ConvergenceWarning,
        StatisticalWarning,
    )

    distribution = DISTRIBUTIONS[kind]
    asked = Fit(kind, design, np.zeros(0), np.zeros((0, 0)), 0.0)
    if design.products:
        check_identified(redundant_columns(design, design.matrix(row), durations.gaps), each="gap")
    elif not distribution.intercept:
        raise NotEnoughHistoryError(
            "A Cox model needs at least one covariate that varies.",
            found=f"no covariate that varies in formula={formula!r}",
            hint="rk.ChurnCurve() needs no covariate.",
        )
    designs = asked.designs(row, len(durations.days))
    whole = max(designs.values(), key=lambda columns: columns.shape[1])
    # lifelines sorts columns by name: Intercept comes before column000000.
    level = [INTERCEPT] * distribution.intercept
    names = level + [f"column{place:06d}" for place in range(whole.shape[1] - len(level))]
    frame = pd.DataFrame(whole, columns=names).assign(**durations._asdict())
    regressors: dict[str, Any] = {}
    if kind == "mixture_cure":
        regressors["regressors"] = {name: names[: each.shape[1]] for name, each in designs.items()}
    fitter = fitter_of(kind)
    known = (ApproximationWarning, ConvergenceWarning, StatisticalWarning)
    # lifelines turns off numpy's warnings for the whole process.
    with np.errstate(all="ignore"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fitter.fit(frame, "days", "ended", weights_col="gaps", **regressors)
        except ConvergenceError as error:
            raise NotEnoughHistoryError(
                "The log must hold enough gaps to estimate each covariate.",
                found=f"no convergence with formula={formula!r}",
                hint="give fewer covariates by formula=, or a longer log.",
            ) from error
    said = [str(each.message) for each in caught if issubclass(each.category, known)]
    if said:
        first = next(line.strip() for line in said[0].splitlines() if line.strip())
        # The names of the formula, without lifelines' advice on its own options.
        for place, label in enumerate(design.labels):
            first = first.replace(f"column{place:06d}", label)
        first = first.partition(". ")[0]
        warn(
            f"lifelines warns of this fit: {first}",
            hint="give fewer covariates by formula=; the errors of this fit are not reliable.",
        )
    found = replace(
        asked,
        coefficients=np.asarray(fitter.params_, dtype=float),
        variance=np.asarray(fitter.variance_matrix_, dtype=float),
        log_likelihood=float(fitter.log_likelihood_),
    )
    if not distribution.ties:
        found = _with_newton_steps(found, designs, durations)
    if isinstance(distribution, Cox):
        found = replace(
            found, baseline=Baseline.estimate(durations, found.predictors(designs)["beta_"])
        )
    return found


def _with_newton_steps(found: Fit, designs: Designs, durations: Durations) -> Fit:
    """Return the fit after Newton steps.

    lifelines' search ends some hundredths of a standard error away from the maximum.
    """
    for _ in range(NEWTON_STEPS):
        slope = np.einsum("i,ij->j", durations.gaps, found.scores(designs, durations))
        step = found.variance @ slope
        gain = float(slope @ step) / 2
        if not 0 < gain < 1:  # at the maximum, or so far from it that a step could fail
            break
        found = replace(
            found,
            coefficients=found.coefficients + step,
            log_likelihood=found.log_likelihood + gain,
        )
    return found


def warn_beyond_log(horizon_days: int, log_days: int) -> None:
    """Warn where the horizon is longer than the log, so that no gap that long was observed."""
    if horizon_days > log_days:
        warn(
            f"Churn within {horizon_days} days is extrapolated by the fitted distribution: the log "
            f"spans {log_days} days.",
            hint="ask for a shorter horizon_days, or give a longer log.",
        )


def informative(covariates: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return the covariates that vary and do not follow from those before them."""
    kept: list[str] = []
    for name, values in covariates.items():
        if (values == values[0]).all():
            continue
        ones = np.ones(len(values))
        terms = [[(each, False)] for each in (*kept, name)]
        (design,) = learn([terms], covariates, ones, each="gap")
        if not redundant_columns(design, design.matrix(design.code(covariates)), ones):
            kept.append(name)
    return kept


def clustered_variance(variance: Floats, scores: Floats, place: Any, buyers: Any) -> Floats:
    """Return the sandwich variance of the coefficients, clustered by customer.

    `scores` has a line for each distinct row, `place` is the line of each gap, and `buyers` the
    customer of each gap. Williams (2000), "A note on robust variance estimation for
    cluster-correlated data", Biometrics 56.
    """
    from scipy.sparse import csr_array

    count = int(buyers.max()) + 1
    who = csr_array((np.ones(len(place)), (buyers, place)), shape=(count, len(scores)))
    sums = who @ scores
    meat = np.einsum("ci,cj->ij", sums, sums) * count / max(count - 1, 1)
    return np.asarray(variance @ meat @ variance)


def coefficient_table(found: Fit, variance: Floats, confidence: float) -> pd.DataFrame:
    """Return one row per coefficient, as `GapRegression.summary_`."""
    import pandas as pd
    from scipy.stats import norm

    named = [
        (found.distribution.parts[name], covariate)
        for name, covariates in found.columns.items()
        for covariate in covariates
    ]
    part, covariate = (list(each) for each in zip(*named, strict=True))
    coefficient = found.coefficients
    error = np.sqrt(np.maximum(np.diag(variance), 0))
    width = norm.ppf(0.5 + confidence / 2) * error
    no_ratio = [what in WITHOUT_COVARIATES or of == INTERCEPT for what, of in named]
    with np.errstate(over="ignore"):
        ratios = [np.exp(coefficient + sign * width) for sign in (0, -1, 1)]
    ratio, lower, upper = (np.where(no_ratio, np.nan, each) for each in ratios)
    return pd.DataFrame(
        {
            "part": part,
            "covariate": covariate,
            "coefficient": coefficient,
            "robust_error": error,
            "naive_error": np.sqrt(np.maximum(np.diag(found.variance), 0)),
            "ratio": ratio,
            "ratio_lower": lower,
            "ratio_upper": upper,
        }
    )
