"""Reading options: the defaults are those of `read_orders`, and patterns match as said."""

import dataclasses
import inspect
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit._engine import open_frame
from rfmkit.orders._reading_options import ReadingOptions


def test_the_defaults_are_those_of_read_orders():
    arguments = inspect.signature(rk.read_orders).parameters
    options = ReadingOptions()
    assert tuple(map(str, options.dates_between)) == arguments["dates_between"].default
    shared = {field.name for field in dataclasses.fields(options)} & arguments.keys()
    for name in shared - {"dates_between", "exclude"}:
        assert getattr(options, name) == arguments[name].default, name
    assert not options.exclude
    assert {"refunds", "zero_amounts", "same_day", "tz", "dayfirst", "decimal"} <= shared


def test_the_secret_is_not_shown():
    assert "hush" not in repr(ReadingOptions(secret="hush hush"))  # noqa: S106


def matched(cells, pattern):
    """Return which cells a pattern of `exclude` matches."""
    source = open_frame(pd.DataFrame({"place": range(len(cells)), "memo": cells}, dtype=object))
    table = source.table
    (hit,) = ReadingOptions(exclude={"memo": pattern}).excluding(table)
    found = source.engine.frame(table.select("place", hit=hit))
    return found.sort_values("place")["hit"].tolist()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("test", [True, True, False, False, False]),
        ("^test", [True, False, False, False, False]),
        ("刷单|补单", [False, False, True, False, False]),
        ("^$", [False] * 5),  # an empty cell holds no text, as a missing one
    ],
)
def test_a_pattern_matches_in_upper_or_lower_case(pattern, expected):
    assert matched(["TEST order", "a Test", "补单", "", None], pattern) == expected


@settings(max_examples=20)
@given(
    st.lists(st.text("abXY12 ", max_size=6), min_size=1, max_size=8), st.text("abxy12", min_size=1)
)
def test_a_pattern_of_letters_is_found_as_by_python(cells, pattern):
    expected = [bool(re.search(pattern, cell.strip(), re.IGNORECASE)) for cell in cells]
    assert matched(cells, pattern) == expected


def test_each_pattern_is_a_condition_of_its_own():
    source = open_frame(pd.DataFrame({"memo": ["test", "x"], "item": ["Cup", "DEPOSIT"]}))
    options = ReadingOptions(exclude={"memo": "test", "item": "deposit"})
    memo, item = options.excluding(source.table)
    found = source.engine.frame(source.table.select(memo=memo, item=item).order_by("memo"))
    assert found.to_numpy().tolist() == [[False, True], [True, False]]
    assert ReadingOptions().excluding(source.table) == []
