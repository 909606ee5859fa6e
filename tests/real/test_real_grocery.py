"""The grocery log: no amounts, and strongly regular purchases."""

import pandas as pd
import pytest

import rfmkit as rk

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def log(real_data):
    return rk.read_orders(real_data / "grocery_elog" / "groceryElog.csv", amount=1)


def test_every_row_is_a_purchase(log):
    customers = rk.summarize(log)
    assert len(customers) == 1525
    assert customers["purchases"].sum() == customers["spend"].sum() == 10_483
    assert log.audit.to_frame()["rows"].tolist() == [10_483, 10_483]


def test_the_first_year_is_as_published(log):
    customers = rk.summarize(log.until("2006-12-31"))
    assert customers["repeat_purchases"].sum() == 5569
    assert (customers["repeat_purchases"] == 0).mean() == pytest.approx(0.387, abs=5e-4)
    assert (customers["tenure_days"] / 7).min() == pytest.approx(39.43, abs=5e-3)
    past = rk.snapshots(log, origins=["2006-12-31"], horizon_days=364)
    assert past["purchases_ahead"].sum() == 3389


def test_the_timing_is_as_regular_as_published(log):
    assert (rk.summarize(log)["purchases"] >= 3).sum() == 779
    assert rk.PurchaseCycle().fit(log).regularity_ == pytest.approx(1.82738, abs=5e-6)


def test_the_gaps_are_those_of_the_file(log, real_data):
    raw = pd.read_csv(real_data / "grocery_elog" / "groceryElog.csv", parse_dates=["date"])
    gaps = raw.sort_values(["cust", "date"]).groupby("cust")["date"].diff().dt.days.dropna()
    found = rk.purchase_gaps(log)
    ended = found[found["returned"]].groupby("gap_days")["gaps"].sum()
    assert ended.to_dict() == gaps.astype(int).value_counts().to_dict()
