"""The code blocks of README and docs run as they stand, and say what they mean."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from rigs import LIMIT

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCKS = [
    pytest.param(block, id=f"{document.name}-{index}")
    for document in DOCUMENTS
    for index, block in enumerate(re.findall(r"^```python\n(.*?)^```", document.read_text(encoding="utf-8"), re.S | re.M))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs(block, tmp_path):
    """Each Python block runs as a script by itself."""
    (tmp_path / "block.py").write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "block.py"], cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_readme_example_does_what_it_says():
    """The comments of the README's example hold: dims, shapes, a figure, and learning."""
    matplotlib.use("Agg")
    block = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M)[0]
    names: dict = {}
    exec(block, names)
    assert set(names["run"].data.sizes) == {"clock", "step", "edge"}
    assert names["run"].parameters.dims == ("clock", "edge")
    assert names["voltages"].tolist() == pytest.approx([0.0, 0.5, 1.0, 0.5])
    error = names["run"].error
    assert (error.isel(step=0) == 1).all()
    assert (error.isel(step=-1, clock=0) < 1e-6).all()
    assert error.isel(step=-1, clock=2) > error.isel(step=-1, clock=0)


def test_readme_table_does_what_it_says():
    """The machine that learned the table tells the new insect's class by name."""
    block = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M)[1]
    names: dict = {}
    exec(block, names)
    assert names["task"].class_names[int(names["seen"][0])] == "bee"
    assert names["run"].accuracy > 0.8


ROOMS = (
    "parts",
    "numerics",
    "media.resistors",
    "media.resistors.in_time",
    "media.resistors.relaxing",
    "media.circuits",
    "media.phases",
    "media.layered",
    "media.modules",
)


def names_in_equations():
    """What the tables of docs/equations.md name, such as `rules.CoupledLearning.change`."""
    text = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
    rows = [line.split(" | ", 2)[-1] for line in text.splitlines() if line.startswith("| ")]
    return sorted({name for row in rows for name in re.findall(r"`((?!papers)[a-z]+\.[\w.]+)", row)})


@pytest.mark.parametrize("name", names_in_equations())
def test_equations_name_what_is_there(name):
    module, *attributes = name.split(".")
    paths = [f"clockless.{room}.{module}" for room in ROOMS]
    found = [path for path in paths if importlib.util.find_spec(path) is not None]
    assert found, f"no room has a module {module}"
    if found[0].startswith("clockless.media.modules"):
        pytest.importorskip("jax")
    thing = [importlib.import_module(path) for path in found]
    for attribute in attributes:
        thing = [getattr(each, attribute) for each in thing if hasattr(each, attribute)]
        assert thing, name


def test_links_between_documents_lead_somewhere():
    """Relative links of the documents name files that exist."""
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} -> {target}"
