"""The churn rate is what counting customer by customer gives on each day."""

import datetime as dt
import itertools

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.exceptions import RfmkitError

DAY = dt.timedelta(days=1)
START = dt.date(2024, 1, 1)

# Without shrinking: an example asks an engine, and failing ones are short enough to read.
quick = settings(deadline=None, max_examples=12, phases=[Phase.explicit, Phase.generate])

small_logs = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 40)), min_size=1, max_size=25
)


def counted_by_hand(days_of, as_of, horizon_days):
    """Count on every day, from the first purchase on, who had bought and who stayed away."""
    first = min(min(days) for days in days_of.values())
    counts = {}
    for back in range((as_of - first).days + 1):
        day = first + back * DAY
        last = [max(d for d in days if d <= day) for days in days_of.values() if min(days) <= day]
        counts[day] = (len(last), sum((day - bought).days >= horizon_days for bought in last))
    return counts


def assert_counts(rate, counts):
    """Compare the days given, and see that the numbers stood still on the days left out."""
    assert rate["day"].is_monotonic_increasing
    assert rate["day"].is_unique
    shown = dict(
        zip(
            rate["day"].dt.date,
            zip(rate["customers"], rate["churned_customers"], strict=True),
            strict=True,
        )
    )
    standing = None
    for day, count in counts.items():
        assert shown.get(day, standing) == count
        standing = count
    assert set(shown) <= set(counts)
    expected = rate["churned_customers"] / rate["customers"]
    pd.testing.assert_series_equal(rate["churn_rate"], expected, check_names=False)


@pytest.fixture(scope="module")
def some_customers(sample):
    """The log of some customers of the sample, and the days on which each bought."""
    paid = sample[sample["status"].isin(["paid", "shipped", "completed", "partially_refunded"])]
    some = sorted(paid["customer_id"].unique())[:150]
    log = sample[sample["customer_id"].isin(some)]
    days = paid.assign(day=paid["ordered_at"].dt.date).groupby("customer_id")["day"].agg(set)
    return rk.read_orders(log), days[some].to_dict()


@pytest.mark.parametrize("horizon_days", [1, 90, pytest.param(365, marks=pytest.mark.slow)])
def test_the_rate_of_the_sample_is_counted_by_hand(some_customers, horizon_days):
    orders, days = some_customers
    counts = counted_by_hand(days, orders.as_of, horizon_days)
    assert_counts(rk.churn_rate(orders, horizon_days), counts)


def assert_counted_by_hand(rows, horizon_days, until, same_day):
    log = pd.DataFrame(rows, columns=["customer_id", "day"])
    log["date"] = [START + day * DAY for day in log["day"]]
    as_of = START + until * DAY
    orders = rk.read_orders(log[["customer_id", "date"]], amount=1, as_of=as_of, same_day=same_day)
    rate = rk.churn_rate(orders, horizon_days=horizon_days)
    known = log[log["date"] <= as_of]
    if known.empty:
        assert rate.empty
        return
    days = known.groupby("customer_id")["date"].agg(set).to_dict()
    counts = counted_by_hand(days, as_of, horizon_days)
    assert_counts(rate, counts)


@pytest.mark.slow
@quick
@given(small_logs, st.integers(1, 30), st.integers(0, 50), st.sampled_from(["merge", "keep"]))
def test_the_rate_of_any_small_log_is_counted_by_hand(rows, horizon_days, until, same_day):
    assert_counted_by_hand(rows, horizon_days, until, same_day)


@pytest.mark.parametrize(("until", "same_day"), [(32, "merge"), (50, "keep"), (2, "merge")])
def test_the_rate_of_a_small_log_is_counted_by_hand(until, same_day):
    rows = [("a", 5), ("b", 7), ("a", 7), ("c", 12), ("a", 12), ("a", 12), ("b", 22), ("d", 40)]
    assert_counted_by_hand(rows, 10, until, same_day)


def test_silence_of_exactly_the_horizon_is_churn():
    log = pd.DataFrame({"customer_id": ["a", "b"], "date": ["2024-01-01", "2024-01-31"]})
    rate = rk.churn_rate(rk.read_orders(log, amount=1), horizon_days=30)
    assert rate["day"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-01", "2024-01-31"]
    assert rate["customers"].tolist() == [1, 2]
    assert rate["churned_customers"].tolist() == [0, 1]
    assert rate["churn_rate"].tolist() == [0.0, 0.5]


def test_who_comes_back_is_no_longer_churned():
    log = pd.DataFrame({"customer_id": ["a", "a"], "date": ["2024-01-01", "2024-03-01"]})
    rate = rk.churn_rate(rk.read_orders(log, amount=1), horizon_days=30)
    assert rate["day"].dt.strftime("%m-%d").tolist() == ["01-01", "01-31", "03-01"]
    assert rate["churned_customers"].tolist() == [0, 1, 0]


def test_coming_back_on_the_day_of_the_horizon_is_in_time():
    log = pd.DataFrame({"customer_id": ["a", "a"], "date": ["2024-01-01", "2024-01-31"]})
    rate = rk.churn_rate(rk.read_orders(log, amount=1), horizon_days=30)
    assert rate["churned_customers"].max() == 0


def test_days_on_which_nothing_changed_are_left_out():
    # On 31 January a lapses while b, away since 1 December, comes back: both counts stand still.
    log = pd.DataFrame(
        {
            "customer_id": ["b", "a", "b", "a"],
            "date": ["2023-12-01", "2024-01-01", "2024-01-31", "2024-02-05"],
        }
    )
    rate = rk.churn_rate(rk.read_orders(log, amount=1), horizon_days=30)
    numbers = list(zip(rate["customers"], rate["churned_customers"], strict=True))
    assert all(one != two for one, two in itertools.pairwise(numbers))


def test_the_default_is_a_year(orders):
    default = rk.churn_rate(orders)
    pd.testing.assert_frame_equal(default, rk.churn_rate(orders, horizon_days=365))
    silent = rk.summarize(orders)["recency_days"]
    assert default["churned_customers"].iloc[-1] == (silent >= 365).sum()


@pytest.mark.parametrize("horizon_days", [0, -1])
def test_a_horizon_is_at_least_a_day(orders, horizon_days):
    with pytest.raises(RfmkitError, match=rf"at least 1\.\nFound: horizon_days={horizon_days}"):
        rk.churn_rate(orders, horizon_days=horizon_days)
