"""Pictures of segments: how many customers each holds, and how much money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rfmkit.report.plots._axes import COLOURS, axes, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["segment_sizes"]


def segment_sizes(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many customers each segment holds, and what share of the money.

    Parameters
    ----------
    table : DataFrame
        `segment, customers, spend`, one row a segment, in the order to be drawn.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = axes(ax, caller="segment_sizes")
    names = [str(name) for name in table["segment"]]
    colours = [COLOURS.get(name, "#777777") for name in names]
    total = float(table["spend"].sum()) or 1.0
    bars = ax.barh(names, table["customers"], color=colours, height=0.7)
    labels = [
        f" {int(count):,} customers, {spend / total:.0%} of the money"
        for count, spend in zip(table["customers"], table["spend"], strict=True)
    ]
    ax.bar_label(bars, labels, fontsize="small")
    ax.invert_yaxis()
    ax.margins(x=0.45)
    ax.set(title="Who the customers are", xlabel="customers")
    return tidy(ax)
