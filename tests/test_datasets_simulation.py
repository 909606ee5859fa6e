"""Simulated logs: what the truth says is what the definitions find in the orders."""

import datetime as dt
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.columns import STATUSES
from rfmkit.datasets import Simulation, simulate_orders, simulation

PAID = ("paid", "shipped", "completed", "partially_refunded")
NEVER_PAID = ("unpaid", "closed_unpaid")
REFUNDED = ("refunded", "closed_refunded")

settings.register_profile("datasets", deadline=None, max_examples=30)


def purchases_by_definition(orders: pd.DataFrame) -> pd.DataFrame:
    """Customer-days with a valid order: paid, not fully refunded, worth something."""
    valid = orders[orders["status"].isin(PAID) & (orders["amount"] > orders["refund_amount"])]
    days = valid.assign(purchased_on=valid["ordered_at"].dt.normalize())
    days = days[["customer_id", "purchased_on"]].drop_duplicates()
    return days.sort_values(["customer_id", "purchased_on"], ignore_index=True)


def assert_truth_is_in_the_orders(shop: Simulation) -> None:
    found = purchases_by_definition(shop.orders)
    pd.testing.assert_frame_equal(found, shop.gaps[["customer_id", "purchased_on"]])

    by_customer = found.groupby("customer_id")["purchased_on"]
    assert (by_customer.cumcount() + 1).tolist() == shop.gaps["order_number"].tolist()
    gap = (by_customer.shift(-1) - found["purchased_on"]).dt.days.astype(float)
    observed = shop.gaps["observed"]
    assert observed.tolist() == gap.notna().tolist()
    assert shop.gaps["gap_days"][observed].tolist() == gap[observed].tolist()

    days_left = (pd.Timestamp(shop.last_day) - shop.gaps["purchased_on"]).dt.days
    after_window = shop.gaps["gap_days"].notna() & ~observed
    assert (shop.gaps["gap_days"] > days_left)[after_window].all()

    truth = shop.customers.set_index("customer_id")
    counted = by_customer.size().reindex(truth.index, fill_value=0)
    assert counted.tolist() == truth["purchases"].tolist()
    buyers = truth[truth["purchases"] > 0]
    assert by_customer.min().tolist() == buyers["arrived_on"].tolist()
    left = buyers["dropped_out_on"].dropna()
    assert by_customer.max()[left.index].tolist() == left.tolist()
    ended = shop.gaps[shop.gaps["gap_days"].isna()]
    assert ended["customer_id"].tolist() == left.index.tolist()


def test_the_truth_is_what_the_definitions_find() -> None:
    assert_truth_is_in_the_orders(simulate_orders(400, seed=3))


@settings.get_profile("datasets")
@given(
    st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**32),
            "days": st.integers(1, 800),
            "start": st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)),
            "arrival": st.sampled_from(["uniform", "growing", "start"]),
            "seasonality": st.floats(0, 0.99),
            "mean_gap_days": st.floats(0.3, 500),
            "rate_cv": st.floats(0, 3),
            "regularity": st.floats(0.2, 50),
            "dropout": st.floats(0, 1),
            "dropout_concentration": st.floats(0.1, 1000) | st.just(float("inf")),
            "spend_mean": st.floats(0.001, 1e6),
            "spend_q": st.floats(1.01, 10),
            "same_day_share": st.floats(0, 1),
            "partial_refund_share": st.floats(0, 1),
            "refund_share": st.floats(0, 0.8),
            "unpaid_share": st.floats(0, 0.8),
            "prospects_share": st.floats(0, 0.99),
        }
    ),
    st.integers(1, 25),
)
def test_any_parameters_keep_the_laws(options: dict, n_customers: int) -> None:
    shop = simulate_orders(n_customers, **options)
    orders, gaps = shop.orders, shop.gaps
    assert_truth_is_in_the_orders(shop)
    assert orders["order_id"].is_unique
    assert set(orders["customer_id"]) == set(shop.customers["customer_id"])
    assert len(shop.customers) == n_customers
    day = orders["ordered_at"].dt.date
    assert day.between(shop.first_day, shop.last_day).all()
    assert orders["ordered_at"].is_monotonic_increasing
    assert set(orders["status"]) <= set(STATUSES)
    assert (gaps["gap_days"].dropna() >= 1).all()
    assert (gaps["gap_days"].dropna() % 1 == 0).all()

    assert (orders["amount"] > 0).all()
    assert (orders["amount"] == orders["amount"].round(2)).all()
    assert (orders["refund_amount"] == orders["refund_amount"].round(2)).all()
    back, status = orders["refund_amount"], orders["status"]
    assert (back[status.isin(REFUNDED)] == orders["amount"][status.isin(REFUNDED)]).all()
    partly = status == "partially_refunded"
    assert ((back[partly] > 0) & (back[partly] < orders["amount"][partly])).all()
    assert (back[~partly & ~status.isin(REFUNDED)] == 0).all()


