"""Amazon: the order report, with an alias of the buyer's address, and All Orders, without buyer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import BACK, NEVER, draw_sales
from rfmkit.datasets.exports.sheets import offset, picked, plain, table, utc

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

    from rfmkit.datasets.exports.sales import Line, Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["ALL_ORDERS", "ORDERS", "amazon", "amazon_all_orders"]

ZONE: Final = "America/Los_Angeles"
ORDERS: Final = (
    "order-id", "order-item-id", "purchase-date", "payments-date", "buyer-email", "buyer-name",
    "buyer-phone-number", "sku", "product-name", "quantity-purchased", "currency", "item-price",
    "item-tax", "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax",
    "ship-service-level", "recipient-name", "ship-address-1", "ship-address-2", "ship-address-3",
    "ship-city", "ship-state", "ship-postal-code", "ship-country", "ship-phone-number",
    "gift-wrap-type", "gift-message-text", "item-promotion-discount", "item-promotion-id",
    "ship-promotion-discount", "ship-promotion-id", "delivery-start-date", "delivery-end-date",
    "delivery-time-zone", "delivery-Instructions", "is-prime",
)  # fmt: skip
ALL_ORDERS: Final = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status",
    "fulfillment-channel", "sales-channel", "order-channel", "url", "ship-service-level",
    "product-name", "sku", "asin", "item-status", "quantity", "currency", "item-price", "item-tax",
    "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax",
    "item-promotion-discount", "ship-promotion-discount", "ship-city", "ship-state",
    "ship-postal-code", "ship-country", "promotion-ids", "is-business-order",
    "purchase-order-number", "price-designation",
)  # fmt: skip
_STATUS: Final = {"paid": "Unshipped", "unpaid": "Pending", "closed_unpaid": "Cancelled"}


def amazon(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the order report: the paid orders. Returns are in another report."""
    sales = draw_sales(shop, rng, zone=ZONE, extras={"gift": 0.01, "nobody": 0.01})
    account, rows = Account(), []
    for sale in sales:
        if sale.kind in NEVER:
            continue
        if sale.is_valid or sale.kind in BACK:
            account.keep(_number(sale), _alias(sale), sale.moment, sale.amount)
        else:
            rule = "no_customer" if sale.kind == "nobody" else "zero_amount"
            account.leave(rule, len(sale.lines))
        rows += [picked(ORDERS, _order_cells(sale, place)) for place in range(len(sale.lines))]
    content = table([ORDERS, *rows], delimiter="\t", line_end="\r\n")
    return account.export("amazon", vintage, {"orders_report.txt": content}, ZONE)


def amazon_all_orders(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the report of all orders. It names no buyer, so that its truth is empty."""
    sales = draw_sales(shop, rng, zone=ZONE)
    rows = [
        picked(ALL_ORDERS, _all_cells(sale, place))
        for sale in sales
        for place in range(len(sale.lines))
    ]
    content = table([ALL_ORDERS, *rows], delimiter="\t", line_end="\r\n")
    return Account().export("amazon_all_orders", vintage, {"all_orders.txt": content}, ZONE)


def _number(sale: Sale) -> str:
    return f"{701 + sale.number % 3}-{5_550_000 + sale.number:07d}-{7 * sale.number:07d}"


def _alias(sale: Sale) -> str:
    letters = "".join(chr(97 + int(digit)) for digit in sale.person.phone[-8:])
    return "" if sale.kind == "nobody" else f"{letters}@marketplace.example.com"


def _time(moment: dt.datetime | None, sale: Sale) -> str:
    """Return a moment in one of the three forms of Amazon's regions."""
    if moment is None:
        return ""
    clock, zulu = f"{moment:%Y-%m-%dT%H:%M:%S}", f"{utc(moment, ZONE):%Y-%m-%dT%H:%M:%S}"
    away = offset(moment, ZONE)
    return (f"{zulu}+00:00", f"{clock}{away[:3]}:{away[3:]}", f"{zulu}Z")[sale.number % 3]


def _money(sale: Sale, line: Line, place: int) -> dict[str, object]:
    """Return the money of a line: the price of all its pieces; shipping is on the first line."""
    before = sum(earlier.total for earlier in sale.lines[:place])
    whole = max(1, sale.goods)
    cut = [sale.discount * total // whole for total in (before, before + line.total)]
    first = place == 0
    return {
        "currency": "USD", "item-price": plain(line.total), "item-tax": plain(0),
        "shipping-price": plain(sale.shipping if first else 0), "shipping-tax": plain(0),
        "gift-wrap-price": "", "gift-wrap-tax": "", "ship-promotion-discount": plain(0),
        "item-promotion-discount": plain(cut[1] - cut[0]),
    }  # fmt: skip


def _goods(sale: Sale, line: Line) -> dict[str, object]:
    person = sale.person
    return {
        "sku": line.sku, "product-name": line.title.replace("\n", " "),
        "purchase-date": _time(sale.created, sale), "ship-service-level": "Standard",
        "ship-city": person.town, "ship-postal-code": person.postcode, "ship-country": "US",
    }  # fmt: skip


def _order_cells(sale: Sale, place: int) -> dict[str, object]:
    line, person = sale.lines[place], sale.person
    known = sale.kind != "nobody"
    cells: dict[str, object] = {
        "order-id": _number(sale), "order-item-id": f"{10**13 + 10 * sale.number + place}",
        "payments-date": _time(sale.paid, sale), "buyer-email": _alias(sale),
        "buyer-name": person.name if known else "", "quantity-purchased": line.quantity,
        "recipient-name": person.name if known else "", "is-prime": "false",
        "ship-address-1": person.street,
    }  # fmt: skip
    return cells | _goods(sale, line) | _money(sale, line, place)


def _all_cells(sale: Sale, place: int) -> dict[str, object]:
    line = sale.lines[place]
    status = _STATUS.get(sale.kind, "Shipped")
    cells: dict[str, object] = {
        "amazon-order-id": _number(sale), "merchant-order-id": _number(sale),
        "last-updated-date": _time(sale.back_at, sale), "order-status": status,
        "fulfillment-channel": "Merchant", "item-status": status, "quantity": line.quantity,
        "sales-channel": "Non-Amazon" if sale.number % 19 == 0 else "Amazon.com",
        "asin": f"B0{len(line.sku):08d}", "is-business-order": "false",
    }  # fmt: skip
    # An unpaid order has no amounts yet, and a line that was removed later has no amounts.
    if status not in ("Shipped", "Unshipped"):
        return cells | _goods(sale, line)
    if place and sale.number % 2:
        return cells | _goods(sale, line) | {"item-status": "Cancelled", "quantity": 0}
    return cells | _goods(sale, line) | _money(sale, line, place)
