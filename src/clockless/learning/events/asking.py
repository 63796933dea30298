"""What a trigger is asked at events, in functions that the loops of all media call by address: its own, and no more.

When edges are due, and what they remember of their own events, of their neighbours' and of the time that has passed. Each is
compiled once for a type of trigger, whatever the medium, the rule and the device are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from clockless.learning.events.triggering import Lanes, Scratch, State, called, draw_key
from clockless.learning.unit_lanes import Limits, asked
from clockless.numerics.lanes import COMPILE_OPTIONS, UNCOUNTED, uncounted
from clockless.numerics.randomness import HEARD, TRIGGERS
from clockless.parts.kernels import do, separate
from clockless.parts.packed import Packed, unpack
from clockless.parts.scalars import named_by, scalar
from clockless.parts.triggers import watches
from clockless.parts.works import Work


class Asked(NamedTuple):
    """What is asked of a trigger."""

    again: Any  # (acted, everyone): whom an event concerns
    wait: Any  # (passed): nothing where nobody watches, as `watches` says
    remember: Any  # (value, e): nothing where an edge remembers nothing of its own events
    watches: int  # 1 where all edges are asked after every event


class Beside(NamedTuple):
    """Which edges share a node: those of unit u are neighbours[first[u] : first[u + 1]]."""

    first: np.ndarray
    neighbours: np.ndarray


class Felt(NamedTuple):
    """What a trigger senses of its unit, as scalars."""

    now: float
    passed: float
    signal: float
    value: float
    low: float
    high: float
    step: int


_FELT = {
    **{name: f"sensed.{name}" for name in Felt._fields}, "index": "e", "uniform": "uniform(e, key[0, w], key[1, w])",
    "normal": "normal(e, key[0, w], key[1, w])",
}  # fmt: skip


# --- questions, answered by type ----------------------------------------------------------------------------


def ask_due(trigger, sensed, memory, key, e, w):
    """Seconds until the edge fires. Compiled only, as all below."""


def keep_fired(trigger, sensed, memory, key, e, w):
    """Write what the edge remembers of its own event."""


def keep_passed(trigger, sensed, memory, key, e, w):
    """Write what it remembers of the time that has passed."""


def keep_heard(trigger, sensed, memory, key, e, w):
    """Write what it remembers of a neighbour's event."""


def watching(trigger):
    """Whether all edges are asked after every event."""


def tell(trigger, lanes, wiring, state, scratch, limits, e):
    """Neighbours hear that an edge has fired, and are asked again."""


def pass_by(trigger, limits, lanes, state, scratch, passed):
    """Who watches remembers that so much time has passed."""


def draw_for(trigger, lanes, step, key):
    """The key of the random numbers of `due` and `passes`, if these draw any."""


def _part(trigger: Any) -> Any:
    return trigger.instance_class._part


@overload(ask_due, jit_options=COMPILE_OPTIONS)
def _ask_due(trigger, sensed, memory, key, e, w):
    return asked(trigger, "due", "trigger", _FELT)


def _keeps(stub: Any, method: str) -> None:
    @overload(stub, jit_options=COMPILE_OPTIONS)
    def _keep(trigger, sensed, memory, key, e, w):
        if scalar(_part(trigger), method):
            return asked(trigger, method, "trigger", _FELT)
        return lambda trigger, sensed, memory, key, e, w: None


_keeps(keep_fired, "fires")
_keeps(keep_passed, "passes")
_keeps(keep_heard, "hears")


@overload(watching, jit_options=COMPILE_OPTIONS)
def _watching(trigger):
    return (lambda trigger: True) if watches(_part(trigger)) else (lambda trigger: False)


# What a trigger never does is not compiled for it, which a branch that it never takes would be.


@overload(tell, jit_options=UNCOUNTED)
def _tell(trigger, lanes, wiring, state, scratch, limits, e):
    if not scalar(_part(trigger), "hears"):
        return lambda trigger, lanes, wiring, state, scratch, limits, e: None

    def tell_neighbours(trigger, lanes, wiring, state, scratch, limits, e):
        for at in range(wiring.first[e], wiring.first[e + 1]):
            f = wiring.neighbours[at]
            heard = state.counts.heard[f]
            draw_key(lanes, heard, HEARD, scratch.key)
            keep_heard(trigger, feel(scratch, state, limits, f, 0.0), state.memory.trigger, scratch.key, f, 0)
            state.counts.heard[f] = heard + 1
            if not watching(trigger):
                ask(trigger, lanes, state, scratch, limits, f)

    return tell_neighbours


