"""Source: a path, a glob or a DataFrame of any kind, opened as an Ibis table."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit import _checks as checks
from rfmkit._engine.backend import Engine, unchanged_spark, unique_name
from rfmkit._engine.files import read_paths
from rfmkit._engine.frames import kind_of, named_zones, to_arrow
from rfmkit._engine.scan import FILE
from rfmkit.exceptions import MissingExtraError, OrdersError, kind_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis.expr.types as ir

    from rfmkit._engine.frame_types import Frame
    from rfmkit._engine.scan import TextScan, Unreadable

ROW = "rfmkit_row"
KINDS = ("pandas", "polars", "pyarrow", "ibis")
LAZY: Final = ("ibis", "duckdb", "spark")


@dataclass(frozen=True)
class Source:
    """An opened source: its table, the engine that holds it, and the kind of results."""

    table: ir.Table
    engine: Engine
    kind: str
    unreadable: tuple[Unreadable, ...] = ()
    zones: dict[str, str] = field(default_factory=dict)
    """Time zones of columns of instants that have one."""
    notes: tuple[str, ...] = ()
    """What was guessed about the files."""
    files: tuple[str, ...] = ()
    """The names of the files; where there are several, the column `FILE` counts them from 0."""
    scan: TextScan | None = None

    def hold(self, kinds: Mapping[str, str] | None = None, *, alike: bool = False) -> Source:
        """Return the source with its text files read into the engine.

        `kinds` says of each column to read whether it holds money, time or text; without it,
        every column is read as text. `alike` adds the column that marks equal rows.
        """
        if self.scan is None:
            return self
        table, unreadable = self.scan.hold(kinds, alike=alike)
        return replace(self, table=table, unreadable=tuple(unreadable))

    def hold_alike(self, kinds: Mapping[str, str]) -> Source:
        """Return the source read again, with the column that marks equal rows."""
        if self.scan is None:
            return self
        # The first copy is freed before the second is made: both would not fit into memory.
        for held in self.table.op().find(ibis.expr.operations.DatabaseTable):
            self.engine.drop(held.to_expr())
        return self.hold(kinds, alike=True)

    def begins_with_repeats(self, column: str | None) -> bool:
        """Whether a cell of a column is repeated in the first lines of a text file."""
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
        """The unchanged rows with every column, in the order of the source."""
        rows = self.table if self.scan is None else self.scan.rows()
        return rows.drop(FILE) if len(self.files) > 1 else rows

    @property
    def is_lazy(self) -> bool:
        """Whether results are read from the engine only after they were returned."""
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
    """Return an order log of any kind, opened; `sheets` are names of sheets that may hold it."""
    if output is not None:
        checks.choice("output", output, KINDS)
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
    """Return a DataFrame of any kind, opened; on `engine` where it may join that one's tables."""
    kind = kind_of(source)
    if kind is None:
        raise OrdersError(
            "Expected a path, a glob, a DataFrame (pandas, polars, Arrow, DuckDB, Spark) or an "
            "Ibis table.",
            found=kind_in_words(source),
            hint="pass a path, or make a DataFrame of rows: pandas.DataFrame(rows).",
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
        raise OrdersError(
            "A DataFrame must have columns.",
            found="a DataFrame without columns",
            hint="check how it was made; the order log needs a customer, a time and an amount.",
        )
    # A DuckDB relation has the zone of its session, which is that of the machine.
    zones = {} if kind == "duckdb" else named_zones(arrow.schema)
    if not engine.embedded:
        return Source(ibis.memtable(arrow), engine, output or kind, zones=zones)
    # Data behind lazy results must outlive the log; those of a second source are freed with it.
    table = engine.register(arrow, freed=beside or (output or kind) not in LAZY)
    return Source(table, engine, output or kind, zones=zones)


def open_beside(source: Any, engine: Engine) -> Source:
    """Return a path or a DataFrame of any kind, opened so that it can join an engine's tables."""
    if not is_paths(source):
        return open_frame(source, engine=engine)
    # Files are read by DuckDB; where the log is in another engine, the rows are moved there.
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
                "Spark DataFrames need the pyspark backend of Ibis.",
                found=str(error),
                hint='pip install "rfmkit[spark]".',
            ) from error
    name = unique_name("source")
    source.createOrReplaceTempView(name)
    # In Spark a timestamp is an instant in the zone of the session; a timestamp_ntz is not.
    session_zone = source.sparkSession.conf.get("spark.sql.session.timeZone")
    zones = {column: session_zone for column, kind in source.dtypes if kind == "timestamp"}
    engine = Engine(backend, embedded=False)
    return Source(backend.table(name), engine, output or "spark", zones=zones)


def is_paths(source: Any) -> bool:
    """Whether a source is a path, a glob, or a list of them."""
    return isinstance(source, str | os.PathLike) or (
        isinstance(source, list | tuple)
        and bool(source)
        and all(isinstance(item, str | os.PathLike) for item in source)
    )


def over_rows(frame: Frame, expression: Callable[[ir.Table], ir.Table]) -> Frame:
    """Return the rows of any frame after an expression, of the same kind and in the same order."""
    opened = open_frame(frame)
    engine, table = opened.engine, opened.table
    # Columns of the caller keep their dtypes, even where the vocabulary has the same name.
    if opened.kind in ("ibis", "spark", "duckdb"):
        made = engine.canonical(expression(table), but=set(table.columns))
        kept: Frame = engine.deliver(made, opened.kind, canonical=False)
        return kept
    # Numbered, since an engine with several threads may return rows in another order.
    numbered = engine.store(table.mutate(**{ROW: ibis.row_number()}), "rows")
    made = engine.canonical(expression(numbered), but=set(table.columns))
    given: Any = frame
    result: Any = engine.deliver(made.order_by(ROW).drop(ROW), opened.kind, canonical=False)
    if opened.kind == "pandas":
        result.index = given.index
    found: Frame = result
    return found
