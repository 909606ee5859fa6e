"""The command line: files in, files out, and one paragraph where something is wrong."""

import inspect
import os
import re
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner
from pyarrow.csv import ConvertOptions, read_csv
from rich.cells import cell_len
from rich.console import Console

import rfmkit as rk
from conftest import plain
from rfmkit.cli import commands
from rfmkit.cli.options import in_options
from rfmkit.datasets import sample_path
from rfmkit.exceptions import RfmkitError
from rfmkit.formats import known

LOG = str(sample_path("orders.csv"))
READ_ORDERS = rk.read_orders  # asked for before a test replaces it, and so found for good


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


@pytest.fixture(scope="module")
def expected():
    return rk.segment(rk.read_orders(LOG))


# --- segment -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "OUT.PQ"])
def test_segment_writes_what_segment_gives(tmp_path, expected, name):
    out = tmp_path / name
    result = run("segment", LOG, "--out", out)
    assert result.exit_code == 0
    empty = ConvertOptions(strings_can_be_null=True)
    csv = name.endswith("csv")
    found = read_csv(out, convert_options=empty).to_pandas() if csv else pd.read_parquet(out)
    pd.testing.assert_frame_equal(plain(found), plain(expected), check_exact=True)
    assert f"Wrote {out}: one row a customer." in result.output
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_segment_prints_the_counts_and_the_money(expected):
    output = run("segment", LOG).output
    counts = expected.fillna({"phase": ""}).groupby(["segment", "phase"]).size()
    assert numbers_of(output) == {**counts, ("all", ""): len(expected)}
    assert f"{expected['spend'].sum():,.2f}" in output
    assert "Customers as of 2024-12-30" in output
    assert list(numbers_of(output)) == [
        ("prospect", ""), ("new", "active"), ("repeat", "active"), ("dormant", "silent"),
        ("dormant", "lost"), ("fan", "active"), ("all", ""),
    ]  # fmt: skip


def test_segment_says_what_was_set_aside(orders):
    audit = orders.audit.to_frame().set_index("rule")["rows"]
    output = " ".join(run("segment", LOG).output.split())
    assert f"Set aside: {audit['read'] - audit['kept']} rows" in output
    assert f"unpaid {audit['unpaid']}" in output


def test_as_of_hides_what_came_later(tmp_path):
    out = tmp_path / "then.parquet"
    result = run("segment", LOG, "--as-of", "2024-06-30", "--out", out)
    assert "Customers as of 2024-06-30" in result.output
    then = rk.segment(rk.read_orders(LOG, as_of="2024-06-30"))
    pd.testing.assert_frame_equal(plain(pd.read_parquet(out)), plain(then))


def test_the_labels_come_in_chinese(expected):
    found = numbers_of(run("segment", LOG, "--lang", "zh").output)
    assert found["粉丝", "活跃"] == (expected["segment"] == "fan").sum()
    assert found["潜客", ""] == (expected["segment"] == "prospect").sum()


def test_the_reading_options_are_passed_on(monkeypatch):
    seen = []

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
    accepted = inspect.signature(READ_ORDERS).parameters
    for name, value in seen[2][1].items():
        assert name in accepted
        assert value == accepted[name].default or name == "output"


def test_formats_lists_every_format_and_what_tells_its_customers():
    listed = run("formats").output
    for one in known():
        assert re.search(rf"\b{one.name}\b.+{re.escape(one.title)}", listed)
    assert "email, phone, name" in listed


def test_the_secret_is_the_first_line_of_a_file(tmp_path):
    secret, out = tmp_path / "secret", tmp_path / "out.csv"
    secret.write_text("correct horse battery\nno part of it\n", "utf-8")
    run("segment", LOG, "--pseudonymize", secret, "--out", out)
    expected = rk.segment(rk.read_orders(LOG, pseudonymize="correct horse battery"))
    assert set(pd.read_csv(out)["customer_id"]) == set(expected["customer_id"])


