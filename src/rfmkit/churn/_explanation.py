"""Explanation: which facts move a customer's logit, and which a model needs most."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Final

import numpy as np

from rfmkit.churn._blend import log_loss
from rfmkit.churn._features import GROUPS, PLACES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.churn._blend import Day

    Floats = NDArray[np.float64]

BATCH: Final = 20_000
SEED: Final = 20_261_122


def shapley(facts: Floats, typical: Floats, value: Callable[[Floats], Floats]) -> Floats:
    """Share out value(customer) - value(typical) among the groups of facts, exactly.

    Parameters
    ----------
    facts : array, a row per customer
        See ``features.FACTS``.
    typical : array
        The facts of the customer with whom they are compared.
    value : callable
        Of facts, a row each.

    Returns
    -------
    array
        A row per customer, a column per group of ``features.GROUPS``; a row adds up to the
        difference.
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


def importances(days: Sequence[Day], logit: Callable[[Day], Floats]) -> pd.DataFrame:
    """Shuffle each group of facts among the customers of a day, and measure what is lost."""
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
