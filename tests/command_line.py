"""Runs of the command line, for the tests of its modules."""

import functools
import re
import subprocess
import sys
import warnings
from importlib import import_module
from typing import Any

import pytest
from click.testing import CliRunner

from rfmkit.cli import commands
from rfmkit.cli.options import reading_options
from rfmkit.datasets import sample_path

LOG = str(sample_path("orders.csv"))


def run(*arguments):
    """Run a command in this process; its output is no terminal."""
    return CliRunner().invoke(commands.cli, [str(argument) for argument in arguments])


def run_process(*arguments, cwd):
    """Run a command as a user does."""
    code = "from rfmkit.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


def numbers_of(output):
    """Read the printed table: customers by segment and phase."""
    rows = re.findall(r"^│ (\S+) +│ (\S*) +│ +([\d,]+) │", output, re.MULTILINE)
    return {(segment, phase): int(count.replace(",", "")) for segment, phase, count in rows}


def run_main(monkeypatch, capsys, folder, *arguments):
    """Run a command as a process does, but in this one: it has an exit code and two outputs."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["rfmkit", *map(str, arguments)])
    capsys.readouterr()
    with warnings.catch_warnings(action="always"), pytest.raises(SystemExit) as end:
        commands.main()
    out, err = capsys.readouterr()
    return subprocess.CompletedProcess(arguments, end.value.code or 0, out, err)


KEPT: dict[str, Any] = {}
"""The sample as commands have read it in this process, and their tables; never to be changed."""


def remember(monkeypatch):
    """Let the commands of a test read and segment the sample only where none before it has."""
    reading, segments = map(import_module, ("rfmkit.orders.reading", "rfmkit.segments.segment"))
    read, make = reading.read_orders, segments.segment_table
    reading_options()  # found from the signature of the true function, for good

    @functools.wraps(read)
    def read_orders(source, **options):
        if source != LOG:
            return read(source, **options)
        key = repr(options)
        if key not in KEPT:
            KEPT[key] = read(source, **options)
        return KEPT[key]

    @functools.wraps(make)
    def segment_table(log, **options):
        key = repr((id(log), options))
        if key not in KEPT:
            engine = log.history.engine
            KEPT[key] = log, engine.store(engine.canonical(make(log, **options)), "kept")
        return KEPT[key][1]

    monkeypatch.setattr(reading, "read_orders", read_orders)
    monkeypatch.setattr(segments, "segment_table", segment_table)
