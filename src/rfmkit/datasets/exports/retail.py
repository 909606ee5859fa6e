"""The public data sets for teaching, each in its form: Online Retail, Olist and CDNOW."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import BACK, NEVER, draw_sales
from rfmkit.datasets.exports.sheets import month_first, plain, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from rfmkit.datasets.exports.sales import Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["CDNOW", "OLIST", "ONLINE_RETAIL", "cdnow", "olist", "online_retail"]

ONLINE_RETAIL: Final = {
    "1": (
        "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice",
        "CustomerID", "Country",
    ),
    "2": (
        "Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID",
        "Country",
    ),
}  # fmt: skip
OLIST: Final = {
    "olist_orders_dataset.csv": (
        "order_id", "customer_id", "order_status", "order_purchase_timestamp",
        "order_approved_at", "order_delivered_carrier_date", "order_delivered_customer_date",
        "order_estimated_delivery_date",
    ),
    "olist_order_items_dataset.csv": (
        "order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price",
        "freight_value",
    ),
    "olist_order_payments_dataset.csv": (
        "order_id", "payment_sequential", "payment_type", "payment_installments", "payment_value",
    ),
    "olist_customers_dataset.csv": (
        "customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city",
        "customer_state",
    ),
}  # fmt: skip
CDNOW: Final = ("id", "date", "quantity", "amount")

UK: Final = "Europe/London"
BRAZIL: Final = "America/Sao_Paulo"
US: Final = "America/New_York"
_STATUSES: Final = {
    "unpaid": ("created",),
    "closed_unpaid": ("canceled",),
    "refunded": ("canceled",),
    "closed_refunded": ("unavailable",),
    "paid": ("processing", "approved", "invoiced"),
    "shipped": ("shipped",),
}


def online_retail(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the invoices by line; a return is an invoice of its own, with a C.

    Nothing links such an invoice to the first one, so the truth has the sale as it was and the
    refund beside it.
    """
    extras = {"nobody": 0.2, "gift": 0.01}
    sales = draw_sales(shop, rng, zone=UK, extras=extras, discounts=False)
    account, dated = Account(), []
    for sale in sales:
        if sale.kind in NEVER:
            continue
        rows, moment = _invoice(sale, vintage), sale.created.replace(second=0)
        if sale.is_valid or sale.kind in BACK:
            account.keep(str(_number(sale)), str(_buyer(sale)), moment, sale.amount)
        else:
            rule = "no_customer" if sale.kind == "nobody" else "zero_amount"
            account.leave(rule, len(rows))
        dated.append((moment, rows))
        if sale.refund:
            later = sale.back_at.replace(second=0)
            account.give_back(f"C{_number(sale)}", str(_buyer(sale)), later, sale.refund)
            dated.append((later, _cancellation(sale, vintage)))
    account.leave("no_customer")
    dated.append((dated[0][0], [_bad_debt(dated[0][0], vintage)]))
    dated.sort(key=lambda invoice: invoice[0])
    rows = [row for _, invoice in dated for row in invoice]
    encoding = "iso-8859-1" if vintage == "1" else "utf-8"
    content = table([ONLINE_RETAIL[vintage], *rows], encoding=encoding)
    files = {"online_retail.csv" if vintage == "1" else "online_retail_II.csv": content}
    return account.export("online_retail", vintage, files, UK)


def _number(sale: Sale) -> int:
    return 536_000 + sale.number


def _buyer(sale: Sale) -> int:
    return 12_000 + sale.person.number


def _invoice_row(
    sale: Sale, when: dt.datetime, vintage: str, goods: Sequence[object], *, back: bool = False
) -> list[str]:
    """Return one row: the first data set has months first, the second float customer ids."""
    old = vintage == "1"
    code, title, quantity, price = goods
    known = "" if sale.kind == "nobody" else f"{_buyer(sale)}{'' if old else '.0'}"
    number = f"{'C' if back else ''}{_number(sale)}"
    moment = month_first(when) if old else f"{when:%Y-%m-%d %H:%M}:00"
    return [number, str(code), str(title), str(quantity), moment, str(price), known, "EIRE"]


def _invoice(sale: Sale, vintage: str) -> list[list[str]]:
    goods: list[Sequence[object]] = []
    for line in sale.lines:
        title = f"{line.title.upper()} É".replace("\n", " ") if line.sku == "CF-500" else line.title
        part = [f"85{len(line.sku):03d}A", title, line.quantity, plain(line.price)]
        if line.quantity % 2:
            goods.append(part)
        else:
            # The same row twice, as in the real files: both pieces were sold.
            part[2] = line.quantity // 2
            goods += [part, part]
    if sale.shipping:
        goods.append(["POST", "POSTAGE", 1, plain(sale.shipping)])
    return [_invoice_row(sale, sale.created, vintage, part) for part in goods]


