"""The model of all buy-till-you-die classes: its fit, what it prints, and what it shows."""

import pytest

import rfmkit as rk


@pytest.fixture(scope="module")
def model(customers):
    return rk.ModifiedBetaGeo(30).fit(customers)


def test_a_model_prints_what_was_fitted_and_what_to_call_next(model, customers):
    assert repr(rk.ParetoNBD(30)) == "<ParetoNBD: not fitted; call fit(customers); horizon 30 days>"
    params = ", ".join(f"{letter} {value:.4g}" for letter, value in model.params_.items())
    assert repr(model) == (
        f"<ModifiedBetaGeo: {params} from {len(customers):,} customers; horizon 30 days; "
        "next: .predict_churn(customers)>"
    )


PUBLIC = {
    "fit", "bootstrap", "predict_churn", "predict_alive", "predict_purchases", "estimand",
    "horizon_days", "unit_days", "buying", "leaving", "params_", "summary_", "boundary_",
    "diagnosis_", "customers_", "converged_", "log_likelihood_", "covariates_",
}  # fmt: skip


def test_only_what_users_call_is_public(model, customers):
    assert {name for name in dir(model) if not name.startswith("_")} == PUBLIC
    regular = rk.BetaGeoCNBD(30, k=2).fit(customers)
    assert {name for name in dir(regular) if not name.startswith("_")} == PUBLIC | {
        "k", "k_", "by_k_",
    }  # fmt: skip


def test_the_covariates_of_the_fit_are_those_of_the_bootstrap(customers):
    model = rk.BetaGeo(30).fit(customers)
    model.buying = "no_such_column"  # it takes effect in the next fit
    assert model.bootstrap(customers, times=2) is model
    assert model.covariates_ is None
