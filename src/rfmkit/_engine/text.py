"""Text files: which encoding, which delimiter, which header; made plain for the engine."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rfmkit import checks
from rfmkit._engine.backend import unique_name
from rfmkit._engine.frames import distinct_names
from rfmkit.exceptions import OrdersError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

HEAD_BYTES = 1 << 20
DELIMITERS = (",", "\t", ";", "|")
RUN_OF_SPACES = " "
BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


@dataclass(frozen=True)
class PlainText:
    """A text file as the engine can read it: UTF-8, one-character delimiter, known columns."""

    path: Path
    readable: Path
    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    skip: int
    """Blank lines before the first."""
    note: str
    """How it is written, where that had to be guessed."""


def plain_text(
    path: Path,
    folder: Path,
    *,
    encoding: str | None,
    delimiter: str | None,
    names: Sequence[str] | None,
) -> PlainText:
    """Find out how a text file is written; where the engine cannot read it so, rewrite it."""
    checks.text("encoding", encoding)
    checks.text("delimiter", delimiter)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in "\r\n\"'"):
        raise OrdersError("delimiter= is one character.", found=f"delimiter={delimiter!r}")
    try:
        # A file that was found to be UTF-8 may be cut off within its last character.
        errors, guessed = ("strict", "") if encoding else ("replace", "guessed")
        encoding = encoding or detect_encoding(path)
        skip, first_lines = _first_lines(path, encoding, errors)
    except (EOFError, OSError) as error:
        raise OrdersError(
            f"{path.name!r} can be read to its end.",
            found=str(error),
            hint="it may be cut off, or not be compressed; fetch it again.",
        ) from error
    if not first_lines:
        raise OrdersError(
            "An order log holds a header line and orders.",
            found=f"{path.name!r} is empty",
            hint="the export may have failed; run it again.",
        )
    delimiter = delimiter or detect_delimiter(first_lines)
    header = _header(first_lines, delimiter)
    if names is not None and len({name.lower() for name in names}) < len(names):
        raise OrdersError("names= are different names.", found=repr(list(names)))
    columns = (
        tuple(names)
        if names is not None
        else distinct_names(
            [
                cell.strip().lstrip("\ufeff") or f"column{place}"
                for place, cell in enumerate(header, 1)
            ]
        )
    )
    if len(columns) != len(header):
        raise OrdersError(
            "names= gives one name a column.",
            found=f"{len(columns)} names for {len(header)} columns in {path.name!r}",
        )
    readable = path
    if delimiter == RUN_OF_SPACES:
        readable = _rewrite(path, folder, encoding, errors, squeeze=True)
        delimiter = "\t"
    elif encoding not in ("utf-8", "utf-8-sig"):
        readable = _rewrite(path, folder, encoding, errors, squeeze=False)
    strange = guessed and encoding not in ("utf-8", "utf-8-sig")
    note = f"{path.name}: read as {encoding}; encoding= names another" if strange else ""
    return PlainText(
        path, readable, delimiter, columns, has_header=names is None, skip=skip, note=note
    )


def detect_encoding(path: Path) -> str:
    """Find UTF-8 where the whole file is; else GB18030 where the whole file is; else raise.

    UTF-8 rejects what is not its own. GB18030 does so less surely: a Western file may pass for it
    and show Chinese characters, which ``encoding="cp1252"`` prevents.
    """
    with _open(path) as file:
        head = file.read(HEAD_BYTES)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    if b"\x00" in head:
        raise OrdersError(
            "A text file holds text.",
            found=f"{path.name!r} holds zero bytes: it is binary",
            hint="export the orders as CSV, Parquet or Excel.",
        )
    for encoding in ("utf-8", "gb18030"):
        if _decodes(path, encoding):
            return encoding
    raise OrdersError(
        "A text file is UTF-8 (with or without a byte-order mark), UTF-16 or GB18030.",
        found=f"{path.name!r} is none of them",
        hint="name its encoding, for instance encoding='cp1252' or 'shift_jis'.",
    )


def _decodes(path: Path, encoding: str) -> bool:
    import codecs

    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with _open(path) as file:
            while block := file.read(HEAD_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=encoding != "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def detect_delimiter(lines: list[str]) -> str:
    """Find the delimiter that cuts the first lines into equally many cells, and the most."""
    scores = {}
    for delimiter in DELIMITERS:
        widths = Counter(len(_cells(line, delimiter)) for line in lines)
        width, times = widths.most_common(1)[0]
        if width > 1:
            scores[delimiter] = (len(_cells(lines[0], delimiter)) == width, times, width)
    if scores:
        return max(scores, key=lambda delimiter: scores[delimiter])
    widths = Counter(len(line.split()) for line in lines)
    return RUN_OF_SPACES if widths.most_common(1)[0][0] > 1 else ","


def _header(lines: list[str], delimiter: str) -> list[str]:
    """Read the first record; a quoted name may hold a line break."""
    if delimiter == RUN_OF_SPACES:
        return lines[0].split()
    return next(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter), [])


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == RUN_OF_SPACES:
        return line.split()
    return next(csv.reader([line], delimiter=delimiter), [])


def _first_lines(path: Path, encoding: str, errors: str, count: int = 50) -> tuple[int, list[str]]:
    """Give how many blank lines the file begins with, and the first lines that are not blank."""
    blank, first = 0, []
    with closing(_lines(path, encoding, errors)) as lines:
        for line in lines:
            if line.strip():
                first.append(line.rstrip("\r\n"))
            elif not first:
                blank += 1
            if len(first) == count:
                break
    return blank, first


def _lines(path: Path, encoding: str, errors: str) -> Generator[str]:
    import io

    with ExitStack() as files:
        try:
            file = files.enter_context(_open(path))
            text = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
            yield from files.enter_context(text)
        except LookupError as error:
            raise OrdersError("encoding= names a codec.", found=f"{encoding!r}") from error
        except UnicodeError as error:
            raise OrdersError(
                f"{path.name!r} is text in the encoding {encoding!r}.",
                found=str(error),
                hint="leave encoding= out to have UTF-8 and GB18030 tried, or name another.",
            ) from error


def _rewrite(path: Path, folder: Path, encoding: str, errors: str, *, squeeze: bool) -> Path:
    """Write a UTF-8 copy beside the engine's temporary files; a block at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{unique_name('text')}.csv"
    with copy.open("w", encoding="utf-8", newline="") as out:
        for line in _lines(path, encoding, errors):
            out.write(re.sub(r"[ \t]+", "\t", line.strip()) + "\n" if squeeze else line)
    return copy


def _open(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
