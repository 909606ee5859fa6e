"""The command line: ``rfmkit segment | check | demo | formats``."""

from rfmkit.cli.commands import main

__all__ = ["main"]
