"""What an input must not do, heard by Python's audit hooks (PEP 578) and prevented: write elsewhere, start, connect, run."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {  # event: positions of paths and of the folders they are relative to, in its arguments
    "os.remove": ((0, 1),), "os.rmdir": ((0, 1),), "os.mkdir": ((0, 2),), "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),), "os.symlink": ((1, 2),), "os.truncate": ((0, None),), "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),), "os.utime": ((0, 3),),
}  # fmt: skip
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
_CONNECTS = ("socket.connect", "socket.bind")


class Guard:
    """Installed once in a process; while `within` lasts, what leaves the folder is kept in `escapes`.

    Attributes:
        processes: how many may be started.
        connections: whether any may be made.
        asked: places outside the folder that the input names itself; writing there is prevented, but no escape.
        code: whether code that lies in the folder may be run.
    """

    def __init__(self) -> None:
        self.folder: str | None = None
        self.escapes: list[tuple[str, str]] = []
        self.processes, self.connections, self.code = 0, False, False
        self.asked: list[str] = []
        sys.addaudithook(self._heard)

    @contextmanager
    def within(self, folder: Path) -> Iterator[None]:
        """Watch, until the block ends."""
        self.escapes, self.asked = [], []
        self.processes, self.connections, self.code = 0, False, False
        self.folder = os.path.realpath(folder)
        try:
            yield
        finally:
            self.folder = None

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES and not isinstance(path, int):
                self._check_place(event, path, None, bool(flags & os.O_NOFOLLOW))
        elif event in _CHANGES:
            for path, folder in _CHANGES[event]:
                given = arguments[folder] if folder is not None and len(arguments) > folder else None
                self._check_place(event, arguments[path], given, True)
        elif event in _STARTS:
            self.processes -= "clockless.parts.compiling" not in str(arguments)  # which keeps compiled code, and no more
            if self.processes < 0:
                self._escaped("outside", f"{event} {str(arguments)[:200]}")
        elif event in _CONNECTS and not self.connections:
            self._escaped("outside", f"{event} {arguments[1]}")
        elif event == "exec" and not self.code:
            name = getattr(arguments[0], "co_filename", "")
            if os.path.isabs(name) and os.path.realpath(name).startswith(self.folder + os.sep):
                self._escaped("code", f"{name} is run")

    def _check_place(self, event: str, path: Any, folder: Any, as_link: bool) -> None:
        if isinstance(path, int):
            return
        base = os.readlink(f"/proc/self/fd/{folder}") if isinstance(folder, int) and folder >= 0 else os.getcwd()
        full = os.path.join(base, os.fsdecode(path))
        parent, name = os.path.split(full.rstrip("/"))
        place = os.path.join(os.path.realpath(parent), name) if as_link else os.path.realpath(full)
        inside = place == self.folder or place.startswith(f"{self.folder}{os.sep}")
        if not inside and place != os.devnull and "__pycache__" not in place:  # where compiled code is kept
            wanted = any(place.startswith(asked) for asked in self.asked)
            self._escaped("outside", f"{event} {place}", wanted)

    def _escaped(self, kind: str, what: str, wanted: bool = False) -> None:
        if not wanted:
            self.escapes.append((kind, what))
        raise PermissionError(errno.EPERM, "forbidden while fuzzing", what)
