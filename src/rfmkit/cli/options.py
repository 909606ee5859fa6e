"""The options of the command line that say how an order log is read: those of ``read_orders``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES: Final = {
    "statuses": "Verschickt=shipped",
    "exclude": "Memo=test",
    "rates": "EUR=1.08",
}
# An argument of a Python call within a sentence, with the value that is given to it.
ARGUMENT: Final = (
    r"(?<![\w.('])(as_of|customer|time|amount|order_id|status|refund_amount|unit_price|quantity|"
    r"category|currency|format|refunds|zero_amounts|same_day|statuses|exclude|rates|tz|dayfirst|"
    r"decimal|encoding|delimiter|names|dates_between|memory_limit|threads)="
    r"('[^']*'|\{[^}]*\}|True|False)?"
)


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how the order log is read."""
    options = [
        click.option(
            "--format", metavar="NAME", default="auto", help="The platform; see rfmkit formats."
        ),
        click.option("--as-of", metavar="DAY", help="Measure on this day; hide later rows."),
        click.option("--customer", metavar="COLUMN", help="Column of the customer."),
        click.option("--time", metavar="COLUMN", help="Column of the order's time."),
        click.option("--amount", metavar="COLUMN", help="Column of the amount."),
        click.option("--order-id", metavar="COLUMN", help="Column of the order id."),
        click.option("--status", metavar="COLUMN", help="Column of the status."),
        click.option("--refund-amount", metavar="COLUMN", help="Column of the money given back."),
        click.option("--unit-price", metavar="COLUMN", help="Column of the price of a piece."),
        click.option("--quantity", metavar="COLUMN", help="Column of the number of pieces."),
        click.option("--currency", metavar="COLUMN", help="Column of the currency."),
        click.option(
            "--refunds",
            type=click.Choice(["net", "drop_full", "gross"]),
            default="net",
            help="Take refunds off money and purchases, off purchases only, or off neither.",
        ),
        click.option(
            "--zero-amounts",
            type=click.Choice(["drop", "keep"]),
            default="drop",
            help="Whether orders of amount zero are purchases.",
        ),
        click.option(
            "--same-day",
            type=click.Choice(["merge", "keep"]),
            default="merge",
            help="Whether the orders of a customer on one day are one purchase.",
        ),
        click.option(
            "--statuses",
            metavar="WORD=STATUS",
            multiple=True,
            callback=pairs,
            help="Map a word of the shop's to a status, such as Verschickt=shipped.",
        ),
        click.option(
            "--exclude",
            metavar="COLUMN=PATTERN",
            multiple=True,
            callback=patterns,
            help="Set aside rows whose column matches, such as Memo=test.",
        ),
        click.option(
            "--rates",
            metavar="CODE=RATE",
            multiple=True,
            callback=pairs,
            help="What one unit of a currency is worth, such as EUR=1.08.",
        ),
        click.option(
            "--pseudonymize",
            metavar="FILE",
            type=click.File(),
            callback=secret,
            help="Know customers by keyed hashes; the first line of FILE is the secret.",
        ),
        click.option(
            "--dates-between",
            metavar="DAY DAY",
            nargs=2,
            default=("1980-01-01", "2100-01-01"),
            help="Set aside rows outside: from the first day, up to and without the second.",
        ),
        click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark."),
        click.option("--delimiter", metavar="CHARACTER", help="Delimiter of a text file."),
        click.option(
            "--names",
            metavar="NAME,NAME",
            callback=comma_separated,
            help="Columns of a text file without a header line.",
        ),
        click.option("--tz", metavar="ZONE", help="The shop's time zone, such as Asia/Shanghai."),
        click.option("--dayfirst/--monthfirst", default=None, help="How 03/05/2024 reads."),
        click.option("--encoding", metavar="CODEC", help="Encoding of a text file."),
        click.option("--memory-limit", metavar="SIZE", help="Memory of the engine, such as 1GB."),
        click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def comma_separated(_context: object, _option: object, names: str | None) -> list[str] | None:
    """Read a list of names."""
    return None if names is None else names.split(",")


def pairs(
    _context: object, option: click.Parameter, words: tuple[str, ...]
) -> dict[str, str] | None:
    """Read WORD=VALUE, given any number of times."""
    return _split(option, [word.rpartition("=") for word in words])


def patterns(
    _context: object, option: click.Parameter, words: tuple[str, ...]
) -> dict[str, str] | None:
    """Read COLUMN=PATTERN: a pattern may hold further signs of equality."""
    return _split(option, [word.partition("=") for word in words])


def _split(option: click.Parameter, split: list[tuple[str, str, str]]) -> dict[str, str] | None:
    if not all(equals for _, equals, _ in split):
        raise click.BadParameter(f"give {option.metavar}, such as {EXAMPLES[str(option.name)]}.")
    return {word: value for word, _, value in split} or None


def secret(_context: object, _option: object, file: TextIO | None) -> str | None:
    """Read a secret from a file: on the command line everybody sees it."""
    return None if file is None else file.readline().rstrip("\r\n")


def in_options(message: str) -> str:
    """Name the options of the command line where a message names arguments.

    >>> in_options("name it: read_orders(..., customer='...').")
    'name it: --customer COLUMN.'
    >>> in_options("rates={'USD': 1, 'EUR': 1.08} converts them.")
    '--rates USD=1 --rates EUR=1.08 converts them.'
    >>> in_options("pass dayfirst=False")
    'pass --monthfirst'
    """
    message = re.sub(r"read_orders\(\.\.\., ([^()]*)\)", r"\1", message)
    return re.sub(ARGUMENT, _option, message.replace("names=[...]", "--names A,B,C"))


def _option(found: re.Match[str]) -> str:
    name, value = found.groups()
    option = "--" + name.replace("_", "-")
    if name == "dayfirst" and value:
        return "--dayfirst" if value == "True" else "--monthfirst"
    if value and value.startswith("{"):
        pairs = re.findall(r"'([^']*)': ?'?([^',}]*)'?", value)
        return " ".join(f"{option} {_word(f'{key}={worth}')}" for key, worth in pairs)
    if value == "'...'":
        return f"{option} COLUMN"
    return f"{option} {_word(value.strip(chr(39)))}" if value else option


def _word(text: str) -> str:
    """Quote what the shell would split or read."""
    return text if re.fullmatch(r"[\w.,/:=+-]*\w[\w.,/:=+-]*", text) else f'"{text}"'
