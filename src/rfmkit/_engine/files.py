"""Files become one table of the embedded engine; no file is ever a Python object as a whole."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfmkit._engine.backend import unique_name
from rfmkit._engine.frames import named_zones, to_arrow
from rfmkit._engine.text import plain_text
from rfmkit.exceptions import ColumnsDifferError, MissingExtraError, OrdersError, examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ibis.expr.types as ir

    from rfmkit._engine.backend import Engine

PARQUET = (".parquet", ".pq")
EXCEL = (".xlsx", ".xlsm", ".xls")
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
JSON_LINES = (".jsonl", ".ndjson", ".json")
TEXT = (".csv", ".tsv", ".txt", ".dat", ".csv.gz", ".tsv.gz", ".txt.gz")


@dataclass(frozen=True)
class FileTable:
    """What files hold: a table, lines that have no place in it, and zones that columns name."""

    table: ir.Table
    unreadable: list[Unreadable] = field(default_factory=list)
    zones: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unreadable:
    """A line of a text file that has no place in the table."""

    file: str
    line: int
    text: str


def read_paths(
    engine: Engine,
    source: Any,
    *,
    encoding: str | None,
    delimiter: str | None,
    names: Sequence[str] | None,
) -> FileTable:
    """Read a path, a glob, a folder or a list of paths: every file of one kind, one schema."""
    paths = list_paths(source)
    kind = _one_kind(paths)
    if kind == "text":
        found = _read_text(engine, paths, encoding=encoding, delimiter=delimiter, names=names)
    else:
        reader: Callable[[Engine, list[Path]], FileTable] = {
            "parquet": _read_parquet,
            "json": _read_json,
            "excel": _read_excel,
        }[kind]
        found = reader(engine, paths)
    return replace(found, files=tuple(path.name for path in paths))


def list_paths(source: Any) -> list[Path]:
    """Give the files of a path, a glob, a folder, or a list of them."""
    if isinstance(source, list | tuple):
        return [path for item in source for path in list_paths(item)]
    text = os.fspath(source)
    path = Path(text)
    if text and path.is_dir():
        files = sorted(p for p in path.iterdir() if _kind_by_name(p) and p.is_file())
        if not files:
            raise OrdersError(
                "A folder holds CSV, Parquet, Excel or line-delimited JSON files.",
                found=f"none in {text!r}",
                hint="name the file, or a glob such as 'orders/*.csv'.",
            )
        return files
    if text and path.exists():
        if not path.is_file():
            raise OrdersError(
                "The order log is a file, which can be read more than once.",
                found=f"{text!r}, a pipe or a device",
                hint="save it to a file first.",
            )
        return [path]
    matches = glob.glob(text, recursive=True)  # noqa: PTH207 (a pattern with a folder of its own)
    files = sorted(Path(match) for match in matches if Path(match).is_file())
    if not files:
        raise OrdersError(
            "The order log is an existing file, folder or glob.",
            found=f"nothing at {text!r}",
            hint=f"the working folder is {str(Path.cwd())!r}.",
        )
    return files


def _kind_by_name(path: Path) -> str | None:
    name = path.name.lower()
    for kind, endings in (
        ("parquet", PARQUET),
        ("excel", EXCEL),
        ("json", JSON_LINES),
        ("text", TEXT),
    ):
        if name.endswith(endings):
            return kind
    return None


def _one_kind(paths: list[Path]) -> str:
    kinds = {_kind_by_content(path) for path in paths}
    if len(kinds) > 1:
        raise OrdersError(
            "The files of one log are of one kind.",
            found=f"{' and '.join(sorted(kinds))} among {examples([p.name for p in paths])}",
            hint="narrow the glob, for instance 'orders/*.csv'.",
        )
    return kinds.pop()


def _kind_by_content(path: Path) -> str:
    """Tell the kind by the first bytes before the name: exports are often renamed."""
    head = _first_bytes(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"PK\x03\x04", OLD_EXCEL)):
        return "excel"
    kind = _kind_by_name(path) or "text"
    if kind in ("parquet", "excel"):
        raise OrdersError(
            f"{path.name} holds what its name says.",
            found=f"first bytes {head!r}, which no {kind} file starts with",
            hint="the download may be broken; fetch or export the file again.",
        )
    return "json" if kind == "json" else "text"


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def _read_parquet(engine: Engine, paths: list[Path]) -> FileTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schemas = {path: pq.read_schema(path) for path in paths}
    except (pa.ArrowInvalid, OSError) as error:
        raise OrdersError(
            "A Parquet file is whole.",
            found=str(error).splitlines()[0],
            hint="it may have been cut off while it was written or copied; fetch it again.",
        ) from error
    _same_columns({path.name: tuple(schema.names) for path, schema in schemas.items()})
    try:
        table = engine.backend.read_parquet(
            [_literal(path) for path in paths], union_by_name=True, hive_partitioning=False
        )
    except Exception as error:
        raise _unreadable("Parquet", error) from error
    short = {  # nanosecond instants have no type in Ibis
        column.name: table[column.name].cast("timestamp('UTC')")
        for column in next(iter(schemas.values()))
        if pa.types.is_timestamp(column.type) and column.type.tz and column.type.unit == "ns"
    }
    table = table.mutate(**short) if short else table
    return FileTable(table, zones=named_zones(next(iter(schemas.values()))))


def _read_json(engine: Engine, paths: list[Path]) -> FileTable:
    files = [_literal(path) for path in paths]
    con = engine.backend.con
    name = unique_name("json")
    try:
        scan = "read_json($files, format='newline_delimited', records=true, maximum_depth=1)"
        seen = con.execute(f"DESCRIBE FROM {scan}", {"files": files}).fetchall()
        columns = ['"' + row[0].replace('"', '""') + '"' for row in seen]
        cells = ", ".join(f"{column} ->> '$' AS {column}" for column in columns)
        con.execute(f'CREATE TEMP TABLE "{name}" AS SELECT {cells} FROM {scan}', {"files": files})
    except Exception as error:
        raise _unreadable("line-delimited JSON (one object a line)", error) from error
    return FileTable(engine.backend.table(name))


def _read_excel(engine: Engine, paths: list[Path]) -> FileTable:
    import pandas as pd

    try:
        sheets, notes = {}, []
        for path in paths:
            with pd.ExcelFile(path) as book:
                sheets[path.name] = pd.read_excel(book, dtype=object)
                if len(book.sheet_names) > 1:
                    first, *others = map(repr, book.sheet_names)
                    notes.append(f"{path.name}: the sheet {first}, and not {', '.join(others)}")
    except ImportError as error:
        if any(_first_bytes(path).startswith(OLD_EXCEL) for path in paths):
            raise OrdersError(
                "Excel files are of the present format, .xlsx.",
                found=f"an old workbook among {examples([path.name for path in paths])}",
                hint="open it and save it as .xlsx, or as CSV.",
            ) from error
        raise MissingExtraError(
            "Excel files need openpyxl.", found=str(error), hint='pip install "rfmkit[excel]".'
        ) from error
    except Exception as error:
        raise _unreadable("Excel (.xlsx)", error) from error
    _same_columns({name: tuple(map(str, sheet.columns)) for name, sheet in sheets.items()})
    whole = pd.concat(sheets.values(), ignore_index=True)
    if not len(whole.columns):
        raise OrdersError("The first sheet holds orders.", found="an empty sheet")
    table = engine.register(to_arrow(whole, "pandas"), freed=False)
    return FileTable(table, notes=tuple(notes))


def _read_text(
    engine: Engine,
    paths: list[Path],
    *,
    encoding: str | None,
    delimiter: str | None,
    names: Sequence[str] | None,
) -> FileTable:
    """Every cell is text here; what it means is decided later, for the column as a whole."""
    con = engine.backend.con
    texts = [
        plain_text(
            path, Path(engine.spill_folder), encoding=encoding, delimiter=delimiter, names=names
        )
        for path in paths
    ]
    _same_columns({text.path.name: text.names for text in texts})
    stem = unique_name("csv")
    selects = []
    for place, text in enumerate(texts):
        columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in text.names)
        selects.append(
            f"SELECT * FROM read_csv({_quoted(_literal(text.readable))}, auto_detect=false, "
            "hive_partitioning=false, "
            f"columns={{{columns}}}, delim={_quoted(text.delimiter)}, "
            f"header={text.has_header}, skip={text.skip}, "
            "quote='\"', escape='\"', strict_mode=true, max_line_size=16000000, "
            f"store_rejects=true, rejects_limit=0, rejects_table='{stem}_errors_{place}', "
            f"rejects_scan='{stem}_scan_{place}')"
        )
    try:
        con.execute(f'CREATE TEMP TABLE "{stem}" AS ' + " UNION ALL BY NAME ".join(selects))
        unreadable = [
            Unreadable(text.path.name, line, cells or "")
            for place, text in enumerate(texts)
            for line, cells in con.execute(
                f"SELECT line, min(csv_line) FROM {stem}_errors_{place} GROUP BY line ORDER BY line"
            ).fetchall()
        ]
    except Exception as error:
        raise _unreadable("text", error) from error
    notes = tuple(text.note for text in texts if text.note)
    return FileTable(engine.backend.table(stem), unreadable, notes=notes)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal(path: Path) -> str:
    """Name one file: the engine would take brackets and stars for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _same_columns(columns: dict[str, tuple[str, ...]]) -> None:
    first, names = next(iter(columns.items()))
    for other, theirs in columns.items():
        if set(theirs) != set(names):
            raise ColumnsDifferError(
                "All files of one log have the same columns.",
                found=f"{first!r} and {other!r} differ in "
                f"{examples(sorted(set(names) ^ set(theirs)))}",
                hint="read them one by one, or narrow the glob.",
            )


def _unreadable(what: str, error: Exception) -> OrdersError:
    return OrdersError(
        f"The file is readable as {what}.",
        found=str(error).strip().splitlines()[0],
        hint="open it once by hand: it may be cut off, or of another format than its name says.",
    )
