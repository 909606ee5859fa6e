"""Order lines: the rows of a log, read, each with the rule that sets it aside or none.

The census has counted before how the columns are written (see `_census`). Here each row is read by
one Ibis expression, on the engine that holds the log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import ibis

from rfmkit._engine import ALIKE, FILE, ROW
from rfmkit.formats import _cells as cells
from rfmkit.formats import _moments as moments
from rfmkit.formats._names import MONEY_ROLES, TIME_ROLES
from rfmkit.orders import _amounts as amounts
from rfmkit.orders import _customer_keys as customer_keys
from rfmkit.orders import _line_groups as line_groups
from rfmkit.orders._status import line_rule, line_status
from rfmkit.orders._times import READ, TEXT, line_time, role_time

if TYPE_CHECKING:
    import datetime as dt

    import ibis.expr.types as ir

    from rfmkit._engine import Engine, Source
    from rfmkit.formats import Format
    from rfmkit.orders._census import Census
    from rfmkit.orders._layout import Layout

TO_FILL: Final = ("line_customer", "line_key", "line_time", "line_status")
"""Columns that only the first line of an order has, in formats with further lines."""
FALSE: Final = ibis.literal(False)  # noqa: FBT003


def lines_until(lines: ir.Table, as_of: dt.date) -> ir.Table:
    """Return the lines known at the end of a day, without those of later days.

    A row without a plausible date (2018-02-29, 9999-12-31) stays: nothing shows that it is later.
    """
    return lines.filter(lines.day.isnull() | (lines.day <= as_of))


@dataclass(frozen=True)
class Lines:
    """The rows of a log, read: one row per line in `table`.

    Attributes
    ----------
    source : Source
        The table of the log and its engine.
    layout : Layout
        The format, the columns and the caller's options.
    census : Census
        How the cells are written.
    notes : tuple of str
        What was assumed while reading.
    whole : Lines, optional
        For a log that was cut: the log from which it was cut.
    ends : date, optional
        The last day of a log that was cut.
    """

    source: Source
    layout: Layout
    census: Census
    notes: tuple[str, ...] = ()
    whole: Lines | None = None
    ends: dt.date | None = None

    def cut(self, day: dt.date, status_rows: dict[str, int]) -> Lines:
        """Return the lines of a log that ends on `day`; the rows are not read again."""
        ends = day if self.ends is None else min(day, self.ends)
        census = replace(self.census, status_rows=status_rows)
        return replace(self, census=census, whole=self.whole or self, ends=ends)

    @property
    def copies(self) -> bool:
        """Whether rows may be copies: within one export, or in exports that overlap."""
        several = FILE in self.source.table.columns
        return self.census.repeats and (bool(self._platform.unique) or several)

    @property
    def engine(self) -> Engine:
        """The engine that holds the log."""
        return self.source.engine

    @property
    def _platform(self) -> Format:
        return self.layout.platform

    @property
    def _columns(self) -> dict[str, str]:
        return self.layout.columns

    @cached_property
    def table(self) -> ir.Table:
        """One row per line: customer, order, time, amount, refund, status and rule."""
        if self.whole is not None and self.ends is not None:
            return lines_until(self.whole.table, self.ends)
        if self._over_rows and self.engine.embedded:
            return self.numbered
        return self._named(self._read(self.parsed))

    @cached_property
    def numbered(self) -> ir.Table:
        """The same table, with the position of each row in the source if the engine keeps it."""
        if self.whole is not None and self.ends is not None:
            return lines_until(self.whole.numbered, self.ends)
        if not self.engine.embedded:
            return self.table
        numbered = self.source.table.mutate(**{ROW: ibis.row_number() + 1})
        return self._named(self._read(self._with_parsed(numbered)))

    @cached_property
    def parsed(self) -> ir.Table:
        """The rows of the source, with the times and amounts of their cells."""
        return self._with_parsed(self.source.table)

    def _named(self, read: ir.Table) -> ir.Table:
        # An expression over several rows is computed once and stored. One over a single row is a
        # view: it is as fast as a table.
        if self._over_rows:
            return self.engine.store(read, "lines", owner=self._owner)
        return self.engine.view(read, owner=self._owner)

    @property
    def _over_rows(self) -> bool:
        """Whether reading a line needs the other lines of its order."""
        platform = self._platform
        return self.copies or (self.census.repeats and bool(platform.continued or platform.once))

    def written(self, role: str, as_of: dt.date) -> ir.Table:
        """Return the cells of a column as they are written, without those of later days."""
        whole = self if self.whole is None else self.whole
        raw, (start, end) = whole.parsed, self.layout.options.dates_between
        day = line_time(raw, self.layout).date()
        later = ((day > as_of) & (day >= start) & (day < end)).fill_null(False)  # noqa: FBT003
        return raw.filter(~later).select(cell=raw[self._columns[role]])

    @property
    def _owner(self) -> Lines | None:
        return None if self.source.is_lazy else self

    def _with_parsed(self, raw: ir.Table) -> ir.Table:
        """Return the rows with times and money in named columns, which are read once."""
        unread = ("unit_price", "quantity") if "amount" in self._columns else ()
        times = [role for role in TIME_ROLES if role in self._columns]
        money = [role for role in MONEY_ROLES if role in self._columns and role not in unread]
        odd = [
            role
            for role in (*times, *money)
            if raw[self._columns[role]].type().is_string()
            and not cells.is_plain(self.census.cells[role])
        ]
        if odd:
            texts = {TEXT + role: self._text(raw, role) for role in odd}
            raw = self.engine.view(raw.mutate(**texts), owner=self._owner)
        read: dict[str, ir.Value] = {READ + role: self._time(raw, role) for role in times}
        read |= {READ + role: self._money(raw, role) for role in money}
        return self.engine.view(raw.mutate(**read), owner=self._owner)

    def _text(self, raw: ir.Table, role: str) -> ir.StringValue:
        column, census = raw[self._columns[role]], self.census.cells[role]
        if role in TIME_ROLES:
            return moments.time_text(column, census)
        return cells.money_text(column, census, self.layout.decimal)

    def _read(self, raw: ir.Table) -> ir.Table:
        read = self._with_order(raw).mutate(
            **customer_keys.read_customer(
                raw,
                self.layout.customer_roles,
                self._columns,
                self.census.cells,
                self.layout.options.secret,
                platform=bool(self._platform.marks),
            ),
            line_time=line_time(raw, self.layout),
            line_refund_odd=self._odd_refund(raw),
            line_status=line_status(raw, self.layout, self.census),
        )
        if self.layout.options.exclude:
            read = read.mutate(line_excluded=ibis.or_(*self.layout.options.excluding(raw)))
        if self.census.repeats:
            read = self._of_orders(read)
        parts = {role: read[READ + role] for role in MONEY_ROLES if READ + role in read.columns}
        read = read.mutate(
            line_amount=amounts.line_amount(self.layout, read, parts),
            line_refunded=amounts.line_refund(self.layout, read, parts),
        )
        if self.copies:
            read = self._without_copies(read)
        read = read.mutate(
            line_day=read.line_time.date(), line_status=read.line_status.fill_null("unknown")
        )
        start, end = self.layout.options.dates_between
        plausible = (read.line_day >= start) & (read.line_day < end)
        fields = {
            "customer_id": read.line_customer,
            "order_id": read.line_order,
            "ordered_at": read.line_time,
            "day": plausible.ifelse(read.line_day, ibis.null("date")),
            "amount": read.line_amount,
            "refunded": read.line_refunded,
            "status": read.line_status,
            "rule": line_rule(read, self.layout.options),
        }
        if "line_key" in read.columns:
            fields["customer_key"] = read.line_key
        if "category" in self._columns:
            fields["category"] = read[self._columns["category"]].cast("string")
            if "quantity" in self._columns:  # null if it cannot be read
                fields["quantity"] = read[self._columns["quantity"]].try_cast("float64")
        if ROW in raw.columns:
            fields["row"] = read[ROW]
        return read.select(**fields)

    def _time(self, raw: ir.Table, role: str) -> ir.TimestampValue:
        return role_time(raw, role, source=self.source, layout=self.layout, census=self.census)

    def _id(self, raw: ir.Table, role: str) -> ir.Column:
        return cells.read_id(raw[self._columns[role]], self.census.cells[role])

    # --- the order of a line ----------------------------------------------------------------------

    def _with_order(self, raw: ir.Table) -> ir.Table:
        if "order_id" not in self._columns:
            return raw.mutate(line_order=ibis.null("string"))
        order = self._id(raw, "order_id")
        # Rows with a destroyed id would be summed to one order: each stays a separate order.
        mangled = cells.is_mangled(raw[self._columns["order_id"]], self.census.cells["order_id"])
        if not isinstance(mangled.op(), ibis.expr.operations.Literal):
            order = mangled.ifelse(ibis.null(order.type()), order)
            # Without the id, a total that is repeated on each line cannot be counted once.
            if self._platform.once and self.census.repeats:
                raw = raw.mutate(line_lost=mangled)
        if self._platform.continued and self.census.repeats:
            return self._with_continued_order(raw, order)
        return raw.mutate(line_order=order)

    def _with_continued_order(self, raw: ir.Table, order: ir.Column) -> ir.Table:
        """Return the rows with the id of an order's first line on its further lines."""
        name = self._columns.get("order_name", self._columns["order_id"])
        table = raw.mutate(line_order=order.cast("string"))
        if name == self._columns["order_id"]:
            return line_groups.filled_down(table, "line_order", ROW)
        table = table.mutate(line_name=cells.trimmed(raw[name].cast("string")))
        table = line_groups.filled_down(table, "line_name", ROW)
        table = line_groups.filled_down(table, "line_order", ROW, within="line_name")
        table = table.mutate(line_order=ibis.coalesce(table.line_order, table.line_name))
        return table.drop("line_lost") if "line_lost" in table.columns else table

    def _of_orders(self, read: ir.Table) -> ir.Table:
        """Return lines with the values of their order, and its amounts on one line only."""
        # An order in a later export is a later state of the order: do not mix the two.
        file = (FILE,) if FILE in read.columns and self._platform.whole else ()
        if self._platform.continued:
            head = READ + "amount" if READ + "amount" in read.columns else "line_time"
            for name in TO_FILL:
                if name in read.columns:
                    key = ("line_order", *file)
                    read = line_groups.filled_over(read, name, key, head=head)
        row = ROW if ROW in read.columns else None
        for role in self._platform.once:
            if role in self._columns:
                key = ("line_order", "line_customer", *file)
                last = "line_excluded" if "line_excluded" in read.columns else None
                read = line_groups.once_per_order(read, READ + role, key, row=row, last=last)
        return read

    def _without_copies(self, read: ir.Table) -> ir.Table:
        """Return lines with copies marked, and orders that a later export replaces."""
        row = ROW if ROW in read.columns else None
        own = [name for name in self.source.table.columns if name != FILE]
        own = [ALIKE] if ALIKE in own else own
        order, file = "line_order", FILE if FILE in read.columns else None
        if file and self._platform.whole:
            # Two shops may use the same order number: the customers differ.
            key = (order, "line_customer")
            read = line_groups.marked_replaced(read, "line_old", key, file, amount="line_amount")
        elif file:
            read = line_groups.marked_repeated(read, "line_old", order, file, own)
        if self._platform.unique:
            line = self._columns.get("line_id") if self._platform.unique == "line_id" else None
            read = line_groups.marked_copies(
                read, "line_copy", line or order, own, row=row, file=file
            )
        return read

    # --- money ----------------------------------------------------------------------------

    def _money(self, raw: ir.Table, role: str) -> ir.DecimalValue:
        column = self._columns[role]
        return cells.read_money(
            raw[column],
            self.census.cells[role],
            decimal=self.layout.decimal,
            name=column,
            text=raw[TEXT + role] if TEXT + role in raw.columns else None,
        )

    def _odd_refund(self, raw: ir.Table) -> ir.BooleanValue:
        """Return which refunds cannot be read: the net amount of the order is unknown then."""
        if "refund_amount" not in self._columns:
            return FALSE
        cell = raw[self._columns["refund_amount"]]
        if not cell.type().is_string():
            return FALSE
        return raw[READ + "refund_amount"].isnull().ifelse(cells.trimmed(cell).notnull(), FALSE)
