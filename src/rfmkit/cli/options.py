"""Options of the command line that say how an order log is read: the arguments of `read_orders`.

Names, defaults and choices come from the signature of `read_orders`. `HELP` adds the help text of
each argument, and `LEFT_OUT` lists those that are no options.
"""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, NamedTuple, TextIO, Union, get_args, get_origin

import click


class Help(NamedTuple):
    """How an option is shown by --help."""

    text: str
    metavar: str | None = None
    example: str = ""


HELP: Final[dict[str, Help]] = {
    "format": Help("The platform; rfmkit formats lists them.", "NAME"),
    "as_of": Help("Measure on this day; later rows are hidden.", "DAY"),
    "customer": Help("Column of the customer.", "COLUMN"),
    "time": Help("Column of the order's time.", "COLUMN"),
    "amount": Help("Column of the amount.", "COLUMN"),
    "order_id": Help("Column of the order id.", "COLUMN"),
    "status": Help("Column of the order's status.", "COLUMN"),
    "refund_amount": Help("Column of the refunded money.", "COLUMN"),
    "unit_price": Help("Column of the price of one piece.", "COLUMN"),
    "quantity": Help("Column of the number of pieces.", "COLUMN"),
    "category": Help("Column of the product category.", "COLUMN"),
    "currency": Help("Column of the currency.", "COLUMN"),
    "refunds": Help(
        "net: refunds reduce the money, and an order refunded in full is no purchase; drop_full: "
        "only the second; gross: neither."
    ),
    "zero_amounts": Help("drop: an order of amount zero is no purchase; keep: it is one."),
    "same_day": Help("merge: orders of one customer on one day are one purchase; keep: several."),
    "statuses": Help("Map a status word of the shop.", "WORD=STATUS", "Verschickt=shipped"),
    "exclude": Help("Set aside rows whose column matches.", "COLUMN=PATTERN", "Memo=test"),
    "rates": Help("The value of one unit of a currency.", "CODE=RATE", "EUR=1.08"),
    "pseudonymize": Help(
        "Replace customer ids by keyed hashes; the first line of FILE is the secret.", "FILE"
    ),
    "dates_between": Help("Set aside rows before the first day, or on or after the second.", "DAY"),
    "decimal": Help("The decimal mark."),
    "delimiter": Help("Delimiter of a text file.", "CHARACTER"),
    "names": Help("Column names of a text file without a header line.", "NAME,NAME"),
    "tz": Help("Time zone of the shop, for example Asia/Shanghai.", "ZONE"),
    "dayfirst": Help("Whether 03/05/2024 is 3 May or 5 March."),
    "encoding": Help("Encoding of a text file.", "CODEC"),
    "memory_limit": Help("Memory limit of the engine, for example 1GB.", "SIZE"),
    "threads": Help("Number of threads of the engine.", "NUMBER"),
}
"""The help text of each option, in the order in which --help lists them."""
LEFT_OUT: Final[dict[str, str]] = {
    "source": "it is the argument ORDERS of the command",
    "output": "the result goes to a file, and the ending of its name says which kind",
}
"""Arguments of `read_orders` that are no options, and why."""
PAIRS_OF_FLAGS: Final = {"dayfirst": "--dayfirst/--monthfirst"}


class ReadingCommand(click.Command):
    """A command with the options that say how the order log is read.

    `read_orders` is imported only when a command is parsed or shows its own help: it imports
    Ibis, which takes longer than ``rfmkit --help`` should.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options of the command, those of reading, and --help."""
        help_option = self.get_help_option(ctx)
        last = [] if help_option is None else [help_option]
        return [*self.params, *reading_options(), *last]


@cache  # click compares the options that it parsed with these by identity
def reading_options() -> tuple[click.Option, ...]:
    """Return an option for each argument of `read_orders` that is not left out."""
    arguments = _arguments()
    order = [*HELP, *(name for name in arguments if name not in HELP)]
    return tuple(
        _option(name, *arguments[name])
        for name in order
        if name in arguments and name not in LEFT_OUT
    )


@cache
def _arguments() -> dict[str, tuple[Any, Any]]:
    """Return the default and the type of each argument of `read_orders`."""
    from rfmkit.orders.reading import read_orders

    names = _Names(vars(builtins) | read_orders.__globals__)
    return {
        name: (parameter.default, _first_type(eval(parameter.annotation, {}, names)))  # noqa: S307 (our own source)
        for name, parameter in inspect.signature(read_orders).parameters.items()
    }


class _Names(dict[str, Any]):
    """The names in annotations; those imported only for type checking are Any."""

    def __missing__(self, name: str) -> Any:
        return Any


def _first_type(hint: Any) -> Any:
    """Return the first type of a union: ``str`` of ``str | float | None``."""
    if get_origin(hint) in (Union, UnionType):
        return next(kind for kind in get_args(hint) if kind is not NoneType)
    return hint


