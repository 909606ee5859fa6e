"""Order lines: the rows of the log as they stand, each read, and each kept or given a rule.

The log is looked at once (a census of counts) to decide how its columns are written; after that
every row is one expression, on whatever engine holds it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.types as ir

from rfmkit._engine import ROW
from rfmkit.columns import MONEY
from rfmkit.exceptions import ColumnsError, OrdersError, examples
from rfmkit.formats import cells, moments
from rfmkit.formats.names import MONEY_ROLES, TIME_ROLES, find_columns, require
from rfmkit.formats.statuses import canonical_statuses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rfmkit._engine import Engine, Source

NEVER_PAID: Final = ("unpaid", "closed_unpaid")
PAID: Final = ("paid", "shipped", "completed", "partially_refunded")
REFUNDED: Final = ("refunded", "closed_refunded")
MAX_STATUSES: Final = 1000
READ_AS: Final = {
    "id": ("customer_id", "order_id"),
    "money": MONEY_ROLES,
    "time": TIME_ROLES,
}
LOOKS: Final = {"id": cells.id_look, "money": cells.money_look, "time": moments.time_look}
CENSUSES: Final = {
    "id": cells.id_census,
    "money": cells.money_census,
    "time": moments.time_census,
}


@dataclass(frozen=True)
class Policy:
    """What counts, by the caller's choice."""

    refunds: str = "net"
    zero_amounts: str = "drop"
    same_day: str = "merge"
    tz: str | None = None
    dayfirst: bool | None = None
    decimal: str | None = None
    dates_between: tuple[dt.date, dt.date] = (dt.date(1980, 1, 1), dt.date(2100, 1, 1))


