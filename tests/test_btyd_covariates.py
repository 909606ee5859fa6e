"""Covariates: formulas, estimates of coefficients, predictions and errors."""

import copy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import plain
from covariate_shops import shop
from rfmkit.btyd._covariates import terms_of
from rfmkit.exceptions import ColumnsError, NotFittedError, RfmkitError, RfmkitWarning

MODELS = [rk.BetaGeo, rk.ModifiedBetaGeo, rk.ParetoNBD]
SLOW_MODELS = [pytest.param(cls, marks=pytest.mark.slow) for cls in (rk.BetaGeo, rk.ParetoNBD)]
QUICK_MODEL = [rk.ModifiedBetaGeo, *SLOW_MODELS]
KINDS = [
    "polars_lazy", "duckdb",
    *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("polars", "pyarrow", "ibis")),
]  # fmt: skip


@pytest.fixture(scope="module")
def people():
    return shop(600)


@pytest.fixture(scope="module")
def model(people):
    return rk.ParetoNBD(90, buying="gender + age", leaving="gender").fit(people)


@pytest.fixture(scope="module")
def few(people):
    return people.head(150)


@pytest.fixture(scope="module")
def model_of_few(few):
    """A model whose intervals come from a few of its draws: they take most of the time."""
    made = copy.copy(rk.BetaGeo(90, buying="gender + age", leaving="gender").fit(few))
    made._draws = made._draws[:16]
    return made


# --- formulas ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    [
        "", "1", "np.log(age)", "age + center(age)", "{age + 1}", "__import__('os')", "y ~ age",
        "a | b", "2:age", ".", "age +", "C(shop, contr.sum)", "C(np.abs(shop))", 3, ["age"],
    ],
)  # fmt: skip
def test_what_is_no_formula_is_an_error_and_never_run(formula):
    with pytest.raises(
        RfmkitError, match=r"leaving must be a formula of columns(.|\n)*Hint: write"
    ):
        terms_of(formula, "leaving")


# --- estimates -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_known_coefficients_are_found(size):
    model = rk.ParetoNBD(buying="gender + age", leaving="gender").fit(shop(size))
    truth = {
        "r": 0.9, "alpha": 50 * np.exp(0.02 * 40), "s": 0.8, "beta": 200.0,
        "buying.gender[m]": 0.5, "buying.gender[x]": -0.6, "buying.age": 0.02,
        "leaving.gender[m]": -0.5, "leaving.gender[x]": 0.7,
    }  # fmt: skip
    table = model.summary_.set_index("parameter")
    assert list(table.index) == list(truth) == list(model.params_)
    for name, value in truth.items():
        off = (
            table.loc[name, "estimate"] - value
            if "." in name
            else np.log(model.params_[name] / value)
        )
        assert abs(off) < 3.5 * table.loc[name, "log_error"] < 0.6 * (20_000 / size) ** 0.5
    coefficients = table.iloc[4:]
    wide = 1.96 * coefficients["log_error"]
    assert (coefficients["estimate"] - coefficients["lower"]).tolist() == pytest.approx(
        wide.tolist()
    )
    assert (coefficients["upper"] - coefficients["estimate"]).tolist() == pytest.approx(
        wide.tolist()
    )
    assert model.converged_
    assert model.boundary_ == ""


@pytest.mark.parametrize(
    "cls", [pytest.param(rk.BetaGeo, marks=pytest.mark.slow), rk.ModifiedBetaGeo]
)
def test_the_sign_of_a_coefficient_is_that_of_its_effect(cls):
    people = shop(5000, leaving={"m": -1.0, "x": 1.0})
    found = cls(buying="gender", leaving="gender").fit(people).params_
    assert found["buying.gender[m]"] > 0.2 > -0.2 > found["buying.gender[x]"]
    assert found["leaving.gender[m]"] < -0.4 < 0.4 < found["leaving.gender[x]"]


@pytest.mark.parametrize("cls", QUICK_MODEL)
def test_what_makes_no_difference_changes_nothing(cls, few):
    twice = pd.concat([few.assign(kind="a"), few.assign(kind="b")])
    model = cls(90, buying="kind", leaving="kind").fit(twice)
    without = cls(90).fit(few)
    for name, value in without.params_.items():
        assert model.params_[name] == pytest.approx(value, rel=1e-5)
    assert model.params_["buying.kind[b]"] == pytest.approx(0, abs=1e-6)
    assert model.params_["leaving.kind[b]"] == pytest.approx(0, abs=1e-5)
    assert model.log_likelihood_ == pytest.approx(2 * without.log_likelihood_, abs=1e-5)


