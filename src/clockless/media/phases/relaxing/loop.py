"""The compiled loop over events of one replica whose phases relax: a unit acts on both twins as they are at its event.

Between two events phases move as `propagation` says. A coupling compares the cosines of its ends in both twins, a site what
its own field makes of its phase; what they write takes effect at once, and phases do not jump at it, so units that act at
the same time act on the same states, as in a step. Examples move inputs, and everything else follows. Units that watch
their signal are asked again after every step of the phases.

A unit that is a site has two parameters, h and psi. What it shows a trigger is the larger of their contrasts.

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
from clockless.learning.unit_lanes import Sensed, draw, keep, put, want
from clockless.media.phases.relaxing.propagation import place, relax
from clockless.numerics.lanes import uncounted
from clockless.numerics.randomness import RULES, WRITES
from clockless.parts.devices import spacing
from clockless.parts.kernels import call, entry, separate
from clockless.parts.optimisers import follow, steer
from clockless.parts.packed import unpack


class Examples(NamedTuple):
    """The training set of one replica, in radians."""

    x: np.ndarray  # [example, input]
    y: np.ndarray  # [example, output]


class Layout(NamedTuple):
    """Where the parts of the loop begin that do not depend on the trigger, each compiled on its own."""

    relax: int
    present: int
    act: int
    look: int  # 0 where nobody watches
    shared: Shared


@uncounted
def sense(wires, value, phase, row):
    """dE/dtheta of the pushed minus that of the free twin, of the parameter in a row of `value`: W, then h, then psi.

    cos a - cos b = -2 sin((a + b) / 2) sin((a - b) / 2) and its like: no difference of nearly equal numbers.
    """
    couplings, sites = wires.edge_at.size - 1, phase.shape[0]
    if row < couplings:
        sensed = 0.0
        for at in range(wires.edge_at[row], wires.edge_at[row + 1]):
            i, j = wires.edge_from[wires.edges[at]], wires.edge_to[wires.edges[at]]
            free, pushed = phase[i, 0] - phase[j, 0], phase[i, 1] - phase[j, 1]
            sensed += 2.0 * np.sin(0.5 * (pushed + free)) * np.sin(0.5 * (pushed - free))
        return sensed
    site = (row - couplings) % sites
    psi, half = value[couplings + sites + site, 0], 0.5 * (phase[site, 1] - phase[site, 0])
    middle = 0.5 * (phase[site, 1] + phase[site, 0]) - psi
    if row < couplings + sites:
        return 2.0 * np.sin(middle) * np.sin(half)
    return -2.0 * value[couplings + site, 0] * np.cos(middle) * np.sin(half)


@called
def _decide(parts, factors, limits, lanes, gradient, state, scratch, row, unit, held):
    """What a parameter becomes: what it wants, what is written, what it remembers; it is not in the state yet.

    `parts` is (rule, device, optimiser); a device holds couplings alone (`held`).
    """
    rule, device, optimiser = parts
    memory, key, other, count = state.memory, scratch.key, scratch.other_key, state.counts.fired[unit]
    old, low, high = state.value[row, 0], limits.low[row], limits.high[row]
    signal = steer(optimiser, gradient, rule.nudge[0], memory.optimiser, row, 0)
    level = spacing(device, old, signal, 0)
    draw(rule, lanes, count, RULES, key)
    wanted = factors[row] * want(rule, Sensed(count, old, low, high, signal, level, 0.0, True), memory.rule, key, row, 0)
    draw(device, lanes, count, WRITES, other)
    seen = Sensed(count, old, low, high, signal, level, wanted, True)
    new = put(device, seen, memory.device, other, row, 0) if held else old + wanted
    keep(rule, seen, memory.rule, key, row, 0)
    if held:
        keep(device, seen, memory.device, other, row, 0)
    follow(optimiser, gradient, rule.nudge[0], memory.optimiser, True, row, 0)
    return new if factors[row] > 0.0 else old


@separate
def act(stamp, parts, factors, limits, lanes, wires, moving, state, scratch, unit):
    """A unit acts on what it senses now; its couplings and fields change at once."""
    value, couplings, sites = state.value, wires.edge_at.size - 1, moving.phase.shape[0]
    gradient = sense(wires, value, moving.phase, unit)
    if unit < couplings:
        value[unit, 0] = _decide(parts, factors, limits, lanes, gradient, state, scratch, unit, unit, True)
        for at in range(wires.edge_at[unit], wires.edge_at[unit + 1]):
            moving.weight[wires.edges[at]] = value[unit, 0]
        return
    site, turned = unit - couplings, unit + sites
    turning = sense(wires, value, moving.phase, turned)
    h = _decide(parts, factors, limits, lanes, gradient, state, scratch, unit, unit, False)
    psi = _decide(parts, factors, limits, lanes, turning, state, scratch, turned, unit, False)
    value[unit, 0], value[turned, 0] = h, psi
    moving.along[site], moving.across[site] = h * np.cos(psi), h * np.sin(psi)


@separate
def look_at_all(parts, factors, wires, moving, state, scratch):
    """Signals of all units as they are now: of a site that of the field's strength or direction, whichever is larger."""
    rule, _, optimiser = parts
    couplings, sites, nudge, memory = wires.edge_at.size - 1, moving.phase.shape[0], rule.nudge[0], state.memory.optimiser
    for unit in range(state.due.size):
        found = 0.0
        if factors[unit] > 0.0:
            found = steer(optimiser, sense(wires, state.value, moving.phase, unit), nudge, memory, unit, 0)
        if unit >= couplings and factors[unit + sites] > 0.0:
            row = unit + sites
            other = steer(optimiser, sense(wires, state.value, moving.phase, row), nudge, memory, row, 0)
            if abs(other) > abs(found):
                found = other
        scratch.signal[unit] = found


