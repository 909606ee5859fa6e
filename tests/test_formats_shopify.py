"""The traps of Shopify's orders export, each by its name."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import polars as pl
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.exceptions import OrdersError

HEADER = (
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Currency", "Subtotal",
    "Total", "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price", "Billing Name",
    "Billing Zip", "Phone", "Refunded Amount", "Payment Method", "Id",
)  # fmt: skip


def first(name="#1001", *, email="anna@example.com", status="paid", total="20.00", refund="0.00",
          at="2024-03-01 10:00:00 +0100", number="501", **more):  # fmt: skip
    row = dict.fromkeys(HEADER, "") | {
        "Name": name, "Email": email, "Financial Status": status, "Paid at": at, "Created at": at,
        "Fulfillment Status": "fulfilled", "Currency": "EUR", "Subtotal": "19.00", "Total": total,
        "Lineitem quantity": "1", "Lineitem name": "Tea, green", "Lineitem price": "10.00",
        "Refunded Amount": refund, "Payment Method": "card", "Id": number,
    }  # fmt: skip
    return row | {key.replace("_", " "): value for key, value in more.items()}


def further(name="#1001"):
    line = {
        "Name": name,
        "Lineitem quantity": "2",
        "Lineitem name": "Cup",
        "Lineitem price": "5.00",
    }
    return dict.fromkeys(HEADER, "") | line


def export(*rows):
    return pd.DataFrame(list(rows), columns=list(HEADER))


def found(*rows, **options):
    return rk.read_orders(export(*rows), **options).to_frame()


@pytest.mark.parametrize("name", ["#1001", ""])
def test_several_rows_an_order_with_blank_further_rows(name):
    orders = rk.read_orders(
        export(first(), further(name), further(name), first("#1002", number="502"))
    )
    assert orders.to_frame()["amount"].tolist() == [Decimal(20), Decimal(20)]
    assert audited(orders)["kept"] == (4, Decimal(40))


def test_further_rows_of_a_blank_name_belong_to_the_order_above():
    frame = found(first(), further(""), first("#1002", number="502", total="7.00"), further(""))
    assert dict(zip(frame["order_id"], frame["amount"], strict=True)) == {"501": 20, "502": 7}


def test_a_name_that_comes_again_after_a_migration_is_another_order():
    frame = found(first(), further(), first(number="900", total="30.00"), further())
    assert dict(zip(frame["order_id"], frame["amount"], strict=True)) == {"501": 20, "900": 30}


def test_without_the_column_id_the_name_is_the_order():
    frame = export(first(), further(), first("#1002")).drop(columns=["Id"])
    assert rk.read_orders(frame).to_frame()["order_id"].tolist() == ["#1001", "#1002"]


def test_the_rows_of_one_order_may_stand_apart():
    apart = found(first(), first("#1002", number="502"), further("#1001"), further("#1002"))
    assert apart["amount"].tolist() == [Decimal(20), Decimal(20)]


def test_an_export_of_single_rows_needs_no_filling():
    assert len(found(first(), first("#1002", number="502"))) == 2


def test_the_total_is_not_reduced_by_refunds():
    frame = found(first(status="partially_refunded", refund="4.00"))
    assert frame["amount"].tolist() == [Decimal(16)]


def test_the_total_counts_and_not_the_subtotal_that_claims_as_much():
    assert found(first())["amount"].tolist() == [Decimal(20)]


@pytest.mark.parametrize(
    ("status", "rule"), [("voided", "void"), ("pending", "unpaid"), ("authorized", "unpaid"),
                         ("expired", "closed_unpaid"), ("refunded", "refunded")],
)  # fmt: skip
def test_what_was_never_paid_or_given_back_is_no_sale(status, rule):
    rows = first(), first("#1002", status=status, number="502", Cancelled_at="2024-03-02")
    assert audited(rk.read_orders(export(*rows)))[rule] == (1, Decimal(20))


def test_unpaid_orders_have_no_paid_at_and_count_from_their_creation():
    rows = first(), first("#1002", status="pending", number="502", Paid_at="")
    orders = rk.read_orders(export(*rows))
    assert audited(orders)["unpaid"][0] == 1


def test_offsets_that_change_with_summer_time_show_the_clock_of_the_shop():
    rows = (
        first(at="2024-03-31 00:30:00 +0100"),
        first("#1002", at="2024-07-01 00:30:00 +0200", number="502"),
    )
    assert found(*rows)["ordered_at"].tolist() == [
        dt.datetime(2024, 3, 31, 0, 30),
        dt.datetime(2024, 7, 1, 0, 30),
    ]


def test_a_time_zone_of_the_callers_wins_over_the_written_one():
    frame = found(first(at="2024-07-01 00:30:00 +0200"), tz="UTC")
    assert frame["ordered_at"].tolist() == [dt.datetime(2024, 6, 30, 22, 30)]


def test_the_customer_is_the_email_then_the_phone_then_name_and_postcode():
    rows = (
        first(email="Anna@Example.com"),
        first("#2", number="2", email=" anna@example.com"),
        first("#3", number="3", email="", Phone="'+49 555 0100"),
        first("#4", number="4", email="", Billing_Name="Bert  B", Billing_Zip="'01099"),
        first("#5", number="5", email="", Billing_Name="bert b", Billing_Zip="01099"),
        first("#6", number="6", email="", Billing_Name="Bert B"),
    )
    orders = rk.read_orders(export(*rows))
    kinds = orders.to_frame().groupby("customer_id")["customer_key"].agg(["first", "size"])
    assert kinds.to_dict("index") == {
        "anna@example.com": {"first": "email", "size": 2},
        "phone:495550100": {"first": "phone", "size": 1},
        "name:bert b|01099": {"first": "name", "size": 2},
    }
    assert audited(orders)["no_customer"][0] == 1


def test_orders_of_the_bogus_gateway_are_tests():
    rows = first(), first("#2", number="2", Payment_Method="(for testing) Bogus Gateway")
    assert audited(rk.read_orders(export(*rows)))["test"] == (1, Decimal(20))


def test_line_breaks_in_quotes_and_leading_apostrophes(tmp_path):
    file = tmp_path / "orders_export.csv"
    export(first(Notes="a\nb", Billing_Zip="'01099"), further()).to_csv(file, index=False)
    assert rk.read_orders(file).to_frame()["order_id"].tolist() == ["501"]


def test_the_same_from_polars():
    frame = export(first(), further(), first("#2", number="2"))
    got = rk.read_orders(pl.from_pandas(frame)).to_frame()
    assert got.to_pandas().to_dict("list") == rk.read_orders(frame).to_frame().to_dict("list")


@pytest.mark.spark
def test_an_engine_that_keeps_no_order_of_rows_is_told_so(spark):
    frame = spark.createDataFrame(export(first(), further()))
    with pytest.raises(OrdersError, match="Hint: read the file itself"):
        rk.read_orders(frame)


def test_ids_that_a_spreadsheet_destroyed_give_way_to_the_names():
    rows = first(number="5.40002E+12"), further(), first("#1002", number="5.40002E+12", total="7")
    orders = rk.read_orders(export(*rows))
    assert orders.to_frame()["amount"].tolist() == [Decimal(20), Decimal(7)]
    assert audited(orders)["read"] == (3, Decimal(27))


@pytest.mark.parametrize("lines", [("Gift wrap", "Mug"), ("Mug", "Gift wrap")])
def test_a_line_that_is_excluded_leaves_the_total_to_the_others(lines):
    rows = first() | {"Lineitem name": lines[0]}, further() | {"Lineitem name": lines[1]}
    orders = rk.read_orders(export(*rows), exclude={"Lineitem name": "gift wrap"})
    assert orders.to_frame()["amount"].tolist() == [Decimal(20)]
    assert audited(orders)["excluded"] == (1, Decimal(0))


def test_an_order_of_which_every_line_is_excluded_is_excluded():
    rows = first(), further(), first("#2", number="2")
    orders = rk.read_orders(export(*rows), exclude={"Lineitem name": "^(tea, green|cup)$"})
    assert audited(orders)["excluded"] == (3, Decimal(40))


def test_either_phone_tells_the_customer_and_a_destroyed_one_does_not():
    rows = (
        first(email="", Phone="+49 555 0100"),
        first("#2", number="2", email="") | {"Billing Phone": "'+49 555 0100"},
        first("#3", number="3", email="", Phone="1.55501E+10"),
        first("#4", number="4", email="", Phone="000-000-0000"),
    )
    frame = rk.read_orders(pd.DataFrame(list(rows))).to_frame()
    assert frame["customer_id"].tolist() == ["phone:495550100"] * 2
    assert set(frame["customer_key"]) == {"phone"}


def test_the_blank_status_of_a_further_row_is_none_on_an_earlier_day_too():
    rows = first(), further(), first("#2", number="2", at="2024-05-01 10:00:00 +0200")
    then = rk.read_orders(export(*rows)).until("2024-04-01")
    assert then.audit.statuses["status"].tolist() == ["paid"]


def test_destroyed_ids_of_single_rows_are_orders_of_their_own():
    rows = first(number="5.40003E+12"), first("#1002", number="5.40002E+12", total="7")
    assert sorted(found(*rows)["amount"]) == [Decimal(7), Decimal(20)]