def _option(name: str, default: Any, kind: Any) -> click.Option:
    """Make the option of an argument from its default and its type."""
    shown = HELP.get(name, Help(""))
    settings: dict[str, Any] = {"default": default, "metavar": shown.metavar, "help": shown.text}
    settings["show_default"] = default is not None
    origin = get_origin(kind) or kind
    if name == "pseudonymize":  # a secret on the command line could be seen by other users
        settings |= {"type": click.File(), "callback": secret}
    elif origin is Literal:
        settings["type"] = click.Choice(get_args(kind))
    elif origin is Mapping:
        settings |= {
            "multiple": True,
            "callback": patterns if name == "exclude" else pairs,
            "help": f"{shown.text} For example {shown.example}; may be repeated.",
        }
    elif origin is Sequence:
        settings["callback"] = comma_separated
    elif origin is tuple:
        settings["nargs"] = len(get_args(kind))
        settings["metavar"] = " ".join([str(shown.metavar)] * settings["nargs"])
    elif kind is int:
        settings["type"] = click.IntRange(min=1)
    return click.Option([PAIRS_OF_FLAGS.get(name, _flag(name))], **settings)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def comma_separated(_context: object, _option: object, names: str | None) -> list[str] | None:
    """Return the names of a list such as ``who,when,much``."""
    return None if names is None else names.split(",")


def pairs(
    _context: object, option: click.Parameter, words: tuple[str, ...]
) -> dict[str, str] | None:
    """Return WORD=VALUE, repeated any number of times, as a dict; WORD may contain ``=``."""
    return _split(option, [word.rpartition("=") for word in words])


def patterns(
    _context: object, option: click.Parameter, words: tuple[str, ...]
) -> dict[str, str] | None:
    """Return COLUMN=PATTERN, repeated any number of times, as a dict; PATTERN may contain ``=``."""
    return _split(option, [word.partition("=") for word in words])


def _split(option: click.Parameter, split: list[tuple[str, str, str]]) -> dict[str, str] | None:
    for parts in split:
        if not parts[1]:
            example = HELP[str(option.name)].example
            raise click.BadParameter(
                f"expected {option.metavar}, for example {example}, got {''.join(parts)!r}."
            )
    return {word: value for word, _, value in split} or None


def secret(_context: object, _option: object, file: TextIO | None) -> str | None:
    """Return the first line of a file."""
    return None if file is None else file.readline().rstrip("\r\n")


# --- messages ------------------------------------------------------------------------------------


IN_COMMANDS: Final = {
    "orders.audit": "rfmkit check",
    "orders.rejected": "the rows that rfmkit check shows",
}
"""What a message names in Python, and where the command line shows the same."""


def in_options(message: str) -> str:
    """Return a message with the options of the command line in place of arguments.

    >>> in_options("name it: read_orders(..., customer='...').")
    'name it: --customer COLUMN.'
    >>> in_options("rates={'USD': 1, 'EUR': 1.08} converts them.")
    '--rates USD=1 --rates EUR=1.08 converts them.'
    >>> in_options("pass dayfirst=False")
    'pass --monthfirst'
    >>> in_options("as_of must be a date.")
    '--as-of must be a date.'
    """
    for value, words in IN_COMMANDS.items():
        message = message.replace(value, words)
    call = r"(?:rk\.)?read_orders\(\.\.\., ((?:[^()]|\([^()]*\))*)\)"
    message = re.sub(_argument_pattern(), _in_option, re.sub(call, r"\1", message))
    first, _, rest = message.partition(" ")  # the subject of what must hold
    known = first in _arguments() and first not in LEFT_OUT and re.match("must|cannot|needs", rest)
    return f"{_flag(first)} {rest}" if known else message


@cache
def _argument_pattern() -> str:
    """Match an argument of `read_orders` within a sentence, with its value where it has one."""
    names = "|".join(name for name in _arguments() if name not in LEFT_OUT)
    values = r"'[^']*'|\"[^\"]*\"|\{[^}]*\}|\[[^\]]*\]|\([^()]*\)|True|False|\d+(?!\w)"
    return rf"(?<![\w.('\"])({names})=({values})?"


def _in_option(found: re.Match[str]) -> str:
    name, value = found.groups()
    flag = _flag(name)
    if not value:
        return flag
    if name in PAIRS_OF_FLAGS:
        yes, no = PAIRS_OF_FLAGS[name].split("/")
        return yes if value == "True" else no
    kind = _arguments()[name][1]
    origin = get_origin(kind) or kind
    if origin is Mapping:
        pairs = re.findall(r"['\"]([^'\"]*)['\"]: ?['\"]?([^'\",}]*)['\"]?", value)
        return " ".join(f"{flag} {_quoted(f'{key}={worth}')}" for key, worth in pairs)
    if origin is Sequence:
        return f"{flag} {_quoted(_listed(value, ',') or 'A,B,C')}"
    if origin is tuple:
        return f"{flag} {_listed(value, ' ')}"
    word = value.strip("'\"")
    return f"{flag} {HELP[name].metavar if word == '...' else _quoted(word)}"


def _listed(value: str, comma: str) -> str:
    """Return the texts of a Python list, without quotes: ``a,b`` of ``['a', 'b']``."""
    return comma.join(re.findall(r"['\"]([^'\"]+)['\"]", value))


def _quoted(text: str) -> str:
    """Put a word in quotes where the shell would split or interpret it."""
    return text if re.fullmatch(r"[\w.,/:=+-]*\w[\w.,/:=+-]*", text) else f'"{text}"'
