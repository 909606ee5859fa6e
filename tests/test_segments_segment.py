"""`segment`: everybody once, with the measures of the objects that were passed."""

import datetime as dt
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.columns import LABELS, SEGMENTS
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, RfmkitWarning
from rfmkit.segments.rfm import score_columns
from sample_segments import chinese_segments_of, parts_of, segments_of
from silences import AS_OF, SCORES, log_of, stages_of

CHINESE = LABELS["zh"]
NOBODY = "No customer has a valid purchase"


@pytest.fixture(scope="module")
def table(orders):
    return segments_of(orders)


@pytest.fixture(scope="module")
def parts(orders):
    return parts_of(orders)


@pytest.fixture(scope="module")
def fitted(orders, parts):
    """A lifecycle fitted on the sample, with the default parts."""
    return rk.Lifecycle(**parts).fit(orders)


@cache
def alone(*silences):
    """The table of a log whose only customer bought so many days ago."""
    return rk.segment(rk.read_orders(log_of({"only": list(silences)})))


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


def test_the_segments_of_the_sample_follow_from_their_numbers(fitted, table):
    limits = fitted.boundaries_
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


def test_segment_is_its_steps_put_together(table, customers, parts, fitted):
    steps = parts["scorer"].transform(parts["cycle"].transform(customers))
    steps = steps.merge(parts["churn"].predict_churn(customers), on="customer_id")
    stages = fitted.transform(customers)
    steps = steps.merge(stages[["customer_id", "segment", "phase"]], on="customer_id")
    buyers = table[table["segment"] != "prospect"].reset_index(drop=True)
    columns = [name for name in buyers.columns if name != "ordered_unpaid"]
    assert set(columns) == set(steps.columns)
    pd.testing.assert_frame_equal(buyers[columns], steps[columns], check_dtype=False)


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


STATUSES = ("paid", "paid", "paid", "unpaid", "closed_unpaid", "cancelled", "refunded", "test")


# Without shrinking: an example asks an engine.
@pytest.mark.slow
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
    everybody_has_one_segment(rows, roster)


def test_a_log_of_every_status_gives_everybody_one_segment():
    rows = [("abc"[place % 3], 20 * place, 10, status) for place, status in enumerate(STATUSES)]
    rows += [("d", 9, 0, "paid"), ("e", 30, -10, "paid"), ("f", 5, 20, "test")]
    everybody_has_one_segment(rows, {"a", "g"})


