"""Fits: errors clustered by customer, and lifelines' warnings as those of rfmkit."""

import lifelines
import numpy as np
import pandas as pd
import pytest

from rfmkit.btyd._formulas import Design, learn
from rfmkit.churn._distributions import DISTRIBUTIONS, Durations
from rfmkit.churn._fits import clustered_variance, informative, regress
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, RfmkitWarning

KINDS = list(DISTRIBUTIONS)


def quick_or_slow(kinds, quick):
    """Return the kinds as parameters, those that are not quick as slow ones."""
    return [kind if kind in quick else pytest.param(kind, marks=pytest.mark.slow) for kind in kinds]


AFT = {
    "weibull": lifelines.WeibullAFTFitter,
    "lognormal": lifelines.LogNormalAFTFitter,
    "loglogistic": lifelines.LogLogisticAFTFitter,
}


def gaps_of(customers, per_customer, *, seed=0):
    """Simulate gaps with a random effect of the customer that no covariate shows."""
    rng = np.random.default_rng(seed)
    buyers = np.repeat(np.arange(customers), per_customer)
    x = rng.normal(size=customers)[buyers]
    mood = 0.7 * rng.normal(size=customers)[buyers]
    days = np.exp(3 + 0.5 * x + mood) * rng.weibull(1.3, len(buyers))
    ends = rng.uniform(10, 200, len(buyers))
    rows = pd.DataFrame({"days": np.minimum(days, ends), "ended": days <= ends, "gaps": 1})
    return pd.DataFrame({"x": x, "z": rng.normal(size=len(x))}), rows, buyers


def times_of(rows):
    return Durations(*(rows[name].to_numpy(dtype=float) for name in Durations._fields))


def fitted(kind, covariates, rows):
    """Fit a distribution by x and z."""
    values = {name: covariates[name].to_numpy() for name in covariates}
    (design,) = learn([[[("x", False)], [("z", False)]]], values, rows["gaps"].to_numpy())
    return regress(kind, design, design.code(values), times_of(rows), formula="x + z")


def scores_of(fit, covariates, rows):
    designs = fit.designs(fit.design.code(covariates), len(rows))
    return fit.scores(designs, times_of(rows))


def errors(kind, covariates, rows, buyers):
    """Return coefficients, naive and robust errors."""
    fit = fitted(kind, covariates, rows)
    scores = scores_of(fit, covariates, rows)
    robust = clustered_variance(fit.variance, scores, np.arange(len(rows)), buyers)
    naive, robust = (np.sqrt(np.diag(each)) for each in (fit.variance, robust))
    return fit.coefficients, naive, robust


@pytest.mark.parametrize(
    "kind",
    quick_or_slow([kind for kind in KINDS if kind != "cox"], ["weibull", "mixture_cure"]),
)
def test_gaps_repeated_nine_times_are_no_more_evidence(kind):
    covariates, rows, buyers = gaps_of(400, 1)
    nine = np.tile(np.arange(400), 9)
    once = errors(kind, covariates, rows, buyers)
    often = errors(
        kind, *(t.iloc[nine].reset_index(drop=True) for t in (covariates, rows)), buyers[nine]
    )
    assert often[0] == pytest.approx(once[0], abs=1e-6)
    assert often[1] == pytest.approx(once[1] / 3, rel=1e-3)
    assert often[2] == pytest.approx(once[2], rel=1e-3)


def test_repeated_gaps_are_no_more_evidence_for_cox():
    covariates, rows, buyers = gaps_of(400, 1)
    rng = np.random.default_rng(1)
    nine = np.tile(np.arange(400), 9)
    many = [t.iloc[nine].reset_index(drop=True) for t in (covariates, rows)]
    many[1]["days"] *= rng.uniform(1 - 1e-9, 1 + 1e-9, len(nine))  # lifelines takes no ties here
    once = errors("cox", covariates, rows, buyers)
    often = errors("cox", *many, buyers[nine])
    assert often[1] == pytest.approx(once[1] / 3, rel=0.02)
    assert often[2] == pytest.approx(once[2], rel=0.02)


