"""What arguments must hold: each check gives the value back, or says what was found."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Collection

CENTURY: Final = 36_525


def choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Insist on one of some words.

    >>> choice("lang", "fr", ("en", "zh"))
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: lang is one of 'en', 'zh'.
    Found: lang='fr'
    """
    if value not in list(choices):  # a list compares also what cannot be hashed
        words = ", ".join(map(repr, choices))
        raise RfmkitError(f"{name} is one of {words}.", found=f"{name}={value!r}")


def whole(name: str, value: Any, *, least: int = 1, hint: str = "") -> int:
    """Insist on a whole number.

    >>> whole("horizon_days", 90.5)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: horizon_days is at least 1 and whole.
    Found: horizon_days=90.5
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        must = f"{name} is at least {least} and whole."
        raise RfmkitError(must, found=f"{name}={value!r}", hint=hint)
    return int(value)


def horizon(days: Any) -> int:
    """Insist on a horizon: whole days, up to a hundred years.

    >>> horizon(10**6)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: horizon_days is at most 36,525, a hundred years.
    Found: horizon_days=1000000
    """
    found = whole("horizon_days", days)
    if found > CENTURY:
        must = f"horizon_days is at most {CENTURY:,}, a hundred years."
        raise RfmkitError(must, found=f"horizon_days={days!r}")
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
    """Insist on a number within limits: over `above`, from `least`, under `below`, up to `most`.

    >>> number("confidence", 95, above=0, below=1)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: confidence lies between 0 and 1.
    Found: confidence=95
    """
    real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not real or not (above < value < below and least <= value <= most):
        low, high = max(above, least), min(below, most)
        limits = f"is a number over {low}" if high == inf else f"lies between {low} and {high}"
        raise RfmkitError(f"{name} {limits}.", found=f"{name}={value!r}")
    return float(value)


def text(name: str, value: Any) -> None:
    """Insist on text, or on nothing.

    >>> text("customer", 3)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: customer is text.
    Found: customer=3
    """
    if value is not None and not isinstance(value, str):
        raise RfmkitError(f"{name} is text.", found=f"{name}={value!r}")


def fitted(name: str, value: Any, kind: type, mark: str) -> None:
    """Insist on a fitted object of a kind, or on nothing."""
    from rfmkit.exceptions import NotFittedError

    if value is None:
        return
    if not isinstance(value, kind):
        found = repr(value)
        raise RfmkitError(
            f"{name} is a fitted {kind.__name__}.",
            found=f"{name}={found}" if len(found.splitlines()) == 1 else type(value).__name__,
            hint=f"rk.{kind.__name__}().fit(orders) makes one; left out, it is fitted here.",
        )
    if not hasattr(value, mark):
        raise NotFittedError(
            f"{name} is a fitted {kind.__name__}.",
            found=f"{kind.__name__} without a fit",
            hint=".fit(orders) first, or leave it out to have it fitted on this log.",
        )
