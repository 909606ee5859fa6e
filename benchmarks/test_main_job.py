"""The main job against SQL by hand and idiomatic pandas, as ratios of one run.

    python benchmarks/make_orders.py 10_000_000 orders.parquet
    RFMKIT_BENCH_LOG=orders.parquet python -m pytest benchmarks --benchmark-sort=mean

pytest-benchmark prints each contender's time relative to the fastest; peak memory is in the table's
extra information (--benchmark-json). Contenders are processes of their own, run in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CONTENDERS = ["duckdb_by_hand", "rfmkit_segment", "pandas_summary"]


@pytest.fixture
def log() -> str:
    path = os.environ.get("RFMKIT_BENCH_LOG")
    if path is None:
        pytest.skip("make a log first: see the top of this file")
    return path


@pytest.mark.benchmark(group="log to one row a customer, Parquet to Parquet, two threads")
@pytest.mark.parametrize("contender", CONTENDERS)
def test_main_job(benchmark, contender: str, log: str, tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "contenders.py"), contender, log]

    def run() -> dict[str, float]:
        done = subprocess.run(
            [*command, str(tmp_path / "out.parquet")], check=True, capture_output=True
        )
        return json.loads(done.stdout)

    benchmark.extra_info |= benchmark.pedantic(run, rounds=3, warmup_rounds=1)
