"""Lifecycle and `segment`: everybody once, each stage by its definition."""

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

import rfmkit as rk
from rfmkit.columns import SEGMENTS
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, NotFittedError, RfmkitError

AS_OF = dt.date(2024, 12, 31)
SCORES = ["recency_score", "frequency_score", "monetary_score"]
CHINESE = {
    "prospect": "潜客", "new": "新客", "repeat": "老客", "dormant": "休眠", "fan": "粉丝",
    "active": "活跃", "silent": "沉默", "lost": "流失",
}  # fmt: skip
FAN_BANDS = {"recency_days": [30], "purchases": [3], "spend": [300]}


def log_of(silences_by_customer, *, spend=100.0):
    """Make a log from the days before `AS_OF` on which each customer bought."""
    rows = [
        (customer, AS_OF - dt.timedelta(days=silence), spend)
        for customer, silences in silences_by_customer.items()
        for silence in silences
    ]
    log = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return log.assign(status="paid")


def stages_of(table):
    return {
        row.customer_id: (row.segment, row.phase if pd.notna(row.phase) else None)
        for row in table.itertuples()
    }


@pytest.fixture(scope="module")
def table(orders):
    return rk.segment(orders)


@pytest.fixture(scope="module")
def curve(orders):
    return rk.ChurnCurve().fit(orders)


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
    assert stages_of(by_days(orders).transform(orders)) == EXPECTED
    assert stages_of(rk.segment(orders, lifecycle=by_days(orders))) == EXPECTED


@pytest.mark.parametrize(
    ("silences", "spend", "fan_purchases", "segment"),
    [
        ([60, 40, 20], 100, 3, "fan"),
        ([60, 40, 20], 99.99, 3, "repeat"),  # the money is a cent short, thrice
        ([60, 40, 20], 100, 4, "repeat"),
        ([60, 20], 500, 3, "repeat"),
        ([60, 20], 500, 2, "repeat"),  # two purchases are not in the top class of frequency
        ([60, 40, 30], 500, 3, "dormant"),
    ],
)
def test_a_fan_is_active_and_on_top_by_frequency_and_money(
    by_days, silences, spend, fan_purchases, segment
):
    log = pd.concat([log_of({"x": silences}, spend=spend), log_of({"y": [400, 0]})])
    orders = rk.read_orders(log)
    lifecycle = by_days(orders, fan_purchases=fan_purchases)
    assert stages_of(lifecycle.transform(orders))["x"][0] == segment


def test_prospects_are_those_without_a_valid_purchase():
    buyer = log_of({"buyer": [9], "unpaid once": [5]})
    others = pd.DataFrame(
        {
            "customer_id": ["unpaid", "unpaid", "closed", "cancelled", "refunded", "zero", "void",
                            "test", "deleted", "unpaid once", "later"],
            "ordered_at": [AS_OF] * 10 + [AS_OF + dt.timedelta(days=1)],
            "amount": [10, 10, 10, 10, 10, 0, 10, 10, 10, 10, 10],
            "status": ["unpaid", "unpaid", "closed_unpaid", "cancelled", "refunded", "paid",
                       "void", "test", "deleted", "unpaid", "unpaid"],
        }
    )  # fmt: skip
    orders = rk.read_orders(pd.concat([buyer, others]), as_of=AS_OF)
    lifecycle = rk.Lifecycle(silent_after=30, lost_after=90)
    found = rk.segment(orders, lifecycle=lifecycle).set_index("customer_id")
    prospects = found[found["segment"] == "prospect"]
    assert set(prospects.index) == {"unpaid", "closed", "cancelled", "refunded", "zero", "void"}
    assert set(prospects.index[prospects["ordered_unpaid"]]) == {"unpaid", "closed"}
    assert prospects.loc["unpaid", "unpaid_orders"] == 2
    assert found.loc["unpaid once", ["segment", "ordered_unpaid"]].tolist() == ["new", True]
    assert found.loc["buyer", ["segment", "ordered_unpaid"]].tolist() == ["new", False]


