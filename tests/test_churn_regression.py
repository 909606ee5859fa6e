"""Regression on gaps: predictions, formulas and errors."""

import copy
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import plain
from gaps import log_of
from rfmkit.exceptions import (
    ColumnsError,
    NotEnoughHistoryError,
    NotFittedError,
    RfmkitError,
    RfmkitWarning,
)
from rfmkit.validation._metrics import log_loss

KINDS = ["weibull", "lognormal", "loglogistic", "cox", "mixture_cure"]
pytestmark = pytest.mark.xdist_group("gap regression")  # one worker fits the models


@pytest.fixture(scope="module")
def models(orders):
    return {kind: rk.GapRegression(kind, horizon_days=90).fit(orders) for kind in KINDS}


# --- what is predicted ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_of_customers_is_predicted_as_its_log(models, orders, customers, kind):
    of_log, of_frame = (models[kind].predict_churn(source) for source in (orders, customers))
    pd.testing.assert_frame_equal(of_log, of_frame)
    assert of_log["customer_id"].tolist() == customers["customer_id"].tolist()
    assert of_log["churn_probability"].between(0, 1).all()


SLOW_KINDS = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("polars", "pyarrow", "ibis")]


@pytest.mark.parametrize("source", ["pandas", "polars_lazy", "duckdb", *SLOW_KINDS])
def test_every_kind_of_frame_comes_back_in_its_kind(models, customers, as_kind, source):
    given_frame = as_kind(customers, source)
    found = models["loglogistic"].predict_churn(given_frame)
    assert type(found) is type(given_frame)
    expected = models["loglogistic"].predict_churn(customers)
    pd.testing.assert_frame_equal(plain(found), plain(expected))


