"""A campaign: so many inputs, or so many seconds, of each subject, with progress and a table at the end."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzz.findings import Tally, table
from fuzz.supervision import Watched

_PROGRESS_SECONDS = 10.0


@dataclass(frozen=True)
class Budget:
    """How much to try of each subject: `count` inputs from `first` on, or as many as there is time for."""

    count: int
    seconds: float | None = None
    first: int = 0

    @property
    def numbers(self) -> Iterable[int]:
        """The inputs, as far as there is time."""
        return itertools.count(self.first) if self.seconds else range(self.first, self.first + self.count)


def campaign(subjects: list[str], budget: Budget, seed: int, jobs: int, out: Path, patience: float) -> list[Tally]:
    """Try them, `jobs` subjects at once; findings are written to `out`, progress to the standard error.

    Args:
        patience: seconds of computing after which an input hangs.
    """
    out.mkdir(parents=True, exist_ok=True)
    tallies = [Tally(subject, seed) for subject in subjects]
    over = threading.Event()
    share = None if budget.seconds is None else budget.seconds * min(jobs, len(subjects)) / len(subjects)
    teller = threading.Thread(target=_tell, args=(tallies, over), daemon=True)
    teller.start()
    with ThreadPoolExecutor(jobs) as pool:
        watched = [Watched(subject, seed, patience) for subject in subjects]
        running = [pool.submit(_one, *both, budget, share, out, over) for both in zip(watched, tallies, strict=True)]
        try:
            for done in running:
                done.result()
        except KeyboardInterrupt:  # what has been found so far is told
            print("Stopped.", file=sys.stderr)
        finally:
            over.set()
    teller.join()
    return tallies


def _one(watched: Watched, tally: Tally, budget: Budget, share: float | None, out: Path, over: threading.Event) -> None:
    began = time.monotonic()
    if over.is_set():
        return
    with watched:
        for outcome in watched.tries(budget.numbers):
            tally.add(outcome, out)
            tally.seconds = time.monotonic() - began
            if over.is_set() or (share is not None and tally.seconds > share):
                return


def _tell(tallies: list[Tally], over: threading.Event) -> None:
    while not over.wait(_PROGRESS_SECONDS):
        told = ", ".join(f"{tally.subject} {tally.inputs:,}" for tally in tallies if tally.inputs)
        found = sum(len(tally.distinct) for tally in tallies)
        print(f"inputs: {told or 'preparing'}; distinct findings: {found}", file=sys.stderr, flush=True)


def report(tallies: list[Tally], out: Path) -> str:
    """The distinct findings, and the table."""
    lines = [line for tally in tallies for line in tally.lines()]
    where = [f"Each is a file in {out}, with the command that repeats it."] if lines else []
    return "\n".join([*lines, *where, table(tallies)])
