"""Logits: the inverse of probabilities, finite also for what is certain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfmkit.churn._logits import LEAST, expit, log_loss, logit


@given(st.floats(LEAST, 1 - LEAST))
def test_logit_and_expit_are_each_others_inverse(probability):
    assert expit(logit(np.array([probability])))[0] == pytest.approx(probability)


def test_what_is_certain_has_the_logit_of_the_limit():
    assert np.array_equal(logit(np.array([0.0, 1.0])), logit(np.array([LEAST, 1 - LEAST])))


@given(st.floats(LEAST, 1 - LEAST))
def test_the_loss_is_minus_the_log_of_the_probability_of_what_happened(probability):
    logits = logit(np.array([probability, probability]))
    expected = [-np.log(probability), -np.log1p(-probability)]
    assert log_loss(logits, np.array([1.0, 0.0])) == pytest.approx(expected, rel=1e-9)
