"""The apparel shop with its customers' gender and channel, as CLVTools publishes it."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.btyd._covariates import count_covariates
from rfmkit.btyd._fit_problem import problem_with_covariates

pytestmark = pytest.mark.real

FORMULAS = {"buying": "Gender + Channel", "leaving": "Gender + Channel"}
PUBLISHED = {
    "r": 1.8387, "alpha": 92.9435, "s": 0.5913, "beta": 49.5050,
    "buying.Gender": 0.2860, "buying.Channel": 0.6239,
    "leaving.Gender": -0.6428, "leaving.Channel": 0.7902,
}  # fmt: skip
LOG_LIKELIHOOD = -5821.0627


@pytest.fixture(scope="module")
def customers(real_data):
    folder = real_data / "apparel"
    log = rk.read_orders(
        folder / "apparelTrans.csv", customer="Id", amount="Price", zero_amounts="keep"
    )
    people = pd.read_csv(folder / "apparelStaticCov.csv", dtype={"Id": str})
    customers = rk.summarize(log.until("2006-12-31"))
    return customers.merge(people, left_on="customer_id", right_on="Id")


def test_the_likelihood_at_the_published_coefficients_is_the_published_one(customers):
    model = rk.ParetoNBD(unit_days=7, **FORMULAS).fit(customers)
    known = model.covariates_
    counts, values = count_covariates(customers, known.names, unit_days=7)
    problem = problem_with_covariates(model._process, counts, known, values)
    params = np.array([PUBLISHED[name] for name in model.params_])
    at = problem.space.point(params / problem.units)
    repeats = counts.repeats * np.log(problem.scale)
    found = problem.objective(problem.counts)(at)[0] * 600 - repeats
    assert found == pytest.approx(LOG_LIKELIHOOD, abs=5e-5)
    # The optimum itself lies higher, by less than is printed.
    assert found < model.log_likelihood_ < found + 5e-5


def test_the_coefficients_are_the_published_ones(customers):
    # To where the search that found the published ones had come.
    model = rk.ParetoNBD(unit_days=7, **FORMULAS).fit(customers)
    assert model.log_likelihood_ == pytest.approx(LOG_LIKELIHOOD, abs=5e-5)
    assert model.converged_
    table = model.summary_.set_index("parameter")
    for name, value in PUBLISHED.items():
        off = model.params_[name] - value
        assert abs(off) < 0.005 * table.loc[name, "log_error"] * (
            abs(value) if "." not in name else 1
        )
        assert abs(off) < max(3e-4 * abs(value), 1e-3)


def test_days_give_the_predictions_of_weeks(customers):
    days, weeks = (rk.ParetoNBD(365, unit_days=unit, **FORMULAS).fit(customers) for unit in (1, 7))
    for predict in ("predict_churn", "predict_alive", "predict_purchases"):
        one, two = (getattr(model, predict)(customers) for model in (days, weeks))
        pd.testing.assert_frame_equal(one, two, rtol=1e-6, atol=0)


def test_words_say_what_numbers_say(customers):
    numbers = rk.ParetoNBD(365, unit_days=7, **FORMULAS).fit(customers)
    named = customers.assign(
        Gender=customers["Gender"].map({0: "f", 1: "m"}),
        Channel=customers["Channel"].map({0: "online", 1: "shop"}),
    )
    words = rk.ParetoNBD(365, unit_days=7, **FORMULAS).fit(named)
    assert list(words.params_)[4:6] == ["buying.Gender[m]", "buying.Channel[shop]"]
    found = list(words.params_.values())
    assert found == pytest.approx(list(numbers.params_.values()), rel=1e-6)


@pytest.mark.parametrize("cls", [rk.BetaGeo, rk.ModifiedBetaGeo])
def test_other_models_find_the_covariates_as_telling(cls, customers):
    model, without = cls(unit_days=7, **FORMULAS).fit(customers), cls(unit_days=7).fit(customers)
    # Four coefficients: twice the gain is over 18.5 in one log of a thousand without effects.
    assert 2 * (model.log_likelihood_ - without.log_likelihood_) > 18.5
    assert model.params_["buying.Channel"] > 0.5
    assert model.params_["leaving.Gender"] < -0.5
