"""What compiling adds to the first use of a combination: a fresh process with an empty cache against one that finds it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from measuring import store

SECONDS = 3.0
PROGRAM = """
import time
import clockless as cl

network = cl.networks.packing()
task = cl.tasks.regression(network)

def first(**parts):
    start = time.perf_counter()
    cl.train(cl.Resistors(network), task, rule=cl.CoupledLearning(0.1, 0.3), seeds=50, steps=1, **parts)
    return time.perf_counter() - start

print(first(clock=cl.Bernoulli(0.5)), first(clock=cl.FixedFraction(0.5)))
"""


def _seconds(cache: str, threads: str = "2") -> list[float]:
    """How long the first and the second combination take."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "NUMBA_NUM_THREADS": threads}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def _compiling(threads: str = "2") -> list[float]:
    with tempfile.TemporaryDirectory() as cache:
        cold = _seconds(cache, threads)
        return [slow - quick for slow, quick in zip(cold, _seconds(cache, threads), strict=True)]


def test_first_use_of_a_combination(benchmark):
    benchmark.pedantic(_compiling, rounds=1)
    first, second = min(_compiling() for _ in range(3))
    store(benchmark, "compiling, first combination", "2 cores", first, _compiling("1")[0], "in one process")
    assert first <= SECONDS
    assert second <= SECONDS
