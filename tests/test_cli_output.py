"""Output files: whole or not at all, rounded where people read them, and checked beforehand."""

import os
import re
import sys
from decimal import Decimal

import pandas as pd
import pytest
from pyarrow.csv import ConvertOptions, read_csv

from command_line import LOG, remember, run
from conftest import plain
from rfmkit.cli import _output
from rfmkit.columns import COLUMNS
from rfmkit.datasets import sample_path
from rfmkit.exceptions import MissingExtraError, RfmkitError
from sample_segments import segments_of

MONEY = {column.name for column in COLUMNS if column.unit == "money"}
PROBABILITIES = {column.name for column in COLUMNS if column.unit == "0..1"}


@pytest.fixture(scope="module")
def expected(orders):
    return segments_of(orders)


@pytest.fixture(autouse=True)
def remembered(monkeypatch):
    remember(monkeypatch)


def read(path):
    if path.suffix == ".csv":
        empty = ConvertOptions(strings_can_be_null=True)
        return read_csv(path, convert_options=empty).to_pandas()
    return pd.read_excel(path) if path.suffix == ".xlsx" else pd.read_parquet(path)


# --- the customers -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.parquet", "OUT.PQ"])
def test_parquet_holds_every_digit_of_what_segment_returns(tmp_path, expected, name):
    out = tmp_path / name
    result = run("segment", LOG, "--out", out)
    assert result.exit_code == 0
    found = pd.read_parquet(out)
    assert found["customer_id"].is_monotonic_increasing
    pd.testing.assert_frame_equal(plain(found), plain(expected), check_exact=True)
    assert f"Wrote {out}: one row per customer." in result.output
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_text_and_workbooks_hold_cents_and_four_digits(tmp_path, expected, name):
    out = tmp_path / name
    assert run("segment", LOG, "--out", out).exit_code == 0
    found, exact = plain(read(out)), plain(expected)
    assert list(found) == list(exact)
    assert found["customer_id"].tolist() == exact["customer_id"].tolist()
    for column in exact:
        if pd.api.types.is_float_dtype(exact[column]):
            digits = 2 if column in MONEY else 4
            assert (found[column] - exact[column]).abs().max() <= 0.5001 * 10**-digits
            assert found[column].equals(found[column].round(digits))
        else:
            assert found[column].tolist() == exact[column].tolist()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_cell_of_a_csv_has_more_digits(tmp_path):
    out = tmp_path / "out.csv"
    run("segment", LOG, "--out", out)
    cells = pd.read_csv(out, dtype=str)
    longest = {
        name: cells[name].dropna().str.extract(r"\.(\d*)$")[0].dropna().str.len().max()
        for name in cells
    }
    assert {longest[name] for name in MONEY & set(cells)} <= {1, 2}
    assert {longest[name] for name in PROBABILITIES & set(cells)} == {4}


# --- the audit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["audit.csv", "audit.parquet", "audit.json", "AUDIT.PQ", "audit.xlsx"]
)
def test_check_writes_the_table_of_rules(tmp_path, orders, name):
    out = tmp_path / name
    result = run("check", LOG, "--out", out)
    assert result.exit_code == 0
    assert f"Wrote {out}: one row per rule." in result.output
    ending = name.rpartition(".")[2]
    readers = {"csv": pd.read_csv, "json": pd.read_json, "xlsx": pd.read_excel}
    expected = orders.audit.to_frame().astype({"amount": float})
    found = readers.get(ending, pd.read_parquet)(out)
    found = found.fillna({"examples": ""}).astype({"amount": float})
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx"])
def test_the_audit_is_not_rounded_so_that_it_adds_up(tmp_path, ending):
    audit = pd.DataFrame({"rule": ["kept"], "amount": [Decimal("0.0375")]})
    out = tmp_path / f"audit{ending}"
    _output.AUDIT_WRITERS[ending](audit, out)
    assert float(read(out)["amount"][0]) == 0.0375


# --- whole or not at all -------------------------------------------------------------------------


def half_written(_table, path):
    path.write_text("half", "utf-8")
    raise OSError("disk full")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    out = tmp_path / "out.csv"
    out.write_text("what was there before", "utf-8")
    monkeypatch.setitem(_output.TABLE_WRITERS, ".csv", half_written)
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
        _output.atomically(out, lambda path: path.write_text("new", "utf-8"))
    finally:
        os.umask(mask)
    assert out.read_text("utf-8") == "new"
    assert out.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.csv").write_text("old", "utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert run("segment", LOG, "--out", tmp_path / "link.csv").exit_code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text("utf-8").startswith("customer_id,")


# --- the target ----------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["orders.csv", "*.csv", "./orders.csv"])
def test_the_log_itself_is_never_written_over(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_bytes(sample_path("orders.csv").read_bytes())
    result = run("segment", source, "--out", "orders.csv")
    assert isinstance(result.exception, RfmkitError)
    assert "must be another file than the log" in str(result.exception)
    assert (tmp_path / "orders.csv").read_bytes() == sample_path("orders.csv").read_bytes()


@pytest.mark.parametrize("name", ["pipe.csv", "segments", "-"])
def test_a_target_that_cannot_be_written_is_an_error_before_the_work(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    result = run("segment", "nowhere.csv", "--out", name)
    assert isinstance(result.exception, RfmkitError)
    assert str(result.exception).startswith("--out ")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("out.xls", r"did you mean --out out\.xlsx\?"),
        ("out.cvs", r"did you mean --out out\.csv\?"),
        ("folder/out.parqet", r"did you mean --out folder/out\.parquet\?"),
        ("out.doc", r"for example --out out\.parquet\."),
        ("segments", r"for example --out segments\.parquet\."),
        (".", r"for example --out out\.parquet\."),
    ],
)
def test_an_unknown_ending_gets_a_near_one(name, hint):
    expected = rf"^--out must end in \.parquet, \.csv or \.xlsx\.\nFound: --out {re.escape(name)}\n"
    with pytest.raises(RfmkitError, match=f"{expected}Hint: {hint}$"):
        raise run("segment", "nowhere.csv", "--out", name).exception


@pytest.mark.parametrize("command", ["segment", "check"])
def test_a_workbook_without_openpyxl_names_the_extra_before_the_work(monkeypatch, command):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r'\nHint: pip install "rfmkit\[excel\]"\.$'):
        raise run(command, "nowhere.csv", "--out", "out.xlsx").exception
