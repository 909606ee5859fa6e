"""Counts: customers grouped by repeat purchases, active time and tenure, the data of a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._grouping import SAMPLE_ROWS, group_customers, systematic_sample
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Params = Floats | Sequence[Any]
    """Parameters: numbers, or arrays with a value for each customer."""

NEEDS: Final = ("repeat_purchases", "active_days", "tenure_days")
HINT: Final = "pass the frame that rk.summarize(orders) gives, or the orders themselves."
SAME_DAY: Final = 0.5
"""The length of a gap of 0 days, in days: its logarithm must be finite."""


class Coded(NamedTuple):
    """Numbers as distinct values: functions of them are computed once for each value.

    Attributes
    ----------
    rows : float64 array
        The number of each row.
    values : float64 array
        The distinct numbers.
    place : int array or ellipsis
        For each row, the index of its number in `values`.
    """

    rows: Floats
    values: Floats
    place: Any

    def of(self, found: Callable[[Floats], Any] | Floats) -> Floats:
        """Return for each row a function of its number, or its element of an array by value."""
        by_value = found(self.values) if callable(found) else found
        return np.asarray(np.asarray(by_value)[self.place])


def dot(one: Any, other: Any) -> Any:
    """Return the sum of products over rows.

    BLAS would use several threads, and the order of its sums, and so the last digits, may vary.
    """
    return np.einsum("i,i...->...", one, other)


def coded(rows: Floats) -> Coded:
    """Return numbers with their distinct values."""
    values, place = np.unique(rows, return_inverse=True)
    return Coded(rows, values, place.astype("int32"))


def uncoded(rows: Floats) -> Coded:
    """Return numbers without looking for equal ones: faster for a single function of them."""
    return Coded(rows, rows, ...)


@dataclass(frozen=True)
class Counts:
    """Customers grouped by equal statistics: their likelihoods are equal.

    Attributes
    ----------
    x, t_x, T : float64 arrays, one value per group
        Repeat purchases; the time from the first to the last purchase, and from the first purchase
        to the as-of day, in units of `unit_days`.
    weight : float64 array
        The number of customers of each group.
    log_gaps : float or None
        The sum of the logarithms of all ended gaps, in the same unit; None for a frame of
        customers. Likelihoods of different regularity k cannot be compared without it.
    unit_days : float
        The unit of time, in days.
    z : float64 array of shape (groups, columns), or None
        The design of the covariates, centred and scaled: see `covariate_space`.
    """

    x: Floats
    t_x: Floats
    T: Floats
    weight: Floats
    log_gaps: float | None = None
    unit_days: float = 1.0
    z: Floats | None = None

    @cached_property
    def coded(self) -> tuple[Coded, Coded, Coded]:
        """The columns x, t_x, T by distinct values; with covariates by row."""
        if self.z is not None:
            return uncoded(self.x), uncoded(self.t_x), uncoded(self.T)
        return coded(self.x), coded(self.t_x), coded(self.T)

    @property
    def customers(self) -> float:
        """The number of customers."""
        return float(self.weight.sum())

    def scaled(self) -> Counts:
        """Return the same in mean tenures, so that a fit does not depend on the unit of time."""
        scale = float((self.weight * self.T).sum() / self.customers)
        moved = None if self.log_gaps is None else self.log_gaps - self.repeats * np.log(scale)
        return replace(
            self, t_x=self.t_x / scale, T=self.T / scale, log_gaps=moved,
            unit_days=self.unit_days * scale,
        )  # fmt: skip

    @property
    def repeats(self) -> float:
        """The number of repeat purchases of all customers."""
        return float((self.weight * self.x).sum())

    def thinned(self, rows: int = SAMPLE_ROWS) -> Counts:
        """Return a systematic sample of at most `rows` groups, with the total weight of all."""
        if len(self.x) <= rows:
            return self
        order = np.lexsort((self.T, self.t_x, self.x))
        places, weight = systematic_sample(self.weight[order], rows)
        chosen = order[places]
        return replace(
            self, x=self.x[chosen], t_x=self.t_x[chosen], T=self.T[chosen], weight=weight,
            z=None if self.z is None else self.z[chosen],
        )  # fmt: skip


def count_customers(source: Any, *, unit_days: float = 1.0) -> Counts:
    """Return the customers of a log, or of a frame of customers of any kind, grouped.

    Raises
    ------
    ColumnsError
        The frame is not that of ``summarize``.
    NotEnoughHistoryError
        There is no customer, or no time has passed.
    """
    counts, _ = count_with(source, (), unit_days=unit_days)
    return counts


def count_with(
    source: Any, words: Sequence[str], *, unit_days: float
) -> tuple[Counts, list[NDArray[Any]]]:
    """Return customers grouped by more columns, `words`, and the values of those columns."""
    checks.number("unit_days", unit_days, above=0)
    x, t_x, tenure, *more, weight = group_customers(source, NEEDS, words=words, hint=HINT)
    counts = Counts(x, t_x / unit_days, tenure / unit_days, weight, unit_days=unit_days)
    _check(counts)
    if not isinstance(source, Orders):
        return counts, more
    gaps = source.history.engine.frame(source.history.gaps)
    ended = gaps[gaps["returned"]]
    days = np.maximum(ended["gap_days"].to_numpy(dtype=float), SAME_DAY) / unit_days
    log_gaps = float((ended["gaps"].to_numpy(dtype=float) * np.log(days)).sum())
    return replace(counts, log_gaps=log_gaps), more


def _check(counts: Counts) -> None:
    if not len(counts.x):
        raise NotEnoughHistoryError(
            "The fit needs at least one customer.",
            found="no customer",
            hint="see orders.audit for what was set aside and why.",
        )
    values = np.stack([counts.x, counts.t_x, counts.T])
    wrong = (
        ~np.isfinite(values).all(axis=0) | (values < 0).any(axis=0) | (counts.t_x > counts.T)
        | ((counts.x == 0) & (counts.t_x > 0)) | (counts.x != np.floor(counts.x))
    )  # fmt: skip
    if wrong.any():
        first = tuple(float(value) for value in values[:, wrong][:, 0])
        raise RfmkitError(
            "repeat_purchases must be whole, and 0 <= active_days <= tenure_days must hold; both "
            "repeat_purchases and active_days must be 0 together.",
            found=f"{int(counts.weight[wrong].sum()):,} customers, such as {first}",
            hint="pass rk.summarize(orders).",
        )
    if not counts.T.any():
        raise NotEnoughHistoryError(
            "At least one customer must have bought before the last day of the log.",
            found="a log of one day",
            hint="give a longer log.",
        )
