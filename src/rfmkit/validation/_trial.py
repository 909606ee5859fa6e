"""Trials: every model fitted as of one past day, its predictions, and the outcomes after that day.

A model gets a log that ends on the origin (`Orders.cut`), so it cannot use later rows. Outcomes are
joined to its probabilities afterwards.
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
from rfmkit.validation._baselines import BASELINES, as_pandas

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

POOLED: Final = "all"
MOST_POINTS: Final = 13
"""Most points of the tracking of purchases: a quarter, week by week."""
WEEK: Final = 7
PROTOCOL: Final = ("fit", "predict_churn")
ORIGIN_ANCHOR: Final = "snapshot"
FACTS: Final = tuple(column.name for column in CUSTOMERS if column.name != "categories")


@dataclasses.dataclass(frozen=True)
class Trial:
    """Predictions of every model on one origin, or on all, with the outcomes: one per customer.

    Attributes
    ----------
    origin : str
        The day, or "all".
    customers, churned, purchases : arrays
        The customer ids, whether each churned, and the purchases in the horizon.
    chances, counts : dict of str to array
        Probabilities of churn and expected purchases by model; NaN where a model has none.
    notes : dict of str to str
        What a model warned of, or why it has no probabilities.
    fitted : dict of str to model
        The models that could be fitted.
    seen : DataFrame or None
        The customers as they were on the origin, without outcomes.
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


def hold_trial(
    orders: Orders, entrants: Mapping[str, Any], day: dt.date, horizon_days: int, share: float
) -> Trial:
    """Return the trial of a day: every model fitted on the log as of it, beside the outcomes."""
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
                trial.counts[name] = expected_counts(copied, trial, horizon_days)
                trial.fitted[name] = copied
            except NotEnoughHistoryError as error:
                trial.notes[name] = f"not enough history: {error.must} {error.found}"
        trial.notes.setdefault(name, _note(copied, trial.chances[name], caught))
    return trial


def _chances(name: str, predicted: Any, trial: Trial, share: float) -> Floats:
    """Return a model's probabilities in the order of the trial's customers."""
    import pandas as pd

    opened = open_frame(predicted)
    table = opened.table.select("customer_id", "churn_probability")
    if share < 1:
        table = table.filter(in_sample(table.customer_id, share))
    found = opened.engine.frame(table)
    if found["customer_id"].duplicated().any():
        twice = found.loc[found["customer_id"].duplicated(), "customer_id"].unique()
        raise RfmkitError(
            "predict_churn must return one row per customer.",
            found=f"several rows of {name} for {examples(twice.tolist())}",
            hint=f"drop the duplicates of customer_id in the predict_churn of {name}.",
        )
    by_customer = found.set_index("customer_id")["churn_probability"].astype("float64")
    chances = by_customer.reindex(pd.Index(trial.customers)).to_numpy(dtype=np.float64)
    wrong = (chances < 0) | (chances > 1)
    if wrong.any():
        raise RfmkitError(
            "Probabilities of churn must lie between 0 and 1.",
            found=f"{examples(chances[wrong].tolist())} from {name}",
            hint=f"return probabilities, not scores, from the predict_churn of {name}.",
        )
    return np.asarray(chances)


def expected_counts(model: Any, trial: Trial, horizon_days: int) -> Floats:
    """Return the purchases that a model expects of every customer; NaN where it expects none."""
    if not hasattr(model, "predict_purchases"):
        return np.full(len(trial.customers), np.nan)
    # In the order of the frame that it gets, which has no outcomes.
    found = model.predict_purchases(trial.seen, horizon_days=horizon_days)
    counts = as_pandas(found, "expected_purchases")["expected_purchases"]
    return np.asarray(counts, dtype=np.float64)


def _note(model: Any, chances: Floats, caught: Sequence[warnings.WarningMessage]) -> str:
    """Return what a model warned of; warnings of other libraries are issued again."""
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
    """Return all origins as one trial; a model without scores on one origin has none here."""

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
    """Return `origin, customer_id, churned` and the probabilities, one column per model."""
    import pandas as pd

    tables = []
    for trial in trials:
        known = {"origin": trial.origin, "customer_id": trial.customers, "churned": trial.churned}
        tables.append(pd.DataFrame(known | trial.chances))
    return pd.concat(tables, ignore_index=True)


# --- purchases after an origin -------------------------------------------------------------------


