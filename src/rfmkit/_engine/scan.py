"""A scan of text files: the columns that are read are held, the others stay in the file.

The engine reads every cell as text. Whether a cell is an amount or a moment is decided by the
forms below and never by what a release of the engine casts: some read ``epoch`` and ``infinity``
as moments. A column whose cells all have such a form is held as amounts or moments at once, which
saves a second look at its text.
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
"""The column with the number of the file that a row came from, counted from 0."""

ALIKE: Final = "rfmkit_alike"
"""The column that is the same for rows that are the same in every cell."""

ODD: Final = "rfmkit_odd"
"""The start of the names of columns that mark the cells which are not of the type of a column."""

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
# Whether a cell begins with a digit, as all forms above do and no word does. The format of
# strptime decides the rest: to match each cell with its pattern as well takes 0.15 s a million.
BEGINS_WITH_DIGIT: Final = "{cell} BETWEEN '0' AND ':'"
# A moment outside these limits comes from a year that does not have four digits.
FIRST_MOMENT: Final = "1901-01-01"
LAST_MOMENT: Final = "9999-12-31 23:59:59"
# The engine's own cast also reads 1_000, and a later release may read 0x10.
PLAIN_MONEY: Final = r"-?\d+(\.\d+)?"
# Such a dot is a decimal mark, and so are all dots of its column.
DECIMAL_DOT: Final = r".*\.(\d{1,2}|\d{4,})"
# The engine would set aside sixteen such lines for each buffer, and run out of a small memory.
MOST_LINE_BYTES: Final = 16_000_000


@dataclass(frozen=True)
class Unreadable:
    """A line of a text file that does not fit into the table."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class TextScan:
    """Text files of the same columns, as one table that is read when it is needed."""

    engine: Engine
    texts: tuple[PlainText, ...]
    stamps: tuple[tuple[int, int], ...]
    """Size and time of change of each file, when it was opened."""

    @classmethod
    def of(cls, engine: Engine, texts: tuple[PlainText, ...]) -> TextScan:
        """Return the scan of files as they are now."""
        return cls(engine, texts, tuple(_stamp(text.readable) for text in texts))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the files."""
        return self.texts[0].names

    def unread(self) -> ir.Table:
        """Return an empty table of the same columns: `hold` reads the files."""
        cells = ", ".join(f"NULL::VARCHAR AS {_name(name)}" for name in self.names)
        name = unique_name("text")
        with self.engine.running():
            self.engine.backend.con.execute(f'CREATE TEMP VIEW "{name}" AS SELECT {cells}')
            return self.engine.backend.table(name)

    def rows(self) -> ir.Table:
        """Return the rows as they stand in the files, which are read again."""
        for text, stamp in zip(self.texts, self.stamps, strict=True):
            if not text.readable.exists() or _stamp(text.readable) != stamp:
                raise OrdersError(
                    "To show rows as they stand, the file must be as it was when it was read.",
                    found=f"{text.path.name!r} has been changed or moved",
                    hint="read the log again: orders = rk.read_orders(...).",
                )
        return self._whole

    @cached_property
    def _whole(self) -> ir.Table:
        # Read in the same way as what is held: the engine has other ways to skip a torn line,
        # and one of them reads from an open quote to the end of the file.
        table, _ = self.hold()
        return table

    def hold(
        self, kinds: Mapping[str, str] | None = None, *, alike: bool = False
    ) -> tuple[ir.Table, list[Unreadable]]:
        """Return the columns, held in the engine, and the lines that do not fit into the table.

        `kinds` says of each column whether it holds money, time or text; the default is all
        columns, as text. Columns that begin with plain money or time are held as such at once;
        where a later cell of a column is of another form, the files are read again, with that
        column as text. With `alike` there is also the column `ALIKE`.
        """
        kinds = dict.fromkeys(self.names, "text") if kinds is None else kinds
        wanted = [name for name in self.names if name in kinds]
        hidden = ([FILE] if len(self.texts) > 1 else []) + ([ALIKE] if alike else [])
        with self.engine.running():
            try:
                typed = self._typed(kinds)
                stem = self._held(wanted, typed, alike=alike)
                while odd := self._odd_columns(stem, typed, kinds):
                    self.engine.backend.con.execute(f'DROP TABLE "{stem}"')
                    typed = {name: cell for name, cell in typed.items() if name not in odd}
                    stem = self._held(wanted, typed, alike=alike)
                unreadable = self._unreadable(stem)
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                raise not_readable("text", error) from error
            table = self.engine.backend.table(stem)
        return table.select(*wanted, *hidden), unreadable

    def _typed(self, kinds: Mapping[str, str]) -> dict[str, str]:
        """Return, as SQL, the values of the columns whose first cells are plain.

        All columns of time that are typed have one form.
        """
        typed: dict[str, str] = {}
        form = ""
        for name, kind in kinds.items():
            cells = [cell for text in self.texts for cell in text.first_cells(name) if cell]
            if kind == "money" and _all(PLAIN_MONEY, cells) and _any(DECIMAL_DOT, cells):
                typed[name] = _money(_name(name))
            found = next((form for cell, form in TIME_FORMS.items() if _all(cell, cells)), "")
            if kind == "time" and cells and found and form in ("", found):
                typed[name], form = _moment(_name(name), found), found
        return typed

    def _held(self, wanted: list[str], typed: Mapping[str, str], *, alike: bool) -> str:
        """Read the files into a table, and return its name."""
        # Invalid UTF-8 is found only in cells that are looked at. Where a file may have some,
        # every cell is looked at, so that the rows are the same whichever columns are held.
        valid = all(text.is_valid for text in self.texts)
        columns = [
            f"{typed.get(name, _name(name))} AS {_name(name)}"
            for name in (wanted if valid else self.names)
        ]
        columns += [
            f"({_name(name)} <> '' AND {cell} IS NULL) AS {ODD}_{place}"
            for place, (name, cell) in enumerate(typed.items())
        ]
        columns += [FILE] if len(self.texts) > 1 else []
        if alike:
            columns.append(f"hash({', '.join(map(_name, self.names))}) AS {ALIKE}")
        stem = unique_name("csv")
        rejects = [
            "store_rejects=true, rejects_limit=0, "
            f"rejects_table='{stem}_errors_{place}', rejects_scan='{stem}_scan_{place}'"
            for place in range(len(self.texts))
        ]
        rows = f"SELECT {', '.join(columns)} FROM ({self._scan(rejects)})"
        self.engine.backend.con.execute(f'CREATE TEMP TABLE "{stem}" AS {rows}')
        return stem

    def _odd_columns(
        self, stem: str, typed: Mapping[str, str], kinds: Mapping[str, str]
    ) -> set[str]:
        """Return the typed columns with a cell that is not of the form of the first ones."""
        if not typed:
            return set()
        usual = f"BETWEEN TIMESTAMP '{FIRST_MOMENT}' AND TIMESTAMP '{LAST_MOMENT}'"
        odd = [
            f"coalesce(bool_or({ODD}_{place}), false)"
            + (
                f" OR NOT coalesce(min({_name(name)}) {usual} AND max({_name(name)}) {usual}, true)"
                if kinds[name] == "time"
                else ""
            )
            for place, name in enumerate(typed)
        ]
        row = self.engine.backend.con.execute(f'SELECT {", ".join(odd)} FROM "{stem}"').fetchone()
        return {name for name, is_odd in zip(typed, row or (), strict=True) if is_odd}

    def _scan(self, rejects: Iterable[str]) -> str:
        """Return the reading of all files, as SQL: every cell as text, by the names of columns."""
        selects = []
        for place, (text, more) in enumerate(zip(self.texts, rejects, strict=True)):
            columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in text.names)
            hidden = f", {place}::INTEGER AS {FILE}" if len(self.texts) > 1 else ""
            selects.append(
                f"SELECT *{hidden} FROM read_csv({_quoted(literal(text.readable))}, "
                "auto_detect=false, hive_partitioning=false, "
                f"columns={{{columns}}}, delim={_quoted(text.delimiter)}, "
                f"header={text.has_header}, skip={text.skip}, "
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


def _money(cell: str) -> str:
    """Return the amount of a cell, as SQL: null where it is not plain."""
    # What looks at the text also keeps the engine from moving the cast into its reader of CSV.
    plain = f"regexp_full_match({cell}, {_quoted(PLAIN_MONEY)})"
    return f"CASE WHEN {plain} THEN try_cast({cell} AS {MONEY}) END"


def _moment(cell: str, form: str) -> str:
    """Return the moment of a cell, as SQL: null where it is not of a form."""
    begins = BEGINS_WITH_DIGIT.format(cell=cell)
    return f"CASE WHEN {begins} THEN try_strptime({cell}, {_quoted(form)}) END"


def _all(pattern: str, cells: Sequence[str]) -> bool:
    return all(re.fullmatch(pattern, cell) for cell in cells)


def _any(pattern: str, cells: Sequence[str]) -> bool:
    return any(re.fullmatch(pattern, cell) for cell in cells)


def not_readable(what: str, error: Exception) -> OrdersError:
    """Return the error for a file that is not of the format that it was taken for."""
    return OrdersError(
        f"The file must be readable as {what}.",
        found=str(error).strip().splitlines()[0],
        hint="open it once by hand: it may be cut off, or of another format than its name says.",
    )


def literal(path: Path) -> str:
    """Return the path as the engine names one file: brackets and stars would be a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
