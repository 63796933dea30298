"""Command lines: the words of sensible ones left out, repeated, exchanged and replaced, run in this very process."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from pathlib import Path
from unittest.mock import patch

from clockless.commands.main import main
from clockless.experiments import files, own_parts
from clockless.experiments.experiment import Experiment
from clockless.papers import reproduction
from clockless.stores.store import Store
from clockless.workers.run import Workers, compute
from fuzz.attempts import Case, Finding
from fuzz.chance import Chance
from fuzz.mutations import NUMBERS, WORDS, changed_bytes
from fuzz.subjects.descriptions import FLAGS

_RUN = ["run", "study.yaml", "--out", "new"]
_LINES = [
    ["new", "other.yaml"], ["new", "other.toml"], _RUN, [*_RUN, "--steps", "3"],
    [*_RUN, "--threads", "1",
     "--checkpoint-seconds", "1"],
    ["run", "study.toml", "--out", "new", "--clock.p", "0.1", "--clock.p", "0.5"],
    ["run", "study.yaml", "--slurm", "2"], ["run", "study.yaml", "--scheduler-file", "empty.json"],
    ["run", "study.yaml", "--scheduler", "tcp://127.0.0.1:1"], ["resume", "store"],
    ["resume", "half", "--threads", "1"], ["extend", "store", "--steps", "15"], ["status", "store"], ["status", "half"],
    ["plot", "store", "--to", "a.png"], ["plot", "half", "--against", "step"], ["export", "store",
     "a.nc"],
    ["export", "half", "a.csv"], ["reproduce", "desynchronous", "--figure", "1b", "--tiny"],
    ["reproduce", "xy-lattices",
     "--seed", "1"], ["reproduce", "decoupled", "--threads", "1"],
    ["reproduce", "desynchronous", "--figure", "1b", "--pairs", "2"], ["--help"], ["run", "--help"], ["--version"],
    ["decouple", "study.yaml", "--out", "new", "--as", "simulation"], ["status",
     "damaged"], ["resume", "damaged"],
    ["export", "damaged", "a.nc"],
]  # fmt: skip
_PLACES = [
    "store", "half", "damaged", "study.yaml", "study.toml", "empty.json", "bytes", ".", "/", "missing",
    "store/experiment.yaml", "a.png", "a.csv", "a.nc", "a", "loop", "/dev/null", "study.yaml/x", "x" * 300,
    "store/units",
]  # fmt: skip
_OPTIONS = [
    "--out", "--threads", "--steps", "--to", "--against", "--figure", "--tiny", "--seed", "--pairs", "--mnist",
    "--scheduler", "--scheduler-file", "--slurm", "--checkpoint-seconds", "--as", "--events", "--seconds",
    "--snapshot-seconds", "--no-trust", "--out=", "--threads=0", "--threads=-1", "--threads=x", "--workers=0",
    "--workers=-3", "--workers=x", "--help", "-h", "-",
]  # fmt: skip


class Fed:
    """Run a command line; it ends with 0, 1 or 2, and says a sentence with 2."""

    def prepare(self, fixtures: Path) -> None:
        """A study, a finished and a half-finished store, a damaged one, and things that are none."""
        experiment = Experiment(
            network={"kind": "board16"}, task={"kind": "regression", "train": 4, "test": 4}, steps=10, batch=1, record=2,
            seeds=[0, 1],
        )  # fmt: skip
        for name in ("study.yaml", "study.toml"):
            files.write(experiment, fixtures / name)
        for name in ("store", "half", "damaged"):
            store = Store.create(fixtures / name, experiment, width=1)
            compute(store, Workers(threads=1), progress=False)
            if name == "half":
                store.undo(1)
        store.plot().savefig(fixtures / "drawn.png")  # fonts are found
        (fixtures / "empty.json").write_text("{}")
        (fixtures / "bytes").write_bytes(bytes(range(256)))
        self.fixtures = fixtures

    def attempt(self, case: Case) -> None:
        """One line."""
        chance = case.chance
        with case.quietly():
            line = _changed(chance.one(_LINES), chance)
            harmed = self._put_in(case, " ".join(line))
            case.guard.processes, case.guard.connections = 4, True
            case.guard.asked = [os.path.realpath(word.rpartition("=")[2]) for word in line if "/" in word or ".." in word]
            case.shows(line, harmed)
        code, said = _run(line)
        case.shows(f"exit code {code}", said[-1500:])
        if code not in (0, 1, 2) or "Traceback (most recent" in said:
            raise Finding("exit code", f"exit code {code}: {said[-600:]}")
        if code == 2 and not any(
            len(text) > len("clockless: x") for text in said.splitlines() if text.startswith("clockless: ")
        ):
            raise Finding("exit code", f"exit code 2 without a sentence: {said[-300:]}")

    def _put_in(self, case: Case, line: str) -> str:
        """What the line can name, stores only if it does; says what is damaged."""
        harmed = ""
        for path in self.fixtures.iterdir():
            if path.is_file():
                shutil.copy(path, case.folder)
            elif path.name in line:
                shutil.copytree(path, case.folder / path.name)
        (case.folder / "loop").symlink_to("loop")
        if "damaged" in line:
            place = case.chance.one(sorted(path for path in (case.folder / "damaged").rglob("*") if path.is_file()))
            place.write_bytes(changed_bytes(place.read_bytes(), case.chance))
            harmed = f"damaged: {place.relative_to(case.folder)}"
        return harmed


def _changed(line: list[str], chance: Chance) -> list[str]:
    """One to four words left out, repeated, exchanged, replaced or put in."""
    line = list(line)
    for _ in range(chance.few()):
        place, kind = chance.randrange(len(line) + 1), chance.randrange(6)
        word = chance.one(
            [chance.one(_PLACES), chance.one(_OPTIONS), chance.one(FLAGS), chance.one(WORDS), str(chance.one(NUMBERS))]
        )
        if kind == 0:
            del line[place : place + 1]
        elif kind == 1:
            line[place:place] = line[place : place + 2]
        elif kind == 2:
            chance.shuffle(line)
        elif kind <= 4:
            line[place : place + 1] = [word]
        else:
            line.insert(place, word)
    return [word for word in line if "\0" not in word]  # which no shell can pass


def _run(line: list[str]) -> tuple[object, str]:
    """Exit code and words of a command; what a paper's figures would take hours for is left out."""
    said = io.StringIO()
    code: object = None
    with (
        patch.object(sys, "argv", ["clockless", *line]),
        patch.object(reproduction, "reproduce", lambda *_: []),
        patch.object(own_parts, "_trusting", False),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return code, said.getvalue()
