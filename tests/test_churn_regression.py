"""Regressions on gaps: what lifelines finds on the raw rows, with the errors of customers."""

import warnings

import lifelines
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import plain
from rfmkit.exceptions import (
    ColumnsError,
    NotEnoughHistoryError,
    NotFittedError,
    RfmkitError,
    RfmkitWarning,
)

KINDS = ["weibull", "lognormal", "loglogistic", "cox", "mixture_cure"]
AFT = {
    "weibull": lifelines.WeibullAFTFitter,
    "lognormal": lifelines.LogNormalAFTFitter,
    "loglogistic": lifelines.LogLogisticAFTFitter,
}


@pytest.fixture(scope="module")
def models(orders):
    return {kind: rk.GapRegression(kind, horizon_days=90).fit(orders) for kind in KINDS}


@pytest.fixture(scope="module")
def raw_gaps(sample):
    """Every gap of the sample by itself, with its covariates, from its rows."""
    paid = sample["status"].isin(["paid", "shipped", "completed", "partially_refunded"])
    rows = sample[paid].assign(
        day=sample["ordered_at"].dt.normalize(),
        net=sample["amount"] - sample["refund_amount"],
    )
    days = rows.groupby(["customer_id", "day"], as_index=False)["net"].sum()
    by_customer = days.groupby("customer_id")
    number, following = by_customer.cumcount() + 1, by_customer["day"].shift(-1)
    active = (days["day"] - by_customer["day"].transform("min")).dt.days
    as_of = sample["ordered_at"].max().normalize()
    gaps = pd.DataFrame(
        {
            "days": (following.fillna(as_of) - days["day"]).dt.days.astype(float),
            "ended": following.notna(),
            "mean_gap": active / (number - 1),
            "value": by_customer["net"].cumsum() / number,
            "order_number": pd.cut(
                number, [0, 1, 2, 4, 8, np.inf], labels=["1", "2", "3-4", "5-8", "9+"]
            ).astype(object),
        }
    )
    gaps = gaps[gaps["ended"] | (gaps["days"] > 0)].reset_index(drop=True)
    typical = np.log2(gaps.loc[gaps["ended"], "days"]).mean()
    gaps["own_gap"] = (np.log2(gaps.pop("mean_gap")) - typical).fillna(0)
    logs = np.log2(gaps["value"])
    return gaps.assign(value=logs - logs.mean())


def log_of(rows, **columns):
    """Make a log of (customer, day) and columns beside."""
    who, day = zip(*rows, strict=True)
    dates = pd.Timestamp("2015-01-01") + pd.to_timedelta(np.array(day), unit="D")
    return pd.DataFrame({"customer_id": who, "date": dates, "amount": 1.0} | columns)


