"""Engine: runs expressions in embedded DuckDB, or in the backend that holds the data."""

from __future__ import annotations

import contextlib
import re
import tempfile
import weakref
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from rfmkit import _checks as checks
from rfmkit.columns import DTYPES
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd
    import pyarrow as pa

_numbers = count()

# Conditions on ids as ranges: the engine knows the least and the greatest text of each block, so
# it skips blocks without reading them. HELD: in quotes or after "=", as spreadsheets write ids.
HELD_OR_SPACED = "x < '!' OR x >= '=' AND x < '>' OR x >= chr(39) AND x < '('"
NO_LETTER_OR_N = "x < 'A' OR x >= 'N' AND x < 'O' OR x >= 'n' AND x < 'o'"
SPACE_LAST = "x[-1] <= ' '"
SPACE_LAST_OR_BREAK = f"{SPACE_LAST} OR contains(x, chr(10))"


def unique_name(stem: str) -> str:
    """Return a name of a table that no other in this process has."""
    return f"rfmkit_{stem}_{next(_numbers)}"


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _duckdb_local(zone, instant):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the local time of an instant in a zone (DuckDB)."""


@ibis.udf.scalar.builtin(name="convert_timezone", signature=(("string", "timestamp"), "timestamp"))
def _spark_local(zone, instant):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the local time of an instant in a zone (Spark)."""


