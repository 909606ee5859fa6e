"""Reports: headed tables and sentences, as plain text or as HTML, never truncated.

Control characters are shown as escapes: an escape sequence would change the terminal, and a line
break would split a row. HTML shows each cell as text, never as markup.
"""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["Report", "Section", "as_html", "as_text"]

WIDTH: Final = 100
WIDE: Final = ("W", "F")
LEAST_SHARE: Final = 0.0005  # shown as 0.1 %; a smaller share would be shown as 0.0 %
# Colours come from the notebook; grey with an alpha is visible on white and on black.
LINE: Final = "1px solid rgba(128,128,128,.4)"
CELL: Final = "padding:.15em .8em;vertical-align:baseline;border:0;background:none"
WARN: Final = "border-left:3px solid #d9822b;padding-left:.8em;margin:.4em 0"


@dataclass(frozen=True)
class Section:
    """A heading, and below it a table or sentences.

    `right` holds the positions of columns that are aligned to the right; with `total`, the last
    row is a sum and has a line above it. `warns` marks sentences that are warnings.
    """

    heading: str
    rows: tuple[tuple[str, ...], ...] = ()
    headings: tuple[str, ...] = ()
    right: tuple[int, ...] = ()
    total: bool = False
    sentences: tuple[str, ...] = ()
    warns: bool = False


@dataclass(frozen=True)
class Report:
    """A title and its sections."""

    title: str
    sections: tuple[Section, ...]


def printable(cell: str) -> str:
    r"""Return text with escapes for control characters, line breaks and marks of text direction.

    >>> printable("café\x1b[31m")
    'café\\x1b[31m'
    """
    if cell.isprintable():
        return cell
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cell)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the singular or the plural.

    >>> counted(1, "row"), counted(5438, "row")
    ('1 row', '5,438 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(part: Decimal | int, whole: Decimal | int) -> str:
    """Return a share in percent.

    >>> percent(1, 4), percent(1, 100_000)
    ('25.0 %', 'under 0.1 %')
    """
    share = float(part) / float(whole)
    return f"{share:.1%}".replace("%", " %") if share >= LEAST_SHARE else "under 0.1 %"


def decimals(amount: Decimal) -> int:
    """Return how many decimals an amount needs: two, or all four where it has more."""
    return 2 if amount == round(amount, 2) else 4


def money(amount: Decimal, places: int | None = None) -> str:
    """Return an amount as text, with two or four decimals.

    >>> from decimal import Decimal
    >>> money(Decimal("1234.5000")), money(Decimal("0.0375"))
    ('1,234.50', '0.0375')
    """
    return f"{amount:,.{places or decimals(amount)}f}"


def as_text(report: Report) -> str:
    """Return a report as plain text, for a terminal or a file."""
    blocks = [report.title]
    for section in report.sections:
        body = _text_table(section) if section.rows else _text_sentences(section)
        blocks.append("\n".join([section.heading, *(f"  {line}".rstrip() for line in body)]))
    return "\n\n".join(blocks)


def _text_table(section: Section) -> list[str]:
    rows = [tuple(map(printable, row)) for row in section.rows]
    headed = ([section.headings] if section.headings else []) + rows
    widths = [max(map(_width, column)) for column in zip(*headed, strict=True)]
    lines = [
        "  ".join(
            _padded(cell, width, right=place in section.right)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in headed
    ]
    if section.total:
        lines.insert(-1, "-" * max(map(len, lines)))
    return lines


def _padded(cell: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if right else cell + space


def _width(text: str) -> int:
    """Return the width of a text in a terminal: a Chinese character takes two places."""
    return sum(1 + (unicodedata.east_asian_width(c) in WIDE) for c in text)


def _text_sentences(section: Section) -> list[str]:
    lines = []
    for sentence in section.sentences:
        lines += textwrap.wrap(
            printable(sentence), WIDTH - 4, initial_indent="- ", subsequent_indent="  ",
            break_long_words=False, break_on_hyphens=False,  # a path or an id stays whole
        )  # fmt: skip
    return lines


def as_html(report: Report) -> str:
    """Return a report as HTML for a notebook, readable on a light page and on a dark one."""
    parts = [f'<p style="margin:.4em 0"><b>{_html(report.title)}</b></p>']
    for section in report.sections:
        parts.append(f'<p style="margin:1em 0 .2em"><b>{_html(section.heading)}</b></p>')
        parts.append(_html_table(section) if section.rows else _html_sentences(section))
    # No class and no stylesheet: a notebook that is mailed or converted keeps its look.
    style = "color:inherit;font-size:.95em;max-width:100%;overflow-x:auto"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _html_table(section: Section) -> str:
    last = len(section.rows) - 1
    head = _html_row(section, section.headings, "th") if section.headings else ""
    rows = [
        _html_row(section, row, "td", summed=section.total and place == last)
        for place, row in enumerate(section.rows)
    ]
    style = "border-collapse:collapse;margin:0;border:0"
    return f'<table style="{style}">{head}{"".join(rows)}</table>'


def _html_row(section: Section, row: tuple[str, ...], tag: str, *, summed: bool = False) -> str:
    cells = []
    for place, cell in enumerate(row):
        line = f";border-bottom:{LINE}" if tag == "th" else f";border-top:{LINE}" if summed else ""
        side = "right" if place in section.right else "left"
        cells.append(f'<{tag} style="{CELL};text-align:{side}{line}">{_html(cell)}</{tag}>')
    return f'<tr style="background:none">{"".join(cells)}</tr>'


def _html_sentences(section: Section) -> str:
    style = WARN if section.warns else "margin:.4em 0"
    return "".join(f'<p style="{style}">{_html(sentence)}</p>' for sentence in section.sentences)


def _html(cell: str) -> str:
    return escape(printable(cell))
