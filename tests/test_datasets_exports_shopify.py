"""Shopify's export: several rows to an order, buyers by e-mail, telephone or name."""

import io
import re

import pandas as pd

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.shopify import HEADER

EXPORT = export_orders(simulate_orders(150, seed=1), format="shopify")
CONTENT = EXPORT.files["orders_export_1.csv"]
TEXT = CONTENT.decode("utf-8")


def table() -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(CONTENT), dtype=str, keep_default_na=False)


def filled() -> pd.DataFrame:
    """Return rows whose blank cells are filled from the first row of their order."""
    rows = table()
    first = rows["Id"] != ""
    columns = ["Id", "Name", "Email", "Financial Status", "Payment Method", "Total", "Paid at"]
    rows["order"] = first.cumsum()
    wanted = [*columns, "Refunded Amount", "Phone", "Billing Name", "Billing Zip", "Cancelled at"]
    return rows[["order"]].merge(rows[first][["order", *wanted]], on="order")


def customer(row: pd.Series) -> str:
    if row["Email"]:
        return row["Email"].lower()
    if row["Phone"]:
        return "phone:" + re.sub(r"\D", "", row["Phone"])
    if row["Billing Name"]:
        return f"name:{row['Billing Name'].casefold()}|{row['Billing Zip'].lstrip(chr(39))}"
    return ""


def rule(row: pd.Series) -> str:
    if "bogus" in row["Payment Method"].lower():
        return "test"
    never = {"pending": "unpaid", "authorized": "unpaid", "voided": "void", "refunded": "refunded"}
    if row["Financial Status"] in never:
        return never[row["Financial Status"]]
    if not row["customer_id"]:
        return "no_customer"
    return "zero_amount" if row["Total"] == "0.00" else ""


def test_the_header_has_the_seventy_nine_names() -> None:
    assert len(HEADER) == 79
    assert TEXT.split("\n")[0] == ",".join(HEADER)
    assert HEADER[0] == "Name"
    assert HEADER[HEADER.index("Id") - 1] == "Device ID"
    assert HEADER[-3:] == ("Payment Terms Name", "Next Payment Due At", "Payment References")


def test_a_plain_reading_finds_the_truth() -> None:
    rows = filled()
    rows["customer_id"] = rows.apply(customer, axis=1)
    rows["rule"] = rows.apply(rule, axis=1)
    assert rows["rule"][rows["rule"] != ""].value_counts().to_dict() == EXPORT.aside
    kept = rows[rows["rule"] == ""].drop_duplicates("Id")
    moment = pd.to_datetime(kept["Paid at"], utc=True).dt.tz_convert(EXPORT.zone)
    found = pd.DataFrame(
        {
            "order_id": kept["Id"],
            "customer_id": kept["customer_id"],
            "ordered_at": moment.dt.tz_localize(None),
            "amount": (kept["Total"].astype(float) - kept["Refunded Amount"].astype(float)).round(
                2
            ),
        }
    ).sort_values(["ordered_at", "order_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found, EXPORT.truth, check_dtype=False)


def test_continuation_rows_come_in_three_ways() -> None:
    rows = table()
    more = rows[rows["Id"] == ""]
    assert (more["Total"] == "").all()
    assert (more["Lineitem name"] != "").all()
    assert (more["Name"] == "").any()
    assert ((more["Name"] != "") & (more["Email"] == "")).any()
    assert (more["Email"] != "").any()


def test_offsets_follow_the_summer_time() -> None:
    assert set(re.findall(r"\d{2}:\d{2}:\d{2} ([+-]\d{4})", TEXT)) == {"+0100", "+0200"}
    summer = table()["Created at"].str.extract(r"-(0[678])-.* (\+\d{4})$").dropna()
    assert set(summer[1]) == {"+0200"}


def test_every_kind_of_buyer_is_there() -> None:
    kinds = EXPORT.truth["customer_id"].str.extract(r"^(phone:|name:)")[0].fillna("mail")
    assert set(kinds) == {"mail", "phone:", "name:"}
    emails = table()["Email"]
    people = emails[emails != ""].groupby(emails.str.lower()).nunique()
    assert people.max() == 3
    assert EXPORT.truth["customer_id"].str.contains(r"\|0\d{4}$").any()


def test_the_traps_are_in_the_bytes() -> None:
    rows = table()
    paid = rows[rows["Id"] != ""]
    assert (paid["Paid at"] == "").any()
    partial = paid[paid["Financial Status"] == "partially_refunded"]
    assert (partial["Refunded Amount"].astype(float) > 0).all()
    void = paid[paid["Financial Status"] == "voided"]
    assert (void["Cancelled at"] != "").all()
    assert {"bogus", "Bogus Gateway"} <= set(paid["Payment Method"])
    assert "'+1555" in TEXT
    assert paid["Billing Zip"].str.startswith("'").any()
    assert not paid["Name"].is_unique
    assert paid["Id"].is_unique
    assert "Please\nring twice" in TEXT
    assert paid["Created at"].iloc[0] > paid["Created at"].iloc[-1]
