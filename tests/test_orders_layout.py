"""Layout: the columns of a log and how they are held, found before a row is read."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import log
from rfmkit._engine import open_frame
from rfmkit.exceptions import ColumnsError
from rfmkit.formats import Format
from rfmkit.formats._names import ROLES
from rfmkit.formats.shopify import SHOPIFY
from rfmkit.orders._layout import HIDDEN, find_layout
from rfmkit.orders._reading_options import ReadingOptions

COLUMNS = ("customer", "date", "total")


def layout_of(names, *, asked="generic", named=None, amount=None, **options):
    return find_layout(
        names, asked=asked, named=named or {}, constant_amount=amount,
        options=ReadingOptions(**options),
    )  # fmt: skip


@given(st.permutations(list(ROLES)), st.integers(0, len(ROLES)))
def test_each_role_is_the_column_of_its_name_in_any_order(roles, count):
    needed = ["customer_id", "ordered_at", "amount"]
    names = list(dict.fromkeys([*roles[:count], *needed]))
    found = layout_of([name.replace("_", " ").title() for name in names])
    assert found.columns == {name: name.replace("_", " ").title() for name in names}
    assert found.shown == found.columns


@given(st.sets(st.sampled_from(["order_id", "status", "refund_amount", "category", "quantity"])))
def test_every_column_that_is_held_has_one_kind(extra):
    found = layout_of([*COLUMNS, *extra, "memo"], exclude={"memo": "x"})
    held = found.held_as([*COLUMNS, *extra, "memo"])
    assert held.keys() <= {*COLUMNS, *extra, "memo"}
    assert set(held.values()) <= {"id", "money", "time", "text"}
    assert held["memo"] == "text"
    assert (held["customer"], held["date"], held["total"]) == ("id", "time", "money")


@pytest.mark.parametrize(
    ("names", "quantity"),
    [
        ([*COLUMNS, "quantity"], None),  # an amount makes it unneeded
        ([*COLUMNS, "quantity", "category"], "text"),  # needed for cycles per piece
        (["customer", "date", "price", "quantity"], "money"),
    ],
)
def test_quantities_are_held_where_they_are_needed(names, quantity):
    assert layout_of(names).held_as(names).get("quantity") == quantity


def test_money_with_a_decimal_comma_is_held_as_it_is_written():
    assert layout_of(COLUMNS, decimal=",").held_as(COLUMNS)["total"] == "text"
    assert layout_of(COLUMNS, decimal=".").held_as(COLUMNS)["total"] == "money"


def test_a_number_takes_the_place_of_the_column_of_amounts():
    found = layout_of(COLUMNS, amount=2.5)
    assert "amount" not in found.columns
    assert found.constant_amount == 2.5


@pytest.mark.parametrize(
    ("names", "named", "roles"),
    [
        ([*COLUMNS, "email"], {}, ("customer_id",)),
        (["email", "date", "total"], {}, ("email",)),
        (["who", "email", "date", "total"], {"customer_id": "who"}, ("customer_id",)),
    ],
)
def test_customers_are_known_by_their_id_and_else_by_their_address(names, named, roles):
    assert layout_of(names, named=named).customer_roles == roles


@pytest.mark.parametrize(
    ("missing", "role"),
    [("customer", "customer"), ("date", "date or time of the order"), ("total", "amount")],
)
def test_a_log_without_a_needed_column_is_an_error(missing, role):
    names = [name for name in COLUMNS if name != missing]
    with pytest.raises(ColumnsError, match=rf"^An order log must have a column for the {role}\."):
        layout_of(names)


def test_columns_that_a_named_format_does_not_have_may_be_of_another_format():
    advice = r"customer='customer'\), or leave out format=: another format may fit these columns\."
    with pytest.raises(ColumnsError, match=advice):
        layout_of(COLUMNS, asked="shopify")


def test_a_pattern_for_a_column_that_is_not_there_is_an_error():
    with pytest.raises(ColumnsError, match=r"^exclude= must name .*\n.*\nHint: did you mean "):
        layout_of([*COLUMNS, "Memo"], exclude={"memo": "x"})
    with pytest.raises(ColumnsError, match=r"^exclude= must name .*\n.*\nHint: exclude=\{'Memo'"):
        layout_of(COLUMNS, exclude={"note": "x"})


TILL = Format(
    name="till", title="our till",
    columns={"customer_id": "who", "ordered_at": "day", "amount": "sum"},
    adds=("shipping_amount",), clock="hour",
)  # fmt: skip


def test_a_named_amount_is_counted_alone():
    names = ["who", "day", "sum", "hour"]
    assert layout_of(names, asked=TILL).platform.adds == ("shipping_amount",)
    assert layout_of(names, asked=TILL, named={"amount": "sum"}).platform.adds == ()


def test_a_time_of_day_in_its_own_column_is_joined_to_the_date():
    frame = pd.DataFrame(
        {"who": ["a", "b"], "day": ["2024-05-03", "2024-05-04"], "sum": ["1", "2"],
         "hour": ["10:30", None]}
    )  # fmt: skip
    layout = layout_of(frame.columns, asked=TILL)
    source, made = layout.with_made_columns(open_frame(frame))
    assert made.columns["ordered_at"] == f"{HIDDEN}ordered_at"
    assert made.shown["ordered_at"] == "day"
    moments = source.engine.frame(source.table.select("who", made.columns["ordered_at"]))
    assert moments.sort_values("who").iloc[:, 1].tolist() == ["2024-05-03 10:30", "2024-05-04"]


def test_without_columns_to_make_the_source_stays_as_it_is():
    source = open_frame(log(total=["1"]))
    layout = layout_of(COLUMNS)
    assert layout.with_made_columns(source) == (source, layout)


def test_a_format_that_nearly_fits_is_named_in_the_hint():
    names = [mark for mark in SHOPIFY.marks if mark != "Financial Status"]
    with pytest.raises(ColumnsError, match=r"Hint: .*, or format='shopify': .* is missing\."):
        layout_of(names, asked="auto")
