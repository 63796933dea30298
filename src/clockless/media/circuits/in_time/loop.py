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

from clockless.learning.events.triggering import (
    Shared,
    State,
    ask,
    called,
    decide,
    earliest,
    looks,
    note_times,
    pass_by,
    remember,
    shared,
    show,
    tell,
    watching,
    write_line,
)
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
from clockless.parts.kernels import call, entry, separate
from clockless.parts.optimisers import steer
from clockless.parts.packed import unpack

SOON = 0.2  # of the fastest node's time: who watches is asked again after it ..
MOVED = 1e-3  # .. and after the longer time in which no voltage moves by so much of the largest


class Calls(NamedTuple):
    """Where the parts of the loop begin that do not depend on the trigger, each compiled on its own."""

    renew: int
    sense: int
    wait: int
    look: int  # 0 where nobody watches, or nothing moves between events
    act: int
    shared: Shared


class Beside(NamedTuple):
    """Which edges that learn share a node: those of unit u are neighbours[first[u] : first[u + 1]]."""

    first: np.ndarray
    neighbours: np.ndarray


class Shelf(NamedTuple):
    """The examples, as a presentation counts them."""

    x: np.ndarray  # [example, input]


@separate
def hold_anew(comparator, layout, circuit, lanes, example, fired, key, charged):
    """Sources at another example, where nodes have capacities; at time 0 both twins have settled."""
    circuit.example[0, 0] = example
    if charged.stale[0] == ALL:
        settle_one(layout, circuit, example)
        charged.broken[0] = 0 if circuit.found.good[0] > 0.0 else 1
    elif charged.stale[0] == EXAMPLE:
        hold(circuit)
    circuit.found.good[0] = 1.0  # what edges sense counts, settled or not
    charged.stale[0] = NOTHING


@separate
def stand(layout, circuit, physics, charged, room, example, times, passed):
    """Let time pass where the circuit has settled: energy is dissipated."""
    times.free[0] += charged.power[0] * passed
    times.pushed[0] += charged.power[1] * passed


@separate
def plan_look(layout, circuit, physics, charged, room, example, now):
    """When edges that watch are asked again although nothing happens."""
    circuit.example[0, 0] = example
    free, pushed = circuit.found.free, circuit.found.pushed
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
def act(stamp, parts, limits, lanes, charged, state, scratch, e, out):
    """An edge acts on what it senses now; out[0] <- its new value. `parts` is (medium, rule, device, optimiser)."""
    out[0] = decide(parts, limits, lanes, state.value[e, 0], charged.sensed[e, 0], state, scratch, e)


def calls(
    stamp: Any, layout: Layout, parts: Any, lanes: Any, about: tuple[Circuit, Physics, Charged, Room], state: State,
    scratch: Any,
) -> Calls:  # fmt: skip
    """Find or compile the parts of the loop that are separate."""
    medium, rule, _, trigger, device, optimiser, limits, presentation = parts
    circuit, physics, charged, room = about
    comparator, fired, key = device.comparator, state.counts.fired, scratch.key
    renewing = (comparator, layout, circuit, lanes, 0, fired, key, charged)
    waiting = (layout, circuit, physics, charged, room, 0, state.times, 0.0)
    relaxes = physics.relaxes[0] > 0.0
    return Calls(
        (hold_anew if relaxes else settle).address(*renewing),
        sense.address(comparator, layout, circuit, lanes, fired, key, charged.sensed) if relaxes else 0,
        (relax if relaxes else stand).address(*waiting),
        plan_look.address(layout, circuit, physics, charged, room, 0, 0.0) if relaxes and looks(trigger) else 0,
        act.address(stamp, (medium, rule, device, optimiser), limits, lanes, charged, state, scratch, 0, scratch.u),
        shared(presentation, lanes, state, scratch),
    )


@called
def _feel(calls, layout, parts, lanes, circuit, physics, charged, state, scratch):
    """What all edges sense now."""
    if physics.relaxes[0] > 0.0:
        sensing = (parts[4].comparator, layout, circuit, lanes, state.counts.fired, scratch.key, charged.sensed)
        call(calls.sense, sensing)


@called
def _look(parts, charged, state, scratch):
    """Signals of all edges from what they sense."""
    medium, rule, optimiser = parts[0], parts[1], parts[5]
    for e in range(state.due.size):
        gradient = signal_of(medium, state.value[e, 0], charged.sensed[e, 0])
        scratch.signal[e] = steer(optimiser, gradient, rule.nudge[0], state.memory.optimiser, e, 0)


