"""The commands: files in, files out, and one paragraph where something is wrong."""

import re
import subprocess
import sys
from contextlib import chdir
from importlib.metadata import version

import pandas as pd
import pytest

import rfmkit as rk
from command_line import LOG, numbers_of, remember, run, run_main, run_process
from conftest import plain
from rfmkit.cli import commands
from rfmkit.datasets import sample_path
from rfmkit.formats import known
from sample_segments import segments_of

SUGGESTS = pytest.mark.skipif(
    tuple(map(int, version("click").split(".")[:2])) < (8, 4), reason="click 8.4 suggests commands"
)


@pytest.fixture(scope="module")
def expected(orders):
    return segments_of(orders)


@pytest.fixture(scope="module")
def printed():
    """What `segment` prints about the sample."""
    with pytest.MonkeyPatch.context() as patch:
        remember(patch)
        return run("segment", LOG).output


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What `check` says about the sample, and the files that it leaves in an empty folder."""
    folder = tmp_path_factory.mktemp("empty")
    with chdir(folder):
        return run("check", LOG), list(folder.iterdir())


@pytest.fixture(params=["here", pytest.param("process", marks=pytest.mark.slow)])
def call(request, tmp_path, monkeypatch, capsys):
    """Run a command whose output is no terminal, in this process or in one of its own."""
    if request.param == "process":
        return lambda *arguments: run_process(*arguments, cwd=tmp_path)
    return lambda *arguments: run_main(monkeypatch, capsys, tmp_path, *arguments)


# --- segment -------------------------------------------------------------------------------------


def test_segment_prints_the_counts_and_the_money(expected, printed):
    output = printed
    counts = expected.fillna({"phase": ""}).groupby(["segment", "phase"]).size()
    assert numbers_of(output) == {**counts, ("all", ""): len(expected)}
    assert f"{expected['spend'].sum():,.2f}" in output
    assert "Customers as of 2024-12-30" in output
    assert list(numbers_of(output)) == [
        ("prospect", ""), ("new", "active"), ("repeat", "active"), ("dormant", "silent"),
        ("dormant", "lost"), ("fan", "active"), ("all", ""),
    ]  # fmt: skip


def test_segment_says_what_was_set_aside(orders, printed):
    audit = orders.audit.to_frame().set_index("rule")["rows"]
    output = " ".join(printed.split())
    assert f"Set aside: {audit['read'] - audit['kept']} rows" in output
    assert f"unpaid {audit['unpaid']}" in output


@pytest.mark.slow
def test_as_of_hides_what_came_later(tmp_path):
    out = tmp_path / "then.parquet"
    result = run("segment", LOG, "--as-of", "2024-06-30", "--out", out)
    assert "Customers as of 2024-06-30" in result.output
    then = rk.segment(rk.read_orders(LOG, as_of="2024-06-30"))
    pd.testing.assert_frame_equal(plain(pd.read_parquet(out)), plain(then))


def test_as_of_hides_later_rows(tmp_path):
    (tmp_path / "log.csv").write_text("customer,date,total\na,2024-01-01,1\nb,2024-03-01,1\n")
    result = run("segment", tmp_path / "log.csv", "--as-of", "2024-02-01")
    assert "Customers as of 2024-02-01" in result.output
    assert numbers_of(result.output)["all", ""] == 1


def test_the_labels_come_in_chinese(expected, monkeypatch):
    remember(monkeypatch)
    found = numbers_of(run("segment", LOG, "--lang", "zh").output)
    assert found["粉丝", "活跃"] == (expected["segment"] == "fan").sum()
    assert found["潜客", ""] == (expected["segment"] == "prospect").sum()


def test_a_roster_may_be_a_file(tmp_path, printed, monkeypatch):
    remember(monkeypatch)
    (tmp_path / "roster.csv").write_text("customer\nnobody\nnone else\n", "utf-8")
    more = numbers_of(run("segment", LOG, "--prospects", tmp_path / "roster.csv").output)
    assert more["prospect", ""] == numbers_of(printed)["prospect", ""] + 2


def test_a_status_column_can_be_named(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "customer,date,amount,wie\na,2024-01-01,1,paid\nb,2024-01-01,1,unpaid\n", "utf-8"
    )
    assert rk.summarize(rk.read_orders(log))["customer_id"].tolist() == ["a", "b"]
    counts = numbers_of(run("segment", log, "--status", "wie").output)
    assert counts == {("prospect", ""): 1, ("new", "active"): 1, ("all", ""): 2}


# --- check and formats ---------------------------------------------------------------------------


def test_check_prints_the_audit_and_writes_nothing(checked, orders):
    result, written = checked
    assert result.exit_code == 0
    for row in orders.audit.to_frame().itertuples():
        assert f"{row.amount:,.2f}" in result.output
    assert re.search("customer_id +column 'customer_id'", result.output)
    assert written == []


def test_check_names_every_rule_in_full(checked, orders):
    rules = set(orders.audit.to_frame()["rule"]) - {"read"}
    words = set(re.findall(r"\w+", checked[0].output))
    assert rules <= words


def test_formats_lists_every_format_and_what_tells_its_customers():
    listed = run("formats").output
    for one in known():
        assert re.search(rf"\b{one.name}\b.+{re.escape(one.title)}", listed)
    assert "email, phone, name" in listed


# --- demo ----------------------------------------------------------------------------------------


def test_the_demo_writes_a_table_and_a_picture(tmp_path, expected, monkeypatch):
    remember(monkeypatch)
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


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.fixture
def bad_inputs(tmp_path, monkeypatch):
    """Return a folder with a log, an empty file, a file without customers, and a folder."""
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
        (["segment", "other.csv"], r"column for the customer\.\nFound: columns 'a', 'b'\nHint"),
        (["check", "broken.parquet"], r"broken\.parquet must be what its name says"),
        (["segment", "orders.csv", "--customer", "who"], r"no 'who' among 'order_id'"),
        (["segment", "orders.csv", "--as-of", "soon"], r"--as-of must be a date.*\nFound: .*soon"),
        (["segment", "orders.csv", "--as-of", "2001-01-01"], r"at least one customer\.\nFound: "),
        (
            ["segment", "orders.csv", "--out", "out.json"],
            r"end in \.parquet, \.csv or \.xlsx\.\nFound: --out out\.json",
        ),
        (["segment", "orders.csv", "--out", "no/out.csv"], r"existing folder\.\nFound: no folder"),
        (["segment", "orders.csv", "--out", "folder.csv"], r"folder\.csv"),
        (
            ["check", "orders.csv", "--out", "out.xml"],
            r"end in \.csv, \.parquet, \.json or \.xlsx\.\nFound: --out out\.xml",
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
        pytest.param(["segments", "orders.csv"], "Did you mean 'segment'?", marks=SUGGESTS),
        (["segment", "orders.csv", "--statuses", "paid"], "expected WORD=STATUS, for example"),
    ],
)
def test_a_wrong_call_says_how_to_call(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_an_error_of_the_system_is_no_traceback(monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "out.csv")

    monkeypatch.setattr("rfmkit.orders.reading.read_orders", full)
    monkeypatch.setattr(sys, "argv", ["rfmkit", "check", "orders.csv"])
    with pytest.raises(SystemExit, match="2"):
        commands.main()
    assert capsys.readouterr().err == "Error: No space left on device: 'out.csv'\n"


# --- as a process --------------------------------------------------------------------------------


def test_help_lists_the_commands_and_the_version_is_ours():
    output = run("--help").output
    assert all(command in output for command in ("check", "demo", "segment"))
    assert "--out" in run("segment", "-h").output
    assert rk.__version__ in run("--version").output


def test_a_pipeline_sees_no_progress_and_no_colours(call, tmp_path, monkeypatch):
    remember(monkeypatch)
    done = call("segment", LOG, "--out", "out.csv")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "Wrote out.csv: one row per customer." in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_warning_in_a_pipeline_is_on_stderr(call, tmp_path):
    rows = [f"c{place},2024-01-{day:02},1" for place in range(30) for day in (1, 1 + place % 25)]
    (tmp_path / "short.csv").write_text("\n".join(["customer,date,total", *rows]), "utf-8")
    done = call("segment", "short.csv")
    assert done.returncode == 0
    assert done.stderr.startswith("Warning: Churn within 365 days rests on a fitted tail for 100%")
    assert done.stderr.splitlines()[1:] == [
        "Hint: ask for a shorter horizon_days, or give a longer log."
    ]


def test_an_error_in_a_pipeline_is_on_stderr(call):
    done = call("segment", "nowhere.csv")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(
        "Error: The order log must be an existing file, folder or glob.\n"
    )
    assert "Traceback" not in done.stderr


def test_an_error_of_a_process_is_on_stderr(tmp_path):
    (tmp_path / "file").touch()
    done = run_process("demo", "--folder", "file", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: --folder must be a folder.\n")


def test_what_was_guessed_is_noted(call, tmp_path):
    (tmp_path / "log.csv").write_text("客户,日期,金额\n张三,2024-01-01,1\n", "gb18030")
    done = call("segment", "log.csv")
    assert "Note: log.csv: read as gb18030" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["formats"]])
def test_help_and_formats_load_no_engine(arguments):
    code = (
        "import sys; from rfmkit.cli import commands\n"
        f"commands.cli({arguments!r}, standalone_mode=False)\n"
        "print('loaded:', *[name for name in ('ibis', 'duckdb', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"