@overload(pass_by, jit_options=UNCOUNTED)
def _pass_by(trigger, limits, lanes, state, scratch, passed):
    if not watches(_part(trigger)):
        return lambda trigger, limits, lanes, state, scratch, passed: None

    def remember_passed(trigger, limits, lanes, state, scratch, passed):
        for e in range(state.due.size):
            draw_for(trigger, lanes, state.counts.fired[e], scratch.key)
            felt = feel(scratch, state, limits, e, passed)
            keep_passed(trigger, felt, state.memory.trigger, scratch.key, e, 0)

    return remember_passed


@overload(draw_for, jit_options=COMPILE_OPTIONS)
def _draw_for(trigger, lanes, step, key):
    if {"uniform", "normal"} & named_by(_part(trigger), "due", "passes"):
        return lambda trigger, lanes, step, key: draw_key(lanes, step, TRIGGERS, key)
    return lambda trigger, lanes, step, key: None


# --- asked one by one --------------------------------------------------------------------------------------------------


@uncounted
def feel(scratch, state, limits, e, passed):
    return Felt(
        state.times.now[0],
        passed,
        scratch.signal[e],
        state.value[e, 0],
        limits.low[e],
        limits.high[e],
        state.counts.fired[e],
    )


@called
def ask(trigger, lanes, state, scratch, limits, e):
    """When the edge is due, from now on."""
    draw_for(trigger, lanes, state.counts.fired[e], scratch.key)
    wait = ask_due(trigger, feel(scratch, state, limits, e, 0.0), state.memory.trigger, scratch.key, e, 0)
    state.due[e] = state.times.now[0] + max(wait, 0.0)


# --- asked by the loops -------------------------------------------------------------------------------------------------


@separate
def ask_whom(packed, acted, everyone):
    """Neighbours hear that an edge has acted (-1: none has) and are asked again, as it is itself, or as everyone is."""
    _, trigger, limits, lanes, beside, state, scratch = unpack(packed)
    if acted >= 0:
        tell(trigger, lanes, beside, state, scratch, limits, acted)
    for e in range(0 if everyone else max(acted, 0), state.due.size if everyone else acted + 1):
        ask(trigger, lanes, state, scratch, limits, e)


@separate
def let_pass(packed, passed):
    """All edges remember that so much time has passed."""
    _, trigger, limits, lanes, _, state, scratch = unpack(packed)
    pass_by(trigger, limits, lanes, state, scratch, passed)


@separate
def remember_own(packed, value, e):
    """What an edge that had this value remembers of its own event; it sees the time and what it sensed."""
    _, trigger, limits, lanes, _, state, scratch = unpack(packed)
    count = state.counts.fired[e]
    draw_key(lanes, count, TRIGGERS, scratch.key)
    felt = Felt(state.times.now[0], 0.0, scratch.signal[e], value, limits.low[e], limits.high[e], count)
    keep_fired(trigger, felt, state.memory.trigger, scratch.key, e, 0)


def asked_of(
    stamp: np.ndarray, trigger: Any, limits: Limits, lanes: Lanes, beside: Beside, state: State, scratch: Scratch
) -> Asked:
    """What a trigger, given as its `Lanes`, is asked; the stamp's type says which sources it has."""
    packed, cls = Packed(stamp, trigger, limits, lanes, beside, state, scratch), type(trigger)._part
    return Asked(
        Work(ask_whom, packed, (0, True), own=True),
        Work(let_pass, packed, (0.0,), own=True) if watches(cls) else None,
        Work(remember_own, packed, (0.0, 0), own=True) if scalar(cls, "fires") else None,
        int(watches(cls)),
    )


@uncounted
def ask_again(asking, state, acted, fresh):
    """Ask whom the last event concerns; who watches after every event anywhere (`fresh`), and all at the start."""
    everyone = state.counts.began[0] == 0 or (asking.watches != 0 and fresh)
    state.counts.began[0] = 1
    if everyone or acted >= 0:
        do(asking.again, (acted, everyone))


@uncounted
def pass_until(asking, state, time):
    """Time passes until an event, and who watches remembers it."""
    passed = time - state.times.now[0]
    if asking.watches != 0:
        do(asking.wait, (passed,))
    state.times.now[0] = time


@uncounted
def has_fired(asking, shared, state, value, e):
    """What is remembered and counted of the event of an edge that had this value."""
    if asking.remember.address != 0:
        do(asking.remember, (value, e))
    state.counts.fired[e] += 1
    do(shared.note, (e,))
