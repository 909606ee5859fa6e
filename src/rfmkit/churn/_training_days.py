"""Past: customers as they stood on earlier days, with the outcome that is known by now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import ibis
import numpy as np

from rfmkit.btyd import ModifiedBetaGeo
from rfmkit.churn._blend import Day
from rfmkit.churn._features import BOUGHT, FACTS, PLACES, feature_table
from rfmkit.churn.curve import curve_of_gaps
from rfmkit.orders._history import days_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.churn.curve import ChurnCurve
    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

PER_HORIZON: Final = 4
"""How many past days a horizon has at most: nearer ones tell the same twice."""


@dataclass(frozen=True)
class Plan:
    """Which past days are looked at, the latest first, and on how many of the customers."""

    days: tuple[dt.date, ...]
    step_days: float
    log_days: int
    share: float


def plan(orders: Orders, horizon_days: int, most: int, sample: int) -> Plan:
    """Spread past days evenly over a log: from the last whose horizon is over to the first."""
    table = orders.history.purchases
    began = table.filter(table.purchase_number == 1).group_by("day")
    came = orders.history.engine.frame(began.agg(customers=lambda t: t.customer_id.nunique()))
    came = came.sort_values("day", ignore_index=True)
    began_on = came["day"].to_numpy().astype("datetime64[D]")
    first: dt.date = began_on[0].item()
    log_days = (orders.as_of - first).days + 1
    latest = log_days - 1 - horizon_days  # days from the first purchase
    least = max(1, horizon_days // PER_HORIZON)  # of history, before anything can be learned
    if latest < least:
        return Plan((), float(horizon_days), log_days, 1.0)
    step = max(1, round(horizon_days / PER_HORIZON))
    count = (latest - least) // step + 1
    chosen = np.unique(np.round(np.linspace(0, count - 1, min(count, most))).astype(int))
    days = tuple(first + dt.timedelta(days=latest - int(place) * step) for place in chosen)
    apart = step * (chosen[-1] / max(len(chosen) - 1, 1) if len(chosen) > 1 else PER_HORIZON)
    known = [int(came["customers"][began_on <= np.datetime64(day)].sum()) for day in days]
    share = min(1.0, sample / sum(known))
    return Plan(days, float(apart), log_days, share)


def look_back(orders: Orders, plan: Plan, horizon_days: int) -> list[Day]:
    """Show the sampled customers on each day of a plan: what was known, and what they did."""
    return [_look(orders, day, horizon_days, plan.share) for day in plan.days]


def _look(orders: Orders, day: dt.date, horizon_days: int, share: float) -> Day:
    known = orders.until(day)
    table, later = (
        feature_table(known, horizon_days=horizon_days, share=share),
        orders.history.purchases,
    )
    ahead = days_between(ibis.literal(day), later.day)
    back = later.filter((ahead > 0) & (ahead <= horizon_days)).select("customer_id").distinct()
    came = table.customer_id.isin(back.customer_id)
    # Sorted, so that what is learned depends neither on the order of rows nor on threads.
    rows = table.mutate(churned=(~came).cast("float64")).order_by("customer_id")
    frame = orders.history.engine.frame(rows)
    churned = frame["churned"].to_numpy(dtype=float)
    models = ModifiedBetaGeo(horizon_days), curve_of(known, horizon_days)
    return Day(day, horizon_days, facts_of(frame), *models, churned)


def curve_of(orders: Orders, horizon_days: int) -> ChurnCurve:
    """Fit the curve of a log as of its day; of its tail nothing is said here."""
    gaps = orders.history.engine.frame(orders.history.gaps)
    return curve_of_gaps(gaps, horizon_days, anchor="snapshot")


def fit_btyd(days: Sequence[Day]) -> None:
    """Fit each day's own buy-till-you-die model, on what was known by then."""
    import pandas as pd

    for day in days:
        repeats, active, silent = (day.facts[:, PLACES[name]] for name in BOUGHT)
        names = ("repeat_purchases", "active_days", "tenure_days")
        table = pd.DataFrame(dict(zip(names, (repeats, active, active + silent), strict=True)))
        with np.errstate(all="ignore"):
            day.btyd.fit(table)


def now(orders: Orders, horizon_days: int, share: float) -> Floats:
    """Return the facts of the sampled customers as they stand."""
    table = feature_table(orders, horizon_days=horizon_days, share=share)
    return facts_of(orders.history.engine.frame(table.order_by("customer_id")))


def facts_of(frame: pd.DataFrame) -> Floats:
    """Return the facts of a frame of features as one array."""
    return frame[list(FACTS)].to_numpy(dtype=float)


def split(days: Sequence[Day]) -> tuple[list[Day], list[Day]]:
    """Hold the last days back; what remains had all its outcomes known when they began."""
    for held in range(max(1, round(len(days) / 4)) if days else 0, 0, -1):
        begins = days[held - 1].day
        early = [day for day in days if day.day + dt.timedelta(days=day.horizon_days) <= begins]
        if early:
            return list(days[:held]), early
    return [], []


def enough(days: Sequence[Day], least: int) -> bool:
    """Whether both outcomes were seen often enough, a customer counting once."""
    if not days:
        return False
    churned = max(float(day.churned.sum()) for day in days)
    back = max(float((1 - day.churned).sum()) for day in days)
    return min(churned, back) >= least
