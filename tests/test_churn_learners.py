"""Learners: near the base columns, constant beyond the data, and stored as numbers."""

import numpy as np
import pytest

from rfmkit.churn._learners import Boosting, Hinges, Trees
from rfmkit.exceptions import RfmkitError

ROWS = 3000


@pytest.fixture(scope="module")
def rows():
    """Rows whose logit is half the base column, half a bent column."""
    random = np.random.default_rng(3)
    base = random.normal(size=(ROWS, 1))
    columns = np.round(random.normal(size=(ROWS, 3)), 1)  # with ties
    logit = base[:, 0] + 2 * np.abs(columns[:, 0]) - 1
    outcome = (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(float)
    return base, columns, outcome, logit


def fitted(kind, rows, weight=1.0):
    base, columns, outcome, _ = rows
    return kind().fit(base, columns, outcome, weight)


@pytest.mark.parametrize("kind", [Hinges, Boosting])
def test_both_find_a_bend_that_no_straight_line_has(rows, kind):
    base, columns, _, logit = rows
    found = fitted(kind, rows).logit(base, columns)
    assert np.corrcoef(found, logit)[0, 1] > 0.85
    assert np.corrcoef(base[:, 0], logit)[0, 1] < 0.75


def test_with_little_weight_the_regression_is_the_base_column(rows):
    base, columns, _, _ = rows
    found = fitted(Hinges, rows, weight=0.001).logit(base, columns)
    assert np.corrcoef(found, base[:, 0])[0, 1] > 0.99


def test_the_regression_is_constant_beyond_the_data(rows):
    model = fitted(Hinges, rows)
    far = np.array([[0.0], [0.0]])
    columns = np.array([[1e3, 0, 0], [1e6, 0, 0]])
    assert np.ptp(model.logit(far, columns)) == 0


def test_a_column_that_never_varies_is_no_harm(rows):
    base, columns, outcome, _ = rows
    flat = np.hstack([columns, np.ones((ROWS, 1))])
    found = Hinges().fit(base, flat, outcome, 1.0).logit(base, flat)
    assert found == pytest.approx(fitted(Hinges, rows).logit(base, columns), abs=1e-6)


def test_trees_as_arrays_predict_the_same(rows):
    base, columns, _, _ = rows
    model = fitted(Boosting, rows)
    kept = object.__new__(Boosting)
    kept.__dict__.update(model.__getstate__())
    assert isinstance(kept._model, Trees)
    assert np.array_equal(kept.logit(base, columns), model.logit(base, columns))
    assert kept.__getstate__()["_model"] is kept._model


def test_trees_in_another_form_are_an_error(rows):
    model = fitted(Boosting, rows)
    model._model._predictors = [["a tree"]]
    with pytest.raises(RfmkitError, match="which keeps its trees in another form"):
        model.__getstate__()


def test_trees_that_predict_something_else_are_an_error(rows):
    model = fitted(Boosting, rows)
    model._model._baseline_prediction = model._model._baseline_prediction + 1
    found = model._model.decision_function(np.zeros((1, 4)))
    model._model.decision_function = lambda many: np.full(len(many), found[0])
    with pytest.raises(RfmkitError, match="which keeps its trees in another form"):
        model.__getstate__()