@dataclass(frozen=True)
class Lines:
    """The log's rows, read: the expression, and what was found out on the way."""

    source: Source
    policy: Policy
    columns: dict[str, str]
    constant_amount: float | None
    census: dict[str, dict[str, Any]]
    statuses: dict[str, str]
    notes: tuple[str, ...]

    @property
    def engine(self) -> Engine:
        """The engine that holds the log."""
        return self.source.engine

    @cached_property
    def table(self) -> ir.Table:
        """One row per line: who, when, how much, which status, and the rule against it."""
        return self.engine.view(self._read(self.source.table), owner=self._owner)

    @cached_property
    def numbered(self) -> ir.Table:
        """The same, with the position of each row in the source where the engine keeps it."""
        if not self.engine.embedded:
            return self.table
        raw = self.source.table.mutate(**{ROW: ibis.row_number() + 1})
        return self.engine.view(self._read(raw), owner=self._owner)

    @property
    def _owner(self) -> Lines | None:
        return None if self.source.is_lazy else self

    def _read(self, raw: ir.Table) -> ir.Table:
        moment = self._moment(raw)
        read = raw.mutate(
            line_customer=self._id(raw, "customer_id"),
            line_mangled=self._mangled(raw, "customer_id"),
            line_order=self._order_id(raw),
            line_time=moment,
            line_amount=self._amount(raw),
            line_refunded=self._refunded(raw),
            line_refund_odd=self._odd_refund(raw),
            line_status=self._status(raw),
        )
        start, end = self.policy.dates_between
        read = read.mutate(line_day=read.line_time.date())
        plausible = (read.line_day >= start) & (read.line_day < end)
        fields = {
            "customer_id": read.line_customer,
            "order_id": read.line_order,
            "ordered_at": read.line_time,
            "day": plausible.ifelse(read.line_day, ibis.null("date")),
            "amount": read.line_amount,
            "refunded": read.line_refunded,
            "status": read.line_status,
            "rule": self._rule(read),
        }
        if "category" in self.columns:
            fields["category"] = read[self.columns["category"]].cast("string")
        if ROW in raw.columns:
            fields["row"] = read[ROW]
        return read.select(**fields)

    def _id(self, raw: ir.Table, role: str) -> ir.Column:
        return cells.read_id(raw[self.columns[role]], self.census[role])

    def _mangled(self, raw: ir.Table, role: str) -> ir.BooleanValue:
        return cells.is_mangled(raw[self.columns[role]], self.census[role])

    def _order_id(self, raw: ir.Table) -> ir.Column:
        if "order_id" not in self.columns:
            return ibis.null("string")
        order = self._id(raw, "order_id")
        # A destroyed id would sum strangers' orders into one: such a row stays its own order.
        mangled = self._mangled(raw, "order_id")
        if isinstance(mangled.op(), ibis.expr.operations.Literal):
            return order
        return mangled.ifelse(ibis.null(order.type()), order)

    def _time(self, raw: ir.Table, role: str) -> ir.TimestampValue:
        column = self.columns[role]
        moment = moments.read_time(
            raw[column], self.census[role], dayfirst=self.policy.dayfirst, name=column
        )
        zones = self.source.zones
        if not moment.is_instant and column not in zones:
            return moment.value
        zone = self.policy.tz or zones.get(column)
        if zone is None:
            raise OrdersError(
                f"The shop's time zone is known, since {column!r} holds moments with an offset.",
                found=f"for example {self.census[role].get('offset_example') or 'UTC instants'!r}",
                hint="name it: tz='Asia/Shanghai', tz='Europe/Berlin', or tz='UTC'.",
            )
        return self.engine.local_time(moment.value, zone)

    def _moment(self, raw: ir.Table) -> ir.TimestampValue:
        """Give the paid time where there is one, else the order's."""
        found = [
            self._time(raw, role)
            for role in ("paid_at", "ordered_at", "created_at", "completed_at")
            if role in self.columns
        ]
        return ibis.coalesce(*found).cast("timestamp")

    def _money(self, raw: ir.Table, role: str) -> ir.DecimalValue:
        column = self.columns[role]
        return cells.read_money(
            raw[column], self.census[role], decimal=self.policy.decimal, name=column
        )

    def _amount(self, raw: ir.Table) -> ir.DecimalValue:
        if self.constant_amount is not None:
            return ibis.literal(self.constant_amount).cast(MONEY)
        if "amount" in self.columns:
            return self._money(raw, "amount")
        # Pieces may be fractions (1.5 kg): four decimals of each, then an exact product.
        product = self._money(raw, "unit_price") * self._money(raw, "quantity")
        # By way of a wider type, since Ibis takes the product to have the type of its factors.
        return product.cast("decimal(38, 8)").try_cast(MONEY)

    def _refunded(self, raw: ir.Table) -> ir.DecimalValue:
        if "refund_amount" not in self.columns:
            return ibis.literal(0).cast(MONEY)
        return self._money(raw, "refund_amount").fill_null(0).abs().cast(MONEY)

    def _odd_refund(self, raw: ir.Table) -> ir.BooleanValue:
        """Tell refunds that are written and cannot be read: the order's money is not known."""
        if "refund_amount" not in self.columns:
            return ibis.literal(False)  # noqa: FBT003
        cell = raw[self.columns["refund_amount"]]
        if not cell.type().is_string():
            return ibis.literal(False)  # noqa: FBT003
        return cells.trimmed(cell).notnull() & self._money(raw, "refund_amount").isnull()

    def _status(self, raw: ir.Table) -> ir.StringValue:
        if "status" in self.columns:
            status = raw[self.columns["status"]].cast("string").fill_null("")
            pairs = [(seen, meaning) for seen, meaning in self.statuses.items()]
            return ibis.cases(
                *((status == seen, meaning) for seen, meaning in pairs), else_="unknown"
            )
        if "paid_at" in self.columns:
            unpaid = self._time(raw, "paid_at").isnull()
            return unpaid.ifelse("unpaid", "paid")
        return ibis.literal("paid")

    def _rule(self, read: ir.Table) -> ir.StringValue:
        start, end = self.policy.dates_between
        valid = PAID + (REFUNDED if self.policy.refunds == "gross" else ())
        day, status = read.line_day, read.line_status
        return ibis.cases(
            (read.line_customer.isnull(), "no_customer"),
            (read.line_mangled, "mangled_customer"),
            # What was never paid may have no date: of some exports the only one is that of payment.
            (day.isnull() & status.isin(NEVER_PAID), status),
            (day.isnull(), "no_time"),
            ((day < start) | (day >= end), "implausible_time"),
            (read.line_amount.isnull() | read.line_refund_odd, "no_amount"),
            (status.isin(valid), ibis.null("string")),
            # A negative amount is the refund itself, whatever it says of its order.
            (status.isin(REFUNDED) & (read.line_amount < 0), ibis.null("string")),
            (status == "unknown", "unknown_status"),
            else_=status,
        )


