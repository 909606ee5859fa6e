"""The churn curve: S(H) / S(r) by hand and against the truth, in every kind of frame."""

import re

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rfmkit as rk
from conftest import plain
from gaps import by_hand, kaplan_meier, log_of, raw_gaps_of
from rfmkit.churn.curve import strata_of
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError, RfmkitWarning

pytestmark = pytest.mark.xdist_group("churn curve")  # one worker reads the large shops
COLUMNS = ["customer_id", "churn_probability", "churn_lower", "churn_upper"]


@pytest.fixture(scope="module")
def curve(orders):
    return rk.ChurnCurve(horizon_days=180).fit(orders)


@pytest.fixture(scope="module")
def raw_gaps(sample):
    return raw_gaps_of(sample)


# --- the numbers ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hundred():
    """Of 100 first gaps 40 end on day 10, 20 on day 20, and 40 stay open until day 50."""
    gaps = [10] * 40 + [20] * 20 + [None] * 40
    rows = [(f"c{place}", day) for place, gap in enumerate(gaps) for day in {0, gap or 0}]
    return rk.read_orders(log_of([*rows, ("last", 50)]))


def test_from_the_last_order_it_is_what_outlasts_the_horizon_by_hand(hundred):
    curve = rk.ChurnCurve(20, order_numbers=(1, 2), min_gaps=10).fit(hundred)
    assert curve.strata_["stratum"].tolist() == ["1", "2+"]
    found = curve.predict_churn(by_hand([(1, day) for day in (0, 9, 10, 19, 20, 21, 400)]))
    # One more customer, "last", was there on day 0 of the silence alone.
    expected = [0.4, 0.4, 40 / 60, 40 / 60, 1, 1, 1]
    assert found["churn_probability"].tolist() == pytest.approx(expected, rel=1e-12)


def test_from_the_snapshot_it_is_what_outlasts_the_next_days_by_hand(hundred):
    curve = rk.ChurnCurve(10, anchor="snapshot", order_numbers=(1, 2), min_gaps=10).fit(hundred)
    found = curve.predict_churn(by_hand([(1, 0), (1, 5), (1, 9), (1, 10)]))
    expected = [60 / 100, 60 / 100, 60 / 100, 40 / 60]
    assert found["churn_probability"].tolist() == pytest.approx(expected, rel=1e-12)


SLOW_PLACES = [pytest.param(place, marks=pytest.mark.slow) for place in (1, 2)]


@pytest.fixture(scope="module")
def anchored(orders):
    """A curve of 120 days from each anchor."""
    return {a: rk.ChurnCurve(120, anchor=a).fit(orders) for a in ("last_order", "snapshot")}


@pytest.mark.parametrize("anchor", ["last_order", "snapshot"])
@pytest.mark.parametrize("place", [0, *SLOW_PLACES, 3])
def test_every_stratum_is_kaplan_meier_of_its_gaps(anchored, raw_gaps, anchor, place):
    first, last = [(1, 1), (2, 2), (3, 4), (5, 8)][place]
    curve = anchored[anchor]
    fit = kaplan_meier(raw_gaps[raw_gaps["order_number"].between(first, last)])
    silent = np.array([0, 5, 30, 60, 119])
    until = silent + 120 if anchor == "snapshot" else np.full(5, 120)
    assert until.max() <= curve.strata_["last_return_days"].iloc[place]
    survival = fit.survival_function_at_times
    expected = survival(until).to_numpy() / survival(silent).to_numpy()
    found = curve.predict_churn(by_hand([(last, day) for day in silent]))
    np.testing.assert_allclose(found["churn_probability"], expected, rtol=0, atol=1e-12)
    # The interval is lifelines' of the gaps longer than the silence.
    stratum = raw_gaps[raw_gaps["order_number"].between(first, last)]
    for row, day, end in zip(found.itertuples(), silent, until, strict=True):
        bounds = kaplan_meier(stratum[stratum["gap_days"] > day]).confidence_interval_
        bounds = bounds.iloc[bounds.index.searchsorted(end, side="right") - 1]
        assert [row.churn_lower, row.churn_upper] == pytest.approx(bounds.tolist(), abs=1e-12)


