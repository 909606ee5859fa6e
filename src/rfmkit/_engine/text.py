"""Text files: delimiter and header, detected, and a form that the engine can read."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rfmkit import _checks as checks
from rfmkit._engine.encodings import copy_in, in_utf8, open_bytes, wrong_encoding
from rfmkit._engine.frames import distinct_names
from rfmkit.exceptions import OrdersError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

DELIMITERS = (",", "\t", ";", "|")
RUN_OF_SPACES = " "


@dataclass(frozen=True)
class PlainText:
    """A text file that the engine can read: UTF-8, with a delimiter of one character.

    `path` is the file of the caller; `readable` is that file, or a copy of it.
    """

    path: Path
    readable: Path
    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    skip: int
    """Number of blank lines before the first."""
    note: str
    """The encoding, where it had to be guessed."""
    is_valid: bool
    """Whether it is UTF-8 to its last byte, so that every cell can be decoded."""
    first_lines: tuple[str, ...]
    """The first lines that are not blank, with the header."""

    def first_cells(self, name: str) -> list[str]:
        """Return the first cells of a column; lines that are too short have none."""
        place = self.names.index(name)
        lines = (f"{line}\n" for line in self.first_lines)
        rows = list(csv.reader(lines, delimiter=self.delimiter))[self.has_header :]
        return [row[place] for row in rows if len(row) > place]


def plain_text(
    path: Path,
    folder: Path,
    *,
    encoding: str | None,
    delimiter: str | None,
    names: Sequence[str] | None,
) -> PlainText:
    """Return a text file in a form that the engine can read; a copy where that is needed."""
    checks.text("encoding", encoding)
    checks.text("delimiter", delimiter)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in "\r\n\"'"):
        raise OrdersError(
            "delimiter must be one character, and no quote or line break.",
            found=f"delimiter={delimiter!r}",
            hint="for example delimiter=';', or leave it out: it is detected.",
        )
    try:
        readable, is_valid, note = in_utf8(path, folder, encoding)
        # A file that was detected as UTF-8 may be cut off within its last character.
        skip, first_lines = _first_lines(readable, "strict" if encoding else "replace")
    except UnicodeError as error:
        raise wrong_encoding(path, encoding, error) from error
    except (EOFError, OSError) as error:
        raise OrdersError(
            f"{path.name!r} must be readable to its end.",
            found=str(error),
            hint="it may be cut off, or not be compressed; fetch it again.",
        ) from error
    if not first_lines:
        raise OrdersError(
            "An order log must hold a header line and orders.",
            found=f"{path.name!r} is empty",
            hint="the export may have failed; run it again.",
        )
    delimiter = delimiter or detect_delimiter(first_lines)
    columns = _column_names(_header(first_lines, delimiter), names, path)
    if delimiter == RUN_OF_SPACES:  # the engine splits at each single space
        readable, delimiter, is_valid = _squeeze(readable, folder), "\t", True
        first_lines = ["\t".join(line.split()) for line in first_lines]
    return PlainText(
        path, readable, delimiter, columns,
        has_header=names is None, skip=skip, note=note, is_valid=is_valid,
        first_lines=tuple(first_lines),
    )  # fmt: skip


def _column_names(
    header: Sequence[str], names: Sequence[str] | None, path: Path
) -> tuple[str, ...]:
    if names is not None and len({name.lower() for name in names}) < len(names):
        raise OrdersError(
            "names must differ from each other, whatever their case.",
            found=f"names={list(names)!r}",
            hint="give each column a name of its own.",
        )
    # A file that was saved twice may begin with two byte-order marks: decoding removes one.
    cells = [cell.strip().lstrip("\ufeff") for cell in header]
    columns = (
        tuple(names)
        if names is not None
        else distinct_names([cell or f"column{place}" for place, cell in enumerate(cells, 1)])
    )
    if len(columns) != len(header):
        raise OrdersError(
            "names must hold one name per column.",
            found=f"{len(columns)} names for {len(header)} columns in {path.name!r}",
            hint="count the columns of the first line, and check the delimiter.",
        )
    return columns


def detect_delimiter(lines: list[str]) -> str:
    """Return the delimiter that splits the first lines into equally many cells, and the most."""
    scores = {}
    for delimiter in DELIMITERS:
        widths = Counter(len(_cells(line, delimiter)) for line in lines)
        width, times = widths.most_common(1)[0]
        if width > 1:
            # First of all, the header must have as many cells as most lines.
            scores[delimiter] = (len(_cells(lines[0], delimiter)) == width, times, width)
    if scores:
        return max(scores, key=lambda delimiter: scores[delimiter])
    widths = Counter(len(line.split()) for line in lines)
    return RUN_OF_SPACES if widths.most_common(1)[0][0] > 1 else ","


def _header(lines: list[str], delimiter: str) -> list[str]:
    """Return the cells of the first record; a quoted name may hold a line break."""
    if delimiter == RUN_OF_SPACES:
        return lines[0].split()
    return next(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter), [])


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == RUN_OF_SPACES:
        return line.split()
    return next(csv.reader([line], delimiter=delimiter), [])


def _first_lines(path: Path, errors: str, count: int = 50) -> tuple[int, list[str]]:
    """Return the number of blank lines at the start, and the first lines that are not blank."""
    blank, first = 0, []
    with closing(_lines(path, errors)) as lines:
        for line in lines:
            if line.strip():
                first.append(line.rstrip("\r\n"))
            elif not first:
                blank += 1
            if len(first) == count:
                break
    return blank, first


def _lines(path: Path, errors: str) -> Generator[str]:
    with (
        open_bytes(path) as file,
        io.TextIOWrapper(file, encoding="utf-8-sig", errors=errors, newline="") as text,
    ):
        yield from text


def _squeeze(path: Path, folder: Path) -> Path:
    """Return the path of a copy with a tab in place of every run of spaces, written by line."""
    copy = copy_in(folder)
    with copy.open("w", encoding="utf-8", newline="") as out:
        for line in _lines(path, "replace"):
            out.write(re.sub(r"[ \t]+", "\t", line.strip()) + "\n")
    return copy
