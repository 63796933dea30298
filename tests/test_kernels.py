"""Compiled code: found on disk by the next process, never when it is old; functions called by their address."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import clockless as cl
from clockless import sources
from clockless.media.phases import relaxation
from clockless.media.resistors import engine
from clockless.parts import kernels

MODULE = """
from typing import NamedTuple
import numpy as np
from numba import njit
from clockless.parts.kernels import call, separate

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
from apart import separated

out, numbers = np.zeros(3), separated.Numbers(np.arange(3.0))
separated.twice(separated.add_to.address(out, numbers), out, numbers)
print(out.tolist(), sum(separated.add_to._dispatcher.stats.cache_hits.values()))
print(sum(separated.twice.stats.cache_hits.values()))
"""


def test_the_next_process_finds_both_on_disk(tmp_path):
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart" / "__init__.py").write_text("")
    (tmp_path / "apart" / "separated.py").write_text(MODULE)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    outputs = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout.split("\n"))
    assert outputs[0][:2] == ["[0.0, 2.0, 4.0] 0", "0"]
    assert outputs[1][:2] == ["[0.0, 2.0, 4.0] 1", "1"]


LATE = """
from clockless.parts import part


@part
class Late:
    def acts(self, unit):
        return unit.step > {}
"""


def test_an_edited_part_is_another_signature(tmp_path, monkeypatch):
    """The stamp's type follows the text of the file that a part's class stands in; numbers of parts do not count."""
    types = []
    for number in (1, 2, 1):
        folder = tmp_path / str(len(types))
        folder.mkdir()
        (folder / "late_clock.py").write_text(LATE.format(number))
        monkeypatch.syspath_prepend(str(folder))
        sys.modules.pop("late_clock", None)
        types.append(kernels.stamp(engine.__name__, importlib.import_module("late_clock").Late()).dtype)
    sys.modules.pop("late_clock")
    assert types[0] == types[2] != types[1]
    one, other = cl.Bernoulli(0.1), cl.Bernoulli(0.9)
    assert kernels.stamp(engine.__name__, one).dtype == kernels.stamp(engine.__name__, other).dtype
    assert kernels.stamp(engine.__name__, one).dtype != kernels.stamp("clockless.errors", one).dtype


def test_every_entry_says_its_version():
    """So an index of another version, which may name types that are gone, is never read."""
    for function in (engine.advance, relaxation.relax):
        module = function.py_func.__module__
        assert function.py_func.__qualname__.endswith(sources.digest_of(module))
