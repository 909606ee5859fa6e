"""What a person reads: the form of every error text, and the words that are not used."""

import ast
import re
from pathlib import Path

import pytest

from rfmkit import exceptions

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "rfmkit").rglob("*.py"))
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
]
ERRORS = {name for name in exceptions.__all__ if name.endswith("Error")}
REQUIRES = re.compile(r"\b(must|cannot|needs?|needed|expected)\b", re.IGNORECASE)
RETIRED = re.compile(r"\b(nought|foret\w+|forets|insist\w*|told|tells)\b", re.IGNORECASE)
OPENERS = re.compile(r"^(Give|Tell|Say|Insist|Make out|Ring)s?\b")


def literal(node: ast.AST | None) -> str:
    """Return the fixed text of an expression: of f-strings the parts that are no values."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = ast.iter_child_nodes(node) if node is not None else ()
    return " ".join(literal(part) for part in parts)


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def errors_of(tree: ast.AST) -> list[tuple[ast.Call, str]]:
    """Return every call of an error class with the text of its first sentence."""
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            bound[name] = f"{bound.get(name, '')} {literal(node.value)}"
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in ERRORS and node.args:
            first = node.args[0]
            text = bound.get(first.id, "") if isinstance(first, ast.Name) else literal(first)
            if not (isinstance(first, ast.Name) and first.id == "must" and not text):
                found.append((node, text))  # else the caller gives it: see `given_to_others`
    return found


def given_to_others(tree: ast.AST) -> list[str]:
    """Return what calls pass on as ``must=``: the first sentence of an error raised elsewhere."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    keywords = [keyword for call in calls for keyword in call.keywords if keyword.arg == "must"]
    return [literal(keyword.value) for keyword in keywords]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_error_says_what_must_hold_what_was_found_and_what_to_do(path):
    wrong = []
    for call, text in errors_of(ast.parse(path.read_text("utf-8"))):
        given = {keyword.arg for keyword in call.keywords}
        if not (REQUIRES.search(text) and {"found", "hint"} <= given):
            wrong.append(f"line {call.lineno}: {text}")
    wrong += [text for text in given_to_others(ast.parse(path.read_text("utf-8"))) if text]
    assert [text for text in wrong if not REQUIRES.search(text) or text.startswith("line")] == []


@pytest.mark.parametrize(
    "path", [*SOURCES, *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_no_retired_word_is_used(path):
    lines = path.read_text("utf-8").splitlines()
    assert [line.strip() for line in lines if RETIRED.search(line)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docstrings_open_with_what_comes_back(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    nodes = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kinds)
    ]
    opened = [ast.get_docstring(node) or "" for node in nodes]
    assert [text.partition("\n")[0] for text in opened if OPENERS.search(text)] == []
