"""Tables in, text, HTML and pictures out."""

from rfmkit.report import plots

__all__ = ["plots"]
