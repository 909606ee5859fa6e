"""Shopify: the order export of the admin, several rows to an order and no customer id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import draw_sales
from rfmkit.datasets.exports.sheets import offset, picked, plain, table

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

    from rfmkit.datasets.exports.sales import Line, Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["HEADER", "shopify"]

ZONE: Final = "Europe/Berlin"
EXTRAS: Final = {"test": 0.01, "gift": 0.01, "nobody": 0.01}
_PLACE: Final = (
    "Name", "Street", "Address1", "Address2", "Company", "City", "Zip", "Province", "Country",
    "Phone",
)  # fmt: skip
HEADER: Final = (
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at",
    "Accepts Marketing", "Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code",
    "Discount Amount", "Shipping Method", "Created at", "Lineitem quantity", "Lineitem name",
    "Lineitem price", "Lineitem compare at price", "Lineitem sku", "Lineitem requires shipping",
    "Lineitem taxable", "Lineitem fulfillment status", *(f"Billing {part}" for part in _PLACE),
    *(f"Shipping {part}" for part in _PLACE), "Notes", "Note Attributes", "Cancelled at",
    "Payment Method", "Payment Reference", "Refunded Amount", "Vendor", "Outstanding Balance",
    "Employee", "Location", "Device ID", "Id", "Tags", "Risk Level", "Source", "Lineitem discount",
    *(f"Tax {place} {part}" for place in range(1, 6) for part in ("Name", "Value")), "Phone",
    "Receipt Number", "Duties", "Billing Province Name", "Shipping Province Name", "Payment ID",
    "Payment Terms Name", "Next Payment Due At", "Payment References",
)  # fmt: skip
_STATUSES: Final = {
    "unpaid": ("pending", "authorized"),
    "closed_unpaid": ("voided",),
    "refunded": ("refunded",),
    "closed_refunded": ("refunded",),
    "partially_refunded": ("partially_refunded",),
}
_MIGRATED: Final = 3
_RULE: Final = {
    "unpaid": "unpaid",
    "closed_unpaid": "void",
    "refunded": "refunded",
    "closed_refunded": "refunded",
    "test": "test",
    "gift": "zero_amount",
    "nobody": "no_customer",
}


def shopify(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the orders, the newest first."""
    sales = draw_sales(shop, rng, zone=ZONE, extras=EXTRAS)
    account = Account()
    rows = []
    for sale in reversed(sales):
        if sale.is_valid:
            net = sale.amount - sale.refund
            account.keep(_id(sale), _customer(sale), sale.moment, net)
        else:
            account.leave(_RULE[sale.kind], len(sale.lines))
        rows.append(picked(HEADER, _order_cells(sale) | _line_cells(sale, sale.lines[0])))
        rows += [
            picked(HEADER, _repeated(sale) | _line_cells(sale, line)) for line in sale.lines[1:]
        ]
    files = {"orders_export_1.csv": table([HEADER, *rows])}
    return account.export("shopify", vintage, files, ZONE)


def _id(sale: Sale) -> str:
    return str(5_400_000_000_000 + 32_768 * sale.number)


def _name(sale: Sale) -> str:
    # Orders that were imported from an earlier store: later orders have their names again.
    again = sale.number + 20 if sale.number <= _MIGRATED else sale.number
    return f"#{1000 + again}"


def _known_by(sale: Sale) -> str:
    """Return the buyer's key: of ten buyers, one has a telephone only, and one a name only."""
    if sale.kind == "nobody":
        return "nothing"
    return {7: "phone", 8: "name"}.get(sale.person.number % 10, "email")


def _customer(sale: Sale) -> str:
    person = sale.person
    match _known_by(sale):
        case "phone":
            return f"phone:{person.phone}"
        case "name":
            return f"name:{person.name.casefold()}|{person.postcode}"
        case _:
            return person.email


def _email(sale: Sale) -> str:
    if _known_by(sale) != "email":
        return ""
    # The same person, typed in different ways.
    email = sale.person.email
    return (email, email.title(), email.upper())[sale.number % 3]


def _phone(sale: Sale) -> str:
    if _known_by(sale) in ("name", "nothing"):
        return ""
    digits = sale.person.phone
    spaced = f"+{digits[0]} {digits[1:4]}-{digits[4:7]}-{digits[7:]}"
    return (f"'+{digits}", spaced)[sale.number % 2]


def _time(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} {offset(moment, ZONE)}" if moment else ""


def _order_cells(sale: Sale) -> dict[str, object]:
    status = _STATUSES.get(sale.kind, ("paid",))
    sent = sale.kind in ("shipped", "completed", "partially_refunded", "gift")
    owing = 0 if sale.paid else sale.amount
    bogus = ("bogus", "Bogus Gateway")[sale.number % 2]
    cells: dict[str, object] = {
        "Name": _name(sale), "Email": _email(sale), "Id": _id(sale),
        "Financial Status": status[sale.number % len(status)], "Paid at": _time(sale.paid),
        "Fulfillment Status": "fulfilled" if sent else "unfulfilled",
        "Fulfilled at": _time(sale.back_at) if sent else "", "Accepts Marketing": "no",
        "Currency": "EUR", "Subtotal": plain(sale.goods - sale.discount),
        "Shipping": plain(sale.shipping), "Taxes": plain(0), "Total": plain(sale.amount),
        "Discount Code": "TENOFF" if sale.discount else "",
        "Discount Amount": plain(sale.discount), "Shipping Method": "Standard",
        "Created at": _time(sale.created), "Notes": "Please\nring twice" if sent else "",
        "Cancelled at": _time(sale.back_at) if sale.kind == "closed_unpaid" else "",
        "Payment Method": bogus if sale.kind == "test" else "Shopify Payments",
        "Payment Reference": f"c{sale.number}.1", "Refunded Amount": plain(sale.refund),
        "Outstanding Balance": plain(owing), "Risk Level": "Low", "Source": "web",
        "Phone": _phone(sale), "Payment ID": f"p{sale.number}",
        "Payment References": f"p{sale.number}",
    }  # fmt: skip
    return cells if sale.kind == "nobody" else cells | _places(sale)


def _places(sale: Sale) -> dict[str, object]:
    person = sale.person
    # Excel's apostrophe, which keeps the first zero of a postcode.
    postcode = f"'{person.postcode}" if sale.number % 2 else person.postcode
    place: dict[str, object] = {
        "Name": person.name, "Street": person.street, "Address1": person.street,
        "City": person.town, "Zip": postcode, "Country": "DE", "Phone": _phone(sale),
    }  # fmt: skip
    kinds = ("Billing", "Shipping")
    return {f"{kind} {part}": cell for kind in kinds for part, cell in place.items()}


def _repeated(sale: Sale) -> dict[str, object]:
    """Return the order's cells on a further row: many of them, the name only, or none."""
    cells: dict[str, object] = {"Name": _name(sale)}
    whole = cells | {"Email": _email(sale), "Created at": _time(sale.created)}
    return (whole, cells, {})[sale.number % 3]


def _line_cells(sale: Sale, line: Line) -> dict[str, object]:
    return {
        "Lineitem quantity": line.quantity, "Lineitem name": line.title,
        "Lineitem price": plain(line.price), "Lineitem sku": line.sku,
        "Lineitem requires shipping": "true", "Lineitem taxable": "true",
        "Lineitem fulfillment status": "pending" if sale.kind == "paid" else "fulfilled",
        "Lineitem discount": plain(0), "Vendor": "Example Roasters",
    }  # fmt: skip
