"""Runs the modules of one learning as actors in a folder: in virtual time, in worker processes, or on MPI ranks.

The folder holds `run.json` (what runs there), the snapshots that the same run goes on from, and, when a run has ended,
`report.json` and `trace.npz`. A run ends when the last module has met so many batches; the first module draws as many as it
takes, since a module that is brought back from its snapshot may have missed some.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from clockless import disk
from clockless.actors.endings import Limits
from clockless.actors.reports import Report
from clockless.actors.simulation import Simulation
from clockless.actors.snapshots import DAMAGE
from clockless.actors.traces import write_whole
from clockless.errors import ClocklessError, OutputError, ParameterError, shown, whole
from clockless.media.modules.actors import Actors, build, memories
from clockless.media.modules.cuts import cut_advice
from clockless.media.modules.learning import Learning, error_and_cost
from clockless.media.modules.methods import Backprop
from clockless.media.modules.stacks import learners

RUNTIMES = ("simulation", "processes", "mpi")
_ENDLESS = 2**32 - 1  # batches that the first module may draw: as many as the random numbers have steps
_NOTE_BYTES = 2**28  # of run.json, which holds the experiment
_SLICE = 20.0  # virtual seconds between looks at the real clock

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ModuleRun:
    """What is to run, where, and until when.

    Args:
        learning: the modules and what they learn.
        folder: for snapshots, report and trace.
        events: batches that the last module meets in all, over all runs in this folder.
        seconds: end this run after so long, even if there are batches left; virtual ones in a simulation.
        snapshot_seconds: between snapshots.
        limits: of waits and restarts.

    Raises:
        ParameterError: numbers outside their range, or a method that has no actors.
    """

    learning: Learning
    folder: Path
    events: int
    seconds: float | None = None
    snapshot_seconds: float = 5.0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        whole("events", self.events, 1)
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise ParameterError(f"seconds = {shown(self.seconds)}; give the length of the run, above 0.")
        if not 0 < self.snapshot_seconds < math.inf:
            raise ParameterError(f"snapshot_seconds = {shown(self.snapshot_seconds)}; give seconds above 0.")
        _ = self.actors

    @property
    def actors(self) -> Actors:
        """The modules as actors."""
        return Actors(self.learning, _ENDLESS)

    @property
    def last(self) -> str:
        """The actor whose events count."""
        return self.actors.names()[-1]

    def begun(self, about: dict[str, Any], runtime: str) -> None:
        """Make the folder and note what runs there.

        A run in processes can go on on MPI ranks and the other way round; a simulation keeps messages and virtual time.

        Raises:
            OutputError: a folder of another run, or one that cannot be written to.
        """
        note = {"simulated": runtime == "simulation", "modules": self.actors.count, "experiment": about}
        path = self.folder / "run.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(path):
                _write(path, note)
            elif disk.read_json(path, _NOTE_BYTES) != json.loads(json.dumps(note)):
                raise OutputError(
                    f"{self.folder} holds another run (see {path}); choose another folder with --out, or delete that one."
                )
        except (ValueError, RecursionError):
            raise OutputError(f"{path} is not what this program writes; choose another folder with --out.") from None
        except OSError as error:
            if isinstance(error, ClocklessError):
                raise
            raise OutputError(f"{self.folder} cannot be used ({error.strerror}); choose another --out.") from None


def with_workers(learning: Learning, workers: int | None) -> Learning:
    """The same layers in `workers` modules, cut as `cut_advice` says; as they are if None.

    Raises:
        ParameterError: more workers than layers.
    """
    if workers is None:
        return learning
    cut = cut_advice(learning.modules, workers, learning.method)
    return replace(learning, modules=cut.modules(learning.modules))


def batches_met(learning: Learning, steps: int) -> int:
    """Batches of the first `steps` that reach the last module: all but those in which nobody that far learns."""
    draws = learning.draws()
    acting = (learners(learning.method, draws.acting(step)) for step in range(steps))
    reaches = np.any if isinstance(learning.method, Backprop) else (lambda acts: acts[-1])
    return sum(bool(reaches(acts)) for acts in acting)


def simulated(run: ModuleRun, progress: Progress | None = None) -> Report:
    """In virtual time: an event of a module takes as long as its multiply-adds, the busiest module's one second."""
    actors = run.actors
    simulation = Simulation([build(actors, index) for index in range(actors.count)], _computing(run.learning), record=True)
    path = run.folder / "simulation.npz"
    if os.path.lexists(path):
        try:
            simulation.restore(disk.read_arrays(path))
        except (*DAMAGE, OSError) as error:
            raise OutputError(f"{path} is no state of a simulation; delete it, or choose another --out.") from error
    end = math.inf if run.seconds is None else simulation.now + run.seconds
    saved = time.monotonic()
    while True:
        report = simulation.run({run.last: run.events}, min(simulation.now + _SLICE, end))
        over = report.ended != "seconds" or simulation.now >= end
        if over or time.monotonic() - saved > run.snapshot_seconds:
            write_whole(path, simulation.state())
            saved = time.monotonic()
        if progress:
            progress(min(report.actors[run.last].events, run.events), run.events)
        if over:
            return report


