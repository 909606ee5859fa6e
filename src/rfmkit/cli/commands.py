"""The commands: ``segment``, ``check``, ``formats`` and ``demo``."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from rfmkit.cli._output import AUDIT_WRITERS, TABLE_WRITERS, atomically, choose_writer
from rfmkit.cli._screen import (
    announce,
    complain,
    print_report,
    print_segments,
    print_table,
    segment_sizes,
    show_warning,
    stage,
    with_options,
)
from rfmkit.cli.options import ReadingCommand, in_options
from rfmkit.columns import SEGMENTS
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit.orders.orders import Orders
    from rfmkit.segments.lifecycle import Lang

BAD_INPUT = 2


def main() -> None:
    """Run the command line; a known error is one paragraph and exit code 2, never a traceback."""
    warnings.showwarning = show_warning  # type: ignore[assignment]
    try:
        cli(standalone_mode=True)
    except RfmkitError as error:
        complain(f"Error: {in_options(str(error))}")
        sys.exit(BAD_INPUT)
    except OSError as error:  # no space, no permission
        complain(f"Error: {error.strerror}: {error.filename!r}")
        sys.exit(BAD_INPUT)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rfmkit")
def cli() -> None:
    """Purchase cycles, churn and customer segments from an order log."""


@cli.command(cls=ReadingCommand)
@click.argument("orders")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write, one row per customer: .parquet, .csv or .xlsx. Parquet keeps every "
    "digit; CSV and Excel round money to cents, and probabilities and other fractions to 4 digits.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the segment labels.",
)
@click.option(
    "--prospects", metavar="FILE", help="List of people who are known but may not have bought."
)
def segment(
    orders: str, out: Path | None, lang: Lang, prospects: str | None, **reading: Any
) -> None:
    """Segment the customers of ORDERS (a file, a folder or a glob in quotes)."""
    run_segment(orders, out, lang=lang, prospects=prospects, reading=reading)


@cli.command(cls=ReadingCommand)
@click.argument("orders")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write, one row per rule: .csv, .parquet, .json or .xlsx.",
)
def check(orders: str, out: Path | None, **reading: Any) -> None:
    """Check ORDERS: what counts, what is set aside and why, what looks unusual."""
    from rfmkit.orders.reading import read_orders

    writer = choose_writer(out, orders, AUDIT_WRITERS)
    with stage("Reading"):
        audit = read_orders(orders, output="pandas", **reading).audit
        report = audit.report
    print_report(with_options(report))
    if out is not None:
        atomically(out, lambda path: writer(audit.to_frame(), path))
        announce(f"Wrote {out}: one row per rule.")


@cli.command()
def formats() -> None:
    """List the platforms whose exports are recognised."""
    from rfmkit.formats import known

    shown = Table(title="Exports that rfmkit recognises")
    for heading in ("format", "export", "the customer is identified by"):
        shown.add_column(heading)
    for one in known():
        by = ", ".join(one.customer)
        shown.add_row(one.name, one.title, "nothing: the export is refused" if one.instead else by)
    print_table(shown)


@cli.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="Where to write the files."
)
def demo(folder: Path) -> None:
    """Segment the bundled sample; write segments.parquet and segments.png."""
    from rfmkit.datasets import sample_path

    if folder.exists() and not folder.is_dir():
        raise RfmkitError(
            "--folder must be a folder.",
            found=f"the file {str(folder)!r}",
            hint="name another one, for example --folder results.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "segments.parquet"
    log, table = run_segment(str(sample_path("orders.csv")), out, lang="en", reading={})
    picture = folder / "segments.png"
    with stage("Drawing"):
        draw_demo(table, log, picture)
    announce(f"Wrote {picture}: the segments and the churn curve.")


def run_segment(
    source: str,
    out: Path | None,
    *,
    lang: Lang,
    prospects: str | None = None,
    reading: dict[str, Any],
) -> tuple[Orders, ir.Table]:
    """Read a log, segment its customers, write the result, and print the table of segments."""
    from rfmkit.orders.reading import read_orders
    from rfmkit.segments.segment import segment_table

    writer = choose_writer(out, source, TABLE_WRITERS)
    with stage("Reading the orders"):
        log = read_orders(source, output="ibis", **reading)
    with stage("Summarizing the customers"):
        _ = log.history.gaps, log.history.customers  # computed here, under this heading
    with stage("Learning cycle, churn and scores"):
        table = segment_table(log, prospects=prospects, lang=lang)
        table = log.history.engine.canonical(table)
        # Written to a file and counted for the screen: computed once for both.
        table = log.history.engine.store(table, "segments")
    if out is not None:
        with stage(f"Writing {out}"):
            atomically(out, lambda path: writer(table, path))
    print_segments(table, log, out)
    for note in log.notes:
        # Which columns were found, and which optional ones were not, is for `rfmkit check`.
        if ": column " not in note and not note.startswith("no "):
            complain(f"Note: {note}")
    return log, table


def draw_demo(table: ir.Table, log: Orders, picture: Path) -> None:
    """Draw segment sizes beside the churn curve."""
    from rfmkit.churn import ChurnCurve
    from rfmkit.report import plots

    sizes = segment_sizes(table, log).groupby("segment", as_index=False)[["customers", "spend"]]
    sizes = sizes.sum().set_index("segment").reindex(SEGMENTS).dropna().reset_index()
    figure, (left, right) = plots.side_by_side()
    plots.segment_sizes(sizes, ax=left)
    ChurnCurve().fit(log).plot(ax=right)
    atomically(picture, lambda path: figure.savefig(path, dpi=150))