def _cancellation(sale: Sale, vintage: str) -> list[list[str]]:
    if sale.kind in BACK:
        goods: list[Sequence[object]] = [
            [f"85{len(line.sku):03d}A", line.title, -line.quantity, plain(line.price)]
            for line in sale.lines
        ]
        if sale.shipping:
            goods.append(["POST", "POSTAGE", -1, plain(sale.shipping)])
    else:
        goods = [["D", "Discount", -1, plain(sale.refund)]]
    return [_invoice_row(sale, sale.back_at, vintage, part, back=True) for part in goods]


def _bad_debt(when: dt.datetime, vintage: str) -> list[str]:
    moment = month_first(when) if vintage == "1" else f"{when:%Y-%m-%d %H:%M}:00"
    return ["A563185", "B", "Adjust bad debt", "1", moment, "-1062.06", "", "United Kingdom"]


def olist(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the four tables: each order has a customer id, and each person an id beside it."""
    sales = draw_sales(shop, rng, zone=BRAZIL, discounts=False)
    account = Account()
    tables: dict[str, list[list[str]]] = {name: [list(header)] for name, header in OLIST.items()}
    orders, items, payments, customers = tables.values()
    for sale in sales:
        status = _STATUSES.get(sale.kind, ("delivered",))
        if sale.is_valid:
            account.keep(_hex(sale.number), _person(sale), sale.created, sale.amount)
        else:
            account.leave("unpaid" if sale.kind == "unpaid" else "cancelled")
        orders.append(_order(sale, status[sale.number % len(status)]))
        items += _items(sale)
        payments += _payments(sale)
        place = ["sao paulo", "SP"] if sale.person.number % 2 else ["rio de janeiro", "RJ"]
        customers.append([_hex(sale.number, 2), _person(sale), sale.person.postcode, *place])
    files = {name: table(rows, quote_all=True) for name, rows in tables.items()}
    return account.export("olist", vintage, files, BRAZIL)


def _hex(number: int, kind: int = 1) -> str:
    # An odd factor maps different numbers to different ones; the result looks like a hash.
    return f"{(2 * number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 * kind % 2**128:032x}"


def _person(sale: Sale) -> str:
    return _hex(sale.person.number + 10**9, 3)


def _moment(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _order(sale: Sale, status: str) -> list[str]:
    sent = sale.back_at if status in ("shipped", "delivered") else None
    arrived = sale.back_at + dt.timedelta(days=3) if status == "delivered" else None
    due = sale.created + dt.timedelta(days=20)
    times = [sale.created, sale.paid, sent, arrived, due]
    return [_hex(sale.number), _hex(sale.number, 2), status, *map(_moment, times)]


def _items(sale: Sale) -> list[list[str]]:
    """Return a row for each piece; the freight is on the first."""
    pieces = [line for line in sale.lines for _ in range(line.quantity)]
    limit = _moment(sale.created + dt.timedelta(days=5))
    return [
        [
            _hex(sale.number), str(place), _hex(len(line.sku), 5), _hex(1, 7), limit,
            plain(line.price), plain(sale.shipping if place == 1 else 0),
        ]
        for place, line in enumerate(pieces, start=1)
    ]  # fmt: skip


def _payments(sale: Sale) -> list[list[str]]:
    """Return a row for each payment: every fourth order was paid with a voucher and a card."""
    if sale.paid is None:
        return [[_hex(sale.number), "1", "not_defined", "1", plain(0)]]
    voucher = sale.amount // 4 if sale.number % 4 == 0 else 0
    parts = [("credit_card", sale.amount - voucher)] + [("voucher", voucher)] * bool(voucher)
    return [
        [_hex(sale.number), str(place), means, str(1 + sale.number % 6), plain(cents)]
        for place, (means, cents) in enumerate(parts, start=1)
    ]


def cdnow(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the purchases: no header, columns separated by spaces, and equal rows that all count.

    There is no order id: the truth has the row's position, counted from 1.
    """
    extras = {"twin": 0.03, "gift": 0.01}
    sales = draw_sales(shop, rng, zone=US, extras=extras, discounts=False, shipping=False)
    account, written = Account(), []
    bought = [sale for sale in sales if sale.kind not in (*NEVER, *BACK)]
    for sale in sorted(bought, key=lambda sale: (sale.person.number, sale.created)):
        buyer = f"{sale.person.number:05d}"
        day = dt.datetime.combine(sale.created.date(), dt.time())
        # By the amount, so that a sale that occurs twice is the same row twice.
        quantity = 1 + sale.amount % 4
        written.append(f" {buyer} {day:%Y%m%d} {quantity:2d} {plain(sale.amount):>7}")
        if sale.amount:
            account.keep(str(len(written)), buyer, day, sale.amount)
        else:
            account.leave("zero_amount")
    content = "".join(f"{row}\r\n" for row in written).encode("ascii")
    return account.export("cdnow", vintage, {"CDNOW_master.txt": content}, US)
