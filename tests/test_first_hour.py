"""What somebody who has never seen it does in the first hour, without reading source: each step as the documents say it.

Dragging p stands in `test_shown_in_notebooks`, bundles in `test_bundles`.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import clockless as cl
from rigs import LIMIT
from test_cli_stores import clockless
from test_notebooks import FOLDER, cells

mpl.use("Agg")

__all__ = ["clockless"]  # a fixture
ROOT = Path(__file__).parent.parent


@pytest.fixture
def own_csv(tmp_path):
    """A table as somebody's instrument writes it: a header, numbers, words."""
    rng = np.random.default_rng(5)
    path = tmp_path / "measured.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["temperature", "current", "state"])
        for word, middle in (("cold", (280, 1e-3)), ("hot", (340, 4e-3))):
            for temperature, current in rng.normal(middle, (8, 4e-4), (30, 2)):
                writer.writerow([f"{temperature:.2f}", f"{current:.3e}", word])
    return path


def test_the_quick_start_leads_to_the_first_notebook_which_runs(tmp_path, monkeypatch):
    """The first link of the quick start is a notebook; its cells run from top to bottom and it shows what it made."""
    text = (ROOT / "docs" / "quick-start.md").read_text(encoding="utf-8")
    first = re.search(r"notebooks/([\w-]+)\.md", text)[1]
    assert first == "first-board"
    assert first in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = {}
    for cell in cells(FOLDER / f"{first}.md"):
        exec(cell, names)
    assert names["run"]._repr_html_().count("<svg") == 2
    assert {"run", "both", "answers"} <= set(names)
    plt.close("all")


def test_a_csv_of_their_own_is_trained_on(own_csv):
    """Read by NumPy alone, in three lines; the machine tells what it has never seen."""
    table = np.genfromtxt(own_csv, delimiter=",", names=True, dtype=None, encoding="utf-8")
    architecture = cl.architectures.dense(2, 6, 2)
    task = cl.tasks.classification(table, "state", network=architecture)
    run = cl.train(cl.XY(architecture), task, rule=cl.EquilibriumPropagation(0.1, 0.1), steps=150, batch=16)
    assert float(run.accuracy) >= 0.9
    seen = run.classes(task.encoded({"temperature": [341.0, 279.0], "current": [4.1e-3, 0.9e-3]}))
    assert [task.class_names[int(k)] for k in seen] == ["hot", "cold"]
    assert "10." in run.cite


def test_a_netlist_is_exported_and_the_run_cited(tmp_path):
    network = cl.networks.board16()
    run = cl.train(cl.Resistors(network), cl.tasks.regression(network), rule=cl.CoupledLearning(0.1, 0.1), steps=50)
    path = run.to_spice(tmp_path / "board.cir")
    board = cl.spice.read(path)
    settled = cl.Resistors(board.network).settle(board.resistances, board.held)
    assert settled == pytest.approx(run.state(run.task.x_train[:1]).values[0], abs=1e-9)
    bill = run.bill(tmp_path / "bill.csv", series="E24", scale=10_000)
    assert len(bill.chosen) == len(network.edges)
    doi = re.search(r"10\.\d{4,}/\S+", run.cite)[0].rstrip(".,)")
    assert doi in (ROOT / "CITATION.cff").read_text(encoding="utf-8"), "both name the same work"


def test_the_command_line_leads_by_its_own_help(clockless, tmp_path):
    """From --help alone: write a study, run it, look at it, show a machine, take it home."""
    assert "clockless new study.yaml" in clockless("--help")[1]
    code, out, _ = clockless("new", "study.yaml")
    assert code == 0
    small = ["--network.kind", "board16", "--task.seed", "0..1", "--clock.p", "linspace(0.5, 1, 2)", "--steps", "30"]
    code, out, err = clockless(*out.split("run it with: clockless ")[1].split(), *small, "--out", "study", "--threads", "1")
    assert code == 0, err
    assert "Look at it with: clockless plot study" in out
    for words in (("plot", "study"), ("show", "study"), ("export", "study", "study.zip", "--bundle")):
        code, out, err = clockless(*words)
        assert code == 0, err
    assert {"plot.png", "show.png"} <= {path.name for path in (tmp_path / "study").iterdir()}
    assert (tmp_path / "study.zip").stat().st_size > 10_000


def test_a_typo_is_answered_by_a_name(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import clockless as cl; cl.Resistor"], capture_output=True, text=True, timeout=LIMIT
    )
    assert "Did you mean: 'Resistors'" in done.stderr
