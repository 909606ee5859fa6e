"""Order lines: the rows of the log as they stand, each read, and each kept or given a rule.

How the columns are written was found out before (see `survey`); here every row is one expression,
on whatever engine holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.types as ir

from rfmkit import blocks, keys
from rfmkit._engine import ALIKE, FILE, ROW
from rfmkit.columns import MONEY
from rfmkit.exceptions import OrdersError
from rfmkit.formats import cells, moments
from rfmkit.formats.names import MONEY_ROLES, TIME_ROLES
from rfmkit.formats.statuses import CLOSED, HELD

if TYPE_CHECKING:
    import datetime as dt

    from rfmkit._engine import Engine, Source
    from rfmkit.formats import Format
    from rfmkit.policy import Policy

NEVER_PAID: Final = ("unpaid", "closed_unpaid")
PAID: Final = ("paid", "shipped", "completed", "partially_refunded")
REFUNDED: Final = ("refunded", "closed_refunded")
NETTED: Final = 0.01
"""So near to each other two amounts of money are the same (half a cent, twice rounded)."""
NOT_PAID: Final = "未付款|未支付|未及时付款|(?i:unpaid|not paid)"
TO_FILL: Final = ("line_customer", "line_key", "line_time", "line_status")
CARRIES: Final = {"amount": "line_amount", "refund_amount": "line_refunded"}
ASIDE: Final = {"line_excluded": "excluded", "line_old": "superseded", "line_copy": "duplicate"}
READ: Final = "rfmkit_read_"
RATE: Final = "decimal(24, 10)"
NO: Final = ibis.literal(False)  # noqa: FBT003


@dataclass(frozen=True)
class Lines:
    """The log's rows, read: the expression, and what was found out on the way."""

    source: Source
    policy: Policy
    platform: Format
    why: str
    """Why this platform."""
    columns: dict[str, str]
    constant_amount: float | None
    census: dict[str, dict[str, Any]]
    statuses: dict[str, str]
    repeats: bool
    """Whether order ids come again: lines are to be summed to orders."""
    copies: bool
    """Whether a row may be there twice: in one export, or in two that overlap."""
    notes: tuple[str, ...]
    seen_statuses: dict[str, int] = field(default_factory=dict)
    """How many rows of the whole log carry each status, by the shop's own word."""

    @property
    def engine(self) -> Engine:
        """The engine that holds the log."""
        return self.source.engine

    @cached_property
    def table(self) -> ir.Table:
        """One row per line: who, when, how much, which status, and the rule against it."""
        if self._over_rows and self.engine.embedded:
            return self.numbered
        return self._named(self._read(self.source.table))

    @cached_property
    def numbered(self) -> ir.Table:
        """The same, with the position of each row in the source where the engine keeps it."""
        if not self.engine.embedded:
            return self.table
        return self._named(self._read(self.source.table.mutate(**{ROW: ibis.row_number() + 1})))

    def _named(self, read: ir.Table) -> ir.Table:
        # What looks over many rows is worked out once; what looks at one is as quick as the table.
        if self._over_rows:
            return self.engine.store(read, "lines", owner=self._owner)
        return self.engine.view(read, owner=self._owner)

    @property
    def customer_roles(self) -> tuple[str, ...]:
        """The roles that tell the customer, the best first."""
        if "customer_id" in self.columns and "customer_id" not in self.platform.customer:
            return ("customer_id",)  # named by the caller
        return tuple(role for role in self.platform.customer if role in self.columns)

    @property
    def _over_rows(self) -> bool:
        """Tell whether a line is read with a look at the other lines of its order."""
        return self.copies or (self.repeats and bool(self.platform.continued or self.platform.once))

    def written(self, role: str, as_of: dt.date) -> ir.Table:
        """Give a column's cells as they stand, of the lines known at the end of a day."""
        raw, (start, end) = self._with_cells(self.source.table), self.policy.dates_between
        day = self._moment(raw).date()
        later = ((day > as_of) & (day >= start) & (day < end)).fill_null(False)  # noqa: FBT003
        return raw.filter(~later).select(cell=raw[self.columns[role]])

    @property
    def _owner(self) -> Lines | None:
        return None if self.source.is_lazy else self

    def _with_cells(self, raw: ir.Table) -> ir.Table:
        """Read times and money, once: by a name, since as expressions they would be repeated."""
        read: dict[str, ir.Value] = {
            READ + role: self._time(raw, role) for role in TIME_ROLES if role in self.columns
        }
        unread = ("unit_price", "quantity") if "amount" in self.columns else ()
        read |= {
            READ + role: self._money(raw, role)
            for role in MONEY_ROLES
            if role in self.columns and role not in unread
        }
        return self.engine.view(raw.mutate(**read), owner=self._owner)

    def _read(self, raw: ir.Table) -> ir.Table:
        raw = self._with_cells(raw)
        read = self._with_order(raw).mutate(
            **keys.read_customer(
                raw, self.customer_roles, self.columns, self.census, self.policy.secret
            ),
            line_time=self._moment(raw),
            line_amount=self._amount(raw),
            line_refunded=self._refunded(raw),
            line_refund_odd=self._odd_refund(raw),
            line_status=self._status(raw),
        )
        if self.policy.exclude:
            read = read.mutate(line_excluded=self._excluded(raw))
        if self.copies:
            read = self._without_copies(read)
        if self.repeats:
            read = self._of_orders(read)
        read = read.mutate(
            line_day=read.line_time.date(), line_status=read.line_status.fill_null("unknown")
        )
        start, end = self.policy.dates_between
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
        if "line_key" in read.columns:
            fields["customer_key"] = read.line_key
        if "category" in self.columns:
            fields["category"] = read[self.columns["category"]].cast("string")
        if ROW in raw.columns:
            fields["row"] = read[ROW]
        return read.select(**fields)

    def _id(self, raw: ir.Table, role: str) -> ir.Column:
        return cells.read_id(raw[self.columns[role]], self.census[role])

    # --- of which order ----------------------------------------------------------------------

    def _with_order(self, raw: ir.Table) -> ir.Table:
        if "order_id" not in self.columns:
            return raw.mutate(line_order=ibis.null("string"))
        order = self._id(raw, "order_id")
        if self.platform.continued and self.repeats:
            return self._with_continued_order(raw, order)
        # A destroyed id would sum strangers' orders into one: such a row stays its own order.
        mangled = cells.is_mangled(raw[self.columns["order_id"]], self.census["order_id"])
        if not isinstance(mangled.op(), ibis.expr.operations.Literal):
            order = mangled.ifelse(ibis.null(order.type()), order)
        return raw.mutate(line_order=order)

    def _with_continued_order(self, raw: ir.Table, order: ir.Column) -> ir.Table:
        """Give further lines the id that stands on the first: of the last order of their name."""
        name = self.columns.get("order_name", self.columns["order_id"])
        table = raw.mutate(line_order=order.cast("string"))
        if name == self.columns["order_id"]:
            return blocks.filled_down(table, "line_order", ROW)
        table = table.mutate(line_name=cells.trimmed(raw[name].cast("string")))
        table = blocks.filled_down(table, "line_name", ROW)
        table = blocks.filled_down(table, "line_order", ROW, within="line_name")
        return table.mutate(line_order=ibis.coalesce(table.line_order, table.line_name))

    def _of_orders(self, read: ir.Table) -> ir.Table:
        """Give every line what stands on one of its order, and take once what stands on each."""
        # The same order in another export is another state of it.
        file = (FILE,) if FILE in read.columns and self.platform.whole else ()
        if self.platform.continued:
            for name in TO_FILL:
                if name in read.columns:
                    key = ("line_order", *file)
                    read = blocks.filled_over(read, name, key, head="line_amount")
        row = ROW if ROW in read.columns else None
        for role in self.platform.once:
            if role in self.columns:
                key = ("line_order", "line_customer", *file)
                read = blocks.once_per_order(read, CARRIES[role], key, row=row)
        return read

    def _without_copies(self, read: ir.Table) -> ir.Table:
        """Mark rows that stand twice in one export, and orders that a later export replaces."""
        row = ROW if ROW in read.columns else None
        own = [name for name in self.source.table.columns if name != FILE]
        own = [ALIKE] if ALIKE in own else own
        order, file = "line_order", FILE if FILE in read.columns else None
        if file and self.platform.whole:
            read = blocks.marked_replaced(read, "line_old", order, file, amount="line_amount")
        elif file:
            read = blocks.marked_repeated(read, "line_old", order, file, own)
        if self.platform.unique:
            line = self.columns.get("line_id") if self.platform.unique == "line_id" else None
            read = blocks.marked_copies(read, "line_copy", line or order, own, row=row, file=file)
        return read

    # --- when --------------------------------------------------------------------------------

    def _time(self, raw: ir.Table, role: str) -> ir.TimestampValue:
        column = self.columns[role]
        zone = self.policy.tz or self.source.zones.get(column)
        as_written = self.platform.zone == "written" and zone is None
        dayfirst = self.policy.dayfirst
        moment = moments.read_time(
            raw[column],
            self.census[role],
            dayfirst=self.platform.dayfirst if dayfirst is None else dayfirst,
            name=column,
            as_written=as_written,
        )
        if not moment.is_instant and column not in self.source.zones:
            if self.platform.zone == "UTC" and self.policy.tz is not None:
                instant = moment.value.cast("timestamp('UTC')")
                return self.engine.local_time(instant, self.policy.tz)
            return moment.value
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
            raw[READ + role]
            for role in ("paid_at", "ordered_at", "created_at", "completed_at")
            if role in self.columns
        ]
        return ibis.coalesce(*found).cast("timestamp")

    # --- how much ----------------------------------------------------------------------------

    def _money(self, raw: ir.Table, role: str) -> ir.DecimalValue:
        column = self.columns[role]
        return cells.read_money(
            raw[column],
            self.census[role],
            decimal=self.policy.decimal or self.platform.decimal,
            name=column,
        )

    def _amount(self, raw: ir.Table) -> ir.DecimalValue:
        if self.constant_amount is not None:
            return ibis.literal(self.constant_amount).cast(MONEY)
        if "amount" not in self.columns:
            # Pieces may be fractions (1.5 kg): four decimals of each, then an exact product.
            product = raw[READ + "unit_price"] * raw[READ + "quantity"]
            # By way of a wider type, since Ibis takes the product to have the type of its factors.
            return self._in_one_currency(raw, product.cast("decimal(38, 8)"))
        amount = raw[READ + "amount"]
        for role in self.platform.adds:
            if role in self.columns:
                amount = (amount + raw[READ + role].fill_null(0)).cast("decimal(38, 4)")
        for role in self.platform.takes:
            if role in self.columns:
                part = raw[READ + role].fill_null(0).abs()
                amount = (amount - part).cast("decimal(38, 4)")
        return self._in_one_currency(raw, amount)

    def _in_one_currency(self, raw: ir.Table, amount: ir.DecimalValue) -> ir.DecimalValue:
        if self.policy.rates is None or "currency" not in self.columns:
            return amount.try_cast(MONEY)
        code = cells.trimmed(raw[self.columns["currency"]].cast("string")).upper()
        rates = [
            (code == name, ibis.literal(rate, RATE)) for name, rate in self.policy.rates.items()
        ]
        rate = ibis.cases(*rates, else_=ibis.null(RATE)).cast(RATE)
        return (amount.try_cast(MONEY) * rate).cast("decimal(38, 14)").round(4).try_cast(MONEY)

    def _refunded(self, raw: ir.Table) -> ir.DecimalValue:
        if "refund_amount" not in self.columns:
            return ibis.literal(0).cast(MONEY)
        refund = raw[READ + "refund_amount"].fill_null(0).abs().cast(MONEY)
        if "due_amount" in self.columns and "amount" in self.columns:
            # A "refund" of just what was due and not paid has never been paid either.
            waived = (raw[READ + "due_amount"] - raw[READ + "amount"]).fill_null(0)
            refund = ((waived - refund).abs() < NETTED).ifelse(0, refund).cast(MONEY)
        return self._in_one_currency(raw, refund)

    def _odd_refund(self, raw: ir.Table) -> ir.BooleanValue:
        """Tell refunds that are written and cannot be read: the order's money is not known."""
        if "refund_amount" not in self.columns:
            return NO
        cell = raw[self.columns["refund_amount"]]
        if not cell.type().is_string():
            return NO
        return raw[READ + "refund_amount"].isnull().ifelse(cells.trimmed(cell).notnull(), NO)

    # --- whether it counts -------------------------------------------------------------------

    def _status(self, raw: ir.Table) -> ir.StringValue:
        found = self._written_status(raw)
        overrules = [
            (cells.trimmed(raw[name].cast("string")).re_search(f"(?i){pattern}"), status)
            for column, pattern, status in self.platform.overrules
            if (name := self.platform.column(column, raw.columns)) is not None
        ]
        return ibis.cases(*overrules, else_=found) if overrules else found

    def _written_status(self, raw: ir.Table) -> ir.StringValue:
        if "status" in self.columns:
            status = raw[self.columns["status"]].cast("string").fill_null("")
            pairs = [(status == seen, meaning) for seen, meaning in self.statuses.items()]
            if self.platform.continued:  # a blank status is that of the line above
                pairs.append((status.strip() == "", ibis.null("string")))
            found = ibis.cases(*pairs, else_="unknown") if pairs else ibis.literal("unknown")
            return self._decided_by_payment(raw, found)
        if "paid_at" in self.columns:
            unpaid = raw[READ + "paid_at"].isnull()
            return unpaid.ifelse("unpaid", "paid")
        return ibis.literal("paid")

    def _decided_by_payment(self, raw: ir.Table, found: ir.StringValue) -> ir.StringValue:
        """Part what one word leaves open by whether the order was ever paid."""
        if not {CLOSED, HELD} & set(self.statuses.values()):
            return found
        evidence = []
        if "close_reason" in self.columns:
            reason = cells.trimmed(raw[self.columns["close_reason"]].cast("string"))
            evidence.append((reason.re_search(NOT_PAID), False))
            evidence.append((reason.re_search("退款|(?i:refund)"), True))
        if "paid_at" in self.columns:
            known = raw[READ + "paid_at"].notnull()
            evidence += [(known, True), (~known, False)]
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

    def _excluded(self, raw: ir.Table) -> ir.BooleanValue:
        hits = (
            cells.trimmed(raw[column].cast("string")).re_search(f"(?i){pattern}")
            for column, pattern in self.policy.exclude.items()
        )
        return ibis.or_(*(hit.fill_null(False) for hit in hits))  # noqa: FBT003

    def _rule(self, read: ir.Table) -> ir.StringValue:
        start, end = self.policy.dates_between
        day, status = read.line_day, read.line_status
        # By short lists: DuckDB makes a join of a long one, which every query would pay for.
        paid, refunded, unknown = status.isin(PAID), status.isin(REFUNDED), status == "unknown"
        unclear = read.line_amount.isnull() | read.line_refund_odd
        first = [(read[name], rule) for name, rule in ASIDE.items() if name in read.columns]
        return ibis.cases(
            *first,
            (read.line_customer.isnull(), "no_customer"),
            (read.line_mangled, "mangled_customer"),
            # What was never paid may have no date: of some exports the only one is that of payment.
            (day.isnull() & status.isin(NEVER_PAID), status),
            (day.isnull(), "no_time"),
            ((day < start) | (day >= end), "implausible_time"),
            # Nor need it have an amount: that of a payment that failed may be blank.
            (unclear & (paid | refunded | unknown), "no_amount"),
            (paid | refunded if self.policy.refunds == "gross" else paid, ibis.null("string")),
            # A negative amount is the refund itself, whatever it says of its order.
            (refunded & (read.line_amount < 0), ibis.null("string")),
            (unknown, "unknown_status"),
            else_=status,
        )
