"""The store that the failure studies disturb, how it is run, and what may never happen to it.

Units of about half a second on board16 (16 edges, 64 replicas each), with a checkpoint every 0.2 s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clockless.experiments import files as description_files
from clockless.experiments.experiment import Experiment
from clockless.stores.store import Store
from clockless.workers.run import Workers, run
from clockless.workers.status import events

UNITS = 24
STEPS = 20_000
CHECKPOINT_SECONDS = 0.2
LIMIT = 240.0  # seconds for one undisturbed run
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def experiment(units: int = UNITS, steps: int = STEPS) -> Experiment:
    """Of `units` units of 64 replicas."""
    return Experiment(
        title="reliability",
        network={"kind": "board16"},
        task={"kind": "regression", "seed": list(range(16))},
        clock={"kind": "bernoulli", "p": [0.2, 0.5, 0.8, 1.0]},
        batch=1,
        steps=steps,
        record=4,
        seeds=list(range(units)),
    )


@dataclass(frozen=True)
class Subject:
    """A folder with the description, and what an undisturbed run of it gives."""

    folder: Path
    experiment: Experiment
    digest: str
    seconds_per_step: float  # of a unit, one thread

    @classmethod
    def prepared(cls, folder: Path, described: Experiment) -> Subject:
        """Write the description and run it once without a disturbance, or take what an earlier study found of it."""
        folder.mkdir(parents=True, exist_ok=True)
        description_files.write(described, folder / "study.yaml")
        known = folder / f"undisturbed-{described.fingerprint}.json"
        if not known.exists():
            store = run(described, folder / f"undisturbed-{described.fingerprint}", Workers(threads=1), progress=False)
            seconds = [event["seconds"] for event in events(store) if event["event"] == "unit done"]
            per_step = min(seconds) / described.steps
            known.write_text(json.dumps({"digest": store.digest(), "seconds_per_step": per_step}))
        return cls(folder, described, **json.loads(known.read_text()))

    def __len__(self) -> int:
        return UNITS

    def command(self, store: Path, *workers: str) -> list[str]:
        """`clockless run` on a store that has begun or not."""
        more = ["--out", str(store), "--checkpoint-seconds", str(CHECKPOINT_SECONDS)]
        return [sys.executable, "-m", "clockless", "run", str(self.folder / "study.yaml"), *more, *workers]


def start(command: list[str], log: Path) -> subprocess.Popen:
    """A command in a session of its own, so that only it is killed; what it says is appended to `log`."""
    with log.open("ab") as said:
        environment = {**os.environ, **ONE_THREAD}
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, env=environment
        )


def say(command: list[str], limit: float = LIMIT) -> tuple[int, str]:
    """Exit code of a command, and its last line but progress."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=limit, check=False, env={**os.environ, **ONE_THREAD}
    )
    lines = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if "jobs done; the first" not in line and "% of" not in line
    ]
    return done.returncode, lines[-1] if lines else ""


def opened(store: Path) -> Store | None:
    """The store, if it has been made."""
    return Store.open(store) if (store / "experiment.yaml").exists() else None


@dataclass
class Counts:
    """What may never happen, and must stay 0."""

    lost: int = 0  # units done before a kill and not afterwards, or with other results
    unreadable: int = 0  # stores that cannot be opened and read, or hold a damaged unit
    duplicate: int = 0  # units computed more than once
    wrong: int = 0  # finished stores with other bits than an undisturbed run

    def after(self, store: Path, before: np.ndarray | None) -> np.ndarray | None:
        """Look at a store after a kill; returns the hashes of its units."""
        try:
            found = opened(store)
            if found is None:
                return None
            done = found.done()
            damaged = found.damaged()
            _ = found.dataset()
        except Exception as error:  # noqa: BLE001 (whatever it is, the store could not be read)
            print(f"{store}: {type(error).__name__}: {error}", file=sys.stderr)
            self.unreadable += 1
            return None
        self.unreadable += bool(damaged)
        if before is not None:
            self.lost += int(np.sum((before != 0) & (done != before)))
        return done

    def at_the_end(self, store: Path, digest: str) -> None:
        """Look at a finished store."""
        found = Store.open(store)
        self.wrong += not bool(found.done().all()) or found.digest() != digest
        self.duplicate += sum(done - 1 for done in times_computed(store).values() if done > 1)


def times_computed(store: Path) -> Counter[int]:
    """How often each unit was finished, less the times it was found damaged."""
    told = [json.loads(line) for line in (store / "events.jsonl").read_text().splitlines()]
    times = Counter(event["unit"] for event in told if event["event"] == "unit done")
    times.subtract(event["unit"] for event in told if event["event"] == "unit damaged")
    return times


@dataclass
class Kills:
    """What one mode's kills did."""

    mode: str
    moments: list[float] = field(default_factory=list)  # seconds after the start, or after the kill before
    units_done: list[int] = field(default_factory=list)  # in all stores, after each kill
    lost_seconds: list[float] = field(default_factory=list)  # of a unit's work, for every unit that was killed
    restarts: list[float] = field(default_factory=list)  # seconds from the start to the first new steps
    sentences: list[str] = field(default_factory=list)  # what was said by a run that was left without its cluster
    stores: int = 0
    counts: Counts = field(default_factory=Counts)
