"""`Orders`: a log as of one day, what it shows, and what it frees."""

import copy
import datetime as dt
import functools
import gc
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import rfmkit as rk
from conftest import KINDS, audited, log, plain
from rfmkit.exceptions import RfmkitError

THREE_DAYS = log(
    customer=["a", "b", "a", None, "c", "d"],
    date=["2024-01-01 10:00", "2024-01-02 23:59:59", "2024-01-03", "2024-01-03", "null",
          "1900-01-01"],
    total=[1, 2, 4, 8, 16, 32],
)  # fmt: skip


@pytest.fixture(scope="module")
def three_days():
    """Those rows, read; tests look at them and at earlier days of them."""
    return rk.read_orders(THREE_DAYS)


# --- the day on which everything is measured -------------------------------------------------


def test_the_day_is_that_of_the_last_row_with_a_plausible_date():
    dates = ["2024-01-01", "2024-03-05 23:59", "9999-12-31", "null"]
    assert rk.read_orders(log(date=dates)).as_of == dt.date(2024, 3, 5)


def test_a_row_set_aside_has_a_day_too():
    frame = log(date=["2024-01-01", "2024-03-05"], status=["paid", "void"])
    assert rk.read_orders(frame).as_of == dt.date(2024, 3, 5)


SECOND_DAY = [
    "2024-01-02",
    "20240102",
    "2024-01-02T10:30",
    "2024-01-02 10:30:00",
    dt.date(2024, 1, 2),
    dt.datetime(2024, 1, 2, 10, 30),
    pd.Timestamp("2024-01-02 10:30"),
    np.datetime64("2024-01-02"),
]


def assert_of_the_second_day(orders):
    assert type(orders.as_of) is dt.date
    assert orders.as_of == dt.date(2024, 1, 2)
    assert audited(orders)["kept"] == (2, Decimal(3))


@pytest.mark.parametrize("day", SECOND_DAY, ids=repr)
def test_a_day_is_a_date_a_datetime_or_text(three_days, day):
    moved = three_days.until(day).as_of
    assert type(moved) is dt.date
    assert moved == dt.date(2024, 1, 2)


def test_the_log_of_a_day_is_read_or_moved_to(three_days):
    assert_of_the_second_day(rk.read_orders(THREE_DAYS, as_of="2024-01-02T10:30"))
    assert_of_the_second_day(three_days.until(np.datetime64("2024-01-02")))


@pytest.mark.slow
@pytest.mark.parametrize("day", SECOND_DAY, ids=repr)
def test_the_log_of_a_day_is_the_same_for_every_type_of_day(day):
    assert_of_the_second_day(rk.read_orders(THREE_DAYS, as_of=day))
    assert_of_the_second_day(rk.read_orders(THREE_DAYS).until(day))


NO_DAYS = ["tomorrow", "2024-13-01", "2024-02-30", "24-01-02", "", 5, pd.NaT, ["2024-01-02"]]


@pytest.mark.parametrize("day", NO_DAYS, ids=repr)
def test_moving_to_what_is_no_day_is_an_error(three_days, day):
    with pytest.raises(
        RfmkitError, match=r"day must be a date, or text such as '2024-04-24'\.\nFound: day=."
    ):
        three_days.until(day)


SLOW_NO_DAYS = [pytest.param(day, marks=pytest.mark.slow, id=repr(day)) for day in NO_DAYS[1:]]


@pytest.mark.parametrize("day", [NO_DAYS[0], *SLOW_NO_DAYS])
def test_what_is_no_day_is_an_error(day):
    with pytest.raises(
        RfmkitError, match=r"as_of must be a date, or text such as '2024-04-24'\.\nFound: as_of=."
    ):
        rk.read_orders(THREE_DAYS, as_of=day)


@pytest.mark.parametrize(
    ("day", "kept", "read", "hidden"),
    [
        # the rows without a date that says when they came stay: null (16) and 1900 (32)
        ("2023-12-31", (0, 0), (2, 48), (4, 15)),
        pytest.param("2024-01-01", (1, 1), (3, 49), (3, 14), marks=pytest.mark.slow),
        ("2024-01-02", (2, 3), (4, 51), (2, 12)),
        pytest.param("2024-01-03", (3, 7), (6, 63), (0, 0), marks=pytest.mark.slow),
        ("2030-01-01", (3, 7), (6, 63), (0, 0)),
    ],
)
def test_rows_of_later_days_are_hidden_and_counted(three_days, day, kept, read, hidden):
    orders = three_days.until(day)
    found = audited(orders)
    assert found["kept"] == kept
    assert found["read"] == read
    assert orders.hidden == {"rows": hidden[0], "amount": Decimal(hidden[1])}
    assert len(orders.to_frame()) == kept[0]


