"""Explanation: which facts about a customer move a logit away from that of a typical one."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Final

import numpy as np

from rfmkit.churn.features import GROUPS, PLACES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BATCH: Final = 20_000


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
