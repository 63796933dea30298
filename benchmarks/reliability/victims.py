"""What is killed: a process with threads, workers, their parent, parts of a Dask cluster, tasks and jobs of SLURM."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from subjects import CHECKPOINT_SECONDS, Subject, start

from clockless.stores.store import Store
from clockless.workers import slurm
from rigs import wait_until
from rigs.dask_cluster import DaskCluster, dask_cluster
from rigs.slurm import Slurm, one_node_slurm

_PATIENCE = 60.0  # seconds for a run to notice that its cluster is gone


class Victim(Protocol):
    """Contract: something that works on a store and can be killed.

    `within` is the longest time from the start, or from the kill before, to a kill.
    """

    within: float

    def begin(self, store: Path) -> bool:
        """Begin to work on a store unless that is going on; returns whether it was begun."""

    def runs(self) -> bool:
        """Whether the work goes on."""

    def kill(self, chance: random.Random) -> list[int]:
        """Kill it, or a random one of it; returns the killed processes, none if there was nothing left to kill."""

    def words(self) -> list[str]:
        """What was said of this kill."""


class Run:
    """The command itself: in mode single with two threads, in mode parent with two worker processes."""

    def __init__(self, subject: Subject, workers: list[str], within: float) -> None:
        self.subject, self.workers, self.within = subject, workers, within
        self.process: subprocess.Popen | None = None

    def begin(self, store: Path) -> bool:
        if self.runs():
            return False
        self.process = start(self.subject.command(store, *self.workers), self.subject.folder / "said.log")
        return True

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self, chance: random.Random) -> list[int]:
        if self.process is None or self.process.poll() is not None:
            return []
        self.process.kill()
        self.process.wait()
        return [self.process.pid]

    def words(self) -> list[str]:
        return []


class Workers(Run):
    """One of two local worker processes; their parent goes on."""

    def kill(self, chance: random.Random) -> list[int]:
        if self.process is None or self.process.poll() is not None:
            return []
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(OSError):  # it has ended since
            if workers := [int(word) for word in children.read_text().split()]:
                return _killed(chance.choice(workers))
        return []


class DaskWorkers(Run):
    """One of two workers of a Dask cluster, which gets a new one."""

    def __init__(self, subject: Subject, cluster: DaskCluster) -> None:
        super().__init__(subject, ["--scheduler-file", str(cluster.scheduler_file)], within=3.0)
        self.cluster = cluster

    def kill(self, chance: random.Random) -> list[int]:
        alive = [pid for pid in self.cluster.workers if self.cluster.alive(pid)]
        if not self.runs() or not alive:
            return []
        self.cluster.add_worker()
        return _killed(chance.choice(alive))


class DaskScheduler(Run):
    """The scheduler of a Dask cluster; the run says one sentence and ends, the next one has a cluster of its own."""

    def __init__(self, subject: Subject, folder: Path, stack: contextlib.ExitStack) -> None:
        super().__init__(subject, [], within=5.0)
        self.folder, self.stack = folder, stack

    def begin(self, store: Path) -> bool:
        if self.runs():
            return False
        self.stack.close()
        self.cluster = self.stack.enter_context(dask_cluster(2, self.folder))
        self.workers = ["--scheduler-file", str(self.cluster.scheduler_file)]
        return super().begin(store)

    def kill(self, chance: random.Random) -> list[int]:
        if self.process is None or not self.runs():
            return []
        _killed(self.cluster.scheduler)
        self.process.wait(_PATIENCE)
        return [self.cluster.scheduler]

    def words(self) -> list[str]:
        assert self.process is not None
        said = (self.subject.folder / "said.log").read_text().splitlines()
        return [f"exit code {self.process.returncode}: {said[-1]}"]


class SlurmTasks:
    """One of two tasks of a SLURM job; the job goes on with the other, and is submitted again when both are gone."""

    within = 5.0

    def __init__(self, subject: Subject, rig: Slurm) -> None:
        self.subject, self.rig, self.job = subject, rig, 0
        os.environ.update(rig.environment)

    def begin(self, store: Path) -> bool:
        if self.runs():
            return False
        self.job = int(slurm.submit(Store.create(store, self.subject.experiment), 2, CHECKPOINT_SECONDS))
        return True

    def runs(self) -> bool:
        return self.job > 0 and self.rig.state(self.job) in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING")

    def kill(self, chance: random.Random) -> list[int]:
        tasks = list(self._tasks())
        return _killed(chance.choice(tasks)) if tasks else []

    def _tasks(self) -> Iterator[int]:
        mark = f"SLURM_JOB_ID={self.job}".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended since
                worker = b"clockless.workers.processes" in (entry / "cmdline").read_bytes().split(b"\0")[:4]
                if worker and mark in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)

    def words(self) -> list[str]:
        return []


class SlurmJob(SlurmTasks):
    """The whole job, cancelled by `scancel` (SIGTERM, then SIGKILL), and submitted again."""

    def kill(self, chance: random.Random) -> list[int]:
        if not self.runs():
            return []
        tasks = list(self._tasks())
        self.rig.run("scancel", str(self.job))
        wait_until(lambda: not self.runs(), _PATIENCE)
        return tasks or [0]


def _killed(process: int) -> list[int]:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    time.sleep(0.02)  # until the system has let go of its locks
    return [process]


@contextlib.contextmanager
def victim(mode: str, subject: Subject) -> Iterator[Victim]:
    """What a mode kills, with the cluster that it needs."""
    with contextlib.ExitStack() as stack:
        if mode in ("dask-workers", "dask-client"):
            cluster = stack.enter_context(dask_cluster(2, subject.folder / "dask"))
            at = ["--scheduler-file", str(cluster.scheduler_file)]
            yield DaskWorkers(subject, cluster) if mode == "dask-workers" else Run(subject, at, within=4.0)
        elif mode == "dask-scheduler":
            yield DaskScheduler(subject, subject.folder / "dask", stack)
        elif mode in ("slurm-tasks", "slurm-job"):
            folder = subject.folder / "slurm"
            folder.mkdir(exist_ok=True)
            rig = stack.enter_context(one_node_slurm(folder))
            yield SlurmTasks(subject, rig) if mode == "slurm-tasks" else SlurmJob(subject, rig)
        elif mode == "workers":
            yield Workers(subject, ["--workers", "2"], within=4.0)
        else:
            yield Run(subject, {"single": ["--threads", "2"], "parent": ["--workers", "2"]}[mode], within=4.0)


MODES = ("single", "parent", "workers", "dask-workers", "dask-client", "dask-scheduler", "slurm-tasks", "slurm-job")
