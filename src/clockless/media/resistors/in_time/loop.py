"""The compiled loop over events of one replica: the earliest edge or the next example, what it changes, when all fire next.

No time passes by steps. Between two events the network is settled and nothing changes; at an event one edge acts on what
it senses, the network follows by an exact change of rank one (`inverse`), and whoever looks is asked again when it is due.
Events at the same time come one after the other, examples first, then the lower edge, each seeing the network that the one
before has left.

The readable version is `reference.Simulation`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from clockless.learning.unit_lanes import Sensed, asked, draw, keep, put, signal_of, want
from clockless.media.resistors.in_time.inverse import change, invert, unbalanced
from clockless.media.resistors.in_time.states import sense, settle
from clockless.media.resistors.ohm import conductance_of
from clockless.numerics.lanes import COMPILE_OPTIONS, UNCOUNTED, uncounted
from clockless.numerics.randomness import HEARD, PRESENTATIONS, RULES, TRIGGERS, WRITES, step_keys, uniform
from clockless.parts.comparators import listen
from clockless.parts.devices import spacing
from clockless.parts.kernels import call, entry, separate
from clockless.parts.optimisers import follow, steer
from clockless.parts.packed import unpack
from clockless.parts.scalars import named_by, scalar
from clockless.parts.triggers import watches

BINS = 160  # of intervals: four an octave, from 2^-20 to 2^20 seconds
CHECK_EVERY = 64  # changes of rank one between two looks at the balance of currents
TOLERATED = 1e-11  # unbalanced current, relative, beyond which the network is inverted anew


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


class Scratch(NamedTuple):
    """Arrays that hold nothing from one event to the next, but for `signal`, which follows from the rest."""

    u: np.ndarray  # [node]
    signal: np.ndarray  # [edge]
    sensed: np.ndarray  # [edge] what edges sense of both twins
    key: np.ndarray  # uint32 [2, 1]
    other_key: np.ndarray


class Within(NamedTuple):
    """Where the parts of an edge's act begin that do not depend on its rule and device, each compiled on its own."""

    follow: int
    sense: int


class Layout(NamedTuple):
    """Where the parts of the loop begin that do not depend on the trigger, each compiled on its own."""

    invert: int
    settle: int
    act: int
    within: Within


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


def hearing(trigger):
    """Whether neighbours hear an event."""


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


@overload(hearing, jit_options=COMPILE_OPTIONS)
def _hearing(trigger):
    return (lambda trigger: True) if scalar(_part(trigger), "hears") else (lambda trigger: False)


@overload(draw_for, jit_options=COMPILE_OPTIONS)
def _draw_for(trigger, lanes, step, key):
    if {"uniform", "normal"} & named_by(_part(trigger), "due", "passes"):
        return lambda trigger, lanes, step, key: draw_key(lanes, step, TRIGGERS, key)
    return lambda trigger, lanes, step, key: None


# --- the loop -----------------------------------------------------------------------------------------------------------


@uncounted
def _feel(scratch, state, limits, e, passed):
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
def _ask(trigger, lanes, state, scratch, limits, e):
    """When the edge is due, from now on."""
    draw_for(trigger, lanes, state.counts.fired[e], scratch.key)
    wait = ask_due(trigger, _feel(scratch, state, limits, e, 0.0), state.memory.trigger, scratch.key, e, 0)
    state.due[e] = state.times.now[0] + max(wait, 0.0)


@called
def _pass(parts, lanes, state, scratch, pushed, time):
    """Let time pass until an event: energy is dissipated, and who watches remembers it."""
    trigger, limits = parts[3], parts[6]
    times = state.times
    passed = time - times.now[0]
    times.free[0] += pushed.power[0] * passed
    times.pushed[0] += pushed.power[1] * passed
    if watching(trigger):
        for e in range(state.due.size):
            draw_for(trigger, lanes, state.counts.fired[e], scratch.key)
            felt = _feel(scratch, state, limits, e, passed)
            keep_passed(trigger, felt, state.memory.trigger, scratch.key, e, 0)
    times.now[0] = time


@called
def _show(presentation, lanes, state, examples, scratch):
    """Another example, for as long as it is drawn."""
    counts, key = state.counts, scratch.key
    number = counts.switches[0]
    draw_key(lanes, number, PRESENTATIONS, key)
    count = examples.x.shape[0]
    if presentation.in_turn[0] != 0.0:
        counts.example[0] = number % count
    else:
        counts.example[0] = min(int(uniform(1, key[0, 0], key[1, 0]) * count), count - 1)
    wait = presentation.seconds[0]
    if presentation.random[0] != 0.0:
        wait *= -np.log(uniform(0, key[0, 0], key[1, 0]))
    counts.switches[0] = number + 1
    state.times.switch[0] = state.times.now[0] + wait


