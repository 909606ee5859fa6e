"""Excel workbooks: a table written row by row, so that it is never in memory as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rfmkit.exceptions import MissingExtraError, RfmkitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MOST_ROWS: Final = 1_048_575
"""Rows of a sheet below its row of headings."""
LEAST_INEXACT: Final = 10**15
"""Excel keeps 15 digits of a number: the id 1234567890123456 would become ...450."""


def check_openpyxl() -> None:
    """Check that the library that writes workbooks is installed."""
    try:
        import openpyxl  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "Excel files need openpyxl.", found=str(error), hint='pip install "rfmkit[excel]".'
        ) from error


def check_length(rows: int) -> None:
    """Check that a sheet can hold so many rows."""
    if rows > MOST_ROWS:
        raise RfmkitError(
            f"An Excel sheet cannot hold more than {MOST_ROWS:,} rows.",
            found=f"{rows:,} rows",
            hint="write Parquet or CSV, for example --out segments.parquet.",
        )


def write_workbook(
    path: Path, headings: Sequence[str], rows: Iterable[Sequence[Any]], *, sheet: str
) -> None:
    """Write a workbook of one sheet, whose first row holds the headings."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.freeze_panes = "A2"  # the headings stay in view
    page.append(headings)
    for row in rows:
        page.append([_cell(page, value) for value in row])
    book.save(path)


def _cell(page: Any, value: Any) -> Any:
    """Return a cell that Excel shows as it is: text is never a formula, an id keeps its digits."""
    if isinstance(value, int) and abs(value) >= LEAST_INEXACT:
        return str(value)
    if not isinstance(value, str):
        return None if value != value else value  # noqa: PLR0124 (NaN)
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    text = ILLEGAL_CHARACTERS_RE.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
    if not text.startswith(("=", "#")):
        return text
    cell = WriteOnlyCell(page, value=text)
    cell.data_type = "s"  # openpyxl takes "=1+1" for a formula and "#N/A" for an error
    return cell