@separate
def let_relax(push, wires, physics, moving, lanes, room, now, until, last, once):
    """Let time pass; see `propagation.relax`."""
    relax(push, wires, physics, moving, lanes, room, now, until, last, once)


@separate
def present(push, wires, x, y, example, moving, room):
    """Hold both twins' inputs at an example, and clamped outputs where its targets say."""
    for s in range(wires.inputs.size):
        moving.phase[wires.inputs[s], 0] = moving.phase[wires.inputs[s], 1] = x[example, s]
    for o in range(wires.outputs.size):
        room.target[o] = y[example, o]
    place(push, wires, room.target, moving.phase)


def layout(stamp: Any, parts: Any, lanes: Any, about: tuple[Any, ...], state: State, scratch: Scratch) -> Layout:
    """Find or compile the separate parts of the loop; `about` is (factors, wires, examples, physics, moving, room)."""
    _, rule, push, trigger, device, optimiser, limits, presentation = parts
    factors, wires, examples, physics, moving, room = about
    acting = (rule, device, optimiser)
    return Layout(
        let_relax.address(push, wires, physics, moving, lanes, room, state.times.now, 0.0, 0.0, True),
        present.address(push, wires, examples.x, examples.y, 0, moving, room),
        act.address(stamp, acting, factors, limits, lanes, wires, moving, state, scratch, 0),
        look_at_all.address(acting, factors, wires, moving, state, scratch) if looks(trigger) else 0,
        shared(presentation, lanes, state, scratch),
    )


def _advance(packed, last, most):
    """Do all events before the time `last`, at most `most`; returns how many there were.

    `packed` holds stamp, layout, parts, lanes, factors, wires, examples, physics, moving, room, state, scratch and log,
    where `parts` is (medium, rule, push, trigger, device, optimiser, limits, presentation).
    """
    stamp, layout, parts, lanes, factors, wires, examples, physics, moving, room, state, scratch, log = unpack(packed)
    _, rule, push, trigger, device, optimiser, limits, presentation = parts
    counts, now, acting = state.counts, state.times.now, (rule, device, optimiser)
    showing = (push, wires, examples.x, examples.y)
    call(layout.present, (*showing, counts.example[0], moving, room))
    done, acted = 0, -1  # events; the unit of the one before
    fresh = counts.began[0] == 0  # whether anything has happened that units have not been asked about
    while True:
        if watching(trigger):
            call(layout.look, (acting, factors, wires, moving, state, scratch))
        if acted >= 0:
            tell(trigger, lanes, wires, state, scratch, limits, acted)
        everyone = counts.began[0] == 0 or (watching(trigger) and fresh)
        counts.began[0] = 1
        for e in range(0 if everyone else max(acted, 0), state.due.size if everyone else acted + 1):
            ask(trigger, lanes, state, scratch, limits, e)
        if done == most:
            break
        acted, due = earliest(state.due)
        until, before = min(due, state.times.switch[0]), now[0]
        call(layout.relax, (push, wires, physics, moving, lanes, room, now, until, last, watching(trigger)))
        fresh = now[0] > before
        if fresh:  # a call that was cut off by `last` leaves no trace
            pass_by(trigger, limits, lanes, state, scratch, now[0] - before)
        if now[0] < until or not until < last:
            acted = -1
            if watching(trigger) and fresh:
                continue
            break
        fresh = True
        if state.times.switch[0] == until:
            acted = -1
            show(layout.shared, presentation, lanes, state, examples.x.shape[0], scratch)
            call(layout.present, (*showing, counts.example[0], moving, room))
        else:
            value = state.value[acted, 0]
            call(layout.act, (stamp, acting, factors, limits, lanes, wires, moving, state, scratch, acted))
            remember(trigger, lanes, state, scratch, limits, value, acted)
            note_times(layout.shared, state, acted)
        done += 1
        if log.time.size > 0:
            write_line(log, until, acted, state)
    return done


advance = entry(_advance, _nrt=False)
