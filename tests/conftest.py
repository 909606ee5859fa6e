"""Fixtures that several test modules share."""

from __future__ import annotations

import datetime as dt
import gc
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import settings

import rfmkit as rk
from rfmkit._engine import Engine
from rfmkit.exceptions import NotEnoughHistoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # Spark's workers need rfmkit as well
CHECKOUT = Path(__file__).resolve().parents[1]
# The examples are the same in every run, so that a red run can be repeated. HYPOTHESIS_PROFILE=free
# draws new ones; .ci/run does so in a job of its own.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("free", deadline=None)  # a busy machine fails no test
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
SEED = 20261122

DAYS = ("origin", "day")
KINDS = ("pandas", "polars", "polars_lazy", "pyarrow", "duckdb", "ibis", "csv", "parquet")


if "PYTEST_XDIST_WORKER" in os.environ:
    # Several workers whose engines each want every core spend their time waiting for each other.
    _connect = Engine.embedded_duckdb.__func__

    def _one_thread(
        cls: type[Engine], *, memory_limit: str | None = None, threads: int | None = None
    ) -> Engine:
        if memory_limit is None and threads is None:
            threads = 1
        return _connect(cls, memory_limit=memory_limit, threads=threads)

    Engine.embedded_duckdb = classmethod(_one_thread)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Shuffle the tests in the same order in every run, unless --randomly-seed asks for another."""
    if config.getoption("randomly_seed", None) == "default":
        config.option.randomly_seed = SEED


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what lives as long as the run: a tenth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the Spark tests to one worker, so that only one Java runtime starts."""
    for item in items:
        if item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.xdist_group("spark"))


@pytest.fixture(scope="session")
def sample() -> pd.DataFrame:
    """The bundled sample; never to be changed."""
    return rk.load_sample("orders")


@pytest.fixture(scope="session")
def orders(sample: pd.DataFrame) -> Any:
    """The bundled sample, read."""
    return rk.read_orders(sample)


@pytest.fixture(scope="session")
def customers(orders: Any) -> pd.DataFrame:
    """The customers of the bundled sample."""
    return rk.summarize(orders)


@pytest.fixture(scope="session")
def engine() -> Engine:
    """An embedded engine, for tests that go below `read_orders`."""
    return Engine.embedded_duckdb(threads=1)


@pytest.fixture
def as_kind(tmp_path: Path) -> Callable[[pd.DataFrame, str], Any]:
    """Turn a pandas frame into a source of another kind."""
    connections = []  # with DuckDB 1.3 a relation does not keep its own

    def convert(frame: pd.DataFrame, kind: str) -> Any:  # noqa: PLR0911 (one line a kind)
        match kind:
            case "pandas":
                return frame.copy()
            case "polars":
                return pl.from_pandas(frame)
            case "polars_lazy":
                return pl.from_pandas(frame).lazy()
            case "pyarrow":
                return pa.Table.from_pandas(frame, preserve_index=False)
            case "duckdb":
                connections.append(duckdb.connect())
                return connections[-1].from_arrow(pa.Table.from_pandas(frame, preserve_index=False))
            case "ibis":
                return ibis.memtable(frame)
            case "csv":
                path = tmp_path / "orders.csv"
                frame.to_csv(path, index=False)
                return path
            case "parquet":
                path = tmp_path / "orders.parquet"
                frame.to_parquet(path, index=False)
                return path
        raise ValueError(kind)

    return convert


@pytest.fixture
def ax() -> Any:
    """Axes to draw on, which no window shows."""
    from matplotlib.figure import Figure

    return Figure().subplots()


@pytest.fixture
def no_figure_is_left() -> Iterator[None]:
    """No figure is open before a test, and those that the test opens are closed after it."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []
    yield
    plt.close("all")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of a name and a content below the folder of the test."""

    def make(name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real logs; tests that need it are marked `real`."""
    folder = Path(os.environ.get("RFMKIT_REAL_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real logs at {folder}: set RFMKIT_REAL_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A local Spark session; tests that need it are marked `spark`."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, and none is on this machine")
    sql = pytest.importorskip("pyspark.sql", reason="Spark tests need rfmkit[spark]")
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")  # quicker when short
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    yield session
    session.stop()


def log(**columns: Any) -> pd.DataFrame:
    """A log of the columns given; where they are not given, customers, dates, amounts are good."""
    rows = len(next(iter(columns.values())))
    good = {"customer": ["a"] * rows, "date": ["2024-01-01"] * rows, "total": [1.0] * rows}
    return pd.DataFrame(good | columns)


def audited(orders: Any) -> dict[str, tuple[int, Decimal]]:
    """The audit of a log read from pandas: rows and money of each rule."""
    audit = orders.audit.to_frame()
    lines = zip(audit["rule"], audit["rows"], audit["amount"], strict=True)
    return {rule: (rows, amount) for rule, rows, amount in lines}


class Constant:
    """A model that says one probability of everybody; it needs some days of log."""

    def __init__(self, chance: float = 0.5, needs: int = 0) -> None:
        self.chance = chance
        self.needs = needs

    def fit(self, orders: rk.Orders) -> Constant:
        if (orders.as_of - dt.date(2023, 1, 1)).days < self.needs:
            raise NotEnoughHistoryError("The log is longer.", found=f"{orders.as_of}")
        return self

    def predict_churn(self, orders: rk.Orders, *, horizon_days: int) -> pd.DataFrame:  # noqa: ARG002
        return rk.summarize(orders)[["customer_id"]].assign(churn_probability=self.chance)


def plain(frame: Any) -> pd.DataFrame:
    """Any result as pandas, ordered by customer, in dtypes that do not depend on its kind."""
    match type(frame).__module__.split(".")[0]:
        case "polars":
            frame = frame.lazy().collect().to_pandas()
        case "pyspark":
            frame = frame.toPandas()
        case "duckdb" | "_duckdb":
            frame = frame.to_arrow_table().to_pandas()
        case "pyarrow" | "ibis":
            frame = frame.to_pandas()
    if "customer_id" in frame:
        frame = frame.sort_values("customer_id", kind="stable")
    frame = frame.reset_index(drop=True)
    for name in frame:
        column = frame[name]
        if name.endswith("_purchase") or name.startswith("next_purchase") or name in DAYS:
            frame[name] = pd.to_datetime(column).astype("datetime64[us]")
        elif pd.api.types.is_numeric_dtype(column):
            frame[name] = column.astype("float64")
        else:
            frame[name] = column.astype(object).where(column.notna(), None)
    return frame
