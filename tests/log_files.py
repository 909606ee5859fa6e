"""Files of a small log, for the tests of the modules that read files."""

from pathlib import Path

import pandas as pd

from rfmkit._engine.files import read_paths
from rfmkit._engine.scan import FILE

ROWS = [("a", "2024-01-01", "1.50"), ("b", "2024-01-02", "2")]
NAMES = ("customer", "date", "total")
CSV = "customer,date,total\na,2024-01-01,1.50\nb,2024-01-02,2\n"
FRAME = pd.DataFrame(ROWS, columns=list(NAMES))


def read(engine, source, *, encoding=None, delimiter=None, names=None):
    found = read_paths(engine, source, encoding=encoding, delimiter=delimiter, names=names).hold()
    table = found.table.drop(FILE) if len(found.files) > 1 else found.table
    rows = [tuple(row.values()) for row in engine.arrow(table).to_pylist()]
    return table.columns, rows, found.unreadable


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame in the form that the name of a file says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True, force_ascii=False)
        case _:
            frame.to_excel(path, index=False)
