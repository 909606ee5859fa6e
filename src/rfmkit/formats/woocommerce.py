"""WooCommerce: the Import/Export Suite, and the orders of its own Analytics."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

WOOCOMMERCE: Final = Format(
    name="woocommerce",
    title="WooCommerce orders (Import/Export Suite)",
    marks=("order_id", "order_number", "order_date", "order_total", "order_currency"),
    columns={
        "order_id": "order_id",
        "email": "billing_email",
        "account_email": "customer_email",
        "phone": "billing_phone",
        "first_name": "billing_first_name",
        "name": "billing_last_name",
        "postcode": "billing_postcode",
        "ordered_at": "order_date",
        "paid_at": "paid_date",
        "amount": "order_total",
        "refund_amount": "refund_items",
        "currency": "order_currency",
        "status": "status",
    },
    # Guests all have the customer id 0.
    customer=("email", "account_email", "phone", "name"),
    once=("amount", "refund_amount"),
    within={"refund_amount": r"amount:([\d.]+)"},
    dayfirst=False,
)

WOOCOMMERCE_ANALYTICS: Final = Format(
    name="woocommerce_analytics",
    title="WooCommerce Analytics, orders",
    marks=("Date", "Order #", "Status", "Customer type", "Items sold"),
    columns={
        "order_id": "Order #",
        "name": "Customer",
        "ordered_at": "Date",
        "amount": ("Net sales", "N. Revenue"),
        "status": "Status",
    },
    # A refunded order has rows of its own for its refunds: those rows decide.
    statuses={"refunded": "completed"},
    customer=("name",),
    whole=False,
)
