"""Jobs on a Dask cluster: every task computes one job in the store, which all workers must see under the same path.

A task claims its job as any worker does and returns a receipt, so a dead worker, a dead scheduler or a cancelled allocation
loses no finished job, and nothing is computed twice while two clusters work on one store.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from concurrent.futures import CancelledError
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clockless.errors import ClusterError, ParameterError, place
from clockless.experiments import own_parts
from clockless.sources import digest_of
from clockless.stores.store import Store
from clockless.workers.loop import CHECKPOINT_SECONDS, Receipt, Runner

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_SECONDS = 30.0
_WORKERS_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 3.0
_GONE_SECONDS = 10.0  # without a connection, before the scheduler counts as dead
_SILENT_SECONDS = 120.0  # without an answer on a connection that stands: a busy machine may let it wait
_CANCELLED = (CancelledError, asyncio.CancelledError)
_LONGEST_FILE = 1 << 20  # bytes of a scheduler file
_TALKERS = (
    "distributed",
    "distributed.client",
    "tornado.application",
    "asyncio",
)  # of a lost scheduler this says one sentence
_TASKS_PER_THREAD = 2  # in flight, so that no worker waits for this process


def connected(scheduler: str | None, scheduler_file: str | None) -> Client:
    """A client of a running cluster.

    Raises:
        ClusterError: distributed is not installed, or nobody answers.
        ParameterError: a scheduler file that is not there, or that no scheduler wrote.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("Dask is not installed; pip install 'clockless[cluster]'.") from None
    if scheduler_file is not None:
        _check_file(place("scheduler_file", scheduler_file))
    where = scheduler or scheduler_file
    for name in _TALKERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        if scheduler_file is not None:
            return Client(scheduler_file=str(scheduler_file), timeout=_CONNECT_SECONDS, set_as_default=False)
        return Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {where} ({error}); check that it runs and can be reached."
        ) from None


def _check_file(path: Path) -> None:
    """Refuse what a scheduler has not written, for which Dask would wait a minute and fail with a traceback."""
    start = f"start `dask scheduler --scheduler-file {path}` first"
    if not path.exists():
        raise ParameterError(f"{path} is not there; {start}.")
    try:
        found = json.loads(path.read_bytes()[:_LONGEST_FILE])
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("address"), str):
        raise ParameterError(f"{path} is no scheduler file: it names no address; {start}.")


def run_on_cluster(
    client: Client, store: Store, run: str, stop: threading.Event, checkpoint_seconds: float = CHECKPOINT_SECONDS
) -> list[Receipt]:
    """Compute all unfinished jobs on a cluster; returns when there are none or `stop` is set.

    Raises:
        ClusterError: workers see another store or another version, or the scheduler is gone.
        StoreError: a worker could not write to the store.
    """
    _check_workers(client, store)
    path = str(store.path.resolve())
    waiting = [job for job, hash_ in enumerate(store.done()) if not hash_][::-1]
    flying: dict[Future[Receipt], int] = {}
    receipts: list[Receipt] = []
    answered, threads = time.monotonic(), 1
    try:
        while (waiting or flying) and not stop.is_set():
            if time.monotonic() - answered > _LOOK_SECONDS:
                now = _threads(client)
                if now is not None:
                    answered, threads = time.monotonic(), max(1, now)
                elif time.monotonic() - answered > (_SILENT_SECONDS if client.status == "running" else _GONE_SECONDS):
                    raise ClusterError(_lost(store))
            while waiting and len(flying) < _TASKS_PER_THREAD * threads and client.status == "running":
                job = waiting.pop()
                future = client.submit(compute, path, run, job, checkpoint_seconds, store.trusting, pure=False, retries=2)
                flying[future] = job
            stop.wait(0.05 if any(future.done() for future in flying) else 0.2)
            for future in [future for future in flying if future.done()]:
                job = flying.pop(future)
                receipt = _receipt(future, job, store, run)
                if receipt.outcome == "busy":
                    waiting.insert(0, job)
                else:
                    receipts.append(receipt)
    finally:
        if client.status == "running" and time.monotonic() - answered < 2 * _LOOK_SECONDS:  # else nobody would answer
            for future in flying:
                future.cancel()
    return receipts


def _threads(client: Client) -> int | None:
    """Threads of all workers, or None if the scheduler does not answer."""
    if client.status != "running" or client.scheduler is None:
        return None
    try:
        threads: dict[str, int] = client.sync(client.scheduler.ncores, callback_timeout=_ANSWER_SECONDS)
        return sum(threads.values())
    except (OSError, RuntimeError, *_CANCELLED):
        return None


def _lost(store: Store) -> str:
    done = int((store.done() != 0).sum())
    return (
        f"the Dask scheduler is gone; {done} of {store.job_count} jobs are kept in {store.path}: start a cluster again and "
        f"go on with `clockless resume {store.path}`."
    )


def _receipt(future: Any, job: int, store: Store, run: str) -> Receipt:
    if future.status in ("cancelled", "lost"):
        return Receipt(job, "busy")
    try:
        if future.status == "finished":
            receipt: Receipt = future.result(_ANSWER_SECONDS)
            return receipt
        error = future.exception(_ANSWER_SECONDS)
    except (OSError, *_CANCELLED):  # the receipt went down with the scheduler; the store knows whether the job is done
        return Receipt(job, "busy")
    if isinstance(error, ClusterError) or type(error).__name__ == "StoreError":
        raise error
    sentence = f"{type(error).__name__}: {' '.join(str(error).split())}"
    store.journal.fail(job, run, sentence)
    return Receipt(job, "failed", note=sentence)


@lru_cache(maxsize=2)
def _opened(path: str, fingerprint_of_place: int) -> Store:
    store = Store.open(path)
    store.check_before_computing()
    return store


def compute(
    path: str, run: str, job: int, checkpoint_seconds: float = CHECKPOINT_SECONDS, trusting: bool = False
) -> Receipt:
    """What a Dask worker does for one job."""
    place = Path(path) / "experiment.yaml"
    if trusting:
        own_parts.trust()
    return Runner(_opened(path, place.stat().st_mtime_ns), run, checkpoint_seconds=checkpoint_seconds).compute(job)


def _seen(path: str) -> tuple[bool, str]:
    return (Path(path) / "experiment.yaml").exists(), digest_of(__name__)


def _check_workers(client: Client, store: Store) -> None:
    path = str(store.path.resolve())
    try:
        client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
        seen = client.run(_seen, path)
    except TimeoutError:
        raise ClusterError(
            f"the Dask cluster has no workers after {_WORKERS_SECONDS:.0f} s; start some with `dask worker`."
        ) from None
    except OSError:
        raise ClusterError(_lost(store)) from None
    except ImportError as error:
        raise ClusterError(f"the workers lack what they need ({error}); install this version of clockless there.") from None
    for worker, (there, digest) in seen.items():
        if not there:
            raise ClusterError(
                f"the worker {worker} does not see {path}; put the store on a file system that all workers share."
            )
        if digest != digest_of(__name__):
            raise ClusterError(f"the worker {worker} has another version of clockless; install this one there.")