@separate
def act(stamp, layout, parts, limits, lanes, wiring, network, examples, pushed, state, scratch, e):
    """An edge acts on what it senses now: what it wants, what is written, what it remembers; and the network follows.

    `parts` is (medium, rule, device, optimiser); the stamp's type says which sources they have.
    """
    medium, rule, device, optimiser = parts
    counts, memory, key, other = state.counts, state.memory, scratch.key, scratch.other_key
    count, example = counts.fired[e], counts.example[0]
    about = (wiring, network, examples, example, pushed)
    call(layout.sense, (device.comparator, lanes, *about, counts.fired, e, e + 1, key, scratch.sensed))
    old, low, high = state.value[e, 0], limits.low[e], limits.high[e]
    gradient = signal_of(medium, network.conductance[e], scratch.sensed[e])
    signal = steer(optimiser, gradient, rule.nudge[0], memory.optimiser, e, 0)
    level = spacing(device, old, signal, 0)
    draw(rule, lanes, count, RULES, key)
    wanted = want(rule, Sensed(count, old, low, high, signal, level, 0.0, True), memory.rule, key, e, 0)
    draw(device, lanes, count, WRITES, other)
    sensed = Sensed(count, old, low, high, signal, level, wanted, True)
    new = put(device, sensed, memory.device, other, e, 0)
    keep(rule, sensed, memory.rule, key, e, 0)
    keep(device, sensed, memory.device, other, e, 0)
    follow(optimiser, gradient, rule.nudge[0], memory.optimiser, True, e, 0)
    state.value[e, 0], scratch.signal[e] = new, signal
    by = conductance_of(medium, new) - network.conductance[e]
    call(layout.follow, (wiring, network, counts, state.times.worst, scratch.u, e, by))


@called
def _remember(trigger, lanes, state, scratch, limits, value, e):
    """What an edge that had this value remembers of its own event; it sees the time and what it sensed."""
    count = state.counts.fired[e]
    draw_key(lanes, count, TRIGGERS, scratch.key)
    felt = Felt(state.times.now[0], 0.0, scratch.signal[e], value, limits.low[e], limits.high[e], count)
    keep_fired(trigger, felt, state.memory.trigger, scratch.key, e, 0)
    state.counts.fired[e] = count + 1


@separate
def follow_change(wiring, network, counts, worst, u, e, by):
    """The network after a change of one conductance; it is to be inverted anew where rounding has added up."""
    if by == 0.0:
        return
    good = change(wiring, network, e, by, u)
    counts.changes[0] += 1
    if good and counts.changes[0] % CHECK_EVERY == 0:
        left = unbalanced(wiring, network, u)
        if not left <= worst[0]:
            worst[0] = left
        good = left <= TOLERATED
    if not good:
        counts.changes[0] = -1


@separate
def invert_anew(wiring, network, counts):
    """Z, T and G from the conductances."""
    invert(wiring, network)
    counts.changes[0] = 0
    counts.inversions[0] += 1


@separate
def settle_all(push, wiring, network, examples, example, pushed):
    """What follows from the network and from what is shown."""
    settle(push, wiring, network, examples, example, pushed)


@separate
def sense_edges(comparator, lanes, wiring, network, examples, example, pushed, fired, first, last, key, sensed):
    """Write what the edges from `first` to `last` (not included) sense into `sensed` [edge]."""
    for e in range(first, last):
        listen(comparator, lanes, fired[e], key)
        sensed[e] = sense(comparator, wiring, network, examples, example, pushed, e, key)


def layout(stamp: Any, parts: Any, lanes: Any, about: tuple[Any, ...], state: State, scratch: Scratch) -> Layout:
    """Find or compile the parts of the loop that are separate; `about` is (wiring, network, examples, pushed)."""
    medium, rule, push, _, device, optimiser, limits, _ = parts
    (wiring, network, examples, pushed), counts = about, state.counts
    shown = (wiring, network, examples, 0, pushed)
    within = Within(
        follow_change.address(wiring, network, counts, state.times.worst, scratch.u, 0, 0.0),
        sense_edges.address(device.comparator, lanes, *shown, counts.fired, 0, 0, scratch.key, scratch.sensed),
    )
    acting = act.address(stamp, within, (medium, rule, device, optimiser), limits, lanes, *about, state, scratch, 0)
    return Layout(invert_anew.address(wiring, network, counts), settle_all.address(push, *shown), acting, within)


