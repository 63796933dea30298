"""Runs an experiment in a store, however many workers there are, with progress, and says how it ended."""

from __future__ import annotations

import os
import tempfile
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clockless.errors import (
    JobsFailedWarning,
    ParameterError,
    ReplicasFailedWarning,
    StoreError,
    flag,
    instance,
    number,
    place,
    whole,
)
from clockless.experiments.experiment import Experiment
from clockless.experiments.files import read
from clockless.experiments.jobs import Jobs
from clockless.stores.frame import on_disk
from clockless.stores.locks import check_locks
from clockless.stores.store import Store
from clockless.workers.dask import connected, run_on_cluster
from clockless.workers.ensemble import available_cores
from clockless.workers.loop import CHECKPOINT_SECONDS, Runner, mend, run_threads
from clockless.workers.processes import Team
from clockless.workers.progress import Tally, Update, watched

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Workers:
    """Who computes.

    Args:
        threads: threads of this process, or as many local processes for a medium that does not gain from threads; all
            cores when nothing is given.
        processes: local worker processes of one thread each, instead.
        scheduler, scheduler_file: a running Dask cluster, instead.
        checkpoint_seconds: how often a long job is put away.

    Raises:
        ParameterError: counts below 1, or several of them at once.
    """

    threads: int | None = None
    processes: int | None = None
    scheduler: str | None = None
    scheduler_file: str | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS

    def __post_init__(self) -> None:
        given = {"--threads": self.threads, "--workers": self.processes}
        for name, count in given.items():
            if count is not None:
                whole(name, count, 1)
        chosen = {**given, "--scheduler": self.scheduler, "--scheduler-file": self.scheduler_file}
        names = [name for name, value in chosen.items() if value is not None]
        if len(names) > 1:
            raise ParameterError(f"{' and '.join(names)} contradict each other; give one of them.")
        if not number("--checkpoint-seconds", self.checkpoint_seconds, "seconds, above 0") > 0:
            raise ParameterError(f"--checkpoint-seconds is {self.checkpoint_seconds}; it must be above 0.")


@dataclass(frozen=True)
class Ended:
    """How a run ended: jobs done in all, and the sentences of those that failed."""

    done: int
    jobs: int
    failures: dict[int, str]
    damaged: list[int]

    @property
    def complete(self) -> bool:
        """Whether every job is done."""
        return self.done == self.jobs


def compute(store: Store, workers: Workers, progress: bool = True) -> Ended:
    """Compute what is missing in a store.

    Ctrl-C puts the jobs that are running away, in well under a second on threads, and is raised again.

    Raises:
        ClocklessError: the store cannot be written to, or a cluster is lost.
    """
    run, stop = uuid.uuid4().hex[:12], threading.Event()
    store.check_before_computing()
    with on_disk(store.path):
        if not store.done().all() and (unsafe := check_locks(store.path)):
            warnings.warn(unsafe, stacklevel=2)
        damaged = mend(store)
        _recount(store)
        store.journal.tell("run begun", run=run, missing=int((store.done() == 0).sum()))
    title, told = store.experiment.title or store.path.name, store.journal.told_bytes
    try:
        with watched(title, lambda: tally(store)) if progress else nullcontext():
            _work(store, workers, run, stop)
    except KeyboardInterrupt:
        stop.set()
        with on_disk(store.path):
            store.journal.tell("run stopped", run=run)
        raise
    with on_disk(store.path):
        _warn_of_checkpoints(store, told)
        done = int((store.done() != 0).sum())
        ended = Ended(done, store.job_count, store.journal.failures(), damaged)
        if ended.complete:
            store.forget_shorter()
        store.journal.tell("run ended", run=run, done=done, failed=len(ended.failures))
    return ended


def _warn_of_checkpoints(store: Store, first: int) -> None:
    """Say which checkpoints were damaged, whichever worker noticed it."""
    for event in store.journal.told(first):
        if event.get("event") == "checkpoint damaged":
            warnings.warn(str(event.get("note")), stacklevel=3)


def _work(store: Store, workers: Workers, run: str, stop: threading.Event) -> None:
    if workers.processes is not None:
        Team(store, workers.processes, run, workers.checkpoint_seconds).work(stop)
    elif workers.scheduler is not None or workers.scheduler_file is not None:
        with connected(workers.scheduler, workers.scheduler_file) as client:
            run_on_cluster(client, store, run, stop, workers.checkpoint_seconds)
    else:
        _work_here(store, workers, run, stop)