def test_after_the_horizon_churn_is_certain(curve):
    found = curve.predict_churn(by_hand([(1, 180), (1, 5000), (30, 181)]))
    assert found[COLUMNS[1:]].to_numpy().tolist() == [[1.0] * 3] * 3


def test_the_more_purchases_the_surer_the_return(curve):
    found = curve.predict_churn(by_hand([(1, 0), (2, 0), (3, 0), (5, 0), (9, 0)]))
    assert found["churn_probability"].is_monotonic_decreasing
    same = curve.predict_churn(by_hand([(3, 7), (4, 7), (9, 7), (10, 7), (900, 7)]))
    assert same["churn_probability"].iloc[0] == same["churn_probability"].iloc[1]
    assert same["churn_probability"].iloc[2:].nunique() == 1


def test_who_never_bought_has_no_probability(curve):
    people = by_hand([(0, None), (1, 10)]).astype({"recency_days": "Int64"})
    found = curve.predict_churn(people)
    assert found["churn_probability"].isna().tolist() == [True, False]


def test_another_horizon_needs_no_other_fit(orders, curve, customers):
    refitted = rk.ChurnCurve(horizon_days=60).fit(orders).predict_churn(customers)
    pd.testing.assert_frame_equal(curve.predict_churn(customers, 60), refitted)
    pd.testing.assert_frame_equal(curve.predict_churn(customers, horizon_days=60), refitted)
    assert curve.horizon_days == 180


def test_a_wider_interval_is_surer(orders, customers):
    narrow, wide = (
        rk.ChurnCurve(180, confidence=level).fit(orders).predict_churn(customers)
        for level in (0.8, 0.99)
    )
    unsure = narrow["churn_lower"] < narrow["churn_upper"]
    assert unsure.any()
    assert (wide["churn_lower"] < narrow["churn_lower"])[unsure].all()
    assert (wide["churn_upper"] > narrow["churn_upper"])[unsure].all()
    assert (wide["churn_probability"] == narrow["churn_probability"]).all()


# --- against the truth ----------------------------------------------------------------------------


REGULAR = pytest.param(2, marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[1, REGULAR], ids=["random", "regular"])
def shop(request):
    sim = rk.simulate_orders(20_000, seed=21, regularity=request.param, days=1461)
    return sim, rk.read_orders(sim.orders, as_of=sim.last_day)


def against_truth(shop, curve, *, until):
    """Set the curve beside the gaps of the same strata, each followed to its end."""
    sim, orders = shop
    curve = curve.fit(orders)
    gaps = sim.gaps.assign(gap=sim.gaps["gap_days"].fillna(np.inf))
    rows = []
    for stratum in curve.strata_.itertuples():
        last = stratum.last_order_number if pd.notna(stratum.last_order_number) else np.inf
        gap = gaps.loc[gaps["order_number"].between(stratum.first_order_number, last), "gap"]
        for silent in (0, 30, 90, 180):
            if until(silent) > silent:
                true = (gap > until(silent)).sum() / (gap > silent).sum()
                rows.append((stratum.first_order_number, silent, true))
    table = pd.DataFrame(rows, columns=["purchases", "recency_days", "true"])
    found = curve.predict_churn(table.assign(customer_id=table.index))
    inside = (found["churn_lower"] <= table["true"]) & (table["true"] <= found["churn_upper"])
    return table.assign(found=found["churn_probability"], inside=inside)


def test_nine_in_ten_intervals_hold_the_truth(shop):
    table = against_truth(shop, rk.ChurnCurve(180), until=lambda _: 180)
    assert len(table) == 15  # five strata, and silences of 0, 30 and 90 days
    assert table["inside"].mean() >= 0.9


def test_nine_in_ten_intervals_of_the_next_days_hold_the_truth(shop):
    curve = rk.ChurnCurve(90, anchor="snapshot")
    table = against_truth(shop, curve, until=lambda silent: silent + 90)
    assert len(table) == 20
    assert table["inside"].mean() >= 0.9


def test_over_a_year_the_first_purchases_are_held_and_no_point_is_far_off(shop):
    # Later gaps of slow customers are cut off more often than those of quick ones, which
    # Kaplan-Meier does not know: over a long horizon churn after many purchases comes out high.
    table = against_truth(shop, rk.ChurnCurve(365), until=lambda _: 365)
    assert len(table) == 20
    assert table.loc[table["purchases"] <= 2, "inside"].all()
    assert (table["found"] - table["true"]).abs().max() < 0.06


