"""The screen: tables and reports on a terminal, plain text in a pipe, messages on stderr."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rfmkit.cli.options import in_options
from rfmkit.columns import LABELS
from rfmkit.exceptions import RfmkitWarning
from rfmkit.report._sections import as_text, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import ibis.expr.types as ir

    from rfmkit.orders.orders import Orders
    from rfmkit.report._sections import Report, Section

SHORT = 20
"""Cells of up to so many characters stay on one line where there is room."""
PIPE_WIDTH = 200
"""Width of a table in a pipe, which has none of its own."""


def complain(message: str) -> None:
    """Write a message to stderr; nothing in it is markup."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, markup=False)


def announce(message: str) -> None:
    """Write a line to stdout; nothing in it is markup."""
    Console(highlight=False).print(message, markup=False, soft_wrap=True)


def show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    """Show the warnings of rfmkit; users cannot act on those of other libraries."""
    if issubclass(category, RfmkitWarning):
        complain(f"Warning: {in_options(str(message))}")


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Show the present step while it runs, on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(f"{name} ..."):
        yield


def print_table(table: Table) -> None:
    """Print a table in the width of the terminal; in a pipe, wide enough to fold no cell."""
    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)).print(table)


def print_segments(table: ir.Table, log: Orders, out: Path | None) -> None:
    """Print customers and money by segment and phase, and how many rows were set aside."""
    sizes = segment_sizes(table, log)
    total = float(sizes["spend"].sum()) or 1.0
    shown = Table(title=f"Customers as of {log.as_of}")
    shown.add_column("segment")
    shown.add_column("phase")
    for heading in ("customers", "share", "spend", "of money"):
        shown.add_column(heading, justify="right")
    people = int(sizes["customers"].sum())
    for row in sizes.itertuples(index=False):
        shown.add_row(
            str(row.segment), str(row.phase), f"{row.customers:,}",
            f"{row.customers / people:.1%}", f"{row.spend:,.2f}", f"{row.spend / total:.1%}",
        )  # fmt: skip
    shown.add_section()
    shown.add_row("all", "", f"{people:,}", "", f"{sizes['spend'].sum():,.2f}", "")
    Console(highlight=False).print(shown)
    _print_set_aside(log)
    if out is not None:
        announce(f"Wrote {out}: one row per customer.")


def _print_set_aside(log: Orders) -> None:
    audit = log.audit.to_frame()
    aside = audit[~audit["kept"] & ~audit["rule"].isin(["read", "refund_deducted"])]
    if len(aside):
        reasons = ", ".join(f"{r.rule} {r.rows:,}" for r in aside.itertuples(index=False))
        count = int(aside["rows"].sum())
        console = Console(highlight=False)
        console.print(f"Set aside: {count:,} rows ({reasons}); see rfmkit check.", markup=False)


def segment_sizes(table: ir.Table, log: Orders) -> Any:
    """Return customers and money by segment and phase, in the order of a customer's life."""
    # Money is summed as decimals: a sum of doubles would have rounding errors.
    sizes = table.group_by("segment", "phase").agg(
        customers=table.count(), spend=table.spend.cast("decimal(38, 4)").sum().cast("float64")
    )
    frame = log.history.engine.frame(sizes)
    places = {word: place for words in LABELS.values() for place, word in enumerate(words.values())}
    frame["place"] = frame["segment"].map(places)
    frame["phase_place"] = frame["phase"].map(places).fillna(-1)
    frame["phase"] = frame["phase"].fillna("")  # prospects have none
    return frame.sort_values(["place", "phase_place"]).drop(columns=["place", "phase_place"])


def print_report(report: Report) -> None:
    """Print a report: with its tables drawn on a terminal, and as plain text into a pipe."""
    console = Console(highlight=False)
    if not console.is_terminal:
        click.echo(as_text(report))
        return
    console.print(Text(report.title, style="bold"))
    for section in report.sections:
        console.print()
        console.print(Text(section.heading, style="bold"))
        if section.rows:
            console.print(_drawn(section, console.width))
        for sentence in section.sentences:
            mark = "yellow" if section.warns else ""
            console.print(Text(f"- {printable(sentence)}", style=mark))


def with_options(report: Report) -> Report:
    """Return a report whose sentences name options in place of arguments."""
    sections = (
        replace(section, sentences=tuple(map(in_options, section.sentences)))
        for section in report.sections
    )
    return replace(report, sections=tuple(sections))


def _drawn(section: Section, room: int) -> Table:
    headings = section.headings or ("",) * len(section.rows[0])
    widths = [max(map(cell_len, column)) for column in zip(headings, *section.rows, strict=True)]
    # Short cells stay on one line where there is room for that; others are folded, never cut.
    short = [width <= SHORT for width in widths]
    needed = sum(min(width, SHORT) + 3 for width in widths)
    shown = Table(show_header=bool(section.headings))
    for place, heading in enumerate(headings):
        side: Literal["left", "right"] = "right" if place in section.right else "left"
        whole = short[place] and needed < room
        shown.add_column(heading, justify=side, overflow="fold", no_wrap=whole)
    for place, row in enumerate(section.rows, start=1):
        if section.total and place == len(section.rows):
            shown.add_section()
        shown.add_row(*(Text(printable(cell)) for cell in row))
    return shown
