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
from rfmkit.validation._trial import hold_trial, purchases_made

HORIZON = 90
DAY = "2024-07-03"
DAYS = [DAY]
THREE_DAYS = pytest.param("", id="default days", marks=pytest.mark.slow)
BASELINE_NAMES = {kind.name for kind in BASELINES}
pytestmark = pytest.mark.xdist_group("backtesting")  # one worker holds the backtest of all


def models():
    return {
        "curve": rk.ChurnCurve(30, anchor="snapshot"),
        "moved": rk.ChurnCurve(),
        "half": Constant(),
        "young": Constant(0.6, needs=500),
    }


@pytest.fixture(scope="module")
def given():
    return models()


@pytest.fixture(scope="module", params=["two days", THREE_DAYS])
def result(request, orders, given):
    """A backtest on two days; a slow one on the three that it chooses by itself."""
    days = ["2024-04-04", DAY] if request.param else None
    return rk.backtest(orders, given, HORIZON, origins=days, keep_predictions=True)


@pytest.fixture(scope="module")
def past(orders, result):
    """The customers of every origin, with their outcomes."""
    days = result.leaderboard["origin"].unique()[1:]
    return {
        day: rk.snapshots(orders, origins=[day], horizon_days=HORIZON).set_index("customer_id")
        for day in days
    }


@pytest.fixture(scope="module")
def sampled(sample):
    """A backtest of one model on some customers, whose ids are integers, on a day given twice."""
    whole = sample["customer_id"].str.strip().str.extract(r"(\d+)")[0].astype("Int64")
    orders = rk.read_orders(sample.assign(customer_id=whole))
    days = [dt.date(2024, 7, 3), "2024-07-03"]
    model = rk.ChurnCurve(anchor="snapshot")
    return rk.backtest(orders, model, 30, origins=days, sample=300, keep_predictions=True)


def last_of(result):
    return result.leaderboard["origin"].iloc[-1]


def last_day(result, names):
    board = result.leaderboard
    known = (board["origin"] == last_of(result)) & board["model"].isin(names)
    return board[known].reset_index(drop=True)


# --- the leaderboard -----------------------------------------------------------------------------


def test_every_model_and_every_baseline_is_there_on_every_origin(result):
    board = result.leaderboard
    days = ["2024-04-04", "2024-07-03", "2024-10-01"]
    assert board["origin"].unique().tolist() in (["all", *days[:2]], ["all", *days])
    for _, rows in board.groupby("origin"):
        assert sorted(rows["model"]) == sorted([*models(), *BASELINE_NAMES])
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


def test_everybody_who_had_bought_is_scored(result, past, customers):
    board = result.leaderboard.drop_duplicates("origin").set_index("origin")
    assert board.index.tolist() == ["all", *past]
    for day, then in past.items():
        assert board.loc[day, "customers"] == (customers["first_purchase"] <= day).sum()
        assert board.loc[day, "churn_rate"] == then["churned"].mean()
    assert board.loc["all", "customers"] == board["customers"].iloc[1:].sum()


def test_the_scores_are_those_of_a_fit_by_hand(result, orders, past):
    """Fitted on the log as of the day, joined to what came after."""
    day = "2024-07-03"
    then = orders.until(day)
    board = result.leaderboard
    for name, model in [
        ("curve", rk.ChurnCurve(HORIZON, anchor="snapshot")), ("recency", RecencyRate(HORIZON)),
    ]:  # fmt: skip
        churn = model.fit(then).predict_churn(then).set_index("customer_id")["churn_probability"]
        row = board[(board["model"] == name) & (board["origin"] == day)].iloc[0]
        expected = metrics.log_loss(past[day]["churned"], churn[past[day].index])
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


def test_equal_models_are_tied_and_unequal_ones_are_not(result):
    rows = result.pooled.set_index("model")
    assert rows.loc["curve", "log_loss"] == rows.loc["moved", "log_loss"]
    assert rows.loc["curve", "tie"] == rows.loc["moved", "tie"]
    assert not rows.loc["half", "tie"]
    assert 0 < rows.loc["half", "behind_lower"] < rows.loc["half", "behind"]
    assert rows.loc["half", "behind"] < rows.loc["half", "behind_upper"]


@pytest.mark.slow
def test_the_result_is_the_same_every_time(orders, result):
    days = result.leaderboard["origin"].unique()[1:].tolist()
    again = rk.backtest(orders, models(), HORIZON, origins=days, keep_predictions=True)
    pd.testing.assert_frame_equal(again.leaderboard, result.leaderboard)
    pd.testing.assert_frame_equal(again.predictions, result.predictions)


@pytest.mark.usefixtures("result")
def test_the_models_given_are_left_alone(given):
    for name, model in models().items():
        assert vars(given[name]) == vars(model)


# --- models that count from another day ---------------------------------------------------------


def test_a_curve_that_counts_from_the_last_purchase_is_asked_from_the_origin(result, given):
    assert result.predictions["moved"].tolist() == result.predictions["curve"].tolist()
    notes = result.leaderboard.set_index(["model", "origin"])["note"]
    assert set(notes["moved"]) == {'asked from the origin on, as with anchor="snapshot"'}
    assert set(notes["curve"]) == {""}
    assert "asked from the origin on" in repr(result)
    assert given["moved"].anchor == "last_order"


