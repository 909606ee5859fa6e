"""The command line: ``rfmkit segment``, ``check``, ``formats`` and ``demo``."""

from __future__ import annotations

import glob
import os
import sys
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rfmkit.cli.options import in_options, reading_options
from rfmkit.columns import LABELS, SEGMENTS
from rfmkit.exceptions import RfmkitError, RfmkitWarning
from rfmkit.report._sections import as_text, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import ibis.expr.types as ir

    from rfmkit.orders.orders import Orders
    from rfmkit.report._sections import Report, Section

BAD_INPUT = 2
SHORT = 20
# How an Ibis table is written, and how a pandas frame.
TABLE_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".parquet": lambda table, path: table.to_parquet(path),
    ".pq": lambda table, path: table.to_parquet(path),
    ".csv": lambda table, path: table.to_csv(path),
}
AUDIT_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
    ".pq": lambda frame, path: frame.to_parquet(path, index=False),
    # JSON has no decimals: money is the nearest double, with at most its four places.
    ".json": lambda frame, path: frame.astype({"amount": float}).to_json(
        path, orient="records", indent=2, force_ascii=False
    ),
}


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


def complain(message: str) -> None:
    """Write to stderr, as it stands."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, markup=False)


def show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    """Show what rfmkit warns of; what a library beneath warns of is no user's concern."""
    if issubclass(category, RfmkitWarning):
        complain(f"Warning: {in_options(str(message))}")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rfmkit")
def cli() -> None:
    """Tell who my customers are, when they leave, and who is worth winning back."""


@cli.command()
@click.argument("orders")
@click.option("--out", type=click.Path(path_type=Path), help="File to write: .parquet or .csv.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of labels.")
@click.option("--prospects", metavar="FILE", help="Roster of people known to the shop.")
@reading_options
def segment(
    orders: str, out: Path | None, lang: str, prospects: str | None, **reading: Any
) -> None:
    """Segment the customers of ORDERS (a file, a folder or a glob)."""
    run_segment(orders, out, lang=lang, prospects=prospects, reading=reading)


@cli.command()
@click.argument("orders")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write: .csv, .parquet or .json."
)
@reading_options
def check(orders: str, out: Path | None, **reading: Any) -> None:
    """Read ORDERS, account for every row and every cent, and say what looks odd."""
    from rfmkit.orders.reading import read_orders

    writer = _writer(out, orders, AUDIT_WRITERS)
    with stage("Reading"):
        audit = read_orders(orders, output="pandas", **reading).audit
        report = audit.report
    print_report(_for_terminals(report))
    if out is not None:
        atomically(out, lambda path: writer(audit.to_frame(), path))
        Console(highlight=False).print(
            f"Wrote {out}: one row a rule.", markup=False, soft_wrap=True
        )


@cli.command()
def formats() -> None:
    """List the exports of platforms that are recognised."""
    from rfmkit.formats import known

    shown = Table(title="Exports that rfmkit recognises")
    for heading in ("format", "export", "the customer is known by"):
        shown.add_column(heading)
    for one in known():
        by = ", ".join(one.customer)
        shown.add_row(one.name, one.title, "nothing: it is refused" if one.instead else by)
    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=200)).print(shown)


@cli.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="Where to write the files."
)
def demo(folder: Path) -> None:
    """Segment the bundled sample, and write segments.parquet and segments.png."""
    from rfmkit.datasets import sample_path

    if folder.exists() and not folder.is_dir():
        raise RfmkitError("--folder is a folder.", found=f"the file {str(folder)!r}")
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "segments.parquet"
    log, table = run_segment(str(sample_path("orders.csv")), out, lang="en", reading={})
    picture = folder / "segments.png"
    with stage("Drawing"):
        draw_demo(table, log, picture)
    Console(highlight=False).print(f"Wrote {picture}: the segments and the churn curve.")


