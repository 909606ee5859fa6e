"""Files: text, Parquet, JSON and Excel, read as one table; a large file is never in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit._engine.backend import unique_name
from rfmkit._engine.file_table import FileTable, check_same_columns
from rfmkit._engine.frames import named_zones
from rfmkit._engine.paths import list_paths, notes_on_copies, one_kind
from rfmkit._engine.scan import FILE, TextScan, literal, not_readable
from rfmkit._engine.text import plain_text
from rfmkit._engine.workbooks import read_excel
from rfmkit.exceptions import OrdersError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

    from rfmkit._engine.backend import Engine

PATH: Final = "rfmkit_path"


def read_paths(
    engine: Engine,
    source: Any,
    *,
    encoding: str | None,
    delimiter: str | None,
    names: Sequence[str] | None,
    sheets: tuple[str, ...] = (),
) -> FileTable:
    """Return the rows of a path, a glob, a folder or a list of paths, of one kind and schema.

    Of a workbook the first sheet is read whose name is among `sheets`, else the first.
    """
    paths = list_paths(source)
    match one_kind(paths):
        case "text":
            found = _read_text(engine, paths, encoding=encoding, delimiter=delimiter, names=names)
        case "parquet":
            found = _read_parquet(engine, paths)
        case "json":
            found = _read_json(engine, paths)
        case _:
            found = read_excel(engine, paths, sheets)
    notes = (*found.notes, *notes_on_copies(paths))
    return replace(found, files=tuple(path.name for path in paths), notes=notes)


def _read_text(
    engine: Engine,
    paths: list[Path],
    *,
    encoding: str | None,
    delimiter: str | None,
    names: Sequence[str] | None,
) -> FileTable:
    """Return text files that are not read yet: every cell is text until its column is asked for."""
    texts = tuple(
        plain_text(
            path, Path(engine.spill_folder), encoding=encoding, delimiter=delimiter, names=names
        )
        for path in paths
    )
    check_same_columns([(text.path.name, text.names) for text in texts])
    scan = TextScan.of(engine, texts)
    notes = tuple(text.note for text in texts if text.note)
    return FileTable(scan.unread(), notes=notes, scan=scan)


def _read_parquet(engine: Engine, paths: list[Path]) -> FileTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schemas = {path: pq.read_schema(path) for path in paths}
    except (pa.ArrowInvalid, OSError) as error:
        raise OrdersError(
            "A Parquet file must be complete.",
            found=str(error).splitlines()[0],
            hint="it may have been cut off while it was written or copied; fetch it again.",
        ) from error
    check_same_columns([(path.name, tuple(schema.names)) for path, schema in schemas.items()])
    try:
        table = engine.backend.read_parquet(
            [literal(path) for path in paths],
            union_by_name=True,
            hive_partitioning=False,  # a folder named year=2024 is no column of the log
            **({"filename": PATH} if len(paths) > 1 else {}),
        )
    except Exception as error:
        raise not_readable("Parquet", error) from error
    short = {  # nanosecond instants have no type in Ibis
        column.name: table[column.name].cast("timestamp('UTC')")
        for column in next(iter(schemas.values()))
        if pa.types.is_timestamp(column.type) and column.type.tz and column.type.unit == "ns"
    }
    table = table.mutate(**short) if short else table
    table = _numbered(table, paths) if len(paths) > 1 else table
    return FileTable(table, zones=named_zones(next(iter(schemas.values()))))


def _numbered(table: ir.Table, paths: list[Path]) -> ir.Table:
    """Return the rows with the number of their file in place of its path."""
    places = ibis.array([path.as_posix() for path in paths])
    place = places.index(table[PATH].replace("\\", "/")).cast("int32")  # paths of Windows
    return table.mutate(**{FILE: place}).drop(PATH)


def _read_json(engine: Engine, paths: list[Path]) -> FileTable:
    files = [literal(path) for path in paths]
    con = engine.backend.con
    name = unique_name("json")
    try:
        scan = (
            "read_json($files, format='newline_delimited', records=true, maximum_depth=1, "
            f"filename='{PATH}')"
        )
        seen = con.execute(f"DESCRIBE FROM {scan}", {"files": files}).fetchall()
        columns = ['"' + row[0].replace('"', '""') + '"' for row in seen if row[0] != PATH]
        # ->> '$' makes text: a long id keeps its digits, some of which a double would lose.
        cells = ", ".join(f"{column} ->> '$' AS {column}" for column in columns) + f", {PATH}"
        con.execute(f'CREATE TEMP TABLE "{name}" AS SELECT {cells} FROM {scan}', {"files": files})
    except Exception as error:
        raise not_readable("line-delimited JSON (one object a line)", error) from error
    table = engine.backend.table(name)
    return FileTable(_numbered(table, paths) if len(paths) > 1 else table.drop(PATH))
