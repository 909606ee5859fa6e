"""Covariates: columns of customers that explain how often they buy and how soon they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit._engine import kind_of
from rfmkit.btyd import _formulas as formulas
from rfmkit.btyd._counts import count_with
from rfmkit.btyd._formulas import Design
from rfmkit.btyd._grouping import number
from rfmkit.columns import CUSTOMERS
from rfmkit.exceptions import ColumnsError, RfmkitError, examples, warn
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis.expr.types as ir
    import numpy as np
    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts
    from rfmkit.btyd._formulas import Factor, Levels, Product, Terms

    Floats = NDArray[np.float64]

OUTCOMES: Final = frozenset(
    column.name for column in CUSTOMERS if column.name not in ("first_purchase", "tenure_days")
)
"""Columns computed from the purchases of a fit: as covariates they would explain themselves."""
LATER: Final = ("ibis", "spark", "duckdb")
"""Lazy kinds of frames: rows are not read before the result is."""
HINT: Final = (
    'write columns and + : * ( ), such as "gender + age", and C(region) for numbers that '
    "are names; compute anything else as a column of the customers first."
)


@dataclass(frozen=True)
class Covariates:
    """The designs of buying and leaving, and how to compute them from columns of customers.

    Attributes
    ----------
    factors : tuple of (column, levels)
        The columns that the formulas name; levels are None for a numeric column.
    buying, leaving : tuple of products
        The columns of the designs, as in ``Design``.
    """

    factors: tuple[tuple[str, Levels], ...]
    buying: tuple[Product, ...]
    leaving: tuple[Product, ...]

    @property
    def design(self) -> Design:
        """The columns of both designs, those of buying first."""
        return Design(self.factors, (*self.buying, *self.leaving))

    @property
    def processes(self) -> dict[str, Design]:
        """The design of each process."""
        return {
            "buying": Design(self.factors, self.buying),
            "leaving": Design(self.factors, self.leaving),
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the coefficients."""
        return tuple(
            f"{process}.{label}"
            for process, design in self.processes.items()
            for label in design.labels
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of customers that the formulas name."""
        return self.design.names

    @property
    def described(self) -> str:
        """The values that each column may have, in words."""
        return self.design.described

    def matrix(self, row: Sequence[Floats]) -> Floats:
        """Return the designs of customers, from the numbers and codes of `code`."""
        return self.design.matrix(row)

    def code(self, values: Mapping[str, Any]) -> list[Floats]:
        """Return for each factor its number, or the index of its level; NaN for any other value."""
        return self.design.code(values)

    def columns(self, table: ir.Table) -> list[ir.Column]:
        """Return the same as expressions; null where a value is missing or was not in the fit."""
        row = []
        for name, levels in self.factors:
            words = levels is not None and isinstance(levels[0], str)
            column = number(table, name, words=True)
            if column is None or column.type().is_string() != words:
                raise ColumnsError(
                    f"{name!r} must be {'text' if words else 'a number'}, as in the fit.",
                    found=f"{table[name].type()}",
                    hint="cast the column to the type that it had in the fit.",
                )
            if levels is not None:
                cases = [(level, float(place)) for place, level in enumerate(levels)]
                column = column.cases(*cases, else_=ibis.null("float64"))
            row.append(column)
        return row

    def unknown(self, table: ir.Table) -> ir.BooleanValue:
        """Whether a covariate of a customer is missing, or has a level that was not in the fit."""
        found = ibis.literal(value=False)
        for column in self.columns(table):
            found = found | column.isnull() | column.isnan().fill_null(False)  # noqa: FBT003
        return found


def terms_of(formula: Any, process: str) -> list[list[Factor]]:
    """Return the terms of the formula of a process; none without a formula.

    Raises
    ------
    RfmkitError
        It cannot be read, or names a column that is computed from the purchases.
    """
    if formula is None:
        return []
    terms = formulas.terms_of(
        formula,
        process,
        must=f"{process} must be a formula of columns of the customers.",
        hint=HINT,
    )
    outcomes = [name for name in formulas.names_of(terms) if name in OUTCOMES]
    if outcomes:
        raise RfmkitError(
            "A covariate must be known before the purchases that the model explains.",
            found=f"{process}={formula!r}: {examples(outcomes)}, computed from them",
            hint="take what was known on the first day, such as the value of the first purchase, "
            "as a column of another name.",
        )
    return terms


def learn(buying: Terms, leaving: Terms, values: Mapping[str, Any], weight: Floats) -> Covariates:
    """Return the designs of the formulas, with the levels of the given values.

    Raises
    ------
    RfmkitError
        A value is missing, a column has too many levels, or columns are collinear.
    """
    designs = formulas.learn([buying, leaving], values, weight)
    found = Covariates(designs[0].factors, *(design.products for design in designs))
    row = found.code(values)
    formulas.check_identified(
        [
            f"{process}.{label}"
            for process, design in found.processes.items()
            if design.products
            for label in formulas.redundant_columns(design, design.matrix(row), weight)
        ]
    )
    return found


def count_covariates(
    customers: Any, names: Sequence[str], *, unit_days: float
) -> tuple[Counts, dict[str, Any]]:
    """Return customers grouped by their statistics and covariates, and each group's covariates.

    Raises
    ------
    ColumnsError
        The frame lacks a column, or a column does not hold numbers or words.
    RfmkitError
        The customers are orders.
    """
    check_customers(customers, names)
    counts, columns = count_with(customers, names, unit_days=unit_days)
    return counts, dict(zip(names, columns, strict=True))


def check_customers(customers: Any, names: Sequence[str]) -> None:
    """Raise an error if covariates are needed and the customers are orders, which have none."""
    if isinstance(customers, Orders):
        raise RfmkitError(
            "A formula needs columns of a frame of customers.",
            found=f"orders, which have no {examples(names)}",
            hint='join them: customers = rk.summarize(orders).merge(people, on="customer_id"), '
            "and pass the customers.",
        )


def warn_of_unknown_covariates(known: Covariates, customers: Any, table: ir.Table) -> None:
    """Warn of customers without a prediction, unless the frame is lazy.

    A covariate of theirs is missing, or has a level that was not in the fit.
    """
    if kind_of(customers) in LATER:
        return
    unknown = known.unknown(table) & table["repeat_purchases"].notnull()
    rows = table.aggregate(rows=unknown.ifelse(1, 0).sum()).to_pyarrow()["rows"][0].as_py()
    if rows:
        warn(
            f"No prediction for {rows:,} of the customers: a covariate of theirs is missing, or "
            "has a level that was not in the fit.",
            hint=f"{known.described}; give them one of these, or fit again.",
        )
