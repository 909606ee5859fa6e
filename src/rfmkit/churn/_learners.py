"""Learners that start from the logit of a buy-till-you-die model and add features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, Self

import numpy as np

from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KNOTS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
PENALTY: Final = 0.01
FREE: Final = 10.0
"""Factor on the base columns, which makes the ridge penalty on them negligible."""
MIN_LEAF: Final = 120
ROUNDS: Final = 100
SHRINKAGE: Final = 5.0
CONSTANT: Final = 1e-9
SEED: Final = 20_261_122


class Hinges:
    """A logistic regression on hinge functions of each column, with a ridge penalty.

    The base columns are almost free of the penalty. With few rows the result is little more than a
    calibration of them.
    """

    name: ClassVar = "logistic"

    def fit(self, base: Floats, columns: Floats, outcome: Floats, weight: float) -> Self:
        """Fit to rows that all have the same weight."""
        from sklearn.linear_model import LogisticRegression

        self._centre, self._scale = _scales(columns)
        level = (columns - self._centre) / self._scale
        self._low, self._high = level.min(axis=0), level.max(axis=0)
        self._knots = [np.unique(np.quantile(column, KNOTS)) for column in level.T]
        pieces = self._pieces(columns)
        self._middle, self._width = _scales(pieces)
        model = LogisticRegression(C=PENALTY * weight, solver="newton-cholesky", max_iter=200)
        model.fit(self._design(base, columns), outcome)
        self.slopes, self._start = model.coef_[0], float(model.intercept_[0])
        return self

    def logit(self, base: Floats, columns: Floats) -> Floats:
        """Return the logit of each row."""
        return np.asarray(self._design(base, columns) @ self.slopes + self._start)

    def _design(self, base: Floats, columns: Floats) -> Floats:
        pieces = (self._pieces(columns) - self._middle) / self._width
        return np.hstack([pieces, FREE * base])

    def _pieces(self, columns: Floats) -> Floats:
        # Constant beyond the range of the rows, where no slope was observed.
        level = np.clip((columns - self._centre) / self._scale, self._low, self._high)
        bent = [
            np.maximum(column[:, None] - knots, 0)
            for column, knots in zip(level.T, self._knots, strict=True)
        ]
        return np.hstack([level, *bent])


class Boosting:
    """Gradient boosted trees, which find interactions where there are many rows."""

    name: ClassVar = "boosting"

    def fit(self, base: Floats, columns: Floats, outcome: Floats, weight: float) -> Self:
        """Fit to rows that all have the same weight."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(
            max_iter=ROUNDS, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=MIN_LEAF,
            l2_regularization=SHRINKAGE / weight, early_stopping=False, random_state=SEED,
        )  # fmt: skip
        with _pools().limit(limits=1):
            model.fit(np.hstack([base, columns]), outcome)
        self._model: _Scores = model
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return the trees as arrays, the form in which an archive keeps them."""
        model = self._model
        return {"_model": model if isinstance(model, Trees) else Trees.of(model)}

    def logit(self, base: Floats, columns: Floats) -> Floats:
        """Return the logit of each row."""
        with _pools().limit(limits=1, user_api="openmp"):
            return np.asarray(self._model.decision_function(np.hstack([base, columns])))


@cache
def _pools() -> Any:
    """Return the thread pools of the process; found once, since the search takes long.

    More threads than free cores wait for each other and take minutes instead of a second.
    """
    import sklearn.ensemble  # noqa: F401 (only loaded libraries are found)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Scores(Protocol):
    def decision_function(self, rows: Floats, /) -> Floats: ...


@dataclass(frozen=True)
class Trees:
    """Boosted trees as arrays with a value per node, which predict without scikit-learn.

    Attributes
    ----------
    start : float
        The logit before any tree.
    roots : array of int
        The first node of each tree.
    feature, limit : arrays
        The column that a node splits on, and the largest value that goes left.
    left, right : arrays of int
        The next nodes; for a leaf the leaf itself.
    value : array
        The addition of a leaf to the logit.
    """

    start: float
    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    limit: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Floats

    @classmethod
    def of(cls, model: Any) -> Trees:
        """Return the trees of a HistGradientBoostingClassifier, checked to predict the same.

        Raises
        ------
        RfmkitError
            This version of scikit-learn stores its trees in another form.
        """
        import sklearn

        try:
            nodes = [tree.nodes for (tree,) in model._predictors]  # noqa: SLF001 (no public way)
            start = float(model._baseline_prediction[0, 0])  # noqa: SLF001
            made = cls._of_nodes(nodes, start)
            random = np.random.default_rng(SEED)
            rows = random.choice(made.limit[made.left != made.right], (500, model.n_features_in_))
            alike = np.array_equal(made.decision_function(rows), model.decision_function(rows))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            alike = False
        if not alike:
            raise RfmkitError(
                "Saving needs trees in the form of scikit-learn that rfmkit reads.",
                found=f"scikit-learn {sklearn.__version__}, which keeps its trees in another form",
                hint="use learner='logistic', or the scikit-learn that the model was saved with.",
            )
        return made

    @classmethod
    def _of_nodes(cls, nodes: list[Any], start: float) -> Trees:
        roots = np.cumsum([0, *(len(tree) for tree in nodes[:-1])])
        every = np.concatenate(nodes)
        own = np.arange(len(every))
        root = np.repeat(roots, [len(tree) for tree in nodes])
        leaf = every["is_leaf"].astype(bool)
        return cls(
            start, roots, every["feature_idx"].astype("int64"),
            every["num_threshold"].astype(float),
            np.where(leaf, own, root + every["left"]), np.where(leaf, own, root + every["right"]),
            np.where(leaf, every["value"], 0.0),
        )  # fmt: skip

    def decision_function(self, rows: Floats, /) -> Floats:
        """Return the logit of each row."""
        total = np.full(len(rows), self.start)
        every = np.arange(len(rows))
        for root in self.roots:
            at = np.full(len(rows), root)
            while (self.left[at] != at).any():
                goes_left = rows[every, self.feature[at]] <= self.limit[at]
                at = np.where(goes_left, self.left[at], self.right[at])
            total += self.value[at]
        return total


def _scales(columns: Floats) -> tuple[Floats, Floats]:
    spread = columns.std(axis=0)
    return columns.mean(axis=0), np.where(spread > CONSTANT, spread, 1.0)
