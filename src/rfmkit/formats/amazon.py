"""Amazon: the order and unshipped reports, one row per line, with the amount in parts."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

MONEY: Final = {
    "amount": "item-price",
    "shipping_amount": "shipping-price",
    "wrapping_amount": "gift-wrap-price",
    "discount_amount": "item-promotion-discount",
    "shipping_discount_amount": "ship-promotion-discount",
    "currency": "currency",
    "status": "order-status",
}

AMAZON: Final = Format(
    name="amazon",
    title="Amazon order report",
    marks=("order-id", "order-item-id", "purchase-date", "buyer-email", "quantity-purchased"),
    columns={
        "order_id": "order-id",
        "line_id": "order-item-id",
        "email": "buyer-email",
        "ordered_at": "purchase-date",
        "paid_at": "payments-date",
        **MONEY,
    },
    customer=("email",),
    adds=("shipping_amount", "wrapping_amount"),
    takes=("discount_amount", "shipping_discount_amount"),
    zone="written",
    unique="line_id",
)

AMAZON_ALL_ORDERS: Final = Format(
    name="amazon_all_orders",
    title="Amazon All Orders report",
    marks=("amazon-order-id", "purchase-date", "order-status", "item-price", "sales-channel"),
    columns={
        "order_id": "amazon-order-id",
        "ordered_at": "purchase-date",
        **MONEY,
    },
    overrules=(("item-status", "^cancell?ed$", "cancelled"),),
    adds=("shipping_amount", "wrapping_amount"),
    takes=("discount_amount", "shipping_discount_amount"),
    zone="written",
    instead="take the order report or the unshipped report: their buyer-email names the buyer.",
)