def run_segment(
    source: str,
    out: Path | None,
    *,
    lang: str,
    prospects: str | None = None,
    reading: dict[str, Any],
) -> tuple[Orders, ir.Table]:
    """Do the main job on a file: read, learn, write, and print the table of segments."""
    from rfmkit.orders.reading import read_orders
    from rfmkit.segments.lifecycle import Lifecycle, segment_table

    writer = _writer(out, source, TABLE_WRITERS)
    with stage("Reading the orders"):
        log = read_orders(source, output="ibis", **reading)
    with stage("Summarizing the customers"):
        _ = log.history.gaps, log.history.customers  # computed here, under this heading
    with stage("Learning cycle, churn and scores"):
        lifecycle = Lifecycle(lang=lang)  # type: ignore[arg-type]
        table = segment_table(log, lifecycle=lifecycle, prospects=prospects)
        table = log.history.engine.canonical(table)
        # Written to a file and counted for the screen: computed once for both.
        table = log.history.engine.store(table, "segments").order_by("customer_id")
    if out is not None:
        with stage(f"Writing {out}"):
            atomically(out, lambda path: writer(table, path))
    print_segments(table, log, out)
    for note in log.notes:
        if ": column " not in note and not note.startswith("no "):
            complain(f"Note: {note}")
    return log, table


def _writer(
    out: Path | None, source: str, writers: dict[str, Callable[[Any, Path], None]]
) -> Callable[[Any, Path], None]:
    """Choose how to write, and say what is wrong with the target before the work, not after."""
    if out is None:
        return next(iter(writers.values()))
    if out.suffix.lower() not in writers:
        endings = [ending for ending in writers if ending != ".pq"]
        raise RfmkitError(
            f"--out ends in {', '.join(endings[:-1])} or {endings[-1]}.",
            found=str(out),
            hint="choose one of them.",
        )
    _writable(out, source)
    return writers[out.suffix.lower()]


def _writable(out: Path, source: str) -> None:
    if out.exists() and not out.is_file():
        raise RfmkitError("--out is a file.", found=f"{str(out)!r}, a folder or a device")
    if not out.parent.is_dir():
        raise RfmkitError(
            "--out lies in an existing folder.",
            found=f"no folder {str(out.parent)!r}",
            hint=f"make it first: mkdir -p {out.parent}",
        )
    read = [Path(source), *map(Path, glob.glob(source))]  # noqa: PTH207 (as the log is found)
    if out.exists() and any(path.exists() and path.samefile(out) for path in read):
        raise RfmkitError(
            "--out is another file than the log.",
            found=f"the log itself, {str(out)!r}",
            hint="the result would replace the orders; name another file.",
        )


def atomically(out: Path, write: Callable[[Path], None]) -> None:
    """Write beside the target, then rename: nobody ever reads half a file."""
    out = out.resolve()  # a link stays a link
    handle, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=out.suffix, dir=out.parent)
    os.close(handle)
    path = Path(name)
    try:
        write(path)
        mask = os.umask(0)
        os.umask(mask)
        path.chmod(0o666 & ~mask)  # a temporary file is private; the result is not
        path.replace(out)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Show what is going on, on a terminal only; pipelines stay quiet."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(f"{name} ..."):
        yield


def print_segments(table: ir.Table, log: Orders, out: Path | None) -> None:
    """Print counts and money by segment and phase."""
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
    console = Console(highlight=False)
    console.print(shown)
    audit = log.audit.to_frame()
    aside = audit[~audit["kept"] & ~audit["rule"].isin(["read", "refund_deducted"])]
    if len(aside):
        reasons = ", ".join(f"{r.rule} {r.rows:,}" for r in aside.itertuples(index=False))
        console.print(
            f"Set aside: {int(aside['rows'].sum()):,} rows ({reasons}); see rfmkit check.",
            markup=False,
        )
    if out is not None:
        console.print(f"Wrote {out}: one row a customer.", markup=False, soft_wrap=True)


def segment_sizes(table: ir.Table, log: Orders) -> Any:
    """Count customers and money by segment and phase, in the order of a customer's life."""
    # Money is summed as decimals: a sum of doubles would end in stray digits.
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


def _for_terminals(report: Report) -> Report:
    """Name options in the sentences of a report, where they name arguments."""
    sections = (
        replace(section, sentences=tuple(map(in_options, section.sentences)))
        for section in report.sections
    )
    return replace(report, sections=tuple(sections))


def _drawn(section: Section, room: int) -> Table:
    headings = section.headings or ("",) * len(section.rows[0])
    widths = [max(map(cell_len, column)) for column in zip(headings, *section.rows, strict=True)]
    # What is short stays on one line where there is room for that; the rest is folded, never cut.
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
