"""Disks that are full or cannot be written to, a unit that raises, Ctrl-C, and two runs on one store."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from subjects import LIMIT, Subject, experiment, say, start, times_computed

from clockless.stores.store import Store
from clockless.workers.run import Workers, compute

UNITS, STEPS = 12, 20_000
_ROOM = "600k"  # of the disk that gets full: too little for 12 units


def trouble(folder: Path) -> dict[str, Any]:
    """What happened in each case: exit code, sentence, and whether everything that should hold does."""
    subject = Subject.prepared(folder / "trouble", experiment(UNITS, STEPS))
    cases = []
    for case in (_disk_full, _read_only, _unit_raises, _two_runs, _interrupted):
        place = subject.folder / case.__name__
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        what, *rows, holds = case(subject, place)
        cases.append({"what": what, "said": rows, "holds": bool(holds)})
    return {"cases": cases}


@contextlib.contextmanager
def _disk(place: Path, size: str) -> Iterator[Path]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "clockless-study", str(place)], check=True)
    try:
        yield place / "store"
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def _resume(subject: Subject, store: Path) -> tuple[int, str]:
    return say([*subject.command(store)[:3], "resume", str(store), "--threads", "1"])


def _same(subject: Subject, store: Path) -> bool:
    return Store.open(store).digest() == subject.digest and set(times_computed(store).values()) == {1}


def _disk_full(subject: Subject, place: Path) -> tuple:
    with _disk(place, _ROOM) as store:
        full = say(subject.command(store, "--threads", "1"))
        before = Store.open(store).done()
        again = _resume(subject, store)
        kept = np.count_nonzero(before)
        whole = not Store.open(store).damaged()
        _remount(place, "size=20m")
        room = _resume(subject, store)
        holds = full[0] == again[0] == 2 and kept and whole and room[0] == 0 and _same(subject, store)
        unchanged = np.array_equal(Store.open(store).done()[before != 0], before[before != 0])
    what = f"disk full after {kept} of {UNITS} units, then room again"
    return what, ["run", *full], ["resume, still full", *again], ["resume, with room", *room], holds and unchanged


def _read_only(subject: Subject, place: Path) -> tuple:
    with _disk(place, "20m") as store:
        say(subject.command(store, "--threads", "1", "--seed", "0"))
        _remount(place, "ro")
        look, again = say([*subject.command(store)[:3], "status", str(store)]), _resume(subject, store)
        new = say(subject.command(store.with_name("new"), "--threads", "1"))
        readable = bool(Store.open(store).dataset().done.all())
    holds = look[0] == 0 and again[0] == new[0] == 2 and readable
    return "a place that cannot be written to", ["resume", *again], ["run in a new folder", *new], holds


def _unit_raises(subject: Subject, place: Path) -> tuple:
    store = Store.create(place / "store", subject.experiment)
    learner = store.jobs.learner

    def raising(unit: int) -> Any:
        if unit == 5:
            raise RuntimeError("the board does not answer")
        return learner(unit)

    with patch.object(store.jobs, "learner", raising):
        ended = compute(store, Workers(threads=2), progress=False)
    again = _resume(subject, store.path)
    holds = ended.done == UNITS - 1 and list(ended.failures) == [5] and again[0] == 0 and _same(subject, store.path)
    said = "; ".join(f"unit {unit} failed: {sentence}" for unit, sentence in ended.failures.items())
    return f"unit 5 of {UNITS} raises, then does not", ["run", 1, said], ["resume", *again], holds


def _two_runs(subject: Subject, place: Path) -> tuple:
    command = subject.command(place / "store", "--threads", "1")
    both = [start(command, place / f"{k}.log") for k in range(2)]
    codes = [process.wait(LIMIT) for process in both]
    said = [(place / f"{k}.log").read_text().splitlines()[-1] for k in range(2)]
    rows = [[name, code, line] for name, code, line in zip(("first", "second"), codes, said, strict=True)]
    return "two runs on one store at once", *rows, codes == [0, 0] and _same(subject, place / "store")


def _interrupted(subject: Subject, place: Path) -> tuple:
    store = place / "store"
    process = start(subject.command(store, "--threads", "2"), place / "log")
    while not (store / "events.jsonl").exists() or not Store.open(store).done().any():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    code = process.wait(LIMIT)
    seconds = time.monotonic() - began
    said = (place / "log").read_text().splitlines()[-1]
    again = _resume(subject, store)
    holds = code == 130 and seconds < 2 and again[0] == 0 and _same(subject, store)
    return "Ctrl-C", [f"run, ended {seconds:.1f} s later", code, said], ["resume", *again], holds