# --- what it says of itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("anchor", "estimand"),
    [
        ("last_order", "P(no purchase within 90 days of the last one | silent so far)"),
        ("snapshot", "P(no purchase in the next 90 days | silent so far)"),
    ],
)
def test_the_estimand_is_named(orders, raw_gaps, anchor, estimand):
    curve = rk.ChurnCurve(90, anchor=anchor)
    assert curve.estimand == estimand
    assert repr(curve) == f"<ChurnCurve: {estimand}; not fitted, next: .fit(orders)>"
    curve.fit(orders)
    ended = int(raw_gaps["returned"].sum())
    assert repr(curve) == (
        f"<ChurnCurve: {estimand}; {len(raw_gaps):,} gaps ({ended:,} ended) in 5 strata; "
        "next: .predict_churn(orders)>"
    )


# --- frames of any kind ---------------------------------------------------------------------------


def test_pandas_rows_and_index_come_back(curve, customers):
    mixed = customers.sample(frac=1, random_state=3)
    found = curve.predict_churn(mixed)
    assert found.columns.tolist() == COLUMNS
    assert found.index.equals(mixed.index)
    assert found["customer_id"].tolist() == mixed["customer_id"].tolist()
    straight = curve.predict_churn(customers).set_index("customer_id")["churn_probability"]
    assert found["churn_probability"].tolist() == straight[mixed["customer_id"]].tolist()


SLOW_KINDS = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("polars", "ibis")]


@pytest.mark.parametrize("kind", ["polars_lazy", "pyarrow", "duckdb", *SLOW_KINDS])
def test_any_kind_of_customers_gives_the_same_in_its_own_kind(curve, customers, kind):
    mixed = customers.sample(frac=1, random_state=3)
    arrow = pa.Table.from_pandas(mixed, preserve_index=False)
    connection = duckdb.connect()
    source = {
        "polars": lambda: pl.from_arrow(arrow),
        "polars_lazy": lambda: pl.from_arrow(arrow).lazy(),
        "pyarrow": lambda: arrow,
        "duckdb": lambda: connection.from_arrow(arrow),
        "ibis": lambda: ibis.memtable(arrow),
    }[kind]()
    found = curve.predict_churn(source)
    assert type(found) is type(source)
    if kind in ("polars", "pyarrow"):
        assert list(found["customer_id"].to_numpy()) == mixed["customer_id"].tolist()
    expected = plain(curve.predict_churn(mixed))
    pd.testing.assert_frame_equal(plain(found), expected, check_exact=True)


def test_a_log_is_predicted_as_its_customers(curve, orders, customers):
    expected = curve.predict_churn(customers)
    pd.testing.assert_frame_equal(curve.predict_churn(orders), expected)


def test_customers_that_were_predicted_before_are_predicted_again(curve, customers):
    expected = curve.predict_churn(customers)
    before = dict.fromkeys(COLUMNS[1:], 0.5)
    pd.testing.assert_frame_equal(curve.predict_churn(customers.assign(**before)), expected)


@pytest.mark.slow
def test_customers_of_segments_are_predicted_again(curve, orders, customers):
    # `segment` gives a churn probability of its own, over a year.
    table = rk.segment(orders)
    found = curve.predict_churn(table)
    buyers = found[(table["segment"] != "prospect").to_numpy()].reset_index(drop=True)
    pd.testing.assert_frame_equal(buyers, curve.predict_churn(customers))


def test_integer_ids_stay_integers(curve):
    people = by_hand([(1, 3), (2, 4)]).assign(customer_id=[20, 10])
    assert curve.predict_churn(people)["customer_id"].tolist() == [20, 10]


# --- errors ---------------------------------------------------------------------------------------

