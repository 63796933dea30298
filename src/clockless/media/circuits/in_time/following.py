"""Both twins of a circuit with capacities from one time to another: C dV/dt = -F(V), with control of the error.

With F the currents that leave the nodes that are not held (`circuit`), the pushed twin obeys the same equation and

- clamped: an output follows the free twin's, V_P = V_F + nudge (y - V_F);
- nudged: a conductance joins it to a source at y, so F_P has nudge (V_P - y) more;

where y, of a pair of differential outputs, moves with the mean of the free pair. The work of the free twin's sources obeys
dW/dt = sum over held nodes of V F. The pushed twin depends on the free one and not the other way, so that every stage of
`rosenbrock` solves two systems on the schedule of the wiring, one after the other. Steps are such that no voltage of either
twin is wrong by more than the medium's accuracy in a step; they end at events, and depend on nothing but the state there.

The readable version is `reference.Relaxing`, with tiny steps of another method.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clockless.learning.events.triggering import called
from clockless.media.circuits.in_time.rosenbrock import GAMMA, ORDER, STAGES, A, C
from clockless.media.circuits.in_time.twins import flow_twins
from clockless.numerics.lanes import zeros
from clockless.numerics.systems import factor_unsymmetric, solve_unsymmetric
from clockless.parts.kernels import separate
from clockless.parts.packed import unpack

GROWS, SHRINKS, SAFE = 5.0, 0.2, 0.9  # how much longer or shorter the next step may be, and what is taken of the best
MOST = 100_000  # steps between two events, beyond which a circuit is given up
SHORTEST = 1e-14  # of the time to go
CAUTIOUS = 0.01  # of the fastest node's time, the very first step


class Room(NamedTuple):
    """Scratch."""

    upper: np.ndarray  # [2, slot, 1] the matrices of both twins, then their factors
    lower: np.ndarray
    u: np.ndarray  # [2, stage, row]
    work: np.ndarray  # [stage]
    stage: np.ndarray  # [2, row, 1] voltages at which currents are asked
    rhs: np.ndarray  # [row, 1]
    leaves: np.ndarray  # [row]
    moved: np.ndarray  # [row]
    flows: np.ndarray  # [2, 3, edge]


def room_of(rows: int, slots: int, edges: int) -> Room:
    """Room for it."""
    return Room(
        np.zeros((2, slots, 1)), np.zeros((2, slots, 1)), np.zeros((2, STAGES, rows)), np.zeros(STAGES),
        np.zeros((2, rows, 1)), zeros(rows, 1), np.zeros(rows), np.zeros(rows), np.zeros((2, 3, edges)),
    )  # fmt: skip


@called
def leaving(wires, flows, volts, out):
    """F [row]: what leaves every node by edges and shunts, amperes."""
    for i in range(out.size):
        out[i] = wires.shunt[i] * volts[i, 0]
    for e in range(wires.a.size):
        out[wires.a[e]] += wires.gain_a[e] * flows[0, e]
        out[wires.b[e]] -= wires.gain_b[e] * flows[0, e]


@called
def spread(wires, flows, by, out):
    """What leaves every node more by edges alone, to first order, when voltages move by `by` [row]."""
    for i in range(out.size):
        out[i] = 0.0
    for e in range(wires.a.size):
        i, j = wires.a[e], wires.b[e]
        more = flows[1, e] * by[i] + flows[2, e] * by[j]
        out[i] += wires.gain_a[e] * more
        out[j] -= wires.gain_b[e] * more


@called
def wanted(circuit, o, volts):
    """What an output is pushed to; that of a pair moves with the mean of the free pair's voltages."""
    roles = circuit.roles
    table, example = roles.y, circuit.example[0, 0]
    if roles.differential == 0:
        return table[0, example, o]
    first = o - o % 2
    mean = 0.5 * (volts[roles.outputs[first, 0], 0] + volts[roles.outputs[first + 1, 0], 0])
    apart = table[0, example, first] - table[0, example, first + 1]
    return mean + (0.5 if o == first else -0.5) * apart


@called
def wanted_moves(circuit, o, by):
    """How far that moves when the free voltages move by `by` [row]."""
    roles = circuit.roles
    if roles.differential == 0:
        return 0.0
    first = o - o % 2
    return 0.5 * (by[roles.outputs[first, 0]] + by[roles.outputs[first + 1, 0]])


