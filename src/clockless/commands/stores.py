"""The commands about experiments and their stores: new, run, resume, extend, status, plot, export."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from clockless import disk
from clockless.errors import ClusterError, DescriptionError, OutputError, ParameterError, printable

if TYPE_CHECKING:
    from clockless.stores.store import Store
    from clockless.workers.run import Workers

Trust = Annotated[bool, Parameter(negative="")]
Flags = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]


def register(app: App) -> None:
    """Add the commands to the program."""
    for command in (new, run, resume, extend, status):
        app.command(command)


def new(
    path: Path = Path("study.yaml"), *, medium: Literal["resistors", "xy", "modules", "circuit", "time"] = "resistors"
) -> int:
    """Write an example of an experiment, with comments, to begin from; it runs for ten seconds or so on two cores.

    Examples: clockless new; clockless new phases.yaml --medium xy

    Parameters
    ----------
    path
        The file to write; .toml writes it without comments.
    medium
        What learns: resistors, xy (phases), modules (neural ones), circuit (transistors), or time (without steps).
    """
    from clockless.experiments import files as description_files

    text = description_files.example(medium)
    if os.path.lexists(path):  # which is false, and not an error, for names that no file can have
        raise OutputError(f"{path} is there already; choose another name.")
    try:
        disk.write(path, text)
    except OSError as error:
        raise OutputError(f"cannot write {path} ({error.strerror or error}); choose another place.") from None
    if path.suffix == ".toml":
        description_files.write(description_files.of_text(text, path.with_suffix(".yaml")), path)
    print(printable(f"{path} describes an experiment; run it with: clockless run {path}"))
    return 0


def run(
    study: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    *flags: Flags,
    out: Path | None = None,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    scheduler_file: str | None = None,
    slurm: int | None = None,
    checkpoint_seconds: float = 10.0,
    trust: Trust = False,
) -> int:
    """Run the experiment that a file describes, or go on with it if its store has begun.

    Any field can be changed by a flag; given several times it is an axis: --clock.p 0.1 --clock.p 0.5 --steps 5000; a range
    is one, too: --seeds 0..255 --clock.p "geomspace(0.05, 1, 6)".
    Examples: clockless run study.yaml --out study --workers 2; clockless run study.yaml --rule.nudge 0.01 --out weak
    Exit code 0: every job is done; 1: some failed; 2: wrong arguments; 130: stopped by Ctrl-C.

    Parameters
    ----------
    study
        A .yaml or .toml file; `clockless new` writes an example.
    out
        Folder of the store; ./<fingerprint> when left out.
    threads
        Threads of this process; all cores when nothing is said of workers.
    workers
        Local worker processes of one thread each.
    scheduler
        Address of a running Dask cluster, such as tcp://10.0.0.1:8786.
    scheduler_file
        The file that `dask scheduler --scheduler-file` writes.
    slurm
        Submit a SLURM job of so many tasks and return.
    checkpoint_seconds
        How often a long job is put away.
    trust
        Run own parts although the study, the store or their file belongs to another user, and import packages it names.
    """
    from clockless.experiments import files as description_files
    from clockless.stores.store import Store

    trusted(trust)
    team = _team(threads, workers, scheduler, scheduler_file, checkpoint_seconds, slurm)
    if str(study).startswith("--"):
        raise DescriptionError(f"{study} comes before the file; say: clockless run study.yaml {study} ...")
    experiment = description_files.read(study, flags)
    store = Store.create(out or Path(experiment.fingerprint), experiment)
    return _submitted(store, slurm, checkpoint_seconds) if slurm else _computed(store, team)


def resume(
    store: Path,
    *,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    scheduler_file: str | None = None,
    slurm: int | None = None,
    checkpoint_seconds: float = 10.0,
    trust: Trust = False,
) -> int:
    """Go on with a store: compute what is missing, damaged, or has failed.

    Parameters
    ----------
    store
        Folder of the store.
    threads, workers, scheduler, scheduler_file, slurm, checkpoint_seconds, trust
        As for `clockless run`.
    """
    from clockless.stores.store import Store

    trusted(trust)
    team = _team(threads, workers, scheduler, scheduler_file, checkpoint_seconds, slurm)
    opened = Store.open(store)
    return _submitted(opened, slurm, checkpoint_seconds) if slurm else _computed(opened, team)


def extend(
    store: Path,
    *,
    steps: int,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    scheduler_file: str | None = None,
    slurm: int | None = None,
    checkpoint_seconds: float = 10.0,
    trust: Trust = False,
) -> int:
    """Go on for more steps; the results are the same as those of one long run.

    Parameters
    ----------
    store
        Folder of the store.
    steps
        Steps in all, more than the store has.
    threads, workers, scheduler, scheduler_file, slurm, checkpoint_seconds, trust
        As for `clockless run`.
    """
    from clockless.stores.store import Store

    trusted(trust)
    team = _team(threads, workers, scheduler, scheduler_file, checkpoint_seconds, slurm)
    opened = Store.open(store).extended(steps)
    return _submitted(opened, slurm, checkpoint_seconds) if slurm else _computed(opened, team)


def status(store: Path) -> int:
    """Say what a store computes, and how many of its jobs are done, running and failed.

    Parameters
    ----------
    store
        Folder of the store.
    """
    from clockless.stores.frame import on_disk
    from clockless.stores.store import Store
    from clockless.workers.status import report

    with on_disk(store):
        print(report(Store.open(store)))
    return 0


def trusted(trust: bool) -> None:
    """Let own parts of others run, where the user says so."""
    if trust:
        from clockless.experiments import own_parts

        own_parts.trust()


def _team(
    threads: int | None,
    workers: int | None,
    scheduler: str | None,
    scheduler_file: str | None,
    checkpoint_seconds: float,
    slurm: int | None,
) -> Workers:
    from clockless.workers.run import Workers

    if slurm is not None:
        if slurm < 1:
            raise ParameterError(f"--slurm is {slurm}; give 1 task or more.")
        if threads or workers or scheduler or scheduler_file:
            raise ParameterError("--slurm and other workers contradict each other; give one of them.")
    return Workers(threads, workers, scheduler, scheduler_file, checkpoint_seconds)


def _submitted(store: Store, tasks: int, checkpoint_seconds: float) -> int:
    from clockless.workers import slurm

    number = slurm.submit(store, tasks, checkpoint_seconds)
    print(printable(f"Submitted job {number}; look at it with: clockless status {store.path}"))
    return 0


def _computed(store: Store, team: Workers) -> int:
    """Compute what is missing and say how it ended."""
    from clockless.workers.run import compute

    path = printable(str(store.path))
    try:
        ended = compute(store, team)
    except KeyboardInterrupt:
        done = int((store.done() != 0).sum())
        print(f"\nStopped: {done} of {store.job_count} jobs are done. Go on with: clockless resume {path}", file=sys.stderr)
        return 130
    except ClusterError as error:
        print(f"clockless: {printable(str(error))}", file=sys.stderr)
        return 1
    if ended.damaged:
        jobs = ", ".join(map(str, ended.damaged[:10]))
        several = "jobs were damaged on disk and have" if len(ended.damaged) > 1 else "job was damaged on disk and has"
        print(f"{len(ended.damaged)} {several} been computed again: {jobs}.", file=sys.stderr)
    for job, sentence in list(ended.failures.items())[:5]:
        print(f"job {job} failed: {printable(sentence)}", file=sys.stderr)
    if ended.failures:
        print(f"{len(ended.failures)} jobs failed; try them again with: clockless resume {path}", file=sys.stderr)
    print(f"{path}: {ended.done} of {ended.jobs} jobs done. Look at it with: clockless plot {path}")
    return 0 if ended.complete else 1
