"""What the export of a platform looks like: a declaration, and which one a log is in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from rfmkit import _checks as checks
from rfmkit.columns import STATUSES
from rfmkit.exceptions import NoCustomerKeyError, OrdersError, RfmkitError
from rfmkit.formats._names import ALL_ROLES, normalized
from rfmkit.formats._statuses import CLOSED, HELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["GENERIC", "Format", "Part", "known", "recognised", "register"]

Names = str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of several tables of which the orders of a platform are made.

    Parameters
    ----------
    marks : tuple of str
        The columns by which the table is known.
    key : str
        The column by which it joins the first table; that one has none.
    sums, keeps : tuple of str
        The amounts that are summed for a key, and the columns of which a key has one value.
    """

    marks: tuple[str, ...]
    key: str = ""
    sums: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Format:
    """How the orders of one platform are exported.

    Parameters
    ----------
    name, title : str
        What `format=` calls it, and what people call it.
    marks : tuple of str
        Columns by which it is recognised: all are there. ``"a|b"``: one of the two.
    columns : mapping of str to str or tuple of str
        The column of each role; several names are those of several vintages, and the first that
        is there counts. The roles are those of `read_orders`, and `order_name`, `line_id`,
        `email`, `phone`, `first_name`, `name`, `postcode`, `close_reason`, `due_amount`, and what
        `adds` and `takes` name.
    customer : tuple of str
        The roles that tell the customer, the best first. An order without the first is known by
        the second, and marked so: ``phone:5550100`` is never taken for an e-mail address.
    statuses : mapping of str to str
        The platform's words, beyond those that every log may use. Besides the canonical statuses
        two more are understood: ``"closed"`` is refunded where it was paid, else unpaid;
        ``"held"`` is paid where it was paid, else unpaid.
    overrules : tuple of (column, pattern, status)
        Where the cell of a column matches a pattern (in any case), it decides the status.
    once : tuple of str
        Amounts that hold for the whole order, though each of its lines may repeat them.
    adds, takes : tuple of str
        Amounts that are added to, or taken off, the `amount` of a row.
    within : mapping of str to str
        Amounts that stand within the text of their cells: a pattern whose group is one of them;
        several are summed.
    clock : str
        The column with the time of day, where it is parted from the date.
    zone : {"", "UTC", "written"}
        ``"UTC"``: moments without an offset are universal time, and `tz=` gives the shop's.
        ``"written"``: moments come with the shop's own offset, and days are those of its clock.
    dayfirst, decimal : optional
        How dates and amounts are written, where the platform knows only one way.
    continued : bool
        The further lines of an order leave blank what stands on its first line.
    unique : {"order_id", "line_id", ""}
        What no two rows of one export share: a second, equal row is a copy.
    whole : bool
        An export holds an order with all of its rows: in a later export it replaces the earlier
        one. Not so where refunds are rows of their own day.
    lines_of : str
        Of a list of order lines: the format of the orders, which tells all that counts. Where
        both are read together the lines are left out.
    sheets : tuple of str
        The sheet of a workbook that holds the orders.
    headers : tuple of mappings of str to str
        Where files have no header line: the names of the columns, with a pattern of the cells.
    parts : tuple of Part
        Where orders are made of several tables: the one of the orders first.
    instead : str
        Of an export that does not tell the customer: the one to take instead.

    Examples
    --------
    >>> from rfmkit.formats import Format, register
    >>> till = Format(
    ...     name="till", title="our own till",
    ...     marks=("Bon", "Kunde", "Zeit"),
    ...     columns={"order_id": "Bon", "customer_id": "Kunde", "ordered_at": "Zeit",
    ...              "amount": "Summe", "status": "Zustand"},
    ...     statuses={"bezahlt": "paid", "storniert": "cancelled"},
    ...     decimal=",", dayfirst=True,
    ... )  # then register(till), or read_orders(..., format=till)
    """

    name: str
    title: str
    marks: tuple[str, ...] = ()
    columns: Mapping[str, Names] = field(default_factory=dict)
    customer: tuple[str, ...] = ("customer_id",)
    statuses: Mapping[str, str] = field(default_factory=dict)
    overrules: tuple[tuple[str, str, str], ...] = ()
    once: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    within: Mapping[str, str] = field(default_factory=dict)
    clock: str = ""
    zone: Literal["", "UTC", "written"] = ""
    dayfirst: bool | None = None
    decimal: Literal[".", ","] | None = None
    continued: bool = False
    unique: Literal["order_id", "line_id", ""] = ""
    whole: bool = True
    lines_of: str = ""
    sheets: tuple[str, ...] = ()
    headers: tuple[Mapping[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    instead: str = ""

    def __post_init__(self) -> None:
        """Insist on a name, on known roles, and on words for them."""
        if not self.name or not self.title:
            raise RfmkitError("A format has a name and a title.", found=f"name={self.name!r}")
        roles = (
            *self.columns, *self.customer, *self.once, *self.adds, *self.takes, *self.within,
        )  # fmt: skip
        strange = [role for role in roles if role not in ALL_ROLES]
        if strange:
            raise self._wrong(
                "The columns of a format play known roles.",
                f"{strange[0]!r}",
                f"the roles are {', '.join(ALL_ROLES)}.",
            )
        meanings = (*self.statuses.values(), *(status for _, _, status in self.overrules))
        unknown = [status for status in meanings if status not in (*STATUSES, CLOSED, HELD)]
        if unknown:
            raise self._wrong(
                "The words of a format mean known statuses.",
                f"{unknown[0]!r}",
                f"they are {', '.join((*STATUSES, CLOSED, HELD))}.",
            )
        for pattern in (*(pattern for _, pattern, _ in self.overrules), *self.within.values()):
            try:
                re.compile(pattern)
            except re.error as error:
                raise self._wrong(
                    "The patterns of a format are regular expressions.", f"{pattern!r}: {error}"
                ) from error
        for name, value, choices in (
            ("unique", self.unique, ("", "order_id", "line_id")),
            ("decimal", self.decimal, (None, ".", ",")),
            ("zone", self.zone, ("", "UTC", "written")),
            ("dayfirst", self.dayfirst, (None, True, False)),
        ):
            checks.choice(name, value, choices)
        listed = ("marks", "customer", "once", "adds", "takes", "sheets")
        texts = [name for name in listed if isinstance(getattr(self, name), str)]
        if texts:
            raise self._wrong(f"{texts[0]} is a tuple of names.", repr(getattr(self, texts[0])))

    def _wrong(self, must: str, found: str, hint: str = "") -> RfmkitError:
        return RfmkitError(must, found=f"{found} in the format {self.name!r}", hint=hint)

    def find(self, seen: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
        """Give the column of each role that is there; those the caller named come first."""
        by_name = _by_name(seen)
        found = dict(named)
        for role, names in self.columns.items():
            column = next((by_name[n] for n in _folded(names) if n in by_name), None)
            if column is not None and role not in found:
                found[role] = column
        return found

    def column(self, name: str, seen: Sequence[str]) -> str | None:
        """Give the column of the log that has a name of the declaration."""
        return _by_name(seen).get(normalized(name))

    def claims(self, seen: Sequence[str]) -> bool:
        """Tell whether every mark is among the columns of a log."""
        return bool(self.marks) and not self.lacks(seen)

    def lacks(self, seen: Sequence[str]) -> list[str]:
        """Name the marks that are not among the columns of a log."""
        by_name = _by_name(seen)
        return [
            mark
            for mark in self.marks
            if not any(normalized(name) in by_name for name in mark.split("|"))
        ]

    def require_customer(self) -> None:
        """Raise where the export does not tell who bought."""
        if self.instead:
            raise NoCustomerKeyError(
                "An order log tells who bought.",
                found=f"{self.title}: an export without any key of the buyer",
                hint=self.instead,
            )


NEARLY: Final = 4
"""So many marks a format has that can be told when one of them is missing."""
GENERIC: Final = Format(
    name="generic", title="order log with columns found by their names", whole=False
)

_known: dict[str, Format] = {}


def register(own: Format, *, replace: bool = False) -> Format:
    """Make a format known to `read_orders`, by its name and to ``format="auto"``.

    Parameters
    ----------
    own : Format
        The declaration.
    replace : bool
        Whether it may take the place of a format of the same name.

    Returns
    -------
    Format
        The same, so that a module can say ``TILL = register(Format(...))``.

    Raises
    ------
    RfmkitError
        Where the name is taken.
    """
    if not isinstance(own, Format):
        raise RfmkitError("A format is an rfmkit.formats.Format.", found=type(own).__name__)
    if own.name in (GENERIC.name, "auto") or (own.name in _known and not replace):
        raise RfmkitError(
            "The name of a format is its own.",
            found=f"{own.name!r} is taken",
            hint="choose another, or pass replace=True.",
        )
    _known[own.name] = own
    return own


def known() -> tuple[Format, ...]:
    """Give every format that is known, in the order of their names.

    Returns
    -------
    tuple of Format
        Those that come with rfmkit, and those that were registered.

    Examples
    --------
    >>> from rfmkit.formats import known
    >>> [one.name for one in known() if one.instead][:2]
    ['amazon_all_orders', 'douyin']
    """
    return tuple(_known[name] for name in sorted(_known))


def recognised(
    seen: Sequence[str], asked: Any = "auto", named: Mapping[str, str] | None = None
) -> tuple[Format, str]:
    """Find the format of a log by its columns, and say why.

    Parameters
    ----------
    seen : sequence of str
        The columns of the log.
    asked : str or Format
        What the caller asked for; ``"auto"`` to have it found.
    named : mapping of str to str, optional
        Roles whose column the caller named.

    Returns
    -------
    tuple of Format and str
        The format, and the reason in words.

    Raises
    ------
    OrdersError
        Where two formats fit equally, or the one asked for is not known.
    NoCustomerKeyError
        Where the export does not tell the customer, and the caller named no column that does.
    """
    chosen, why = _chosen(seen, asked)
    if "customer_id" not in (named or {}):
        chosen.require_customer()
    return chosen, why


def nearly(seen: Sequence[str]) -> tuple[Format, str] | None:
    """Find the format of which one mark is missing, and that mark.

    >>> from rfmkit.formats.format import nearly
    >>> shopify, missing = nearly(["Name", "Financial Status", "Lineitem quantity", "Total"])
    >>> shopify.name, missing
    ('shopify', 'Fulfillment Status')
    """
    lacking = [(one, one.lacks(seen)) for one in known()]
    near = [
        (one, lacks[0])
        for one, lacks in lacking
        if len(lacks) == 1 and len(one.marks) >= NEARLY and not one.instead
    ]
    return max(near, key=lambda found: len(found[0].marks), default=None)


def _chosen(seen: Sequence[str], asked: Any) -> tuple[Format, str]:
    if isinstance(asked, Format):
        return asked, "given by the caller"
    names = ("auto", GENERIC.name, *sorted(_known))
    if asked not in names:
        raise RfmkitError(
            "format is 'auto', a known format, or an rfmkit.formats.Format.",
            found=f"format={asked!r}",
            hint=f"the known ones are {', '.join(names[1:])}.",
        )
    if asked == GENERIC.name:
        return GENERIC, "asked for"
    if asked != "auto":
        return _known[asked], "asked for"
    fit = [one for one in known() if one.claims(seen)]
    # An export of one platform may hold all columns of another's: the one with more marks is it.
    most = max((len(one.marks) for one in fit), default=0)
    best = [one for one in fit if len(one.marks) == most]
    if len(best) > 1:
        raise OrdersError(
            "The columns are those of one platform.",
            found=f"those of {' and of '.join(repr(one.name) for one in best)}",
            hint=f"say which: format={best[0].name!r}, or format='generic'.",
        )
    if not best:
        return GENERIC, "no platform's columns"
    marks = [best[0].column(name, seen) for mark in best[0].marks for name in mark.split("|")]
    return best[0], f"its columns {', '.join(repr(name) for name in marks if name)}"


def _folded(names: Names) -> Iterable[str]:
    return (normalized(name) for name in ((names,) if isinstance(names, str) else names))


def _by_name(seen: Sequence[str]) -> dict[str, str]:
    """Give the columns by what is compared of their names, the first of those alike."""
    return {normalized(column): column for column in reversed(seen)}
