"""Functions compiled in two processes at once: a second one compiles what is not of a user's parts, and keeps it on disk.

Numba compiles one function at a time in a process. A second process costs half a second to start, so it is asked only where
several functions are missing and there is a second core. It takes from one end of the list, this process from the other, so
neither waits for more than one function; whatever the second one fails at is compiled here. It ends with its standard input,
that is with this process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numba

_Job = tuple[Any, tuple[Any, ...]]  # a `separate` function and a signature
_LOCK = threading.RLock()  # or each thread of a run would start a process for the same functions
_START = (
    "import gc, sys; gc.disable(); sys.path[:] = {path!r}; from clockless.parts.compiling import serve; serve({modules!r})"
)


def compile_all(jobs: Sequence[tuple[Any, tuple[Any, ...], bool]]) -> None:
    """Have all (function, signature, own) compiled; those that are `own` name types of a user's and are compiled here.

    Raises:
        NumbaError: one cannot be compiled.
    """
    with _LOCK, _without_collecting():
        missing = [job for job in dict.fromkeys(jobs) if not job[0].is_known(job[1])]
        here = [(function, signature) for function, signature, own in missing if own]
        anywhere = deque((function, signature) for function, signature, own in missing if not own)
        if len(missing) < 2 or not anywhere or not sys.executable or getattr(numba.config, "NUMBA_NUM_THREADS", 1) < 2:
            for function, signature in (*here, *anywhere):
                function.compile(signature)
            return
        with _Second(anywhere):
            for function, signature in here:
                function.compile(signature)
            while anywhere:
                try:
                    function, signature = anywhere.pop()
                except IndexError:  # the other one was faster
                    break
                function.compile(signature)


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Compiling makes millions of objects that live on: to look through them for garbage takes a seventh of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Second:
    """A process that takes jobs from the left of a list while this one takes them from the right."""

    def __init__(self, jobs: deque[_Job]) -> None:
        self._jobs, self._works = jobs, False

    def __enter__(self) -> None:
        path, modules = [str(path) for path in sys.path], sorted({job.function.__module__ for job, _ in self._jobs})
        command = [sys.executable, "-c", _START.format(path=path, modules=modules)]
        try:
            self._process: Any = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError:  # too many processes, no interpreter: everything is compiled here
            self._process = None
            return
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def __exit__(self, kind: Any, *_: Any) -> None:
        if self._process is None:
            return
        self._jobs.clear()
        if kind is not None or not self._works:
            self._process.kill()
        self._feeder.join()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()

    def _feed(self) -> None:
        """Hand over a job whenever the last one is done."""
        process = self._process
        while process.stdout.readline() == b"ready\n":
            try:
                self._works = True
                function, signature = self._jobs.popleft()
                pickle.dump((function.function.__module__, function.function.__name__, signature), process.stdin)
                process.stdin.flush()
            except (IndexError, OSError):  # nothing left, or the process is gone
                break
        self._works = False


def serve(modules: Sequence[str]) -> None:
    """Compile what is asked for on standard input, until it ends; `modules` will be needed."""
    answers = sys.stdout.buffer
    for module in modules:
        importlib.import_module(module)
    while True:
        answers.write(b"ready\n")
        answers.flush()
        try:
            module, name, signature = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        getattr(importlib.import_module(module), name).compile(signature)