@pytest.mark.slow
@settings.get_profile("datasets")
@given(
    st.fixed_dictionaries(
        {
            "spend_mean": st.floats(1, 1000),
            "spend_p": st.floats(0.5, 20),
            "same_day_share": st.floats(0, 1),
            "partial_refund_share": st.floats(0, 1),
            "refund_share": st.floats(0, 0.8),
            "unpaid_share": st.floats(0, 0.8),
            "categories": st.lists(st.text(min_size=1), min_size=1, max_size=5),
        }
    )
)
def test_the_purchases_do_not_depend_on_money_labels_and_extra_orders(options: dict) -> None:
    assert_the_purchases_are_the_same(options)


def test_the_purchases_do_not_depend_on_other_money_labels_and_extra_orders() -> None:
    shares = dict.fromkeys(("same_day_share", "refund_share", "unpaid_share"), 0.8)
    assert_the_purchases_are_the_same({"spend_mean": 3, "categories": ["茶"], **shares})


def assert_the_purchases_are_the_same(options: dict) -> None:
    shop, other = (simulate_orders(40, seed=5, **given) for given in ({}, options))
    pd.testing.assert_frame_equal(shop.gaps, other.gaps)
    same = shop.customers.columns.drop("mean_order_value")
    pd.testing.assert_frame_equal(shop.customers[same], other.customers[same])


def test_equal_arguments_give_equal_results() -> None:
    options = {"regularity": 2, "seasonality": 0.4, "start": "2024-02-29"}
    first, again = (simulate_orders(150, seed=9, **options) for _ in range(2))
    for table in ("orders", "customers", "gaps"):
        pd.testing.assert_frame_equal(getattr(first, table), getattr(again, table))
    other = simulate_orders(150, seed=10, **options)
    assert not first.gaps["gap_days"].equals(other.gaps["gap_days"])


def test_numpy_global_random_state_is_neither_used_nor_moved() -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first = simulate_orders(20)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    pd.testing.assert_frame_equal(first.orders, simulate_orders(20).orders)


def test_the_columns_and_their_dtypes() -> None:
    shop = simulate_orders(50)
    assert list(shop.orders.columns) == [
        "order_id", "customer_id", "ordered_at", "amount", "refund_amount", "status",
        "category", "channel", "region", "quantity",
    ]  # fmt: skip
    assert list(shop.customers.columns) == [
        "customer_id", "arrived_on", "purchases_per_day", "mean_gap_days", "regularity",
        "dropout_probability", "dropped_out_on", "mean_order_value", "purchases",
    ]  # fmt: skip
    assert list(shop.gaps.columns) == [
        "customer_id", "order_number", "purchased_on", "gap_days", "observed",
    ]  # fmt: skip
    assert shop.orders["ordered_at"].dtype == "datetime64[us]"
    assert shop.orders["amount"].dtype == "float64"
    assert shop.orders["quantity"].min() == 1
    assert shop.orders["order_id"].iloc[0] == "O0000001"
    assert shop.customers["customer_id"].iloc[-1] == "C000050"
    assert shop.gaps["observed"].dtype == bool
    assert (shop.first_day, shop.last_day) == (dt.date(2023, 1, 1), dt.date(2024, 12, 30))


