"""The traps of Shopify's orders export, each by its name."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import polars as pl
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.exceptions import OrdersError

# One worker reads the logs that the tests share.
pytestmark = pytest.mark.xdist_group("shopify")

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


STATUSES = {"voided": "void", "pending": "unpaid", "authorized": "unpaid",
            "expired": "closed_unpaid", "refunded": "refunded"}  # fmt: skip
BLANK = {"email": ""}
CUSTOMERS = {
    "2": ({"email": "Anna@Example.com"}, "anna@example.com", "email"),
    "3": ({"email": " anna@example.com"}, "anna@example.com", "email"),
    "4": (BLANK | {"Phone": "'+49 555 0100"}, "phone:495550100", "phone"),
    "5": (
        BLANK | {"Billing_Name": "Bert  B", "Billing_Zip": "'01099"},
        "name:bert b|01099",
        "name",
    ),
    "6": (BLANK | {"Billing_Name": "bert b", "Billing_Zip": "01099"}, "name:bert b|01099", "name"),
    "7": (BLANK | {"Phone": "+49 555 0100"}, "phone:495550100", "phone"),
    "8": (BLANK | {"Billing_Phone": "'+49 555 0100"}, "phone:495550100", "phone"),
}
NOBODY = {
    "9": BLANK | {"Billing_Name": "Bert B"},
    "10": BLANK | {"Phone": "1.55501E+10"},
    "11": BLANK | {"Phone": "000-000-0000"},
}
CLOCKS = {
    "12": ("2024-03-31 00:30:00 +0100", dt.datetime(2024, 3, 31, 0, 30)),
    "13": ("2024-07-01 00:30:00 +0200", dt.datetime(2024, 7, 1, 0, 30)),
}


@pytest.fixture(scope="module")
def few():
    """The log of an order of several rows, and of one two months later."""
    late = first("#1002", number="502", at="2024-05-01 10:00:00 +0200")
    return export(first(), further(), further(), late)


@pytest.fixture(scope="module")
def few_orders(few):
    return rk.read_orders(few)


@pytest.fixture(scope="module")
def several():
    """The amounts of orders of several rows, whose names are blank, come again or stand apart."""
    frame = found(
        first(), further(""), further(""), first("#1002", number="502", total="7.00"), further(""),
        first("#2001", number="601"), further("#2001"),
        first("#2001", number="900", total="30.00"), further("#2001"),
        first("#3001", number="701"), first("#3002", number="702", total="21.00"),
        further("#3001"), further("#3002"),
    )  # fmt: skip
    return dict(zip(frame["order_id"], frame["amount"], strict=True))


@pytest.fixture(scope="module")
def singles():
    """The log of orders of one row each, for the rules of rows."""
    rows = [first(number="1")]
    rows += [first(number=number, **change) for number, (change, *_) in CUSTOMERS.items()]
    rows += [first(number=number, **change) for number, change in NOBODY.items()]
    rows += [first(number=number, at=at) for number, (at, _) in CLOCKS.items()]
    rows += [
        first(number=str(21 + place), status=status, Cancelled_at="2024-03-02")
        for place, status in enumerate(STATUSES)
    ]
    rows += [
        first(number="31", status="partially_refunded", refund="4.00"),
        first(number="32", status="pending", Paid_at=""),
        first(number="33", Payment_Method="(for testing) Bogus Gateway"),
    ]
    rows = [row | {"Name": f"#{row['Id']}"} for row in rows]
    return rk.read_orders(pd.DataFrame(rows))


@pytest.fixture(scope="module")
def kept(singles):
    return singles.to_frame().set_index("order_id")


@pytest.fixture(scope="module")
def rules(singles):
    """The rule by which each row was set aside, by its id."""
    return singles.rejected.set_index("Id")["rule"].to_dict()


def test_several_rows_an_order_with_further_rows(few_orders):
    assert few_orders.to_frame()["amount"].tolist() == [Decimal(20), Decimal(20)]
    assert audited(few_orders)["kept"] == (4, Decimal(40))


@pytest.mark.slow
def test_several_rows_an_order_with_blank_further_rows():
    rows = first(), further(""), further(""), first("#1002", number="502")
    orders = rk.read_orders(export(*rows))
    assert orders.to_frame()["amount"].tolist() == [Decimal(20), Decimal(20)]
    assert audited(orders)["kept"] == (4, Decimal(40))


def test_further_rows_of_a_blank_name_belong_to_the_order_above(several):
    assert (several["501"], several["502"]) == (20, 7)


def test_a_name_that_comes_again_after_a_migration_is_another_order(several):
    assert (several["601"], several["900"]) == (20, 30)


def test_without_the_column_id_the_name_is_the_order():
    frame = export(first(), further(), first("#1002")).drop(columns=["Id"])
    assert rk.read_orders(frame).to_frame()["order_id"].tolist() == ["#1001", "#1002"]


def test_the_rows_of_one_order_may_stand_apart(several):
    assert (several["701"], several["702"]) == (20, 21)


def test_there_is_no_order_beside_those_of_the_first_rows(several):
    assert set(several) == {"501", "502", "601", "900", "701", "702"}


def test_an_export_of_single_rows_needs_no_filling(kept, rules):
    assert set(kept.index) == {"1", "31", *CUSTOMERS, *CLOCKS}
    assert len(kept) + len(rules) == 1 + 3 + len(CUSTOMERS | NOBODY | CLOCKS | STATUSES)


def test_the_total_is_not_reduced_by_refunds(kept):
    assert kept.loc["31", "amount"] == Decimal(16)


def test_the_total_counts_and_not_the_subtotal_that_claims_as_much(kept):
    assert set(kept["amount"].drop("31")) == {Decimal(20)}


def test_what_was_never_paid_or_given_back_is_no_sale(singles, rules):
    assert {status: rules[str(21 + place)] for place, status in enumerate(STATUSES)} == STATUSES
    audit = audited(singles)
    for rule in ("void", "closed_unpaid", "refunded"):
        assert audit[rule] == (1, Decimal(20))
    assert audit["unpaid"] == (3, Decimal(60))


def test_unpaid_orders_have_no_paid_at_and_count_from_their_creation(rules):
    assert rules["32"] == "unpaid"


def test_offsets_that_change_with_summer_time_show_the_clock_of_the_shop(kept):
    clocks = {number: clock for number, (_, clock) in CLOCKS.items()}
    assert kept.loc[list(CLOCKS), "ordered_at"].to_dict() == clocks


def test_a_time_zone_of_the_callers_wins_over_the_written_one():
    frame = found(first(at="2024-07-01 00:30:00 +0200"), tz="UTC")
    assert frame["ordered_at"].tolist() == [dt.datetime(2024, 6, 30, 22, 30)]


def test_the_customer_is_the_email_then_the_phone_then_name_and_postcode(kept):
    theirs = kept.loc[list(CUSTOMERS), ["customer_id", "customer_key"]]
    assert {number: tuple(row) for number, *row in theirs.itertuples()} == {
        number: (customer, key) for number, (_, customer, key) in CUSTOMERS.items()
    }


def test_no_name_alone_and_no_destroyed_or_empty_phone_tells_the_customer(singles, rules):
    assert {number: rules.get(number) for number in NOBODY} == dict.fromkeys(NOBODY, "no_customer")
    assert audited(singles)["no_customer"][0] == len(NOBODY)


def test_orders_of_the_bogus_gateway_are_tests(singles, rules):
    assert rules["33"] == "test"
    assert audited(singles)["test"] == (1, Decimal(20))


def test_line_breaks_in_quotes_and_leading_apostrophes(tmp_path):
    file = tmp_path / "orders_export.csv"
    export(first(Notes="a\nb", Billing_Zip="'01099"), further()).to_csv(file, index=False)
    assert rk.read_orders(file).to_frame()["order_id"].tolist() == ["501"]


def test_the_same_from_polars(few, few_orders):
    got = rk.read_orders(pl.from_pandas(few)).to_frame()
    assert got.to_pandas().to_dict("list") == few_orders.to_frame().to_dict("list")


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


@pytest.fixture(scope="module")
def excluding():
    """Orders of which the first line, the further one, or every line is excluded."""
    rows = [first(), further(), first("#2", number="2")]
    for name, lines in {"#3": ("Gift wrap", "Mug"), "#4": ("Mug", "Gift wrap")}.items():
        rows.append(first(name, number=name[1:]) | {"Lineitem name": lines[0]})
        rows.append(further(name) | {"Lineitem name": lines[1]})
    return rk.read_orders(export(*rows), exclude={"Lineitem name": "gift wrap|^(tea, green|cup)$"})


def test_a_line_that_is_excluded_leaves_the_total_to_the_others(excluding):
    amounts = excluding.to_frame().set_index("order_id")["amount"].to_dict()
    assert amounts == {"3": Decimal(20), "4": Decimal(20)}


def test_an_order_of_which_every_line_is_excluded_is_excluded(excluding):
    assert audited(excluding)["excluded"] == (5, Decimal(40))
    assert excluding.rejected["Name"].tolist() == ["#1001", "#1001", "#2", "#3", "#4"]


def test_the_blank_status_of_a_further_row_is_none_on_an_earlier_day_too(few_orders):
    then = few_orders.until("2024-04-01")
    assert then.audit.statuses["status"].tolist() == ["paid"]


def test_destroyed_ids_of_single_rows_are_orders_of_their_own():
    rows = first(number="5.40003E+12"), first("#1002", number="5.40002E+12", total="7")
    assert sorted(found(*rows)["amount"]) == [Decimal(7), Decimal(20)]