def check_coding(cls, some, names, shift, size):
    """Check that a model predicts alike from other names of levels and another scale of a number.

    Returns
    -------
    bool
        Whether the predictions were compared: on a boundary they are not.
    """
    other = some.assign(
        gender=some["gender"].map(dict(zip("fmx", names, strict=True))),
        age=size * (some["age"] + shift),
    )
    one, two = (
        cls(90, buying="gender + age", leaving="gender").fit(frame) for frame in (some, other)
    )
    assert two.log_likelihood_ == pytest.approx(one.log_likelihood_, abs=1e-6)
    if one.boundary_:
        return False
    found, expected = (m.predict_churn(f) for m, f in ((two, other), (one, some)))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5)
    return True


@pytest.mark.parametrize("cls", QUICK_MODEL)
def test_levels_of_other_names_and_another_scale_change_no_prediction(cls, few):
    assert check_coding(cls, few, names="xfm", shift=-700.0, size=1e4)


@pytest.mark.slow
@settings(max_examples=4)
@given(
    names=st.permutations(["f", "m", "x"]),
    shift=st.floats(-2000, 2000),
    size=st.sampled_from([-1e6, -1e-3, 0.5, 1e4]),
    cls=st.sampled_from(MODELS),
)
def test_no_coding_of_covariates_changes_a_prediction(people, names, shift, size, cls):
    check_coding(cls, people.head(200), names, shift, size)


@pytest.mark.parametrize("cls", QUICK_MODEL)
def test_the_unit_of_time_changes_no_prediction(cls, few):
    days, weeks = (
        cls(90, unit_days=unit, buying="gender", leaving="age").fit(few) for unit in (1, 7)
    )
    for predict in ("predict_churn", "predict_alive", "predict_purchases"):
        one, two = (getattr(model, predict)(few).iloc[:, 1] for model in (days, weeks))
        assert one.to_numpy() == pytest.approx(two.to_numpy(), rel=1e-6)
    moved = few["repeat_purchases"].sum() * np.log(7)
    assert days.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - moved)
    assert days.params_["leaving.age"] == pytest.approx(weeks.params_["leaving.age"], rel=1e-6)


# --- predictions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_customers_of_any_kind_are_fitted_and_predicted_alike(kind, as_kind, few, model_of_few):
    source = as_kind(few, kind)
    again = rk.BetaGeo(90, buying="gender + age", leaving="gender").fit(source)
    expected = list(model_of_few.params_.values())
    assert list(again.params_.values()) == pytest.approx(expected, rel=1e-9)
    found = plain(model_of_few.predict_churn(source, interval=0.9))
    pd.testing.assert_frame_equal(found, plain(model_of_few.predict_churn(few, interval=0.9)))


@pytest.mark.spark
def test_spark_predicts_from_covariates(spark, people, model):
    strange = people.head(20).assign(gender=["q", *people["gender"].head(19)])
    found = plain(model.predict_churn(spark.createDataFrame(strange)))
    with pytest.warns(RfmkitWarning, match="No prediction for 1 of"):
        pd.testing.assert_frame_equal(found, plain(model.predict_churn(strange)))


@pytest.mark.parametrize(
    ("cls", "size", "times"),
    [(rk.ModifiedBetaGeo, 150, 3), pytest.param(rk.ParetoNBD, 600, 6, marks=pytest.mark.slow)],
)
def test_intervals_hold_the_prediction(cls, size, times, people):
    some = people.head(size)
    drawn = cls(90, buying="gender + age", leaving="gender").fit(some)
    churn = drawn.predict_churn(some, interval=0.9)
    assert (churn["churn_lower"] < churn["churn_probability"]).mean() > 0.95
    assert (churn["churn_probability"] < churn["churn_upper"]).mean() > 0.95
    wide = drawn.bootstrap(some, times=times).predict_churn(some, interval=0.9)
    ratio = (wide["churn_upper"] - wide["churn_lower"]) / (
        churn["churn_upper"] - churn["churn_lower"]
    )
    assert 0.3 < ratio.median() < 2


