"""Stripe: charges, one row per attempt to pay."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

STRIPE: Final = Format(
    name="stripe",
    title="Stripe charges",
    marks=("id", "Amount", "Amount Refunded", "Currency", "Status", "Captured", "Customer Email"),
    columns={
        "order_id": "id",
        "customer_id": "Customer ID",
        "email": "Customer Email",
        "ordered_at": ("Created (UTC)", "Created date (UTC)"),
        # Where money was converted, the converted amount is in the shop's currency.
        "amount": ("Converted Amount", "Amount"),
        "refund_amount": ("Converted Amount Refunded", "Amount Refunded"),
        "currency": ("Converted Currency", "Currency"),
        "status": "Status",
    },
    customer=("customer_id", "email"),
    statuses={
        "requires payment method": "closed_unpaid",
        "requires_payment_method": "closed_unpaid",
        "requires action": "unpaid",
        "requires_action": "unpaid",
        "requires capture": "unpaid",
        "requires_capture": "unpaid",
        "incomplete": "unpaid",
        "uncaptured": "unpaid",
    },
    overrules=(
        ("Mode", "^test", "test"),
        ("Status", "^failed$", "closed_unpaid"),
        ("Captured", "^false$", "unpaid"),
    ),
    zone="UTC",
    unique="order_id",
    decimal=".",
)
