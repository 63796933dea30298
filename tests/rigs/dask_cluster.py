"""A Dask scheduler and its workers, each a process of the operating system that a test can kill by its id.

One thread a worker, no nanny that would bring a killed worker back, no dashboard, and the loopback only.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rigs import RigMissing, end, last_words, start, wait_until

START_LIMIT = 300.0  # seconds for the scheduler, then for all workers; about 1 s and 2 s are usual
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class DaskMissing(RigMissing):
    """Dask's distributed is not installed here, or does not start, and the sentence why."""


@dataclass(frozen=True)
class DaskCluster:
    """A running cluster: its address and scheduler file, and the ids of its processes in the order of their start.

    `workers` keeps the id of a worker that a test has killed. A worker is `worker-0`, `worker-1`, ... to the scheduler.
    """

    folder: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen] = field(default_factory=list)

    @property
    def scheduler_file(self) -> Path:
        """What `--scheduler-file` and `Client(scheduler_file=...)` read."""
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        """tcp://127.0.0.1:PORT."""
        return json.loads(self.scheduler_file.read_text())["address"]

    @property
    def scheduler(self) -> int:
        """The scheduler's process id."""
        return self.processes[0].pid

    @property
    def workers(self) -> list[int]:
        """The workers' process ids."""
        return [process.pid for process in self.processes[1:]]

    def alive(self, pid: int) -> bool:
        """Whether the process `pid` of this cluster is still running."""
        return next(process for process in self.processes if process.pid == pid).poll() is None

    def add_worker(self) -> int:
        """Start one more worker and return its process id at once; the scheduler hears of it a second or two later."""
        name = f"worker-{len(self.processes) - 1}"
        arguments = ["--scheduler-file", str(self.scheduler_file), "--name", name, "--nthreads", "1", "--no-nanny"]
        arguments += ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--memory-limit", "0"]
        arguments += ["--death-timeout", f"{START_LIMIT:g}", "--local-directory", str(self.folder / name)]
        return _start_process(self, "worker", arguments, self.folder / f"{name}.log")


@contextlib.contextmanager
def dask_cluster(
    workers: int = 2, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[DaskCluster]:
    """A scheduler with `workers` workers known to it when the block begins; every process is ended when the block ends.

    Logs and the scheduler file lie in `folder`, or in a temporary one that goes with the block; `environment` adds to what
    the processes inherit (PYTHONPATH, for functions of a test module). DaskMissing where it cannot start.
    """
    if importlib.util.find_spec("distributed") is None:
        raise DaskMissing("Dask is not installed here: the Python package distributed is missing")
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dask-")))
        own = {**ONE_THREAD, "DASK_TEMPORARY_DIRECTORY": str(folder)}
        cluster = DaskCluster(folder, {**os.environ, **own, **(environment or {})})
        stack.callback(lambda: _end_cluster(cluster))
        _start_scheduler(cluster)
        for _ in range(workers):
            cluster.add_worker()
        _await_workers(cluster, workers)
        yield cluster


def _start_process(cluster: DaskCluster, kind: str, arguments: list[str], log: Path) -> int:
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
    cluster.processes.append(start(command, log, cluster.environment))
    return cluster.processes[-1].pid


def _start_scheduler(cluster: DaskCluster) -> None:
    cluster.folder.mkdir(parents=True, exist_ok=True)
    cluster.scheduler_file.unlink(missing_ok=True)  # one of an earlier cluster would be taken for this one's
    log = cluster.folder / "scheduler.log"
    arguments = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(cluster.scheduler_file)]
    _start_process(cluster, "scheduler", [*arguments, "--no-dashboard", "--dashboard-address", "127.0.0.1:0"], log)
    process = cluster.processes[0]
    wait_until(lambda: process.poll() is not None or _readable(cluster), START_LIMIT)
    if not _readable(cluster):
        raise DaskMissing(f"Dask does not start here: no scheduler in {START_LIMIT:g} s ({last_words(log)})")


def _readable(cluster: DaskCluster) -> bool:
    """Whether the scheduler has written its file, and the whole of it."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return bool(cluster.address)
    return False


def _await_workers(cluster: DaskCluster, workers: int) -> None:
    from distributed import Client

    def gone() -> list[Path]:
        return [cluster.folder / f"worker-{i}.log" for i, pid in enumerate(cluster.workers) if not cluster.alive(pid)]

    with Client(cluster.address, timeout=START_LIMIT, set_as_default=False) as client:

        def known() -> bool:
            return len(client.scheduler_info(n_workers=-1)["workers"]) >= workers

        wait_until(lambda: bool(gone()) or known(), START_LIMIT)
        if gone():
            raise DaskMissing(f"Dask does not start here: a worker ended ({last_words(gone()[0])})")
        if not known():
            raise DaskMissing(f"Dask does not start here: its {workers} workers did not report in {START_LIMIT:g} s")


def _end_cluster(cluster: DaskCluster) -> None:
    """The scheduler first, for it asks its workers to end, and they wait for it in turn when they are asked otherwise."""
    for process in cluster.processes:
        process.send_signal(signal.SIGCONT)  # a worker that a test has stopped gives the scheduler no answer
    end(cluster.processes[:1])
    end(cluster.processes[1:])
