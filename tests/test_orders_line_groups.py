"""Rows that belong together: filled, spread once, and their copies marked."""

from decimal import Decimal

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfmkit.columns import MONEY
from rfmkit.orders import _line_groups as line_groups

ORDERS = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([None, 0, 1, 2.5, -3])),
    min_size=1,
    max_size=8,
)


def table(**columns):
    rows = len(next(iter(columns.values())))
    types = {"v": pa.decimal128(18, 4)}
    arrays = {
        name: pa.array(cells, types.get(name, pa.string())) for name, cells in columns.items()
    }
    return ibis.memtable(pa.table({"row": range(1, rows + 1)} | arrays))


def column(expr, name):
    rows = expr.order_by("row").to_pyarrow().to_pylist()
    return [row[name] for row in rows]


def test_the_last_known_value_is_filled_down():
    found = line_groups.filled_down(table(x=[None, "a", None, "b", None]), "x", "row")
    assert column(found, "x") == [None, "a", "a", "b", "b"]


def test_it_is_filled_down_within_a_group_only():
    found = line_groups.filled_down(
        table(g=["p", "q", "p", "q"], x=["1", None, None, "2"]), "x", "row", within="g"
    )
    assert column(found, "x") == ["1", None, "1", "2"]


def test_what_stands_on_one_line_of_an_order_holds_for_all():
    lines = table(o=["a", "a", None, "b"], x=["2", "1", "3", None], v=[None, 5, None, None])
    found = line_groups.filled_over(lines, "x", ("o",), head="v")
    assert column(found, "x") == ["1", "1", "3", None]


@settings(max_examples=30)
@given(ORDERS)
def test_an_amount_once_per_order_sums_to_the_largest_of_its_lines(rows):
    lines = table(
        o=[o for o, _ in rows], v=[None if v is None else Decimal(str(v)) for _, v in rows]
    )
    found = line_groups.once_per_order(lines, "v", ("o",), row="row")
    assert found.v.type() == ibis.dtype(MONEY)
    values = column(found, "v")
    for order in ("a", "b"):
        theirs = [v for o, v in rows if o == order and v is not None]
        carried = [value for (o, _), value in zip(rows, values, strict=True) if o == order]
        if theirs:
            assert sum(carried) == Decimal(str(max(theirs)))
            assert sum(value != 0 for value in carried) <= 1
        else:
            assert not any(value is not None for value in carried)
    alone = [(v, value) for (o, v), value in zip(rows, values, strict=True) if o is None]
    assert all(v == (None if value is None else float(value)) for v, value in alone)


@pytest.mark.parametrize("row", ["row", None])
def test_the_second_of_alike_rows_is_a_copy(row):
    lines = table(k=["a", "a", "a", "b", None, None], x=["1", "1", None, "1", "1", "1"])
    found = line_groups.marked_copies(lines, "copy", "k", ["k", "x"], row=row)
    copies = column(found, "copy")
    assert copies[2:] == [False] * 4
    assert sorted(copies[:2]) == [False, True]
    assert copies[:2] == [False, True] or row is None


def test_cells_that_only_together_look_alike_are_not():
    lines = table(k=["a", "a"], x=["1", "12"], y=["23", "3"])
    assert (
        column(line_groups.marked_copies(lines, "copy", "k", ["x", "y"], row="row"), "copy")
        == [False] * 2
    )


def test_nothing_and_empty_text_are_not_alike():
    lines = table(k=["a", "a"], x=[None, ""])
    assert (
        column(line_groups.marked_copies(lines, "copy", "k", ["x"], row="row"), "copy")
        == [False] * 2
    )
