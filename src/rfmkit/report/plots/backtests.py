"""Plots of backtests: predictions against what was observed."""

from __future__ import annotations

from itertools import cycle, product
from typing import TYPE_CHECKING

from rfmkit.report.plots._axes import LINES, axes, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["reliability_curve", "tracking_curve"]


def reliability_curve(table: pd.DataFrame, *, title: str, ax: Axes | None = None) -> Axes:
    """Draw observed shares of churn against predicted probabilities, one line per model.

    On the diagonal they are equal. Bars are the intervals of the observed shares.

    Parameters
    ----------
    table : DataFrame
        One row per model and bin: `model`; `predicted`, the mean predicted probability;
        `observed`, the share of customers that churned; `lower` and `upper`, its interval.
    title : str
        Title of the plot.
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
    >>> bins = pd.DataFrame({
    ...     "model": ["curve", "curve"], "predicted": [0.2, 0.7], "observed": [0.25, 0.8],
    ...     "lower": [0.1, 0.6], "upper": [0.4, 0.9],
    ... })
    >>> ax = reliability_curve(bins, title="Churn within 90 days", ax=Figure().subplots())
    >>> ax.lines[1].get_xydata()
    array([[0.2 , 0.25],
           [0.7 , 0.8 ]])
    """
    ax = axes(ax, caller="Backtest.plot_reliability")
    ax.plot([0, 1], [0, 1], color="#999999", linewidth=1, zorder=0)
    # 18 combinations of dash and colour, so that many models still differ.
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
    ax.set(xlabel="predicted probability of churn", ylabel="share that churned")
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    return tidy(ax)


def tracking_curve(table: pd.DataFrame, *, title: str, ax: Axes | None = None) -> Axes:
    """Draw cumulative purchases after an origin, as observed and as each model expected them.

    Parameters
    ----------
    table : DataFrame
        One row per model and day: `model`; `days`, since the origin; `expected_purchases` and
        `purchases`, both cumulative.
    title : str
        Title of the plot.
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
    ...     "model": ["geo", "geo"], "days": [7, 14], "expected_purchases": [3.5, 6.5],
    ...     "purchases": [4, 7],
    ... })
    >>> ax = tracking_curve(table, title="After 2024-07-03", ax=Figure().subplots())
    >>> ax.lines[1].get_xydata()
    array([[ 0. ,  0. ],
           [ 7. ,  3.5],
           [14. ,  6.5]])
    """
    ax = axes(ax, caller="Backtest.plot_tracking")
    observed = table.drop_duplicates("days")  # the same for every model
    days, purchases = [0, *observed["days"]], [0, *observed["purchases"]]
    ax.plot(days, purchases, color="#222222", linewidth=2, label="observed")
    for (dash, colour), (model, line) in zip(
        cycle(product(("--", ":", "-."), LINES)), table.groupby("model", sort=False), strict=False
    ):
        days, expected = [0, *line["days"]], [0, *line["expected_purchases"]]
        ax.plot(days, expected, color=colour, linestyle=dash, label=model)
    ax.set(xlim=(0, observed["days"].max()), title=title)
    ax.set_ylim(bottom=0)
    ax.set(xlabel="days after the origin", ylabel="cumulative purchases")
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    return tidy(ax)
