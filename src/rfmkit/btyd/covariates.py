"""Covariates: what is known of customers besides their purchases, as formulas name it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np

from rfmkit._engine import kind_of
from rfmkit.btyd.cells import number
from rfmkit.exceptions import ColumnsError, RfmkitError, examples, warn
from rfmkit.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Factor = tuple[str, bool]
    Level = str | float
    Product = tuple[tuple[int, int | None], ...]

LATER: Final = ("ibis", "spark", "duckdb")
"""Kinds of frames that are not read until their result is."""
MOST_LEVELS: Final = 100
ALIKE: Final = 1e-9
"""So little of a column may be its own, as a share of its variance, before it is another's."""
ROUNDED: Final = 1e-24
"""So small a variance, beside the mean square, is rounding."""
LEVELS_OF: Final = re.compile(r"C\(\s*(?:`([^`]+)`|([^\W\d]\w*))\s*\)")
HINT: Final = 'write columns and + : * ( ), such as "gender + age", and C(region) for numbers that '
HINT_MORE: Final = "are names; work anything else out as a column of the customers first."


@dataclass(frozen=True)
class Covariates:
    """The columns of a design, and how columns of customers become them.

    Attributes
    ----------
    factors : tuple of (column, levels)
        What the formulas name; levels are None where a column is a number.
    buying, leaving : tuple of products
        The columns of the design, each a product of factors: of numbers, and of whether a level
        is the one at this place.
    """

    factors: tuple[tuple[str, tuple[Level, ...] | None], ...]
    buying: tuple[Product, ...]
    leaving: tuple[Product, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the coefficients."""
        return tuple(
            f"{process}.{':'.join(self._label(*part) for part in product)}"
            for process, products in (("buying", self.buying), ("leaving", self.leaving))
            for product in products
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of customers that it takes."""
        return tuple(dict.fromkeys(name for name, _ in self.factors))

    @property
    def told(self) -> str:
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

    def matrix(self, row: Sequence[Floats]) -> Floats:
        """Make the design of customers, from the numbers and codes of the factors."""
        columns = []
        for product in (*self.buying, *self.leaving):
            column = np.ones(np.shape(row[0]))
            for place, level in product:
                column = column * (row[place] if level is None else row[place] == level)
            columns.append(column)
        return np.stack(columns, axis=-1)

    def code(self, cells: Mapping[str, Any]) -> list[Floats]:
        """Give the number, or the place of the level, of each factor; NaN for any other."""
        row = []
        for name, levels in self.factors:
            if levels is None:
                row.append(np.asarray(cells[name], dtype=float))
                continue
            place = {level: float(place) for place, level in enumerate(levels)}
            row.append(np.array([place.get(value, np.nan) for value in cells[name]]))
        return row

    def columns(self, table: ir.Table) -> list[ir.Column]:
        """Give the same as expressions, null where a value is missing or was not there in fit."""
        row = []
        for name, levels in self.factors:
            words = levels is not None and isinstance(levels[0], str)
            column = number(table, name, words=True)
            if column is None or column.type().is_string() != words:
                raise ColumnsError(
                    f"{name!r} is {'text' if words else 'a number'}, as in the fit.",
                    found=f"{table[name].type()}",
                    hint="give it the type that it had.",
                )
            if levels is not None:
                cases = [(level, float(place)) for place, level in enumerate(levels)]
                column = column.cases(*cases, else_=ibis.null("float64"))
            row.append(column)
        return row

    def unknown(self, table: ir.Table) -> ir.BooleanValue:
        """Tell the customers of whom a covariate is missing, or of a level not seen in fit."""
        found = ibis.literal(value=False)
        for column in self.columns(table):
            found = found | column.isnull() | column.isnan().fill_null(False)  # noqa: FBT003
        return found


def terms_of(formula: Any, process: str) -> list[list[Factor]]:
    """Read a formula: terms of columns, each taken as a number or by its levels.

    No expression of Python is ever run, neither here nor when a saved model is read.

    >>> terms_of("gender * age + C(region)", "buying")
    [[('gender', False)], [('age', False)], [('region', True)], [('gender', False), ('age', False)]]
    """
    if formula is None:
        return []
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    try:
        parsed = DefaultFormulaParser().get_terms(formula) if isinstance(formula, str) else None
        terms = sorted(parsed, key=lambda term: term.degree) if parsed is not None else []
        found = [[_factor(factor) for factor in term.factors] for term in terms if str(term) != "1"]
    except (FormulaicError, AttributeError, TypeError, SyntaxError) as error:
        raise _no_formula(process, formula) from error
    if not found or not all(name for term in found for name, _ in term):
        raise _no_formula(process, formula)
    return [[(name, by_level) for name, by_level in term if name is not None] for term in found]


def _factor(factor: Any) -> tuple[str | None, bool]:
    """Give a column and whether its levels are meant; none for what is no column."""
    if factor.eval_method.value == "lookup":
        return factor.expr, False
    by_level = LEVELS_OF.fullmatch(factor.expr)
    return (by_level[1] or by_level[2], True) if by_level else (None, False)


def _no_formula(process: str, formula: Any) -> RfmkitError:
    return RfmkitError(
        f"{process} is a formula of columns of the customers.",
        found=f"{process}={formula!r}",
        hint=HINT + HINT_MORE,
    )


def learn(
    buying: Sequence[Sequence[Factor]],
    leaving: Sequence[Sequence[Factor]],
    cells: Mapping[str, Any],
    weight: Floats,
) -> Covariates:
    """Learn the levels, and make the design of the formulas.

    Raises
    ------
    RfmkitError
        A value is missing, a column has too many levels, or one says what others say.
    """
    named = dict.fromkeys(factor for term in (*buying, *leaving) for factor in term)
    factors = [(name, _levels(name, cells[name], weight, by_level)) for name, by_level in named]
    # A column of words is one of levels, asked for or not.
    place = {factor: number for number, factor in enumerate(named)}
    found = Covariates(
        tuple(factors), *(_products(terms, place, factors) for terms in (buying, leaving))
    )
    _insist_on_difference(found, found.matrix(found.code(cells)), weight)
    return found


def _levels(
    name: str, values: NDArray[Any], weight: Floats, by_level: bool,  # noqa: FBT001
) -> tuple[Level, ...] | None:  # fmt: skip
    words = values.dtype == object
    known = np.array([isinstance(v, str) for v in values]) if words else np.isfinite(values)
    if not known.all():
        raise RfmkitError(
            "Every customer has a value of each covariate.",
            found=f"{int(weight[~known].sum()):,} customers without {name!r}",
            hint="give them one, such as 'unknown', or leave them out.",
        )
    if not words and not by_level:
        return None
    levels = tuple(sorted(set(values.tolist())))
    if len(levels) == 1:
        raise RfmkitError(
            "A covariate tells customers apart.",
            found=f"{name!r} is {levels[0]!r} for all",
            hint="leave it out of the formula.",
        )
    if len(levels) > MOST_LEVELS:
        raise RfmkitError(
            f"A covariate has up to {MOST_LEVELS} levels.",
            found=f"{len(levels):,} of {name!r}",
            hint="group them, the rare ones as 'other'.",
        )
    return levels


def _products(
    terms: Sequence[Sequence[Factor]],
    place: Mapping[Factor, int],
    factors: Sequence[tuple[str, tuple[Level, ...] | None]],
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


def _columns_of(
    scoped: Any, factors: Sequence[tuple[str, tuple[Level, ...] | None]]
) -> list[Product]:
    """Give the columns of a term: one for each choice of levels."""
    found: list[Product] = [()] if scoped.factors else []
    for part in scoped.factors:
        place = int(part.factor.expr[1:])
        levels = factors[place][1]
        choices: list[int | None] = (
            [None] if levels is None else list(range(int(part.reduced), len(levels)))
        )
        found = [(*product, (place, level)) for product in found for level in choices]
    return found


def _insist_on_difference(found: Covariates, design: Floats, weight: Floats) -> None:
    """Let every column tell customers apart, in a way that no other columns do."""
    share = weight / weight.sum()
    size = np.einsum("i,ij->j", share, design**2)
    apart = design - np.einsum("i,ij->j", share, design)
    moments = np.einsum("ij,ik->jk", apart * share[:, None], apart)
    idle, start = [], 0
    for products in (found.buying, found.leaving):
        own = range(start, start + len(products))
        rest, start = moments.copy(), start + len(products)
        for place in own:
            pivot = rest[place, place]
            if pivot > max(ALIKE * moments[place, place], ROUNDED * size[place]):
                rest = rest - np.outer(rest[:, place], rest[place]) / pivot
            else:
                idle.append(found.labels[place])
    if idle:
        raise RfmkitError(
            "Each covariate tells customers apart in a way of its own.",
            found=f"{examples(idle)}, the same for all, or told by the others",
            hint="leave it out of the formula.",
        )


def insist_on_columns(customers: Any, names: Sequence[str]) -> None:
    """Insist on customers, where covariates are asked for: orders have none."""
    if isinstance(customers, Orders):
        raise RfmkitError(
            "A formula names columns of the customers.",
            found=f"orders, which have no {examples(names)}",
            hint='join them: customers = rk.summarize(orders).merge(people, on="customer_id"), '
            "and pass the customers.",
        )


def tell_of_unknown(known: Covariates, customers: Any, table: ir.Table) -> None:
    """Warn of covariates that say nothing, unless the customers are not read until later."""
    if kind_of(customers) in LATER:
        return
    unknown = known.unknown(table) & table["repeat_purchases"].notnull()
    rows = table.aggregate(rows=unknown.ifelse(1, 0).sum()).to_pyarrow()["rows"][0].as_py()
    if rows:
        warn(
            f"No prediction for {rows:,} of the customers: a covariate of theirs is missing, or of "
            "a level that the fit did not see.",
            hint=f"{known.told}; give them one of these, or fit again.",
        )
