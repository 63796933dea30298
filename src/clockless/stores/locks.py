"""Whether locks keep workers apart where a store lies: tried on a file of its own, and looked up for network file systems.

A claim of a job is a `flock`. Where that does nothing, two workers may compute the same job: to the same bits, but one of
them in vain. What a mount option keeps from other machines shows on none of them, so that is read from the list of mounts.
"""

from __future__ import annotations

import errno
import importlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from clockless.errors import StoreError, printable

_LOCAL = {  # options by which locks hold within one machine only, by type of file system; None: they always do
    "nfs": ("nolock", "local_lock=flock", "local_lock=all"),
    "nfs4": ("nolock", "local_lock=flock", "local_lock=all"),
    "cifs": ("nobrl",), "smb3": ("nobrl",),
    "lustre": ("localflock",),
    "fuse.sshfs": None,
}  # fmt: skip
_LACKING = (
    "this system has no `flock`, by which workers of a store keep apart; without a store everything else works, and Linux, "
    "macOS and the Linux within Windows (WSL) have it."
)
_TWICE = "two would compute the same jobs, to the same bits"


def needed() -> Any:
    """Python's module of file locks.

    Raises:
        StoreError: a system without them, such as Windows.
    """
    try:
        return importlib.import_module("fcntl")
    except ImportError:
        raise StoreError(_LACKING) from None


def check_locks(folder: Path) -> str:
    """What is unsafe about locks in a folder, as a sentence; nothing if they work, or nothing can be written there.

    Raises:
        StoreError: there are no locks at all.
    """
    try:
        excludes = _excludes(folder)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT):
            return ""  # whoever writes next says so
        raise StoreError(
            f"{folder} lies on a file system without locks ({error.strerror or error}), by which workers keep apart; copy "
            "it to another disk and compute there."
        ) from None
    if not excludes:
        return f"locks keep nobody apart where {folder} lies; let one run at a time compute there: {_TWICE}."
    local = local_locks(folder.resolve(), Path("/proc/self/mountinfo"))
    if local:
        return (
            f"{folder} lies on {printable(local)}, whose locks hold within one machine; let one machine at a time compute "
            f"there: {_TWICE}."
        )
    return ""


def _excludes(folder: Path) -> bool:
    """Whether a file that is locked by one handle cannot be locked by another."""
    fcntl = needed()
    first, name = tempfile.mkstemp(dir=folder, prefix=".locks-")
    second = -1
    try:
        second = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
    finally:
        os.unlink(name)
        for handle in (first, second):
            if handle >= 0:
                os.close(handle)


def local_locks(folder: Path, mounts: Path) -> str:
    """The file system of a folder, and the option by which its locks are known to other machines no longer; "" if none.

    Args:
        folder: an absolute path without links.
        mounts: a list of mounts as proc(5) describes `mountinfo`.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        return ""
    found = ("", "", "")  # where, type, options
    for line in lines:
        before, _, after = line.partition(" - ")
        words, rest = before.split(" "), after.split(" ")
        if len(words) < 6 or len(rest) < 3:
            continue
        place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[4])
        if folder.is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, rest[0], f"{words[5]},{rest[2]}")
    _, kind, options = found
    if kind not in _LOCAL:
        return ""
    local = _LOCAL[kind]
    option = next((name for name in local or () if name in options.split(",")), None)
    return kind if local is None else f"{kind} mounted with {option}" if option else ""
