"""The compiled learning loop of circuits: one block of replicas, from one step to another.

A step of a block is: for each of its examples a free and a pushed state and what the edges sense of them; then what every
edge wants, which act, what the device writes (`learning.unit_lanes`, as of resistors). Settling is compiled apart from
learning and called by address, so a new clock, rule or device compiles a short loop, and a new law compiles itself alone.

The readable version of the same equations is `reference.learn`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.core import types
from numba.extending import overload

from clockless.learning.unit_lanes import Memory, Noted, signal_of
from clockless.numerics.lanes import UNCOUNTED, known
from clockless.numerics.randomness import CLOCK, THERMAL, normal, step_keys, uniform
from clockless.numerics.rows import clear
from clockless.parts.clocks import LEAK
from clockless.parts.comparators import Ideal, compare, listen
from clockless.parts.kernels import call, entry
from clockless.parts.packed import unpack
from clockless.parts.part import behaviour, part


class Lanes(NamedTuple):
    """Who the replicas of a block are: the words that their random numbers are hashed from."""

    seed: np.ndarray  # uint64 [lane]
    replica: np.ndarray  # uint64 [lane]


class State(NamedTuple):
    """What the next step needs, besides warm states."""

    value: np.ndarray  # [unit, lane] what learns
    memory: Memory  # of the parts
    actions: np.ndarray  # [unit, lane] updates so far


class Scratch(NamedTuple):
    """Arrays of a block that hold nothing from one step to the next."""

    conductance: np.ndarray  # [unit, lane] the values: signals need no conductance here
    wanted: np.ndarray  # [unit, lane]
    acts: np.ndarray  # bool [unit, lane]
    key: np.ndarray  # uint32 [2, lane]
    noted: Noted


class Layout(NamedTuple):
    """Where the separately compiled parts of a block's loop begin."""

    example: int  # address of `states.settle_example`
    contrast: int  # of `states.contrast_all`
    sensors: np.ndarray  # [group]
    learning: np.ndarray  # [stage, 2] what is done with what edges sense, see `parts.stages`


@part
class Sensed:
    """What an edge senses is its signal."""


@behaviour(signal_of, Sensed)
def _signal_itself(medium: Any, conductance: float, sensed: float) -> float:
    return sensed


def heard(comparator, layout, compared, edges, key):
    """Add what edges sense of the example that was settled; by the type of the comparator. Compiled only.

    `compared` is what `states.contrast` works on, `edges` are the numbers of those that learn.
    """


@overload(heard, jit_options=UNCOUNTED)
def _heard(comparator, layout, compared, edges, key):
    if getattr(comparator.instance_class, "_part", None) is Ideal:

        def exactly(comparator, layout, compared, edges, key):
            call(layout.contrast, (layout.sensors, compared))

        return exactly

    def read(comparator, layout, compared, edges, key):
        tile, wires, _, _, found, sensed = unpack(compared)
        found, sensed = known(tile, found), known(tile, sensed)
        free, pushed, good = found.free, found.pushed, found.good
        for u in range(edges.size):
            e = edges[u]
            i, j, ga, gb = wires.a[e], wires.b[e], wires.gain_a[e], wires.gain_b[e]
            for w in range(sensed.shape[1]):
                here, there = ga * free[i, w] - gb * free[j, w], ga * pushed[i, w] - gb * pushed[j, w]
                signal = 0.5 * compare(comparator, there - here, there + here, u, key, w)
                sensed[u, w] += signal if good[w] > 0.0 else 0.0

    return read


def leave_out(clock, lanes, step, key, there, edges):
    """Write what part of its current each edge that learns carries in this step, if the clock leaves any out."""


@overload(leave_out, jit_options=UNCOUNTED)
def _leave_out(clock, lanes, step, key, there, edges):
    if isinstance(clock, types.NoneType):
        return lambda clock, lanes, step, key, there, edges: None

    def absent(clock, lanes, step, key, there, edges):
        step_keys(lanes.seed, lanes.replica, step, CLOCK, key)
        for u in range(edges.size):
            for w in range(key.shape[1]):
                there[edges[u], w] = 1.0 if uniform(u, key[0, w], key[1, w]) < clock.p[w] else LEAK

    return absent


class Heat(NamedTuple):
    """How far settled voltages fluctuate, and what their numbers are hashed from."""

    volts: np.ndarray  # [row]
    node: np.ndarray  # [row]
    key: np.ndarray  # uint32 [2, lane]


def kindle(heat, lanes, step):
    """Draw what the step's fluctuations are hashed from."""


@overload(kindle, jit_options=UNCOUNTED)
def _kindle(heat, lanes, step):
    if isinstance(heat, types.NoneType):
        return lambda heat, lanes, step: None
    return lambda heat, lanes, step: step_keys(lanes.seed, lanes.replica, step, THERMAL, heat.key)


def shaken(heat, roles, push, found, draw):
    """Add a sample of their fluctuations to the two states that are compared, at the rows that are not held.

    `draw` numbers the examples of a step, from 0.
    """


@overload(shaken, jit_options=UNCOUNTED)
def _shaken(heat, roles, push, found, draw):
    if isinstance(heat, types.NoneType):
        return lambda heat, roles, push, found, draw: None

    def shake(heat, roles, push, found, draw):
        base, pushed = found.back if push.centred else found.free, found.pushed
        free = roles.clamped if push.clamps else roles.free
        rows = base.shape[0]
        for i in range(rows):
            for w in range(base.shape[1]):
                unit = 2 * (draw * rows + heat.node[i])
                base[i, w] += heat.volts[i] * roles.free[i, w] * normal(unit, heat.key[0, w], heat.key[1, w])
                pushed[i, w] += heat.volts[i] * free[i, w] * normal(unit + 1, heat.key[0, w], heat.key[1, w])

    return shake


def _advance(packed, first, last):
    """Run steps `first` to `last` (not included) of one block.

    `packed` holds stamp, tile, layout, what `states.settle_example` works on, what `states.contrast` works on, edges (their
    numbers, and what part of its current each carries), the clock if it leaves edges out, comparator, heat if there is any,
    lanes, (wanted, key), and for how many steps examples are drawn.
    """
    _, tile, layout, example, compared, edges, absent, comparator, heat, lanes, scratch, chunk = unpack(packed)
    _, roles, push, _, found, drawn = unpack(example)
    learning, there = edges
    wanted, key = known(tile, scratch)
    draws = drawn.shape[0] // chunk
    for step in range(first, last):
        clear(wanted, 0, wanted.shape[0])
        leave_out(absent, lanes, step, key, there, learning)
        listen(comparator, lanes, step, key)
        kindle(heat, lanes, step)
        at = min(step - first, chunk - 1)  # of the full batch, all steps are alike
        for j in range(draws):
            call(layout.example, (example, at * draws + j))
            shaken(heat, roles, push, found, j)
            heard(comparator, layout, compared, learning, key)
        for k in range(layout.learning.shape[0]):
            call(layout.learning[k, 0], (layout.learning[k, 1], step))


advance = entry(_advance, _nrt=False)
