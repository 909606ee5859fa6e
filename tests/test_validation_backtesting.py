"""A backtest scores models on past days by what happened after."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import rfmkit as rk
from conftest import Constant
from rfmkit.exceptions import RfmkitError
from rfmkit.validation import _metrics as metrics
from rfmkit.validation._baselines import BASELINES, RecencyRate

HORIZON = 90
DAYS = ["2024-07-03"]
BASELINE_NAMES = {kind.name for kind in BASELINES}


@pytest.fixture(scope="module")
def result(orders):
    curve = rk.ChurnCurve(anchor="snapshot")
    models = {"curve": curve, "half": Constant(), "young": Constant(0.6, needs=500)}
    return rk.backtest(orders, models, horizon_days=HORIZON, keep_predictions=True)


# --- the leaderboard -----------------------------------------------------------------------------


def test_every_model_and_every_baseline_is_there_on_every_origin(result):
    board = result.leaderboard
    assert board["origin"].unique().tolist() == ["all", "2024-04-04", "2024-07-03", "2024-10-01"]
    for _, rows in board.groupby("origin"):
        assert sorted(rows["model"]) == sorted(["curve", "half", "young", *BASELINE_NAMES])
    assert list(board.columns) == [
        "model", "origin", "customers", "churn_rate",
        "log_loss", "log_loss_lower", "log_loss_upper",
        "behind", "behind_lower", "behind_upper", "tie", "brier", "brier_lower", "brier_upper",
        "brier_skill", "ece", "calibration_slope", "calibration_intercept", "auc",
        "top_decile_lift", "count_mae", "note",
    ]  # fmt: skip
    assert result.to_frame() is board


def test_the_best_comes_first(result):
    for _, rows in result.leaderboard.groupby("origin"):
        losses = rows["log_loss"].dropna()
        assert losses.is_monotonic_increasing
        assert rows["behind"].iloc[0] == 0
        assert rows["tie"].iloc[0] is np.True_ or rows["tie"].iloc[0] is True
        np.testing.assert_allclose(rows["behind"].dropna(), losses - losses.iloc[0])
        assert (rows["log_loss"].isna()).tolist() == rows["tie"].isna().tolist()


def test_everybody_who_had_bought_is_scored(result, orders):
    board = result.leaderboard.drop_duplicates("origin").set_index("origin")
    for day in board.index[1:]:
        past = rk.snapshots(orders, origins=[day], horizon_days=HORIZON)
        assert board.loc[day, "customers"] == len(rk.summarize(orders.until(day)))
        assert board.loc[day, "churn_rate"] == past["churned"].mean()
    assert board.loc["all", "customers"] == board["customers"].iloc[1:].sum()


def test_the_scores_are_those_of_a_fit_by_hand(result, orders):
    """Fitted on the log as of the day, joined to what came after."""
    day = "2024-07-03"
    then = orders.until(day)
    past = rk.snapshots(orders, origins=[day], horizon_days=HORIZON).set_index("customer_id")
    board = result.leaderboard
    for name, model in [
        ("curve", rk.ChurnCurve(HORIZON, anchor="snapshot")), ("recency", RecencyRate(HORIZON)),
    ]:  # fmt: skip
        churn = model.fit(then).predict_churn(then).set_index("customer_id")["churn_probability"]
        row = board[(board["model"] == name) & (board["origin"] == day)].iloc[0]
        expected = metrics.log_loss(past["churned"], churn[past.index])
        assert row["log_loss"] == pytest.approx(expected, rel=1e-12)


def test_all_origins_are_pooled(result):
    known = result.predictions
    row = result.pooled.set_index("model").loc["curve"]
    assert row["log_loss"] == pytest.approx(metrics.log_loss(known["churned"], known["curve"]))
    assert row["auc"] == pytest.approx(metrics.auc(known["churned"], known["curve"]))
    assert row["log_loss_lower"] < row["log_loss"] < row["log_loss_upper"]


def test_too_little_history_on_one_origin_is_noted(result):
    board = result.leaderboard.set_index(["model", "origin"])
    early, later = board.loc["young", "2024-04-04"], board.loc["young", "2024-07-03"]
    assert early["note"] == "not enough history: The log is longer. 2024-04-04"
    assert np.isnan(early["log_loss"])
    assert later["log_loss"] > 0
    assert np.isnan(board.loc[("young", "all"), "log_loss"])
    assert "2024-04-04: not enough history" in board.loc[("young", "all"), "note"]
    assert "young" not in set(result.reliability["model"])


def test_reliability_is_that_of_the_predictions(result):
    known, table = result.predictions, result.reliability
    assert list(table.columns) == [
        "model", "bin", "customers", "predicted", "observed", "lower", "upper",
    ]  # fmt: skip
    expected = metrics.reliability_table(known["churned"], known["curve"])
    found = table[table["model"] == "curve"].drop(columns="model").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)


def test_counts_are_tracked(result):
    assert list(result.tracking.columns) == ["model", "days", "expected_purchases", "purchases"]
    assert set(result.tracking["model"]) == {"rate x horizon"}
    assert result.tracking["expected_purchases"].is_monotonic_increasing
    counted = result.leaderboard.set_index(["model", "origin"])["count_mae"]
    known = counted.index.get_level_values("model") == "rate x horizon"
    assert counted[known].notna().all()
    assert counted[~known].isna().all()


def test_equal_models_are_tied_and_unequal_ones_are_not(orders):
    models = {"a": Constant(0.7), "b": Constant(0.7), "c": Constant(0.2)}
    found = rk.backtest(orders, models, horizon_days=HORIZON, origins=["2024-07-03"])
    rows = found.pooled.set_index("model")
    assert rows.loc["a", "log_loss"] == rows.loc["b", "log_loss"]
    assert rows.loc["a", "tie"] == rows.loc["b", "tie"]
    assert not rows.loc["c", "tie"]
    assert 0 < rows.loc["c", "behind_lower"] < rows.loc["c", "behind"]
    assert rows.loc["c", "behind"] < rows.loc["c", "behind_upper"]


def test_the_result_is_the_same_every_time(orders, reference):
    again = rk.backtest(orders, [Constant(), RecencyRate()], horizon_days=30, origins=DAYS)
    pd.testing.assert_frame_equal(again.leaderboard, reference.leaderboard)


def test_the_models_given_are_left_alone(orders):
    curve = rk.ChurnCurve(30, anchor="snapshot")
    rk.backtest(orders, [curve], horizon_days=HORIZON, origins=["2024-07-03"])
    assert vars(curve) == vars(rk.ChurnCurve(30, anchor="snapshot"))


# --- models that count from another day ---------------------------------------------------------


def test_a_curve_that_counts_from_the_last_purchase_is_asked_from_the_origin(orders):
    models = {"moved": rk.ChurnCurve(), "snapshot": rk.ChurnCurve(anchor="snapshot")}
    found = rk.backtest(orders, models, 60, origins=DAYS, keep_predictions=True)
    assert found.predictions["moved"].tolist() == found.predictions["snapshot"].tolist()
    notes = found.leaderboard.set_index(["model", "origin"])["note"]
    assert set(notes["moved"]) == {'asked from the origin on, as with anchor="snapshot"'}
    assert set(notes["snapshot"]) == {""}
    assert "asked from the origin on" in repr(found)
    assert models["moved"].anchor == "last_order"


def test_one_model_and_a_horizon_by_position_suffice(orders):
    found = rk.backtest(orders, rk.ChurnCurve(), horizon_days=60, origins=DAYS)
    assert "ChurnCurve" in set(found.pooled["model"])
    again = rk.backtest(orders, [rk.ChurnCurve()], 60, origins=DAYS)
    pd.testing.assert_frame_equal(again.leaderboard, found.leaderboard)


def test_a_model_whose_anchor_is_fixed_is_refused(orders):
    class Fixed(Constant):
        anchor = "last_order"

    with pytest.raises(RfmkitError, match=r"^Backtests need anchor=.*\nFound: .* in 'Fixed'\nHint"):
        rk.backtest(orders, [Fixed()], 60, origins=DAYS)


# --- what comes later changes no prediction ------------------------------------------------------


def test_later_rows_change_no_prediction(sample):
    """Of everything after the last origin half is gone, the rest dearer and others' purchases."""
    day = "2024-07-03"
    times = sample["ordered_at"].astype("datetime64[us]")
    later = times >= pd.Timestamp("2024-07-04")
    other = sample.copy()
    ids = other.loc[later, "customer_id"].to_numpy()
    other.loc[later, "customer_id"] = ids[::-1]
    other = other[~later | (np.arange(len(other)) % 2 == 0)]
    known = []
    for frame in (sample, other):
        orders = rk.read_orders(frame)
        models = [rk.ChurnCurve(anchor="snapshot"), rk.ModifiedBetaGeo()]
        found = rk.backtest(
            orders, models, horizon_days=HORIZON, origins=[day], keep_predictions=True
        )
        known.append(found.predictions)
    first, second = (table.drop(columns="churned") for table in known)
    pd.testing.assert_frame_equal(first, second)
    assert (known[0]["churned"] != known[1]["churned"]).sum() > 100


