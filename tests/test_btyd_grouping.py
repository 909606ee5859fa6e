"""Grouping: customers with equal values are one row, on every engine."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfmkit.btyd._grouping import group_customers, systematic_sample
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError

FRAME = pd.DataFrame({"x": [2, 1, 2, None], "z": [1.5, 1.0, 1.5, 3.0], "weight": [1, 2, 3, 4]})


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars_lazy", "pyarrow", "duckdb", "ibis"])
def test_customers_alike_are_counted(as_kind, kind):
    x, z, customers = group_customers(as_kind(FRAME, kind), ("x", "z"), hint="")
    cells = sorted(zip(x.tolist(), z.tolist(), customers.tolist(), strict=True), key=str)
    assert cells[:2] == [(1.0, 1.0, 1.0), (2.0, 1.5, 2.0)]
    assert np.isnan(cells[2][0])
    assert cells[2][1:] == (3.0, 1.0)


def test_a_row_may_stand_for_many():
    *_, customers = group_customers(FRAME, ("x",), weight="weight", hint="")
    assert sorted(customers.tolist()) == [2, 4, 4]
    *_, customers = group_customers(FRAME, ("x",), weight="others", hint="")
    assert sorted(customers.tolist()) == [1, 1, 2]


def test_a_log_is_counted_by_its_customers(orders, customers):
    found = group_customers(orders, ("purchases",), hint="")
    expected = customers["purchases"].value_counts().sort_index()
    assert found[0].tolist() == expected.index.tolist()
    assert found[1].tolist() == expected.tolist()


def test_what_cannot_be_counted():
    with pytest.raises(ColumnsError, match=r"no 'y' among 'x', 'z', 'weight'(.|\n)*Hint: look"):
        group_customers(FRAME, ("x", "y"), hint="look")
    with pytest.raises(ColumnsError, match=r"'x', 'z' must be numbers.(.|\n)*z of string"):
        group_customers(FRAME.assign(z="a"), ("x", "z"), hint="")
    with pytest.raises(NotEnoughHistoryError, match="at least one customer"):
        group_customers(FRAME.head(0), ("x", "z"), hint="")


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=60), st.integers(1, 80))
def test_a_choice_has_the_weight_of_all(weights, rows):
    weight = np.array(weights)
    chosen, new = systematic_sample(weight, rows)
    assert new.sum() == pytest.approx(weight.sum())
    assert len(chosen) == len(new) <= max(rows, 1)
    assert (np.diff(chosen) > 0).all()
    if rows >= len(weight):
        assert new.tolist() == weights


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "duckdb", "ibis"])
def test_customers_are_grouped_by_text_as_well(as_kind, kind):
    frame = FRAME.assign(customers_=["a", "b", None, "a"], known=[True, True, False, None])
    x, word, known, customers = group_customers(
        as_kind(frame, kind), ("x",), words=("customers_", "known"), hint=""
    )
    rows = sorted(
        zip(x.tolist(), word.tolist(), known.tolist(), customers.tolist(), strict=True), key=str
    )
    assert str(rows[:3]) == "[(1.0, 'b', 1.0, 1.0), (2.0, 'a', 1.0, 1.0), (2.0, None, 0.0, 1.0)]"
    assert str(rows[3]) == "(nan, 'a', nan, 1.0)"


def test_days_are_neither_words_nor_numbers():
    frame = FRAME.assign(day=pd.Timestamp("2024-01-01"))
    with pytest.raises(
        ColumnsError, match=r"'day' must be numbers or words.(.|\n)*day of timestamp"
    ):
        group_customers(frame, ("x",), words=("day",), hint="")