@pytest.mark.parametrize("kind", quick_or_slow(AFT, ["weibull"]))
def test_of_one_gap_a_customer_they_are_the_sandwich_of_lifelines(kind):
    covariates, rows, buyers = gaps_of(120, 1)
    with np.errstate():  # lifelines leaves numpy's warnings off
        fitter = AFT[kind]().fit(
            pd.concat([covariates, rows], axis=1), "days", "ended", weights_col="gaps",
            formula="x + z", robust=True,
        )  # fmt: skip
    _, _, robust = errors(kind, covariates, rows, buyers)
    correction = np.sqrt(120 / 119)
    assert robust / correction == pytest.approx(fitter.standard_errors_.to_numpy(), rel=1e-3)


def test_of_coxs_model_they_are_the_clustered_ones_of_lifelines():
    covariates, rows, buyers = gaps_of(60, 5)
    table = pd.concat([covariates, rows], axis=1).assign(who=buyers)
    with np.errstate():
        fitter = lifelines.CoxPHFitter().fit(
            table, "days", "ended", weights_col="gaps", cluster_col="who", formula="x + z"
        )
    _, naive, robust = errors("cox", covariates, rows, buyers)
    correction = np.sqrt(60 / 59)
    assert robust / correction == pytest.approx(fitter.standard_errors_.to_numpy(), rel=1e-6)
    assert robust[0] > 1.2 * naive[0]


@pytest.mark.parametrize("kind", quick_or_slow(KINDS, ["weibull", "cox"]))
def test_counted_rows_are_so_many_rows(kind):
    covariates, rows, _ = gaps_of(50, 4)
    covariates, rows = covariates.round(), rows.assign(days=np.ceil(rows["days"]))
    if kind == "cox":
        rows["days"] += np.linspace(0, 0.1, len(rows))  # no ties
    fit = fitted(kind, covariates, rows)
    alike = pd.concat([covariates, rows], axis=1)
    counted = alike.groupby([n for n in alike if n != "gaps"], as_index=False)["gaps"].sum()
    again = fitted(kind, counted[["x", "z"]], counted[["days", "ended", "gaps"]])
    assert again.coefficients == pytest.approx(fit.coefficients, abs=1e-5)
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "cox"])
def test_the_score_at_the_maximum_is_zero(kind):
    covariates, rows, _ = gaps_of(200, 3)
    fit = fitted(kind, covariates, rows)
    slope = scores_of(fit, covariates, rows).sum(axis=0)
    assert np.abs(slope).max() < 1e-5


def test_a_fit_that_does_not_converge_needs_more_history():
    covariates, rows, _ = gaps_of(40, 1)
    apart = pd.DataFrame({"x": rows["ended"] * 1.0, "z": covariates["z"]})
    rows = rows.assign(days=np.where(rows["ended"], 1.0, 100.0))
    with pytest.raises(NotEnoughHistoryError, match=r"(?s)no convergence.*fewer covariates"):
        fitted("lognormal", apart, rows)


def test_a_warning_of_lifelines_is_one_of_rfmkit():
    covariates, rows, _ = gaps_of(60, 1)
    apart = pd.DataFrame({"x": rows["ended"] * 1.0, "z": covariates["z"]})
    with pytest.warns(RfmkitWarning, match=r"(?s)lifelines warns.*Hint: give fewer"):
        fitted("cox", apart, rows)


def test_columns_that_never_vary_are_named():
    covariates, rows, _ = gaps_of(60, 1)
    with pytest.raises(RfmkitError, match=r"must vary between gaps(.|\n)*'z': constant"):
        fitted("weibull", covariates.assign(z=1.0), rows)


def test_coxs_model_has_a_covariate():
    _, rows, _ = gaps_of(60, 1)
    with pytest.raises(NotEnoughHistoryError, match=r"(?s)covariate that varies.*formula='1'"):
        regress("cox", Design((), ()), [], times_of(rows), formula="1")


def test_covariates_are_chosen_from_the_first_on():
    x = np.arange(6.0)
    table = pd.DataFrame({"still": 1.0, "x": x, "twice": 2 * x, "odd": x % 2, "one": "a"})
    table["parity"] = np.where(x % 2, "odd", "even")
    values = {name: table[name].to_numpy() for name in table}
    assert informative(values) == ["x", "odd"]
