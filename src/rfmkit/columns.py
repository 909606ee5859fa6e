"""The vocabulary: the name, dtype, unit and meaning of every column.

Each concept has one name, which contains the unit. Every result is cast to these dtypes before it
leaves an engine, so that a count is an ``int64`` on every engine. The glossary of the documentation
is generated from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["COLUMNS", "LABELS", "MONEY", "PHASES", "RULES", "SEGMENTS", "STATUSES", "Column"]

MONEY: Final = "decimal(18, 4)"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one table: its name, dtype, unit and meaning."""

    table: str
    name: str
    dtype: str
    unit: str
    meaning: str


def _table(table: str, *rows: tuple[str, str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(table, *row) for row in rows)


ORDERS: Final = _table(
    "orders",
    ("order_id", "string", "", "id of the order, always text"),
    ("customer_id", "", "", "who bought: text, or the source's own integer"),
    ("ordered_at", "timestamp", "shop time", "the moment that counts: paid, else ordered"),
    ("amount", "float64", "money", "net money: paid less refunded; exact=True returns decimals"),
    ("status", "string", "", "canonical status of the order"),
    ("category", "string", "", "category of the goods, where the log has it"),
    (
        "customer_key",
        "string",
        "",
        "what the customer is known by: customer_id, email, phone, name",
    ),
    ("row", "int64", "", "position of the row in the source, counted from 1"),
    ("rule", "string", "", "why a row was set aside"),
)
CUSTOMERS: Final = _table(
    "customers",
    ("orders", "int64", "orders", "valid orders"),
    ("purchases", "int64", "purchases", "distinct days with a valid order"),
    ("first_purchase", "date", "date", "day of the first purchase"),
    ("last_purchase", "date", "date", "day of the last purchase"),
    ("recency_days", "int64", "days", "as_of - last_purchase: the length of the silence"),
    ("tenure_days", "int64", "days", "as_of - first_purchase (T of the BTYD papers)"),
    ("active_days", "int64", "days", "last_purchase - first_purchase (t_x of the BTYD papers)"),
    ("repeat_purchases", "int64", "purchases", "purchases - 1 (x of the BTYD papers)"),
    ("spend", "float64", "money", "net money in all; an exact sum, shown as the nearest double"),
    ("mean_purchase_value", "float64", "money", "spend / purchases"),
    ("mean_gap_days", "float64", "days", "active_days / repeat_purchases; null under two"),
    ("last_gap_days", "int64", "days", "days between the last two purchases; null under two"),
    ("unpaid_orders", "int64", "orders", "orders never paid (unpaid or closed unpaid)"),
    ("refunded_orders", "int64", "orders", "orders refunded, in full or in part"),
    ("refund_amount", "float64", "money", "money given back"),
    ("categories", "int64", "categories", "distinct categories bought, where the log has them"),
)
OPPORTUNITIES: Final = _table(
    "opportunities",
    ("opportunities", "int64", "periods", "opportunities since the first purchase (n of BG/BB)"),
    ("last_opportunity", "int64", "", "number of the last one taken, 0 for none (t_x of BG/BB)"),
    ("customers", "int64", "customers", "for how many customers a row stands"),
)
GAPS: Final = _table(
    "gaps",
    ("order_number", "int64", "", "number of the purchase that opens the gap: 1 is the first"),
    ("gap_days", "int64", "days", "days to the next purchase, or to as_of while still open"),
    ("returned", "boolean", "", "true: the gap ended in a purchase; false: a silence, still open"),
    ("gaps", "int64", "gaps", "how many such gaps"),
)
SNAPSHOTS: Final = _table(
    "snapshots",
    ("origin", "date", "date", "the past day on which the customer is seen"),
    ("purchases_ahead", "int64", "purchases", "purchases in (origin, origin + horizon_days]"),
    ("spend_ahead", "float64", "money", "money in the same horizon"),
    ("churned", "boolean", "", "true: no purchase in the horizon"),
)
SCORES: Final = _table(
    "scores",
    ("recency_score", "int64", "1..n", "n is the shortest silence"),
    ("frequency_score", "int64", "1..n", "n is the most purchases"),
    ("monetary_score", "int64", "1..n", "n is the most money"),
    ("cycle_days", "float64", "days", "the customer's own purchase cycle, shrunk to the shop's"),
    ("expected_next_purchase", "date", "date", "last_purchase + cycle_days; it may be past"),
    (
        "next_purchase_from",
        "date",
        "date",
        "first day of the interval of the next purchase, if there is one",
    ),
    ("next_purchase_to", "date", "date", "last day of that interval; it has a probability of 80 %"),
    ("overdue_ratio", "float64", "cycles", "recency_days / cycle_days: over 1 is overdue"),
    ("churn_probability", "float64", "0..1", "no purchase in the stated horizon (see estimand)"),
    ("churn_lower", "float64", "0..1", "lower end of its interval"),
    ("churn_upper", "float64", "0..1", "upper end of its interval"),
    (
        "alive_probability",
        "float64",
        "0..1",
        "probability of not having left for good; it is not 1 - churn",
    ),
    ("alive_lower", "float64", "0..1", "lower end of its interval"),
    ("alive_upper", "float64", "0..1", "upper end of its interval"),
    ("expected_purchases", "float64", "purchases", "expected number within the horizon"),
    ("horizon_days", "int64", "days", "the horizon of expected_purchases"),
    ("opportunities_ahead", "int64", "periods", "the horizon of expected_purchases of BG/BB"),
    ("purchases_lower", "float64", "purchases", "lower end of its interval"),
    ("purchases_upper", "float64", "purchases", "upper end of its interval"),
    ("expected_purchase_value", "float64", "money", "expected value of a purchase"),
    ("purchase_value_lower", "float64", "money", "lower end of its interval"),
    ("purchase_value_upper", "float64", "money", "upper end of its interval"),
)
PRODUCTS: Final = _table(
    "products",
    ("last_units", "float64", "pieces", "pieces of a category that were bought last"),
    ("unit_days", "float64", "days", "how long a piece lasts its customer"),
)
STAGES: Final = _table(
    "segments",
    ("segment", "string", "", "prospect, new, repeat, dormant or fan"),
    ("phase", "string", "", "active, silent or lost; null for a prospect"),
    ("ordered_unpaid", "boolean", "", "has at least one order that was never paid"),
)
COLUMNS: Final[tuple[Column, ...]] = (
    ORDERS + CUSTOMERS + OPPORTUNITIES + GAPS + SNAPSHOTS + SCORES + PRODUCTS + STAGES
)

DTYPES: Final = {column.name: column.dtype for column in COLUMNS if column.dtype}

SEGMENTS: Final = ("prospect", "new", "repeat", "dormant", "fan")
PHASES: Final = ("active", "silent", "lost")
LABELS: Final = {
    "en": {word: word for word in (*SEGMENTS, *PHASES)},
    "zh": {
        "prospect": "潜客", "new": "新客", "repeat": "老客", "dormant": "休眠", "fan": "粉丝",
        "active": "活跃", "silent": "沉默", "lost": "流失",
    },
}  # fmt: skip

STATUSES: Final = (
    "unpaid", "paid", "shipped", "completed", "closed_unpaid", "closed_refunded",
    "partially_refunded", "refunded", "cancelled", "void", "test", "deleted", "unknown",
)  # fmt: skip

RULES: Final[dict[str, str]] = {
    "kept": "valid orders, at their net amount",
    "refund": "refunds without their order: not purchases, their money is netted",
    "refund_deducted": "money given back on valid orders",
    "unreadable_line": "lines of the file with too few or too many cells, or an unclosed quote",
    "excluded": "rows that exclude= names",
    "superseded": "orders that a later export holds again: the later one counts",
    "duplicate": "second copies of a row that an export holds once",
    "mangled_order": "order id rounded to a float, where lines repeat the total of their order",
    "no_customer": "no customer id",
    "mangled_customer": "customer id rounded to a float (1.7E+16): several customers may share it",
    "no_time": "no date, or one that does not exist",
    "implausible_time": "date outside dates_between",
    "no_amount": "no amount, or one or its refund is text, NaN or infinite",
    "unknown_status": "status that no table names; map it with statuses=",
    "unpaid": "not paid",
    "closed_unpaid": "closed without payment",
    "cancelled": "cancelled",
    "void": "void",
    "test": "test orders",
    "deleted": "deleted",
    "refunded": "refunded in full",
    "closed_refunded": "closed after a full refund",
    "zero_amount": "amount zero: gifts, samples, replacements",
    "refund_row": "refunds without their order, left out by the refund policy",
    "refunded_same_day": "orders and refunds of one customer and day that cancel out",
    "refund_without_purchase": "refunds of customers without a purchase in the log",
}