def purchases_made(orders: Orders, trial: Trial, horizon_days: int, share: float) -> pd.DataFrame:
    """Return the purchases of all customers of a trial, week by week: `days, purchases`."""
    import pandas as pd

    origin = dt.date.fromisoformat(trial.origin)
    past = orders.until(origin)  # bound to a name: the customers are computed while it lives
    ahead = orders.history.purchases
    ahead = ahead.filter((ahead.day > origin) & (ahead.day <= origin + dt.timedelta(horizon_days)))
    ahead = ahead.semi_join(past.history.customers, "customer_id")
    if share < 1:
        ahead = ahead.filter(in_sample(ahead.customer_id, share))
    ahead = ahead.select("customer_id", "purchase_number", "day").distinct()
    made = orders.history.engine.frame(ahead.group_by("day").agg(purchases=lambda t: t.count()))
    after = (pd.to_datetime(made["day"]) - pd.Timestamp(origin)).dt.days.to_numpy()
    counts = made["purchases"].to_numpy(dtype="int64")
    step = WEEK * -(-horizon_days // (WEEK * MOST_POINTS))
    days = sorted({*range(step, horizon_days + 1, step), horizon_days})
    return pd.DataFrame({"days": days, "purchases": [counts[after <= day].sum() for day in days]})


def tracking_table(trial: Trial, made: pd.DataFrame) -> pd.DataFrame:
    """Return the purchases that every model expects of all customers, beside those made."""
    import pandas as pd

    tables = [
        made.assign(
            model=name,
            expected_purchases=[
                float(expected_counts(model, trial, day).sum()) for day in made["days"]
            ],
        )
        for name, model in trial.fitted.items()
        if hasattr(model, "predict_purchases")
    ]
    found = pd.concat(tables or [made.head(0)], ignore_index=True)
    return found.reindex(columns=["model", "days", "expected_purchases", "purchases"])


# --- the models that take part -------------------------------------------------------------------


def fresh(model: Any, horizon_days: int) -> Any:
    """Return a new, unfitted model with the same parameters, asked from the origin on.

    Its `horizon_days` is the one of the backtest, and its `anchor`, where it has one, "snapshot".
    """
    from sklearn.base import clone

    parameters = inspect.signature(type(model).__init__).parameters.values()
    names = [p for p in list(parameters)[1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(names) < len(parameters) - 1 or not all(hasattr(model, p.name) for p in names):
        made = copy.deepcopy(model)  # its parameters are not attributes of their names
    else:
        values = {p.name: clone(getattr(model, p.name), safe=False) for p in names}
        made = type(model)(**values)
    if hasattr(made, "horizon_days"):
        made.horizon_days = horizon_days
    if is_reanchored(model):
        made.anchor = ORIGIN_ANCHOR
    return made


def is_reanchored(model: Any) -> bool:
    """Whether a model counts its horizon from another day, and takes `anchor` as a parameter."""
    if getattr(model, "anchor", ORIGIN_ANCHOR) == ORIGIN_ANCHOR:
        return False
    return "anchor" in inspect.signature(type(model).__init__).parameters


def _name_with_kind(model: Any, name: str) -> str:
    """Return a model's name with its kind, such as the distribution, where it has several."""
    kind = getattr(model, "kind", None)
    return f"{name} {kind}" if isinstance(kind, str) else name


def named_models(models: Any) -> dict[str, Any]:
    """Return the models by name: the class, with its kind or a number where a class comes again."""
    if isinstance(models, Mapping):
        found = {str(name): model for name, model in models.items()}
    else:
        listed = list(models) if isinstance(models, Iterable) else [models]
        classes = [type(model).__name__ for model in listed]
        names = [_name_with_kind(model, name) for model, name in zip(listed, classes, strict=True)]
        found = {}
        for place, (plain, name, model) in enumerate(zip(classes, names, listed, strict=True)):
            numbered = name
            if names.count(name) > 1:
                numbered = f"{name} {names[: place + 1].count(name)}"
            found[plain if classes.count(plain) == 1 else numbered] = model
    _check_models(found)
    return found


def _check_models(models: Mapping[str, Any]) -> None:
    wrong = [
        f"the class {model.__name__}" if isinstance(model, type) else name
        for name, model in models.items()
        if isinstance(model, type) or not all(hasattr(model, verb) for verb in PROTOCOL)
    ]  # fmt: skip
    if wrong or not models:
        raise RfmkitError(
            "models must be a list of models with fit and predict_churn.",
            found=examples(wrong) if wrong else "none",
            hint="for example [rk.ChurnCurve(), rk.ModifiedBetaGeo()].",
        )
    taken = sorted(set(models) & {kind.name for kind in BASELINES})
    if taken:
        raise RfmkitError(
            "Models need names that no baseline has.",
            found=examples(taken),
            hint=f"rename it, for example {{'my {taken[0]}': model}}.",
        )
    late = [
        name for name, model in models.items()
        if getattr(model, "anchor", ORIGIN_ANCHOR) != ORIGIN_ANCHOR and not is_reanchored(model)
    ]  # fmt: skip
    if late:
        raise RfmkitError(
            'Backtests need anchor="snapshot": the horizon must begin on the origin.',
            found=f"another anchor, which cannot be changed, in {examples(late)}",
            hint="give the model a parameter anchor, or leave it out.",
        )
