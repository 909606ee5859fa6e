"""The screen: drawn tables on a terminal, plain text in a pipe, and nothing cut."""

import pytest
from rich.cells import cell_len
from rich.console import Console

import rfmkit as rk
from command_line import LOG, run
from rfmkit.cli import _screen
from rfmkit.exceptions import RfmkitWarning


def test_check_prints_the_report_into_a_pipe():
    expected = repr(rk.read_orders(LOG).audit)
    assert run("check", LOG).output == f"{expected}\n"


@pytest.fixture(scope="module")
def audit():
    word = "a status with [red]brackets and a \x1b[31m"
    return rk.read_orders(rk.load_sample().head(300).assign(status=word)).audit


@pytest.mark.parametrize("width", [40, 80, 160])
def test_check_cuts_nothing_on_a_terminal(monkeypatch, capsys, audit, width):
    monkeypatch.setattr(
        _screen,
        "Console",
        lambda **_: Console(force_terminal=True, width=width, color_system=None),
    )
    _screen.print_report(audit.report)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "…" not in "".join(lines)
    # Cells are folded over several lines: what stands in one column makes the cell again.
    tables = [line.strip("│").split("│") for line in lines if line.startswith("│")]
    first = "".join(row[0].strip() for row in tables)
    assert "customer_id" in first
    assert "asidereadaside" not in first
    statuses = [row for row in tables if len(row) == 3]
    letters = "".join("".join(row[0].split()) for row in statuses)
    assert letters.endswith("astatuswith[red]bracketsanda\\x1b[31m")
    warned = " ".join(" ".join(lines).partition("Warnings")[2].split())
    assert warned.startswith("- Statuses that no table names, ")


def test_only_the_warnings_of_rfmkit_are_shown(capsys):
    _screen.show_warning("The log is short.\nHint: pass tz='UTC'.", RfmkitWarning)
    _screen.show_warning("Use another argument.", DeprecationWarning)
    assert capsys.readouterr().err == "Warning: The log is short.\nHint: pass --tz UTC.\n"


def test_a_message_is_printed_as_it_is(capsys):
    _screen.complain("Error: no column '[bold]' among 'a'")
    _screen.announce("Wrote [red].csv: " + "x" * 200)
    printed = capsys.readouterr()
    assert printed.err == "Error: no column '[bold]' among 'a'\n"
    assert printed.out == "Wrote [red].csv: " + "x" * 200 + "\n"
