"""The distribution of gaps: parameters are recovered, and intervals hold the share they state."""

import copy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.cycle._gap_distribution import (
    CENTURY,
    MOST_GAPS,
    count_silences,
    fit_gap_distribution,
    interval_factors,
)

SHOPS = {
    "default": {"seed": 1},
    "regular": {"seed": 3, "regularity": 2},
    "one year": {"seed": 2, "days": 365},
    "unequal": {"seed": 1, "rate_cv": 1.0},
    "equal": {"seed": 2, "rate_cv": 0.3, "regularity": 3},
    "leaving unequally": {"seed": 7, "mean_gap_days": 45, "dropout": 0.25,
                          "dropout_concentration": 3},
    "slow": {"seed": 5, "mean_gap_days": 100, "days": 1461, "dropout": 0.3},
}  # fmt: skip


QUICK = "leaving unequally"
"""The shop of the default run."""


@pytest.fixture(
    scope="module",
    params=[
        name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SHOPS
    ],
)
def shop(request):
    """Return a simulated shop and its cycle."""
    sim = rk.simulate_orders(6000, **SHOPS[request.param])
    orders = rk.read_orders(sim.orders, as_of=sim.last_day)
    return sim, rk.PurchaseCycle().fit(orders)


def states(sim):
    """Return customers as they stood on the day of each purchase that another one followed.

    The gap is known to its end, also where the log does not reach: nothing is censored.
    """
    gaps = sim.gaps.dropna(subset=["gap_days"])
    first = sim.gaps.groupby("customer_id")["purchased_on"].min()
    active = gaps["purchased_on"] - gaps["customer_id"].map(first)
    return pd.DataFrame(
        {
            "customer_id": gaps["customer_id"],
            "repeat_purchases": gaps["order_number"] - 1,
            "active_days": active.dt.days,
            "recency_days": 0,
            "last_purchase": gaps["purchased_on"],
            "gap_days": gaps["gap_days"],
        }
    )


def inside(found):
    """Return whose next purchase falls into its interval."""
    lower, upper = (
        (pd.to_datetime(found[name]) - found["last_purchase"]).dt.days
        for name in ("next_purchase_from", "next_purchase_to")
    )
    return found["gap_days"].between(lower, upper)


def test_eight_in_ten_next_purchases_fall_into_the_interval(shop):
    sim, cycle = shop
    found = cycle.transform(states(sim))
    held = inside(found)
    assert 0.75 <= held.mean() <= 0.85
    bands = pd.cut(found["repeat_purchases"], [-1, 0, 1, 4, np.inf])
    assert held.groupby(bands, observed=True).mean().between(0.75, 0.85).all()


def test_other_shares_are_held_as_well(shop):
    sim, cycle = shop
    for interval in (0.5, 0.95):
        other = copy.copy(cycle)
        other.interval = interval  # it takes effect in transform
        assert inside(other.transform(states(sim))).mean() == pytest.approx(interval, abs=0.03)


def test_the_truth_behind_the_gaps_is_found_again(shop):
    sim, cycle = shop
    distribution = cycle.gap_distribution_
    rate = sim.customers["purchases_per_day"].dropna()
    # Gamma(k, k l) gaps have the rate l: its shape is 1 / cv^2 and its mean shape / scale.
    assert distribution["shape"] == pytest.approx(rate.mean() ** 2 / rate.var(), rel=0.25)
    assert distribution["shape"] / distribution["scale_days"] == pytest.approx(rate.mean(), rel=0.1)
    leaving = distribution["leaving_a"] / (distribution["leaving_a"] + distribution["leaving_b"])
    assert leaving == pytest.approx(sim.customers["dropout_probability"].mean(), abs=0.03)


def test_the_quantiles_are_those_of_the_gaps_they_stand_for():
    distribution = {"regularity": 1.7, "shape": 2.3, "scale_days": 90.0}
    gaps, total = 4, 130.0
    rng = np.random.default_rng(1)
    rate = rng.gamma(2.3 + 1.7 * gaps, size=400_000) / (90.0 + 1.7 * total)
    drawn = rng.gamma(1.7, size=400_000) / (1.7 * rate)
    row = interval_factors(distribution, 0.8).loc[gaps]
    mean = (90.0 + 1.7 * total) / (2.3 + 1.7 * gaps)
    expected = np.quantile(drawn, [0.1, 0.9])
    np.testing.assert_allclose(mean * row[["lower_factor", "upper_factor"]], expected, rtol=0.01)


