"""Customers, gaps and snapshots are what plain pandas makes of the same rows."""

import datetime as dt
import itertools
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError

PAID = ("paid", "shipped", "completed", "partially_refunded")
NEVER_PAID = ("unpaid", "closed_unpaid")
REFUNDED = ("refunded", "closed_refunded")
START = pd.Timestamp("2024-01-01")

# Without shrinking: an example asks an engine, and failing ones are short enough to read.
quick = settings(deadline=None, max_examples=10, phases=[Phase.explicit, Phase.generate])

small_logs = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.integers(0, 30),
        st.sampled_from([-2000, -1000, 0, 1000, 1000, 1999, 2000]),
        st.sampled_from([0, 0, 0, 500, 1000]),
        st.sampled_from(["paid", "paid", "completed", *NEVER_PAID, *REFUNDED, "cancelled"]),
    ),
    min_size=1,
    max_size=25,
)


def frame_of(rows):
    """Give the rows as a log in euros; every row is an order of its own."""
    log = pd.DataFrame(rows, columns=["customer_id", "day", "cents", "back", "status"])
    return pd.DataFrame(
        {
            "customer_id": log["customer_id"],
            "ordered_at": START + pd.to_timedelta(log["day"] * 24 + log.index % 24, unit="h"),
            "amount": log["cents"] / 100,
            "refund_amount": log["back"] / 100,
            "status": log["status"],
        }
    )


def valid_orders(log):
    """Flag each row by the definitions: valid, refund (netted), or neither; money in cents."""
    log = log.assign(
        day=log["ordered_at"].dt.normalize(),
        cents=(log["amount"] * 100).round().astype("int64"),
        back=(log["refund_amount"] * 100).round().astype("int64"),
    )
    paid = log["status"].isin(PAID)
    log["valid"] = paid & (log["cents"] > 0) & (log["back"] < log["cents"])
    # A negative amount is the refund itself, whatever it says of its order.
    log["refund"] = (paid | log["status"].isin(REFUNDED)) & (log["cents"] < 0)
    log["net"] = np.where(log["valid"], log["cents"] - log["back"], log["cents"])
    log["given_back"] = np.select(
        [log["valid"], log["refund"], refunded(log)],
        [
            log["back"],
            np.maximum(log["back"], -log["cents"]),
            log["back"].where(log["back"] > 0, log["cents"]),
        ],
        0,
    )
    counts = log[log["valid"] | log["refund"]]
    for key in set(counts.loc[log["refund"], ["customer_id", "day"]].apply(tuple, axis=1)):
        rows = counts[counts[["customer_id", "day"]].apply(tuple, axis=1) == key]
        if rows["net"].sum() == 0:
            log.loc[rows.index, ["valid", "refund"]] = False
    bought = log.loc[log["valid"], "customer_id"].unique()
    log["refund"] &= log["customer_id"].isin(bought)
    return log


def customers_by_hand(log, as_of, *, same_day="merge"):
    """Summarize one customer after the other, in plain Python."""
    log = valid_orders(log[log["ordered_at"].dt.date <= as_of])
    rows = []
    for customer, theirs in log.groupby("customer_id"):
        valid = theirs[theirs["valid"]]
        if valid.empty:
            continue
        days = sorted(valid["day"].dt.date)
        if same_day == "merge":
            days = sorted(set(days))
        gaps = [(later - day).days for day, later in itertools.pairwise(days)]
        netted = -theirs.loc[theirs["refund"], "cents"].sum()
        cents = valid["net"].sum() - netted
        rows.append(
            {
                "customer_id": customer,
                "orders": len(valid),
                "purchases": len(days),
                "first_purchase": pd.Timestamp(days[0]),
                "last_purchase": pd.Timestamp(days[-1]),
                "recency_days": (as_of - days[-1]).days,
                "tenure_days": (as_of - days[0]).days,
                "active_days": (days[-1] - days[0]).days,
                "repeat_purchases": len(days) - 1,
                "spend": cents / 100,
                "mean_purchase_value": cents / 100 / len(days),
                "mean_gap_days": sum(gaps) / len(gaps) if gaps else np.nan,
                "last_gap_days": gaps[-1] if gaps else np.nan,
                "unpaid_orders": int(theirs["status"].isin(NEVER_PAID).sum()),
                "refunded_orders": int(((theirs["given_back"] > 0) | refunded(theirs)).sum()),
                "refund_amount": theirs["given_back"].sum() / 100,
            }
        )
    return pd.DataFrame(rows)


def refunded(log):
    """Tell the orders that were given back in full, by their status or by their refund."""
    in_full = log["status"].isin(PAID) & (log["cents"] > 0) & (log["back"] >= log["cents"])
    return in_full | (log["status"].isin(REFUNDED) & (log["cents"] >= 0))


