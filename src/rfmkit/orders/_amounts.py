"""The amount and the refund of an order line, from its columns and in one currency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from rfmkit.columns import MONEY
from rfmkit.formats._cells import trimmed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis.expr.types as ir

    from rfmkit.orders._layout import Layout

EQUAL_WITHIN: Final = 0.01
"""Amounts closer than this are equal: each may be rounded by half a cent."""
RATE: Final = "decimal(24, 10)"
WIDE: Final = "decimal(38, 4)"


def line_amount(
    layout: Layout, raw: ir.Table, cells: Mapping[str, ir.DecimalValue]
) -> ir.DecimalValue:
    """Return the amount of each line.

    Parameters
    ----------
    layout : Layout
        The columns of the log.
    raw : ibis Table
        The lines.
    cells : mapping of role to column
        The amounts of the lines, read from their cells.
    """
    if layout.constant_amount is not None:
        return ibis.literal(layout.constant_amount).cast(MONEY)
    if "amount" not in layout.columns:
        # Quantities may be fractions (1.5 kg): both have four decimals, the product has eight.
        product = cells["unit_price"] * cells["quantity"]
        # Ibis gives the product the type of its factors: cast it to one that holds it.
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
    """Return the money given back on each line, as a positive amount."""
    if "refund_amount" not in layout.columns:
        return ibis.literal(0).cast(MONEY)
    refund = cells["refund_amount"].fill_null(0).abs().cast(MONEY)
    if "due_amount" in layout.columns and "amount" in layout.columns:
        # A "refund" of exactly what was due and not paid was never paid: it is no refund.
        waived = (cells["due_amount"] - cells["amount"]).fill_null(0)
        refund = ((waived - refund).abs() < EQUAL_WITHIN).ifelse(0, refund).cast(MONEY)
    return _in_one_currency(layout, raw, refund)


def _in_one_currency(layout: Layout, raw: ir.Table, amount: ir.DecimalValue) -> ir.DecimalValue:
    if layout.options.rates is None or "currency" not in layout.columns:
        return amount.try_cast(MONEY)
    code = trimmed(raw[layout.columns["currency"]].cast("string")).upper()
    given = layout.options.rates.items()
    rates = [(code == name, ibis.literal(rate, RATE)) for name, rate in given]
    rate = ibis.cases(*rates, else_=ibis.null(RATE)).cast(RATE)
    converted = (amount.try_cast(MONEY) * rate).cast("decimal(38, 14)").round(4).try_cast(MONEY)
    # Zero needs no rate: further lines of an order may have no amount and no currency.
    return (amount == 0).ifelse(0, converted).cast(MONEY)
