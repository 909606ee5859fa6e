"""One log, one answer: whatever holds it, however its rows lie, wherever the machine stands."""

import os
import subprocess
import sys
from functools import cache
from itertools import product

import duckdb
import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rfmkit as rk
from conftest import KINDS, plain

TYPES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars_lazy": pl.LazyFrame,
    "pyarrow": pa.Table,
    "duckdb": duckdb.DuckDBPyRelation,
    "ibis": ibis.Table,
    "csv": pd.DataFrame,
    "parquet": pd.DataFrame,
    "excel": pd.DataFrame,
    "json": pd.DataFrame,
}
JOBS = {
    "segment": rk.segment,
    "summarize": lambda orders: rk.summarize(orders, categories=True),
    "purchase_gaps": rk.purchase_gaps,
    "snapshots": lambda orders: rk.snapshots(
        orders, origins=["2024-03-31", "2024-06-30"], horizon_days=90, sample=0.5
    ),
    "churn_rate": lambda orders: rk.churn_rate(orders, horizon_days=90),
    "to_frame": lambda orders: orders.to_frame(),
    "rejected": lambda orders: orders.rejected,
}


@pytest.fixture(scope="module")
def expected(orders):
    """Do a job on the sample when a test first asks for it."""
    return cache(lambda job: plain(JOBS[job](orders)))


@pytest.fixture
def source(sample, as_kind, tmp_path):
    """Turn the sample into a source of any kind, Excel and JSON lines included."""

    def make(kind):
        if kind == "excel":
            path = tmp_path / "orders.xlsx"
            sample.to_excel(path, index=False)
            return path
        if kind == "json":
            path = tmp_path / "orders.jsonl"
            sample.to_json(path, orient="records", lines=True, date_format="iso")
            return path
        return as_kind(sample, kind)

    return make


def assert_same(found, expected, keys=()):
    """Compare every cell, money to the last bit, in an order of rows that both have."""
    found, expected = plain(found), plain(expected)
    if keys:
        found, expected = (
            frame.sort_values(list(keys), ignore_index=True) for frame in (found, expected)
        )
    pd.testing.assert_frame_equal(found, expected, check_exact=True, check_dtype=False)


# --- kinds ---------------------------------------------------------------------------------------


def some_slow(kinds, quick):
    """Mark the kinds slow that are not among the quick ones."""
    return [kind if kind in quick else pytest.param(kind, marks=pytest.mark.slow) for kind in kinds]


@pytest.mark.parametrize(
    "kind", some_slow([*KINDS, "excel", "json"], {"pandas", "polars_lazy", "duckdb"})
)
def test_every_kind_gives_the_same_segments_in_its_own_kind(source, expected, kind):
    given = source(kind)
    log = rk.read_orders(given)
    found = rk.segment(log)
    assert isinstance(found, TYPES[kind])
    assert_same(found, expected("segment"))
    if not isinstance(found, ibis.Table | duckdb.DuckDBPyRelation):
        assert plain(found)["customer_id"].is_monotonic_increasing


@pytest.mark.parametrize(
    "kind", some_slow(["polars", "polars_lazy", "pyarrow", "duckdb", "ibis", "csv"], {"duckdb"})
)
def test_every_kind_gives_the_same_history(source, expected, kind):
    given = source(kind)
    log = rk.read_orders(given)
    for job, keys in {
        "summarize": [],
        "purchase_gaps": ["order_number", "gap_days", "returned"],
        "snapshots": ["origin", "customer_id"],
        "churn_rate": ["day"],
    }.items():
        found = JOBS[job](log)
        assert isinstance(found, TYPES[kind])
        assert_same(found, expected(job), keys)


QUICK = {("polars", "ibis"), ("ibis", "pandas"), ("csv", "polars")}


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        pytest.param(*pair, marks=() if pair in QUICK else pytest.mark.slow)
        for pair in product(("polars", "ibis", "csv"), ("pandas", "polars", "pyarrow", "ibis"))
    ],
)
def test_the_kind_that_comes_out_can_be_chosen(source, expected, kind, output):
    found = rk.summarize(rk.read_orders(source(kind), output=output), categories=True)
    assert isinstance(found, TYPES[output])
    assert_same(found, expected("summarize"))


def learned(log):
    """Give what the estimators learn, as text that shows every digit."""
    cycle = rk.PurchaseCycle().fit(log)
    return [
        cycle.summary_.to_json(double_precision=15),
        repr([cycle.strength_, cycle.regularity_, cycle.never_share_]),
        rk.RFMScorer().fit(log).thresholds_.to_json(double_precision=15),
        rk.RFMScorer(method="mean").fit(log).thresholds_.to_json(double_precision=15),
        rk.Lifecycle().fit(log).boundaries_.to_json(),
    ]


@pytest.fixture(scope="module")
def learned_here(orders):
    return learned(orders)


LAZY = ["polars", "polars_lazy", "pyarrow", "duckdb", "ibis"]


@pytest.mark.parametrize("kind", some_slow(LAZY, {"polars_lazy"}))
def test_what_is_learned_does_not_depend_on_the_kind(source, learned_here, kind):
    assert learned(rk.read_orders(source(kind))) == learned_here