def test_a_prospect_has_zeros_and_nulls(table):
    prospects = table[table["segment"] == "prospect"]
    assert len(prospects) == 60
    zeros = ["orders", "purchases", "spend", "refund_amount"]
    assert (prospects[zeros] == 0).all(axis=None)
    unknown = [
        "phase", "first_purchase", "last_purchase", "recency_days", "tenure_days", "active_days",
        "mean_purchase_value", "mean_gap_days", "last_gap_days", *SCORES, "cycle_days",
        "expected_next_purchase", "overdue_ratio", "churn_probability", "churn_lower",
        "churn_upper",
    ]  # fmt: skip
    assert prospects[unknown].isna().all(axis=None)
    assert prospects["ordered_unpaid"].all()


# --- everybody, once -----------------------------------------------------------------------------


def test_the_sample_adds_up(sample, table, customers):
    assert table["customer_id"].is_monotonic_increasing
    assert table["customer_id"].is_unique
    assert set(table["customer_id"]) == set(sample["customer_id"])
    assert set(table["segment"]) == set(SEGMENTS)
    buyers = table[table["segment"] != "prospect"]
    assert buyers["customer_id"].tolist() == customers["customer_id"].tolist()
    shared = [*customers.columns]
    pd.testing.assert_frame_equal(
        buyers[shared].reset_index(drop=True), customers, check_dtype=False
    )


def test_the_segments_of_the_sample_follow_from_their_numbers(orders, table):
    limits = rk.Lifecycle().fit(orders).boundaries_
    place = np.searchsorted(limits["first_order_number"], table["purchases"], side="right") - 1
    silent = limits["silent_after_days"].to_numpy()[place]
    lost = limits["lost_after_days"].to_numpy()[place]
    recency = table["recency_days"].astype("float64").to_numpy()
    phase = np.select([recency < silent, recency < lost], ["active", "silent"], "lost")
    top = (table["frequency_score"] == 5) & (table["monetary_score"] == 5)
    fan = top & (table["purchases"] >= 3)
    expected = np.select(
        [table["purchases"] == 0, phase != "active", fan, table["purchases"] > 1],
        ["prospect", "dormant", "fan", "repeat"],
        "new",
    )
    assert table["segment"].tolist() == expected.tolist()
    buyers = table["purchases"] > 0
    assert table.loc[buyers, "phase"].tolist() == phase[buyers].tolist()


def test_segment_is_its_steps_put_together(orders, table, customers, curve):
    cycle, scorer = rk.PurchaseCycle().fit(orders), rk.RFMScorer().fit(orders)
    steps = scorer.transform(cycle.transform(customers))
    steps = steps.merge(curve.predict_churn(customers), on="customer_id")
    stages = rk.Lifecycle(churn=curve, cycle=cycle, scorer=scorer).fit(orders).transform(customers)
    steps = steps.merge(stages[["customer_id", "segment", "phase"]], on="customer_id")
    buyers = table[table["segment"] != "prospect"].reset_index(drop=True)
    columns = [name for name in buyers.columns if name != "ordered_unpaid"]
    assert set(columns) == set(steps.columns)
    pd.testing.assert_frame_equal(buyers[columns], steps[columns], check_dtype=False)


STATUSES = ("paid", "paid", "paid", "unpaid", "closed_unpaid", "cancelled", "refunded", "test")


