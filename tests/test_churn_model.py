"""ChurnModel: it learns from past days only, falls back with a warning, and explains itself."""

import datetime as dt
import re

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import rfmkit as rk
from conftest import log, plain
from rfmkit.churn._logits import expit
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError, RfmkitWarning

SETTINGS = {"horizon_days": 60, "origins": 4}
SMALL = SETTINGS | {"learner": "logistic", "sample": 800}
BLEND = pytest.param("blend", marks=pytest.mark.slow)
ALONE = "ModifiedBetaGeo alone is used"
pytestmark = pytest.mark.xdist_group("churn model")  # one worker holds the fits of all


@pytest.fixture(scope="module")
def shop():
    """A shop whose customers do not follow a BTYD model."""
    return rk.simulate_orders(800, seed=5, days=500, mean_gap_days=30, regularity=3).orders


@pytest.fixture(scope="module")
def read(shop):
    return rk.read_orders(shop)


@pytest.fixture(scope="module")
def model(read):
    return rk.ChurnModel(**SETTINGS).fit(read)


@pytest.fixture(scope="module")
def past(read):
    """The log of one horizon ago."""
    return read.until(read.as_of - dt.timedelta(days=60))


@pytest.fixture(scope="module")
def logistic(past):
    """A model of one learner by itself, fitted on a sample."""
    return rk.ChurnModel(**SMALL).fit(past)


def of(days_of, **more):
    """A log of customers, each with the days on which they bought."""
    rows = [
        (name, dt.date(2024, 1, 1) + dt.timedelta(days=day))
        for name, days in days_of.items()
        for day in days
    ]
    return log(customer=[name for name, _ in rows], date=[str(day) for _, day in rows], **more)


def loss(table, past):
    both = past.merge(table, on="customer_id", validate="one_to_one")
    kept = np.clip(both["churn_probability"], 1e-9, 1 - 1e-9)
    return -np.where(both["churned"], np.log(kept), np.log(1 - kept)).mean()


# --- what it learns ------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", ["logistic", BLEND])
def test_it_beats_the_model_it_starts_from_where_that_is_wrong(read, past, logistic, learner):
    ahead = rk.snapshots(read, origins=[past.as_of], horizon_days=60)
    model = logistic if learner == "logistic" else rk.ChurnModel(**SETTINGS).fit(past)
    btyd = loss(rk.ModifiedBetaGeo(60).fit(past).predict_churn(past), ahead)
    assert loss(model.predict_churn(past), ahead) < 0.98 * btyd


@pytest.mark.slow
def test_two_years_teach_the_season():
    shop = rk.simulate_orders(700, seed=2, days=1000, seasonality=0.6, mean_gap_days=30)
    orders = rk.read_orders(shop.orders)
    origin = orders.as_of - dt.timedelta(days=60)
    known = orders.until(origin)
    ahead = rk.snapshots(orders, origins=[origin], horizon_days=60)
    model = rk.ChurnModel(60, learner="logistic", origins=8).fit(known)
    found = plain(model.predict_churn(known))
    btyd = plain(rk.ModifiedBetaGeo(60).fit(known).predict_churn(known))
    bias = [table["churn_probability"].mean() - ahead["churned"].mean() for table in (found, btyd)]
    assert abs(bias[0]) < abs(bias[1])
    assert loss(found, ahead) < loss(btyd, ahead)


def test_every_past_day_has_its_outcome_behind_it(model, read):
    training = model.training_
    assert len(training) == 4
    assert (training["origin"].dt.date <= read.as_of - dt.timedelta(days=60)).all()
    assert training["origin"].is_monotonic_decreasing
    assert training["role"].tolist() == ["calibrate", "fit", "fit", "fit"]
    past = rk.snapshots(read, origins=list(training["origin"].dt.date), horizon_days=60)
    expected = past.groupby("origin")["churned"].agg(["size", "mean"]).sort_index(ascending=False)
    assert training["customers"].tolist() == expected["size"].tolist()
    assert training["churn_rate"].to_numpy() == pytest.approx(expected["mean"].to_numpy())


