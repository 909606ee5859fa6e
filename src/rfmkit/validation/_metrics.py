"""Metrics: how good probabilities are, by proper scores, calibration and ranking.

Plain functions of two arrays: whether each customer churned, and the probability foretold. They
know no log and no model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SUREST: Final = 1e-6
"""Nobody is taken to be surer than this: a certainty that fails costs 13.8, not infinity."""
NORMAL_95: Final = 1.959963984540054
DRAWS: Final = 200
SEED: Final = 20_261_122
CELLS: Final = 4_000_000
"""How many weights of the bootstrap are drawn at a time."""
STEPS: Final = 50
ENOUGH: Final = 1e-10


def _pair(churned: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(churned, dtype=float), np.asarray(predicted, dtype=float)


def log_losses(churned: ArrayLike, predicted: ArrayLike) -> Floats:
    """Give each customer's logarithmic score; probabilities are clipped to `SUREST` from 0 and 1.

    >>> log_losses([1, 0], [0.5, 0.75]).round(4).tolist()
    [0.6931, 1.3863]
    """
    happened, chance = _pair(churned, predicted)
    chance = np.clip(chance, SUREST, 1 - SUREST)
    return -np.where(happened > 0, np.log(chance), np.log1p(-chance))


def brier_losses(churned: ArrayLike, predicted: ArrayLike) -> Floats:
    """Give each customer's squared error, (p - y)^2 (Brier 1950, Monthly Weather Review 78).

    >>> brier_losses([1, 0], [0.5, 0.75]).tolist()
    [0.25, 0.5625]
    """
    happened, chance = _pair(churned, predicted)
    return np.square(chance - happened)


def log_loss(churned: ArrayLike, predicted: ArrayLike) -> float:
    """Give the mean logarithmic score; lower is better, and the truth is best.

    Parameters
    ----------
    churned : array of bool
        What happened to each customer.
    predicted : array of float
        The probability of it, clipped to 1e-6 from 0 and 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(log_loss([True, False], [0.5, 0.75]), 4)
    1.0397
    """
    return float(log_losses(churned, predicted).mean())


def brier_score(churned: ArrayLike, predicted: ArrayLike) -> float:
    """Give the mean squared error of the probabilities; lower is better.

    >>> brier_score([True, False], [0.5, 0.75])
    0.40625
    """
    return float(brier_losses(churned, predicted).mean())


def skill(score: float, reference: float) -> float:
    """Give the share of a reference's loss that is gone: 1 is perfect, 0 no better than it.

    >>> skill(0.1, 0.2)
    0.5
    """
    return 1 - score / reference if reference > 0 else np.nan


# --- calibration ---------------------------------------------------------------------------------


def reliability_table(churned: ArrayLike, predicted: ArrayLike, *, bins: int = 10) -> pd.DataFrame:
    """Set the observed share beside the mean probability, in bins of about equal size.

    Equal probabilities stay in one bin, that of their middle rank, so that the bins depend on no
    order of the rows; where many are equal there are fewer bins.

    Parameters
    ----------
    churned : array of bool
        What happened to each customer.
    predicted : array of float
        The probability of it.
    bins : int, default 10
        How many bins at most.

    Returns
    -------
    DataFrame
        `bin` (from 1, the lowest probabilities), `customers, predicted, observed, lower, upper`:
        Wilson's interval of 95 % (1927, JASA 22), as for independent customers.

    Examples
    --------
    >>> table = reliability_table([0, 0, 1, 1], [0.25, 0.25, 0.25, 0.5], bins=2)
    >>> table[["customers", "predicted"]].values.tolist()
    [[3.0, 0.25], [1.0, 0.5]]
    """
    import pandas as pd

    happened, chance = _pair(churned, predicted)
    values, place, counts = np.unique(chance, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(chance)
    of_value = np.minimum((middle * bins).astype(int), bins - 1)
    _, of_value = np.unique(of_value, return_inverse=True)  # empty bins are none
    of_row = of_value[np.ravel(place)]
    size = np.bincount(of_value, weights=counts).astype(float)
    observed = np.bincount(of_row, weights=happened) / size
    lower, upper = wilson(observed, size)
    return pd.DataFrame(
        {
            "bin": np.arange(1, len(size) + 1),
            "customers": size.astype("int64"),
            "predicted": np.bincount(of_value, weights=counts * values) / size,
            "observed": observed,
            "lower": lower,
            "upper": upper,
        }
    )


def wilson(share: NDArray[Any], size: NDArray[Any]) -> tuple[Floats, Floats]:
    """Give Wilson's interval of 95 % of a share (1927, JASA 22)."""
    spread = NORMAL_95**2 / size
    centre = (share + spread / 2) / (1 + spread)
    half = np.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    # Rounding must not push a bound across the share itself.
    return np.minimum(centre - half, share), np.maximum(centre + half, share)


def calibration_error(churned: ArrayLike, predicted: ArrayLike, *, bins: int = 10) -> float:
    """Give the expected calibration error: mean distance of share and probability over the bins.

    The bins are those of `reliability_table`, weighted by their customers.

    >>> round(calibration_error([0, 0, 1, 1], [0.1, 0.1, 0.1, 0.9], bins=2), 4)
    0.2
    """
    table = reliability_table(churned, predicted, bins=bins)
    apart = (table["predicted"] - table["observed"]).abs()
    return float(np.average(apart, weights=table["customers"]))


