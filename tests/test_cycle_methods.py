"""Methods: each from a few counts, by hand."""

import numpy as np
import pandas as pd
import pytest

from rfmkit.cycle._methods import (
    METHODS,
    erlang_median,
    method_of_mean_gaps,
    methods_of_ended_gaps,
    methods_table,
    normal_skewness,
)


def test_ended_gaps_by_hand():
    ended = pd.DataFrame({"gap_days": [10, 20, 40], "gaps": [3, 1, 1]})
    found = methods_of_ended_gaps(ended, 0.8)
    assert found["median"] == 10
    assert found["mean"] == 18
    assert found["quantile"] == 20
    assert found["lognormal"] == pytest.approx((10**3 * 20 * 40) ** 0.2)


def test_a_gap_of_no_days_has_a_logarithm():
    ended = pd.DataFrame({"gap_days": [0, 2], "gaps": [1, 1]})
    assert methods_of_ended_gaps(ended, 0.5)["lognormal"] == pytest.approx(
        1.0
    )  # half a day, and two


def test_the_normal_is_of_the_customers_means():
    pairs = pd.DataFrame(
        {"repeat_purchases": [0, 1, 3], "active_days": [0, 10, 60], "customers": [50, 3, 1]}
    )
    assert method_of_mean_gaps(pairs) == {"normal": 12.5}
    assert normal_skewness(pairs) == "skewness 1.2, where a normal has 0"
    assert normal_skewness(pairs.iloc[:2]) == "all mean gaps are equal"


def test_erlangs_median_nears_its_mean():
    assert erlang_median(10, 1) == pytest.approx(10 * np.log(2))
    assert erlang_median(10, 0.2) == erlang_median(10, 1)
    assert erlang_median(10, 1) < erlang_median(10, 4) < erlang_median(10, float("inf")) == 10
    assert erlang_median(10, float("nan")) == 10


def test_every_method_has_a_row():
    gaps = pd.DataFrame({"gap_days": [5, 9], "returned": [True, False], "gaps": [3, 1]})
    table = methods_table(dict.fromkeys(METHODS, 1.5), gaps, 100)
    assert table["method"].tolist() == list(METHODS)
    assert set(table["open_share"]) == {0.25}
    assert table[["gaps", "window_days"]].drop_duplicates().to_numpy().tolist() == [[4, 100]]
