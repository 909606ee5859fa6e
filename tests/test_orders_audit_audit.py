"""The audit: every row and cent accounted for, as it was known, for eyes and for programs."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import log
from rfmkit.columns import RULES

FIELDS = ["rule", "kept", "rows", "orders", "amount", "examples", "meaning"]
SMALL = log(
    customer=["a", "b", None, "a", "c"],
    order_id=["1", "2", "3", "1", "4"],
    total=["1.50", "-2.25", "3", "x", "0"],
    status=["paid", "odd", "paid", "paid", "paid"],
)


@pytest.fixture(scope="module")
def small():
    """The small log, read."""
    return rk.read_orders(SMALL)


EVIL = "<script>alert(1)</script>"


# --- the law ---------------------------------------------------------------------------------

DAYS = [str(dt.date(2024, 1, 1) + dt.timedelta(day)) for day in range(5)]
row = st.fixed_dictionaries(
    {
        "customer": st.sampled_from(["a", "a", "b", "c", "1.7E+16", None]),
        "order_id": st.sampled_from(["1", "2", "3", "4", None]),
        "date": st.sampled_from([*DAYS, *DAYS, "1900-01-01", "2024-02-30", None]),
        "total": st.sampled_from(["5.00", "-5.00", "0.0001", "0", "free", None]),
        "refund": st.sampled_from([None, "0", "2.50", "5.00", "1000"]),
        "status": st.sampled_from(["paid", "paid", "refunded", "unpaid", "odd", None]),
    }
)
logs = st.lists(row, min_size=1, max_size=20).filter(
    lambda rows: any(row["date"] in DAYS for row in rows)
)
law = settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
EXAMPLE = [
    dict(zip(("customer", "order_id", "date", "total", "refund", "status"), cells, strict=True))
    for cells in (
        ("a", "1", DAYS[0], "5.00", "2.50", "paid"),
        ("a", "1", DAYS[1], "0.0001", None, "paid"),
        ("a", "2", DAYS[2], "-5.00", None, "refunded"),
        ("b", "1", DAYS[0], "5.00", "1000", "paid"),
        ("b", None, DAYS[1], "5.00", None, "paid"),
        ("b", None, DAYS[1], "-5.00", None, "paid"),
        ("c", None, DAYS[0], "0", "0", "paid"),
        ("c", "3", "1900-01-01", "free", None, "odd"),
        ("c", "4", "2024-02-30", "5.00", None, None),
        ("1.7E+16", "4", None, None, "5.00", "unpaid"),
        (None, "2", DAYS[3], "free", None, "paid"),
        (None, None, DAYS[4], "5.00", None, "odd"),
    )
]


def known_then(rows, day):
    """The rows as known on a day: those of later days are not there."""
    return [row for row in rows if row["date"] not in DAYS or row["date"] <= day]


def assert_accounted_for(rows, day, refunds, zero_amounts):
    orders = rk.read_orders(pd.DataFrame(rows), refunds=refunds, zero_amounts=zero_amounts)
    table = orders.until(day).audit.to_frame().set_index("rule")
    read, parts = table.loc["read"], table.drop("read")
    known = known_then(rows, day)
    assert read["rows"] == parts["rows"].sum() == len(known)
    money = {"5.00": 5, "-5.00": -5, "0.0001": Decimal("0.0001")}
    assert read["amount"] == parts["amount"].sum() == sum(money.get(r["total"], 0) for r in known)
    ids = Counter((r["customer"], r["order_id"]) for r in known)
    alone = sum(count for (_, order), count in ids.items() if order is None)
    assert read["orders"] == alone + sum(order is not None for _, order in ids)
    counted = parts.drop(["kept", "refund_deducted"], errors="ignore")
    assert (counted["orders"] <= counted["rows"]).all()
    assert (counted["orders"] >= 1).all()
    assert parts["orders"].sum() >= read["orders"]


@pytest.mark.parametrize(
    ("day", "refunds", "zero_amounts"),
    [
        (DAYS[1], "net", "drop"),
        pytest.param(DAYS[3], "gross", "keep", marks=pytest.mark.slow),
    ],
)
def test_kept_and_set_aside_make_what_was_read(day, refunds, zero_amounts):
    assert_accounted_for(EXAMPLE, day, refunds, zero_amounts)


@pytest.mark.slow
@law
@given(
    logs,
    st.sampled_from(DAYS),
    st.sampled_from(["net", "drop_full", "gross"]),
    st.sampled_from(["drop", "keep"]),
)
def test_kept_and_set_aside_make_what_was_read_whatever_the_rows(rows, day, refunds, zero_amounts):
    assert_accounted_for(rows, day, refunds, zero_amounts)


def assert_nothing_later_is_seen(rows, day):
    """The report is that of the log as written on the day, but for the count of hidden rows."""
    known = known_then(rows, day)
    # What words and signs there are decides how a column reads, then and now alike.
    both = [
        rk.read_orders(pd.DataFrame(some, dtype=object).astype("string"), as_of=day)
        for some in (known, sorted(rows, key=lambda row: row not in known))
    ]
    then, now = (repr(orders.audit) for orders in both)
    now = now.partition("\n  - Rows dated after")[0]
    assert now.partition("Warnings")[0].split() == then.partition("Warnings")[0].split()
    warnings = [set(orders.audit.warnings) for orders in both]
    assert {w for w in warnings[1] - warnings[0] if not w.startswith("Rows dated after")} == set()
    assert warnings[0] <= warnings[1]


def test_the_report_of_a_day_sees_nothing_later():
    assert_nothing_later_is_seen(EXAMPLE, DAYS[1])


@pytest.mark.slow
@law
@given(logs, st.sampled_from(DAYS))
def test_the_report_of_a_day_sees_nothing_later_whatever_the_rows(rows, day):
    if any(row["date"] in DAYS for row in known_then(rows, day)):
        assert_nothing_later_is_seen(rows, day)


# --- the frame -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param("pandas", pd.DataFrame, marks=pytest.mark.slow),
        pytest.param("polars", pl.DataFrame, marks=pytest.mark.slow),
        ("polars_lazy", pl.DataFrame),
        ("pyarrow", pa.Table),
        pytest.param("ibis", pd.DataFrame, marks=pytest.mark.slow),
        pytest.param("duckdb", pd.DataFrame, marks=pytest.mark.slow),
        pytest.param("csv", pd.DataFrame, marks=pytest.mark.slow),
        pytest.param("parquet", pd.DataFrame, marks=pytest.mark.slow),
    ],
)
def test_the_table_is_the_same_in_every_kind(small, as_kind, kind, expected):
    table = rk.read_orders(as_kind(SMALL, kind)).audit.to_frame()
    assert type(table) is expected
    columns = table.column_names if kind == "pyarrow" else list(table.columns)
    assert columns == FIELDS
    found = table if expected is pd.DataFrame else table.to_pandas()
    pd.testing.assert_frame_equal(found, small.audit.to_frame(), check_dtype=False)
    assert found["orders"].dtype == "int64"


@pytest.mark.spark
def test_spark_counts_and_warns_alike(spark):
    expected = rk.read_orders(SMALL).audit
    frame = spark.createDataFrame(SMALL.astype(object).where(SMALL.notna(), None))
    found = rk.read_orders(frame).audit
    # Spark keeps no place of a row: there are no examples.
    pd.testing.assert_frame_equal(
        found.to_frame().drop(columns="examples"), expected.to_frame().drop(columns="examples")
    )
    assert found.warnings == expected.warnings
    assert found.statuses.equals(expected.statuses)
    assert "no_amount" in repr(found)


def test_the_audit_is_made_once_and_moves_with_the_day(small):
    orders = small
    assert orders.audit is orders.audit
    assert orders.until("2023-12-31").audit.to_frame()["rows"].tolist() == [0, 0]
    assert orders.audit.to_frame()["rows"].tolist()[-1] == 5


# --- the report ------------------------------------------------------------------------------


def lines_below(text, heading):
    """Return the lines of a section."""
    return text.partition(f"\n{heading}\n")[2].partition("\n\n")[0].splitlines()


def test_the_report_says_what_was_read(tmp_path):
    path = tmp_path / "orders.csv"
    SMALL.to_csv(path, index=False)
    orders = rk.read_orders(path)
    text = repr(orders.audit)
    assert text.startswith(f"Every row of the order log, as of {orders.as_of}\n\nRead\n")
    assert lines_below(text, "Read") == [
        "  format       generic (order log with columns found by their names)",
        "  file         orders.csv",
        "  rows         5",
        "  customer_id  column 'customer'",
        "  ordered_at   column 'date'",
        "  amount       column 'total'",
        "  order_id     column 'order_id'",
        "  status       column 'status'",
    ]
    assert lines_below(text, "Statuses") == [
        "  status  meaning  rows",
        "  paid    paid        4",
        "  odd     unknown     1",
    ]
    no_amount, unknown = RULES["no_amount"], RULES["unknown_status"]
    assert lines_below(text, "Rules") == [
        "         rule            rows  orders  amount  examples  meaning",
        f"  kept   kept               1       1    1.50            {RULES['kept']}",
        "  aside  no_customer        1       1    3.00  row 3     no customer id",
        f"  aside  no_amount          1       1    0.00  row 4     {no_amount}",
        f"  aside  unknown_status     1       1   -2.25  row 2     {unknown}",
        f"  aside  zero_amount        1       1    0.00  row 5     {RULES['zero_amount']}",
        lines_below(text, "Rules")[-2],
        "  read                      5       4    2.25            the whole log",
    ]
    assert set(lines_below(text, "Rules")[-2]) == {" ", "-"}


def test_the_warnings_close_the_report(small):
    audit = small.audit
    assert len(audit.warnings) == 4
    closing = " ".join(repr(audit).partition("\nWarnings\n")[2].split())
    assert closing == " ".join(f"- {warning}" for warning in audit.warnings)
    assert "Nothing looks odd." in repr(rk.read_orders(log(total=[1])).audit)


def test_a_note_of_the_reading_is_shown(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("客户,日期,金额\n张三,2024-01-01,1\n", "gb18030")
    read = lines_below(repr(rk.read_orders(path).audit), "Read")
    assert any("read as gb18030" in line for line in read if line.startswith("  note "))


def test_the_most_frequent_statuses_are_shown_and_every_unknown_one():
    known = ["paid", "shipped", "completed", "delivered", "done", "cancelled", "void", "deleted",
             "test", "refunded", "pending", "failed"]  # fmt: skip
    words = [word for place, word in enumerate(known) for _ in range(40 - place)] + ["odd", ""]
    text = repr(rk.read_orders(log(status=words)).audit)
    shown = [line.split()[0] for line in lines_below(text, "Statuses")[1:]]
    assert shown == [*known[:10], "(empty)", "odd", "(2"]
    assert lines_below(text, "Statuses")[-1].split()[-1] == str(30 + 29)


def test_cents_of_cents_are_shown_for_all_or_for_none():
    frame = log(total=["1.0001", "2", None])
    rules = lines_below(repr(rk.read_orders(frame).audit), "Rules")
    assert [line.split()[4] for line in rules[1:3]] == ["3.0001", "0.0000"]


def test_no_cell_is_taken_for_markup(tmp_path):
    path = tmp_path / f"{EVIL.replace('/', '')}.csv"
    frame = SMALL.assign(status=[EVIL, "paid", "paid", "paid", "paid"], customer=[EVIL] * 5)
    frame.loc[0, ["total", "status"]] = "99999", "paid"
    frame.loc[1, "status"] = EVIL
    frame.rename(columns={"date": f"date {EVIL}"}).to_csv(path, index=False)
    audit = rk.read_orders(path, time=f"date {EVIL}").audit
    page = audit._repr_html_()
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;") >= 4
    for rule in audit.to_frame()["rule"].drop_duplicates():
        assert rule in page


def test_html_says_what_the_text_says(small):
    page = small.audit._repr_html_()
    for word in repr(small.audit).replace("---", " ").split():
        if word.isalnum():
            assert word in page


# --- the attributes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refunds", "bridge"),
    [
        # 100 - 30 of an order, 50 - 20 with a refund row; what cancels out on its day is aside.
        ("net", "100.00 = kept 120.00 + refund -20.00 (sum of spend in rk.segment)"),
        ("drop_full", "160.00 = kept 160.00 (sum of spend in rk.segment)"),
        pytest.param(
            "gross",
            "160.00 = kept 160.00 (sum of spend in rk.segment)",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_line_below_the_rules_leads_to_the_money_of_the_customers(refunds, bridge):
    frame = log(
        customer=["a", "b", "b", "c", "c"],
        total=[100, 50, -20, 10, -10],
        refund=[30, 0, 0, 0, 0],
        date=["2024-01-01", "2024-01-01", "2024-01-09", "2024-01-02", "2024-01-02"],
    )
    orders = rk.read_orders(frame, refunds=refunds)
    assert lines_below(repr(orders.audit), "Net money of the customers") == [f"  {bridge}"]
    assert bridge in orders.audit._repr_html_()
    total = bridge.partition(" = ")[0]
    assert f", {total} net as of " in repr(orders)
    assert rk.segment(orders)["spend"].sum() == float(total)


def test_the_attributes_are_plain():
    audit = rk.read_orders(SMALL).audit
    assert audit.format == "generic"
    assert audit.columns["amount"] == "total"
    audit.columns["amount"] = "mine"
    assert audit.columns["amount"] == "total"
    assert isinstance(audit.warnings, tuple)
    shown = audit.statuses
    shown["rows"] = 0
    assert audit.statuses["rows"].tolist() == [4, 1]


def test_every_rule_has_its_meaning_in_the_table(orders):
    table = orders.audit.to_frame().set_index("rule")["meaning"].drop("read")
    assert table.to_dict() == {rule: RULES[rule] for rule in table.index}


def test_a_platform_names_itself_and_says_what_its_customers_are_known_by():
    audit = rk.read_orders(rk.datasets.sample_path("shopify.csv")).audit
    assert audit.format == "shopify"
    assert "shopify (Shopify orders export): its columns 'Name', " in repr(audit)
    kinds = [line for line in lines_below(repr(audit), "Read") if "known by" in line]
    assert [line.split()[2] for line in kinds] == ["email:", "name:", "phone:"]


def test_the_bundled_sample_is_silent(orders):
    assert orders.audit.warnings == ()
