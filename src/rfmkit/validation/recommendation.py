"""Recommendation: the model of churn to use on this log, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from rfmkit.btyd import ModifiedBetaGeo, ParetoNBD
from rfmkit.churn import ChurnCurve, ChurnModel
from rfmkit.exceptions import NotEnoughHistoryError
from rfmkit.validation._baselines import BASELINES, BaseRate
from rfmkit.validation._trial import fresh, named
from rfmkit.validation.backtesting import backtest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rfmkit.orders.orders import Day, Orders
    from rfmkit.validation.backtesting import Backtest

FEW: Final = 50
"""So few outcomes of one sort tell models apart by chance."""

__all__ = ["Recommendation", "recommend_model"]

# From the simplest on: of models as good as each other the first is recommended.
DEFAULT_MODELS: Final[tuple[Callable[[], Any], ...]] = (
    lambda: ChurnCurve(anchor="snapshot"),
    ModifiedBetaGeo,
    ParetoNBD,
    ChurnModel,
)


class Recommendation(NamedTuple):
    """The model to use, why, and the backtest that tells."""

    model: Any
    reason: str
    backtest: Backtest

    def __repr__(self) -> str:
        """Give the reason: the model is named in it."""
        return f"<Recommendation: {self.reason}>"


def recommend_model(
    orders: Orders,
    horizon_days: int,
    models: Any = None,
    *,
    origins: Sequence[Day] | None = None,
    sample: int = 200_000,
) -> Recommendation:
    """Find the model of churn that did best on past days of this log.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    horizon_days : int
        The horizon: churn is no purchase in the `horizon_days` from `as_of` on.
    models : sequence of models, or dict of names to models, optional
        From the simplest on. Left out: ``ChurnCurve(anchor="snapshot")``, ``ModifiedBetaGeo()``,
        ``ParetoNBD()``, ``ChurnModel()``.
    origins : sequence of dates, optional
        The past days; left out, up to three, as `backtest` takes them.
    sample : int, default 200,000
        Of more customers so many are scored.

    Returns
    -------
    Recommendation
        `model`, new and not fitted; `reason`, with the figures; `backtest`. Among models whose
        log-loss cannot be told from the best one's the simplest is taken, the first given.

    Raises
    ------
    NotEnoughHistoryError
        The log is too short for one origin, or for every model.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> found = rk.recommend_model(orders, 90, origins=["2024-07-03"])
    >>> model = found.model.fit(orders)
    >>> print(found.reason.split(":")[0])
    ModifiedBetaGeo
    """
    entrants = named([make() for make in DEFAULT_MODELS] if models is None else models)
    result = backtest(orders, entrants, horizon_days=horizon_days, origins=origins, sample=sample)
    rows: dict[str, Any] = {str(row["model"]): row for row in result.pooled.to_dict("records")}
    scored = [name for name in entrants if np.isfinite(rows[name]["log_loss"])]
    if not scored:
        raise NotEnoughHistoryError(
            "One of the models finds enough history on every origin.",
            found="; ".join(f"{name}: {rows[name]['note']}" for name in entrants),
            hint="give a longer log, or ask for a shorter horizon_days.",
        )
    tied = [name for name in scored if rows[name]["tie"]]
    chosen = tied[0] if tied else min(scored, key=lambda name: rows[name]["log_loss"])
    return Recommendation(
        fresh(entrants[chosen], horizon_days), _reason(chosen, tied, rows), result
    )


def _reason(chosen: str, tied: Sequence[str], rows: Mapping[str, Any]) -> str:
    """Say why, with the figures; `rows` are those of the leaderboard, the best first."""
    row, best = rows[chosen], next(iter(rows))
    text = f"{chosen}: log-loss {_range(row, 'log_loss')} over {row['customers']:,} outcomes"
    churned = round(row["churn_rate"] * row["customers"])
    few, what = min((churned, "churned"), (row["customers"] - churned, "came back"))
    if few < FEW:
        text += f", a guess: only {few} of them {what}"
    if np.isfinite(base := rows[BaseRate.name]["log_loss"]):
        text += f", against {base:.4f} of the base rate"
    if not tied:
        return f"{text}; but the baseline {best} does better, by {_range(row, 'behind')}."
    if others := [name for name in tied if name != chosen]:
        text += f"; it cannot be told from {', '.join(others)}, and is the simplest of them"
    even = [kind.name for kind in BASELINES if rows[kind.name]["tie"] is True]
    if even:
        text += f"; no surer than the baseline {' or '.join(even)}"
    following = [name for name in rows if np.isfinite(rows[name]["log_loss"])][1]
    if not others and not even:
        text += f"; the next, {following}, is {_range(rows[following], 'behind')} behind"
    return f"{text}."


def _range(row: Mapping[Any, Any], name: str) -> str:
    return f"{row[name]:.4f} ({row[f'{name}_lower']:.4f} to {row[f'{name}_upper']:.4f})"
