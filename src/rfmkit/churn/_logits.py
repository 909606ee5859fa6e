"""Logits: log-odds of probabilities, and the logarithmic loss of a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST: Final = 1e-5
"""Probabilities are kept at least this far from 0 and 1, so that every logit is finite."""


def logit(probability: Floats) -> Floats:
    """Return log(p / (1 - p)), with p limited to [LEAST, 1 - LEAST]."""
    kept = np.clip(probability, LEAST, 1 - LEAST)
    return np.asarray(np.log(kept / (1 - kept)))


def expit(logits: Floats) -> Floats:
    """Return the probability of each logit."""
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))


def log_loss(logits: Floats, outcome: Floats) -> Floats:
    """Return the logarithmic loss of each row."""
    return np.asarray(np.logaddexp(0, logits) - outcome * logits)
