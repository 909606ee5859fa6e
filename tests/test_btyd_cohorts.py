"""Cohorts: survivors read from sequences and frames of any kind."""

import numpy as np
import pandas as pd
import pytest

from rfmkit.btyd._cohorts import read_cohorts
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, RfmkitError

REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars_lazy", "pyarrow", "duckdb", "ibis"])
def test_a_cohort_is_a_frame_of_any_kind(as_kind, kind):
    frame = pd.DataFrame({"period": range(8), "survivors": REGULAR[:8]})[::-1]
    found = read_cohorts([as_kind(frame, kind), [100, 50]])
    assert [cohort.tolist() for cohort in found] == [REGULAR[:8], [100, 50]]
    assert [cohort.tolist() for cohort in read_cohorts(as_kind(frame, kind))] == [REGULAR[:8]]


@pytest.mark.parametrize("made", [tuple, np.array, pd.Series])
def test_a_cohort_is_any_row_of_numbers(made):
    (found,) = read_cohorts(made(REGULAR))
    assert found.tolist() == REGULAR
    assert found.dtype == "float64"


@pytest.mark.parametrize(
    ("survivors", "error", "match"),
    [
        ([100, 80, 90], RfmkitError, "80 after 1 periods, 90 after 2"),
        ([100, 63.1, 46.8], RfmkitError, "whole, and not negative(.|\n)*63.1"),
        ([100, -1, -2], RfmkitError, "whole, and not negative"),
        ([100, None, 3], RfmkitError, "whole, and not negative"),
        ([100, "many"], RfmkitError, "Survivors must be numbers"),
        ([[[100, 50]]], RfmkitError, "one row of numbers"),
        ([], NotEnoughHistoryError, "must begin with at least one customer"),
        ([0, 0, 0], NotEnoughHistoryError, "must begin with at least one customer"),
        ([100, 50], NotEnoughHistoryError, "must have two renewals(.|\n)*1 at most"),
        (pd.DataFrame({"survivors": [3, 2]}), ColumnsError, "no 'period' among 'survivors'"),
        (
            pd.DataFrame({"period": [0, 2, 3], "survivors": [3, 2, 1]}),
            ColumnsError,
            "periods of a cohort must be 0, 1, 2",
        ),
    ],
)
def test_what_cannot_be_a_cohort(survivors, error, match):
    with pytest.raises(error, match=match):
        read_cohorts(survivors)
