"""CDNOW, as every textbook uses it: the published summary, and every dollar of the master file."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk

pytestmark = pytest.mark.real

NAMES = ["master_id", "customer_id", "date", "cds", "amount"]
CALIBRATION_END = "1997-09-30"


@pytest.fixture(scope="module")
def kept(real_data):
    """Give the sample with its purchases of nothing."""
    path = real_data / "cdnow" / "CDNOW_sample.txt"
    return rk.read_orders(path, names=NAMES, zero_amounts="keep")


@pytest.fixture(scope="module")
def published(real_data):
    return pd.read_csv(real_data / "cdnow" / "cdnow_customers_summary.csv")


def disagreements(customers, published):
    """Set our days beside the published weeks, and give the customers that differ."""
    ours = customers.assign(ID=customers["customer_id"].astype(int))
    both = published.merge(ours, on="ID", how="outer", validate="one_to_one")
    equal = (
        (both["repeat_purchases"] == both["frequency"])
        & ((both["active_days"] / 7).round(2) == both["recency"])
        & ((both["tenure_days"] / 7).round(2) == both["T"])
    )
    return both.loc[~equal]


def test_all_customers_are_summarized_as_published(kept, published):
    customers = rk.summarize(kept.until(CALIBRATION_END))
    assert len(customers) == len(published) == 2357
    assert disagreements(customers, published).empty
    assert customers["repeat_purchases"].sum() == 2457
    assert (customers["repeat_purchases"] > 0).sum() == 946
    assert customers["tenure_days"].sum() / 7 == pytest.approx(77_111.2857, abs=1e-4)


def test_eight_customers_bought_for_nothing(real_data, published):
    orders = rk.read_orders(real_data / "cdnow" / "CDNOW_sample.txt", names=NAMES)
    customers = rk.summarize(orders.until(CALIBRATION_END))
    assert len(disagreements(customers, published)) == 8


def test_the_holdout_is_as_published(kept):
    past = rk.snapshots(kept, origins=[CALIBRATION_END], horizon_days=273)
    assert past["purchases_ahead"].sum() == 1882
    assert (~past["churned"]).mean() == pytest.approx(0.2902, abs=5e-5)


def test_the_timing_is_random(kept):
    assert (rk.summarize(kept)["purchases"] >= 3).sum() == 736
    assert rk.PurchaseCycle().fit(kept).regularity_ == pytest.approx(0.985, abs=5e-4)


@pytest.fixture(scope="module")
def raw(real_data):
    """The rows of the whole cohort."""
    path = real_data / "cdnow" / "CDNOW_master.txt"
    return pd.read_csv(path, sep=r"\s+", dtype={"customer_id": str})


@pytest.fixture(scope="module")
def master(real_data):
    """Give the whole cohort, with its purchases of nothing and without."""
    path = real_data / "cdnow" / "CDNOW_master.txt"
    return {kind: rk.read_orders(path, zero_amounts=kind) for kind in ("keep", "drop")}


@pytest.mark.parametrize(("zero_amounts", "kept"), [("keep", 69_659), ("drop", 69_579)])
def test_the_master_file_is_accounted_for(master, zero_amounts, kept):
    audit = master[zero_amounts].audit.to_frame().set_index("rule")
    money = Decimal("2500315.63")
    assert audit.loc["kept", ["rows", "amount"]].tolist() == [kept, money]
    assert audit.loc["read", ["rows", "amount"]].tolist() == [69_659, money]


@pytest.mark.parametrize(("zero_amounts", "count"), [("keep", 23_570), ("drop", 23_502)])
def test_the_customers_of_the_master_file_are_those_of_its_rows(master, raw, zero_amounts, count):
    orders = master[zero_amounts]
    customers = rk.summarize(orders).set_index("customer_id")
    assert len(customers) == count
    rows = raw if zero_amounts == "keep" else raw[raw["dollar_value"] != 0]
    by_customer = rows.groupby("customer_id")
    assert customers["orders"].to_dict() == by_customer.size().to_dict()
    # Orders of one day are one purchase.
    assert customers["purchases"].to_dict() == by_customer["date"].nunique().to_dict()
    assert (customers["spend"] * 100).round().astype("int64").sum() == 250_031_563
    assert orders.as_of.isoformat() == "1998-06-30"


def test_everybody_of_the_master_file_has_one_segment(master, raw):
    table = rk.segment(master["drop"])
    assert table["customer_id"].tolist() == sorted(raw["customer_id"].unique())
    # Customers who only ever got something for nothing have not bought.
    bought = set(raw.loc[raw["dollar_value"] != 0, "customer_id"])
    prospects = set(table.loc[table["segment"] == "prospect", "customer_id"])
    assert len(prospects) == 23_570 - 23_502
    assert prospects == set(raw["customer_id"]) - bought
