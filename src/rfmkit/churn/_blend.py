"""Blend: what a model of counts, a curve, a regression and trees say, weighted by the past."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from rfmkit.churn._features import BOUGHT, PLACES, measures
from rfmkit.churn._learners import FREE, Boosting, Hinges
from rfmkit.churn.curve import churn_by_day, strata_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rfmkit.btyd import ModifiedBetaGeo
    from rfmkit.churn.curve import ChurnCurve

    Floats = NDArray[np.float64]

LEARNERS: Final[dict[str, tuple[type[Hinges | Boosting], ...]]] = {
    "logistic": (Hinges,),
    "boosting": (Boosting,),
    "blend": (Hinges, Boosting),
}
TRUST: Final[dict[str, tuple[float, ...]]] = {
    "logistic": (0.5, 0.5),
    "boosting": (0.5, 0.5),
    "blend": (0.3, 0.3, 0.3, 0.1),
}
"""The weights before any past day is known: the curve knows least about a customer."""
PULL: Final = 4.0
"""What a weight off by a whole costs, in log-likelihood: as about a third off is expected."""
PULL_A_ROW: Final = 0.02
"""And what it costs a row, however many there are: rows of one season are no independent witness,
and weights that followed them closely would do worse on the next than a plain mean."""
LEAST: Final = 1e-5
YEAR: Final = 365.25


@dataclass(frozen=True)
class Day:
    """Customers as they stood on one day, and what was known of the shop by then.

    Attributes
    ----------
    day : date
        The day.
    horizon_days : int
        The horizon of the outcome.
    facts : array, a row per customer
        See ``features.FACTS``.
    btyd : ModifiedBetaGeo
        Fitted on what was known by that day.
    curve : ChurnCurve
        Fitted on the same.
    churned : array, a value per customer
        1 for no purchase in the horizon; empty where nobody knows yet.
    """

    day: dt.date
    horizon_days: int
    facts: Floats
    btyd: ModifiedBetaGeo
    curve: ChurnCurve
    churned: Floats = field(default_factory=lambda: np.empty(0))

    def with_facts(self, facts: Floats) -> Day:
        """Return the same day with other customers."""
        return Day(self.day, self.horizon_days, facts, self.btyd, self.curve)

    def btyd_logit(self) -> Floats:
        """Return the logit of churn by the buy-till-you-die model."""
        return logit(btyd_churn(self.btyd, self.facts, self.horizon_days))

    def curve_logit(self) -> Floats:
        """Return the logit of churn by the curve; where it is silent, by the other model."""
        found = curve_churn(self.curve, self.facts, self.horizon_days)
        return np.where(np.isnan(found), self.btyd_logit(), logit(found))

    def trusted(self, *, seasons: bool) -> Floats:
        """Return what the learners start from: the model's logit and, if asked, the season."""
        columns = [self.btyd_logit()]
        if seasons:
            middle = self.day.timetuple().tm_yday + self.horizon_days / 2
            turn = 2 * np.pi * middle / YEAR
            # A season is believed with care: it is penalised as the other columns are.
            columns += [np.full_like(columns[0], wave(turn) / FREE) for wave in (np.sin, np.cos)]
        return np.stack(columns, axis=1)

    def columns(self) -> Floats:
        """Return what the learners add to it."""
        params = self.btyd.params_
        found = measures(self.facts, (params["r"], params["alpha"]))
        return np.stack(list(found.values()), axis=1)


