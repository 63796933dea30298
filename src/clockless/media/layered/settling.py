"""Layered nets settle a batch by block coordinate descent, single precision, compiled.

A sweep lets the layers 1, 3, .. (counted from 1, the outputs last) take the exact minimum of the energy in their nodes, then
the layers 2, 4, ..: nodes of one parity do not see one another, so each of the two blocks is exact, and the energy never
rises (arXiv 2402.11674). For node j with neighbours i, and a the amplifier of what lies below,

    v_j <- limited(drawn_j / total_j),    drawn_j = sum_i w_ij v_i + b_j + beta y_j,    total_j = sum_i w_ij + beta,

beta and y at outputs alone; limited to v >= 0 in the first half of a hidden layer and to v <= 0 in the second: ideal diodes
to ground. Conductances between two hidden layers are read once a sweep: as soon as four nodes of an odd layer have moved,
what they send on is added up. At -beta there is a minimum only while beta is below an output's sum of conductances: beyond,
voltages become NaN, and so the replica is marked. With exponential diodes a node's minimum is the root of an equation of its
own, which four steps of Newton's method find in single precision. `reference` holds the same equations to be read.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from clockless.media.layered.products import FOUR, LINE, ZERO, add, add_differences, dots, single
from clockless.parts.kernels import separate

_NONE = np.float32(np.nan)  # there is no minimum
_ALONE = np.float32(np.inf)  # in place of 0: a node that no conductance joins stays at 0
_ONE, _HALF = np.float32(1), np.float32(0.5)
_NEWTON = 4  # steps from within 0.3 of a root: 0.3, 0.05, 1e-3, 1e-6, 1e-12


class Settings(NamedTuple):
    """Numbers of the medium and the rule, single precision but for the sweeps."""

    gain: np.float32  # of inputs
    amplifier: np.float32  # of hidden layers, towards the layer above
    relaxation: np.float32  # 1: exact minima
    beta: np.float32
    centred: bool
    sweeps: int
    saturation: np.float32  # of the diodes, amperes; 0: ideal ones
    width: np.float32  # N V_t, volts


class Work(NamedTuple):
    """Room for a batch of examples and their pushed twins, as many again."""

    x: np.ndarray  # float32 [example, input]
    sent: np.ndarray  # float32 [example, first layer]: currents from the inputs
    y: np.ndarray  # float32 [example, output]
    push: np.ndarray  # float32 [2 example]: beta, -beta or 0
    sign: np.ndarray  # float32 [2 example]: of the twin in the contrast; 0 for examples that only fill up
    volts: np.ndarray  # float32 [2 example, node]
    drawn: np.ndarray  # float32 [2 example, node]: sums of currents
    total: np.ndarray  # float32 [node]: sums of conductances
    rate: np.ndarray  # float32 [2, node]: of conductances and of currents in this step; 0 where a unit does not act
    moved: np.ndarray  # float32 [example, widest layer]: difference of the twins, times rates
    squares: np.ndarray  # float32 [2, node]: half the difference of squares over examples; and the difference
    wanted: np.ndarray  # float32 [4, widest layer]
    factors: np.ndarray  # float32 [4, 4]
    rows: np.ndarray  # int64 [4]


def room(net: Any, most: int) -> Work:
    """Arrays for batches of at most `most` examples."""
    most = -(-most // FOUR) * FOUR
    nodes, inputs, wide = int(net.first[-1]), net.plus.shape[0], int(np.diff(net.first).max())

    def empty(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    return Work(
        empty(most, inputs), empty(most, net.plus.shape[1]), empty(most, nodes - int(net.first[-2])), empty(2 * most),
        empty(2 * most), empty(2 * most, nodes), empty(2 * most, nodes), empty(nodes), empty(2, nodes), empty(most, wide),
        empty(2, nodes), empty(FOUR, wide), empty(FOUR, FOUR), np.zeros(FOUR, np.int64),
    )  # fmt: skip


@single
def send(net, work, gain, count):
    """Currents from the inputs into the first layer; inputs that are 0 in four examples are not read."""
    x, factors = work.x, work.factors
    for m in range(count):
        for j in range(work.sent.shape[1]):
            work.sent[m, j] = ZERO
    for m in range(0, count, FOUR):
        waiting = 0
        for i in range(x.shape[1]):
            x0, x1, x2, x3 = x[m, i], x[m + 1, i], x[m + 2, i], x[m + 3, i]
            if x0 != ZERO or x1 != ZERO or x2 != ZERO or x3 != ZERO:
                work.rows[waiting] = i
                factors[0, waiting], factors[1, waiting] = gain * x0, gain * x1
                factors[2, waiting], factors[3, waiting] = gain * x2, gain * x3
                waiting += 1
            if waiting == FOUR or (waiting > 0 and i == x.shape[1] - 1):
                for b in range(waiting, FOUR):
                    for a in range(FOUR):
                        factors[a, b] = ZERO
                add_differences(work.sent, m, net.plus, net.minus, work.rows, factors)
                waiting = 0


@single
def totals(net, work, amplifier):
    """Sum of the conductances at every node, seen from there."""
    for j in range(work.total.size):
        total = net.below[j] + amplifier * amplifier * net.above[j]
        work.total[j] = _ALONE if total == ZERO else total


@single
def _begin(net, work, k, count, twins):
    """Currents into hidden layer k that no settling node sends: its own, and the inputs'."""
    first, size = net.first[k], (net.first[k + 1] - net.first[k]) // LINE * LINE
    bias = net.bias[first : first + size]
    for m in range(twins[0], twins[1]):
        drawn, sent = work.drawn[m, first : first + size], work.sent[m if m < count else m - count]
        if k == 0:
            for j in range(size):
                drawn[j] = bias[j] + sent[j]
        else:
            for j in range(size):
                drawn[j] = bias[j]


