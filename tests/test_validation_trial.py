"""No model sees beyond its origin, and outcomes meet the right customers."""

import dataclasses
import datetime as dt
import warnings

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, warn
from rfmkit.validation._baselines import BASELINES, BaseRate
from rfmkit.validation._leaderboard import leaderboard
from rfmkit.validation._trial import (
    _chances,
    fresh,
    hold_trial,
    is_reanchored,
    named_models,
    pooled,
    purchases_made,
    tracking_table,
)

DAY = dt.date(2024, 6, 30)
LATE = dt.date(2030, 1, 1)
HORIZON = 60
pytestmark = pytest.mark.xdist_group("trial")  # one worker holds the trial of all


class Constant:
    """A model with one probability for everybody."""

    def __init__(self, chance=0.5):
        self.chance = chance

    def fit(self, orders):
        self.given = orders
        return self

    def predict_churn(self, orders, *, horizon_days):  # noqa: ARG002
        table = rk.summarize(orders)[["customer_id"]]
        return table.assign(churn_probability=self.chance)


class Oracle(Constant):
    """A model that reads the outcomes from outside."""

    truth = None

    def predict_churn(self, orders, *, horizon_days):  # noqa: ARG002
        table = rk.summarize(orders)[["customer_id"]].sample(frac=1, random_state=1)
        known = self.truth.set_index("customer_id")
        rows = known.loc[table["customer_id"]]
        return table.assign(churn_probability=rows["churned"].to_numpy(dtype=float))

    def predict_purchases(self, customers, *, horizon_days):  # noqa: ARG002
        self.asked = customers
        known = self.truth.set_index("customer_id").loc[customers["customer_id"]]
        counts = known["purchases_ahead"].to_numpy(dtype=float)
        return customers[["customer_id"]].assign(expected_purchases=counts)


@pytest.fixture(scope="module")
def truth(orders):
    return rk.snapshots(orders, origins=[DAY], horizon_days=HORIZON)


@pytest.fixture(scope="module")
def trial(orders, truth):
    Oracle.truth = truth
    entrants = {"oracle": Oracle(), "half": Constant(0.5), BaseRate.name: BaseRate()}
    return hold_trial(orders, entrants, DAY, HORIZON, 1.0)


# --- nothing later is seen -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def past(orders):
    return orders.cut(DAY)


@pytest.fixture(scope="module")
def known(orders):
    """The log as of the day, whose later rows are hidden only."""
    return orders.until(DAY)


def test_the_log_given_ends_on_the_origin(past, known):
    assert past.as_of == DAY
    for asked in (rk.summarize, rk.purchase_gaps, lambda log: log.to_frame()):
        pd.testing.assert_frame_equal(asked(past), asked(known))


def test_nobody_sees_later_rows_by_asking_for_a_later_day(past):
    assert past.until(LATE).as_of == past.until(LATE).until(LATE).as_of == DAY


WAYS = {
    "as it is": lambda log: log,
    "later": lambda log: log.until(LATE),
    "back and forth": lambda log: log.until("2024-03-01").until(LATE).until(DAY),
}


@pytest.mark.parametrize(
    "way", ["as it is", pytest.param("later", marks=pytest.mark.slow), "back and forth"]
)
def test_no_public_way_leads_to_later_rows(past, orders, known, way):
    """Whoever moves the log forward has the same log."""
    counts = known.audit.to_frame().set_index("rule")["rows"].to_dict()
    warned = [text for text in known.audit.warnings if "hidden" not in text]
    assert known.hidden["rows"] > 1000
    log = WAYS[way](past)
    assert log.hidden["rows"] == 0
    assert log.history.facts["last_day"] <= DAY
    assert log.to_frame()["ordered_at"].max() < pd.Timestamp(DAY) + pd.Timedelta(days=1)
    for table in (log.history.lines, log.history.orders, log.history.valid):
        assert log.history.engine.row(table.aggregate(last=table.day.max()))["last"] <= DAY
    assert rk.summarize(log)["last_purchase"].max() <= pd.Timestamp(DAY)
    assert len(log.rejected) == len(known.rejected)
    assert log.audit.to_frame().set_index("rule")["rows"].to_dict() == counts
    pd.testing.assert_frame_equal(log.audit.statuses, known.audit.statuses)
    assert list(log.audit.warnings) == warned
    with pytest.raises(NotEnoughHistoryError, match="days before as_of"):
        rk.snapshots(log, origins=[DAY], horizon_days=1)


