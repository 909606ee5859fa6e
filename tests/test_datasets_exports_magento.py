"""Magento's grid: ids with zeros before them, and two totals of which one adds up."""

import io

import pandas as pd

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.magento import HEADER

EXPORT = export_orders(simulate_orders(150, seed=1), format="magento")
RULES = {
    "Pending": "unpaid", "Pending Payment": "unpaid", "Canceled": "cancelled",
    "Closed": "closed_refunded",
}  # fmt: skip


def table() -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(EXPORT.files["export.csv"]), dtype=str, keep_default_na=False)


def test_the_header_is_quoted_where_it_has_spaces() -> None:
    assert len(HEADER) == 20
    first = EXPORT.files["export.csv"].decode().split("\n")[0]
    assert first.startswith('ID,"Purchase Point","Purchase Date","Bill-to Name"')
    assert first.endswith('"Total Refunded","Allocated sources","Pickup Location Code"')


def test_a_plain_reading_finds_the_truth() -> None:
    rows = table()
    total, back = (
        rows[name].replace("", "0").astype(float)
        for name in ("Grand Total (Base)", "Total Refunded")
    )
    rule = rows["Status"].map(RULES).fillna("")
    rule = rule.mask((rule == "") & (rows["Customer Email"] == ""), "no_customer")
    rule = rule.mask((rule == "") & (total == 0), "zero_amount")
    assert rule[rule != ""].value_counts().to_dict() == EXPORT.aside
    found = pd.DataFrame(
        {
            "order_id": rows["ID"],
            "customer_id": rows["Customer Email"].str.lower(),
            "ordered_at": pd.to_datetime(rows["Purchase Date"], format="%b %d, %Y %I:%M:%S %p"),
            "amount": (total - back).round(2),
        }
    )[rule == ""].sort_values(["ordered_at", "order_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found, EXPORT.truth, check_dtype=False)


def test_the_traps_are_in_the_bytes() -> None:
    rows = table()
    assert rows["ID"].str.fullmatch(r"0{3,}\d+").all()
    assert (rows["Grand Total (Base)"] != rows["Grand Total (Purchased)"]).any()
    assert rows["Grand Total (Base)"].str.fullmatch(r"\d+\.\d{4}").all()
    assert (rows["Customer Email"] != rows["Customer Email"].str.lower()).any()
    assert rows["Purchase Point"].str.contains("\n").all()
    assert set(rows["Status"]) == {*RULES, "Processing", "Complete"}
    assert rows["Purchase Date"].str.contains(" 12:").any()
