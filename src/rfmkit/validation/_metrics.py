"""Metrics: proper scores, calibration and ranking of predicted probabilities.

Functions of two arrays: whether each customer churned, and the predicted probability of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

CLIP: Final = 1e-6
"""Distance that probabilities keep from 0 and 1: a wrong certainty costs 13.8, not infinity."""
NORMAL_95: Final = 1.959963984540054
DRAWS: Final = 200
SEED: Final = 20_261_122
MOST_WEIGHTS: Final = 4_000_000
"""Most weights of the bootstrap drawn at a time: 32 MB of doubles."""
MOST_STEPS: Final = 50
TOLERANCE: Final = 1e-10


def _pair(churned: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(churned, dtype=float), np.asarray(predicted, dtype=float)


def log_losses(churned: ArrayLike, predicted: ArrayLike) -> Floats:
    """Return each customer's logarithmic score; probabilities are clipped to `CLIP` from 0 and 1.

    >>> log_losses([1, 0], [0.5, 0.75]).round(4).tolist()
    [0.6931, 1.3863]
    """
    happened, chance = _pair(churned, predicted)
    chance = np.clip(chance, CLIP, 1 - CLIP)
    return -np.where(happened > 0, np.log(chance), np.log1p(-chance))


def brier_losses(churned: ArrayLike, predicted: ArrayLike) -> Floats:
    """Return each customer's squared error, (p - y)^2 (Brier 1950, Monthly Weather Review 78).

    >>> brier_losses([1, 0], [0.5, 0.75]).tolist()
    [0.25, 0.5625]
    """
    happened, chance = _pair(churned, predicted)
    return np.square(chance - happened)


def log_loss(churned: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean logarithmic score; lower is better, and the true probabilities are best.

    Parameters
    ----------
    churned : array of bool
        What happened to each customer.
    predicted : array of float
        The probability of it, clipped to 1e-6 from 0 and 1.

    Returns
    -------
    float
        The score, in nats.

    Examples
    --------
    >>> round(log_loss([True, False], [0.5, 0.75]), 4)
    1.0397
    """
    return float(log_losses(churned, predicted).mean())


