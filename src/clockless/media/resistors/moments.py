"""Which training examples a step uses, and their moments: all of them, one, or a subset drawn anew in every step.

Each kind has its way from examples to what edges sense, by the pairs of `media.columns`. Examples are drawn by a clock,
just as units are: a mini-batch of b examples is `FixedFraction(b / B)` over the B examples of the training set.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.media.resistors.columns import (
    add_example,
    add_two_pairs,
    combine_one_pair,
    pair_of_example,
    pairs_of_moments,
)
from clockless.numerics.lanes import known, uncounted
from clockless.numerics.randomness import EXAMPLES, unit_hash
from clockless.numerics.rows import clear, copy, subtract_product
from clockless.parts.clocks import choose
from clockless.parts.comparators import compare, listen
from clockless.parts.kernels import separate
from clockless.parts.packed import Packed, unpack
from clockless.parts.stages import Stage, keys


class AllExamples(NamedTuple):
    """The full batch: the sums over examples are known before the first step, so their number costs nothing."""

    xx: np.ndarray  # [source, source, lane]
    yx: np.ndarray  # [output, source, lane]
    yy: np.ndarray  # [output, output, lane]


class OneExample(NamedTuple):
    """One example per step, each equally likely, drawn per replica."""

    lanes: int


class SomeExamples(NamedTuple):
    """The examples that a clock chooses."""

    clock: Any
    chosen: np.ndarray  # [example, lane] scratch
    memory: np.ndarray  # [slot, example, lane]
    wanted: np.ndarray  # [0, lane]: examples want nothing


def all_examples(x: np.ndarray, y: np.ndarray) -> AllExamples:
    """Moments of the training sets x [lane, example, source] and y [lane, example, output]."""
    return AllExamples(*(np.ascontiguousarray(np.einsum("wea,web->abw", a, b)) for a, b in ((x, x), (y, x), (y, y))))


def sensing(block: Any, stamp: np.ndarray) -> list[Stage]:
    """The stages that write what every edge senses of the step's examples into `scratch.wanted` [edge, lane].

    Without comparators that is the sum over examples of dV^2 at the pushed minus dV^2 at the free state, in volts squared,
    or half of that between both pushes. `block` is the engine's.
    """
    tile, schedule, parts, lanes, roles, _, scratch, columns, moments = block
    comparator, batch = parts[4].comparator, parts[7]
    ends, key, sensed = (schedule.edge_from, schedule.edge_to), scratch.key, scratch.wanted
    if isinstance(batch, AllExamples):
        return [Stage(sense_all, Packed(tile, ends, roles.columns, columns, moments, batch, sensed))]
    drawn = keys(lanes, EXAMPLES, key)
    if isinstance(batch, SomeExamples):
        choosing = Packed(stamp, batch.clock, batch.memory, key, batch.wanted, batch.chosen)
        return [
            drawn, Stage(choose_examples, choosing, own=True),
            Stage(sense_chosen, Packed(tile, ends, roles, columns, moments, batch.chosen, sensed)),
        ]  # fmt: skip
    return [
        drawn, Stage(combine_one, Packed(tile, roles, columns, key)),
        Stage(compare_one, Packed(stamp, tile, comparator, lanes, key, ends, columns.sides, sensed), own=True),
    ]  # fmt: skip


@separate
def choose_examples(packed, step):
    """The step's examples, chosen by a clock."""
    _, clock, memory, key, wanted, chosen = unpack(packed)
    choose(clock, memory, step, key, wanted, chosen)


@separate
def combine_one(packed, step):
    """Draw one example for every lane: minus the potentials of its one pair."""
    tile, roles, columns, key = unpack(packed)
    columns, key = known(tile, columns), known(tile, key)
    count = np.uint64(roles.x.shape[1])
    for w in range(key.shape[1]):
        example = np.int64((np.uint64(unit_hash(0, key[0, w], key[1, w])) * count) >> np.uint64(32))
        task = roles.task[w]
        for s in range(columns.volts.shape[0]):
            columns.volts[s, w] = roles.x[task, example, s]
        for o in range(columns.residual.shape[0]):
            columns.residual[o, w] = roles.y[task, example, o]
    pair_of_example(tile, columns)
    combine_one_pair(tile, roles.columns, columns.potential, columns.coefficients, columns.sides)


@separate
def compare_one(packed, step):
    """What edges sense of one example, as the device's comparators hear it."""
    _, tile, comparator, lanes, key, ends, sides, sensed = unpack(packed)
    key, sides, sensed = known(tile, key), known(tile, sides), known(tile, sensed)
    listen(comparator, lanes, step, key)
    edge_from, edge_to = ends
    for e in range(sensed.shape[0]):
        i = 2 * edge_from[e]
        j = 2 * edge_to[e]
        for w in range(sensed.shape[1]):
            difference = sides[j, w] - sides[i, w]  # `sides` hold minus the potentials
            total = sides[j + 1, w] - sides[i + 1, w]
            sensed[e, w] = compare(comparator, difference, total, e, key, w)


@separate
def sense_all(packed, step):
    """What edges sense of all examples."""
    tile, ends, terms, columns, moments, batch, sensed = unpack(packed)
    columns, moments, batch = known(tile, columns), known(tile, moments), known(tile, batch)
    moments_of_all(tile, batch, columns.transfer, moments)
    _sense_moments(tile, ends, terms, columns, moments, known(tile, sensed))


@separate
def sense_chosen(packed, step):
    """What edges sense of the examples that are `chosen` [example, lane]."""
    tile, ends, roles, columns, moments, chosen, sensed = unpack(packed)
    columns, moments = known(tile, columns), known(tile, moments)
    outputs, sources, _ = moments.rx.shape
    clear(moments.rx, 0, outputs * sources)
    clear(moments.rr, 0, outputs * outputs)
    for example in range(chosen.shape[0]):
        for w in range(moments.rx.shape[2]):
            if chosen[example, w]:
                task = roles.task[w]
                add_example(roles.x[task, example], roles.y[task, example], columns.transfer, moments, w)
    _sense_moments(tile, ends, roles.columns, columns, moments, known(tile, sensed))


@uncounted
def _sense_moments(tile, ends, terms, columns, moments, sensed):
    """What edges sense of examples that are known by their moments."""
    count = pairs_of_moments(tile, columns, moments)
    q = columns.output_currents.shape[1]
    clear(sensed, 0, sensed.shape[0])
    for group in range((count + 1) // 2):
        add_two_pairs(tile, ends[0], ends[1], terms, columns, group * q, sensed)


@uncounted
def moments_of_all(tile, batch, q, moments):
    """C_rx = C_yx - Q C_xx and C_rr = C_yy - Q C_xy - C_rx Q^T, with the present transfer matrix `q`."""
    outputs, sources, lanes = moments.rx.shape
    for o in range(outputs):
        for s in range(sources):
            copy(tile, moments.rx, o * sources + s, batch.yx, o * sources + s)
            for k in range(sources):
                subtract_product(tile, moments.rx, o * sources + s, q, o * sources + k, batch.xx, k * sources + s)
    for o in range(outputs):
        for other in range(outputs):
            copy(tile, moments.rr, o * outputs + other, batch.yy, o * outputs + other)
            for s in range(sources):
                for w in range(lanes):
                    moments.rr[o, other, w] -= q[o, s, w] * batch.yx[other, s, w] + moments.rx[o, s, w] * q[other, s, w]
