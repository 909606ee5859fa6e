"""Models beat their baselines on real logs, and reach what was measured without rfmkit."""

import datetime as dt

import pytest

import rfmkit as rk

# In one worker: the leaderboards are made once.
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("real_validation")]

# Log-losses of an independent prototype, on the last origin: (BetaGeo, ModifiedBetaGeo).
MEASURED = {
    ("cdnow", 90): (0.3028, 0.3008),
    ("retail", 90): (0.6231, 0.6232),
    ("grocery", 90): (0.2294, 0.2236),
    ("grocery", 180): (0.3014, 0.2845),
    ("journey", 30): (0.3312, 0.3312),
    ("apparel", 180): (0.2347, 0.2290),
}


@pytest.fixture(scope="module")
def logs(real_data):
    """Each log as its own tests read it."""
    household = {"customer": "household_id", "time": "transaction_timestamp"}
    journey = rk.read_orders(real_data / "completejourney" / "transactions.parquet", **household)
    shop = real_data / "apparel" / "apparelTrans.csv"
    return {
        "cdnow": rk.read_orders(real_data / "cdnow" / "CDNOW_master.txt", zero_amounts="keep"),
        "retail": rk.read_orders(real_data / "online_retail" / "OnlineRetail.zstd.parquet"),
        "grocery": rk.read_orders(real_data / "grocery_elog" / "groceryElog.csv", amount=1),
        "journey": journey.until("2017-12-31"),  # five baskets of the next year
        "apparel": rk.read_orders(shop, customer="Id", amount="Price"),
    }


@pytest.fixture(scope="module")
def boards(logs):
    """The leaderboard of the last origin of each log and horizon."""
    found = {}
    for name, horizon in MEASURED:
        orders = logs[name]
        models = [rk.ChurnCurve(anchor="snapshot"), rk.BetaGeo(), rk.ModifiedBetaGeo()]
        origin = orders.as_of - dt.timedelta(days=horizon)
        result = rk.backtest(orders, models, horizon_days=horizon, origins=[origin])
        found[name, horizon] = result.pooled.set_index("model")
    return found


@pytest.mark.parametrize("case", MEASURED, ids=str)
def test_the_log_losses_are_those_measured(boards, case):
    found = boards[case].loc[["BetaGeo", "ModifiedBetaGeo"], "log_loss"]
    assert found.tolist() == pytest.approx(MEASURED[case], abs=0.002)


@pytest.mark.parametrize("case", MEASURED, ids=str)
def test_every_model_beats_the_base_rate(boards, case):
    board = boards[case]
    models = ["ChurnCurve", "BetaGeo", "ModifiedBetaGeo"]
    assert (board.loc[models, "log_loss"] < board.loc["base rate", "log_loss"] - 0.05).all()
    assert (board.loc[models, "auc"] > 0.7).all()
    assert (board.loc[models, "brier_skill"] > 0.1).all()


def test_a_grocers_rate_is_no_baseline_to_be_proud_of(boards):
    """Regular buyers who have left: their rate says that they come, and they do not."""
    board = boards["grocery", 180]
    assert board.loc["rate x horizon", "log_loss"] > board.loc["base rate", "log_loss"]


def test_a_gift_shop_at_christmas_is_said_to_have_no_drop_out(boards):
    board = boards["retail", 90]
    assert board.loc[["BetaGeo", "ModifiedBetaGeo"], "note"].str.endswith(": no drop-out").all()


def test_the_model_of_a_simulated_shop_is_recommended(logs):
    """The apparel shop was simulated by a model of this family."""
    found = rk.recommend_model(logs["apparel"], 180)
    assert type(found.model).__name__ in ("BetaGeo", "ModifiedBetaGeo")
    assert "of the base rate" in found.reason