def assert_same(found, expected):
    """Compare cell by cell; only the width of numbers may differ."""
    assert list(found.columns) == list(expected.columns)
    for name in expected:
        want, got = expected[name], found[name]
        if pd.api.types.is_numeric_dtype(want):
            want, got = want.astype("float64"), got.astype("float64")
        elif pd.api.types.is_datetime64_any_dtype(want):
            want, got = want.astype("datetime64[us]"), got.astype("datetime64[us]")
        else:
            want, got = want.astype(object), got.astype(object)
        pd.testing.assert_series_equal(got, want, check_exact=True, obj=name)


# --- summarize -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "same_day"), [(dt.date(2024, 12, 31), "keep"), (dt.date(2024, 6, 30), "merge")]
)
def test_the_customers_of_the_sample_are_those_counted_by_hand(sample, as_of, same_day):
    log = rk.read_orders(sample, as_of=as_of, same_day=same_day)
    assert_same(rk.summarize(log), customers_by_hand(sample, as_of, same_day=same_day))


@quick
@given(small_logs, st.sampled_from(["merge", "keep"]), st.integers(0, 40))
def test_any_small_log_is_summarized_as_by_hand(rows, same_day, day):
    log = frame_of(rows)
    as_of = (START + pd.Timedelta(days=day)).date()
    found = rk.summarize(rk.read_orders(log, as_of=as_of, same_day=same_day))
    expected = customers_by_hand(log, as_of, same_day=same_day)
    if expected.empty:
        assert found.empty
    else:
        assert_same(found, expected)


def test_refund_amount_is_all_the_money_given_back():
    # The order of 2 January was paid and given back in full, by its status or by its refund.
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b"],
            "ordered_at": ["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-02"],
            "amount": [50.0, 100.0, 50.0, 100.0],
            "refund_amount": [10.0, 100.0, 10.0, 100.0],
            "status": ["partially_refunded", "refunded", "paid", "paid"],
        }
    )
    customers = rk.summarize(rk.read_orders(log))
    assert customers["spend"].tolist() == [40.0, 40.0]
    assert customers["refunded_orders"].tolist() == [2, 2]
    assert customers["refund_amount"].tolist() == [110.0, 110.0]


def test_one_purchase_has_no_gap(sample, customers):
    once = customers[customers["purchases"] == 1]
    assert len(once) > 100
    assert once[["mean_gap_days", "last_gap_days"]].isna().all(axis=None)
    assert (once["repeat_purchases"] == 0).all()
    more = customers[customers["purchases"] > 1]
    assert more[["mean_gap_days", "last_gap_days"]].notna().all(axis=None)


def test_categories_are_counted_on_request(sample, orders, customers):
    found = rk.summarize(orders, categories=True)
    assert list(found.columns) == [*customers.columns, "categories"]
    paid = sample[sample["status"].isin(PAID)]
    expected = paid.groupby("customer_id")["category"].nunique()
    assert found.set_index("customer_id")["categories"].equals(expected[found["customer_id"]])


def test_categories_are_not_there_where_the_log_has_none():
    log = pd.DataFrame({"customer_id": ["a"], "date": ["2024-01-01"], "amount": [1]})
    assert "categories" not in rk.summarize(rk.read_orders(log), categories=True)


def test_money_is_summed_exactly():
    # Three doubles of 0.1 make 0.30000000000000004; a hundred million and cents lose the cents.
    log = pd.DataFrame(
        {
            "customer_id": ["a"] * 3 + ["b"] * 2,
            "date": "2024-01-01",
            "amount": ["0.10", "0.10", "0.10", "99999999999.99", "0.01"],
        }
    )
    assert rk.summarize(rk.read_orders(log))["spend"].tolist() == [0.3, 1e11]


def test_before_the_first_order_nobody_is_there(orders):
    before = orders.until("2022-12-31")
    assert rk.summarize(before).empty
    assert rk.purchase_gaps(before).empty


# --- gaps ----------------------------------------------------------------------------------------


def raw_gaps(log, as_of, *, same_day="merge"):
    """Give every single gap, from the rows."""
    log = valid_orders(log[log["ordered_at"].dt.date <= as_of])
    log = log[log["valid"]].sort_values(["customer_id", "day"])
    if same_day == "merge":
        log = log.drop_duplicates(["customer_id", "day"])
    following = log.groupby("customer_id")["day"].shift(-1)
    return pd.DataFrame(
        {
            "order_number": log.groupby("customer_id").cumcount() + 1,
            "gap_days": (following.fillna(pd.Timestamp(as_of)) - log["day"]).dt.days,
            "returned": following.notna(),
        }
    )


