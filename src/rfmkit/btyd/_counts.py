"""Counts: customers by repeat purchases, active time and tenure, all that a model is fitted on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._grouping import count_cells, spread
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Params = Floats | Sequence[Any]
    """Parameters of all, or some of them an array with those of each customer."""

NEEDS: Final = ("repeat_purchases", "active_days", "tenure_days")
HINT: Final = "pass the frame that rk.summarize(orders) gives, or the orders themselves."
SAME_DAY: Final = 0.5
"""What a gap of no days is taken for, in days."""


class Coded(NamedTuple):
    """Numbers of which many are equal: what is asked of them is worked out once a value."""

    rows: Floats
    values: Floats
    place: Any

    def of(self, found: Callable[[Floats], Any] | Floats) -> Floats:
        """Return each row what was found of its value, or a function of it."""
        by_value = found(self.values) if callable(found) else found
        return np.asarray(np.asarray(by_value)[self.place])


def dot(one: Any, other: Any) -> Any:
    """Sum products over rows, in this thread: BLAS starts others, whose order of sums may vary."""
    return np.einsum("i,i...->...", one, other)


def coded(rows: Floats) -> Coded:
    """Find the equal ones."""
    values, place = np.unique(rows, return_inverse=True)
    return Coded(rows, values, place.astype("int32"))


def uncoded(rows: Floats) -> Coded:
    """Take them as they are, where they are asked but once."""
    return Coded(rows, rows, ...)


@dataclass(frozen=True)
class Counts:
    """Customers alike are one row: they are as likely as each other.

    Attributes
    ----------
    x, t_x, T : arrays
        Repeat purchases; time of the last and of now since the first, in units of `unit_days`.
    weight : array
        How many customers.
    log_gaps : float or None
        Sum of the logarithms of all ended gaps, in the same unit; None where only the customers
        are known. Between models of different regularity it decides.
    unit_days : float
        Length of the unit, in days.
    z : array, customers alike by covariates, or None
        What more is known of them: see `covariates`.
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
        """The first three, with equal rows found, where nothing else differs between customers."""
        if self.z is not None:
            return uncoded(self.x), uncoded(self.t_x), uncoded(self.T)
        return coded(self.x), coded(self.t_x), coded(self.T)

    @property
    def customers(self) -> float:
        """How many customers there are."""
        return float(self.weight.sum())

    def scaled(self) -> Counts:
        """Measure time in mean tenures, so that no result depends on the unit."""
        scale = float((self.weight * self.T).sum() / self.customers)
        moved = None if self.log_gaps is None else self.log_gaps - self.repeats * np.log(scale)
        return replace(
            self, t_x=self.t_x / scale, T=self.T / scale, log_gaps=moved,
            unit_days=self.unit_days * scale,
        )  # fmt: skip

    @property
    def repeats(self) -> float:
        """How many repeat purchases there are in all."""
        return float((self.weight * self.x).sum())

    def thinned(self, rows: int) -> Counts:
        """Return an even choice of the rows, with the weight of all: rough, and quick."""
        if len(self.x) <= rows:
            return self
        order = np.lexsort((self.T, self.t_x, self.x))
        places, weight = spread(self.weight[order], rows)
        chosen = order[places]
        return replace(
            self, x=self.x[chosen], t_x=self.t_x[chosen], T=self.T[chosen], weight=weight,
            z=None if self.z is None else self.z[chosen],
        )  # fmt: skip


def count_customers(source: Any, *, unit_days: float = 1.0) -> Counts:
    """Count the customers of a log, or of a frame of customers of any kind.

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
    """Count the customers that are alike in some columns more, and give those as well."""
    checks.number("unit_days", unit_days, above=0)
    x, t_x, tenure, *more, weight = count_cells(source, NEEDS, words=words, hint=HINT)
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
