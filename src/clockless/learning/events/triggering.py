"""What edges with triggers do whatever the network does between their events: fire, remember, hear, are asked, are noted.

All that is compiled and shared by the loops over events of all media, whether networks settle at once or relax: the state of
one replica, and the acts of an edge as far as they ask for no voltages. What triggers are asked is in `asking`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from clockless.learning.unit_lanes import Limits, Sensed, draw, keep, put, signal_of, want
from clockless.numerics.lanes import UNCOUNTED, uncounted
from clockless.numerics.randomness import PRESENTATIONS, RULES, WRITES, step_keys, uniform
from clockless.parts.devices import spacing
from clockless.parts.kernels import do, entry, separate
from clockless.parts.optimisers import follow, steer
from clockless.parts.packed import Packed, unpack
from clockless.parts.works import Work

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


class Parts(NamedTuple):
    """What the loop is made of, as `Lanes` of one lane."""

    medium: Any  # turns what an edge senses into its signal, see `unit_lanes.signal_of`
    rule: Any
    push: Any
    trigger: Any
    device: Any
    optimiser: Any
    limits: Limits
    presentation: Any  # None where all examples are shown, or the only one


class Shared(NamedTuple):
    """What loops do that neither asks a trigger nor the medium."""

    show: Any  # another example; nothing where all are shown, or the only one
    note: Any  # (e): intervals that end with an edge's event


class Scratch(NamedTuple):
    """Arrays that hold nothing from one event to the next, but for `signal`, which follows from the rest."""

    u: np.ndarray  # [node]
    signal: np.ndarray  # [edge]
    sensed: np.ndarray  # [edge] what edges sense of both twins
    key: np.ndarray  # uint32 [2, 1]
    other_key: np.ndarray


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


@separate
def show_another(packed):
    """Another of `count` examples, for as long as it is drawn."""
    presentation, lanes, count, example, switches, now, switch, key = unpack(packed)
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
    switch[0] = now[0] + wait


@separate
def note_interval(packed, e):
    """The interval since the edge's last event, and the gap since the last one anywhere."""
    now, last, event, intervals, gaps, together = unpack(packed)
    time, before = now[0], event[0]
    if not np.isnan(last[e]):
        intervals[bin_of(time - last[e])] += 1
    if not np.isnan(before):
        gaps[bin_of(time - before)] += 1
        if time == before:
            together[0] += 1
    last[e] = event[0] = time


def shared(presentation: Any, lanes: Lanes, state: State, examples: int, scratch: Scratch) -> Shared:
    """What depends neither on the trigger nor on the medium; of so many examples."""
    counts, times = state.counts, state.times
    drawn = (examples, counts.example, counts.switches, times.now, times.switch, scratch.key)
    noted = (times.now, state.last, times.event, state.intervals, state.gaps, counts.together)
    showing = None if presentation is None else Work(show_another, Packed(presentation, lanes, *drawn))
    return Shared(showing, Work(note_interval, Packed(*noted), (0,)))


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


def _run(address, values, last, most, done):
    """Do all events before the time `last`, at most `most`; done[0] <- how many there were."""
    do((address, values), (last, most, done))


run: Any = entry(_run, _nrt=False)


def _pass_time(address, values, seconds):
    """Let time pass without any event."""
    do((address, values), (seconds,))


pass_time: Any = entry(_pass_time, _nrt=False)
