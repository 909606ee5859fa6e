"""Square: transactions, and the items sold in them."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

SQUARE: Final = Format(
    name="square",
    title="Square transactions",
    marks=("Date", "Time", "Time Zone", "Total Collected", "Transaction ID", "Event Type"),
    columns={
        # A refund is a transaction of its own, with the id of the payment that it refunds.
        "order_id": ("Payment ID", "Transaction ID"),
        "customer_id": "Customer ID",
        "ordered_at": "Date",
        "amount": "Total Collected",
        "status": "Transaction Status",
    },
    clock="Time",
    decimal=".",
    whole=False,
)

SQUARE_ITEMS: Final = Format(
    name="square_items",
    title="Square items",
    marks=("Date", "Time", "Time Zone", "Item", "Qty", "Transaction ID", "Event Type"),
    columns={
        "order_id": "Transaction ID",
        "customer_id": "Customer ID",
        "ordered_at": "Date",
        "amount": "Net Sales",
        "quantity": "Qty",
        "category": "Category",
    },
    lines_of="square",
    clock="Time",
    decimal=".",
    whole=False,
)
