"""The compiled loop over events of one replica whose twins relax: events, writes that were under way, examples, looks.

Between two events the potentials move as `propagation` says. At an event an edge compares the drops of both twins as they
are then; its new resistance takes effect after the delay of comparator and writer, and until then further events of the same
edge are lost. Potentials do not jump at a write, so what fires at the same time acts on the same states, as in a step.
A network that alternates (`alternating`) turns over after all that falls on the same time; another example begins a free
phase. Signals move between events, and triggers that watch are asked at every event and, in between, at looks.

The readable version is `reference.Simulation`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.learning.events.asking import Asked, ask_again, has_fired, pass_until
from clockless.learning.events.triggering import Parts, Scratch, Shared, State, called, decide, earliest, write_line
from clockless.learning.unit_lanes import signal_of
from clockless.media.resistors.ohm import conductance_of
from clockless.media.resistors.relaxing.alternating import release, turn_over
from clockless.media.resistors.relaxing.propagation import TWINS, fastest, hold, propagate, slopes
from clockless.parts.comparators import compare, listen
from clockless.parts.kernels import do, separate
from clockless.parts.optimisers import steer
from clockless.parts.packed import Packed, unpack
from clockless.parts.works import Work

SOON = 0.2  # of 1 / b, the fastest node's time: who watches is asked again after it ..
MOVED = 1e-3  # .. and after the longer time in which no potential moves by so much of the largest


class Layout(NamedTuple):
    """What the loop does, each compiled on its own."""

    relax: Any  # (seconds)
    present: Any  # (anew)
    act: Any  # (e)
    write: Any  # (e, value)
    turn: Any  # nothing for twins
    look: Any  # nothing where nobody watches, as the next one
    plan: Any
    asking: Asked
    shared: Shared


@called
def _sense(comparator, lanes, wiring, volts, fired, e, key):
    """What an edge senses of both twins: dV_P^2 - dV_F^2, volts squared, or what its comparator makes of it."""
    i, j = wiring.edge_from[e], wiring.edge_to[e]
    free, pushed = volts[i, 0] - volts[j, 0], volts[i, 1] - volts[j, 1]
    listen(comparator, lanes, fired, key)
    return compare(comparator, pushed - free, pushed + free, e, key, 0)


@separate
def act(packed, e):
    """An edge acts on what it senses now; scratch.u[0] <- its new value.

    The stamp's type says which sources the parts (medium, rule, device, optimiser) have.
    """
    _, parts, limits, lanes, wiring, charged, state, scratch = unpack(packed)
    sensed = _sense(parts[2].comparator, lanes, wiring, charged.volts, state.counts.fired[e], e, scratch.key)
    scratch.u[0] = decide(parts, limits, lanes, charged.conductance[e], sensed, state, scratch, e)


@separate
def write(packed, e, value):
    """A new value takes effect."""
    medium, charged, state = unpack(packed)
    state.value[e, 0] = value
    charged.conductance[e] = conductance_of(medium, value)
    charged.writes[e] = np.inf


@separate
def look_at_all(packed):
    """Signals of all edges as they are now."""
    _, (medium, comparator, optimiser), nudge, lanes, wiring, charged, state, scratch = unpack(packed)
    for e in range(state.due.size):
        sensed = _sense(comparator, lanes, wiring, charged.volts, state.counts.fired[e], e, scratch.key)
        gradient = signal_of(medium, charged.conductance[e], sensed)
        scratch.signal[e] = steer(optimiser, gradient, nudge[0], state.memory.optimiser, e, 0)


@separate
def let_relax(packed, seconds):
    """Let time pass; the work of the sources adds up."""
    push, wiring, physics, charged, lanes, room, times = unpack(packed)
    times.free[0] += propagate(push, wiring, physics, charged, lanes, room, seconds)


@separate
def present(packed, anew):
    """Hold both twins' inputs at an example and, if it is `anew`, the pushed twin's outputs where its targets say."""
    push, wiring, physics, examples, shown, charged, room = unpack(packed)
    example = shown[0]
    for s in range(wiring.inputs.size):
        room.x[s] = examples.x[example, s]
        charged.volts[wiring.inputs[s], 0] = charged.volts[wiring.inputs[s], 1] = room.x[s]
    for o in range(wiring.outputs.size):
        room.target[o] = examples.y[example, o]
    if anew and charged.phase[0] == TWINS:
        hold(push, wiring, physics, room.target, charged.volts)


@separate
def turn(packed):
    """The other phase of a network that alternates."""
    push, wiring, physics, charged, target, now = unpack(packed)
    turn_over(push, wiring, physics, charged, target, now[0])


@separate
def plan_look(packed):
    """When edges that watch are asked again although nothing happens."""
    push, wiring, physics, charged, room, now = unpack(packed)
    volts, rates = charged.volts, room.now
    bound = fastest(push, wiring, physics, charged.conductance, room)
    if physics.look[0] > 0.0:
        charged.look[0] = now[0] + min(physics.look[0], 1.0 / bound)
        return
    slopes(push, wiring, physics, charged.conductance, room, 1.0, volts, rates)
    largest, fast = 0.0, 0.0
    for n in range(volts.shape[0]):
        for w in range(2):
            largest, fast = max(largest, abs(volts[n, w])), max(fast, abs(rates[n, w]))
    # With noise, potentials that have settled move again.
    longest = 1.0 / bound if physics.heat[0] > 0.0 else np.inf
    charged.look[0] = now[0] + SOON / bound + min(MOVED * largest / fast if fast > 0.0 else np.inf, longest)


def relaxing(push: Any, lanes: Any, about: tuple[Any, ...], times: Any) -> Work:
    """How both twins relax; `about` is (wiring, physics, charged, room)."""
    wiring, physics, charged, room = about
    return Work(let_relax, Packed(push, wiring, physics, charged, lanes, room, times), (0.0,))


def layout(
    stamp: Any,
    parts: Parts,
    lanes: Any,
    about: tuple[Any, ...],
    state: State,
    scratch: Scratch,
    others: tuple[Asked, Shared],
) -> Layout:
    """What the loop does; `about` is (wiring, examples, physics, charged, room)."""
    wiring, examples, physics, charged, room = about
    medium, push, comparator, now = parts.medium, parts.push, parts.device.comparator, state.times.now
    of_edge = medium, parts.rule, parts.device, parts.optimiser
    seeing = (stamp, (medium, comparator, parts.optimiser), parts.rule.nudge, lanes, wiring, charged, state, scratch)
    watched, alternates = others[0].watches, charged.phase[0] != TWINS
    return Layout(
        relaxing(push, lanes, (wiring, physics, charged, room), state.times),
        Work(present, Packed(push, wiring, physics, examples, state.counts.example, charged, room), (True,)),
        Work(act, Packed(stamp, of_edge, parts.limits, lanes, wiring, charged, state, scratch), (0,), own=True),
        Work(write, Packed(medium, charged, state), (0, 0.0)),
        Work(turn, Packed(push, wiring, physics, charged, room.target, now)) if alternates else None,
        Work(look_at_all, Packed(*seeing), own=True) if watched else None,
        Work(plan_look, Packed(push, wiring, physics, charged, room, now)) if watched else None,
        *others,
    )


@called
def _fire(layout, physics, charged, state, scratch, e):
    """An edge's own event; whether its value changes now. While a write is under way the event is lost."""
    value, now = state.value[e, 0], False
    if charged.writes[e] < np.inf:
        charged.lost[0] += 1
    else:
        do(layout.act, (e,))
        if physics.delay[0] > 0.0:
            charged.writes[e], charged.written[e] = state.times.now[0] + physics.delay[0], scratch.u[0]
        else:
            do(layout.write, (e, scratch.u[0]))
            now = True
    has_fired(layout.asking, layout.shared, state, value, e)
    return now


