"""Checks of arguments: each returns the value, or raises an error that says what it must be."""

from __future__ import annotations

from difflib import get_close_matches
from math import inf
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.exceptions import NotFittedError, RfmkitError, with_article

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

CENTURY: Final = 36_525
"""Days in a hundred years: the longest horizon."""


def choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Check that an argument is one of a few values.

    >>> choice("refunds", "nett", ("net", "drop_full", "gross"))
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: refunds must be one of 'net', 'drop_full', 'gross'.
    Found: refunds='nett'
    Hint: did you mean refunds='net'?
    """
    listed = list(choices)
    if value not in listed:  # a list also compares values that cannot be hashed
        words = ", ".join(map(repr, listed))
        near = nearest(value, listed)
        hint = f"did you mean {name}={near!r}?" if near else f"for example {name}={listed[0]!r}."
        raise RfmkitError(f"{name} must be one of {words}.", found=f"{name}={value!r}", hint=hint)


def nearest(value: Any, choices: Iterable[Any]) -> str | None:
    """Return the choice that a mistyped name was probably meant to be, or None.

    >>> nearest("horizon_day", ["as_of", "horizon_days"])
    'horizon_days'
    """
    words = [choice for choice in choices if isinstance(choice, str)]
    near = get_close_matches(value, words, n=1) if isinstance(value, str) else []
    return near[0] if near else None


def whole(name: str, value: Any, *, least: int = 1, hint: str = "") -> int:
    """Check that an argument is a whole number of at least `least`.

    >>> whole("horizon_days", 90.5)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: horizon_days must be a whole number of at least 1.
    Found: horizon_days=90.5
    Hint: pass a whole number, for example horizon_days=1.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise RfmkitError(
            f"{name} must be a whole number of at least {least}.",
            found=f"{name}={value!r}",
            hint=hint or f"pass a whole number, for example {name}={least}.",
        )
    return int(value)


def horizon(days: Any) -> int:
    """Check that a horizon is a whole number of days, up to a hundred years.

    >>> horizon(10**6)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: horizon_days must be at most 36,525, a hundred years.
    Found: horizon_days=1000000
    Hint: pass days, for example horizon_days=90.
    """
    hint = "pass days, for example horizon_days=90."
    found = whole("horizon_days", days, hint=hint)
    if found > CENTURY:
        raise RfmkitError(
            f"horizon_days must be at most {CENTURY:,}, a hundred years.",
            found=f"horizon_days={days!r}",
            hint=hint,
        )
    return found


def number(
    name: str,
    value: Any,
    *,
    above: float = -inf,
    least: float = -inf,
    below: float = inf,
    most: float = inf,
) -> float:
    """Check that an argument is a number: over `above`, from `least`, under `below`, to `most`.

    >>> number("confidence", 95, above=0, below=1)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: confidence must be a number between 0 and 1.
    Found: confidence=95
    Hint: pass a number, for example confidence=0.5.
    """
    real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not real or not (above < value < below and least <= value <= most):
        low, high = max(above, least), min(below, most)
        limits = f"over {low}" if high == inf else f"between {low} and {high}"
        example = (low + 1 if high == inf else (low + high) / 2) if low > -inf else 1
        raise RfmkitError(
            f"{name} must be a number {limits}.",
            found=f"{name}={value!r}",
            hint=f"pass a number, for example {name}={example}.",
        )
    return float(value)


def text(name: str, value: Any) -> None:
    """Check that an argument is text or None.

    >>> text("customer", 3)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: customer must be text.
    Found: customer=3
    Hint: put it in quotes: customer='3'.
    """
    if value is not None and not isinstance(value, str):
        plain = isinstance(value, int | float)
        hint = (
            f"put it in quotes: {name}={str(value)!r}." if plain else "pass a str, or leave it out."
        )
        raise RfmkitError(f"{name} must be text.", found=f"{name}={value!r}", hint=hint)


def fitted(name: str, value: Any, kind: type, mark: str) -> None:
    """Check that an argument is a fitted object of a class, or None."""
    if value is None:
        return
    must = f"{name} must be a fitted {kind.__name__}."
    hint = f"{name}=rk.{kind.__name__}().fit(orders), or leave it out: a default one is fitted."
    if not isinstance(value, kind):
        shown = repr(value)
        found = f"{name}={shown}" if len(shown.splitlines()) == 1 else type(value).__name__
        raise RfmkitError(must, found=found, hint=hint)
    if not hasattr(value, mark):
        found = f"{with_article(kind.__name__)} that has not been fitted"
        raise NotFittedError(must, found=found, hint=hint)
