"""A launcher such as mpiexec ends a job of which a rank was killed in its own words; a guard before each rank says it in one
sentence first, and what to do."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

_GUARDED = "CLOCKLESS_GUARDED"  # environment: this process is a rank behind its guard
_RANKS = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")  # set by launchers
_PR_SET_PDEATHSIG = 1


def guarded() -> None:
    """Call this first, before MPI or anything heavy is imported. Started by a launcher, this process runs the same command
    again as a child, waits for it, and ends as it ended; in the child, and without a launcher, this returns at once.

    The wait has no limit of its own: ranks that live on but do not answer are seen by the other ranks.
    """
    rank = next((os.environ[name] for name in _RANKS if name in os.environ), None)
    parent = os.environ.pop(_GUARDED, None)
    if parent is not None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            os._exit(1)
        return
    if rank is None:
        return
    command = [sys.executable, *sys.orig_argv[1:]]
    child = subprocess.Popen(command, close_fds=False, env=os.environ | {_GUARDED: str(os.getpid())})
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: child.send_signal(received))
    code = child.wait()
    if code < 0 and -code not in (signal.SIGINT, signal.SIGTERM):
        print(
            f"rank {rank} was killed by {signal.Signals(-code).name}, which ends the job; "
            "the same command goes on from the snapshots.",
            file=sys.stderr,
            flush=True,
        )
        code = 2
    sys.exit(code if code >= 0 else 128 - code)