@ibis.udf.agg.builtin(name="quantile_disc", signature=(("float64", "float64"), "float64"))
def _duckdb_quantile(value, share):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the smallest value whose cumulative share reaches `share` (DuckDB)."""


def _keep_alive(_kept: object) -> None:
    """Do nothing: a finalizer keeps its arguments alive, which is its only purpose here."""


class Engine:
    """One Ibis backend, with the operations in which backends differ."""

    def __init__(self, backend: Any, *, embedded: bool) -> None:
        self.backend = backend
        self.embedded = embedded
        self.lock = RLock()  # a DuckDB connection serves one thread at a time
        self._freed_later: weakref.WeakSet[Any] = weakref.WeakSet()

    @classmethod
    def embedded_duckdb(
        cls, *, memory_limit: str | None = None, threads: int | None = None
    ) -> Engine:
        """Return an engine with DuckDB inside this process; nothing is downloaded."""
        if threads is not None:
            checks.whole("threads", threads, hint="leave it out for all cores.")
        size = r"\d+(\.\d+)? *[KMGT]i?B"
        if memory_limit is not None and not re.fullmatch(size, str(memory_limit), re.IGNORECASE):
            raise RfmkitError(
                "memory_limit must be a size such as '1GB'.",
                found=f"memory_limit={memory_limit!r}",
                hint="leave it out for 80 % of the memory, or pass memory_limit='1GB'.",
            )
        spill = tempfile.TemporaryDirectory(prefix="rfmkit-", ignore_cleanup_errors=True)
        config: dict[str, Any] = {
            "temp_directory": spill.name,
            # By default DuckDB downloads and loads the extensions that a query needs.
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if memory_limit is not None:
            config["memory_limit"] = memory_limit
        if threads is not None:
            config["threads"] = threads
        backend = ibis.duckdb.connect(**config)
        with contextlib.suppress(duckdb.Error):  # in Jupyter without ipywidgets there is no bar
            backend.raw_sql("SET enable_progress_bar = false")
        backend.raw_sql("SET TimeZone = 'UTC'")  # dates must not follow the machine's zone
        # Lazy results outlive the engine object and may spill: the folder is removed with the
        # backend, which they hold, and not with the engine.
        weakref.finalize(backend, spill.cleanup)
        return cls(backend, embedded=True)

    @property
    def spill_folder(self) -> str:
        """The folder where this engine may write temporary files."""
        return str(self.scalar_sql("SELECT current_setting('temp_directory')"))

    def scalar_sql(self, sql: str) -> Any:
        """Return the first value of a SQL query on the embedded engine."""
        with self.lock:
            return self.backend.con.execute(sql).fetchall()[0][0]

    def store(self, table: ir.Table, stem: str, *, owner: object | None = None) -> ir.Table:
        """Return a table, computed once and kept in the engine as long as its owner lives."""
        return self._owned_by(owner, self._store(table, stem))

    def _store(self, table: ir.Table, stem: str) -> ir.Table:
        if self.backend.name == "duckdb":
            # A plain CREATE only: DuckDB 2 cannot parse the SQL by which Ibis 12 drops or
            # overwrites a table, so that Ibis cannot clear its own cache.
            with self.running():
                return self.backend.create_table(unique_name(stem), table, temp=True)
        if self.backend.name == "pyspark":
            view = self.backend.create_view(unique_name(stem), table)
            self.spark.table(view.get_name()).cache()
            return view
        return table.cache()

    def view(self, table: ir.Table, *, owner: object | None = None) -> ir.Table:
        """Return an expression as a view of the embedded engine: it is compiled only once."""
        if not self.embedded:
            return table
        with self.lock:
            view = self.backend.create_view(unique_name("view"), table)
        if view.columns != table.columns:
            # DuckDB reports the old name of a column that a view renames from "Total" to "total".
            schema = ibis.schema(dict(zip(table.columns, view.schema().types, strict=True)))
            view = view.op().copy(schema=schema).to_expr()
        return self._owned_by(owner, view)

    def _owned_by(self, owner: object | None, table: ir.Table) -> ir.Table:
        if owner is not None:
            # atexit=False: when the process ends there is nothing left to free.
            weakref.finalize(owner, self.drop, table).atexit = False
        return table

    def register(self, data: pa.Table, *, freed: bool = True) -> ir.Table:
        """Return Arrow data as a table of the embedded engine, as long as an expression uses it."""
        name = unique_name("source")
        with self.lock:
            self.backend.con.register(name, data)
            table = self.backend.table(name)
        if freed:
            weakref.finalize(table.op(), self._unregister, name).atexit = False
        return table

    def _unregister(self, name: str) -> None:
        with self.lock, contextlib.suppress(duckdb.Error):
            self.backend.con.unregister(name)

    def _free_memory_tables(self, expr: ir.Expr) -> None:
        """Free in-memory tables with their expressions: Ibis keeps them until the process ends."""
        if self.backend.name == "duckdb":
            for op in expr.op().find(ops.InMemoryTable):
                if op not in self._freed_later:
                    self._freed_later.add(op)
                    weakref.finalize(op, self._unregister, op.name).atexit = False

    def drop(self, table: ir.Table) -> None:
        """Free a table made by `store`; elsewhere than in DuckDB and Spark Ibis frees it."""
        name = table.op().name
        # The connection may be closed before the table is freed.
        with self.lock, contextlib.suppress(duckdb.Error):
            if self.backend.name == "duckdb":
                kind = "VIEW" if name.startswith("rfmkit_view") else "TABLE"
                self.backend.con.execute(f'DROP {kind} "{name}"')
            elif self.backend.name == "pyspark":
                self.spark.table(name).unpersist()

    @property
    def spark(self) -> Any:
        """The Spark session behind this engine."""
        from pyspark.sql import SparkSession

        return SparkSession.active()

    def arrow(self, expr: ir.Expr) -> pa.Table:
        """Return the result of an expression."""
        with self.running():
            self._free_memory_tables(expr)
            return self.backend.to_pyarrow(expr)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Hold the connection, and raise a known error where its memory is not enough."""
        try:
            with self.lock:
                yield
        except duckdb.OutOfMemoryException as error:
            raise RfmkitError(
                "The computation needs more memory than the engine may use.",
                found=str(error).splitlines()[0],
                hint="raise memory_limit= to at least 500MB, or lower threads=.",
            ) from error

    def frame(self, table: ir.Table) -> pd.DataFrame:
        """Return the result of a small query as a pandas frame."""
        from rfmkit._engine.frames import to_pandas

        return to_pandas(self.arrow(table))

    def row(self, table: ir.Table) -> dict[str, Any]:
        """Return the only row of a query, its values by column name."""
        return dict(self.arrow(table).to_pylist()[0])

    def small(self, columns: dict[str, list[Any]], kind: str) -> Any:
        """Return a small table, in the caller's kind where that is a DataFrame in memory."""
        import pyarrow as pa

        from rfmkit._engine import frames

        kind = {"polars_lazy": "polars"}.get(kind, kind)
        make = frames.FROM_ARROW[kind if kind in frames.FROM_ARROW else "pandas"]
        return make(pa.table(columns))

    def local_time(self, instant: ir.TimestampValue, zone: str) -> ir.TimestampValue:
        """Return the local time of an instant in a time zone."""
        if self.backend.name == "pyspark":
            return _spark_local(zone, instant)
        if zone.startswith(("+", "-")):  # a fixed offset, which is no zone to DuckDB
            minutes = (int(zone[1:3]) * 60 + int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
            return _duckdb_local("UTC", instant) + ibis.interval(minutes=minutes)
        return _duckdb_local(zone, instant)

    def quantile(self, table: ir.Table, column: str, share: float) -> float | None:
        """Return the exact discrete quantile: the smallest value whose share reaches `share`."""
        if self.backend.name == "duckdb":
            value = table[column].cast("float64")
            found = self.arrow(_duckdb_quantile(value, share)).as_py()
            return None if found is None else float(found)
        counted = table.group_by(column).agg(rows=lambda t: t.count())
        running = counted.mutate(
            upto=counted.rows.sum().over(order_by=column, rows=(None, 0)),
            total=counted.rows.sum().over(),
        )
        reached = running.filter(running.upto >= running.total * share)
        found = self.arrow(reached[column].min().cast("float64")).as_py()
        return None if found is None else float(found)

    def is_strictly_increasing(self, table: ir.Table, column: str) -> bool:
        """Whether a column strictly increases in the order of the source's rows.

        Text is ordered by its length first: O9, O10. Only the embedded engine keeps the order of
        the rows; for other engines the result is False.
        """
        if not self.embedded:
            return False
        value = table[column]
        inner = self.backend.compile(table.select(x=value))
        rises = "x > p"
        if value.type().is_string():
            rises = "strlen(x) > strlen(p) OR (strlen(x) = strlen(p) AND x > p)"
            # " A1" and "A1" are one id, and so are '="1"' and "1".
            if self._any_is(inner, HELD_OR_SPACED, SPACE_LAST):
                return False
        return bool(
            self.scalar_sql(
                f"SELECT count(*) = count(x) AND coalesce(bool_and({rises}), true) "
                f"FROM (SELECT x, lag(x) OVER () AS p FROM ({inner}))"
            )
        )

    def are_surely_plain(self, table: ir.Table, column: str) -> bool:
        """Whether a cheap check shows that the ids of a text column need no cleaning.

        Such ids begin with a letter other than N (nan, null) and hold nothing to strip. False
        means unknown, as for all engines but the embedded one: they may order text differently.
        """
        if not self.embedded or not table[column].type().is_string():
            return False
        inner = self.backend.compile(table.select(x=table[column]))
        return not self._any_is(inner, NO_LETTER_OR_N, SPACE_LAST_OR_BREAK)

    def _any_is(self, inner: str, *conditions: str) -> bool:
        """Whether any row meets one of the conditions, which are tried in turn."""
        return any(
            self.scalar_sql(f"SELECT EXISTS(FROM ({inner}) WHERE {condition})")
            for condition in conditions
        )

    def canonical(self, table: ir.Table, *, but: Collection[str] = ()) -> ir.Table:
        """Return the table with columns of the vocabulary cast to their dtypes, except `but`."""
        schema = table.schema()
        casts = {
            name: dtype
            for name, dtype in (
                (n, DTYPES[n]) for n in schema.names if n in DTYPES and n not in but
            )
            if schema[name] != ibis.dtype(dtype)
        }
        return table.cast(casts) if casts else table

    def deliver(
        self, table: ir.Table, kind: str, *, order_by: tuple[str, ...] = (), canonical: bool = True
    ) -> Any:
        """Return a result in the caller's kind, its rows in the order of `order_by`."""
        from rfmkit._engine import frames

        table = self.canonical(table) if canonical else table
        if kind == "ibis":
            return table
        if kind == "spark":
            return self.spark.table(self.backend.create_view(unique_name("out"), table).get_name())
        if order_by:
            table = table.order_by(list(order_by))
        if kind == "duckdb":
            relation = self.backend.con.sql(self.sql(table))
            with contextlib.suppress(TypeError):  # older relations take no weak reference
                weakref.finalize(relation, _keep_alive, (self.backend, table)).atexit = False
            return relation
        return frames.FROM_ARROW[kind](self.arrow(table))

    def sql(self, table: ir.Table) -> str:
        """Return the expression as SQL; its in-memory tables are kept in the embedded engine."""
        self._free_memory_tables(table)
        view = self.view(table)
        return f'SELECT * FROM "{view.get_name()}"'


@contextlib.contextmanager
def unchanged_spark(session: Any) -> Iterator[None]:
    """Restore the settings of a Spark session that Ibis changes when it connects."""
    names = ("spark.sql.session.timeZone", "spark.sql.mapKeyDedupPolicy")
    before = {name: session.conf.get(name, None) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, value)
