"""The compiled loop over events of one replica: the earliest edge or the next example, what it changes, when all fire next.

No time passes by steps. Between two events the network is settled and nothing changes; at an event one edge acts on what
it senses, the network follows by an exact change of rank one (`inverse`), and whoever looks is asked again when it is due.
Events at the same time come one after the other, examples first, then the lower edge, each seeing the network that the one
before has left.

The readable version is `reference.Simulation`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
from clockless.media.resistors.in_time.inverse import change, invert, unbalanced
from clockless.media.resistors.in_time.sensing import look_around, sense
from clockless.media.resistors.in_time.states import settle
from clockless.media.resistors.ohm import conductance_of
from clockless.parts.comparators import listen
from clockless.parts.kernels import call, entry, separate
from clockless.parts.optimisers import steer
from clockless.parts.packed import unpack

CHECK_EVERY = 64  # changes of rank one between two looks at the balance of currents
TOLERATED = 1e-11  # unbalanced current, relative, beyond which the network is inverted anew


class Within(NamedTuple):
    """Where the parts of an edge's act begin that do not depend on its rule and device, each compiled on its own."""

    follow: int
    sense: int


class Layout(NamedTuple):
    """Where the parts of the loop begin that do not depend on the trigger, each compiled on its own."""

    invert: int
    settle: int
    act: int
    look: int  # 0 where nobody watches
    within: Within
    shared: Shared


@called
def _pass(parts, lanes, state, scratch, pushed, time):
    """Let time pass until an event: energy is dissipated, and who watches remembers it."""
    times = state.times
    passed = time - times.now[0]
    times.free[0] += pushed.power[0] * passed
    times.pushed[0] += pushed.power[1] * passed
    pass_by(parts[3], parts[6], lanes, state, scratch, passed)
    times.now[0] = time


@separate
def act(stamp, layout, parts, limits, lanes, wiring, network, examples, pushed, state, scratch, e):
    """An edge acts on what it senses now: what it wants, what is written, what it remembers; and the network follows.

    `parts` is (medium, rule, device, optimiser); the stamp's type says which sources they have.
    """
    medium, device, counts = parts[0], parts[2], state.counts
    about = (wiring, network, examples, counts.example[0], pushed)
    call(layout.sense, (device.comparator, lanes, *about, counts.fired, e, scratch.key, scratch.sensed))
    new = decide(parts, limits, lanes, network.conductance[e], scratch.sensed[e], state, scratch, e)
    state.value[e, 0] = new
    by = conductance_of(medium, new) - network.conductance[e]
    call(layout.follow, (wiring, network, counts, state.times.worst, scratch.u, e, by))


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
def sense_edge(comparator, lanes, wiring, network, examples, example, pushed, fired, e, key, sensed):
    """Write what an edge senses into `sensed` [edge]."""
    listen(comparator, lanes, fired[e], key)
    sensed[e] = sense(comparator, wiring, network, examples, example, pushed, e, key)


@separate
def look_at_all(medium, comparator, optimiser, nudge, lanes, wiring, network, examples, pushed, state, scratch):
    """Signals of all edges as they are now."""
    counts, sensed = state.counts, scratch.sensed
    look_around(comparator, lanes, wiring, network, examples, counts.example[0], pushed, counts.fired, scratch.key, sensed)
    for e in range(state.due.size):
        gradient = signal_of(medium, network.conductance[e], sensed[e])
        scratch.signal[e] = steer(optimiser, gradient, nudge, state.memory.optimiser, e, 0)


def layout(stamp: Any, parts: Any, lanes: Any, about: tuple[Any, ...], state: State, scratch: Scratch) -> Layout:
    """Find or compile the parts of the loop that are separate; `about` is (wiring, network, examples, pushed)."""
    medium, rule, push, trigger, device, optimiser, limits, presentation = parts
    (wiring, network, examples, pushed), counts = about, state.counts
    shown = (wiring, network, examples, 0, pushed)
    within = Within(
        follow_change.address(wiring, network, counts, state.times.worst, scratch.u, 0, 0.0),
        sense_edge.address(device.comparator, lanes, *shown, counts.fired, 0, scratch.key, scratch.sensed),
    )
    acting = act.address(stamp, within, (medium, rule, device, optimiser), limits, lanes, *about, state, scratch, 0)
    seen = (medium, device.comparator, optimiser, 0.0, lanes, *about, state, scratch)
    return Layout(
        invert_anew.address(wiring, network, counts), settle_all.address(push, *shown), acting,
        look_at_all.address(*seen) if looks(trigger) else 0, within, shared(presentation, lanes, state, scratch),
    )  # fmt: skip


def _advance(packed, last, most):
    """Do all events before the time `last`, at most `most`; returns how many there were.

    `packed` holds stamp, layout, parts, lanes, wiring, network, examples, pushed, state, scratch and log, where
    `parts` is (medium, rule, push, trigger, device, optimiser, limits, presentation). What follows from the state is made
    anew at the beginning, so a state may just have been taken up.
    """
    stamp, layout, parts, lanes, wiring, network, examples, pushed, state, scratch, log = unpack(packed)
    medium, rule, push, trigger, device, optimiser, limits, presentation = parts
    of_edge, about = (medium, rule, device, optimiser), (wiring, network, examples, pushed)
    counts, seeing = state.counts, (medium, device.comparator, optimiser, rule.nudge[0], lanes, *about, state, scratch)
    done = 0
    acted = -1  # the edge of the event before
    while True:
        if counts.changes[0] < 0:
            call(layout.invert, (wiring, network, counts))
        call(layout.settle, (push, wiring, network, examples, counts.example[0], pushed))
        if watching(trigger):
            call(layout.look, seeing)
        if acted >= 0:
            tell(trigger, lanes, wiring, state, scratch, limits, acted)
        # Who watches is asked after every event anywhere, others after their own, and all at the start.
        everyone = counts.began[0] == 0 or (watching(trigger) and done > 0)
        counts.began[0] = 1
        for e in range(0 if everyone else max(acted, 0), state.due.size if everyone else acted + 1):
            ask(trigger, lanes, state, scratch, limits, e)
        if done == most:
            break
        acted, time = earliest(state.due)
        if state.times.switch[0] <= time:
            acted, time = -1, state.times.switch[0]
        if not time < last:
            break
        _pass(parts, lanes, state, scratch, pushed, time)
        if acted < 0:
            show(layout.shared, presentation, lanes, state, examples.x.shape[0], scratch)
        else:
            value = state.value[acted, 0]
            call(layout.act, (stamp, layout.within, of_edge, limits, lanes, *about, state, scratch, acted))
            remember(trigger, lanes, state, scratch, limits, value, acted)
            note_times(layout.shared, state, acted)
        done += 1
        if log.time.size > 0:
            write_line(log, time, acted, state)
    return done


advance = entry(_advance, _nrt=False)