@pytest.mark.parametrize("kind", some_slow(LAZY, {"duckdb"}))
def test_estimators_take_customers_of_every_kind(source, orders, kind):
    customers = rk.summarize(rk.read_orders(source(kind)))
    scorer, cycle = rk.RFMScorer().fit(orders), rk.PurchaseCycle().fit(orders)
    curve = rk.ChurnCurve().fit(orders)
    steps = {
        "scores": scorer.transform,
        "cycle": cycle.transform,
        "churn": curve.predict_churn,
        "stages": rk.Lifecycle(churn=curve, scorer=scorer).fit(orders).transform,
    }
    for transform in steps.values():
        found = transform(customers)
        assert isinstance(found, TYPES[kind])
        assert_same(found, transform(orders))
    fitted = rk.RFMScorer().fit(customers)
    pd.testing.assert_frame_equal(fitted.thresholds_, scorer.thresholds_)


# --- rows, threads, machines ---------------------------------------------------------------------


@pytest.mark.slow
def test_the_order_of_the_rows_does_not_matter(sample, orders, expected):
    shuffled = sample.sample(frac=1, random_state=1)
    log = rk.read_orders(shuffled)
    for name in set(JOBS) - {"rejected"}:
        assert_same(JOBS[name](log), expected(name))
    # Rows set aside keep the place that they have in the source, and so do the examples.
    rejected = log.rejected.drop(columns="row")
    assert_same(rejected, expected("rejected").drop(columns="row"), ["order_id"])
    audit, before = (o.audit.to_frame().drop(columns="examples") for o in (log, orders))
    pd.testing.assert_frame_equal(audit, before)


@pytest.mark.parametrize(
    ("threads", "names"),
    [
        pytest.param(4, ["summarize", "rejected"], id="4-few"),
        *[pytest.param(threads, [*JOBS], id=f"{threads}", marks=pytest.mark.slow)
          for threads in (1, 4)],
    ],
)  # fmt: skip
def test_the_number_of_threads_does_not_matter(sample, expected, threads, names):
    log = rk.read_orders(sample, threads=threads)
    for name in names:
        pd.testing.assert_frame_equal(plain(JOBS[name](log)), expected(name), check_exact=True)


SCRIPT = """
import sys, pandas as pd, rfmkit as rk
from rfmkit.datasets import sample_path
log = rk.read_orders(sample_path("orders.csv"))
table = rk.segment(log)
print(log.as_of, len(table), pd.util.hash_pandas_object(table, index=False).sum())
instants = rk.load_sample().assign(ordered_at=lambda t: t["ordered_at"].dt.tz_localize("UTC"))
there = rk.read_orders(instants, tz="Asia/Shanghai")
print(there.as_of, pd.util.hash_pandas_object(rk.summarize(there), index=False).sum())
"""


SHORT_SCRIPT = """
import pandas as pd, rfmkit as rk
moments = ["2024-12-28 16:30", "2024-12-29 00:30", "2024-12-30 23:30"]
log = pd.DataFrame({"customer_id": ["a", "a", "b"], "ordered_at": moments, "amount": 5})
instants = log.assign(ordered_at=pd.to_datetime(log["ordered_at"], utc=True))
for orders in (rk.read_orders(log), rk.read_orders(instants, tz="Asia/Shanghai")):
    print(orders.as_of, *orders.to_frame()["ordered_at"], *rk.summarize(orders)["recency_days"])
"""


def run_in(zone, script, folder):
    """Run a script on a machine of a time zone, and give what it prints."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder, env={**os.environ, "TZ": zone}, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


def test_a_machine_in_new_york_gives_the_days_of_the_log(tmp_path):
    given, there = run_in("America/New_York", SHORT_SCRIPT, tmp_path).splitlines()
    assert given == "2024-12-30 2024-12-28 16:30:00 2024-12-29 00:30:00 2024-12-30 23:30:00 1 0"
    assert there == "2024-12-31 2024-12-29 00:30:00 2024-12-29 08:30:00 2024-12-31 07:30:00 2 0"


@pytest.mark.slow
def test_the_time_zone_of_the_machine_does_not_matter(tmp_path):
    found = [run_in(zone, SCRIPT, tmp_path) for zone in ("America/New_York", "Asia/Shanghai")]
    assert found[0] == found[1]
    assert found[0].startswith("2024-12-30 1200 ")
    assert "\n2024-12-31 " in found[0]  # in Shanghai the last order was after midnight


# --- Spark ---------------------------------------------------------------------------------------


@pytest.fixture
def in_shanghai(spark):
    """A session whose time zone is not that of the machine."""
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Shanghai")
    yield spark
    spark.conf.set("spark.sql.session.timeZone", before)


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_spark_gives_the_same_segments(in_shanghai, sample, expected):
    log = rk.read_orders(in_shanghai.createDataFrame(sample))
    found = rk.segment(log)
    assert type(found).__module__.startswith("pyspark.sql")
    assert_same(found, expected("segment"))
    assert in_shanghai.conf.get("spark.sql.session.timeZone") == "Asia/Shanghai"


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_spark_gives_the_same_history(in_shanghai, sample, orders, expected):
    table = in_shanghai.createDataFrame(sample)
    log = rk.read_orders(table.withColumn("ordered_at", table["ordered_at"].cast("timestamp_ntz")))
    assert_same(JOBS["summarize"](log), expected("summarize"))
    keys = ["order_number", "gap_days", "returned"]
    assert_same(JOBS["purchase_gaps"](log), expected("purchase_gaps"), keys)
    assert_same(JOBS["churn_rate"](log), expected("churn_rate"), ["day"])
    past = {"origins": ["2024-03-31"], "horizon_days": 90, "sample": 0.5}
    assert_same(rk.snapshots(log, **past), rk.snapshots(orders, **past))
    assert in_shanghai.conf.get("spark.sql.session.timeZone") == "Asia/Shanghai"