@called
def _set(physics, charged, state, e, value):
    """A new value takes effect."""
    if value != state.value[e, 0] and physics.relaxes[0] == 0.0:
        charged.stale[0] = max(charged.stale[0], EXAMPLE)
    state.value[e, 0] = value
    charged.writes[e] = np.inf


@called
def _fire(calls, stamp, parts, lanes, physics, charged, state, scratch, e):
    """An edge's own event; whether its value changes now. While a write is under way the event is lost."""
    medium, rule, _, trigger, device, optimiser, limits, _ = parts
    value, out, now = state.value[e, 0], scratch.u, False
    if charged.writes[e] < np.inf:
        charged.lost[0] += 1
    else:
        call(calls.act, (stamp, (medium, rule, device, optimiser), limits, lanes, charged, state, scratch, e, out))
        if physics.delay[0] > 0.0:
            charged.writes[e], charged.written[e] = state.times.now[0] + physics.delay[0], out[0]
        else:
            _set(physics, charged, state, e, out[0])
            now = True
    remember(trigger, lanes, state, scratch, limits, value, e)
    note_times(calls.shared, state, e)
    return now


def _advance(packed, last, most):
    """Do all events before the time `last`, at most `most`; returns how many there were.

    `packed` holds stamp, calls, layout, parts, lanes, (circuit, beside, shelf), physics, charged, room, state, scratch and
    log, where `parts` is (medium, rule, push, trigger, device, optimiser, limits, presentation).
    """
    stamp, calls, layout, parts, lanes, board, physics, charged, room, state, scratch, log = unpack(packed)
    circuit, beside, shelf = board
    trigger, limits, presentation = parts[3], parts[6], parts[7]
    counts, times, comparator = state.counts, state.times, parts[4].comparator
    done, acted = 0, -1  # events; the edge of the one before
    fresh = counts.began[0] == 0  # whether anything has happened that edges have not been asked about
    while True:
        renewing = (comparator, layout, circuit, lanes, counts.example[0], counts.fired, scratch.key, charged)
        call(calls.renew, renewing)
        if watching(trigger):
            _feel(calls, layout, parts, lanes, circuit, physics, charged, state, scratch)
            _look(parts, charged, state, scratch)
            if fresh and physics.relaxes[0] > 0.0:
                call(calls.look, (layout, circuit, physics, charged, room, counts.example[0], times.now[0]))
        if acted >= 0:
            tell(trigger, lanes, beside, state, scratch, limits, acted)
        everyone = counts.began[0] == 0 or (watching(trigger) and fresh)
        counts.began[0] = 1
        for e in range(0 if everyone else max(acted, 0), state.due.size if everyone else acted + 1):
            ask(trigger, lanes, state, scratch, limits, e)
        if done == most:
            break
        acted, due = earliest(state.due)
        written, at = earliest(charged.writes)
        time = min(due, at, times.switch[0], charged.look[0])
        if not time < last:
            break
        passed = time - times.now[0]
        call(calls.wait, (layout, circuit, physics, charged, room, counts.example[0], times, passed))
        pass_by(trigger, limits, lanes, state, scratch, passed)
        times.now[0] = time
        fresh, line = True, -1  # the edge that the log names; -1: none
        if times.switch[0] == time:
            acted = -1
            show(calls.shared, presentation, lanes, state, shelf.x.shape[0], scratch)
            charged.stale[0] = max(charged.stale[0], EXAMPLE)
            done += 1
            if log.time.size > 0:
                write_line(log, time, -1, state)
        elif at == time:
            acted = -1
            _set(physics, charged, state, written, charged.written[written])
            line = written
        elif due == time:
            _feel(calls, layout, parts, lanes, circuit, physics, charged, state, scratch)
            if _fire(calls, stamp, parts, lanes, physics, charged, state, scratch, acted):
                line = acted
            done += 1
        else:
            acted = -1  # somebody looks
        if line >= 0 and log.time.size > 0:
            write_line(log, time, line, state)
    return done


advance = entry(_advance, _nrt=False)


def _wait(packed, passed):
    """Let both twins move for some seconds without any event; of copies of what they are."""
    calls, layout, circuit, physics, charged, room, example, times = unpack(packed)
    call(calls.wait, (layout, circuit, physics, charged, room, example[0], times, passed))


wait = entry(_wait, _nrt=False)
