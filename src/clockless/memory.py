"""How much memory this machine has, and the check that what is asked for fits into it, before any of it is taken.

Linux grants arrays that it does not have and kills whoever fills them, and NumPy names a size but no reason. So whatever is
as large as a user says (nodes, examples, axes, records) is estimated first, and refused in one sentence.
"""

from __future__ import annotations

import importlib
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from clockless.errors import MemoryBoundError

_CONTROL_GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_UNKNOWN = 2**63 - 1
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def check(needed: int, what: str, advice: str) -> None:
    """Refuse what needs more memory than this machine has.

    Args:
        needed: bytes, an estimate.
        what: the beginning of the sentence, such as "a lattice of 10^9 nodes".
        advice: what to do, its end.

    Raises:
        MemoryBoundError: it does not fit.
    """
    most = total()
    if needed > most:
        raise MemoryBoundError(f"{what} needs about {sized(needed)} of memory, and there are {sized(most)} here; {advice}.")


@lru_cache(maxsize=1)
def total() -> int:
    """Bytes of memory that this process may have: the machine's, or the limit of its control group or of the process."""
    if not hasattr(os, "sysconf"):  # Windows, which says it in ways of its own; then nothing is refused beforehand
        return _UNKNOWN
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in _CONTROL_GROUPS:
        with suppress(OSError, ValueError):  # there is none, or it is the word max
            found.append(int(Path(name).read_text(encoding="ascii")))
    resource = importlib.import_module("resource")
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft = resource.getrlimit(limit)[0]
        found += [soft] if soft != resource.RLIM_INFINITY else []
    return min(found)


def sized(count: int) -> str:
    """A number of bytes in the unit that reads best."""
    size, unit = float(min(count, 2**200)), _UNITS[0]
    for larger in _UNITS[1:]:
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.3g} {unit}"