def test_the_weights_add_up_to_one(model):
    assert list(model.weights_) == ["ModifiedBetaGeo", "logistic", "boosting", "ChurnCurve"]
    assert sum(model.weights_.values()) == pytest.approx(1)
    assert min(model.weights_.values()) >= 0


@pytest.mark.parametrize("learner", ["logistic", pytest.param("boosting", marks=pytest.mark.slow)])
def test_each_learner_stands_alone_beside_the_btyd_model(past, logistic, learner):
    alone = logistic
    if learner != "logistic":
        alone = rk.ChurnModel(**SETTINGS, learner=learner).fit(past)
    assert list(alone.weights_) == ["ModifiedBetaGeo", learner]
    assert plain(alone.predict_churn(past))["churn_probability"].between(0, 1).all()


@pytest.mark.parametrize("learner", ["logistic", BLEND])
def test_a_sample_of_the_customers_is_enough_to_learn_from(read, past, logistic, learner):
    model = logistic
    if learner != "logistic":
        model = rk.ChurnModel(**SETTINGS, sample=800).fit(read)
    assert 600 < model.training_["customers"].sum() < 1000
    assert len(model.predict_churn(past)) == len(rk.summarize(past))


# --- what it must not see, and what must not matter ----------------------------------------------


def earlier(shop, day):
    return shop[shop["ordered_at"] < pd.Timestamp(day) + pd.Timedelta(days=1)]


def test_neither_later_orders_nor_their_order_nor_polars_change_anything(shop, past, logistic):
    shuffled = earlier(shop, past.as_of).sample(frac=1, random_state=1)
    alone = rk.read_orders(pl.from_pandas(shuffled)).until(past.as_of)
    found = rk.ChurnModel(**SMALL).fit(alone).predict_churn(alone)
    assert isinstance(found, pl.DataFrame)
    pd.testing.assert_frame_equal(plain(found), plain(logistic.predict_churn(past)), rtol=1e-9)


@pytest.mark.slow
def test_later_orders_change_nothing(shop, past):
    alone = rk.read_orders(earlier(shop, past.as_of)).until(past.as_of)
    tables = [rk.ChurnModel(**SETTINGS).fit(log).predict_churn(log) for log in (past, alone)]
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["polars", "ibis", "duckdb"])
def test_the_kind_of_source_and_the_order_of_rows_do_not_matter(shop, model, read, as_kind, kind):
    shuffled = shop.sample(frac=1, random_state=1).reset_index(drop=True)
    other = rk.read_orders(as_kind(shuffled, kind))
    found = rk.ChurnModel(**SETTINGS).fit(other).predict_churn(other)
    if kind == "polars":
        assert type(found).__module__.startswith("polars")
    expected = plain(model.predict_churn(read))
    pd.testing.assert_frame_equal(plain(found), expected, rtol=1e-9)


def test_customers_in_duckdb_are_predicted_as_in_pandas(shop, model, read, as_kind):
    found = model.predict_churn(rk.read_orders(as_kind(shop, "duckdb")))
    assert isinstance(found, duckdb.DuckDBPyRelation)
    expected = plain(model.predict_churn(read))
    pd.testing.assert_frame_equal(plain(found), expected, rtol=1e-12)


def test_a_fitted_model_predicts_another_log(model, read):
    earlier = read.until("2024-01-15")
    found = model.predict_churn(earlier)
    assert found["customer_id"].tolist() == rk.summarize(earlier)["customer_id"].tolist()


# --- horizons ------------------------------------------------------------------------------------


def test_a_longer_horizon_leaves_more_time_to_come_back(model, read):
    tables = [
        model.predict_churn(read, horizon_days=days)["churn_probability"] for days in (30, 60, 120)
    ]
    assert (tables[0] - tables[1]).min() > -1e-12
    assert (tables[1] - tables[2]).min() > -1e-12
    assert (tables[0] > tables[2]).any()
    pd.testing.assert_series_equal(tables[1], model.predict_churn(read)["churn_probability"])
    pd.testing.assert_frame_equal(
        model.predict_churn(read, 30), model.predict_churn(read, horizon_days=30)
    )