def counted(raw):
    names = ["order_number", "gap_days", "returned"]
    return raw.groupby(names).size().rename("gaps").reset_index()


@pytest.mark.parametrize(
    ("as_of", "same_day"), [(dt.date(2024, 12, 31), "merge"), (dt.date(2024, 3, 31), "keep")]
)
def test_the_gaps_of_the_sample_are_counted(sample, as_of, same_day):
    log = rk.read_orders(sample, as_of=as_of, same_day=same_day)
    assert_same(rk.purchase_gaps(log), counted(raw_gaps(sample, as_of, same_day=same_day)))


@quick
@given(small_logs, st.sampled_from(["merge", "keep"]))
def test_the_gaps_of_any_small_log_are_counted(rows, same_day):
    log = frame_of(rows)
    as_of = (START + pd.Timedelta(days=33)).date()
    expected = counted(raw_gaps(log, as_of, same_day=same_day))
    found = rk.purchase_gaps(rk.read_orders(log, as_of=as_of, same_day=same_day))
    if expected.empty:
        assert found.empty
    else:
        assert_same(found, expected)


def test_orders_of_one_day_are_one_purchase_unless_kept():
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a"],
            "ordered_at": ["2024-01-01 09:00", "2024-01-01 17:00", "2024-01-05 12:00"],
            "amount": [1, 2, 3],
        }
    )
    gaps = rk.purchase_gaps(rk.read_orders(log))
    assert gaps.to_numpy().tolist() == [[1, 4, True, 1], [2, 0, False, 1]]
    kept = rk.purchase_gaps(rk.read_orders(log, same_day="keep"))
    assert kept.to_numpy().tolist() == [[1, 0, True, 1], [2, 4, True, 1], [3, 0, False, 1]]


# --- snapshots -----------------------------------------------------------------------------------

ORIGINS = [dt.date(2023, 7, 31), dt.date(2024, 3, 31), dt.date(2024, 9, 30)]
SHARED = [
    "customer_id", "orders", "purchases", "first_purchase", "last_purchase", "recency_days",
    "tenure_days", "active_days", "repeat_purchases", "spend", "mean_purchase_value",
    "mean_gap_days", "last_gap_days",
]  # fmt: skip


@pytest.fixture(scope="module")
def past(orders):
    return rk.snapshots(orders, origins=ORIGINS, horizon_days=90)


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_snapshot_knows_what_the_log_knew_then(orders, past, origin):
    seen = past[past["origin"] == pd.Timestamp(origin)]
    then = rk.summarize(orders.until(origin))
    assert_same(seen[SHARED].reset_index(drop=True), then[SHARED])


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_outcome_is_what_came_in_the_horizon(sample, past, origin):
    seen = past[past["origin"] == pd.Timestamp(origin)].set_index("customer_id")
    valid = valid_orders(sample)
    valid = valid[valid["valid"]]
    ahead = (valid["day"] - pd.Timestamp(origin)).dt.days.between(1, 90)
    by_customer = valid[ahead].groupby("customer_id")
    days = by_customer["day"].nunique().reindex(seen.index, fill_value=0)
    cents = by_customer["net"].sum().reindex(seen.index, fill_value=0)
    assert seen["purchases_ahead"].tolist() == days.tolist()
    assert seen["spend_ahead"].tolist() == (cents / 100).tolist()
    assert seen["churned"].tolist() == (days == 0).tolist()
    assert 0 < seen["churned"].mean() < 1


def test_snapshots_come_in_order_and_one_row_a_customer(past):
    assert past[["origin", "customer_id"]].apply(tuple, axis=1).is_monotonic_increasing
    assert not past.duplicated(["origin", "customer_id"]).any()
    assert set(past["origin"]) == {pd.Timestamp(origin) for origin in ORIGINS}


def lines_on_two_days(later_amount):
    """Make an order of two lines, of which the second is written three months later."""
    return pd.DataFrame(
        {
            "order_id": ["1", "2", "2", "3"],
            "customer_id": ["a", "b", "b", "c"],
            "date": ["2024-01-01", "2024-01-10", "2024-04-10", "2024-06-30"],
            "amount": [10, 20, later_amount, 30],
        }
    )


@pytest.mark.parametrize("later_amount", [5, -5, -20])
def test_a_snapshot_does_not_know_lines_of_later_days(later_amount):
    log = rk.read_orders(lines_on_two_days(later_amount))
    seen = rk.snapshots(log, origins=["2024-02-01"], horizon_days=30)
    then = rk.summarize(log.until("2024-02-01"))
    assert_same(seen[SHARED], then[SHARED])


