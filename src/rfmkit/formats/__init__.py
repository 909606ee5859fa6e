"""What order logs look like: how columns are named, how cells are written, what platforms do."""

from rfmkit.formats import _platforms  # the import registers them
from rfmkit.formats._names import ROLES, find_columns
from rfmkit.formats._statuses import canonical_statuses
from rfmkit.formats.format import Format, Part, known, register

__all__ = ["ROLES", "Format", "Part", "canonical_statuses", "find_columns", "known", "register"]
_ = _platforms
