"""Online Retail: half a million order lines, with returns, gifts and lines of nobody."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def path(real_data):
    return real_data / "online_retail" / "OnlineRetail.zstd.parquet"


@pytest.fixture(scope="module")
def log(path):
    return rk.read_orders(path)


@pytest.fixture(scope="module")
def raw(path):
    """The lines, with money in exact ten-thousandths of a pound."""
    lines = pd.read_parquet(path)
    price = (lines["UnitPrice"] * 10_000).round().astype("int64")
    return lines.assign(money=price * lines["Quantity"], day=lines["InvoiceDate"].dt.normalize())


@pytest.fixture(scope="module")
def invoices(raw):
    """Invoices of known customers, each with its lines, its money and its rule."""
    table = raw[raw["CustomerID"].notna()].groupby(["CustomerID", "InvoiceNo"], as_index=False)
    table = table.agg(lines=("money", "size"), money=("money", "sum"), day=("day", "min"))
    table["rule"] = "kept"
    table.loc[table["money"] == 0, "rule"] = "zero_amount"
    table.loc[table["money"] < 0, "rule"] = "refund"
    counts = table["rule"].isin(["kept", "refund"])
    day = [table["CustomerID"], table["day"]]
    net = table["money"].where(counts, 0).groupby(day).transform("sum")
    gave_back = (table["rule"] == "refund").groupby(day).transform("any")
    table.loc[counts & gave_back & (net == 0), "rule"] = "refunded_same_day"
    bought = (table["rule"] == "kept").groupby(table["CustomerID"]).transform("any")
    table.loc[(table["rule"] == "refund") & ~bought, "rule"] = "refund_without_purchase"
    return table


def test_every_line_and_every_penny_is_accounted_for(log):
    audit = log.audit.to_frame().set_index("rule")
    parts = audit.drop("read")
    assert parts["rows"].sum() == audit.loc["read", "rows"] == 541_909
    assert parts["amount"].sum() == audit.loc["read", "amount"]
    assert audit.loc["read", "amount"].quantize(Decimal("0.01")) == Decimal("9747747.93")


def test_the_rules_are_those_counted_from_the_lines(log, raw, invoices):
    audit = log.audit.to_frame().set_index("rule").drop("read")
    by_rule = invoices.groupby("rule")[["lines", "money"]].sum()
    nobody = raw[raw["CustomerID"].isna()]
    expected = by_rule["lines"].to_dict() | {"no_customer": len(nobody)}
    money = by_rule["money"].to_dict() | {"no_customer": nobody["money"].sum()}
    assert audit["rows"].to_dict() == expected
    found = {rule: int(amount * 10_000) for rule, amount in audit["amount"].items()}
    assert found == money
    assert expected["no_customer"] == 135_080


def test_the_customers_are_those_counted_from_the_invoices(log, invoices):
    kept = invoices[invoices["rule"] == "kept"].groupby("CustomerID")
    customers = rk.summarize(log).set_index("customer_id")
    # The source writes ids as "17850.0": a float has passed through them.
    ids = [customer.removesuffix(".0") for customer in kept.groups]
    assert customers.index.tolist() == ids
    assert customers["orders"].tolist() == kept.size().tolist()
    assert customers["purchases"].tolist() == kept["day"].nunique().tolist()
    assert customers["last_purchase"].tolist() == kept["day"].max().tolist()
    netted = invoices[invoices["rule"].isin(["kept", "refund"])].groupby("CustomerID")["money"]
    spend = netted.sum()[list(kept.groups)] / 10_000
    assert customers["spend"].tolist() == pytest.approx(spend.tolist(), rel=1e-14, abs=1e-9)


def test_everybody_has_one_segment(log, raw):
    table = rk.segment(log)
    assert len(table) == raw["CustomerID"].nunique() == 4372
    assert table["customer_id"].is_unique
    prospects = set(table.loc[table["segment"] == "prospect", "customer_id"])
    assert prospects == set(table["customer_id"]) - set(rk.summarize(log)["customer_id"])


def test_what_is_set_aside_can_be_looked_at(log, raw):
    rejected = log.rejected
    audit = log.audit.to_frame().set_index("rule")["rows"].drop(["read", "kept", "refund"])
    assert rejected["rule"].value_counts().to_dict() == audit.to_dict()
    nobody = rejected.loc[rejected["rule"] == "no_customer", "row"]
    assert nobody.tolist() == (raw.index[raw["CustomerID"].isna()] + 1).tolist()


def test_the_file_that_goes_around_reads_the_same(path, log, tmp_path):
    """In Latin-1, with the month first and ids as floats, as it is downloaded most often."""
    lines = pd.read_parquet(path)
    lines["InvoiceDate"] = lines["InvoiceDate"].dt.strftime("%-m/%-d/%Y %-H:%M")
    file = tmp_path / "data.csv"
    lines.to_csv(file, index=False, encoding="latin-1", errors="replace")
    again = rk.read_orders(file, encoding="latin-1")
    assert again.audit.format == log.audit.format == "online_retail"
    amounts = [orders.audit.to_frame().drop(columns="examples") for orders in (again, log)]
    pd.testing.assert_frame_equal(*amounts)
    first, second = (rk.summarize(orders) for orders in (again, log))
    first["customer_id"] = first["customer_id"].astype("int64")
    second["customer_id"] = second["customer_id"].astype("int64")
    order = ["customer_id"]
    pd.testing.assert_frame_equal(
        first.sort_values(order, ignore_index=True), second.sort_values(order, ignore_index=True)
    )
