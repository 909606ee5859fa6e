"""Explanations: Shapley values of a customer's churn logit, and permutation importances."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.churn._features import GROUPS, PLACES
from rfmkit.churn._logits import log_loss
from rfmkit.exceptions import RfmkitError, examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.churn._training_days import TrainingDay

    Floats = NDArray[np.float64]

BATCH: Final = 20_000
SEED: Final = 20_261_122


def shapley(facts: Floats, typical: Floats, value: Callable[[Floats], Floats]) -> Floats:
    """Return the Shapley values of the groups of facts, exact.

    Parameters
    ----------
    facts : array, a row per customer
        The columns `_features.FACTS`.
    typical : array
        The facts of the customer that the others are compared with.
    value : callable
        Returns the prediction of each row of facts.

    Returns
    -------
    array
        A row per customer, a column per group of `_features.GROUPS`. A row adds up to
        value(customer) - value(typical).

    Notes
    -----
    Shapley (1953), "A value for n-person games"; Strumbelj and Kononenko (2014), "Explaining
    prediction models and individual predictions with feature contributions", Knowledge and
    Information Systems 41.
    """
    batches = [
        _shapley(facts[start : start + BATCH], typical, value)
        for start in range(0, len(facts), BATCH)
    ]
    return np.vstack(batches) if batches else np.empty((0, len(GROUPS)))


def _shapley(facts: Floats, typical: Floats, value: Callable[[Floats], Floats]) -> Floats:
    groups = [[PLACES[name] for name in names] for names in GROUPS.values()]
    everyone = range(len(groups))
    values: dict[frozenset[int], Floats] = {}
    for size in range(len(groups) + 1):
        for chosen in combinations(everyone, size):
            rows = np.broadcast_to(typical, facts.shape).copy()
            places = [place for group in chosen for place in groups[group]]
            rows[:, places] = facts[:, places]
            values[frozenset(chosen)] = value(rows)
    found = np.zeros((len(facts), len(groups)))
    for own, after in values.items():
        for group in own:
            ways = factorial(len(own) - 1) * factorial(len(groups) - len(own))
            found[:, group] += ways / factorial(len(groups)) * (after - values[own - {group}])
    return found


def importances(
    days: Sequence[TrainingDay], logit: Callable[[TrainingDay], Floats]
) -> pd.DataFrame:
    """Return the permutation importance of each group of facts, as `ChurnModel.importances_`.

    It is the growth of the mean logarithmic loss when the group is shuffled among the customers
    of a day: Breiman (2001), "Random forests", Machine Learning 45, section 10.
    """
    import pandas as pd

    random = np.random.default_rng(SEED)
    lost = dict.fromkeys(GROUPS, 0.0)
    rows = sum(len(day.churned) for day in days)
    for day in days:
        before = log_loss(logit(day), day.churned).sum()
        for name, facts in GROUPS.items():
            shuffled = day.facts.copy()
            places = [PLACES[fact] for fact in facts]
            shuffled[:, places] = random.permutation(shuffled[:, places])
            after = log_loss(logit(day.with_facts(shuffled)), day.churned).sum()
            lost[name] += float(after - before) / rows
    table = pd.DataFrame({"feature": list(lost), "log_loss": list(lost.values())})
    if not rows:
        table["log_loss"] = np.nan
    return table.sort_values("log_loss", ascending=False, kind="stable", ignore_index=True)


def customer_ids(customers: Iterable[Any]) -> list[str]:
    """Return the ids in `customers=` as text."""
    if isinstance(customers, str) or not isinstance(customers, Iterable):
        raise RfmkitError(
            "customers must be a list of customer ids.",
            found=f"customers={customers!r}",
            hint="for example customers=['c1', 'c2'].",
        )
    return [str(customer) for customer in customers]


def check_buyers(asked: list[str] | None, frame: pd.DataFrame) -> None:
    """Check that there is a customer to explain, and that all who were asked for have bought."""
    known = set(frame["customer_id"].astype(str))
    unknown = [customer for customer in asked or () if customer not in known]
    if unknown or not known:
        raise RfmkitError(
            "explain needs customers who have bought.",
            found=f"no purchase of {examples(unknown)}" if unknown else "no customer",
            hint="customers=list(frame['customer_id']) of a frame of them.",
        )


def effects_table(ids: pd.Series[Any], churn: Floats, effects: Floats, *, top: int) -> pd.DataFrame:
    """Return the largest effects of each customer, as `ChurnModel.explain`."""
    import pandas as pd

    order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :top]
    width = order.shape[1]
    return pd.DataFrame(
        {
            "customer_id": ids.repeat(width).to_numpy(),
            "churn_probability": churn.repeat(width),
            "rank": np.tile(np.arange(1, width + 1), len(churn)),
            "feature": np.array(list(GROUPS))[order].ravel(),
            "effect": np.take_along_axis(effects, order, axis=1).ravel(),
        }
    )
