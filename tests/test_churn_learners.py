"""Learners: near to what they trust, level beyond what they saw, and kept as numbers."""

import numpy as np
import pytest

from rfmkit.churn._learners import Boosting, Hinges, Trees
from rfmkit.exceptions import RfmkitError

ROWS = 3000


@pytest.fixture(scope="module")
def rows():
    """Rows of which what is trusted tells half, and a bent column the rest."""
    random = np.random.default_rng(3)
    trusted = random.normal(size=(ROWS, 1))
    columns = np.round(random.normal(size=(ROWS, 3)), 1)  # with ties
    logit = trusted[:, 0] + 2 * np.abs(columns[:, 0]) - 1
    outcome = (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(float)
    return trusted, columns, outcome, logit


def fitted(kind, rows, weight=1.0):
    trusted, columns, outcome, _ = rows
    return kind().fit(trusted, columns, outcome, weight)


@pytest.mark.parametrize("kind", [Hinges, Boosting])
def test_both_find_a_bend_that_no_straight_line_has(rows, kind):
    trusted, columns, _, logit = rows
    found = fitted(kind, rows).logit(trusted, columns)
    assert np.corrcoef(found, logit)[0, 1] > 0.85
    assert np.corrcoef(trusted[:, 0], logit)[0, 1] < 0.75


def test_with_little_weight_the_regression_is_what_it_trusts(rows):
    trusted, columns, _, _ = rows
    found = fitted(Hinges, rows, weight=0.001).logit(trusted, columns)
    assert np.corrcoef(found, trusted[:, 0])[0, 1] > 0.99


def test_the_regression_is_level_beyond_what_it_saw(rows):
    model = fitted(Hinges, rows)
    far = np.array([[0.0], [0.0]])
    columns = np.array([[1e3, 0, 0], [1e6, 0, 0]])
    assert np.ptp(model.logit(far, columns)) == 0


def test_a_column_that_never_varies_is_no_harm(rows):
    trusted, columns, outcome, _ = rows
    flat = np.hstack([columns, np.ones((ROWS, 1))])
    found = Hinges().fit(trusted, flat, outcome, 1.0).logit(trusted, flat)
    assert found == pytest.approx(fitted(Hinges, rows).logit(trusted, columns), abs=1e-6)


def test_trees_say_the_same_without_what_fitted_them(rows):
    trusted, columns, _, _ = rows
    model = fitted(Boosting, rows)
    kept = object.__new__(Boosting)
    kept.__dict__.update(model.__getstate__())
    assert isinstance(kept._model, Trees)
    assert np.array_equal(kept.logit(trusted, columns), model.logit(trusted, columns))
    assert kept.__getstate__()["_model"] is kept._model


def test_trees_that_are_kept_in_another_way_are_an_error(rows):
    model = fitted(Boosting, rows)
    model._model._predictors = [["a tree"]]
    with pytest.raises(RfmkitError, match="which keeps its trees in another form"):
        model.__getstate__()


def test_trees_that_say_something_else_are_an_error(rows):
    model = fitted(Boosting, rows)
    model._model._baseline_prediction = model._model._baseline_prediction + 1
    found = model._model.decision_function(np.zeros((1, 4)))
    model._model.decision_function = lambda many: np.full(len(many), found[0])
    with pytest.raises(RfmkitError, match="which keeps its trees in another form"):
        model.__getstate__()
