"""Formats of order logs: names of columns, ways to write cells, and the exports of platforms."""

from rfmkit.formats import _platforms  # the import registers them
from rfmkit.formats._names import ROLES, find_columns
from rfmkit.formats._registry import known, register
from rfmkit.formats._statuses import canonical_statuses
from rfmkit.formats.format import Format, Part

__all__ = ["ROLES", "Format", "Part", "canonical_statuses", "find_columns", "known", "register"]
_ = _platforms
