"""Matrices count every customer once, at the place that their own numbers say."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import plain
from rfmkit.exceptions import ColumnsError, RfmkitError
from rfmkit.segments.matrix import STAGES
from sample_segments import chinese_segments_of, segments_of


@pytest.fixture(scope="module")
def segments(orders):
    return segments_of(orders)


@pytest.fixture(scope="module")
def buyers(segments):
    return segments[segments["segment"] != "prospect"]


def counted(rows, keys):
    """Customers and money by keys, as pandas counts them."""
    found = rows.groupby(keys, as_index=False).agg(
        customers=("customer_id", "size"), spend=("spend", "sum")
    )
    return found.astype({"customers": "int64"})


# --- by value stage and phase --------------------------------------------------------------------


def test_a_matrix_counts_everybody_by_value_and_phase(segments, buyers):
    top = (buyers["frequency_score"] == 5) & (buyers["monetary_score"] == 5)
    loyal = buyers["purchases"] >= 3
    stage = np.select(
        [loyal & top, loyal, buyers["purchases"] > 1], ["fan", "loyal", "repeat"], "new"
    )
    expected = counted(buyers.assign(value_stage=stage), ["value_stage", "phase"])
    found = rk.lifecycle_matrix(segments)
    assert list(found.columns) == ["value_stage", "phase", "customers", "spend"]
    order = ["value_stage", "phase"]
    pd.testing.assert_frame_equal(
        found.sort_values(order, ignore_index=True), expected, check_dtype=False
    )
    assert found["customers"].dtype == "int64"


def test_a_matrix_is_ordered_by_value_and_then_by_silence(segments):
    found = rk.lifecycle_matrix(segments)
    place = found["value_stage"].map(STAGES.index) * 3
    place += found["phase"].map(["active", "silent", "lost"].index)
    assert place.is_monotonic_increasing
    assert place.is_unique


def test_a_matrix_has_the_phases_in_the_language_of_its_table(orders, segments):
    english = rk.lifecycle_matrix(segments)
    chinese = rk.lifecycle_matrix(chinese_segments_of(orders))
    words = {"active": "活跃", "silent": "沉默", "lost": "流失"}
    assert chinese["phase"].tolist() == english["phase"].map(words).tolist()
    assert chinese["customers"].tolist() == english["customers"].tolist()


def test_who_is_loyal_is_the_callers_to_say(segments, buyers):
    found = rk.lifecycle_matrix(segments, loyal_purchases=2)
    assert "repeat" not in set(found["value_stage"])
    new = found.loc[found["value_stage"] == "new", "customers"].sum()
    assert new == (buyers["purchases"] == 1).sum()


# --- by purchases and silence --------------------------------------------------------------------


def test_a_grid_takes_each_customers_own_cycle(segments, buyers):
    silence = buyers["recency_days"] / buyers["cycle_days"]
    banded = buyers.assign(
        from_purchases=pd.cut(buyers["purchases"], [1, 2, 3, 5, np.inf], right=False, labels=False),
        from_cycles=pd.cut(silence, [0, 1, 2, 3, 6, np.inf], right=False, labels=False),
    )
    expected = counted(banded, ["from_purchases", "from_cycles"])
    expected["from_purchases"] = expected["from_purchases"].map([1, 2, 3, 5].__getitem__)
    expected["from_cycles"] = expected["from_cycles"].map([0.0, 1.0, 2.0, 3.0, 6.0].__getitem__)
    found = rk.lifecycle_grid(segments)
    assert list(found.columns) == ["from_purchases", "from_cycles", "customers", "spend"]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert buyers["cycle_days"].nunique() > 100


def test_a_cycle_given_is_used_for_everybody(segments, customers):
    found = rk.lifecycle_grid(segments, cycle_days=40)
    assert list(found.columns) == [
        "from_purchases", "from_cycles", "from_days", "customers", "spend",
    ]  # fmt: skip
    assert found["from_days"].tolist() == (40 * found["from_cycles"]).tolist()
    silent = found.loc[found["from_days"] >= 80, "customers"].sum()
    assert silent == (customers["recency_days"] >= 80).sum()
    pd.testing.assert_frame_equal(rk.lifecycle_grid(customers, cycle_days=40), found)


def test_one_cycle_for_all_counts_as_it_does_in_a_column(segments):
    same = rk.lifecycle_grid(segments.assign(cycle_days=38.2))
    expected = rk.lifecycle_grid(segments, cycle_days=38.2).drop(columns="from_days")
    pd.testing.assert_frame_equal(same, expected)


def test_where_there_is_no_cycle_a_silence_has_no_band():
    log = pd.DataFrame({"customer": ["a", "b"], "date": ["2024-01-01", "2024-01-09"], "total": 5})
    found = rk.lifecycle_grid(rk.segment(rk.read_orders(log)))
    assert found["from_cycles"].isna().tolist() == [True]
    assert found["customers"].tolist() == [2]


# Without shrinking: an example asks an engine.
@pytest.mark.slow
@settings(deadline=None, max_examples=15, phases=[Phase.explicit, Phase.generate])
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 400), st.floats(1, 200), st.integers(0, 999)),
        min_size=1,
        max_size=20,
    ),
    st.sets(st.integers(2, 8)),
    st.sets(st.floats(0.5, 8)),
)
def test_any_bands_hold_everybody_and_all_of_the_money(rows, purchases, cycles):
    bands_hold_everybody(rows, purchases, cycles)


def test_narrow_and_wide_bands_hold_everybody_and_all_of_the_money():
    rows = [(place % 9 + 1, 20 * place, 200.0 / (place + 1), 37 * place) for place in range(20)]
    bands_hold_everybody(rows, {2, 3, 8}, {0.5, 1.0, 7.25})
    bands_hold_everybody(rows[:1], set(), set())


def bands_hold_everybody(rows, purchases, cycles):
    columns = ["purchases", "recency_days", "cycle_days", "spend"]
    table = pd.DataFrame(rows, columns=columns).astype({"spend": "float64"})
    found = rk.lifecycle_grid(table, purchases=[1, *sorted(purchases)], cycles=[0, *sorted(cycles)])
    assert found["customers"].sum() == len(table)
    assert found["spend"].sum() == table["spend"].sum()
    assert not found.duplicated(["from_purchases", "from_cycles"]).any()


# --- both ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        "polars_lazy",
        "pyarrow",
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("polars", "ibis")),
    ],
)
@pytest.mark.parametrize("make", [rk.lifecycle_matrix, rk.lifecycle_grid])
def test_a_table_of_any_kind_gives_the_same(segments, as_kind, make, kind):
    pd.testing.assert_frame_equal(plain(make(as_kind(segments, kind))), plain(make(segments)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (rk.lifecycle_matrix, r"must have the columns .*\nFound: no 'phase', .*\nHint: pass rk"),
        (rk.lifecycle_grid, r"must have .*\nFound: no 'cycle_days' .*\nHint: .* cycle_days="),
    ],
)
def test_a_table_without_the_columns_is_an_error(customers, make, message):
    with pytest.raises(ColumnsError, match=message):
        make(customers)


@pytest.mark.parametrize(
    "bands",
    [
        {"purchases": (2, 3)}, {"purchases": (1, 1)}, {"purchases": ()}, {"purchases": 3},
        {"cycles": (1, 2)}, {"cycles": (0, 3, 2)},
    ],
    ids=repr,
)  # fmt: skip
def test_bands_that_miss_a_customer_are_an_error(segments, bands):
    (name,) = bands
    with pytest.raises(RfmkitError, match=rf"^{name} must rise from .*\nFound: {name}=.*\nHint"):
        rk.lifecycle_grid(segments, **bands)


@pytest.mark.parametrize("days", [0, -1, float("nan"), "38"])
def test_a_cycle_is_a_number_over_0(segments, days):
    with pytest.raises(RfmkitError, match=r"^cycle_days must be a number over 0"):
        rk.lifecycle_grid(segments, cycle_days=days)
