"""Cohorts: the survivors of customers who began together, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit._engine import kind_of, open_frame
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, RfmkitError, examples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEEDS: Final = ("period", "survivors")
MIN_SURVIVORS: Final = 3
"""Counts at the start and after two renewals: fewer do not identify two parameters."""
HINT: Final = (
    "give the number of customers of a cohort at the start and after 1, 2, ... periods: "
    "[1000, 869, 743]; several cohorts as a list of such lists."
)


def read_cohorts(survivors: Any) -> list[Floats]:
    """Return the survivors of each cohort, period by period.

    Raises
    ------
    ColumnsError
        A frame lacks a column, or a period.
    RfmkitError
        Survivors are not whole, or increase.
    NotEnoughHistoryError
        A cohort has no customer, or no cohort has two renewals.
    """
    cohorts = [_survivors_of(cohort) for cohort in _split(survivors)]
    if not any(len(cohort) >= MIN_SURVIVORS for cohort in cohorts):
        raise NotEnoughHistoryError(
            "At least one cohort must have two renewals.",
            found=f"{max(map(len, cohorts)) - 1} at most",
            hint=HINT,
        )
    return cohorts


def _split(survivors: Any) -> list[Any]:
    """Return a list of cohorts, also for a single one."""
    several = isinstance(survivors, list | tuple) and any(
        kind_of(item) is not None or np.ndim(item) for item in survivors
    )
    return list(survivors) if several else [survivors]


def _survivors_of(cohort: Any) -> Floats:
    """Return the survivors of one cohort, period by period."""
    if kind_of(cohort) is not None:
        cohort = _survivors_by_period(cohort)
    try:
        counts = np.asarray(cohort, dtype=float)
    except (TypeError, ValueError) as error:
        raise RfmkitError("Survivors must be numbers.", found=repr(cohort), hint=HINT) from error
    if counts.ndim != 1:
        raise RfmkitError("Survivors must be one row of numbers.", found=repr(cohort), hint=HINT)
    if not counts.any():
        raise NotEnoughHistoryError(
            "A cohort must begin with at least one customer.",
            found=examples(counts.tolist()) or "none",
            hint=HINT,
        )
    wrong = ~np.isfinite(counts) | (counts < 0) | (counts != np.floor(counts))
    if wrong.any():
        raise RfmkitError(
            "Survivors must be counts of customers: whole, and not negative.",
            found=examples(counts[wrong].tolist()),
            hint="pass the numbers of customers, and not percentages.",
        )
    more = np.flatnonzero(np.diff(counts) > 0)
    if more.size:
        at = int(more[0])
        raise RfmkitError(
            "The survivors of a cohort cannot increase.",
            found=f"{counts[at]:.0f} after {at} periods, {counts[at + 1]:.0f} after {at + 1}",
            hint="count only customers who began together, and leave out those who joined later.",
        )
    return counts


def _survivors_by_period(frame: Any) -> list[Any]:
    """Return the survivors of a frame in the order of their periods."""
    opened = open_frame(frame)
    table = opened.table
    missing = [name for name in NEEDS if name not in table.columns]
    if missing:
        raise ColumnsError(
            "A cohort must have the columns period and survivors.",
            found=f"no {examples(missing)} among {examples(table.columns)}",
            hint=HINT,
        )
    rows = opened.engine.frame(table.select(*NEEDS).order_by("period"))
    periods = rows["period"].tolist()
    if periods != list(range(len(periods))):
        raise ColumnsError(
            "The periods of a cohort must be 0, 1, 2, ..., each in one row.",
            found=examples(periods),
            hint="period 0 is the start; several cohorts go into a list of frames.",
        )
    return list(rows["survivors"])
