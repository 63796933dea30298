"""Watches the process in which inputs are tried: ends it when it hangs, starts another when it died, keeps what came out."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from fuzz.attempts import Outcome

WAITS_AT_MOST = 120.0  # seconds
_START_LIMIT = 600.0  # seconds
_LOOK = 0.5  # seconds between looks
_MEMORY = "/dev/shm"
_LIVES = 2000  # inputs, after which a new process begins: what earlier inputs left behind is gone


class Watched:
    """A process that tries inputs of one subject; a context that ends it.

    Args:
        patience: seconds of computing, which do not depend on what else the machine does, after which an input hangs.
    """

    def __init__(self, subject: str, seed: int, patience: float) -> None:
        self.subject, self.seed, self.patience = subject, seed, patience
        self._process: subprocess.Popen[str] | None = None
        self._tried = 0

    def __enter__(self) -> Watched:
        memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None  # where forcing files to the disk takes no time
        self._place = tempfile.TemporaryDirectory(prefix="clockless-fuzz-", dir=memory, ignore_cleanup_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._place.cleanup()

    def tries(self, numbers: Iterable[int]) -> Iterator[Outcome]:
        """The outcome of each input."""
        for number in numbers:
            if self._process is None or self._tried >= _LIVES:
                self._end()
                self._start()
            self._tried += 1
            yield self._tried_one(number)

    def _start(self) -> None:
        folder = Path(self._place.name)
        environment = {
            **os.environ, "PYTHONHASHSEED": "0", "TMPDIR": str(folder / "input"), "MPLBACKEND": "Agg", "TERM": "dumb",
            "COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": "1", "PATH": str(folder / "input"),
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        }  # fmt: skip
        (folder / "input").mkdir(exist_ok=True)
        worker = str(Path(__file__).with_name("worker.py"))
        self._process = subprocess.Popen(
            [sys.executable, worker, self.subject, str(self.seed), str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True,
        )  # fmt: skip
        self._tried = 0
        if (answer := self._answer(_START_LIMIT, _START_LIMIT)) != "ready\n":
            raise RuntimeError(f"{self.subject} cannot be prepared ({answer or 'it died'}): {self._said('said.log', 15)}")

    def _tried_one(self, number: int) -> Outcome:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{number}\n")
            self._process.stdin.flush()
            answer = self._answer(self.patience, WAITS_AT_MOST)
        except BrokenPipeError:
            answer = ""
        if answer:
            return Outcome(**json.loads(answer))
        if answer is None:
            os.kill(self._process.pid, signal.SIGUSR1)
            time.sleep(_LOOK)  # it writes down where it is
            kind, place = "hang", "hang"
        else:
            kind, place = "crash", f"exit code {self._process.wait()}"
        self._end()
        return Outcome(number, kind, place, self._said("said.log", 40), self._said("notes.txt", 1000))

    def _answer(self, computing: float, waiting: float) -> str | None:
        """A line; "" if the process died, None if it took too long."""
        assert self._process is not None
        assert self._process.stdout is not None
        began, computed = time.monotonic(), self._computed()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not selector.select(_LOOK):
                if self._computed() - computed > computing or time.monotonic() - began > waiting:
                    return None
        return self._process.stdout.readline()

    def _computed(self) -> float:
        """Seconds of processor time so far."""
        assert self._process is not None
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _said(self, name: str, lines: int) -> str:
        path = Path(self._place.name) / name
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def _end(self) -> None:
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None
                try:
                    stream.close()
                except BrokenPipeError:  # it died with a number unread
                    continue
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None
