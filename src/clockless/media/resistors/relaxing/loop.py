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

from clockless.learning.events.triggering import (
    Scratch,
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
from clockless.media.resistors.ohm import conductance_of
from clockless.media.resistors.relaxing.alternating import release, turn_over
from clockless.media.resistors.relaxing.propagation import TWINS, fastest, hold, propagate, slopes
from clockless.parts.comparators import compare, listen
from clockless.parts.kernels import call, entry, separate
from clockless.parts.optimisers import steer
from clockless.parts.packed import unpack

SOON = 0.2  # of 1 / b, the fastest node's time: who watches is asked again after it ..
MOVED = 1e-3  # .. and after the longer time in which no potential moves by so much of the largest


class Layout(NamedTuple):
    """Where the parts of the loop begin that do not depend on the trigger, each compiled on its own."""

    relax: int
    present: int
    act: int
    look: int  # 0 where nobody watches, as the next one
    plan: int
    shared: Shared


@called
def _sense(comparator, lanes, wiring, volts, fired, e, key):
    """What an edge senses of both twins: dV_P^2 - dV_F^2, volts squared, or what its comparator makes of it."""
    i, j = wiring.edge_from[e], wiring.edge_to[e]
    free, pushed = volts[i, 0] - volts[j, 0], volts[i, 1] - volts[j, 1]
    listen(comparator, lanes, fired, key)
    return compare(comparator, pushed - free, pushed + free, e, key, 0)


@separate
def act(stamp, parts, limits, lanes, wiring, charged, state, scratch, e, out):
    """An edge acts on what it senses now; out[0] <- its new value. `parts` is (medium, rule, device, optimiser)."""
    sensed = _sense(parts[2].comparator, lanes, wiring, charged.volts, state.counts.fired[e], e, scratch.key)
    out[0] = decide(parts, limits, lanes, charged.conductance[e], sensed, state, scratch, e)


@separate
def look_at_all(medium, comparator, optimiser, nudge, lanes, wiring, charged, state, scratch):
    """Signals of all edges as they are now."""
    for e in range(state.due.size):
        sensed = _sense(comparator, lanes, wiring, charged.volts, state.counts.fired[e], e, scratch.key)
        gradient = signal_of(medium, charged.conductance[e], sensed)
        scratch.signal[e] = steer(optimiser, gradient, nudge, state.memory.optimiser, e, 0)


@separate
def let_relax(push, wiring, physics, charged, lanes, room, times, passed):
    """Let time pass; the work of the sources adds up."""
    times.free[0] += propagate(push, wiring, physics, charged, lanes, room, passed)


@separate
def present(push, wiring, physics, examples, example, charged, room, anew):
    """Hold both twins' inputs at an example and, if it is `anew`, the pushed twin's outputs where its targets say."""
    for s in range(wiring.inputs.size):
        room.x[s] = examples.x[example, s]
        charged.volts[wiring.inputs[s], 0] = charged.volts[wiring.inputs[s], 1] = room.x[s]
    for o in range(wiring.outputs.size):
        room.target[o] = examples.y[example, o]
    if anew and charged.phase[0] == TWINS:
        hold(push, wiring, physics, room.target, charged.volts)


def layout(stamp: Any, parts: Any, lanes: Any, about: tuple[Any, ...], state: State, scratch: Scratch) -> Layout:
    """Find or compile the parts of the loop that are separate; `about` is (wiring, examples, physics, charged, room)."""
    medium, rule, push, trigger, device, optimiser, limits, presentation = parts
    wiring, examples, physics, charged, room = about
    acting = (stamp, (medium, rule, device, optimiser), limits, lanes, wiring, charged, state, scratch, 0, scratch.u)
    seen = (medium, device.comparator, optimiser, 0.0, lanes, wiring, charged, state, scratch)
    relaxing = let_relax.address(push, wiring, physics, charged, lanes, room, state.times, 0.0)
    showing = present.address(push, wiring, physics, examples, 0, charged, room, True)
    watched = (
        look_at_all.address(*seen), plan_look.address(push, wiring, physics, charged, room, 0.0)
    ) if looks(trigger) else (0, 0)  # fmt: skip
    return Layout(relaxing, showing, act.address(*acting), *watched, shared(presentation, lanes, state, scratch))


@separate
def plan_look(push, wiring, physics, charged, room, now):
    """When edges that watch are asked again although nothing happens."""
    volts, rates = charged.volts, room.now
    bound = fastest(push, wiring, physics, charged.conductance, room)
    if physics.look[0] > 0.0:
        charged.look[0] = now + min(physics.look[0], 1.0 / bound)
        return
    slopes(push, wiring, physics, charged.conductance, room, 1.0, volts, rates)
    largest, fast = 0.0, 0.0
    for n in range(volts.shape[0]):
        for w in range(2):
            largest, fast = max(largest, abs(volts[n, w])), max(fast, abs(rates[n, w]))
    # With noise, potentials that have settled move again.
    longest = 1.0 / bound if physics.heat[0] > 0.0 else np.inf
    charged.look[0] = now + SOON / bound + min(MOVED * largest / fast if fast > 0.0 else np.inf, longest)


@called
def _set(medium, charged, state, e, value):
    """A new value takes effect."""
    state.value[e, 0] = value
    charged.conductance[e] = conductance_of(medium, value)
    charged.writes[e] = np.inf


def _advance(packed, last, most):
    """Do all events before the time `last`, at most `most`; returns how many there were.

    `packed` holds stamp, layout, parts, lanes, wiring, examples, physics, charged, room, state, scratch and log, where
    `parts` is (medium, rule, push, trigger, device, optimiser, limits, presentation).
    """
    stamp, layout, parts, lanes, wiring, examples, physics, charged, room, state, scratch, log = unpack(packed)
    medium, rule, push, trigger, device, optimiser, limits, presentation = parts
    counts, times, of_edge = state.counts, state.times, (medium, rule, device, optimiser)
    seeing = (medium, device.comparator, optimiser, rule.nudge[0], lanes, wiring, charged, state, scratch)
    showing = (push, wiring, physics, examples)
    call(layout.present, (*showing, counts.example[0], charged, room, counts.began[0] == 0))
    done, acted = 0, -1  # events; the edge of the one before
    fresh = counts.began[0] == 0  # whether anything has happened that edges have not been asked about
    while True:
        if watching(trigger):
            call(layout.look, seeing)
            if fresh:
                call(layout.plan, (push, wiring, physics, charged, room, times.now[0]))
        if acted >= 0:
            tell(trigger, lanes, wiring, state, scratch, limits, acted)
        everyone = counts.began[0] == 0 or (watching(trigger) and fresh)
        counts.began[0] = 1
        for e in range(0 if everyone else max(acted, 0), state.due.size if everyone else acted + 1):
            ask(trigger, lanes, state, scratch, limits, e)
        if done == most:
            break
        acted, due = earliest(state.due)
        written, at = earliest(charged.writes)
        time = min(due, at, times.switch[0], charged.look[0], charged.turn[0])
        if not time < last:
            break
        passed = time - times.now[0]
        call(layout.relax, (push, wiring, physics, charged, lanes, room, times, passed))
        pass_by(trigger, limits, lanes, state, scratch, passed)
        times.now[0] = time
        fresh, line = True, -1  # the edge that the log names; -1: none
        if times.switch[0] == time:
            acted = -1
            show(layout.shared, presentation, lanes, state, examples.x.shape[0], scratch)
            if charged.phase[0] != TWINS:
                release(physics, charged, time)
            call(layout.present, (*showing, counts.example[0], charged, room, True))
            done += 1
            if log.time.size > 0:
                write_line(log, time, -1, state)
        elif at == time:
            acted = -1
            _set(medium, charged, state, written, charged.written[written])
            line = written
        elif due == time:
            if _fire(layout, stamp, of_edge, limits, lanes, wiring, physics, charged, state, scratch, trigger, acted):
                line = acted
            done += 1
        elif charged.turn[0] == time:
            acted = -1
            turn_over(push, wiring, physics, charged, room.target, time)
        else:
            acted = -1  # somebody looks
        if line >= 0 and log.time.size > 0:
            write_line(log, time, line, state)
    return done


@called
def _fire(layout, stamp, of_edge, limits, lanes, wiring, physics, charged, state, scratch, trigger, e):
    """An edge's own event; whether its value changes now. While a write is under way the event is lost."""
    value, out, now = state.value[e, 0], scratch.u, False
    if charged.writes[e] < np.inf:
        charged.lost[0] += 1
    else:
        call(layout.act, (stamp, of_edge, limits, lanes, wiring, charged, state, scratch, e, out))
        if physics.delay[0] > 0.0:
            charged.writes[e], charged.written[e] = state.times.now[0] + physics.delay[0], out[0]
        else:
            _set(of_edge[0], charged, state, e, out[0])
            now = True
    remember(trigger, lanes, state, scratch, limits, value, e)
    note_times(layout.shared, state, e)
    return now


advance = entry(_advance, _nrt=False)
