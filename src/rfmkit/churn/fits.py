"""Fits: what lifelines finds for a law, polished, with errors that know whose gaps are whose."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np

from rfmkit.churn.laws import CURE, LAWS, Baseline, Cox, Law, Times
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, examples, warn

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.churn.laws import Designs

    Floats = NDArray[np.float64]

POLISHING: Final = 3
STILL: Final = 1e-8
HIGHEST: Final = 7.0
"""Of the logarithm of a cumulative hazard: S is nought before."""


@dataclass(frozen=True)
class Fit:
    """What was found, without the rows: a law, its coefficients, and how to make designs.

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
    params: pd.Series
    variance: Floats
    log_likelihood: float

    def designs(self, covariates: pd.DataFrame) -> dict[str, Floats]:
        """Make the columns of each parameter from covariates."""
        made = self.design.transform_df(covariates)
        return {name: made[name].to_numpy(dtype=float) for name in self.law.parts}

    def predictors(self, designs: Designs) -> dict[str, Floats]:
        """Give the linear predictor of each parameter."""
        return {
            name: np.einsum("ij,j->i", columns, np.asarray(self.params[name], dtype=float))
            for name, columns in designs.items()
        }

    def scores(self, designs: Designs, times: Times) -> Floats:
        """Give the derivatives of each row's log-likelihood by the coefficients."""
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
    return getattr(lifelines, name)()


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


def regress(kind: str, covariates: pd.DataFrame, rows: pd.DataFrame, formula: str) -> Fit:
    """Fit a law by lifelines; its warnings and failures become those of rfmkit.

    Raises
    ------
    NotEnoughHistoryError
        The fit did not converge.
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

    law, times = LAWS[kind], Times.of(rows)
    _insist_on_rank(formula, covariates, intercept=not law.ties)
    told = (ApproximationWarning, ConvergenceWarning, StatisticalWarning)
    told_formula: dict[str, Any] = {"formula": formula}
    if kind == "mixture_cure":
        told_formula = {"regressors": {"lambda_": formula, "never_": formula, "rho_": "1"}}
    fitter = fitter_of(kind)
    names = {"duration_col": "days", "event_col": "ended", "weights_col": "gaps"}
    # lifelines leaves numpy's warnings off for the whole process.
    with np.errstate(all="ignore"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fitter.fit(pd.concat([covariates, rows], axis=1), **names, **told_formula)
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
    variance = np.asarray(fitter.variance_matrix_, dtype=float)
    found = Fit(law, fitter.regressors, params, variance, float(fitter.log_likelihood_))
    designs = found.designs(covariates)
    if not law.ties:
        found = _polished(found, designs, times)
    if isinstance(law, Cox):
        law = Cox(Baseline.of(times, found.predictors(designs)["beta_"]))
    return replace(found, law=law)


def _polished(found: Fit, designs: Designs, times: Times) -> Fit:
    """Go on by Newton's steps: lifelines' search ends some hundredths of an error off the top."""
    for _ in range(POLISHING):
        slope = np.einsum("i,ij->j", times.gaps, found.scores(designs, times))
        step = found.variance @ slope
        gain = float(slope @ step) / 2
        if not 0 < gain < 1:  # at the top; or no top near, where a step may lead anywhere
            break
        found = replace(
            found, params=found.params + step, log_likelihood=found.log_likelihood + gain
        )
    return found


def telling(covariates: pd.DataFrame) -> list[str]:
    """Choose covariates from the first on: those that vary, and not as the ones before tell."""
    kept: list[str] = []
    before = 0
    for name in covariates:
        found = _worth(" + ".join([*kept, str(name)]), covariates)
        if found.rank == found.columns > before:
            kept, before = [*kept, str(name)], found.columns
    return kept


class Worth(NamedTuple):
    """How many columns a design has beside the intercept, and how many of them tell anything."""

    columns: int
    rank: int
    still: tuple[str, ...]


def _worth(formula: str, covariates: pd.DataFrame) -> Worth:
    from formulaic import Formula

    made = Formula(formula).get_model_matrix(covariates)
    columns = made.drop(columns="Intercept", errors="ignore")
    values = columns.to_numpy(dtype=float)
    if not np.isfinite(values).all() or len(values) < len(covariates):
        raise RfmkitError(
            "The formula makes a number of every gap.",
            found=f"others by formula={formula!r}",
            hint="log(purchases) is one; log(active_days) is none on the first day.",
        )
    apart = values - values.mean(axis=0)
    spread = np.sqrt((apart**2).mean(axis=0))
    still = tuple(str(name) for name, each in zip(columns, spread, strict=True) if each < STILL)
    apart = apart / np.where(spread < STILL, 1.0, spread)
    alike = np.einsum("ij,ik->jk", apart, apart) / len(apart)
    rank = int(np.linalg.matrix_rank(alike, tol=STILL)) if values.shape[1] else 0
    return Worth(values.shape[1], rank, still)


def _insist_on_rank(formula: str, covariates: pd.DataFrame, *, intercept: bool) -> None:
    """Insist that each column of a design tells what the others do not."""
    found = _worth(formula, covariates)
    if not found.columns and not intercept:
        raise NotEnoughHistoryError(
            "Cox's model has a covariate that varies.",
            found=f"none by formula={formula!r}",
            hint="rk.ChurnCurve needs none.",
        )
    if found.rank < found.columns:
        still = f"; {examples(found.still)} never vary" if found.still else ""
        raise RfmkitError(
            "Every covariate of the formula tells what the others do not.",
            found=f"{found.columns} columns worth {found.rank}, by formula={formula!r}{still}",
            hint="leave out what follows from the rest.",
        )


def clustered(variance: Floats, scores: Floats, place: Any, buyers: Any) -> Floats:
    """Give the sandwich variance of rows that come in customers.

    `scores` has a line for each distinct row, `place` says which one every gap is, and `buyers`
    whose gap it is.
    """
    from scipy.sparse import csr_array

    count = int(buyers.max()) + 1
    who = csr_array((np.ones(len(place)), (buyers, place)), shape=(count, len(scores)))
    sums = who @ scores
    meat = np.einsum("ci,cj->ij", sums, sums) * count / max(count - 1, 1)
    return np.asarray(variance @ meat @ variance)
