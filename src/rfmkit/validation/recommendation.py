"""Recommendation: the model of churn to use on a log, with the figures that decided."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from rfmkit.btyd import ModifiedBetaGeo, ParetoNBD
from rfmkit.churn import ChurnCurve, ChurnModel
from rfmkit.exceptions import NotEnoughHistoryError
from rfmkit.validation._baselines import BASELINES, BaseRate
from rfmkit.validation._trial import fresh, named_models
from rfmkit.validation.backtesting import backtest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rfmkit.orders.orders import DateLike, Orders
    from rfmkit.validation.backtesting import Backtest

__all__ = ["Recommendation", "recommend_model"]

FEW: Final = 50
"""With fewer customers that churned, or that came back, a difference of models may be chance."""

# From the simplest on: of tied models the first is recommended.
DEFAULT_MODELS: Final[tuple[Callable[[], Any], ...]] = (
    lambda: ChurnCurve(anchor="snapshot"),
    ModifiedBetaGeo,
    ParetoNBD,
    ChurnModel,
)


class Recommendation(NamedTuple):
    """Result of `recommend_model`: the model to use, the reason, and the backtest behind it.

    Attributes
    ----------
    model : model
        New and not fitted, with the horizon that was asked for.
    reason : str
        The figures that decided.
    backtest : Backtest
        All models and baselines on past days.
    """

    model: Any
    reason: str
    backtest: Backtest

    def __repr__(self) -> str:
        """Return the reason, which names the model, and the next call."""
        return f"<Recommendation: {self.reason} Next: .model.fit(orders)>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.reason)}</p>{self.backtest._repr_html_()}"


def recommend_model(
    orders: Orders,
    horizon_days: int,
    models: Any = None,
    *,
    origins: Sequence[DateLike] | None = None,
    sample: int = 200_000,
) -> Recommendation:
    """Return the model of churn that did best on past days of this log, with the figures.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    horizon_days : int
        The horizon, in days: churn is no purchase in the `horizon_days` from `as_of` on.
    models : sequence of models, or dict of names to models, optional
        From the simplest on. Default: ``ChurnCurve(anchor="snapshot")``, ``ModifiedBetaGeo()``,
        ``ParetoNBD()``, ``ChurnModel()``.
    origins : sequence of dates, optional
        The past days. Default: up to three, as in `backtest`.
    sample : int, default 200,000
        Largest number of customers that are scored.

    Returns
    -------
    Recommendation
        `model`, new and not fitted; `reason`, with the figures; `backtest`. Models whose log-loss
        cannot be distinguished from the best one's are tied: the first of them in `models`, the
        simplest, is recommended.

    Raises
    ------
    NotEnoughHistoryError
        The log is too short for one origin, or for every model.
    RfmkitError
        See `backtest`.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> found = rk.recommend_model(orders, 90, origins=["2024-07-03"])
    >>> print(found.reason)
    ModifiedBetaGeo: log-loss 0.4149 (0.3821 to 0.4496) over 846 outcomes, against 0.6281 of the
    base rate; tied with ChurnModel, and the simplest of them.
    >>> churn = found.model.fit(orders).predict_churn(orders)
    >>> churn[["customer_id", "churn_probability"]].head(3).round(3)
      customer_id  churn_probability
    0     C000001              0.805
    1     C000002              0.947
    2     C000003              0.305
    """
    entrants = named_models([make() for make in DEFAULT_MODELS] if models is None else models)
    result = backtest(orders, entrants, horizon_days=horizon_days, origins=origins, sample=sample)
    rows: dict[str, Any] = {str(row["model"]): row for row in result.pooled.to_dict("records")}
    scored = [name for name in entrants if np.isfinite(rows[name]["log_loss"])]
    if not scored:
        raise NotEnoughHistoryError(
            "At least one model must have enough history on every origin.",
            found="; ".join(f"{name}: {rows[name]['note']}" for name in entrants),
            hint="read a longer log, or pass a shorter horizon_days.",
        )
    tied = [name for name in scored if rows[name]["tie"]]
    chosen = tied[0] if tied else min(scored, key=lambda name: rows[name]["log_loss"])
    return Recommendation(
        fresh(entrants[chosen], horizon_days), _reason(chosen, tied, rows), result
    )


def _reason(chosen: str, tied: Sequence[str], rows: Mapping[str, Any]) -> str:
    """Return the reason with its figures; `rows` are the leaderboard's, the best first."""
    row, best = rows[chosen], next(iter(rows))
    text = f"{chosen}: log-loss {_range(row, 'log_loss')} over {row['customers']:,} outcomes"
    churned = round(row["churn_rate"] * row["customers"])
    few, what = min((churned, "churned"), (row["customers"] - churned, "came back"))
    if few < FEW:
        text += f", uncertain: only {few} of them {what}"
    if np.isfinite(base := rows[BaseRate.name]["log_loss"]):
        text += f", against {base:.4f} of the base rate"
    if not tied:
        return f"{text}; but the baseline {best} does better, by {_range(row, 'behind')}."
    if others := [name for name in tied if name != chosen]:
        text += f"; tied with {', '.join(others)}, and the simplest of them"
    even = [kind.name for kind in BASELINES if rows[kind.name]["tie"] is True]
    if even:
        text += f"; no better than the baseline {' or '.join(even)}"
    following = [name for name in rows if np.isfinite(rows[name]["log_loss"])][1]
    if not others and not even:
        text += f"; the next, {following}, is {_range(rows[following], 'behind')} behind"
    return f"{text}."


def _range(row: Mapping[Any, Any], name: str) -> str:
    return f"{row[name]:.4f} ({row[f'{name}_lower']:.4f} to {row[f'{name}_upper']:.4f})"
