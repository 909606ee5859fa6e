"""Formulas: which covariates tell rows apart, alone and by products, and the columns they make.

One language for every model: columns, their levels, and products of them. No Python in a formula
is ever run, and what a fit keeps of it are names, levels and places.
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

MOST_LEVELS: Final = 100
ALIKE: Final = 1e-9
"""So little of a column may be its own, as a share of its variance, before it is another's."""
ROUNDED: Final = 1e-24
"""So small a variance, beside the mean square, is rounding."""
LEVELS_OF: Final = re.compile(r"C\(\s*(?:`([^`]+)`|([^\W\d]\w*))\s*\)")


@dataclass(frozen=True)
class Design:
    """The columns of a formula beside the intercept, and how values become them.

    Attributes
    ----------
    factors : tuple of (covariate, levels)
        What the formula names; levels are None where a covariate is a number.
    products : tuple of products
        The columns, each a product of factors: of numbers, and of whether a level is the one at
        this place.
    """

    factors: tuple[tuple[str, Levels], ...]
    products: tuple[Product, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the columns, such as ``age`` and ``gender[m]:age``."""
        return tuple(":".join(self._label(*part) for part in each) for each in self.products)

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates that it takes."""
        return tuple(dict.fromkeys(name for name, _ in self.factors))

    @property
    def described(self) -> str:
        """What values it knows, in words."""
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

    def code(self, cells: Mapping[str, Any]) -> list[Floats]:
        """Return the number, or the place of the level, of each factor; NaN for any other."""
        row = []
        for name, levels in self.factors:
            if levels is None:
                row.append(np.asarray(cells[name], dtype=float))
                continue
            place = {level: float(place) for place, level in enumerate(levels)}
            row.append(np.array([place.get(value, np.nan) for value in cells[name]]))
        return row

    def matrix(self, row: Sequence[Floats]) -> Floats:
        """Make the columns, from the numbers and codes of the factors."""
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
    """Read a formula: terms of covariates, each taken as a number or by its levels.

    No expression of Python is ever run, neither here nor when a saved model is read. The intercept
    is the model's own, with and without a 1 in the formula.

    Parameters
    ----------
    formula : str
        In the notation of Wilkinson and Rogers (1973), "Symbolic description of factorial models",
        Applied Statistics 22.
    name : str
        Of the argument it was given as.
    must, hint : str
        What to say where it is none.
    bare : bool, default False
        Whether it may name nothing, as ``"1"`` does.

    Raises
    ------
    RfmkitError
        It cannot be read, or holds something else than covariates.

    Examples
    --------
    >>> terms_of("gender * age + C(region)", "buying", must="", hint="")
    [[('gender', False)], [('age', False)], [('region', True)], [('gender', False), ('age', False)]]
    """
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    error = RfmkitError(must, found=f"{name}={formula!r}", hint=hint)
    # formulaic takes terms away as well, and a left side; in a name in backticks they are letters.
    if isinstance(formula, str) and re.search(r"[-~|]", re.sub(r"`[^`]*`", "", formula)):
        raise error
    try:
        parsed = DefaultFormulaParser().get_terms(formula) if isinstance(formula, str) else None
        terms = sorted(parsed, key=lambda term: term.degree) if parsed is not None else None
        named = [term for term in terms or () if str(term) != "1"]
        found = [[_factor(part) for part in term.factors] for term in named]
    # formulaic stumbles over some texts that are far from a formula, each in another way.
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
    """Return a covariate and whether its levels are meant; none for what is no name."""
    if factor.eval_method.value == "lookup":
        return factor.expr, False
    by_level = LEVELS_OF.fullmatch(factor.expr)
    return (by_level[1] or by_level[2], True) if by_level else (None, False)


def names_of(terms: Iterable[Sequence[Factor]]) -> list[str]:
    """Return the covariates of some terms, each once."""
    return list(dict.fromkeys(name for term in terms for name, _ in term))


def learn(
    formulas: Sequence[Terms], cells: Mapping[str, Any], weight: Floats, *, each: str = "customer"
) -> list[Design]:
    """Learn the levels from values, and make a design of each formula; they share the factors.

    Parameters
    ----------
    formulas : sequence of terms
        As `terms_of` reads them.
    cells : mapping of str to array
        The values of every covariate: of float64, or of objects where they are words.
    weight : array
        For how many each value stands.
    each : str
        What has the values.

    Raises
    ------
    RfmkitError
        A value is missing, or a covariate has one level, or too many.
    """
    named = dict.fromkeys(factor for terms in formulas for term in terms for factor in term)
    # Words are taken by their levels, asked for or not.
    factors = tuple((name, _levels(name, cells[name], weight, by, each)) for name, by in named)
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
    if len(levels) > MOST_LEVELS:
        raise RfmkitError(
            f"A covariate must have at most {MOST_LEVELS} levels.",
            found=f"{len(levels):,} of {name!r}",
            hint="group them, the rare ones as 'other'.",
        )
    return levels


def _products(
    terms: Terms, place: Mapping[Factor, int], factors: Sequence[tuple[str, Levels]]
) -> tuple[Product, ...]:
    """Let formulaic say which levels each term leaves out; the intercept is the model's own."""
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


def idle(design: Design, columns: Floats, weight: Floats) -> list[str]:
    """Return the columns that are constant, or a combination of those before them."""
    share = weight / weight.sum()
    size = np.einsum("i,ij->j", share, columns**2)
    apart = columns - np.einsum("i,ij->j", share, columns)
    rest = np.einsum("ij,ik->jk", apart * share[:, None], apart)
    found, whole = [], np.diag(rest).copy()
    for place, label in enumerate(design.labels):
        pivot = rest[place, place]
        if pivot > max(ALIKE * whole[place], ROUNDED * size[place]):
            rest = rest - np.outer(rest[:, place], rest[place]) / pivot
        else:
            found.append(label)
    return found


def check_identified(labels: Sequence[str], *, each: str = "customer") -> None:
    """Check that no column is constant or collinear with others."""
    if labels:
        raise RfmkitError(
            f"Covariates must vary between {each}s and cannot be collinear.",
            found=f"{examples(labels)}: constant, or a combination of the others",
            hint="leave it out of the formula.",
        )
