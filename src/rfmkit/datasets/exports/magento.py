"""Magento and Adobe Commerce: the order grid of the admin, as a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import draw_sales
from rfmkit.datasets.exports.sheets import picked, plain

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import numpy as np

    from rfmkit.datasets.exports.sales import Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["HEADER", "magento"]

ZONE: Final = "Europe/London"
EXTRAS: Final = {"cancelled": 0.02, "gift": 0.01, "nobody": 0.01}
HEADER: Final = (
    "ID", "Purchase Point", "Purchase Date", "Bill-to Name", "Ship-to Name", "Grand Total (Base)",
    "Grand Total (Purchased)", "Status", "Billing Address", "Shipping Address",
    "Shipping Information", "Customer Email", "Customer Group", "Subtotal",
    "Shipping and Handling", "Customer Name", "Payment Method", "Total Refunded",
    "Allocated sources", "Pickup Location Code",
)  # fmt: skip
# The words for a sale of each kind, in turn, and the rule that sets it aside.
_STATUSES: Final = {
    "unpaid": ("Pending", "Pending Payment"),
    "closed_unpaid": ("Canceled",),
    "cancelled": ("Canceled",),
    "refunded": ("Closed",),
    "closed_refunded": ("Closed",),
    "paid": ("Processing",),
    "shipped": ("Processing", "Complete"),
}
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_RULE: Final = {
    "unpaid": "unpaid",
    "closed_unpaid": "cancelled",
    "cancelled": "cancelled",
    "refunded": "closed_refunded",
    "closed_refunded": "closed_refunded",
    "gift": "zero_amount",
    "nobody": "no_customer",
}


def magento(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the grid: of its two totals, the base total is in the shop's currency."""
    sales = draw_sales(shop, rng, zone=ZONE, extras=EXTRAS)
    account, rows = Account(), []
    for sale in sales:
        if sale.is_valid:
            net = sale.amount - sale.refund
            account.keep(_number(sale), sale.person.email, sale.created, net)
        else:
            account.leave(_RULE[sale.kind])
        rows.append(_row(picked(HEADER, _cells(sale))))
    text = "".join([_row(HEADER), *rows])
    return account.export("magento", vintage, {"export.csv": text.encode()}, ZONE)


def _number(sale: Sale) -> str:
    return f"{sale.number:09d}"


def _row(cells: Sequence[str]) -> str:
    """Return a row as PHP writes it: a cell with a space is quoted too."""
    quoted = [
        '"' + cell.replace('"', '""') + '"' if re.search(r'[\s",]', cell) else cell
        for cell in cells
    ]
    return ",".join(quoted) + "\n"


def _money(cents: int, rate: float = 1) -> str:
    return f"{plain(round(cents * rate))}00"


def _time(moment: dt.datetime) -> str:
    """Return a moment as the admin writes it, in English whatever the machine's language."""
    half, hour = divmod(moment.hour, 12)
    clock = f"{hour or 12:02d}:{moment:%M:%S} {('AM', 'PM')[half]}"
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year} {clock}"


def _cells(sale: Sale) -> dict[str, object]:
    person = sale.person
    words = _STATUSES.get(sale.kind, ("Complete",))
    # Every fourth order was paid in another currency; only base totals can be summed.
    rate = 1.17 if sale.number % 4 == 0 else 1.0
    known = sale.kind != "nobody"
    email = person.email.title() if sale.number % 5 == 0 else person.email
    address = f"{person.street} {person.town} {person.postcode}"
    return {
        "ID": _number(sale), "Purchase Point": "Main Website Store\n   Default Store View",
        "Purchase Date": _time(sale.created),
        "Bill-to Name": person.name if known else "", "Ship-to Name": person.name if known else "",
        "Grand Total (Base)": _money(sale.amount),
        "Grand Total (Purchased)": _money(sale.amount, rate),
        "Status": words[sale.number % len(words)],
        "Billing Address": address, "Shipping Address": address,
        "Shipping Information": "Flat Rate - Fixed", "Customer Email": email if known else "",
        "Customer Group": "NOT LOGGED IN" if sale.number % 3 == 0 else "General",
        "Subtotal": _money(sale.goods), "Shipping and Handling": _money(sale.shipping),
        "Customer Name": person.name if known else "Guest", "Payment Method": "checkmo",
        "Total Refunded": _money(sale.refund) if sale.refund else "",
        "Allocated sources": "Default Source",
    }  # fmt: skip
