"""Score many customers without holding them: score_many.py JOB SOURCE OUT [TRAIN].

    python benchmarks/make_customers.py ModifiedBetaGeo 10_000_000 customers.parquet
    python benchmarks/score_many.py ModifiedBetaGeo customers.parquet scores.parquet

    python benchmarks/make_customers.py ModifiedBetaGeo 4_000_000 customers.parquet orders.parquet
    python benchmarks/score_many.py ChurnModel orders.parquet scores.parquet

JOB is a model by its name. Of a file of customers a model is fitted on the first 100,000, and the
churn of all is written as Parquet through an Ibis table, which is never collected. A ChurnModel is
fitted on the log, or on another one (TRAIN), and scores the log, read with ``output="ibis"``.
Printed are the seconds and peak resident memory of the fit and of the scoring (on Linux each its
own, elsewhere the second includes the first), as one line of JSON.

Options: --memory-limit=1GB of the engine ("none" for its own default), --threads=2, --unordered to
let the engine write rows in any order, --interval=0.9 for intervals.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

FEW = 100_000


def customers(job, source, out, options):
    """Customers in a file, opened by the user's own DuckDB."""
    import ibis

    import rfmkit as rk

    config = {name: options[name] for name in ("memory_limit", "threads") if options[name]}
    con = ibis.duckdb.connect(**config, preserve_insertion_order=not options["unordered"])
    table = con.read_parquet(source)
    if job == "ChurnCurve":
        model = rk.ChurnCurve(90).fit_gaps(gaps(table.limit(FEW).to_pandas()))
    else:
        model = getattr(rk, job)(90).fit(table.limit(FEW).to_pandas())
    said = {"interval": options["interval"]} if options["interval"] else {}

    def score():
        model.predict_churn(table, **said).to_parquet(out)

    return score


def gaps(frame):
    """Take the last silence of each customer for open, and its mean gap for ended ones."""
    import pandas as pd

    back = frame[frame["repeat_purchases"] > 0]
    ended = pd.DataFrame({
        "order_number": back["repeat_purchases"], "returned": True,
        "gap_days": back["active_days"] // back["repeat_purchases"],
    })  # fmt: skip
    still = pd.DataFrame({
        "order_number": frame["purchases"], "returned": False, "gap_days": frame["recency_days"],
    })  # fmt: skip
    both = pd.concat([ended, still])
    return both.groupby(list(both.columns), as_index=False).size().rename(columns={"size": "gaps"})


def log(job, source, out, options, train=None):
    """Orders in a file, read lazily."""
    import rfmkit as rk

    def read(path):
        return rk.read_orders(
            path, output="ibis", threads=options["threads"], memory_limit=options["memory_limit"]
        )

    model = getattr(rk, job)(90).fit(read(train or source))

    def score():
        model.predict_churn(read(source)).to_parquet(out)

    return score


def peak_mb():
    """Give the most memory held since `forget_peak`, or since the start."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return round(int(lines["VmHWM"].split()[0]) / 1024)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def forget_peak():
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def main(job, source, out, *train, **options):
    import pyarrow.parquet as pq

    began, cpu = time.perf_counter(), time.process_time()
    is_log = "ordered_at" in pq.read_schema(source).names
    score = (log if is_log else customers)(job, source, out, options, *train)
    fitted, fitted_mb = time.perf_counter(), peak_mb()
    cpu_fit = time.process_time() - cpu
    forget_peak()
    score()
    seconds = time.perf_counter() - fitted
    rows = pq.read_metadata(out).num_rows
    told = {
        "job": job, "source_rows": pq.read_metadata(source).num_rows, "scored": rows,
        "fit_seconds": round(fitted - began, 2), "fit_cpu": round(cpu_fit, 2),
        "fit_peak_mb": fitted_mb, "score_seconds": round(seconds, 2),
        "score_cpu": round(time.process_time() - cpu - cpu_fit, 2),
        "rows_a_second": round(rows / seconds), "score_peak_mb": peak_mb(),
    }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    given = dict(f"{a[2:]}=".split("=")[:2] for a in sys.argv[1:] if a.startswith("--"))
    limit = given.get("memory-limit", "1GB")
    main(
        *(a for a in sys.argv[1:] if not a.startswith("--")),
        memory_limit=None if limit == "none" else limit, threads=int(given.get("threads", 2)),
        unordered="unordered" in given, interval=float(given.get("interval", 0)),
    )  # fmt: skip
