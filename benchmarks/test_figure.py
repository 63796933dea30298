"""Fig. 1b of Wycoff et al. 2022 (doi 10.1063/5.0084631) whole, as a person meets it first.

50 tasks x 5 values of p x 20,000 steps from the command line: a fresh process on two threads with an empty cache of
compiled code, so start, compilation, claims and drawing are included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import clockless as cl
from clockless import networks, tasks
from measuring import fastest, store
from naive import NaiveLearner

REPLICA_STEPS = 50 * 5 * 20_000
SECONDS = 10.0
MEGABYTES = 500.0
COMMAND = ["-m", "clockless", "reproduce", "desynchronous", "--figure", "1b", "--pairs", "1", "--threads", "2"]
# Linux counts the memory of the process that starts a child as the child's; pytest's would hide the figure's own.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=sys.stderr)
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)
"""


def _reproduce() -> tuple[float, list[Path]]:
    """Peak memory in megabytes, and the files written."""
    with tempfile.TemporaryDirectory() as folder:
        out, cache = Path(folder, "out"), Path(folder, "cache")
        command = [sys.executable, "-c", LAUNCHER, sys.executable, *COMMAND, "--out", str(out)]
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
        environment |= {"NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": ""}  # as in a person's shell
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        code, megabytes = done.stdout.split()
        assert code == "0", done.stderr
        assert any(cache.rglob("*.nbc")), "the cache was not the empty one"
        return float(megabytes), [path for path in out.rglob("*") if path.is_file()]


def test_figure_1b(benchmark):
    megabytes, files = benchmark.pedantic(_reproduce, rounds=1)
    seconds = benchmark.stats.stats.min
    network = networks.packing()
    naive = NaiveLearner(cl.Resistors(network), tasks.regression(network), cl.CoupledLearning(0.1, 0.3), 0.5)
    extrapolated = fastest(naive.step, 1000) * REPLICA_STEPS
    store(
        benchmark, "Fig. 1b from the command line, first start", "5,000,000 replica-steps; 2 threads", seconds, extrapolated,
        "NumPy, dense solves, 1 thread, extrapolated", megabytes=megabytes,
    )  # fmt: skip
    assert {".pdf", ".csv"} <= {path.suffix for path in files}
    assert seconds <= SECONDS
    assert megabytes < MEGABYTES
