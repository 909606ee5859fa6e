"""Arguments: what is wrong is named with what it must be, wherever it is passed."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit import _checks as checks
from rfmkit.exceptions import NotFittedError, RfmkitError
from sample_segments import segments_of

NO_NUMBER = ["1", None, [1], True, float("nan")]


@pytest.mark.parametrize("value", [1, 7, np.int32(7), np.int64(1)])
def test_whole_numbers_are_pythons_or_numpys(value):
    assert checks.whole("n", value) == value
    assert type(checks.whole("n", value)) is int


@pytest.mark.parametrize("value", [*NO_NUMBER, 0, -1, 1.5, 1.0])
def test_what_is_not_whole_is_named(value):
    with pytest.raises(RfmkitError, match=r"^n must be a whole number of at least 1\.\nFound: n="):
        checks.whole("n", value)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.01)])
def test_numbers_lie_within_limits(value):
    assert checks.number("x", value, above=0, below=1) == value


@pytest.mark.parametrize("value", [*NO_NUMBER, 0, 1, -0.1, float("inf")])
def test_what_is_on_a_limit_or_beyond_is_named(value):
    with pytest.raises(RfmkitError, match=r"^x must be a number between 0 and 1\.\nFound: x="):
        checks.number("x", value, above=0, below=1)


def test_limits_may_be_part_of_the_range():
    assert checks.number("x", 0, least=0, most=1) == 0
    assert checks.number("x", 1, least=0, most=1) == 1


def test_a_hint_says_what_to_do():
    with pytest.raises(RfmkitError, match=r"Hint: leave it out\.$"):
        checks.whole("n", 0, hint="leave it out.")


@pytest.mark.parametrize("value", ["c", None, ["a"], {}])
def test_a_choice_is_one_of_those_offered(value):
    with pytest.raises(RfmkitError, match=r"^word must be one of 'a', 'b'\.\nFound: word="):
        checks.choice("word", value, ("a", "b"))


def test_a_choice_that_was_mistyped_is_suggested():
    with pytest.raises(RfmkitError, match=r"Hint: did you mean refunds='net'\?$"):
        checks.choice("refunds", "nett", ("drop_full", "net"))
    with pytest.raises(RfmkitError, match=r"Hint: for example refunds='drop_full'\.$"):
        checks.choice("refunds", 3, ("drop_full", "net"))


@pytest.mark.parametrize(
    ("value", "near"),
    [
        ("horizon_day", "horizon_days"), ("horizon_days", "horizon_days"), ("as_off", "as_of"),
        ("zzz", None), ("", None), (3, None), (None, None),
    ],
)  # fmt: skip
def test_the_nearest_name_is_the_one_that_was_meant(value, near):
    assert checks.nearest(value, ["as_of", 7, None, "horizon_days"]) == near


def test_among_no_names_none_is_near():
    assert checks.nearest("as_of", []) is None


@pytest.mark.parametrize(
    ("value", "hint"),
    [(3, "put it in quotes: customer='3'."), (["a"], "pass a str, or leave it out.")],
)
def test_what_is_no_text_is_named(value, hint):
    with pytest.raises(RfmkitError, match=r"^customer must be text\.\nFound: customer=") as error:
        checks.text("customer", value)
    assert error.value.hint == hint


def test_nothing_may_stand_for_text_and_for_a_fit():
    checks.text("column", None)
    checks.fitted("churn", None, rk.ChurnCurve, "curve_")


@pytest.mark.parametrize("value", [0.8, "curve", rk.ChurnCurve, pd.DataFrame()])
def test_another_thing_is_no_fitted_object(value):
    with pytest.raises(
        RfmkitError, match=r"^churn must be a fitted ChurnCurve\.\nFound: .*\nHint: "
    ):
        checks.fitted("churn", value, rk.ChurnCurve, "curve_")


def test_an_object_that_was_not_fitted_is_named():
    with pytest.raises(
        NotFittedError, match=r"Found: a ChurnCurve that has not been fitted\nHint: churn=rk"
    ):
        checks.fitted("churn", rk.ChurnCurve(), rk.ChurnCurve, "curve_")
    with pytest.raises(NotFittedError, match=r"Found: an RFMScorer that has not been fitted\n"):
        checks.fitted("scorer", rk.RFMScorer(), rk.RFMScorer, "edges_")


# --- everywhere ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def segments(orders):
    return segments_of(orders)


READING = [
    {"customer": ["customer_id"]}, {"customer": 3}, {"time": 1}, {"amount": [1]}, {"amount": True},
    {"amount": float("nan")}, {"amount": 1e30}, {"statuses": "paid"}, {"statuses": ["paid"]},
    {"statuses": {1: 2}}, {"dates_between": ("2020-01-01",)}, {"dates_between": None}, {"tz": 3},
    {"as_of": 3}, {"as_of": pd.NaT}, {"dayfirst": "yes"}, {"memory_limit": 3}, {"threads": "2"},
    {"threads": True}, {"format": ["auto"]}, {"refunds": None}, {"names": 3}, {"names": "abc"},
    {"output": ["pandas"]},
]  # fmt: skip


@pytest.mark.parametrize("options", READING, ids=repr)
def test_a_wrong_argument_of_read_orders_is_named(sample, options):
    with pytest.raises(RfmkitError, match=next(iter(options))):
        rk.read_orders(sample, **options)


@pytest.mark.parametrize("options", [{"encoding": 3}, {"delimiter": 3}, {"delimiter": ";;"}])
def test_a_wrong_argument_for_a_text_file_is_named(options):
    from rfmkit.datasets import sample_path

    with pytest.raises(RfmkitError, match=next(iter(options))):
        rk.read_orders(sample_path("orders.csv"), **options)


WRONG = {
    "cycles": lambda log, _: rk.Lifecycle(silent_after=rk.PurchaseCycles("2")).fit(log),
    "quantile": lambda log, _: rk.Lifecycle(silent_after=rk.SilenceQuantile("2")).fit(log),
    "probability": lambda log, _: rk.Lifecycle(lost_after=rk.ChurnProbability("2")).fit(log),
    "endless": lambda log, _: rk.Lifecycle(lost_after=rk.PurchaseCycles(float("inf"))).fit(log),
    "fan": lambda log, _: rk.Lifecycle(fan_purchases="3").fit(log),
    "nobody a fan": lambda log, _: rk.Lifecycle(fan_purchases=0).fit(log),
    "language": lambda log, _: rk.Lifecycle(lang=["en"]).fit(log),
    "its churn": lambda log, _: rk.Lifecycle(churn=0.8).fit(log),
    "its cycle": lambda log, _: rk.Lifecycle(cycle=30, silent_after=rk.PurchaseCycles(2)).fit(log),
    "its scorer": lambda log, _: rk.Lifecycle(scorer="quantile").fit(log),
    "unfitted": lambda log, _: rk.Lifecycle(churn=rk.ChurnCurve()).fit(log),
    "a class": lambda log, _: rk.segment(log, lifecycle=rk.Lifecycle),
    "churn": lambda log, _: rk.segment(log, churn=rk.ChurnCurve),
    "cycle": lambda log, _: rk.segment(log, cycle=30),
    "scorer": lambda log, _: rk.segment(log, scorer=rk.PurchaseCycle().fit(log)),
    "roster": lambda log, _: rk.segment(log, prospects=["a"]),
    "engagement": lambda log, _: rk.segment(log, engagement="reviews.csv"),
    "log": lambda _, table: rk.segment(table),
    "grid": lambda log, table: rk.lifecycle_grid(table, cycle_days=rk.PurchaseCycle().fit(log)),
    "grid of nothing": lambda _, table: rk.lifecycle_grid(table, cycle_days=float("nan")),
    "bands": lambda _, table: rk.lifecycle_grid(table, cycle_days=38, purchases=3),
    "loyal": lambda _, table: rk.lifecycle_matrix(table, loyal_purchases="3"),
    "matrix": lambda log, _: rk.lifecycle_matrix(log),
    "playbook": lambda _, table: rk.playbook(table.drop(columns="phase")),
    "actions": lambda _, table: rk.playbook(table, actions="x"),
    "words": lambda _, table: rk.playbook(table, lang="fr"),
    "days": lambda log, _: rk.ChurnCurve().fit(log).days_until("0.8"),
    "horizon": lambda log, _: rk.ChurnCurve("365").fit(log),
    "strata": lambda log, _: rk.ChurnCurve(order_numbers=1).fit(log),
    "gaps": lambda log, _: rk.ChurnCurve(min_gaps="many").fit(log),
    "share": lambda log, _: rk.PurchaseCycle("quantile", q="a").fit(log),
    "method": lambda log, _: rk.PurchaseCycle(["mean"]).fit(log),
    "rate": lambda log, _: rk.churn_rate(log, horizon_days=3.5),
    "origins": lambda log, _: rk.snapshots(log, origins=None, horizon_days=30),
    "an origin": lambda log, _: rk.snapshots(log, origins="2024-01-01", horizon_days=30),
    "sampling": lambda log, _: rk.snapshots(
        log, origins=["2024-01-01"], horizon_days=30, sample="a"
    ),
    "bins": lambda log, _: rk.RFMScorer("5").fit(log),
    "no bins": lambda log, _: rk.RFMScorer(None).fit(log),
    "monetary": lambda log, _: rk.RFMScorer(monetary="profit").fit(log),
    "edges": lambda log, _: rk.RFMScorer(method="bands", bands="x").fit(log),
    "scores of text": lambda _, table: rk.RFMScorer().fit(table[["customer_id", "segment"]]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_no_wrong_argument_ends_in_a_bare_traceback(orders, segments, wrong):
    with pytest.raises(RfmkitError, match=r"\nFound: "):
        WRONG[wrong](orders, segments)


def test_a_horizon_is_whole_days_up_to_a_hundred_years():
    found = checks.horizon(np.int64(90))
    assert found == 90
    assert type(found) is int
    assert checks.horizon(36_525) == 36_525
    with pytest.raises(RfmkitError, match="horizon_days must be at most 36,525, a hundred years"):
        checks.horizon(36_526)
    with pytest.raises(RfmkitError, match="horizon_days must be a whole number of at least 1"):
        checks.horizon(90.0)
