"""No model sees beyond its origin, and outcomes meet the right customers."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, warn
from rfmkit.validation import _metrics as metrics
from rfmkit.validation._baselines import BASELINES, BaseRate
from rfmkit.validation._trial import board, fresh, hold, made_later, named, pooled, track

DAY = dt.date(2024, 6, 30)
LATE = dt.date(2030, 1, 1)
HORIZON = 60


class Constant:
    """Say one probability of everybody."""

    def __init__(self, chance=0.5):
        self.chance = chance

    def fit(self, orders):
        self.given = orders
        return self

    def predict_churn(self, orders, *, horizon_days):  # noqa: ARG002
        table = rk.summarize(orders)[["customer_id"]]
        return table.assign(churn_probability=self.chance)


class Oracle(Constant):
    """Know what will happen, from outside."""

    truth = None

    def predict_churn(self, orders, *, horizon_days):  # noqa: ARG002
        table = rk.summarize(orders)[["customer_id"]].sample(frac=1, random_state=1)
        told = self.truth.set_index("customer_id")
        rows = told.loc[table["customer_id"]]
        return table.assign(churn_probability=rows["churned"].to_numpy(dtype=float))

    def predict_purchases(self, customers, *, horizon_days):  # noqa: ARG002
        told = self.truth.set_index("customer_id").loc[customers["customer_id"]]
        counts = told["purchases_ahead"].to_numpy(dtype=float)
        return customers[["customer_id"]].assign(expected_purchases=counts)


@pytest.fixture(scope="module")
def truth(orders):
    return rk.snapshots(orders, origins=[DAY], horizon_days=HORIZON)


@pytest.fixture(scope="module")
def trial(orders, truth):
    Oracle.truth = truth
    entrants = {"oracle": Oracle(), "half": Constant(0.5), BaseRate.name: BaseRate()}
    return hold(orders, entrants, DAY, HORIZON, 1.0)


# --- nothing later is seen -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def past(orders):
    return orders.cut(DAY)


def test_the_log_given_ends_on_the_origin(past, orders):
    assert past.as_of == DAY
    pd.testing.assert_frame_equal(rk.summarize(past), rk.summarize(orders.until(DAY)))
    pd.testing.assert_frame_equal(rk.purchase_gaps(past), rk.purchase_gaps(orders.until(DAY)))
    pd.testing.assert_frame_equal(past.to_frame(), orders.until(DAY).to_frame())


def test_no_public_way_leads_to_later_rows(past, orders):
    """Whoever moves the log forward has the same log."""
    assert orders.until(DAY).hidden["rows"] > 1000
    assert past.until(LATE).as_of == past.until(LATE).until(LATE).as_of == DAY
    for log in (past, past.until(LATE), past.until("2024-03-01").until(LATE).until(DAY)):
        assert log.hidden["rows"] == 0
        assert log.history.facts["last_day"] <= DAY
        assert log.to_frame()["ordered_at"].max() < pd.Timestamp(DAY) + pd.Timedelta(days=1)
        for table in (log.history.lines, log.flagged, log.valid):
            assert log.history.engine.row(table.aggregate(last=table.day.max()))["last"] <= DAY
        assert rk.summarize(log)["last_purchase"].max() <= pd.Timestamp(DAY)
        assert len(log.rejected) == len(orders.until(DAY).rejected)
        known = orders.until(DAY).audit.to_frame().set_index("rule")["rows"]
        assert log.audit.to_frame().set_index("rule")["rows"].to_dict() == known.to_dict()
        statuses = orders.until(DAY).audit.statuses
        pd.testing.assert_frame_equal(log.audit.statuses, statuses)
        warned = [text for text in orders.until(DAY).audit.warnings if "hidden" not in text]
        assert list(log.audit.warnings) == warned
        with pytest.raises(NotEnoughHistoryError, match="days or more before as_of"):
            rk.snapshots(log, origins=[DAY], horizon_days=1)


def test_a_model_is_given_that_log_and_no_other(trial):
    given = trial.fitted["half"].given
    assert given.as_of == DAY
    assert given.until(LATE).as_of == DAY
    assert given.hidden["rows"] == 0


def test_what_a_model_counts_on_has_no_outcomes(orders):
    class Peeping(Constant):
        def predict_purchases(self, customers, *, horizon_days):  # noqa: ARG002
            assert not {"churned", "purchases_ahead", "spend_ahead"} & set(customers.columns)
            assert set(rk.summarize(self.given).columns) == set(customers.columns)
            return customers[["customer_id"]].assign(expected_purchases=1.0)

    hold(orders, {"peeping": Peeping()}, DAY, HORIZON, 1.0)


# --- what happened -------------------------------------------------------------------------------


def test_who_knows_what_will_happen_is_right(trial, truth):
    table = board(trial, 10).set_index("model")
    assert table.index[0] == "oracle"
    assert table.loc["oracle", "log_loss"] < 2e-6
    assert table.loc["oracle", ["auc", "brier_skill"]].tolist() == [1, 1]
    assert table.loc["oracle", "count_mae"] == 0
    assert table["customers"].tolist() == [len(truth)] * 3
    assert table["churn_rate"].tolist() == [truth["churned"].mean()] * 3
    assert table.loc["half", "log_loss"] == pytest.approx(np.log(2))
    assert table.loc["half", "behind"] == pytest.approx(np.log(2), abs=1e-5)
    assert table["tie"].tolist() == [True, False, False]


def test_the_leaderboard_has_the_scores_of_the_predictions(trial):
    table = board(trial, 5).set_index("model")
    chance = trial.chances[BaseRate.name]
    row = table.loc[BaseRate.name]
    assert row["log_loss"] == metrics.log_loss(trial.churned, chance)
    assert row["brier"] == metrics.brier_score(trial.churned, chance)
    assert row["ece"] == metrics.calibration_error(trial.churned, chance, bins=5)
    assert row["auc"] == metrics.auc(trial.churned, chance) == 0.5
    assert row["top_decile_lift"] == pytest.approx(1)
    assert row["log_loss_lower"] < row["log_loss"] < row["log_loss_upper"]
    assert row["brier_lower"] < row["brier"] < row["brier_upper"]
    assert np.isnan(row["count_mae"])
    assert row["brier_skill"] == 0


def test_purchases_are_counted_week_by_week(orders, trial, truth):
    made = made_later(orders, trial, HORIZON, 1.0)
    assert made["days"].tolist() == [7, 14, 21, 28, 35, 42, 49, 56, 60]
    for days, count in made.itertuples(index=False):
        ahead = rk.snapshots(orders, origins=[DAY], horizon_days=days)
        assert count == ahead["purchases_ahead"].sum()
    tracked = track(trial, made)
    assert tracked["model"].unique().tolist() == ["oracle"]
    assert tracked["expected_purchases"].tolist() == [truth["purchases_ahead"].sum()] * 9


@pytest.mark.parametrize(("horizon", "step"), [(5, 5), (91, 7), (92, 14), (365, 35)])
def test_a_long_horizon_is_tracked_in_longer_steps(orders, trial, horizon, step):
    days = made_later(orders, trial, horizon, 1.0)["days"].tolist()
    assert days[0] == step
    assert days[-1] == horizon
    assert len(days) <= 13 + 1


def test_a_sample_is_some_of_the_customers(orders, trial):
    some = hold(orders, {"half": Constant(), BaseRate.name: BaseRate()}, DAY, HORIZON, 0.4)
    assert set(some.customers) < set(trial.customers)
    assert 0.3 < len(some.customers) / len(trial.customers) < 0.5
    everybody = pd.Series(trial.churned, index=trial.customers)
    assert some.churned.tolist() == everybody[some.customers].tolist()
    assert (
        some.chances[BaseRate.name].tolist()
        == trial.chances[BaseRate.name][: len(some.customers)].tolist()
    )
    made = made_later(orders, some, HORIZON, 0.4)
    assert made["purchases"].iloc[-1] == some.purchases.sum()


# --- models that cannot, will not or must not ----------------------------------------------------


class Needy(Constant):
    def fit(self, orders):  # noqa: ARG002
        raise NotEnoughHistoryError("There is a year.", found="a week")


class Anxious(Constant):
    boundary_ = "no drop-out"

    def fit(self, orders):  # noqa: ARG002
        warn("The tail is long.", hint="shorten it.")
        return self


def test_too_little_history_is_noted_and_the_others_go_on(orders):
    trial = hold(orders, {"needy": Needy(), "half": Constant()}, DAY, HORIZON, 1.0)
    table = board(trial, 10).set_index("model")
    assert table.loc["needy", "note"] == "not enough history: There is a year. a week"
    assert table.loc["needy", "log_loss":"count_mae"].isna().all()
    assert table.loc["half", "log_loss"] == pytest.approx(np.log(2))
    assert table.loc["half", "note"] == ""
    other = hold(orders, {"needy": Constant(), "half": Constant()}, DAY, HORIZON, 1.0)
    both = board(pooled([trial, other]), 10).set_index("model")
    assert np.isnan(both.loc["needy", "log_loss"])
    assert both.loc["needy", "note"].startswith("2024-06-30: not enough history")
    assert both.loc["half", "customers"] == 2 * table.loc["half", "customers"]


def test_where_no_model_has_enough_there_are_no_scores(orders):
    table = board(hold(orders, {"needy": Needy()}, DAY, HORIZON, 1.0), 10)
    assert table["log_loss"].isna().all()
    assert table["tie"].isna().all()


def test_warnings_are_noted(orders):
    trial = hold(orders, {"anxious": Anxious()}, DAY, HORIZON, 1.0)
    assert trial.notes["anxious"] == "no drop-out; The tail is long."


def test_warnings_of_others_go_on_their_way(orders):
    class Noisy(Constant):
        def fit(self, orders):  # noqa: ARG002
            warnings.warn("old numpy", FutureWarning, stacklevel=1)
            return self

    with pytest.warns(FutureWarning, match="old numpy"):
        trial = hold(orders, {"noisy": Noisy()}, DAY, HORIZON, 1.0)
    assert trial.notes["noisy"] == ""


def test_customers_without_a_probability_are_noted(orders):
    class Shy(Constant):
        def predict_churn(self, orders, *, horizon_days):
            return super().predict_churn(orders, horizon_days=horizon_days).iloc[3:]

    trial = hold(orders, {"shy": Shy()}, DAY, HORIZON, 1.0)
    assert trial.notes["shy"] == "no probability for 3 customers"
    assert board(trial, 10)["log_loss"].isna().all()


def test_two_probabilities_of_one_customer_are_refused(orders):
    class Twice(Constant):
        def predict_churn(self, orders, *, horizon_days):
            once = super().predict_churn(orders, horizon_days=horizon_days)
            return pd.concat([once, once.head(2)])

    with pytest.raises(RfmkitError, match="gives each customer one probability"):
        hold(orders, {"twice": Twice()}, DAY, HORIZON, 1.0)


@pytest.mark.parametrize("chance", [-0.01, 1.01])
def test_what_is_no_probability_is_refused(orders, chance):
    with pytest.raises(RfmkitError, match=rf"between 0 and 1\.\nFound: wild gives {chance}"):
        hold(orders, {"wild": Constant(chance)}, DAY, HORIZON, 1.0)


# --- fresh copies and names ----------------------------------------------------------------------


def test_a_copy_has_the_parameters_the_horizon_and_no_fit(orders):
    model = rk.ChurnCurve(30, anchor="snapshot", min_gaps=77).fit(orders)
    copied = fresh(model, 90)
    assert (copied.horizon_days, copied.anchor, copied.min_gaps) == (90, "snapshot", 77)
    assert not hasattr(copied, "curve_")
    assert model.horizon_days == 30
    assert hasattr(model, "curve_")


def test_parameters_are_not_shared():
    model = Constant([1, 2])
    copied = fresh(model, 90)
    copied.chance.append(3)
    assert model.chance == [1, 2]
    assert not hasattr(copied, "horizon_days")


def test_a_model_that_hides_its_parameters_is_copied_whole():
    class Hidden(Constant):
        def __init__(self, **options):
            self.options = options

    model = Hidden(depth=[3])
    copied = fresh(model, 90)
    copied.options["depth"].append(4)
    assert model.options == {"depth": [3]}


def test_models_are_named_by_class_or_by_the_caller():
    assert list(named([Constant(), Oracle(), Constant()])) == [
        "Constant 1", "Oracle", "Constant 2",
    ]  # fmt: skip
    assert list(named({"mine": Constant()})) == ["mine"]
    laws = [rk.GapRegression("cox"), rk.GapRegression("weibull"), rk.GapRegression("cox")]
    assert list(named(laws)) == [
        "GapRegression cox 1",
        "GapRegression weibull",
        "GapRegression cox 2",
    ]
    assert list(named(laws[:1])) == ["GapRegression"]
    assert list(named(Constant())) == ["Constant"]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([], r"is a list of models .*\nFound: none\nHint: such as"),
        ([rk.BetaGeo], r"is a list of models .*\nFound: 'type'"),
        ([3, Constant()], r"is a list of models .*\nFound: 'int'"),
        ({"recency": Constant()}, r"baselines are taken\.\nFound: 'recency'"),
        ([rk.ChurnCurve()], r"from the origin on\.\nFound: 'ChurnCurve'.*\nHint: .*snapshot"),
    ],
    ids=["none", "a class", "no model", "a name", "another anchor"],
)
def test_what_is_no_model_is_said(models, message):
    with pytest.raises(RfmkitError, match=message):
        named(models)


def test_baselines_are_models_too():
    assert len(named({f"my {kind.name}": kind() for kind in BASELINES})) == len(BASELINES)
