"""Units on a SLURM cluster: one job whose tasks each work on the store, without a scheduler of their own.

The job is requeued when a node fails, a dead task does not end the others, and after a cancelled one the same command goes
on.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from clockless.errors import ClusterError
from clockless.store import Store

_SCRIPT = """\
#!/bin/bash
# Works on the store {path}; submit it again to go on after a limit of time or a cancelled job.
#SBATCH --job-name=clockless
#SBATCH --ntasks={tasks}
#SBATCH --cpus-per-task=1
#SBATCH --output={path}/slurm-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
export NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
srun --kill-on-bad-exit=0 --wait=0 {python} -m clockless.workers {path} slurm-$SLURM_JOB_ID
"""


def script(store: Store, tasks: int) -> Path:
    """Write STORE/job.sbatch, which any options of sbatch may be added to."""
    path = store.path / "job.sbatch"
    text = _SCRIPT.format(path=store.path.resolve(), tasks=tasks, python=sys.executable)
    path.write_text(text, encoding="utf-8")
    return path


def submit(store: Store, tasks: int) -> str:
    """Submit that job; returns its number.

    Raises:
        ClusterError: there is no sbatch here, or it refuses.
    """
    path = script(store, tasks)
    if shutil.which("sbatch") is None:
        raise ClusterError(f"there is no sbatch on this machine; copy {path} to where there is one, or leave --slurm out.")
    said = subprocess.run(["sbatch", "--parsable", str(path)], capture_output=True, text=True, timeout=60, check=False)
    if said.returncode != 0:
        raise ClusterError(f"sbatch refused {path} ({' '.join(said.stderr.split())}); mend it and submit it yourself.")
    number = said.stdout.strip().split(";")[0]
    store.journal.tell("submitted", job=number, tasks=tasks)
    return number