def everybody_has_one_segment(rows, roster):
    log = pd.DataFrame(rows, columns=["customer_id", "day", "amount", "status"])
    log["ordered_at"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(log["day"], unit="D")
    orders = rk.read_orders(log.drop(columns="day"))
    buyers = set(rk.summarize(orders)["customer_id"])
    known = set(log.loc[log["status"] != "test", "customer_id"]) | roster
    if not known:
        return
    prospects = pd.DataFrame({"customer_id": sorted(roster)}, dtype=str)
    with warnings.catch_warnings():
        if not buyers:
            warnings.filterwarnings("ignore", NOBODY, RfmkitWarning)
        found = rk.segment(orders, prospects=prospects)
    assert found["customer_id"].tolist() == sorted(known)
    assert set(found.loc[found["segment"] == "prospect", "customer_id"]) == known - buyers
    assert found.loc[found["segment"] != "prospect", "phase"].notna().all()


# --- the objects given are the ones used ---------------------------------------------------------


@pytest.fixture(scope="module", params=["together", pytest.param("alone", marks=pytest.mark.slow)])
def given_parts(request, orders):
    """Objects other than the default ones, and the table of each: passed with the others or not."""
    objects = {
        "churn": rk.ChurnCurve(90, anchor="snapshot", order_numbers=(1, 3)).fit(orders),
        "cycle": rk.PurchaseCycle("mean").fit(orders),
        "scorer": rk.RFMScorer(3).fit(orders),
    }
    if request.param == "alone":
        return objects, lambda name: rk.segment(orders, **{name: objects[name]})
    table = rk.segment(orders, **objects)
    return objects, lambda _: table


def test_the_curve_given_is_used(orders, given_parts):
    objects, table_of = given_parts
    curve, found = objects["churn"], table_of("churn")
    buyers = found[found["segment"] != "prospect"].reset_index(drop=True)
    pd.testing.assert_frame_equal(buyers[curve.predict_churn(orders).columns],
                                  curve.predict_churn(orders))  # fmt: skip
    assert rk.Lifecycle(churn=curve).fit(orders).boundaries_["stratum"].tolist() == ["1-2", "3+"]


def test_the_cycle_given_is_used(given_parts):
    objects, table_of = given_parts
    found = table_of("cycle")
    once = found["purchases"] == 1
    assert set(found.loc[once, "cycle_days"]) == {objects["cycle"].cycle_days_}


def test_the_scorer_given_is_used(given_parts, table):
    _, table_of = given_parts
    found = table_of("scorer")
    assert set(found["monetary_score"].dropna()) == {1, 2, 3}
    fans = (found["segment"] == "fan").sum()
    active = found["phase"] == "active"
    top = (found[SCORES[1:]] == 3).all(axis=1) & (found["purchases"] >= 3)
    assert fans == (active & top).sum() > (table["segment"] == "fan").sum()


def test_the_lifecycle_given_is_used(orders, parts):
    early = rk.Lifecycle(silent_after=20, lost_after=60, cycle=parts["cycle"])
    early = early.fit(orders.until("2024-06-30"))
    found = rk.segment(orders, lifecycle=early)
    assert set(found.query("phase == 'active'")["recency_days"]) == set(range(20))
    assert found.query("phase == 'lost'")["recency_days"].min() == 60
    unfitted = rk.Lifecycle(silent_after=20, lost_after=60)
    unfitted = rk.segment(orders, lifecycle=unfitted, **parts)
    assert found["phase"].equals(unfitted["phase"])


def test_a_fitted_lifecycle_segments_as_it_transforms(orders, customers, parts):
    # Its scores belong to it: refitted ones would move the fence of the fans.
    early = rk.Lifecycle().fit(orders.until("2023-12-31"))
    staged = early.transform(customers).set_index("customer_id")
    found = rk.segment(orders, lifecycle=early, cycle=parts["cycle"])
    found = found.set_index("customer_id").loc[staged.index]
    assert found["segment"].tolist() == staged["segment"].tolist()
    assert found[SCORES].astype("int64").to_numpy().tolist() == staged[SCORES].to_numpy().tolist()


def test_a_fitted_lifecycle_brings_its_own_scorer(orders, table, fitted):
    with pytest.raises(RfmkitError, match=r"must be used with its own scorer\.\nFound: .*\nHint: "):
        rk.segment(orders, scorer=rk.RFMScorer(n_bins=3).fit(orders), lifecycle=fitted)
    same = rk.segment(orders, scorer=fitted.scorer_, lifecycle=fitted)
    pd.testing.assert_frame_equal(same, table)


@pytest.mark.parametrize(
    "options",
    [
        {"cycle": rk.PurchaseCycle()},
        {"churn": rk.ChurnCurve()},
        {"scorer": rk.RFMScorer()},
        {"lifecycle": rk.Lifecycle(silent_after=rk.PurchaseCycles(2), cycle=rk.PurchaseCycle())},
    ],
    ids=lambda options: next(iter(options)),
)
def test_an_object_given_unfitted_is_an_error(orders, options):
    with pytest.raises(ValueError, match=r"must be .*fitted.*\nFound: .*\nHint: "):
        rk.segment(orders, **options)


def test_customers_are_scored_once(orders, parts, monkeypatch):
    scored = []
    monkeypatch.setattr(
        "rfmkit.segments.lifecycle.score_columns",
        lambda scorer, table: scored.append(scorer) or score_columns(scorer, table),
    )
    rk.segment(orders, **parts)
    assert scored == [parts["scorer"]]


@pytest.fixture(scope="module")
def own_parts(orders):
    return {"churn": rk.ChurnCurve(60).fit(orders), "cycle": rk.PurchaseCycle("mean").fit(orders)}


@pytest.mark.parametrize("is_fitted", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_parts_of_a_lifecycle_are_used(orders, own_parts, is_fitted):
    lifecycle = rk.Lifecycle(**own_parts)
    given_lifecycle = rk.Lifecycle(**own_parts).fit(orders) if is_fitted else lifecycle
    found = rk.segment(orders, lifecycle=given_lifecycle).query("segment != 'prospect'")
    expected = own_parts["churn"].predict_churn(orders)["churn_probability"]
    assert found["churn_probability"].tolist() == expected.tolist()
    once = found["purchases"] == 1
    assert set(found.loc[once, "cycle_days"]) == {own_parts["cycle"].cycle_days_}
    assert not hasattr(lifecycle, "boundaries_")


@pytest.mark.parametrize("is_fitted", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_curve_given_comes_before_that_of_the_lifecycle(orders, parts, own_parts, is_fitted):
    lifecycle = rk.Lifecycle(**own_parts)
    given_lifecycle = rk.Lifecycle(**own_parts).fit(orders) if is_fitted else lifecycle
    found = rk.segment(orders, lifecycle=given_lifecycle, churn=parts["churn"])
    expected = parts["churn"].predict_churn(orders)["churn_probability"]
    assert found["churn_probability"].dropna().tolist() == expected.tolist()
    assert not hasattr(lifecycle, "boundaries_")


def test_an_object_of_another_class_is_named(orders):
    with pytest.raises(
        RfmkitError, match=r"must be a Lifecycle\.\nFound: the class Lifecycle\nHint"
    ):
        rk.segment(orders, lifecycle=rk.Lifecycle)


# --- language ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chinese(orders, parts):
    return rk.segment(orders, lifecycle=rk.Lifecycle(lang="zh"), **parts)


def test_the_labels_come_in_chinese(chinese, table):
    found = chinese
    assert found["segment"].tolist() == table["segment"].map(CHINESE).tolist()
    phases = table["phase"].dropna()
    assert found["phase"].dropna().tolist() == phases.map(CHINESE).tolist()
    rest = [name for name in table.columns if name not in ("segment", "phase")]
    pd.testing.assert_frame_equal(found[rest], table[rest])


def test_the_language_is_an_argument_too(orders, parts, chinese):
    fitted = rk.Lifecycle(lang="zh", **parts).fit(orders)
    pd.testing.assert_frame_equal(chinese_segments_of(orders), chinese)
    english = rk.segment(orders, lifecycle=fitted, lang="en")
    assert set(english["segment"]) == set(SEGMENTS)
    assert fitted.lang == "zh"


@pytest.mark.parametrize("status", ["paid", "unpaid"])
def test_another_language_is_an_error(status):
    orders = rk.read_orders(log_of({"a": [5]}).assign(status=status))
    with pytest.raises(RfmkitError, match=r"lang must be one of 'en', 'zh'\.\nFound: lang='fr'"):
        rk.segment(orders, lang="fr")


# --- small logs ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpaid():
    log = log_of({"a": [9, 5], "b": [0]}).assign(status=["unpaid", "closed_unpaid", "cancelled"])
    return rk.read_orders(log)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_log_that_nobody_paid_has_only_prospects(unpaid, lang):
    roster = pd.DataFrame({"customer_id": ["c", "a"]})
    with pytest.warns(RfmkitWarning, match=rf"{NOBODY}: everybody is a prospect"):
        found = rk.segment(unpaid, lifecycle=rk.Lifecycle(lang=lang), prospects=roster)
    assert found["customer_id"].tolist() == ["a", "b", "c"]
    assert set(found["segment"]) == {"prospect" if lang == "en" else "潜客"}
    assert found["unpaid_orders"].tolist() == [2, 0, 0]
    assert found["ordered_unpaid"].tolist() == [True, False, False]
    assert found["phase"].isna().all()


def test_the_columns_do_not_depend_on_who_is_there(table, unpaid):
    with pytest.warns(RfmkitWarning, match=NOBODY):
        nobody_paid = rk.segment(unpaid)
    all_paid = alone(3, 2, 1, 0)
    for other in (nobody_paid, all_paid):
        assert other.columns.tolist() == table.columns.tolist()


@pytest.mark.parametrize(
    ("silences", "segment"),
    [
        pytest.param([0], "new", marks=pytest.mark.slow),
        pytest.param([400, 0], "repeat", marks=pytest.mark.slow),
        ([3, 2, 1, 0], "repeat"),  # alone, nobody is on top
    ],
)
def test_one_customer_is_segmented(silences, segment):
    assert stages_of(alone(*silences)) == {"only": (segment, "active")}


def test_one_day_makes_everybody_new():
    orders = rk.read_orders(log_of({"a": [0], "b": [0, 0], "c": [0]}))
    found = rk.segment(orders)
    assert found["segment"].tolist() == ["new"] * 3
    assert found["purchases"].tolist() == [1, 1, 1]
    assert found["cycle_days"].isna().all()  # nobody bought twice: there is no cycle


def test_a_log_without_anybody_is_an_error():
    log = pd.DataFrame(
        {"customer_id": [None, None], "ordered_at": "2024-01-01", "amount": 1, "status": "paid"}
    ).astype({"customer_id": "string"})
    orders = rk.read_orders(log)
    with pytest.raises(
        NotEnoughHistoryError, match=r"must hold at least one customer\.\nFound: .*\nHint"
    ):
        rk.segment(orders)


@pytest.mark.parametrize("aside", [0, 1])
def test_before_the_first_order_there_is_nobody_to_segment(aside):
    log = pd.concat([log_of({"a": [9]}), log_of({"b": [5]}).assign(status="unpaid").head(aside)])
    before = rk.read_orders(log).until("2022-12-31")
    with pytest.raises(
        NotEnoughHistoryError, match=r"must hold at least one customer\.\nFound: .*\nHint"
    ):
        rk.segment(before)