def test_the_repr_says_what_there_is() -> None:
    days, tables = "2024-01-01 to 2024-01-30", r"\.orders, \.customers, \.gaps"
    expected = rf"<Simulation: [\d,]+ orders of 50 customers, {days}; use {tables}>"
    assert re.fullmatch(expected, repr(simulate_orders(50, start="2024-01-01", days=30)))


@pytest.mark.parametrize(
    "start",
    ["2024-03-01", dt.date(2024, 3, 1), dt.datetime(2024, 3, 1, 15), pd.Timestamp("2024-03-01")],
)
def test_a_start_of_any_kind_is_a_day(start: object) -> None:
    assert simulate_orders(5, start=start).first_day == dt.date(2024, 3, 1)


# --- parameter recovery: large samples, tolerances several standard errors wide --------------


@pytest.mark.parametrize("regularity", [1, 3])
def test_the_mean_gap_comes_back(regularity: int) -> None:
    shop = simulate_orders(8000, seed=1, rate_cv=0, regularity=regularity, mean_gap_days=60)
    assert shop.gaps["gap_days"].mean() == pytest.approx(60, rel=0.02)
    assert np.allclose(shop.customers["mean_gap_days"].dropna(), 60)
    # and what the log alone shows is biased low (methods 3.3), which is why the truth is here
    assert shop.gaps["gap_days"][shop.gaps["observed"]].mean() < 60 * 0.97


@pytest.mark.parametrize("rate_cv", [0.3, 0.7, 1.2])
def test_the_rates_come_back(rate_cv: float) -> None:
    rate = simulate_orders(20_000, seed=2, rate_cv=rate_cv, days=30).customers["purchases_per_day"]
    assert rate.mean() == pytest.approx(1 / 60, rel=0.05)
    assert rate.std() / rate.mean() == pytest.approx(rate_cv, rel=0.05)


def test_the_mean_gap_over_customers_is_the_documented_one() -> None:
    shop = simulate_orders(20_000, seed=3, rate_cv=0.4, days=30, dropout=0)
    expected = 60 / (1 - 0.4**2)
    assert shop.customers["mean_gap_days"].mean() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("k", [1, 3, *(pytest.param(k, marks=pytest.mark.slow) for k in (2, 5))])
def test_the_regularity_comes_back_by_wheat_and_morrison(k: int) -> None:
    shop = simulate_orders(12_000, seed=4, regularity=k, dropout=0.1, days=1095)
    seen = shop.gaps[shop.gaps["observed"]]
    seen = seen[seen.groupby("customer_id").cumcount(ascending=False) < 2]
    pairs = seen.groupby("customer_id")["gap_days"].agg(["size", "first", "sum"])
    pairs = pairs[pairs["size"] == 2]
    v = (pairs["first"] / pairs["sum"]).var()
    assert (1 - 4 * v) / (8 * v) == pytest.approx(k, rel=0.08)


def test_the_drop_out_comes_back() -> None:
    shop = simulate_orders(20_000, seed=5, dropout=0.3, dropout_concentration=4)
    first = shop.gaps[shop.gaps["order_number"] == 1]
    assert first["gap_days"].isna().mean() == pytest.approx(0.3, abs=0.015)
    p = shop.customers["dropout_probability"]
    assert p.mean() == pytest.approx(0.3, abs=0.01)
    assert p.var() == pytest.approx(0.3 * 0.7 / (4 + 1), rel=0.05)  # variance of that beta
    # those who stay are the faithful, so the share that leaves falls with the order number
    later = shop.gaps[shop.gaps["order_number"] == 5]
    assert later["gap_days"].isna().mean() < 0.25


