"""Free and pushed twin of one circuit in continuous time: their voltages, what edges carry and sense, what they dissipate.

Arrays have a single lane. A circuit without times of its own is settled anew after every change, from where it stands
(`settle`); one with capacities is followed by `following`. Power is the sum over edges of I (g_a V_a - g_b V_b) and over
shunts of s V^2, watts, which by Tellegen's theorem is what the sources deliver at the held nodes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from clockless.learning.events.triggering import called
from clockless.media.circuits import newton, states
from clockless.media.circuits.kinds import AnyLaw, carried, numbers_of
from clockless.numerics.lanes import UNCOUNTED
from clockless.parts.comparators import Ideal, compare, listen
from clockless.parts.kernels import call, separate
from clockless.parts.packed import Packed, unpack

NOTHING, EXAMPLE, ALL = 0, 1, 2  # what voltages do not know of yet


class Circuit(NamedTuple):
    """One replica's circuit."""

    wires: newton.Wires
    roles: states.Roles
    push: states.Push
    found: states.Found  # the voltages of both twins
    value: np.ndarray  # [unit, 1] what learns
    edges: np.ndarray  # int64 [unit] edges that learn
    capacity: np.ndarray  # [row] farads
    settled: Packed  # what `states.settle_example` works on; its example is that of the next line
    example: np.ndarray  # int64 [1, 1]
    compared: Packed  # what `states.contrast` works on; it adds to `Charged.sensed`
    theta: np.ndarray  # [unit, 1] scratch: what the pushed twin has
    rates: np.ndarray  # [row] scratch
    flows: np.ndarray  # [2, 3, edge] scratch: of both twins I, dI/dV_a, dI/dV_b


class Layout(NamedTuple):
    """Where what depends on the laws alone begins, each compiled on its own."""

    tile: Any
    example: int  # `states.settle_example`
    contrast: int  # `states.contrast_all`
    sensors: np.ndarray  # [group]
    flows: np.ndarray  # [group] `flow`


class Charged(NamedTuple):
    """What the next event needs besides edges, their times and voltages; each [1], but for those of edges."""

    sensed: np.ndarray  # [unit, 1] what edges sense, where the circuit settles at once
    power: np.ndarray  # [2] watts in both twins, the same
    stale: np.ndarray  # int64: what has changed that voltages do not know of yet
    writes: np.ndarray  # [unit] when a write under way takes effect, seconds; infinity: none
    written: np.ndarray  # [unit] what it writes
    look: np.ndarray  # when edges that watch are asked again
    stride: np.ndarray  # seconds, the first step of the solver after an event
    steps: np.ndarray  # int64: of the solver so far
    lost: np.ndarray  # int64: events of edges that were still being written
    broken: np.ndarray  # int64: 1 where the circuit could not be followed


class Physics(NamedTuple):
    """What the medium says of time; each [1]."""

    relaxes: np.ndarray  # 1 where nodes have capacities
    delay: np.ndarray  # seconds between what an edge senses and the write
    look: np.ndarray  # seconds between two looks; 0: as the voltages move
    accuracy: np.ndarray  # volts by which a step in time may be wrong


# --- what edges carry ---------------------------------------------------------------------------------------------------


@separate
def flow(kind, wires, theta, volts, group, out):
    """Write I, dI/dV_a and dI/dV_b of a group's edges into out [3, edge], V the nodes' voltages [row, 1]."""
    for k in range(wires.first[group], wires.first[group + 1]):
        e = wires.members[k]
        i, j, ga, gb = wires.a[e], wires.b[e], wires.gain_a[e], wires.gain_b[e]
        law = numbers_of(kind, wires.numbers, e, wires.rows[group])
        current, da, db = carried(kind, law, ga * volts[i, 0], gb * volts[j, 0], theta[wires.unit[e], 0])
        out[0, e], out[1, e], out[2, e] = current, ga * da, gb * db


@called
def flow_all(layout, wires, theta, volts, out):
    """The same of all edges."""
    for group in range(layout.flows.size):
        call(layout.flows[group], (AnyLaw(), wires, theta, volts, group, out))