@single
def _from_outputs(net, work, settings, twins):
    """Add what the outputs send into the last hidden layer."""
    top = net.sizes.size - 1
    outputs, to, size = net.first[top], net.first[top - 1], net.first[top] - net.first[top - 1]
    for m in range(twins[0], twins[1], FOUR):
        for r in range(0, net.first[top + 1] - outputs, FOUR):
            for a in range(FOUR):
                for b in range(FOUR):
                    work.factors[a, b] = settings.amplifier * work.volts[m + a, outputs + r + b]
            add(work.drawn, m, to, net.out, r * size, size, work.factors)


@single
def _outputs(net, work, settings, count, twins):
    """The outputs take their minimum, with the push; returns the largest change."""
    top = net.sizes.size - 1
    first, below, end = net.first[top], net.first[top - 1], net.first[top + 1]
    size, change = first - below, ZERO
    for m in range(twins[0], twins[1]):
        example = m if m < count else m - count
        for j in range(end - first):
            work.drawn[m, first + j] = net.bias[first + j] + work.push[m] * work.y[example, j]
    for m in range(twins[0], twins[1], FOUR):
        for r in range(0, end - first, FOUR):
            dots(net.out, r * size, work.volts, m, below, size, settings.amplifier, work.drawn, first + r)
    for m in range(twins[0], twins[1]):
        for j in range(first, end):
            total = work.total[j] + work.push[m]
            step = settings.relaxation * (work.drawn[m, j] / (total if total > ZERO else _NONE) - work.volts[m, j])
            work.volts[m, j] += step
            change = max(change, abs(step))
    return change


@single
def _half(net, k):
    """Nodes of a hidden layer that are kept at 0 or above; the others are kept at 0 or below."""
    return (net.sizes[k] + 1) // 2


@single
def _moved(settings, v, drawn, total, first):
    """A node with an exponential diode after its turn, `first`: of the first half of its layer; see `reference.bent`."""
    if total == _ALONE:
        return ZERO
    side = -_ONE if first else _ONE
    linear = (side * drawn + settings.saturation) / total
    shift = math.log(total * settings.width / settings.saturation)
    z = linear / settings.width - shift
    y = min(z, _HALF * (z - _ONE)) if z < _ONE else min(_HALF * (z - _ONE), math.log(z))
    for _ in range(_NEWTON):
        grown = math.exp(y)
        y -= (grown + y - z) / (grown + _ONE)
    best = settings.width * (shift + y) if y > ZERO else linear - settings.width * math.exp(y)
    return v + settings.relaxation * (side * best - v)


