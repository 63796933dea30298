"""The notebooks of docs/notebooks run from top to bottom, in one process, each in a folder and a namespace of its own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

mpl.use("Agg")

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.md"))
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```$", re.S | re.M)
SCIENCE = {"first-board", "collapse", "discrete", "phases", "modules"}
TITLES = SCIENCE | {"own-data", "own-part", "own-medium", "spice", "cluster"}


def cells(notebook):
    """Its cells of code; `%%writefile NAME` is Jupyter's way to write a file."""
    for cell in CELL.findall(notebook.read_text(encoding="utf-8")):
        first, _, rest = cell.partition("\n")
        yield (f"open({first.split()[1]!r}, 'w').write({rest!r})" if first.startswith("%%writefile ") else cell)


def test_there_are_ten():
    assert {notebook.stem for notebook in NOTEBOOKS} == TITLES
    assert all(len(list(cells(notebook))) >= 4 for notebook in NOTEBOOKS)


# The first one runs in test_first_hour.py.
@pytest.mark.parametrize("notebook", [path for path in NOTEBOOKS if path.stem != "first-board"], ids=lambda path: path.stem)
def test_a_notebook_runs(notebook, tmp_path, monkeypatch):
    if notebook.stem == "modules":
        pytest.importorskip("jax")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    names = {"__name__": "__main__"}
    for number, cell in enumerate(cells(notebook)):
        exec(compile(cell, f"{notebook.name}, cell {number}", "exec"), names)
    plt.close("all")
    sys.modules.pop("eager", None)


def test_notebooks_need_nothing_from_elsewhere():
    """No cell asks the network or names a machine's own paths."""
    for notebook in NOTEBOOKS:
        for cell in cells(notebook):
            assert not re.search(r"https?:|urllib|requests|/home/|/root/|!pip|%pip", cell), notebook.name
