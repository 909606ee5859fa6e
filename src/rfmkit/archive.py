"""Archive: fitted models as files of JSON, which people and later versions can read.

A file holds the arguments of a model, what it learned, and the version of rfmkit that wrote it. It
holds no code that would run when it is read, and no customer.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import os
import tempfile
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from rfmkit.exceptions import NotFittedError, RfmkitError, kind_in_words, with_article

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["load_model", "save_model"]

SCHEMA: Final = 1
"""Version of the form of the files. Raise it when a change makes older files unreadable."""
MODELS: Final = {
    "ParetoNBD": "rfmkit.btyd",
    "BetaGeo": "rfmkit.btyd",
    "ModifiedBetaGeo": "rfmkit.btyd",
    "BetaGeoCNBD": "rfmkit.btyd",
    "ModifiedBetaGeoCNBD": "rfmkit.btyd",
    "BetaGeoBetaBinomial": "rfmkit.btyd",
    "ShiftedBetaGeometric": "rfmkit.btyd",
    "GammaGamma": "rfmkit.btyd",
    "ChurnCurve": "rfmkit.churn",
    "ChurnModel": "rfmkit.churn",
    "GapRegression": "rfmkit.churn",
    "PurchaseCycle": "rfmkit.cycle",
    "RFMScorer": "rfmkit.segments.rfm",
    "Lifecycle": "rfmkit.segments.lifecycle",
}
"""Public models, and the modules that they are in today."""
PARTS: Final = {
    "Trees": "rfmkit.churn._learners",
    "Survival": "rfmkit.cycle._survival",
    "Tail": "rfmkit.cycle._survival",
    "PurchaseCycles": "rfmkit.segments.thresholds",
    "SilenceQuantile": "rfmkit.segments.thresholds",
    "ChurnProbability": "rfmkit.segments.thresholds",
    "Covariates": "rfmkit.btyd._covariates",
    "Design": "rfmkit.btyd._formulas",
    "Fit": "rfmkit.churn._fits",
    "Baseline": "rfmkit.churn._distributions",
    "Scales": "rfmkit.churn._gaps",
}
"""Dataclasses within a model, saved by their fields."""
RENAMED: Final = {
    "Cycles": "PurchaseCycles",
    "Quantile": "SilenceQuantile",
    "Probability": "ChurnProbability",
}
"""Names of parts in files of 0.1.0 before the renaming, and the names of today."""
RENAMED_VALUES: Final = {"waits_": "gap_distribution_"}
"""The same of what a model has learned."""

LEARNED: Final = {
    "Blend": "rfmkit.churn._blend",
    "Boosting": "rfmkit.churn._learners",
    "Hinges": "rfmkit.churn._learners",
}
"""Internal estimators of a model, saved with all of their attributes."""

WRITTEN = "The file must be one that rk.save_model wrote."
AGAIN = "fit the model again, and save it."


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted model to a file of JSON.

    Parameters
    ----------
    model : fitted model
        A `ChurnCurve`, `ChurnModel`, `GapRegression`, `PurchaseCycle`, `RFMScorer`, `Lifecycle` or
        buy-till-you-die model.
    path : path
        The file to write. An existing file is replaced in one step: a reader sees the old file or
        the new one.

    Raises
    ------
    RfmkitError
        `model` is no model of rfmkit.
    NotFittedError
        `model` has not been fitted.

    See Also
    --------
    rfmkit.load_model : read the file.

    Examples
    --------
    >>> import json, tempfile, pathlib
    >>> import rfmkit as rk
    >>> model = rk.ModifiedBetaGeo(90).fit(rk.read_orders(rk.load_sample()))
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "churn.json"
    >>> rk.save_model(model, path)
    >>> list(json.loads(path.read_text()))
    ['schema', 'library', 'model', 'state']
    """
    from rfmkit import __version__

    name = type(model).__name__
    if name not in MODELS or type(model) is not _found(name, MODELS):
        raise RfmkitError(
            "model must be a model of rfmkit.",
            found=kind_in_words(model),
            hint=f"pass a fitted {', '.join(MODELS)}.",
        )
    if not _is_fitted(model):
        raise NotFittedError(
            "A model must be fitted before it is saved.",
            found=f"{with_article(name)} that has not been fitted",
            hint="call .fit(orders) first.",
        )
    document = {"schema": SCHEMA, "library": f"rfmkit {__version__}", **_encoded(model)}
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    target = Path(path).resolve()
    handle, made = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    Path(made).replace(target)