@called
def hold(circuit):
    """Both twins' inputs, grounds and rails, and the outputs of a clamped one, where the example says."""
    roles, free, pushed = circuit.roles, circuit.found.free, circuit.found.pushed
    for s in range(roles.inputs.shape[0]):
        free[roles.inputs[s, 0], 0] = pushed[roles.inputs[s, 0], 0] = roles.x[0, circuit.example[0, 0], s]
    if circuit.push.clamps:
        for o in range(roles.outputs.shape[0]):
            i = roles.outputs[o, 0]
            pushed[i, 0] = free[i, 0] + circuit.push.nudge[0] * (wanted(circuit, o, free) - free[i, 0])


@called
def _assemble(circuit, flows, free, per, upper, lower):
    """Write C per + dF/dV over the rows that are free; `per` is 1 / (h GAMMA)."""
    wires = circuit.wires
    for s in range(upper.shape[0]):
        upper[s, 0] = lower[s, 0] = 0.0
    for i in range(free.shape[0]):
        upper[i, 0] = per * circuit.capacity[i] + wires.shunt[i]
    for e in range(wires.a.size):
        i, j, s = wires.a[e], wires.b[e], wires.slot[e]
        ga, gb, da, db = wires.gain_a[e], wires.gain_b[e], flows[1, e], flows[2, e]
        upper[i, 0] += ga * da
        upper[j, 0] -= gb * db
        both = free[i, 0] * free[j, 0]
        ij, ji = ga * db * both, -gb * da * both
        lower[s, 0] = ij if i > j else ji
        upper[s, 0] = ji if i > j else ij
    for i in range(free.shape[0]):
        upper[i, 0] = upper[i, 0] if free[i, 0] > 0.0 else 1.0


@called
def prepare(layout, circuit, room, step):
    """The factors of both twins' matrices for a step of this length; slopes are those in `circuit.flows`."""
    wires, roles, push = circuit.wires, circuit.roles, circuit.push
    per = 1.0 / (GAMMA * step)
    for twin in range(2):
        free = roles.clamped if twin == 1 and push.clamps else roles.free
        upper, lower = room.upper[twin], room.lower[twin]
        _assemble(circuit, circuit.flows[twin], free, per, upper, lower)
        if twin == 1 and not push.clamps:
            for o in range(roles.outputs.shape[0]):
                upper[roles.outputs[o, 0], 0] += push.nudge[0]
        factor_unsymmetric(layout.tile, wires.start, wires.updates, upper, lower)


@called
def _right_side(circuit, room, twin, n, step, free):
    """-F at the voltages of a stage, and what earlier stages add, into room.rhs."""
    wires, rhs, u = circuit.wires, room.rhs, room.u[twin]
    flows = circuit.flows if n == 0 else room.flows
    leaving(wires, flows[twin], room.stage[twin], room.leaves)
    for i in range(rhs.shape[0]):
        total = 0.0
        for m in range(n):
            total += C[n, m] * u[m, i]
        rhs[i, 0] = (circuit.capacity[i] * total / step - room.leaves[i]) * free[i, 0]


@called
def _free_stage(layout, circuit, room, n, step):
    """u of a stage of the free twin, and of the work of its sources."""
    wires, roles, volts, u = circuit.wires, circuit.roles, circuit.found.free, room.u[0]
    _right_side(circuit, room, 0, n, step, roles.free)
    solve_unsymmetric(layout.tile, wires.forward, wires.backward, room.upper[0], room.lower[0], room.rhs)
    for i in range(volts.shape[0]):
        u[n, i] = room.rhs[i, 0]
    spread(wires, circuit.flows[0], u[n], room.moved)
    delivered, before = 0.0, 0.0
    for i in range(volts.shape[0]):
        if roles.free[i, 0] == 0.0:
            delivered += volts[i, 0] * (room.leaves[i] + room.moved[i])
    for m in range(n):
        before += C[n, m] * room.work[m]
    room.work[n] = GAMMA * (step * delivered + before)


@called
def _pushed_stage(layout, circuit, room, n, step):
    """u of a stage of the pushed twin."""
    wires, roles, push, u, of_free = circuit.wires, circuit.roles, circuit.push, room.u[1], room.u[0]
    nudge, rhs = push.nudge[0], room.rhs
    _right_side(circuit, room, 1, n, step, roles.clamped if push.clamps else roles.free)
    if push.clamps:
        for i in range(u.shape[1]):
            u[n, i] = 0.0
        for o in range(roles.outputs.shape[0]):
            i = roles.outputs[o, 0]
            u[n, i] = of_free[n, i] + nudge * (wanted_moves(circuit, o, of_free[n]) - of_free[n, i])
        spread(wires, circuit.flows[1], u[n], room.moved)
        for i in range(u.shape[1]):
            rhs[i, 0] -= roles.clamped[i, 0] * room.moved[i]
    else:
        for o in range(roles.outputs.shape[0]):
            i = roles.outputs[o, 0]
            away = room.stage[1, i, 0] - wanted(circuit, o, room.stage[0])
            rhs[i, 0] -= nudge * (away - wanted_moves(circuit, o, of_free[n]))
    solve_unsymmetric(layout.tile, wires.forward, wires.backward, room.upper[1], room.lower[1], rhs)
    for i in range(u.shape[1]):
        u[n, i] = rhs[i, 0] if roles.clamped[i, 0] > 0.0 or not push.clamps else u[n, i]


