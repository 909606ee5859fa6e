"""The problem of a fit: its units, its objective, and its solution."""

import numpy as np
import pytest

from beta_geo_shops import TRUTH, shop
from covariate_shops import shop as shop_with_covariates
from rfmkit.btyd._beta_geo_process import BetaGeoProcess
from rfmkit.btyd._counts import count_customers
from rfmkit.btyd._covariates import count_covariates, learn, terms_of
from rfmkit.btyd._fit_problem import problem_of, problem_with_covariates
from rfmkit.btyd._pareto_nbd_process import ParetoNBDProcess

SMALL = shop(400)


@pytest.mark.parametrize("process", [BetaGeoProcess(), BetaGeoProcess(0, 3), ParetoNBDProcess()])
def test_the_objective_is_the_mean_log_likelihood_in_mean_tenures(process):
    counts = count_customers(SMALL)
    problem = problem_of(process, counts)
    params = np.array([0.9, 40.0, 0.8, 2.5])
    point = process.point(params / problem.units)
    expected = counts.weight @ process.log_terms(params, counts)[0]
    times = process.regularity * counts.repeats * np.log(problem.scale)
    mean = problem.objective(problem.counts)(point)[0]
    assert mean * counts.customers - times == pytest.approx(expected, rel=1e-12)
    assert problem.scale == pytest.approx(SMALL["tenure_days"].mean())


def test_times_alone_have_a_unit():
    problem = problem_of(BetaGeoProcess(), count_customers(SMALL))
    assert problem.units.tolist() == [1, problem.scale, 1, 1]
    problem = problem_of(ParetoNBDProcess(), count_customers(SMALL))
    assert problem.units.tolist() == [1, problem.scale, 1, problem.scale]


def test_the_solution_is_a_maximum():
    problem = problem_of(BetaGeoProcess(), count_customers(SMALL))
    found, objective = problem.solve(), problem.objective(problem.counts)
    assert found.converged
    truth = problem.process.point(np.array(list(TRUTH.values())) / problem.units)
    assert found.value > objective(truth)[0]
    rng = np.random.default_rng(1)
    for away in rng.normal(0, 0.05, (20, 4)):
        assert objective(found.at + away)[0] < found.value


def test_with_covariates_the_likelihood_is_at_least_as_high():
    people = shop_with_covariates(600)
    counts, values = count_covariates(people, ["gender", "age"], unit_days=1.0)
    terms = terms_of("gender + age", "buying"), terms_of("gender", "leaving")
    covariates = learn(*terms, values, counts.weight)
    problem = problem_with_covariates(ParetoNBDProcess(), counts, covariates, values)
    assert problem.units.tolist() == [1, problem.scale, 1, problem.scale, 1, 1, 1, 1, 1]
    alone = problem_of(ParetoNBDProcess(), count_customers(people))
    better = problem.log_likelihood(problem.solve()) - alone.log_likelihood(alone.solve())
    assert better > 10  # twice this is a chi-squared of 5 degrees: it is over 15 once in 100
