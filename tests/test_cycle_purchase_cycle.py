"""The purchase cycle: right where the truth is known, and each method as by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import rfmkit as rk
from rfmkit.cycle import METHODS
from rfmkit.cycle.purchase_cycle import cycle_columns
from rfmkit.exceptions import (
    ColumnsError,
    NotEnoughHistoryError,
    NotFittedError,
    RfmkitError,
    RfmkitWarning,
)

SHOPS = {
    "default": {"seed": 1},
    "regular": {"seed": 3, "regularity": 2},
    "slow": {"seed": 5, "mean_gap_days": 100, "days": 1461, "dropout": 0.3},
    "growing": {"seed": 6, "mean_gap_days": 45, "arrival": "growing", "regularity": 1.5},
}


QUICK = ["growing"]
"""Shops of the default run: of uneven gaps, ever more customers and some who leave."""


def slow_unless(names, quick):
    """Return parameters, those that are not quick marked as slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.fixture(scope="module", params=slow_unless(SHOPS, QUICK))
def shop(request):
    """Return a simulated shop, its cycle, and the gaps of all its purchases."""
    sim = rk.simulate_orders(20_000, **SHOPS[request.param])
    orders = rk.read_orders(sim.orders, as_of=sim.last_day)
    return sim, rk.PurchaseCycle().fit(orders)


def true_median(sim):
    """Return the median of all gaps that began in the window, followed to their end."""
    return sim.gaps["gap_days"].dropna().median()


def log_of(gaps_by_customer, *, last_day):
    """Return a log in which each customer buys on day 0 and after each of the gaps given."""
    rows = [
        (customer, day)
        for customer, gaps in gaps_by_customer.items()
        for day in np.cumsum([0, *gaps])
    ]
    rows.append(("last", last_day))
    log = pd.DataFrame(rows, columns=["customer_id", "day"])
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(log["day"], unit="D")
    return pd.DataFrame({"customer_id": log["customer_id"], "date": dates, "amount": 1})


# --- against the truth ---------------------------------------------------------------------------


def test_the_default_is_within_five_percent_of_the_truth_and_the_naive_ones_are_not(shop):
    sim, cycle = shop
    true = true_median(sim)
    found = cycle.summary_.set_index("method")["cycle_days"]
    assert cycle.cycle_days_ == found["kaplan_meier"] == pytest.approx(true, rel=0.05)
    for naive in ("median", "mean"):
        assert found[naive] != pytest.approx(true, rel=0.05)
    assert found["median"] < true
    # The naive mean is too low too, measured against what it estimates.
    assert found["mean"] < 0.95 * sim.gaps["gap_days"].mean()


def test_the_share_that_never_returns_is_found(shop):
    sim, cycle = shop
    assert cycle.never_share_ == pytest.approx(sim.gaps["gap_days"].isna().mean(), abs=0.02)


def test_regularity_is_recovered(shop):
    sim, cycle = shop
    assert cycle.regularity_ == pytest.approx(sim.customers["regularity"].max(), rel=0.05)


