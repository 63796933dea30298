"""How worker processes come to life: spawned, never forked, told where the shared memory is, computing with one thread."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context
from pathlib import Path
from time import monotonic
from typing import Any

from clockless.actors.endings import Limits
from clockless.actors.workers import Assignment, Descriptor, work
from clockless.errors import ActorError

_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
GUARD = 'in a script, start processes under `if __name__ == "__main__":` only'
_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


@dataclass(frozen=True)
class Staff:
    """Who is to work, and under which terms; see `Processes`."""

    orders: bytes  # build and description, pickled
    count: int
    period: float
    limits: Limits
    cores: tuple[int, ...]


@dataclass
class Worker:
    """A living or lost process, as its supervisor knows it."""

    process: Any
    line: connection.Connection
    started: float
    told: str = ""  # what it raised
    restarts: int = 0
    failed_at: int = -1  # events when it raised last
    paused: bool = False
    reason: str = ""  # why the supervisor killed it


def spawned(staff: Staff, index: int, name: str, folder: Path, files: tuple[int, int, int, tuple[int, ...]]) -> Worker:
    """Start the process of actor `index`; `files` are the orders, the shared memory, its bell and the bells of all.

    Raises:
        ActorError: called while a process that was started imports its script.
    """
    orders, memory, bell, bells = files
    context = get_context("spawn")
    line, far = context.Pipe()
    task = Assignment(
        Descriptor(orders),
        index,
        folder,
        staff.period,
        staff.limits,
        far,
        Descriptor(memory),
        Descriptor(bell),
        tuple(Descriptor(end) for end in bells),
        staff.cores[index % len(staff.cores)] if staff.cores else None,
        os.getpid(),
    )
    process = context.Process(target=work, args=(task,), name=name, daemon=True)
    try:
        with _environment(), _no_interrupt():
            process.start()
    except RuntimeError:  # Python's word for a process that is started by one which is still importing
        raise ActorError(f"a process that was started imports its script, which starts processes; {GUARD}.") from None
    finally:
        far.close()
    return Worker(process, line, monotonic())


def is_paused(process: int | None) -> bool:
    """Is a process stopped by a signal? Known on Linux only."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except (OSError, IndexError):
        return False


@contextmanager
def _environment() -> Iterator[None]:
    """Processes started within compute with one thread: two threads each on busy cores make a step many times slower.

    Until they have this process's `sys.path` they import nothing from the working folder.
    """
    wanted = dict.fromkeys((*_ONE_THREAD, "PYTHONSAFEPATH"), "1")
    wanted["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_XLA}".strip()
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Processes started within do not get Ctrl-C before they can ignore it; here it comes a moment later."""
    before: list[Any] = list(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