def test_a_model_is_given_that_log_and_no_other(trial):
    given = trial.fitted["half"].given
    assert given.as_of == DAY
    assert given.until(LATE).as_of == DAY
    assert given.hidden["rows"] == 0


def test_what_a_model_counts_on_has_no_outcomes(trial):
    oracle = trial.fitted["oracle"]
    assert not {"churned", "purchases_ahead", "spend_ahead"} & set(oracle.asked.columns)
    assert set(rk.summarize(oracle.given).columns) == set(oracle.asked.columns)


# --- what happened -------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_purchases_are_counted_week_by_week(orders, trial, truth, step):
    made = purchases_made(orders, trial, HORIZON, 1.0)
    assert made["days"].tolist() == [7, 14, 21, 28, 35, 42, 49, 56, 60]
    for days, count in made[::step].itertuples(index=False):
        ahead = rk.snapshots(orders, origins=[DAY], horizon_days=days)
        assert count == ahead["purchases_ahead"].sum()
    tracked = tracking_table(trial, made)
    assert tracked["model"].unique().tolist() == ["oracle"]
    assert tracked["expected_purchases"].tolist() == [truth["purchases_ahead"].sum()] * 9


@pytest.mark.parametrize(("horizon", "step"), [(5, 5), (91, 7), (92, 14), (365, 35)])
def test_a_long_horizon_is_tracked_in_longer_steps(orders, trial, horizon, step):
    days = purchases_made(orders, trial, horizon, 1.0)["days"].tolist()
    assert days[0] == step
    assert days[-1] == horizon
    assert len(days) <= 13 + 1


def test_a_sample_is_some_of_the_customers(orders, trial):
    some = hold_trial(orders, {"half": Constant(), BaseRate.name: BaseRate()}, DAY, HORIZON, 0.4)
    assert set(some.customers) < set(trial.customers)
    assert 0.3 < len(some.customers) / len(trial.customers) < 0.5
    everybody = pd.Series(trial.churned, index=trial.customers)
    assert some.churned.tolist() == everybody[some.customers].tolist()
    assert (
        some.chances[BaseRate.name].tolist()
        == trial.chances[BaseRate.name][: len(some.customers)].tolist()
    )
    made = purchases_made(orders, some, HORIZON, 0.4)
    assert made["purchases"].iloc[-1] == some.purchases.sum()


# --- models that cannot, will not or must not ----------------------------------------------------


class LastPurchase(Constant):
    """A model that counts from the last purchase, which no parameter changes."""

    anchor = "last_order"


class Needy(Constant):
    def fit(self, orders):  # noqa: ARG002
        raise NotEnoughHistoryError("There is a year.", found="a week")


class Anxious(Constant):
    boundary_ = "no drop-out"

    def fit(self, orders):  # noqa: ARG002
        warn("The tail is long.", hint="shorten it.")
        return self


class Noisy(Constant):
    def fit(self, orders):  # noqa: ARG002
        warnings.warn("old numpy", FutureWarning, stacklevel=1)
        return self


class Shy(Constant):
    def predict_churn(self, orders, *, horizon_days):
        return super().predict_churn(orders, horizon_days=horizon_days).iloc[3:]


@pytest.fixture(scope="module")
def unruly(orders):
    """A trial of models that cannot, will not or must not, and of one that can."""
    entrants = {
        "needy": Needy(), "anxious": Anxious(), "noisy": Noisy(), "shy": Shy(), "half": Constant(),
    }  # fmt: skip
    with pytest.warns(FutureWarning) as issued:
        trial = hold_trial(orders, entrants, DAY, HORIZON, 1.0)
    future = [str(warning.message) for warning in issued if warning.category is FutureWarning]
    return trial, leaderboard(trial, 10).set_index("model"), future


def test_too_little_history_is_noted_and_the_others_go_on(unruly):
    trial, table, _ = unruly
    assert table.loc["needy", "note"] == "not enough history: There is a year. a week"
    assert table.loc["needy", "log_loss":"count_mae"].isna().all()
    assert table.loc["half", "log_loss"] == pytest.approx(np.log(2))
    assert table.loc["half", "note"] == ""
    half = dict.fromkeys(trial.chances, trial.chances["half"])
    other = dataclasses.replace(trial, chances=half, notes=dict.fromkeys(half, ""))
    both = leaderboard(pooled([trial, other]), 10).set_index("model")
    assert np.isnan(both.loc["needy", "log_loss"])
    assert both.loc["needy", "note"].startswith("2024-06-30: not enough history")
    assert both.loc["half", "customers"] == 2 * table.loc["half", "customers"]


