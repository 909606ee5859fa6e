"""Leaderboard: the scores of the models of a trial, with intervals, the best model first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.validation import _metrics as metrics
from rfmkit.validation._baselines import BaseRate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.validation._trial import Trial

    Floats = NDArray[np.float64]

INTERVAL: Final = (0.025, 0.975)
SCORES: Final = (
    "log_loss", "log_loss_lower", "log_loss_upper", "behind", "behind_lower", "behind_upper",
    "tie", "brier", "brier_lower", "brier_upper", "brier_skill", "ece", "calibration_slope",
    "calibration_intercept", "auc", "top_decile_lift", "count_mae",
)  # fmt: skip
REANCHORED: Final = 'asked from the origin on, as with anchor="snapshot"'


def leaderboard(trial: Trial, bins: int, *, reanchored: Collection[str] = ()) -> pd.DataFrame:
    """Return the leaderboard of a trial, the lowest log-loss first.

    `reanchored` are the models whose horizon was moved to the origin: their note says so.
    """
    import pandas as pd

    scored = [name for name, chance in trial.chances.items() if not np.isnan(chance).any()]
    intervals = _intervals(trial, scored)
    reference = np.nan
    if BaseRate.name in scored:
        reference = metrics.brier_score(trial.churned, trial.chances[BaseRate.name])
    rows = []
    for name, chance in trial.chances.items():
        row = {"model": name, "origin": trial.origin, "customers": len(chance)}
        row["churn_rate"] = float(trial.churned.mean())
        if name in scored:
            row |= _scores(trial.churned, chance, bins, reference) | intervals[name]
            count = trial.counts[name]
            row["count_mae"] = float(np.abs(count - trial.purchases).mean())
        notes = (REANCHORED if name in reanchored else "", trial.notes[name])
        rows.append(row | {"note": "; ".join(filter(None, notes))})
    table = pd.DataFrame(rows).reindex(columns=["model", "origin", "customers", "churn_rate",
                                                *SCORES, "note"])  # fmt: skip
    numbers = [name for name in SCORES if name != "tie"]
    table = table.astype(dict.fromkeys(numbers, "float64") | {"tie": "boolean"})
    return table.sort_values("log_loss", kind="stable", ignore_index=True)


def _scores(churned: NDArray[np.bool_], chance: Floats, bins: int, reference: float) -> Any:
    slope, intercept = metrics.calibration_line(churned, chance)
    brier = metrics.brier_score(churned, chance)
    return {
        "log_loss": metrics.log_loss(churned, chance),
        "brier": brier,
        "brier_skill": metrics.skill(brier, reference),
        "ece": metrics.calibration_error(churned, chance, bins=bins),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "auc": metrics.auc(churned, chance),
        "top_decile_lift": metrics.top_decile_lift(churned, chance),
    }


def _intervals(trial: Trial, scored: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the intervals of the losses and of the distance to the best model, by bootstrap."""
    import pandas as pd

    if not scored:
        return {}
    chances = [trial.chances[name] for name in scored]
    logs = np.stack([metrics.log_losses(trial.churned, chance) for chance in chances], axis=1)
    squares = np.stack([metrics.brier_losses(trial.churned, chance) for chance in chances], axis=1)
    # A customer of several origins is one draw: their rows are not independent.
    codes = pd.factorize(trial.customers)[0]
    drawn = metrics.bootstrap_means(np.hstack([logs, squares]), codes)
    log_draws, square_draws = np.hsplit(drawn, 2)
    mean = logs.mean(axis=0)
    best = int(mean.argmin())
    found = {}
    for place, name in enumerate(scored):
        behind = np.quantile(log_draws[:, place] - log_draws[:, best], INTERVAL)
        log_loss = np.quantile(log_draws[:, place], INTERVAL)
        brier = np.quantile(square_draws[:, place], INTERVAL)
        found[name] = {
            "log_loss_lower": log_loss[0], "log_loss_upper": log_loss[1],
            "behind": mean[place] - mean[best], "behind_lower": behind[0],
            "behind_upper": behind[1], "tie": bool(behind[0] <= 0 <= behind[1]),
            "brier_lower": brier[0], "brier_upper": brier[1],
        }  # fmt: skip
    return found