# Without shrinking: an example asks an engine.
@settings(deadline=None, max_examples=6, phases=[Phase.explicit, Phase.generate])
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.integers(0, 500),
            st.sampled_from([-10, 0, 10, 20]),
            st.sampled_from(STATUSES),
        ),
        min_size=1,
        max_size=25,
    ),
    st.sets(st.sampled_from("abcdefgh")),
)
def test_any_log_gives_everybody_one_segment(rows, roster):
    log = pd.DataFrame(rows, columns=["customer_id", "day", "amount", "status"])
    log["ordered_at"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(log["day"], unit="D")
    orders = rk.read_orders(log.drop(columns="day"))
    buyers = set(rk.summarize(orders)["customer_id"])
    known = set(log.loc[log["status"] != "test", "customer_id"]) | roster
    if not known:
        return
    found = rk.segment(orders, prospects=pd.DataFrame({"customer_id": sorted(roster)}, dtype=str))
    assert found["customer_id"].tolist() == sorted(known)
    assert set(found.loc[found["segment"] == "prospect", "customer_id"]) == known - buyers
    assert found.loc[found["segment"] != "prospect", "phase"].notna().all()


# --- limits --------------------------------------------------------------------------------------


def limits(orders, **options):
    table = rk.Lifecycle(**options).fit(orders).boundaries_
    return table["silent_after_days"].tolist(), table["lost_after_days"].tolist()


def test_limits_in_days(orders):
    assert limits(orders, silent_after=40, lost_after=200) == ([40] * 5, [200] * 5)


def test_limits_in_cycles(orders):
    cycle = rk.PurchaseCycle("mean").fit(orders)
    silent, lost = limits(orders, silent_after=rk.Cycles(1.5), lost_after=rk.Cycles(4), cycle=cycle)
    assert silent == [round(1.5 * cycle.cycle_days_)] * 5
    assert lost == [round(4 * cycle.cycle_days_)] * 5
    default, _ = limits(orders, silent_after=rk.Cycles(2))
    assert default == [round(2 * rk.PurchaseCycle().fit(orders).cycle_days_)] * 5


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_limits_by_quantile_of_those_who_return(orders, sample, curve, share):
    silent, _ = limits(orders, silent_after=rk.Quantile(share), lost_after=9999)
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


def test_limits_by_probability_of_churn(orders, curve):
    silent, lost = limits(
        orders, silent_after=rk.Probability(0.5), lost_after=rk.Probability(0.9), churn=curve
    )
    assert silent == curve.days_until(0.5)["days"].tolist()
    assert lost == curve.days_until(0.9)["days"].tolist()
    assert silent < lost


def test_where_a_probability_is_never_reached_nobody_is_lost(orders, customers):
    curve = rk.ChurnCurve(60, anchor="snapshot").fit(orders)
    never = curve.days_until(0.9999)["days"].isna()
    assert curve.strata_.loc[never, "stratum"].tolist() == ["3-4"]
    lifecycle = rk.Lifecycle(silent_after=1, lost_after=rk.Probability(0.9999), churn=curve)
    stages = lifecycle.fit(orders).transform(customers)
    assert "lost" not in set(stages.loc[stages["purchases"].between(3, 4), "phase"])


LIMITS = [1, 50, 400, rk.Cycles(0.1), rk.Cycles(9), rk.Quantile(0.1), rk.Quantile(0.99),
          rk.Probability(0.1), rk.Probability(0.99)]  # fmt: skip


def test_nobody_is_lost_before_they_are_silent(orders, customers, curve, cycle):
    scorer = rk.RFMScorer().fit(customers)
    given_objects = {"churn": curve, "cycle": cycle, "scorer": scorer}
    for silent, lost in itertools.product(LIMITS, LIMITS):
        found = limits(orders, silent_after=silent, lost_after=lost, **given_objects)
        assert all(one <= other for one, other in zip(*found, strict=True))


@pytest.fixture(scope="module")
def cycle(orders):
    return rk.PurchaseCycle().fit(orders)


def test_where_both_limits_are_one_nobody_is_silent(orders):
    stages = rk.Lifecycle(silent_after=100, lost_after=50).fit_transform(orders)
    assert set(stages["phase"]) == {"active", "lost"}
    assert (stages["phase"] == "lost").tolist() == (stages["recency_days"] >= 100).tolist()


@pytest.mark.parametrize("limit", [np.int64(200), np.int32(200)])
def test_a_number_of_days_may_be_numpys(orders, limit):
    assert limits(orders, silent_after=10, lost_after=limit) == ([10] * 5, [200] * 5)


@pytest.mark.parametrize(
    "limit",
    [0, -3, 2.5, "30", True, None, rk.Cycles(0), rk.Quantile(0), rk.Quantile(1),
     rk.Probability(0), rk.Probability(1.2)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["silent_after", "lost_after"])
def test_a_limit_that_is_none_is_named(orders, curve, name, limit):
    lifecycle = rk.Lifecycle(churn=curve, **{name: limit})
    with pytest.raises(RfmkitError, match=r"A limit is a number of days.*\nFound: "):
        lifecycle.fit(orders)


def test_boundaries_are_kept_for_later_customers(orders):
    lifecycle = rk.Lifecycle().fit(orders.until("2024-03-31"))
    before = lifecycle.boundaries_.copy()
    later = lifecycle.transform(orders)
    pd.testing.assert_frame_equal(lifecycle.boundaries_, before)
    place = np.searchsorted(before["first_order_number"], later["purchases"], side="right") - 1
    active = later["recency_days"] < before["silent_after_days"].to_numpy()[place]
    assert (later["phase"] == "active").tolist() == active.tolist()


# --- people from elsewhere -----------------------------------------------------------------------


def test_a_roster_adds_prospects_and_leaves_customers_as_they_are(orders, table):
    buyer, unpaid = table.query("segment == 'fan'")["customer_id"].iloc[0], "C-unpaid"
    prospect = table.query("segment == 'prospect'")["customer_id"].iloc[0]
    roster = pd.DataFrame(
        {"User ID": [buyer, prospect, unpaid, f"  {buyer} ", "new\t", "new", None]}
    )
    found = rk.segment(orders, prospects=roster)
    added = found[~found["customer_id"].isin(table["customer_id"])]
    assert added["customer_id"].tolist() == [unpaid, "new"]
    assert set(added["segment"]) == {"prospect"}
    assert not added["ordered_unpaid"].any()
    known = found[found["customer_id"].isin(table["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(known, table)


@pytest.mark.parametrize(
    ("log_ids", "ids"),
    [
        (int, ["9000001", " 9000002 "]),
        (int, [9_000_001.0, 9_000_002.0]),
        (str, [9_000_001, 9_000_002]),
        (str, [9_000_001.0, 9_000_002.0]),
    ],
)
def test_a_roster_may_write_its_ids_otherwise(sample, log_ids, ids):
    log = sample.assign(customer_id=sample["customer_id"].str[1:].astype(int).astype(log_ids))
    orders = rk.read_orders(log)
    known = log["customer_id"].iloc[0]
    roster = pd.DataFrame({"customer_id": [*ids, type(ids[0])(known)]})
    found = rk.segment(orders, prospects=roster)["customer_id"]
    added = sorted(set(found) - set(log["customer_id"]))
    assert added == [log_ids(9_000_001), log_ids(9_000_002)]


def test_blank_names_of_a_roster_are_nobody(orders, table):
    roster = pd.DataFrame({"customer_id": ["", "  ", None, "nan", "somebody"]})
    found = rk.segment(orders, prospects=roster)["customer_id"]
    assert set(found) - set(table["customer_id"]) == {"somebody"}


def test_a_roster_may_be_of_another_kind(orders):
    expected = rk.segment(orders, prospects=pd.DataFrame({"customer_id": ["x"]}))
    found = rk.segment(orders, prospects=pl.DataFrame({"customer_id": ["x"]}))
    pd.testing.assert_frame_equal(found, expected)


def test_the_engaged_are_fans_while_active(orders, table):
    def first(query):
        return table.query(query)["customer_id"].iloc[0]

    new, repeat = first("segment == 'new'"), first("segment == 'repeat'")
    dormant, prospect = first("segment == 'dormant'"), first("segment == 'prospect'")
    engagement = pd.DataFrame({"customer_id": [new, repeat, dormant, prospect, "stranger"]})
    found = rk.segment(orders, engagement=engagement)
    changed = found["segment"] != table["segment"]
    assert found.loc[changed, "customer_id"].tolist() == sorted([new, repeat])
    assert set(found.loc[changed, "segment"]) == {"fan"}
    staged = rk.Lifecycle().fit(orders).transform(orders, engagement=engagement)
    buyers = found[found["segment"] != "prospect"]
    assert staged["segment"].tolist() == buyers["segment"].tolist()


@pytest.mark.parametrize("write", ["{}", " {}\n"])
def test_the_engaged_are_found_as_a_roster_is(orders, table, write):
    new = table.query("segment == 'new'")["customer_id"].iloc[0]
    engagement = pd.DataFrame({"customer_id": [write.format(new)]})
    found = rk.segment(orders, engagement=engagement).set_index("customer_id")
    assert found.loc[new, "segment"] == "fan"


@pytest.mark.parametrize(("log_ids", "given_ids"), [(int, str), (str, int), (str, float)])
def test_the_engaged_may_have_their_ids_written_otherwise(sample, log_ids, given_ids):
    numbers = sample["customer_id"].str[1:].astype(int)
    orders = rk.read_orders(sample.assign(customer_id=numbers.astype(log_ids)))
    new = rk.segment(orders).query("segment == 'new'")["customer_id"].iloc[0]
    engagement = pd.DataFrame({"customer_id": [given_ids(new)]})
    found = rk.segment(orders, engagement=engagement).set_index("customer_id")
    assert found.loc[new, "segment"] == "fan"


@pytest.mark.parametrize("name", ["prospects", "engagement"])
def test_a_list_of_people_has_their_ids(orders, name):
    people = pd.DataFrame({"mail": ["a@b.c"]})
    with pytest.raises(ColumnsError, match=r"a column for the customer_id\.\nFound: .*'mail'"):
        rk.segment(orders, **{name: people})


# --- the objects given are the ones used ---------------------------------------------------------


def test_the_curve_given_is_used(orders):
    curve = rk.ChurnCurve(90, anchor="snapshot", order_numbers=(1, 3)).fit(orders)
    found = rk.segment(orders, churn=curve)
    buyers = found[found["segment"] != "prospect"].reset_index(drop=True)
    pd.testing.assert_frame_equal(buyers[curve.predict_churn(orders).columns],
                                  curve.predict_churn(orders))  # fmt: skip
    assert rk.Lifecycle(churn=curve).fit(orders).boundaries_["stratum"].tolist() == ["1-2", "3+"]


def test_the_cycle_given_is_used(orders):
    cycle = rk.PurchaseCycle("mean").fit(orders)
    found = rk.segment(orders, cycle=cycle)
    once = found["purchases"] == 1
    assert set(found.loc[once, "cycle_days"]) == {cycle.cycle_days_}


def test_the_scorer_given_is_used(orders, table):
    scorer = rk.RFMScorer(3).fit(orders)
    found = rk.segment(orders, scorer=scorer)
    assert set(found["monetary_score"].dropna()) == {1, 2, 3}
    fans = (found["segment"] == "fan").sum()
    active = found["phase"] == "active"
    top = (found[SCORES[1:]] == 3).all(axis=1) & (found["purchases"] >= 3)
    assert fans == (active & top).sum() > (table["segment"] == "fan").sum()


def test_the_lifecycle_given_is_used(orders):
    early = rk.Lifecycle(silent_after=20, lost_after=60).fit(orders.until("2024-06-30"))
    found = rk.segment(orders, lifecycle=early)
    assert set(found.query("phase == 'active'")["recency_days"]) == set(range(20))
    assert found.query("phase == 'lost'")["recency_days"].min() == 60
    unfitted = rk.segment(orders, lifecycle=rk.Lifecycle(silent_after=20, lost_after=60))
    assert found["phase"].equals(unfitted["phase"])


def test_a_fitted_lifecycle_segments_as_it_transforms(orders, customers):
    # Its scores belong to it: refitted ones would move the fence of the fans.
    early = rk.Lifecycle().fit(orders.until("2023-12-31"))
    staged = early.transform(customers).set_index("customer_id")
    found = rk.segment(orders, lifecycle=early).set_index("customer_id").loc[staged.index]
    assert found["segment"].tolist() == staged["segment"].tolist()
    assert found[SCORES].astype("int64").to_numpy().tolist() == staged[SCORES].to_numpy().tolist()


def test_customers_alone_suffice_where_the_curve_is_given(orders, customers, curve):
    lifecycle = rk.Lifecycle(churn=curve).fit(customers)
    expected = rk.Lifecycle(churn=curve).fit(orders)
    pd.testing.assert_frame_equal(lifecycle.boundaries_, expected.boundaries_)
    pd.testing.assert_frame_equal(lifecycle.transform(customers), expected.transform(orders))


@pytest.mark.parametrize(
    ("options", "need"), [({}, "churn"), ({"silent_after": rk.Cycles(2)}, "cycle")]
)
def test_customers_alone_hold_no_gaps(orders, customers, curve, options, need):
    given_options = {**options, **({"churn": curve} if need == "cycle" else {})}
    lifecycle = rk.Lifecycle(**given_options)
    with pytest.raises(RfmkitError, match=rf"learned from a log.*\nFound: .*\nHint: .*{need}="):
        lifecycle.fit(customers)


@pytest.mark.parametrize(
    "options",
    [
        {"cycle": rk.PurchaseCycle()},
        {"churn": rk.ChurnCurve()},
        {"scorer": rk.RFMScorer()},
        {"lifecycle": rk.Lifecycle(silent_after=rk.Cycles(2), cycle=rk.PurchaseCycle())},
    ],
    ids=lambda options: next(iter(options)),
)
def test_an_object_given_unfitted_is_told(orders, options):
    with pytest.raises(ValueError, match=r"fit"):
        rk.segment(orders, **options)


def test_before_fit_there_are_no_limits(customers):
    with pytest.raises(NotFittedError, match=r"A Lifecycle is fitted before use\.\nHint: \.fit"):
        rk.Lifecycle().transform(customers)


# --- language ------------------------------------------------------------------------------------


def test_the_labels_come_in_chinese(orders, table):
    found = rk.segment(orders, lifecycle=rk.Lifecycle(lang="zh"))
    assert found["segment"].tolist() == table["segment"].map(CHINESE).tolist()
    phases = table["phase"].dropna()
    assert found["phase"].dropna().tolist() == phases.map(CHINESE).tolist()
    rest = [name for name in table.columns if name not in ("segment", "phase")]
    pd.testing.assert_frame_equal(found[rest], table[rest])


def test_another_language_is_not_there(orders):
    lifecycle = rk.Lifecycle(lang="fr")
    with pytest.raises(RfmkitError, match=r"lang is one of 'en', 'zh'\.\nFound: lang='fr'"):
        lifecycle.fit(orders)


# --- small logs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_log_that_nobody_paid_has_only_prospects(lang):
    log = log_of({"a": [9, 5], "b": [0]}).assign(status=["unpaid", "closed_unpaid", "cancelled"])
    orders = rk.read_orders(log)
    roster = pd.DataFrame({"customer_id": ["c", "a"]})
    found = rk.segment(orders, lifecycle=rk.Lifecycle(lang=lang), prospects=roster)
    assert found["customer_id"].tolist() == ["a", "b", "c"]
    assert set(found["segment"]) == {"prospect" if lang == "en" else "潜客"}
    assert found["unpaid_orders"].tolist() == [2, 0, 0]
    assert found["ordered_unpaid"].tolist() == [True, False, False]
    assert found["phase"].isna().all()


def test_the_columns_do_not_depend_on_who_is_there(table):
    nobody_paid = rk.segment(rk.read_orders(log_of({"a": [5]}).assign(status="unpaid")))
    all_paid = rk.segment(rk.read_orders(log_of({"a": [5, 3], "b": [9, 0]})))
    for other in (nobody_paid, all_paid):
        assert other.columns.tolist() == table.columns.tolist()


@pytest.mark.parametrize(
    ("silences", "segment"),
    [([0], "new"), ([400, 0], "repeat"), ([3, 2, 1, 0], "repeat")],  # alone, nobody is on top
)
def test_one_customer_is_segmented(silences, segment):
    found = rk.segment(rk.read_orders(log_of({"only": silences})))
    assert stages_of(found) == {"only": (segment, "active")}


def test_one_day_makes_everybody_new():
    orders = rk.read_orders(log_of({"a": [0], "b": [0, 0], "c": [0]}))
    found = rk.segment(orders)
    assert found["segment"].tolist() == ["new"] * 3
    assert found["purchases"].tolist() == [1, 1, 1]
    assert found["cycle_days"].isna().all()  # nobody bought twice: there is no cycle


def test_a_log_without_anybody_is_told():
    log = pd.DataFrame(
        {"customer_id": [None, None], "ordered_at": "2024-01-01", "amount": 1, "status": "paid"}
    ).astype({"customer_id": "string"})
    orders = rk.read_orders(log)
    with pytest.raises(NotEnoughHistoryError, match=r"at least one customer\.\nFound: .*\nHint"):
        rk.segment(orders)


@pytest.mark.parametrize("aside", [0, 1])
def test_before_the_first_order_there_is_nobody_to_segment(aside):
    log = pd.concat([log_of({"a": [9]}), log_of({"b": [5]}).assign(status="unpaid").head(aside)])
    before = rk.read_orders(log).until("2022-12-31")
    with pytest.raises(NotEnoughHistoryError, match=r"at least one customer\.\nFound: .*\nHint"):
        rk.segment(before)


def test_the_customers_given_are_left_alone(orders, customers):
    before = customers.copy()
    people = pd.DataFrame({"customer_id": ["C000001"]})
    rk.Lifecycle().fit(orders).transform(customers, engagement=people)
    pd.testing.assert_frame_equal(customers, before)
    assert people.equals(pd.DataFrame({"customer_id": ["C000001"]}))


def test_where_all_are_equal_nobody_is_on_top():
    log = log_of({f"c{place}": [place + 60, place + 30, place] for place in range(30)})
    found = rk.segment(rk.read_orders(log), lifecycle=rk.Lifecycle(silent_after=90))
    assert set(found["segment"]) == {"repeat"}


def test_a_fitted_lifecycle_brings_its_own_scorer(orders):
    fitted = rk.Lifecycle().fit(orders)
    with pytest.raises(RfmkitError, match=r"A fitted lifecycle brings its own scorer\.\nFound: "):
        rk.segment(orders, scorer=rk.RFMScorer(n_bins=3).fit(orders), lifecycle=fitted)
    same = rk.segment(orders, scorer=fitted.scorer_, lifecycle=fitted)
    pd.testing.assert_frame_equal(same, rk.segment(orders, lifecycle=fitted))


def test_a_name_of_the_roster_that_the_log_cannot_hold_is_an_error():
    log = pd.DataFrame({"customer_id": [1, 2], "date": "2024-01-01", "amount": [1, 2]})
    roster = pd.DataFrame({"customer_id": ["x9", "3", None]})
    with pytest.raises(RfmkitError, match=r"Found: 1 such as 'x9', where the log has int64\nHint"):
        rk.segment(rk.read_orders(log), prospects=roster)
