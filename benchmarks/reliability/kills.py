"""SIGKILL at random moments of a run that is started again each time until its store is complete, then of the next one."""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from subjects import LIMIT, Kills, Subject, opened
from victims import Victim

_LOOK_SECONDS = 0.02


def study(mode: str, victim: Victim, subject: Subject, count: int, seed: int, at_work: bool = False) -> Kills:
    """Kill `count` times; every store that was begun is finished and compared with the undisturbed one.

    Args:
        at_work: moments count from the first new steps on, not from the start, which a busy machine makes long.
    """
    chance, found = random.Random(seed), Kills(mode)
    while len(found.moments) < count:
        place = Place(subject.folder / f"{mode}-{found.stores}", subject)
        shutil.rmtree(place.store, ignore_errors=True)
        _one_store(victim, place, count, chance, found, at_work)
        found.counts.at_the_end(place.store, subject.digest)
        found.stores += 1
        print(f"{mode}: {len(found.moments)} kills, {found.stores} stores, {found.counts}", file=sys.stderr, flush=True)
    return found


def _one_store(victim: Victim, place: Place, count: int, chance: random.Random, found: Kills, at_work: bool) -> None:
    hashes: np.ndarray | None = None
    while not place.complete():
        noted, began = place.noted(), time.monotonic()
        anew = victim.begin(place.store)
        last = len(found.moments) >= count  # from here on undisturbed
        moment = LIMIT if last else chance.uniform(0, victim.within)
        if at_work and not last:
            first = _wait(victim, place, noted, began + LIMIT, only_first=True)
            _wait(victim, place, noted, time.monotonic() + moment)
        else:
            first = _wait(victim, place, noted, began + moment)
        if anew and first is not None:
            found.restarts.append(first - began)
        before, moment = place.done(), time.monotonic() - began
        if last or not (processes := victim.kill(chance)):
            if last and victim.runs():
                raise RuntimeError(f"{place.store} is not finished after {LIMIT:.0f} s")
            continue
        found.lost_seconds += place.lost(processes, noted)
        hashes = found.counts.after(place.store, before if before is not None else hashes)
        found.moments.append(moment)
        found.units_done.append(found.stores * len(place.subject) + (0 if hashes is None else int(np.sum(hashes != 0))))
        found.sentences += victim.words()


def _wait(victim: Victim, place: Place, noted: np.ndarray, until: float, only_first: bool = False) -> float | None:
    """Wait for the moment of the kill, or the end of the run; returns when the first new steps were noted."""
    first = None
    while time.monotonic() < until and victim.runs() and not (only_first and first is not None):
        if first is None and not np.array_equal(place.noted(), noted):
            first = time.monotonic()
        time.sleep(_LOOK_SECONDS)
    return first


@dataclass(frozen=True)
class Place:
    """A store seen from outside, at whatever moment."""

    store: Path
    subject: Subject

    def done(self) -> np.ndarray | None:
        """Hashes of the units, if the store has been made."""
        found = opened(self.store)
        return None if found is None else found.done()

    def complete(self) -> bool:
        """Whether all units are done."""
        done = self.done()
        return done is not None and bool(done.all())

    def noted(self) -> np.ndarray:
        """Steps of every unit [unit], as last noted."""
        steps = np.zeros(len(self.subject), dtype="<i8")
        with suppress(FileNotFoundError):
            known = np.frombuffer((self._journal / "steps").read_bytes(), dtype="<i8")
            steps[: len(known)] = known
        return steps

    def lost(self, processes: list[int], earlier: np.ndarray) -> list[float]:
        """Seconds of work beyond the last checkpoint of every unit that a killed process was at."""
        noted, done, lost = self.noted(), self.done(), []
        for lock in self._journal.glob("*.lock"):
            unit = int(lock.stem)
            with suppress(FileNotFoundError, ValueError):  # the unit is done after all; its process had just claimed it
                if json.loads(lock.read_text())["process"] not in processes or (done is not None and done[unit]):
                    continue
                steps = int(noted[unit]) - self._kept(unit) if noted[unit] != earlier[unit] else 0
                lost.append(steps * self.subject.seconds_per_step)
        return lost

    def _kept(self, unit: int) -> int:
        checkpoint = self._journal / f"{unit:06d}.npz"
        if not checkpoint.exists():
            return 0
        with np.load(checkpoint) as arrays:
            return int(arrays["state_step"])

    @property
    def _journal(self) -> Path:
        return self.store / "units" / self.subject.experiment.fingerprint