def read_lines(
    source: Source,
    *,
    named: Mapping[str, str],
    constant_amount: float | None,
    statuses: Mapping[str, str] | None,
    policy: Policy,
) -> Lines:
    """Find the columns, count how they are written, and decide how they read."""
    seen = list(source.rows.columns)
    columns = find_columns(seen, named)
    _require_all(columns, seen, constant_amount)
    source = source.hold(_held_as(columns, policy))
    table, engine = source.table, source.engine
    census = _census(table, engine, columns)
    if not census["all"]["rows"] and not source.unreadable:
        raise OrdersError(
            "An order log holds at least one order.",
            found=f"columns {examples(seen)} and no row",
            hint="the export may have failed, or its filter may match nothing.",
        )
    words = _status_words(table, engine, columns)
    meanings = canonical_statuses(words, statuses)
    _one_currency(table, engine, columns)
    lines = Lines(
        source, policy, columns, constant_amount, census, meanings,
        notes=_notes(columns, census, meanings) + _cautions(columns, source, policy, meanings),
    )  # fmt: skip
    _ = lines.table  # what cannot be read is raised here, not by the first result
    return lines


def _require_all(columns: dict[str, str], seen: list[str], constant_amount: float | None) -> None:
    require("customer_id", columns, seen)
    if not any(role in columns for role in TIME_ROLES):
        require("ordered_at", columns, seen)
    if constant_amount is not None:
        columns.pop("amount", None)
    elif "amount" not in columns and not {"unit_price", "quantity"} <= columns.keys():
        require("amount", columns, seen)


def _kinds(columns: Mapping[str, str]) -> dict[str, str]:
    """Give the kind of each role: prices and pieces are read only where there is no amount."""
    kinds = {role: kind for kind, roles in READ_AS.items() for role in roles}
    unread = ("unit_price", "quantity") if "amount" in columns else ()
    return {role: kinds.get(role, "text") for role in columns if role not in unread}


def _held_as(columns: Mapping[str, str], policy: Policy) -> dict[str, str]:
    """Say of each column whether it may be held as money or time: plain cells read in one way."""
    held: dict[str, str] = {}
    for role, kind in _kinds(columns).items():
        is_text = columns[role] in held or (kind == "money" and policy.decimal == ",")
        held[columns[role]] = "text" if is_text else kind
    return held


def _census(table: ir.Table, engine: Engine, columns: Mapping[str, str]) -> dict[str, Any]:
    """Look at every column that needs reading; where one is not plain, count how it is written."""
    kinds = {role: kind for role, kind in _kinds(columns).items() if kind != "text"}
    census: dict[str, Any] = {role: {} for role in columns}
    if "order_id" in columns and engine.is_strictly_increasing(table, columns["order_id"]):
        # Ids that rise from row to row are unique: nothing in them needs mending.
        census["order_id"] = {"rising": True}
        del kinds["order_id"]
    census["all"] = engine.row(table.aggregate(rows=table.count()))
    census |= count_cells(
        table, engine, {role: (columns[role], kind) for role, kind in kinds.items()}
    )
    return census


