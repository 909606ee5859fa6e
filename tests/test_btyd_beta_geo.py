"""BetaGeo and ModifiedBetaGeo: recovery of a known truth, predictions, and boundaries."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import rfmkit as rk
from beta_geo_shops import TRUTH, shop
from rfmkit.exceptions import NotFittedError, RfmkitError

MODELS = [rk.BetaGeo, rk.ModifiedBetaGeo]


@pytest.fixture(scope="module")
def customers():
    frame = shop(500)
    return frame.assign(active_days=np.floor(frame["active_days"])).astype("int64")


@pytest.mark.parametrize("cls", MODELS)
def test_the_parameters_of_a_known_truth_are_found(cls):
    frame = shop(6000, at_first=cls is rk.ModifiedBetaGeo)
    model = cls().fit(frame)
    table = model.summary_.set_index("parameter")
    for name, true in TRUTH.items():
        assert abs(np.log(table.loc[name, "estimate"] / true)) < 4 * table.loc[name, "log_error"]
    assert model.converged_
    assert (model.boundary_, model.diagnosis_) == ("", "")
    assert model.customers_ == 6000


@pytest.mark.parametrize(
    "cls", [pytest.param(rk.BetaGeo, marks=pytest.mark.slow), rk.ModifiedBetaGeo]
)
def test_the_unit_of_time_changes_no_prediction(cls, customers):
    days, weeks = cls(90).fit(customers), cls(90, unit_days=7).fit(customers)
    assert days.params_["alpha"] == pytest.approx(7 * weeks.params_["alpha"], rel=1e-6)
    repeats = customers["repeat_purchases"].sum()
    assert days.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - repeats * np.log(7))
    for predict in ("predict_churn", "predict_alive", "predict_purchases"):
        one, other = (getattr(model, predict)(customers).iloc[:, 1] for model in (days, weeks))
        assert one.to_numpy() == pytest.approx(other.to_numpy(), abs=1e-9)


def test_predictions_come_in_the_kind_and_order_of_the_customers(customers):
    model = rk.ModifiedBetaGeo(90).fit(customers)
    mixed = customers.sample(frac=1, random_state=3)
    churn = model.predict_churn(mixed)
    assert churn.index.equals(mixed.index)
    assert churn["customer_id"].tolist() == mixed["customer_id"].tolist()
    assert list(churn.columns) == ["customer_id", "churn_probability"]
    other = model.predict_churn(pl.from_pandas(mixed))
    assert isinstance(other, pl.DataFrame)
    assert other["churn_probability"].to_list() == churn["churn_probability"].tolist()


def test_a_log_and_its_customers_are_predicted_alike(orders):
    bought = rk.summarize(orders)
    model = rk.ModifiedBetaGeo(90).fit(orders)
    again = rk.ModifiedBetaGeo(90).fit(bought)
    assert model.params_ == again.params_
    pd.testing.assert_frame_equal(model.predict_purchases(orders), again.predict_purchases(bought))
    lazy = rk.read_orders(rk.load_sample(), output="ibis")
    assert model.predict_churn(lazy).execute()["churn_probability"].between(0, 1).all()


def test_a_customer_without_purchases_has_no_prediction(customers):
    model = rk.BetaGeo(90).fit(customers)
    frame = customers.astype("Int64")
    frame.loc[0, ["repeat_purchases", "active_days", "tenure_days"]] = pd.NA
    assert model.predict_churn(frame)["churn_probability"].isna().tolist()[:2] == [True, False]


def test_intervals_hold_the_prediction_and_narrow_with_more_customers():
    widths = []
    for size in (300, 3000):
        frame = shop(size, at_first=True).assign(active_days=lambda f: np.floor(f["active_days"]))
        model = rk.ModifiedBetaGeo(90).fit(frame)
        churn = model.predict_churn(frame.head(100).astype("int64"), interval=0.9)
        assert (churn["churn_lower"] <= churn["churn_probability"]).mean() > 0.95
        assert (churn["churn_probability"] <= churn["churn_upper"]).mean() > 0.95
        widths.append((churn["churn_upper"] - churn["churn_lower"]).mean())
    assert widths[1] < widths[0] / 2


def test_draws_with_replacement_are_about_as_wide_where_the_model_is_right(customers):
    model = rk.ModifiedBetaGeo(90).fit(shop(800, at_first=True))
    some = customers.head(50)

    def width():
        churn = model.predict_churn(some, interval=0.9)
        return (churn["churn_upper"] - churn["churn_lower"]).mean()

    by_curvature = width()
    again = model.bootstrap(shop(800, at_first=True), times=20, seed=1)
    assert again is model
    assert 0.6 < width() / by_curvature < 1.6
    with pytest.raises(NotFittedError, match="A BetaGeo must be fitted"):
        rk.BetaGeo().bootstrap(customers)
    with pytest.raises(RfmkitError, match="A bootstrap needs the customers of the fit"):
        model.bootstrap(shop(700, at_first=True))


@pytest.mark.slow  # test_btyd_recovery holds it on fewer shops, below the public fit
def test_intervals_of_parameters_hold_the_truth():
    """Of 20 shops: 95 in 100 intervals, less chance."""
    held = []
    for seed in range(20):
        model = rk.ModifiedBetaGeo().fit(shop(400, at_first=True, seed=seed))
        table = model.summary_.set_index("parameter")
        if not model.boundary_:
            held += [
                bool(table.loc[n, "lower"] <= v <= table.loc[n, "upper"]) for n, v in TRUTH.items()
            ]
    assert len(held) > 60
    assert 0.88 <= np.mean(held) < 1


def test_drop_out_alike_for_all_is_a_boundary_that_is_named():
    frame = shop(800, truth=TRUTH | {"a": 1e6, "b": 4e6}, seed=2)
    model = rk.BetaGeo(90).fit(frame)
    assert model.boundary_ == "homogeneous drop-out"
    assert "one probability" in model.diagnosis_
    a, b = model.params_["a"], model.params_["b"]
    assert a / (a + b) == pytest.approx(0.2, abs=0.03)
    assert model.summary_["log_error"].isna().tolist() == [False, False, True, True]
    assert "homogeneous drop-out" in repr(model)
    assert model.predict_churn(frame.head(9).astype("int64"), interval=0.9).notna().all(axis=None)


def test_rates_alike_for_all_are_a_boundary_that_is_named():
    # Times more regular than random, at one rate: counts vary less than any gamma of rates allows.
    frame = shop(800, k=4, truth=TRUTH | {"r": 1e6, "alpha": 1e7}, seed=2)
    model = rk.ModifiedBetaGeo(90).fit(frame)
    assert "homogeneous rates" in model.boundary_
    assert "only the ratio of r and alpha" in model.diagnosis_
    assert model.summary_["log_error"].isna().tolist()[:2] == [True, True]


@pytest.mark.parametrize("x", [0, 3])
def test_customers_who_are_all_alike_do_not_fail(x):
    frame = pd.DataFrame({"customer_id": [1, 2], "repeat_purchases": x,
                          "active_days": 30 * bool(x), "tenure_days": 50})  # fmt: skip
    for cls in MODELS:
        churn = cls(90).fit(frame).predict_churn(frame)["churn_probability"]
        assert churn.between(0, 1).all()


def test_a_model_without_a_fit_says_so(customers):
    with pytest.raises(NotFittedError, match="A BetaGeo must be fitted before use"):
        rk.BetaGeo().predict_churn(customers)
    assert repr(rk.BetaGeo(30)) == ("<BetaGeo: not fitted; call fit(customers); horizon 30 days>")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"horizon_days": 0}, "horizon_days must be a whole number of at least 1"),
        ({"unit_days": -1}, "unit_days must be a"),
    ],
)
def test_arguments_that_mean_nothing_are_errors(options, match, customers):
    with pytest.raises(RfmkitError, match=match):
        rk.BetaGeo(**options).fit(customers)