RISING = r"order_numbers must rise from 1.*\nFound: order_numbers="


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"anchor": "today"},
            r"anchor must be one of 'last_order', 'snapshot'\.\nFound: anchor='today'",
        ),
        (
            {"horizon_days": 0},
            r"horizon_days must be a whole number of at least 1\.\nFound: horizon_days=0",
        ),
        (
            {"confidence": 95},
            r"confidence must be a number between 0 and 1\.\nFound: .*confidence=95",
        ),
        *(
            ({"order_numbers": numbers}, rf"{RISING}{re.escape(str(numbers))}")
            for numbers in [(), (2, 3), (1, 3, 2)]
        ),
    ],
)
def test_a_wrong_option_is_named(orders, options, message):
    curve = rk.ChurnCurve(**options)
    with pytest.raises(RfmkitError, match=message):
        curve.fit(orders)


@pytest.mark.parametrize("horizon", [0, -5])
def test_another_horizon_is_checked_as_the_first(curve, customers, horizon):
    with pytest.raises(RfmkitError, match=r"horizon_days must be a whole number of at least 1"):
        curve.predict_churn(customers, horizon_days=horizon)


@pytest.mark.parametrize("probability", [-0.1, 1.1, 80])
def test_a_probability_is_one(curve, probability):
    with pytest.raises(RfmkitError, match=rf"between 0 and 1\.\nFound: probability={probability}"):
        curve.days_until(probability)


def test_without_a_purchase_there_is_no_curve(orders):
    before = orders.until("2022-12-31")
    with pytest.raises(
        NotEnoughHistoryError, match=r"needs at least one purchase\.\nFound: no purchase as of 2022"
    ):
        rk.ChurnCurve().fit(before)


@pytest.mark.parametrize(
    "use",
    [
        lambda curve, customers: curve.predict_churn(customers),
        lambda curve, _: curve.days_until(0.5),
        lambda curve, _: curve.plot(),
    ],
    ids=["predict_churn", "days_until", "plot"],
)
def test_before_fit_there_is_nothing_to_ask(customers, use):
    curve = rk.ChurnCurve()
    with pytest.raises(
        NotFittedError,
        match=r"A ChurnCurve must be fitted before use\.\nFound: .*\nHint: call \.fit\(orders\)",
    ):
        use(curve, customers)


# --- what the log cannot show ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def short_log():
    """Forty customers who come back after one to twenty days, seen for sixty days."""
    first = pd.Timestamp("2024-01-01")
    rows = [
        (f"c{place}", first + pd.Timedelta(days=back))
        for place in range(40)
        for back in (0, 1 + place % 20)
    ]
    log = pd.DataFrame(rows, columns=["customer", "date"])
    return rk.read_orders(log, amount=1, as_of=first + pd.Timedelta(days=60))


def test_a_horizon_beyond_the_log_is_warned_of(short_log):
    curve = rk.ChurnCurve(horizon_days=90)
    with pytest.warns(RfmkitWarning, match=r"^Churn within 90 days .* for 100% .*\nHint: ") as seen:
        curve.fit(short_log)
    ours = [warning for warning in seen if warning.category is RfmkitWarning]
    assert [warning.filename for warning in ours] == [__file__]
    longest = max(fit.seen_days for _, _, fit in strata_of(curve))
    assert str(longest) in str(ours[0].message)


def test_segment_warns_too_and_at_the_line_that_called_it(short_log):
    with pytest.warns(RfmkitWarning, match="Churn within 365 days") as seen:
        rk.segment(short_log)
    assert {w.filename for w in seen if w.category is RfmkitWarning} == {__file__}


def test_a_horizon_within_the_log_is_not_warned_of(short_log, recwarn):
    rk.ChurnCurve(horizon_days=30).fit(short_log)
    assert [warning for warning in recwarn if warning.category is RfmkitWarning] == []


def test_where_nobody_ever_returned_there_is_no_probability():
    log = pd.DataFrame({"customer": [f"c{place}" for place in range(50)], "date": "2024-01-01"})
    orders = rk.read_orders(log, amount=1, as_of="2024-12-31")
    churn = rk.ChurnCurve(horizon_days=90).fit(orders).predict_churn(orders)
    assert len(churn) == 50
    assert churn[["churn_probability", "churn_lower", "churn_upper"]].isna().all(axis=None)
    segments = rk.segment(orders)
    assert segments["churn_probability"].isna().all()
    assert segments["segment"].isin(["new", "dormant"]).all()


def test_every_public_value_is_described(curve):
    documented = re.findall(r"\w+", rk.ChurnCurve.__doc__)
    assert {name for name in vars(curve) if not name.startswith("_")} - {*documented} == set()