@pytest.mark.parametrize("every", [400, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_half_of_such_customers_are_back_at_the_median(models, customers, kind, every):
    model = models[kind]
    waits = model.predict_median_days(customers)["median_days"]
    assert waits.notna().sum() > 100
    some = waits[waits > 1].index[::every]
    assert len(some) > 1
    for place in some:
        whole = int(np.ceil(waits[place] - 1e-6))  # a step where the hazard has steps
        before, after = (
            model.predict_churn(customers.loc[[place]], horizon_days=days)
            for days in (max(whole - 1, 1), whole)
        )
        assert after["churn_probability"].iloc[0] <= 0.5 + 1e-9
        assert before["churn_probability"].iloc[0] >= 0.5 - 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_more_days_ahead_make_nobody_likelier_to_be_silent(models, kind):
    rng = np.random.default_rng(4)
    purchases = rng.integers(1, 61, 300)
    many = pd.DataFrame(
        {
            "customer_id": np.arange(300),
            "purchases": purchases,
            "active_days": np.where(purchases > 1, rng.integers(0, 2001, 300), 0),
            "recency_days": rng.integers(0, 5001, 300),
            "mean_purchase_value": rng.choice([0, 1, 50, 1e6], 300),
        }
    )
    near, far = (
        models[kind].predict_churn(many, horizon_days=days)["churn_probability"]
        for days in (40, 70)
    )
    assert ((far >= 0) & (far <= near) & (near <= 1)).all()
    assert (far < near).any()


@pytest.mark.slow
@settings(max_examples=12)
@given(
    kind=st.sampled_from(KINDS),
    purchases=st.integers(1, 60),
    active=st.integers(0, 2000),
    silent=st.integers(0, 5000),
    value=st.floats(0, 1e6),
    horizon=st.integers(1, 2000),
)
def test_more_days_ahead_are_never_likelier_to_be_silent(
    models, *, kind, purchases, active, silent, value, horizon
):
    one = pd.DataFrame(
        {
            "customer_id": ["a"],
            "purchases": [purchases],
            "active_days": [active if purchases > 1 else 0],
            "recency_days": [silent],
            "mean_purchase_value": [value],
        }
    )
    model = models[kind]
    with warnings.catch_warnings():  # of horizons beyond the log
        warnings.simplefilter("ignore", RfmkitWarning)
        near, far = (
            model.predict_churn(one, horizon_days=days)["churn_probability"].iloc[0]
            for days in (horizon, horizon + 30)
        )
    assert 0 <= far <= near <= 1


def test_neither_later_orders_nor_the_order_of_rows_change_anything(sample, orders):
    early = sample[sample["ordered_at"] < "2024-07-01"].sample(frac=1, random_state=1)
    alone = rk.read_orders(early).until("2024-06-30")
    both = [rk.GapRegression().fit(log) for log in (alone, orders.until("2024-06-30"))]
    assert both[0].gaps_ < 4000
    # A refund given later is known now, wherever the log is cut.
    for name in ("coefficient", "robust_error"):
        first, second = (model.summary_[name].to_numpy() for model in both)
        assert first == pytest.approx(second, rel=1e-9)


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing(sample, models):
    shuffled = rk.read_orders(sample.sample(frac=1, random_state=1))
    again = rk.GapRegression("loglogistic").fit(shuffled)
    pd.testing.assert_frame_equal(again.summary_, models["loglogistic"].summary_)


# --- formulas -------------------------------------------------------------------------------------


def test_a_sample_of_customers_is_learned_from_where_there_are_more_gaps(orders, models):
    model = rk.GapRegression("weibull", sample=2000).fit(orders)
    everybody = models["weibull"]
    assert everybody.sampled_ == 1
    assert 0.3 < model.sampled_ < 0.5
    assert 1500 < model.gaps_ < 2500
    apart = model.summary_["coefficient"] - everybody.summary_["coefficient"]
    assert (apart.abs() < 4 * model.summary_["robust_error"]).all()


def test_the_season_joins_with_two_years():
    log = rk.simulate_orders(400, seed=3, days=900).orders
    model = rk.GapRegression("weibull").fit(rk.read_orders(log))
    assert model.formula_ == "order_number + own_gap + value + quarter"
    named = set(model.summary_["covariate"])
    assert {"quarter[Q2]", "quarter[Q3]", "quarter[Q4]"} < named


def test_what_never_varies_is_left_out():
    log = rk.simulate_orders(400, seed=3, same_day_share=0).orders
    log = log.assign(amount=1, refund_amount=0)
    model = rk.GapRegression("weibull").fit(rk.read_orders(log))
    assert "value" not in model.formula_


def test_a_formula_can_name_every_covariate(orders, customers):
    formula = "order_number + own_gap + last_gap + value + month + log_purchases + active_days"
    model = rk.GapRegression("weibull", formula=formula).fit(orders)
    assert len(model.summary_) == 1 + 4 + 3 + 11 + 2 + 1
    found = model.predict_churn(customers)["churn_probability"]
    assert found.between(0, 1).all()
    pd.testing.assert_frame_equal(model.predict_churn(orders), model.predict_churn(customers))


@pytest.fixture(scope="module")
def two_goods():
    """Tea is bought again after 30 days or so, kettles after 90; half of the customers leave."""
    rng = np.random.default_rng(5)
    rows, goods = [], []
    for place in range(600):
        day, good = rng.integers(0, 200), ("tea", "kettle")[place % 2]
        while day < 1000:
            rows.append((f"c{place}", day))
            goods.append(good)
            day += max(1, round({"tea": 30, "kettle": 90}[good] * rng.weibull(1.5)))
            if rng.random() < 0.1:
                break
    return log_of(rows, category=goods)


def test_a_category_has_its_own_length_of_gaps(two_goods):
    orders = rk.read_orders(two_goods)
    model = rk.GapRegression("mixture_cure", formula="category").fit(orders)
    found = model.summary_.set_index(["part", "covariate"]).loc[("time", "category[tea]")]
    assert abs(found["coefficient"] - np.log(30 / 90)) < 3 * found["robust_error"]
    of_log = model.predict_churn(orders).set_index("customer_id")["churn_probability"]
    last = two_goods.drop_duplicates("customer_id", keep="last")[["customer_id", "category"]]
    frame = rk.summarize(orders).merge(last, on="customer_id")
    of_frame = model.predict_churn(frame).set_index("customer_id")["churn_probability"]
    pd.testing.assert_series_equal(of_log, of_frame)
    strange = model.predict_churn(frame.assign(category=["samovar"] + [None] * (len(frame) - 1)))
    assert strange["churn_probability"].isna().all()


def test_a_number_by_its_levels_is_one_that_was_there(orders, customers):
    early = orders.until("2023-06-30")
    most = rk.summarize(early)["purchases"].max()
    model = rk.GapRegression("weibull", horizon_days=90, formula="C(purchases) + value").fit(early)
    named = set(model.summary_["covariate"])
    assert {"purchases[2]", "purchases[3]", "value"} < named
    found = model.predict_churn(customers)["churn_probability"]
    assert found.isna().tolist() == (customers["purchases"] > most).tolist()
    assert 0 < found.isna().sum() < len(found)


def test_the_logarithm_of_a_number_is_in_doublings(orders):
    model = rk.GapRegression("loglogistic", formula="log_purchases + log_active_days").fit(orders)
    assert model.formula_ == "log_purchases + log_active_days"
    one = pd.DataFrame({"customer_id": "a", "purchases": [4, 8], "active_days": [64, 32]})
    waits = model.predict_median_days(one.assign(recency_days=0))["median_days"]
    slope = model.summary_.set_index(["part", "covariate"])["coefficient"]["time"]
    expected = slope["log_purchases"] - slope["log_active_days"]
    assert np.log(waits[1] / waits[0]) == pytest.approx(expected)


def test_a_purchase_of_the_same_day_counts_as_half_a_day(sample):
    orders = rk.read_orders(sample, same_day="keep")
    model = rk.GapRegression("weibull").fit(orders)
    assert np.isfinite(model.summary_["robust_error"]).all()
    assert model.predict_churn(orders)["churn_probability"].between(0, 1).all()


@pytest.mark.parametrize("kind", ["loglogistic", pytest.param("cox", marks=pytest.mark.slow)])
def test_it_knows_more_of_later_outcomes_than_the_share_that_churned(orders, customers_then, kind):
    then, churned = customers_then
    model = rk.GapRegression(kind, horizon_days=90).fit(then)
    found = model.predict_churn(then).set_index("customer_id")["churn_probability"]
    share = np.full(len(churned), churned.mean())
    assert log_loss(churned, found[churned.index]) < log_loss(churned, share)


@pytest.fixture(scope="module")
def customers_then(orders):
    """The log as of a past day, and who of its customers churned within 90 days."""
    table = rk.snapshots(orders, origins=["2024-07-03"], horizon_days=90)
    return orders.until("2024-07-03"), table.set_index("customer_id")["churned"]


@pytest.mark.slow
def test_it_can_be_backtested(orders):
    models = {kind: rk.GapRegression(kind) for kind in ("loglogistic", "cox")}
    board = rk.backtest(orders, models, horizon_days=90, origins=["2024-07-03"]).pooled
    scores = board.set_index("model")["log_loss"]
    assert (scores[["loglogistic", "cox"]] < scores["base rate"]).all()


# --- what goes wrong, and what is left alone ------------------------------------------------------


def test_a_formula_names_what_is_known(orders):
    with pytest.raises(RfmkitError, match=r"(?s)known when a gap begins.*'gap_days'.*order_number"):
        rk.GapRegression(formula="value + gap_days").fit(orders)
    for formula in ("value +* own_gap", "log(purchases)", "value + I(2 * value)", ["value"]):
        with pytest.raises(
            RfmkitError, match=r"(?s)formula must be a formula of covariates.*log_purchases"
        ):
            rk.GapRegression(formula=formula).fit(orders)


def test_covariates_that_say_the_same_are_refused(orders):
    with pytest.raises(RfmkitError, match=r"(?s)must vary between gaps.*'order_number\[2\]"):
        rk.GapRegression(formula="C(purchases) + order_number").fit(orders)


def test_coxs_model_needs_a_covariate(orders):
    with pytest.raises(NotEnoughHistoryError, match="covariate that varies"):
        rk.GapRegression("cox", formula="1").fit(orders)


def test_arguments_are_checked(orders):
    with pytest.raises(RfmkitError, match="kind must be one of 'weibull'"):
        rk.GapRegression("gompertz").fit(orders)
    with pytest.raises(RfmkitError, match="confidence must be a number between"):
        rk.GapRegression(confidence=95).fit(orders)
    with pytest.raises(RfmkitError, match="Expected the Orders"):
        rk.GapRegression().fit(rk.load_sample())


def test_nobody_who_bought_twice_teaches_nothing():
    orders = rk.read_orders(log_of([("a", 1), ("b", 2)]))
    with pytest.raises(NotEnoughHistoryError, match="must have bought on two different days"):
        rk.GapRegression().fit(orders)


def test_a_log_without_categories_has_none(orders):
    plain_log = rk.read_orders(log_of([("a", 1), ("a", 3), ("b", 2), ("b", 9)]))
    with pytest.raises(ColumnsError, match="column of categories"):
        rk.GapRegression(formula="category").fit(plain_log)


def test_a_frame_has_what_the_formula_names(models, customers):
    with pytest.raises(ColumnsError, match="no 'mean_purchase_value'"):
        models["cox"].predict_churn(customers.drop(columns="mean_purchase_value"))
    with pytest.raises(NotFittedError, match="fitted before use"):
        rk.GapRegression().predict_churn(customers)


def test_numpys_warnings_stay_as_they_were(orders):
    before = np.geterr()
    rk.GapRegression("cox").fit(orders)
    assert np.geterr() == before


def test_it_says_what_it_is(models):
    model = models["cox"]
    assert repr(model) == (
        "<GapRegression: cox of order_number + own_gap + value, horizon 90 days; "
        f"{model.gaps_:,} gaps of {model.customers_:,} customers; "
        "next: .summary_ or .predict_churn(orders)>"
    )
    assert repr(rk.GapRegression("weibull")) == (
        "<GapRegression: weibull, horizon 365 days; not fitted, next: .fit(orders)>"
    )
    assert "next 90 days" in model.estimand


def test_a_horizon_beyond_the_log_is_extrapolated_with_a_warning(orders, models):
    model = copy.copy(models["weibull"])
    model.horizon_days = 730
    with pytest.warns(
        RfmkitWarning, match="extrapolated by the fitted distribution: the log spans 729"
    ):
        model.predict_churn(orders)
    shorter = model.predict_churn(orders, 729)
    pd.testing.assert_frame_equal(shorter, model.predict_churn(orders, horizon_days=729))


def test_every_public_value_is_described(models):
    documented = re.findall(r"\w+", rk.GapRegression.__doc__)
    assert {name for name in vars(models["cox"]) if not name.startswith("_")} - {
        *documented
    } == set()
