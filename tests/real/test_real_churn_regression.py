"""Regressions on the gaps of real logs: what they find, and what they are good for."""

import datetime as dt

import numpy as np
import pytest

import rfmkit as rk

# In one worker: the logs are read once.
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("real_churn_regression")]

HORIZONS = {"cdnow": 90, "retail": 90, "grocery": 90, "journey": 30}


@pytest.fixture(scope="module")
def logs(real_data):
    """Each log as its own tests read it."""
    household = {"customer": "household_id", "time": "transaction_timestamp"}
    journey = rk.read_orders(real_data / "completejourney" / "transactions.parquet", **household)
    return {
        "cdnow": rk.read_orders(real_data / "cdnow" / "CDNOW_master.txt", zero_amounts="keep"),
        "retail": rk.read_orders(real_data / "online_retail" / "OnlineRetail.zstd.parquet"),
        "grocery": rk.read_orders(real_data / "grocery_elog" / "groceryElog.csv", amount=1),
        "journey": journey.until("2017-12-31"),  # five baskets of the next year
    }


@pytest.mark.parametrize("name", HORIZONS)
def test_who_waited_longer_waits_longer_in_every_shop(logs, name):
    times = rk.GapRegression("loglogistic").fit(logs[name]).summary_.set_index("covariate")
    hazards = rk.GapRegression("cox").fit(logs[name]).summary_.set_index("covariate")
    assert times.loc["own_gap", "ratio_lower"] > 1.3
    assert hazards.loc["own_gap", "ratio_upper"] < 0.9
    steps = [f"order_number[{label}]" for label in ("2", "3-4", "5-8", "9+")]
    assert (np.diff(times.loc[steps, "coefficient"]) < 0).all()
    assert (np.diff(hazards.loc[steps, "coefficient"]) > 0).all()


@pytest.mark.parametrize("name", HORIZONS)
def test_the_gaps_of_a_customer_resemble_each_other(logs, name):
    found = rk.GapRegression("loglogistic").fit(logs[name]).summary_.set_index("covariate")
    assert (found["robust_error"] > found["naive_error"]).all()
    if name == "retail":  # of wholesale buyers and private ones
        assert found.loc["own_gap", "robust_error"] > 2.5 * found.loc["own_gap", "naive_error"]


@pytest.mark.parametrize("name", HORIZONS)
def test_they_foretell_churn_better_than_the_base_rate(logs, name):
    orders, horizon = logs[name], HORIZONS[name]
    origin = orders.as_of - dt.timedelta(days=horizon)
    models = {kind: rk.GapRegression(kind) for kind in ("loglogistic", "cox")}
    result = rk.backtest(orders, models, horizon_days=horizon, origins=[origin])
    board = result.pooled.set_index("model")
    for kind in models:
        assert board.loc[kind, "log_loss"] < board.loc["base rate", "log_loss"] - 0.04
        assert board.loc[kind, "auc"] > 0.7
