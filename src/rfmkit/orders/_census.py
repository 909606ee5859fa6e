"""The survey: one look at the log as a whole, which decides how each of its columns reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from rfmkit._engine import ALIKE, FILE
from rfmkit.exceptions import ColumnsError, OrdersError, RfmkitError, examples
from rfmkit.formats import _cells as cells
from rfmkit.formats import _moments as moments
from rfmkit.formats._names import (
    MONEY_ROLES,
    TIME_ROLES,
    columns_seen,
    existing,
    find_columns,
    find_email,
    require,
)
from rfmkit.formats._statuses import canonical_statuses
from rfmkit.formats.format import GENERIC, nearly, recognised
from rfmkit.orders._assumptions import taking_notes, unmatched_patterns, unused_words
from rfmkit.orders._lines import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis.expr.types as ir

    from rfmkit._engine import Engine, Source
    from rfmkit.formats import Format
    from rfmkit.orders._reading_options import Policy

HIDDEN: Final = "rfmkit_"
"""What columns begin with that the source does not have."""
MAX_STATUSES: Final = 1000
SAMPLE: Final = 1000
READ_AS: Final = {"id": ("customer_id", "order_id"), "money": MONEY_ROLES, "time": TIME_ROLES}
LOOKS: Final = {"id": cells.id_look, "money": cells.money_look, "time": moments.time_look}
CENSUSES: Final = {
    "id": cells.id_census,
    "money": cells.money_census,
    "time": moments.time_census,
}
PLAIN: Final = {"id": cells.id_plain, "money": cells.money_plain, "time": moments.time_plain}
FEW: Final = 2000
"""So many plain amounts are looked at first: one of them with decimals decides for the dot."""


def read_lines(
    source: Source,
    *,
    asked: Any,
    named: Mapping[str, str],
    constant_amount: float | None,
    statuses: Mapping[str, str] | None,
    policy: Policy,
) -> Lines:
    """Find format and columns, count how they are written, and decide how they read."""
    seen = [name for name in source.columns if not name.startswith(HIDDEN)]
    platform, why = recognised(seen, asked, named)
    near = nearly(seen) if platform == GENERIC and asked == "auto" else None
    advice = "." if near is None else _nearly(near)
    columns = _columns(platform, seen, named, advice)
    if platform == GENERIC and near is None and "customer_id" not in columns:
        platform, columns = _by_email(platform, columns, seen)
    _require_all(platform, columns, seen, constant_amount, advice)
    if "amount" in named or constant_amount is not None:
        platform = replace(platform, adds=(), takes=())
    _check_exclude(policy, seen)
    found, kinds = columns, _held_as(columns, policy, platform, seen)
    several = len(source.files) > 1
    alike = bool(platform.unique) or (several and not platform.whole)
    at_once = several or source.begins_with_repeats(columns.get("order_id"))
    source = source.hold(kinds, alike=alike and at_once)
    source, columns = _with_made_columns(source, platform, found)
    table, engine = source.table, source.engine
    census = _census(table, engine, columns)
    if not census["all"]["rows"] and not source.unreadable:
        raise OrdersError(
            "An order log holds at least one order.",
            found=f"columns {examples(seen)} and no row",
            hint="the export may have failed, or its filter may match nothing.",
        )
    words = _status_words(table, engine, columns)
    meanings = canonical_statuses(words, statuses, platform=platform.statuses)
    if platform.continued:
        meanings.pop("", None)  # the status of a further line is that of the first
        words.pop("", None)
    _one_currency(table, engine, columns, policy)
    repeats = _repeats(table, engine, columns, census, blank=platform.continued)
    _in_order(platform, engine, repeats)
    if repeats and alike and not at_once:
        # To compare whole rows every cell is read: not before it is known that ids come again.
        source, columns = _with_made_columns(source.hold_alike(kinds), platform, found)
    lines = Lines(
        source,
        policy,
        platform,
        why,
        columns,
        found,
        constant_amount,
        census,
        meanings,
        repeats=repeats,
        copies=repeats and (bool(platform.unique) or FILE in table.columns),
        notes=tuple(
            taking_notes(
                platform, why, found, census=census, meanings=meanings, source=source, policy=policy
            )
            + ([] if near is None else [f"read as it is{advice}"])
            + unused_words(statuses, words)
            + unmatched_patterns(table, engine, policy)
        ),
        again=0 if platform.whole or not repeats else _again(table, engine, columns),
        seen_statuses=words,
    )
    _ = lines.table  # what cannot be read is raised here, not by the first result
    return lines


def _columns(
    platform: Format, seen: Sequence[str], named: Mapping[str, str], advice: str
) -> dict[str, str]:
    if platform == GENERIC:
        return find_columns(seen, named, advice=advice)
    # Where the platform is known its own columns play the roles, and no other claims one.
    return platform.find(seen, {r: existing(c, seen, r) for r, c in named.items()})


def _by_email(
    platform: Format, columns: dict[str, str], seen: Sequence[str]
) -> tuple[Format, dict[str, str]]:
    """Know customers by their e-mail addresses, where no column tells their ids."""
    email = find_email(seen)
    if email is None:
        return platform, columns
    return replace(platform, customer=("email",)), columns | {"email": email}


def _require_all(
    platform: Format,
    columns: dict[str, str],
    seen: list[str],
    constant_amount: float | None,
    advice: str,
) -> None:
    if not any(role in columns for role in (*platform.customer, "customer_id")):
        require("customer_id", columns, seen, advice=advice)
    if not any(role in columns for role in TIME_ROLES):
        require("ordered_at", columns, seen, advice=advice)
    if constant_amount is not None:
        columns.pop("amount", None)
    elif "amount" not in columns and not {"unit_price", "quantity"} <= columns.keys():
        require("amount", columns, seen, advice=advice)


def _nearly(near: tuple[Format, str]) -> str:
    platform, missing = near
    return (
        f", or format={platform.name!r}: of the columns by which {platform.title} is known only "
        f"{missing!r} is missing."
    )


def _check_exclude(policy: Policy, seen: Sequence[str]) -> None:
    for column in policy.exclude:
        if column not in seen:
            raise ColumnsError(
                "exclude= names columns of the log.",
                found=f"no {column!r} among {columns_seen(seen)}",
                hint="exclude={'Memo': 'test|sample'} sets aside the rows whose Memo matches.",
            )


def _with_made_columns(
    source: Source, platform: Format, columns: dict[str, str]
) -> tuple[Source, dict[str, str]]:
    """Join the time of day to the date, and take amounts out of text, where an export has it so."""
    table, made = source.table, {}
    clock = platform.column(platform.clock, table.columns) if platform.clock else None
    day = columns.get("ordered_at")
    if clock is not None and day is not None and table[day].type().is_string():
        moment = table[day].strip() + " " + table[clock].cast("string").strip()
        made["ordered_at"] = moment.fill_null(table[day])
    for role, pattern in platform.within.items():
        if role in columns and table[columns[role]].type().is_string():
            made[role] = cells.sum_within(table[columns[role]], pattern)
    if not made:
        return source, columns
    table = table.mutate(**{HIDDEN + role: column for role, column in made.items()})
    return replace(source, table=table), columns | {role: HIDDEN + role for role in made}


def _in_order(platform: Format, engine: Engine, repeats: bool) -> None:  # noqa: FBT001
    if platform.continued and repeats and not engine.embedded:
        raise OrdersError(
            f"The rows of a {platform.title} stand in their order.",
            found="a table of an engine that does not keep it",
            hint="read the file itself, or a DataFrame of pandas, polars or Arrow.",
        )


def _again(table: ir.Table, engine: Engine, columns: Mapping[str, str]) -> int:
    """Count the order ids that stand in several files, and not with the same rows in each."""
    if FILE not in table.columns:
        return 0
    rows = table.select(
        order=table[columns["order_id"]].cast("string"), file=table[FILE], row=table[ALIKE]
    )
    rows = rows.filter(rows.order.notnull()).distinct().group_by("order")
    ids = rows.agg(
        rows=lambda t: t.count(), files=lambda t: t.file.nunique(), kinds=lambda t: t.row.nunique()
    )
    differ = ids.rows < ids.files * ids.kinds
    return int(engine.row(ids.aggregate(ids=cells.count_if(differ)))["ids"])


def _repeats(
    table: ir.Table,
    engine: Engine,
    columns: Mapping[str, str],
    census: Mapping[str, Any],
    *,
    blank: bool,
) -> bool:
    """Tell whether order ids come again, so that lines must be summed to orders.

    With `blank`, a row without an id is a further line of the order above.

    Ids that rise from row to row have proved themselves at a sixth of the cost of counting them.
    """
    if "order_id" not in columns or census["order_id"].get("rising"):
        return False
    order = cells.read_id(table[columns["order_id"]], census["order_id"])
    # Distinct 64-bit hashes prove distinct ids; a chance collision only costs a needless sum.
    rows = table.count() if blank else order.count()
    found = engine.row(table.aggregate(rows=rows, ids=order.hash().nunique(where=order.notnull())))
    return bool(found["rows"] > found["ids"])


def _kinds(columns: Mapping[str, str]) -> dict[str, str]:
    """Give the kind of each role: prices and pieces are read only where there is no amount."""
    kinds = {role: kind for kind, roles in READ_AS.items() for role in roles}
    unread = ("unit_price", "quantity") if "amount" in columns else ()
    return {role: kinds.get(role, "text") for role in columns if role not in unread}


def _held_as(
    columns: Mapping[str, str], policy: Policy, platform: Format, seen: Sequence[str]
) -> dict[str, str]:
    """Say of each column whether it may be held as money or time: plain cells read in one way."""
    others = [platform.column(name, seen) for name, _, _ in platform.overrules]
    others += [platform.column(platform.clock, seen), *policy.exclude]
    others += [columns["ordered_at"]] if platform.clock and "ordered_at" in columns else []
    pieces = {"category", "quantity", "amount"} <= columns.keys()  # no money, and yet needed
    others += [columns["quantity"]] if pieces else []
    held = {name: "text" for name in others if name}
    for role, kind in _kinds(columns).items():
        as_text = role in platform.within or (kind == "money" and _decimal(policy, platform) == ",")
        held[columns[role]] = "text" if as_text or columns[role] in held else kind
    return held


def _decimal(policy: Policy, platform: Format) -> str | None:
    return policy.decimal or platform.decimal


def _census(table: ir.Table, engine: Engine, columns: Mapping[str, str]) -> dict[str, Any]:
    """Look at every column that needs reading; where one is not plain, count how it is written."""
    kinds = {role: kind for role, kind in _kinds(columns).items() if kind != "text"}
    census: dict[str, Any] = {role: {} for role in columns}
    if "order_id" in columns and engine.is_strictly_increasing(table, columns["order_id"]):
        # Ids that rise from row to row are unique: nothing in them needs mending.
        census["order_id"] = {"rising": True}
        del kinds["order_id"]
    for role in READ_AS["id"]:
        if role in columns and are_rounded(table[columns[role]], engine):
            census[role] |= {"are_rounded": True}
            kinds.pop(role, None)
    census["all"] = engine.row(table.aggregate(rows=table.count()))
    census |= count_cells(
        table, engine, {role: (columns[role], kind) for role, kind in kinds.items()}
    )
    return census


def are_rounded(column: ir.Column, engine: Engine) -> bool:
    """Tell whether a spreadsheet has rounded the first ids of a column."""
    if not (column.type().is_string() or column.type().is_integer()):
        return False
    some = column.name("id").as_table().limit(SAMPLE).distinct()
    return cells.are_rounded(engine.row(some.aggregate(**cells.rounded_look(some.id))))


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
    for role, (column, kind) in columns.items():
        if table[column].type().is_string() and not cells.is_plain(census[role]):
            census[role] |= _count_written(table, engine, column, kind)
    return census


def _count_written(table: ir.Table, engine: Engine, column: str, kind: str) -> dict[str, Any]:
    """Take the census of a column: of its odd cells, and of plain ones as far as they decide."""
    cell = table[column]
    plain = PLAIN[kind](cell)
    odd = _counted(table.filter(cell.notnull() & ~plain), engine, column, kind)
    if kind == "money":
        # Plain cells without a dot are no evidence, and of the others a few will mostly do.
        dotted = table.filter(plain & cell.contains("."))
        few = {} if odd["comma"] else _counted(dotted.limit(FEW), engine, column, kind)
        rest = few if few.get("dot") else _counted(dotted, engine, column, kind)
    elif odd.get("mangled"):
        rest = _counted(table.filter(plain), engine, column, kind)
    else:
        there = engine.row(table.aggregate(cells=cells.count_if(plain)))["cells"]
        rest = {"cells": there} | ({"year_first": there} if kind == "time" else {})
    return {what: _together(count, rest.get(what)) for what, count in odd.items()}


def _counted(table: ir.Table, engine: Engine, column: str, kind: str) -> dict[str, Any]:
    return engine.row(table.aggregate(**CENSUSES[kind](table[column])))


def _together(one: Any, other: Any) -> Any:
    """Sum counts, and give the greater of two examples."""
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return max((example for example in (one, other) if example is not None), default=None)


def _run(
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
            "The status column holds a few words that come again.",
            found=f"over {MAX_STATUSES:,} different ones in {columns['status']!r}",
            hint="name the right column: status='...'.",
        )
    return dict(sorted(found.items()))


def _one_currency(
    table: ir.Table, engine: Engine, columns: Mapping[str, str], policy: Policy
) -> None:
    if "currency" not in columns:
        if policy.rates is not None:
            raise ColumnsError(
                "rates= converts by a column of currencies.",
                found="none",
                hint="name it: currency='...'; signs beside the amounts are not converted.",
            )
        return
    currency = cells.trimmed(table[columns["currency"]].cast("string")).upper()
    distinct = table.select(currency=currency).distinct().limit(100)
    found = sorted(c for c in engine.arrow(distinct)["currency"].to_pylist() if c)
    if policy.rates is None and len(found) > 1:
        raise OrdersError(
            "All amounts are in one currency.",
            found=f"{examples(found)} in {columns['currency']!r}",
            hint="rates={'USD': 1, 'EUR': 1.08} converts them, or filter the log to one currency.",
        )
    without = [code for code in found if code not in (policy.rates or found)]
    if without:
        raise RfmkitError(
            "rates= has a rate for every currency of the log.",
            found=f"none for {examples(without)}",
            hint=f"what one {without[0]} is worth: rates={{..., {without[0]!r}: 1.08}}.",
        )
