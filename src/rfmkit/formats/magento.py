"""Magento (Adobe Commerce): the grid of orders."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

MAGENTO: Final = Format(
    name="magento",
    title="Magento order grid",
    marks=("Purchase Point", "Purchase Date", "Grand Total (Base)", "Customer Email", "Status"),
    columns={
        "order_id": "ID",
        "email": "Customer Email",
        "ordered_at": "Purchase Date",
        "amount": "Grand Total (Base)",
        "refund_amount": "Total Refunded",
        "status": "Status",
    },
    customer=("email",),
    statuses={
        "closed": "closed_refunded",
        "holded": "held",
        "payment review": "unpaid",
        "payment_review": "unpaid",
        "suspected fraud": "cancelled",
        "fraud": "cancelled",
    },
    unique="order_id",
)