def in_processes(run: ModuleRun, progress: Progress | None = None) -> Report:
    """In worker processes of this machine, one for each module."""
    from clockless.actors.processes import Processes

    actors = run.actors
    processes = Processes(
        build, actors, actors.count, folder=run.folder, snapshot_seconds=run.snapshot_seconds, limits=run.limits
    )
    return processes.run({run.last: run.events}, run.seconds, record=True, progress=progress)


def on_ranks(run: ModuleRun) -> Report | None:
    """On MPI ranks, one for each module; the report on rank 0, None on others."""
    from clockless.actors.mpi import Ranks

    actors = run.actors
    ranks = Ranks(build, actors, actors.count, folder=run.folder, snapshot_seconds=run.snapshot_seconds, limits=run.limits)
    return ranks.run({run.last: run.events}, run.seconds, record=True)


def kept(run: ModuleRun, report: Report) -> dict[str, Any]:
    """Write `report.json` and `trace.npz` into the folder; the report as plain data, with the test error of the stack."""
    error, cost = error_and_cost(run.learning, memories(run.actors, report.snapshots))
    plain = {
        "ended": report.ended,
        "seconds": report.seconds,
        "test error": error,
        "test cost": cost,
        "speed-up": report.speed_up,
        "critical path": report.critical_path,
        "actors": {name: asdict(actor) for name, actor in report.actors.items()},
        "incidents": [asdict(incident) for incident in report.incidents],
    }
    _write(run.folder / "report.json", _finite(plain))
    if report.trace is not None:
        report.trace.save(run.folder / "trace.npz")
    return plain


def table(report: Report) -> str:
    """What each module did, one per line."""
    head = ("module", "events", "updates", "busy", "idle", "blocked", "staleness", "dropped", "restarts")
    rows: list[tuple[str, ...]] = [head]
    for name, actor in report.actors.items():
        boxes = actor.mailboxes.values()
        taken = sum(box.taken for box in boxes)
        stale = sum(box.taken * box.staleness for box in boxes) / max(taken, 1)
        parts = (100 * part / max(report.seconds, 1e-9) for part in (actor.busy, actor.idle, actor.blocked))
        counts = (f"{actor.events:,}", f"{actor.measures.get('updates', 0):,.0f}", *(f"{part:.0f} %" for part in parts))
        rows.append((name, *counts, f"{stale:.2f}", f"{sum(box.dropped for box in boxes):,}", str(actor.restarts)))
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return "\n".join(lines)


def _computing(learning: Learning) -> list[float]:
    """Virtual seconds of an event of each module."""
    from clockless.media.modules.cuts import counted_work

    work = counted_work(learning.modules, learning.method)
    each = [work.of_worker(i, i + 1) for i in range(len(learning.modules))]
    return [count / max(each) for count in each]


def _finite(value: Any) -> Any:
    """Plain data without the numbers that JSON has no word for, such as the loss of a module that has met nothing."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(path: Path, plain: dict[str, Any]) -> None:
    try:
        disk.write(path, json.dumps(plain, indent=1) + "\n")
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path} could not be written ({reason}); free the disk or choose a folder.") from error
