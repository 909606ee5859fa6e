"""What order logs look like: how columns are named, how cells are written, what platforms do."""

from rfmkit.formats import platforms as _platforms  # registers them
from rfmkit.formats.format import Format, Part, known, register
from rfmkit.formats.names import ROLES, find_columns
from rfmkit.formats.statuses import canonical_statuses

__all__ = ["ROLES", "Format", "Part", "canonical_statuses", "find_columns", "known", "register"]
_ = _platforms