def test_numbers_and_truth_values_may_be_levels(people):
    model = rk.ModifiedBetaGeo(90, buying="C(shop) + member").fit(people)
    assert list(model.params_)[4:] == ["buying.shop[2]", "buying.shop[3]", "buying.member"]
    other = people.assign(shop=people["shop"].astype(float), member=people["member"].astype(int))
    pd.testing.assert_frame_equal(model.predict_alive(people), model.predict_alive(other))


def test_who_is_not_known_has_no_prediction(people, model, as_kind):
    strange = people.head(4).assign(
        gender=["f", "q", None, "m"], age=[30.0, 30.0, 30.0, np.nan], repeat_purchases=1
    )
    with pytest.warns(RfmkitWarning, match=r"No prediction for 3 of.*\n.*'f', 'm', 'x'"):
        churn = model.predict_churn(strange)
    assert churn["churn_probability"].isna().tolist() == [False, True, True, True]
    lazy = plain(model.predict_churn(as_kind(strange, "ibis")))  # not read yet: no warning
    assert lazy["churn_probability"].isna().tolist() == [False, True, True, True]


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "formula", "match"),
    [
        ({}, "gendre", "no 'gendre' among"),
        ({"gender": None}, "gender", "600 customers without 'gender'"),
        ({"gender": "f"}, "gender", "'gender' is 'f' for all"),
        ({"age": 3.3}, "age", r"'buying.age': constant"),
        ({"age": np.inf}, "age", "600 customers without 'age'"),
        ({}, "age + C(age)", "combination of the others"),
        ({"gender": list(map(str, range(600)))}, "gender", "600 of 'gender'"),
        ({"gender": pd.Timestamp("2024-01-01")}, "gender", "'gender' must be numbers or words"),
    ],
)
def test_covariates_that_cannot_be_learned_from_are_errors(people, change, formula, match):
    with pytest.raises(RfmkitError, match=match):
        rk.BetaGeo(buying=formula).fit(people.assign(**change))


def test_orders_have_no_covariates(people, orders, model):
    unfitted = rk.ParetoNBD(buying="gender")
    for ask in (unfitted.fit, model.predict_churn, model.bootstrap):
        with pytest.raises(RfmkitError, match=r"orders, which have no 'gender'(.|\n)*summarize"):
            ask(orders)
    with pytest.raises(ColumnsError, match="no 'gender'"):
        model.predict_churn(people.drop(columns="gender"))
    with pytest.raises(NotFittedError, match="A ParetoNBD must be fitted"):
        unfitted.predict_churn(people)


def test_covariates_keep_their_type(people, model):
    for change in ({"gender": 1}, {"age": "old"}):
        with pytest.raises(
            ColumnsError, match=f"'{next(iter(change))}' must be (text|a number), as in"
        ):
            model.predict_churn(people.assign(**change))


def test_numbers_too_far_from_0_are_an_error(people):
    far = people.assign(age=people["age"] + 1e5)
    with pytest.raises(RfmkitError, match=r"must be centred(.|\n)*subtract the mean"):
        rk.ParetoNBD(buying="age").fit(far)


@pytest.mark.parametrize(
    ("size", "rare"), [(5000, 4), pytest.param(20_000, 15, marks=pytest.mark.slow)]
)
def test_a_level_too_rare_for_the_sample_is_found(size, rare):
    many = shop(size, seed=3)
    many.loc[: rare - 1, "gender"] = "y"
    model = rk.BetaGeo(buying="gender").fit(many)
    assert model.converged_
    assert abs(model.params_["buying.gender[y]"]) > 1e-3
    assert 0.1 < model.summary_["log_error"].iloc[-1] < 2


def test_a_fit_without_formulas_forgets_them(people):
    model = rk.BetaGeo(90, buying="gender").fit(people)
    model.buying = None
    assert list(model.fit(people).params_) == ["r", "alpha", "a", "b"]
    assert model.predict_churn(people.drop(columns="gender")).notna().all(axis=None)


@pytest.mark.parametrize("name", ["spend", "repeat_purchases", "recency_days", "purchases"])
def test_what_grows_out_of_the_purchases_explains_none(people, name):
    with pytest.raises(RfmkitError, match="A covariate must be known before the purchases"):
        rk.ParetoNBD(90, buying=f"gender + {name}").fit(people)
