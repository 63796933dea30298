"""Newton's method in lanes: the state of a circuit in every lane at once, on the elimination schedule of its wiring.

With F_i the sum of currents that leave node i by edges, shunts and nudges, and J = dF/dV, a step is J dV = -F over the nodes
that are not held. Rows and columns of held nodes are cut out by a mask per lane, so roles may differ from lane to lane. The
matrix is symmetric if all laws are reciprocal (LDL^T), else LU runs in the same slots.

- **Junctions** are limited one by one: each keeps a *companion* voltage about which its exponential is linearised, and from
  its critical voltage on the companion follows the node voltages by the logarithm only (Nagel 1975, UCB/ERL M520: pnjlim).
  Plain Newton fails in up to 43 % of cold starts there.
- **Transistors** make Newton cycle near their cut-off: no voltage moves by more than .5 V in a step, .1 V from the 10th and
  .025 V from the 30th iteration on; from a state that was found before by 3 mV at first, and 2.5 times as much each step.
  Nodes that hang on transistors about to cut off may cycle even so: from the 40th
  iteration on a conductance that fades is added to the diagonal, implicit Euler steps of C dV/dt = -F that grow (Kelley and
  Keyes 1998, doi 10.1137/S0036142996304796), once quickly, and from the 130th on slowly. No state is done before it is gone.
- A lane is done when neither a voltage nor a companion of an edge with a free end moved by more than the tolerance. It then
  freezes, so that its bits do not depend on its neighbours. A lane that is not done at the limit says so.
- Most lanes are done after two or three iterations, a few near cut-off after ten or more: the last eighth goes on in
  narrow arrays of its own (`stragglers`), to the same bits.

The readable version is `reference.newton`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.core import types
from numba.extending import overload

from clockless.media.circuits import laws  # noqa: F401 (compiled code rests on them, and its version is found by imports)
from clockless.media.circuits.kinds import AnyLaw, carried, numbers_of, turned
from clockless.numerics.functions import logarithm
from clockless.numerics.lanes import UNCOUNTED, known, standing
from clockless.numerics.rows import Terms, clear
from clockless.numerics.systems import factor_symmetric, factor_unsymmetric, solve_symmetric, solve_unsymmetric
from clockless.parts.kernels import call, separate
from clockless.parts.packed import Packed, unpack

GROWTH = 2.5  # of the reach of steps from warm states, each iteration


class Pull(NamedTuple):
    """What is done to the outputs besides holding them: a conductance each to a source at its target."""

    rows: np.ndarray  # [output, lane]
    target: np.ndarray  # [output, lane] volts
    conductance: np.ndarray  # [lane] siemens, 0 for none


class Bench(NamedTuple):
    """Arrays that a solve works in; `taken` and `active` are its answer."""

    theta: np.ndarray  # [unit, lane] what learns
    there: Any  # [edge, lane] part of its current that an edge carries; None if a clock can leave none out
    upper: np.ndarray  # [slot, lane]
    lower: np.ndarray  # [slot, lane]
    step: np.ndarray  # [row, lane] -F, then dV
    trial: np.ndarray  # [row, lane]
    volts: np.ndarray  # [row, lane] of a state that is asked for alone
    companion: np.ndarray  # [edge, lane] volts
    worst: np.ndarray  # [lane] largest change, volts
    reach: np.ndarray  # [lane] volts, what the next step may be at most; grows
    active: np.ndarray  # [lane] 1 until done
    taken: np.ndarray  # [lane] iterations
    energy: np.ndarray  # [2, lane] co-content, before and after
    damping: np.ndarray  # [2, lane] siemens; whether the step may be taken


class Wires(NamedTuple):
    """A circuit as compiled code sees it: its schedule, and edge by edge where it lies and what it is."""

    start: np.ndarray
    updates: Terms
    forward: Terms
    backward: Terms
    iterate: np.ndarray  # [1] address of `newton.iterate`
    span: np.ndarray  # [2] the next iteration, and how many lanes may still be active after the last
    first: np.ndarray  # [group + 1] of `members`
    members: np.ndarray  # edges, group by group: those of one law class and table length
    rows: np.ndarray  # [group] length of tables
    carry: np.ndarray  # [group] addresses: what its edges carry
    turn: np.ndarray  # [group] how its junctions are limited; 0 if it has none
    hold: np.ndarray  # [group] their co-content; 0 if they have none
    a: np.ndarray  # [edge] row of the first end
    b: np.ndarray  # [edge]
    slot: np.ndarray  # [edge]
    gain_a: np.ndarray  # [edge] of the amplifier at the first end
    gain_b: np.ndarray
    unit: np.ndarray  # [edge] row of what learns; 0 if nothing does
    numbers: np.ndarray  # [edge, number] of its law
    shunt: np.ndarray  # [row] siemens to ground
    capacity: np.ndarray  # [row] farads to ground, relative to their mean
    symmetric: int  # 0 or 1
    caps: np.ndarray  # [ten iterations] largest steps, volts
    near: float  # volts, the largest first step from a warm state
    tolerance: float  # volts
    limit: int  # iterations


class Narrow(NamedTuple):
    """Where the lanes that are not done when most are go on: a few side by side."""

    finish: np.ndarray  # [1] address of `stragglers.finish`; 0 where a block is too narrow for it to pay
    lane: np.ndarray  # [lane] where each comes from
    free: np.ndarray  # [row, lane]
    pull: Pull
    bench: Bench  # its `volts` are the states


class Solver(NamedTuple):
    """What settles a circuit: `call(solver.address, (solver.setup, solver.narrow, volts, free))`.

    What it works on is packed: a hundred arrays as arguments would be compiled at every call, and passed at every one.
    """

    address: int
    setup: Packed  # tile, wires, pull, bench
    narrow: Packed  # `Narrow`, and the setup of its lanes
    wires: Wires


def present(there, e, w):
    """Part of its current that an edge carries in this step. Compiled only."""


@overload(present, jit_options=UNCOUNTED)
def _present(there, e, w):
    if isinstance(there, types.NoneType):
        return lambda there, e, w: 1.0
    return lambda there, e, w: there[e, w]


@separate
def carry(kind, setup, group, volts, free):
    """Add what the edges of a group carry: to the currents -F in `bench.step`, their slopes to the matrix."""
    tile, wires, _, bench = unpack(setup)
    bench, volts, free = known(tile, bench), known(tile, volts), known(tile, free)
    theta, upper, lower, step, there = bench.theta, bench.upper, bench.lower, bench.step, bench.there
    for k in range(wires.first[group], wires.first[group + 1]):
        e = wires.members[k]
        i, j, s, u = wires.a[e], wires.b[e], wires.slot[e], wires.unit[e]
        ga, gb = wires.gain_a[e], wires.gain_b[e]
        law = numbers_of(kind, wires.numbers, e, wires.rows[group])
        for w in range(volts.shape[1]):
            current, da, db = carried(kind, law, ga * volts[i, w], gb * volts[j, w], theta[u, w])
            part = present(there, e, w)
            current, da, db = part * current, part * da, part * db
            step[i, w] -= ga * current
            step[j, w] += gb * current
            upper[i, w] += ga * ga * da
            upper[j, w] -= gb * gb * db
            both = ga * gb * free[i, w] * free[j, w]
            ij, ji = db * both, -da * both
            lower[s, w] = ij if i > j else ji
            upper[s, w] = ji if i > j else ij


@separate
def carry_limited(kind, setup, group, volts, free):
    """The same of junctions, linearised about their companions."""
    tile, wires, _, bench = unpack(setup)
    bench, volts, free = known(tile, bench), known(tile, volts), known(tile, free)
    theta, upper, lower, step, there = bench.theta, bench.upper, bench.lower, bench.step, bench.there
    companion = bench.companion
    for k in range(wires.first[group], wires.first[group + 1]):
        e = wires.members[k]
        i, j, s, u = wires.a[e], wires.b[e], wires.slot[e], wires.unit[e]
        ga, gb = wires.gain_a[e], wires.gain_b[e]
        law = numbers_of(kind, wires.numbers, e, wires.rows[group])
        for w in range(volts.shape[1]):
            at = companion[e, w]
            current, slope, _ = carried(kind, law, at, 0.0, theta[u, w])
            part = present(there, e, w)
            current, slope = part * current, part * slope
            current += slope * (ga * volts[i, w] - gb * volts[j, w] - at)
            step[i, w] -= ga * current
            step[j, w] += gb * current
            upper[i, w] += ga * ga * slope
            upper[j, w] += gb * gb * slope
            entry = -ga * gb * free[i, w] * free[j, w] * slope
            lower[s, w] = entry
            upper[s, w] = entry


@separate
def turn(kind, setup, group, volts, free):
    """Let the companions of a group follow the voltages after a step, and note how far they had to; `volts` are new ones.

    Where companions do not exist yet (NaN) they start at the voltages, or at the critical voltage beyond it.
    """
    tile, wires, _, bench = unpack(setup)
    bench, volts, free = known(tile, bench), known(tile, volts), known(tile, free)
    companion, worst, active = bench.companion, bench.worst, bench.active
    for k in range(wires.first[group], wires.first[group + 1]):
        e = wires.members[k]
        i, j = wires.a[e], wires.b[e]
        ga, gb = wires.gain_a[e], wires.gain_b[e]
        width, critical, both = turned(kind, numbers_of(kind, wires.numbers, e, wires.rows[group]))
        for w in range(volts.shape[1]):
            drop, old = ga * volts[i, w] - gb * volts[j, w], companion[e, w]
            sign = -1.0 if (both != 0.0) and drop < 0.0 else 1.0
            new, before = sign * drop, sign * old
            # From the critical voltage on: the step of the exponential, not of the voltage, is what was meant.
            rest = 1.0 + (new - before) / width
            grown = before + width * logarithm(rest if rest > 1e-3 else 1e-3)
            first = width * logarithm(new / width if new > width else width)
            slow = (grown if rest > 0.0 else critical) if before > 0.0 else first
            limited = slow if (new > critical) and (abs(new - before) > 2.0 * width) else new
            fresh = new if new < critical else critical
            kept = limited if old == old else fresh
            moved = abs(new - before) * max(free[i, w], free[j, w])
            worst[w] = moved if moved > worst[w] else worst[w]
            companion[e, w] = sign * kept if active[w] > 0.0 else old


@standing
def assemble(setup, volts, free):
    """Write -F and J at these voltages."""
    tile, wires, pull, bench = unpack(setup)
    pull, bench = known(tile, pull), known(tile, bench)
    upper, lower, step = bench.upper, bench.lower, bench.step
    clear(upper, 0, upper.shape[0])
    clear(lower, 0, lower.shape[0])
    for i in range(volts.shape[0]):
        for w in range(volts.shape[1]):
            upper[i, w] = wires.shunt[i]
            step[i, w] = -wires.shunt[i] * volts[i, w]
    for group in range(wires.carry.size):
        call(wires.carry[group], (AnyLaw(), setup, group, volts, free))
    for o in range(pull.rows.shape[0]):
        for w in range(volts.shape[1]):
            i, g = pull.rows[o, w], pull.conductance[w]
            upper[i, w] += g
            step[i, w] += g * (pull.target[o, w] - volts[i, w])
    for i in range(volts.shape[0]):
        for w in range(volts.shape[1]):
            step[i, w] *= free[i, w]
            upper[i, w] = upper[i, w] * free[i, w] + (1.0 - free[i, w])


@standing
def solve(setup):
    """Turn -F into dV."""
    tile, wires, _, bench = unpack(setup)
    bench = known(tile, bench)
    if wires.symmetric:
        factor_symmetric(tile, wires.start, wires.updates, bench.upper, bench.lower)
        solve_symmetric(tile, wires.forward, wires.backward, bench.lower, bench.step)
    else:
        factor_unsymmetric(tile, wires.start, wires.updates, bench.upper, bench.lower)
        solve_unsymmetric(tile, wires.forward, wires.backward, bench.upper, bench.lower, bench.step)


@standing
def damping(iteration):
    """Siemens that are added to the diagonal in this iteration, 0 below 1e-12."""
    fading = 0.0
    if iteration >= 130:
        fading = 1e-4 * 0.88 ** (iteration - 130)
    elif iteration >= 40:
        fading = 1e-5 * 0.8 ** (iteration - 40)
    return fading if fading > 1e-12 else 0.0


@standing
def follow(setup, volts, free):
    """Let the companions of all junctions follow the voltages."""
    turn = unpack(setup)[1].turn
    for group in range(turn.size):
        if turn[group] != 0:
            call(turn[group], (AnyLaw(), setup, group, volts, free))


@separate
def iterate(setup, volts, free, span):
    """Iterate from number span[0] on until at most span[1] lanes are active; span[0] is then the next iteration's."""
    tile, wires, _, bench = unpack(setup)
    bench, volts, free = known(tile, bench), known(tile, volts), known(tile, free)
    step, worst, active, count, reach = bench.step, bench.worst, bench.active, bench.taken, bench.reach
    lanes = volts.shape[1]
    for iteration in range(span[0], wires.limit):
        cap = wires.caps[min(iteration // 10, wires.caps.size - 1)]
        assemble(setup, volts, free)
        fading = 0.0 if wires.symmetric else damping(iteration)
        if fading > 0.0:
            for i in range(volts.shape[0]):
                for w in range(lanes):
                    bench.upper[i, w] += fading * free[i, w] * wires.capacity[i]
        solve(setup)
        for w in range(lanes):
            worst[w] = 1.0 if fading > 0.0 else 0.0
        for i in range(volts.shape[0]):
            for w in range(lanes):
                size = abs(step[i, w])
                worst[w] = worst[w] if size <= worst[w] else size  # NaN is kept
        for i in range(volts.shape[0]):
            for w in range(lanes):
                d, most = step[i, w], reach[w] if reach[w] < cap else cap
                d = most if d > most else -most if d < -most else d
                volts[i, w] = volts[i, w] + d if active[w] > 0.0 else volts[i, w]
        follow(setup, volts, free)
        left = 0.0
        for w in range(lanes):
            count[w] += active[w]
            reach[w] *= GROWTH
            active[w] = 0.0 if worst[w] <= wires.tolerance else active[w]
            left += active[w]
        span[0] = iteration + 1
        if left <= span[1]:
            break


@separate
def settle(setup, narrow, volts, free):
    """Settle every lane whose `bench.active` is 1, from `volts` [row, lane], held ones in place; see `bench.reach`.

    Leaves the states in `volts`, iterations in `bench.taken`, and 1 in `bench.active` where a lane is not done.
    """
    tile, wires, _, bench = unpack(setup)
    bench, volts, free = known(tile, bench), known(tile, volts), known(tile, free)
    lanes = volts.shape[1]
    for w in range(lanes):
        bench.taken[w] = 0.0
    for e in range(bench.companion.shape[0]):
        for w in range(lanes):
            bench.companion[e, w] = np.nan
    follow(setup, volts, free)
    finish = unpack(narrow)[0].finish[0]
    span = wires.span
    span[0], span[1] = 0, lanes // 8 if finish != 0 else 0
    call(wires.iterate[0], (setup, volts, free, span))
    if finish != 0:
        call(finish, (setup, narrow, volts, free))
