"""The states of a step's examples in lanes: free and pushed, each from where that example's was found before.

A clamp holds outputs at V_F + nudge (y - V_F); a nudge joins them to sources at y by a conductance, which is negative on
the way back of a centred one. With differential outputs y is replaced by the pair's mean and half of the wanted difference,
so that the pair is pushed apart or together and its mean left alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clockless.media.circuits.kinds import AnyLaw, contrasted, numbers_of
from clockless.media.circuits.newton import Pull
from clockless.numerics.lanes import known, standing, zeros
from clockless.parts.kernels import call, separate
from clockless.parts.packed import unpack


class Roles(NamedTuple):
    """Which rows are held in every lane, and the examples."""

    free: np.ndarray  # [row, lane] 1 where a row is not held in the free state, else 0
    clamped: np.ndarray  # [row, lane] the same with the outputs held, too
    inputs: np.ndarray  # [input, lane] rows
    fixed: np.ndarray  # [fixed, lane] rows of grounds and rails
    volts: np.ndarray  # [fixed, lane]
    outputs: np.ndarray  # [output, lane] rows
    task: np.ndarray  # [lane]
    x: np.ndarray  # [task, example, input] volts
    y: np.ndarray  # [task, example, output] volts
    differential: int  # 0 or 1


class Push(NamedTuple):
    """How outputs are pushed."""

    pushes: int  # 0 or 1; 0 where the free state is all that is asked for
    clamps: int  # 0 or 1
    centred: int
    nudge: np.ndarray  # [lane]
    apart: np.ndarray  # [unit, lane] what the pushed twin has more of what is learned; no rows if twins are alike
    kept: np.ndarray  # of the same shape: what is learned, while the pushed twin settles


class Warm(NamedTuple):
    """Where examples' states were found last, NaN where they were not yet: from there the next solve begins.

    A large training set shares one place.
    """

    free: np.ndarray  # [example, row, lane] volts
    pushed: np.ndarray
    back: np.ndarray


class Found(NamedTuple):
    """The states of an example, and what became of all solves so far."""

    free: np.ndarray  # [row, lane] volts
    pushed: np.ndarray
    back: np.ndarray
    wanted: np.ndarray  # [output, lane] targets, volts
    good: np.ndarray  # [lane] 1 where all of them settled
    solves: np.ndarray  # [lane] so far
    iterations: np.ndarray  # [lane] so far
    unsettled: np.ndarray  # [lane] so far


@standing
def begin(roles, examples, warm, fallback, volts, near, reach):
    """Place `volts` where a solve begins: at the warm state, or where there is none at the fallback; held rows are set.

    `reach` [lane], what the first step may be, becomes `near` at warm states.
    """
    for w in range(volts.shape[1]):
        example = max(examples[w], 0)
        at = example % warm.shape[0]
        cold = warm[at, 0, w] != warm[at, 0, w]
        reach[w] = np.inf if cold else near
        for i in range(volts.shape[0]):
            volts[i, w] = fallback[i, w] if cold else warm[at, i, w]
        for k in range(roles.inputs.shape[0]):
            volts[roles.inputs[k, w], w] = roles.x[roles.task[w], example, k]
        for k in range(roles.fixed.shape[0]):
            volts[roles.fixed[k, w], w] = roles.volts[k, w]


@standing
def mean_of_held(roles, examples, out):
    """The mean of all held voltages of every lane, in every row: where a cold solve begins."""
    for w in range(out.shape[1]):
        example, total = max(examples[w], 0), 0.0
        for k in range(roles.inputs.shape[0]):
            total += roles.x[roles.task[w], example, k]
        for k in range(roles.fixed.shape[0]):
            total += roles.volts[k, w]
        for i in range(out.shape[0]):
            out[i, w] = total / (roles.inputs.shape[0] + roles.fixed.shape[0])


@standing
def keep(examples, volts, bench, found, warm):
    """Remember what settled; what did not begins anew next time, and is counted."""
    for w in range(volts.shape[1]):
        if examples[w] >= 0 and found.good[w] > 0.0:
            at, settled = examples[w] % warm.shape[0], bench.active[w] == 0.0
            for i in range(volts.shape[0]):
                warm[at, i, w] = volts[i, w] if settled else np.nan
            found.solves[w] += 1.0
            found.iterations[w] += bench.taken[w]
            found.unsettled[w] += 0.0 if settled else 1.0
            found.good[w] = 1.0 if settled else 0.0


@standing
def to_twin(push, theta):
    """From the free to the pushed twin: what its edges have of what is learned."""
    for u in range(push.apart.shape[0]):
        for w in range(push.apart.shape[1]):
            push.kept[u, w] = theta[u, w]
            theta[u, w] += push.apart[u, w]


@standing
def from_twin(push, theta):
    """Back to the free twin."""
    for u in range(push.apart.shape[0]):
        for w in range(push.apart.shape[1]):
            theta[u, w] = push.kept[u, w]


@separate
def settle_example(packed, draw):
    """Settle an example of every lane, free and then pushed; lanes whose example is -1 stand still.

    `packed` holds the solver, roles, push, warm states, what is found, and the examples of all draws [draw, lane].
    """
    solver, roles, push, warm, found, drawn = unpack(packed)
    address, setup, narrow, _ = solver
    tile, wires, pull, bench = unpack(setup)
    bench, found, examples = known(tile, bench), known(tile, found), drawn[draw]
    free, pushed, back = found.free, found.pushed, found.back
    lanes = free.shape[1]
    for w in range(lanes):
        found.good[w] = 1.0 if examples[w] >= 0 else 0.0
        bench.active[w] = found.good[w]
        pull.conductance[w] = 0.0
    mean_of_held(roles, examples, pushed)
    begin(roles, examples, warm.free, pushed, free, wires.near, bench.reach)
    call(address, (setup, narrow, free, roles.free))
    keep(examples, free, bench, found, warm.free)
    if push.pushes == 0:
        return
    for w in range(lanes):
        for o in range(roles.outputs.shape[0]):
            y = roles.y[roles.task[w], max(examples[w], 0), o]
            if roles.differential:
                first, table = o - o % 2, roles.y[roles.task[w], max(examples[w], 0)]
                apart = table[first] - table[first + 1]
                mean = 0.5 * (free[roles.outputs[first, w], w] + free[roles.outputs[first + 1, w], w])
                y = mean + (0.5 if o == first else -0.5) * apart
            found.wanted[o, w] = y
    to_twin(push, bench.theta)
    for way in range(2 if push.centred else 1):
        volts, past = (pushed, warm.pushed) if way == 0 else (back, warm.back)
        for w in range(lanes):
            bench.active[w] = found.good[w]
        begin(roles, examples, past, free, volts, wires.near, bench.reach)
        for o in range(roles.outputs.shape[0]):
            for w in range(lanes):
                i = roles.outputs[o, w]
                held = free[i, w] + push.nudge[w] * (found.wanted[o, w] - free[i, w])
                volts[i, w] = held if push.clamps else volts[i, w]
                pull.target[o, w] = found.wanted[o, w]
        for w in range(lanes):
            pull.conductance[w] = 0.0 if push.clamps else push.nudge[w] if way == 0 else -push.nudge[w]
        call(address, (setup, narrow, volts, roles.clamped if push.clamps else roles.free))
        keep(examples, volts, bench, found, past)
    from_twin(push, bench.theta)


@separate
def contrast(kind, packed, group):
    """Add a group's signals of the pushed minus the free state (centred: half of those between both pushes) to `sensed`.

    `packed` holds tile, wires, push, what learns, the states, and `sensed` [unit, lane].
    """
    tile, wires, push, theta, found, sensed = unpack(packed)
    found, theta, sensed = known(tile, found), known(tile, theta), known(tile, sensed)
    base = found.back if push.centred else found.free
    share = 0.5 if push.centred else 1.0
    pushed, good = found.pushed, found.good
    for k in range(wires.first[group], wires.first[group + 1]):
        e = wires.members[k]
        i, j, u = wires.a[e], wires.b[e], wires.unit[e]
        ga, gb = wires.gain_a[e], wires.gain_b[e]
        law = numbers_of(kind, wires.numbers, e, wires.rows[group])
        for w in range(sensed.shape[1]):
            here, there = ga * base[i, w] - gb * base[j, w], ga * pushed[i, w] - gb * pushed[j, w]
            signal = share * contrasted(kind, law, here, there, theta[u, w])
            sensed[u, w] += signal if good[w] > 0.0 else 0.0


@separate
def contrast_all(sensors, packed):
    """The same of all groups that learn; `sensors` are their addresses, 0 where nothing does."""
    for group in range(sensors.size):
        if sensors[group] != 0:
            call(sensors[group], (AnyLaw(), packed, group))


def room(rows: int, outputs: int, examples: int, lanes: int, centred: bool) -> tuple[Warm, Found]:
    """Arrays for the states of a block, all unknown."""

    def nowhere(count: int) -> np.ndarray:
        return np.full((count, rows, lanes), np.nan)

    warm = Warm(nowhere(examples), nowhere(examples), nowhere(examples if centred else 1))
    states = (zeros(rows, lanes), zeros(rows, lanes), zeros(rows, lanes))
    found = Found(*states, zeros(outputs, lanes), zeros(lanes), zeros(lanes), zeros(lanes), zeros(lanes))
    return warm, found


def no_pull(outputs: np.ndarray) -> Pull:
    """No nudge, for outputs in these rows [output, lane]."""
    return Pull(outputs, np.zeros(outputs.shape), np.zeros(outputs.shape[1]))
