"""Compare the contenders in turn, and how time grows: python benchmarks/compare.py LOG [LOG ...].

For each log, every contender is run in turn (A B C, A B C, ...) and its median time of the job
itself given, with ratios run by run. With several logs of different sizes, the exponent e of
time ~ orders ** e between the smallest and the largest.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

HERE = Path(__file__).parent
ROUNDS = 3


def run(contender: str, log: str, out: str) -> dict[str, float]:
    command = [sys.executable, str(HERE / "contenders.py"), contender, log, out]
    done = subprocess.run(command, check=True, capture_output=True)
    return json.loads(done.stdout)


def main(logs: list[str], contenders: list[str], rounds: int) -> None:
    times: dict[int, float] = {}
    for log in logs:
        rows = pq.read_metadata(log).num_rows
        found: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(rounds):
                for name in contenders:
                    found[name].append(run(name, log, f"{folder}/out.parquet"))
        print(f"{log}: {rows:,} orders, {rounds} rounds")
        for name, runs in found.items():
            seconds = statistics.median(run["seconds"] for run in runs)
            whole = statistics.median(run["with_imports"] for run in runs)
            peak = max(run["peak_mb"] for run in runs)
            pairs = zip(runs, found[contenders[0]], strict=True)
            ratio = statistics.median(mine["seconds"] / first["seconds"] for mine, first in pairs)
            print(
                f"  {name:20} {seconds:8.2f} s  {whole:8.2f} s with imports  {peak:7,.0f} MB peak"
                f"  {ratio:6.2f} x {contenders[0]}"
            )
            if name.startswith("rfmkit"):
                times[rows] = seconds
    if len(times) > 1:
        small, large = min(times), max(times)
        exponent = math.log(times[large] / times[small]) / math.log(large / small)
        print(f"time grows as orders ** {exponent:.2f} from {small:,} to {large:,}")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    chosen = [a.removeprefix("--only=").split(",") for a in arguments if a.startswith("--only=")]
    turns = [int(a.removeprefix("--rounds=")) for a in arguments if a.startswith("--rounds=")]
    main(
        [a for a in arguments if not a.startswith("--")],
        chosen[0] if chosen else ["duckdb_by_hand", "rfmkit_segment", "pandas_summary"],
        turns[0] if turns else ROUNDS,
    )
