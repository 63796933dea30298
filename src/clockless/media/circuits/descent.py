"""Descent of the co-content in lanes, for laws whose current may fall with the voltage or has corners.

A network of reciprocal laws is at rest where the sum W of co-contents is stationary, and stable where W is least. A step
solves (J + C / tau) dV = -F with a capacity C at every node, the implicit Euler step of C dV/dt = -F over a time tau. It is
taken where every pivot is positive (the matrix is positive definite, so the step goes downhill) and W falls; then tau grows,
else it shrinks (Levenberg 1944; Kelley and Keyes 1998, doi 10.1137/S0036142996304796). A lane is done when a hardly damped
step is small; its positive pivots then certify that the state is stable.
"""

from __future__ import annotations

from clockless.media.circuits.kinds import AnyLaw, held, numbers_of
from clockless.media.circuits.newton import assemble, present
from clockless.numerics.lanes import known, standing
from clockless.numerics.systems import factor_symmetric, solve_symmetric
from clockless.parts.kernels import call, separate
from clockless.parts.packed import unpack

FIRST, LEAST = 1e-3, 1e-12  # siemens: of the damping C / tau
SMALL = 1e-6  # volts
UNDAMPED = 1e-7  # siemens, or so relative to the largest slope: a lane is done below it


@separate
def hold(kind, setup, group, volts, free):
    """Add the co-content of a group's edges at `volts` to `bench.energy[1]`."""
    tile, wires, _, bench = unpack(setup)
    bench, volts = known(tile, bench), known(tile, volts)
    theta, energy, there = bench.theta, bench.energy, bench.there
    for k in range(wires.first[group], wires.first[group + 1]):
        e = wires.members[k]
        i, j, u = wires.a[e], wires.b[e], wires.unit[e]
        ga, gb = wires.gain_a[e], wires.gain_b[e]
        law = numbers_of(kind, wires.numbers, e, wires.rows[group])
        for w in range(volts.shape[1]):
            whole = held(kind, law, ga * volts[i, w] - gb * volts[j, w], theta[u, w])
            energy[1, w] += present(there, e, w) * whole


@standing
def measure(setup, volts, free):
    """Write the co-content of all edges, shunts and nudges at `volts` into `bench.energy[1]`."""
    tile, wires, pull, bench = unpack(setup)
    pull, bench = known(tile, pull), known(tile, bench)
    energy = bench.energy
    for w in range(volts.shape[1]):
        energy[1, w] = 0.0
    for i in range(volts.shape[0]):
        for w in range(volts.shape[1]):
            energy[1, w] += 0.5 * wires.shunt[i] * volts[i, w] * volts[i, w]
    for group in range(wires.hold.size):
        call(wires.hold[group], (AnyLaw(), setup, group, volts, free))
    for o in range(pull.rows.shape[0]):
        for w in range(volts.shape[1]):
            away = pull.target[o, w] - volts[pull.rows[o, w], w]
            energy[1, w] += 0.5 * pull.conductance[w] * away * away


@separate
def descend(setup, narrow, volts, free):
    """As `newton.settle`, by descent."""
    tile, wires, _, bench = unpack(setup)
    bench, volts, free = known(tile, bench), known(tile, volts), known(tile, free)
    upper, step, trial, worst = bench.upper, bench.step, bench.trial, bench.worst
    active, count, energy, damping = bench.active, bench.taken, bench.energy, bench.damping
    lanes = volts.shape[1]
    measure(setup, volts, free)
    for w in range(lanes):
        count[w] = 0.0
        damping[0, w] = FIRST
        energy[0, w] = energy[1, w]
    for _ in range(wires.limit):
        assemble(setup, volts, free)
        for w in range(lanes):
            energy[1, w] = 0.0
        for i in range(volts.shape[0]):
            for w in range(lanes):
                slope = abs(upper[i, w]) * free[i, w]
                energy[1, w] = slope if slope > energy[1, w] else energy[1, w]
                upper[i, w] += free[i, w] * damping[0, w] * wires.capacity[i]
        factor_symmetric(tile, wires.start, wires.updates, upper, bench.lower)
        solve_symmetric(tile, wires.forward, wires.backward, bench.lower, step)
        for w in range(lanes):
            worst[w] = 0.0
            damping[1, w] = 1.0
        for i in range(volts.shape[0]):
            for w in range(lanes):
                size = abs(step[i, w])
                worst[w] = worst[w] if size <= worst[w] else size  # NaN is kept
                damping[1, w] = damping[1, w] if upper[i, w] > 0.0 else 0.0
                trial[i, w] = volts[i, w] + step[i, w]
        for w in range(lanes):
            count[w] += active[w]
            hardly = damping[0, w] <= UNDAMPED or damping[0, w] <= 1e-6 * energy[1, w]
            done = active[w] > 0.0 and damping[1, w] > 0.0 and worst[w] <= wires.tolerance and hardly
            damping[1, w] = 2.0 if done else damping[1, w]  # its last step is taken
            active[w] = 0.0 if done else active[w]
        measure(setup, trial, free)
        left = 0.0
        for w in range(lanes):
            slack = 1e-14 * abs(energy[0, w]) + 1e-30
            # Of very small steps the co-content's own rounding is all that would be compared.
            good = damping[1, w] > 0.0 and (energy[1, w] <= energy[0, w] + slack or worst[w] <= SMALL)
            if active[w] > 0.0:
                energy[0, w] = energy[1, w] if good else energy[0, w]
                damping[0, w] = max(damping[0, w] * 0.2, LEAST) if good else damping[0, w] * 4.0
            damping[1, w] = 1.0 if damping[1, w] == 2.0 or (good and active[w] > 0.0) else 0.0
            left += active[w]
        for i in range(volts.shape[0]):
            for w in range(lanes):
                volts[i, w] = trial[i, w] if damping[1, w] > 0.0 else volts[i, w]
        if left == 0.0:
            break
