"""Square: the transactions of the dashboard, and the items sold in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import BACK, NEVER, draw_sales
from rfmkit.datasets.exports.sheets import picked, symbol, table

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

    from rfmkit.datasets.exports.sales import Line, Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["ITEMS", "TRANSACTIONS", "square"]

ZONE: Final = "America/New_York"
EXTRAS: Final = {"gift": 0.01, "nobody": 0.05}
TRANSACTIONS: Final = (
    "Date", "Time", "Time Zone", "Gross Sales", "Discounts", "Service Charges", "Net Sales",
    "Gift Card Sales", "Tax", "Tip", "Partial Refunds", "Total Collected", "Source", "Card",
    "Card Entry Methods", "Cash", "Square Gift Card", "Other Tender", "Other Tender Type",
    "Tender Note", "Fees", "Net Total", "Transaction ID", "Payment ID", "Card Brand", "PAN Suffix",
    "Device Name", "Staff Name", "Staff ID", "Details", "Description", "Event Type", "Location",
    "Dining Option", "Customer ID", "Customer Name", "Customer Reference ID", "Device Nickname",
    "Third Party Fees", "Deposit ID", "Deposit Date", "Deposit Details", "Fee Percentage Rate",
    "Fee Fixed Rate", "Refund Reason", "Discount Name", "Transaction Status", "Cash App",
    "Order Reference ID", "Fulfillment Note", "Free Processing Applied", "Channel",
    "Unattributed Tips", "Table Info", "International Fee",
)  # fmt: skip
ITEMS: Final = (
    "Date", "Time", "Time Zone", "Category", "Item", "Qty", "Price Point Name", "SKU",
    "Modifiers Applied", "Gross Sales", "Discounts", "Net Sales", "Tax", "Transaction ID",
    "Payment ID", "Device Name", "Notes", "Details", "Event Type", "Location", "Dining Option",
    "Customer ID", "Customer Name", "Customer Reference ID", "Unit", "Count", "GTIN",
    "Itemization Type", "Commission", "Employee", "Fulfillment Note", "Channel", "Token",
    "Card Brand", "PAN Suffix",
)  # fmt: skip


def square(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the transactions, the newest first; a refund is a row with a day of its own.

    A refund has a transaction of its own and the `Payment ID` of the sale: by that it is found.
    """
    sales = [
        sale for sale in draw_sales(shop, rng, zone=ZONE, extras=EXTRAS) if sale.kind not in NEVER
    ]
    account, dated, items = Account(), [], []
    for sale in sales:
        if sale.is_valid:
            net = sale.amount - sale.refund
            account.keep(_payment_id(sale), _customer(sale), sale.moment, net)
        elif sale.kind in BACK:
            account.leave("refunded", 2)
        else:
            account.leave("no_customer" if sale.kind == "nobody" else "zero_amount")
        dated.append((sale.moment, _payment(sale, vintage)))
        items += [_item(sale, line, vintage) for line in sale.lines]
        if sale.refund:
            dated.append((sale.back_at, _refund(sale, vintage)))
    dated.sort(key=lambda row: row[0], reverse=True)
    span = f"{shop.first_day:%Y-%m-%d}-{shop.last_day:%Y-%m-%d}"
    files = {
        f"transactions-{span}.csv": table(
            [TRANSACTIONS, *(picked(TRANSACTIONS, cells) for _, cells in dated)]
        ),
        f"items-{span}.csv": table([ITEMS, *(picked(ITEMS, cells) for cells in reversed(items))]),
    }
    return account.export("square", vintage, files, ZONE)


def _payment_id(sale: Sale) -> str:
    return f"Px{sale.number:08d}ExampleZY"


def _transaction(sale: Sale, *, refund: bool = False) -> str:
    return f"{'R' if refund else 'T'}x{sale.number:08d}ExampleZY"


def _customer(sale: Sale) -> str:
    return "" if sale.kind == "nobody" else f"CUST{sale.person.number:08d}"


def _when(moment: dt.datetime, vintage: str) -> dict[str, object]:
    # Noon and midnight are 12; %p would depend on the locale.
    half, hour = divmod(moment.hour, 12)
    clock = f"{hour or 12}:{moment:%M:%S} {('AM', 'PM')[half]}"
    american = vintage == "2026"
    return {
        "Date": f"{moment:%m/%d/%Y}" if american else f"{moment:%Y-%m-%d}",
        "Time": clock if american else f"{moment:%H:%M:%S}",
        "Time Zone": "Eastern Time (US & Canada)",
    }


def _common(sale: Sale) -> dict[str, object]:
    known = sale.kind != "nobody"
    return {
        "Payment ID": _payment_id(sale), "Location": "Example Roasters, Main Street",
        "Customer ID": _customer(sale), "Customer Name": sale.person.name if known else "",
        "Channel": "Example Roasters", "Card Brand": "Visa", "PAN Suffix": "1111",
    }  # fmt: skip


def _sums(goods: int, discount: int, service: int) -> dict[str, object]:
    net = goods - discount + service
    fees = -(abs(net) // 40)
    empty = ("Gift Card Sales", "Tax", "Tip", "Cash", "Square Gift Card", "Other Tender")
    return {
        **dict.fromkeys(empty, symbol(0)),
        "Gross Sales": symbol(goods), "Discounts": symbol(-discount),
        "Service Charges": symbol(service), "Net Sales": symbol(net),
        "Partial Refunds": symbol(0), "Total Collected": symbol(net), "Card": symbol(net),
        "Fees": symbol(fees), "Net Total": symbol(net + fees),
        "Transaction Status": "Complete", "Source": "Register",
    }  # fmt: skip


def _payment(sale: Sale, vintage: str) -> dict[str, object]:
    bought = ", ".join(f"{line.quantity} x {line.title}" for line in sale.lines)
    return {
        **_when(sale.moment, vintage), **_common(sale),
        **_sums(sale.goods, sale.discount, sale.shipping), "Event Type": "Payment",
        "Transaction ID": _transaction(sale), "Description": bought,
        "Discount Name": "Ten off" if sale.discount else "",
    }  # fmt: skip


def _refund(sale: Sale, vintage: str) -> dict[str, object]:
    partial = {} if sale.kind in BACK else {"Partial Refunds": symbol(-sale.refund)}
    return {
        **_when(sale.back_at, vintage), **_common(sale), **_sums(-sale.refund, 0, 0), **partial,
        "Event Type": "Refund", "Transaction ID": _transaction(sale, refund=True),
        "Refund Reason": "Returned goods",
    }  # fmt: skip


def _item(sale: Sale, line: Line, vintage: str) -> dict[str, object]:
    return {
        **_when(sale.moment, vintage), **_common(sale), "Category": "Goods", "Item": line.title,
        "Qty": f"{line.quantity}.0", "Price Point Name": "Regular", "SKU": line.sku,
        "Gross Sales": symbol(line.total), "Discounts": symbol(0), "Net Sales": symbol(line.total),
        "Tax": symbol(0), "Transaction ID": _transaction(sale), "Event Type": "Payment",
        "Count": line.quantity, "Itemization Type": "Physical Good", "Commission": symbol(0),
    }  # fmt: skip
