"""Local worker processes: each claims jobs of a store by itself; this one restarts those that die and stops them all.

    python -m clockless.workers.processes STORE RUN CHECKPOINT_SECONDS [PARENT] [--trust]

is one worker. It runs on one thread, ends when nothing is left to claim, and when its parent is gone it puts its job away.
It is started with -P, so that a file that happens to lie in the working folder takes no module's place.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from clockless.errors import ClocklessError, OwnCodeWarning, StoreError
from clockless.experiments import own_parts
from clockless.stores.frame import on_disk
from clockless.stores.store import Store
from clockless.workers.loop import CHECKPOINT_SECONDS, Runner, run_threads

ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_MOST_DEATHS = 3  # of workers on one job in one run, before the job counts as failed
_GRACE_SECONDS = 20.0  # for a worker to put its job away
_LOOK_SECONDS = 0.1
_STORE_FAILED = 2


@dataclass
class Team:
    """Worker processes on one store."""

    store: Store
    count: int
    run: str
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    said: dict[int, IO[str]] = field(default_factory=dict)  # what each says on its standard error
    deaths: dict[int, int] = field(default_factory=dict)

    def work(self, stop: threading.Event) -> None:
        """Run workers until nothing is left, restarting those that die; Ctrl-C lets them put their jobs away.

        Raises:
            StoreError: a worker could not write to the store.
        """
        try:
            with on_disk(self.store.path):
                for _ in range(self.count):
                    self._start()
                while self.processes and not stop.is_set():
                    self._look_after()
                    time.sleep(_LOOK_SECONDS)
        finally:
            self._end()

    def _start(self) -> None:
        command = [sys.executable, "-P", "-m", "clockless.workers.processes", str(self.store.path), self.run]
        command += [str(self.checkpoint_seconds), str(os.getpid())]
        command += [*(["--trust"] if self.store.trusting else [])]
        said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed with its process)
        process = subprocess.Popen(command, env={**os.environ, **ONE_THREAD}, stdin=subprocess.DEVNULL, stderr=said)
        self.processes[process.pid], self.said[process.pid] = process, said

    def _look_after(self) -> None:
        for pid, process in list(self.processes.items()):
            code = process.poll()
            if code is None:
                continue
            del self.processes[pid]
            with self.said.pop(pid) as file:
                file.seek(0)
                said = file.read()
            if code == _STORE_FAILED:
                raise StoreError(said.strip() or "a worker could not write to the store.")
            if code != 0:
                self._mourn(pid, code, said)
                self._start()

    def _mourn(self, pid: int, code: int, said: str) -> None:
        """Count the death against the job that the worker had; the third makes the job a failed one."""
        journal = self.store.journal
        job = journal.last_claimed_by(pid)
        journal.tell("worker died", process=pid, code=code, unit=job, said=said[-500:])
        if job is None:
            self.deaths[-1] = self.deaths.get(-1, 0) + 1
            if self.deaths[-1] >= _MOST_DEATHS * self.count:
                raise StoreError(
                    f"workers die before they begin ({said.strip()[-300:] or f'code {code}'}); see events.jsonl."
                )
            return
        self.deaths.pop(-1, None)  # workers do begin
        self.deaths[job] = self.deaths.get(job, 0) + 1
        if self.deaths[job] >= _MOST_DEATHS:
            reason = f"signal {-code}" if code < 0 else f"code {code}"
            journal.fail(job, self.run, f"{_MOST_DEATHS} workers died on it ({reason}), most likely out of memory")

    def _end(self) -> None:
        for process in self.processes.values():
            process.terminate()
        until = time.monotonic() + _GRACE_SECONDS
        for process in self.processes.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.said.pop(process.pid).close()
        self.processes.clear()


def _ends_with_parent(stop: threading.Event, parent: int) -> None:
    while not stop.wait(1.0):
        if os.getppid() != parent:
            stop.set()


def main() -> int:
    """One worker."""
    store, run, checkpoint_seconds, *parent = [word for word in sys.argv[1:] if word != "--trust"]
    if "--trust" in sys.argv[1:]:
        own_parts.trust()
    warnings.simplefilter("ignore", OwnCodeWarning)  # whoever started this has said it
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    # The id of the parent is given, because it may be gone before this line.
    watched = int(parent[0]) if parent else os.getppid()
    threading.Thread(target=_ends_with_parent, args=(stop, watched), daemon=True).start()
    try:
        opened = Store.open(Path(store))
        opened.check_before_computing()
        run_threads(opened, 1, Runner(opened, run, stop.is_set, float(checkpoint_seconds)), stop)
        if opened.done().all():
            opened.forget_shorter()
    except ClocklessError as error:
        print(error, file=sys.stderr)
        return _STORE_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
