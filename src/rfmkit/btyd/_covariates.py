"""Covariates: what is known of customers besides their purchases, as formulas name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit._engine import kind_of
from rfmkit.btyd import _formulas as formulas
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

    from rfmkit.btyd._formulas import Factor, Levels, Product, Terms

    Floats = NDArray[np.float64]

OUTCOMES: Final = frozenset(
    column.name for column in CUSTOMERS if column.name not in ("first_purchase", "tenure_days")
)
"""Columns that tell what customers did later: as covariates they would explain themselves."""
LATER: Final = ("ibis", "spark", "duckdb")
"""Kinds of frames that are not read until their result is."""
HINT: Final = 'write columns and + : * ( ), such as "gender + age", and C(region) for numbers that '
HINT_MORE: Final = "are names; work anything else out as a column of the customers first."


@dataclass(frozen=True)
class Covariates:
    """The designs of both processes, and how columns of customers become them.

    Attributes
    ----------
    factors : tuple of (column, levels)
        What the formulas name; levels are None where a column is a number.
    buying, leaving : tuple of products
        The columns of the designs, as of ``formulas.Design``.
    """

    factors: tuple[tuple[str, Levels], ...]
    buying: tuple[Product, ...]
    leaving: tuple[Product, ...]

    @property
    def design(self) -> Design:
        """Both side by side."""
        return Design(self.factors, (*self.buying, *self.leaving))

    @property
    def processes(self) -> dict[str, Design]:
        """Each by itself."""
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
        """The columns of customers that it takes."""
        return self.design.names

    @property
    def described(self) -> str:
        """What values it knows, in words."""
        return self.design.described

    def matrix(self, row: Sequence[Floats]) -> Floats:
        """Make the designs of customers, from the numbers and codes of the factors."""
        return self.design.matrix(row)

    def code(self, cells: Mapping[str, Any]) -> list[Floats]:
        """Return the number, or the place of the level, of each factor; NaN for any other."""
        return self.design.code(cells)

    def columns(self, table: ir.Table) -> list[ir.Column]:
        """Return the same as expressions, null where a value is missing or was not there in fit."""
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
        """Return the customers of whom a covariate is missing, or of a level not seen in fit."""
        found = ibis.literal(value=False)
        for column in self.columns(table):
            found = found | column.isnull() | column.isnan().fill_null(False)  # noqa: FBT003
        return found


def terms_of(formula: Any, process: str) -> list[list[Factor]]:
    """Read the formula of a process, if there is one."""
    if formula is None:
        return []
    terms = formulas.terms_of(
        formula,
        process,
        must=f"{process} must be a formula of columns of the customers.",
        hint=HINT + HINT_MORE,
    )
    outcomes = [name for name in formulas.names_of(terms) if name in OUTCOMES]
    if outcomes:
        raise RfmkitError(
            "A covariate must be known before the purchases that the model explains.",
            found=f"{process}={formula!r}: {examples(outcomes)}, which is made of them",
            hint="take what was known on the first day, such as the value of the first purchase, "
            "as a column of another name.",
        )
    return terms


def learn(buying: Terms, leaving: Terms, cells: Mapping[str, Any], weight: Floats) -> Covariates:
    """Learn the levels, and make the designs of the formulas.

    Raises
    ------
    RfmkitError
        A value is missing, a column has too many levels, or one says what others say.
    """
    designs = formulas.learn([buying, leaving], cells, weight)
    found = Covariates(designs[0].factors, *(design.products for design in designs))
    row = found.code(cells)
    formulas.check_identified(
        [
            f"{process}.{label}"
            for process, design in found.processes.items()
            if design.products
            for label in formulas.idle(design, design.matrix(row), weight)
        ]
    )
    return found


def check_customers(customers: Any, names: Sequence[str]) -> None:
    """Check that covariates are asked of a frame of customers: orders have none."""
    if isinstance(customers, Orders):
        raise RfmkitError(
            "A formula needs columns of a frame of customers.",
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
            hint=f"{known.described}; give them one of these, or fit again.",
        )
