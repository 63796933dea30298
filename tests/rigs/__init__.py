"""Real clusters for tests: a one-node SLURM and a Dask scheduler with workers, each process known by its id.

A rig starts programs of the operating system and ends every one of them when its `with` block ends, also after an error.
Where it cannot start it raises a `RigMissing` whose sentence a test hands to `pytest.skip`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

LIMIT = 600.0  # seconds until a test gives up waiting, whatever else the machine has to do; nothing is measured by them
PATIENCE = 5.0  # seconds between asking a process to end and killing it


class RigMissing(RuntimeError):
    """A cluster that cannot be started on this machine, and the sentence why."""


def start(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen:
    """`command` as a process in a session of its own (a Ctrl-C in the terminal is not for it), its output in `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
        )


def wait_until(done: Callable[[], object], limit: float = LIMIT, pause: float = 0.05) -> bool:
    """Whether `done` became true within `limit` seconds."""
    end = time.monotonic() + limit
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def end(processes: Iterable[subprocess.Popen]) -> None:
    """End these processes: SIGTERM to all, then SIGKILL to whatever is left after `PATIENCE` seconds."""
    processes = list(processes)
    for process in processes:
        process.terminate()  # does nothing for one that has ended, nor does the next line
        process.send_signal(signal.SIGCONT)  # one that a test has stopped could not end
    wait_until(lambda: all(process.poll() is not None for process in processes), PATIENCE)
    for process in processes:
        process.kill()
        process.wait()


def abandoned(names: Iterable[str]) -> list[str]:
    """Of these names in /dev/shm, the files that no process holds; what others hold there meanwhile is their affair."""
    held = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since, or is somebody else's
            held.update(line.split()[-1] for line in (entry / "maps").read_text().splitlines() if "/dev/shm/" in line)
            held.update(os.readlink(descriptor) for descriptor in (entry / "fd").iterdir())
    places = [Path("/dev/shm", name) for name in names]
    return [place.name for place in places if place.is_file() and str(place) not in held]


def last_words(log: Path, lines: int = 3) -> str:
    """The end of a log on one line, for a sentence that says why a daemon is gone."""
    if not log.exists():
        return "it wrote no log"
    return " / ".join(log.read_text(errors="replace").split("\n")[-lines - 1 :]).strip(" /") or "its log is empty"
