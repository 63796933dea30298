"""The command line reproduces figures, checks numbers, and meets bad input and Ctrl-C with one sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
import xarray

from clockless.papers.claims import CRITERIA, DECIDING, SOURCES, Claim, Source, all_hold, merged
from clockless.papers.desynchronous import CAPTIONS, FIGURES
from clockless.papers.desynchronous.collapse import (
    P,
    _claims_1b,
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


def test_what_a_tiny_reproduction_decides_holds(tiny):
    """Rows that few tasks and steps decide hold; the others say that they are not decided; the exit code is that of the
    decided rows of paper and theory."""
    folder, done = tiny
    entries = json.loads((folder / "numbers.json").read_text())
    decided = [entry for entry in entries if entry["decided"]]
    by_figure = Counter(entry["figure"] for entry in decided)
    assert {"1b", "3c", "4b", "b2"} <= by_figure.keys()
    assert by_figure >= Counter({"2a": 2, "2b": 2, "2c": 1, "3a": 1, "3d": 4, "b3": 5})
    assert all(entry["holds"] is None for entry in entries if not entry["decided"])
    assert [entry["quantity"] for entry in decided if not entry["holds"]] == []
    assert done.returncode == (0 if all(entry["holds"] for entry in decided if entry["source"] in DECIDING) else 1)
    assert "not decided at this size" in done.stdout


def test_files_are_all_there_and_whole(tiny):
    """Every figure as PDF and PNG, plotted numbers as CSV, numbers.json, report.html; no temporary file is left."""
    folder, _ = tiny
    names = {path.name for path in folder.iterdir()}
    assert {f"figure-{figure}.{kind}" for figure in FIGURES for kind in ("pdf", "png")} <= names
    assert {"numbers.json", "report.html"} <= names
    assert sum(name.startswith("figure-1b_nudge") and name.endswith(".csv") for name in names) == 3
    assert not any(name.startswith(".") for name in names)
    assert (folder / "figure-1b.pdf").read_bytes().startswith(b"%PDF")


def test_numbers_json_says_all_that_a_stranger_needs(tiny):
    """Whose expectation a row is and where it stands, measured value with interval, and what would have counted as failure;
    the verdict agrees with these numbers."""
    entries = json.loads((tiny[0] / "numbers.json").read_text())
    assert {entry["figure"] for entry in entries} <= set(FIGURES)
    sentences = {sentence: criterion for criterion, sentence in CRITERIA.items()}
    for entry in entries:
        assert entry["source"] in SOURCES
        assert entry["cite"]
        assert entry["stated"] >= "2026"
        criterion, (low, high) = sentences[entry["criterion"]], entry["interval"] or [entry["measured"]] * 2
        expected, tolerance = entry["expected"], entry["tolerance"]
        holds = {
            "near": abs(entry["measured"] - expected) <= tolerance,
            "above": low > expected,
            "below": high < expected,
            "within": expected - tolerance <= low <= high <= expected + tolerance,
        }[criterion]
        assert entry["holds"] == (holds if entry["decided"] else None), entry


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
    other = _power_law_data(updates_matter=False)
    assert spread_at_equal_updates(other, equal)[0] == pytest.approx(closed, rel=2e-2)
    assert spread_at_equal_steps(other) == pytest.approx(0, abs=1e-12)


def test_a_wide_interval_is_no_collapse():
    """Few tasks that scatter make the interval wider and the verdict harder, not easier."""
    equal, rng = equal_updates(20_000), np.random.default_rng(0)
    data, verdicts = _power_law_data(updates_matter=True), []
    for noise in (0.02, 1.0):
        scattered = data.error * np.exp(noise * rng.standard_normal((8, len(P), 1)))
        one = scattered.to_dataset(name="error").assign(failed=0)
        (claim, _) = _claims_1b(one, equal, "made up")
        low, high = claim.interval
        assert low <= claim.measured <= high
        verdicts.append(claim.holds)
    assert verdicts == [True, False]


def test_equal_updates_are_whole_steps_for_every_p():
    """Every value of step x p is reached at a whole step, within the steps that are run."""
    equal = equal_updates(20_000)
    for p in P:
        assert np.allclose(equal / p, np.rint(equal / p), rtol=0, atol=1e-9)
        assert (equal / p).max() <= 20_000


THEORY = Source("theory", "eq. 1")


def test_claims_replace_only_their_own_figure(tmp_path):
    """numbers.json keeps the entries of other figures; a claim that is not finite does not hold."""
    path = tmp_path / "numbers.json"
    both = [Claim("1a", "x", 1, 0, 1, source=THEORY).as_json(), Claim("1b", "y", 1, 0, 1, source=THEORY).as_json()]
    path.write_text(json.dumps(both))
    entries = merged(path, [Claim("1b", "z", 0, 1, float("nan"), source=THEORY)], ["1b"])
    assert entries[0] == both[0]
    assert [(entry["quantity"], entry["holds"], entry["measured"]) for entry in entries] == [
        ("x", True, 1),
        ("z", False, None),
    ]


def test_rows_of_older_versions_are_kept_as_nobodys(tmp_path):
    """Rows that do not say whose they are stay, as nobody's; what is no table of rows is replaced."""
    path, new = tmp_path / "numbers.json", Claim("1b", "z", 0, 1, 0, source=THEORY)
    path.write_text(json.dumps([{"figure": "1a", "quantity": "x", "expected": 1, "holds": True}]))
    old, _ = merged(path, [new], ["1b"])
    assert (old["source"], old["quantity"], old["holds"]) == ("none", "x", True)
    for broken in (b'[{"figure": "1a"', b'{"figure": "1a"}', b"[1]", b"3", b"\xff\xfe", b'[{"quantity": "x"}]'):
        path.write_bytes(broken)
        assert merged(path, [new], ["1b"]) == [new.as_json()]


