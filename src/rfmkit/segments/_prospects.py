"""Prospects: people in the log or in a roster who have no valid purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit._engine import Engine, open_beside
from rfmkit.exceptions import OrdersError
from rfmkit.formats._cells import read_id
from rfmkit.formats._names import find_columns, find_email, require
from rfmkit.orders import _customer_keys as customer_keys
from rfmkit.orders._census import count_columns
from rfmkit.orders._history import sums_of_others

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit._engine import Source
    from rfmkit.orders.orders import Orders

MONEY_SUM: Final = "decimal(38, 4)"
NOT_REAL: Final = (
    "test", "deleted", "mangled_customer", "excluded", "superseded", "duplicate",
)  # fmt: skip


def prospect_table(orders: Orders, roster: Any) -> ir.Table | None:
    """Return everybody in the log or the roster without a purchase, with their unpaid orders.

    None where nobody is set aside and there is no roster.
    """
    facts, found = orders.history.facts, None
    if facts["aside"] or facts["zero"] or facts["negative"] or facts["refunded"]:
        seen = orders.history.orders
        seen = seen.filter(seen.rule.notnull() & seen.customer_id.notnull())
        found = sums_of_others(seen.filter(seen.rule.notin(NOT_REAL))).drop("netted")
    if roster is not None:
        named = _roster(orders, roster)
        found = named if found is None else ibis.union(found, named.anti_join(found, "customer_id"))
    if found is None:
        return None
    return found.anti_join(orders.history.customers, "customer_id")


def _roster(orders: Orders, roster: Any) -> ir.Table:
    history = orders.history
    ids = _customer_ids(open_beside(roster, history.engine), history.customer_role)
    ids = ids.mutate(customer_id=_key(ids.customer_id, orders))
    kind = orders.history.customers.schema()["customer_id"]
    listed = ids.mutate(written=ids.customer_id, customer_id=ids.customer_id.try_cast(kind))
    listed = listed.filter(listed.written.notnull())
    strange = listed.filter(listed.customer_id.isnull())
    found = orders.history.engine.row(
        strange.aggregate(rows=strange.count(), example=strange.written.max())
    )
    if found["rows"]:
        raise OrdersError(
            "The ids in a list of customers must be of the log's kind.",
            found=f"{found['rows']:,} such as {found['example']!r}, where the log has {kind}",
            hint="drop them from the list, or read the log with its ids as text.",
        )
    listed = listed.select("customer_id").distinct()
    zero, nothing = ibis.literal(0, "int64"), ibis.literal(0).cast(MONEY_SUM)
    return listed.mutate(unpaid_orders=zero, refund_orders=zero, given_back=nothing)


def _key(customer: ir.StringValue, orders: Orders) -> ir.StringValue:
    """Return the id by which the log identifies a customer of another list."""
    if orders.history.customer_role == "email":
        customer = customer_keys.email_key(customer)
    secret = orders.history.options.secret
    return customer if secret is None else customer_keys.pseudonym(customer, secret)


def _customer_ids(opened: Source, kind: str = "customer_id") -> ir.Table:
    """Return the ids of a list of customers as text, read by the rules for a log."""
    seen = list(opened.table.columns)
    columns = find_columns(seen, {})
    if kind == "email":  # the ids of the log are e-mail addresses
        address = find_email(seen)
        columns |= {"customer_id": address} if address else {}
    require("customer_id", columns, seen)
    name = columns["customer_id"]
    census = count_columns(opened.table, opened.engine, {"customer_id": (name, "id")})
    ids = read_id(opened.table[name], census["customer_id"]).cast("string")
    return opened.table.select(customer_id=ids)


def like_customers(people: ir.Table, table: ir.Table, word: str) -> ir.Table:
    """Return prospects with the columns of customers: zeros for counts and money, else null."""
    zeros = ("orders", "purchases")
    known: dict[str, Any] = {
        "customer_id": people.customer_id,
        "segment": ibis.literal(word),
        "unpaid_orders": people.unpaid_orders,
        "ordered_unpaid": people.unpaid_orders > 0,
        "spend": ibis.literal(0.0),
        "refunded_orders": people.refund_orders,
        "refund_amount": people.given_back.cast("float64"),
        **{name: ibis.literal(0, "int64") for name in zeros},
    }
    schema = table.schema()
    return people.select(
        **{
            name: known.get(name, ibis.null(schema[name])).cast(schema[name])
            for name in table.columns
        }
    )


def listed_ids(frame: Any) -> list[str]:
    """Return the customer ids in a small frame or file, as text."""
    opened = open_beside(frame, Engine.embedded_duckdb())
    listed: list[str | None] = opened.engine.arrow(_customer_ids(opened))["customer_id"].to_pylist()
    return [customer for customer in listed if customer is not None]