# --- where the past cannot teach -----------------------------------------------------------------


# With a horizon of a day there is no shorter one to try, which is quick.
DAYS_OR_ONE = [1, pytest.param(30, marks=pytest.mark.slow)]


def fallen_back(orders, horizon_days, match, hint="shorter"):
    origins = 2 if horizon_days == 1 else 4
    with pytest.warns(RfmkitWarning, match=rf"{ALONE}(.|\n)*Hint: ask for a {hint} horizon_days"):
        model = rk.ChurnModel(horizon_days, origins=origins).fit(orders)
    assert match in model.fallback_
    assert model.learned_days_ == 0
    assert model.weights_ == {"ModifiedBetaGeo": 1.0}
    with np.errstate(all="ignore"):
        btyd = rk.ModifiedBetaGeo(horizon_days).fit(orders)
    expected = plain(btyd.predict_churn(orders))
    pd.testing.assert_frame_equal(plain(model.predict_churn(orders)), expected)
    assert model.explain(orders)["effect"].notna().all()
    assert model.importances_["log_loss"].isna().all()
    return model


@pytest.fixture(scope="module")
def short(read):
    """A log that is too short for a year, and the model fitted on it."""
    orders = read.until("2023-02-10")
    return orders, fallen_back(orders, 365, "too short to learn and to check")


def test_too_short_a_log_falls_back(short):
    model = short[1]
    assert model.training_.empty
    assert list(model.training_.columns) == ["origin", "customers", "churn_rate", "role"]


@pytest.mark.parametrize(
    ("learner", "origins"), [("logistic", 3), pytest.param("blend", 4, marks=pytest.mark.slow)]
)
def test_a_longer_horizon_is_carried_on_from_a_shorter_one(read, learner, origins):
    with pytest.warns(RfmkitWarning, match="150 days is learned, and .* extends it to 300"):
        model = rk.ChurnModel(300, learner=learner, origins=origins).fit(read)
    assert model.learned_days_ == 150
    found, shorter = (
        plain(model.predict_churn(read, horizon_days=days))["churn_probability"]
        for days in (300, 150)
    )
    assert (found <= shorter).all()
    assert found.to_numpy() == pytest.approx(plain(model.predict_churn(read)).iloc[:, 1])


@pytest.mark.parametrize("horizon_days", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_one_customer_falls_back(horizon_days):
    fallen_back(rk.read_orders(of({"a": [0, 20, 50, 90]})), horizon_days, "at most 1 and 1")


@pytest.mark.parametrize("horizon_days", DAYS_OR_ONE)
def test_nobody_who_came_back_falls_back(horizon_days):
    orders = rk.read_orders(of({f"c{place}": [place] for place in range(200)}))
    model = fallen_back(orders, horizon_days, "at most 0 and", hint="longer")
    assert (model.predict_churn(orders)["churn_probability"] > 0.5).all()


@pytest.mark.slow
def test_nobody_who_stayed_away_falls_back():
    days = {f"c{place}": range(place % 7, 200, 7) for place in range(80)}
    fallen_back(rk.read_orders(of(days)), 30, "at most 80 and 0")


def test_a_log_of_one_day_cannot_be_learned_from():
    with pytest.raises(NotEnoughHistoryError, match="must have bought before the last day"):
        rk.ChurnModel(30).fit(rk.read_orders(of({"a": [0], "b": [0]})))


# --- what it says of itself ----------------------------------------------------------------------


def test_effects_add_up_to_the_distance_from_the_typical_customer(model, read):
    customers = rk.summarize(read)["customer_id"].iloc[:40]
    effects = model.explain(read, customers=customers, top=5)
    assert effects.groupby("customer_id").size().eq(5).all()
    total = effects.groupby("customer_id")["effect"].sum()
    churn = effects.groupby("customer_id")["churn_probability"].first()
    away = np.log(churn / (1 - churn)) - total
    assert away.to_numpy() == pytest.approx(np.full(40, away.iloc[0]), abs=1e-8)
    assert 0 < expit(away.to_numpy())[0] < 1


def test_the_greatest_effects_come_first(model, read):
    effects = model.explain(read, top=3)
    size = effects["effect"].abs()
    for rank in (1, 2):
        first, second = size[effects["rank"] == rank], size[effects["rank"] == rank + 1]
        assert (first.to_numpy() >= second.to_numpy()).all()


def test_silence_and_purchases_matter_most(model):
    table = model.importances_
    assert set(table["feature"].iloc[:3]) >= {"silence"}
    assert table["log_loss"].is_monotonic_decreasing
    assert table["log_loss"].iloc[0] > 0


def test_it_says_what_it_is(model):
    estimand = "P(no purchase within 90 days from now | purchases so far)"
    unfitted = f"<ChurnModel: {estimand}; not fitted, next: .fit(orders)>"
    assert repr(rk.ChurnModel(90)) == unfitted
    assert repr(model).endswith("ChurnCurve from 4 past days; next: .predict_churn(orders)>")
    assert model.estimand == "P(no purchase within 60 days from now | purchases so far)"


def test_it_is_fitted_first(read):
    with pytest.raises(NotFittedError, match="fitted before use"):
        rk.ChurnModel(90).predict_churn(read)
    with pytest.raises(NotFittedError, match="fitted before use"):
        rk.ChurnModel(90).explain(read)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"horizon_days": 0}, "horizon_days must be a whole number of at least 1"),
        ({"learner": "forest"}, "learner must be one of"),
        ({"sample": 0.5}, "sample must be a whole number of at least 1"),
        ({"origins": 0}, "origins must be a whole number of at least 1"),
    ],
)
def test_settings_are_checked(read, settings, match):
    with pytest.raises(RfmkitError, match=match):
        rk.ChurnModel(**settings).fit(read)


