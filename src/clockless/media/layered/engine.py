"""The compiled engine of layered nets: equilibrium propagation in single precision, one batch after another.

With the twins at +beta and -beta (or +beta and the free state, and 1 / beta in place of 1 / (2 beta)), and the energy of a
conductance between voltages x below and v above w (x - v)^2 / 2, of a current -b v,

    w <- max(w - rate / (2 beta) mean over examples of [(x - v)^2 / 2 at beta - the same at -beta], 0),
    b <- b + rate / (2 beta) mean over examples of [v at beta - v at -beta],

where x is the input times its gain, or the hidden voltage times the amplifier. Squares are opened, so that a row of
conductances is read and written once; the sums of conductances that settling divides by are added up on the way.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.media.layered.products import FOUR, LINE, ZERO, add_columns, single
from clockless.media.layered.settling import send, settle, totals
from clockless.parts.kernels import call, entry, separate

_HALF, _ONE = np.float32(0.5), np.float32(1)


class Seen(NamedTuple):
    """What was seen of free states since the last look."""

    counts: np.ndarray  # int64 [2]: examples, and those whose class was not shown
    sums: np.ndarray  # float64 [2]: mean cost of the last batch, and the largest last change of an output (V) in it
    change: np.ndarray  # float32 [1]: the same while computing


@single
def _differences(net, work, count, factor):
    """Half the difference of squares of every node, and its difference, over examples; currents change."""
    for j in range(work.total.size):
        work.squares[0, j] = work.squares[1, j] = ZERO
    for m in range(2 * count):
        sign = work.sign[m]
        for j in range(work.total.size):
            v = work.volts[m, j]
            work.squares[0, j] += _HALF * sign * v * v
            work.squares[1, j] += sign * v
    for j in range(work.total.size):
        net.bias[j] += factor * work.rate[1, j] * work.squares[1, j]


@single
def _learn_first(net, work, settings, count, factor):
    """Conductances from the inputs."""
    size, plus, minus = net.plus.shape[1] // LINE * LINE, net.plus, net.minus
    moved, below, down, x = work.moved, net.below, work.wanted, work.x
    for j in range(size):
        down[0, j] = factor * work.rate[0, j] * work.squares[0, j]
        below[j] = ZERO
    for m in range(count):
        sign = factor * settings.gain * work.sign[count + m]
        for j in range(size):
            moved[m, j] = sign * work.rate[0, j] * (work.volts[count + m, j] - work.volts[m, j])
    for i in range(plus.shape[0]):
        some = False
        for m in range(0, count, FOUR):
            x0, x1, x2, x3 = x[m, i], x[m + 1, i], x[m + 2, i], x[m + 3, i]
            if x0 == ZERO and x1 == ZERO and x2 == ZERO and x3 == ZERO:
                continue
            for j in range(size):
                up = x0 * moved[m, j] + x1 * moved[m + 1, j] + x2 * moved[m + 2, j] + x3 * moved[m + 3, j]
                down[1, j] = up + down[1, j] if some else up
            some = True
        if some:
            for j in range(size):
                a, b = plus[i, j] - down[0, j] + down[1, j], minus[i, j] - down[0, j] - down[1, j]
                a, b = ZERO if a < ZERO else a, ZERO if b < ZERO else b
                plus[i, j], minus[i, j] = a, b
                below[j] += a + b
        else:
            for j in range(size):
                a, b = plus[i, j] - down[0, j], minus[i, j] - down[0, j]
                a, b = ZERO if a < ZERO else a, ZERO if b < ZERO else b
                plus[i, j], minus[i, j] = a, b
                below[j] += a + b


@single
def _learn_between(net, work, settings, k, stored, at, lead, count, factor):
    """Conductances between layers k and k + 1, stored from `at` on with layer `lead` in rows."""
    follow = 2 * k + 1 - lead
    row, column, size = net.first[lead], net.first[follow], net.first[follow + 1] - net.first[follow]
    a, lower = settings.amplifier, lead == k
    row_scale, column_scale = (a * a, _ONE) if lower else (_ONE, a * a)
    # The upper node owns a conductance, so its rate counts; nodes that only fill up get none.
    rates, squares, wanted = work.moved[0], work.squares[0, column : column + size], work.wanted
    sums = net.below if lower else net.above
    for j in range(size):
        rates[j] = factor * (work.rate[0, column + j] if lower else net.real[column + j])
        sums[column + j] = ZERO
    for r in range(0, net.first[lead + 1] - row, FOUR):
        for p in range(FOUR):
            t, mine = row_scale * work.squares[0, row + r + p], wanted[p]
            for j in range(size // LINE * LINE):
                mine[j] = t + column_scale * squares[j]
        for m in range(0, 2 * count, FOUR):
            for p in range(FOUR):
                for q in range(FOUR):
                    work.factors[p, q] = -a * work.sign[m + q] * work.volts[m + q, row + r + p]
            add_columns(wanted, work.volts, m, column, size, work.factors)
        for p in range(FOUR):
            i = row + r + p
            rate, begin = net.real[i] if lower else work.rate[0, i], at + (r + p) * size
            total = _write(stored, begin, size, wanted, p, rates, rate, sums, column)
            if lower:
                net.above[i] = total
            else:
                net.below[i] = total


@single
def _write(stored, begin, size, wanted, p, rates, rate, sums, column):
    """A row of conductances changes; returns its sum, and adds it to the columns' sums."""
    mine, up, total = stored[begin : begin + size], wanted[p], ZERO
    below = sums[column : column + size]
    for j in range(size // LINE * LINE):
        w = mine[j] - rate * rates[j] * up[j]
        w = ZERO if w < ZERO else w
        mine[j] = w
        total += w
        below[j] += w
    return total


@separate
def change(net, work, settings, count, examples):
    """Change every conductance and current by the contrast of the twins."""
    factor = _ONE / (settings.beta * np.float32(examples))
    if settings.centred:
        factor *= _HALF
    _differences(net, work, count, factor)
    top = net.sizes.size - 1
    for k in range(top - 1):
        _learn_between(net, work, settings, k, net.inner, net.at[k], k if k % 2 == 0 else k + 1, count, factor)
    _learn_between(net, work, settings, top - 1, net.out, 0, top, count, factor)
    _learn_first(net, work, settings, count, factor)


# --- what Python calls ---------------------------------------------------------------------------------------------------


@single
def _take(work, x, y, chosen, begin, end):
    """Examples into the work's arrays, filled up to a multiple of four; returns how many there are then."""
    count = (end - begin + FOUR - 1) // FOUR * FOUR
    for m in range(count):
        real = m < end - begin
        example = chosen[begin + m] if real else 0
        for i in range(x.shape[1]):
            work.x[m, i] = np.float32(x[example, i]) if real else ZERO
        for j in range(y.shape[1]):
            work.y[m, j] = y[example, j] if real else ZERO
        work.sign[m], work.sign[count + m] = (-_ONE, _ONE) if real else (ZERO, ZERO)
    return count


@single
def _note(net, work, examples, seen, change):
    """Class and cost of the free states."""
    top = net.sizes.size - 1
    cost = 0.0
    for m in range(examples):
        shown = wanted = 0
        for j in range(net.sizes[top]):
            v = work.volts[m, net.first[top] + j]
            cost += 0.5 * (np.float64(v) - np.float64(work.y[m, j])) ** 2
            shown = j if v > work.volts[m, net.first[top] + shown] else shown
            wanted = j if work.y[m, j] > work.y[m, wanted] else wanted
        seen.counts[1] += shown != wanted
    seen.counts[0] += examples
    seen.sums[0], seen.sums[1] = cost / examples, change


@single
def _rates(net, work, factors, rate, acts, step):
    """Rates of this step: those of the nodes that act."""
    unit = 0
    for k in range(net.sizes.size):
        for j in range(net.first[k], net.first[k] + net.sizes[k]):
            on = rate if acts.shape[1] == 0 or acts[step, unit] else ZERO
            work.rate[0, j], work.rate[1, j] = on * factors[0, j], on * factors[1, j]
            unit += 1


def addresses(net: Any, work: Any, settings: Any, found: Any) -> tuple[int, int]:
    """Where the machine code of `settle` and `change` begins, for arguments of these types."""
    return settle.address(net, work, settings, 0, True, found), change.address(net, work, settings, 0, 0)


@entry
def learn(net, work, settings, addresses, examples, batches, rates, seen):
    """Learn from batches one after another.

    `examples` are (x float64 [example, input], y float32 [example, output]), `batches` (numbers of examples in a row, where
    each batch begins and the end), `rates` (rate float32 [batch], who acts bool [batch, unit] or [batch, 0] for all, factors
    float32 [2, node] of conductances and currents).
    """
    x, y = examples
    chosen, begins = batches
    rate, acts, factors = rates
    for step in range(begins.size - 1):
        begin, end = begins[step], begins[step + 1]
        if begin < end:
            count = _take(work, x, y, chosen, begin, end)
            send(net, work, settings.gain, count)
            totals(net, work, settings.amplifier)
            call(addresses[0], (net, work, settings, count, False, seen.change))
            _note(net, work, end - begin, seen, seen.change[0])
            call(addresses[0], (net, work, settings, count, True, seen.change))
            _rates(net, work, factors, rate[step], acts, step)
            call(addresses[1], (net, work, settings, count, end - begin))


@entry
def settled(net, work, settings, addresses, x, y, seen, states):
    """Free states float32 [example, node] of examples x; `seen` counts them."""
    most = work.x.shape[0]
    totals(net, work, settings.amplifier)
    chosen = np.arange(x.shape[0])
    for begin in range(0, x.shape[0], most):
        end = min(begin + most, x.shape[0])
        count = _take(work, x, y, chosen, begin, end)
        send(net, work, settings.gain, count)
        call(addresses[0], (net, work, settings, count, False, seen.change))
        _note(net, work, end - begin, seen, seen.change[0])
        for m in range(end - begin):
            unit = 0
            for k in range(net.sizes.size):
                for j in range(net.sizes[k]):
                    states[begin + m, unit] = work.volts[m, net.first[k] + j]
                    unit += 1
