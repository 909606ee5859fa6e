"""Plot of segments: customers and money of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rfmkit.report.plots._axes import COLOURS, axes, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["segment_sizes"]


def segment_sizes(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the number of customers of each segment, with its share of the money as a label.

    Parameters
    ----------
    table : DataFrame
        One row per segment, in the order to be drawn: `segment`, `customers` and `spend`.
    ax : Axes, optional
        Axes to draw on; new ones by default.

    Returns
    -------
    Axes
        The axes that were drawn on.

    Raises
    ------
    MissingExtraError
        Matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> sizes = pd.DataFrame({"segment": ["new", "fan"], "customers": [75, 25], "spend": [1, 3]})
    >>> ax = segment_sizes(sizes, ax=Figure().subplots())
    >>> [text.get_text().strip() for text in ax.texts]
    ['75 customers, 25% of the money', '25 customers, 75% of the money']
    """
    ax = axes(ax, caller="segment_sizes")
    names = [str(name) for name in table["segment"]]
    colours = [COLOURS.get(name, "#777777") for name in names]
    total = float(table["spend"].sum()) or 1.0  # a log without money
    bars = ax.barh(names, table["customers"], color=colours, height=0.7)
    labels = [
        f" {int(count):,} customers, {spend / total:.0%} of the money"
        for count, spend in zip(table["customers"], table["spend"], strict=True)
    ]
    ax.bar_label(bars, labels, fontsize="small")
    ax.invert_yaxis()
    ax.margins(x=0.45)
    ax.set(title="Customers by segment", xlabel="customers")
    return tidy(ax)
