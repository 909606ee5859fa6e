"""Edges of bins: ties stay together, every bin is reached, and the engine finds the same ones."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit._engine import open_frame
from rfmkit.exceptions import RfmkitError
from rfmkit.segments._edges import (
    band_edges,
    engine_edges,
    kmeans_edges,
    pareto_edges,
    quantile_edges,
)

values_of_a_column = st.lists(
    st.integers(0, 40) | st.integers(0, 100_000).map(lambda cents: cents / 100),
    min_size=1,
    max_size=60,
)


@pytest.mark.parametrize(
    ("values", "n_bins", "expected"),
    [
        (range(1, 11), 5, [3, 5, 7, 9]),
        (range(1, 11), 3, [5, 8]),  # four, three and three: ceil(10 / 3) first
        ([1] * 8 + [2, 3], 3, [2, 3]),
        ([1] * 8 + [2] * 4 + [3, 4, 5, 6], 5, [2, 3, 5, 6]),  # the last three share four
        ([1, 1, 2, 2], 5, [2]),
        ([7, 7, 7], 5, []),
        # one value high up holds most: the scores above it keep a value each
        ([1, 2, 3, 4] + [5] * 20 + [6, 7], 4, [5, 6, 7]),
    ],
)
def test_quantile_edges_by_hand(values, n_bins, expected):
    table = np.column_stack([np.zeros(len(values)), list(values)])
    learned = rk.RFMScorer(n_bins).fit(table).thresholds_
    assert learned.loc[learned["column"] == "1", "from_value"].tolist()[1:] == expected
    assert quantile_edges(np.array(list(values), dtype=float), n_bins).tolist() == expected


def test_counted_values_are_cut_as_listed_ones():
    values = np.array([1.0, 1, 1, 1, 2, 3, 3, 9])
    distinct, counts = np.unique(values, return_counts=True)
    expected = quantile_edges(values, 3).tolist()
    assert quantile_edges(distinct, 3, counts).tolist() == expected


@given(values_of_a_column, st.integers(2, 7))
def test_edges_are_values_that_rise_and_leave_no_bin_empty(values, n_bins):
    edges = quantile_edges(np.array(values, dtype=float), n_bins)
    assert set(edges) <= set(values)
    assert (np.diff(edges) > 0).all()
    bins = np.searchsorted(edges, values, side="right")
    assert set(bins) == set(range(len(edges) + 1))
    assert len(edges) + 1 == min(n_bins, len(set(values)))


# Without shrinking: an example asks an engine.
@pytest.mark.slow
@settings(deadline=None, max_examples=20, phases=[Phase.explicit, Phase.generate])
@given(values_of_a_column, st.integers(2, 7), st.sampled_from(["spend", "purchases"]))
def test_the_engine_finds_the_edges_of_the_array(values, n_bins, name):
    edges_are_those_of_the_array(values, n_bins, name)


@pytest.mark.parametrize(("n_bins", "name"), [(5, "spend"), (3, "purchases"), (7, "purchases")])
def test_the_engine_finds_the_edges_of_a_fixed_array(n_bins, name):
    edges_are_those_of_the_array([1, 1, 1, 2, 2, 3, 9, 0.25, 17.5, 40], n_bins, name)


def edges_are_those_of_the_array(values, n_bins, name):
    opened = open_frame(pd.DataFrame({name: np.array(values, dtype=float)}))
    found = engine_edges(opened.table, name, n_bins, opened.engine)
    assert found.tolist() == quantile_edges(np.array(values, dtype=float), n_bins).tolist()


def test_missing_values_have_no_share(engine):
    table = ibis.memtable(pd.DataFrame({"spend": [1.0, 2.0, 3.0, 4.0, None, None, None]}))
    assert engine_edges(table, "spend", 2, engine).tolist() == [3.0]


@settings(max_examples=40)  # clusters take long
@given(values_of_a_column, st.integers(2, 5))
def test_money_and_clusters_cut_at_values_that_rise(values, n_bins):
    for cut in (pareto_edges, kmeans_edges):
        edges = cut(np.array(values, dtype=float), n_bins)
        assert set(edges) <= set(values)
        assert (np.diff(edges) > 0).all()
        assert len(edges) < n_bins


def test_without_money_there_is_one_bin():
    assert pareto_edges(np.zeros(5), 3).tolist() == []


@pytest.mark.parametrize("edges", [[], [2, 1], [1, 1], [float("nan")], "x", None])
def test_bands_must_rise(edges):
    with pytest.raises(
        RfmkitError, match=r"^bands\['spend'\] must hold rising edges\.\nFound: .*\nHint"
    ):
        band_edges({"spend": edges}, "spend")