@called
def flow_twins(layout, circuit, free, pushed, out):
    """Of all edges of both twins at these voltages, into out [2, 3, edge]."""
    theta, apart, own = circuit.value, circuit.push.apart, circuit.theta
    flow_all(layout, circuit.wires, theta, free, out[0])
    for u in range(theta.shape[0]):
        own[u, 0] = theta[u, 0] + (apart[u, 0] if apart.shape[0] > 0 else 0.0)
    flow_all(layout, circuit.wires, own, pushed, out[1])


@called
def dissipated(wires, volts, flows):
    """Watts in all edges and shunts."""
    total = 0.0
    for i in range(volts.shape[0]):
        total += wires.shunt[i] * volts[i, 0] * volts[i, 0]
    for e in range(wires.a.size):
        total += flows[0, e] * (wires.gain_a[e] * volts[wires.a[e], 0] - wires.gain_b[e] * volts[wires.b[e], 0])
    return total


# --- what edges sense ---------------------------------------------------------------------------------------------------


def heard(comparator, layout, circuit, lanes, fired, key, sensed):
    """Add what edges sense of both twins to sensed [unit, 1], that of `Charged`, by the type of the comparator.

    Compiled only.
    """


@overload(heard, jit_options=UNCOUNTED)
def _heard(comparator, layout, circuit, lanes, fired, key, sensed):
    if getattr(comparator.instance_class, "_part", None) is Ideal:

        def exactly(comparator, layout, circuit, lanes, fired, key, sensed):
            call(layout.contrast, (layout.sensors, circuit.compared))

        return exactly

    def compared(comparator, layout, circuit, lanes, fired, key, sensed):
        wires, free, pushed = circuit.wires, circuit.found.free, circuit.found.pushed
        for u in range(circuit.edges.size):
            e = circuit.edges[u]
            i, j, ga, gb = wires.a[e], wires.b[e], wires.gain_a[e], wires.gain_b[e]
            here, there = ga * free[i, 0] - gb * free[j, 0], ga * pushed[i, 0] - gb * pushed[j, 0]
            listen(comparator, lanes, fired[u], key)
            sensed[u, 0] += 0.5 * compare(comparator, there - here, there + here, u, key, 0)

    return compared


@separate
def sense(packed):
    """Write what edges sense of both twins as they are into sensed [unit, 1]."""
    _, comparator, layout, circuit, lanes, counts, key, charged = unpack(packed)
    sensed = charged.sensed
    for u in range(sensed.shape[0]):
        sensed[u, 0] = 0.0
    heard(comparator, layout, circuit, lanes, counts.fired, key, sensed)


# --- where the circuit settles at once ----------------------------------------------------------------------------------


@called
def settle_one(layout, circuit, example):
    """Settle both twins (and back, where a nudge is centred) at an example, from where they stand."""
    circuit.example[0, 0] = example
    call(layout.example, (circuit.settled, 0))


@separate
def settle(packed):
    """Settle at what is shown, an example or all (-1), after a change: what edges sense, and both twins' power."""
    _, comparator, layout, circuit, lanes, counts, key, charged = unpack(packed)
    if charged.stale[0] == NOTHING:
        return
    charged.stale[0] = NOTHING
    found, power, example = circuit.found, charged.power, counts.example[0]
    for u in range(charged.sensed.shape[0]):
        charged.sensed[u, 0] = 0.0
    first, last = (example, example + 1) if example >= 0 else (0, circuit.roles.x.shape[1])
    free, pushed, good = 0.0, 0.0, 0
    for each in range(first, last):
        settle_one(layout, circuit, each)
        if found.good[0] > 0.0:
            heard(comparator, layout, circuit, lanes, counts.fired, key, charged.sensed)
            flow_twins(layout, circuit, found.free, found.pushed, circuit.flows)
            free += dissipated(circuit.wires, found.free, circuit.flows[0])
            pushed += dissipated(circuit.wires, found.pushed, circuit.flows[1])
            good += 1
    if good > 0:  # else, as nothing is known of the new state, that of the last one
        power[0], power[1] = free / good, pushed / good
