"""The layout of a log: its format, the column of every role, and the options of the caller."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from rfmkit._checks import nearest
from rfmkit.exceptions import ColumnsError
from rfmkit.formats import _cells as cells
from rfmkit.formats._names import (
    MONEY_ROLES,
    TIME_ROLES,
    columns_seen,
    existing,
    find_columns,
    find_email,
    require,
)
from rfmkit.formats._registry import GENERIC, nearly, recognised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rfmkit._engine import Source
    from rfmkit.formats import Format
    from rfmkit.orders._reading_options import ReadingOptions

HIDDEN: Final = "rfmkit_"
"""Prefix of the columns that rfmkit adds to a source."""
READ_AS: Final = {"id": ("customer_id", "order_id"), "money": MONEY_ROLES, "time": TIME_ROLES}


@dataclass(frozen=True)
class Layout:
    """The format, columns and options of a log, found before any row is read.

    Attributes
    ----------
    platform : Format
        The format of the export.
    why : str
        How the format was recognised, in words.
    columns : dict
        The column of each role. If it is made of two columns, or of an amount inside a text, it
        is a column that rfmkit adds.
    shown : mapping
        The column of each role in the source.
    constant_amount : float or None
        The amount of every row, if the caller passed a number.
    options : ReadingOptions
        The caller's choices.
    near : str
        The format that nearly fits, as the end of a hint; empty if there is none.
    """

    platform: Format
    why: str
    columns: dict[str, str]
    shown: Mapping[str, str]
    constant_amount: float | None
    options: ReadingOptions
    near: str = field(default="")

    @property
    def customer_roles(self) -> tuple[str, ...]:
        """The roles that identify the customer, the best first."""
        if "customer_id" in self.columns and "customer_id" not in self.platform.customer:
            return ("customer_id",)  # named by the caller
        return tuple(role for role in self.platform.customer if role in self.columns)

    @property
    def decimal(self) -> str | None:
        """The decimal mark, if the caller or the format states it."""
        return self.options.decimal or self.platform.decimal

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each role; with an amount, unit price and quantity are not read."""
        kinds = {role: kind for kind, roles in READ_AS.items() for role in roles}
        unread = ("unit_price", "quantity") if "amount" in self.columns else ()
        return {role: kinds.get(role, "text") for role in self.columns if role not in unread}

    def held_as(self, seen: Sequence[str]) -> dict[str, str]:
        """Return how to hold each column that is needed: as "id", "money", "time" or "text".

        Money and times are read while the file is loaded if all cells are plain, since plain
        cells have only one reading. A column that must be read as it is written stays text.
        """
        platform, columns = self.platform, self.columns
        others = [platform.column(name, seen) for name, _, _ in platform.overrules]
        others += [platform.column(platform.clock, seen), *self.options.exclude]
        others += [columns["ordered_at"]] if platform.clock and "ordered_at" in columns else []
        pieces = {
            "category",
            "quantity",
            "amount",
        } <= columns.keys()  # its quantity is not money, but is needed
        others += [columns["quantity"]] if pieces else []
        held = {name: "text" for name in others if name}
        for role, kind in self.kinds.items():
            as_text = role in platform.within or (kind == "money" and self.decimal == ",")
            held[columns[role]] = "text" if as_text or columns[role] in held else kind
        return held

    def with_made_columns(self, source: Source) -> tuple[Source, Layout]:
        """Return the source and the layout with the columns that rfmkit adds.

        The time of day is joined to the date, and amounts are extracted from text.
        """
        table, made, columns = source.table, {}, dict(self.shown)
        platform = self.platform
        clock = platform.column(platform.clock, table.columns) if platform.clock else None
        day = columns.get("ordered_at")
        if clock is not None and day is not None and table[day].type().is_string():
            moment = table[day].strip() + " " + table[clock].cast("string").strip()
            made["ordered_at"] = moment.fill_null(table[day])
        for role, pattern in platform.within.items():
            if role in columns and table[columns[role]].type().is_string():
                made[role] = cells.sum_within(table[columns[role]], pattern)
        if not made:
            return source, replace(self, columns=columns)
        table = table.mutate(**{HIDDEN + role: column for role, column in made.items()})
        columns |= {role: HIDDEN + role for role in made}
        return replace(source, table=table), replace(self, columns=columns)


