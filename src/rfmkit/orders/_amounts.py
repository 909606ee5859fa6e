"""How much: the amount of a line from its parts, its refund, and both in one currency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from rfmkit.columns import MONEY
from rfmkit.formats._cells import trimmed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis.expr.types as ir

    from rfmkit.orders._layout import Layout

NETTED: Final = 0.01
"""So near to each other two amounts of money are the same (half a cent, twice rounded)."""
RATE: Final = "decimal(24, 10)"
WIDE: Final = "decimal(38, 4)"


def line_amount(
    layout: Layout, raw: ir.Table, cells: Mapping[str, ir.DecimalValue]
) -> ir.DecimalValue:
    """Give the amount of a line; `cells` are those of its roles, read."""
    if layout.constant_amount is not None:
        return ibis.literal(layout.constant_amount).cast(MONEY)
    if "amount" not in layout.columns:
        # Pieces may be fractions (1.5 kg): four decimals of each, then an exact product.
        product = cells["unit_price"] * cells["quantity"]
        # By way of a wider type, since Ibis takes the product to have the type of its factors.
        return _in_one_currency(layout, raw, product.cast("decimal(38, 8)"))
    amount = cells["amount"]
    for role in layout.platform.adds:
        if role in layout.columns:
            amount = (amount + cells[role].fill_null(0)).cast(WIDE)
    for role in layout.platform.takes:
        if role in layout.columns:
            amount = (amount - cells[role].fill_null(0).abs()).cast(WIDE)
    return _in_one_currency(layout, raw, amount)


def line_refund(
    layout: Layout, raw: ir.Table, cells: Mapping[str, ir.DecimalValue]
) -> ir.DecimalValue:
    """Give what of a line went back, as a positive amount."""
    if "refund_amount" not in layout.columns:
        return ibis.literal(0).cast(MONEY)
    refund = cells["refund_amount"].fill_null(0).abs().cast(MONEY)
    if "due_amount" in layout.columns and "amount" in layout.columns:
        # A "refund" of just what was due and not paid has never been paid either.
        waived = (cells["due_amount"] - cells["amount"]).fill_null(0)
        refund = ((waived - refund).abs() < NETTED).ifelse(0, refund).cast(MONEY)
    return _in_one_currency(layout, raw, refund)


def _in_one_currency(layout: Layout, raw: ir.Table, amount: ir.DecimalValue) -> ir.DecimalValue:
    if layout.options.rates is None or "currency" not in layout.columns:
        return amount.try_cast(MONEY)
    code = trimmed(raw[layout.columns["currency"]].cast("string")).upper()
    known = layout.options.rates.items()
    rates = [(code == name, ibis.literal(rate, RATE)) for name, rate in known]
    rate = ibis.cases(*rates, else_=ibis.null(RATE)).cast(RATE)
    converted = (amount.try_cast(MONEY) * rate).cast("decimal(38, 14)").round(4).try_cast(MONEY)
    # Further lines of an order may name no currency, and have no amount of their own.
    return (amount == 0).ifelse(0, converted).cast(MONEY)
