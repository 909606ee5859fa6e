"""Stripe: the export of payments, one row for each attempt, in UTC."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import BACK, draw_sales
from rfmkit.datasets.exports.sheets import picked, plain, table, utc

if TYPE_CHECKING:
    import numpy as np

    from rfmkit.datasets.exports.sales import Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["HEADERS", "stripe"]

ZONE: Final = "Europe/Berlin"
EXTRAS: Final = {"test": 0.02, "nobody": 0.01}
_CARD: Final = (
    "ID", "Last4", "Brand", "Funding", "Exp Month", "Exp Year", "Name", "Address Line1",
    "Address Line2", "Address City", "Address State", "Address Country", "Address Zip",
    "Issue Country", "Fingerprint", "CVC Status", "AVS Zip Status", "AVS Line1 Status",
    "Tokenization Method",
)  # fmt: skip
_DISPUTE: Final = (
    "Disputed Amount", "Dispute Status", "Dispute Reason", "Dispute Date (UTC)",
    "Dispute Evidence Due (UTC)",
)  # fmt: skip


def _header(created: str, tax: str) -> tuple[str, ...]:
    return (
        "id", "Description", "Seller Message", created, "Amount", "Amount Refunded", "Currency",
        "Converted Amount", "Converted Amount Refunded", "Fee", tax, "Converted Currency", "Mode",
        "Status", "Statement Descriptor", "Customer ID", "Customer Description", "Customer Email",
        "Captured", *(f"Card {part}" for part in _CARD), *_DISPUTE, "Invoice ID",
        "Payment Source Type", "Destination", "Transfer", "Transfer Group", "PaymentIntent ID",
    )  # fmt: skip


HEADERS: Final = {
    "2024": _header("Created date (UTC)", "Taxes On Fee"),
    "2019": _header("Created (UTC)", "Tax"),
}
_RATES: Final = {"usd": 1.08, "gbp": 0.86}


def stripe(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the payments, the newest first, with the attempts that failed before them."""
    sales = draw_sales(shop, rng, zone=ZONE, extras=EXTRAS, discounts=False, shipping=False)
    account, dated = Account(), []
    for sale in sales:
        moment = sale.moment if vintage == "2024" else sale.moment.replace(second=0)
        if sale.is_valid:
            net = sale.amount - sale.refund
            account.keep(_id(sale), _customer(sale), moment, net)
        else:
            account.leave(_rule(sale))
        dated.append((sale.moment, _cells(sale, vintage)))
        for again in range(1, 1 + _retries(sale)):
            account.leave("closed_unpaid")
            earlier = sale.moment - dt.timedelta(minutes=2 * again)
            dated.append((earlier, _failed(sale, again, vintage)))
    header = HEADERS[vintage]
    dated.sort(key=lambda row: row[0], reverse=True)
    content = table([header, *(picked(header, cells) for _, cells in dated)])
    name = "unified_payments.csv" if vintage == "2024" else "payments.csv"
    return account.export("stripe", vintage, {name: content}, ZONE)


def _id(sale: Sale, again: int = 0) -> str:
    return f"ch_3N{sale.number:012d}x{again}"


def _customer(sale: Sale) -> str:
    """Return the customer's id; one person in five has none at Stripe."""
    if sale.person.number % 5 == 0:
        return f"email:{sale.person.email}"
    return f"cus_{sale.person.number:014d}"


def _retries(sale: Sale) -> int:
    return (0, 0, 1, 0, 0, 0, 2)[sale.number % 7] if sale.is_valid else 0


def _rule(sale: Sale) -> str:
    if sale.kind in BACK:
        return "refunded"
    # An authorization that was not captured is no payment yet.
    rules = {"test": "test", "nobody": "no_customer", "unpaid": "unpaid"}
    return rules.get(sale.kind, "closed_unpaid")


def _currency(sale: Sale) -> str:
    return ("eur", "usd", "eur", "gbp")[sale.number % 4]


def _time(moment: dt.datetime, vintage: str) -> str:
    form = "%Y-%m-%d %H:%M:%S" if vintage == "2024" else "%Y-%m-%d %H:%M"
    return utc(moment, ZONE).strftime(form)


def _status(sale: Sale) -> str:
    if sale.kind == "closed_unpaid":
        return "Failed"
    return "Refunded" if sale.kind in BACK else "Paid"


def _cells(sale: Sale, vintage: str) -> dict[str, object]:
    person, currency = sale.person, _currency(sale)
    rate = _RATES.get(currency, 1.0)
    created, known = _time(sale.moment, vintage), sale.kind != "nobody"
    customer = _customer(sale) if known else ""
    failed = sale.kind == "closed_unpaid"
    email = person.email.title() if sale.number % 4 == 0 else person.email
    # A full refund equals the amount, however its parts are rounded.
    amount, back = round(sale.amount * rate), round(sale.refund * rate)
    return {
        "id": _id(sale), "Description": f"Order {sale.number}, thank you",
        "Seller Message": "The card was declined." if failed else "Payment complete.",
        "Created (UTC)": created, "Created date (UTC)": created, "Amount": plain(amount),
        "Amount Refunded": plain(back), "Currency": currency,
        "Converted Amount": "" if failed else plain(sale.amount),
        "Converted Amount Refunded": "" if failed else plain(sale.refund),
        "Fee": plain(0 if failed else 25 + sale.amount // 70), "Tax": plain(0),
        "Taxes On Fee": plain(0), "Converted Currency": "" if failed else "eur",
        "Mode": "Test" if sale.kind == "test" else "Live", "Status": _status(sale),
        "Customer ID": customer if customer.startswith("cus_") else "",
        "Customer Email": email if known else "",
        "Captured": "false" if sale.paid is None else "true",
        "Card Last4": "4242", "Card Brand": "Visa", "Payment Source Type": "card",
        "PaymentIntent ID": f"pi_3N{sale.number:012d}",
    }  # fmt: skip


def _failed(sale: Sale, again: int, vintage: str) -> dict[str, object]:
    """Return an attempt that the bank declined, before the one that succeeded."""
    created = _time(sale.moment - dt.timedelta(minutes=2 * again), vintage)
    return _cells(sale, vintage) | {
        "id": _id(sale, again), "Seller Message": "The card was declined.", "Status": "Failed",
        "Created (UTC)": created, "Created date (UTC)": created, "Amount Refunded": plain(0),
        "Converted Amount": "", "Converted Amount Refunded": "", "Converted Currency": "",
        "Fee": plain(0), "Captured": "false",
    }  # fmt: skip