def count_cells(
    table: ir.Table, engine: Engine, columns: Mapping[str, tuple[str, str]]
) -> dict[str, dict[str, Any]]:
    """Look at columns; where one of text is not plain, also take its census.

    `columns` gives for each role its column and the kind of its cells: id, money or time.
    """
    census: dict[str, dict[str, Any]] = {role: {} for role in columns}
    looks = {
        role: LOOKS[kind](table[column])
        for role, (column, kind) in columns.items()
        if kind != "id" or not engine.are_surely_plain(table, column)
    }
    _run(table, engine, looks, census)
    unclear = {
        role: CENSUSES[kind](table[column])
        for role, (column, kind) in columns.items()
        if table[column].type().is_string() and not cells.is_plain(census[role])
    }
    _run(table, engine, unclear, census)
    return census


def _run(
    table: ir.Table, engine: Engine, counts: Mapping[str, cells.Counts], census: dict[str, Any]
) -> None:
    flat = {
        f"{role}.{what}": count for role, made in counts.items() for what, count in made.items()
    }
    for name, count in (engine.row(table.aggregate(**flat)) if flat else {}).items():
        role, what = name.split(".")
        census.setdefault(role, {})[what] = count


def _status_words(table: ir.Table, engine: Engine, columns: Mapping[str, str]) -> list[str]:
    if "status" not in columns:
        return []
    status = table[columns["status"]].cast("string")
    distinct = table.select(status=status).distinct().limit(MAX_STATUSES + 1)
    words = sorted(word or "" for word in engine.arrow(distinct)["status"].to_pylist())
    if len(words) > MAX_STATUSES:
        raise ColumnsError(
            "The status column holds a few words that come again.",
            found=f"over {MAX_STATUSES:,} different ones in {columns['status']!r}",
            hint="name the right column: status='...'.",
        )
    return words


def _one_currency(table: ir.Table, engine: Engine, columns: Mapping[str, str]) -> None:
    if "currency" not in columns:
        return
    currency = table[columns["currency"]].cast("string").strip().upper().nullif("")
    distinct = table.select(currency=currency).distinct().limit(10)
    found = sorted(c for c in engine.arrow(distinct)["currency"].to_pylist() if c)
    if len(found) > 1:
        raise OrdersError(
            "All amounts are in one currency.",
            found=f"{examples(found)} in {columns['currency']!r}",
            hint="filter the log to one currency, or convert the amounts first.",
        )


def _cautions(
    columns: Mapping[str, str], source: Source, policy: Policy, meanings: Mapping[str, str]
) -> tuple[str, ...]:
    """Say what was taken for granted, and might be otherwise."""
    cautions = list(source.notes)
    cautions += [
        f"{role}: the days of {column!r} are those of UTC; tz= names the shop's zone"
        for role, column in columns.items()
        if source.zones.get(column) in ("UTC", "Etc/UTC", "+00:00") and policy.tz is None
    ]
    if "partially_refunded" in meanings.values() and "refund_amount" not in columns:
        cautions.append(
            "partially refunded orders count in full: no column says how much went back"
        )
    return tuple(cautions)


def _notes(
    columns: Mapping[str, str], census: Mapping[str, Any], statuses: Mapping[str, str]
) -> tuple[str, ...]:
    notes = [f"{role}: column {column!r}" for role, column in columns.items()]
    if "status" not in columns:
        notes.append(
            "no status column: a row is paid where it has a paid time"
            if "paid_at" in columns
            else "no status column: every row is taken as paid"
        )
    if "order_id" not in columns:
        notes.append("no order id: every row is an order of its own")
    elif census["order_id"].get("mangled"):
        notes.append(f"{census['order_id']['mangled']:,} order ids destroyed by a float")
    unknown = [word for word, meaning in statuses.items() if meaning == "unknown"]
    if unknown:
        notes.append(f"unknown statuses: {examples(unknown)}")
    return tuple(notes)
