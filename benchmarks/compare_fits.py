"""Compare fits with lifetimes in turn.

python benchmarks/make_customers.py BetaGeo 1_000_000 bg.parquet
python benchmarks/compare_fits.py --peer=PEER/bin/python --rounds=5 BetaGeo bg.parquet

PEER is an environment with lifetimes and pyarrow. Each contender is run in turn (A B C, A B C, ...)
in a process of its own, in one thread of BLAS and OpenMP; given are medians, and the ratio round by
round to rfmkit. The log-likelihood is that of rfmkit at the parameters each has found, over all
customers and with time in days.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run(python, contender, model, path):
    command = [python, str(HERE / "fits.py"), contender, model, path]
    environment = os.environ | ONE_THREAD
    if contender != "rfmkit":
        environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return json.loads(done.stdout.splitlines()[-1])


def log_likelihood(model, params, path):
    """Sum the log-likelihood of every row, without what the fit does to be quick."""
    import numpy as np
    import pandas as pd
    from fits import NAMES

    import rfmkit as rk
    from rfmkit.btyd._counts import Counts

    frame = pd.read_parquet(path, columns=list(NAMES))
    x, t_x, tenure = (frame[name].to_numpy(dtype=float) for name in NAMES)
    counts = Counts(x, t_x, tenure, np.ones(len(x)))
    with np.errstate(all="ignore"):
        process = getattr(rk, model)()._process  # noqa: SLF001 (the formulas without a fit)
        terms, _ = process.log_terms(np.array(params), counts)
    return float(terms.sum())


def main(peer, model, path, rounds, contenders):
    found = {name: [] for name in contenders}
    for _ in range(rounds):
        for name in contenders:
            python = sys.executable if name == "rfmkit" else peer
            found[name].append(run(python, name, model, path))
    print(f"{model}, {path}, {rounds} rounds")
    reached = {
        name: log_likelihood(model, runs[-1]["params"], path) for name, runs in found.items()
    }
    for name, runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in ("seconds", "cpu")}
        ratio = {
            key: statistics.median(
                mine[key] / first[key] for mine, first in zip(runs, found["rfmkit"], strict=True)
            )
            for key in ("seconds", "cpu")
        }
        peak, more = (
            max(run["peak_mb"] for run in runs),
            max(run["peak_mb"] - run["before_mb"] for run in runs),
        )
        params = " ".join(f"{param:.5g}" for param in runs[-1]["params"])
        print(
            f"  {name:18} {middle['seconds']:8.2f} s wall {middle['cpu']:8.2f} s CPU"
            f"  {ratio['seconds']:6.1f} x {ratio['cpu']:6.1f} x"
            f"  {peak:6,.0f} MB peak, {more:5,.0f} for the fit"
            f"  log-likelihood {reached[name]:.4f}, {reached[name] - reached['rfmkit']:+.1e}"
            f"  {params}"
        )


if __name__ == "__main__":
    options = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--"))
    peer_contenders = "rfmkit,lifetimes,lifetimes_grouped" if "peer" in options else "rfmkit"
    main(
        options.get("peer"),
        *(a for a in sys.argv[1:] if not a.startswith("--")),
        int(options.get("rounds", 3)),
        options.get("only", peer_contenders).split(","),
    )
