"""The cycle on real logs: how many next purchases fall where they are expected, and limits."""

import pandas as pd
import pytest

import rfmkit as rk

pytestmark = pytest.mark.real

LOGS = {
    "cdnow": ("cdnow/CDNOW_master.txt", {}, "1997-09-30", 92),
    "grocery": ("grocery_elog/groceryElog.csv", {"amount": 1}, "2006-12-31", 181),
    "retail": ("online_retail/OnlineRetail.zstd.parquet", {}, "2011-05-31", 92),
}


@pytest.fixture(scope="module", params=LOGS)
def log(request, real_data):
    path, options, origin, days = LOGS[request.param]
    return request.param, rk.read_orders(real_data / path, **options), pd.Timestamp(origin), days


def test_next_purchases_fall_into_the_interval_as_often_as_stated_or_more(log):
    """Fit on the past, and look at the gaps that began after it and ended within the log."""
    name, orders, origin, days = log
    bought = orders.to_frame()
    bought["last_purchase"] = bought["ordered_at"].dt.normalize()
    bought = bought[["customer_id", "last_purchase"]].drop_duplicates()
    bought = bought.sort_values(["customer_id", "last_purchase"])
    by_customer = bought.groupby("customer_id")["last_purchase"]
    bought["following"] = by_customer.shift(-1)
    bought["repeat_purchases"] = by_customer.cumcount()
    bought["active_days"] = (bought["last_purchase"] - by_customer.transform("min")).dt.days
    bought["recency_days"] = 0
    began = bought["last_purchase"].between(origin, origin + pd.Timedelta(days=days), "right")
    cycle = rk.PurchaseCycle().fit(orders.until(origin.date()))
    found = cycle.transform(bought[began & bought["following"].notna()])
    held = found["following"].between(found["next_purchase_from"], found["next_purchase_to"])
    expected = {"cdnow": 0.822, "grocery": 0.841, "retail": 0.880}
    assert held.mean() == pytest.approx(expected[name], abs=0.005)


def test_the_churn_periods(log):
    name, orders, *_ = log
    period = rk.churn_period(orders).set_index("method")
    expected = {
        "cdnow": [381, 282, 111, 200],
        "grocery": [307, 233, 77, 80],
        "retail": [612, None, 161, 111],
    }
    found = period["days"].astype(object).where(period["reached"], None).tolist()
    assert found == expected[name]
    # A year of a wholesaler shows no silence of so many days: the tail says it.
    by_tail = "extrapolated by the tail" in period.loc["return_rate", "note"]
    assert by_tail == (name == "retail")
    shares = period["return_rate"].dropna()
    assert shares.idxmin() == "return_rate"


@pytest.mark.parametrize(("name", "k"), [("grocery", 1.82738), ("cdnow", 0.932)])
def test_regularity_lies_in_its_interval(real_data, name, k):
    path, options, *_ = LOGS[name]
    row = rk.PurchaseCycle().fit(rk.read_orders(real_data / path, **options)).regularity_summary_
    row = row.iloc[0]
    assert row["regularity"] == pytest.approx(k, abs=5e-4)
    assert row["regularity_lower"] < k < row["regularity_upper"]
    assert row["timing"] == {"grocery": "regular", "cdnow": "clumped"}[name]


def test_the_departments_of_a_supermarket(real_data):
    folder = real_data / "completejourney"
    lines = pd.read_parquet(folder / "transactions.parquet").merge(
        pd.read_parquet(folder / "products.parquet")[["product_id", "product_category"]],
        on="product_id",
    )
    orders = rk.read_orders(
        lines, customer="household_id", time="transaction_timestamp", amount="sales_value",
        order_id="basket_id", category="product_category", quantity="quantity",
    )  # fmt: skip
    cycle = rk.PurchaseCycle(by="category").fit(orders)
    table = cycle.categories_.set_index("category")
    assert len(table) > 250
    assert table["cycle_days"].notna().all()
    milk, turkey = table.loc["FLUID MILK PRODUCTS"], table.loc["TURKEY"]
    assert milk["cycle_days"] < 14 < turkey["cycle_days"]
    assert milk["repeat_share"] > turkey["repeat_share"]
    assert (milk["timing"], turkey["timing"]) == ("regular", "random")
