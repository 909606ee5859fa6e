"""The options of reading are the arguments of `read_orders`, and messages name them."""

import functools
import inspect
import re

import click
import pandas as pd
import pytest

import rfmkit as rk
from command_line import LOG, run, run_main, run_process
from rfmkit.cli.options import HELP, LEFT_OUT, in_options, reading_options
from rfmkit.exceptions import RfmkitError

READ_ORDERS = rk.read_orders  # asked for before a test replaces it, and so found for good
ARGUMENTS = inspect.signature(READ_ORDERS).parameters


# --- one list of arguments -----------------------------------------------------------------------


def test_every_argument_of_read_orders_is_an_option_or_left_out_with_a_reason():
    options = [option.name for option in reading_options()]
    assert len(set(options)) == len(options)
    assert set(options) | set(LEFT_OUT) == set(ARGUMENTS)
    assert set(options) & set(LEFT_OUT) == set()
    assert all(LEFT_OUT.values())


def test_every_option_has_a_help_text_and_no_other_has_one():
    assert set(HELP) == {option.name for option in reading_options()}
    assert all(
        option.help and option.help.endswith((".", "repeated.")) for option in reading_options()
    )


def test_an_option_has_the_default_of_its_argument():
    for option in reading_options():
        assert option.default == ARGUMENTS[option.name].default


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("refunds", ("net", "drop_full", "gross")),
        ("zero_amounts", ("drop", "keep")),
        ("same_day", ("merge", "keep")),
        ("decimal", (".", ",")),
    ],
)
def test_an_option_has_the_choices_of_its_argument(name, choices):
    (option,) = (option for option in reading_options() if option.name == name)
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == choices


def test_a_command_shows_its_own_options_before_those_of_reading():
    words = re.findall(r"^  (?:-h, )?(--[\w-]+)", run("segment", "--help").output, re.MULTILINE)
    names = [option.opts[0] for option in reading_options()]
    assert words == ["--out", "--lang", "--prospects", *names, "--help"]
    assert {"--category", "--dayfirst", "--names"} < set(words)


# --- what is passed on ---------------------------------------------------------------------------


def test_the_reading_options_are_passed_on(monkeypatch):
    seen = []

    @functools.wraps(READ_ORDERS)
    def read_orders(source, **options):
        seen.append((source, options))
        raise RfmkitError("Enough seen.")

    monkeypatch.setattr("rfmkit.orders.reading.read_orders", read_orders)
    options = {
        "as_of": "2024-01-01",
        "customer": "who",
        "time": "when",
        "amount": "much",
        "order_id": "id",
        "status": "how",
        "refund_amount": "back",
        "unit_price": "each",
        "quantity": "pieces",
        "category": "kind",
        "currency": "in",
        "refunds": "gross",
        "zero_amounts": "keep",
        "same_day": "keep",
        "decimal": ",",
        "delimiter": ";",
        "tz": "Asia/Shanghai",
        "encoding": "gb18030",
        "memory_limit": "1GB",
        "threads": "2",
        "format": "shopify",
        "names": "who,when,much",
    }
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    words += ["--statuses", "Verschickt=shipped", "--statuses", "a=b=paid"]
    words += ["--exclude", "memo=a=b", "--rates", "EUR=1.08", "--rates", "USD=1"]
    words += ["--dates-between", "2000-01-01", "2030-01-01"]
    run("segment", "log.csv", *words, "--dayfirst")
    run("check", "log.csv", *words, "--monthfirst")
    run("segment", "log.csv")
    expected = options | {
        "threads": 2,
        "names": ["who", "when", "much"],
        "statuses": {"Verschickt": "shipped", "a=b": "paid"},
        "exclude": {"memo": "a=b"},
        "rates": {"EUR": "1.08", "USD": "1"},
        "pseudonymize": None,
        "dates_between": ("2000-01-01", "2030-01-01"),
    }
    assert seen[0] == ("log.csv", expected | {"dayfirst": True, "output": "ibis"})
    assert seen[1] == ("log.csv", expected | {"dayfirst": False, "output": "pandas"})
    for name, value in seen[2][1].items():
        assert value == ARGUMENTS[name].default or name == "output"


