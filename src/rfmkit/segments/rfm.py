"""RFMScorer: recency, frequency and money into scores; thresholds learned, ties kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import ibis
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from rfmkit import _checks as checks
from rfmkit._engine import Engine, kind_of, open_frame
from rfmkit.exceptions import RfmkitError
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags

    Floats = NDArray[np.float64]

Method = Literal["quantile", "bands", "mean", "pareto", "kmeans"]
METHODS: Final = ("quantile", "bands", "mean", "pareto", "kmeans")
INPUTS: Final = ("recency_days", "purchases", "spend")
SCORES: Final = ("recency_score", "frequency_score", "monetary_score")
PARETO_TOP: Final = 0.8


class RFMScorer(TransformerMixin, BaseEstimator):
    """Score recency, frequency and money from 1 to n, n best, with thresholds learned in `fit`.

    Equal values always get equal scores, and scores are monotone. Quantile scores reach from 1 to
    n even where 80 % bought once: the values above the ties still spread. The thresholds are
    frozen, so a customer scored next month is measured with the same rule.

    Parameters
    ----------
    n_bins : int, default 5
        Number of scores.
    method : {"quantile", "bands", "mean", "pareto", "kmeans"}, default "quantile"
        ``"quantile"``: equal shares of customers, exact and discrete;
        ``"bands"``: the caller's half-open bands ``[a, b)``, given in `bands`;
        ``"mean"``: two scores, above the mean or not (as China's eight types need);
        ``"pareto"``: from the top, each score takes 80 % of the total that the scores above left
        over (recency, which has no total, by quantile);
        ``"kmeans"``: one-dimensional k-means, deterministic.
    bands : mapping of str to sequence of float, optional
        For ``"bands"``: the inner edges of each column, rising, such as
        ``{"recency_days": [15, 60, 180], "purchases": [2, 4], "spend": [100, 300]}``.
    monetary : {"spend", "mean_purchase_value"}, default "spend"
        What M means.

    Attributes
    ----------
    thresholds_ : DataFrame
        `column, score, from_value, to_value`: values in ``[from_value, to_value)`` get `score`.
    unreachable_ : dict of str to list of int
        Scores that no value of the fitted data can get, since it has too few different values.
    n_features_in_, feature_names_in_ : int, array
        As scikit-learn defines them.

    See Also
    --------
    rfmkit.Lifecycle : segments that use the scores.

    Notes
    -----
    A frame of customers of any kind comes back with three more columns. A plain array is scored
    column by column, the first as recency (less is better), the others more is better.

    Examples
    --------
    >>> import numpy as np
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> scorer = rk.RFMScorer(n_bins=5).fit(orders)
    >>> scores = scorer.transform(orders)
    >>> sorted(scores["frequency_score"].unique().tolist())
    [1, 2, 3, 4, 5]
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
            Where to learn them.
        y : ignored

        Returns
        -------
        RFMScorer
            Itself, fitted.
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

    def transform(self, X: Any) -> Any:
        """Score customers by the learned thresholds.

        Parameters
        ----------
        X : Orders, DataFrame of customers, or array
            Who is scored.

        Returns
        -------
        DataFrame or array
            The customers with `recency_score, frequency_score, monetary_score` (1..n, n best), in
            the input's kind and row order; for an array, an integer array of its shape.
        """
        check_is_fitted(self, "edges_")
        if isinstance(X, Orders) or self._is_customers(X):
            return over_customers(X, lambda table: score_columns(self, table))
        values = self._numbers(X, reset=False)
        scored = [self._score(values[:, place], place) for place in range(values.shape[1])]
        return np.column_stack(scored) if scored else values.astype("int64")

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that scores are integers whatever comes in."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Name what `transform` gives: of customers all columns, of an array ``..._score``."""
        check_is_fitted(self, "edges_")
        if input_features is None and self._columns:
            return np.array([*(name for name in self._columns if name not in SCORES), *SCORES])
        given = self.edges_ if input_features is None else np.asarray(input_features)
        names = [str(name) for name in given]
        if input_features is None and not hasattr(self, "feature_names_in_"):
            names = [f"x{place}" for place in range(self.n_features_in_)]
        return np.array([f"{name}_score" for name in names], dtype=object)

    def _numbers(self, X: Any, **options: Any) -> Floats:
        """Give the array of numbers that scikit-learn sees; a log is none."""
        try:
            values: Floats = validate_data(self, X, dtype="numeric", **options)
        except (TypeError, ValueError) as error:
            if kind_of(X) is None or "convert" not in str(error):
                raise
            raise RfmkitError(
                "Scores are given to customers, or to columns of numbers.",
                found=f"a frame without {', '.join(self._inputs)}, and with text",
                hint="pass the orders that rk.read_orders gives, or rk.summarize(orders).",
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
                "method='bands' goes with bands={column: edges}, and only it.",
                found=f"method={self.method!r}, bands={self.bands!r}",
            )

    def _fit_table(self, table: ir.Table, engine: Engine) -> None:
        names = list(self._inputs)
        columns = table.select(**{name: table[name].cast("float64") for name in names})
        if self.method == "quantile":
            edges = {name: _engine_edges(columns, name, self.n_bins, engine) for name in names}
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
            self._learn(names, [_collected(columns, name, engine) for name in names])
        self.n_features_in_ = len(names)

    def _learn(self, names: Sequence[str], values: Sequence[Floats]) -> None:
        learned = {}
        for place, (name, column) in enumerate(zip(names, values, strict=True)):
            match "quantile" if self.method == "pareto" and place == 0 else self.method:
                case "bands":
                    learned[name] = _band_edges(self.bands or {}, name)
                case "mean":
                    learned[name] = np.array([math.fsum(column) / len(column)])
                case "pareto":
                    learned[name] = _pareto_edges(column, self.n_bins)
                case "kmeans":
                    learned[name] = _kmeans_edges(column, self.n_bins)
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
        # Recency is turned round here and in `score_columns`, and nowhere else: near is good.
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


def quantile_edges(values: Floats, n_bins: int, counts: Floats | None = None) -> Floats:
    """Cut values into bins of equal shares that keep ties together and still reach every bin.

    From below, for each number of bins left: the edge is the smallest value above the exact
    discrete quantile 1 / bins of what is left. Where one value holds more than its share, the
    bins above share the rest; and as many different values stay as there are bins to fill.

    >>> quantile_edges(np.array([1.0] * 8 + [2, 3]), 3)
    array([2., 3.])
    """
    distinct, place = np.unique(values, return_inverse=True)
    held = np.bincount(place, counts).astype(float)
    edges, start = [], 0
    for bins in range(n_bins, 1, -1):
        left = held[start:]
        if len(left) < 2:  # noqa: PLR2004 (one value cannot be cut)
            break
        cut = start + int(np.argmax(left.cumsum() >= np.ceil(left.sum() / bins))) + 1
        start = max(min(cut, len(distinct) - bins + 1), start + 1)
        edges.append(distinct[start])
    return np.array(edges, dtype=float)


def _engine_edges(table: ir.Table, name: str, n_bins: int, engine: Engine) -> Floats:
    """Do the same as `quantile_edges` where the customers live, a few numbers at a time."""
    column = table.filter(table[name].notnull()).select(value=table[name])

    def counted() -> Floats:
        found = engine.frame(column.group_by("value").agg(rows=column.count()))
        return quantile_edges(found["value"].to_numpy(), n_bins, found["rows"].to_numpy())

    if name in INPUTS[:2]:  # whole days and counts: few different values
        return counted()
    edges: list[float] = []
    rows = engine.row(column.aggregate(rows=column.count()))["rows"]
    left = column
    for bins in range(n_bins, 1, -1):
        # Half a row under the rank: no rounding of the share can move it.
        quantile = engine.quantile(left, "value", (-(-rows // bins) - 0.5) / max(rows, 1))
        left = column.filter(column.value > quantile)
        above = engine.row(left.aggregate(edge=left.value.min(), rows=left.count()))
        if above["edge"] is None:
            return counted()  # one value holds nearly all: few different ones are left
        edges.append(above["edge"])
        rows = above["rows"]
    return np.array(edges, dtype=float)


def _collected(table: ir.Table, name: str, engine: Engine) -> Floats:
    column = table.filter(table[name].notnull()).select(name)
    return np.asarray(engine.arrow(column)[name].to_numpy(), dtype=float)


def _band_edges(bands: Mapping[str, Sequence[float]], name: str) -> Floats:
    try:
        edges = np.asarray(bands[name], dtype=float).reshape(-1)
    except (KeyError, TypeError, ValueError):
        edges = np.array([])
    if not len(edges) or np.isnan(edges).any() or (np.diff(edges) <= 0).any():
        raise RfmkitError(
            f"bands[{name!r}] holds rising edges.",
            found=f"bands={bands!r}",
            hint="edges [15, 60] make the bands [.., 15), [15, 60) and [60, ..).",
        )
    return edges


def _pareto_edges(values: Floats, n_bins: int) -> Floats:
    """Cut from the top: each score takes 80 % of the total that is left."""
    distinct, counts = np.unique(values, return_counts=True)
    edges: list[float] = []
    end = len(distinct)
    for _ in range(n_bins - 1):
        if end < 2:  # noqa: PLR2004
            break
        money = (distinct * counts)[:end][::-1].cumsum()
        if money[-1] <= 0:
            break
        end = min(max(end - int(np.argmax(money >= PARETO_TOP * money[-1])) - 1, 1), end - 1)
        edges.append(distinct[end])
    return np.array(sorted(edges), dtype=float)


def _kmeans_edges(values: Floats, n_bins: int) -> Floats:
    """Cut half-way between the centres of one-dimensional k-means on distinct values."""
    from sklearn.cluster import KMeans

    distinct, counts = np.unique(values, return_counts=True)
    bins = min(n_bins, len(distinct))
    if bins < 2:  # noqa: PLR2004
        return np.array([])
    # Started from the quantiles, k-means has no chance in it.
    seeds = np.quantile(distinct, (np.arange(bins) + 0.5) / bins)[:, None]
    fitted = KMeans(bins, init=seeds, n_init=1).fit(distinct[:, None], sample_weight=counts)
    centres = np.unique(fitted.cluster_centers_)
    middles = (centres[1:] + centres[:-1]) / 2
    return np.asarray(distinct[np.searchsorted(distinct, middles, side="left")], dtype=float)


def _is_recency(names: Iterable[str], place: int) -> bool:
    """Tell the column of which less is better: by its name, and without names the first."""
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