@pytest.mark.parametrize(
    ("criterion", "measured", "half", "holds"),
    [
        ("near", 1.2, float("nan"), True),
        ("near", 1.3, float("nan"), False),
        ("above", 1.2, 0.1, True),
        ("above", 1.2, 0.2, False),
        ("above", 1.2, float("nan"), False),
        ("below", 0.8, 0.1, True),
        ("below", 1.2, 0.1, False),
        ("within", 1.1, 0.1, True),
        ("within", 1.1, 0.2, False),
        ("within", 1.0, float("inf"), False),
    ],
)
def test_criteria(criterion, measured, half, holds):
    """Expected 1 with tolerance 1/4, and an interval on one side of it or within its tolerance."""
    assert Claim("1", "x", 1.0, 0.25, measured, source=THEORY, criterion=criterion, half=half).holds == holds


@pytest.mark.parametrize(("measured", "half", "more"), [(1.1, 0.1, False), (1.1, 0.2, True), (1.5, 0.1, False)])
def test_a_row_says_whether_more_runs_would_decide_it(measured, half, more):
    """Where an end of the margin lies in the interval; neither where it holds, nor where all of it lies beyond."""
    claim = Claim("1", "x", 1.0, 0.25, measured, note="Noted.", source=THEORY, criterion="within", half=half)
    assert (
        claim.as_json()["note"] == "Noted." + " An end of the margin lies in the interval: more runs would decide it." * more
    )


def test_an_interval_need_not_be_symmetric():
    """Its ends decide, on both sides."""
    row = {"source": THEORY, "ends": (0.9, 1.3)}
    assert Claim("1", "x", 1.0, 0.3, 1.0, criterion="within", **row).holds
    assert not Claim("1", "x", 1.0, 0.2, 1.0, criterion="within", **row).holds
    assert Claim("1", "x", 0.8, 0.0, 1.0, criterion="above", **row).holds
    assert not Claim("1", "x", 1.2, 0.0, 1.0, criterion="below", **row).holds
    assert Claim("1", "x", 1.0, 0.3, 1.0, **row).as_json()["interval"] == [0.9, 1.3]


def test_a_row_must_say_whose_it_is():
    """No row without a source, and no source of another kind."""
    with pytest.raises(TypeError, match="source"):
        Claim("1", "x", 0, 0, 0)
    with pytest.raises(ValueError, match="not of 'us'"):
        Source("us", "here")
    with pytest.raises(ValueError, match="no criterion"):
        Claim("1", "x", 0, 0, 0, source=THEORY, criterion="beside")


def test_only_paper_and_theory_decide():
    """An earlier run, a check of ours, or what was not decided does not make the whole fail."""
    sound = Claim("1", "x", 0, 0, 0, source=THEORY)
    for whose, decided, holds in (
        ("paper", True, False), ("theory", True, False), ("earlier run", True, True), ("none", True, True),
        ("paper", False, True),
    ):  # fmt: skip
        failing = Claim("1", "y", 0, 0, 1, source=Source(whose, "there"), decided=decided)
        assert all_hold([sound, failing]) == holds


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["reproduce", "nothing"], "Choose from"),
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
