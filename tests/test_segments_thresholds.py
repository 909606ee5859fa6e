"""Thresholds of silence: each in days, for every stratum."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.churn.curve import churn_table, strata_of
from rfmkit.exceptions import RfmkitError
from rfmkit.segments.thresholds import NEVER, threshold_days
from sample_segments import parts_of


@pytest.fixture(scope="module")
def curve(orders):
    return rk.ChurnCurve(horizon_days=180).fit(orders)


@pytest.fixture(scope="module")
def cycle(orders):
    return parts_of(orders)["cycle"]


def unwanted():
    raise AssertionError("The cycle is fitted only where it is needed.")


@pytest.mark.parametrize("days", [30, np.int64(30)])
def test_days_are_days_in_every_stratum(curve, days):
    assert threshold_days(days, curve, unwanted) == [30] * len(strata_of(curve))


@pytest.mark.parametrize("count", [0.5, 2, np.float64(3)])
def test_cycles_are_the_shops(curve, cycle, count):
    found = threshold_days(rk.PurchaseCycles(count), curve, lambda: cycle)
    assert found == [round(count * cycle.cycle_days_)] * len(strata_of(curve))


def test_a_share_of_the_returners_is_back_before_the_limit(curve):
    for days, (_, _, fit) in zip(
        threshold_days(rk.SilenceQuantile(0.8), curve, unwanted), strata_of(curve), strict=True
    ):
        returned = (1 - fit.at([days - 2, days - 1])) / (1 - fit.never)
        assert returned[0] < 0.8 <= returned[1] + 1e-12


def test_a_probability_is_reached_at_the_limit(curve):
    table = churn_table(curve).set_index(["curve_stratum", "curve_days"])["churn_probability"]
    for place, days in enumerate(threshold_days(rk.ChurnProbability(0.8), curve, unwanted)):
        assert table[place, days - 1] < 0.8 <= table[place, days]


def test_a_probability_that_is_never_reached_is_never_passed():
    # Where somebody returns every day, and one is silent for as long, churn stays under one half.
    gone = {f"c{day}": ["2024-01-01", str(pd.Timestamp("2024-01-01") + pd.Timedelta(days=day))]
            for day in range(1, 60)}  # fmt: skip
    rows = [(who, day) for who, days in gone.items() for day in days]
    log = pd.DataFrame(rows, columns=["customer", "date"])
    curve = rk.ChurnCurve(horizon_days=7, anchor="snapshot", order_numbers=(1,))
    curve.fit(rk.read_orders(log, amount=1, as_of="2024-03-01"))
    most = churn_table(curve)["churn_probability"].max()
    assert threshold_days(
        rk.ChurnProbability(float(np.nextafter(most, 1)) + 1e-9), curve, unwanted
    ) == [NEVER]


@pytest.mark.parametrize(
    "threshold", [0, -1, 1.5, True, None, "30", rk.PurchaseCycles, rk.SilenceQuantile(1)]
)
def test_what_is_no_threshold_is_named(curve, threshold):
    with pytest.raises(
        RfmkitError, match=r"^A threshold must be a whole number of days.*\nFound: .*\nHint: "
    ):
        threshold_days(threshold, curve, unwanted)


def test_where_nobody_ever_returned_no_share_of_returners_is_back():
    log = pd.DataFrame({"customer": [f"c{place}" for place in range(500)]})
    log["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(log.index % 30, unit="D")
    orders = rk.read_orders(log, amount=1)
    assert threshold_days(rk.SilenceQuantile(0.8), rk.ChurnCurve().fit(orders), unwanted) == [NEVER]
    stages = rk.Lifecycle(lost_after=20).fit(orders)
    assert stages.boundaries_["silent_after_days"].tolist() == [20]
    phases = stages.transform(orders).set_index("recency_days")["phase"]
    assert set(phases[phases.index < 20]) == {"active"}
    assert set(phases[phases.index >= 20]) == {"lost"}
