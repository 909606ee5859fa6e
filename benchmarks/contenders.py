"""What is compared, each in a process of its own: python benchmarks/contenders.py NAME LOG OUT.

Prints one line of JSON: seconds of the job itself, seconds with the imports, peak resident memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time

THREADS = 2


def duckdb_by_hand(log: str, out: str) -> float:
    """The customer summary with gaps in one statement, `lag` over the customer."""
    import duckdb

    began = time.perf_counter()
    con = duckdb.connect(config={"threads": THREADS})
    con.execute(f"""
        COPY (
            WITH purchases AS (
                SELECT customer_id, ordered_at::DATE AS day, sum(amount::DECIMAL(18, 4)) AS amount,
                       count(*) AS orders
                FROM read_parquet('{log}') GROUP BY ALL),
            gaps AS (
                SELECT *, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
                FROM purchases)
            SELECT customer_id, count(*) AS purchases, sum(orders) AS orders, min(day) AS first,
                   max(day) AS last, sum(amount) AS spend, avg(gap) AS mean_gap,
                   stddev(gap) AS sd_gap, arg_max(gap, day) AS last_gap
            FROM gaps GROUP BY customer_id
        ) TO '{out}' (FORMAT parquet)""")
    return began


def pandas_summary(log: str, out: str) -> float:
    """The same summary as an analyst writes it in pandas."""
    import pandas as pd

    began = time.perf_counter()
    orders = pd.read_parquet(log, columns=["customer_id", "ordered_at", "amount"])
    orders["day"] = orders["ordered_at"].dt.normalize()
    purchases = (
        orders.groupby(["customer_id", "day"])
        .agg(amount=("amount", "sum"), orders=("amount", "size"))
        .reset_index()
        .sort_values(["customer_id", "day"])
    )
    purchases["gap"] = purchases.groupby("customer_id")["day"].diff().dt.days
    customers = purchases.groupby("customer_id").agg(
        purchases=("day", "size"),
        orders=("orders", "sum"),
        first=("day", "min"),
        last=("day", "max"),
        spend=("amount", "sum"),
        mean_gap=("gap", "mean"),
        sd_gap=("gap", "std"),
        last_gap=("gap", "last"),
    )
    customers.to_parquet(out)
    return began


def rfmkit_segment(log: str, out: str, memory_limit: str | None = None) -> float:
    """The main job: log to segments, with scores, cycle, churn and lifecycle."""
    import ibis.backends.duckdb  # noqa: F401, I001 (imports are counted apart)
    import sklearn.base  # noqa: F401
    import lifelines  # noqa: F401 (imports are counted apart)

    import rfmkit as rk
    from rfmkit.segments import lifecycle  # noqa: F401

    began = time.perf_counter()
    orders = rk.read_orders(log, output="ibis", threads=THREADS, memory_limit=memory_limit)
    rk.segment(orders).to_parquet(out)
    return began


def rfmkit_segment_1gb(log: str, out: str) -> float:
    """The main job in an engine that may use one gigabyte."""
    return rfmkit_segment(log, out, memory_limit="1GB")


CONTENDERS = {
    job.__name__: job
    for job in (duckdb_by_hand, pandas_summary, rfmkit_segment, rfmkit_segment_1gb)
}


def main() -> None:
    name, log, out = sys.argv[1:]
    process = time.perf_counter()
    began = CONTENDERS[name](log, out)
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "contender": name,
                "seconds": round(ended - began, 3),
                "with_imports": round(ended - process, 3),
                "peak_mb": round(peak),
            }
        )
    )


if __name__ == "__main__":
    main()
