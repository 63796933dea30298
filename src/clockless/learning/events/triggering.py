"""What edges with triggers do whatever the network does between their events: fire, remember, hear, are asked, are noted.

All that is compiled and shared by the loops over events of all media, whether networks settle at once or relax: the state of
one replica, the questions to a trigger, answered by its type, and the acts of an edge as far as they ask for no voltages.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from clockless.learning.unit_lanes import Sensed, asked, draw, keep, put, signal_of, want
from clockless.numerics.lanes import COMPILE_OPTIONS, UNCOUNTED, uncounted
from clockless.numerics.randomness import HEARD, PRESENTATIONS, RULES, TRIGGERS, WRITES, step_keys, uniform
from clockless.parts.devices import spacing
from clockless.parts.kernels import call, separate
from clockless.parts.optimisers import follow, steer
from clockless.parts.scalars import named_by, scalar
from clockless.parts.triggers import watches

BINS = 160  # of intervals: four an octave, from 2^-20 to 2^20 seconds


class Lanes(NamedTuple):
    """Who a replica is: the words that its random numbers are hashed from."""

    seed: np.ndarray  # uint64 [1]
    replica: np.ndarray  # uint64 [1]


class Memory(NamedTuple):
    """What units keep for the parts, each float64 [slot, edge, 1]."""

    rule: np.ndarray
    trigger: np.ndarray
    device: np.ndarray
    optimiser: np.ndarray


class Times(NamedTuple):
    """Seconds, and what they add up to; each is one number, [1]."""

    now: np.ndarray  # of the last event anywhere
    switch: np.ndarray  # when the next example comes
    event: np.ndarray  # of the last event of an edge; NaN: none
    free: np.ndarray  # energy that the free twin has dissipated until now, joules
    pushed: np.ndarray  # energy that the pushed twin has dissipated
    worst: np.ndarray  # largest unbalanced current that was seen, relative


class Counts(NamedTuple):
    """Each int64 [1], but for the first two."""

    fired: np.ndarray  # [edge] events of each
    heard: np.ndarray  # [edge] events of neighbours that each has heard
    began: np.ndarray  # 1 once the first dates are known
    example: np.ndarray  # that is shown; -1: all
    switches: np.ndarray  # of examples so far
    together: np.ndarray  # events at the very time of the one before
    changes: np.ndarray  # of rank one since the last inversion; -1: the inverse is to be made
    inversions: np.ndarray


class State(NamedTuple):
    """All of one replica that the next event needs."""

    value: np.ndarray  # [edge, 1] learning parameter
    memory: Memory
    due: np.ndarray  # [edge] seconds
    last: np.ndarray  # [edge] time of its last event; NaN: none
    times: Times
    counts: Counts
    intervals: np.ndarray  # int64 [bin] intervals between events of an edge
    gaps: np.ndarray  # int64 [bin] between events anywhere


class Log(NamedTuple):
    """Events as they come; of length 0 where nobody wants them."""

    time: np.ndarray  # [event] seconds
    edge: np.ndarray  # int64 [event]; -1: another example
    value: np.ndarray  # [event] the edge's new learning parameter, or the number of the example
    used: np.ndarray  # int64 [1] lines so far


class Shared(NamedTuple):
    """Where the parts of all loops begin that ask neither trigger nor medium, each compiled on its own."""

    show: int
    note: int


class Scratch(NamedTuple):
    """Arrays that hold nothing from one event to the next, but for `signal`, which follows from the rest."""

    u: np.ndarray  # [node]
    signal: np.ndarray  # [edge]
    sensed: np.ndarray  # [edge] what edges sense of both twins
    key: np.ndarray  # uint32 [2, 1]
    other_key: np.ndarray


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


@uncounted
def bin_of(interval):
    """The bin of an interval in seconds: four an octave, `BINS` / 2 begins at 1 s; the ends hold what is beyond."""
    if not interval > 0.0:
        return 0
    return min(max(int(np.floor(4.0 * np.log2(interval))) + BINS // 2, 0), BINS - 1)


def bin_edges() -> np.ndarray:
    """Ends of the bins in seconds [bin + 1]."""
    edges: np.ndarray = 2.0 ** ((np.arange(BINS + 1) - BINS // 2) / 4.0)
    return edges


called = njit(**UNCOUNTED)  # not inlined as leaves are: these are long, or called in several places


@called
def draw_key(lanes, step, purpose, key):
    """The key of the random numbers of an event."""
    step_keys(lanes.seed, lanes.replica, step, purpose, key)


# --- questions to triggers, answered by type ----------------------------------------------------------------------------


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


# --- edges and their times ---


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


@separate
def show_another(presentation, lanes, now, count, example, switches, switch, key):
    """Another of `count` examples, for as long as it is drawn."""
    number = switches[0]
    draw_key(lanes, number, PRESENTATIONS, key)
    if presentation.in_turn[0] != 0.0:
        example[0] = number % count
    else:
        example[0] = min(int(uniform(1, key[0, 0], key[1, 0]) * count), count - 1)
    wait = presentation.seconds[0]
    if presentation.random[0] != 0.0:
        wait *= -np.log(uniform(0, key[0, 0], key[1, 0]))
    switches[0] = number + 1
    switch[0] = now + wait


@uncounted
def show(shared, presentation, lanes, state, count, scratch):
    """Another of `count` examples."""
    counts, times = state.counts, state.times
    showing = (presentation, lanes, times.now[0], count, counts.example, counts.switches, times.switch, scratch.key)
    call(shared.show, showing)


@called
def decide(parts, limits, lanes, conductance, sensed, state, scratch, e):
    """What an edge writes after it has sensed something: what it wants, what is written, what it remembers of it.

    `parts` is (medium, rule, device, optimiser). Returns the new value, which is not in the state yet.
    """
    medium, rule, device, optimiser = parts
    counts, memory, key, other = state.counts, state.memory, scratch.key, scratch.other_key
    count = counts.fired[e]
    old, low, high = state.value[e, 0], limits.low[e], limits.high[e]
    gradient = signal_of(medium, conductance, sensed)
    signal = steer(optimiser, gradient, rule.nudge[0], memory.optimiser, e, 0)
    level = spacing(device, old, signal, 0)
    draw(rule, lanes, count, RULES, key)
    wanted = want(rule, Sensed(count, old, low, high, signal, level, 0.0, True), memory.rule, key, e, 0)
    draw(device, lanes, count, WRITES, other)
    seen = Sensed(count, old, low, high, signal, level, wanted, True)
    new = put(device, seen, memory.device, other, e, 0)
    keep(rule, seen, memory.rule, key, e, 0)
    keep(device, seen, memory.device, other, e, 0)
    follow(optimiser, gradient, rule.nudge[0], memory.optimiser, True, e, 0)
    scratch.signal[e] = signal
    return new


@called
def remember(trigger, lanes, state, scratch, limits, value, e):
    """What an edge that had this value remembers of its own event; it sees the time and what it sensed."""
    count = state.counts.fired[e]
    draw_key(lanes, count, TRIGGERS, scratch.key)
    felt = Felt(state.times.now[0], 0.0, scratch.signal[e], value, limits.low[e], limits.high[e], count)
    keep_fired(trigger, felt, state.memory.trigger, scratch.key, e, 0)
    state.counts.fired[e] = count + 1


@separate
def note_interval(now, e, last, event, intervals, gaps, together):
    """The interval since the edge's last event, and the gap since the last one anywhere."""
    before = event[0]
    if not np.isnan(last[e]):
        intervals[bin_of(now - last[e])] += 1
    if not np.isnan(before):
        gaps[bin_of(now - before)] += 1
        if now == before:
            together[0] += 1
    last[e] = event[0] = now


