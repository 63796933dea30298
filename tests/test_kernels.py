"""Compiled code: found on disk by the next process, never when it is old; functions called by their address."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

import clockless as cl
from clockless import sources
from clockless.media.phases import relaxation
from clockless.media.resistors import engine
from clockless.parts import kernels, stages
from rigs import LIMIT

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


SEVERAL = """
import numpy as np
from clockless.parts.kernels import separate
from clockless.parts.packed import unpack

@separate
def double(packed, step):
    out, = unpack(packed)
    for k in range(out.size):
        out[k] *= 2.0

@separate
def add_step(packed, step):
    out, = unpack(packed)
    for k in range(out.size):
        out[k] += step
"""
TOGETHER = """
import sys, time
import numpy as np
from apart import several
from clockless.parts.packed import Packed
from clockless.parts.stages import Stage, Stages

out = np.ones(2)
stages = [Stage(several.double, Packed(out)), Stage(several.add_step, Packed(out), own=True)]
if "wait" in sys.argv:  # what is compiled here takes until the other process is done
    compile = several.add_step.compile
    def late(signature):
        end = time.monotonic() + LIMIT
        while not several.double.is_known(signature) and time.monotonic() < end:
            time.sleep(0.05)
        compile(signature)
    several.add_step.compile = late
if "alone" in sys.argv:
    sys.executable = "/bin/false"
if "nothing" in sys.argv:
    sys.executable = "/nowhere/python"
Stages(stages).run(1, 4)
print(out.tolist(), sum(several.double._dispatcher.stats.cache_hits.values()))
"""


@pytest.mark.parametrize(
    ("how", "elsewhere"), [("wait", 1), ("alone", 0), ("nothing", 0)], ids=["two-processes", "it-fails", "it-does-not-start"]
)
def test_a_second_process_compiles_what_is_not_of_a_users_parts(tmp_path, how, elsewhere):
    """((1 * 2 + 1) * 2 + 2) * 2 + 3 = 19. What the other process has compiled is found on disk here."""
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart" / "__init__.py").write_text("")
    (tmp_path / "apart" / "several.py").write_text(SEVERAL)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_NUM_THREADS": "2"}
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); LIMIT = {LIMIT}\n{TOGETHER}"
    done = subprocess.run(
        [sys.executable, "-c", program, how], env=environment, capture_output=True, text=True, check=False, timeout=2 * LIMIT
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"[19.0, 19.0] {elsewhere}\n"


def test_the_second_process_ends_with_the_first():
    """That is, with its standard input."""
    command = [sys.executable, "-c", "from clockless.parts.compiling import serve; serve(['clockless.parts.stages'])"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")


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
    for function in (stages.in_turn.py_func, relaxation.relax.py_func, engine.settle.function):
        assert function.__qualname__.endswith(sources.digest_of(function.__module__))