def test_drop_out_at_its_limits() -> None:
    never = simulate_orders(100, dropout=0)
    assert never.gaps["gap_days"].notna().all()
    assert never.customers["dropped_out_on"].isna().all()
    always = simulate_orders(100, dropout=1)
    assert always.customers["purchases"].max() == 1
    alike = simulate_orders(100, dropout=0.2, dropout_concentration=float("inf"))
    assert set(alike.customers["dropout_probability"].dropna()) == {0.2}


def test_the_spend_comes_back() -> None:
    shop = simulate_orders(40_000, seed=6, spend_mean=50, spend_p=4, spend_q=6, days=60)
    value = shop.customers["mean_order_value"]
    assert value.mean() == pytest.approx(50, rel=0.02)
    # inverse gamma with shape q: variation 1 / sqrt(q - 2); the amounts of one customer 1 / sqrt(p)
    assert value.std() / value.mean() == pytest.approx(1 / np.sqrt(6 - 2), rel=0.05)
    orders = shop.orders.merge(shop.customers[["customer_id", "mean_order_value"]])
    relative = orders["amount"] / orders["mean_order_value"]
    assert relative.mean() == pytest.approx(1, rel=0.01)
    assert relative.std() == pytest.approx(1 / np.sqrt(4), rel=0.02)


def test_the_season_moves_purchases_and_keeps_their_number() -> None:
    options = {"seed": 7, "days": 1461, "dropout": 0, "rate_cv": 0, "prospects_share": 0}
    flat = simulate_orders(2500, **options, arrival="start").gaps
    wave = simulate_orders(2500, **options, arrival="start", seasonality=0.6).gaps
    wave = wave[wave["order_number"] > 1]  # all first purchases are of the first day
    assert len(wave) == pytest.approx(len(flat) - 2500, rel=0.02)
    counts = wave["purchased_on"].dt.month.value_counts().sort_index()
    days = pd.date_range("2023-01-01", periods=1461).month.value_counts().sort_index()
    speed = counts / days * 1461 / len(wave)
    assert (speed.idxmax(), speed.idxmin()) == (11, 5)
    assert speed[11] == pytest.approx(1.6, abs=0.05)
    assert speed[5] == pytest.approx(0.4, abs=0.05)


def test_arrivals_follow_their_option() -> None:
    def share_in_first_half(arrival: str) -> float:
        arrived = simulate_orders(8000, seed=8, days=400, arrival=arrival).customers["arrived_on"]
        return float((arrived < pd.Timestamp("2023-07-20")).mean())

    assert share_in_first_half("uniform") == pytest.approx(0.5, abs=0.03)
    assert share_in_first_half("growing") == pytest.approx(0.25, abs=0.03)
    cohort = simulate_orders(300, arrival="start", seasonality=0.9)
    assert set(cohort.customers["arrived_on"]) == {pd.Timestamp("2023-01-01")}


# --- shares ------------------------------------------------------------------------------------


def test_the_shares_are_met() -> None:
    shop = simulate_orders(
        1000, seed=9, refund_share=0.1, partial_refund_share=0.2, unpaid_share=0.15,
        same_day_share=0.25, prospects_share=0.3,
    )  # fmt: skip
    truth, orders = shop.customers.set_index("customer_id"), shop.orders
    prospects = truth.index[truth["purchases"] == 0]
    assert len(prospects) == 300
    theirs = orders[orders["customer_id"].isin(prospects)]
    assert len(theirs) == 300
    assert set(theirs["status"]) == set(NEVER_PAID)
    unknown = ["purchases_per_day", "mean_gap_days", "regularity", "dropout_probability"]
    assert truth.loc[prospects, [*unknown, "dropped_out_on"]].isna().all(axis=None)
    assert truth.drop(prospects)[unknown].notna().all(axis=None)

    status = orders["status"].drop(theirs.index)
    assert status.isin(NEVER_PAID).mean() == pytest.approx(0.15, abs=0.001)
    paid = status[~status.isin(NEVER_PAID)]
    assert paid.isin(REFUNDED).mean() == pytest.approx(0.1, abs=0.001)
    valid = paid[~paid.isin(REFUNDED)]
    assert (valid == "partially_refunded").mean() == pytest.approx(0.2, abs=0.001)
    assert len(valid) / len(shop.gaps) == pytest.approx(1.25, abs=0.001)
    partly = orders[orders["status"] == "partially_refunded"]
    assert (partly["refund_amount"] / partly["amount"]).between(0.09, 0.61).all()


