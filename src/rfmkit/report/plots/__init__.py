"""Plots of tables: each function draws a table on Matplotlib Axes and returns the Axes."""

from rfmkit.report.plots._axes import COLOURS, LINES, side_by_side, tidy
from rfmkit.report.plots.backtests import reliability_curve, tracking_curve
from rfmkit.report.plots.churn import churn_curve
from rfmkit.report.plots.segments import segment_sizes

__all__ = [
    "COLOURS",
    "LINES",
    "churn_curve",
    "reliability_curve",
    "segment_sizes",
    "side_by_side",
    "tidy",
    "tracking_curve",
]
