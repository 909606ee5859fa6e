"""Logs for teaching: UCI Online Retail I and II, Olist, CDNOW."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format, Part

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
    unique="order_id",
    parts=(
        Part(marks=("order_id", "customer_id", "order_status", "order_purchase_timestamp")),
        # Several payments and several lines of one order: joined without sums they multiply.
        Part(marks=("order_id", "payment_value"), key="order_id", sums=("payment_value",)),
        Part(
            marks=("customer_id", "customer_unique_id"),
            key="customer_id",
            keeps=("customer_unique_id",),
        ),
    ),
)  # fmt: skip

# In the table of orders alone, a customer has a new id for each order.
OLIST_ORDERS: Final = Format(
    name="olist_orders",
    title="Olist orders without their customers",
    marks=(
        "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
    ),
    instead="its customer_id is one per order: join the customers (customer_unique_id) and the sum "
    "of the payments of each order, or read the folder: read_orders('olist/', format='olist').",
)  # fmt: skip

DAY: Final = r"(19|20)\d{6}"
CDNOW: Final = Format(
    name="cdnow",
    title="CDNOW",
    marks=("customer", "date", "number of cds", "dollar value"),
    columns={
        "customer_id": "customer",
        "ordered_at": "date",
        "amount": "dollar value",
        "quantity": "number of cds",
    },
    # Equal rows are purchases of one day: without order ids, none is a copy.
    headers=(
        {"customer": r"\d+", "date": DAY, "number of cds": r"\d+", "dollar value": r"\d+\.\d+"},
        {
            "master id": r"\d+", "customer": r"\d+", "date": DAY, "number of cds": r"\d+",
            "dollar value": r"\d+\.\d+",
        },
    ),
)  # fmt: skip
