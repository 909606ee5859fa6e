"""`import rfmkit` is quick: nothing heavy is loaded before it is used."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import rfmkit as rk

HEAVY = (
    "pandas",
    "lifelines",
    "sklearn",
    "scipy",
    "matplotlib",
    "duckdb",
    "ibis",
    "polars",
    "pyspark",
)


def test_importing_rfmkit_loads_nothing_heavy():
    code = f"import rfmkit, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_dir_lists_the_public_names():
    assert set(rk.__all__) <= set(dir(rk))


def test_public_names_are_named_once():
    assert len(set(rk.__all__)) == len(rk.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    expected = r"no attribute 'no_such_name'\. Hint: dir\(rfmkit\) lists the public names\.$"
    with pytest.raises(AttributeError, match=expected):
        _ = rk.no_such_name
    assert not hasattr(rk, "no_such_name")


@pytest.mark.parametrize(
    ("mistyped", "near"),
    [
        ("read_order", "read_orders"),
        ("ParetoNBd", "ParetoNBD"),
        ("Lifecyle", "Lifecycle"),
        ("rfmscorer", "RFMScorer"),
        ("plot", "plots"),
    ],
)
def test_a_mistyped_name_gets_a_near_one(mistyped, near):
    expected = rf"no attribute '{mistyped}'\. Hint: did you mean rfmkit\.{near}\?$"
    with pytest.raises(AttributeError, match=expected):
        getattr(rk, mistyped)


def test_a_traceback_has_one_suggestion():
    code = "import rfmkit; rfmkit.read_order"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.lower().count("did you mean") == 1


def test_the_version_is_the_installed_one():
    assert rk.__version__ == version("rfmkit")


@pytest.mark.parametrize("name", ["datasets", "formats", "plots"])
def test_a_public_module_is_there_without_another_import(name):
    code = f"import rfmkit; print(rfmkit.{name}.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(name)
