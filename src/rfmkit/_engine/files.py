"""Files become one table of the embedded engine; no file is ever a Python object as a whole."""

from __future__ import annotations

import filecmp
import glob
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile, ZipFile

import ibis
import numpy as np

from rfmkit._engine.backend import unique_name
from rfmkit._engine.frames import named_zones, to_arrow
from rfmkit._engine.scan import FILE, TextScan, Unreadable, literal, not_readable
from rfmkit._engine.text import plain_text
from rfmkit.exceptions import ColumnsDifferError, MissingExtraError, OrdersError, examples, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis.expr.types as ir

    from rfmkit._engine.backend import Engine

PARQUET = (".parquet", ".pq")
EXCEL = (".xlsx", ".xlsm", ".xls")
ZIP = b"PK\x03\x04"
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
JSON_LINES = (".jsonl", ".ndjson", ".json")
PATH: Final = "rfmkit_path"
LOCK = "~$"
"""What the file begins with that Excel lays beside an open workbook."""
TEXT = (".csv", ".tsv", ".txt", ".dat", ".csv.gz", ".tsv.gz", ".txt.gz")


@dataclass(frozen=True)
class FileTable:
    """What files hold: a table, lines that have no place in it, and zones that columns name.

    Where there are several files, the column `FILE` of the table says which a row came from.
    """

    table: ir.Table
    unreadable: list[Unreadable] = field(default_factory=list)
    zones: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    scan: TextScan | None = None
    """Text that is still to be read: `hold` does so, and finds the unreadable lines."""

    def hold(self) -> FileTable:
        """Read text now, every column of it; what is read already stays."""
        if self.scan is None:
            return self
        table, unreadable = self.scan.hold()
        return replace(self, table=table, unreadable=unreadable)


def read_paths(
    engine: Engine,
    source: Any,
    *,
    encoding: str | None,
    delimiter: str | None,
    names: Sequence[str] | None,
    sheets: tuple[str, ...] = (),
) -> FileTable:
    """Read a path, a glob, a folder or a list of paths: every file of one kind, one schema.

    Of a workbook the first sheet is read whose name is among `sheets`, else the first.
    """
    paths = list_paths(source)
    match _one_kind(paths):
        case "text":
            found = _read_text(engine, paths, encoding=encoding, delimiter=delimiter, names=names)
        case "parquet":
            found = _read_parquet(engine, paths)
        case "json":
            found = _read_json(engine, paths)
        case _:
            found = _read_excel(engine, paths, sheets)
    notes = (*found.notes, *_twins(paths))
    return replace(found, files=tuple(path.name for path in paths), notes=notes)


def _twins(paths: list[Path]) -> list[str]:
    """Name the files that hold the same, byte for byte."""
    sizes: dict[int, list[Path]] = {}
    for path in paths:
        sizes.setdefault(path.stat().st_size, []).append(path)
    return [
        f"{one.name} and {other.name} are the same, byte for byte"
        for alike in sizes.values()
        for place, other in enumerate(alike)
        for one in alike[:place][-1:]
        if filecmp.cmp(one, other, shallow=False)
    ]


def list_paths(source: Any) -> list[Path]:
    """Give the files of a path, a glob, a folder, or a list of them."""
    if isinstance(source, list | tuple):
        return [path for item in source for path in list_paths(item)]
    text = os.fspath(source)
    path = Path(text)
    if text and path.is_dir():
        files = [p for p in path.iterdir() if _kind_by_name(p) and p.is_file()]
        files = sorted((p for p in files if not p.name.startswith(LOCK)), key=in_time)
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
    files = [Path(match) for match in matches if Path(match).is_file()]
    files = sorted((p for p in files if not p.name.startswith(LOCK)), key=in_time)
    if not files:
        raise OrdersError(
            "The order log is an existing file, folder or glob.",
            found=f"nothing at {text!r}",
            hint=f"the working folder is {str(Path.cwd())!r}.",
        )
    return files


