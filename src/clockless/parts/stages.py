"""A step as a list of stages: functions compiled and kept one by one, called in turn by their addresses.

A stage is a `separate` function `(packed, step)` with the `Packed` values that it works on, which it shares with other
stages as arrays. So a stage is compiled once for the types of its own values: of all that a learning step does, a new
combination of parts compiles only what its parts decide, and the loop over steps is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import types

from clockless.numerics.randomness import step_keys
from clockless.parts.compiling import compile_all
from clockless.parts.kernels import call, entry, separate
from clockless.parts.packed import Packed, unpack


class Stage(NamedTuple):
    """A function and its values."""

    function: separate
    values: Packed
    own: bool = False  # whether its types may be of parts that are not the package's: then it is compiled here

    @property
    def signature(self) -> tuple[Any, ...]:
        """The types of its arguments."""
        return self.values.kind, types.int64


class Stages:
    """Stages of a step, in the order in which it goes through them, ready to run."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._kept = list(stages)  # or the values would be gone before they are read
        compile_all([(stage.function, stage.signature, stage.own) for stage in stages])
        self.table = np.array([[s.function.address_of(s.signature), s.values.address] for s in stages], dtype=np.int64)

    def run(self, first: int, last: int) -> None:
        """Go through all stages at every step from `first` to `last` (not included)."""
        in_turn(self.table, first, last)


def _in_turn(stages, first, last):
    """Call `stages` [stage, (address, values)] at every step."""
    for step in range(first, last):
        for k in range(stages.shape[0]):
            call(stages[k, 0], (stages[k, 1], step))


in_turn: Any = entry(_in_turn, _nrt=False)


@separate
def draw_keys(packed, step):
    """The step's key words of every lane: `packed` holds seeds, replicas, purpose, key."""
    seed, replica, purpose, key = unpack(packed)
    step_keys(seed, replica, step, np.uint64(purpose), key)


def keys(lanes: Any, purpose: np.uint64, key: np.ndarray) -> Stage:
    """The stage that draws what the random numbers of a step are hashed from, for one purpose, into `key`."""
    return Stage(draw_keys, Packed(lanes.seed, lanes.replica, int(purpose), key))