def test_one_model_and_a_horizon_by_position_suffice(sampled):
    assert set(sampled.pooled["model"]) == {"ChurnCurve", *BASELINE_NAMES}
    assert sampled.horizon_days == 30


@pytest.mark.slow
def test_a_horizon_by_position_is_one_by_name(orders):
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


@pytest.fixture(scope="module")
def other(sample):
    """Of everything after an origin half is gone, the rest dearer and others' purchases."""
    later = sample["ordered_at"].astype("datetime64[us]") >= pd.Timestamp("2024-07-04")
    frame = sample.copy()
    ids = frame.loc[later, "customer_id"].to_numpy()
    frame.loc[later, "customer_id"] = ids[::-1]
    return rk.read_orders(frame[~later | (np.arange(len(frame)) % 2 == 0)])


def predicted(orders, model):
    found = rk.backtest(orders, {"model": model}, HORIZON, origins=DAYS, keep_predictions=True)
    return found.predictions


def assert_only_outcomes_differ(found, known):
    assert set(found) == {"origin", "customer_id", "churned", "model", *BASELINE_NAMES}
    compared = [name for name in found if name != "churned"]
    pd.testing.assert_frame_equal(found[compared], known[compared])
    assert (found["churned"] != known["churned"]).sum() > 100


def test_later_rows_change_no_prediction(other, result):
    found = predicted(other, rk.ChurnCurve(anchor="snapshot"))
    known = result.predictions[result.predictions["origin"] == DAY].reset_index(drop=True)
    known = known.rename(columns={"curve": "model"})
    assert_only_outcomes_differ(found, known)


@pytest.mark.slow
def test_later_rows_change_no_prediction_of_a_model_of_counts(other, orders):
    model = rk.ModifiedBetaGeo()
    assert_only_outcomes_differ(predicted(other, model), predicted(orders, model))


# --- logs of any kind ----------------------------------------------------------------------------


class Lazy(Constant):
    """A model that answers in the kind of the log."""

    def predict_churn(self, orders, *, horizon_days):  # noqa: ARG002
        return orders.history.deliver(
            orders.history.customers.select("customer_id", churn_probability=self.chance)
        )


def test_the_trial_of_a_lazy_log_is_the_same(sample, result, as_kind):
    lazy = rk.read_orders(as_kind(sample, "polars_lazy"))
    chosen = {"half": Lazy(), RecencyRate.name: RecencyRate()}
    trial = hold_trial(lazy, chosen, dt.date.fromisoformat(last_of(result)), HORIZON, 1.0)
    known = result.predictions[result.predictions["origin"] == trial.origin]
    found = known.assign(customer_id=trial.customers, churned=trial.churned, **trial.chances)
    pd.testing.assert_frame_equal(found, known)
    made = purchases_made(lazy, trial, HORIZON, 1.0)
    pd.testing.assert_frame_equal(made, result.tracking[list(made)])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["polars_lazy", "ibis", "duckdb"])
def test_logs_of_any_kind_give_the_same(sample, result, as_kind, kind):
    lazy = rk.read_orders(as_kind(sample, kind))
    chosen = {"curve": rk.ChurnCurve(anchor="snapshot"), "half": Lazy()}
    found = rk.backtest(lazy, chosen, HORIZON, origins=[last_of(result)])
    names = {*chosen, *BASELINE_NAMES}
    pd.testing.assert_frame_equal(last_day(found, names), last_day(result, names))
    pd.testing.assert_frame_equal(found.tracking, result.tracking)


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


def test_customers_may_be_integers(sampled):
    assert sampled.predictions["customer_id"].dtype.kind == "i"
    assert sampled.pooled["log_loss"].notna().all()


def test_of_many_customers_some_are_scored(sampled):
    assert sampled.predictions["customer_id"].is_unique
    assert 150 < len(sampled.predictions) < 300


def test_a_day_given_twice_is_one_origin(sampled):
    assert sampled.leaderboard["origin"].unique().tolist() == ["all", "2024-07-03"]


@pytest.mark.slow
def test_the_same_customers_are_scored_on_all_origins_which_come_in_order(orders):
    days = [dt.date(2024, 7, 3), "2024-06-03", "2024-07-03"]
    found = rk.backtest(orders, Constant(), 30, origins=days, sample=300, keep_predictions=True)
    assert found.leaderboard["origin"].unique().tolist() == ["all", "2024-06-03", "2024-07-03"]
    before, after = (set(rows["customer_id"]) for _, rows in found.predictions.groupby("origin"))
    assert before < after  # and some who have come since
    assert 150 < len(after) < 300


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
    days, outcomes, listed = {
        "2024-07-03": (2, "1,579 outcomes, 68.9%", "2024-04-04, 2024-07-03"),
        "2024-10-01": (3, "2,565 outcomes, 69.5%", "2024-04-04, 2024-07-03, 2024-10-01"),
    }[last_of(result)]
    assert text.startswith(f"Churn within 90 days, predicted on {days} past days")
    assert f"{outcomes} churned; as of {listed}" in text
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
    names = names_of(result.plot_reliability(Figure().subplots()))
    assert set(names) == {*models(), best} - {"young"}


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