def in_time(path: Path) -> tuple[object, ...]:
    """Give a key that sorts files as they were made, by their names.

    Numbers count as numbers, and a second download of a name comes after the first.

    >>> names = ["log 2024-10.csv", "log 2024-9 (1).csv", "log 2024-9.csv"]
    >>> [path.name for path in sorted(map(Path, names), key=in_time)]
    ['log 2024-9.csv', 'log 2024-9 (1).csv', 'log 2024-10.csv']
    """
    stem, again = re.fullmatch(r"(.*?)(?: ?\((\d+)\))?", path.stem, re.DOTALL).groups()  # type: ignore[union-attr]
    parts = [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", stem)]
    return str(path.parent), parts, int(again or 0), path.name


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
    if head.startswith(ZIP) and not _is_workbook(path):
        raise OrdersError(
            "The order log is a file of its own.",
            found=f"the archive {path.name!r}",
            hint="unpack it first; a folder of files is read as one log.",
        )
    if head.startswith((ZIP, OLD_EXCEL)):
        return "excel"
    kind = _kind_by_name(path) or "text"
    if re.match(rb"(\xef\xbb\xbf)?\s*<[?!a-zA-Z]", head):
        raise OrdersError(
            "The order log is a table: CSV, Parquet, Excel or line-delimited JSON.",
            found=f"a web page or XML in {path.name!r}",
            hint="open it in a spreadsheet and save it as .xlsx or CSV; or, where it is an HTML "
            "table, pass pandas.read_html(...)[0].",
        )
    # Many shops call a text with tabs .xls, so that a click opens it in the spreadsheet.
    if kind == "parquet" or (kind == "excel" and (b"\x00" in head or not head.strip())):
        raise OrdersError(
            f"{path.name} holds what its name says.",
            found=f"first bytes {head[:8]!r}, which no {kind} file starts with",
            hint="the download may be broken; fetch or export the file again.",
        )
    return "json" if kind == "json" else "text"


def _is_workbook(path: Path) -> bool:
    """Tell a workbook from another archive; one that cannot be looked into may be a broken one."""
    try:
        with ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except BadZipFile:
        return path.name.lower().endswith(EXCEL)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


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
    _same_columns([(path.name, tuple(schema.names)) for path, schema in schemas.items()])
    try:
        table = engine.backend.read_parquet(
            [literal(path) for path in paths],
            union_by_name=True,
            hive_partitioning=False,
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
    table = _by_path(table, paths) if len(paths) > 1 else table
    return FileTable(table, zones=named_zones(next(iter(schemas.values()))))


def _by_path(table: ir.Table, paths: list[Path]) -> ir.Table:
    """Put the place of each file for its path."""
    places = ibis.array([path.as_posix() for path in paths])
    place = places.index(table[PATH].replace("\\", "/")).cast("int32")
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
        cells = ", ".join(f"{column} ->> '$' AS {column}" for column in columns) + f", {PATH}"
        con.execute(f'CREATE TEMP TABLE "{name}" AS SELECT {cells} FROM {scan}', {"files": files})
    except Exception as error:
        raise not_readable("line-delimited JSON (one object a line)", error) from error
    table = engine.backend.table(name)
    return FileTable(_by_path(table, paths) if len(paths) > 1 else table.drop(PATH))


def _read_excel(engine: Engine, paths: list[Path], names: tuple[str, ...]) -> FileTable:
    import pandas as pd

    try:
        sheets: list[pd.DataFrame] = []
        notes: list[str] = []
        alike: dict[str, list[str]] = {}
        for path in paths:
            with pd.ExcelFile(path) as book:
                chosen = next((n for n in book.sheet_names if n in names), book.sheet_names[0])
                sheets.append(pd.read_excel(book, sheet_name=chosen, dtype=object))
                others = [name for name in book.sheet_names if name != chosen]
                if others:
                    listed = ", ".join(map(repr, others))
                    notes.append(f"{path.name}: the sheet {chosen!r}, and not {listed}")
                if chosen not in names:
                    heads = {name: pd.read_excel(book, sheet_name=name, nrows=0) for name in others}
                    own = sheets[-1].columns
                    alike[path.name] = [
                        str(name) for name, head in heads.items() if own.equals(head.columns)
                    ]
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
        raise not_readable("Excel (.xlsx)", error) from error
    _left_out(alike)
    columns = [tuple(map(str, sheet.columns)) for sheet in sheets]
    _same_columns(list(zip((path.name for path in paths), columns, strict=True)))
    whole = pd.concat(sheets, ignore_index=True)
    if not len(whole.columns):
        raise OrdersError("The first sheet holds orders.", found="an empty sheet")
    if len(sheets) > 1:
        whole[FILE] = np.repeat(np.arange(len(sheets), dtype="int32"), list(map(len, sheets)))
    table = engine.register(to_arrow(whole, "pandas"), freed=False)
    return FileTable(table, notes=tuple(notes))


def _left_out(alike: Mapping[str, list[str]]) -> None:
    """Warn of sheets that look like more of the same log."""
    for file, sheets in alike.items():
        if sheets:
            warn(
                f"One sheet of {file} was read; {examples(sheets)} with the same columns "
                f"{'was' if len(sheets) == 1 else 'were'} not.",
                hint="if they hold more orders, pass them all: "
                f"pd.concat(pd.read_excel({file!r}, sheet_name=None)).",
            )


def _read_text(
    engine: Engine,
    paths: list[Path],
    *,
    encoding: str | None,
    delimiter: str | None,
    names: Sequence[str] | None,
) -> FileTable:
    """Every cell is text here; what it means is decided later, for the column as a whole."""
    texts = tuple(
        plain_text(
            path, Path(engine.spill_folder), encoding=encoding, delimiter=delimiter, names=names
        )
        for path in paths
    )
    _same_columns([(text.path.name, text.names) for text in texts])
    scan = TextScan.of(engine, texts)
    notes = tuple(text.note for text in texts if text.note)
    return FileTable(scan.unread(), notes=notes, scan=scan)


def _same_columns(columns: list[tuple[str, tuple[str, ...]]]) -> None:
    first, names = columns[0]
    for other, theirs in columns:
        if set(theirs) != set(names):
            raise ColumnsDifferError(
                "All files of one log have the same columns.",
                found=f"{first!r} and {other!r} differ in "
                f"{examples(sorted(set(names) ^ set(theirs)))}",
                hint="read them one by one, or narrow the glob.",
            )
