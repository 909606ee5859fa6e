"""Stripe's payments: in UTC, in several currencies, with the attempts that failed."""

import io

import pandas as pd
import pytest

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.stripe import HEADERS

SHOP = simulate_orders(150, seed=1)
VINTAGES = {"2024": "Created date (UTC)", "2019": "Created (UTC)"}


def table(vintage: str) -> tuple[pd.DataFrame, object]:
    export = export_orders(SHOP, format="stripe", vintage=vintage)
    (content,) = export.files.values()
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False), export


@pytest.mark.parametrize(("vintage", "created"), VINTAGES.items())
def test_the_headers_are_those_of_the_dashboard(vintage: str, created: str) -> None:
    header = HEADERS[vintage]
    assert len(header) == len(set(header)) == 49
    assert header[:5] == ("id", "Description", "Seller Message", created, "Amount")
    assert header[11:14] == ("Converted Currency", "Mode", "Status")
    assert header[19] == "Card ID"
    assert header[38:43] == (
        "Disputed Amount", "Dispute Status", "Dispute Reason", "Dispute Date (UTC)",
        "Dispute Evidence Due (UTC)",
    )  # fmt: skip


@pytest.mark.parametrize(("vintage", "created"), VINTAGES.items())
def test_a_plain_reading_finds_the_truth(vintage: str, created: str) -> None:
    rows, export = table(vintage)
    failed = {"Failed": "closed_unpaid", "Refunded": "refunded"}
    rule = rows["Status"].map(failed).fillna("")
    rule = rule.mask((rule == "") & (rows["Captured"] == "false"), "unpaid")
    customer = rows["Customer ID"].where(
        rows["Customer ID"] != "", "email:" + rows["Customer Email"].str.lower()
    )
    rule = rule.mask((rule == "") & customer.isin(["", "email:"]), "no_customer")
    rule = rule.mask(rows["Mode"] == "Test", "test")
    assert rule[rule != ""].value_counts().to_dict() == export.aside
    money = [
        pd.to_numeric(rows[name]) for name in ("Converted Amount", "Converted Amount Refunded")
    ]
    moment = pd.to_datetime(rows[created], utc=True).dt.tz_convert(export.zone)
    found = pd.DataFrame(
        {
            "order_id": rows["id"],
            "customer_id": customer,
            "ordered_at": moment.dt.tz_localize(None),
            "amount": (money[0] - money[1]).round(2),
        }
    )[rule == ""].sort_values(["ordered_at", "order_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found, export.truth, check_dtype=False)


def test_the_traps_are_in_the_bytes() -> None:
    rows, export = table("2024")
    assert set(rows["Currency"]) == {"eur", "usd", "gbp"}
    assert set(rows["Status"]) == {"Paid", "Refunded", "Failed"}
    assert set(rows["Mode"]) == {"Live", "Test"}
    paid = rows[rows["Status"] == "Paid"]
    assert (paid["Captured"] == "false").any()
    assert (pd.to_numeric(paid["Amount Refunded"]) > 0).any()
    # in UTC a purchase of the small hours is one of the day before
    local = export.truth.set_index("order_id")["ordered_at"]
    written = pd.to_datetime(rows.set_index("id")["Created date (UTC)"])[local.index]
    assert set((local - written).dt.total_seconds()) == {3600, 7200}
    # a purchase and the attempts before it have one payment intent
    attempts = rows.groupby("PaymentIntent ID")["Status"].agg(list)
    assert attempts.map(lambda seen: sorted(seen) == ["Failed", "Failed", "Paid"]).any()
    assert (rows[rows["Status"] == "Failed"]["Converted Amount"] == "").all()