@called
def _note_times(state, e):
    """The interval since the edge's last event, and the gap since the last one anywhere."""
    now, before = state.times.now[0], state.times.event[0]
    if not np.isnan(state.last[e]):
        state.intervals[bin_of(now - state.last[e])] += 1
    if not np.isnan(before):
        state.gaps[bin_of(now - before)] += 1
        if now == before:
            state.counts.together[0] += 1
    state.last[e] = state.times.event[0] = now


@called
def _tell(trigger, lanes, wiring, state, scratch, limits, e):
    """Neighbours hear that an edge has fired, and are asked again."""
    for at in range(wiring.first[e], wiring.first[e + 1]):
        f = wiring.neighbours[at]
        heard = state.counts.heard[f]
        draw_key(lanes, heard, HEARD, scratch.key)
        keep_heard(trigger, _feel(scratch, state, limits, f, 0.0), state.memory.trigger, scratch.key, f, 0)
        state.counts.heard[f] = heard + 1
        if not watching(trigger):
            _ask(trigger, lanes, state, scratch, limits, f)


@called
def _look(sense_at, parts, lanes, wiring, network, examples, pushed, state, scratch):
    """Signals of all edges as they are now."""
    medium, comparator, nudge = parts[0], parts[4].comparator, parts[1].nudge[0]
    about, counts = (wiring, network, examples, state.counts.example[0], pushed), state.counts
    call(sense_at, (comparator, lanes, *about, counts.fired, 0, state.due.size, scratch.key, scratch.sensed))
    for e in range(state.due.size):
        gradient = signal_of(medium, network.conductance[e], scratch.sensed[e])
        scratch.signal[e] = steer(parts[5], gradient, nudge, state.memory.optimiser, e, 0)


@called
def _earliest(due):
    first, time = -1, np.inf
    for e in range(due.size):
        if due[e] < time:
            first, time = e, due[e]
    return first, time


def _advance(packed, last, most):
    """Do all events before the time `last`, at most `most`; returns how many there were.

    `packed` holds stamp, layout, parts, lanes, wiring, network, examples, pushed, state, scratch and log, where
    `parts` is (medium, rule, push, trigger, device, optimiser, limits, presentation). What follows from the state is made
    anew at the beginning, so a state may just have been taken up.
    """
    stamp, layout, parts, lanes, wiring, network, examples, pushed, state, scratch, log = unpack(packed)
    medium, rule, push, trigger, device, optimiser, limits, presentation = parts
    of_edge, about = (medium, rule, device, optimiser), (wiring, network, examples, pushed)
    counts = state.counts
    done = 0
    acted = -1  # the edge of the event before
    while True:
        if counts.changes[0] < 0:
            call(layout.invert, (wiring, network, counts))
        call(layout.settle, (push, wiring, network, examples, counts.example[0], pushed))
        if watching(trigger):
            _look(layout.within.sense, parts, lanes, wiring, network, examples, pushed, state, scratch)
        if hearing(trigger) and acted >= 0:
            _tell(trigger, lanes, wiring, state, scratch, limits, acted)
        # Who watches is asked after every event anywhere, others after their own, and all at the start.
        everyone = counts.began[0] == 0 or (watching(trigger) and done > 0)
        counts.began[0] = 1
        for e in range(0 if everyone else max(acted, 0), state.due.size if everyone else acted + 1):
            _ask(trigger, lanes, state, scratch, limits, e)
        if done == most:
            break
        acted, time = _earliest(state.due)
        if state.times.switch[0] <= time:
            acted, time = -1, state.times.switch[0]
        if not time < last:
            break
        _pass(parts, lanes, state, scratch, pushed, time)
        if acted < 0:
            _show(presentation, lanes, state, examples, scratch)
        else:
            value = state.value[acted, 0]
            call(layout.act, (stamp, layout.within, of_edge, limits, lanes, *about, state, scratch, acted))
            _remember(trigger, lanes, state, scratch, limits, value, acted)
            _note_times(state, acted)
        done += 1
        if log.time.size > 0:
            _write(log, time, acted, state)
    return done


@called
def _write(log, time, edge, state):
    """One line of the log."""
    place = log.used[0]
    log.time[place], log.edge[place] = time, edge
    log.value[place] = state.value[edge, 0] if edge >= 0 else float(state.counts.example[0])
    log.used[0] = place + 1


advance = entry(_advance, _nrt=False)
