"""The errors and warnings of rfmkit: one tree, one form.

Every message says what must hold, what was found (at most five examples and a count) and, on a
line that begins with ``Hint:``, what to do next.
"""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ColumnsDifferError",
    "ColumnsError",
    "MissingExtraError",
    "NoCustomerKeyError",
    "NotEnoughHistoryError",
    "NotFittedError",
    "OrdersError",
    "RfmkitError",
    "RfmkitWarning",
]

MAX_EXAMPLES = 5


class RfmkitError(ValueError):
    """Base of every error that rfmkit raises on purpose.

    Parameters
    ----------
    must : str
        What must hold.
    found : str, optional
        What was found instead.
    hint : str, optional
        What the caller can do about it.

    Examples
    --------
    >>> raise RfmkitError("Days are whole.", found="1.5", hint="round them first.")
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: Days are whole.
    Found: 1.5
    Hint: round them first.
    """

    def __init__(self, must: str, *, found: str = "", hint: str = "") -> None:
        self.must, self.found, self.hint = must, found, hint
        lines = [must, found and f"Found: {found}", hint and f"Hint: {hint}"]
        super().__init__("\n".join(line for line in lines if line))


class OrdersError(RfmkitError):
    """The order log cannot be read as it is."""


class ColumnsError(OrdersError):
    """A column is missing, or two columns claim one role."""


class ColumnsDifferError(OrdersError):
    """The files of one log have different columns."""


class NoCustomerKeyError(ColumnsError):
    """The export is one that never tells who bought."""


class NotEnoughHistoryError(RfmkitError):
    """The log holds too little to learn from."""


class NotFittedError(RfmkitError, AttributeError):
    """A fitted value was asked of an object that has not been fitted."""


class MissingExtraError(RfmkitError, ImportError):
    """An optional package is needed and not installed."""


class RfmkitWarning(UserWarning):
    """Base of every warning that rfmkit gives."""


def warn(message: str, *, hint: str) -> None:
    """Warn at the line of the caller's own that led here, wherever in rfmkit it is found out."""
    depth, frame = 1, inspect.currentframe()
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] == "rfmkit":
        depth, frame = depth + 1, frame.f_back
    warnings.warn(f"{message}\nHint: {hint}", RfmkitWarning, stacklevel=depth)


def examples(
    values: Iterable[object], *, count: int | None = None, most: int = MAX_EXAMPLES
) -> str:
    """Join at most so many values, five unless told, and say how many there are in all.

    >>> examples(["a", "b", "c", "d", "e", "f"])
    "'a', 'b', 'c', 'd', 'e', ... (6 in all)"
    """
    listed = list(values)
    total = len(listed) if count is None else count
    shown = ", ".join(repr(value) for value in listed[:most])
    return shown if total <= len(listed[:most]) else f"{shown}, ... ({total:,} in all)"
