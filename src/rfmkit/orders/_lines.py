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

from rfmkit._engine import ALIKE, FILE, ROW
from rfmkit.exceptions import OrdersError
from rfmkit.formats import _cells as cells
from rfmkit.formats import _moments as moments
from rfmkit.formats._names import MONEY_ROLES, TIME_ROLES
from rfmkit.formats._statuses import CLOSED, HELD
from rfmkit.orders import _amounts as amounts
from rfmkit.orders import _customer_keys as customer_keys
from rfmkit.orders import _line_groups as line_groups

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from rfmkit._engine import Engine, Source
    from rfmkit.formats import Format
    from rfmkit.orders._reading_options import Policy

NEVER_PAID: Final = ("unpaid", "closed_unpaid")
PAID: Final = ("paid", "shipped", "completed", "partially_refunded")
REFUNDED: Final = ("refunded", "closed_refunded")
NOT_PAID: Final = "未付款|未支付|未及时付款|(?i:unpaid|not paid)"
TO_FILL: Final = ("line_customer", "line_key", "line_time", "line_status")
ASIDE: Final = {
    "line_excluded": "excluded",
    "line_old": "superseded",
    "line_copy": "duplicate",
    "line_lost": "mangled_order",
}
TEXT: Final = "rfmkit_text_"
READ: Final = "rfmkit_read_"
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
    shown: Mapping[str, str]
    """The columns, as the source has them, also where two of them make one."""
    constant_amount: float | None
    census: dict[str, dict[str, Any]]
    statuses: dict[str, str]
    repeats: bool
    """Whether order ids come again: lines are to be summed to orders."""
    copies: bool
    """Whether a row may be there twice: in one export, or in two that overlap."""
    notes: tuple[str, ...]
    again: int = 0
    """How many order ids stand in several files that do not replace each other."""
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
        return self._named(self._read(self._cells))

    @cached_property
    def numbered(self) -> ir.Table:
        """The same, with the position of each row in the source where the engine keeps it."""
        if not self.engine.embedded:
            return self.table
        numbered = self.source.table.mutate(**{ROW: ibis.row_number() + 1})
        return self._named(self._read(self._with_cells(numbered)))

    @cached_property
    def _cells(self) -> ir.Table:
        return self._with_cells(self.source.table)

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
        raw, (start, end) = self._cells, self.policy.dates_between
        day = self._moment(raw).date()
        later = ((day > as_of) & (day >= start) & (day < end)).fill_null(False)  # noqa: FBT003
        return raw.filter(~later).select(cell=raw[self.columns[role]])

    @property
    def _owner(self) -> Lines | None:
        return None if self.source.is_lazy else self

    def _with_cells(self, raw: ir.Table) -> ir.Table:
        """Read times and money, once: by a name, since as expressions they would be repeated."""
        unread = ("unit_price", "quantity") if "amount" in self.columns else ()
        times = [role for role in TIME_ROLES if role in self.columns]
        money = [role for role in MONEY_ROLES if role in self.columns and role not in unread]
        odd = [
            role
            for role in (*times, *money)
            if raw[self.columns[role]].type().is_string() and not cells.is_plain(self.census[role])
        ]
        if odd:
            texts = {TEXT + role: self._text(raw, role) for role in odd}
            raw = self.engine.view(raw.mutate(**texts), owner=self._owner)
        read: dict[str, ir.Value] = {READ + role: self._time(raw, role) for role in times}
        read |= {READ + role: self._money(raw, role) for role in money}
        return self.engine.view(raw.mutate(**read), owner=self._owner)

    def _text(self, raw: ir.Table, role: str) -> ir.StringValue:
        column, census = raw[self.columns[role]], self.census[role]
        if role in TIME_ROLES:
            return moments.time_text(column, census)
        return cells.money_text(column, census, self._decimal)

    def _read(self, raw: ir.Table) -> ir.Table:
        read = self._with_order(raw).mutate(
            **customer_keys.read_customer(
                raw,
                self.customer_roles,
                self.columns,
                self.census,
                self.policy.secret,
                platform=bool(self.platform.marks),
            ),
            line_time=self._moment(raw),
            line_refund_odd=self._odd_refund(raw),
            line_status=self._status(raw),
        )
        if self.policy.exclude:
            read = read.mutate(line_excluded=ibis.or_(*self.policy.excluding(raw)))
        if self.repeats:
            read = self._of_orders(read)
        parts = {role: read[READ + role] for role in MONEY_ROLES if READ + role in read.columns}
        read = read.mutate(
            line_amount=amounts.line_amount(self, read, parts),
            line_refunded=amounts.line_refund(self, read, parts),
        )
        if self.copies:
            read = self._without_copies(read)
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
            if "quantity" in self.columns:  # pieces that cannot be read are not known
                fields["quantity"] = read[self.columns["quantity"]].try_cast("float64")
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
        # A destroyed id would sum strangers' orders into one: such a row stays its own order.
        mangled = cells.is_mangled(raw[self.columns["order_id"]], self.census["order_id"])
        if not isinstance(mangled.op(), ibis.expr.operations.Literal):
            order = mangled.ifelse(ibis.null(order.type()), order)
            # Of lines that belong together none tells whether the total is told already.
            if self.platform.once and self.repeats:
                raw = raw.mutate(line_lost=mangled)
        if self.platform.continued and self.repeats:
            return self._with_continued_order(raw, order)
        return raw.mutate(line_order=order)

    def _with_continued_order(self, raw: ir.Table, order: ir.Column) -> ir.Table:
        """Give further lines the id that stands on the first: of the last order of their name."""
        name = self.columns.get("order_name", self.columns["order_id"])
        table = raw.mutate(line_order=order.cast("string"))
        if name == self.columns["order_id"]:
            return line_groups.filled_down(table, "line_order", ROW)
        table = table.mutate(line_name=cells.trimmed(raw[name].cast("string")))
        table = line_groups.filled_down(table, "line_name", ROW)
        table = line_groups.filled_down(table, "line_order", ROW, within="line_name")
        table = table.mutate(line_order=ibis.coalesce(table.line_order, table.line_name))
        return table.drop("line_lost") if "line_lost" in table.columns else table

    def _of_orders(self, read: ir.Table) -> ir.Table:
        """Give every line what stands on one of its order, and take once what stands on each."""
        # The same order in another export is another state of it.
        file = (FILE,) if FILE in read.columns and self.platform.whole else ()
        if self.platform.continued:
            head = READ + "amount" if READ + "amount" in read.columns else "line_time"
            for name in TO_FILL:
                if name in read.columns:
                    key = ("line_order", *file)
                    read = line_groups.filled_over(read, name, key, head=head)
        row = ROW if ROW in read.columns else None
        for role in self.platform.once:
            if role in self.columns:
                key = ("line_order", "line_customer", *file)
                last = "line_excluded" if "line_excluded" in read.columns else None
                read = line_groups.once_per_order(read, READ + role, key, row=row, last=last)
        return read

    def _without_copies(self, read: ir.Table) -> ir.Table:
        """Mark rows that stand twice in one export, and orders that a later export replaces."""
        row = ROW if ROW in read.columns else None
        own = [name for name in self.source.table.columns if name != FILE]
        own = [ALIKE] if ALIKE in own else own
        order, file = "line_order", FILE if FILE in read.columns else None
        if file and self.platform.whole:
            # The same number in two shops is two orders: they have different customers.
            key = (order, "line_customer")
            read = line_groups.marked_replaced(read, "line_old", key, file, amount="line_amount")
        elif file:
            read = line_groups.marked_repeated(read, "line_old", order, file, own)
        if self.platform.unique:
            line = self.columns.get("line_id") if self.platform.unique == "line_id" else None
            read = line_groups.marked_copies(
                read, "line_copy", line or order, own, row=row, file=file
            )
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
            text=raw[TEXT + role] if TEXT + role in raw.columns else None,
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

    @property
    def _decimal(self) -> str | None:
        return self.policy.decimal or self.platform.decimal

    def _money(self, raw: ir.Table, role: str) -> ir.DecimalValue:
        column = self.columns[role]
        return cells.read_money(
            raw[column],
            self.census[role],
            decimal=self._decimal,
            name=column,
            text=raw[TEXT + role] if TEXT + role in raw.columns else None,
        )

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