@separate
def advance(packed, last, most, out):
    """Do all events before the time `last`, at most `most`; out[0] <- how many there were.

    `packed` holds layout, state, physics, charged, scratch and log.
    """
    layout, state, physics, charged, scratch, log = unpack(packed)
    counts, times, asking = state.counts, state.times, layout.asking
    do(layout.present, (counts.began[0] == 0,))
    done, acted = 0, -1  # events; the edge of the one before
    fresh = counts.began[0] == 0  # whether anything has happened that edges have not been asked about
    while True:
        if asking.watches != 0:
            do(layout.look, ())
            if fresh:
                do(layout.plan, ())
        ask_again(asking, state, acted, fresh)
        if done == most:
            break
        acted, due = earliest(state.due)
        written, at = earliest(charged.writes)
        time = min(due, at, times.switch[0], charged.look[0], charged.turn[0])
        if not time < last:
            break
        do(layout.relax, (time - times.now[0],))
        pass_until(asking, state, time)
        fresh, line = True, -1  # the edge that the log names; -1: none
        if times.switch[0] == time:
            acted = -1
            do(layout.shared.show, ())
            if charged.phase[0] != TWINS:
                release(physics, charged, time)
            do(layout.present, (True,))
            done += 1
            if log.time.size > 0:
                write_line(log, time, -1, state)
        elif at == time:
            acted = -1
            do(layout.write, (written, charged.written[written]))
            line = written
        elif due == time:
            if _fire(layout, physics, charged, state, scratch, acted):
                line = acted
            done += 1
        elif charged.turn[0] == time:
            acted = -1
            do(layout.turn, ())
        else:
            acted = -1  # somebody looks
        if line >= 0 and log.time.size > 0:
            write_line(log, time, line, state)
    out[0] = done
