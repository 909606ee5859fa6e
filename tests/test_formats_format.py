"""A format is declared in a few lines, checked at once, and asked about the columns of a log."""

from decimal import Decimal

import pytest

import rfmkit as rk
from rfmkit.exceptions import NoCustomerKeyError, RfmkitError
from rfmkit.formats import Format, Part
from rfmkit.formats._names import ALL_ROLES
from till import LOG, TILL


def test_an_own_format_is_declared_and_given():
    assert rk.read_orders(LOG, format=TILL).to_frame()["amount"].tolist() == [Decimal(1234)]


def test_the_column_of_a_role_is_found_by_any_of_its_names():
    assert TILL.find(["BON", " kunde", "Uhrzeit", "Farbe"], {}) == {
        "order_id": "BON", "customer_id": " kunde", "ordered_at": "Uhrzeit",
    }  # fmt: skip
    assert TILL.find(["Uhrzeit", "Zeit"], {})["ordered_at"] == "Zeit"  # the first name counts
    assert TILL.find([], {}) == {}


def test_of_columns_that_differ_in_case_the_first_is_found():
    assert TILL.column("Bon", ["Farbe", "bon", "BON"]) == "bon"
    assert TILL.column("Summe", ["Bon"]) is None


def test_a_log_is_claimed_if_no_mark_is_lacking():
    assert TILL.claims(["Zeit", "kunde", "Bon", "Farbe"])
    assert TILL.lacks(["Zeit", "Farbe"]) == ["Bon", "Kunde"]
    assert not TILL.claims(["Zeit", "Bon"])
    either = Format(name="x", title="x", marks=("Bon|Beleg", "Kunde"))
    assert either.claims(["Beleg", "Kunde"])
    assert either.lacks(["Kunde"]) == ["Bon|Beleg"]


def test_a_format_without_marks_claims_no_log():
    assert not Format(name="x", title="x").claims(["Bon"])


def test_an_export_without_a_customer_names_the_export_to_take_instead():
    with pytest.raises(
        NoCustomerKeyError, match=r"Found: a till: an export without any .+\nHint: take the list\.$"
    ):
        Format(name="x", title="a till", instead="take the list.").require_customer()
    TILL.require_customer()


def test_a_format_is_shown_by_its_names_and_its_customer():
    next_call = "Next: rk.read_orders(..., format=...)>"
    assert repr(TILL) == f"<Format till: our own till; customer by customer_id. {next_call}"
    keyless = Format(name="x", title="a till", instead="take the list.")
    assert repr(keyless) == f"<Format x: a till; no customer. {next_call}"


def test_declarations_are_equal_by_what_they_declare():
    assert Part(marks=("a",), key="a") == Part(marks=("a",), key="a") != Part(marks=("a",))
    assert Format(name="x", title="x") != Format(name="x", title="y")


@pytest.mark.parametrize("field", ["columns", "customer", "once", "adds", "takes"])
def test_a_role_that_is_not_known_is_an_error(field):
    value = {"colour": "Farbe"} if field == "columns" else ("colour",)
    with pytest.raises(RfmkitError, match="Found: 'colour' in the format 'x'\nHint: the roles are"):
        Format(name="x", title="x", **{field: value})


@pytest.mark.parametrize("names", [{"name": "", "title": "x"}, {"name": "x", "title": ""}])
def test_a_format_without_a_name_is_an_error(names):
    with pytest.raises(RfmkitError, match=r"^A format must have a name and a title\.\nFound"):
        Format(**names)


def test_a_column_that_the_caller_names_wins():
    assert TILL.find(LOG.columns, {"amount": "Netto"})["amount"] == "Netto"
    frame = LOG.assign(Netto=["1,00", "2,00"])
    found = rk.read_orders(frame, format=TILL, amount="Netto").to_frame()
    assert found["amount"].tolist() == [Decimal(1)]


def test_all_roles_are_different():
    assert len(set(ALL_ROLES)) == len(ALL_ROLES)


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("statuses", {"x": "bezahlt"}, "'bezahlt' in the format 'x'"),
        ("overrules", (("Mode", "test", "tested"),), "'tested' in the format 'x'"),
        ("overrules", (("Mode", "(", "test"),), r"'\(': .+ in the format 'x'"),
        ("within", {"amount": "["}, r"'\[': .+ in the format 'x'"),
        ("unique", "Bon", "unique='Bon'"),
        ("decimal", "x", "decimal='x'"),
        ("zone", "Mars", "zone='Mars'"),
        ("dayfirst", "yes", "dayfirst='yes'"),
        ("marks", "Bon", r"'Bon' in the format 'x'\nHint: add a comma: marks=\('Bon',\)\."),
    ],
)
def test_a_declaration_that_means_nothing_is_an_error(field, value, found):
    with pytest.raises(RfmkitError, match=f"Found: {found}"):
        Format(name="x", title="x", **{field: value})
