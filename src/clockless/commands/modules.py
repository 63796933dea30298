"""The command that runs the modules of an experiment for real: decouple."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from cyclopts import App, Parameter

from clockless.errors import DescriptionError, ParameterError, printable

if TYPE_CHECKING:
    from clockless.actors.reports import Report
    from clockless.media.modules.runs import ModuleRun

Flags = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]
_RUNTIMES = ("simulation", "processes", "mpi")


def register(app: App) -> None:
    """Add the command to the program."""
    app.command(decouple)


def decouple(
    study: Annotated[str, Parameter(allow_leading_hyphen=True)],
    *flags: Flags,
    out: Path,
    as_: Annotated[str | None, Parameter(name="--as")] = None,
    workers: int | None = None,
    events: int | None = None,
    seconds: float | None = None,
    snapshot_seconds: float = 5.0,
    trust: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Run the modules that a file describes side by side, none waiting for the others, or go on with such a run.

    Each module is a process of this machine, or a rank under `mpiexec -n 4 clockless decouple ...` (`srun --mpi=pmi2 -n 4`).
    A lost process is started again from its snapshot; after a lost rank or Ctrl-C the same command goes on.
    Any field can be changed by a flag: --rule.kind backprop --network.layers 5.
    Exit code 0: done; 2: wrong arguments, or a run that cannot go on; 130: stopped by Ctrl-C.

    Parameters
    ----------
    study
        A .yaml or .toml file with network mlp, medium modules, task labels, and one value for each field.
    out
        Folder for snapshots, report.json and trace.npz.
    as_
        simulation (in virtual time, the same every time), processes or mpi. Processes when left out, mpi under a launcher.
    workers
        Cut the layers into so many modules, as evenly as it goes; a module for each layer when left out.
    events
        Batches that the last module meets, over all runs in the folder; as many as the steps make when left out.
    seconds
        End after so long, even if batches are left; virtual seconds in a simulation.
    snapshot_seconds
        How often a module is put away: what a lost one loses at most.
    trust
        Run own parts although the study or their file belongs to another user, and import packages it names.
    """
    if trust:
        from clockless.experiments import own_parts

        own_parts.trust()
    runtime = _runtime(as_)
    if runtime == "mpi":
        from clockless.actors.guarding import guarded

        guarded()
    for name, value in (("--workers", workers), ("--events", events)):
        if value is not None and value < 1:
            raise ParameterError(f"{name} is {value}; give 1 or more.")
    run = _run(study, flags, workers, events, (out, seconds, snapshot_seconds), runtime)
    try:
        return _done(run, runtime, _report(run, runtime))
    except KeyboardInterrupt:
        _stopped(run, runtime)


def _runtime(asked: str | None) -> str:
    """Where to run: as asked, or on ranks if a launcher has started several."""
    if asked is not None:
        if asked not in _RUNTIMES:
            raise ParameterError(f"--as is {asked}; it is one of {', '.join(_RUNTIMES)}.")
        return asked
    return "mpi" if _ranks(os.environ) > 1 else "processes"


def _ranks(environment: Mapping[str, str]) -> int:
    """Ranks that mpiexec or srun started; 1 without them, in a SLURM batch script, too, where nobody is beside us."""
    step = "SLURM_STEP_NUM_TASKS" if "SLURM_STEP_ID" in environment and "SLURM_PROCID" in environment else ""
    found = [environment.get(name, "") for name in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", step)]
    return next((int(count) for count in found if count.isdigit()), 1)


def _run(
    study: str, flags: tuple[str, ...], workers: int | None, events: int | None,
    place: tuple[Path, float | None, float], runtime: str,
) -> ModuleRun:  # fmt: skip
    """What to run, checked, its folder made."""
    from clockless.experiments import files as description_files

    if study.startswith("--"):
        raise DescriptionError(f"{study} comes before the file; say: clockless decouple study.yaml {study} ...")
    experiment = description_files.read(study, flags)
    if not isinstance(experiment.medium, dict) or experiment.medium["kind"] != "modules":
        raise DescriptionError(f"{study} describes no modules; its medium must be {{kind: modules}}.")
    if experiment.axes:
        names = ", ".join(axis.name for axis in experiment.axes)
        raise DescriptionError(f"{names} has several values, and one stack runs at a time; give one value for each field.")
    from clockless.experiments.jobs import replica_at
    from clockless.media.modules import runs

    replica = replica_at(experiment, 0)
    learning = runs.with_workers(replica.medium.learning(replica), workers)
    out, seconds, snapshot_seconds = place
    run = runs.ModuleRun(learning, out, events or runs.batches_met(learning, experiment.steps), seconds, snapshot_seconds)
    about: dict[str, Any] = {name: value for name, value in experiment.plain().items() if name not in _NOT_DECISIVE}
    run.begun(about, runtime)
    return run


_NOT_DECISIVE = ("title", "steps", "record", "traces")  # a run may go on for more steps


def _report(run: ModuleRun, runtime: str) -> Report | None:
    from clockless.media.modules import runs
    from clockless.workers import progress

    if runtime == "mpi":
        return runs.on_ranks(run)
    compute = runs.simulated if runtime == "simulation" else runs.in_processes
    with progress.shown("modules") as update:
        return compute(run, update)


def _done(run: ModuleRun, runtime: str, report: Report | None) -> int:
    """Say how it ended, where there is somebody to say so."""
    from clockless.media.modules import runs

    if report is None:
        return 0
    plain = runs.kept(run, report)
    print(runs.table(report))
    for incident in report.incidents:
        print(printable(str(incident)))
    met = report.actors[run.last].events
    time = f"{report.seconds:.3g} " + ("virtual s in all" if runtime == "simulation" else "s of this run")
    print(f"{met:,} of {run.events:,} batches in {time}; test error {100 * plain['test error']:.2f} %")
    if report.ended == "interrupted":
        print(_STOPPED.format(printable(str(run.folder))), file=sys.stderr)
        return 130
    print(printable(f"{run.folder / 'report.json'}") + ("" if met >= run.events else "; the same command goes on"))
    return 0


_STOPPED = "\nStopped; the snapshots are in {}. The same command goes on."


def _stopped(run: ModuleRun, runtime: str) -> NoReturn:
    """Ctrl-C: the snapshots are whole."""
    if runtime != "mpi" or _first_rank():
        print(_STOPPED.format(printable(str(run.folder))), file=sys.stderr, flush=True)
    if runtime == "mpi":
        os._exit(130)  # MPI's own ending would wait for ranks that are gone
    raise SystemExit(130)


def _first_rank() -> bool:
    names = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
    return next((os.environ[name] for name in names if name in os.environ), "0") == "0"