def load_model(path: str | os.PathLike[str]) -> Any:
    """Return the fitted model in a file that `save_model` wrote.

    Parameters
    ----------
    path : path
        The file to read.

    Returns
    -------
    fitted model
        A model of the class that was saved. It predicts what the saved one did. Names of classes
        in files of earlier versions are translated.

    Raises
    ------
    RfmkitError
        `save_model` did not write the file, or a later rfmkit did.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "churn.json"
    >>> rk.save_model(rk.ModifiedBetaGeo(90).fit(orders), path)
    >>> model = rk.load_model(path)
    >>> churn = model.predict_churn(orders)
    >>> churn[["customer_id", "churn_probability"]].head(2).round(3)
      customer_id  churn_probability
    0     C000001              0.805
    1     C000002              0.947
    """
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    try:
        document = json.loads(text)
        schema, library = document.pop("schema"), document.pop("library")
        model = document["model"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise RfmkitError(
            WRITTEN,
            found=f"{str(path)!r}, which holds something else",
            hint=AGAIN,
        ) from error
    if schema != SCHEMA or model not in MODELS:
        raise RfmkitError(
            f"The file must hold a model of schema {SCHEMA} that this rfmkit has.",
            found=f"{model!r} of schema {schema}, written by {library}",
            hint="read it with the rfmkit that wrote it, or fit the model again.",
        )
    return _decoded(document)


def _is_fitted(model: Any) -> bool:
    return any(name.endswith("_") and not name.startswith("__") for name in vars(model))


def _found(name: str, table: dict[str, str]) -> type:
    """Return a class in the table; no other class is ever made from a file."""
    if name not in table:
        raise RfmkitError(WRITTEN, found=f"the part {name!r}", hint=AGAIN)
    found: type = getattr(importlib.import_module(table[name]), name)
    return found


# --- writing ---------------------------------------------------------------------------------


@singledispatch
def _encoded(value: Any) -> Any:
    """Return a value as JSON has it; other kinds become an object that names their kind."""
    name = type(value).__name__
    if name in PARTS and dataclasses.is_dataclass(value):
        state = {part.name: getattr(value, part.name) for part in dataclasses.fields(value)}
        return {"part": name, "state": {key: _encoded(item) for key, item in state.items()}}
    if name in MODELS or name in LEARNED:
        kept = value.__getstate__()
        return {"model": name, "state": {key: _encoded(item) for key, item in kept.items()}}
    if value is None or isinstance(value, str | int):
        return value
    raise RfmkitError(
        "A fitted model must hold numbers, text, small tables and parts of rfmkit only.",
        found=kind_in_words(value),
        hint="save a model whose arguments are of these kinds.",
    )


@_encoded.register
def _(value: float) -> Any:
    return value if math.isfinite(value) else {"float": repr(value)}


@_encoded.register
def _(value: np.generic) -> Any:
    return _encoded(value.item())


@_encoded.register
def _(value: np.ndarray) -> Any:
    return {"array": _encoded(value.tolist()), "dtype": str(value.dtype)}


@_encoded.register
def _(value: list) -> Any:  # type: ignore[type-arg]
    return [_encoded(item) for item in value]


@_encoded.register
def _(value: tuple) -> Any:  # type: ignore[type-arg]
    return {"tuple": [_encoded(item) for item in value]}


@_encoded.register
def _(value: dict) -> Any:  # type: ignore[type-arg]
    return {"dict": [[_encoded(key), _encoded(item)] for key, item in value.items()]}


@_encoded.register
def _(value: pd.DataFrame) -> Any:
    return {"table": {str(name): _encoded(value[name]) for name in value.columns}}


@_encoded.register
def _(value: pd.Series) -> Any:
    # JSON has no dates.
    cells = value.dt.strftime("%Y-%m-%d") if pd.api.types.is_datetime64_dtype(value) else value
    values = cells.astype(object).where(value.notna(), None).tolist()
    return {"column": _encoded(values), "dtype": str(value.dtype)}


# --- reading ---------------------------------------------------------------------------------


def _decoded(value: Any) -> Any:
    """Return the value that `_encoded` wrote."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind, *_ = value
    if kind not in READERS:
        raise RfmkitError(WRITTEN, found=f"an object of {list(value)[:5]}", hint=AGAIN)
    return READERS[kind](value)


def _part(value: dict[str, Any]) -> Any:
    name = value["part"]
    return _found(RENAMED.get(name, name), PARTS)(**_state(value))


def _model(value: dict[str, Any]) -> Any:
    model: Any = object.__new__(_found(value["model"], MODELS | LEARNED))
    model.__dict__.update(_state(value))
    return model


def _state(value: dict[str, Any]) -> dict[str, Any]:
    return {RENAMED_VALUES.get(key, key): _decoded(item) for key, item in value["state"].items()}


READERS: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "float": lambda value: float(value["float"]),
    "array": lambda value: np.array(_decoded(value["array"]), dtype=value["dtype"]),
    "tuple": lambda value: tuple(_decoded(value["tuple"])),
    "dict": lambda value: {_decoded(key): _decoded(item) for key, item in value["dict"]},
    "column": lambda value: pd.Series(_decoded(value["column"]), dtype=value["dtype"]),
    "table": lambda value: pd.DataFrame(
        {name: _decoded(column) for name, column in value["table"].items()}
    ),
    "part": _part,
    "model": _model,
}
