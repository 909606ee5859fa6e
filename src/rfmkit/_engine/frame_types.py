"""Types of frames: a result has the kind of DataFrame from which its log was read.

`Orders` is generic in that kind, so that an editor completes ``rk.segment(orders).`` for the
library in use: ``rk.read_orders("orders.csv")`` is an ``Orders[pandas.DataFrame]``, and the log of
a polars frame an ``Orders[polars.DataFrame]``. Plain ``Orders`` stands for a log of any kind. Where
`output` changes the kind, say so: ``log: rk.Orders[polars.DataFrame] = rk.read_orders(...)``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeVar  # defaults, which Python has from 3.13 on

    class HasColumns(Protocol):
        """Any DataFrame, and no path: pandas, polars, Ibis, Spark, a relation of DuckDB."""

        @property
        def columns(self) -> Any:
            """The columns."""

    class HasSchema(Protocol):
        """Any Arrow data: a table, a batch, a reader, a data set."""

        @property
        def schema(self) -> Any:
            """The schema."""

    Frame = TypeVar("Frame", default=Any)
    SourceFrame = TypeVar("SourceFrame", bound=HasColumns | HasSchema, default=pd.DataFrame)
else:
    from typing import TypeVar

    Frame = TypeVar("Frame")
    SourceFrame = TypeVar("SourceFrame")

__all__ = ["Frame", "Paths", "SourceFrame"]

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A file, a glob, a folder, or several files."""
