"""File table: what the files of one log hold, as one table of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rfmkit.exceptions import ColumnsDifferError, examples

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit._engine.scan import TextScan, Unreadable


@dataclass(frozen=True)
class FileTable:
    """The rows of files, the lines that could not be read, and the time zones of columns.

    Where there are several files, the column `FILE` of the table says which a row came from.
    """

    table: ir.Table
    unreadable: list[Unreadable] = field(default_factory=list)
    zones: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    scan: TextScan | None = None
    """Text that has not been read yet: `hold` reads it and finds the unreadable lines."""

    def hold(self) -> FileTable:
        """Return the same with its text read, every column; other files are read already."""
        if self.scan is None:
            return self
        table, unreadable = self.scan.hold()
        return replace(self, table=table, unreadable=unreadable)


def check_same_columns(columns: list[tuple[str, tuple[str, ...]]]) -> None:
    """Check that files, each with the names of its columns, have the same columns."""
    first, names = columns[0]
    for other, theirs in columns:
        if set(theirs) != set(names):
            raise ColumnsDifferError(
                "All files of one log must have the same columns.",
                found=f"{first!r} and {other!r} differ in "
                f"{examples(sorted(set(names) ^ set(theirs)))}",
                hint="read them one by one, or narrow the glob.",
            )