@called
def attempt(layout, circuit, room, step):
    """All stages of a step, the matrices being prepared; leaves the new voltages but for the last u in `room.stage`."""
    for n in range(STAGES):
        for twin in range(2):
            volts = circuit.found.free if twin == 0 else circuit.found.pushed
            for i in range(volts.shape[0]):
                at = volts[i, 0]
                for m in range(n):
                    at += A[n, m] * room.u[twin, m, i]
                room.stage[twin, i, 0] = at
        if n > 0:
            flow_twins(layout, circuit, room.stage[0], room.stage[1], room.flows)
        _free_stage(layout, circuit, room, n, step)
        _pushed_stage(layout, circuit, room, n, step)


@called
def fastest(circuit):
    """A bound of the rate of the fastest free node, its conductances over its capacity, per second; from `circuit.flows`."""
    wires, roles = circuit.wires, circuit.roles
    largest = 1e-300
    for twin in range(2):
        flows, rates = circuit.flows[twin], circuit.rates
        for i in range(rates.size):
            rates[i] = abs(wires.shunt[i])
        for e in range(wires.a.size):
            slope = abs(flows[1, e]) + abs(flows[2, e])
            rates[wires.a[e]] += abs(wires.gain_a[e]) * slope
            rates[wires.b[e]] += abs(wires.gain_b[e]) * slope
        if twin == 1 and not circuit.push.clamps:
            for o in range(roles.outputs.shape[0]):
                rates[roles.outputs[o, 0]] += circuit.push.nudge[0]
        for i in range(rates.size):
            if roles.free[i, 0] > 0.0:
                largest = max(largest, rates[i] / circuit.capacity[i])
    return largest


@called
def _accept(circuit, room):
    """Take the new voltages; the joules that the free twin's sources have delivered."""
    for twin in range(2):
        volts = circuit.found.free if twin == 0 else circuit.found.pushed
        for i in range(volts.shape[0]):
            volts[i, 0] = room.stage[twin, i, 0] + room.u[twin, STAGES - 1, i]
    delivered = room.work[STAGES - 1]
    for m in range(STAGES - 1):
        delivered += A[STAGES - 1, m] * room.work[m]
    return delivered


@called
def _break(circuit, charged):
    """Nothing is known of a circuit that cannot be followed."""
    charged.broken[0] = 1
    for i in range(circuit.found.free.shape[0]):
        circuit.found.free[i, 0] = circuit.found.pushed[i, 0] = np.nan


@separate
def relax(packed, seconds):
    """Let time pass; the work of the sources adds up in times.free."""
    layout, circuit, physics, charged, room, example, times = unpack(packed)
    circuit.example[0, 0] = example[0]
    if charged.broken[0] != 0:
        return
    left, began, evaluated, tries = seconds, False, False, 0
    step = charged.stride[0]
    while left > 0.0:
        if not evaluated:
            flow_twins(layout, circuit, circuit.found.free, circuit.found.pushed, circuit.flows)
            evaluated = True
        if not step > 0.0:
            step = CAUTIOUS / fastest(circuit)
        now = min(step, left)
        prepare(layout, circuit, room, now)
        attempt(layout, circuit, room, now)
        worst = 0.0
        for twin in range(2):
            for i in range(room.u.shape[2]):
                size = abs(room.u[twin, STAGES - 1, i])
                worst = worst if size <= worst else size  # NaN is kept
        wrong = worst / physics.accuracy[0]
        factor = SHRINKS
        if wrong < np.inf:
            factor = min(max(SAFE * max(wrong, 1e-12) ** (-1.0 / ORDER), SHRINKS), GROWS)
        tries += 1
        if wrong <= 1.0:
            times.free[0] += _accept(circuit, room)
            evaluated = False
            left = 0.0 if now >= left else left - now
            longer = now * factor
            step = longer if now >= step else max(step, longer)
            if not began:  # the next event is followed by a step like the one that went well after this one
                charged.stride[0] = step
                began = True
        else:
            step = now * factor
        if tries >= MOST or step < SHORTEST * seconds:
            _break(circuit, charged)
            left = 0.0
    charged.steps[0] += tries
