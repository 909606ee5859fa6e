"""Reports: nothing is cut, columns stand under each other, and no cell becomes markup."""

from html.parser import HTMLParser

import pytest

from rfmkit.report._sections import Report, Section, as_html, as_text, percent, printable

TABLE = Section(
    "Goods",
    rows=(("tea", "1"), ("绿茶", "12,000"), ("all", "12,001")),
    headings=("name", "pieces"),
    right=(1,),
    total=True,
)
EVIL = "<script>alert('x')</script> & <b onclick=\"y\">\x1b[31m\n"


def test_a_table_is_lined_up_by_the_places_its_letters_take():
    assert as_text(Report("Stock", (TABLE,))).splitlines() == [
        "Stock",
        "",
        "Goods",
        "  name  pieces",
        "  tea        1",
        "  绿茶  12,000",
        "  ------------",
        "  all   12,001",
    ]


def test_sentences_are_wrapped_and_no_word_is_lost():
    sentences = ("one " * 60 + "end.", "x" * 300)
    text = as_text(Report("Title", (Section("Warnings", sentences=sentences),)))
    lines = text.splitlines()
    assert max(len(line) for line in lines if "x" not in line) <= 100
    assert text.count("one") == 60
    assert "x" * 300 in text
    assert [line[:4] for line in lines[3:6]] == ["  - ", "    ", "    "]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("café 刷单", "café 刷单"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines\ttab", r"two\nlines\ttab"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
    ],
)
def test_what_is_no_print_is_written_out(cell, shown):
    assert printable(cell) == shown
    assert shown in as_text(Report("Title", (Section("Cells", rows=((cell,),)),)))


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_takes_nothing_for_markup_and_closes_what_it_opens():
    section = Section(EVIL, rows=((EVIL, EVIL),), headings=(EVIL, EVIL), right=(1,), total=True)
    warnings = Section("Warnings", sentences=(EVIL,), warns=True)
    page = Page(as_html(Report(EVIL, (section, warnings))))
    assert {tag for tag, _ in page.tags} == {"div", "p", "b", "table", "tr", "th", "td"}
    assert {names for _, names in page.tags} <= {(), ("style",)}
    assert page.open == []
    assert page.text.count(printable(EVIL)) == 7


def test_html_brings_no_colours_of_text_and_ground():
    page = as_html(Report("Stock", (TABLE,)))
    assert "color:inherit" in page
    assert "background:none" in page
    assert "black" not in page
    assert "white" not in page
    assert "http" not in page  # nothing is fetched


@pytest.mark.parametrize(
    ("part", "whole", "shown"), [(1, 1, "100.0 %"), (1, 3, "33.3 %"), (1, 10**6, "under 0.1 %")]
)
def test_a_share_is_never_shown_as_nothing(part, whole, shown):
    assert percent(part, whole) == shown
