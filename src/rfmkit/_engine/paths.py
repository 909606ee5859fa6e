"""Paths: the files of a source, in the order of time, and the kind of each."""

from __future__ import annotations

import filecmp
import glob
import os
import re
from pathlib import Path
from typing import Any, Final, Literal
from zipfile import BadZipFile, ZipFile

from rfmkit.exceptions import OrdersError, examples

Kind = Literal["text", "parquet", "json", "excel"]

PARQUET: Final = (".parquet", ".pq")
EXCEL: Final = (".xlsx", ".xlsm", ".xls")
JSON_LINES: Final = (".jsonl", ".ndjson", ".json")
TEXT: Final = (".csv", ".tsv", ".txt", ".dat", ".csv.gz", ".tsv.gz", ".txt.gz")
ENDINGS: Final[dict[Kind, tuple[str, ...]]] = {
    "parquet": PARQUET,
    "excel": EXCEL,
    "json": JSON_LINES,
    "text": TEXT,
}
ZIP: Final = b"PK\x03\x04"
OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
LOCK: Final = "~$"
"""Excel puts a small file whose name begins so beside a workbook that is open."""


def list_paths(source: Any) -> list[Path]:
    """Return the files of a path, a glob, a folder, or a list of them."""
    if isinstance(source, list | tuple):
        return [path for item in source for path in list_paths(item)]
    text = os.fspath(source)
    path = Path(text)
    if text and path.is_dir():
        return _in_folder(path)
    if text and path.exists():
        if not path.is_file():
            raise OrdersError(
                "The order log must be a file, which can be read more than once.",
                found=f"{text!r}, a pipe or a device",
                hint="save it to a file first.",
            )
        return [path]
    matches = glob.glob(text, recursive=True)  # noqa: PTH207 (a pattern with a folder of its own)
    files = _in_order_of_time([Path(match) for match in matches if Path(match).is_file()])
    if not files:
        raise OrdersError(
            "The order log must be an existing file, folder or glob.",
            found=f"nothing at {text!r}",
            hint=f"check the path; the working folder is {str(Path.cwd())!r}.",
        )
    return files


def _in_folder(folder: Path) -> list[Path]:
    files = _in_order_of_time([p for p in folder.iterdir() if kind_by_name(p) and p.is_file()])
    if not files:
        raise OrdersError(
            "A folder must hold CSV, Parquet, Excel or line-delimited JSON files.",
            found=f"none in {str(folder)!r}",
            hint="name the file, or a glob such as 'orders/*.csv'.",
        )
    return files


def _in_order_of_time(paths: list[Path]) -> list[Path]:
    return sorted((p for p in paths if not p.name.startswith(LOCK)), key=time_key)


def time_key(path: Path) -> tuple[object, ...]:
    """Return a key that sorts files in the order in which they were made, by their names.

    Numbers count as numbers, and a second download of a name comes after the first.

    >>> names = ["log 2024-10.csv", "log 2024-9 (1).csv", "log 2024-9.csv"]
    >>> [path.name for path in sorted(map(Path, names), key=time_key)]
    ['log 2024-9.csv', 'log 2024-9 (1).csv', 'log 2024-10.csv']
    """
    stem, again = re.fullmatch(r"(.*?)(?: ?\((\d+)\))?", path.stem, re.DOTALL).groups()  # type: ignore[union-attr]
    parts = [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", stem)]
    return str(path.parent), parts, int(again or 0), path.name


def notes_on_copies(paths: list[Path]) -> list[str]:
    """Return a note for each pair of files with the same bytes."""
    # Only files of the same size are compared byte for byte.
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


# --- kinds ---------------------------------------------------------------------------------------


def kind_by_name(path: Path) -> Kind | None:
    """Return the kind of file that the ending of a name promises."""
    name = path.name.lower()
    return next((kind for kind, endings in ENDINGS.items() if name.endswith(endings)), None)


def one_kind(paths: list[Path]) -> Kind:
    """Return the kind of the files of one log, and check that they are of one kind."""
    kinds = {kind_by_content(path) for path in paths}
    if len(kinds) > 1:
        raise OrdersError(
            "The files of one log must be of one kind.",
            found=f"{' and '.join(sorted(kinds))} among {examples([p.name for p in paths])}",
            hint="narrow the glob, for example 'orders/*.csv'.",
        )
    return kinds.pop()


def kind_by_content(path: Path) -> Kind:
    """Return the kind of a file by its first bytes, before its name: exports are often renamed."""
    head = first_bytes(path)
    # PAR1 begins every Parquet file. A workbook is a ZIP archive with a folder xl.
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(ZIP) and not _is_workbook(path):
        raise OrdersError(
            "The order log cannot be an archive.",
            found=f"the archive {path.name!r}",
            hint="unpack it first; a folder of files is read as one log.",
        )
    if head.startswith((ZIP, OLD_EXCEL)):
        return "excel"
    kind = kind_by_name(path) or "text"
    if re.match(rb"(\xef\xbb\xbf)?\s*<[?!a-zA-Z]", head):
        raise OrdersError(
            "The order log must be a table: CSV, Parquet, Excel or line-delimited JSON.",
            found=f"a web page or XML in {path.name!r}",
            hint="open it in a spreadsheet and save it as .xlsx or CSV; or, where it is an HTML "
            "table, pass pandas.read_html(...)[0].",
        )
    # Many shops name a text with tabs .xls, so that a click opens it in the spreadsheet.
    if kind == "parquet" or (kind == "excel" and (b"\x00" in head or not head.strip())):
        raise OrdersError(
            f"The content of {path.name} must be what its name says.",
            found=f"first bytes {head[:8]!r}, which no {kind} file starts with",
            hint="the download may be broken; fetch or export the file again.",
        )
    return "json" if kind == "json" else "text"


def _is_workbook(path: Path) -> bool:
    """Whether an archive is a workbook; one that cannot be opened may be a broken workbook."""
    try:
        with ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except BadZipFile:
        return path.name.lower().endswith(EXCEL)


def first_bytes(path: Path) -> bytes:
    """Return the first 64 bytes of a file."""
    with path.open("rb") as file:
        return file.read(64)
