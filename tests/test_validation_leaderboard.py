"""The leaderboard holds the scores of the predictions, the best model first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfmkit.validation import _metrics as metrics
from rfmkit.validation._baselines import BaseRate
from rfmkit.validation._leaderboard import REANCHORED, SCORES, leaderboard
from rfmkit.validation._trial import Trial, pooled

RATE = BaseRate.name


def trial_of(churned, chances, *, counts=None, notes=None, customers=None, origin="2024-06-30"):
    """A trial whose outcomes and probabilities are given; nobody buys who churned."""
    churned = np.array(churned, dtype=bool)
    names = [f"c{place}" for place in range(len(churned))] if customers is None else customers
    nothing = np.full(len(churned), np.nan)
    return Trial(
        origin, np.array(names), churned, (~churned).astype(float),
        {name: np.array(chance, dtype=float) for name, chance in chances.items()},
        {name: np.array((counts or {}).get(name, nothing)) for name in chances},
        {name: (notes or {}).get(name, "") for name in chances},
    )  # fmt: skip


@pytest.fixture
def trial():
    """Half of 200 customers churn; an oracle, a model that is right more often, a coin."""
    churned = np.arange(200) % 2 == 0
    said = churned ^ (np.arange(200) % 5 == 0)  # wrong of every fifth customer
    sharp = np.where(said, 0.8, 0.3) + np.linspace(-0.05, 0.05, 200)
    chances = {RATE: np.full(200, 0.5), "sharp": sharp, "oracle": churned.astype(float)}
    return trial_of(churned, chances, counts={"oracle": (~churned).astype(float)})


def test_the_columns_are_those_promised(trial):
    table = leaderboard(trial, 10)
    assert list(table.columns) == ["model", "origin", "customers", "churn_rate", *SCORES, "note"]
    assert table["origin"].tolist() == ["2024-06-30"] * 3
    assert table["customers"].tolist() == [200] * 3
    assert table["churn_rate"].tolist() == [0.5] * 3
    assert str(table["tie"].dtype) == "boolean"


def test_an_oracle_is_first_and_right(trial):
    table = leaderboard(trial, 10).set_index("model")
    assert table.index.tolist() == ["oracle", "sharp", RATE]
    assert table.loc["oracle", "log_loss"] < 2e-6
    assert table.loc["oracle", ["auc", "brier_skill"]].tolist() == [1, 1]
    assert table.loc["oracle", "count_mae"] == 0
    assert table.loc[RATE, "log_loss"] == pytest.approx(np.log(2))
    assert table.loc[RATE, "behind"] == pytest.approx(np.log(2), abs=1e-5)
    assert table["tie"].tolist() == [True, False, False]


@pytest.mark.parametrize("bins", [5, 10])
def test_the_scores_are_the_metrics_of_the_probabilities(trial, bins):
    row = leaderboard(trial, bins).set_index("model").loc["sharp"]
    chance = trial.chances["sharp"]
    assert row["log_loss"] == metrics.log_loss(trial.churned, chance)
    assert row["brier"] == metrics.brier_score(trial.churned, chance)
    assert row["brier_skill"] == metrics.skill(row["brier"], 0.25)
    assert row["ece"] == metrics.calibration_error(trial.churned, chance, bins=bins)
    assert row["auc"] == metrics.auc(trial.churned, chance)
    line = metrics.calibration_line(trial.churned, chance)
    assert np.isfinite(line).all()
    assert (row["calibration_slope"], row["calibration_intercept"]) == line
    assert row["top_decile_lift"] == metrics.top_decile_lift(trial.churned, chance)
    assert np.isnan(row["count_mae"])


def test_an_interval_holds_its_score(trial):
    table = leaderboard(trial, 10).set_index("model").loc[["sharp"]]
    for name in ("log_loss", "behind", "brier"):
        lower, middle, upper = (table[f"{name}{end}"].iloc[0] for end in ("_lower", "", "_upper"))
        assert lower < middle < upper


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=40)
)
def test_a_model_is_tied_with_itself_and_the_best_is_behind_by_nothing(rows):
    churned, one, other = (np.array(column) for column in zip(*rows, strict=True))
    table = leaderboard(trial_of(churned, {"a": one, "b": one, "c": other}), 10)
    assert table["log_loss"].is_monotonic_increasing
    assert table["behind"].iloc[0] == 0
    assert table["tie"].iloc[0]
    rows_by_model = table.set_index("model")
    same = ["log_loss", "log_loss_lower", "log_loss_upper", "behind", "tie", "brier"]
    assert rows_by_model.loc["a", same].tolist() == rows_by_model.loc["b", same].tolist()


def test_a_model_without_a_probability_has_no_scores_and_comes_last(trial):
    trial.chances["shy"] = np.where(np.arange(200) == 7, np.nan, 0.5)
    trial.counts["shy"], trial.notes["shy"] = np.full(200, np.nan), "no probability for 1 customers"
    table = leaderboard(trial, 10)
    assert table["model"].iloc[-1] == "shy"
    assert table.iloc[-1][list(SCORES)].isna().all()
    assert table["note"].iloc[-1] == "no probability for 1 customers"


def test_where_no_model_has_probabilities_there_are_no_scores():
    table = leaderboard(trial_of([True, False], {"needy": [np.nan, np.nan]}), 10)
    assert table[list(SCORES)].isna().all(axis=None)
    assert table["churn_rate"].tolist() == [0.5]


def test_without_the_base_rate_there_is_no_skill():
    table = leaderboard(trial_of([True, False], {"a": [0.6, 0.4]}), 10)
    assert table["brier_skill"].isna().all()
    assert table["brier"].notna().all()


def test_a_model_that_was_moved_to_the_origin_says_so_first(trial):
    trial.notes["sharp"] = "the tail is long"
    table = leaderboard(trial, 10, reanchored=["sharp", RATE]).set_index("model")
    assert table.loc["sharp", "note"] == f"{REANCHORED}; the tail is long"
    assert table.loc[RATE, "note"] == REANCHORED
    assert table.loc["oracle", "note"] == ""


def test_a_customer_of_two_origins_is_one_draw():
    """Rows that are copies of others add no information: the interval stays as wide."""
    churned = np.arange(100) % 3 == 0
    once = trial_of(churned, {"a": np.linspace(0.1, 0.9, 100)})
    again = trial_of(churned, {"a": np.linspace(0.1, 0.9, 100)}, origin="2024-07-31")
    row, both = (leaderboard(each, 10).iloc[0] for each in (once, pooled([once, again])))
    assert both["customers"] == 200
    for name in ("log_loss", "log_loss_lower", "log_loss_upper"):
        assert both[name] == pytest.approx(row[name])
