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
INPUTS = {"studies": 60, "networks": 60, "idx": 60, "stores": 24, "commands": 24, "calls": 24}  # each costs about as much
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
    rows = []
    for count in sorted(set(INPUTS.values())):
        chosen = [word for name, inputs in INPUTS.items() if inputs == count for word in ("--subject", name)]
        done = fuzz(tmp_path, *chosen, "--count", str(count))
        assert done.returncode == 0, done.stdout + done.stderr
        rows += re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|", done.stdout, re.MULTILINE)
    assert {subject: int(inputs) for subject, inputs, _, _ in rows} == INPUTS
    assert all(int(accepted) and int(accepted) + int(refused) == int(inputs) for _, inputs, accepted, refused in rows)
