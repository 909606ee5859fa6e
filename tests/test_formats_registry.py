"""A format is recognised by its columns, and the reason is in words; anybody can register one."""

import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.exceptions import ColumnsError, NoCustomerKeyError, OrdersError, RfmkitError
from rfmkit.formats import Format, known, register
from rfmkit.formats import _registry as registry
from rfmkit.formats._platforms import PLATFORMS
from rfmkit.formats._registry import nearly, recognised
from rfmkit.formats.shopify import SHOPIFY
from till import LOG, TILL


@pytest.fixture
def clean(monkeypatch):
    monkeypatch.setattr(registry, "_known", {one.name: one for one in PLATFORMS})


@pytest.mark.parametrize("one", known(), ids=lambda one: one.name)
def test_every_format_is_recognised_by_its_own_marks_alone(one):
    seen = [mark.split("|")[0] for mark in one.marks]
    named = {"customer_id": "x"}
    assert recognised(seen, "auto", named) == (one, f"its columns {', '.join(map(repr, seen))}")
    again = [f" {mark.split('|')[-1].upper()} " for mark in reversed(one.marks)]
    assert recognised(again, "auto", named)[0] == one


@pytest.mark.parametrize("one", known(), ids=lambda one: one.name)
def test_no_format_is_recognised_where_a_mark_is_missing(one):
    seen = [mark.split("|")[0] for mark in one.marks]
    for gone in seen:
        found, _ = recognised([name for name in seen if name != gone], "auto", {"customer_id": "x"})
        assert found != one


@pytest.mark.parametrize("one", known(), ids=lambda one: one.name)
def test_a_format_either_identifies_the_customer_or_says_which_export_does(one):
    if one.instead:
        with pytest.raises(NoCustomerKeyError, match=r"Found: .+: an export without any key"):
            recognised([mark.split("|")[0] for mark in one.marks])
    else:
        assert set(one.customer) <= set(one.columns)


def test_other_columns_are_generic():
    found, why = recognised(["customer", "date", "total"])
    assert (found.name, why) == ("generic", "no platform's columns")


def test_an_own_format_is_registered_and_recognised(clean):
    assert register(TILL) is TILL
    orders = rk.read_orders(LOG)
    assert orders.notes[0] == "format: till (our own till), its columns 'Bon', 'Kunde', 'Zeit'"
    assert rk.read_orders(LOG, format="till").to_frame().equals(orders.to_frame())


def test_a_tie_is_an_error_that_names_both(clean):
    register(TILL)
    register(Format(name="till2", title="their till", marks=("Summe", "Kunde", "Bon")))
    with pytest.raises(
        OrdersError,
        match=r"must be those of one .*\nFound: those of 'till' and of 'till2'\nHint: name",
    ):
        rk.read_orders(LOG)
    assert len(rk.read_orders(LOG, format="till").to_frame()) == 1


def test_the_export_with_more_marks_wins(clean):
    register(TILL)
    more = Format(name="more", title="till with tips", marks=(*TILL.marks, "Summe"))
    register(more)
    assert recognised(LOG.columns)[0] == more


def without(one, name):
    """Return the columns of a format without one of its marks."""
    marks = [mark.split("|")[0] for mark in one.marks]
    return [*(mark for mark in marks if mark != name), "Order Date", "Revenue"]


@pytest.mark.parametrize(
    "one", [one for one in PLATFORMS if len(one.marks) >= 4 and not one.instead]
)
def test_of_a_format_that_lacks_one_mark_that_one_is_named(one):
    missing = one.marks[-1].split("|")[0]
    near, mark = nearly(without(one, missing))
    assert len(near.marks) >= len(one.marks)
    assert mark.split("|")[0] not in without(one, missing)


def test_no_format_is_near_where_it_is_there_or_far():
    assert nearly(["order_id", "customer", "date", "amount"]) is None
    assert nearly(["Name", "Financial Status", "Lineitem quantity"]) is None


def test_a_missing_role_names_the_format_that_is_near():
    with pytest.raises(ColumnsError, match=r"or format='shopify': .* only 'Fulfillment Status' is"):
        rk.read_orders(pd.DataFrame(columns=without(SHOPIFY, "Fulfillment Status")[:-1]))


def test_two_columns_that_claim_a_role_name_the_format_that_is_near():
    frame = pd.DataFrame(columns=without(SHOPIFY, "Fulfillment Status"))
    with pytest.raises(ColumnsError, match=r"amount='Total', or format='shopify': .* is missing"):
        rk.read_orders(frame)


def test_a_log_that_is_read_as_it_is_notes_the_format_that_is_near(clean):
    marks = ("Bon", "Kunde", "Zeit", "Kasse", "Filiale")
    own = register(Format(name="tills", title="all tills", marks=marks))
    log = pd.DataFrame(
        {mark: ["1"] for mark in own.marks[:4]} | {"amount": 1, "date": "2024-01-01"}
    )
    read = rk.read_orders(log, customer="Kunde")
    note = "read as it is, or format='tills': of the columns by which all tills is known only "
    assert f"{note}'Filiale' is missing." in read.notes
    assert not any(
        "tills" in note for note in rk.read_orders(log, customer="Kunde", format="generic").notes
    )


def test_generic_may_be_asked_for():
    frame = pd.DataFrame({
        "InvoiceNo": ["1"], "StockCode": ["a"], "InvoiceDate": ["2024-01-01"], "Quantity": ["1"],
        "UnitPrice": ["2"], "CustomerID": ["c"],
    })  # fmt: skip
    assert "format" in rk.read_orders(frame).notes[0]
    assert "format" not in rk.read_orders(frame, format="generic").notes[0]


@pytest.mark.parametrize("asked", ["etsy", "", None, 3, ["auto"]])
def test_an_unknown_format_is_an_error_that_lists_the_known_ones(asked):
    with pytest.raises(
        RfmkitError, match=r"^format must be 'auto', .+\nFound: format=.+\nHint: .+shopify"
    ):
        rk.read_orders(LOG, format=asked)


@pytest.mark.parametrize("name", ["shopify", "generic", "auto"])
def test_a_name_that_is_taken_is_an_error(name, clean):
    with pytest.raises(
        RfmkitError, match=f"must differ .+\nFound: '{name}' is taken\nHint: choose"
    ):
        register(Format(name=name, title="other"))


def test_a_format_may_be_replaced(clean):
    other = Format(name="shopify", title="our Shopify", marks=("x",))
    register(other, replace=True)
    assert other in known()


def test_only_formats_are_registered():
    with pytest.raises(
        RfmkitError, match=r"^Expected an .+Format\.\nFound: a dict\nHint: register"
    ):
        register({"name": "x"})
