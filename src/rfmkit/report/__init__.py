"""Reports: tables as plain text, HTML and plots."""

from rfmkit.report import plots

__all__ = ["plots"]