def brier_score(churned: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean squared error of the probabilities; lower is better.

    >>> brier_score([True, False], [0.5, 0.75])
    0.40625
    """
    return float(brier_losses(churned, predicted).mean())


def skill(score: float, reference: float) -> float:
    """Return the share of a reference's loss that is avoided: 1 is perfect, 0 is no better.

    >>> skill(0.1, 0.2)
    0.5
    """
    return 1 - score / reference if reference > 0 else np.nan


# --- calibration ---------------------------------------------------------------------------------


def reliability_table(churned: ArrayLike, predicted: ArrayLike, *, bins: int = 10) -> pd.DataFrame:
    """Return the observed share and the mean probability, in bins of about equal size.

    Equal probabilities share one bin, that of their middle rank, so that the bins do not depend
    on the order of the rows. Where many are equal there are fewer bins.

    Parameters
    ----------
    churned : array of bool
        What happened to each customer.
    predicted : array of float
        The probability of it.
    bins : int, default 10
        Largest number of bins.

    Returns
    -------
    DataFrame
        `bin` (int64, from 1, the lowest probabilities), `customers` (int64), `predicted`,
        `observed`, `lower`, `upper` (float64, 0 to 1). `lower` and `upper` are Wilson's interval of
        95 % (1927, JASA 22) for independent customers.

    Examples
    --------
    >>> reliability_table([0, 0, 1, 1], [0.25, 0.25, 0.25, 0.5], bins=2).round(3)
       bin  customers  predicted  observed  lower  upper
    0    1          3       0.25     0.333  0.061  0.792
    1    2          1       0.50     1.000  0.207  1.000
    """
    import pandas as pd

    happened, chance = _pair(churned, predicted)
    values, place, counts = np.unique(chance, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(chance)
    of_value = np.minimum((middle * bins).astype(int), bins - 1)
    _, of_value = np.unique(of_value, return_inverse=True)  # number the bins without the empty ones
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
    """Return Wilson's interval of 95 % of a share (1927, JASA 22)."""
    spread = NORMAL_95**2 / size
    centre = (share + spread / 2) / (1 + spread)
    half = np.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    # Rounding must not put a bound on the wrong side of the share.
    return np.minimum(centre - half, share), np.maximum(centre + half, share)


def calibration_error(churned: ArrayLike, predicted: ArrayLike, *, bins: int = 10) -> float:
    """Return the expected calibration error: the mean |share - probability| over the bins.

    The bins are those of `reliability_table`, weighted by their customers.

    >>> round(calibration_error([0, 0, 1, 1], [0.1, 0.1, 0.1, 0.9], bins=2), 4)
    0.2
    """
    table = reliability_table(churned, predicted, bins=bins)
    apart = (table["predicted"] - table["observed"]).abs()
    return float(np.average(apart, weights=table["customers"]))


def calibration_line(churned: ArrayLike, predicted: ArrayLike) -> tuple[float, float]:
    """Return slope and intercept of the outcome's log-odds on the predicted log-odds.

    A logistic regression without penalty (Cox 1958, Biometrika 45): 1 and 0 are perfect. A slope
    under 1 means that the probabilities are too close to 0 and 1.

    Parameters
    ----------
    churned : array of bool
        What happened to each customer.
    predicted : array of float
        The probability of it, clipped to 1e-6 from 0 and 1.

    Returns
    -------
    tuple of float
        Slope and intercept. NaN where all probabilities or all outcomes are equal, or where a
        threshold of the probability separates the outcomes without an error.
    """
    happened, chance = _pair(churned, predicted)
    chance = np.clip(chance, CLIP, 1 - CLIP)
    values, place = np.unique(np.log(chance) - np.log1p(-chance), return_inverse=True)
    counts = np.bincount(np.ravel(place)).astype(float)
    events = np.bincount(np.ravel(place), weights=happened)
    with_, without = values[events > 0], values[events < counts]
    if not len(with_) or not len(without):
        return np.nan, np.nan
    if (
        with_[0] >= without[-1] or without[0] >= with_[-1]
    ):  # separated: the slope has no finite estimate
        return np.nan, np.nan
    centre, spread = values.mean(), values.std()
    design = np.stack([(values - centre) / spread, np.ones_like(values)], axis=1)
    slope, level = _logistic(design, counts, events)
    return float(slope / spread), float(level - slope * centre / spread)


def _logistic(design: Floats, counts: NDArray[Any], events: NDArray[Any]) -> Floats:
    """Return the maximum-likelihood coefficients, by Newton steps, halved where too long."""

    def loss(line: Floats) -> float:
        odds = design @ line
        return float((counts * np.logaddexp(0, odds) - events * odds).sum() / counts.sum())

    line = np.zeros(design.shape[1])
    for _ in range(MOST_STEPS):
        odds = design @ line
        share = np.exp(-np.logaddexp(0, -odds))
        weight = counts * share * np.exp(-np.logaddexp(0, odds))
        step = np.linalg.solve((design.T * weight) @ design, design.T @ (events - counts * share))
        while loss(line + step) > loss(line) + TOLERANCE:
            step = step / 2
        line = line + step
        if np.abs(step).max() < TOLERANCE * (1 + np.abs(line).max()):
            break
    return line


# --- ranking -------------------------------------------------------------------------------------


def auc(churned: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of pairs in which the customer who churned has the higher probability.

    A pair is a customer who churned and one who did not. Ties count one half. NaN where all or none
    churned.

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
    """Return the churn rate of the tenth with the highest probabilities, over that of all.

    At most 1 / churn rate. Where the border of the tenth lies among equal probabilities, these
    customers count by their mean over all orders.

    >>> top_decile_lift([1, 0, 0, 0], [0.5, 0.5, 0.1, 0.1], share=0.25)
    2.0
    """
    happened, chance = _pair(churned, predicted)
    if not happened.any():
        return np.nan
    most = int(np.ceil(share * len(happened) - TOLERANCE))
    _, place, counts = np.unique(-chance, return_inverse=True, return_counts=True)
    gone = np.bincount(np.ravel(place), weights=happened)
    before = np.cumsum(counts) - counts
    inside = np.clip(most - before, 0, counts)
    return float((gone * inside / counts).sum() / most / happened.mean())


# --- intervals -----------------------------------------------------------------------------------


def bootstrap_means(
    values: Floats, customers: NDArray[np.int64], *, draws: int = DRAWS, seed: int = SEED
) -> Floats:
    """Return means of losses over bootstrap samples of customers, each with all of its rows.

    A customer scored on several days is one draw, because the rows are not independent. Each
    customer is drawn Poisson(1) times, which approximates the bootstrap of many customers and is
    fast.

    Parameters
    ----------
    values : array of shape (rows, columns)
        Losses, one column per model.
    customers : array of int
        The customer of each row, numbered from 0.
    draws : int, default 200
        Number of samples.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    array of shape (draws, columns)
        One sample per row. All columns use the same customers, so differences are paired.

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
    at_once = max(1, MOST_WEIGHTS // len(rows))
    found = []
    for start in range(0, draws, at_once):
        shape = (min(at_once, draws - start), len(rows))
        found.append(random.poisson(1.0, shape).astype(float) @ sums)
    drawn = np.concatenate(found)
    # With a handful of customers a sample may be empty: it has no mean.
    drawn = drawn[drawn[:, -1] > 0]
    return np.asarray(drawn[:, :-1] / drawn[:, -1:])
