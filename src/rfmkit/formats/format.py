"""The declaration of how a platform exports its orders: `Format`, and `Part` of several tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from rfmkit import _checks as checks
from rfmkit.columns import STATUSES
from rfmkit.exceptions import NoCustomerKeyError, RfmkitError
from rfmkit.formats._names import ALL_ROLES, normalized
from rfmkit.formats._statuses import CLOSED, HELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Format", "Part"]

Names = str | tuple[str, ...]
MEANINGS: Final = (*STATUSES, CLOSED, HELD)
LISTS: Final = ("marks", "customer", "once", "adds", "takes", "sheets")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of several tables that together hold the orders of a platform.

    Parameters
    ----------
    marks : tuple of str
        The columns that identify the table: all of them must be there.
    key : str, default ""
        The column that joins the table to the first one. The first table, that of the orders,
        has none.
    sums : tuple of str, default ()
        Columns of amounts: they are summed for each key before the tables are joined.
    keeps : tuple of str, default ()
        Other columns to take over. Each key must have one value of them.

    Examples
    --------
    Three tables, where an order has several payments:

    >>> from rfmkit.formats import Format, Part
    >>> shop = Format(
    ...     name="three_tables", title="our three tables",
    ...     columns={"order_id": "order", "customer_id": "member", "ordered_at": "placed",
    ...              "amount": "paid"},
    ...     parts=(
    ...         Part(marks=("order", "account", "placed")),
    ...         Part(marks=("order", "paid"), key="order", sums=("paid",)),
    ...         Part(marks=("account", "member"), key="account", keeps=("member",)),
    ...     ),
    ... )
    >>> [(part.key, part.sums, part.keeps) for part in shop.parts]
    [('', (), ()), ('order', ('paid',), ()), ('account', (), ('member',))]
    """

    marks: tuple[str, ...]
    key: str = ""
    sums: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Format:
    """A declaration of how one platform exports its orders.

    Pass it to ``read_orders(..., format=...)``, or call `register` once: `read_orders` then
    recognises exports of the platform by their columns.

    Parameters
    ----------
    name : str
        The short name, for ``read_orders(..., format="name")``.
    title : str
        The name in words, for the audit and for errors.
    marks : tuple of str, default ()
        Columns that identify an export: all of them must be there. ``"a|b"`` means that one of
        the two columns must be there. Without marks the format is never recognised by itself.
    columns : mapping of str to str or tuple of str, default {}
        The column of each role. Several names are those of several versions of the export; the
        first that is there counts. The roles are `order_id`, `customer_id`, `ordered_at`,
        `created_at`, `paid_at`, `completed_at`, `amount`, `unit_price`, `quantity`,
        `refund_amount`, `status`, `category`, `currency`, as in `read_orders`, and those that
        only a platform has: `order_name`, `line_id`, `email`, `account_email`, `phone`, `mobile`,
        `first_name`, `name`, `postcode`, `close_reason`, `due_amount`, `shipping_amount`,
        `wrapping_amount`, `discount_amount`, `shipping_discount_amount`.
    customer : tuple of str, default ("customer_id",)
        The roles that identify the customer, the best first. An order without the first is
        identified by the second, with a prefix: ``phone:5550100`` is never taken for an e-mail
        address.
    statuses : mapping of str to str, default {}
        The canonical status of each status word of the platform, beyond the words that every log
        may use. There are two more meanings: ``"closed"`` is refunded where the order was paid,
        else unpaid; ``"held"`` is paid where the order was paid, else unpaid.
    overrules : tuple of (str, str, str), default ()
        Rules of a column, a regular expression and a status. Where a cell of the column matches
        the expression, in capital or small letters, the order has that status.
    once : tuple of str, default ()
        Roles of amounts that are the total of the order, though each of its lines repeats them.
    adds : tuple of str, default ()
        Roles of amounts that are added to the `amount` of a row.
    takes : tuple of str, default ()
        Roles of amounts that are subtracted from the `amount` of a row.
    within : mapping of str to str, default {}
        For roles whose amounts stand inside a text: a regular expression with one group. What
        the group matches is the amount; several matches of one cell are summed.
    clock : str, default ""
        The column of the time of day, where it is not in the column of the date.
    zone : {"", "UTC", "written"}, default ""
        How moments are written. ``""``: in the shop's time. ``"UTC"``: in UTC, and `tz` of
        `read_orders` is the shop's time zone. ``"written"``: with the shop's own UTC offset, so
        that the clock that is written is the shop's time.
    dayfirst : bool, optional
        Whether the day stands before the month in dates such as 03/05/2024. By default the cells
        decide.
    decimal : {".", ","}, optional
        The decimal mark of amounts. By default the cells decide.
    continued : bool, default False
        Whether the further lines of an order leave blank what its first line says.
    unique : {"", "order_id", "line_id"}, default ""
        The role in which no two rows of one export are equal: a second, equal row is a copy.
    whole : bool, default True
        Whether an export that has an order has all of its rows. Its rows then replace those of
        an earlier export. False where refunds are rows with a day of their own.
    lines_of : str, default ""
        For a list of order lines: the name of the format of the orders. Where both are read
        together the lines are left out.
    sheets : tuple of str, default ()
        The names of the sheet with the orders in a workbook; by default the first sheet.
    headers : tuple of mappings of str to str, default ()
        For files without a header line: the names of the columns, each with a regular expression
        that its cells match.
    parts : tuple of Part, default ()
        The tables of which the orders are made, that of the orders first.
    instead : str, default ""
        For an export that does not identify the customer: which export to take instead. It
        becomes the hint of the error.

    Raises
    ------
    RfmkitError
        Where the name or the title is empty, or a role, a status, a regular expression or an
        option is none of those above.

    See Also
    --------
    register : make a format known to `read_orders`.
    known : the formats that `read_orders` recognises.

    Examples
    --------
    >>> import pandas as pd
    >>> import rfmkit as rk
    >>> from rfmkit.formats import Format
    >>> till = Format(
    ...     name="till", title="our own till",
    ...     marks=("Bon", "Kunde", "Zeit"),
    ...     columns={"order_id": "Bon", "customer_id": "Kunde", "ordered_at": "Zeit",
    ...              "amount": "Summe", "status": "Zustand"},
    ...     statuses={"bezahlt": "paid", "storniert": "cancelled"},
    ...     decimal=",", dayfirst=True,
    ... )
    >>> log = pd.DataFrame({
    ...     "Bon": ["1", "2", "3"], "Kunde": ["anna", "anna", "ben"],
    ...     "Zeit": ["03.05.2024 10:15", "17.05.2024 09:00", "04.05.2024 18:30"],
    ...     "Summe": ["1.234,50", "8,00", "12,90"],
    ...     "Zustand": ["bezahlt", "storniert", "bezahlt"],
    ... })
    >>> orders = rk.read_orders(log, format=till)
    >>> columns = ["order_id", "customer_id", "ordered_at", "amount", "status"]
    >>> orders.to_frame()[columns].astype({"amount": float})
      order_id customer_id          ordered_at  amount status
    0        1        anna 2024-05-03 10:15:00  1234.5   paid
    1        3         ben 2024-05-04 18:30:00    12.9   paid
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
        """Check the declaration."""
        if not self.name or not self.title:
            raise RfmkitError(
                "A format must have a name and a title.",
                found=f"name={self.name!r}, title={self.title!r}",
                hint="for example Format(name='till', title='our own till', ...).",
            )
        self._check_tuples()
        self._check_words()
        self._check_patterns()
        for name, value, choices in (
            ("unique", self.unique, ("", "order_id", "line_id")),
            ("decimal", self.decimal, (None, ".", ",")),
            ("zone", self.zone, ("", "UTC", "written")),
            ("dayfirst", self.dayfirst, (None, True, False)),
        ):
            checks.choice(name, value, choices)

    def __repr__(self) -> str:
        """Return the names, the key of the customer, and the next call."""
        who = "no customer" if self.instead else f"customer by {', '.join(self.customer)}"
        return f"<Format {self.name}: {self.title}; {who}. Next: rk.read_orders(..., format=...)>"

    def _check_tuples(self) -> None:
        """Check that no tuple of names is one text: its letters would be taken for the names."""
        for name in LISTS:
            value = getattr(self, name)
            if isinstance(value, str):
                raise RfmkitError(
                    f"{name} must be a tuple of names.",
                    found=f"{value!r} in the format {self.name!r}",
                    hint=f"add a comma: {name}=({value!r},).",
                )

    def _check_words(self) -> None:
        """Check that columns have known roles, and status words known meanings."""
        roles = (
            *self.columns, *self.customer, *self.once, *self.adds, *self.takes, *self.within,
        )  # fmt: skip
        for role in roles:
            if role not in ALL_ROLES:
                raise RfmkitError(
                    "The columns of a format must have known roles.",
                    found=f"{role!r} in the format {self.name!r}",
                    hint=f"the roles are {', '.join(ALL_ROLES)}.",
                )
        for status in (*self.statuses.values(), *(status for _, _, status in self.overrules)):
            if status not in MEANINGS:
                raise RfmkitError(
                    "The status words of a format must have canonical statuses as their meaning.",
                    found=f"{status!r} in the format {self.name!r}",
                    hint=f"the meanings are {', '.join(MEANINGS)}.",
                )

    def _check_patterns(self) -> None:
        """Check that the patterns compile: an engine would say so only when it reads a file."""
        for pattern in (*(pattern for _, pattern, _ in self.overrules), *self.within.values()):
            try:
                re.compile(pattern)
            except re.error as error:
                raise RfmkitError(
                    "The patterns of a format must be regular expressions.",
                    found=f"{pattern!r}: {error} in the format {self.name!r}",
                    hint=f"escape what is meant literally: {re.escape(pattern)!r}.",
                ) from error

    def find(self, seen: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
        """Return the column of each role that is there.

        Parameters
        ----------
        seen : sequence of str
            The columns of a log.
        named : mapping of role to column
            The columns that the caller named: they win over those of the declaration.

        Returns
        -------
        dict of str to str
            Role to column. Roles without a column are not in it.

        Examples
        --------
        >>> import rfmkit as rk
        >>> till = rk.Format(name="till", title="our own till", columns={"customer_id": "Kunde"})
        >>> till.find(["Bon", "kunde"], {"order_id": "Bon"})
        {'order_id': 'Bon', 'customer_id': 'kunde'}
        """
        by_name = _by_name(seen)
        found = dict(named)
        for role, names in self.columns.items():
            column = next((by_name[n] for n in _folded(names) if n in by_name), None)
            if column is not None and role not in found:
                found[role] = column
        return found

    def column(self, name: str, seen: Sequence[str]) -> str | None:
        """Return the column of a log that has a name of the declaration.

        Parameters
        ----------
        name : str
            A name of the declaration.
        seen : sequence of str
            The columns of the log.

        Returns
        -------
        str or None
            The column as the log writes it: capital letters, spaces and marks do not matter. None
            if no column has the name.

        Examples
        --------
        >>> import rfmkit as rk
        >>> till = rk.Format(name="till", title="our own till", columns={"customer_id": "Kunde"})
        >>> till.column("Kunde", ["Bon", "kunde"])
        'kunde'
        """
        return _by_name(seen).get(normalized(name))

    def claims(self, seen: Sequence[str]) -> bool:
        """Whether every mark is among the columns of a log.

        Parameters
        ----------
        seen : sequence of str
            The columns of the log.

        Returns
        -------
        bool
            False also for a format without marks.

        Examples
        --------
        >>> import rfmkit as rk
        >>> till = rk.Format(name="till", title="our own till", marks=("Bon", "Kunde|Gast"))
        >>> till.claims(["Bon", "Gast", "Summe"])
        True
        """
        return bool(self.marks) and not self.lacks(seen)

    def lacks(self, seen: Sequence[str]) -> list[str]:
        """Return the marks that are not among the columns of a log.

        Parameters
        ----------
        seen : sequence of str
            The columns of the log.

        Returns
        -------
        list of str
            The marks that no column has, in the order of the declaration.

        Examples
        --------
        >>> import rfmkit as rk
        >>> till = rk.Format(name="till", title="our own till", marks=("Bon", "Kunde|Gast"))
        >>> till.lacks(["Bon", "Summe"])
        ['Kunde|Gast']
        """
        by_name = _by_name(seen)
        return [
            mark
            for mark in self.marks
            if not any(normalized(name) in by_name for name in mark.split("|"))
        ]

    def require_customer(self) -> None:
        """Check that the export identifies the customer.

        Raises
        ------
        NoCustomerKeyError
            It never does; the hint names the export to take instead.
        """
        if self.instead:
            raise NoCustomerKeyError(
                "An order log must have a column that identifies the customer.",
                found=f"{self.title}: an export without any key of the buyer",
                hint=self.instead,
            )


def _folded(names: Names) -> Iterable[str]:
    return (normalized(name) for name in ((names,) if isinstance(names, str) else names))


def _by_name(seen: Sequence[str]) -> dict[str, str]:
    """Return columns by their normalized names; of columns that are alike, the first."""
    return {normalized(column): column for column in reversed(seen)}