@settings(max_examples=25)
@given(
    k=st.floats(0.5, 50), shape=st.floats(1, 400), inner=st.floats(0.1, 0.5),
    outer=st.floats(0.5, 0.99),
)  # fmt: skip
def test_a_wider_interval_holds_a_narrower_one(k, shape, inner, outer):
    distribution = {"regularity": k, "shape": shape}
    narrow, wide = interval_factors(distribution, inner), interval_factors(distribution, outer)
    assert (narrow["lower_factor"] >= wide["lower_factor"]).all()
    assert (narrow["upper_factor"] <= wide["upper_factor"]).all()
    assert (wide["upper_factor"] > 0).all()


def test_beyond_the_table_nothing_moves():
    distribution = {"regularity": 1.0, "shape": 1.0}
    last, before = (interval_factors(distribution, 0.8).iloc[place] for place in (-1, -2))
    assert last["n_gaps"] == MOST_GAPS
    width = last["upper_factor"] - last["lower_factor"]
    assert abs(last["upper_factor"] - before["upper_factor"]) < 1e-3 * width
    assert abs(last["upper_factor"] - -np.log(0.1)) < 0.01 * width  # of an exponential


def test_the_unit_of_time_changes_the_scale_alone():
    silences = count_silences(rk.read_orders(rk.simulate_orders(1500, seed=4).orders))
    days = fit_gap_distribution(silences, 1.0)
    tenths = silences.assign(
        active_days=silences["active_days"] * 10, open_days=silences["open_days"] * 10 + 4.5
    )
    found = fit_gap_distribution(tenths, 1.0)
    assert found["scale_days"] == pytest.approx(10 * days["scale_days"], rel=0.01)
    assert found["shape"] == pytest.approx(days["shape"], rel=0.01)


def test_many_customers_are_sampled(monkeypatch, orders):
    everybody = count_silences(orders)["customers"].sum()
    monkeypatch.setattr("rfmkit.cycle._gap_distribution.SAMPLE", 400)
    some = count_silences(orders)["customers"].sum()
    assert everybody == len(rk.summarize(orders))
    assert 300 < some < 500


def test_nobody_waits_for_more_than_a_century(orders, customers):
    cycle = rk.PurchaseCycle().fit(orders)
    cycle.gap_distribution_ |= {"scale_days": 1e9}
    wait = cycle.transform(customers)["next_purchase_to"] - customers["last_purchase"]
    assert set(wait.dt.days) == {CENTURY}


@pytest.mark.filterwarnings("ignore:The log spans:rfmkit.exceptions.RfmkitWarning")
@pytest.mark.parametrize(
    ("gaps", "customers", "silence"),
    [
        ([3000], 2, 9000),
        pytest.param([1] * 900, 1, 0, marks=pytest.mark.slow),
        pytest.param([30] * 6, 20, 2000, marks=pytest.mark.slow),
        pytest.param([1, 400], 3, 1, marks=pytest.mark.slow),
    ],
)
def test_odd_shops_have_an_interval(gaps, customers, silence):
    days = pd.Timestamp("2000-01-01") + pd.to_timedelta(np.cumsum([0, *gaps]), unit="D")
    rows = [(f"c{who}", day) for who in range(customers) for day in days]
    log = pd.DataFrame([*rows, ("last", days[-1] + pd.Timedelta(days=silence))])
    orders = rk.read_orders(log.set_axis(["customer", "date"], axis=1), amount=1)
    found = rk.PurchaseCycle().fit(orders).transform(orders)
    often = found[found["repeat_purchases"] > 0]
    wait = (often["next_purchase_to"] - often["last_purchase"]).dt.days
    assert (often["next_purchase_from"] <= often["next_purchase_to"]).all()
    assert (wait >= min(gaps)).all()
    assert (wait <= 10 * max(gaps)).all()
