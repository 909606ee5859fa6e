"""Excel workbooks: one sheet of each file, as one table of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rfmkit._engine.file_table import FileTable, check_same_columns
from rfmkit._engine.frames import to_arrow
from rfmkit._engine.paths import OLD_EXCEL, first_bytes
from rfmkit._engine.scan import FILE, not_readable
from rfmkit.exceptions import MissingExtraError, OrdersError, examples, warn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from rfmkit._engine.backend import Engine


def read_excel(engine: Engine, paths: list[Path], names: tuple[str, ...]) -> FileTable:
    """Return the rows of workbooks: of each, the first sheet among `names`, else the first."""
    import pandas as pd

    sheets: list[pd.DataFrame] = []
    notes: list[str] = []
    alike: dict[str, list[str]] = {}
    try:
        for path in paths:
            with pd.ExcelFile(path) as book:
                chosen = next((n for n in book.sheet_names if n in names), book.sheet_names[0])
                # dtype=object: ids and dates stay as they are, and are parsed with the column.
                sheets.append(pd.read_excel(book, sheet_name=chosen, dtype=object))
                others = [name for name in book.sheet_names if name != chosen]
                if others:
                    listed = ", ".join(map(repr, others))
                    notes.append(f"{path.name}: the sheet {chosen!r}, and not {listed}")
                if chosen not in names:
                    alike[path.name] = _same_headings(book, sheets[-1], others)
    except ImportError as error:
        raise _missing_openpyxl(paths, error) from error
    except Exception as error:
        raise not_readable("Excel (.xlsx)", error) from error
    _warn_of_sheets_left_out(alike)
    columns = [tuple(map(str, sheet.columns)) for sheet in sheets]
    check_same_columns(list(zip((path.name for path in paths), columns, strict=True)))
    table = engine.register(to_arrow(_stacked(sheets), "pandas"), freed=False)
    return FileTable(table, notes=tuple(notes))


def _same_headings(book: pd.ExcelFile, read: pd.DataFrame, others: list[Any]) -> list[str]:
    """Return the names of other sheets with the headings of the one that was read."""
    import pandas as pd

    heads = {name: pd.read_excel(book, sheet_name=name, nrows=0) for name in others}
    return [str(name) for name, head in heads.items() if read.columns.equals(head.columns)]


def _missing_openpyxl(paths: list[Path], error: ImportError) -> OrdersError | MissingExtraError:
    # pandas asks for another package where a workbook is of the format before 2007.
    if any(first_bytes(path).startswith(OLD_EXCEL) for path in paths):
        return OrdersError(
            "Excel files must be of the present format, .xlsx.",
            found=f"an old workbook among {examples([path.name for path in paths])}",
            hint="open it and save it as .xlsx, or as CSV.",
        )
    return MissingExtraError(
        "Excel files need openpyxl.", found=str(error), hint='pip install "rfmkit[excel]".'
    )


def _warn_of_sheets_left_out(alike: Mapping[str, list[str]]) -> None:
    """Warn of sheets that look like more of the same log."""
    for file, sheets in alike.items():
        if sheets:
            warn(
                f"One sheet of {file} was read; {examples(sheets)} with the same columns "
                f"{'was' if len(sheets) == 1 else 'were'} not.",
                hint="if they hold more orders, pass them all: "
                f"pd.concat(pd.read_excel({file!r}, sheet_name=None)).",
            )


def _stacked(sheets: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all sheets; of several, with the number of the file of each row."""
    import pandas as pd

    whole = pd.concat(sheets, ignore_index=True)
    if not len(whole.columns):
        raise OrdersError(
            "The first sheet must hold orders.",
            found="an empty sheet",
            hint="move the sheet with the orders to the front, or save it as CSV.",
        )
    if len(sheets) > 1:
        whole[FILE] = np.repeat(np.arange(len(sheets), dtype="int32"), list(map(len, sheets)))
    return whole
