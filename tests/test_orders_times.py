"""Times: offsets and zones become the shop's clock, and the payment time comes first."""

import itertools
import os
import re
import subprocess
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rfmkit as rk
from conftest import log
from rfmkit.exceptions import OrdersError, RfmkitError


def moments(source, **options):
    return rk.read_orders(source, **options, output="pandas").to_frame()["ordered_at"].tolist()


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Shanghai", "2024-05-02 07:30"),
        pytest.param("UTC", "2024-05-01 23:30", marks=pytest.mark.slow),
        ("America/New_York", "2024-05-01 19:30"),
        pytest.param("Europe/Berlin", "2024-05-02 01:30", marks=pytest.mark.slow),
    ],
)
def test_an_offset_becomes_the_shops_clock_and_its_day(zone, shown):
    written = ["2024-05-01T23:30:00+00:00", "2024-05-02 01:30:00 +0200"]
    orders = rk.read_orders(log(customer=["a", "b"], date=written), tz=zone)
    assert orders.to_frame()["ordered_at"].tolist() == [pd.Timestamp(shown)] * 2
    assert str(orders.as_of) == shown[:10]
    assert rk.summarize(orders)["first_purchase"].astype(str).tolist() == [shown[:10]] * 2


@pytest.mark.parametrize(
    "written",
    ["2024-05-01T23:30:00+00:00", "2024-05-01T23:30:00Z", "2024-05-01 23:30:00 +0800"],
)
def test_an_offset_without_the_shops_zone_is_an_error(written):
    expected = (
        "The shop's time zone is needed: the times in 'date' have UTC offsets.\n"
        f"Found: for example {written!r}\nHint: pass it: read_orders(..., tz='Europe/Berlin')"
    )
    with pytest.raises(OrdersError, match=re.escape(expected)):
        rk.read_orders(log(date=[written]))


def test_the_zone_of_a_duckdb_session_is_not_taken_for_the_shops():
    sql = "SELECT 'a' AS customer, 1 AS total, TIMESTAMPTZ '2024-05-01 23:30:00+00' AS date"
    connection = duckdb.connect()
    relation = connection.sql(sql)
    with pytest.raises(OrdersError, match=r"Found: for example 'UTC instants'\nHint: pass it: "):
        rk.read_orders(relation)
    assert moments(relation, tz="Asia/Shanghai") == [pd.Timestamp("2024-05-02 07:30")]


QUICK = {("pandas", "+08:00"), ("polars", "America/New_York"), ("pyarrow", "Asia/Shanghai")}


@pytest.mark.parametrize(
    ("library", "zone"),
    [
        pytest.param(*pair, marks=() if pair in QUICK else pytest.mark.slow)
        for pair in itertools.product(
            ("pandas", "polars", "pyarrow"), ("UTC", "Asia/Shanghai", "America/New_York", "+08:00")
        )
    ],
)
def test_a_column_with_a_zone_shows_its_own_clock(library, zone):
    if library == "polars" and zone == "+08:00":
        zone = "Etc/GMT-8"  # polars knows zones by name only
    frame = log(date=pd.to_datetime(["2024-05-02 00:30"]).tz_localize(zone))
    source = {"pandas": frame, "polars": pl.from_pandas(frame), "pyarrow": pa.table(frame)}[library]
    assert moments(source) == [pd.Timestamp("2024-05-02 00:30")]


def test_the_callers_zone_wins_over_the_columns_own():
    frame = log(date=pd.to_datetime(["2024-05-01 23:30"]).tz_localize("UTC"))
    assert moments(frame, tz="Asia/Shanghai") == [pd.Timestamp("2024-05-02 07:30")]


@pytest.mark.parametrize(
    "dates",
    [["2024-05-01 23:30"], pd.to_datetime(["2024-05-01 23:30"]), ["2024/5/1 23:30"]],
)
@pytest.mark.parametrize("zone", [pytest.param(None, marks=pytest.mark.slow), "Asia/Shanghai"])
def test_moments_without_a_zone_stay_as_they_are(dates, zone):
    assert moments(log(date=dates), tz=zone) == [pd.Timestamp("2024-05-01 23:30")]


@pytest.mark.parametrize("zone", ["Mars/Phobos", "Shanghai"])
def test_a_zone_that_does_not_exist_is_an_error(zone):
    with pytest.raises(RfmkitError, match=zone):
        rk.read_orders(log(date=["2024-05-01T23:30:00Z"]), tz=zone)


ELSEWHERE = """
import pandas as pd, rfmkit as rk
dates = {
    "naive": pd.to_datetime(["2024-05-01 23:30", "2024-05-02 00:30"]),
    "text": ["2024-05-01 23:30", "2024-05-02 00:30"],
    "offset": ["2024-05-01T23:30:00Z", "2024-05-02T00:30:00+00:00"],
    "zoned": pd.to_datetime(["2024-05-01 23:30", "2024-05-02 00:30"]).tz_localize("Europe/Berlin"),
}
for name, column in dates.items():
    frame = pd.DataFrame({"customer": "a", "total": [1, 2], "date": column})
    orders = rk.read_orders(frame, tz="Asia/Shanghai" if name == "offset" else None)
    print(name, orders.as_of, *orders.to_frame()["ordered_at"], sep=",")
    print(*rk.summarize(orders).loc[0, ["first_purchase", "purchases", "recency_days"]], sep=",")
    print(*rk.summarize(orders.until("2024-05-01"))["purchases"], orders.hidden["rows"], sep=",")
"""


@pytest.mark.parametrize(
    "zone", ["America/New_York", pytest.param("Asia/Shanghai", marks=pytest.mark.slow)]
)
def test_the_zone_of_the_machine_changes_nothing(zone):
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env=os.environ | {"TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    one_day_apart = (
        "2024-05-02,2024-05-01 23:30:00,2024-05-02 00:30:00\n2024-05-01 00:00:00,2,0\n1,0\n"
    )
    same_day = "2024-05-02,2024-05-02 07:30:00,2024-05-02 08:30:00\n2024-05-02 00:00:00,1,0\n0\n"
    assert done.stdout == (
        f"naive,{one_day_apart}text,{one_day_apart}offset,{same_day}zoned,{one_day_apart}"
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"paid_at": "2024-03-03", "date": "2024-02-02", "created_at": "2024-01-01"}, "2024-03-03"),
        ({"paid_at": None, "date": "2024-02-02", "created_at": "2024-01-01"}, "2024-02-02"),
        ({"created_at": "2024-01-01", "completed_at": "2024-04-04"}, "2024-01-01"),
        ({"created_at": None, "completed_at": "2024-04-04"}, "2024-04-04"),
    ],
)
def test_the_paid_moment_counts_and_else_the_next_best(columns, expected):
    frame = pd.DataFrame(
        {
            "customer": ["a", "b"],
            "total": [1, 1],
            "status": ["paid", "paid"],
            **{name: [cell, "2024-05-05"] for name, cell in columns.items()},
        }
    )
    assert moments(frame)[0] == pd.Timestamp(expected)
