"""Trials: one past day, every model fitted on what was known then, and what happened after.

Here no model can look ahead: it is given a log that ends on the origin (`Orders.cut`), and outcomes
are joined to its probabilities afterwards.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import inspect
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit._engine import open_frame
from rfmkit.columns import CUSTOMERS
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, RfmkitWarning, examples
from rfmkit.history.snapshots import in_sample, snapshots
from rfmkit.validation import _metrics as metrics
from rfmkit.validation._baselines import BASELINES, BaseRate, as_pandas

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

POOLED: Final = "all"
POINTS: Final = 13
"""How many points the tracking of purchases has at most."""
WEEK: Final = 7
PROTOCOL: Final = ("fit", "predict_churn")
FACTS: Final = tuple(column.name for column in CUSTOMERS if column.name != "categories")
INTERVAL: Final = (0.025, 0.975)
SCORES: Final = (
    "log_loss", "log_loss_lower", "log_loss_upper", "behind", "behind_lower", "behind_upper",
    "tie", "brier", "brier_lower", "brier_upper", "brier_skill", "ece", "calibration_slope",
    "calibration_intercept", "auc", "top_decile_lift", "count_mae",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Trial:
    """What every model foretold on one origin, or on all, and what happened: a value a customer.

    Attributes
    ----------
    origin : str
        The day, or "all".
    customers, churned, purchases : arrays
        Who, whether they churned, and how often they bought.
    chances, counts : dict of str to array
        Probabilities of churn and expected purchases by model; not a number where there are none.
    notes : dict of str to str
        What there is to say of a model.
    fitted : dict of str to model
        The models that could be fitted.
    """

    origin: str
    customers: NDArray[Any]
    churned: NDArray[np.bool_]
    purchases: Floats
    chances: dict[str, Floats]
    counts: dict[str, Floats]
    notes: dict[str, str]
    fitted: dict[str, Any] = dataclasses.field(default_factory=dict)
    seen: pd.DataFrame | None = None


def hold(
    orders: Orders, entrants: Mapping[str, Any], day: dt.date, horizon_days: int, share: float
) -> Trial:
    """Fit every model on the log as of a day, and set what it foretells against what happened."""
    outcomes = snapshots(orders, origins=[day], horizon_days=horizon_days, sample=share)
    seen = as_pandas(outcomes, "customer_id", *FACTS, "purchases_ahead", "churned")
    # Lazy kinds come in any order, and the draws of the intervals follow it.
    seen = seen.sort_values("customer_id", ignore_index=True)
    trial = Trial(
        day.isoformat(), seen["customer_id"].to_numpy(), seen["churned"].to_numpy(dtype=bool),
        seen["purchases_ahead"].to_numpy(dtype=float), {}, {}, {}, {},
        seen[["customer_id", *FACTS]],
    )  # fmt: skip
    past = orders.cut(day)
    for name, model in entrants.items():
        nothing = np.full(len(seen), np.nan)
        trial.chances[name], trial.counts[name] = nothing, nothing
        copied = fresh(model, horizon_days)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RfmkitWarning)
            try:
                copied.fit(past)
                predicted = copied.predict_churn(past, horizon_days=horizon_days)
                trial.chances[name] = _chances(name, predicted, trial, share)
                trial.counts[name] = expected(copied, trial, horizon_days)
                trial.fitted[name] = copied
            except NotEnoughHistoryError as error:
                trial.notes[name] = f"not enough history: {error.must} {error.found}"
        trial.notes.setdefault(name, _note(copied, trial.chances[name], caught))
    return trial


def _chances(name: str, predicted: Any, trial: Trial, share: float) -> Floats:
    """Put a model's probabilities in the order of the customers."""
    import pandas as pd

    opened = open_frame(predicted)
    table = opened.table.select("customer_id", "churn_probability")
    if share < 1:
        table = table.filter(in_sample(table.customer_id, share))
    found = opened.engine.frame(table)
    if found["customer_id"].duplicated().any():
        twice = found.loc[found["customer_id"].duplicated(), "customer_id"].unique()
        raise RfmkitError(
            "A model gives each customer one probability.",
            found=f"{name} gives several to {examples(twice.tolist())}",
        )
    by_customer = found.set_index("customer_id")["churn_probability"].astype("float64")
    chances = by_customer.reindex(pd.Index(trial.customers)).to_numpy(dtype=np.float64)
    wrong = (chances < 0) | (chances > 1)
    if wrong.any():
        raise RfmkitError(
            "Probabilities lie between 0 and 1.",
            found=f"{name} gives {examples(chances[wrong].tolist())}",
        )
    return np.asarray(chances)


