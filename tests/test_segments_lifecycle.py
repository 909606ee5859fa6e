"""Lifecycle: each stage by its definition, each threshold by what it was learned from."""

import itertools

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter

import rfmkit as rk
from rfmkit.exceptions import NotFittedError, RfmkitError
from sample_segments import parts_of
from silences import log_of, stages_of

FAN_BANDS = {"recency_days": [30], "purchases": [3], "spend": [300]}


@pytest.fixture(scope="module")
def parts(orders):
    return parts_of(orders)


@pytest.fixture(scope="module")
def curve(parts):
    return parts["churn"]


@pytest.fixture(scope="module")
def by_days():
    """Silent after 30 days, lost after 90; fans by bands: 3 purchases and 300 of money."""

    def fit(orders, **options):
        scorer = rk.RFMScorer(method="bands", bands=FAN_BANDS).fit(orders)
        given_options = {"silent_after": 30, "lost_after": 90, "scorer": scorer, **options}
        return rk.Lifecycle(**given_options).fit(orders)

    return fit


# --- the definitions, on a log small enough to see -----------------------------------------------

SMALL = {
    "new": [0],
    "new on its last day": [29],
    "silent on the very day": [30],
    "still silent": [89],
    "lost on the very day": [90],
    "lost": [700, 300],
    "repeat": [200, 10],
    "repeat on its last day": [100, 70, 29],
    "fan": [90, 60, 5],
    "was a fan": [300, 200, 100],
}
EXPECTED = {
    "new": ("new", "active"),
    "new on its last day": ("new", "active"),
    "silent on the very day": ("dormant", "silent"),
    "still silent": ("dormant", "silent"),
    "lost on the very day": ("dormant", "lost"),
    "lost": ("dormant", "lost"),
    "repeat": ("repeat", "active"),
    "repeat on its last day": ("fan", "active"),
    "fan": ("fan", "active"),
    "was a fan": ("dormant", "lost"),
}


def test_every_stage_by_hand(by_days):
    orders = rk.read_orders(log_of(SMALL))
    lifecycle = by_days(orders)
    assert stages_of(lifecycle.transform(orders)) == EXPECTED
    assert stages_of(rk.segment(orders, lifecycle=lifecycle)) == EXPECTED


FANS = {
    "on top": ([60, 40, 20], 100),
    "a cent short": ([60, 40, 20], 99.99),  # thrice
    "twice": ([60, 20], 500),
    "silent": ([60, 40, 30], 500),
}


@pytest.fixture(scope="module")
def fans():
    logs = [log_of({name: silences}, spend=spend) for name, (silences, spend) in FANS.items()]
    return rk.read_orders(pd.concat([*logs, log_of({"y": [400, 0]})]))


@pytest.mark.parametrize(
    ("fan_purchases", "expected"),
    [
        (2, ["fan", "repeat", "repeat", "dormant"]),  # two are not in the top class of frequency
        (3, ["fan", "repeat", "repeat", "dormant"]),
        (4, ["repeat", "repeat", "repeat", "dormant"]),
    ],
)
def test_a_fan_is_active_and_on_top_by_frequency_and_money(by_days, fans, fan_purchases, expected):
    stages = stages_of(by_days(fans, fan_purchases=fan_purchases).transform(fans))
    assert [stages[name][0] for name in FANS] == expected


# --- thresholds ----------------------------------------------------------------------------------


def thresholds(orders, **options):
    table = rk.Lifecycle(**options).fit(orders).boundaries_
    return table["silent_after_days"].tolist(), table["lost_after_days"].tolist()


def test_thresholds_in_days(orders, parts):
    found = thresholds(orders, silent_after=40, lost_after=200, **parts)
    assert found == ([40] * 5, [200] * 5)


def test_thresholds_in_cycles(orders, curve):
    cycle = rk.PurchaseCycle("mean").fit(orders)
    silent, lost = thresholds(
        orders,
        silent_after=rk.PurchaseCycles(1.5),
        lost_after=rk.PurchaseCycles(4),
        cycle=cycle,
        churn=curve,
    )
    assert silent == [round(1.5 * cycle.cycle_days_)] * 5
    assert lost == [round(4 * cycle.cycle_days_)] * 5


def test_the_default_cycle_is_that_of_the_log(orders, parts):
    others = {"churn": parts["churn"], "scorer": parts["scorer"]}
    default, _ = thresholds(orders, silent_after=rk.PurchaseCycles(2), **others)
    assert default == [round(2 * parts["cycle"].cycle_days_)] * 5


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_thresholds_by_quantile_of_those_who_return(orders, sample, curve, share):
    silent, _ = thresholds(
        orders, silent_after=rk.SilenceQuantile(share), lost_after=9999, churn=curve
    )
    gaps = rk.purchase_gaps(orders)
    for limit, stratum in zip(silent, curve.strata_.itertuples(), strict=True):
        last = stratum.last_order_number if pd.notna(stratum.last_order_number) else np.inf
        inside = gaps[gaps["order_number"].between(stratum.first_order_number, last)]
        with np.errstate():
            fit = KaplanMeierFitter().fit(
                inside["gap_days"], inside["returned"], weights=inside["gaps"]
            )
        assert limit - 1 <= stratum.last_return_days
        returned = 1 - fit.survival_function_at_times([limit - 2, limit - 1]).to_numpy()
        returned /= 1 - stratum.never_share
        assert returned[0] < share <= returned[1] + 1e-9


