"""A medium that is a laboratory bench: a process that settles when it is asked to, over a pipe, one line of JSON each way.

    > {"settle": {"parameters": [..], "held": [0, 2], "values": [0.5, 0.0], "outputs": [], "targets": [], "strength": 0.0,
                  "start": [..], "key": [seed, replica, step, example, state]}}
    < {"state": [..]}            and, where the bench measures them, "signal": [..] and "residual": 0.0
    < {"error": "valve 3 is stuck"}

The process may drive real hardware, or be any other simulator. It keeps nothing between two requests, so replicas may take
turns on it; what is random about a simulated one follows from the key, so that a run can be stopped and resumed.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, TypeVar

import numpy as np

from clockless.errors import BenchError, ParameterError, above_zero, flag, shown
from clockless.learning.boundaries import Boundary, Sensed
from clockless.learning.own import Medium
from clockless.learning.relaxation import Relaxation

T = TypeVar("T")
_GRACE_SECONDS = 2.0  # for a process to end by itself once its input is closed
_LONGEST = 2**26  # letters of an answer


class Bench(Medium):
    """A medium whose states are measured by another process.

    Where the process gives no signals, derive a class that says `signal(parameters, state)` or `energy(parameters, state)`.

    Args:
        network: the wiring; None for a bench without one.
        command: what starts the process, as one would type it, such as "python board.py --port 3".
        size, units: entries of the state and parameters that learn; nodes and edges if nothing is said.
        timeout: seconds within which an answer must come, the first after the start of the process.
        nudged: whether it understands `outputs`, `targets` and `strength`; else only rules that clamp can be used.

    Raises:
        ParameterError: a command that is none, or a time that is not positive.
    """

    sources = (__name__,)
    probed = False

    def __init__(
        self, network: Any, command: str, size: int | None = None, units: int | None = None, timeout: float = 60.0,
        nudged: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(network, size=size, units=units)
        if not isinstance(command, str) or not command.strip():
            raise ParameterError(f'command = {shown(command)}; give what starts the bench, such as "python board.py".')
        self.command, self.nudged = command, flag("nudged", nudged)
        self.timeout = above_zero("timeout", timeout, "seconds, more than 0")
        self.nudges = self.nudged
        self._line = _Line(command, self.timeout)
        weakref.finalize(self, self._line.close)  # at the end of the program, too

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; it is started again when it is asked again."""
        self._line.close()

    def settle(self, parameters: np.ndarray, boundary: Boundary, start: np.ndarray) -> tuple[np.ndarray, float]:
        """State [size] and residual, as the process answers."""
        state, _, residual = self._answer(parameters, boundary, start)
        return state, residual

    def sense(self, parameters: np.ndarray, boundary: Boundary, start: np.ndarray, relaxation: Any = None) -> Sensed:
        """State and signal of one request."""
        state, signal, residual = self._answer(parameters, boundary, start)
        signal = self.signal(parameters, state) if signal is None else signal
        return Sensed(state, self._right("signal", signal, self.units), residual)

    def signal(self, parameters: np.ndarray, state: np.ndarray) -> np.ndarray:
        """dE/dparameter [unit] of a measured state, where the process does not measure it."""
        if not self.has("energy"):
            raise ParameterError(
                f"{self.command} answers no signal; let it, or give {type(self).__name__} signal or energy."
            )
        return Relaxation(self, parameters).signal(state)

    def _answer(
        self, parameters: np.ndarray, boundary: Boundary, start: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None, float]:
        """What the process says; BenchError if that is no state."""
        request = {
            "parameters": parameters.tolist(), "held": boundary.held.tolist(), "values": boundary.values.tolist(),
            "outputs": boundary.outputs.tolist(), "targets": boundary.targets.tolist(), "strength": boundary.strength,
            "start": start.tolist(), "key": list(map(int, boundary.key)),
        }  # fmt: skip
        return self._line.asked(json.dumps({"settle": request}), self._understood)

    def _understood(self, line: str) -> tuple[np.ndarray, np.ndarray | None, float]:
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise BenchError(f'{self.command} answered {shown(line)}; an answer is one line, {{"state": [..]}}.')
        if "error" in answer:
            raise BenchError(f"{self.command} says: {shown(answer['error'])}")
        state = self._numbers(answer, "state", self.size)
        signal = self._numbers(answer, "signal", self.units) if "signal" in answer else None
        residual = answer.get("residual", 0.0)
        if isinstance(residual, bool) or not isinstance(residual, (int, float)):
            raise BenchError(f"{self.command} answered a residual of {shown(residual)}; it is a number.")
        return state, signal, float(residual)

    def _numbers(self, answer: dict[str, Any], name: str, count: int) -> np.ndarray:
        try:
            values = np.array(answer.get(name))
        except ValueError:  # ragged
            values = np.array(None)
        if values.dtype.kind not in "iuf" or values.shape != (count,) or not np.isfinite(values).all():
            raise BenchError(f"{self.command} answered {name} = {shown(answer.get(name))}; give {count} finite numbers.")
        return values.astype(np.float64)


