"""Make customers, or their log, of whom the truth is known.

python benchmarks/make_customers.py BetaGeo 1_000_000 customers.parquet [orders.parquet]

The parameters are those published of CDNOW (in weeks), tenures are whole days, uniform over two
years. Rows are made a million at a time, so memory stays bounded; the same call makes the same
rows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WEEK = 7
TWO_YEARS = 730
CHUNK = 1_000_000
LAST_DAY = np.datetime64("2024-12-31")
# Fader, Hardie and Lee (2005), table 2, for the first and the last; the second by CLVTools 0.12.
CDNOW = {
    "BetaGeo": (0.243, 4.414 * WEEK, 0.793, 2.426),
    "ModifiedBetaGeo": (0.525, 6.183 * WEEK, 0.891, 1.614),
    "ParetoNBD": (0.553, 10.578 * WEEK, 0.606, 11.669 * WEEK),
}


def simulate(model, size, rng, *, params=None, tenure=(1, TWO_YEARS)):
    """Give x, t_x and T, a row a customer, in days; t_x is not rounded."""
    r, alpha, one, other = params or CDNOW[model]
    now = rng.integers(tenure[0], tenure[1] + 1, size).astype(float)
    rate = rng.gamma(r, 1 / alpha, size)
    if model == "ParetoNBD":
        leaves = rng.exponential(1 / rng.gamma(one, 1 / other, size))
        until = np.minimum(leaves, now)
        x = rng.poisson(rate * until)
        # The last of x uniform times.
        t_x = np.where(x > 0, until * rng.random(size) ** (1 / np.maximum(x, 1)), 0.0)
        return x, t_x, now
    leaves = rng.beta(one, other, size)
    x, t_x = np.zeros(size, dtype="int64"), np.zeros(size)
    here = np.arange(size)
    if model == "ModifiedBetaGeo":
        here = here[rng.random(size) >= leaves]
    while len(here):
        time = t_x[here] + rng.exponential(1, len(here)) / np.maximum(rate[here], 1e-300)
        bought = time <= now[here]
        here, time = here[bought], time[bought]
        x[here] += 1
        t_x[here] = time
        here = here[rng.random(len(here)) >= leaves[here]]
    return x, t_x, now


def customers(model, size, rng, first):
    """Give the columns of ``rk.summarize`` that models need, in whole days, as Arrow."""
    x, t_x, now = simulate(model, size, rng)
    t_x = np.ceil(t_x).astype("int64")
    now = now.astype("int64")
    return pa.table(
        {
            "customer_id": np.arange(first, first + size),
            "purchases": x + 1,
            "recency_days": now - t_x,
            "repeat_purchases": x,
            "active_days": t_x,
            "tenure_days": now,
        }
    )


def orders(table, rng):
    """Give a log of these customers: the purchases between the first and the last are uniform."""
    x, t_x, now = (
        table[name].to_numpy() for name in ("repeat_purchases", "active_days", "tenure_days")
    )
    size = len(x)
    who = np.concatenate([np.arange(size), np.flatnonzero(x), np.repeat(np.arange(size), x)])
    between = np.repeat(t_x, x) * rng.random(int(x.sum()))
    after = np.concatenate([np.zeros(size), t_x[x > 0], between])
    # One of the purchases of each was the last, which is there already.
    extra = np.r_[0, np.cumsum(x)[:-1]][x > 0] + size + int((x > 0).sum())
    keep = np.ones(len(who), dtype=bool)
    keep[extra] = False
    who, after = who[keep], after[keep]
    seconds = (after.astype("int64") * 86_400) + rng.integers(0, 86_400, len(who))
    day = LAST_DAY - now[who].astype("timedelta64[D]")
    return pa.table(
        {
            "customer_id": table["customer_id"].to_numpy()[who],
            "ordered_at": (day.astype("datetime64[s]") + seconds).astype("datetime64[us]"),
            "amount": np.round(rng.lognormal(3.2, 0.7, len(who)), 2),
        }
    )


def make(model, size, target, log=None):
    rng = np.random.default_rng(20_261_122)
    with tempfile.TemporaryDirectory(dir=Path(target).parent) as folder:
        writer = None
        for first in range(0, size, CHUNK):
            table = customers(model, min(CHUNK, size - first), rng, first)
            writer = writer or pq.ParquetWriter(target, table.schema)
            writer.write_table(table)
            if log:
                pq.write_table(orders(table, rng), f"{folder}/{first:012}.parquet")
        if writer:
            writer.close()
        if log:
            in_time_order(folder, log)


def in_time_order(folder, log):
    """Give the orders ids in the order of their times, as a shop's database does."""
    import duckdb

    con = duckdb.connect(config={"temp_directory": folder, "memory_limit": "4GB", "threads": 2})
    con.execute(
        f"COPY (SELECT row_number() OVER (ORDER BY ordered_at, customer_id, amount) AS order_id, * "
        f"FROM read_parquet('{folder}/*.parquet') ORDER BY order_id) TO '{log}' (FORMAT parquet)"
    )


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
