"""The coordinates of coefficients: gradients by finite differences, inverses, and bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from covariate_shops import shop
from rfmkit.btyd._beta_geo_process import BetaGeoProcess
from rfmkit.btyd._counts import Counts
from rfmkit.btyd._covariate_space import covariate_space, shifted_params
from rfmkit.btyd._covariates import learn, terms_of
from rfmkit.btyd._fit_problem import FitProblem
from rfmkit.btyd._pareto_nbd_process import ParetoNBDProcess

PROCESSES = [BetaGeoProcess(), BetaGeoProcess(at_first=1), ParetoNBDProcess()]
PEOPLE = shop(600)
SOME = PEOPLE.head(50)
WEIGHT = np.arange(1.0, 51)


def problem_of(process):
    """Return the problem of buying = gender * age and leaving = gender, and its design."""
    values = {"gender": SOME["gender"].to_numpy(), "age": SOME["age"].to_numpy(float)}
    covariates = learn(
        terms_of("gender * age", "buying"), terms_of("gender", "leaving"), values, WEIGHT
    )
    design = covariates.matrix(covariates.code(values))
    space, z = covariate_space(process, covariates, design, WEIGHT)
    columns = (
        SOME[name].to_numpy(float) for name in ("repeat_purchases", "active_days", "tenure_days")
    )
    counts = Counts(*columns, WEIGHT, z=z)
    return FitProblem(process, space, counts, 1.0), design


def point_of(space):
    return np.array([-3.0, 0.2, -0.4, 1.5, *np.linspace(-0.6, 0.7, space.coefficients)])


def differences(function, point, step=1e-5):
    """Return the derivatives of a function by central differences, one column per coordinate."""
    steps = step * np.eye(len(point))
    return np.stack([(function(point + s) - function(point - s)) / (2 * step) for s in steps], -1)


@pytest.mark.parametrize("process", PROCESSES)
def test_the_gradient_is_that_of_finite_differences(process):
    problem, _ = problem_of(process)
    objective, point = problem.objective(problem.counts), point_of(problem.space)
    expected = differences(lambda at: objective(at)[0], point)
    assert objective(point)[1] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("process", PROCESSES)
def test_the_jacobian_is_that_of_finite_differences(process):
    space = problem_of(process)[0].space
    point = point_of(space)
    params, jacobian = space.natural(point)
    own = len(process.names)
    expected = differences(lambda at: space.natural(at)[0], point)
    expected[:own] /= params[:own, None]  # of the logarithms
    assert jacobian == pytest.approx(expected, rel=1e-6, abs=1e-9)


SPACES = [problem_of(process)[0].space for process in PROCESSES]
places = st.lists(st.floats(-3, 3), min_size=11, max_size=11).map(np.array)


@given(point=places, space=st.sampled_from(SPACES))
def test_a_point_is_found_again_from_its_parameters(point, space):
    assert space.point(space.natural(point)[0]) == pytest.approx(point, abs=1e-8)


@pytest.mark.parametrize("process", PROCESSES)
def test_the_likelihood_is_that_of_customers_with_parameters_of_their_own(process):
    problem, design = problem_of(process)
    counts, space, point = problem.counts, problem.space, point_of(problem.space)
    params, own = space.natural(point)[0], len(process.names)
    each = shifted_params(process, params[:own], params[own:], design, space.covariates)
    total = 0.0
    for place, weight in enumerate(counts.weight):
        one = Counts(*(column[[place]] for column in (counts.x, counts.t_x, counts.T)), np.ones(1))
        own_params = [float(np.broadcast_to(param, len(design))[place]) for param in each]
        total += weight * process.log_terms(np.array(own_params), one)[0][0]
    assert problem.objective(counts)(point)[0] == pytest.approx(total / WEIGHT.sum(), rel=1e-12)


@settings(max_examples=40)
@given(
    coefficient=st.floats(-2, 2), z=st.floats(-2, 2),
    case=st.sampled_from([(PROCESSES[0], "alpha", -1, "a", 1),
                          (PROCESSES[2], "alpha", -1, "beta", -1)]),
)  # fmt: skip
def test_a_coefficient_is_the_logarithm_of_a_ratio(coefficient, z, case):
    process, buying, buying_sign, leaving, leaving_sign = case
    values, weight = {"age": np.array([z, z + 1])}, np.ones(2)
    covariates = learn(terms_of("age", "buying"), terms_of("age", "leaving"), values, weight)
    design = covariates.matrix(covariates.code(values))
    base, both = np.array([0.9, 50.0, 0.8, 200.0]), np.full(2, coefficient)
    each = dict(
        zip(process.names, shifted_params(process, base, both, design, covariates), strict=True)
    )
    for name, sign in ((buying, buying_sign), (leaving, leaving_sign)):
        assert np.log(each[name][1] / each[name][0]) == pytest.approx(sign * coefficient)


def test_columns_are_centred_and_numbers_divided_by_their_standard_deviation():
    problem, design = problem_of(PROCESSES[0])
    z, share = problem.counts.z, WEIGHT / WEIGHT.sum()
    assert share @ z == pytest.approx(np.zeros(z.shape[1]), abs=1e-12)
    labels = list(problem.space.covariates.labels)
    age, gender = labels.index("buying.age"), labels.index("buying.gender[m]")
    assert share @ z[:, age] ** 2 == pytest.approx(1)
    assert problem.space.scale[gender] == 1
    assert design[:, age].tolist() == SOME["age"].tolist()


def test_a_level_of_which_nobody_came_back_is_named():
    silent = PEOPLE.assign(level=np.where(PEOPLE["repeat_purchases"] > 0, "b", "a"))
    silent.loc[silent.index % 3 > 0, "level"] = "b"
    model = rk.BetaGeo(90, buying="level").fit(silent)
    assert model.boundary_ == "buying.level[b] without bound"
    assert "the data give no bound" in model.diagnosis_
    table = model.summary_.set_index("parameter")
    assert table["log_error"].isna()[["alpha", "buying.level[b]"]].all()
    assert model.predict_churn(silent)["churn_probability"].between(0, 1).all()


def test_where_nobody_comes_back_no_covariate_says_anything():
    model = rk.ParetoNBD(90, buying="gender", leaving="gender").fit(
        PEOPLE.head(150).assign(repeat_purchases=0, active_days=0)
    )
    assert "without bound" not in model.boundary_
    assert model.summary_["log_error"].isna().all()
