"""How the documentation is built: Markdown pages, one a noun, and a glossary made from the code."""

from __future__ import annotations

import shutil
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util.docutils import SphinxDirective

import rfmkit
from rfmkit.columns import COLUMNS
from rfmkit.formats import known

if TYPE_CHECKING:
    from docutils.nodes import Node
    from sphinx.application import Sphinx

HERE = Path(__file__).parent

project = "rfmkit"
author = "the rfmkit developers"
project_copyright = "2026, the rfmkit developers"
version = release = rfmkit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "myst_nb",
    "numpydoc",
]
templates_path = ["_templates"]
# adr/README.md is the list that a reader of the repository sees; decisions.md is the same, here.
exclude_patterns = ["_build", "adr/README.md"]

html_theme = "pydata_sphinx_theme"
html_title = "rfmkit"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # the pages show what the chapters print, fresh from this build
nb_execution_raise_on_error = True
nb_execution_timeout = 600

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say the types in words
numpydoc_show_class_members = False


class ColumnTables(SphinxDirective):
    """`columns`: a heading and a table for each table of `rfmkit.columns.COLUMNS`."""

    def run(self) -> list[Node]:
        """Write the tables as Markdown and let the page's parser read them."""
        lines: list[str] = []
        for table, columns in groupby(COLUMNS, key=attrgetter("table")):
            lines += [f"## {table.capitalize()}", ""]
            lines += ["| column | dtype | unit | meaning |", "| --- | --- | --- | --- |"]
            lines += [
                f"| `{c.name}` | {c.dtype} | {c.unit} | {c.meaning.replace('|', chr(92) + '|')} |"
                for c in columns
            ]
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


class FormatTable(SphinxDirective):
    """`formats`: a table of the exports that are recognised."""

    def run(self) -> list[Node]:
        """Write the table as Markdown and let the page's parser read it."""
        lines = ["| format | export | the customer is known by |", "| --- | --- | --- |"]
        lines += [
            f"| `{one.name}` | {one.title} | {'' if one.instead else ', '.join(one.customer)} |"
            for one in known()
        ]
        return self.parse_text_to_nodes("\n".join(lines))


def copy_notebooks() -> None:
    """Copy the chapters to where Sphinx looks: it reads nothing outside its own folder."""
    shutil.rmtree(HERE / "notebooks", ignore_errors=True)
    (HERE / "notebooks").mkdir()
    for notebook in sorted((HERE.parent / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, HERE / "notebooks")


def setup(app: Sphinx) -> None:
    """Register the directive and bring in the notebooks."""
    app.add_directive("columns", ColumnTables)
    app.add_directive("formats", FormatTable)
    copy_notebooks()
