"""Origins are past days with a complete horizon; the default ones do not overlap."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import Constant
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError
from rfmkit.validation._origins import choose_origins

HORIZON = 90
FIRST, AS_OF = dt.date(2023, 1, 1), dt.date(2024, 12, 30)


@given(st.integers(0, 3000), st.integers(1, 800))
@settings(max_examples=200)
def test_default_origins_hold_the_rules(length, horizon):
    first = dt.date(2015, 1, 1)
    as_of = first + dt.timedelta(length)
    if length < 2 * horizon:
        with pytest.raises(
            NotEnoughHistoryError, match=r"must hold .* before the origin and one after"
        ):
            choose_origins(as_of, first, horizon, None)
        return
    days = choose_origins(as_of, first, horizon, None)
    assert len(days) == min(3, max(1, length // horizon - 2))
    assert days[-1] + dt.timedelta(horizon) == as_of
    assert {(b - a).days for a, b in pairwise(days)} <= {horizon}
    assert (days[-1] - first).days >= horizon
    assert all((day - first).days >= 2 * horizon for day in days[:-1])


def test_a_short_log_has_no_origin(orders):
    with pytest.raises(
        NotEnoughHistoryError, match=r"a horizon of 400 .*\n.*\nHint: pass horizon_days=364 or"
    ):
        rk.backtest(orders, [Constant()], horizon_days=400)


@pytest.mark.parametrize(
    ("origins", "message"),
    [
        ([], r"origins must name at least one day\.\nFound: origins=\[\]\nHint"),
        (["2024-12-01"], r"must lie 90 days or more before as_of\.\nFound: origin 2024-12-01"),
        (["2022-05-05"], r"must have bought by every origin\.\nFound: origin 2022-05-05"),
        (["soon"], r"origins must be a date"),
    ],
)
def test_origins_that_cannot_be_are_said(orders, origins, message):
    with pytest.raises(RfmkitError, match=message):
        rk.backtest(orders, [Constant()], horizon_days=HORIZON, origins=origins)


@pytest.mark.parametrize(
    "given_days", ["2024-07-03", dt.date(2024, 7, 3), ["2024-07-03"], ["2024-07-03"] * 2]
)
def test_one_day_may_stand_for_a_list(given_days):
    assert choose_origins(AS_OF, FIRST, HORIZON, given_days) == [dt.date(2024, 7, 3)]


def test_days_come_in_order():
    days = choose_origins(AS_OF, FIRST, HORIZON, ["2024-07-03", "2023-07-03"])
    assert days == [dt.date(2023, 7, 3), dt.date(2024, 7, 3)]


@pytest.mark.parametrize("off", [0, 1])
def test_an_outcome_ends_on_as_of_at_the_latest(off):
    day = AS_OF - dt.timedelta(HORIZON - off)
    if off == 0:
        assert choose_origins(AS_OF, FIRST, HORIZON, day) == [day]
        return
    with pytest.raises(NotEnoughHistoryError, match=r"must lie 90 days .*\nFound: .*\nHint: pass"):
        choose_origins(AS_OF, FIRST, HORIZON, day)
