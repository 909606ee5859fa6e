"""Runs of the command line, for the tests of its modules."""

import re
import subprocess
import sys

from click.testing import CliRunner

from rfmkit.cli import commands
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
