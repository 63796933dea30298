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

from clockless.learning.events.asking import Asked, ask_again, has_fired
from clockless.learning.events.triggering import Parts, Scratch, Shared, State, called, earliest, write_line
from clockless.learning.unit_lanes import Sensed, draw, keep, put, want
from clockless.media.phases.relaxing.propagation import place, relax
from clockless.numerics.lanes import uncounted
from clockless.numerics.randomness import RULES, WRITES
from clockless.parts.devices import spacing
from clockless.parts.kernels import do, entry, separate
from clockless.parts.optimisers import follow, steer
from clockless.parts.packed import Packed, unpack
from clockless.parts.works import Work


class Examples(NamedTuple):
    """The training set of one replica, in radians."""

    x: np.ndarray  # [example, input]
    y: np.ndarray  # [example, output]


class Layout(NamedTuple):
    """What the loop does, each compiled on its own."""

    relax: Any  # (until, last, once)
    present: Any
    act: Any  # (unit)
    look: Any  # nothing where nobody watches
    asking: Asked
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
def act(packed, unit):
    """A unit acts on what it senses now; its couplings and fields change at once.

    The stamp's type says which sources the parts (rule, device, optimiser) have.
    """
    _, parts, factors, limits, lanes, wires, moving, state, scratch = unpack(packed)
    value, couplings, sites = state.value, wires.edge_at.size - 1, moving.phase.shape[0]
    held = unit < couplings  # not `True` and `False`, for each of which `_decide` would be compiled
    gradient = sense(wires, value, moving.phase, unit)
    new = _decide(parts, factors, limits, lanes, gradient, state, scratch, unit, unit, held)
    if held:
        value[unit, 0] = new
        for at in range(wires.edge_at[unit], wires.edge_at[unit + 1]):
            moving.weight[wires.edges[at]] = new
        return
    site, turned = unit - couplings, unit + sites
    turning = sense(wires, value, moving.phase, turned)
    psi = _decide(parts, factors, limits, lanes, turning, state, scratch, turned, unit, held)
    value[unit, 0], value[turned, 0] = new, psi
    moving.along[site], moving.across[site] = new * np.cos(psi), new * np.sin(psi)


@separate
def look_at_all(packed):
    """Signals of all units as they are now: of a site that of the field's strength or direction, whichever is larger."""
    _, optimiser, nudges, factors, wires, moving, state, scratch = unpack(packed)
    couplings, sites, nudge, memory = wires.edge_at.size - 1, moving.phase.shape[0], nudges[0], state.memory.optimiser
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
def let_relax(packed, until, last, once):
    """Let time pass; see `propagation.relax`."""
    push, wires, physics, moving, lanes, room, now = unpack(packed)
    relax(push, wires, physics, moving, lanes, room, now, until, last, once)


@separate
def present(packed):
    """Hold both twins' inputs at an example, and clamped outputs where its targets say."""
    push, wires, examples, shown, moving, room = unpack(packed)
    example = shown[0]
    for s in range(wires.inputs.size):
        moving.phase[wires.inputs[s], 0] = moving.phase[wires.inputs[s], 1] = examples.x[example, s]
    for o in range(wires.outputs.size):
        room.target[o] = examples.y[example, o]
    place(push, wires, room.target, moving.phase)


def relaxing(push: Any, lanes: Any, about: tuple[Any, ...], now: np.ndarray) -> Work:
    """How both twins relax from now[0] on; `about` is (wires, physics, moving, room)."""
    wires, physics, moving, room = about
    return Work(let_relax, Packed(push, wires, physics, moving, lanes, room, now), (0.0, 0.0, True))


def layout(
    stamp: Any,
    parts: Parts,
    lanes: Any,
    about: tuple[Any, ...],
    state: State,
    scratch: Scratch,
    others: tuple[Asked, Shared],
) -> Layout:
    """What the loop does; `about` is (factors, wires, examples, physics, moving, room)."""
    factors, wires, examples, physics, moving, room = about
    of_unit, of_all = (parts.rule, parts.device, parts.optimiser), (factors, wires, moving, state, scratch)
    acting = (stamp, of_unit, factors, parts.limits, lanes, wires, moving, state, scratch)
    return Layout(
        relaxing(parts.push, lanes, (wires, physics, moving, room), state.times.now),
        Work(present, Packed(parts.push, wires, examples, state.counts.example, moving, room)),
        Work(act, Packed(*acting), (0,), own=True),
        Work(look_at_all, Packed(stamp, parts.optimiser, parts.rule.nudge, *of_all), own=True)
        if others[0].watches
        else None,
        *others,
    )


@separate
def advance(packed, last, most, out):
    """Do all events before the time `last`, at most `most`; out[0] <- how many there were.

    `packed` holds layout, state and log.
    """
    layout, state, log = unpack(packed)
    counts, now, asking = state.counts, state.times.now, layout.asking
    watching = asking.watches != 0
    do(layout.present, ())
    done, acted = 0, -1  # events; the unit of the one before
    fresh = counts.began[0] == 0  # whether anything has happened that units have not been asked about
    while True:
        if watching:
            do(layout.look, ())
        ask_again(asking, state, acted, fresh)
        if done == most:
            break
        acted, due = earliest(state.due)
        until, before = min(due, state.times.switch[0]), now[0]
        do(layout.relax, (until, last, watching))
        fresh = now[0] > before
        if fresh and watching:  # a call that was cut off by `last` leaves no trace
            do(asking.wait, (now[0] - before,))
        if now[0] < until or not until < last:
            acted = -1
            if watching and fresh:
                continue
            break
        fresh = True
        if state.times.switch[0] == until:
            acted = -1
            do(layout.shared.show, ())
            do(layout.present, ())
        else:
            value = state.value[acted, 0]
            do(layout.act, (acted,))
            has_fired(asking, layout.shared, state, value, acted)
        done += 1
        if log.time.size > 0:
            write_line(log, until, acted, state)
    out[0] = done


def _relax_until(address, values, until):
    """Let both twins relax to a time."""
    do((address, values), (until, np.inf, False))


relax_until: Any = entry(_relax_until, _nrt=False)
