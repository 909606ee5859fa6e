"""Pictures of churn: the probability against the days of silence."""

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
    """Draw churn against silence, one line a stratum, dashed where the data end.

    Parameters
    ----------
    table : DataFrame
        `stratum, curve_days, churn_probability, churn_lower, churn_upper`.
    ends : Series
        The last day with a return, by stratum.
    title : str
        The estimand.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = axes(ax, caller="ChurnCurve.plot")
    open_days = table.loc[table["churn_probability"] < 1, "curve_days"]
    last = int((open_days if len(open_days) else table["curve_days"]).max())
    for colour, (stratum, line) in zip(
        cycle(LINES), table.groupby("stratum", sort=False), strict=False
    ):
        shown = line[line["curve_days"] <= last]
        known = shown[shown["curve_days"] <= ends[stratum]]
        beyond = shown[shown["curve_days"] >= ends[stratum]]
        ax.fill_between(
            known["curve_days"], known["churn_lower"], known["churn_upper"],
            color=colour, alpha=0.15, linewidth=0,
        )  # fmt: skip
        label = f"after purchase {stratum}"
        ax.plot(known["curve_days"], known["churn_probability"], color=colour, label=label)
        ax.plot(beyond["curve_days"], beyond["churn_probability"], color=colour, linestyle="--")
    ax.set(xlim=(0, last), ylim=(0, 1.02), title=title)
    ax.set(xlabel="days since the last purchase", ylabel="probability of churn")
    ax.legend(frameon=False, fontsize="small", loc="lower right")
    return tidy(ax)
