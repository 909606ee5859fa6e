"""Output files: which kinds there are, how each is written, and checks of the target."""

from __future__ import annotations

import glob
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rfmkit import _checks as checks
from rfmkit.cli._excel import check_length, check_openpyxl, write_workbook
from rfmkit.columns import COLUMNS
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa

MONEY_PLACES: Final = 2
OTHER_PLACES: Final = 4
BATCH_ROWS: Final = 10_000
MONEY_COLUMNS: Final = frozenset(column.name for column in COLUMNS if column.unit == "money")


def _sorted(table: ir.Table) -> ir.Table:
    return table.order_by("customer_id")


def rounded(table: ir.Table) -> ir.Table:
    """Return the table with money in cents, and other fractions to four digits."""
    schema = table.schema()
    places = {
        name: MONEY_PLACES if name in MONEY_COLUMNS else OTHER_PLACES
        for name in table.columns
        if schema[name].is_floating()
    }
    return table.mutate(**{name: table[name].round(digits) for name, digits in places.items()})


def _write_excel(table: ir.Table, path: Path) -> None:
    check_length(table.count().to_pyarrow().as_py())
    customers = _sorted(rounded(table)).to_pyarrow()
    write_workbook(path, customers.column_names, _rows(customers), sheet="segments")


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Return the rows one by one; only a batch of them are Python objects at a time."""
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        yield from zip(*batch.to_pydict().values(), strict=True)


def _write_json(audit: pd.DataFrame, path: Path) -> None:
    # JSON has no decimals: money is the nearest double, with at most its four places.
    plain = audit.astype({"amount": float})
    plain.to_json(path, orient="records", indent=2, force_ascii=False)


def _write_audit_in_excel(audit: pd.DataFrame, path: Path) -> None:
    rows = audit.itertuples(index=False, name=None)
    write_workbook(path, list(audit.columns), rows, sheet="audit")


TABLE_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".parquet": lambda table, path: _sorted(table).to_parquet(path),
    ".pq": lambda table, path: _sorted(table).to_parquet(path),
    ".csv": lambda table, path: _sorted(rounded(table)).to_csv(path),
    ".xlsx": _write_excel,
}
"""How the customers, an Ibis table, are written, by the ending of the file."""
AUDIT_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".csv": lambda audit, path: audit.to_csv(path, index=False),
    ".parquet": lambda audit, path: audit.to_parquet(path, index=False),
    ".pq": lambda audit, path: audit.to_parquet(path, index=False),
    ".json": _write_json,
    ".xlsx": _write_audit_in_excel,
}
"""How the audit, a pandas frame, is written. Nothing is rounded: its lines must add up."""


def choose_writer(
    out: Path | None, source: str, writers: Mapping[str, Callable[[Any, Path], None]]
) -> Callable[[Any, Path], None]:
    """Return how the target is written; check it before the work, not after."""
    if out is None:
        return next(iter(writers.values()))
    ending = out.suffix.lower()
    if ending not in writers:
        endings = [known for known in writers if known != ".pq"]
        near = checks.nearest(ending, endings)
        better = out.parent / f"{out.stem or 'out'}{near or endings[0]}"
        raise RfmkitError(
            f"--out must end in {', '.join(endings[:-1])} or {endings[-1]}.",
            found=f"--out {out}",
            hint=f"did you mean --out {better}?" if near else f"for example --out {better}.",
        )
    if ending == ".xlsx":
        check_openpyxl()
    _check_target(out, source)
    return writers[ending]


def _check_target(out: Path, source: str) -> None:
    if out.exists() and not out.is_file():
        raise RfmkitError(
            "--out must be a file.",
            found=f"{str(out)!r}, a folder or a device",
            hint="name a file in it or beside it.",
        )
    if not out.parent.is_dir():
        raise RfmkitError(
            "--out must be in an existing folder.",
            found=f"no folder {str(out.parent)!r}",
            hint=f"make the folder first: mkdir -p {out.parent}",
        )
    read = [Path(source), *map(Path, glob.glob(source))]  # noqa: PTH207 (as the log is found)
    if out.exists() and any(path.exists() and path.samefile(out) for path in read):
        raise RfmkitError(
            "--out must be another file than the log.",
            found=f"the log itself, {str(out)!r}",
            hint="name another file; the result would overwrite the orders.",
        )


def atomically(out: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside the target and rename it, so that nobody reads half a file."""
    out = out.resolve()  # a link stays a link
    handle, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=out.suffix, dir=out.parent)
    os.close(handle)
    path = Path(name)
    try:
        write(path)
        mask = os.umask(0)
        os.umask(mask)
        path.chmod(0o666 & ~mask)  # a temporary file is private; the result is not
        path.replace(out)
    finally:
        path.unlink(missing_ok=True)
