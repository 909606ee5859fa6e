"""Edges: the values at which a score begins, by shares, bands, money or clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit._engine import Engine

    Floats = NDArray[np.float64]

COUNTED: Final = ("recency_days", "purchases")
"""Columns of whole numbers, which have few different values: these are counted, not sorted."""
PARETO_TOP: Final = 0.8


def quantile_edges(values: Floats, n_bins: int, counts: Floats | None = None) -> Floats:
    """Return the edges of bins of equal shares that keep ties together and leave no bin empty.

    From below, for each number of bins left: the edge is the smallest value above the exact
    discrete quantile 1 / bins of the values left. Where one value holds more than its share, the
    bins above share the rest. An edge leaves at least one different value for each bin above.

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


def engine_edges(table: ir.Table, name: str, n_bins: int, engine: Engine) -> Floats:
    """Return the edges of `quantile_edges`, computed by the engine without moving the rows."""
    column = table.filter(table[name].notnull()).select(value=table[name])

    def counted() -> Floats:
        found = engine.frame(column.group_by("value").agg(rows=column.count()))
        return quantile_edges(found["value"].to_numpy(), n_bins, found["rows"].to_numpy())

    if name in COUNTED:  # whole days and counts have few different values
        return counted()
    edges: list[float] = []
    rows = engine.row(column.aggregate(rows=column.count()))["rows"]
    left = column
    for bins in range(n_bins, 1, -1):
        # Half a row under the rank: rounding of the share cannot move the quantile to a neighbour.
        quantile = engine.quantile(left, "value", (-(-rows // bins) - 0.5) / max(rows, 1))
        left = column.filter(column.value > quantile)
        above = engine.row(left.aggregate(edge=left.value.min(), rows=left.count()))
        if above["edge"] is None:
            return counted()  # one value holds nearly all rows, so few different values are left
        edges.append(above["edge"])
        rows = above["rows"]
    return np.array(edges, dtype=float)


def collected(table: ir.Table, name: str, engine: Engine) -> Floats:
    column = table.filter(table[name].notnull()).select(name)
    return np.asarray(engine.arrow(column)[name].to_numpy(), dtype=float)


def band_edges(bands: Mapping[str, Sequence[float]], name: str) -> Floats:
    try:
        edges = np.asarray(bands[name], dtype=float).reshape(-1)
    except (KeyError, TypeError, ValueError):
        edges = np.array([])
    if not len(edges) or np.isnan(edges).any() or (np.diff(edges) <= 0).any():
        raise RfmkitError(
            f"bands[{name!r}] must hold rising edges.",
            found=f"bands={bands!r}",
            hint="edges [15, 60] make the bands [.., 15), [15, 60) and [60, ..).",
        )
    return edges


def pareto_edges(values: Floats, n_bins: int) -> Floats:
    """Return the edges by which each score, from the top, takes 80 % of the total left."""
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


def kmeans_edges(values: Floats, n_bins: int) -> Floats:
    """Return the edges half-way between the centres of one-dimensional k-means."""
    from sklearn.cluster import KMeans

    distinct, counts = np.unique(values, return_counts=True)
    bins = min(n_bins, len(distinct))
    if bins < 2:  # noqa: PLR2004
        return np.array([])
    # Seeds at the quantiles make k-means deterministic.
    seeds = np.quantile(distinct, (np.arange(bins) + 0.5) / bins)[:, None]
    fitted = KMeans(bins, init=seeds, n_init=1).fit(distinct[:, None], sample_weight=counts)
    centres = np.unique(fitted.cluster_centers_)
    middles = (centres[1:] + centres[:-1]) / 2
    return np.asarray(distinct[np.searchsorted(distinct, middles, side="left")], dtype=float)