def test_warnings_are_noted(unruly):
    assert unruly[0].notes["anxious"] == "no drop-out; The tail is long."


def test_warnings_of_others_go_on_their_way(unruly):
    trial, _, future = unruly
    assert future == ["old numpy"]
    assert trial.notes["noisy"] == ""


def test_customers_without_a_probability_are_noted(unruly):
    trial, table, _ = unruly
    assert trial.notes["shy"] == "no probability for 3 customers"
    assert np.isnan(table.loc["shy", "log_loss"])


def said(trial, chance):
    """What a model returns that gives everybody of a trial one probability."""
    return pd.DataFrame({"customer_id": trial.customers, "churn_probability": chance})


def test_two_probabilities_of_one_customer_are_refused(trial):
    once = said(trial, 0.5)
    with pytest.raises(
        RfmkitError, match=r"must return one row per customer\.\nFound: several rows of twice"
    ):
        _chances("twice", pd.concat([once, once.head(2)]), trial, 1.0)


@pytest.mark.parametrize("chance", [-0.01, 1.01])
def test_what_is_no_probability_is_refused(trial, chance):
    with pytest.raises(
        RfmkitError, match=rf"must lie between 0 and 1\.\nFound: {chance}, .* from wild\nHint"
    ):
        _chances("wild", said(trial, chance), trial, 1.0)


@pytest.mark.slow
def test_a_trial_with_a_model_of_no_probabilities_fails(orders):
    with pytest.raises(RfmkitError, match="must lie between 0 and 1"):
        hold_trial(orders, {"wild": Constant(1.01)}, DAY, HORIZON, 1.0)


# --- copies and names ----------------------------------------------------------------------


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
    assert list(named_models([Constant(), Oracle(), Constant()])) == [
        "Constant 1", "Oracle", "Constant 2",
    ]  # fmt: skip
    assert list(named_models({"mine": Constant()})) == ["mine"]
    laws = [rk.GapRegression("cox"), rk.GapRegression("weibull"), rk.GapRegression("cox")]
    assert list(named_models(laws)) == [
        "GapRegression cox 1",
        "GapRegression weibull",
        "GapRegression cox 2",
    ]
    assert list(named_models(laws[:1])) == ["GapRegression"]
    assert list(named_models(Constant())) == ["Constant"]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([], r"must be a list of models .*\nFound: none\nHint: for"),
        ([rk.BetaGeo], r"must be a list of models .*\nFound: 'the class BetaGeo'\nHint: for"),
        (
            {"mine": rk.BetaGeo},
            r"must be a list of models .*\nFound: 'the class BetaGeo'\nHint: for",
        ),
        ([3, Constant()], r"must be a list of models .*\nFound: 'int'"),
        (
            {"recency": Constant()},
            r"need names that no baseline has\.\nFound: 'recency'\nHint: rename",
        ),
        (
            [LastPurchase()],
            r"need anchor=.snapshot..*\nFound: .* cannot be changed, in 'LastPurchase'",
        ),
    ],
    ids=["none", "a class", "a named class", "no model", "a name", "another anchor"],
)
def test_what_is_no_model_is_said(models, message):
    with pytest.raises(RfmkitError, match=message):
        named_models(models)


def test_baselines_are_models_too():
    assert len(named_models({f"my {kind.name}": kind() for kind in BASELINES})) == len(BASELINES)


@pytest.mark.parametrize("anchor", ["last_order", "snapshot"])
def test_a_copy_counts_from_the_origin(orders, anchor):
    model = rk.ChurnCurve(30, anchor=anchor, min_gaps=77).fit(orders)
    assert is_reanchored(model) == (anchor == "last_order")
    copied = fresh(model, 90)
    assert vars(copied) == vars(rk.ChurnCurve(90, anchor="snapshot", min_gaps=77))
    assert model.anchor == anchor
    assert list(named_models(model)) == ["ChurnCurve"]


def test_a_model_without_an_anchor_is_asked_as_it_is():
    assert not is_reanchored(Constant())
    assert not is_reanchored(LastPurchase())