# --- logs of any kind ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference(orders):
    return rk.backtest(orders, [Constant(), RecencyRate()], horizon_days=30, origins=DAYS)


@pytest.mark.parametrize("kind", ["polars_lazy", "ibis", "duckdb"])
def test_logs_of_any_kind_give_the_same(sample, reference, as_kind, kind):
    class Lazy(Constant):
        def predict_churn(self, orders, *, horizon_days):  # noqa: ARG002
            return orders.history.deliver(
                orders.history.customers.select("customer_id", churn_probability=self.chance)
            )

    lazy = rk.read_orders(as_kind(sample, kind))
    models = {"Constant": Lazy(), "RecencyRate": RecencyRate()}
    found = rk.backtest(lazy, models, horizon_days=30, origins=DAYS)
    pd.testing.assert_frame_equal(found.leaderboard, reference.leaderboard)
    pd.testing.assert_frame_equal(found.tracking, reference.tracking)


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_a_log_in_spark_gives_the_same(spark, sample):
    some = sample[sample["customer_id"] < sorted(sample["customer_id"].unique())[120]]
    models = [rk.ChurnCurve(anchor="snapshot"), rk.ModifiedBetaGeo()]
    days = ["2024-07-03"]
    found, expected = (
        rk.backtest(rk.read_orders(log), models, horizon_days=60, origins=days).leaderboard
        for log in (spark.createDataFrame(some), some)
    )
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_customers_may_be_integers(sample):
    whole = sample["customer_id"].str.strip().str.extract(r"(\d+)")[0].astype("Int64")
    orders = rk.read_orders(sample.assign(customer_id=whole))
    found = rk.backtest(
        orders, [rk.ChurnCurve(anchor="snapshot")], horizon_days=30, origins=["2024-07-03"]
    )
    assert found.pooled["log_loss"].notna().all()


