"""The compiled loop over events of one replica of a circuit: events, writes that were under way, examples, looks.

Where the circuit settles at once, voltages are made anew after every change (`twins.settle`), so events at the same time
come one after the other, each seeing what the one before has left. Where its nodes have capacities, voltages move between
events (`following.relax`) and do not jump at a write, so what fires at the same time acts on the same states, as in a step;
its new value takes effect after the delay of comparator and writer, and until then further events of the same edge are lost.
Both are called by address: the loop is the same.

The readable versions are `reference.Settled` and `reference.Relaxing`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.learning.events.asking import Asked, ask_again, has_fired, pass_until
from clockless.learning.events.triggering import Parts, Scratch, Shared, State, called, decide, earliest, write_line
from clockless.learning.unit_lanes import signal_of
from clockless.media.circuits.in_time.following import Room, fastest, hold, leaving, relax, wanted
from clockless.media.circuits.in_time.twins import (
    ALL,
    EXAMPLE,
    NOTHING,
    Charged,
    Circuit,
    Layout,
    Physics,
    flow_twins,
    sense,
    settle,
    settle_one,
)
from clockless.parts.kernels import do, separate
from clockless.parts.optimisers import steer
from clockless.parts.packed import Packed, unpack
from clockless.parts.works import Work

SOON = 0.2  # of the fastest node's time: who watches is asked again after it ..
MOVED = 1e-3  # .. and after the longer time in which no voltage moves by so much of the largest


class Calls(NamedTuple):
    """What the loop does, each compiled on its own."""

    renew: Any
    sense: Any  # what all edges sense; nothing where the circuit settles at once, as `renew` does it
    wait: Any  # (seconds)
    act: Any  # (e)
    look: Any  # nothing where nobody watches, as the next one
    plan: Any  # nothing where nothing moves between events
    asking: Asked
    shared: Shared


@separate
def hold_anew(packed):
    """Sources at another example, where nodes have capacities; at time 0 both twins have settled."""
    _, _, layout, circuit, _, counts, _, charged = unpack(packed)
    example = counts.example[0]
    circuit.example[0, 0] = example
    if charged.stale[0] == ALL:
        settle_one(layout, circuit, example)
        charged.broken[0] = 0 if circuit.found.good[0] > 0.0 else 1
    elif charged.stale[0] == EXAMPLE:
        hold(circuit)
    circuit.found.good[0] = 1.0  # what edges sense counts, settled or not
    charged.stale[0] = NOTHING


@separate
def stand(packed, seconds):
    """Let time pass where the circuit has settled: energy is dissipated."""
    _, _, _, charged, _, _, times = unpack(packed)
    times.free[0] += charged.power[0] * seconds
    times.pushed[0] += charged.power[1] * seconds


@separate
def plan_look(packed):
    """When edges that watch are asked again although nothing happens."""
    layout, circuit, physics, charged, room, example, times = unpack(packed)
    circuit.example[0, 0] = example[0]
    now, free, pushed = times.now[0], circuit.found.free, circuit.found.pushed
    flow_twins(layout, circuit, free, pushed, circuit.flows)
    bound = fastest(circuit)
    if physics.look[0] > 0.0:
        charged.look[0] = now + min(physics.look[0], 1.0 / bound)
        return
    largest, fast = 0.0, 0.0
    for twin in range(2):
        volts = free if twin == 0 else pushed
        leaving(circuit.wires, circuit.flows[twin], volts, room.leaves)
        if twin == 1 and not circuit.push.clamps:
            for o in range(circuit.roles.outputs.shape[0]):
                i = circuit.roles.outputs[o, 0]
                room.leaves[i] += circuit.push.nudge[0] * (volts[i, 0] - wanted(circuit, o, free))
        for i in range(volts.shape[0]):
            largest = max(largest, abs(volts[i, 0]))
            moves = circuit.roles.clamped[i, 0] if twin == 1 and circuit.push.clamps else circuit.roles.free[i, 0]
            fast = max(fast, moves * abs(room.leaves[i]) / circuit.capacity[i])
    charged.look[0] = now + SOON / bound + (MOVED * largest / fast if fast > 0.0 else np.inf)


@separate
def look_at_all(packed):
    """Signals of all edges from what they sense."""
    _, medium, optimiser, nudge, charged, state, scratch = unpack(packed)
    for e in range(state.due.size):
        gradient = signal_of(medium, state.value[e, 0], charged.sensed[e, 0])
        scratch.signal[e] = steer(optimiser, gradient, nudge[0], state.memory.optimiser, e, 0)


@separate
def act(packed, e):
    """An edge acts on what it senses now; scratch.u[0] <- its new value.

    The stamp's type says which sources the parts (medium, rule, device, optimiser) have.
    """
    _, parts, limits, lanes, charged, state, scratch = unpack(packed)
    scratch.u[0] = decide(parts, limits, lanes, state.value[e, 0], charged.sensed[e, 0], state, scratch, e)


def waiting(layout: Layout, about: tuple[Circuit, Physics, Charged, Room], example: Any, times: Any) -> Work:
    """How time passes without any event."""
    return Work(relax if about[1].relaxes[0] > 0.0 else stand, Packed(layout, *about, example, times), (0.0,))


def calls(
    stamp: Any, layout: Layout, parts: Parts, lanes: Any, about: tuple[Circuit, Physics, Charged, Room],
    of_edges: tuple[State, Scratch], others: tuple[Asked, Shared],
) -> Calls:  # fmt: skip
    """What the loop does."""
    (circuit, physics, charged, _), (state, scratch) = about, of_edges
    counts, of_edge = state.counts, (parts.medium, parts.rule, parts.device, parts.optimiser)
    sensing = Packed(stamp, parts.device.comparator, layout, circuit, lanes, counts, scratch.key, charged)
    seeing = (stamp, parts.medium, parts.optimiser, parts.rule.nudge, charged, state, scratch)
    relaxes, watched = physics.relaxes[0] > 0.0, others[0].watches
    return Calls(
        Work(hold_anew if relaxes else settle, sensing, own=True),
        Work(sense, sensing, own=True) if relaxes else None,
        waiting(layout, about, counts.example, state.times),
        Work(act, Packed(stamp, of_edge, parts.limits, lanes, charged, state, scratch), (0,), own=True),
        Work(look_at_all, Packed(*seeing), own=True) if watched else None,
        Work(plan_look, Packed(layout, *about, counts.example, state.times)) if relaxes and watched else None,
        *others,
    )


@called
def _feel(calls, physics):
    """What all edges sense now."""
    if physics.relaxes[0] > 0.0:
        do(calls.sense, ())


@called
def _set(physics, charged, state, e, value):
    """A new value takes effect."""
    if value != state.value[e, 0] and physics.relaxes[0] == 0.0:
        charged.stale[0] = max(charged.stale[0], EXAMPLE)
    state.value[e, 0] = value
    charged.writes[e] = np.inf


@called
def _fire(calls, physics, charged, state, scratch, e):
    """An edge's own event; whether its value changes now. While a write is under way the event is lost."""
    value, now = state.value[e, 0], False
    if charged.writes[e] < np.inf:
        charged.lost[0] += 1
    else:
        do(calls.act, (e,))
        if physics.delay[0] > 0.0:
            charged.writes[e], charged.written[e] = state.times.now[0] + physics.delay[0], scratch.u[0]
        else:
            _set(physics, charged, state, e, scratch.u[0])
            now = True
    has_fired(calls.asking, calls.shared, state, value, e)
    return now