def find_layout(
    names: Sequence[str],
    *,
    asked: Any,
    named: Mapping[str, str],
    constant_amount: float | None,
    options: ReadingOptions,
) -> Layout:
    """Return the layout of a log, found from the names of its columns.

    Parameters
    ----------
    names : sequence of str
        The columns of the source.
    asked : str or Format
        The format that the caller asked for, or ``"auto"``.
    named : mapping of role to column
        The columns that the caller named.
    constant_amount : float or None
        The amount of every row, if the caller passed a number.
    options : ReadingOptions
        The caller's choices.

    Raises
    ------
    ColumnsError
        A role has no column or two, or a named column does not exist.
    """
    seen = [name for name in names if not name.startswith(HIDDEN)]
    platform, why = recognised(seen, asked, named)
    near = nearly(seen) if platform == GENERIC and asked == "auto" else None
    advice = "." if near is None else _nearly(near)
    if platform != GENERIC and asked != "auto":
        advice = ", or leave out format=: another format may fit these columns."
    columns = _columns(platform, seen, named, advice)
    if platform == GENERIC and near is None and "customer_id" not in columns:
        platform, columns = _by_email(platform, columns, seen)
    _require_all(platform, columns, seen, constant_amount, advice)
    if "amount" in named or constant_amount is not None:
        platform = replace(platform, adds=(), takes=())
    _check_exclude(options, seen)
    near_miss = "" if near is None else advice
    return Layout(platform, why, columns, dict(columns), constant_amount, options, near_miss)


def _columns(
    platform: Format, seen: Sequence[str], named: Mapping[str, str], advice: str
) -> dict[str, str]:
    if platform == GENERIC:
        return find_columns(seen, named, advice=advice)
    # A platform names all its columns: another column of the export cannot take a role.
    return platform.find(seen, {r: existing(c, seen, r) for r, c in named.items()})


def _by_email(
    platform: Format, columns: dict[str, str], seen: Sequence[str]
) -> tuple[Format, dict[str, str]]:
    """Return the layout with the e-mail address as customer key, if no column has customer ids."""
    email = find_email(seen)
    if email is None:
        return platform, columns
    return replace(platform, customer=("email",)), columns | {"email": email}


def _require_all(
    platform: Format,
    columns: dict[str, str],
    seen: list[str],
    constant_amount: float | None,
    advice: str,
) -> None:
    if not any(role in columns for role in (*platform.customer, "customer_id")):
        require("customer_id", columns, seen, advice=advice)
    if not any(role in columns for role in TIME_ROLES):
        require("ordered_at", columns, seen, advice=advice)
    if constant_amount is not None:
        columns.pop("amount", None)
    elif "amount" not in columns and not {"unit_price", "quantity"} <= columns.keys():
        require("amount", columns, seen, advice=advice)


def _nearly(near: tuple[Format, str]) -> str:
    platform, missing = near
    return (
        f", or format={platform.name!r}: of the columns by which {platform.title} is known only "
        f"{missing!r} is missing."
    )


def _check_exclude(options: ReadingOptions, seen: Sequence[str]) -> None:
    for column in options.exclude:
        if column not in seen:
            raise ColumnsError(
                "exclude= must name columns of the log.",
                found=f"no {column!r} among {columns_seen(seen)}",
                hint=f"did you mean exclude={{{near!r}: ...}}?"
                if (near := nearest(column, seen))
                else "exclude={'Memo': 'test|sample'} sets aside the rows whose Memo matches.",
            )