def test_a_log_is_asked_for(shop):
    with pytest.raises(RfmkitError, match="Expected the Orders that rk"):
        rk.ChurnModel(60).fit(shop)


def test_customers_to_explain_are_a_list(model, read):
    with pytest.raises(RfmkitError, match="customers must be a list of customer ids"):
        model.explain(read, customers="c1")


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_customers_in_spark_are_predicted_as_in_pandas(spark, model, read, shop):
    some = shop[shop["customer_id"] < "C000120"]
    known = rk.read_orders(some)
    found = model.predict_churn(rk.read_orders(spark.createDataFrame(some)))
    assert type(found).__module__.startswith("pyspark")
    pd.testing.assert_frame_equal(plain(found), plain(model.predict_churn(known)), rtol=1e-12)


def test_who_has_never_bought_is_not_explained(model, read):
    known = rk.summarize(read)["customer_id"].iloc[0]
    for asked in ([], ["nobody"], [known, "nobody"]):
        with pytest.raises(RfmkitError, match="explain needs customers who have bought"):
            model.explain(read, customers=asked)


@pytest.mark.slow
def test_the_hint_leads_to_where_there_are_outcomes(read):
    with pytest.warns(RfmkitWarning, match="Hint: ask for a longer horizon_days"):
        rk.ChurnModel(1, origins=4).fit(read.until("2023-06-30"))
    with pytest.warns(RfmkitWarning, match="Hint: ask for a shorter horizon_days"):
        rk.ChurnModel(365, origins=4).fit(read.until("2023-06-30"))


def test_numpys_whole_numbers_are_horizons_where_it_falls_back(short):
    orders, expected = short
    with pytest.warns(RfmkitWarning, match=ALONE):
        found = rk.ChurnModel(np.int64(365), origins=4).fit(orders)
    pd.testing.assert_frame_equal(
        found.predict_churn(orders, np.int64(30)), expected.predict_churn(orders, 30)
    )


@pytest.mark.slow
def test_numpys_whole_numbers_are_horizons(read, model):
    found = rk.ChurnModel(np.int64(60), origins=4).fit(read)
    pd.testing.assert_frame_equal(found.predict_churn(read), model.predict_churn(read))


def test_every_public_value_is_described(model):
    documented = re.findall(r"\w+", rk.ChurnModel.__doc__)
    assert {name for name in vars(model) if not name.startswith("_")} - {*documented} == set()