def test_without_extras_every_order_is_a_purchase() -> None:
    shop = simulate_orders(
        100, refund_share=0, partial_refund_share=0, unpaid_share=0, same_day_share=0,
        prospects_share=0,
    )  # fmt: skip
    assert len(shop.orders) == len(shop.gaps)
    assert set(shop.orders["status"]) <= {"paid", "shipped", "completed"}
    assert (shop.orders["refund_amount"] == 0).all()


def test_one_buyer_always_stays() -> None:
    assert (simulate_orders(3, prospects_share=0.99).customers["purchases"] > 0).sum() == 1


def test_labels_are_the_given_ones_and_the_region_stays() -> None:
    names = {"categories": ["a", "b", "c"], "channels": ["x", "y"], "regions": ["n", "s"]}
    given_names = {key: list(value) for key, value in names.items()}
    orders = simulate_orders(2000, seed=1, **names).orders
    assert names == given_names  # the caller's lists are left as they were
    assert orders["category"].value_counts().index.tolist() == ["a", "b", "c"]
    assert orders["channel"].value_counts().index.tolist() == ["x", "y"]
    assert set(orders["region"]) == {"n", "s"}
    assert orders.groupby("customer_id")["region"].nunique().max() == 1


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_customers": 0}, r"n_customers must be a whole .* 1\.\nFound: n_customers=0\nHint"),
        ({"days": 1.5}, r"days must be a whole number .* 1\.\nFound: days=1\.5\nHint"),
        ({"seed": -1}, r"seed must be a whole number .* 0\.\nFound: seed=-1\nHint"),
        ({"mean_gap_days": 0}, r"mean_gap_days must be in \(0, inf\]\.\nFound: mean_gap_days=0"),
        ({"rate_cv": float("nan")}, r"rate_cv must be in \[0, inf\)\.\nFound: rate_cv=nan"),
        ({"regularity": np.inf}, r"regularity must be in \(0, inf\)\.\nFound: regularity=inf"),
        (
            {"dropout": 15},
            r"dropout must be in \[0, 1\]\.\nFound: dropout=15\nHint: shares and prob",
        ),
        (
            {"dropout_concentration": 0},
            r"dropout_concentration must be in \(0, inf\]\.\nFound: dropout_concentration=0",
        ),
        ({"seasonality": 1}, r"seasonality must be in \[0, 1\)\.\nFound: seasonality=1"),
        ({"spend_q": 1}, r"spend_q must be in \(1, inf\)\.\nFound: spend_q=1"),
        (
            {"unpaid_share": 1.0},
            r"unpaid_share must be in \[0, 1\)\.\nFound: unpaid_share=1\.0\nHint",
        ),
        ({"arrival": "burst"}, r"arrival must be one of .*'growing'.*\nFound: arrival='burst'"),
        ({"start": "01/02/2024"}, r"start must be a day\.\nFound: start='01/02/2024'"),
        ({"categories": "coffee"}, r"of category must be a list .*\nFound: 'coffee'"),
        ({"regions": []}, r"of region must be a list .*\nFound: \[\]"),
    ],
)
def test_a_wrong_parameter_is_named(options: dict, message: str) -> None:
    with pytest.raises(rk.RfmkitError, match=message):
        simulate_orders(**options)


# --- the module itself -------------------------------------------------------------------------


def test_importing_the_module_does_not_load_pandas() -> None:
    code = "import sys, rfmkit.datasets; sys.exit('pandas' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(simulation.__file__).parents[2])}
    found = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert found.returncode == 0


def test_the_clock_is_never_read() -> None:
    source = inspect.getsource(simulation)
    assert not any(word in source for word in ("today(", "now(", "time()", "utcnow"))
