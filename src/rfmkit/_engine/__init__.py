"""Engines and kinds of DataFrames: the only package that imports an engine by name.

The packages above use Ibis expressions. Here a source of any kind becomes an Ibis table
(``open_source``), and a result is converted to the kind of the source (``Engine.deliver``).
"""

from rfmkit._engine.backend import Engine
from rfmkit._engine.frames import kind_of
from rfmkit._engine.paths import list_paths
from rfmkit._engine.scan import ALIKE, FILE
from rfmkit._engine.source import (
    KINDS,
    ROW,
    Source,
    is_paths,
    open_beside,
    open_frame,
    open_source,
    over_rows,
)  # fmt: skip

__all__ = [
    "ALIKE", "FILE", "KINDS", "ROW", "Engine", "Source", "is_paths", "kind_of", "list_paths",
    "open_beside", "open_frame", "open_source", "over_rows",
]  # fmt: skip
