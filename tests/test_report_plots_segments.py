"""The picture of segment sizes: bars are customers, labels add the money."""

import sys

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from rfmkit.exceptions import MissingExtraError
from rfmkit.report import plots
from rfmkit.report.plots._axes import COLOURS

pytestmark = pytest.mark.usefixtures("no_figure_is_left")
SIZES = pd.DataFrame(
    {"segment": ["prospect", "new", "fan"], "customers": [5, 1200, 40], "spend": [0.0, 75.0, 25.0]}
)


def test_the_bars_are_the_counts(ax):
    plots.segment_sizes(SIZES, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [5, 1200, 40]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["prospect", "new", "fan"]
    texts = [text.get_text().strip() for text in ax.texts]
    assert texts == [
        "5 customers, 0% of the money",
        "1,200 customers, 75% of the money",
        "40 customers, 25% of the money",
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_each_segment_has_its_own_colour(ax):
    plots.segment_sizes(SIZES, ax=ax)
    found = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert found == [COLOURS[name].lower() for name in SIZES["segment"]]


def test_without_money_there_is_no_division_by_it(ax):
    plots.segment_sizes(SIZES.assign(spend=0.0), ax=ax)
    assert all("0% of the money" in text.get_text() for text in ax.texts)


def test_the_tables_given_are_left_alone(ax):
    before = SIZES.copy()
    plots.segment_sizes(SIZES, ax=ax)
    pd.testing.assert_frame_equal(SIZES, before)


def test_a_segment_of_another_name_is_grey(ax):
    plots.segment_sizes(SIZES.assign(segment=["潜客", "new", "x"]), ax=ax)
    found = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert found == ["#777777", COLOURS["new"].lower(), "#777777"]


def test_the_axes_given_are_used_and_no_figure_is_opened(ax):
    assert plots.segment_sizes(SIZES, ax=ax) is ax
    assert plt.get_fignums() == []


def test_without_axes_new_ones_come():
    found = plots.segment_sizes(SIZES)
    assert plt.get_fignums() == [found.figure.number]
    assert found.has_data()


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(
        MissingExtraError, match=r"^segment_sizes needs .*\n.*\nHint: .*rfmkit\[report"
    ):
        plots.segment_sizes(SIZES)
