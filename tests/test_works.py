"""What a loop does by address, without knowing the types of what it works on."""

from __future__ import annotations

import gc
import importlib
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import types
from numba.core.registry import cpu_target

import clockless as cl
from clockless.parts.kernels import stamp
from clockless.parts.packed import Opaque, Packed
from clockless.parts.stages import in_turn
from clockless.parts.value_types import type_of
from clockless.parts.works import NOTHING, Ready, Work, ready


class Sums(NamedTuple):
    add: Any  # (by)
    halve: Any  # nothing, or half of what there is


class Layout(NamedTuple):
    sums: Sums
    most: int


MODULE = """
from clockless.parts.kernels import do, separate
from clockless.parts.packed import unpack

@separate
def add(packed, by):
    total, amounts = unpack(packed)
    for k in range(amounts.size):
        total[0] += by * amounts[k]

@separate
def halve(packed):
    (total,) = unpack(packed)
    total[0] *= 0.5

@separate
def loop(packed, times):
    layout, done = unpack(packed)
    for k in range(min(times, layout.most)):
        do(layout.sums.add, (float(k),))
        if layout.sums.halve.address != 0:
            do(layout.sums.halve, ())
        done[0] += 1
"""


@pytest.fixture(scope="module")
def working(tmp_path_factory):
    """The module, in a package: its functions' versions are those of files."""
    folder = tmp_path_factory.mktemp("works")
    (folder / "working").mkdir()
    (folder / "working" / "__init__.py").write_text("")
    (folder / "working" / "summing.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module("working.summing")


def made(module: Any, total: np.ndarray, amounts: np.ndarray, most: int, done: np.ndarray, halves: bool = True) -> Work:
    halving = Work(module.halve, Packed(total)) if halves else None
    sums = Sums(Work(module.add, Packed(total, amounts), (0.0,)), halving)
    return ready(module.loop, Layout(sums, most), (done,), (0,))


def run(work: Work, times: int) -> None:
    """`in_turn` calls (packed, step)."""
    what = work.ready()
    in_turn(np.array([[what.address, what.values.address]], dtype=np.int64), times, times + 1)


@pytest.mark.parametrize(
    ("amounts", "halves", "expected"),
    [
        (np.array([1.0, 0.5]), False, 9.0),  # 1.5 (0 + 1 + 2 + 3)
        (np.array([2, 1]), True, 3 * 2.125),  # 3 x ((((0 + 1) / 2 + 2) / 2 + 3) / 2)
    ],
)
def test_a_loop_calls_what_it_knows_no_types_of(working, amounts, halves, expected):
    total, done = np.zeros(1), np.zeros(1, dtype=np.int64)
    work = made(working, total, amounts, 4, done, halves)
    run(work, 9)
    assert (total[0], done[0]) == (expected, 4)
    run(work, 2)
    assert done[0] == 6


def test_the_loop_is_compiled_once_and_its_works_for_their_types(working):
    for amounts in (np.ones(2), np.ones(2, dtype=np.int64), np.ones(3, dtype=np.float32)):
        made(working, np.zeros(1), amounts, 1, np.zeros(1, dtype=np.int64))
    assert len(working.loop._dispatcher.overloads) == 1
    assert len(working.add._dispatcher.overloads) == 3


def test_what_a_loop_works_on_lives_as_long_as_the_loop(working):
    total, done = np.zeros(1), np.zeros(1, dtype=np.int64)
    amounts = np.ones(1_000)
    alive, what = weakref.ref(amounts), made(working, total, amounts, 2, done, halves=False).ready()
    del amounts
    gc.collect()
    assert alive() is not None
    in_turn(np.array([[what.address, what.values.address]], dtype=np.int64), 2, 3)
    assert total[0] == 1_000.0
    del what
    gc.collect()
    assert alive() is None


def test_what_works_on_parts_of_ones_own_needs_their_stamp(working):
    """Or, after an edit of their file, the next process would find the old code."""
    total = np.zeros(1)
    with pytest.raises(TypeError, match="halve works on parts and has no stamp"):
        Work(working.halve, Packed(total), own=True)
    Work(working.halve, Packed(stamp("clockless.parts.clocks", cl.Bernoulli(0.5)), total), own=True)


def test_an_opaque_is_an_integer_and_a_packed_is_the_same_to_the_machine():
    packed = Packed(1.0, np.zeros(2))
    assert type_of(Opaque(packed)) == types.int64
    assert type_of(Ready(1, Opaque(packed))) == type_of(NOTHING)
    context = cpu_target.target_context
    for place in ("get_value_type", "get_argument_type"):
        assert getattr(context, place)(packed.kind) == getattr(context, place)(types.int64)