@separate
def advance(packed, last, most, out):
    """Do all events before the time `last`, at most `most`; out[0] <- how many there were.

    `packed` holds calls, state, physics, charged, scratch and log.
    """
    calls, state, physics, charged, scratch, log = unpack(packed)
    counts, times, asking = state.counts, state.times, calls.asking
    done, acted = 0, -1  # events; the edge of the one before
    fresh = counts.began[0] == 0  # whether anything has happened that edges have not been asked about
    while True:
        do(calls.renew, ())
        if asking.watches != 0:
            _feel(calls, physics)
            do(calls.look, ())
            if fresh and physics.relaxes[0] > 0.0:
                do(calls.plan, ())
        ask_again(asking, state, acted, fresh)
        if done == most:
            break
        acted, due = earliest(state.due)
        written, at = earliest(charged.writes)
        time = min(due, at, times.switch[0], charged.look[0])
        if not time < last:
            break
        do(calls.wait, (time - times.now[0],))
        pass_until(asking, state, time)
        fresh, line = True, -1  # the edge that the log names; -1: none
        if times.switch[0] == time:
            acted = -1
            do(calls.shared.show, ())
            charged.stale[0] = max(charged.stale[0], EXAMPLE)
            done += 1
            if log.time.size > 0:
                write_line(log, time, -1, state)
        elif at == time:
            acted = -1
            _set(physics, charged, state, written, charged.written[written])
            line = written
        elif due == time:
            _feel(calls, physics)
            if _fire(calls, physics, charged, state, scratch, acted):
                line = acted
            done += 1
        else:
            acted = -1  # somebody looks
        if line >= 0 and log.time.size > 0:
            write_line(log, time, line, state)
    out[0] = done
