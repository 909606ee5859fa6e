"""Learners: what past days teach beyond a buy-till-you-die model, on top of what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KNOTS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
PENALTY: Final = 0.01
FREE: Final = 10.0
"""Columns so many times larger are hardly held back by the penalty."""
LEAF: Final = 120
ROUNDS: Final = 100
CONSTANT: Final = 1e-9
SEED: Final = 20_261_122


class Hinges:
    """A logistic regression on straight pieces of each column, shrunk towards what is trusted.

    The trusted columns are free, all others pay a ridge penalty: with few rows what is learned is
    little more than the trusted columns, calibrated.
    """

    name: ClassVar = "logistic"

    def fit(self, trusted: Floats, columns: Floats, outcome: Floats, weight: Floats) -> Self:
        """Learn from rows."""
        from sklearn.linear_model import LogisticRegression

        self._centre, self._scale = _scales(columns)
        level = (columns - self._centre) / self._scale
        self._low, self._high = level.min(axis=0), level.max(axis=0)
        self._knots = [np.unique(np.quantile(column, KNOTS)) for column in level.T]
        pieces = self._pieces(columns)
        self._middle, self._width = _scales(pieces)
        model = LogisticRegression(C=PENALTY, solver="newton-cholesky", max_iter=200)
        model.fit(self._design(trusted, columns), outcome, sample_weight=weight)
        self.slopes, self._start = model.coef_[0], float(model.intercept_[0])
        return self

    def logit(self, trusted: Floats, columns: Floats) -> Floats:
        """Give the logit of each row."""
        return np.asarray(self._design(trusted, columns) @ self.slopes + self._start)

    def _design(self, trusted: Floats, columns: Floats) -> Floats:
        pieces = (self._pieces(columns) - self._middle) / self._width
        return np.hstack([pieces, FREE * trusted])

    def _pieces(self, columns: Floats) -> Floats:
        # Nothing is known of what lies beyond the rows: there the lines are level.
        level = np.clip((columns - self._centre) / self._scale, self._low, self._high)
        bent = [
            np.maximum(column[:, None] - knots, 0)
            for column, knots in zip(level.T, self._knots, strict=True)
        ]
        return np.hstack([level, *bent])


class Boosting:
    """Gradient boosted trees: they find what belongs together, where there are many rows."""

    name: ClassVar = "boosting"

    def fit(self, trusted: Floats, columns: Floats, outcome: Floats, weight: Floats) -> Self:
        """Learn from rows."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        self._model = HistGradientBoostingClassifier(
            max_iter=ROUNDS, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=LEAF,
            l2_regularization=5.0, early_stopping=False, random_state=SEED,
        )  # fmt: skip
        self._model.fit(np.hstack([trusted, columns]), outcome, sample_weight=weight)
        return self

    def logit(self, trusted: Floats, columns: Floats) -> Floats:
        """Give the logit of each row."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="openmp"):
            return np.asarray(self._model.decision_function(np.hstack([trusted, columns])))


def _scales(columns: Floats) -> tuple[Floats, Floats]:
    spread = columns.std(axis=0)
    return columns.mean(axis=0), np.where(spread > CONSTANT, spread, 1.0)