def test_the_secret_is_the_first_line_of_a_file(tmp_path):
    log, secret, out = (tmp_path / name for name in ("log.csv", "secret", "out.csv"))
    log.write_text("customer,date,total\na,2024-05-03,1\nb,2024-05-04,1\n", "utf-8")
    secret.write_text("correct horse battery\nno part of it\n", "utf-8")
    run("segment", log, "--pseudonymize", secret, "--out", out)
    expected = rk.summarize(rk.read_orders(log, pseudonymize="correct horse battery"))
    assert set(pd.read_csv(out)["customer_id"]) == set(expected["customer_id"])


@pytest.mark.parametrize("option", ["--exclude", "--rates", "--statuses"])
def test_an_option_of_pairs_shows_how_it_is_written(option):
    result = run("check", LOG, option, "word")
    assert result.exit_code == 2
    assert re.search(r"expected [A-Z]+=[A-Z]+, for example \w+=[\w.]+, got 'word'\.", result.output)


def test_a_mistyped_option_gets_a_near_one():
    result = run("segment", LOG, "--curency", "EUR")
    assert result.exit_code == 2
    assert re.search(r"No such option:? '?--curency'?.*Did you mean.*--currency", result.output)


# --- messages ------------------------------------------------------------------------------------


@pytest.fixture(params=["here", pytest.param("process", marks=pytest.mark.slow)])
def call(request, tmp_path, monkeypatch, capsys):
    """Run a command in this process or in one of its own."""
    if request.param == "process":
        return lambda *arguments: run_process(*arguments, cwd=tmp_path)
    return lambda *arguments: run_main(monkeypatch, capsys, tmp_path, *arguments)


def test_errors_and_warnings_name_options(call, tmp_path):
    (tmp_path / "log.csv").write_text("who,date,total\n" + "a,03/05/2024,1\n" * 20)
    done = call("segment", "log.csv")
    assert done.stderr.endswith("Hint: name it: --customer COLUMN.\n")
    done = call("segment", "log.csv", "--customer", "who")
    assert done.stderr.endswith("Hint: pass --dayfirst or --monthfirst.\n")
    (tmp_path / "log.csv").write_text("customer,date,total\n" + ",2024-05-03,1\na,2024-05-03,1\n")
    done = call("check", "log.csv")
    assert "name the right column with --customer." in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("decimal=',' where the dot", '--decimal "," where the dot'),
        ("exclude={'Memo': 'test|sample'} sets", '--exclude "Memo=test|sample" sets'),
        ("statuses={'Foo bar': '...'}.", '--statuses "Foo bar=...".'),
        ("rates={..., 'EUR': 1.08}.", "--rates EUR=1.08."),
        ("raise memory_limit=, or lower threads=.", "raise --memory-limit, or lower --threads."),
        ("or names=[...] where", "or --names A,B,C where"),
        ('read_orders(..., tz="Europe/Berlin").', "--tz Europe/Berlin."),
        ("did you mean refunds='net'?", "did you mean --refunds net?"),
        ("pass names=['who', 'when'].", "pass --names who,when."),
        ("dates_between=('2000-01-01', '2030-01-01')", "--dates-between 2000-01-01 2030-01-01"),
        ("threads=2 is enough", "--threads 2 is enough"),
        (
            "read_orders(..., customer='...', exclude={'a': '(x)'})",
            '--customer COLUMN, --exclude "a=(x)"',
        ),
        ("pd.read_excel('a', sheet_name=None)", "pd.read_excel('a', sheet_name=None)"),
    ],
)
def test_arguments_become_options(message, expected):
    assert in_options(message) == expected
