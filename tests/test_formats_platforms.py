"""The formats that come with rfmkit: registered, distinct, documented and complete."""

import re
from itertools import permutations
from pathlib import Path

import pytest

from rfmkit.columns import STATUSES
from rfmkit.datasets import FORMATS
from rfmkit.formats import canonical_statuses, known
from rfmkit.formats._names import MONEY_ROLES, TIME_ROLES, normalized
from rfmkit.formats._platforms import PLATFORMS
from rfmkit.formats._registry import GENERIC, recognised

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in DOCS.glob("formats-*.md")
    if path.name != "formats.md"
}
EACH = pytest.mark.parametrize("one", PLATFORMS, ids=lambda one: one.name)
READ = [one for one in PLATFORMS if not one.instead]
NAMES = {one.name for one in PLATFORMS}


def columns_of(one):
    """Return every column name that a declaration has."""
    names = [
        name
        for value in one.columns.values()
        for name in ((value,) if isinstance(value, str) else value)
    ]
    return {normalized(name) for name in names}


def test_every_platform_is_registered_once():
    names = [one.name for one in PLATFORMS]
    assert len(names) == len(set(names)) == 18
    assert all(one in known() for one in PLATFORMS)
    assert GENERIC not in known()


def test_titles_differ():
    assert len({one.title for one in PLATFORMS}) == len(PLATFORMS)


@EACH
def test_a_name_is_one_word_for_the_command_line(one):
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", one.name)


@EACH
def test_a_platform_is_on_a_page_of_the_documentation(one):
    pages = [name for name, text in PAGES.items() if f"`{one.name}`" in text]
    assert pages, f"no page names `{one.name}`"


@EACH
def test_marks_are_at_least_four_different_columns(one):
    marks = [normalized(name) for mark in one.marks for name in mark.split("|")]
    assert len(set(marks)) == len(marks) >= 4


@pytest.mark.parametrize(("one", "other"), [*permutations(PLATFORMS, 2)], ids=lambda one: one.name)
def test_no_two_platforms_have_the_same_marks(one, other):
    if one.claims([mark.split("|")[0] for mark in other.marks]):  # then the one with more wins
        assert len(other.marks) > len(one.marks)
    assert set(map(normalized, one.marks)) != set(map(normalized, other.marks))


@pytest.mark.parametrize("one", READ, ids=lambda one: one.name)
def test_a_platform_that_is_read_has_a_customer_a_time_and_an_amount(one):
    roles = set(one.columns)
    assert set(one.customer) <= roles
    assert roles & set(TIME_ROLES)
    assert "amount" in roles or {"unit_price", "quantity"} <= roles


@EACH
def test_amounts_that_are_combined_are_columns_of_the_platform(one):
    for role in (*one.once, *one.adds, *one.takes, *one.within):
        assert role in one.columns
        assert role in MONEY_ROLES
    assert not one.unique or one.unique in one.columns


@EACH
def test_status_words_differ_once_they_are_folded(one):
    meanings = canonical_statuses(one.statuses, platform=one.statuses)
    assert meanings == dict(one.statuses)
    assert set(meanings.values()) <= {*STATUSES, "closed", "held"}


@EACH
def test_a_list_of_lines_names_the_format_of_its_orders(one):
    assert not one.lines_of or one.lines_of in NAMES - {one.name}


@EACH
def test_an_export_without_a_customer_says_what_to_take_instead(one):
    if one.instead:
        assert re.search(r"\b(take|join)\b", one.instead, re.IGNORECASE)
    else:
        marks = [mark.split("|")[0] for mark in one.marks]
        assert recognised(marks)[0] is one


@EACH
def test_patterns_of_text_have_one_group(one):
    for pattern in one.within.values():
        assert re.compile(pattern).groups == 1


@EACH
def test_headers_of_files_without_one_hold_the_marks(one):
    for header in one.headers:
        assert one.claims(tuple(header))
        for pattern in header.values():
            re.compile(pattern)


@EACH
def test_parts_join_by_columns_that_they_have(one):
    for part in one.parts[1:]:
        assert part.key in part.marks
        assert {*part.sums, *part.keeps} <= set(part.marks)
        assert any(part.key in other.marks for other in one.parts if other is not part)
    assert not one.parts or not one.parts[0].key


def test_what_the_samples_write_is_read_by_a_platform():
    assert set(FORMATS) <= NAMES


@pytest.mark.parametrize("one", READ, ids=lambda one: one.name)
def test_the_columns_that_identify_a_customer_are_no_others(one):
    customers = {one.columns[role] for role in one.customer}
    others = {value for role, value in one.columns.items() if role not in one.customer}
    assert not customers & others
    assert columns_of(one)