def shop(draw, *, customers=1500, days=4000, dear=200.0, seed=0):
    """Simulate buyers of cheap and of dear things, with `draw(rng, is_dear)` for their gaps."""
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(customers):
        day = rng.integers(0, days // 2)
        while day < days:
            rows.append((f"c{place}", day))
            day += draw(rng, place % 2)
    amount = [dear if int(who[1:]) % 2 else dear / 2 for who, _ in rows]
    return rk.read_orders(log_of(rows, amount=amount))


# --- against lifelines ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", AFT)
def test_accelerated_failure_times_are_those_of_lifelines_on_raw_rows(models, raw_gaps, kind):
    model = models[kind]
    assert model.gaps_ == len(raw_gaps)
    with np.errstate():  # lifelines leaves numpy's warnings off
        fitter = AFT[kind]()
        fitter._scipy_fit_method, fitter._scipy_fit_options = "BFGS", {"gtol": 1e-8}
        fitter.fit(raw_gaps, "days", "ended", formula=model.formula_)
    found = model.summary_
    named = fitter.params_.index.get_level_values(1).str.replace("T.", "", regex=False)
    assert found["covariate"].tolist() == named.tolist()
    assert found["coefficient"].to_numpy() == pytest.approx(fitter.params_.to_numpy(), abs=1e-6)
    assert found["naive_error"].to_numpy() == pytest.approx(
        fitter.standard_errors_.to_numpy(), rel=1e-3
    )
    assert model.log_likelihood_ == pytest.approx(fitter.log_likelihood_, abs=1e-6)


def test_coxs_model_is_that_of_lifelines_on_raw_rows(models, raw_gaps):
    with np.errstate():
        fitter = lifelines.CoxPHFitter().fit(
            raw_gaps, "days", "ended", formula="order_number + own_gap + value"
        )
    found = models["cox"].summary_
    assert found["coefficient"].to_numpy() == pytest.approx(fitter.params_.to_numpy(), abs=1e-6)
    assert found["naive_error"].to_numpy() == pytest.approx(
        fitter.standard_errors_.to_numpy(), rel=1e-6
    )


def test_a_mixture_without_covariates_is_the_one_of_lifelines(orders, raw_gaps):
    model = rk.GapRegression("mixture_cure", formula="1").fit(orders)
    with np.errstate(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter = lifelines.MixtureCureFitter(lifelines.WeibullFitter())
        fitter.fit(raw_gaps["days"], raw_gaps["ended"])
    found = model.summary_.set_index("part")["coefficient"]
    never = 1 / (1 + np.exp(-found["never"]))
    assert never == pytest.approx(fitter.cured_fraction_, rel=1e-3)
    assert np.exp(found["time"]) == pytest.approx(fitter.lambda_, rel=1e-3)
    assert np.exp(found["shape"]) == pytest.approx(fitter.rho_, rel=1e-3)
    assert model.log_likelihood_ == pytest.approx(fitter.log_likelihood_, abs=1e-3)


@pytest.mark.parametrize("kind", [*AFT, "cox"])
def test_churn_is_the_conditional_survival_of_lifelines(models, raw_gaps, customers, kind):
    model = models[kind]
    some = customers[customers["recency_days"].between(1, 200)].head(40)
    fitter = AFT.get(kind, lifelines.CoxPHFitter)()
    open_now = pd.DataFrame(
        model._scales.covariates(
            {
                "purchases": some["purchases"],
                "active_days": some["active_days"],
                "mean_purchase_value": some["mean_purchase_value"],
            },
            model._found.design.names,
        )
    )
    with np.errstate():
        fitter.fit(raw_gaps, "days", "ended", formula=model.formula_)
        expected = [
            fitter.predict_survival_function(
                open_now.iloc[[place]], times=[90], conditional_after=np.array([silent])
            ).iloc[0, 0]
            for place, silent in enumerate(some["recency_days"])
        ]
    found = model.predict_churn(some)["churn_probability"]
    assert found.to_numpy() == pytest.approx(expected, abs=1e-3)


# --- where the truth is known --------------------------------------------------------------------


def weibull_gap(rng, is_dear):
    return max(1, round(150 * 1.5**is_dear * rng.weibull(1.4)))


@pytest.fixture(scope="module")
def weibull_shop():
    return shop(weibull_gap)


def test_the_gaps_of_a_weibull_shop_are_found_again(weibull_shop):
    model = rk.GapRegression("weibull", formula="value").fit(weibull_shop)
    found = model.summary_.set_index(["part", "covariate"])
    slope = found.loc[("time", "value")]
    assert abs(slope["coefficient"] - np.log(1.5)) < 3 * slope["robust_error"]
    assert slope["ratio_lower"] < 1.5 < slope["ratio_upper"]
    shape = found.loc[("shape", "Intercept")]
    assert abs(shape["coefficient"] - np.log(1.4)) < 3 * shape["robust_error"]


def test_a_weibull_shop_has_proportional_hazards(weibull_shop):
    slope = rk.GapRegression("cox", formula="value").fit(weibull_shop).summary_.iloc[0]
    assert slope["part"] == "hazard"
    assert abs(slope["coefficient"] + 1.4 * np.log(1.5)) < 3 * slope["robust_error"]


def test_own_gaps_that_tell_nothing_are_said_to_tell_nothing():
    orders = shop(lambda rng, _: max(1, round(150 * rng.weibull(1.4))), seed=1)
    model = rk.GapRegression("weibull", formula="order_number + own_gap").fit(orders)
    own = model.summary_.set_index("covariate").loc["own_gap"]
    assert abs(own["coefficient"]) < 3 * own["robust_error"]


def test_the_share_that_never_returns_is_found_again():
    def draw(rng, is_dear):
        return 10**6 if rng.random() < (0.4 if is_dear else 0.2) else weibull_gap(rng, is_dear)

    model = rk.GapRegression("mixture_cure", formula="value").fit(shop(draw, customers=2500))
    found = model.summary_.set_index(["part", "covariate"])
    odds = found.loc[("never", "value")]
    true_odds = np.log(0.4 / 0.6) - np.log(0.2 / 0.8)
    assert abs(odds["coefficient"] - true_odds) < 3 * odds["robust_error"]
    slope = found.loc[("time", "value")]
    assert abs(slope["coefficient"] - np.log(1.5)) < 3 * slope["robust_error"]


def test_the_intervals_are_wider_where_customers_differ_by_more_than_is_known():
    """Of equal truth: who is slow once is slow again, and one gap more tells less."""
    moods = np.random.default_rng(3).gamma(2, 0.5, 400)
    turn = iter(range(10**9))

    def draw(rng, is_dear):
        return max(1, round(40 * moods[next(turn) // 40 % 400] * rng.weibull(1.4)))

    summary = rk.GapRegression("weibull", formula="value").fit(shop(draw, customers=400)).summary_
    slope = summary.set_index("covariate").loc["value"]
    assert slope["robust_error"] > 1.5 * slope["naive_error"]


# --- what is predicted ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_of_customers_is_predicted_as_its_log(models, orders, customers, kind):
    of_log, of_frame = (models[kind].predict_churn(source) for source in (orders, customers))
    pd.testing.assert_frame_equal(of_log, of_frame)
    assert of_log["customer_id"].tolist() == customers["customer_id"].tolist()
    assert of_log["churn_probability"].between(0, 1).all()


@pytest.mark.parametrize("source", ["pandas", "polars", "polars_lazy", "pyarrow", "duckdb", "ibis"])
def test_every_kind_of_frame_comes_back_in_its_kind(models, customers, as_kind, source):
    given_frame = as_kind(customers, source)
    found = models["loglogistic"].predict_churn(given_frame)
    assert type(found) is type(given_frame)
    expected = models["loglogistic"].predict_churn(customers)
    pd.testing.assert_frame_equal(plain(found), plain(expected))


@pytest.mark.parametrize("kind", KINDS)
def test_half_of_such_customers_are_back_at_the_median(models, customers, kind):
    model = models[kind]
    waits = model.predict_median_days(customers)["median_days"]
    assert waits.notna().sum() > 100
    some = waits[waits > 1].index[::100]
    for place in some:
        whole = int(np.ceil(waits[place] - 1e-6))  # a step where the hazard has steps
        before, after = (
            model.predict_churn(customers.loc[[place]], horizon_days=days)
            for days in (max(whole - 1, 1), whole)
        )
        assert after["churn_probability"].iloc[0] <= 0.5 + 1e-9
        assert before["churn_probability"].iloc[0] >= 0.5 - 1e-9


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


def test_later_orders_change_nothing(sample, orders):
    early = sample[sample["ordered_at"] < "2024-07-01"]
    alone = rk.read_orders(early).until("2024-06-30")
    both = [rk.GapRegression().fit(log) for log in (alone, orders.until("2024-06-30"))]
    assert both[0].gaps_ < 4000
    # A refund given later is known now, wherever the log is cut.
    for name in ("coefficient", "robust_error"):
        first, second = (model.summary_[name].to_numpy() for model in both)
        assert first == pytest.approx(second, rel=1e-9)


def test_the_order_of_rows_changes_nothing(sample, models):
    shuffled = rk.read_orders(sample.sample(frac=1, random_state=1))
    again = rk.GapRegression("loglogistic").fit(shuffled)
    pd.testing.assert_frame_equal(again.summary_, models["loglogistic"].summary_)


# --- formulas ------------------------------------------------------------------------------------


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


def test_the_category_of_a_purchase_tells_how_long_it_lasts(two_goods):
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


def test_it_can_be_backtested(orders):
    models = {kind: rk.GapRegression(kind) for kind in ("loglogistic", "cox")}
    board = rk.backtest(orders, models, horizon_days=90, origins=["2024-07-03"]).pooled
    scores = board.set_index("model")["log_loss"]
    assert (scores[["loglogistic", "cox"]] < scores["base rate"]).all()


# --- what goes wrong, and what is left alone -----------------------------------------------------


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
    text = repr(models["cox"])
    assert text.startswith("<GapRegression: cox of order_number + own_gap + value; 4,8")
    assert repr(rk.GapRegression("weibull")) == "<GapRegression: weibull; not fitted>"
    assert "next 90 days" in models["cox"].estimand


def test_a_horizon_beyond_the_log_rests_on_the_law(orders):
    model = rk.GapRegression("weibull", horizon_days=730).fit(orders)
    with pytest.warns(RfmkitWarning, match="rests on the law alone: the log spans 729 days"):
        model.predict_churn(orders)
    assert len(model.predict_churn(orders, horizon_days=729))
