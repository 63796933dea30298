"""Which training examples a step uses, and their moments: all of them, one, or a subset drawn anew in every step.

Each kind writes the coefficients of `media.columns` and returns the number of pairs. Examples are drawn by a clock, just as
units are: a mini-batch of b examples is `FixedFraction(b / B)` over the B examples of the training set.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from clockless.clocks import choose
from clockless.lanes import COMPILE_OPTIONS, compiled
from clockless.media.columns import add_example, pair_of_example, pairs_of_moments
from clockless.randomness import EXAMPLES, step_keys, unit_hash


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


def pairs(batch, nudge, roles, columns, moments, lanes, step, key):
    """Write the pairs of the examples of `step`; returns their number. Compiled only."""


@overload(pairs, jit_options=COMPILE_OPTIONS)
def _pairs(batch, nudge, roles, columns, moments, lanes, step, key):
    kind = getattr(batch, "instance_class", None)
    if kind is AllExamples:
        return _pairs_of_all
    if kind is OneExample:
        return _pair_of_one
    if kind is SomeExamples:
        return _pairs_of_some
    return None


def _pairs_of_all(batch, nudge, roles, columns, moments, lanes, step, key):
    moments_of_all(batch, columns.transfer, moments)
    return pairs_of_moments(nudge, columns.source_currents, columns.output_currents, moments, columns.coefficients)


def _pair_of_one(batch, nudge, roles, columns, moments, lanes, step, key):
    step_keys(lanes.seed, lanes.replica, step, EXAMPLES, key)
    count = np.uint64(roles.x.shape[1])
    for w in range(roles.task.size):
        example = np.int64((np.uint64(unit_hash(0, key[0, w], key[1, w])) * count) >> np.uint64(32))
        task = roles.task[w]
        pair_of_example(roles.x[task, example], roles.y[task, example], nudge[w], columns, w)
    return 1


def _pairs_of_some(batch, nudge, roles, columns, moments, lanes, step, key):
    step_keys(lanes.seed, lanes.replica, step, EXAMPLES, key)
    choose(batch.clock, batch.memory, step, key, batch.wanted, batch.chosen)
    moments.rx[:] = 0.0
    moments.rr[:] = 0.0
    for example in range(batch.chosen.shape[0]):
        for w in range(roles.task.size):
            if batch.chosen[example, w]:
                task = roles.task[w]
                add_example(roles.x[task, example], roles.y[task, example], columns.transfer, moments, w)
    return pairs_of_moments(nudge, columns.source_currents, columns.output_currents, moments, columns.coefficients)


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
