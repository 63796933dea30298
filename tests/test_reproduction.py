"""The command line reproduces figures, checks numbers, and meets bad input and Ctrl-C with one sentence."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray

from clockless.papers.claims import Claim, merged
from clockless.papers.desynchronous import CAPTIONS, FIGURES
from clockless.papers.desynchronous.collapse import (
    P,
    collapsed_spread_at_equal_steps,
    equal_updates,
    spread_at_equal_steps,
    spread_at_equal_updates,
)
from clockless.papers.desynchronous.drawings import DRAW
from rigs import LIMIT, wait_until

COMMAND = [sys.executable, "-m", "clockless"]


def clockless(*arguments, **options):
    """Run the command and return its finished process."""
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT, **options)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny reproduction of everything: (folder, finished process)."""
    folder = tmp_path_factory.mktemp("reproduction")
    return folder / "desynchronous", clockless("reproduce", "desynchronous", "--tiny", "--out", folder)


def test_tiny_reproduction_of_the_collapse_holds(tiny):
    """All numbers of Figs. 1a and 1b hold even in the tiny version. Others need more tasks than a tiny run has, or are
    claims of the paper that do not hold in ours; the exit code says whether all did."""
    folder, done = tiny
    entries = json.loads((folder / "numbers.json").read_text())
    assert done.returncode == (0 if all(entry["holds"] for entry in entries) else 1), done.stderr
    assert all(entry["holds"] for entry in entries if entry["figure"] in ("1a", "1b")), done.stdout


def test_files_are_all_there_and_whole(tiny):
    """Every figure as PDF and PNG, plotted numbers as CSV, numbers.json, report.html; no temporary file is left."""
    folder, _ = tiny
    names = {path.name for path in folder.iterdir()}
    assert {f"figure-{figure}.{kind}" for figure in FIGURES for kind in ("pdf", "png")} <= names
    assert {"numbers.json", "report.html"} <= names
    assert sum(name.startswith("figure-1b_nudge") and name.endswith(".csv") for name in names) == 3
    assert not any(name.startswith(".") for name in names)
    assert (folder / "figure-1b.pdf").read_bytes().startswith(b"%PDF")


def test_numbers_json_has_the_promised_objects(tiny):
    """A list of objects figure, quantity, expected, tolerance, measured, holds; holds agrees with its numbers."""
    entries = json.loads((tiny[0] / "numbers.json").read_text())
    assert {entry["figure"] for entry in entries} <= set(FIGURES)
    for entry in entries:
        assert list(entry) == ["figure", "quantity", "expected", "tolerance", "measured", "holds"]
        assert entry["holds"] == (abs(entry["measured"] - entry["expected"]) <= entry["tolerance"])


def test_every_figure_is_drawn_and_described():
    """Data, drawing and caption have the same figures."""
    assert set(FIGURES) == set(DRAW) == set(CAPTIONS)


def _power_law_data(updates_matter):
    """Errors 1 / (1 + t / 100) of eight tasks, with t = step x p or t = step."""
    step = np.arange(0, 20_001)
    t = step * (np.array(P)[:, None] if updates_matter else np.ones((len(P), 1)))
    error = np.broadcast_to(1 / (1 + t / 100), (8, len(P), step.size))
    step_of = {"step": step, "p": ("clock", list(P))}
    return xarray.Dataset({"error": (("task", "clock", "step"), error)}, coords=step_of)


def test_collapse_numbers_tell_collapse_from_none():
    """On made-up curves that collapse in step x p, or in steps, the two spreads are 0 and the closed form."""
    equal = equal_updates(20_000)
    data = _power_law_data(updates_matter=True)
    assert spread_at_equal_updates(data, equal)[0] == pytest.approx(0, abs=1e-12)
    # max over t of 1/(1 + p t) - 1/(1 + t), at t = 1/sqrt(p): (1 - sqrt p) / (1 + sqrt p)
    closed = (1 - np.sqrt(0.1)) / (1 + np.sqrt(0.1))
    assert spread_at_equal_steps(data) == pytest.approx(closed, rel=1e-3)
    assert collapsed_spread_at_equal_steps(data) == pytest.approx(closed, rel=1e-3)
    other = _power_law_data(updates_matter=False)
    assert spread_at_equal_updates(other, equal)[0] == pytest.approx(closed, rel=2e-2)
    assert spread_at_equal_steps(other) == pytest.approx(0, abs=1e-12)


def test_equal_updates_are_whole_steps_for_every_p():
    """Every value of step x p is reached at a whole step, within the steps that are run."""
    equal = equal_updates(20_000)
    for p in P:
        assert np.allclose(equal / p, np.rint(equal / p), rtol=0, atol=1e-9)
        assert (equal / p).max() <= 20_000


def test_claims_replace_only_their_own_figure(tmp_path):
    """numbers.json keeps the entries of other figures; a claim that is not finite does not hold."""
    path = tmp_path / "numbers.json"
    path.write_text(json.dumps([Claim("1a", "x", 1, 0, 1).as_json(), Claim("1b", "y", 1, 0, 1).as_json()]))
    entries = merged(path, [Claim("1b", "z", 0, 1, float("nan"))], ["1b"])
    assert [(entry["quantity"], entry["holds"], entry["measured"]) for entry in entries] == [
        ("x", True, 1),
        ("z", False, None),
    ]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["reproduce", "nothing"], "no paper"),
        (["reproduce", "desynchronous", "--figure", "9z"], "no figure"),
        (["reproduce", "desynchronous", "--threads", "0"], "--threads"),
        (["reproduce", "desynchronous", "--pairs", "-1"], "--pairs"),
        (["reproduce", "desynchronous", "--seed", "-1"], "--seed"),
        (["reproduce", "desynchronous", "--bogus"], "--bogus"),
        (["reproduce"], "paper"),
        (["nothing"], "nothing"),
    ],
)
def test_bad_arguments_get_one_sentence(arguments, word, tmp_path):
    """Exit code 2, one line on standard error that names the trouble, no traceback, nothing written."""
    done = clockless(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path):
    """An output folder that cannot be made gets one sentence and exit code 2; the file in its place is untouched."""
    (tmp_path / "results").write_text("mine")
    done = clockless("reproduce", "desynchronous", "--figure", "1a", "--tiny", "--out", tmp_path / "results")
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert (tmp_path / "results").read_text() == "mine"


def test_ctrl_c_ends_cleanly(tiny, tmp_path):
    """SIGINT in the middle: exit code 130, a sentence that says what was kept, nothing half-written."""
    process = subprocess.Popen(
        [*COMMAND, "reproduce", "desynchronous", "--out", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        figure = tmp_path / "desynchronous" / "figure-1a.png"
        assert wait_until(lambda: figure.exists() or process.poll() is not None)
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 130, err
    assert "Kept in" in err
    assert "figure-1a.png" in err
    assert "Traceback" not in err
    assert not [path for path in (tmp_path / "desynchronous").iterdir() if path.name.startswith(".")]


def test_help_is_quick_and_complete():
    """--help names every option and needs no heavy import."""
    done = clockless("reproduce", "--help")
    assert done.returncode == 0
    for word in ("--figure", "--out", "--tiny", "--seed", "--threads", "--pairs"):
        assert word in done.stdout
    packages = "('numba', 'numpy', 'xarray', 'matplotlib')"
    heavy = f"import sys, clockless.commands.main; print([m for m in {packages} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, timeout=LIMIT, check=True)
    assert shown.stdout.strip() == "[]"
