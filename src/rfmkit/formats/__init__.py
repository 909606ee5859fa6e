"""What order logs look like: how columns are named, and how cells are written."""

from rfmkit.formats.names import ROLES, find_columns
from rfmkit.formats.statuses import canonical_statuses

__all__ = ["ROLES", "canonical_statuses", "find_columns"]
