"""Estimates of the gap regression: those of lifelines on raw rows, and a simulated truth."""

import warnings
from functools import cache

import lifelines
import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from gaps import log_of

pytestmark = pytest.mark.xdist_group("gap regression")  # one worker fits the models
AFT = {
    "weibull": lifelines.WeibullAFTFitter,
    "lognormal": lifelines.LogNormalAFTFitter,
    "loglogistic": lifelines.LogLogisticAFTFitter,
}


@pytest.fixture(scope="module")
def model_of(orders):
    """Fit a kind of model on the sample, once."""
    return cache(lambda kind: rk.GapRegression(kind, horizon_days=90).fit(orders))


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


# --- against lifelines ----------------------------------------------------------------------------


SLOW_KINDS = [pytest.param(kind, marks=pytest.mark.slow) for kind in AFT if kind != "weibull"]


@pytest.mark.parametrize("kind", ["weibull", *SLOW_KINDS])
def test_accelerated_failure_times_are_those_of_lifelines_on_raw_rows(model_of, raw_gaps, kind):
    model = model_of(kind)
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


def test_coxs_model_is_that_of_lifelines_on_raw_rows(model_of, raw_gaps):
    with np.errstate():
        fitter = lifelines.CoxPHFitter().fit(
            raw_gaps, "days", "ended", formula="order_number + own_gap + value"
        )
    found = model_of("cox").summary_
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


SLOW = [pytest.param(kind, 40, marks=pytest.mark.slow) for kind in [*AFT, "cox"]]


@pytest.mark.parametrize(("kind", "number"), [("weibull", 10), ("cox", 10), *SLOW])
def test_churn_is_the_conditional_survival_of_lifelines(
    model_of, raw_gaps, customers, kind, number
):
    model = model_of(kind)
    some = customers[customers["recency_days"].between(1, 200)].head(number)
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


# --- where the truth is known ---------------------------------------------------------------------


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


@pytest.mark.parametrize("number", [400, pytest.param(1500, marks=pytest.mark.slow)])
def test_own_gaps_have_no_effect_where_all_customers_are_alike(number):
    orders = shop(lambda rng, _: max(1, round(150 * rng.weibull(1.4))), customers=number, seed=1)
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
    """Gaps of a customer resemble each other, so one more is less evidence."""
    moods = np.random.default_rng(3).gamma(2, 0.5, 400)
    turn = iter(range(10**9))

    def draw(rng, is_dear):
        return max(1, round(40 * moods[next(turn) // 40 % 400] * rng.weibull(1.4)))

    summary = rk.GapRegression("weibull", formula="value").fit(shop(draw, customers=400)).summary_
    slope = summary.set_index("covariate").loc["value"]
    assert slope["robust_error"] > 1.5 * slope["naive_error"]
