"""Axes and colours of all plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rfmkit.exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The palette of Okabe and Ito (2008), whose colours differ for readers of any colour vision.
COLOURS: Final = {
    "prospect": "#999999",
    "new": "#56B4E9",
    "repeat": "#0072B2",
    "dormant": "#E69F00",
    "fan": "#009E73",
}
LINES: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def axes(ax: Axes | None, *, caller: str) -> Axes:
    """Return the axes to draw on: those of the caller, or new ones that a notebook shows."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise _missing(caller, error) from error
    return plt.subplots(figsize=(7.0, 4.4), layout="constrained")[1]


def tidy(ax: Axes) -> Axes:
    """Return the axes without the lines at the top and on the right, which carry no data."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def side_by_side() -> tuple[Figure, tuple[Axes, Axes]]:
    """Return a figure with two axes, to be written to a file; no window shows it."""
    try:
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise _missing("A picture", error) from error
    figure = Canvas(figsize=(13, 4.6), layout="constrained")
    return figure, tuple(figure.subplots(1, 2))


def _missing(caller: str, error: ImportError) -> MissingExtraError:
    return MissingExtraError(
        f"{caller} needs Matplotlib.", found=str(error), hint='pip install "rfmkit[report]".'
    )
