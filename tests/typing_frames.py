"""What an editor knows of results: mypy checks this file with the source, and nothing runs it.

A result has the kind of DataFrame from which its log was read.
"""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

import rfmkit as rk


def of_files() -> None:
    log = rk.read_orders("orders.csv")
    assert_type(log, rk.Orders[pd.DataFrame])
    assert_type(rk.read_orders(Path("orders.csv"), tz="UTC"), rk.Orders[pd.DataFrame])
    assert_type(rk.read_orders(["2023.csv", "2024.csv"]), rk.Orders[pd.DataFrame])
    assert_type(rk.read_orders({"orders": pl.DataFrame()}), rk.Orders[pd.DataFrame])
    assert_type(log.until("2024-06-30"), rk.Orders[pd.DataFrame])
    assert_type(log.to_frame(), pd.DataFrame)
    assert_type(log.rejected, pd.DataFrame)
    assert_type(rk.segment(log), pd.DataFrame)
    assert_type(rk.playbook(rk.segment(log)), pd.DataFrame)
    assert_type(rk.lifecycle_matrix(rk.segment(log)), pd.DataFrame)
    assert_type(rk.lifecycle_grid(rk.segment(log), cycle_days=30), pd.DataFrame)
    assert_type(rk.Lifecycle().fit(log).transform(log), pd.DataFrame)
    assert_type(rk.Lifecycle().fit_transform(rk.summarize(log)), pd.DataFrame)
    assert_type(rk.RFMScorer().fit(log).transform(log), pd.DataFrame)


def of_frames() -> None:
    assert_type(rk.read_orders(rk.load_sample()), rk.Orders[pd.DataFrame])
    log = rk.read_orders(pl.DataFrame(), amount=1)
    assert_type(log, rk.Orders[pl.DataFrame])
    assert_type(rk.summarize(log), pl.DataFrame)
    assert_type(rk.purchase_gaps(log), pl.DataFrame)
    assert_type(rk.snapshots(log, origins=["2024-01-01"], horizon_days=30), pl.DataFrame)
    assert_type(rk.segment(log, lang="zh"), pl.DataFrame)
    assert_type(rk.playbook(rk.segment(log), lang="zh"), pl.DataFrame)
    assert_type(rk.RFMScorer().transform(rk.summarize(log)), pl.DataFrame)
    assert_type(rk.RFMScorer().transform([[1.0, 2.0]]), NDArray[np.int64])
    assert_type(rk.segment(rk.read_orders(pl.LazyFrame())), pl.LazyFrame)
    rk.read_orders(3)  # type: ignore[arg-type]


def of_cycles_and_churn(log: rk.Orders[pd.DataFrame], other: rk.Orders[pl.DataFrame]) -> None:
    assert_type(rk.ChurnCurve().fit(log).predict_churn(log), pd.DataFrame)
    assert_type(rk.ChurnCurve().predict_churn(other, 90), pl.DataFrame)
    assert_type(rk.ChurnCurve().predict_churn(rk.summarize(other)), pl.DataFrame)
    assert_type(rk.ChurnModel().predict_churn(other), pl.DataFrame)
    assert_type(rk.GapRegression().predict_churn(rk.summarize(log)), pd.DataFrame)
    assert_type(rk.GapRegression().predict_median_days(other), pl.DataFrame)
    assert_type(rk.churn_rate(other), pl.DataFrame)
    assert_type(rk.PurchaseCycle().fit(other).transform(other), pl.DataFrame)
    assert_type(rk.PurchaseCycle().transform(rk.summarize(log)), pd.DataFrame)
    assert_type(rk.PurchaseCycle().fit_transform(log), pd.DataFrame)


def of_customers_who_leave_unseen(
    log: rk.Orders[pd.DataFrame], other: rk.Orders[pl.DataFrame]
) -> None:
    assert_type(rk.ModifiedBetaGeo().fit(log), rk.ModifiedBetaGeo)
    assert_type(rk.ModifiedBetaGeo().predict_churn(log, 90, interval=0.9), pd.DataFrame)
    assert_type(rk.ParetoNBD().predict_alive(rk.summarize(other)), pl.DataFrame)
    assert_type(rk.BetaGeo().predict_purchases(other, 365), pl.DataFrame)
    assert_type(rk.BetaGeoBetaBinomial(3, period_days=30).predict_churn(other, 2), pl.DataFrame)
    assert_type(rk.BetaGeoBetaBinomial(3).predict_alive(pl.LazyFrame()), pl.LazyFrame)
    assert_type(rk.BetaGeoBetaBinomial(3).predict_purchases(pd.DataFrame()), pd.DataFrame)
    assert_type(rk.GammaGamma().predict_spend(log), pd.DataFrame)


def of_another_kind() -> None:
    log: rk.Orders[pl.DataFrame] = rk.read_orders("orders.csv", output="polars")
    assert_type(rk.segment(log), pl.DataFrame)


def of_any_kind(log: rk.Orders, frame: Any) -> None:
    assert_type(rk.segment(log), Any)
    assert_type(rk.segment(rk.read_orders(frame)), Any)
    assert_type(rk.Lifecycle().transform(frame), Any)


def of_backtests(log: rk.Orders) -> None:
    assert_type(rk.backtest(log, rk.ChurnCurve(), 90), rk.Backtest)
    assert_type(rk.backtest(log, rk.ChurnCurve(), 90).leaderboard, pd.DataFrame)
    assert_type(rk.backtest(log, rk.ChurnCurve(), 90).pooled, pd.DataFrame)
    assert_type(rk.recommend_model(log, 90).backtest, rk.Backtest)