def test_of_many_customers_some_are_scored(orders):
    days = ["2024-06-03", "2024-07-03"]
    found = rk.backtest(
        orders, [Constant()], horizon_days=30, origins=days, sample=300, keep_predictions=True
    )
    before, after = (set(rows["customer_id"]) for _, rows in found.predictions.groupby("origin"))
    assert before < after  # the same customers, and some who have come since
    assert 150 < len(after) < 300


# --- origins -------------------------------------------------------------------------------------


def test_origins_come_in_order_and_once(orders):
    days = [dt.date(2024, 7, 3), "2024-04-04", "2024-07-03"]
    found = rk.backtest(orders, [Constant()], horizon_days=30, origins=days)
    assert found.leaderboard["origin"].unique().tolist() == ["all", "2024-04-04", "2024-07-03"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon_days": 0}, "horizon_days must be a whole number of at least 1"),
        ({"horizon_days": 9, "bins": 1}, "bins must be a whole number of at least 2"),
        ({"horizon_days": 9, "sample": 0}, "sample must be a whole number of at least 1"),
    ],
)
def test_numbers_are_checked(orders, options, message):
    with pytest.raises(RfmkitError, match=message):
        rk.backtest(orders, [Constant()], **options)


# --- what is shown -------------------------------------------------------------------------------


def test_the_report_is_the_pooled_leaderboard(result):
    text = repr(result)
    assert text.startswith("Churn within 90 days, predicted on 3 past days")
    assert "2,565 outcomes, 69.5% churned; as of 2024-04-04, 2024-07-03, 2024-10-01" in text
    for name, loss in zip(result.pooled["model"], result.pooled["log_loss"], strict=True):
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{name} "))
        assert np.isnan(loss) or f"{loss:.4f}" in line
    assert "nan" not in text.lower()
    assert text.endswith(
        "Next: .leaderboard has every origin and metric; .plot_reliability() draws calibration."
    )
    low, high = result.pooled.loc[0, ["log_loss_lower", "log_loss_upper"]]
    assert f"{low:.4f} to {high:.4f}" in text
    assert max(map(len, text.splitlines()[:5])) <= 120  # it fits on a screen


def test_a_notebook_shows_the_same(result):
    assert "<table" in result._repr_html_()
    assert "recency / own gap" in result._repr_html_()


def names_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_of_the_baselines_the_best_is_drawn(result):
    best = next(name for name in result.pooled["model"] if name in BASELINE_NAMES)
    assert set(names_of(result.plot_reliability(Figure().subplots()))) == {"curve", "half", best}


def test_the_models_to_draw_can_be_named(result):
    names = names_of(result.plot_reliability(Figure().subplots(), models=["base rate", "curve"]))
    assert set(names) == {"curve", "base rate"}
    with pytest.raises(
        RfmkitError,
        match=r"must be names of the leaderboard.*\nFound: 'cruve', .*\nHint: .*'curve'",
    ):
        result.plot_reliability(models=["cruve"])


def test_without_counts_there_is_no_tracking_to_draw(result, monkeypatch):
    monkeypatch.setitem(vars(result), "tracking", result.tracking.head(0))
    with pytest.raises(
        RfmkitError, match=r"needs a model that expects counts.*\nFound: none.*\nHint: add rk\.M"
    ):
        result.plot_tracking()
