"""ShiftedBetaGeometric: projecting the retention of a cohort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.exceptions import NotFittedError, RfmkitError

# Fader and Hardie (2007): survivors of 1,000 customers by year.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]
PAPER = [(REGULAR, 0.704, 1.182, -1680.265), (HIGH_END, 0.668, 3.806, -1611.158)]


def of(alpha, beta):
    """A model of known parameters."""
    made = rk.ShiftedBetaGeometric()
    made.params_ = {"alpha": alpha, "beta": beta}
    return made


@pytest.mark.parametrize(("survivors", "alpha", "beta", "log_likelihood"), PAPER)
def test_the_paper_is_found_again(survivors, alpha, beta, log_likelihood):
    model = rk.ShiftedBetaGeometric().fit(survivors[:8])
    assert model.params_["alpha"] == pytest.approx(alpha, abs=5e-4)
    assert model.params_["beta"] == pytest.approx(beta, abs=5e-4)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=5e-4)
    assert model.converged_
    assert (model.customers_, model.boundary_, model.diagnosis_) == (1000, "", "")
    assert model.survival(range(13)) * 1000 == pytest.approx(survivors, rel=0.05)


@pytest.mark.parametrize(
    ("alpha", "beta", "paper", "exact"),
    [
        (3.80, 15.20, [3.31, 3.45, 3.59, 3.72, 3.84], None),
        (0.067, 0.267, [7.68, 9.46, 9.86, 10.06, 10.19], [7.671, 9.455, 9.851, 10.056, 10.189]),
    ],
)
def test_lifetimes_are_those_of_the_paper(alpha, beta, paper, exact):
    # Fader and Hardie (2010), a discount of 10 %; their n = 1 is before the first renewal.
    found = of(alpha, beta).expected_lifetime(np.arange(5), discount=0.1)
    assert found == pytest.approx(paper, abs=0.01)
    if exact:
        assert found == pytest.approx(exact, abs=5e-4)


logs = st.floats(-6, 6).map(np.exp)


@given(logs, logs, st.integers(0, 20), st.sampled_from([0.02, 0.1, 0.5, 3.0]))
def test_a_lifetime_is_the_sum_of_the_survival_to_come(alpha, beta, renewals, discount):
    model = of(alpha, beta)
    ahead = np.arange(1, int(45 / np.log1p(discount)) + 2)
    now = model.survival(renewals)
    shares = model.survival(renewals + ahead) / now if now > 1e-200 else np.zeros(len(ahead))
    summed = (shares / (1 + discount) ** (ahead - 1)).sum()
    found = model.expected_lifetime(renewals, discount=discount)
    assert now <= 1e-200 or found == pytest.approx(summed, rel=1e-9)


@given(logs, logs, st.integers(0, 40))
def test_survival_falls_and_retention_grows(alpha, beta, period):
    model = of(alpha, beta)
    survival = model.survival([period, period + 1])
    assert 1 >= survival[0] > survival[1] >= 0
    first, second = model.retention([period + 1, period + 2])
    assert 0 < first <= second < 1 + 1e-15
    assert first == pytest.approx(survival[1] / survival[0], rel=1e-8)
    assert model.survival(0) == 1


@given(logs, logs, st.sampled_from([0.01, 0.1, 1.0]))
def test_a_lifetime_grows_with_renewals_and_falls_with_the_discount(alpha, beta, discount):
    model = of(alpha, beta)
    found = model.expected_lifetime([0, 1, 5, 30], discount=discount)
    assert (np.diff(found) >= -1e-12 * found[1:]).all()
    assert (found > 0).all()
    assert (found < (1 + discount) / discount).all()
    assert (found >= model.expected_lifetime([0, 1, 5, 30], discount=2 * discount)).all()


def test_without_a_discount_some_stay_for_ever():
    assert of(0.7, 1.2).expected_lifetime() == np.inf
    assert of(2.0, 3.0).expected_lifetime([0, 1]) == pytest.approx([3.0, 4.0])
    near = of(2.5, 3.0).expected_lifetime(4, discount=1e-7)
    assert near == pytest.approx(of(2.5, 3.0).expected_lifetime(4), rel=1e-4)


def test_a_lifetime_is_exact_where_scipy_overflows():
    # By hand: everybody renews with a probability of all but 0.8, so 0.8 / (1 - 0.8 / 1.1).
    found = of(2e8, 8e8).expected_lifetime(discount=0.1)
    assert found == pytest.approx(0.8 / (1 - 0.8 / 1.1), rel=1e-6)


def cohort(alpha, beta, *, customers, periods, seed):
    """Survivors of a simulated cohort."""
    random = np.random.default_rng(seed)
    life = random.geometric(random.beta(alpha, beta, customers))
    return [int((life > period).sum()) for period in range(periods + 1)]


def test_what_was_simulated_is_found_again():
    cohorts = [cohort(0.8, 2.5, customers=3000, periods=n, seed=n) for n in (4, 8, 12)]
    model = rk.ShiftedBetaGeometric().fit(cohorts)
    summary = model.summary_.set_index("parameter")
    for name, true in {"alpha": 0.8, "beta": 2.5}.items():
        assert abs(np.log(model.params_[name] / true)) < 3 * summary.loc[name, "log_error"]
        assert summary.loc[name, "log_error"] < 0.1
    assert model.customers_ == 9000


def test_cohorts_together_are_as_likely_as_each_of_them():
    one = rk.ShiftedBetaGeometric().fit(REGULAR)
    twice = rk.ShiftedBetaGeometric().fit([REGULAR, REGULAR])
    assert twice.params_ == pytest.approx(one.params_, rel=1e-6)
    assert twice.log_likelihood_ == pytest.approx(2 * one.log_likelihood_)
    assert twice.summary_["log_error"].to_numpy() == pytest.approx(
        one.summary_["log_error"].to_numpy() / np.sqrt(2), rel=1e-4
    )


@pytest.mark.parametrize(
    ("survivors", "boundary", "survival"),
    [
        ([50, 50, 50, 50], "no drop-out", [1, 1, 1]),
        ([50, 0, 0], "certain drop-out", [1, 0, 0]),
        ([1000, 400, 400, 400], "polarised drop-out", [1, 0.4, 0.4]),
        ([1000, 900, 600, 100], "homogeneous drop-out", None),
        ([64, 32, 16, 8, 4, 2, 0], "homogeneous drop-out", None),
    ],
)
def test_a_boundary_is_found_and_named(survivors, boundary, survival):
    model = rk.ShiftedBetaGeometric().fit(survivors)
    assert boundary in model.boundary_
    assert model.diagnosis_
    found = model.survival([0, 1, 2])
    assert survival is None or found == pytest.approx(survival, abs=2e-3)
    assert model.expected_lifetime(discount=0.1) <= 11


def test_the_shape_of_the_question_is_that_of_the_answer():
    model = of(0.7, 1.2)
    assert model.survival(3).shape == ()
    assert model.survival([[1, 2], [3, 4]]).shape == (2, 2)
    assert model.expected_lifetime([1, 2], discount=0.1).dtype == "float64"


def test_periods_are_whole():
    with pytest.raises(RfmkitError, match="periods must be whole numbers of at least 0"):
        of(1, 1).survival([-1])
    with pytest.raises(RfmkitError, match="periods must be whole numbers of at least 1"):
        of(1, 1).retention(0)
    with pytest.raises(RfmkitError, match="renewals must be whole numbers of at least 0"):
        of(1, 1).expected_lifetime("two")
    with pytest.raises(RfmkitError, match="discount"):
        of(1, 1).expected_lifetime(discount=-0.1)


def test_a_model_that_is_not_fitted_says_so():
    model = rk.ShiftedBetaGeometric()
    assert repr(model) == "<ShiftedBetaGeometric: not fitted; call fit(survivors)>"
    for ask in (model.survival, model.retention, model.expected_lifetime):
        with pytest.raises(
            NotFittedError, match="A ShiftedBetaGeometric must be fitted before use"
        ):
            ask(1)
    fitted = repr(model.fit(REGULAR[:8]))
    assert fitted.startswith("<ShiftedBetaGeometric: alpha 0.7")
    assert fitted.endswith(" from 1,000 customers; next: .survival(periods)>")
