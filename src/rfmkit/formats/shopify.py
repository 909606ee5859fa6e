"""Shopify: orders_export.csv, one row per line; the first row has the columns of the order."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

SHOPIFY: Final = Format(
    name="shopify",
    title="Shopify orders export",
    marks=("Name", "Financial Status", "Fulfillment Status", "Lineitem quantity", "Total"),
    columns={
        # The name of an order is unique in one shop only, and is used again after a migration.
        "order_id": ("Id", "Name"),
        "order_name": "Name",
        "email": "Email",
        "phone": "Billing Phone",
        "mobile": "Phone",
        "name": "Billing Name",
        "postcode": "Billing Zip",
        "created_at": "Created at",
        "paid_at": "Paid at",
        "amount": "Total",
        "refund_amount": "Refunded Amount",
        "currency": "Currency",
        "status": "Financial Status",
    },
    customer=("email", "phone", "mobile", "name"),
    overrules=(("Payment Method", "bogus", "test"),),
    once=("amount", "refund_amount"),
    zone="written",
    continued=True,
    decimal=".",
)
