"""Amazon's reports: the money of a line, three ways to write a moment, and who bought."""

import io

import pandas as pd

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.amazon import ALL_ORDERS, ORDERS

SHOP = simulate_orders(150, seed=1)


def table(export: object) -> pd.DataFrame:
    (content,) = export.files.values()
    return pd.read_csv(io.BytesIO(content), sep="\t", dtype=str, keep_default_na=False)


def test_the_headers_have_hyphens_and_nothing_else() -> None:
    assert (len(ORDERS), len(ALL_ORDERS)) == (38, 32)
    for header in (ORDERS, ALL_ORDERS):
        assert len(set(header)) == len(header)
        assert not any(" " in name or "_" in name for name in header)
    assert "buyer-email" in ORDERS
    assert not [name for name in ALL_ORDERS if "buyer" in name]


def test_a_plain_reading_of_the_order_report_finds_the_truth() -> None:
    export = export_orders(SHOP, format="amazon")
    rows = table(export)
    money = rows[["item-price", "shipping-price", "item-promotion-discount"]].astype(float)
    rows["money"] = money.iloc[:, 0] + money.iloc[:, 1] - money.iloc[:, 2]
    free = rows.groupby("order-id")["money"].transform("sum") == 0
    nobody = rows["buyer-email"] == ""
    assert export.aside == {"no_customer": nobody.sum(), "zero_amount": free.sum()}
    orders = rows[~nobody & ~free].groupby("order-id")
    paid = pd.to_datetime(orders["payments-date"].first(), utc=True).dt.tz_convert(export.zone)
    found = pd.DataFrame(
        {
            "customer_id": orders["buyer-email"].first(),
            "ordered_at": paid.dt.tz_localize(None),
            "amount": orders["money"].sum().round(2),
        }
    )
    found = found.rename_axis("order_id").reset_index()
    found = found.sort_values(["ordered_at", "order_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found, export.truth, check_dtype=False)


def test_the_traps_are_in_the_bytes() -> None:
    export = export_orders(SHOP, format="amazon")
    rows = table(export)
    ends = rows["purchase-date"].str[19:]
    assert set(ends) == {"+00:00", "Z", "-07:00", "-08:00"}
    assert rows["order-id"].str.fullmatch(r"\d{3}-\d{7}-\d{7}").all()
    assert rows["order-id"].duplicated().any()
    assert rows["order-item-id"].is_unique
    assert rows["ship-postal-code"].str.startswith("0").any()
    assert b"\t" in next(iter(export.files.values())).split(b"\r\n")[0]


def test_the_report_of_all_orders_has_no_truth_to_read() -> None:
    export = export_orders(SHOP, format="amazon_all_orders")
    assert len(export.truth) == 0
    assert export.aside == {}
    rows = table(export)
    assert set(rows["order-status"]) == {"Pending", "Unshipped", "Shipped", "Cancelled"}
    mixed = rows[rows["order-status"] == "Shipped"]
    assert (mixed["item-status"] == "Cancelled").any()
    assert (rows[rows["item-status"] == "Cancelled"]["item-price"] == "").all()
    assert (rows[rows["order-status"] == "Pending"]["item-price"] == "").all()
    assert (rows["sales-channel"] == "Non-Amazon").any()
