"""The formats that `read_orders` knows, and the choice of the one that a log is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rfmkit import _checks as checks
from rfmkit.exceptions import OrdersError, RfmkitError, kind_in_words
from rfmkit.formats.format import Format

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEARLY: Final = 4
"""The number of marks from which on a format is recognisable with one of them missing."""
GENERIC: Final = Format(
    name="generic", title="order log with columns found by their names", whole=False
)

_known: dict[str, Format] = {}


def register(own: Format, *, replace: bool = False) -> Format:
    """Make a format known to `read_orders`, by its name and by its columns.

    Parameters
    ----------
    own : Format
        The declaration.
    replace : bool, default False
        Whether it may replace a format of the same name.

    Returns
    -------
    Format
        The same format, so that a module can write ``TILL = register(Format(...))``.

    Raises
    ------
    RfmkitError
        Where `own` is no `Format`, or its name is taken.

    Examples
    --------
    >>> import pandas as pd
    >>> import rfmkit as rk
    >>> from rfmkit.formats import Format, register
    >>> till = register(Format(
    ...     name="kiosk", title="our kiosk", marks=("Bon", "Gast", "Zeit"),
    ...     columns={"customer_id": "Gast", "ordered_at": "Zeit", "amount": "Summe"},
    ...     decimal=",",
    ... ), replace=True)
    >>> log = pd.DataFrame({
    ...     "Bon": ["1", "2"], "Gast": ["anna", "ben"], "Zeit": ["2024-05-03", "2024-05-04"],
    ...     "Summe": ["3,50", "12,90"],
    ... })
    >>> orders = rk.read_orders(log)
    >>> orders.notes[0]
    "format: kiosk (our kiosk), its columns 'Bon', 'Gast', 'Zeit'"
    >>> orders.to_frame()[["customer_id", "ordered_at", "amount"]].astype({"amount": float})
      customer_id ordered_at  amount
    0        anna 2024-05-03     3.5
    1         ben 2024-05-04    12.9
    """
    if not isinstance(own, Format):
        raise RfmkitError(
            "Expected an rfmkit.formats.Format.",
            found=kind_in_words(own),
            hint="register(Format(name='till', title='our own till', ...)).",
        )
    if own.name in (GENERIC.name, "auto") or (own.name in _known and not replace):
        raise RfmkitError(
            "The name of a format must differ from those of the known formats.",
            found=f"{own.name!r} is taken",
            hint="choose another name, or pass replace=True (not for 'auto' and 'generic').",
        )
    _known[own.name] = own
    return own


def known() -> tuple[Format, ...]:
    """Return every format that `read_orders` recognises, sorted by name.

    Returns
    -------
    tuple of Format
        Those that come with rfmkit, and those that were registered.

    Examples
    --------
    >>> import pandas as pd
    >>> from rfmkit.formats import known
    >>> pd.DataFrame(
    ...     [(one.name, one.title) for one in known() if not one.instead],
    ...     columns=["name", "title"],
    ... ).head(3)
         name                title
    0  amazon  Amazon order report
    1   cdnow                CDNOW
    2      jd      JD order export
    """
    return tuple(_known[name] for name in sorted(_known))


def recognised(
    seen: Sequence[str], asked: Any = "auto", named: Mapping[str, str] | None = None
) -> tuple[Format, str]:
    """Return the format of a log, by its columns, and the reason in words.

    Parameters
    ----------
    seen : sequence of str
        The columns of the log.
    asked : str or Format
        The format that the caller asked for; ``"auto"`` to recognise it by the columns.
    named : mapping of str to str, optional
        Roles whose column the caller named.

    Returns
    -------
    tuple of Format and str
        The format, and the reason in words.

    Raises
    ------
    OrdersError
        Where two formats fit equally.
    RfmkitError
        Where the format asked for is not known.
    NoCustomerKeyError
        Where the export does not identify the customer, and the caller named no column that does.
    """
    chosen, why = _chosen(seen, asked)
    if "customer_id" not in (named or {}):
        chosen.require_customer()
    return chosen, why


def nearly(seen: Sequence[str]) -> tuple[Format, str] | None:
    """Return the format of which exactly one mark is missing, and that mark; None where none is.

    >>> from rfmkit.formats._registry import nearly
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
        near = checks.nearest(asked, names)
        mean = f"did you mean format={near!r}? " if near else ""
        raise RfmkitError(
            "format must be 'auto', the name of a known format, or an rfmkit.formats.Format.",
            found=f"format={asked!r}",
            hint=f"{mean}The known ones are {', '.join(names[1:])}.",
        )
    if asked == GENERIC.name:
        return GENERIC, "asked for"
    if asked != "auto":
        return _known[asked], "asked for"
    fit = [one for one in known() if one.claims(seen)]
    # An export of one platform may have all columns of another's: the one with more marks is it.
    most = max((len(one.marks) for one in fit), default=0)
    best = [one for one in fit if len(one.marks) == most]
    if len(best) > 1:
        raise OrdersError(
            "The columns of a log must be those of one platform.",
            found=f"those of {' and of '.join(repr(one.name) for one in best)}",
            hint=f"name it: format={best[0].name!r}, or format='generic' for none of them.",
        )
    if not best:
        return GENERIC, "no platform's columns"
    marks = [best[0].column(name, seen) for mark in best[0].marks for name in mark.split("|")]
    return best[0], f"its columns {', '.join(repr(name) for name in marks if name)}"