def test_a_snapshot_knows_the_refunds_of_its_day():
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "date": ["2024-01-01", "2024-01-20", "2024-03-01", "2024-06-30"],
            "amount": [100, -30, -40, 10],
        }
    )
    orders = rk.read_orders(log)
    seen = rk.snapshots(orders, origins=["2024-02-01"], horizon_days=30)
    assert rk.summarize(orders.until("2024-02-01"))["spend"].tolist() == [70.0]
    assert seen["spend"].tolist() == [70.0]


def test_smaller_samples_are_nested_and_the_same_at_every_origin(orders, customers):
    def chosen(share):
        table = rk.snapshots(orders, origins=ORIGINS, horizon_days=90, sample=share)
        return {day: set(rows["customer_id"]) for day, rows in table.groupby("origin")}

    everyone, half, tenth = chosen(1.0), chosen(0.5), chosen(0.1)
    members = set.union(*half.values())
    for day, customers_then in everyone.items():
        assert half[day] == customers_then & members
        assert tenth[day] < half[day] < customers_then
    assert len(members) / len(set.union(*everyone.values())) == pytest.approx(0.5, abs=0.05)


def test_repeated_and_unordered_origins_come_once(orders):
    twice = rk.snapshots(orders, origins=["2024-03-31", "2023-07-31", "2024-03-31"], horizon_days=9)
    once = rk.snapshots(orders, origins=["2023-07-31", "2024-03-31"], horizon_days=9)
    pd.testing.assert_frame_equal(twice, once)


def test_the_last_possible_origin_is_a_horizon_before_as_of(orders):
    last = orders.as_of - dt.timedelta(days=90)
    assert len(rk.snapshots(orders, origins=[last], horizon_days=90))
    late = last + dt.timedelta(days=1)
    with pytest.raises(NotEnoughHistoryError, match=rf"90 days before as_of\.\nFound: .*{late}"):
        rk.snapshots(orders, origins=[last, late], horizon_days=90)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"origins": []}, r"origins must be a list of days\.\nFound: origins=\[\]"),
        (
            {"horizon_days": 0},
            r"horizon_days must be a whole number of at least 1.*\nFound: horizon_days=0",
        ),
        ({"sample": 0}, r"sample must be a number between 0 and 1\.\nFound: sample=0"),
        ({"sample": 1.5}, r"sample must be a number between 0 and 1\.\nFound: sample=1\.5"),
        ({"origins": ["soon"]}, r"origins must be a date, .*\nFound: origins='soon'"),
    ],
)
def test_a_wrong_option_is_named(orders, options, message):
    given_options = {"origins": ["2024-03-31"], "horizon_days": 30, **options}
    with pytest.raises(RfmkitError, match=message):
        rk.snapshots(orders, **given_options)


def test_customers_without_a_column_are_an_error_that_names_it(orders, customers):
    curve = rk.ChurnCurve().fit(orders)
    with pytest.raises(RfmkitError, match=r"no 'recency_days' among .*\nHint: .*summarize"):
        curve.predict_churn(customers.drop(columns="recency_days"))


def test_the_money_of_a_summary_adds_up_to_the_audit(orders, customers):
    audit = orders.audit.to_frame().set_index("rule")
    cents = (customers["spend"] * 100).round().astype("int64").sum()
    assert Decimal(int(cents)) / 100 == audit.loc["kept", "amount"]
    assert customers["orders"].sum() == audit.loc["kept", "rows"]


@pytest.mark.parametrize(
    ("status", "counted"), [("pending", "unpaid_orders"), ("refunded", "refunded_orders")]
)
def test_lines_that_were_set_aside_are_counted_by_order(status, counted):
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "a", "b"],
            "order_id": ["1", "1", None, None, "2"],
            "date": "2024-01-01",
            "amount": [100, 30, 4, 4, 5],
            "status": [status] * 4 + ["paid"],
        }
    )
    segments = rk.segment(rk.read_orders(log)).set_index("customer_id")
    assert segments.loc["a", counted] == 3  # one of two lines, and two that name no order
    assert segments.loc["b", counted] == 0


def test_money_ahead_is_net_of_refunds_that_name_no_order():
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "a", "a"],
            "order_id": ["1", "2", "3", "R9", "R10"],
            "date": ["2024-01-01", "2024-02-05", "2024-03-01", "2024-02-10", "2024-02-25"],
            "amount": [100, 50, 10, -30, -1],
        }
    )
    orders = rk.read_orders(log)
    past = rk.snapshots(orders, origins=["2024-01-31"], horizon_days=20)
    assert past[["spend", "purchases_ahead", "spend_ahead"]].to_numpy().tolist() == [[100, 1, 20]]
    later = rk.summarize(orders.until("2024-02-20")).set_index("customer_id")
    assert later.loc["a", "spend"] == 100 + 20
