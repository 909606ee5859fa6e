"""WooCommerce: the files of order export plugins, and the order report of its analytics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import BACK, draw_sales
from rfmkit.datasets.exports.sheets import month_first, picked, plain, symbol, table

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

    from rfmkit.datasets.exports.sales import Line, Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["ANALYTICS", "ORDERS", "woocommerce", "woocommerce_analytics"]

ZONE: Final = "America/New_York"
EXTRAS: Final = {"cancelled": 0.02, "gift": 0.01, "nobody": 0.01}
MOST_LINES: Final = 3
_PLACE: Final = (
    "address_1", "address_2", "postcode", "city", "state", "country",
)  # fmt: skip
_BASE: Final = (
    "order_id", "order_number", "order_date", "paid_date", "status", "shipping_total",
    "shipping_tax_total", "fee_total", "fee_tax_total", "tax_total", "cart_discount",
    "order_discount", "discount_total", "order_total", "order_subtotal", "order_currency",
    "payment_method", "payment_method_title", "transaction_id", "customer_ip_address",
    "customer_user_agent", "shipping_method", "customer_id", "customer_user", "customer_email",
    "billing_first_name", "billing_last_name", "billing_company", "billing_email", "billing_phone",
    *(f"billing_{part}" for part in _PLACE), "shipping_first_name", "shipping_last_name",
    "shipping_company", "shipping_phone", *(f"shipping_{part}" for part in _PLACE),
    "customer_note", "wt_import_key", "shipping_items", "fee_items", "tax_items", "coupon_items",
    "refund_items", "order_notes", "download_permissions",
)  # fmt: skip
ORDERS: Final = {
    "orders": (*_BASE, *(f"line_item_{place}" for place in range(1, MOST_LINES + 1))),
    "lines": (
        *_BASE, "item_id", "item_product_id", "item_name", "item_sku", "item_quantity",
        "item_subtotal", "item_total",
    ),
}  # fmt: skip
ANALYTICS: Final = {
    "2024": (
        "Date", "Order #", "N. Revenue (formatted)", "Status", "Customer", "Customer type",
        "Product(s)", "Items sold", "Coupon(s)", "Net Sales", "Attribution",
    ),
    "2021": (
        "Date", "Order #", "N. Revenue (formatted)", "Status", "Customer", "Customer type",
        "Product(s)", "Items sold", "Coupon(s)", "N. Revenue",
    ),
}  # fmt: skip
# The words for a sale of each kind, in turn, with the rule that sets it aside.
_STATUSES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "unpaid": (("pending", "unpaid"), ("on-hold", "unpaid"), ("checkout-draft", "unpaid")),
    "closed_unpaid": (("failed", "closed_unpaid"), ("cancelled", "cancelled")),
    "refunded": (("refunded", "refunded"),),
    "closed_refunded": (("refunded", "refunded"),),
    "cancelled": (("cancelled", "cancelled"),),
    "gift": (("completed", "zero_amount"),),
    "nobody": (("completed", "no_customer"),),
    "paid": (("processing", ""),),
    "shipped": (("processing", ""),),
}


def woocommerce(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return one row per order, or one row per line with the order's total on each."""
    sales = draw_sales(shop, rng, zone=ZONE, extras=EXTRAS)
    account, rows = Account(), []
    header = ORDERS[vintage]
    for sale in sales:
        by_line = vintage == "lines"
        if sale.is_valid:
            net = sale.amount - sale.refund
            account.keep(str(_number(sale)), sale.person.email, sale.moment, net)
        else:
            account.leave(_status(sale)[1], len(sale.lines) if by_line else 1)
        extra = _lines(sale) if by_line else [_wide(sale)]
        rows += [picked(header, _cells(sale, vintage) | cells) for cells in extra]
    name = f"order_export_{shop.last_day:%Y-%m-%d}.csv"
    return account.export("woocommerce", vintage, {name: table([header, *rows])}, ZONE)