def expected(model: Any, trial: Trial, horizon_days: int) -> Floats:
    """Ask a model for the purchases it expects of every customer, where it does so."""
    if not hasattr(model, "predict_purchases"):
        return np.full(len(trial.customers), np.nan)
    # In the order of the frame it is given; which has no outcomes.
    found = model.predict_purchases(trial.seen, horizon_days=horizon_days)
    counts = as_pandas(found, "expected_purchases")["expected_purchases"]
    return np.asarray(counts, dtype=np.float64)


def _note(model: Any, chances: Floats, caught: Sequence[warnings.WarningMessage]) -> str:
    """Say what a model warned of; warnings that are not rfmkit's own go on their way."""
    said = [str(getattr(model, "boundary_", ""))]
    for warning in caught:
        if issubclass(warning.category, RfmkitWarning):
            said.append(str(warning.message).partition("\n")[0])
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    missing = int(np.isnan(chances).sum())
    said.append(f"no probability for {missing:,} customers" if missing else "")
    return "; ".join(dict.fromkeys(filter(None, said)))


def pooled(trials: Sequence[Trial]) -> Trial:
    """Put the origins together; a model that lacks one lacks all."""

    def together(name: str) -> dict[str, Floats]:
        parts = [getattr(trial, name) for trial in trials]
        return {model: np.concatenate([part[model] for part in parts]) for model in parts[0]}

    notes = {
        model: "; ".join(f"{t.origin}: {t.notes[model]}" for t in trials if t.notes[model])
        for model in trials[0].notes
    }
    return Trial(
        POOLED,
        np.concatenate([trial.customers for trial in trials]),
        np.concatenate([trial.churned for trial in trials]),
        np.concatenate([trial.purchases for trial in trials]),
        together("chances"),
        together("counts"),
        notes,
    )


def predictions(trials: Sequence[Trial]) -> pd.DataFrame:
    """Give `origin, customer_id, churned` and the probabilities, a column a model."""
    import pandas as pd

    tables = []
    for trial in trials:
        told = {"origin": trial.origin, "customer_id": trial.customers, "churned": trial.churned}
        tables.append(pd.DataFrame(told | trial.chances))
    return pd.concat(tables, ignore_index=True)


def board(trial: Trial, bins: int) -> pd.DataFrame:
    """Give the leaderboard of a trial, the lowest log-loss first."""
    import pandas as pd

    scored = [name for name, chance in trial.chances.items() if not np.isnan(chance).any()]
    sure = _intervals(trial, scored)
    reference = np.nan
    if BaseRate.name in scored:
        reference = metrics.brier_score(trial.churned, trial.chances[BaseRate.name])
    rows = []
    for name, chance in trial.chances.items():
        row = {"model": name, "origin": trial.origin, "customers": len(chance)}
        row["churn_rate"] = float(trial.churned.mean())
        if name in scored:
            row |= _scores(trial.churned, chance, bins, reference) | sure[name]
            count = trial.counts[name]
            row["count_mae"] = float(np.abs(count - trial.purchases).mean())
        rows.append(row | {"note": trial.notes[name]})
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
    """Draw customers, and give the intervals of the losses and of the distance to the best."""
    import pandas as pd

    if not scored:
        return {}
    chances = [trial.chances[name] for name in scored]
    logs = np.stack([metrics.log_losses(trial.churned, chance) for chance in chances], axis=1)
    squares = np.stack([metrics.brier_losses(trial.churned, chance) for chance in chances], axis=1)
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


