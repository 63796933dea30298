"""Which training examples a step uses, and their moments: all of them, one, or a subset drawn anew in every step.

Each kind has its way from examples to what edges sense, by the pairs of `media.columns`. Examples are drawn by a clock,
just as units are: a mini-batch of b examples is `FixedFraction(b / B)` over the B examples of the training set.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from clockless.media.resistors.columns import add_example, add_two_pairs, combine_one_pair, pair_of_example, pairs_of_moments
from clockless.numerics.lanes import COMPILE_OPTIONS, compiled
from clockless.numerics.randomness import EXAMPLES, step_keys, unit_hash
from clockless.parts.clocks import choose
from clockless.parts.devices import compare, listen


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


def sense(batch, comparator, nudge, schedule, roles, columns, moments, lanes, step, scratch, sensed):
    """Write what every edge senses of the step's examples into `sensed` [edge, lane]. Compiled only.

    Without comparators that is the sum over examples of dV_C^2 - dV_F^2, in volts squared.
    """


@overload(sense, jit_options=COMPILE_OPTIONS)
def _sense(batch, comparator, nudge, schedule, roles, columns, moments, lanes, step, scratch, sensed):
    kind = getattr(batch, "instance_class", None)
    if kind is AllExamples:
        return _sense_all
    if kind is OneExample:
        return _sense_one
    if kind is SomeExamples:
        return _sense_some
    return None


def _sense_one(batch, comparator, nudge, schedule, roles, columns, moments, lanes, step, scratch, sensed):
    key = scratch.key
    step_keys(lanes.seed, lanes.replica, step, EXAMPLES, key)
    count = np.uint64(roles.x.shape[1])
    for w in range(roles.task.size):
        example = np.int64((np.uint64(unit_hash(0, key[0, w], key[1, w])) * count) >> np.uint64(32))
        task = roles.task[w]
        pair_of_example(roles.x[task, example], roles.y[task, example], nudge[w], columns, w)
    combine_one_pair(roles.columns, columns.potential, columns.coefficients, columns.sides)
    listen(comparator, lanes, step, key)
    sides = columns.sides
    for e in range(sensed.shape[0]):
        i = 2 * schedule.edge_from[e]
        j = 2 * schedule.edge_to[e]
        for w in range(sensed.shape[1]):
            difference = sides[j, w] - sides[i, w]  # `sides` hold minus the potentials
            total = sides[j + 1, w] - sides[i + 1, w]
            sensed[e, w] = compare(comparator, difference, total, e, key, w)


def _sense_some(batch, comparator, nudge, schedule, roles, columns, moments, lanes, step, scratch, sensed):
    step_keys(lanes.seed, lanes.replica, step, EXAMPLES, scratch.key)
    choose(batch.clock, batch.memory, step, scratch.key, batch.wanted, batch.chosen)
    moments.rx[:] = 0.0
    moments.rr[:] = 0.0
    for example in range(batch.chosen.shape[0]):
        for w in range(roles.task.size):
            if batch.chosen[example, w]:
                task = roles.task[w]
                add_example(roles.x[task, example], roles.y[task, example], columns.transfer, moments, w)
    sense_moments(nudge, schedule.edge_from, schedule.edge_to, roles.columns, columns, moments, sensed)


def _sense_all(batch, comparator, nudge, schedule, roles, columns, moments, lanes, step, scratch, sensed):
    moments_of_all(batch, columns.transfer, moments)
    sense_moments(nudge, schedule.edge_from, schedule.edge_to, roles.columns, columns, moments, sensed)


@compiled
def sense_moments(nudge, edge_from, edge_to, terms, columns, moments, sensed):
    """What edges sense of examples that are known by their moments."""
    count = pairs_of_moments(nudge, columns.source_currents, columns.output_currents, moments, columns.coefficients)
    q = columns.output_currents.shape[1]
    sensed[:] = 0.0
    for group in range((count + 1) // 2):
        add_two_pairs(edge_from, edge_to, terms, columns.potential, columns.coefficients, group * q, columns.sides, sensed)


@compiled
def moments_of_all(batch, q, moments):
    """C_rx = C_yx - Q C_xx and C_rr = C_yy - Q C_xy - C_rx Q^T, with the present transfer matrix `q`."""
    outputs, sources, lanes = moments.rx.shape
    for o in range(outputs):
        for s in range(sources):
            for w in range(lanes):
                moments.rx[o, s, w] = batch.yx[o, s, w]
            for k in range(sources):
                for w in range(lanes):
                    moments.rx[o, s, w] -= q[o, k, w] * batch.xx[k, s, w]
    for o in range(outputs):
        for other in range(outputs):
            for w in range(lanes):
                moments.rr[o, other, w] = batch.yy[o, other, w]
            for s in range(sources):
                for w in range(lanes):
                    moments.rr[o, other, w] -= q[o, s, w] * batch.yx[other, s, w] + moments.rx[o, s, w] * q[other, s, w]
