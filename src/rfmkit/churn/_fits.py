"""Fits: what lifelines finds for a law, polished, with errors that know whose gaps are whose."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from rfmkit.btyd._formulas import Design, check_identified, idle, learn
from rfmkit.churn._distributions import CURE, LAWS, STEADY, Baseline, Cox, Law
from rfmkit.exceptions import NotEnoughHistoryError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rfmkit.churn._distributions import Designs, Times

    Floats = NDArray[np.float64]

POLISHING: Final = 3
INTERCEPT: Final = "Intercept"
HIGHEST: Final = 7.0
"""Of the logarithm of a cumulative hazard: S is 0 before."""


@dataclass(frozen=True)
class Fit:
    """What was found, without the rows: coefficients of a kind of law, and how to make designs.

    Attributes
    ----------
    kind : str
        Of the law.
    design : Design
        What turns covariates into columns.
    coefficients : array
        One for each column of each parameter, as `columns` names them.
    variance : array
        The inverse of the observed information: the variance where rows are independent.
    log_likelihood : float
        At the coefficients; of Cox's model the partial one.
    baseline : Baseline or None
        Of Cox's model.
    """

    kind: str
    design: Design
    coefficients: Floats
    variance: Floats
    log_likelihood: float
    baseline: Baseline | None = None

    @property
    def law(self) -> Law:
        """The law of the gaps."""
        return LAWS[self.kind] if self.baseline is None else Cox(self.baseline)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The columns of each parameter."""
        level = (INTERCEPT,) * self.law.intercept
        return {
            name: level if part in STEADY else (*level, *self.design.labels)
            for name, part in self.law.parts.items()
        }

    def designs(self, row: Sequence[Floats], rows: int) -> dict[str, Floats]:
        """Make the columns of each parameter, from the numbers and codes of so many rows."""
        whole = np.ones((rows, int(self.law.intercept)))
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

    def scores(self, designs: Designs, times: Times) -> Floats:
        """Return the derivatives of each row's log-likelihood by the coefficients."""
        with np.errstate(all="ignore"):
            found = self.law.scores(designs, self.predictors(designs), times)
        return np.hstack([found[name] for name in self.law.parts])


def fitter_of(kind: str) -> Any:
    """Make lifelines' fitter of a kind."""
    import lifelines

    if kind == "mixture_cure":
        return cure_fitter()
    name = {
        "weibull": "WeibullAFTFitter",
        "lognormal": "LogNormalAFTFitter",
        "loglogistic": "LogLogisticAFTFitter",
        "cox": "CoxPHFitter",
    }[kind]
    # The intercept is a column of the design, as the others are.
    return getattr(lifelines, name)(**{} if kind == "cox" else {"fit_intercept": False})


def cure_fitter() -> Any:
    """Make a fitter of lifelines for Weibull's law with a share that never returns."""
    import autograd.numpy as anp
    from lifelines.fitters import ParametricRegressionFitter

    class CureFitter(ParametricRegressionFitter):
        _fitted_parameter_names: ClassVar[list[str]] = list(CURE)
        # As lifelines has it for Weibull's: BFGS gives up where rounding hides the slope.
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
            return -anp.logaddexp(log_never, log_ever - anp.exp(anp.clip(z, -700, HIGHEST)))

        def _log_hazard(self, params: Any, times: Any, columns: Any) -> Any:
            log_shape, z, log_never, log_ever = self._both(params, times, columns)
            lasts = log_ever - anp.exp(anp.clip(z, -700, HIGHEST))
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


