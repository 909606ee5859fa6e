"""The axes and colours that all pictures share."""

import sys

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import is_color_like

from rfmkit.columns import SEGMENTS
from rfmkit.exceptions import MissingExtraError
from rfmkit.report.plots._axes import COLOURS, LINES, axes, side_by_side, tidy

pytestmark = pytest.mark.usefixtures("no_figure_is_left")


def test_the_axes_of_the_caller_come_back(ax):
    assert axes(ax, caller="A picture") is ax
    assert plt.get_fignums() == []


def test_without_axes_a_figure_of_a_notebook_is_opened():
    found = axes(None, caller="A picture")
    assert plt.get_fignums() == [found.figure.number]


def test_the_lines_at_the_top_and_on_the_right_are_hidden(ax):
    assert tidy(ax) is ax
    shown = {side: spine.get_visible() for side, spine in ax.spines.items()}
    assert shown == {"left": True, "bottom": True, "top": False, "right": False}


def test_every_segment_has_a_colour_and_no_two_share_one():
    assert set(COLOURS) == set(SEGMENTS)
    assert len(set(COLOURS.values())) == len(SEGMENTS)
    assert len(set(LINES)) == len(LINES)
    assert all(map(is_color_like, [*COLOURS.values(), *LINES]))


def test_side_by_side_belongs_to_no_window():
    figure, (left, right) = side_by_side()
    assert left.figure is right.figure is figure
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("make", "caller"),
    [
        (lambda: axes(None, caller=r"ChurnCurve.plot"), r"ChurnCurve\.plot"),
        (side_by_side, "A picture"),
    ],
    ids=["axes", "side_by_side"],
)
def test_without_matplotlib_the_extra_is_named(monkeypatch, make, caller):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=rf"^{caller} needs .*\n.*\nHint: .*rfmkit\[report"):
        make()
