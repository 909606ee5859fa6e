"""The errors and warnings of rfmkit.

Every error text has three parts: what must hold (with must, cannot, needs or expected), what was
found (at most five examples and a count), and, after ``Hint:``, the call that mends it.
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
        What must hold, in one sentence with must, cannot, needs or expected.
    found : str, optional
        What was found instead.
    hint : str, optional
        What the caller can do about it.

    Examples
    --------
    >>> raise RfmkitError("Days must be whole.", found="1.5", hint="round them first.")
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: Days must be whole.
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
    """A column is missing, or two columns could play one role."""


class ColumnsDifferError(OrdersError):
    """The files of one log have different columns."""


class NoCustomerKeyError(ColumnsError):
    """The export has no column that identifies the customer."""


class NotEnoughHistoryError(RfmkitError):
    """The log is too short or too small for this."""


class NotFittedError(RfmkitError, AttributeError):
    """An object was used before it was fitted."""


class MissingExtraError(RfmkitError, ImportError):
    """An optional package is needed and is not installed."""


class RfmkitWarning(UserWarning):
    """Base of every warning that rfmkit gives."""


def warn(message: str, *, hint: str) -> None:
    """Warn, and show the line of the user's own code that led here."""
    depth, frame = 1, inspect.currentframe()
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] == "rfmkit":
        depth, frame = depth + 1, frame.f_back
    warnings.warn(f"{message}\nHint: {hint}", RfmkitWarning, stacklevel=depth)


def examples(
    values: Iterable[object], *, count: int | None = None, most: int = MAX_EXAMPLES
) -> str:
    """Return at most `most` values as text, followed by how many there are in all.

    >>> examples(["a", "b", "c", "d", "e", "f"])
    "'a', 'b', 'c', 'd', 'e', ... (6 in all)"
    """
    listed = list(values)
    total = len(listed) if count is None else count
    shown = ", ".join(repr(value) for value in listed[:most])
    return shown if total <= len(listed[:most]) else f"{shown}, ... ({total:,} in all)"


def kind_in_words(value: object) -> str:
    """Return the kind of a value in words, for what an error found.

    >>> kind_in_words({"a": 1})
    'a dict'
    """
    if value is None:
        return "None"
    kind = type(value)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    library = kind.__module__.partition(".")[0].lstrip("_")
    owner = "" if library in ("builtins", "pathlib", "rfmkit") else f"{library} "
    return with_article(f"{owner}{kind.__name__}")


def with_article(name: str) -> str:
    """Return a name after "a" or "an", as it is spoken: the first letters of RFMScorer one by one.

    >>> with_article("RFMScorer"), with_article("ChurnCurve")
    ('an RFMScorer', 'a ChurnCurve')
    """
    spelled = name[:2].isupper()
    vowels = "AEFHILMNORSX" if spelled else "AEIOUaeiou"
    return f"{'an' if name[:1] in vowels else 'a'} {name}"
