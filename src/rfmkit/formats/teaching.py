"""Logs to learn with: UCI Online Retail I and II, Olist, CDNOW."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

ONLINE_RETAIL: Final = Format(
    name="online_retail",
    title="UCI Online Retail, I or II",
    marks=(
        "InvoiceNo|Invoice", "StockCode", "InvoiceDate", "Quantity", "UnitPrice|Price",
        "CustomerID",
    ),
    columns={
        "order_id": ("InvoiceNo", "Invoice"),
        "customer_id": "CustomerID",
        "ordered_at": "InvoiceDate",
        "unit_price": ("UnitPrice", "Price"),
        "quantity": "Quantity",
    },
)  # fmt: skip

OLIST: Final = Format(
    name="olist",
    title="Olist orders, with their payments and customers",
    marks=(
        "order_id", "customer_unique_id", "order_status", "order_purchase_timestamp",
        "order_approved_at", "payment_value",
    ),
    columns={
        "order_id": "order_id",
        "customer_id": "customer_unique_id",
        "ordered_at": "order_purchase_timestamp",
        "amount": "payment_value",
        "status": "order_status",
    },
    statuses={"unavailable": "cancelled"},
)  # fmt: skip

# In the orders alone a customer is known by a new id for each order.
OLIST_ORDERS: Final = Format(
    name="olist_orders",
    title="Olist orders without their customers",
    marks=(
        "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
    ),
    instead="its customer_id is one per order: join the customers (customer_unique_id) and the sum "
    "of the payments of each order, or read the folder: read_orders('olist/', format='olist').",
)  # fmt: skip
