"""Make a large order log in Parquet: python benchmarks/make_orders.py 10_000_000 o.parquet.

Customers come from rk.simulate_orders in chunks, so memory stays bounded; rows are in time order,
as a shop's database gives them, with integer ids.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import rfmkit as rk

CHUNK_CUSTOMERS = 200_000


def make(orders: int, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = chunk = 0
        while made < orders:
            log = rk.simulate_orders(
                CHUNK_CUSTOMERS, seed=chunk, days=1096, dropout=0.15, start="2022-01-01",
                refund_share=0, partial_refund_share=0, unpaid_share=0, prospects_share=0,
            ).orders  # fmt: skip
            log = log.iloc[: orders - made]
            customer = log["customer_id"].str[1:].astype("int64") + chunk * 10_000_000
            table = pa.table(
                {
                    "customer_id": customer.to_numpy(),
                    "ordered_at": log["ordered_at"].to_numpy(),
                    "amount": log["amount"].to_numpy(),
                    "category": pa.array(log["category"]),
                }
            )
            pq.write_table(table, Path(folder) / f"{chunk:04}.parquet")
            made += len(log)
            chunk += 1
        con = duckdb.connect(config={"temp_directory": folder, "memory_limit": "8GB"})
        con.execute(
            f"COPY (SELECT row_number() OVER (ORDER BY ordered_at, customer_id) AS order_id, * "
            f"FROM read_parquet('{folder}/*.parquet') ORDER BY order_id) "
            f"TO '{target}' (FORMAT parquet)"
        )


if __name__ == "__main__":
    make(int(sys.argv[1]), Path(sys.argv[2]).absolute())
