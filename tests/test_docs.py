"""The documentation says what the code does: names, pages, commands, examples, lengths."""

import doctest
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import rfmkit as rk
from rfmkit.formats import _registry as registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Their examples fit many models or read many logs; tests of the modules call the same functions.
HEAVY = {"btyd", "churn", "cycle", "formats", "lifecycle"}
RECENT = "2024-02-01"  # what the sample holds since then is enough for every call of the README
EXAMPLES = [
    *[
        pytest.param(page, None, id=page.stem, marks=[pytest.mark.slow] * (page.stem in HEAVY))
        for page in PAGES
    ],
    pytest.param(ROOT / "README.md", RECENT, id="README"),
    pytest.param(ROOT / "README.md", None, id="README-all", marks=pytest.mark.slow),
]
MAX_LINES = 400
MAX_ENTRIES = 16

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
AUTOSUMMARY = re.compile(r"^\.\. autosummary::\n((?: +.*\n|\n)+)", re.MULTILINE)


def entries(directive: str) -> list[str]:
    """Give the lines of a directive that are no options."""
    return [line.strip() for line in directive.splitlines() if line.strip(" ")[:1] not in ("", ":")]


def snippets(page: Path) -> list[str]:
    """Give the plain Python blocks of a page; those with prompts are doctests."""
    return [code for code in FENCE.findall(page.read_text("utf-8")) if ">>>" not in code]


def test_the_reference_lists_the_public_names_in_story_order():
    found = AUTOSUMMARY.findall((DOCS / "reference.md").read_text("utf-8"))
    assert [name for block in found for name in entries(block)] == list(rk.__all__)


def test_every_public_name_is_there():
    assert [name for name in rk.__all__ if getattr(rk, name, None) is None] == []


def test_the_tables_of_contents_name_every_page_and_no_other():
    listed = set()
    for page in PAGES:
        for block in TOCTREE.findall(page.read_text("utf-8")):
            for entry in entries(block):
                files = [path.relative_to(DOCS).as_posix() for path in DOCS.glob(f"{entry}.md")]
                # The build copies the notebooks in.
                assert files or entry == "notebooks/*", f"{page.name}: no page {entry!r}"
                listed.update(files)
    pages = [path.relative_to(DOCS).as_posix() for path in [*PAGES, *DOCS.glob("adr/0*.md")]]
    assert listed | {"index.md"} == set(pages)


def test_the_list_of_decisions_names_every_decision():
    listed = re.findall(r"\]\((.+?)\)", (DOCS / "adr" / "README.md").read_text("utf-8"))
    assert listed == sorted(path.name for path in DOCS.glob("adr/0*.md"))


@pytest.mark.parametrize(("name", "ends"), [("demo", "rfmkit demo"), ("test", "pytest -n auto")])
def test_the_readme_has_the_two_commands_each_on_one_line(name, ends):
    block = re.escape(f"<!-- command: {name} -->") + r"\n```bash\n(.+)\n```\n"
    commands = re.findall(block, (ROOT / "README.md").read_text("utf-8"))
    assert len(commands) == 1
    assert commands[0].startswith("python3 -m venv .venv && ")
    assert commands[0].endswith(ends)


@pytest.mark.parametrize(("page", "since"), EXAMPLES)
def test_the_examples_run(page, since, tmp_path, monkeypatch):
    """Run the blocks of a page one after the other, beside a log named orders.csv."""
    blocks = snippets(page)
    if not blocks:
        pytest.skip("no Python on this page")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_known", dict(registry._known))  # a page may register its own
    log = rk.load_sample()
    recent = log if since is None else log[log["ordered_at"] >= since]
    recent.to_csv("orders.csv", index=False)
    names: dict[str, object] = {}
    try:
        for place, code in enumerate(blocks, start=1):
            exec(compile(code, f"{page.name}, block {place}", "exec"), names)  # noqa: S102
    finally:
        plt.close("all")


def test_the_readme_has_examples_with_results():
    examples = doctest.DocTestParser().get_examples((ROOT / "README.md").read_text("utf-8"))
    assert any(example.want for example in examples)


def headings(text):
    """The addresses of the headings of a page, as Sphinx and GitHub write them."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_the_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
    to_headings = re.findall(r"\]\(([^):]+\.md)#([^)]+)\)", page.read_text("utf-8"))
    assert [
        link for link in to_headings if link[1] not in headings((page.parent / link[0]).read_text())
    ] == []


def test_no_module_is_long():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in (ROOT / "src" / "rfmkit").rglob("*.py")
    }
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_every_module_has_a_file_of_tests():
    source = ROOT / "src" / "rfmkit"
    modules = [path for path in source.rglob("*.py") if not path.stem.startswith("__")]
    files = {
        "_".join(["test", *(part.strip("_") for part in path.relative_to(source).parts)])
        for path in modules
    }
    assert len(files) == len(modules)
    assert sorted(files - {path.name for path in (ROOT / "tests").iterdir()}) == []


def test_the_top_level_has_few_entries():
    beside = {"__init__.py", "__init__.pyi", "py.typed", "__pycache__"}
    entries = {path.name for path in (ROOT / "src" / "rfmkit").iterdir()} - beside
    assert len(entries) <= MAX_ENTRIES, sorted(entries)


@pytest.mark.skipif(not NOTEBOOKS, reason="no notebooks")
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_are_stored_without_outputs(notebook):
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [c for c in code if c["outputs"] or c["execution_count"] is not None] == []
