"""Every error says what must hold, what was found, and what to do next."""

import pickle
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import polars as pl
import pytest

import rfmkit as rk
from rfmkit import exceptions
from rfmkit.exceptions import RfmkitError, examples, kind_in_words, with_article

ERRORS = [name for name in exceptions.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_an_rfmkit_error_and_a_value_error(name):
    assert issubclass(getattr(exceptions, name), RfmkitError)
    assert issubclass(getattr(exceptions, name), ValueError)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("ColumnsError", exceptions.OrdersError),
        ("NotFittedError", AttributeError),
        ("MissingExtraError", ImportError),
        ("RfmkitWarning", UserWarning),
    ],
)
def test_an_error_can_be_caught_as_what_it_also_is(name, base):
    assert issubclass(getattr(exceptions, name), base)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "Days are whole."),
        ({"found": "1.5"}, "Days are whole.\nFound: 1.5"),
        ({"hint": "round."}, "Days are whole.\nHint: round."),
        ({"found": "1.5", "hint": "round."}, "Days are whole.\nFound: 1.5\nHint: round."),
    ],
)
@pytest.mark.parametrize("name", ERRORS)
def test_a_message_has_one_line_a_part(name, parts, text):
    assert str(getattr(exceptions, name)("Days are whole.", **parts)) == text


def test_the_parts_of_a_message_are_attributes():
    error = RfmkitError("Days are whole.", found="1.5", hint="round.")
    assert (error.must, error.found, error.hint) == ("Days are whole.", "1.5", "round.")


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_survives_the_way_between_processes(name):
    error = getattr(exceptions, name)("Days are whole.", found="1.5", hint="round.")
    other = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert (other.must, other.found, other.hint) == (error.must, error.found, error.hint)


@pytest.mark.parametrize(
    ("values", "count", "text"),
    [
        ([], None, ""),
        ([1], None, "1"),
        (["a", "b"], None, "'a', 'b'"),
        ("abcde", None, "'a', 'b', 'c', 'd', 'e'"),
        ("abcdef", None, "'a', 'b', 'c', 'd', 'e', ... (6 in all)"),
        ((str(n) for n in range(1200)), None, "'0', '1', '2', '3', '4', ... (1,200 in all)"),
        (["a", "b"], 2, "'a', 'b'"),
        (["a", "b"], 3000, "'a', 'b', ... (3,000 in all)"),
    ],
)
def test_examples_are_at_most_five_and_say_how_many_there_are(values, count, text):
    assert examples(values, count=count) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"), (3, "an int"), ("orders", "a str"), ({}, "a dict"),
        (pd.DataFrame(), "a pandas DataFrame"), (pl.DataFrame(), "a polars DataFrame"),
        (np.zeros(2), "a numpy ndarray"), (PurePosixPath(), "a PurePosixPath"),
        (rk.ChurnCurve(), "a ChurnCurve"), (rk.ChurnCurve, "the class ChurnCurve"),
        (pd.DataFrame, "the class DataFrame"),
    ],
    ids=str,
)  # fmt: skip
def test_a_kind_is_named_with_its_library(value, words):
    assert kind_in_words(value) == words


def test_a_warning_is_at_the_line_of_the_callers_own():
    with pytest.warns(exceptions.RfmkitWarning, match=r"^Look here\.\nHint: or there\.$") as seen:
        exceptions.warn("Look here.", hint="or there.")
    assert seen[0].filename == __file__


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("RFMScorer", "an RFMScorer"), ("ChurnCurve", "a ChurnCurve"), ("BetaGeo", "a BetaGeo"),
        ("Orders", "an Orders"), ("UInt8", "a UInt8"), ("ibis Table", "an ibis Table"),
        ("Lines", "a Lines"),
    ],
)  # fmt: skip
def test_a_name_follows_the_article_that_is_spoken(name, words):
    assert with_article(name) == words
