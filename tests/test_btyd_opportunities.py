"""Opportunities: what a BetaGeoBetaBinomial is fitted on."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.btyd._opportunities import NEEDS, opportunity_table
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, RfmkitError


def frame(*rows):
    return pd.DataFrame(list(rows), columns=list(NEEDS))


@pytest.mark.parametrize("length", [1, 7, 30])
def test_periods_are_counted_from_the_first_purchase(orders, sample, length):
    table = opportunity_table(orders, orders.history.customers, length).order_by("customer_id")
    found = orders.history.engine.frame(table).set_index("customer_id")
    customers = rk.summarize(orders).set_index("customer_id")
    assert (found["opportunities"] == customers["tenure_days"] // length).all()
    assert (found["repeat_purchases"] <= found["last_opportunity"]).all()
    assert (found["last_opportunity"] <= found["opportunities"]).all()
    assert (found["repeat_purchases"] <= customers["repeat_purchases"]).all()
    if length == 1:  # every day is an opportunity
        assert (found["repeat_purchases"] == customers["repeat_purchases"]).all()
        assert (found["last_opportunity"] == customers["active_days"]).all()


def taken(days, length, age):
    """Return how many periods were taken, the last of them, and how many there were."""
    # Days 1 to length are the first period.
    places = {-(-day // length) for day in days} & set(range(1, age // length + 1))
    return len(places), max(places, default=0), age // length


@pytest.fixture(scope="module")
def bought():
    """Fifty customers who came in one month, the days on which they bought again, and their log."""
    rng = np.random.default_rng(1)
    came = rng.integers(0, 30, 50)
    days = [rng.integers(1, 61, rng.integers(0, 9)).tolist() for _ in came]
    rows = [
        (who, int(first + day))
        for who, (first, again) in enumerate(zip(came, days, strict=True))
        for day in (0, *again)
    ]
    log = pd.DataFrame(rows, columns=["customer", "day"]).assign(total=1.0)
    log["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(log.pop("day"), unit="D")
    return came, days, rk.read_orders(log, as_of=pd.Timestamp("2024-04-01"))


@pytest.mark.parametrize("length", [1, 4, 7, 20, 100])
def test_periods_are_taken_by_what_was_bought_in_them(bought, length):
    came, days, orders = bought
    table = opportunity_table(orders, orders.history.customers, length)
    found = orders.history.engine.frame(table)
    found = found.set_index(found.pop("customer_id").astype("int64")).sort_index()
    expected = [taken(again, length, 91 - first) for first, again in zip(came, days, strict=True)]
    assert list(found.itertuples(index=False, name=None)) == expected


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=8), st.integers(1, 20), st.integers(60, 70))
def test_a_period_is_taken_by_what_was_bought_in_it(days, length, age):
    first = pd.Timestamp("2024-01-01")
    log = pd.DataFrame({"date": [first, *(first + pd.Timedelta(days=day) for day in days)]})
    log = log.assign(customer="a", total=1.0)
    orders = rk.read_orders(log, as_of=first + pd.Timedelta(days=age))
    table = opportunity_table(orders, orders.history.customers, length)
    found = orders.history.engine.row(table.drop("customer_id"))
    assert tuple(found.values()) == taken(days, length, age)


def test_a_log_needs_the_length_of_a_period(orders):
    with pytest.raises(RfmkitError, match="A log needs period_days: the length of a period"):
        rk.BetaGeoBetaBinomial().fit(orders)
    with pytest.raises(RfmkitError, match="period_days must be a whole number of at least 1"):
        rk.BetaGeoBetaBinomial(period_days=0).fit(orders)


@pytest.mark.parametrize(
    "row", [(5, 4, 4), (2, 5, 4), (3, 2, 4), (0, 1, 4), (-1, 0, 4), (1, 1.5, 4), (1, 1, None)]
)
def test_what_cannot_be_a_customer(row):
    with pytest.raises(RfmkitError, match="repeat_purchases <= last_opportunity <= opportunities"):
        rk.BetaGeoBetaBinomial().fit(frame((1, 1, 4), row))


def test_what_cannot_be_learned_from():
    with pytest.raises(ColumnsError, match="no 'opportunities' among 'repeat_purchases'"):
        rk.BetaGeoBetaBinomial().fit(frame((1, 1, 4)).drop(columns="opportunities"))
    with pytest.raises(NotEnoughHistoryError, match="at least one customer"):
        rk.BetaGeoBetaBinomial().fit(frame((1, 1, 4)).head(0))
    with pytest.raises(NotEnoughHistoryError, match=r"3 opportunities or more(.|\n)*2 at most"):
        rk.BetaGeoBetaBinomial().fit(frame((1, 1, 2), (0, 0, 1)))
    with pytest.raises(NotEnoughHistoryError, match="must have made a repeat purchase"):
        rk.BetaGeoBetaBinomial().fit(frame((0, 0, 4)))
    for customers in (-1, 0, float("inf")):
        with pytest.raises(RfmkitError, match="must be the number of customers of each row"):
            rk.BetaGeoBetaBinomial().fit(frame((1, 1, 4)).assign(customers=customers))
    with pytest.raises(ColumnsError, match=r"must be numbers(.|\n)*customers of string"):
        rk.BetaGeoBetaBinomial().fit(frame((1, 1, 4)).assign(customers="many"))
