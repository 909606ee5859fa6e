"""Text files as the engine scans them: the columns that count are held, the rest stays in the file.

Every cell is text first. A column whose every cell is plainly an amount or a moment is held as
such: that is the same as reading its text later, and costs no second look at it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import duckdb

from rfmkit._engine.backend import unique_name
from rfmkit.columns import MONEY
from rfmkit.exceptions import OrdersError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import ibis.expr.types as ir

    from rfmkit._engine.backend import Engine
    from rfmkit._engine.text import PlainText

FILE: Final = "rfmkit_file"
"""The column that tells which file a row came from: 0, 1, 2 in their order."""

ALIKE: Final = "rfmkit_alike"
"""The column that is the same for rows that are the same in every cell."""

# Moments written year first, in the forms that `rfmkit.formats._moments` reads as well.
TIME_FORMS: Final = {
    rf"\d{{4}}{mark}\d\d?{mark}\d\d?{cells}": f"%Y{sign}%m{sign}%d{clock}"
    for mark, sign in (("-", "-"), ("/", "/"), (r"\.", "."))
    for cells, clock in (
        (r" \d\d?:\d\d:\d\d", " %H:%M:%S"),
        (r" \d\d?:\d\d", " %H:%M"),
        ("", ""),
    )
}
# What the engine reads of a word (epoch, infinity) or of a year of two digits lies before.
FIRST_MOMENT: Final = "1901-01-01"
PLAIN_MONEY: Final = r"-?\d+(\.\d+)?"
# Such a dot parts no thousands, and so no dot of its column does.
DECIMAL_DOT: Final = r".*\.(\d{1,2}|\d{4,})"
MOST_REJECTS: Final = 100_000
# The engine would set aside sixteen such lines for each buffer, and run out of a small memory.
MOST_LINE_BYTES: Final = 16_000_000


@dataclass(frozen=True)
class Unreadable:
    """A line of a text file that has no place in the table."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class TextScan:
    """Text files of the same columns, as one table that is read when it is needed."""

    engine: Engine
    texts: tuple[PlainText, ...]
    stamps: tuple[tuple[int, int], ...]
    """Size and time of change of each file, when it was looked at."""

    @classmethod
    def of(cls, engine: Engine, texts: tuple[PlainText, ...]) -> TextScan:
        """Take note of files as they are now."""
        return cls(engine, texts, tuple(_stamp(text.readable) for text in texts))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the files."""
        return self.texts[0].names

    def unread(self) -> ir.Table:
        """Give a table of the same columns that nothing has been read into: see `hold`."""
        cells = ", ".join(f"NULL::VARCHAR AS {_name(name)}" for name in self.names)
        name = unique_name("text")
        with self.engine.running():
            self.engine.backend.con.execute(f'CREATE TEMP VIEW "{name}" AS SELECT {cells}')
            return self.engine.backend.table(name)

    def rows(self) -> ir.Table:
        """Give the rows as they stand in the files, which are read again."""
        for text, stamp in zip(self.texts, self.stamps, strict=True):
            if not text.readable.exists() or _stamp(text.readable) != stamp:
                raise OrdersError(
                    "The rows as they stand are in the file, which is as it was when it was read.",
                    found=f"{text.path.name!r} has been changed or moved",
                    hint="read the log again.",
                )
        return self._whole

    @cached_property
    def _whole(self) -> ir.Table:
        # Read just as it was for what is held: the engine has other ways to pass over a torn
        # line, and one of them takes an open quote to the end of the file.
        table, _ = self.hold()
        return table

    def hold(
        self, kinds: Mapping[str, str] | None = None, *, alike: bool = False
    ) -> tuple[ir.Table, list[Unreadable]]:
        """Hold columns in the engine, and give the lines that have no place in the table.

        `kinds` says of each column whether it holds money, time or text; the default is all
        columns, as text. Columns that begin with plain money or time are read as such at once;
        where a later cell of a column is of another form, the files are read again, with that
        column as text. With `alike` there is also the column `ALIKE`.
        """
        kinds = dict.fromkeys(self.names, "text") if kinds is None else kinds
        wanted = [name for name in self.names if name in kinds]
        hidden = ([FILE] if len(self.texts) > 1 else []) + ([ALIKE] if alike else [])
        with self.engine.running():
            try:
                types, form = self._types(kinds)
                stem = self._held(wanted, types, form, alike=alike)
                while odd := self._not_of_type(stem, types):
                    self.engine.backend.con.execute(f'DROP TABLE "{stem}"')
                    types = {name: kind for name, kind in types.items() if name not in odd}
                    stem = self._held(wanted, types, form, alike=alike)
                unreadable = self._unreadable(stem)
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                raise not_readable("text", error) from error
            table = self.engine.backend.table(stem)
        return table.select(*wanted, *hidden), unreadable

    def _types(self, kinds: Mapping[str, str]) -> tuple[dict[str, str], str]:
        """Guess types from the first lines: of the columns of time, those of one form."""
        types: dict[str, str] = {}
        form = ""
        for name, kind in kinds.items():
            cells = [cell for text in self.texts for cell in text.first_cells(name) if cell]
            if kind == "money" and _all(PLAIN_MONEY, cells) and _any(DECIMAL_DOT, cells):
                types[name] = MONEY
            found = next((form for cell, form in TIME_FORMS.items() if _all(cell, cells)), "")
            if kind == "time" and cells and found and form in ("", found):
                types[name], form = "TIMESTAMP", found
        return types, form

    def _held(self, wanted: list[str], types: Mapping[str, str], form: str, *, alike: bool) -> str:
        """Read into a table, and give its name."""
        # Cells that are not looked at are not found to be no UTF-8: where there may be such,
        # each is looked at, so that the rows are the same whichever columns are held.
        valid = all(text.is_valid for text in self.texts)
        columns = [_name(name) for name in (wanted if valid else self.names)]
        columns += [FILE] if len(self.texts) > 1 else []
        if alike:
            columns.append(f"hash({', '.join(map(_name, self.names))}) AS {ALIKE}")
        stem = unique_name("csv")
        rejects = [
            f"store_rejects=true, rejects_limit={MOST_REJECTS if types else 0}, "
            f"rejects_table='{stem}_errors_{place}', rejects_scan='{stem}_scan_{place}'"
            for place in range(len(self.texts))
        ]
        execute = self.engine.backend.con.execute
        scan = self._scan(rejects, types, form)
        execute(f'CREATE TEMP TABLE "{stem}" AS SELECT {", ".join(columns)} FROM ({scan})')
        return stem

    def _not_of_type(self, stem: str, types: Mapping[str, str]) -> set[str]:
        """Give the columns in which a cell was not of its type; all, where too many were not."""
        if not types:
            return set()
        odd: set[str] = set()
        for place in range(len(self.texts)):
            errors = f"FROM {stem}_errors_{place}"
            if self.engine.scalar_sql(f"SELECT count(*) >= {MOST_REJECTS} {errors}"):
                return set(types)
            # A torn line may also have a cell that is not of its type.
            whole = f"{errors} GROUP BY line HAVING bool_and(error_type::VARCHAR = 'CAST')"
            names = f"SELECT DISTINCT column_name {errors} WHERE line IN (SELECT line {whole})"
            odd |= {name for (name,) in self.engine.backend.con.execute(names).fetchall()}
        # Should the engine call a column otherwise than the file, none is trusted.
        return (odd if odd <= types.keys() else set(types)) or self._with_early(stem, types)

    def _with_early(self, stem: str, types: Mapping[str, str]) -> set[str]:
        """Give the columns of time in which a word or a short year was read as a moment."""
        times = [name for name, kind in types.items() if kind == "TIMESTAMP"]
        early = f"min({{}}) < TIMESTAMP '{FIRST_MOMENT}'"
        return {
            name
            for name in times
            if self.engine.scalar_sql(f'SELECT {early.format(_name(name))} FROM "{stem}"')
        }

    def _scan(self, rejects: Iterable[str], types: Mapping[str, str], form: str) -> str:
        """Write the reading of all files as SQL: by the names of their columns."""
        selects = []
        for place, (text, more) in enumerate(zip(self.texts, rejects, strict=True)):
            columns = ", ".join(
                f"{_quoted(name)}: '{types.get(name, 'VARCHAR')}'" for name in text.names
            )
            hidden = f", {place}::INTEGER AS {FILE}" if len(self.texts) > 1 else ""
            selects.append(
                f"SELECT *{hidden} FROM read_csv({_quoted(literal(text.readable))}, "
                "auto_detect=false, hive_partitioning=false, "
                f"columns={{{columns}}}, delim={_quoted(text.delimiter)}, "
                f"header={text.has_header}, skip={text.skip}, "
                f"{f'timestampformat={_quoted(form)}, ' if form else ''}"
                f"quote='\"', escape='\"', strict_mode=true, "
                f"max_line_size={MOST_LINE_BYTES}, buffer_size={2 * MOST_LINE_BYTES}, {more})"
            )
        return " UNION ALL BY NAME ".join(selects)

    def _unreadable(self, stem: str) -> list[Unreadable]:
        return [
            Unreadable(text.path.name, line, cells or "")
            for place, text in enumerate(self.texts)
            for line, cells in self.engine.backend.con.execute(
                f"SELECT line, min(csv_line) FROM {stem}_errors_{place} GROUP BY line ORDER BY line"
            ).fetchall()
        ]


def _all(pattern: str, cells: Sequence[str]) -> bool:
    return all(re.fullmatch(pattern, cell) for cell in cells)


def _any(pattern: str, cells: Sequence[str]) -> bool:
    return any(re.fullmatch(pattern, cell) for cell in cells)


def not_readable(what: str, error: Exception) -> OrdersError:
    """Say that a file is not of the format that it was taken for."""
    return OrdersError(
        f"The file is readable as {what}.",
        found=str(error).strip().splitlines()[0],
        hint="open it once by hand: it may be cut off, or of another format than its name says.",
    )


def literal(path: Path) -> str:
    """Name one file: the engine would take brackets and stars for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
