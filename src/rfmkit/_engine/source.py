"""Any source becomes an Ibis table: a path, a glob, a DataFrame of any kind, an Ibis table."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit._engine.backend import Engine, unchanged_spark, unique_name
from rfmkit._engine.files import read_paths
from rfmkit._engine.frames import kind_of, named_zones, to_arrow
from rfmkit._engine.scan import FILE
from rfmkit.exceptions import MissingExtraError, OrdersError, RfmkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis.expr.types as ir

    from rfmkit._engine.scan import TextScan, Unreadable

ROW = "rfmkit_row"
KINDS = ("pandas", "polars", "pyarrow", "ibis")
LAZY: Final = ("ibis", "duckdb", "spark")


@dataclass(frozen=True)
class Source:
    """A table, the engine that holds it, and the kind in which results go back."""

    table: ir.Table
    engine: Engine
    kind: str
    unreadable: tuple[Unreadable, ...] = ()
    zones: dict[str, str] = field(default_factory=dict)
    """Columns of instants that name their own time zone."""
    notes: tuple[str, ...] = ()
    """What was guessed of the files."""
    files: tuple[str, ...] = ()
    """The names of the files; where there are several, the column `FILE` counts them from 0."""
    scan: TextScan | None = None

    def hold(self, kinds: Mapping[str, str] | None = None, *, alike: bool = False) -> Source:
        """Read columns of text files, each of which holds money, time or text, into the engine.

        Without `kinds`, every column as text.
        """
        if self.scan is None:
            return self
        table, unreadable = self.scan.hold(kinds, alike=alike)
        return replace(self, table=table, unreadable=tuple(unreadable))

    def hold_alike(self, kinds: Mapping[str, str]) -> Source:
        """Hold the same again, with the column that tells which rows are the same."""
        if self.scan is None:
            return self
        for held in self.table.op().find(ibis.expr.operations.DatabaseTable):
            self.engine.drop(held.to_expr())
        return self.hold(kinds, alike=True)

    def begins_with_repeats(self, column: str | None) -> bool:
        """Tell whether a cell of a column comes again in the first lines of a text file."""
        if self.scan is None or column is None:
            return False
        return any(
            len(set(cells)) < len(cells)
            for cells in (text.first_cells(column) for text in self.scan.texts)
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the source itself."""
        if self.scan is not None:
            return self.scan.names
        several = len(self.files) > 1
        return tuple(name for name in self.table.columns if name != FILE or not several)

    @property
    def rows(self) -> ir.Table:
        """The rows as they stand, every column of them, in the order in which they are held."""
        rows = self.table if self.scan is None else self.scan.rows()
        return rows.drop(FILE) if len(self.files) > 1 else rows

    @property
    def is_lazy(self) -> bool:
        """Tell whether results are read from the engine after they have been given."""
        return self.kind in LAZY