def made_later(orders: Orders, trial: Trial, horizon_days: int, share: float) -> pd.DataFrame:
    """Count the purchases of a trial's customers in all, week by week: `days, purchases`."""
    import pandas as pd

    origin = dt.date.fromisoformat(trial.origin)
    past = orders.until(origin)  # kept until the customers are counted
    ahead = orders.history.purchases
    ahead = ahead.filter((ahead.day > origin) & (ahead.day <= origin + dt.timedelta(horizon_days)))
    ahead = ahead.semi_join(past.history.customers, "customer_id")
    if share < 1:
        ahead = ahead.filter(in_sample(ahead.customer_id, share))
    ahead = ahead.select("customer_id", "purchase_number", "day").distinct()
    made = orders.history.engine.frame(ahead.group_by("day").agg(purchases=lambda t: t.count()))
    after = (pd.to_datetime(made["day"]) - pd.Timestamp(origin)).dt.days.to_numpy()
    counts = made["purchases"].to_numpy(dtype="int64")
    step = WEEK * -(-horizon_days // (WEEK * POINTS))
    days = sorted({*range(step, horizon_days + 1, step), horizon_days})
    return pd.DataFrame({"days": days, "purchases": [counts[after <= day].sum() for day in days]})


def track(trial: Trial, made: pd.DataFrame) -> pd.DataFrame:
    """Set what every model expects of a trial's customers in all beside the purchases made."""
    import pandas as pd

    tables = [
        made.assign(
            model=name,
            expected_purchases=[float(expected(model, trial, day).sum()) for day in made["days"]],
        )
        for name, model in trial.fitted.items()
        if hasattr(model, "predict_purchases")
    ]
    found = pd.concat(tables or [made.head(0)], ignore_index=True)
    return found.reindex(columns=["model", "days", "expected_purchases", "purchases"])


# --- what is given to a model --------------------------------------------------------------------


def fresh(model: Any, horizon_days: int) -> Any:
    """Make a model anew from its parameters, without a fit and with the horizon that is asked."""
    from sklearn.base import clone

    parameters = inspect.signature(type(model).__init__).parameters.values()
    named = [p for p in list(parameters)[1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(named) < len(parameters) - 1 or not all(hasattr(model, p.name) for p in named):
        made = copy.deepcopy(model)  # it keeps no parameters by their names
    else:
        values = {p.name: clone(getattr(model, p.name), safe=False) for p in named}
        made = type(model)(**values)
    if hasattr(made, "horizon_days"):
        made.horizon_days = horizon_days
    return made


def _told_by_kind(model: Any, name: str) -> str:
    """Name a model with the law it was made with, of those that have several."""
    kind = getattr(model, "kind", None)
    return f"{name} {kind}" if isinstance(kind, str) else name


def named(models: Any) -> dict[str, Any]:
    """Give every model a name: its class, with a number where a class comes again."""
    if isinstance(models, Mapping):
        found = {str(name): model for name, model in models.items()}
    else:
        listed = list(models) if isinstance(models, Iterable) else [models]
        kinds = [type(model).__name__ for model in listed]
        told = [_told_by_kind(model, kind) for model, kind in zip(listed, kinds, strict=True)]
        found = {}
        for place, (kind, name, model) in enumerate(zip(kinds, told, listed, strict=True)):
            numbered = name if told.count(name) == 1 else f"{name} {told[: place + 1].count(name)}"
            found[kind if kinds.count(kind) == 1 else numbered] = model
    wrong = [
        name for name, model in found.items()
        if isinstance(model, type) or not all(hasattr(model, verb) for verb in PROTOCOL)
    ]  # fmt: skip
    if wrong or not found:
        raise RfmkitError(
            "models is a list of models with fit and predict_churn.",
            found=examples(wrong) if wrong else "none",
            hint='such as [rk.ChurnCurve(anchor="snapshot"), rk.ModifiedBetaGeo()].',
        )
    taken = sorted(set(found) & {kind.name for kind in BASELINES})
    if taken:
        raise RfmkitError("The names of the baselines are taken.", found=examples(taken))
    late = [name for name, m in found.items() if getattr(m, "anchor", "snapshot") != "snapshot"]
    if late:
        raise RfmkitError(
            "Churn is foretold from the origin on.",
            found=f"{examples(late)} with an anchor that is another day",
            hint='rk.ChurnCurve(anchor="snapshot") begins on the day of asking.',
        )
    return found
