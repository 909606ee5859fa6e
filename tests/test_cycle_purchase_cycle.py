"""The purchase cycle: right where the truth is known, and each method as by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import rfmkit as rk
from conftest import plain
from rfmkit.cycle import METHODS
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


@pytest.fixture(scope="module", params=SHOPS)
def shop(request):
    """Give a simulated shop, its cycle, and the gaps of all its purchases."""
    sim = rk.simulate_orders(20_000, **SHOPS[request.param])
    orders = rk.read_orders(sim.orders, as_of=sim.last_day)
    return sim, rk.PurchaseCycle().fit(orders)


def true_median(sim):
    """Follow every gap that began in the window to its end."""
    return sim.gaps["gap_days"].dropna().median()


def log_of(gaps_by_customer, *, last_day):
    """Make a log in which each customer buys on day 0 and after each of the gaps given."""
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


def test_very_unequal_customers_leave_a_bias_but_half_the_naive_one():
    # Gaps of one customer depend on each other, so that the slow ones are cut off more often.
    sim = rk.simulate_orders(20_000, seed=1, rate_cv=1.0)
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


@pytest.mark.parametrize("method", METHODS)
def test_the_method_chosen_is_the_cycle(orders, cycle, method):
    chosen = rk.PurchaseCycle(method).fit(orders)
    table = cycle.summary_.set_index("method")
    assert chosen.cycle_days_ == table.loc[method, "cycle_days"]
    assert f"days by {method} from" in repr(chosen)


def test_the_quantile_is_the_callers(orders, purchases):
    found = rk.PurchaseCycle("quantile", q=0.95).fit(orders).cycle_days_
    assert found == np.quantile(purchases["gap"].dropna(), 0.95, method="inverted_cdf")


@pytest.mark.parametrize("method", METHODS)
def test_clockwork_is_found_by_every_method(method):
    log = log_of({f"c{place}": [30] * 6 for place in range(20)}, last_day=200)
    cycle = rk.PurchaseCycle(method).fit(rk.read_orders(log))
    assert cycle.cycle_days_ == pytest.approx(30, rel=1e-12)
    assert cycle.regularity_ == float("inf")


# --- the customer's own cycle --------------------------------------------------------------------


@pytest.fixture(scope="module")
def due(cycle, customers):
    return cycle.transform(customers)


def test_who_bought_once_gets_the_shops_cycle(cycle, due):
    once = due[due["purchases"] == 1]
    assert len(once) > 100
    assert set(once["cycle_days"]) == {cycle.cycle_days_}


def test_more_gaps_move_it_towards_the_customers_own(cycle, due):
    often = due[due["purchases"] > 1]
    shop, own = cycle.cycle_days_, often["active_days"] / often["repeat_purchases"]
    moved = (often["cycle_days"] - shop) / (own - shop)
    moved = moved[(own - shop).abs() > 1].groupby(often["repeat_purchases"])
    by_gaps = moved.mean()
    assert moved.std().max() < 1e-12  # it depends on the number of gaps alone
    assert by_gaps.is_monotonic_increasing
    assert by_gaps.between(0, 1, inclusive="neither").all()
    assert by_gaps.iloc[-1] > 0.8
    weight = cycle.strength_
    expected = by_gaps.index / (by_gaps.index + weight)
    np.testing.assert_allclose(by_gaps, expected, rtol=1e-9)


def test_the_next_purchase_is_a_cycle_after_the_last(due):
    wait = (due["expected_next_purchase"] - due["last_purchase"]).dt.days
    assert ((wait - due["cycle_days"]).abs() <= 0.5).all()
    overdue = due["recency_days"] / due["cycle_days"]
    pd.testing.assert_series_equal(due["overdue_ratio"], overdue, check_names=False, rtol=1e-15)


def test_the_next_purchase_is_expected_within_its_interval(due):
    assert (due["next_purchase_from"] > due["last_purchase"]).all()
    assert (due["next_purchase_from"] <= due["expected_next_purchase"]).all()
    assert (due["expected_next_purchase"] <= due["next_purchase_to"]).all()


def test_customers_who_have_a_cycle_already_get_another(cycle, customers, due):
    pd.testing.assert_frame_equal(cycle.transform(due), due)
    narrow = rk.PurchaseCycle(interval=0.5)
    vars(narrow).update({name: value for name, value in vars(cycle).items() if name[-1] == "_"})
    found = narrow.transform(due)
    assert list(found.columns) == list(due.columns)
    assert (found["next_purchase_to"] < due["next_purchase_to"]).all()


def test_customers_keep_their_rows_and_index(cycle, customers, due):
    mixed = customers.sample(frac=1, random_state=5)
    mixed.index = [f"row {place}" for place in range(len(mixed))]
    found = cycle.transform(mixed)
    assert found.index.equals(mixed.index)
    assert found["customer_id"].tolist() == mixed["customer_id"].tolist()
    expected = due.set_index("customer_id").loc[mixed["customer_id"]]
    assert found["cycle_days"].tolist() == expected["cycle_days"].tolist()


def test_a_log_is_transformed_as_its_customers(cycle, orders, due):
    pd.testing.assert_frame_equal(cycle.transform(orders), due)
    pd.testing.assert_frame_equal(rk.PurchaseCycle().fit_transform(orders), due)


def test_prospects_have_no_cycle(cycle, orders):
    found = cycle.transform(rk.segment(orders))
    prospects = found["segment"] == "prospect"
    columns = ["cycle_days", "expected_next_purchase", "next_purchase_from", "overdue_ratio"]
    assert prospects.any()
    assert found.loc[prospects, columns].isna().all(axis=None)
    assert found.loc[~prospects, columns].notna().all(axis=None)


def test_a_cycle_of_no_days_gives_no_ratio():
    log = pd.DataFrame({"customer_id": ["a", "a", "b", "b"], "date": "2024-01-01", "amount": 1})
    orders = rk.read_orders(log, same_day="keep")
    cycle = rk.PurchaseCycle("mean").fit(orders)
    assert cycle.cycle_days_ == 0
    assert cycle.transform(orders)["overdue_ratio"].isna().all()


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
    assert repr(products).endswith("gaps in 4 categories>")


def test_a_category_that_is_new_has_the_cycle_of_all(products, sample):
    log = sample.assign(category="brooms")
    due = products.transform(rk.read_orders(log))
    once = due[due["purchases"] == 1]
    assert set(once["cycle_days"]) == {products.cycle_days_}


def test_cycles_by_category_need_categories(sample, products, customers):
    without = rk.read_orders(sample.drop(columns="category"))
    for job in (rk.PurchaseCycle(by="category").fit, products.transform):
        with pytest.raises(
            ColumnsError, match=r"column for the category .*\n.*\nHint: .*category='"
        ):
            job(without)
    pieces = rk.PurchaseCycle(by="category", per_unit=True)
    with pytest.raises(
        ColumnsError, match=r"the number of pieces.*\n.*\nHint: .*quantity='\.\.\.'"
    ):
        pieces.fit(rk.read_orders(sample.drop(columns="quantity")))
    with pytest.raises(
        RfmkitError, match=r"read_orders returns\.\nFound: .*pandas.*\nHint: orders"
    ):
        products.transform(customers)
    with pytest.raises(RfmkitError, match=r"fitted without by=\.\nFound: .*of products\nHint: fit"):
        rk.segment(rk.read_orders(sample), cycle=products)


def test_a_cycle_by_category_is_kept(products, orders, tmp_path):
    rk.save_model(products, tmp_path / "cycle.json")
    kept = rk.load_model(tmp_path / "cycle.json")
    pd.testing.assert_frame_equal(kept.transform(orders), products.transform(orders))
    pd.testing.assert_frame_equal(kept.categories_, products.categories_)


# --- engines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["polars", "polars_lazy", "pyarrow", "duckdb", "ibis", "csv"])
def test_products_are_the_same_from_every_kind(sample, orders, as_kind, kind):
    log = rk.read_orders(as_kind(sample, kind))
    for options in ({}, {"per_unit": True}):
        here = rk.PurchaseCycle(by="category", **options).fit(orders)
        there = rk.PurchaseCycle(by="category", **options).fit(log)
        pd.testing.assert_frame_equal(there.categories_, here.categories_, check_exact=True)
        found, expected = (
            plain(cycle.transform(of)).sort_values(["customer_id", "category"], ignore_index=True)
            for cycle, of in ((there, log), (here, orders))
        )
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.spark
def test_products_are_the_same_from_spark(spark, sample, orders):
    table = spark.createDataFrame(sample)
    log = rk.read_orders(table.withColumn("ordered_at", table["ordered_at"].cast("timestamp_ntz")))
    here = rk.PurchaseCycle(by="category", per_unit=True).fit(orders)
    there = rk.PurchaseCycle(by="category", per_unit=True).fit(log)
    pd.testing.assert_frame_equal(there.categories_, here.categories_, check_exact=True)
    key = ["customer_id", "category"]
    found = plain(there.transform(log)).sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(found, plain(here.transform(orders)), check_exact=True)
    shop = rk.PurchaseCycle().fit(orders)
    pd.testing.assert_frame_equal(
        plain(shop.transform(log)), plain(shop.transform(orders)), check_exact=True
    )


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


def test_nobody_twice_is_no_cycle():
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
    assert repr(cycle) == "<PurchaseCycle: kaplan_meier; not fitted>"
    with pytest.raises(
        NotFittedError,
        match=r"A PurchaseCycle must be fitted before use\.\nFound: .*\nHint: rk\.Pur",
    ):
        cycle.transform(customers)


@pytest.mark.filterwarnings("ignore:The log spans:rfmkit.exceptions.RfmkitWarning")
@pytest.mark.parametrize(("customers", "purchases"), [(1, 2), (3, 4), (8, 2)])
def test_the_cycle_of_a_small_shop_is_no_shorter_than_its_gaps(customers, purchases):
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(30 * np.arange(purchases), unit="D")
    rows = [(f"c{place}", day) for place in range(customers) for day in days]
    orders = rk.read_orders(pd.DataFrame(rows, columns=["customer", "date"]), amount=1)
    assert rk.PurchaseCycle("kaplan_meier").fit(orders).cycle_days_ == 30