@pytest.mark.parametrize("size", [4000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_very_unequal_customers_leave_a_bias_but_half_the_naive_one(size):
    # Gaps of one customer depend on each other, so that the slow ones are cut off more often.
    sim = rk.simulate_orders(size, seed=1, rate_cv=1.0)
    found = rk.PurchaseCycle().fit(rk.read_orders(sim.orders, as_of=sim.last_day)).summary_
    found = found.set_index("method")["cycle_days"] / true_median(sim) - 1
    assert found["median"] < -0.2
    assert abs(found["kaplan_meier"]) < 0.5 * abs(found["median"])


# --- every method, by hand -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def cycle(orders):
    return rk.PurchaseCycle().fit(orders)


@pytest.fixture(scope="module")
def purchases(sample):
    paid = sample["status"].isin(["paid", "shipped", "completed", "partially_refunded"])
    days = sample[paid].assign(day=sample["ordered_at"].dt.normalize())
    days = days[["customer_id", "day"]].drop_duplicates().sort_values(["customer_id", "day"])
    days["gap"] = days.groupby("customer_id")["day"].diff().dt.days
    return days


def test_the_summary_lists_all_methods(cycle, orders):
    table = cycle.summary_
    assert table["method"].tolist() == list(METHODS)
    assert table["cycle_days"].between(1, 365).all()
    assert set(table["window_days"]) == {(orders.as_of - pd.Timestamp("2023-01-01").date()).days}
    gaps = rk.purchase_gaps(orders)
    assert set(table["gaps"]) == {gaps["gaps"].sum()}
    assert set(table["open_share"]) == {
        gaps.loc[~gaps["returned"], "gaps"].sum() / gaps["gaps"].sum()
    }


def test_the_methods_are_those_of_the_ended_gaps(cycle, purchases):
    found = cycle.summary_.set_index("method")["cycle_days"]
    gaps = purchases["gap"].dropna()
    assert found["mean"] == pytest.approx(gaps.mean(), rel=1e-12)
    assert found["median"] == gaps.quantile(0.5, interpolation="lower")
    assert found["quantile"] == np.quantile(gaps, 0.8, method="inverted_cdf")
    assert found["lognormal"] == pytest.approx(np.exp(np.log(gaps).mean()), rel=1e-12)
    means = purchases.groupby("customer_id")["gap"].mean().dropna()
    assert found["normal"] == pytest.approx(means.mean(), rel=1e-12)
    k = round(cycle.regularity_)
    expected = stats.gamma(k, scale=gaps.mean() / k).median()
    assert found["gamma"] == pytest.approx(expected, rel=1e-12)


def test_regularity_is_wheat_and_morrisons_of_the_last_two_gaps(cycle, purchases):
    last_two = purchases.dropna().groupby("customer_id")["gap"].apply(lambda gaps: gaps.tail(2))
    pairs = [two.tolist() for _, two in last_two.groupby(level=0) if len(two) == 2]
    shares = np.array([first / (first + second) for first, second in pairs])
    spread = ((shares - 0.5) ** 2).mean()
    assert len(pairs) > 300
    assert cycle.regularity_ == pytest.approx((1 - 4 * spread) / (8 * spread), rel=1e-12)


@pytest.mark.parametrize("method", slow_unless(METHODS, ["median"]))
def test_the_method_chosen_is_the_cycle(orders, cycle, method):
    chosen = rk.PurchaseCycle(method).fit(orders)
    table = cycle.summary_.set_index("method")
    assert chosen.cycle_days_ == table.loc[method, "cycle_days"]
    assert f"days by {method} from" in repr(chosen)


def test_the_quantile_is_the_callers(orders, purchases):
    found = rk.PurchaseCycle("quantile", q=0.95).fit(orders).cycle_days_
    assert found == np.quantile(purchases["gap"].dropna(), 0.95, method="inverted_cdf")


def test_equal_gaps_are_found_by_every_method():
    log = log_of({f"c{place}": [30] * 6 for place in range(20)}, last_day=200)
    cycle = rk.PurchaseCycle().fit(rk.read_orders(log))
    found = cycle.summary_.set_index("method")["cycle_days"]
    assert found.to_dict() == pytest.approx(dict.fromkeys(METHODS, 30), rel=1e-12)
    assert cycle.cycle_days_ == pytest.approx(30, rel=1e-12)
    assert cycle.regularity_ == float("inf")


# --- categories ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def products(orders):
    return rk.PurchaseCycle(by="category").fit(orders)


def test_what_is_due_has_a_row_for_each_customer_and_category(products, orders):
    due = products.transform(orders)
    assert list(due.columns) == [
        "customer_id", "category", "purchases", "last_purchase", "recency_days", "cycle_days",
        "expected_next_purchase", "next_purchase_from", "next_purchase_to", "overdue_ratio",
    ]  # fmt: skip
    bought = rk.summarize(orders, categories=True)
    assert len(due) <= bought["categories"].sum()  # which counts refunded orders as well
    assert not due.duplicated(["customer_id", "category"]).any()
    assert set(due["customer_id"]) == set(bought["customer_id"])
    cycle = products.categories_.set_index("category")["cycle_days"]
    once = due[due["purchases"] == 1]
    assert (once["cycle_days"] == once["category"].map(cycle)).all()
    assert repr(products).endswith("gaps in 4 categories. Next: .transform(orders)>")


def test_a_category_that_is_new_has_the_cycle_of_all(products, sample):
    log = sample.head(500).assign(category="brooms")
    due = products.transform(rk.read_orders(log))
    once = due[due["purchases"] == 1]
    assert set(once["cycle_days"]) == {products.cycle_days_}


def test_cycles_by_category_need_categories(sample, products, customers):
    some = sample.head(500)
    without = rk.read_orders(some.drop(columns="category"))
    for job in (rk.PurchaseCycle(by="category").fit, products.transform):
        with pytest.raises(
            ColumnsError, match=r"column for the category .*\n.*\nHint: .*category='"
        ):
            job(without)
    pieces = rk.PurchaseCycle(by="category", per_unit=True)
    with pytest.raises(
        ColumnsError, match=r"the number of pieces.*\n.*\nHint: .*quantity='\.\.\.'"
    ):
        pieces.fit(rk.read_orders(some.drop(columns="quantity")))
    with pytest.raises(
        RfmkitError, match=r"read_orders returns\.\nFound: .*pandas.*\nHint: orders"
    ):
        products.transform(customers)


NOT_OF_CUSTOMERS = r"fitted without by=\.\nFound: .*of products\nHint: fit"


def test_cycles_by_category_are_no_columns_of_customers(products):
    with pytest.raises(RfmkitError, match=NOT_OF_CUSTOMERS):
        cycle_columns(products, None)


@pytest.mark.slow
def test_segments_take_no_cycles_by_category(products, orders):
    with pytest.raises(RfmkitError, match=NOT_OF_CUSTOMERS):
        rk.segment(orders, cycle=products)


def test_a_cycle_by_category_is_kept(products, orders, tmp_path):
    rk.save_model(products, tmp_path / "cycle.json")
    kept = rk.load_model(tmp_path / "cycle.json")
    pd.testing.assert_frame_equal(kept.transform(orders), products.transform(orders))
    pd.testing.assert_frame_equal(kept.categories_, products.categories_)


# --- warnings and errors -------------------------------------------------------------------------


def test_a_window_under_three_cycles_is_warned_of():
    log = log_of({f"c{place}": [30] for place in range(20)}, last_day=80)
    orders = rk.read_orders(log)
    with pytest.warns(RfmkitWarning, match="spans 80 days, under 3 cycles of 30 days") as seen:
        rk.PurchaseCycle().fit(orders)
    ours = [warning for warning in seen if warning.category is RfmkitWarning]
    assert [warning.filename for warning in ours] == [__file__]


def test_a_window_of_three_cycles_is_long_enough(recwarn):
    log = log_of({f"c{place}": [30] for place in range(20)}, last_day=90)
    rk.PurchaseCycle().fit(rk.read_orders(log))
    assert [warning for warning in recwarn if warning.category is RfmkitWarning] == []


def test_without_a_second_purchase_there_is_no_cycle():
    log = log_of({"a": [], "b": []}, last_day=9)
    orders = rk.read_orders(log)
    with pytest.raises(
        NotEnoughHistoryError, match=r"must have bought on two different days\.\nFound: 3 pur"
    ):
        rk.PurchaseCycle().fit(orders)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "mode"}, r"method must be one of 'kaplan_meier', .*\nFound: method='mode'"),
        ({"q": 1.0}, r"q must be a number between 0 and 1\.\nFound: .*q=1\.0"),
        ({"q": 0}, r"q must be a number between 0 and 1\.\nFound: .*q=0"),
        ({"interval": 80}, r"interval must be a number between 0 and 1\.\nFound: interval=80"),
        ({"by": "product"}, r"by must be one of None, 'category'\.\nFound: by='product'"),
        ({"min_gaps": 0}, r"min_gaps must be a whole number of at least 1\.\nFound: min_gaps=0"),
        ({"per_unit": 2}, r"per_unit must be one of False, True\.\nFound: per_unit=2"),
        ({"per_unit": True}, r"per piece of a category\.\nFound: .* without by=\nHint: Purch"),
    ],
)
def test_a_wrong_option_is_named(orders, options, message):
    cycle = rk.PurchaseCycle(**options)
    with pytest.raises(RfmkitError, match=message):
        cycle.fit(orders)


def test_before_fit_there_is_nothing_to_transform_with(customers):
    cycle = rk.PurchaseCycle()
    assert repr(cycle) == "<PurchaseCycle: kaplan_meier; not fitted. Next: .fit(orders)>"
    with pytest.raises(
        NotFittedError,
        match=r"A PurchaseCycle must be fitted before use\.\nFound: .*\nHint: rk\.Pur",
    ):
        cycle.transform(customers)


@pytest.mark.filterwarnings("ignore:The log spans:rfmkit.exceptions.RfmkitWarning")
@pytest.mark.parametrize(
    ("customers", "purchases"),
    [(1, 2), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((3, 4), (8, 2)))],
)
def test_the_cycle_of_a_small_shop_is_no_shorter_than_its_gaps(customers, purchases):
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(30 * np.arange(purchases), unit="D")
    rows = [(f"c{place}", day) for place in range(customers) for day in days]
    orders = rk.read_orders(pd.DataFrame(rows, columns=["customer", "date"]), amount=1)
    assert rk.PurchaseCycle("kaplan_meier").fit(orders).cycle_days_ == 30