def test_thresholds_by_probability_of_churn(orders, curve):
    silent, lost = thresholds(
        orders,
        silent_after=rk.ChurnProbability(0.5),
        lost_after=rk.ChurnProbability(0.9),
        churn=curve,
    )
    assert silent == curve.days_until(0.5)["days"].tolist()
    assert lost == curve.days_until(0.9)["days"].tolist()
    assert silent < lost


def test_where_a_probability_is_never_reached_nobody_is_lost(orders, customers):
    curve = rk.ChurnCurve(60, anchor="snapshot").fit(orders)
    never = curve.days_until(0.9999)["days"].isna()
    assert curve.strata_.loc[never, "stratum"].tolist() == ["3-4"]
    lifecycle = rk.Lifecycle(silent_after=1, lost_after=rk.ChurnProbability(0.9999), churn=curve)
    stages = lifecycle.fit(orders).transform(customers)
    assert "lost" not in set(stages.loc[stages["purchases"].between(3, 4), "phase"])


THRESHOLDS = [
    1, 50, 400, rk.PurchaseCycles(0.1), rk.PurchaseCycles(9), rk.SilenceQuantile(0.1),
    rk.SilenceQuantile(0.99), rk.ChurnProbability(0.1), rk.ChurnProbability(0.99),
]  # fmt: skip


def test_nobody_is_lost_before_they_are_silent(orders, parts):
    for silent, lost in itertools.product(THRESHOLDS, THRESHOLDS):
        found = thresholds(orders, silent_after=silent, lost_after=lost, **parts)
        assert all(one <= other for one, other in zip(*found, strict=True))


def test_where_both_thresholds_are_one_nobody_is_silent(orders, parts):
    stages = rk.Lifecycle(silent_after=100, lost_after=50, **parts).fit_transform(orders)
    assert set(stages["phase"]) == {"active", "lost"}
    assert (stages["phase"] == "lost").tolist() == (stages["recency_days"] >= 100).tolist()


@pytest.mark.parametrize("limit", [np.int64(200), np.int32(200)])
def test_a_number_of_days_may_be_numpys(orders, parts, limit):
    found = thresholds(orders, silent_after=10, lost_after=limit, **parts)
    assert found == ([10] * 5, [200] * 5)


@pytest.mark.parametrize(
    "limit",
    [0, -3, 2.5, "30", True, None, rk.PurchaseCycles(0), rk.SilenceQuantile(0),
     rk.SilenceQuantile(1), rk.ChurnProbability(0), rk.ChurnProbability(1.2)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["silent_after", "lost_after"])
def test_a_threshold_that_is_none_is_named(orders, parts, name, limit):
    lifecycle = rk.Lifecycle(**parts, **{name: limit})
    with pytest.raises(
        RfmkitError, match=r"^A threshold must be a whole number of days.*\nFound: .*\nHint: "
    ):
        lifecycle.fit(orders)


def test_boundaries_are_kept_for_later_customers(orders):
    lifecycle = rk.Lifecycle().fit(orders.until("2024-03-31"))
    before = lifecycle.boundaries_.copy()
    later = lifecycle.transform(orders)
    pd.testing.assert_frame_equal(lifecycle.boundaries_, before)
    place = np.searchsorted(before["first_order_number"], later["purchases"], side="right") - 1
    active = later["recency_days"] < before["silent_after_days"].to_numpy()[place]
    assert (later["phase"] == "active").tolist() == active.tolist()


# --- what a lifecycle is fitted on ---------------------------------------------------------------


def test_customers_alone_suffice_where_the_curve_is_given(orders, customers, curve):
    lifecycle = rk.Lifecycle(churn=curve).fit(customers)
    expected = rk.Lifecycle(churn=curve).fit(orders)
    pd.testing.assert_frame_equal(lifecycle.boundaries_, expected.boundaries_)
    pd.testing.assert_frame_equal(lifecycle.transform(customers), expected.transform(orders))


@pytest.mark.parametrize(
    ("options", "need"), [({}, "churn"), ({"silent_after": rk.PurchaseCycles(2)}, "cycle")]
)
def test_customers_alone_hold_no_gaps(orders, customers, curve, options, need):
    given_options = {**options, **({"churn": curve} if need == "cycle" else {})}
    lifecycle = rk.Lifecycle(**given_options)
    with pytest.raises(
        RfmkitError, match=rf"must be learned from a log.*\nFound: .*\nHint: .*{need}="
    ):
        lifecycle.fit(customers)


def test_before_fit_there_are_no_thresholds(customers):
    with pytest.raises(
        NotFittedError,
        match=r"Lifecycle must be fitted before it is used\.\nFound: .*\nHint: call \.fit",
    ):
        rk.Lifecycle().transform(customers)


def test_another_language_is_not_there(orders):
    lifecycle = rk.Lifecycle(lang="fr")
    with pytest.raises(RfmkitError, match=r"lang must be one of 'en', 'zh'\.\nFound: lang='fr'"):
        lifecycle.fit(orders)


def test_the_customers_given_are_left_alone(orders, customers, parts):
    before = customers.copy()
    people = pd.DataFrame({"customer_id": ["C000001"]})
    rk.Lifecycle(**parts).fit(orders).transform(customers, engagement=people)
    pd.testing.assert_frame_equal(customers, before)
    assert people.equals(pd.DataFrame({"customer_id": ["C000001"]}))


def test_where_all_are_equal_nobody_is_on_top():
    log = log_of({f"c{place}": [place + 60, place + 30, place] for place in range(30)})
    found = rk.Lifecycle(silent_after=90).fit_transform(rk.read_orders(log))
    assert set(found["segment"]) == {"repeat"}