def open_source(
    source: Any,
    *,
    output: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    names: list[str] | None = None,
    sheets: tuple[str, ...] = (),
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Source:
    """Open an order log of any kind; `sheets` names those of a workbook that may hold it."""
    if output is not None and output not in KINDS:
        raise RfmkitError(
            f"output is one of {', '.join(map(repr, KINDS))}.", found=f"output={output!r}"
        )
    if is_paths(source):
        engine = Engine.embedded_duckdb(memory_limit=memory_limit, threads=threads)
        read = read_paths(
            engine, source, encoding=encoding, delimiter=delimiter, names=names, sheets=sheets
        )
        return Source(
            read.table, engine, output or "pandas", zones=read.zones, notes=read.notes,
            files=read.files, scan=read.scan,
        )  # fmt: skip
    return open_frame(source, output=output, memory_limit=memory_limit, threads=threads)


def open_frame(
    source: Any,
    *,
    output: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    engine: Engine | None = None,
) -> Source:
    """Open a DataFrame of any kind; on `engine` where it may join that engine's tables."""
    kind = kind_of(source)
    if kind is None:
        raise OrdersError(
            "A source is a path, a glob, a DataFrame (pandas, polars, Arrow, DuckDB, Spark) or "
            "an Ibis table.",
            found=f"{type(source).__module__}.{type(source).__qualname__}",
            hint="wrap rows of dictionaries in pandas.DataFrame(rows).",
        )
    if kind == "spark":
        return _open_spark(source, output)
    if kind == "ibis" and not source.op().find(ibis.expr.operations.InMemoryTable):
        backend = source.get_backend()
        if engine is not None and engine.backend is backend:
            return Source(source, engine, output or "ibis")
        return Source(source, Engine(backend, embedded=False), output or "ibis")
    beside = engine is not None
    engine = engine or Engine.embedded_duckdb(memory_limit=memory_limit, threads=threads)
    arrow = source.to_pyarrow() if kind == "ibis" else to_arrow(source, kind)
    if not len(arrow.schema):
        raise OrdersError("A DataFrame has columns.", found="none")
    # The zone of a DuckDB relation is that of its session, which follows the machine.
    zones = {} if kind == "duckdb" else named_zones(arrow.schema)
    if not engine.embedded:
        return Source(ibis.memtable(arrow), engine, output or kind, zones=zones)
    # What is read from lazily must outlive the log; a second source goes with its expression.
    table = engine.register(arrow, freed=beside or (output or kind) not in LAZY)
    return Source(table, engine, output or kind, zones=zones)


def open_beside(source: Any, engine: Engine) -> Source:
    """Open a path or a DataFrame of any kind so that it may join the tables of an engine."""
    if not is_paths(source):
        return open_frame(source, engine=engine)
    own = engine if engine.embedded else Engine.embedded_duckdb()
    read = read_paths(own, source, encoding=None, delimiter=None, names=None).hold()
    table = read.table.drop(FILE) if len(read.files) > 1 else read.table
    if own is not engine:
        return open_frame(own.arrow(table), engine=engine)
    return Source(table, own, "pandas", tuple(read.unreadable), read.zones, read.notes)


def _open_spark(source: Any, output: str | None) -> Source:
    with unchanged_spark(source.sparkSession):
        try:
            backend = ibis.pyspark.connect(source.sparkSession)
        except (ImportError, AttributeError) as error:
            raise MissingExtraError(
                "Spark DataFrames need Ibis's pyspark backend.",
                found=str(error),
                hint='pip install "rfmkit[spark]".',
            ) from error
    name = unique_name("source")
    source.createOrReplaceTempView(name)
    # Spark's timestamps are instants, shown in the zone of the session; timestamp_ntz are not.
    session_zone = source.sparkSession.conf.get("spark.sql.session.timeZone")
    zones = {column: session_zone for column, kind in source.dtypes if kind == "timestamp"}
    engine = Engine(backend, embedded=False)
    return Source(backend.table(name), engine, output or "spark", zones=zones)


def is_paths(source: Any) -> bool:
    """Tell whether a source is a path, a glob, or a list of them."""
    return isinstance(source, str | os.PathLike) or (
        isinstance(source, list | tuple)
        and bool(source)
        and all(isinstance(item, str | os.PathLike) for item in source)
    )


def over_rows(frame: Any, expression: Callable[[ir.Table], ir.Table]) -> Any:
    """Apply an expression to the rows of any frame; same kind out, rows in the same order."""
    opened = open_frame(frame)
    engine, table = opened.engine, opened.table
    # Columns that came with the frame are the caller's own, whatever their names.
    if opened.kind in ("ibis", "spark", "duckdb"):
        made = engine.canonical(expression(table), but=set(table.columns))
        return engine.deliver(made, opened.kind, canonical=False)
    numbered = engine.store(table.mutate(**{ROW: ibis.row_number()}), "rows")
    made = engine.canonical(expression(numbered), but=set(table.columns))
    given = engine.deliver(made.order_by(ROW).drop(ROW), opened.kind, canonical=False)
    if opened.kind == "pandas":
        given.index = frame.index
    return given