@pytest.mark.parametrize("option", ["--exclude", "--rates", "--statuses"])
def test_an_option_of_pairs_shows_how_it_is_written(option):
    result = run("check", LOG, option, "word")
    assert result.exit_code == 2
    assert re.search(r"give [A-Z]+=[A-Z]+, such as \w+=[\w.]+\.", result.output)


def test_a_roster_may_be_a_file(tmp_path):
    (tmp_path / "roster.csv").write_text("customer\nnobody\nnone else\n", "utf-8")
    more = numbers_of(run("segment", LOG, "--prospects", tmp_path / "roster.csv").output)
    less = numbers_of(run("segment", LOG).output)
    assert more["prospect", ""] == less["prospect", ""] + 2


def test_a_status_column_can_be_named(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "customer,date,amount,wie\na,2024-01-01,1,paid\nb,2024-01-01,1,unpaid\n", "utf-8"
    )
    assert numbers_of(run("segment", log).output)["all", ""] == 2
    counts = numbers_of(run("segment", log, "--status", "wie").output)
    assert counts == {("prospect", ""): 1, ("new", "active"): 1, ("all", ""): 2}


# --- check ---------------------------------------------------------------------------------------


def test_check_prints_the_audit_and_writes_nothing(tmp_path, monkeypatch, orders):
    monkeypatch.chdir(tmp_path)
    result = run("check", LOG)
    assert result.exit_code == 0
    for row in orders.audit.to_frame().itertuples():
        assert f"{row.amount:,.2f}" in result.output
    assert re.search("customer_id +column 'customer_id'", result.output)
    assert list(tmp_path.iterdir()) == []


def test_check_names_every_rule_in_full(orders):
    rules = set(orders.audit.to_frame()["rule"]) - {"read"}
    words = set(re.findall(r"\w+", run("check", LOG).output))
    assert rules <= words


def test_check_prints_the_report_into_a_pipe():
    expected = repr(rk.read_orders(LOG).audit)
    assert run("check", LOG).output == f"{expected}\n"


@pytest.mark.parametrize("width", [40, 80, 160])
def test_check_cuts_nothing_on_a_terminal(monkeypatch, capsys, orders, width):
    monkeypatch.setattr(
        commands,
        "Console",
        lambda **_: Console(force_terminal=True, width=width, color_system=None),
    )
    word = "a status with [red]brackets and a \x1b[31m"
    frame = rk.load_sample().assign(status=word)
    audit = rk.read_orders(frame).audit
    commands.print_report(audit.report)
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


@pytest.mark.parametrize("name", ["audit.csv", "audit.parquet", "audit.json", "AUDIT.PQ"])
def test_check_writes_the_table_of_rules(tmp_path, orders, name):
    out = tmp_path / name
    result = run("check", LOG, "--out", out)
    assert result.exit_code == 0
    assert f"Wrote {out}: one row a rule." in result.output
    read = {"csv": pd.read_csv, "json": pd.read_json}.get(name.rpartition(".")[2], pd.read_parquet)
    expected = orders.audit.to_frame().astype({"amount": float})
    found = read(out).fillna({"examples": ""}).astype({"amount": float})
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert [path.name for path in tmp_path.iterdir()] == [name]


# --- demo ----------------------------------------------------------------------------------------


