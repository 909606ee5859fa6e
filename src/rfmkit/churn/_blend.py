"""Blend: the weighted mean of the logits of several models, with weights from past days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from rfmkit.churn._learners import FREE, Boosting, Hinges
from rfmkit.churn._logits import expit, log_loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rfmkit.churn._training_days import TrainingDay

    Floats = NDArray[np.float64]

LEARNERS: Final[dict[str, tuple[type[Hinges | Boosting], ...]]] = {
    "logistic": (Hinges,),
    "boosting": (Boosting,),
    "blend": (Hinges, Boosting),
}
PRIOR_WEIGHTS: Final[dict[str, tuple[float, ...]]] = {
    "logistic": (0.5, 0.5),
    "boosting": (0.5, 0.5),
    "blend": (0.3, 0.3, 0.3, 0.1),
}
"""The weights without any training day. The curve has the fewest facts about a customer."""
PENALTY: Final = 4.0
"""Loss of log-likelihood for a squared distance of 1 from the prior weights."""
PENALTY_PER_ROW: Final = 0.02
"""The same for each row. Rows of one season are not independent: weights that followed them
closely would predict the next season less well than the plain mean."""


class Blend:
    """Models and their weights: the logit of the blend is the weighted mean of their logits.

    Parameters
    ----------
    learner : {"blend", "logistic", "boosting"}
        Which learners are members beside the BTYD model; ``"blend"`` has the curve as well.
    seasons : bool
        Whether the time of year is a column.

    Attributes
    ----------
    weights : array, a value per member
        The weights, in the order of `names`. They add up to one.
    members : list of learners
        The fitted learners.
    """

    def __init__(self, learner: str, *, seasons: bool) -> None:
        self.learner = learner
        self.seasons = seasons
        self.weights: Floats = np.array(PRIOR_WEIGHTS[learner])

    @property
    def names(self) -> list[str]:
        """The members, in the order of the weights."""
        learned = [kind.name for kind in LEARNERS[self.learner]]
        curve = ["ChurnCurve"] if self.learner == "blend" else []
        return ["ModifiedBetaGeo", *learned, *curve]

    def fit(self, days: Sequence[TrainingDay], row_weight: float) -> Self:
        """Fit the learners on the customers of training days, each row with the same weight."""
        base = np.vstack([day.base_columns(seasons=self.seasons) for day in days])
        columns = np.vstack([day.feature_columns() for day in days])
        churned = np.concatenate([day.churned for day in days])
        # Members that are not learned get the effect of the season, but not the level of churn:
        # the weights do not depend on either.
        level = Hinges().fit(base, columns[:, :0], churned, row_weight)
        self._season = FREE * level.slopes[1:]
        self.members: list[Hinges | Boosting] = [
            kind().fit(base, columns, churned, row_weight) for kind in LEARNERS[self.learner]
        ]
        return self

    def learn_weights(self, days: Sequence[TrainingDay], row_weight: float) -> Floats:
        """Return the weights of the members, learned on days on which they were not fitted."""
        logits = [self.logits(day) for day in days]
        churned = [day.churned for day in days]
        self.weights = _least_loss_weights(logits, churned, row_weight, self.weights)
        return self.weights

    def logits(self, day: TrainingDay) -> Floats:
        """Return the logits of churn, a row per member; the first is the BTYD model."""
        base, columns = day.base_columns(seasons=self.seasons), day.feature_columns()
        season = base[:, 1:] @ self._season
        logits = [base[:, 0] + season, *(member.logit(base, columns) for member in self.members)]
        if self.learner == "blend":
            logits.append(day.curve_logit() + season)
        return np.stack(logits)

    def logit(self, day: TrainingDay) -> Floats:
        """Return the logit of churn of each customer."""
        return np.asarray(self.weights @ self.logits(day))


def _least_loss_weights(
    logits: Sequence[Floats], churned: Sequence[Floats], row_weight: float, prior: Floats
) -> Floats:
    """Return the weights of least logarithmic loss: at least zero, with a sum of one.

    A free intercept per day takes up the level of churn of its season. That level says nothing
    about the next season, so it must not decide between the members.
    """
    from scipy.optimize import minimize

    members, days = len(prior), len(logits)
    rows = row_weight * sum(len(known) for known in churned)
    penalty = PENALTY + PENALTY_PER_ROW * rows

    def loss(point: Floats) -> tuple[float, Floats]:
        away = point[:members] - prior
        value, slope = penalty * float(away @ away), np.zeros_like(point)
        slope[:members] = 2 * penalty * away
        for place, (of_day, known) in enumerate(zip(logits, churned, strict=True)):
            level = point[:members] @ of_day + point[members + place]
            excess = expit(level) - known
            value += row_weight * float(log_loss(level, known).sum())
            slope[:members] += row_weight * of_day @ excess
            slope[members + place] = row_weight * excess.sum()
        return value / rows, slope / rows

    ones = np.r_[np.ones(members), np.zeros(days)]
    found = minimize(
        loss, np.r_[prior, np.zeros(days)], jac=True, method="SLSQP",
        bounds=[(0, 1)] * members + [(-3, 3)] * days,
        constraints=[{"type": "eq", "fun": lambda at: ones @ at - 1, "jac": lambda _: ones}],
        options={"ftol": 1e-10, "maxiter": 200},
    )  # fmt: skip
    kept = np.clip(found.x[:members], 0, 1)
    return np.asarray(kept / kept.sum())
