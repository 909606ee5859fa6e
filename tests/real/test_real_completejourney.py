"""The Complete Journey: one and a half million lines of a grocer, summed to baskets."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def path(real_data):
    return real_data / "completejourney" / "transactions.parquet"


@pytest.fixture(scope="module")
def log(path):
    return rk.read_orders(path, customer="household_id", time="transaction_timestamp")


@pytest.fixture(scope="module")
def baskets(path):
    """The baskets, with money in exact ten-thousandths of a dollar."""
    lines = pd.read_parquet(path)
    lines["money"] = (lines["sales_value"] * 10_000).round().astype("int64")
    return lines.groupby(["household_id", "basket_id"], as_index=False)["money"].sum()


def test_lines_are_summed_to_baskets(log, baskets):
    audit = log.audit.to_frame().set_index("rule")
    assert audit.loc["read", "rows"] == audit.drop("read")["rows"].sum() == 1_469_307
    assert audit.loc["read", "orders"] == len(baskets)
    assert audit.loc["read", "amount"].quantize(Decimal("0.01")) == Decimal("4596039.58")
    paid = baskets[baskets["money"] > 0]
    assert audit.loc["kept", "orders"] == len(paid)
    assert audit.loc["kept", "amount"] == Decimal(int(paid["money"].sum())) / 10_000


def test_every_household_has_its_baskets_and_its_money(log, baskets):
    paid = baskets[baskets["money"] > 0].groupby("household_id")["money"].agg(["size", "sum"])
    found = rk.summarize(log).assign(household_id=lambda t: t["customer_id"].astype(str))
    found = found.set_index("household_id").loc[paid.index.astype(str)]
    assert len(found) == len(paid) == 2_469
    assert found["orders"].tolist() == paid["size"].tolist()
    assert (found["spend"] * 10_000).round().astype("int64").tolist() == paid["sum"].tolist()