def test_the_demo_writes_a_table_and_a_picture(tmp_path, expected):
    folder = tmp_path / "new" / "folder"
    result = run("demo", "--folder", folder)
    assert result.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["segments.parquet", "segments.png"]
    found = pd.read_parquet(folder / "segments.parquet")
    pd.testing.assert_frame_equal(plain(found), plain(expected))
    picture = (folder / "segments.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000
    assert numbers_of(result.output)["all", ""] == len(expected)


# --- whole or not at all -------------------------------------------------------------------------


def half_written(_table, path):
    path.write_text("half", "utf-8")
    raise OSError("disk full")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    out = tmp_path / "out.csv"
    out.write_text("what was there before", "utf-8")
    monkeypatch.setitem(commands.TABLE_WRITERS, ".csv", half_written)
    result = run("segment", LOG, "--out", out)
    assert isinstance(result.exception, OSError)
    assert out.read_text("utf-8") == "what was there before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_bad_log_leaves_the_old_file(tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("what was there before", "utf-8")
    result = run("segment", tmp_path / "nowhere.csv", "--out", out)
    assert isinstance(result.exception, RfmkitError)
    assert out.read_text("utf-8") == "what was there before"


def test_a_new_file_replaces_the_old_one_with_the_usual_rights(tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("old", "utf-8")
    mask = os.umask(0o027)
    try:
        commands.atomically(out, lambda path: path.write_text("new", "utf-8"))
    finally:
        os.umask(mask)
    assert out.read_text("utf-8") == "new"
    assert out.stat().st_mode & 0o777 == 0o640


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.fixture
def bad_inputs(tmp_path, monkeypatch):
    """Give a folder with a log, an empty file, a file without customers, and a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_bytes(sample_path("orders.csv").read_bytes())
    (tmp_path / "empty.csv").touch()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", "utf-8")
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    (tmp_path / "folder.csv").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segment", "nowhere.csv"], r"nothing at 'nowhere\.csv'"),
        (["check", "nowhere.csv"], r"nothing at 'nowhere\.csv'"),
        (["segment", "empty.csv"], r"'empty\.csv' is empty"),
        (["segment", "other.csv"], r"column for the customer_id\.\nFound: columns 'a', 'b'\nHint"),
        (["check", "broken.parquet"], r"broken\.parquet holds what its name says"),
        (["segment", "orders.csv", "--customer", "who"], r"no 'who' among 'order_id'"),
        (["segment", "orders.csv", "--as-of", "soon"], r"as_of is a date .*\nFound: 'soon'"),
        (["segment", "orders.csv", "--as-of", "2001-01-01"], r"at least one customer\.\nFound: "),
        (["segment", "orders.csv", "--out", "out.xlsx"], r"ends in \.parquet or \.csv\.\nFound: o"),
        (["segment", "orders.csv", "--out", "no/out.csv"], r"existing folder\.\nFound: no folder"),
        (["segment", "orders.csv", "--out", "folder.csv"], r"folder\.csv"),
        (
            ["check", "orders.csv", "--out", "out.xlsx"],
            r"in \.csv, \.parquet or \.json\.\nFound: o",
        ),
        (["check", "orders.csv", "--out", "orders.csv"], r"another file than the log"),
        (["demo", "--folder", "orders.csv"], r"orders\.csv"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_two(
    bad_inputs, monkeypatch, capsys, arguments, message
):
    files = sorted(bad_inputs.iterdir())
    monkeypatch.setattr(sys, "argv", ["rfmkit", *arguments])
    with pytest.raises(SystemExit, match="2"):
        commands.main()
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert re.search(message, error)
    assert len(error.strip().splitlines()) <= 3
    assert sorted(bad_inputs.iterdir()) == files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segment"], "Missing argument 'ORDERS'"),
        (["segment", "orders.csv", "--threads", "0"], "0 is not in the range"),
        (["segment", "orders.csv", "--lang", "fr"], "'fr' is not one of 'en', 'zh'"),
        (["segments", "orders.csv"], "No such command 'segments'"),
        (["segment", "orders.csv", "--statuses", "paid"], "give WORD=STATUS"),
    ],
)
def test_a_wrong_call_says_how_to_call(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_help_lists_the_commands_and_the_version_is_ours():
    output = run("--help").output
    assert all(command in output for command in ("check", "demo", "segment"))
    assert "--out" in run("segment", "-h").output
    assert rk.__version__ in run("--version").output


def test_errors_and_warnings_name_options(tmp_path):
    (tmp_path / "log.csv").write_text("who,date,total\n" + "a,03/05/2024,1\n" * 20)
    done = run_process("segment", "log.csv", cwd=tmp_path)
    assert done.stderr.endswith("Hint: name it: --customer COLUMN.\n")
    done = run_process("segment", "log.csv", "--customer", "who", cwd=tmp_path)
    assert done.stderr.endswith("Hint: say which: --dayfirst or --monthfirst.\n")
    (tmp_path / "log.csv").write_text("customer,date,total\n" + ",2024-05-03,1\na,2024-05-03,1\n")
    done = run_process("check", "log.csv", cwd=tmp_path)
    assert "name the right column, --customer." in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("decimal=',' where the dot", '--decimal "," where the dot'),
        ("exclude={'Memo': 'test|sample'} sets", '--exclude "Memo=test|sample" sets'),
        ("statuses={'Foo bar': '...'}.", '--statuses "Foo bar=...".'),
        ("rates={..., 'EUR': 1.08}.", "--rates EUR=1.08."),
        ("raise memory_limit=, or lower threads=.", "raise --memory-limit, or lower --threads."),
        ("or names=[...] where", "or --names A,B,C where"),
        ("pd.read_excel('a', sheet_name=None)", "pd.read_excel('a', sheet_name=None)"),
    ],
)
def test_arguments_become_options(message, told):
    assert in_options(message) == told


# --- as a process --------------------------------------------------------------------------------


def test_a_pipeline_sees_no_progress_and_no_colours(tmp_path):
    done = run_process("segment", LOG, "--out", "out.csv", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "Wrote out.csv: one row a customer." in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_warning_in_a_pipeline_is_on_stderr(tmp_path):
    rows = [f"c{place},2024-01-{day:02},1" for place in range(30) for day in (1, 1 + place % 25)]
    (tmp_path / "short.csv").write_text("\n".join(["customer,date,total", *rows]), "utf-8")
    done = run_process("segment", "short.csv", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith("Warning: Churn within 365 days rests on a fitted tail for 100%")
    assert done.stderr.splitlines()[1:] == [
        "Hint: ask for a shorter horizon_days, or give a longer log."
    ]


def test_an_error_of_the_system_is_no_traceback(monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "out.csv")

    monkeypatch.setattr("rfmkit.orders.reading.read_orders", full)
    monkeypatch.setattr(sys, "argv", ["rfmkit", "check", "orders.csv"])
    with pytest.raises(SystemExit, match="2"):
        commands.main()
    assert capsys.readouterr().err == "Error: No space left on device: 'out.csv'\n"


def test_an_error_in_a_pipeline_is_on_stderr(tmp_path):
    done = run_process("segment", "nowhere.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: The order log is an existing file, folder or glob.\n")
    assert "Traceback" not in done.stderr


# --- the target ----------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["orders.csv", "*.csv", "./orders.csv"])
def test_the_log_itself_is_never_written_over(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_bytes(sample_path("orders.csv").read_bytes())
    result = run("segment", source, "--out", "orders.csv")
    assert isinstance(result.exception, RfmkitError)
    assert "another file than the log" in str(result.exception)
    assert (tmp_path / "orders.csv").read_bytes() == sample_path("orders.csv").read_bytes()


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.csv").write_text("old", "utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert run("segment", LOG, "--out", tmp_path / "link.csv").exit_code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text("utf-8").startswith("customer_id,")


@pytest.mark.parametrize("name", ["pipe.csv", "segments", "-"])
def test_a_target_that_cannot_be_written_is_told_before_the_work(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    result = run("segment", "nowhere.csv", "--out", name)
    assert isinstance(result.exception, RfmkitError)
    assert str(result.exception).startswith("--out ")


def test_what_was_guessed_is_noted(tmp_path):
    (tmp_path / "log.csv").write_text("客户,日期,金额\n张三,2024-01-01,1\n", "gb18030")
    done = run_process("segment", "log.csv", cwd=tmp_path)
    assert "Note: log.csv: read as gb18030" in done.stderr
