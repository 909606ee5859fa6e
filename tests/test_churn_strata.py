"""Strata: each has enough gaps, together they cover every purchase."""

import pandas as pd
import pytest

from rfmkit.churn._strata import ORDER_NUMBERS, label, merge_strata


@pytest.mark.parametrize(
    ("gaps", "min_gaps", "expected"),
    [
        ({1: 900, 2: 300, 3: 200, 9: 200}, 200, [(1, 1), (2, 2), (3, 8), (9, None)]),
        ({1: 900, 2: 300, 3: 200, 9: 199}, 200, [(1, 1), (2, 2), (3, None)]),
        ({1: 900, 2: 100, 3: 100, 5: 90, 9: 20}, 200, [(1, 2), (3, None)]),
        ({1: 900, 2: 100, 3: 50}, 200, [(1, None)]),
        ({1: 150, 2: 100, 3: 90, 5: 400}, 200, [(1, 4), (5, None)]),
        ({1: 5}, 200, [(1, None)]),
    ],
)
def test_small_strata_are_merged(gaps, min_gaps, expected):
    table = pd.DataFrame({"order_number": list(gaps), "gaps": list(gaps.values())})
    assert merge_strata(table, ORDER_NUMBERS, min_gaps) == expected


def test_strata_are_named_by_their_ends():
    assert [label(1, 1), label(3, 4), label(9, None)] == ["1", "3-4", "9+"]
