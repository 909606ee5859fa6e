"""Print constraints with the oldest version that pyproject.toml allows of what rfmkit needs.

The tools of the tests keep the versions of constraints.txt: they are not what is tested.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = ("hypothesis", "pytest", "pytest-cov", "pytest-randomly", "pytest-xdist")

project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
extras = project["optional-dependencies"]
needed = [*project["dependencies"], *extras["excel"], *extras["polars"], *extras["report"]]
pins = [re.sub(r"(\[.*?\])?>=", "==", requirement) for requirement in needed]
kept = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
print(*pins, *(line for line in kept if line.partition("==")[0] in TOOLS), sep="\n")  # noqa: T201
