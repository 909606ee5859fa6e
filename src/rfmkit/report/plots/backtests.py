"""Pictures of backtests: what was predicted beside what happened."""

from __future__ import annotations

from itertools import cycle, product
from typing import TYPE_CHECKING

from rfmkit.report.plots._axes import LINES, axes, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["reliability_curve", "tracking_curve"]


def reliability_curve(table: pd.DataFrame, *, title: str, ax: Axes | None = None) -> Axes:
    """Draw observed shares against probabilities foretold: on the diagonal they agree.

    Parameters
    ----------
    table : DataFrame
        `model, predicted, observed, lower, upper`, one row a bin.
    title : str
        What was foretold.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = axes(ax, caller="Backtest.plot_reliability")
    ax.plot([0, 1], [0, 1], color="#999999", linewidth=1, zorder=0)
    for (dash, colour), (model, bins) in zip(
        cycle(product(("-", "--", ":"), LINES)), table.groupby("model", sort=False), strict=False
    ):
        low, share, high = (bins[name].to_numpy() for name in ("lower", "observed", "upper"))
        ax.errorbar(
            bins["predicted"].to_numpy(), share, yerr=[share - low, high - share],
            color=colour, linestyle=dash, linewidth=1.2, marker="o", markersize=4, elinewidth=0.8,
            label=model,
        )  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(0, 1), title=title)
    ax.set(xlabel="probability of churn foretold", ylabel="share that churned")
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    return tidy(ax)


def tracking_curve(table: pd.DataFrame, *, title: str, ax: Axes | None = None) -> Axes:
    """Draw purchases in all after a day, as made and as each model expected them.

    Parameters
    ----------
    table : DataFrame
        `model, days, expected_purchases, purchases`.
    title : str
        From which day on.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = axes(ax, caller="Backtest.plot_tracking")
    made = table.drop_duplicates("days")
    ax.plot([0, *made["days"]], [0, *made["purchases"]], color="#222222", linewidth=2, label="made")
    for (dash, colour), (model, line) in zip(
        cycle(product(("--", ":", "-."), LINES)), table.groupby("model", sort=False), strict=False
    ):
        days, expected = [0, *line["days"]], [0, *line["expected_purchases"]]
        ax.plot(days, expected, color=colour, linestyle=dash, label=model)
    ax.set(xlim=(0, made["days"].max()), title=title)
    ax.set_ylim(bottom=0)
    ax.set(xlabel="days after it", ylabel="purchases in all")
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    return tidy(ax)
