"""The fuzzer finds every kind of fault, tells it again from its number, and finds none in the package.

A fixed range of inputs, so that the same ones are tried everywhere; `make fuzz` goes on with others for an hour.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).parent.parent / "benchmarks" / "reliability"
INPUTS = 60  # of each subject: a quarter of a minute on two cores that do nothing else
LIMIT = 1500  # seconds
pytestmark = pytest.mark.timeout(LIMIT + 60)


def fuzz(out, *options):
    command = [sys.executable, str(LAB), "fuzz", "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def test_planted_faults_are_found(tmp_path):
    """One of each kind, a refusal and something in order: a fuzzer that finds nothing must mean something."""
    done = fuzz(tmp_path, "--subject", "planted", "--count", "10", "--patience", "1")
    found = dict(re.findall(r"^planted (\d+): (\w+) at", done.stdout, re.MULTILINE))
    kinds = ["traceback", "sentence", "hang", "memory", "crash", "outside", "code", "wrong"]
    assert list(found.values()) == kinds, done.stdout + done.stderr
    assert done.returncode == 1
    assert len(list((tmp_path / "fuzz").iterdir())) == len(kinds)
    told = (tmp_path / "fuzz" / "planted-hang-0-2.txt").read_text()
    assert "planted.py" in told  # where it hung
    assert told.endswith("--- the input ---\nhang\n")

    command = re.search(r"^again: python benchmarks/reliability (.*)$", told.replace("hang-0-2", ""), re.MULTILINE)
    assert command is not None
    assert command[1] == "fuzz --subject planted --seed 0 --only 2"
    again = fuzz(tmp_path / "again", *command[1].replace("--only 2", "--only 7").split()[1:])
    assert "wrong: another number than the right one, without a word" in again.stdout


def test_nothing_is_found(tmp_path):
    done = fuzz(tmp_path, "--count", str(INPUTS))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|", done.stdout, re.MULTILINE)
    assert [int(inputs) for _, inputs, _, _ in rows] == [INPUTS] * 6
    assert all(int(accepted) and int(accepted) + int(refused) == INPUTS for _, _, accepted, refused in rows)
