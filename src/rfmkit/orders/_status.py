"""The status of an order line, and the rule that sets the line aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from rfmkit.formats import _cells as cells
from rfmkit.formats._statuses import CLOSED, HELD
from rfmkit.orders._times import READ

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit.orders._census import Census
    from rfmkit.orders._layout import Layout
    from rfmkit.orders._reading_options import ReadingOptions

NEVER_PAID: Final = ("unpaid", "closed_unpaid")
PAID: Final = ("paid", "shipped", "completed", "partially_refunded")
REFUNDED: Final = ("refunded", "closed_refunded")
NOT_PAID_REASON: Final = "未付款|未支付|未及时付款|(?i:unpaid|not paid)"
ASIDE: Final = {
    "line_excluded": "excluded",
    "line_old": "superseded",
    "line_copy": "duplicate",
    "line_lost": "mangled_order",
}
"""Columns that mark a line, and the rule that sets a marked line aside."""


def line_status(raw: ir.Table, layout: Layout, census: Census) -> ir.StringValue:
    """Return the canonical status of each line; null if the line above has it."""
    found = _written_status(raw, layout, census)
    overrules = [
        (cells.trimmed(raw[name].cast("string")).re_search(f"(?i){pattern}"), status)
        for column, pattern, status in layout.platform.overrules
        if (name := layout.platform.column(column, raw.columns)) is not None
    ]
    return ibis.cases(*overrules, else_=found) if overrules else found


def _written_status(raw: ir.Table, layout: Layout, census: Census) -> ir.StringValue:
    if "status" in layout.columns:
        status = raw[layout.columns["status"]].cast("string").fill_null("")
        pairs = [(status == seen, meaning) for seen, meaning in census.statuses.items()]
        if layout.platform.continued:  # a blank status: the line above has it
            pairs.append((status.strip() == "", ibis.null("string")))
        found = ibis.cases(*pairs, else_="unknown") if pairs else ibis.literal("unknown")
        return _decided_by_payment(raw, layout, census, found)
    if "paid_at" in layout.columns:
        unpaid = raw[READ + "paid_at"].isnull()
        return unpaid.ifelse("unpaid", "paid")
    return ibis.literal("paid")


def _decided_by_payment(
    raw: ir.Table, layout: Layout, census: Census, found: ir.StringValue
) -> ir.StringValue:
    """Return statuses; a word for both paid and unpaid orders is decided by the payment."""
    if not {CLOSED, HELD} & set(census.statuses.values()):
        return found
    evidence = []
    if "close_reason" in layout.columns:
        reason = cells.trimmed(raw[layout.columns["close_reason"]].cast("string"))
        evidence.append((reason.re_search(NOT_PAID_REASON), False))
        evidence.append((reason.re_search("退款|(?i:refund)"), True))
    if "paid_at" in layout.columns:
        has_time = raw[READ + "paid_at"].notnull()
        evidence += [(has_time, True), (~has_time, False)]
    if not evidence:
        return ibis.cases((found.isin([CLOSED, HELD]), "unknown"), else_=found)
    paid = ibis.cases(*evidence, else_=ibis.null("boolean"))
    return ibis.cases(
        ((found == CLOSED) & paid, "closed_refunded"),
        ((found == CLOSED) & ~paid, "closed_unpaid"),
        ((found == HELD) & paid, "paid"),
        ((found == HELD) & ~paid, "unpaid"),
        (found.isin([CLOSED, HELD]), "unknown"),
        else_=found,
    )


def line_rule(read: ir.Table, options: ReadingOptions) -> ir.StringValue:
    """Return the rule that sets a line aside; null if the line counts."""
    start, end = options.dates_between
    day, status = read.line_day, read.line_status
    # Short lists: DuckDB turns a long one into a join, which slows every query down.
    paid, refunded, unknown = status.isin(PAID), status.isin(REFUNDED), status == "unknown"
    unclear = read.line_amount.isnull() | read.line_refund_odd
    first = [(read[name], rule) for name, rule in ASIDE.items() if name in read.columns]
    return ibis.cases(
        *first,
        (read.line_customer.isnull(), "no_customer"),
        (read.line_mangled, "mangled_customer"),
        # An order that was never paid may have no date: some exports only have the payment date.
        (day.isnull() & status.isin(NEVER_PAID), status),
        (day.isnull(), "no_time"),
        ((day < start) | (day >= end), "implausible_time"),
        # It may have no amount either: that of a failed payment may be blank.
        (unclear & (paid | refunded | unknown), "no_amount"),
        (paid | refunded if options.refunds == "gross" else paid, ibis.null("string")),
        # A row with a negative amount is the refund itself, whatever the status of its order.
        (refunded & (read.line_amount < 0), ibis.null("string")),
        (unknown, "unknown_status"),
        else_=status,
    )
