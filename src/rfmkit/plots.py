"""Pictures of tables: each draws the numbers it is given on Axes, and knows no other noun."""

from __future__ import annotations

from itertools import cycle, product
from typing import TYPE_CHECKING, Any

from rfmkit.exceptions import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with any colour vision, and in print.
COLOURS = {
    "prospect": "#999999",
    "new": "#56B4E9",
    "repeat": "#0072B2",
    "dormant": "#E69F00",
    "fan": "#009E73",
}
LINES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def axes(ax: Axes | None, *, caller: str) -> Axes:
    """Give the axes to draw on: the caller's, or new ones that a notebook shows."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise _missing(caller, error) from error
    return plt.subplots(figsize=(7.0, 4.4), layout="constrained")[1]


def _missing(caller: str, error: ImportError) -> MissingExtraError:
    return MissingExtraError(
        f"{caller} needs matplotlib.", found=str(error), hint='pip install "rfmkit[report]".'
    )


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


def tidy(ax: Axes) -> Axes:
    """Take away the ink that says nothing."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def side_by_side() -> tuple[Figure, tuple[Axes, Axes]]:
    """Give a figure with two axes that no window shows, to be written to a file."""
    try:
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise _missing("A picture", error) from error
    figure = Canvas(figsize=(13, 4.6), layout="constrained")
    return figure, tuple(figure.subplots(1, 2))
