"""The churn period: four methods as by hand, and how far each is from the truth."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from lifelines import KaplanMeierFitter

import rfmkit as rk
from conftest import plain
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError

METHODS = ["return_rate", "inflection", "half_value", "quantile"]


@pytest.fixture(scope="module")
def period(orders):
    return rk.churn_period(orders).set_index("method")


@pytest.fixture(scope="module")
def raw(sample, orders):
    """The gaps of the sample, one by one: the last of each customer is open."""
    paid = sample["status"].isin(["paid", "shipped", "completed", "partially_refunded"])
    days = sample[paid].assign(day=sample["ordered_at"].dt.normalize())
    days = days[["customer_id", "day"]].drop_duplicates().sort_values(["customer_id", "day"])
    following = days.groupby("customer_id")["day"].shift(-1)
    end = following.fillna(pd.Timestamp(orders.as_of))
    return days.assign(gap=(end - days["day"]).dt.days, returned=following.notna())


# --- as by hand ----------------------------------------------------------------------------------


def test_four_methods_stand_side_by_side(period):
    assert period.index.tolist() == METHODS
    assert list(period.columns) == ["days", "reached", "value", "return_rate", "note", "source"]
    assert period["reached"].all()
    assert (period["note"].str.len() > 20).all()


def test_fewer_than_one_in_ten_return_by_kaplan_and_meier(raw, orders, period):
    curve = KaplanMeierFitter().fit(raw["gap"], raw["returned"])
    never = rk.PurchaseCycle().fit(orders).never_share_
    days = int(period.loc["return_rate", "days"])
    rate = 1 - never / curve.predict([days - 1, days])
    assert rate.iloc[1] < 0.10 <= rate.iloc[0]
    assert period.loc["return_rate", "value"] == pytest.approx(rate.iloc[1], abs=1e-9)
    assert period.loc["return_rate", "return_rate"] == period.loc["return_rate", "value"]


def test_the_return_rate_can_be_asked_within_a_horizon(raw, orders):
    curve = KaplanMeierFitter().fit(raw["gap"], raw["returned"])
    found = rk.churn_period(orders, horizon_days=60, return_rate=0.2).iloc[0]
    days = np.arange(found["days"], found["days"] + 60)
    rate = 1 - curve.predict(days + 60).to_numpy() / curve.predict(days).to_numpy()
    assert (rate < 0.2).all()
    before = found["days"] - 1
    assert 1 - curve.predict(before + 60) / curve.predict(before) >= 0.2
    assert "fewer than 20% return within 60 days" in found["note"]


def test_a_higher_share_is_reached_sooner(orders):
    days = [
        rk.churn_period(orders, return_rate=share)["days"].iloc[0] for share in (0.05, 0.1, 0.3)
    ]
    assert days == sorted(days, reverse=True)
    assert days[0] > days[2]


def test_the_inflection_is_the_knee_of_f2_over_all(raw, period):
    gaps = raw.assign(
        past=raw["gap"].where(raw["returned"], 0), now=raw["gap"].where(~raw["returned"], 0)
    )
    of_each = gaps.groupby("customer_id").agg(
        purchases=("gap", "size"), past=("past", "max"), now=("now", "max")
    )

    def rate(days):
        back = of_each["past"] >= days
        once = (of_each["purchases"] == 1) & (of_each["now"] >= days)
        sooner = (of_each["purchases"] > 1) & ~back & (of_each["now"] >= days)
        together = once.sum() + sooner.sum() + back.sum()
        return back.sum() / together, together

    days = np.arange(1, of_each["now"].max() + 1)
    shares, together = np.array([rate(day) for day in days]).T
    days, shares = days[together >= 10], shares[together >= 10]
    line = shares[0] + (shares[-1] - shares[0]) * (days - days[0]) / (days[-1] - days[0])
    distance = (line - shares) / np.hypot(1, (shares[-1] - shares[0]) / (days[-1] - days[0]))
    assert period.loc["inflection", "days"] == days[np.argmax(distance)]
    assert period.loc["inflection", "value"] == pytest.approx(shares[np.argmax(distance)])


def test_half_value_is_adobes_formula(raw, period):
    repeats, last = raw.loc[raw["returned"], "gap"], raw.loc[~raw["returned"], "gap"]

    def probability(days):
        a, b = (repeats <= days).sum(), (last <= days).sum()
        c, d = len(repeats), len(last)
        return (c - a) / (c + d - a - b)

    days = int(period.loc["half_value", "days"])
    half = len(repeats) / len(raw) / 2
    assert probability(days) <= half < probability(days - 1)
    assert period.loc["half_value", "value"] == pytest.approx(probability(days))


def test_the_quantile_is_that_of_the_ended_gaps(raw, orders, period):
    ended = raw.loc[raw["returned"], "gap"]
    assert period.loc["quantile", "days"] == np.quantile(ended, 0.9, method="inverted_cdf")
    found = rk.churn_period(orders, q=0.4).set_index("method")
    assert found.loc["quantile", "days"] == np.quantile(ended, 0.4, method="inverted_cdf")
    assert found.loc["quantile", "value"] == 0.4


# --- against the truth ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"seed": 1}, pytest.param({"seed": 2, "days": 365}, marks=pytest.mark.slow)]
)
def test_who_counts_the_open_silences_in_is_nearer_to_the_truth(options):
    sim = rk.simulate_orders(10_000, **options)
    period = rk.churn_period(rk.read_orders(sim.orders, as_of=sim.last_day)).set_index("method")
    gaps = sim.gaps["gap_days"]

    def truly(days):
        """Give the share of those silent for so long who ever return: every gap is followed."""
        return (gaps > days).sum() / ((gaps > days) | gaps.isna()).sum()

    true_days = next(days for days in range(3000) if truly(days) < 0.10)
    assert (period["days"] < true_days).all()  # all are too soon
    assert period["days"].idxmax() == "return_rate"  # and the curve is the least so
    for method in ("inflection", "half_value"):
        true = truly(period.loc[method, "days"])
        naive, curve = (true - period.loc[method, name] for name in ("value", "return_rate"))
        assert naive > 0.10  # returns that the log does not show are missed by a tenth at least
        assert abs(curve) < 0.5 * naive


# --- edges ---------------------------------------------------------------------------------------


def log_of(gaps, customers=12):
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum([0, *gaps]), unit="D")
    rows = [(f"c{who}", day) for who in range(customers) for day in days]
    return pd.DataFrame(rows, columns=["customer", "date"]).assign(amount=1)


def test_clockwork_has_no_knee_and_never_falls_to_half():
    period = rk.churn_period(rk.read_orders(log_of([30] * 5))).set_index("method")
    assert period.loc["quantile", "days"] == 30
    assert not period.loc[["inflection", "half_value"], "reached"].any()
    blank = period.loc[["inflection", "half_value"], ["days", "value", "return_rate"]]
    assert blank.isna().all(axis=None)
    assert period.loc["half_value", "note"].endswith("the share never falls that low")
    assert period.loc["inflection", "note"].endswith("the curve has no knee")


def test_two_days_of_silence_are_too_few_for_a_knee():
    period = rk.churn_period(rk.read_orders(log_of([1]))).set_index("method")
    assert period.loc["inflection", "note"].endswith("too few silences")


def test_an_end_of_returns_that_is_not_seen_is_said(orders, period):
    assert "longest silence" not in period.loc["return_rate", "note"]
    small = rk.churn_period(rk.read_orders(log_of([5, 9, 30])))
    assert "within the 30 days of the longest silence" in small["note"].iloc[0]


@pytest.mark.parametrize(
    ("kind", "type_"),
    [("polars", pl.DataFrame), pytest.param("pyarrow", pa.Table, marks=pytest.mark.slow)],
)
def test_it_comes_in_the_kind_of_the_log(sample, as_kind, period, kind, type_):
    found = rk.churn_period(rk.read_orders(as_kind(sample, kind)))
    assert isinstance(found, type_)
    pd.testing.assert_frame_equal(plain(found), plain(period.reset_index()))


SLOW_KINDS = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("ibis", "csv")]


@pytest.mark.parametrize("kind", ["duckdb", *SLOW_KINDS])
def test_every_engine_finds_the_same(sample, as_kind, period, kind):
    found = rk.churn_period(rk.read_orders(as_kind(sample, kind)))
    pd.testing.assert_frame_equal(found, period.reset_index())


@pytest.mark.spark
def test_spark_finds_the_same(spark, sample, period):
    table = spark.createDataFrame(sample)
    log = rk.read_orders(table.withColumn("ordered_at", table["ordered_at"].cast("timestamp_ntz")))
    pd.testing.assert_frame_equal(rk.churn_period(log), period.reset_index())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"return_rate": 10},
            r"return_rate must be a number between 0 and 1\.\nFound: return_rate=10",
        ),
        ({"q": 0}, r"q must be a number between 0 and 1\.\nFound: q=0"),
        (
            {"horizon_days": 0},
            r"horizon_days must be a whole number of at least 1\.\nFound: horizon_days=0",
        ),
    ],
)
def test_a_wrong_option_is_named(orders, options, message):
    with pytest.raises(RfmkitError, match=message):
        rk.churn_period(orders, **options)


def test_a_log_is_needed_in_which_somebody_came_back(sample):
    with pytest.raises(
        NotEnoughHistoryError, match=r"two different days\.\nFound: 12 purchases by as"
    ):
        rk.churn_period(rk.read_orders(log_of([])))
    with pytest.raises(RfmkitError, match="Expected the Orders that rk"):
        rk.churn_period(sample)


def test_a_rule_that_holds_from_the_first_day_tells_nobody_lost(orders):
    found = rk.churn_period(orders, return_rate=0.99).set_index("method")
    assert found.loc["return_rate", "days"] == 0
    assert "separates no customers" in found.loc["return_rate", "note"]