class Blend:
    """Members and their weights; the mean is taken of the logits."""

    def __init__(self, learner: str, *, seasons: bool) -> None:
        self.learner = learner
        self.seasons = seasons
        self.weights: Floats = np.array(TRUST[learner])

    @property
    def names(self) -> list[str]:
        """The members, in the order of the weights."""
        learned = [kind.name for kind in LEARNERS[self.learner]]
        curve = ["ChurnCurve"] if self.learner == "blend" else []
        return ["ModifiedBetaGeo", *learned, *curve]

    def fit(self, days: Sequence[Day], weight: float) -> Self:
        """Fit the members on customers on past days, each row counting so much."""
        trusted = np.vstack([day.trusted(seasons=self.seasons) for day in days])
        columns = np.vstack([day.columns() for day in days])
        churned = np.concatenate([day.churned for day in days])
        # The first member is given the season, not a level: the weights are blind to both.
        level = Hinges().fit(trusted, columns[:, :0], churned, weight)
        self._season = FREE * level.slopes[1:]
        self.members: list[Hinges | Boosting] = [
            kind().fit(trusted, columns, churned, weight) for kind in LEARNERS[self.learner]
        ]
        return self

    def weigh(self, days: Sequence[Day], weight: float) -> Floats:
        """Learn the weights of the members on days on which they were not fitted."""
        logits = [self.logits(day) for day in days]
        self.weights = _weights(logits, [day.churned for day in days], weight, self.weights)
        return self.weights

    def logits(self, day: Day) -> Floats:
        """Return the logits of the members, one row each; the first is the trusted model."""
        trusted, columns = day.trusted(seasons=self.seasons), day.columns()
        season = trusted[:, 1:] @ self._season
        logits = [trusted[:, 0] + season, *(m.logit(trusted, columns) for m in self.members)]
        if self.learner == "blend":
            logits.append(day.curve_logit() + season)
        return np.stack(logits)

    def logit(self, day: Day) -> Floats:
        """Return the logit of churn."""
        return np.asarray(self.weights @ self.logits(day))


def btyd_churn(btyd: ModifiedBetaGeo, facts: Floats, horizon_days: float) -> Floats:
    """Return the probability of churn by a buy-till-you-die model, in days."""
    params = np.array([btyd.params_[name] for name in btyd.names])
    repeats, active, silent = (facts[:, PLACES[name]] for name in BOUGHT)
    with np.errstate(all="ignore"):
        found = btyd.churn(params, repeats, active, active + silent, horizon_days)
    return np.clip(np.nan_to_num(found, nan=1.0), 0, 1)


def curve_churn(curve: ChurnCurve, facts: Floats, horizon_days: int) -> Floats:
    """Return the probability of churn by a curve; not a number where nobody ever returned."""
    by_day = churn_by_day(curve, horizon_days)
    purchases = facts[:, PLACES["repeat_purchases"]] + 1
    first = [first for first, _, _ in strata_of(curve)]
    stratum = np.searchsorted(first, purchases, side="right") - 1
    silent = np.clip(facts[:, PLACES["recency_days"]], 0, by_day.shape[1] - 1).astype(int)
    return np.asarray(by_day[stratum, silent])


def logit(probability: Floats) -> Floats:
    """Return the logit; what is all but certain is taken for one in a hundred thousand."""
    kept = np.clip(probability, LEAST, 1 - LEAST)
    return np.asarray(np.log(kept / (1 - kept)))


def log_loss(logits: Floats, outcome: Floats) -> Floats:
    """Return the logarithmic loss of each row."""
    return np.asarray(np.logaddexp(0, logits) - outcome * logits)


def expit(logits: Floats) -> Floats:
    """Return the probability of a logit."""
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))


def _weights(
    logits: Sequence[Floats], churned: Sequence[Floats], weight: float, trust: Floats
) -> Floats:
    """Find the weights, none negative, that add up to one, of least loss on past days.

    Each day has a level of its own, which is left behind: how lively the shop was in that season
    says nothing of the next one, and must not decide between the members.
    """
    from scipy.optimize import minimize

    members, days = len(trust), len(logits)
    rows = weight * sum(len(known) for known in churned)
    pull = PULL + PULL_A_ROW * rows

    def loss(point: Floats) -> tuple[float, Floats]:
        away = point[:members] - trust
        value, slope = pull * float(away @ away), np.zeros_like(point)
        slope[:members] = 2 * pull * away
        for place, (rows_of, known) in enumerate(zip(logits, churned, strict=True)):
            level = point[:members] @ rows_of + point[members + place]
            excess = expit(level) - known
            value += weight * float(log_loss(level, known).sum())
            slope[:members] += weight * rows_of @ excess
            slope[members + place] = weight * excess.sum()
        return value / rows, slope / rows

    ones = np.r_[np.ones(members), np.zeros(days)]
    found = minimize(
        loss, np.r_[trust, np.zeros(days)], jac=True, method="SLSQP",
        bounds=[(0, 1)] * members + [(-3, 3)] * days,
        constraints=[{"type": "eq", "fun": lambda at: ones @ at - 1, "jac": lambda _: ones}],
        options={"ftol": 1e-10, "maxiter": 200},
    )  # fmt: skip
    kept = np.clip(found.x[:members], 0, 1)
    return np.asarray(kept / kept.sum())
