"""Snapshots: customers on past days, and what they bought in the horizon after."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from histories import START, VARIED, assert_same, frame_of, quick, small_logs, valid_orders
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError

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


def test_a_snapshot_does_not_know_lines_of_later_days():
    # Three orders have a second line, written three months later: more, less, all given back.
    log = rk.read_orders(
        pd.DataFrame(
            {
                "order_id": ["1", "2", "2", "3", "3", "4", "4", "5"],
                "customer_id": ["a", "b", "b", "c", "c", "d", "d", "e"],
                "date": ["2024-01-01", *["2024-01-10", "2024-04-10"] * 3, "2024-06-30"],
                "amount": [10, 20, 5, 20, -5, 20, -20, 30],
            }
        )
    )
    seen = rk.snapshots(log, origins=["2024-02-01"], horizon_days=30)
    then = rk.summarize(log.until("2024-02-01"))
    assert seen["spend"].tolist() == [10, 20, 20, 20]
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


def test_smaller_samples_are_nested_and_the_same_at_every_origin(orders, past, customers):
    def chosen(table):
        return {day: set(rows["customer_id"]) for day, rows in table.groupby("origin")}

    everyone, half, tenth = map(
        chosen,
        [
            past,
            *(
                rk.snapshots(orders, origins=ORIGINS, horizon_days=90, sample=share)
                for share in (0.5, 0.1)
            ),
        ],
    )
    members = set.union(*half.values())
    for day, customers_then in everyone.items():
        assert half[day] == customers_then & members
        assert tenth[day] < half[day] < customers_then
    assert len(members) / len(set.union(*everyone.values())) == pytest.approx(0.5, abs=0.05)


def test_repeated_and_unordered_origins_come_once(orders, past):
    days = ["2024-03-31", "2023-07-31", "2024-03-31"]
    twice = rk.snapshots(orders, origins=days, horizon_days=90)
    once = past[past["origin"].isin(pd.to_datetime(days))].reset_index(drop=True)
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


def came_in_the_horizon(rows, day, horizon):
    """Compare a snapshot with the summaries of its day and of the last day of its horizon."""
    # Refunds of later days may change what a day is worth, so this law is of purchases.
    rows = [(who, at, abs(cents), 0, "paid") for who, at, cents, _, _ in rows]
    origin = (START + pd.Timedelta(days=day)).date()
    later = origin + dt.timedelta(days=horizon)
    orders = rk.read_orders(frame_of(rows), as_of=START + pd.Timedelta(days=40))
    past = rk.snapshots(orders, origins=[origin], horizon_days=horizon)
    then = rk.summarize(orders.until(origin))
    after = rk.summarize(orders.until(later)).set_index("customer_id").loc[then["customer_id"]]
    assert past["customer_id"].tolist() == then["customer_id"].tolist()
    assert (past["purchases"] + past["purchases_ahead"]).tolist() == after["purchases"].tolist()
    cents = (past["spend"] * 100 + past["spend_ahead"] * 100).round()
    assert cents.tolist() == (after["spend"] * 100).round().tolist()
    assert past["churned"].tolist() == (past["purchases_ahead"] == 0).tolist()


def test_what_came_in_a_horizon_of_a_varied_log_is_the_difference_of_two_summaries():
    came_in_the_horizon(VARIED, 9, 16)


@pytest.mark.slow
@quick
@given(small_logs, st.integers(0, 20), st.integers(1, 20))
def test_what_came_in_the_horizon_is_the_difference_of_two_summaries(rows, day, horizon):
    came_in_the_horizon(rows, day, horizon)
