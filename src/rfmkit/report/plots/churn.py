"""Plot of churn: the probability against the days since the last purchase."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from rfmkit.report.plots._axes import LINES, axes, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["churn_curve"]


def churn_curve(
    table: pd.DataFrame, ends: pd.Series[Any], *, title: str, ax: Axes | None = None
) -> Axes:
    """Draw churn against the days since the last purchase, one line per stratum.

    A line is dashed beyond the last day with an observed return, where it is a fitted tail.

    Parameters
    ----------
    table : DataFrame
        One row per stratum and day: `stratum`; `curve_days`, since the last purchase;
        `churn_probability`, `churn_lower` and `churn_upper`, the probability and its interval.
    ends : Series
        The last day with an observed return; the index holds the strata.
    title : str
        Title of the plot: the estimand.
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
    >>> table = pd.DataFrame({
    ...     "stratum": ["1", "1", "1"], "curve_days": [0, 30, 60],
    ...     "churn_probability": [0.3, 0.6, 0.8], "churn_lower": [0.2, 0.5, 0.6],
    ...     "churn_upper": [0.4, 0.7, 0.9],
    ... })
    >>> ends = pd.Series([60], index=["1"])
    >>> ax = churn_curve(table, ends, title="Churn within 90 days", ax=Figure().subplots())
    >>> ax.lines[0].get_xydata()
    array([[ 0. ,  0.3],
           [30. ,  0.6],
           [60. ,  0.8]])
    """
    ax = axes(ax, caller="ChurnCurve.plot")
    # Once every customer has churned the curve is flat: the plot ends there.
    open_days = table.loc[table["churn_probability"] < 1, "curve_days"]
    last = int((open_days if len(open_days) else table["curve_days"]).max())
    for colour, (stratum, line) in zip(
        cycle(LINES), table.groupby("stratum", sort=False), strict=False
    ):
        shown = line[line["curve_days"] <= last]
        observed = shown[shown["curve_days"] <= ends[stratum]]
        beyond = shown[shown["curve_days"] >= ends[stratum]]
        ax.fill_between(
            observed["curve_days"], observed["churn_lower"], observed["churn_upper"],
            color=colour, alpha=0.15, linewidth=0,
        )  # fmt: skip
        label = f"after purchase {stratum}"
        ax.plot(observed["curve_days"], observed["churn_probability"], color=colour, label=label)
        ax.plot(beyond["curve_days"], beyond["churn_probability"], color=colour, linestyle="--")
    ax.set(xlim=(0, last), ylim=(0, 1.02), title=title)
    ax.set(xlabel="days since the last purchase", ylabel="probability of churn")
    ax.legend(frameon=False, fontsize="small", loc="lower right")
    return tidy(ax)
