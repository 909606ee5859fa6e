"""Training days: the customers of earlier days, with the outcome that is known by now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import ibis
import numpy as np

from rfmkit.btyd import ModifiedBetaGeo
from rfmkit.btyd._beta_geo_process import BetaGeoProcess
from rfmkit.churn._features import BOUGHT, FACTS, PLACES, feature_table, measures
from rfmkit.churn._learners import FREE
from rfmkit.churn._logits import logit
from rfmkit.churn.curve import churn_by_day, curve_of_gaps, strata_of
from rfmkit.orders._history import days_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.churn.curve import ChurnCurve
    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

PER_HORIZON: Final = 4
"""Training days per horizon at most: days that are closer share most of their outcomes."""
MIN_OUTCOMES: Final = 50
"""Customers of each outcome, churned and returned, that one training day must have."""
PROCESS: Final = BetaGeoProcess(at_first=1)
"""The formulas of `ModifiedBetaGeo`."""
DAYS_PER_YEAR: Final = 365.25


@dataclass(frozen=True)
class TrainingDay:
    """The customers of one day, and the models that were fitted on the log up to that day.

    Attributes
    ----------
    day : date
        The day.
    horizon_days : int
        The horizon of the outcome, in days.
    facts : array, a row per customer
        The columns `_features.FACTS`.
    btyd : ModifiedBetaGeo
        Fitted on the log up to the day.
    curve : ChurnCurve
        Fitted on the log up to the day.
    churned : array, a value per customer
        1 for no purchase within the horizon, 0 for a purchase; empty where it is not known yet.
    """

    day: dt.date
    horizon_days: int
    facts: Floats
    btyd: ModifiedBetaGeo
    curve: ChurnCurve
    churned: Floats = field(default_factory=lambda: np.empty(0))

    def with_facts(self, facts: Floats) -> TrainingDay:
        """Return the same day with other customers, and no outcome."""
        return TrainingDay(self.day, self.horizon_days, facts, self.btyd, self.curve)

    def btyd_logit(self) -> Floats:
        """Return the logit of churn by the buy-till-you-die model."""
        return logit(btyd_churn(self.btyd, self.facts, self.horizon_days))

    def curve_logit(self) -> Floats:
        """Return the logit of churn by the curve; where it has none, by the BTYD model."""
        found = curve_churn(self.curve, self.facts, self.horizon_days)
        return np.where(np.isnan(found), self.btyd_logit(), logit(found))

    def base_columns(self, *, seasons: bool) -> Floats:
        """Return the columns that learners start from: the BTYD logit and, if asked, the season.

        The season is the sine and cosine of the time of year in the middle of the horizon. They
        are divided by `FREE`, so that the ridge penalty holds for them as for other columns.
        """
        columns = [self.btyd_logit()]
        if seasons:
            middle = self.day.timetuple().tm_yday + self.horizon_days / 2
            angle = 2 * np.pi * middle / DAYS_PER_YEAR
            columns += [np.full_like(columns[0], wave(angle) / FREE) for wave in (np.sin, np.cos)]
        return np.stack(columns, axis=1)

    def feature_columns(self) -> Floats:
        """Return the columns that learners add to the base columns."""
        params = self.btyd.params_
        found = measures(self.facts, (params["r"], params["alpha"]))
        return np.stack(list(found.values()), axis=1)


@dataclass(frozen=True)
class Plan:
    """The training days, latest first, and the share of the customers to learn from.

    Attributes
    ----------
    days : tuple of date
        The training days.
    step_days : float
        Mean number of days between them.
    log_days : int
        Length of the log, in days.
    share : float
        The share of the customers that is read, 0 to 1.
    """

    days: tuple[dt.date, ...]
    step_days: float
    log_days: int
    share: float


def plan(orders: Orders, horizon_days: int, most: int, sample: int) -> Plan:
    """Return training days spread evenly over a log, at most `most` with `sample` rows in all.

    The latest is the last day whose horizon is complete. The earliest has a quarter of a horizon
    of log before it.
    """
    table = orders.history.purchases
    first_purchases = table.filter(table.purchase_number == 1).group_by("day")
    came = orders.history.engine.frame(
        first_purchases.agg(customers=lambda t: t.customer_id.nunique())
    )
    came = came.sort_values("day", ignore_index=True)
    came_on = came["day"].to_numpy().astype("datetime64[D]")
    first: dt.date = came_on[0].item()
    log_days = (orders.as_of - first).days + 1
    latest = log_days - 1 - horizon_days  # in days since the first purchase, as `least`
    least = max(1, horizon_days // PER_HORIZON)
    if latest < least:
        return Plan((), float(horizon_days), log_days, 1.0)
    step = max(1, round(horizon_days / PER_HORIZON))
    count = (latest - least) // step + 1
    chosen = np.unique(np.round(np.linspace(0, count - 1, min(count, most))).astype(int))
    days = tuple(first + dt.timedelta(days=latest - int(place) * step) for place in chosen)
    apart = step * (chosen[-1] / max(len(chosen) - 1, 1) if len(chosen) > 1 else PER_HORIZON)
    known = [int(came["customers"][came_on <= np.datetime64(day)].sum()) for day in days]
    share = min(1.0, sample / sum(known))
    return Plan(days, float(apart), log_days, share)


def look_back(orders: Orders, plan: Plan, horizon_days: int) -> list[TrainingDay]:
    """Return the sampled customers of each day of a plan, with their outcomes."""
    return [_training_day(orders, day, horizon_days, plan.share) for day in plan.days]


def _training_day(orders: Orders, day: dt.date, horizon_days: int, share: float) -> TrainingDay:
    known = orders.until(day)
    table = feature_table(known, horizon_days=horizon_days, share=share)
    later = orders.history.purchases
    ahead = days_between(ibis.literal(day), later.day)
    back = later.filter((ahead > 0) & (ahead <= horizon_days)).select("customer_id").distinct()
    came = table.customer_id.isin(back.customer_id)
    # Sorted, so that the fit depends neither on the order of rows nor on threads.
    rows = table.mutate(churned=(~came).cast("float64")).order_by("customer_id")
    frame = orders.history.engine.frame(rows)
    churned = frame["churned"].to_numpy(dtype=float)
    models = ModifiedBetaGeo(horizon_days), curve_of(known, horizon_days)
    return TrainingDay(day, horizon_days, facts_of(frame), *models, churned)


def curve_of(orders: Orders, horizon_days: int) -> ChurnCurve:
    """Return the curve of a log, without a warning where it is extrapolated."""
    gaps = orders.history.engine.frame(orders.history.gaps)
    return curve_of_gaps(gaps, horizon_days, anchor="snapshot")


def fit_btyd(days: Sequence[TrainingDay]) -> None:
    """Fit the buy-till-you-die model of each day, on the customers of that day."""
    import pandas as pd

    for day in days:
        repeats, active, silent = (day.facts[:, PLACES[name]] for name in BOUGHT)
        names = ("repeat_purchases", "active_days", "tenure_days")
        table = pd.DataFrame(dict(zip(names, (repeats, active, active + silent), strict=True)))
        with np.errstate(all="ignore"):
            day.btyd.fit(table)


def facts_now(orders: Orders, horizon_days: int, share: float) -> Floats:
    """Return the facts of the sampled customers at the end of `orders.as_of`."""
    table = feature_table(orders, horizon_days=horizon_days, share=share)
    return facts_of(orders.history.engine.frame(table.order_by("customer_id")))


def facts_of(frame: pd.DataFrame) -> Floats:
    """Return the facts in a frame of `feature_table` as one array."""
    return frame[list(FACTS)].to_numpy(dtype=float)


def split(days: Sequence[TrainingDay]) -> tuple[list[TrainingDay], list[TrainingDay]]:
    """Return the latest days, and the earlier days whose outcomes were known when those began.

    The latest quarter is held out, or fewer days where the earlier ones would be none.
    """
    for held in range(max(1, round(len(days) / 4)) if days else 0, 0, -1):
        begins = days[held - 1].day
        early = [day for day in days if day.day + dt.timedelta(days=day.horizon_days) <= begins]
        if early:
            return list(days[:held]), early
    return [], []


def most_outcomes(days: Sequence[TrainingDay]) -> tuple[int, int]:
    """Return the largest numbers of customers that churned, and that returned, on one day."""
    churned = max((int(day.churned.sum()) for day in days), default=0)
    return churned, max((int((1 - day.churned).sum()) for day in days), default=0)


def why_not(days: Sequence[TrainingDay], early: Sequence[TrainingDay], horizon_days: int) -> str:
    """Return why nothing can be learned from the early days; empty where it can."""
    if not early:
        return f"The log is too short to learn and to check a horizon of {horizon_days} days."
    if min(most_outcomes(early)) >= MIN_OUTCOMES:
        return ""
    churned, returned = most_outcomes(days)
    return (
        f"To learn, one early day needs {MIN_OUTCOMES} customers who returned within "
        f"{horizon_days} days and {MIN_OUTCOMES} who did not: at most {returned:,} and "
        f"{churned:,} did."
    )


def training_table(
    days: Sequence[TrainingDay], held: Sequence[TrainingDay], *, learned: bool
) -> pd.DataFrame:
    """Return one row per training day, as `ChurnModel.training_`."""
    import pandas as pd

    roles = ["calibrate" if day in held else "fit" for day in days] if learned else "not used"
    return pd.DataFrame(
        {
            "origin": pd.to_datetime([day.day for day in days]),
            "customers": np.array([len(day.churned) for day in days], dtype="int64"),
            "churn_rate": [
                float(day.churned.mean()) if len(day.churned) else np.nan for day in days
            ],
            "role": roles,
        }
    )


def btyd_churn(btyd: ModifiedBetaGeo, facts: Floats, horizon_days: float) -> Floats:
    """Return the probability of churn by a buy-till-you-die model."""
    params = np.array([btyd.params_[name] for name in PROCESS.names])
    repeats, active, silent = (facts[:, PLACES[name]] for name in BOUGHT)
    with np.errstate(all="ignore"):
        found = PROCESS.churn(params, repeats, active, active + silent, horizon_days)
    return np.clip(np.nan_to_num(found, nan=1.0), 0, 1)


def curve_churn(curve: ChurnCurve, facts: Floats, horizon_days: int) -> Floats:
    """Return the probability of churn by a curve; NaN in strata where nobody ever returned."""
    by_day = churn_by_day(curve, horizon_days)
    purchases = facts[:, PLACES["repeat_purchases"]] + 1
    first = [first for first, _, _ in strata_of(curve)]
    stratum = np.searchsorted(first, purchases, side="right") - 1
    silent = np.clip(facts[:, PLACES["recency_days"]], 0, by_day.shape[1] - 1).astype(int)
    return np.asarray(by_day[stratum, silent])
