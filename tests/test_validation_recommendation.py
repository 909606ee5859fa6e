"""The model that did best is recommended, with how sure that is."""

import dataclasses
import datetime as dt
import re

import pytest

import rfmkit as rk
from conftest import Constant
from rfmkit.exceptions import NotEnoughHistoryError
from rfmkit.validation import backtesting
from rfmkit.validation._baselines import BASELINES, RecencyRate
from rfmkit.validation._trial import hold_trial
from rfmkit.validation.recommendation import DEFAULT_MODELS

HORIZON = 90
DAYS = ["2024-07-03"]
MODELS = {
    "half": Constant(0.5),
    "seven": Constant(0.7),
    "bad": Constant(0.01),
    "needy": Constant(needs=5000),
    "geo": rk.ModifiedBetaGeo(unit_days=7),
    "first": RecencyRate(),
    "second": RecencyRate(),
}
pytestmark = pytest.mark.xdist_group("recommendation")  # one worker holds the trial of all


@pytest.fixture(scope="module")
def trial_of_all(orders):
    """What a backtest asks of all models, of which each test picks its own."""
    baselines = {kind.name: kind() for kind in BASELINES}
    day = dt.date.fromisoformat(DAYS[0])
    return hold_trial(orders, MODELS | baselines, day, HORIZON, 1.0)


def part_of(trial, entrants, customers):
    """Return the trial of some models and of the first customers."""
    known = ("customers", "churned", "purchases")
    values = {name: getattr(trial, name)[:customers] for name in known}
    for name in ("chances", "counts"):
        values[name] = {model: getattr(trial, name)[model][:customers] for model in entrants}
    notes = {model: trial.notes[model] for model in entrants}
    return dataclasses.replace(trial, **values, notes=notes)


@pytest.fixture(params=["held once", pytest.param("held anew", marks=pytest.mark.slow)])
def recommend(request, orders, trial_of_all, monkeypatch):
    """Recommend one of the models named, over the first customers."""

    def recommended(*names, customers=None):
        def held(*asked):
            trial = trial_of_all if request.param == "held once" else hold_trial(*asked)
            return part_of(trial, asked[1], customers)

        monkeypatch.setattr(backtesting, "hold_trial", held)
        return rk.recommend_model(
            orders, HORIZON, {name: MODELS[name] for name in names}, origins=DAYS
        )

    return recommended


def test_the_best_model_is_recommended(recommend):
    found = recommend("half", "geo")
    assert repr(found) == f"<Recommendation: {found.reason} Next: .model.fit(orders)>"
    assert found._repr_html_().startswith("<p>geo: log-loss ")
    assert "<table" in found._repr_html_()
    model, reason, result = found
    assert isinstance(model, rk.ModifiedBetaGeo)
    assert (model.horizon_days, model.unit_days) == (HORIZON, 7)
    assert not hasattr(model, "params_")
    rows = result.pooled.set_index("model")
    assert reason.startswith(f"geo: log-loss {rows.loc['geo', 'log_loss']:.4f} (")
    assert f"over {rows.loc['geo', 'customers']:,} outcomes, against" in reason
    assert f"{rows.loc['base rate', 'log_loss']:.4f} of the base rate" in reason
    assert f"the next, recency, is {rows.loc['recency', 'behind']:.4f} (" in reason


def test_of_tied_models_the_simplest_is_recommended(recommend):
    found = recommend("first", "second", "bad")
    assert found.reason.startswith("first: ")
    assert "tied with second, and the simplest of them" in found.reason
    assert "no better than the baseline recency" in found.reason
    assert "bad" not in found.reason
    assert found.model.horizon_days == HORIZON


def test_where_a_baseline_is_better_it_is_said(recommend):
    found = recommend("half", "seven")
    assert found.model.chance == 0.7
    assert "but the baseline recency does better, by 0.1" in found.reason


def test_where_no_model_has_enough_history_it_is_said(recommend):
    with pytest.raises(NotEnoughHistoryError, match=r"Found: needy: 2024-07-03: not enough"):
        recommend("needy")


def test_the_default_models_are_listed_from_the_simplest_on():
    assert [type(make()).__name__ for make in DEFAULT_MODELS] == [
        "ChurnCurve", "ModifiedBetaGeo", "ParetoNBD", "ChurnModel",
    ]  # fmt: skip
    assert DEFAULT_MODELS[0]().anchor == "snapshot"


def test_few_outcomes_are_said_to_be_uncertain(recommend):
    found = recommend("seven", customers=60)
    assert re.search(r"outcomes, uncertain: only \d+ of them (churned|came back)", found.reason)