def calibration_line(churned: ArrayLike, predicted: ArrayLike) -> tuple[float, float]:
    """Give slope and intercept of the outcome's log-odds against those foretold.

    A logistic regression without penalty (Cox 1958, Biometrika 45): 1 and 0 are perfect, a slope
    under 1 tells of probabilities that go too far out.

    Parameters
    ----------
    churned : array of bool
        What happened to each customer.
    predicted : array of float
        The probability of it, clipped to 1e-6 from 0 and 1.

    Returns
    -------
    tuple of float
        Slope and intercept; not a number where all probabilities or all outcomes are equal, or
        where the probabilities part the outcomes without an error.
    """
    happened, chance = _pair(churned, predicted)
    chance = np.clip(chance, SUREST, 1 - SUREST)
    values, place = np.unique(np.log(chance) - np.log1p(-chance), return_inverse=True)
    counts = np.bincount(np.ravel(place)).astype(float)
    events = np.bincount(np.ravel(place), weights=happened)
    with_, without = values[events > 0], values[events < counts]
    if not len(with_) or not len(without):
        return np.nan, np.nan
    if with_[0] >= without[-1] or without[0] >= with_[-1]:  # parted: the line would be a wall
        return np.nan, np.nan
    centre, spread = values.mean(), values.std()
    design = np.stack([(values - centre) / spread, np.ones_like(values)], axis=1)
    slope, level = _logistic(design, counts, events)
    return float(slope / spread), float(level - slope * centre / spread)


def _logistic(design: Floats, counts: NDArray[Any], events: NDArray[Any]) -> Floats:
    """Maximise the likelihood of events among counts by Newton's steps, halved where too long."""

    def loss(line: Floats) -> float:
        odds = design @ line
        return float((counts * np.logaddexp(0, odds) - events * odds).sum() / counts.sum())

    line = np.zeros(design.shape[1])
    for _ in range(STEPS):
        odds = design @ line
        share = np.exp(-np.logaddexp(0, -odds))
        weight = counts * share * np.exp(-np.logaddexp(0, odds))
        step = np.linalg.solve((design.T * weight) @ design, design.T @ (events - counts * share))
        while loss(line + step) > loss(line) + ENOUGH:
            step = step / 2
        line = line + step
        if np.abs(step).max() < ENOUGH * (1 + np.abs(line).max()):
            break
    return line


# --- ranking -------------------------------------------------------------------------------------


def auc(churned: ArrayLike, predicted: ArrayLike) -> float:
    """Give the chance that who churned was given the higher probability; ties count one half.

    Not a number where all or none churned.

    >>> auc([0, 1, 1, 0], [0.2, 0.2, 0.9, 0.1])
    0.875
    """
    happened, chance = _pair(churned, predicted)
    _, place, counts = np.unique(chance, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2  # the rank that ties share
    gone = happened.sum()
    stayed = len(happened) - gone
    if not gone or not stayed:
        return np.nan
    ranks = float((middle[np.ravel(place)] * happened).sum())
    return float((ranks - gone * (gone + 1) / 2) / (gone * stayed))


def top_decile_lift(churned: ArrayLike, predicted: ArrayLike, *, share: float = 0.1) -> float:
    """Give how often churn comes among the tenth of highest probability, against everybody.

    At most 1 / churn rate. Where the edge of the tenth parts equal probabilities, those customers
    count by what a random order of them would give on average.

    >>> top_decile_lift([1, 0, 0, 0], [0.5, 0.5, 0.1, 0.1], share=0.25)
    2.0
    """
    happened, chance = _pair(churned, predicted)
    if not happened.any():
        return np.nan
    most = int(np.ceil(share * len(happened) - ENOUGH))
    _, place, counts = np.unique(-chance, return_inverse=True, return_counts=True)
    gone = np.bincount(np.ravel(place), weights=happened)
    before = np.cumsum(counts) - counts
    inside = np.clip(most - before, 0, counts)
    return float((gone * inside / counts).sum() / most / happened.mean())


# --- how sure ------------------------------------------------------------------------------------


def bootstrap_means(
    values: Floats, customers: NDArray[np.int64], *, draws: int = DRAWS, seed: int = SEED
) -> Floats:
    """Draw means of losses over customers drawn anew, each with all of its rows.

    A customer scored on several days is one draw, not several: its rows go together. Each
    customer comes Poisson(1) times, which is the bootstrap of many customers, and quick.

    Parameters
    ----------
    values : array of shape (rows, columns)
        Losses; one column a model.
    customers : array of int
        The customer of each row, numbered from 0.
    draws : int, default 200
        How many means.
    seed : int
        Of the random numbers.

    Returns
    -------
    array of shape (draws, columns)
        One draw a row; the columns share its customers, so that their differences are paired.

    Examples
    --------
    >>> means = bootstrap_means(np.ones((3, 2)), np.array([0, 1, 1]))
    >>> float(means.min()), float(means.max())
    (1.0, 1.0)
    """
    random = np.random.default_rng(seed)
    rows = np.bincount(customers).astype(float)
    columns = [np.bincount(customers, weights=column) for column in values.T]
    sums = np.stack([*columns, rows], axis=1)
    at_once = max(1, CELLS // len(rows))
    found = []
    for start in range(0, draws, at_once):
        shape = (min(at_once, draws - start), len(rows))
        found.append(random.poisson(1.0, shape).astype(float) @ sums)
    drawn = np.concatenate(found)
    # A draw of nobody, which only a handful of customers can give, says nothing.
    drawn = drawn[drawn[:, -1] > 0]
    return np.asarray(drawn[:, :-1] / drawn[:, -1:])