@uncounted
def note_times(shared, state, e):
    """Intervals and gaps that end with an edge's event."""
    noting = (state.times.now[0], e, state.last, state.times.event, state.intervals, state.gaps, state.counts.together)
    call(shared.note, noting)


def looks(trigger: Any) -> bool:
    """Whether a trigger, given as its `Lanes`, watches its signal, so that what shows it is needed."""
    return watches(type(trigger)._part)


def shared(presentation: Any, lanes: Lanes, state: State, scratch: Scratch) -> Shared:
    """Find or compile what depends neither on the trigger nor on the medium."""
    counts, times = state.counts, state.times
    return Shared(
        show_another.address(
            presentation, lanes, 0.0, 0, counts.example, counts.switches, times.switch, scratch.key
        ),
        note_interval.address(0.0, 0, state.last, times.event, state.intervals, state.gaps, counts.together),
    )  # fmt: skip


@called
def earliest(due):
    first, time = -1, np.inf
    for e in range(due.size):
        if due[e] < time:
            first, time = e, due[e]
    return first, time


@called
def write_line(log, time, edge, state):
    """One line of the log."""
    place = log.used[0]
    log.time[place], log.edge[place] = time, edge
    log.value[place] = state.value[edge, 0] if edge >= 0 else float(state.counts.example[0])
    log.used[0] = place + 1
