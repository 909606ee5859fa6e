"""WooCommerce's exports: guests, months first, and refunds on a day of their own."""

import io
import re

import pandas as pd
import pytest

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.woocommerce import ANALYTICS, ORDERS

SHOP = simulate_orders(150, seed=1)
RULES = {
    "pending": "unpaid", "on-hold": "unpaid", "checkout-draft": "unpaid", "failed": "closed_unpaid",
    "cancelled": "cancelled", "refunded": "refunded",
}  # fmt: skip


def table(export: object) -> pd.DataFrame:
    (content,) = export.files.values()
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)


def assert_truth(found: pd.DataFrame, export: object) -> None:
    found = found.sort_values(["ordered_at", "order_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found, export.truth, check_dtype=False)


def test_the_headers_are_those_of_the_plugin() -> None:
    for header in ORDERS.values():
        assert len(set(header)) == len(header)
        assert header[:5] == ("order_id", "order_number", "order_date", "paid_date", "status")
        assert header[19:25] == (
            "customer_ip_address", "customer_user_agent", "shipping_method", "customer_id",
            "customer_user", "customer_email",
        )  # fmt: skip
        assert header[46:53] == (
            "customer_note", "wt_import_key", "shipping_items", "fee_items", "tax_items",
            "coupon_items", "refund_items",
        )  # fmt: skip
    assert ORDERS["orders"][-1] == "line_item_3"


@pytest.mark.parametrize("vintage", ["orders", "lines"])
def test_a_plain_reading_finds_the_truth(vintage: str) -> None:
    export = export_orders(SHOP, format="woocommerce", vintage=vintage)
    rows = table(export)
    rows["rule"] = rows["status"].str.removeprefix("wc-").map(RULES).fillna("")
    open_ = rows["rule"] == ""
    rows.loc[open_ & (rows["order_total"] == "0.00"), "rule"] = "zero_amount"
    rows.loc[open_ & (rows["billing_email"] == ""), "rule"] = "no_customer"
    assert rows["rule"][rows["rule"] != ""].value_counts().to_dict() == export.aside
    kept = rows[rows["rule"] == ""].drop_duplicates("order_id")
    back = kept["refund_items"].str.extract(r"amount:([\d.]+)")[0].astype(float).fillna(0)
    found = pd.DataFrame(
        {
            "order_id": kept["order_id"],
            "customer_id": kept["billing_email"].str.lower(),
            "ordered_at": pd.to_datetime(kept["paid_date"], format="%m/%d/%Y %H:%M:%S"),
            "amount": (kept["order_total"].astype(float) - back).round(2),
        }
    )
    assert_truth(found, export)


def test_a_person_buys_as_a_guest_and_as_a_customer() -> None:
    rows = table(export_orders(SHOP, format="woocommerce"))
    known = rows[rows["billing_email"] != ""]
    per_person = known.groupby(known["billing_email"].str.lower())["customer_id"].agg(set)
    assert per_person.map(lambda ids: "0" in ids and len(ids) == 2).any()
    assert (known["billing_email"] != known["billing_email"].str.lower()).any()


def test_the_traps_are_in_the_bytes() -> None:
    rows = table(export_orders(SHOP, format="woocommerce"))
    assert set(RULES) | {"completed", "processing"} == set(rows["status"])
    # only some of the dates show that the month comes first
    assert rows["order_date"].str.match(r"^\d{1,2}/(1[3-9]|2\d|3[01])/").any()
    assert rows["order_date"].str.match(r"^\d/\d/\d{4} \d{1,2}:\d\d:\d\d$").any()
    lines = table(export_orders(SHOP, format="woocommerce", vintage="lines"))
    assert lines["status"].str.startswith("wc-").all()
    repeated = lines.groupby("order_id")["order_total"]
    assert repeated.size().max() > 1
    assert repeated.nunique().max() == 1


def test_the_analytics_headers_are_those_of_the_report() -> None:
    assert [len(header) for header in ANALYTICS.values()] == [11, 10]
    assert ANALYTICS["2024"][-2:] == ("Net Sales", "Attribution")
    assert ANALYTICS["2021"][-1] == "N. Revenue"


@pytest.mark.parametrize("vintage", ["2024", "2021"])
def test_the_refund_rows_of_the_report_belong_to_their_orders(vintage: str) -> None:
    export = export_orders(SHOP, format="woocommerce_analytics", vintage=vintage)
    rows = table(export)
    rows["net"] = rows[ANALYTICS[vintage][9]].astype(float)
    rows["when"] = pd.to_datetime(rows["Date"])
    orders = rows.sort_values("when").groupby("Order #")
    found = pd.DataFrame(
        {
            "customer_id": orders["Customer"].first().str.lower(),
            "ordered_at": orders["when"].first(),
            "amount": orders["net"].sum().round(2),
        }
    )
    unpaid = orders["Status"].first() == "on-hold"
    found = found[~unpaid & (found["amount"] > 0) & (found["customer_id"] != "")]
    assert_truth(found.rename_axis("order_id").reset_index(), export)
    whole = orders["net"].agg(["sum", "size", "first"])
    returned = (whole["size"] == 2) & (whole["sum"].abs() < 0.005)
    assert export.aside["refunded"] == 2 * returned.sum()
    assert export.aside["unpaid"] == unpaid.sum()


def test_the_traps_of_the_report_are_in_the_bytes() -> None:
    rows = table(export_orders(SHOP, format="woocommerce_analytics"))
    back = rows[rows["Net Sales"].astype(float) < 0]
    assert len(back) > 5
    assert back["N. Revenue (formatted)"].str.startswith("-$").all()
    sales = rows[rows["Net Sales"].astype(float) > 0].set_index("Order #")["Date"]
    days = back.set_index("Order #")["Date"].str[:10]
    assert (days != sales[days.index].str[:10]).all()
    assert set(rows["Status"]) <= {"completed", "processing", "on-hold", "refunded"}
    assert re.search(r"\d× ", rows["Product(s)"].iloc[0])
    assert "Email" not in rows.columns
