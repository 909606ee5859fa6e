"""Prospects: people known to the log or to a roster, without a valid purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit._engine import open_frame
from rfmkit.formats.names import find_columns, require
from rfmkit.history import customer_table
from rfmkit.lines import NEVER_PAID

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit.orders import Orders

NOT_REAL: Final = ("test", "deleted", "mangled_customer")


def prospect_table(orders: Orders, roster: Any) -> ir.Table | None:
    """Everybody known to the log or the roster without a purchase, with their unpaid orders."""
    facts, found = orders.facts, None
    if facts["aside"] or facts["zero"] or facts["negative"] or facts["refunded"]:
        seen = orders.flagged
        seen = seen.filter(seen.rule.notnull() & seen.customer_id.notnull())
        seen = seen.filter(seen.rule.notin(NOT_REAL))
        unpaid = seen.rule.isin(NEVER_PAID).cast("int64").sum()
        found = seen.group_by("customer_id").agg(unpaid_orders=unpaid)
    if roster is not None:
        named = _roster(orders, roster)
        both = named if found is None else ibis.union(found, named.select(found.columns))
        found = both.group_by("customer_id").agg(unpaid_orders=both.unpaid_orders.max())
    if found is None:
        return None
    return found.anti_join(customer_table(orders), "customer_id")


def _roster(orders: Orders, roster: Any) -> ir.Table:
    opened = open_frame(roster, engine=orders.engine)
    seen = list(opened.table.columns)
    columns = find_columns(seen, {})
    require("customer_id", columns, seen)
    ids = opened.table[columns["customer_id"]].cast("string").strip()
    kind = customer_table(orders).schema()["customer_id"]
    if kind.is_integer():
        ids = ids.try_cast(kind)
    listed = opened.table.select(customer_id=ids).distinct()
    listed = listed.filter(listed.customer_id.notnull())
    return listed.mutate(unpaid_orders=ibis.literal(0, "int64"))


def like_customers(people: ir.Table, table: ir.Table, word: str) -> ir.Table:
    """Give prospects the columns of customers: zeros and nulls."""
    zeros = ("orders", "purchases", "refunded_orders")
    known: dict[str, Any] = {
        "customer_id": people.customer_id,
        "segment": ibis.literal(word),
        "unpaid_orders": people.unpaid_orders,
        "ordered_unpaid": people.unpaid_orders > 0,
        "spend": ibis.literal(0.0),
        "refund_amount": ibis.literal(0.0),
        **{name: ibis.literal(0, "int64") for name in zeros},
    }
    schema = table.schema()
    return people.select(
        **{
            name: known.get(name, ibis.null(schema[name])).cast(schema[name])
            for name in table.columns
        }
    )


def listed_ids(frame: Any) -> list[Any]:
    """Give the customer ids that a small frame lists."""
    opened = open_frame(frame)
    seen = list(opened.table.columns)
    columns = find_columns(seen, {})
    require("customer_id", columns, seen)
    ids = opened.table.select(customer_id=opened.table[columns["customer_id"]])
    listed: list[Any] = opened.engine.arrow(ids)["customer_id"].to_pylist()
    return listed