@single
def _limit(net, work, settings, k, twins):
    """All nodes of hidden layer k take their minimum on their side of the diode."""
    first, end, half, relaxation = net.first[k], net.first[k + 1], _half(net, k), settings.relaxation
    total = work.total[first:end]
    if settings.saturation > ZERO:
        for m in range(twins[0], twins[1]):
            for j in range(first, end):
                work.volts[m, j] = _moved(settings, work.volts[m, j], work.drawn[m, j], work.total[j], j - first < half)
        return
    for m in range(twins[0], twins[1]):
        volts, drawn = work.volts[m, first:end], work.drawn[m, first:end]
        for j in range(half):
            v = volts[j] + relaxation * (drawn[j] / total[j] - volts[j])
            volts[j] = ZERO if v < ZERO else v  # in this order NaN stays what it is
        for j in range(half, end - first):
            v = volts[j] + relaxation * (drawn[j] / total[j] - volts[j])
            volts[j] = ZERO if v > ZERO else v


@single
def _limit_four(net, work, settings, k, m, r):
    """The same for nodes r to r + 3 of examples m to m + 3; `factors` becomes what they show the layer above."""
    half, first = _half(net, k), net.first[k]
    for a in range(FOUR):
        for b in range(FOUR):
            j = first + r + b
            v = work.volts[m + a, j]
            if settings.saturation > ZERO:
                v = _moved(settings, v, work.drawn[m + a, j], work.total[j], r + b < half)
            else:
                v += settings.relaxation * (work.drawn[m + a, j] / work.total[j] - v)
                if v < ZERO if r + b < half else v > ZERO:
                    v = ZERO
            work.volts[m + a, j] = v
            work.factors[a, b] = settings.amplifier * v


@single
def _lead(net, work, settings, k, twins, cold):
    """Hidden layer k, whose currents from elsewhere are known, moves by four nodes at a time and sends on what follows.

    `cold`: its hidden neighbours are still at 0.
    """
    hidden = net.sizes.size - 1
    for r in range(0, net.first[k + 1] - net.first[k], FOUR):
        for m in range(twins[0], twins[1], FOUR):
            for other in range(max(k - 1, 1), min(k + 2, hidden), 2):
                size = net.first[other + 1] - net.first[other]
                at = net.at[min(k, other)] + r * size
                if not cold:
                    dots(net.inner, at, work.volts, m, net.first[other], size, settings.amplifier, work.drawn,
                         net.first[k] + r)  # fmt: skip
            _limit_four(net, work, settings, k, m, r)
            for other in range(max(k - 1, 1), min(k + 2, hidden), 2):
                size = net.first[other + 1] - net.first[other]
                at = net.at[min(k, other)] + r * size
                add(work.drawn, m, net.first[other], net.inner, at, size, work.factors)


@single
def _sweep(net, work, settings, count, twins, first):
    """Odd layers move, then even ones; returns the largest change of an output.

    In the first sweep of a free phase all is still at 0; in that of a centred push both twins are still the same, and what
    the odd hidden layers do is computed once.
    """
    hidden, change = net.sizes.size - 1, ZERO
    alike = first and twins[1] - twins[0] > count
    for k in range(hidden):
        _begin(net, work, k, count, twins)
    for parity in range(2):
        if (hidden - 1) % 2 == parity:
            _from_outputs(net, work, settings, twins)
        for k in range(parity, hidden, 2):
            if parity == 1 or hidden == 1:
                _limit(net, work, settings, k, twins)
            else:
                _lead(net, work, settings, k, (0, count) if alike else twins, first and not alike and twins[0] == 0)
        if alike and parity == 0 and hidden > 1:
            _copied(net, work, count)
        if hidden % 2 == parity:
            change = _outputs(net, work, settings, count, twins)
    return change


@single
def _copied(net, work, count):
    """What hidden layers of the first twins have come to, to the second ones."""
    for m in range(count):
        for j in range(net.first[net.sizes.size - 1]):
            work.volts[count + m, j] = work.volts[m, j]
            work.drawn[count + m, j] = work.drawn[m, j]


@separate
def settle(net, work, settings, count, pushed, change):
    """All sweeps of `count` examples from 0, or, `pushed`, of their twins from the free states.

    Twins are at -beta and beta, or one at beta beside the free state. change[0] becomes the largest change of an output in
    the last sweep.
    """
    first, last = (0, count) if not pushed else (0 if settings.centred else count, 2 * count)
    for m in range(count):
        work.push[m] = -settings.beta if pushed and settings.centred else ZERO
        if pushed:
            work.push[count + m] = settings.beta
            for j in range(work.volts.shape[1]):
                work.volts[count + m, j] = work.volts[m, j]
        else:
            for j in range(work.volts.shape[1]):
                work.volts[m, j] = ZERO
    for sweep in range(settings.sweeps):
        change[0] = _sweep(net, work, settings, count, (first, last), sweep == 0)
