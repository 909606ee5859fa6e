"""Formulas: names, levels and products, whose columns are those of formulaic; and no Python."""

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix
from hypothesis import given, settings
from hypothesis import strategies as st

from rfmkit.btyd._formulas import (
    Design,
    check_identified,
    learn,
    names_of,
    redundant_columns,
    terms_of,
)
from rfmkit.exceptions import RfmkitError

RNG = np.random.default_rng(1)
PEOPLE = pd.DataFrame(
    {
        "gender": RNG.choice(["f", "m", "x"], 300),
        "age": RNG.integers(20, 60, 300).astype(float),
        "shop": RNG.integers(1, 4, 300).astype(float),
        "member": (RNG.random(300) < 0.5).astype(float),
    }
)
CELLS = {"gender": PEOPLE["gender"].to_numpy(dtype=object)} | {
    name: PEOPLE[name].to_numpy() for name in ("age", "shop", "member")
}
ONES = np.ones(len(PEOPLE))


def read(formula, **options):
    return terms_of(formula, "z", must="z is a formula.", hint="write one.", **options)


def design(*formulas, cells=CELLS, weight=ONES):
    return learn([read(formula) for formula in formulas], cells, weight)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("gender", [["gender"]]),
        ("0 + gender", [["gender"]]),
        ("1 + age + gender:age", [["age"], ["gender", "age"]]),
        ("(a + b)**2", [["a"], ["b"], ["a", "b"]]),
        ("`home town` + C(shop) + C(`home town`)", [["home town"], ["C:shop"], ["C:home town"]]),
    ],
)
def test_a_formula_names_covariates(formula, expected):
    found = read(formula)
    assert [["C:" * whole + name for name, whole in term] for term in found] == expected
    assert names_of(found) == list(
        dict.fromkeys(name.removeprefix("C:") for term in expected for name in term)
    )


@pytest.mark.parametrize(
    "formula",
    [
        "np.log(age)", "log(age)", "age + center(age)", "{age + 1}", "__import__('os')", "y ~ age",
        "a | b", "2:age", ".", "age +", "C(shop, contr.sum)", "C(np.abs(shop))", "I(2 * age)", 3,
        ["age"], None, ",C(``)", "(a", "a b", "[a ~ b]", "age\\",
    ],
)  # fmt: skip
@pytest.mark.parametrize("bare", [False, True])
def test_what_is_no_formula_is_an_error_and_never_run(formula, bare):
    with pytest.raises(RfmkitError, match=r"^z is a formula.\nFound: z=(.|\n)*Hint: write one"):
        read(formula, bare=bare)


@given(formula=st.text("ab+:*()/^-`~|.01C{}[] ,'\\", max_size=8))
def test_any_text_is_a_formula_or_an_error(formula):
    try:
        found = read(formula, bare=True)
    except RfmkitError:
        return
    assert all(name and name in formula for name in names_of(found))


@pytest.mark.parametrize("formula", ["", "1", "0"])
def test_a_formula_of_nothing_is_one_where_that_may_be(formula):
    assert read(formula, bare=True) == []
    with pytest.raises(RfmkitError, match="z is a formula"):
        read(formula)


@pytest.mark.parametrize(
    "formula",
    [
        "gender", "age", "gender * age", "gender:age", "C(shop) * gender", "C(shop):gender",
        "gender:age + C(shop):age", "member * C(shop) * gender", "age:shop + gender/member",
    ],
)  # fmt: skip
def test_the_design_is_that_of_formulaic(formula):
    (found,) = design(formula)
    columns = found.matrix(found.code(CELLS))
    expected = model_matrix(formula, PEOPLE.astype({"shop": int})).drop(columns="Intercept")
    # In which order the levels of two factors are combined is no matter.
    named = {name.replace("T.", "").replace("C(shop)", "shop"): name for name in expected.columns}
    assert sorted(found.labels) == sorted(named)
    expected = expected[[named[label] for label in found.labels]]
    assert columns == pytest.approx(expected.to_numpy(float), abs=1e-12)
    assert redundant_columns(found, columns, ONES) == []


def test_designs_of_several_formulas_share_their_factors():
    first, second = design("gender + age", "C(shop):gender + age")
    assert first.factors == second.factors
    assert first.names == ("gender", "age", "shop")
    assert first.labels == ("gender[m]", "gender[x]", "age")
    assert "shop[2]:gender[m]" in second.labels
    assert first.described == (
        "'gender' is one of 'f', 'm', 'x'; 'age' is a number; 'shop' is one of 1.0, 2.0, 3.0"
    )


def test_a_level_that_was_not_there_has_no_code():
    (found,) = design("gender + C(shop) + age")
    row = found.code({"gender": ["x", "q", None], "shop": [1, 9, np.nan], "age": [1, 2, np.nan]})
    np.testing.assert_array_equal(row, [[2, np.nan, np.nan], [0, np.nan, np.nan], [1, 2, np.nan]])


@pytest.mark.parametrize(
    ("change", "formula", "match"),
    [
        ({"gender": np.full(300, None)}, "gender", "300 gaps without 'gender'"),
        ({"age": np.full(300, np.inf)}, "age", "300 gaps without 'age'"),
        (
            {"gender": np.full(300, "f", dtype=object)},
            "gender",
            "(?s)must differ between gaps.*'f' for all",
        ),
        ({"shop": np.ones(300)}, "C(shop)", r"'shop' is 1.0 for all"),
        ({"age": np.arange(300.0)}, "C(age)", "300 of 'age'"),
    ],
)
def test_what_cannot_be_learned_from_is_an_error(change, formula, match):
    with pytest.raises(RfmkitError, match=match):
        learn([read(formula)], CELLS | change, ONES, each="gap")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("age + C(age)", 1),
        ("gender + copy", 2),
        ("age + still", 1),
        ("still + far", 1),
        ("far + gender", 0),
    ],
)
def test_columns_that_tell_nothing_new_are_named(formula, expected):
    cells = CELLS | {
        "copy": CELLS["gender"] + "!", "still": np.full(300, 0.1), "far": 1e6 + CELLS["age"],
    }  # fmt: skip
    (found,) = design(formula, cells=cells)
    labels = redundant_columns(found, found.matrix(found.code(cells)), ONES)
    assert len(labels) == expected
    assert set(labels) <= set(found.labels)


@settings(max_examples=25)
@given(scale=st.floats(1e-6, 1e6), weight=st.integers(1, 1000))
def test_neither_units_nor_counts_make_a_column_idle(scale, weight):
    cells = CELLS | {"age": scale * CELLS["age"]}
    (found,) = design("gender * age + member", cells=cells)
    columns = found.matrix(found.code(cells))
    assert redundant_columns(found, columns, weight * ONES) == []
    doubled = Design((*found.factors, ("twice", None)), (*found.products, ((3, None),)))
    columns = np.column_stack([columns, 2 * cells["age"]])
    assert redundant_columns(doubled, columns, weight * ONES) == ["twice"]


def test_idle_columns_are_refused():
    check_identified([])
    with pytest.raises(RfmkitError, match=r"(?s)must vary between gaps.*'a', 'b': constant"):
        check_identified(["a", "b"], each="gap")


@pytest.mark.parametrize(
    "formula", ["age - 1", "gender - age", "~ age", "age ~ gender", "age | shop"]
)
def test_nothing_is_taken_away_and_there_is_one_side(formula):
    with pytest.raises(RfmkitError, match="z is a formula"):
        read(formula)


def test_in_backticks_a_dash_is_a_letter():
    assert names_of(read("`first-order` + age")) == ["first-order", "age"]
