"""Functions that are compiled on their own: called by their address, found on disk by the next process."""

from __future__ import annotations

import os
import subprocess
import sys

MODULE = """
from typing import NamedTuple
import numpy as np
from numba import njit
from clockless.parts.separate import call, separate

class Numbers(NamedTuple):
    first: np.ndarray

@separate
def add_to(out, numbers):
    for k in range(out.size):
        out[k] += numbers.first[k]

@njit(cache=True)
def twice(address, out, numbers):
    for _ in range(2):
        call(address, (out, numbers))
"""
RUN = """
import numpy as np
import separated

out, numbers = np.zeros(3), separated.Numbers(np.arange(3.0))
separated.twice(separated.add_to.address(out, numbers), out, numbers)
print(out.tolist(), sum(separated.add_to._dispatcher.stats.cache_hits.values()))
print(sum(separated.twice.stats.cache_hits.values()))
"""


def test_the_next_process_finds_both_on_disk(tmp_path):
    (tmp_path / "separated.py").write_text(MODULE)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    outputs = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout.split("\n"))
    assert outputs[0][:2] == ["[0.0, 2.0, 4.0] 0", "0"]
    assert outputs[1][:2] == ["[0.0, 2.0, 4.0] 1", "1"]