def regress(kind: str, design: Design, row: Sequence[Floats], times: Times, *, formula: str) -> Fit:
    """Fit a law by lifelines; its warnings and failures become those of rfmkit.

    Parameters
    ----------
    kind : str
        Of the law.
    design : Design
        The columns.
    row : sequence of arrays
        The numbers and codes of the factors, as ``design.code`` gives them.
    times : Times
        What is explained by them.
    formula : str
        How messages call the design.

    Raises
    ------
    NotEnoughHistoryError
        The fit did not converge, or Cox's model has no covariate.
    RfmkitError
        A covariate follows from the others.
    """
    import pandas as pd
    from lifelines.exceptions import (
        ApproximationWarning,
        ConvergenceError,
        ConvergenceWarning,
        StatisticalWarning,
    )

    law = LAWS[kind]
    asked = Fit(kind, design, np.zeros(0), np.zeros((0, 0)), 0.0)
    if design.products:
        check_identified(idle(design, design.matrix(row), times.gaps), each="gap")
    elif not law.intercept:
        raise NotEnoughHistoryError(
            "A Cox model needs at least one covariate that varies.",
            found=f"no covariate that varies in formula={formula!r}",
            hint="rk.ChurnCurve() needs no covariate.",
        )
    designs = asked.designs(row, len(times.days))
    whole = max(designs.values(), key=lambda columns: columns.shape[1])
    # lifelines takes columns in the order of the alphabet, where I comes before c.
    level = [INTERCEPT] * law.intercept
    names = level + [f"column{place:06d}" for place in range(whole.shape[1] - len(level))]
    frame = pd.DataFrame(whole, columns=names).assign(**times._asdict())
    regressors: dict[str, Any] = {}
    if kind == "mixture_cure":
        regressors["regressors"] = {name: names[: each.shape[1]] for name, each in designs.items()}
    fitter = fitter_of(kind)
    known = (ApproximationWarning, ConvergenceWarning, StatisticalWarning)
    # lifelines leaves numpy's warnings off for the whole process.
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
        # By the names that the caller knows, and without advice about formulas that are not ours.
        for place, label in enumerate(design.labels):
            first = first.replace(f"column{place:06d}", label)
        first = first.partition(". ")[0]
        warn(
            f"lifelines says of this fit: {first}",
            hint="give fewer covariates by formula=, and trust no error of this fit.",
        )
    found = replace(
        asked,
        coefficients=np.asarray(fitter.params_, dtype=float),
        variance=np.asarray(fitter.variance_matrix_, dtype=float),
        log_likelihood=float(fitter.log_likelihood_),
    )
    if not law.ties:
        found = _polished(found, designs, times)
    if isinstance(law, Cox):
        found = replace(found, baseline=Baseline.of(times, found.predictors(designs)["beta_"]))
    return found


def _polished(found: Fit, designs: Designs, times: Times) -> Fit:
    """Go on by Newton's steps: lifelines' search ends some hundredths of an error off the top."""
    for _ in range(POLISHING):
        slope = np.einsum("i,ij->j", times.gaps, found.scores(designs, times))
        step = found.variance @ slope
        gain = float(slope @ step) / 2
        if not 0 < gain < 1:  # at the top; or no top near, where a step may lead anywhere
            break
        found = replace(
            found,
            coefficients=found.coefficients + step,
            log_likelihood=found.log_likelihood + gain,
        )
    return found


def tell_of_law(horizon_days: int, days: int) -> None:
    """Warn where an answer rests on the law alone."""
    if horizon_days > days:
        warn(
            f"Churn within {horizon_days} days rests on the law alone: the log spans {days} days.",
            hint="ask for a shorter horizon_days, or give a longer log.",
        )


def telling(cells: Mapping[str, NDArray[Any]]) -> list[str]:
    """Choose covariates from the first on: those that vary, and not as the ones before tell."""
    kept: list[str] = []
    for name, values in cells.items():
        if (values == values[0]).all():
            continue
        ones = np.ones(len(values))
        (design,) = learn([[[(each, False)] for each in (*kept, name)]], cells, ones, each="gap")
        if not idle(design, design.matrix(design.code(cells)), ones):
            kept.append(name)
    return kept


def clustered(variance: Floats, scores: Floats, place: Any, buyers: Any) -> Floats:
    """Return the sandwich variance of rows that come in customers.

    `scores` has a line for each distinct row, `place` says which one every gap is, and `buyers`
    whose gap it is.
    """
    from scipy.sparse import csr_array

    count = int(buyers.max()) + 1
    who = csr_array((np.ones(len(place)), (buyers, place)), shape=(count, len(scores)))
    sums = who @ scores
    meat = np.einsum("ci,cj->ij", sums, sums) * count / max(count - 1, 1)
    return np.asarray(variance @ meat @ variance)