def woocommerce_analytics(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the order report, the newest first: refunds are rows with a day of their own.

    It identifies customers by name only, counts the goods without the shipping, and leaves out
    pending, failed and cancelled orders by itself.
    """
    extras = {"gift": 0.01, "nobody": 0.01}
    sales = draw_sales(shop, rng, zone=ZONE, extras=extras)
    account, dated = Account(), []
    for sale in sales:
        status, rule = _status(sale)
        if sale.kind == "closed_unpaid" or status in ("pending", "checkout-draft"):
            continue
        net = sale.amount - sale.shipping
        back = min(sale.refund, net)
        if sale.is_valid:
            account.keep(str(_number(sale)), sale.person.name.lower(), sale.created, net - back)
        else:
            account.leave(rule, 2 if sale.kind in BACK else 1)
        dated.append((sale.created, _report(sale, sale.created, net, status)))
        if back:
            dated.append((sale.back_at, _report(sale, sale.back_at, -back, "completed")))
    header = ANALYTICS[vintage]
    dated.sort(key=lambda row: row[0], reverse=True)
    rows = [picked(header, cells) for _, cells in dated]
    files = {"orders.csv": table([header, *rows])}
    return account.export("woocommerce_analytics", vintage, files, ZONE)


def _number(sale: Sale) -> int:
    return 4_200 + 3 * sale.number


def _status(sale: Sale) -> tuple[str, str]:
    words = _STATUSES.get(sale.kind, (("completed", ""),))
    return words[sale.number % len(words)]


def _time(moment: dt.datetime | None) -> str:
    return f"{month_first(moment)}:{moment:%S}" if moment else ""


def _cells(sale: Sale, vintage: str) -> dict[str, object]:
    person = sale.person
    prefix = "wc-" if vintage == "lines" else ""
    cells: dict[str, object] = {
        "order_id": _number(sale), "order_number": _number(sale), "wt_import_key": _number(sale),
        "order_date": _time(sale.created), "paid_date": _time(sale.paid),
        "status": prefix + _status(sale)[0], "shipping_total": plain(sale.shipping),
        "shipping_tax_total": 0, "fee_total": 0, "fee_tax_total": 0, "tax_total": 0,
        "cart_discount": plain(sale.discount), "order_discount": plain(sale.discount),
        "discount_total": plain(sale.discount), "order_total": plain(sale.amount),
        "order_subtotal": plain(sale.goods), "order_currency": "USD", "payment_method": "stripe",
        "payment_method_title": "Credit card, debit card", "customer_ip_address": "192.0.2.7",
        "shipping_method": "Flat rate", "customer_id": 0, "download_permissions": 0,
        "refund_items": _refunds(sale),
    }  # fmt: skip
    if sale.kind == "nobody":
        return cells
    # One order in three is by a guest; a person may buy as a guest once and not again.
    guest = (sale.number + person.number) % 3 == 0
    email = person.email.title() if sale.number % 4 == 0 else person.email
    cells |= {
        "customer_id": 0 if guest else 10 + person.number, "billing_email": email,
        "customer_user": "" if guest else f"user{person.number}",
        "customer_email": "" if guest else person.email, "billing_phone": person.phone,
    }  # fmt: skip
    place = {
        "first_name": person.first, "last_name": person.last, "address_1": person.street,
        "postcode": person.postcode, "city": person.town, "country": "US",
    }  # fmt: skip
    kinds = ("billing", "shipping")
    return cells | {f"{kind}_{part}": cell for kind in kinds for part, cell in place.items()}


def _refunds(sale: Sale) -> str:
    if not sale.refund:
        return ""
    return f"amount:{plain(sale.refund)}|reason:Damaged|date:{sale.back_at:%Y-%m-%d %H:%M:%S}"


def _wide(sale: Sale) -> dict[str, object]:
    return {
        f"line_item_{place}": f"name:{line.title}|product_id:{100 + len(line.sku)}|sku:{line.sku}"
        f"|quantity:{line.quantity}|total:{plain(line.total)}"
        for place, line in enumerate(sale.lines, start=1)
    }


def _lines(sale: Sale) -> list[dict[str, object]]:
    return [_line(sale, line, place) for place, line in enumerate(sale.lines)]


def _line(sale: Sale, line: Line, place: int) -> dict[str, object]:
    return {
        "item_id": 10 * _number(sale) + place, "item_product_id": 100 + len(line.sku),
        "item_name": line.title, "item_sku": line.sku, "item_quantity": line.quantity,
        "item_subtotal": plain(line.total), "item_total": plain(line.total),
    }  # fmt: skip


def _report(sale: Sale, when: dt.datetime, cents: int, status: str) -> dict[str, object]:
    sign = -1 if cents < 0 else 1
    listed = ", ".join(f"{sign * line.quantity}× {line.title}" for line in sale.lines)
    known = "" if sale.kind == "nobody" else sale.person.name
    number = plain(cents).rstrip("0").rstrip(".")
    return {
        "Date": f"{when:%Y-%m-%d %H:%M:%S}", "Order #": _number(sale),
        "N. Revenue (formatted)": symbol(cents), "Status": status, "Customer": known,
        "Customer type": "returning" if sale.number % 2 else "new", "Product(s)": listed,
        "Items sold": sign * sum(line.quantity for line in sale.lines),
        "Coupon(s)": "tenoff" if sale.discount else "", "Net Sales": number,
        "N. Revenue": number, "Attribution": "Direct",
    }  # fmt: skip
