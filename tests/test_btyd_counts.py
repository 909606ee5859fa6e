"""Counts: customers alike are one row, of whatever kind they come."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rfmkit as rk
from rfmkit.btyd._counts import Counts, coded, count_customers, uncoded
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, RfmkitError

FRAME = pd.DataFrame({
    "repeat_purchases": [2, 0, 2, 1], "active_days": [30, 0, 30, 7], "tenure_days": [40, 9, 40, 7],
})  # fmt: skip


def arrays(counts):
    return [column.tolist() for column in (counts.x, counts.t_x, counts.T, counts.weight)]


@pytest.mark.parametrize("kind", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_customers_alike_are_counted(kind):
    counts = count_customers(kind(FRAME))
    assert arrays(counts) == [[0, 1, 2], [0, 7, 30], [9, 7, 40], [1, 1, 2]]
    assert (counts.customers, counts.repeats, counts.log_gaps) == (4, 5, None)


def test_time_is_measured_in_the_unit():
    counts = count_customers(FRAME, unit_days=7)
    assert counts.t_x.tolist() == [0, 1, 30 / 7]
    scaled = counts.scaled()
    assert (scaled.weight @ scaled.T) / scaled.customers == pytest.approx(1)
    assert scaled.unit_days == pytest.approx(FRAME["tenure_days"].mean())


def test_of_a_log_the_gaps_are_known():
    days = ["2024-01-01", "2024-01-03", "2024-01-10", "2024-01-01"]
    log = pd.DataFrame({"customer": list("aaab"), "date": days, "amount": 1})
    counts = count_customers(rk.read_orders(log), unit_days=7)
    assert arrays(counts) == [[0, 2], [0, 9 / 7], [9 / 7, 9 / 7], [1, 1]]
    assert counts.log_gaps == pytest.approx(np.log(2 / 7) + np.log(7 / 7))
    # Twice the unit: half of every gap.
    scaled = counts.scaled()
    ratio = scaled.unit_days / counts.unit_days
    assert scaled.log_gaps == pytest.approx(counts.log_gaps - 2 * np.log(ratio))


def test_a_choice_of_rows_has_the_weight_of_all():
    rng = np.random.default_rng(1)
    T = rng.uniform(1, 9, 5000)
    counts = Counts(np.zeros(5000), np.zeros(5000), T, rng.integers(1, 9, 5000).astype(float))
    thin = counts.thinned(100)
    assert len(thin.x) <= 100
    assert thin.customers == pytest.approx(counts.customers)
    assert thin.weight @ thin.T == pytest.approx(counts.weight @ counts.T, rel=0.01)
    assert counts.thinned(5000) is counts


def test_a_function_of_rows_that_are_equal_is_asked_once_a_value():
    asked = []

    def square(values):
        asked.append(len(values))
        return values**2

    rows = np.array([3.0, 1.0, 3.0])
    assert coded(rows).of(square).tolist() == [9, 1, 9]
    assert uncoded(rows).of(square).tolist() == [9, 1, 9]
    assert asked == [2, 3]


@pytest.mark.parametrize(
    ("frame", "error", "match"),
    [
        (FRAME.drop(columns="tenure_days"), ColumnsError, r"no 'tenure_days' among"),
        (FRAME.head(0), NotEnoughHistoryError, r"at least one customer"),
        (FRAME.assign(tenure_days=0, active_days=0), NotEnoughHistoryError, r"a log of one day"),
        (FRAME.assign(active_days=50), RfmkitError, r"found: .*4 customers, such as \(0.0, 50.0"),
        (FRAME.assign(repeat_purchases=0), RfmkitError, r"3 customers, such as \(0.0, 7.0, 7.0\)"),
        (FRAME.assign(repeat_purchases=1.5), RfmkitError, r"must be whole"),
        (FRAME.assign(tenure_days=-1), RfmkitError, r"such as \(0.0, 0.0, -1.0\)"),
        (FRAME.assign(tenure_days=float("nan")), RfmkitError, r"nan\)"),
        (FRAME.assign(tenure_days=None), ColumnsError, r"must be numbers.*tenure_days of string"),
    ],
)
def test_what_is_no_customer_is_an_error(frame, error, match):
    with pytest.raises(error, match=f"(?is){match}"):
        count_customers(frame)


def test_a_unit_of_no_time_is_an_error():
    with pytest.raises(RfmkitError, match="unit_days must be a number over 0"):
        count_customers(FRAME, unit_days=0)
