"""RFMScorer: recency, frequency and money as scores, by thresholds that a fit learns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal, Self, overload

import ibis
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from rfmkit import _checks as checks
from rfmkit._engine import Engine, kind_of, open_frame
from rfmkit.exceptions import RfmkitError, examples
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import Orders
from rfmkit.segments._edges import (
    band_edges,
    collected,
    engine_edges,
    kmeans_edges,
    pareto_edges,
    quantile_edges,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags

    from rfmkit._engine.frame_types import Frame

    Floats = NDArray[np.float64]

Method = Literal["quantile", "bands", "mean", "pareto", "kmeans"]
METHODS: Final = ("quantile", "bands", "mean", "pareto", "kmeans")
INPUTS: Final = ("recency_days", "purchases", "spend")
SCORES: Final = ("recency_score", "frequency_score", "monetary_score")


class RFMScorer(TransformerMixin, BaseEstimator):
    """A rule of scores from 1 to n, n best, for recency, frequency and money.

    Equal values always get equal scores, and scores are monotone. Quantile scores go from 1 to n
    even where 80 % of customers bought once: the larger values are spread over the scores left.
    ``fit`` learns the thresholds and ``transform`` applies them, so a customer scored next month
    is scored by the same rule.

    Parameters
    ----------
    n_bins : int, default 5
        Number of scores.
    method : {"quantile", "bands", "mean", "pareto", "kmeans"}, default "quantile"
        ``"quantile"``: equal shares of customers, exact and discrete;
        ``"bands"``: half-open bands ``[a, b)`` of your own, in `bands`;
        ``"mean"``: two scores, above the mean or not (the eight customer types common in China);
        ``"pareto"``: from the top, each score takes 80 % of the total that the scores above leave
        (recency, which has no total, by quantile);
        ``"kmeans"``: one-dimensional k-means, deterministic.
    bands : mapping of str to sequence of float, optional
        For ``"bands"``: the inner edges of each column, rising, for example
        ``{"recency_days": [15, 60, 180], "purchases": [2, 4], "spend": [100, 300]}``.
    monetary : {"spend", "mean_purchase_value"}, default "spend"
        The column that the monetary score is made of.

    Attributes
    ----------
    thresholds_ : DataFrame
        `column` (str), `score` (int64), `from_value`, `to_value` (float64, in the column's unit):
        values in ``[from_value, to_value)`` get `score`.
    unreachable_ : dict of str to list of int
        Scores that no value of the fitted data gets, because it has too few different values.
    n_features_in_, feature_names_in_ : int, array
        As scikit-learn defines them.

    See Also
    --------
    rfmkit.Lifecycle : segments that use the scores.

    Notes
    -----
    A frame of customers of any kind comes back with three more columns. A plain array is scored
    column by column: in the first, recency, less is better; in the others more is better.

    Examples
    --------
    >>> import numpy as np
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> scorer = rk.RFMScorer(n_bins=3).fit(orders)
    >>> scorer.thresholds_.head(3)
             column  score  from_value  to_value
    0  recency_days      3        -inf      63.0
    1  recency_days      2        63.0     305.0
    2  recency_days      1       305.0       inf
    >>> scores = scorer.transform(orders)
    >>> scores[["customer_id", "recency_score", "frequency_score", "monetary_score"]].head(3)
      customer_id  recency_score  frequency_score  monetary_score
    0     C000001              2                1               1
    1     C000002              2                1               2
    2     C000003              3                3               2
    >>> mostly_once = np.array([[10, 1, 5.0]] * 8 + [[5, 2, 7.0], [1, 9, 50.0]])
    >>> rk.RFMScorer(n_bins=3).fit_transform(mostly_once)[:, 1]
    array([1, 1, 1, 1, 1, 1, 1, 1, 2, 3])
    """

    def __init__(
        self,
        n_bins: int = 5,
        *,
        method: Method = "quantile",
        bands: Mapping[str, Sequence[float]] | None = None,
        monetary: Literal["spend", "mean_purchase_value"] = "spend",
    ) -> None:
        self.n_bins = n_bins
        self.method = method
        self.bands = bands
        self.monetary = monetary

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 (scikit-learn's names)
        """Learn the thresholds.

        Parameters
        ----------
        X : Orders, DataFrame of customers, or array of shape (n_samples, n_features)
            The data to learn from.
        y : ignored
            Here for pipelines of scikit-learn.

        Returns
        -------
        RFMScorer
            Itself, fitted.

        Raises
        ------
        RfmkitError
            An argument is wrong, or `X` holds text.
        """
        self._check()
        self._columns: tuple[str, ...] = ()
        if isinstance(X, Orders):
            self._fit_table(X.history.customers, X.history.engine)
        elif self._is_customers(X):
            opened = open_frame(X)
            self._fit_table(opened.table, opened.engine)
            self._columns = tuple(opened.table.columns)
        else:
            values = self._numbers(X, ensure_min_samples=1)
            names = [
                str(name) for name in getattr(self, "feature_names_in_", range(values.shape[1]))
            ]
            self._learn(names, [values[:, place] for place in range(values.shape[1])])
        return self

    @overload
    def transform(self, X: Orders[Frame]) -> Frame: ...

    @overload
    def transform(self, X: Sequence[Sequence[float]]) -> NDArray[np.int64]: ...

    @overload
    def transform(self, X: Frame) -> Frame: ...

    def transform(self, X: Any) -> Any:
        """Return customers with their scores.

        Parameters
        ----------
        X : Orders, DataFrame of customers, or array
            The customers to score.

        Returns
        -------
        DataFrame or array
            The customers with `recency_score`, `frequency_score`, `monetary_score` (int64, 1 to n,
            n best), in the input's kind and row order. For an array, an int64 array of its shape.

        Raises
        ------
        NotFittedError
            It has not been fitted (scikit-learn's own error).

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> early = rk.RFMScorer(n_bins=3).fit(orders.until("2023-12-31"))
        >>> scores = early.transform(rk.summarize(orders))
        >>> scores.groupby("frequency_score")["purchases"].agg(["min", "max", "count"])
                         min  max  count
        frequency_score
        1                  1    1    409
        2                  2    3    319
        3                  4   48    412
        """
        check_is_fitted(self, "edges_")
        if isinstance(X, Orders) or self._is_customers(X):
            return over_customers(X, lambda table: score_columns(self, table))
        values = self._numbers(X, reset=False)
        scored = [self._score(values[:, place], place) for place in range(values.shape[1])]
        return np.column_stack(scored) if scored else values.astype("int64")

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: scores are integers, whatever the input's dtype."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Return the names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : array_like of str, optional
            Names of the columns of an array. Default: those that were fitted.

        Returns
        -------
        ndarray of str
            For customers all columns of the table; for an array ``..._score`` of each column.

        Raises
        ------
        NotFittedError
            The scorer has not been fitted.

        Examples
        --------
        >>> import rfmkit as rk
        >>> rk.RFMScorer().fit([[1.0], [2.0], [3.0]]).get_feature_names_out(["visits"])
        array(['visits_score'], dtype=object)
        """
        check_is_fitted(self, "edges_")
        if input_features is None and self._columns:
            return np.array([*(name for name in self._columns if name not in SCORES), *SCORES])
        given = self.edges_ if input_features is None else np.asarray(input_features)
        names = [str(name) for name in given]
        if input_features is None and not hasattr(self, "feature_names_in_"):
            names = [f"x{place}" for place in range(self.n_features_in_)]
        return np.array([f"{name}_score" for name in names], dtype=object)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:  # noqa: N803 (scikit-learn's)
        """Return the method, the number of scores, and the next call."""
        what = f"{self.n_bins} scores by {self.method}"
        if not hasattr(self, "edges_"):
            return f"<RFMScorer: {what}; not fitted. Next: .fit(orders)>"
        missing = ", ".join(f"{name} {scores}" for name, scores in self.unreachable_.items())
        missing = f"; no customer can get {missing}" if missing else ""
        return f"<RFMScorer: {what} of {', '.join(self.edges_)}{missing}. Next: .transform(orders)>"

    def _numbers(self, X: Any, **options: Any) -> Floats:
        """Return the array of numbers that scikit-learn sees; a log is none."""
        try:
            values: Floats = validate_data(self, X, dtype="numeric", **options)
        except (TypeError, ValueError) as error:
            if kind_of(X) is None or "convert" not in str(error):
                raise
            raise RfmkitError(
                f"A frame of customers needs customer_id, {', '.join(self._inputs)}; any other "
                "frame must hold numbers only.",
                found=f"text in a frame with columns {examples(X.columns)}",
                hint="pass the orders that rk.read_orders returns, or rk.summarize(orders).",
            ) from error
        return values

    @property
    def _inputs(self) -> tuple[str, str, str]:
        return (*INPUTS[:2], self.monetary)

    def _is_customers(self, source: Any) -> bool:
        if hasattr(source, "collect_schema"):  # a lazy frame counts what its columns cost
            return {"customer_id", *self._inputs} <= set(source.collect_schema().names())
        columns = getattr(source, "columns", None)
        names = getattr(source, "column_names", columns) if columns is not None else None
        return names is not None and {"customer_id", *self._inputs} <= {str(name) for name in names}

    def _check(self) -> None:
        checks.choice("method", self.method, METHODS)
        checks.choice("monetary", self.monetary, ("spend", "mean_purchase_value"))
        checks.whole("n_bins", self.n_bins, least=2)
        if (self.method == "bands") != (self.bands is not None):
            raise RfmkitError(
                "method='bands' needs bands={column: edges}, and no other method takes bands.",
                found=f"method={self.method!r}, bands={self.bands!r}",
                hint="for example RFMScorer(method='bands', bands={'recency_days': [30, 90], "
                "'purchases': [2, 4], 'spend': [100, 300]}).",
            )

    def _fit_table(self, table: ir.Table, engine: Engine) -> None:
        names = list(self._inputs)
        columns = table.select(**{name: table[name].cast("float64") for name in names})
        if self.method == "quantile":
            edges = {name: engine_edges(columns, name, self.n_bins, engine) for name in names}
            self._keep(edges, self._unreachable_counts(edges))
        elif self.method == "mean":
            # Exact sums: a mean of doubles would depend on the order of the rows.
            sums = {name: columns[name].cast("decimal(38, 6)").sum() for name in names}
            counts = {f"{name}_there": columns[name].count() for name in names}
            found = engine.row(columns.aggregate(**sums, **counts))
            means = {
                name: np.array([float(found[name] / found[f"{name}_there"])])
                if found[f"{name}_there"]
                else np.array([])
                for name in names
            }
            self._keep(means, {})
        elif self.method == "bands":
            self._learn(names, [np.array([]) for _ in names])
        else:
            self._learn(names, [collected(columns, name, engine) for name in names])
        self.n_features_in_ = len(names)

    def _learn(self, names: Sequence[str], values: Sequence[Floats]) -> None:
        learned = {}
        for place, (name, column) in enumerate(zip(names, values, strict=True)):
            match "quantile" if self.method == "pareto" and place == 0 else self.method:
                case "bands":
                    learned[name] = band_edges(self.bands or {}, name)
                case "mean":
                    learned[name] = np.array([math.fsum(column) / len(column)])
                case "pareto":
                    learned[name] = pareto_edges(column, self.n_bins)
                case "kmeans":
                    learned[name] = kmeans_edges(column, self.n_bins)
                case _:
                    learned[name] = quantile_edges(column, self.n_bins)
        self._keep(learned, self._unreachable_counts(learned))

    def _unreachable_counts(self, edges: Mapping[str, Floats]) -> dict[str, list[int]]:
        if self.method in ("bands", "mean"):
            return {}
        top = self.n_bins
        return {
            name: list(range(len(found) + 2, top + 1))
            for name, found in edges.items()
            if len(found) + 1 < top
        }

    def _keep(self, edges: dict[str, Floats], unreachable: dict[str, list[int]]) -> None:
        self.edges_ = edges
        self.unreachable_ = unreachable
        self.thresholds_ = _thresholds(edges)

    def _score(self, column: Floats, place: int) -> NDArray[np.int64]:
        edges = list(self.edges_.values())[place]
        above = np.searchsorted(edges, column, side="right")
        # Recency is reversed here and in `score_columns`: a short silence is best.
        return (len(edges) - above if _is_recency(self.edges_, place) else above) + 1


def score_columns(scorer: RFMScorer, table: ir.Table) -> ir.Table:
    """Return a table of customers with the three scores of a fitted scorer."""
    scored = {}
    inputs = (*INPUTS[:2], scorer.monetary)
    for place, (name, score) in enumerate(zip(inputs, SCORES, strict=True)):
        value, edges = table[name].cast("float64"), list(scorer.edges_.values())[place]
        above = sum(((value >= edge).cast("int64") for edge in edges), ibis.literal(0, "int64"))
        points = len(edges) - above if place == 0 else above
        scored[score] = value.isnull().ifelse(ibis.null("int64"), points + 1)
    return table.mutate(**scored)


def _is_recency(names: Iterable[str], place: int) -> bool:
    """Whether less is better in a column: in recency_days, or else in the first column."""
    listed = list(names)
    return listed[place] == INPUTS[0] if INPUTS[0] in listed else place == 0


def _thresholds(edges: Mapping[str, Floats]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for place, (name, inner) in enumerate(edges.items()):
        bounds = [-np.inf, *inner, np.inf]
        scores = range(1, len(inner) + 2)
        for score, low, high in zip(
            reversed(scores) if _is_recency(edges, place) else scores,
            bounds[:-1],
            bounds[1:],
            strict=True,
        ):
            rows.append({"column": name, "score": score, "from_value": low, "to_value": high})
    return pd.DataFrame(rows)