def test_a_placeholder_is_never_later_whatever_else_is_wrong():
    frame = log(
        customer=["a", None, "3.5E+16", "b", "c"],
        date=["2024-01-01"] + ["9999-12-31"] * 4,
        total=["1", "2", "4", "x", "16"],
    )
    orders = rk.read_orders(frame)
    assert orders.hidden["rows"] == 0
    assert audited(orders)["read"] == (5, Decimal(23))
    assert len(orders.rejected) == 4


def test_moving_back_gives_a_new_log_and_leaves_the_old_one(three_days):
    orders = three_days
    before = audited(orders)
    then = orders.until("2024-01-01")
    assert rk.summarize(then)["customer_id"].tolist() == ["a"]
    assert orders.as_of == dt.date(2024, 1, 3)
    assert audited(orders) == before
    again = then.until("2024-01-03").audit.to_frame()
    pd.testing.assert_frame_equal(again, orders.audit.to_frame())


def test_before_the_first_order_there_is_nothing(three_days):
    then = three_days.until("2020-01-01")
    assert len(rk.summarize(then)) == len(then.to_frame()) == len(rk.purchase_gaps(then)) == 0


def test_long_after_the_last_order_everyone_is_silent(three_days):
    later = rk.summarize(three_days.until("2024-02-02"))
    assert later["recency_days"].tolist() == [30, 31]


SLOW_SHARES = [pytest.param(share, marks=pytest.mark.slow) for share in (0.0, 0.1, 0.9, 1.0)]


@pytest.mark.parametrize("share", [0.5, *SLOW_SHARES])
def test_the_log_until_a_day_is_the_log_cut_off_after_it(sample, orders, share):
    first, last = sample["ordered_at"].min(), sample["ordered_at"].max()
    day = (first + (last - first) * share).date()
    cut = sample[~(sample["ordered_at"].dt.date > day)]
    then, expected = orders.until(day), rk.read_orders(cut, as_of=day)
    pd.testing.assert_frame_equal(then.audit.to_frame(), expected.audit.to_frame())
    pd.testing.assert_frame_equal(then.rejected, expected.rejected)
    pd.testing.assert_frame_equal(then.to_frame(), expected.to_frame())
    pd.testing.assert_frame_equal(rk.summarize(then), rk.summarize(expected))
    assert then.hidden["rows"] == len(sample) - len(cut)


def test_the_day_cannot_be_set():
    orders = rk.read_orders(THREE_DAYS)
    with pytest.raises(AttributeError, match="as_of"):
        orders.as_of = dt.date(2024, 1, 1)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_log_is_not_copied(three_days, how):
    with pytest.raises(
        RfmkitError, match=r"^Orders cannot be copied or pickled: .*\nFound: .*\nHint: "
    ):
        how(three_days)


# --- what the user sees ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (None, "<Orders: 2 customers, 3 orders, 7.00 net as of 2024-01-03; 3 of 6 rows set aside"),
        ("2024-01-02", "<Orders: 2 customers, 2 orders, 3.00 net as of 2024-01-02; 2 of "),
    ],
)  # fmt: skip
def test_a_log_says_what_it_holds_and_what_to_call_next(three_days, day, text):
    orders = three_days if day is None else three_days.until(day)
    holds, following = repr(orders).splitlines()
    assert holds.startswith(text)
    assert following.startswith("Next: rk.segment(orders)")


def test_a_log_without_a_valid_order_sends_to_its_audit():
    holds, following = repr(rk.read_orders(THREE_DAYS, as_of="2023-01-01")).splitlines()
    assert holds.startswith("<Orders: 0 customers, 0 orders, 0.00 net as of 2023-01-01; 2 of ")
    assert following == "Next: orders.audit, which shows why no order counts."


def test_large_numbers_are_grouped():
    frame = pd.concat([log(total=[1.005])] * 1200)
    assert repr(rk.read_orders(frame)).startswith(
        "<Orders: 1 customer, 1,200 orders, 1,206.00 net as"
    )


def test_the_frame_is_the_valid_orders_in_canonical_form():
    frame = log(
        customer=["b", "a", "a", "c"],
        order_id=["3", "2", "2", "4"],
        date=["2024-01-03", "2024-01-02 10:00", "2024-01-02 11:00", "2024-01-04"],
        total=["5.00", "$2.50", "(1.00)", "9"],
        refund=[1, 0, 0, 9],
        status=["交易成功", "Paid", "shipped", "paid"],
    )
    found = rk.read_orders(frame).to_frame(exact=True)
    assert found.columns.tolist() == ["order_id", "customer_id", "ordered_at", "amount", "status"]
    assert found.astype(str).to_numpy().tolist() == [
        ["2", "a", "2024-01-02 10:00:00", "1.5000", "paid"],
        ["3", "b", "2024-01-03 00:00:00", "4.0000", "completed"],
    ]


