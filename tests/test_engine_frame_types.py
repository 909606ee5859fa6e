"""The types of frames stand for nothing at run time; `typing_frames.py` holds them for mypy."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TypeVar, get_args

import pandas as pd
import pytest

import rfmkit as rk
from rfmkit._engine import frame_types

ROOT = Path(__file__).parents[1]
LIBRARIES = {"pandas", "polars", "ibis"}


def test_mypy_checks_what_an_editor_knows_of_results():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert "tests/typing_frames.py" in settings["files"]
    assert settings["strict"] is True


@pytest.mark.parametrize("name", ["Frame", "SourceFrame"])
def test_a_type_of_frames_has_the_name_that_is_shown(name):
    assert isinstance(getattr(frame_types, name), TypeVar)
    assert getattr(frame_types, name).__name__ == name


def test_an_annotation_names_the_kind_of_the_results(orders):
    assert get_args(rk.Orders[pd.DataFrame]) == (pd.DataFrame,)
    assert isinstance(orders, rk.Orders)


def test_the_types_import_no_library_of_frames():
    path = ROOT / "src" / "rfmkit" / "_engine" / "frame_types.py"
    code = (
        f"import runpy, sys; runpy.run_path({str(path)!r}); print({LIBRARIES} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.strip() == "set()"
