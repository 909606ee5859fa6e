"""Customer keys: what identifies the customer of a row, also if an export has no customer id."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit import _checks as checks
from rfmkit.exceptions import RfmkitError
from rfmkit.formats._cells import MANGLED, is_mangled, read_id, trimmed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import ibis.expr.types as ir

MASKED: Final = r"\*\*|^##|^\$\$"
"""How platforms hide personal data: 138****1234, ##cipher, $$cipher."""
LEAST_DIGITS: Final = 6
LEAST_SECRET: Final = 8
SEPARATOR: Final = "|"


def email_key(text: ir.StringValue) -> ir.StringValue:
    """Return an e-mail address in lower case; null if the text is not one."""
    text = trimmed(text).lower()
    return _unless_masked(text, text.re_search(r"^\S+@\S+$"))


def phone_key(text: ir.StringValue) -> ir.StringValue:
    """Return the digits of a phone number; null if there are fewer than six."""
    text = trimmed(text)
    digits = text.re_replace(r"\D", "")
    lost = text.re_search(MANGLED) | digits.re_search("^0+$")
    return _unless_masked(text, (digits.length() >= LEAST_DIGITS) & ~lost, digits)


def name_key(text: ir.StringValue) -> ir.StringValue:
    """Return a name or a postcode in lower case, with single spaces."""
    text = trimmed(text)
    return _unless_masked(text, text.length() > 0, text.lower().re_replace(r"\s+", " "))


def _unless_masked(
    text: ir.StringValue, good: ir.BooleanValue, key: ir.StringValue | None = None
) -> ir.StringValue:
    good = good & ~text.re_search(MASKED)
    return good.ifelse(text if key is None else key, ibis.null("string"))


READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "email": email_key,
    "account_email": email_key,
    "phone": phone_key,
    "mobile": phone_key,
}
KINDS: Final = {"mobile": "phone", "account_email": "email"}


def key_of(role: str, raw: ir.Table, columns: Mapping[str, str]) -> ir.StringValue:
    """Return the key of a role; for a name with the postcode, if the export has it."""
    cell = raw[columns[role]].cast("string")
    if role in READERS:
        return READERS[role](cell)
    if role != "name":
        return trimmed(cell)
    key = name_key(cell)
    if "first_name" in columns:
        key = name_key(raw[columns["first_name"]].cast("string")) + " " + key
    if "postcode" in columns:
        # Strangers share names; only a name with a postcode identifies somebody.
        key = key + SEPARATOR + name_key(raw[columns["postcode"]].cast("string"))
    return key


def read_customer(
    raw: ir.Table,
    roles: Sequence[str],
    columns: Mapping[str, str],
    census: Mapping[str, Mapping[str, Any]],
    secret: str | None,
    *,
    platform: bool,
) -> dict[str, ir.Value]:
    """Return the key of the customer, its kind, and whether a float has destroyed it."""
    fields = {"line_mangled": ibis.literal(False)}  # noqa: FBT003
    if "customer_id" in roles:
        cell = raw[columns["customer_id"]]
        fields["line_mangled"] = is_mangled(cell, census["customer_id"])
    found: list[tuple[str, Any]] = [
        (role, _unmasked(read_id(cell, census[role]), platform))
        if role == "customer_id"
        else (KINDS.get(role, role), key_of(role, raw, columns))
        for role in roles
    ]
    if tuple(roles) == ("customer_id",):
        _, key = found[0]
    else:
        key, fields["line_key"] = customer_chain(found)
    return {"line_customer": key if secret is None else pseudonym(key, secret), **fields}


def _unmasked(key: ir.Value, platform: bool) -> ir.Value:  # noqa: FBT001
    """Return the key, null if a platform has masked it; the ids of a shop may have any form."""
    if not platform or not key.type().is_string():
        return key
    return key.re_search(MASKED).ifelse(ibis.null("string"), key)


def customer_chain(
    keys: Sequence[tuple[str, ir.StringValue]],
) -> tuple[ir.StringValue, ir.StringValue]:
    """Return the first key of a chain that is not null, and its kind.

    Keys of all kinds but the first have their kind as a prefix: ``phone:5550100`` cannot be
    mistaken for a key of another kind.
    """
    first, _ = keys[0]
    keys = [(kind, key.cast("string")) for kind, key in keys]
    marked = [key if kind == first else kind + ":" + key for kind, key in keys]
    kind = ibis.cases(*((key.notnull(), kind) for kind, key in keys))
    return ibis.coalesce(*marked), kind


def check_secret(secret: Any) -> str | None:
    """Check that a secret is long enough.

    >>> check_secret("abc")
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: pseudonymize must be a secret text of at least 8 characters.
    Found: 3 characters
    Hint: use a longer one, and keep it: the same secret makes the same ids again.
    """
    checks.text("pseudonymize", secret)
    if secret is not None and len(secret) < LEAST_SECRET:
        raise RfmkitError(
            f"pseudonymize must be a secret text of at least {LEAST_SECRET} characters.",
            found=f"{len(secret)} characters",
            hint="use a longer one, and keep it: the same secret makes the same ids again.",
        )
    return None if secret is None else str(secret)


def pseudonym(key: ir.Value, secret: str) -> ir.StringValue:
    """Return a keyed hash of a key: 128 bits, in hexadecimal digits.

    Notes
    -----
    SHA-256 of an inner key and the id, hashed again with an outer key: the nested form of HMAC
    (Bellare, Canetti and Krawczyk 1996, *CRYPTO*, section 4). Without the secret, nobody can
    compute the hashes of a list of customers and compare them.
    """
    inner, outer = (hashlib.sha256(f"rfmkit {part} {secret}".encode()).hexdigest()
                    for part in ("inner", "outer"))  # fmt: skip
    hashed = (ibis.literal(inner) + key.cast("string")).hexdigest("sha256")
    return (ibis.literal(outer) + hashed).hexdigest("sha256").substr(0, 32)