def test_amounts_are_floats_unless_exact_ones_are_asked_for():
    orders = rk.read_orders(log(total=["0.10", "0.20"]))
    assert orders.to_frame()["amount"].dtype == "float64"
    assert orders.to_frame()["amount"].mean() == pytest.approx(0.15)
    assert orders.to_frame(exact=True)["amount"].sum() == Decimal("0.3")


def test_what_is_shown_is_the_users_to_change():
    orders = rk.read_orders(THREE_DAYS)
    for table in ("audit", "rejected"):
        shown = looked(orders, table)
        shown["rule"] = "mine"
        assert "mine" not in looked(orders, table)["rule"].tolist()


LOOKS = ("audit", "rejected", "to_frame", "summarize", "purchase_gaps")


def looked(orders, what):
    if what == "rejected":
        return orders.rejected
    if what == "audit":
        return orders.audit.to_frame()
    return orders.to_frame() if what == "to_frame" else getattr(rk, what)(orders)


@pytest.fixture(scope="module")
def read_for():
    """The log with results of a kind, read once for each kind."""
    return functools.cache(lambda output: rk.read_orders(THREE_DAYS, output=output))


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (None, pd.DataFrame),
        pytest.param("pandas", pd.DataFrame, marks=pytest.mark.slow),
        ("polars", pl.DataFrame),
        pytest.param("pyarrow", pa.Table, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("what", LOOKS)
def test_results_come_in_the_kind_asked_for(read_for, output, expected, what):
    assert type(looked(read_for(output), what)) is expected


@pytest.mark.parametrize("what", LOOKS)
def test_ibis_results_are_expressions_but_for_the_audit(read_for, what):
    found = looked(read_for("ibis"), what)
    assert isinstance(found, pd.DataFrame if what == "audit" else ibis.expr.types.Table)


def some_slow(kinds, *quick):
    """Mark all kinds of source but some."""
    return [k if k in quick else pytest.param(k, marks=pytest.mark.slow) for k in kinds]


OWN = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars_lazy": pl.LazyFrame,
    "pyarrow": pa.Table,
    "csv": pd.DataFrame,
    "parquet": pd.DataFrame,
}


@pytest.mark.parametrize("kind", some_slow(OWN, "polars_lazy", "pyarrow"))
def test_results_come_in_the_kind_of_the_source(as_kind, kind):
    orders = rk.read_orders(as_kind(THREE_DAYS, kind))
    assert type(orders.to_frame()) is OWN[kind]
    assert type(rk.summarize(orders)) is OWN[kind]


@pytest.mark.parametrize("kind", some_slow(KINDS, "polars_lazy", "duckdb"))
def test_every_kind_of_source_gives_the_same_log(three_days, as_kind, kind):
    found = rk.read_orders(as_kind(THREE_DAYS, kind), output="pandas")
    assert repr(found) == repr(three_days)
    pd.testing.assert_frame_equal(found.to_frame(), three_days.to_frame(), check_dtype=False)


# --- what is freed -------------------------------------------------------------------------------


def held(engine):
    """Return the names of the tables and views that an engine holds."""
    found = engine.backend.con.execute(
        "SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views() "
        "WHERE NOT internal"
    ).fetchall()
    return {name for (name,) in found}


def used(orders):
    """Compute the main results of a log."""
    segments = rk.segment(orders, prospects=pd.DataFrame({"customer_id": ["nobody"]}))
    rk.churn_rate(orders)
    return [segments, repr(orders.audit), orders.rejected, orders.hidden, repr(orders)]


ONE, TWO = ["2024-06-30"], ["2024-03-31", "2024-06-30"]


@pytest.mark.parametrize(
    ("kind", "days"),
    [
        ("pandas", ONE),
        *(pytest.param(k, TWO, marks=pytest.mark.slow) for k in ("pandas", "polars", "pyarrow")),
    ],
)
def test_a_log_that_is_gone_leaves_nothing_in_its_engine(sample, as_kind, kind, days):
    orders = rk.read_orders(as_kind(sample, kind))
    engine = orders.history.engine
    for day in days:
        used(orders.until(day))
    gc.collect()
    before = held(engine)
    used(orders.until("2024-09-30"))
    gc.collect()
    assert held(engine) == before
    del orders
    gc.collect()
    assert [name for name in held(engine) if not name.startswith("rfmkit_source")] == []


@pytest.mark.parametrize("kind", ["duckdb", pytest.param("ibis", marks=pytest.mark.slow)])
def test_a_lazy_result_outlives_its_log(sample, customers, as_kind, kind):
    expected = plain(customers)
    lazy = rk.summarize(rk.read_orders(as_kind(sample, kind)))
    gc.collect()
    pd.testing.assert_frame_equal(plain(lazy), expected)
