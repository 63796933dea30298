"""A store on a SLURM cluster: one SLURM job whose tasks each work on it, without a scheduler of their own.

The job is requeued when a node fails, a dead task does not end the others, and after a cancelled one the same command goes
on.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

from clockless import disk
from clockless.errors import ClusterError, printable
from clockless.stores.frame import on_disk
from clockless.stores.locks import check_locks
from clockless.stores.store import Store
from clockless.workers.loop import CHECKPOINT_SECONDS, mend

_SCRIPT = """\
#!/bin/bash
# Works on the store {quoted}; submit it again to go on after a limit of time or a cancelled job.
#SBATCH --job-name=clockless
#SBATCH --ntasks={tasks}
#SBATCH --cpus-per-task=1
#SBATCH --output={log}
#SBATCH --open-mode=append
#SBATCH --requeue
export NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
srun --kill-on-bad-exit=0 --wait=0 \\
    {python} -P -m clockless.workers.processes {quoted} "slurm-$SLURM_JOB_ID" {checkpoint_seconds:g}{trust}
"""


def script(store: Store, tasks: int, checkpoint_seconds: float = CHECKPOINT_SECONDS) -> Path:
    """Write STORE/job.sbatch, which any options of sbatch may be added to.

    Raises:
        ClusterError: the store's path holds what no line of a script can quote.
        StoreError: the job's log would be written elsewhere, by a link.
    """
    path = store.path / "job.sbatch"
    whole = str(store.path.resolve())
    if printable(whole) != whole or '"' in whole or "\\" in whole:
        raise ClusterError(
            f"the path {printable(whole)} holds a line break, another control character, a double quote or a backslash, "
            "which a job script cannot name safely; move the store to a plain path."
        )
    for log in store.path.glob("slurm-*.log"):
        os.close(disk.opened(log))
    text = _SCRIPT.format(
        quoted=shlex.quote(whole), python=shlex.quote(sys.executable), tasks=tasks,
        log='"' + whole.replace("%", "%%") + '/slurm-%j.log"', checkpoint_seconds=checkpoint_seconds,
        trust=" --trust" if store.trusting else "",
    )  # fmt: skip
    with on_disk(store.path):
        disk.write(path, text)
    return path


def submit(store: Store, tasks: int, checkpoint_seconds: float = CHECKPOINT_SECONDS) -> str:
    """Submit that job, whose tasks compute what is missing or damaged; returns its number.

    Raises:
        ClusterError: there is no sbatch here, or it refuses.
    """
    store.check_before_computing()
    if unsafe := check_locks(store.path):
        warnings.warn(unsafe, stacklevel=2)
    path = script(store, tasks, checkpoint_seconds)
    if shutil.which("sbatch") is None:
        raise ClusterError(f"there is no sbatch on this machine; copy {path} to where there is one, or leave --slurm out.")
    mend(store)
    try:
        said = subprocess.run(["sbatch", "--parsable", str(path)], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise ClusterError(
            f"sbatch gives no answer in 60 s; see whether `squeue` does, then submit {path} yourself."
        ) from None
    if said.returncode != 0:
        raise ClusterError(f"sbatch refused {path} ({' '.join(said.stderr.split())}); mend it and submit it yourself.")
    number = said.stdout.strip().split(";")[0]
    store.journal.tell("submitted", job=number, tasks=tasks)
    return number