def _work_here(store: Store, workers: Workers, run: str, stop: threading.Event) -> None:
    """On threads; where these would only wait for each other, in as many processes."""
    count = min(workers.threads or available_cores(), int((store.done() == 0).sum()))
    if count > 1 and store.jobs.medium.parallel != "threads":
        Team(store, count, run, workers.checkpoint_seconds).work(stop)
    else:
        run_threads(store, max(count, 1), Runner(store, run, stop.is_set, workers.checkpoint_seconds), stop)


def _recount(store: Store) -> None:
    """Progress counts every job that is done in full, whatever an earlier run noted."""
    steps = store.experiment.steps
    counted = store.journal.counted(store.job_count)
    for job in np.flatnonzero((store.done() != 0) & (counted != steps)).tolist():
        store.journal.count(job, steps)


def tally(store: Store) -> Tally:
    """How far a store is, from the jobs' own notes: good enough to look at, and read in well under a millisecond."""
    steps = np.minimum(store.journal.counted(store.job_count), store.experiment.steps)
    sizes = np.array([len(job) for job in store.jobs.members])
    done = int((steps == store.experiment.steps).sum())
    return Tally(done, store.job_count, int(steps @ sizes), int(sizes.sum()) * store.experiment.steps)


def results_of(
    experiment: Experiment, stores: Path | None = None, threads: int | None = None, update: Update | None = None
) -> xarray.Dataset:
    """The results of an experiment, from its store in the folder `stores` if they are there, else computed.

    A store that another version of the sources has begun is left alone. Without a folder nothing is kept. Checkpoints are
    removed once every job is done: they would be most of the folder's bytes, and nobody extends these stores.

    Args:
        update: told (replica-steps done, replica-steps in all) a few times a second, from another thread.

    Raises:
        StoreError: a job failed.
    """
    if stores is None:
        with tempfile.TemporaryDirectory() as folder:
            return results_of(experiment, Path(folder), threads, update)
    sources = Jobs(experiment, 1).sources
    store = Store.create(stores / f"{experiment.fingerprint}-{sources[:8]}", experiment)
    look = _polled(store, update) if update and not store.done().all() else nullcontext()
    with look:
        ended = compute(store, Workers(threads=threads), progress=False)
    if not ended.complete:
        job, sentence = next(iter(ended.failures.items()))
        raise StoreError(f"{experiment.title or store.path}: job {job} of {store.job_count} failed: {sentence}")
    store.forget_checkpoints()
    data = store.dataset()
    if bool(data.failed.any()):
        warnings.warn(f"{int(data.failed.sum())} of {data.failed.size} replicas did not settle", ReplicasFailedWarning, 3)
    return data


@contextmanager
def _polled(store: Store, update: Update) -> Iterator[None]:
    finished = threading.Event()

    def poll() -> None:
        while not finished.wait(0.25):
            now = tally(store)
            if now.steps_done:
                update(now.steps_done, now.steps)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
        now = tally(store)
        update(now.steps_done, now.steps)


def run(
    experiment: Experiment | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    workers: Workers | None = None,
    progress: bool = True,
) -> Store:
    """Run an experiment in the folder `out`, or go on with it there; the results are `store.dataset()`.

    Args:
        experiment: an `Experiment`, or the .yaml or .toml file that describes one.
        out: folder of the store; ./<fingerprint> when not given.
        workers: who computes; all cores of this process when not given.
        progress: show a bar, or lines in a log file.

    Raises:
        ClocklessError: the experiment cannot be run, or not there.
        StoreError: all jobs failed.

    Warns:
        JobsFailedWarning: some did; `dataset().done` says which replicas are there.
    """
    if not isinstance(experiment, Experiment):
        experiment = read(experiment)
    workers = Workers() if workers is None else workers
    instance("workers", workers, Workers, "give one such as Workers(threads=2)")
    progress = flag("progress", progress)
    store = Store.create(place("out", experiment.fingerprint if out is None else out), experiment)
    ended = compute(store, workers, progress)
    if ended.failures and not ended.complete:
        _tell(ended, store)
    return store


def _tell(ended: Ended, store: Store) -> None:
    """Say that jobs failed: an error if nothing is there, else a warning."""
    job, sentence = next(iter(ended.failures.items()))
    if ended.done == 0:
        raise StoreError(f"all {ended.jobs} jobs failed, job {job} so: {sentence}")
    warnings.warn(
        f"{len(ended.failures)} of {ended.jobs} jobs failed, the first is job {job}: {sentence} Their replicas are missing "
        f"in {store.path}; run it again to try them again.",
        JobsFailedWarning,
        stacklevel=3,
    )
