"""Formulas: covariates, their levels and products, and the columns of a design matrix.

All models read the same language. No Python in a formula is run, and a fit keeps only names, levels
and indices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit.exceptions import RfmkitError, examples

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Factor = tuple[str, bool]
    Terms = Sequence[Sequence[Factor]]
    Level = str | float
    Levels = tuple[Level, ...] | None
    Product = tuple[tuple[int, int | None], ...]

MAX_LEVELS: Final = 100
COLLINEAR: Final = 1e-9
"""Collinear: at most this share of a column's variance is left by the columns before it."""
CONSTANT: Final = 1e-24
"""Constant up to rounding: the variance is at most this share of the mean square."""
LEVELS_OF: Final = re.compile(r"C\(\s*(?:`([^`]+)`|([^\W\d]\w*))\s*\)")


@dataclass(frozen=True)
class Design:
    """The columns of a formula without the intercept, and how to compute them from values.

    Attributes
    ----------
    factors : tuple of (covariate, levels)
        The covariates of the formula; levels are None for a number.
    products : tuple of products
        The columns. Each is a product of factors: (index of a number, None), or (index of a factor,
        index of its level), which is 1 for that level and else 0.
    """

    factors: tuple[tuple[str, Levels], ...]
    products: tuple[Product, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the columns, such as ``age`` and ``gender[m]:age``."""
        return tuple(":".join(self._label(*part) for part in each) for each in self.products)

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates of the formula."""
        return tuple(dict.fromkeys(name for name, _ in self.factors))

    @property
    def described(self) -> str:
        """The values that each covariate may have, in words."""
        return "; ".join(
            f"{name!r} is a number" if levels is None else f"{name!r} is one of {examples(levels)}"
            for name, levels in self.factors
        )

    def _label(self, place: int, level: int | None) -> str:
        name, levels = self.factors[place]
        if level is None or levels is None:
            return name
        value = levels[level]
        return f"{name}[{value if isinstance(value, str) else f'{value:g}'}]"

    def code(self, values: Mapping[str, Any]) -> list[Floats]:
        """Return for each factor its number, or the index of its level; NaN for any other value."""
        row = []
        for name, levels in self.factors:
            if levels is None:
                row.append(np.asarray(values[name], dtype=float))
                continue
            place = {level: float(place) for place, level in enumerate(levels)}
            row.append(np.array([place.get(level, np.nan) for level in values[name]]))
        return row

    def matrix(self, row: Sequence[Floats]) -> Floats:
        """Return the design matrix, from the numbers and codes of `code`."""
        columns = []
        for product in self.products:
            column = np.ones(np.shape(row[0]))
            for place, level in product:
                column = column * (row[place] if level is None else row[place] == level)
            columns.append(column)
        return np.stack(columns, axis=-1)


def terms_of(
    formula: Any, name: str, *, must: str, hint: str, bare: bool = False
) -> list[list[Factor]]:
    """Return the terms of a formula: products of covariates, each a number or taken by levels.

    No expression of Python is run, neither here nor when a saved model is read. The intercept is
    always in the model, with and without a 1 in the formula.

    Parameters
    ----------
    formula : str
        In the notation of Wilkinson and Rogers (1973), "Symbolic description of factorial models",
        Applied Statistics 22.
    name : str
        The name of the argument.
    must, hint : str
        The texts of the error.
    bare : bool, default False
        Whether a formula without covariates, such as ``"1"``, is allowed.

    Returns
    -------
    list of list of (str, bool)
        The terms, each a list of covariates; True if a covariate is taken by levels.

    Raises
    ------
    RfmkitError
        It cannot be read, or holds anything but covariates.

    Examples
    --------
    >>> terms_of("gender * age + C(region)", "buying", must="", hint="")
    [[('gender', False)], [('age', False)], [('region', True)], [('gender', False), ('age', False)]]
    """
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    error = RfmkitError(must, found=f"{name}={formula!r}", hint=hint)
    # formulaic also reads differences of terms, left sides and parts; within backticks these are
    # characters of a name.
    if isinstance(formula, str) and re.search(r"[-~|]", re.sub(r"`[^`]*`", "", formula)):
        raise error
    try:
        parsed = DefaultFormulaParser().get_terms(formula) if isinstance(formula, str) else None
        terms = sorted(parsed, key=lambda term: term.degree) if parsed is not None else None
        named = [term for term in terms or () if str(term) != "1"]
        found = [[_factor(part) for part in term.factors] for term in named]
    # For texts that are no formula, formulaic raises errors of several classes.
    except (
        FormulaicError,
        AttributeError,
        IndexError,
        SyntaxError,
        TypeError,
        ValueError,
    ) as cause:
        raise error from cause
    if terms is None or not (found or bare) or not all(name for term in found for name, _ in term):
        raise error
    return [[(name, by_level) for name, by_level in term if name is not None] for term in found]


def _factor(factor: Any) -> tuple[str | None, bool]:
    """Return a covariate and whether it is taken by levels; None for anything but a name."""
    if factor.eval_method.value == "lookup":
        return factor.expr, False
    by_level = LEVELS_OF.fullmatch(factor.expr)
    return (by_level[1] or by_level[2], True) if by_level else (None, False)


def names_of(terms: Iterable[Sequence[Factor]]) -> list[str]:
    """Return the covariates of some terms, each once."""
    return list(dict.fromkeys(name for term in terms for name, _ in term))


def learn(
    formulas: Sequence[Terms], values: Mapping[str, Any], weight: Floats, *, each: str = "customer"
) -> list[Design]:
    """Return the design of each formula, with the levels of the given values; factors are shared.

    Parameters
    ----------
    formulas : sequence of terms
        As `terms_of` returns them.
    values : mapping of str to array
        The values of every covariate: float64, or object for text.
    weight : float64 array
        The number of rows that each value stands for.
    each : str
        The word for a row, in errors.

    Returns
    -------
    list of Design
        One for each formula.

    Raises
    ------
    RfmkitError
        A value is missing, or a covariate has one level, or too many.
    """
    named = dict.fromkeys(factor for terms in formulas for term in terms for factor in term)
    # Text is always taken by levels.
    factors = tuple((name, _levels(name, values[name], weight, by, each)) for name, by in named)
    place = {factor: number for number, factor in enumerate(named)}
    return [Design(factors, _products(terms, place, factors)) for terms in formulas]


def _levels(
    name: str, values: NDArray[Any], weight: Floats, by_level: bool, each: str,  # noqa: FBT001
) -> Levels:  # fmt: skip
    words = values.dtype == object
    known = np.array([isinstance(v, str) for v in values]) if words else np.isfinite(values)
    if not known.all():
        raise RfmkitError(
            f"Every {each} must have a value of each covariate.",
            found=f"{int(weight[~known].sum()):,} {each}s without {name!r}",
            hint="give them one, such as 'unknown', or leave them out.",
        )
    if not words and not by_level:
        return None
    levels = tuple(sorted(set(values.tolist())))
    if len(levels) == 1:
        raise RfmkitError(
            f"A covariate must differ between {each}s.",
            found=f"{name!r} is {levels[0]!r} for all",
            hint="leave it out of the formula.",
        )
    if len(levels) > MAX_LEVELS:
        raise RfmkitError(
            f"A covariate must have at most {MAX_LEVELS} levels.",
            found=f"{len(levels):,} of {name!r}",
            hint="group them, the rare ones as 'other'.",
        )
    return levels


def _products(
    terms: Terms, place: Mapping[Factor, int], factors: Sequence[tuple[str, Levels]]
) -> tuple[Product, ...]:
    """Return the columns of the terms; formulaic decides which levels each term leaves out."""
    if not terms:
        return ()
    import pandas as pd
    from formulaic import Formula

    rows = {}
    for position, (_, levels) in enumerate(factors):
        count = 1 if levels is None else len(levels)
        kind = pd.CategoricalDtype(list(range(count)))
        codes = pd.Series([0, count - 1])
        rows[f"f{position}"] = codes.astype(float) if levels is None else codes.astype(kind)
    written = [":".join(f"f{place[factor]}" for factor in term) for term in terms]
    design = Formula(" + ".join(["1", *written])).get_model_matrix(pd.DataFrame(rows))
    products: list[Product] = []
    for term in design.model_spec.structure:
        for scoped in term.scoped_terms:
            products += _columns_of(scoped, factors)
    return tuple(products)


def _columns_of(scoped: Any, factors: Sequence[tuple[str, Levels]]) -> list[Product]:
    """Return the columns of a term: one for each choice of levels."""
    found: list[Product] = [()] if scoped.factors else []
    for part in scoped.factors:
        place = int(part.factor.expr[1:])
        levels = factors[place][1]
        choices: list[int | None] = (
            [None] if levels is None else list(range(int(part.reduced), len(levels)))
        )
        found = [(*product, (place, level)) for product in found for level in choices]
    return found


def redundant_columns(design: Design, columns: Floats, weight: Floats) -> list[str]:
    """Return the columns that are constant, or a linear combination of those before them.

    It is a Cholesky decomposition of the weighted covariance of the columns.
    """
    share = weight / weight.sum()
    size = np.einsum("i,ij->j", share, columns**2)
    apart = columns - np.einsum("i,ij->j", share, columns)
    rest = np.einsum("ij,ik->jk", apart * share[:, None], apart)
    found, whole = [], np.diag(rest).copy()
    for place, label in enumerate(design.labels):
        pivot = rest[place, place]
        if pivot > max(COLLINEAR * whole[place], CONSTANT * size[place]):
            rest = rest - np.outer(rest[:, place], rest[place]) / pivot
        else:
            found.append(label)
    return found


def check_identified(labels: Sequence[str], *, each: str = "customer") -> None:
    """Raise an error if `redundant_columns` has found any."""
    if labels:
        raise RfmkitError(
            f"Covariates must vary between {each}s and cannot be collinear.",
            found=f"{examples(labels)}: constant, or a combination of the others",
            hint="leave it out of the formula.",
        )
