"""The model that did best is recommended, with how sure that is."""

import re

import pytest

import rfmkit as rk
from conftest import Constant
from rfmkit.exceptions import NotEnoughHistoryError
from rfmkit.validation._baselines import RecencyRate
from rfmkit.validation.recommendation import DEFAULT_MODELS

HORIZON = 90
DAYS = ["2024-07-03"]


def test_the_best_model_is_recommended(orders):
    models = {"half": Constant(0.5), "geo": rk.ModifiedBetaGeo(unit_days=7)}
    found = rk.recommend_model(orders, HORIZON, models, origins=DAYS)
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


def test_of_tied_models_the_simplest_is_recommended(orders):
    models = {"first": RecencyRate(), "second": RecencyRate(), "bad": Constant(0.01)}
    found = rk.recommend_model(orders, HORIZON, models, origins=DAYS)
    assert found.reason.startswith("first: ")
    assert "tied with second, and the simplest of them" in found.reason
    assert "no better than the baseline recency" in found.reason
    assert "bad" not in found.reason
    assert found.model.horizon_days == HORIZON


def test_where_a_baseline_is_better_it_is_said(orders):
    found = rk.recommend_model(orders, HORIZON, [Constant(0.5), Constant(0.7)], origins=DAYS)
    assert found.model.chance == 0.7
    assert "but the baseline recency does better, by 0.1" in found.reason


def test_where_no_model_has_enough_history_it_is_said(orders):
    with pytest.raises(NotEnoughHistoryError, match=r"Found: Constant: 2024-07-03: not enough"):
        rk.recommend_model(orders, HORIZON, [Constant(needs=5000)], origins=DAYS)


def test_the_default_models_are_listed_from_the_simplest_on():
    assert [type(make()).__name__ for make in DEFAULT_MODELS] == [
        "ChurnCurve", "ModifiedBetaGeo", "ParetoNBD", "ChurnModel",
    ]  # fmt: skip
    assert DEFAULT_MODELS[0]().anchor == "snapshot"


def test_few_outcomes_are_said_to_be_uncertain(sample):
    some = rk.read_orders(sample[sample["customer_id"] < sorted(sample["customer_id"])[60]])
    found = rk.recommend_model(some, HORIZON, [Constant(0.7)], origins=DAYS)
    assert re.search(r"outcomes, uncertain: only \d+ of them (churned|came back)", found.reason)
