"""The census of a log: how the cells of each column are written, counted before they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rfmkit._engine import ALIKE, FILE
from rfmkit.exceptions import ColumnsError, OrdersError, RfmkitError, examples
from rfmkit.formats import _cells as cells
from rfmkit.formats import _moments as moments
from rfmkit.formats._names import columns_seen
from rfmkit.formats._statuses import canonical_statuses
from rfmkit.orders._layout import HIDDEN, READ_AS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis.expr.types as ir

    from rfmkit._engine import Engine, Source
    from rfmkit.orders._layout import Layout

MAX_STATUSES: Final = 1000
SAMPLE: Final = 1000
"""Ids that are looked at for rounding."""
LOOKS: Final = {"id": cells.id_look, "money": cells.money_look, "time": moments.time_look}
CENSUSES: Final = {
    "id": cells.id_census,
    "money": cells.money_census,
    "time": moments.time_census,
}
PLAIN: Final = {"id": cells.id_plain, "money": cells.money_plain, "time": moments.time_plain}
FEW: Final = 2000
"""Plain amounts that are counted first. One with a dot shows that the decimal mark is a dot."""


@dataclass(frozen=True)
class Census:
    """The counts over a whole log that decide how its cells are read.

    Attributes
    ----------
    cells : dict of dict
        For each role, how many of its cells are written in which way.
    statuses : dict
        The canonical status of each status word of the shop.
    status_rows : dict
        How many rows of the whole log carry each status word.
    repeats : bool
        Whether order ids repeat, so that lines must be summed to orders.
    several_files : int
        How many order ids are in several files that do not replace each other.
    """

    cells: dict[str, dict[str, Any]]
    statuses: dict[str, str]
    status_rows: dict[str, int]
    repeats: bool
    several_files: int = 0


def take_census(source: Source, layout: Layout, statuses: Mapping[str, str] | None) -> Census:
    """Return the census of a source.

    Raises
    ------
    OrdersError
        The source has no row, several currencies, or rows without an order that a format needs.
    ColumnsError
        The status column has over 1,000 different words, or `rates` is
        given without a currency column.
    RfmkitError
        `rates` lacks a currency, or `statuses` maps to no canonical status.
    """
    table, engine, columns = source.table, source.engine, layout.columns
    counts = _count_roles(table, engine, layout)
    if not counts["all"]["rows"] and not source.unreadable:
        seen = [name for name in source.columns if not name.startswith(HIDDEN)]
        raise OrdersError(
            "An order log must have at least one row.",
            found=f"columns {examples(seen)} and no row",
            hint="export it again: the export may have failed, or its filter may match nothing.",
        )
    words = _status_words(table, engine, columns)
    meanings = canonical_statuses(words, statuses, platform=layout.platform.statuses)
    if layout.platform.continued:
        meanings.pop("", None)  # a further line has the status of the first
        words.pop("", None)
    _check_currencies(table, engine, layout)
    repeats = _repeats(table, engine, columns, counts, blank=layout.platform.continued)
    _check_row_order(layout, engine, repeats)
    return Census(counts, meanings, words, repeats)


def count_ids_in_several_files(source: Source, layout: Layout) -> int:
    """Return how many order ids are in several files with different rows."""
    table = source.table
    if FILE not in table.columns:
        return 0
    rows = table.select(
        order=table[layout.columns["order_id"]].cast("string"), file=table[FILE], row=table[ALIKE]
    )
    rows = rows.filter(rows.order.notnull()).distinct().group_by("order")
    ids = rows.agg(
        rows=lambda t: t.count(), files=lambda t: t.file.nunique(), kinds=lambda t: t.row.nunique()
    )
    differ = ids.rows < ids.files * ids.kinds
    return int(source.engine.row(ids.aggregate(ids=cells.count_if(differ)))["ids"])


def _check_row_order(layout: Layout, engine: Engine, repeats: bool) -> None:  # noqa: FBT001
    platform = layout.platform
    if platform.continued and repeats and not engine.embedded:
        raise OrdersError(
            f"The rows of a {platform.title} must be in the order of the export.",
            found="a table of an engine that does not keep the order of rows",
            hint="read the file itself, or a DataFrame of pandas, polars or Arrow.",
        )


def _repeats(
    table: ir.Table,
    engine: Engine,
    columns: Mapping[str, str],
    census: Mapping[str, Any],
    *,
    blank: bool,
) -> bool:
    """Whether order ids repeat, so that lines must be summed to orders.

    With `blank`, a row without an id is a further line of the order above. Ids that increase from
    row to row are distinct: that check takes a sixth of the time of counting them.
    """
    if "order_id" not in columns or census["order_id"].get("rising"):
        return False
    order = cells.read_id(table[columns["order_id"]], census["order_id"])
    # Distinct 64-bit hashes prove distinct ids; a collision only causes an unneeded sum.
    rows = table.count() if blank else order.count()
    found = engine.row(table.aggregate(rows=rows, ids=order.hash().nunique(where=order.notnull())))
    return bool(found["rows"] > found["ids"])


def _count_roles(table: ir.Table, engine: Engine, layout: Layout) -> dict[str, Any]:
    """Return the counts of every column that must be read."""
    columns = layout.columns
    kinds = {role: kind for role, kind in layout.kinds.items() if kind != "text"}
    census: dict[str, Any] = {role: {} for role in columns}
    if "order_id" in columns and engine.is_strictly_increasing(table, columns["order_id"]):
        # Ids that increase from row to row are unique and plain.
        census["order_id"] = {"rising": True}
        del kinds["order_id"]
    for role in READ_AS["id"]:
        if role in columns and are_rounded(table[columns[role]], engine):
            census[role] |= {"are_rounded": True}
            kinds.pop(role, None)
    census["all"] = engine.row(table.aggregate(rows=table.count()))
    census |= count_columns(
        table, engine, {role: (columns[role], kind) for role, kind in kinds.items()}
    )
    return census


def are_rounded(column: ir.Column, engine: Engine) -> bool:
    """Whether a spreadsheet has rounded the first ids of a column."""
    if not (column.type().is_string() or column.type().is_integer()):
        return False
    some = column.name("id").as_table().limit(SAMPLE).distinct()
    return cells.are_rounded(engine.row(some.aggregate(**cells.rounded_look(some.id))))


def count_columns(
    table: ir.Table, engine: Engine, columns: Mapping[str, tuple[str, str]]
) -> dict[str, dict[str, Any]]:
    """Return how the cells of columns are written; odd cells are counted only if there are some.

    Parameters
    ----------
    table : ibis Table
        The source.
    engine : Engine
        Its engine.
    columns : mapping of role to pair of str
        The column of each role, and the kind of its cells: id, money or time.
    """
    census: dict[str, dict[str, Any]] = {role: {} for role in columns}
    looks = {
        role: LOOKS[kind](table[column])
        for role, (column, kind) in columns.items()
        if kind != "id" or not engine.are_surely_plain(table, column)
    }
    _count_looks(table, engine, looks, census)
    for role, (column, kind) in columns.items():
        if table[column].type().is_string() and not cells.is_plain(census[role]):
            census[role] |= _count_written(table, engine, column, kind)
    return census


def _count_written(table: ir.Table, engine: Engine, column: str, kind: str) -> dict[str, Any]:
    """Return the counts of a column: of its odd cells, and of the plain ones that may matter."""
    cell = table[column]
    plain = PLAIN[kind](cell)
    odd = _counted(table.filter(cell.notnull() & ~plain), engine, column, kind)
    if kind == "money":
        # Only plain cells with a dot show the decimal mark. The first few are mostly enough.
        dotted = table.filter(plain & cell.contains("."))
        few = {} if odd["comma"] else _counted(dotted.limit(FEW), engine, column, kind)
        rest = few if few.get("dot") else _counted(dotted, engine, column, kind)
    elif odd.get("mangled"):
        rest = _counted(table.filter(plain), engine, column, kind)
    else:
        there = engine.row(table.aggregate(cells=cells.count_if(plain)))["cells"]
        rest = {"cells": there} | ({"year_first": there} if kind == "time" else {})
    return {what: _sum_or_example(count, rest.get(what)) for what, count in odd.items()}


def _counted(table: ir.Table, engine: Engine, column: str, kind: str) -> dict[str, Any]:
    return engine.row(table.aggregate(**CENSUSES[kind](table[column])))


def _sum_or_example(one: Any, other: Any) -> Any:
    """Return the sum of two counts, or the greater of two examples."""
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return max((example for example in (one, other) if example is not None), default=None)


def _count_looks(
    table: ir.Table, engine: Engine, counts: Mapping[str, cells.Counts], census: dict[str, Any]
) -> None:
    flat = {
        f"{role}.{what}": count for role, made in counts.items() for what, count in made.items()
    }
    for name, count in (engine.row(table.aggregate(**flat)) if flat else {}).items():
        role, what = name.split(".")
        census.setdefault(role, {})[what] = count


def _status_words(table: ir.Table, engine: Engine, columns: Mapping[str, str]) -> dict[str, int]:
    if "status" not in columns:
        return {}
    status = table.select(status=table[columns["status"]].cast("string").fill_null(""))
    counted = status.group_by("status").agg(rows=status.count()).limit(MAX_STATUSES + 1)
    found = {row["status"]: row["rows"] for row in engine.arrow(counted).to_pylist()}
    if len(found) > MAX_STATUSES:
        raise ColumnsError(
            "The status column must have few different words.",
            found=f"over {MAX_STATUSES:,} different words in {columns['status']!r}",
            hint="name the right column: read_orders(..., status='...').",
        )
    return dict(sorted(found.items()))


def _check_currencies(table: ir.Table, engine: Engine, layout: Layout) -> None:
    columns, rates = layout.columns, layout.options.rates
    if "currency" not in columns:
        if rates is not None:
            seen = [name for name in table.columns if not name.startswith(HIDDEN)]
            raise ColumnsError(
                "rates= needs a column of currency codes.",
                found=f"columns {columns_seen(seen)}",
                hint="name it: currency='...'; signs beside the amounts are not converted.",
            )
        return
    currency = cells.trimmed(table[columns["currency"]].cast("string")).upper()
    distinct = table.select(currency=currency).distinct().limit(100)
    found = sorted(c for c in engine.arrow(distinct)["currency"].to_pylist() if c)
    if rates is None and len(found) > 1:
        raise OrdersError(
            "All amounts must be in one currency.",
            found=f"{examples(found)} in {columns['currency']!r}",
            hint=f"filter the log to one currency, or convert: rates={{{found[0]!r}: 1, "
            f"{found[1]!r}: ...}}, with what one {found[1]} is worth in {found[0]}.",
        )
    without = [code for code in found if code not in (rates or found)]
    if without:
        raise RfmkitError(
            "rates= must have a rate for every currency of the log.",
            found=f"no rate for {examples(without)}",
            hint=f"add what one {without[0]} is worth in the currency whose rate is 1.",
        )