class _Line:
    """A process that answers lines; started when it is first asked, ended when it does not answer as it should."""

    def __init__(self, command: str, timeout: float) -> None:
        self._command, self._timeout = command, timeout
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[str] | None = None
        self._owner, self._rest = 0, b""

    def asked(self, line: str, understood: Callable[[str], T]) -> T:
        """What is understood of the answer to a line.

        Raises:
            BenchError: no process, no answer, or none that is understood; the process is ended.
        """
        with self._lock:
            try:
                return understood(self._exchanged(line))
            except BaseException:
                self._end(0.0)
                raise

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end(_GRACE_SECONDS)

    def _exchanged(self, line: str) -> str:
        process = self._started()
        until = time.monotonic() + self._timeout
        assert process.stdin is not None
        assert process.stdout is not None
        if self._rest or select.select([process.stdout], [], [], 0.0)[0]:
            said = self._rest or os.read(process.stdout.fileno(), 65536)
            raise BenchError(self._unasked(said) if said else self._obituary(process))
        rest = memoryview(line.encode() + b"\n")
        while rest:
            if not select.select([], [process.stdin], [], max(0.0, until - time.monotonic()))[1]:
                raise BenchError(
                    f"{self._command} has taken no request for {self._timeout:g} s; give it more timeout=, or mend it."
                )
            try:
                rest = rest[os.write(process.stdin.fileno(), rest[: select.PIPE_BUF]) :]
            except BrokenPipeError:
                raise BenchError(self._obituary(process)) from None
        return self._read(process, until)

    def _read(self, process: subprocess.Popen[bytes], until: float) -> str:
        """One line of what the process answers."""
        assert process.stdout is not None
        while b"\n" not in self._rest:
            if not select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                raise BenchError(
                    f"{self._command} has been silent for {self._timeout:g} s; give it more timeout=, or mend it."
                )
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                raise BenchError(self._obituary(process))
            self._rest += piece
            if len(self._rest) > _LONGEST:
                raise BenchError(f"{self._command} answered {_LONGEST:,} letters without an end of line.")
        line, _, self._rest = self._rest.partition(b"\n")
        if self._rest:
            raise BenchError(self._unasked(self._rest))
        return line.decode(errors="replace")

    def _unasked(self, said: bytes) -> str:
        text = shown(said.decode(errors="replace"))
        return f"{self._command} said more than one line to a request: {text}; which answer is to which could not be told."

    def _started(self) -> subprocess.Popen[bytes]:
        """The process of this process; one that a parent has started is not ours."""
        if self._process is not None and self._owner == os.getpid():
            return self._process
        said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed with the process)
        try:
            process = subprocess.Popen(
                shlex.split(self._command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, bufsize=0,
                start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            said.close()
            raise BenchError(f"{self._command} cannot be started ({error}); check the command.") from None
        self._process, self._said, self._owner, self._rest = process, said, os.getpid(), b""
        return process

    def _obituary(self, process: subprocess.Popen[bytes]) -> str:
        code = _finished(process, _GRACE_SECONDS)
        how = (
            "closed its pipe" if code is None else f"ended with code {code}" if code >= 0 else f"was ended by signal {-code}"
        )
        last = ""
        if self._said is not None:
            self._said.seek(0)
            last = (self._said.read().strip().splitlines() or [""])[-1]
        return f"{self._command} {how}{': ' + shown(last) if last else ''}."

    def _end(self, grace: float) -> None:
        """End the process and all that it has started; ours only."""
        process, said, self._process, self._said = self._process, self._said, None, None
        if process is None or self._owner != os.getpid():
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        if process.returncode is None:
            _finished(process, grace)
        if said is not None:
            said.close()


def _finished(process: subprocess.Popen[bytes], grace: float) -> int | None:
    """Let a process end, or end it, with all that it has started; its exit code if it ended by itself.

    It is waited for without being reaped, so that its number cannot mean anybody else when its group is ended.
    """
    until, ended = time.monotonic() + grace, None
    while (ended := os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is None:
        if time.monotonic() >= until:
            break
        time.sleep(0.005)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    return code if ended is not None else None
