"""The compiled loop over events of one replica: the earliest edge or the next example, what it changes, when all fire next.

No time passes by steps. Between two events the network is settled and nothing changes; at an event one edge acts on what
it senses, the network follows by an exact change of rank one (`inverse`), and whoever looks is asked again when it is due.
Events at the same time come one after the other, examples first, then the lower edge, each seeing the network that the one
before has left.

The readable version is `reference.Simulation`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from clockless.learning.events.asking import Asked, ask_again, has_fired, pass_until
from clockless.learning.events.triggering import Parts, Scratch, Shared, State, decide, earliest, write_line
from clockless.learning.unit_lanes import signal_of
from clockless.media.resistors.in_time.inverse import change, invert, unbalanced
from clockless.media.resistors.in_time.sensing import look_around, sense
from clockless.media.resistors.in_time.states import settle
from clockless.media.resistors.ohm import conductance_of
from clockless.parts.comparators import listen
from clockless.parts.kernels import do, separate
from clockless.parts.optimisers import steer
from clockless.parts.packed import Packed, unpack
from clockless.parts.works import Work

CHECK_EVERY = 64  # changes of rank one between two looks at the balance of currents
TOLERATED = 1e-11  # unbalanced current, relative, beyond which the network is inverted anew


class Layout(NamedTuple):
    """What the loop does, each compiled on its own."""

    invert: Any
    settle: Any
    sense: Any  # (e)
    act: Any  # (e)
    follow: Any  # (e, by)
    look: Any  # nothing where nobody watches
    asking: Asked
    shared: Shared


@separate
def act(packed, e):
    """An edge acts on what it has sensed: what it wants, what is written, what it remembers.

    scratch.u[0] <- the change of its conductance, which the network does not know of yet. The stamp's type says which
    sources the parts (medium, rule, device, optimiser) have.
    """
    _, parts, limits, lanes, conductance, state, scratch = unpack(packed)
    new = decide(parts, limits, lanes, conductance[e], scratch.sensed[e], state, scratch, e)
    state.value[e, 0] = new
    scratch.u[0] = conductance_of(parts[0], new) - conductance[e]


@separate
def follow_change(packed, e, by):
    """The network after a change of one conductance; it is to be inverted anew where rounding has added up."""
    wiring, network, counts, worst, u = unpack(packed)
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
def invert_anew(packed):
    """Z, T and G from the conductances."""
    wiring, network, counts = unpack(packed)
    invert(wiring, network)
    counts.changes[0] = 0
    counts.inversions[0] += 1


@separate
def settle_all(packed):
    """What follows from the network and from what is shown."""
    push, wiring, network, examples, example, pushed = unpack(packed)
    settle(push, wiring, network, examples, example[0], pushed)


@separate
def sense_edge(packed, e):
    """Write what an edge senses into `sensed` [edge]."""
    _, comparator, lanes, wiring, network, examples, pushed, counts, scratch = unpack(packed)
    listen(comparator, lanes, counts.fired[e], scratch.key)
    scratch.sensed[e] = sense(comparator, wiring, network, examples, counts.example[0], pushed, e, scratch.key)


@separate
def look_at_all(packed):
    """Signals of all edges as they are now."""
    _, (medium, comparator, optimiser), nudge, lanes, wiring, network, examples, pushed, state, scratch = unpack(packed)
    counts, sensed = state.counts, scratch.sensed
    look_around(comparator, lanes, wiring, network, examples, counts.example[0], pushed, counts.fired, scratch.key, sensed)
    for e in range(state.due.size):
        gradient = signal_of(medium, network.conductance[e], sensed[e])
        scratch.signal[e] = steer(optimiser, gradient, nudge[0], state.memory.optimiser, e, 0)


def layout(
    stamp: Any,
    parts: Parts,
    lanes: Any,
    about: tuple[Any, ...],
    state: State,
    scratch: Scratch,
    others: tuple[Asked, Shared],
) -> Layout:
    """What the loop does; `about` is (wiring, network, examples, pushed)."""
    (wiring, network, examples, pushed), counts = about, state.counts
    of_edge = parts.medium, parts.rule, parts.device, parts.optimiser
    acting = (stamp, of_edge, parts.limits, lanes, network.conductance, state, scratch)
    of_look = parts.medium, parts.device.comparator, parts.optimiser
    seeing = (stamp, of_look, parts.rule.nudge, lanes, *about, state, scratch)
    return Layout(
        Work(invert_anew, Packed(wiring, network, counts)),
        Work(settle_all, Packed(parts.push, wiring, network, examples, counts.example, pushed)),
        Work(sense_edge, Packed(stamp, parts.device.comparator, lanes, *about, counts, scratch), (0,), own=True),
        Work(act, Packed(*acting), (0,), own=True),
        Work(follow_change, Packed(wiring, network, counts, state.times.worst, scratch.u), (0, 0.0)),
        Work(look_at_all, Packed(*seeing), own=True) if others[0].watches else None,
        *others,
    )


@separate
def advance(packed, last, most, out):
    """Do all events before the time `last`, at most `most`; out[0] <- how many there were.

    `packed` holds layout, state, power [2] of both twins, scratch and log. What follows from the state is made anew at the
    beginning, so a state may just have been taken up.
    """
    layout, state, power, scratch, log = unpack(packed)
    asking, times = layout.asking, state.times
    done = 0
    acted = -1  # the edge of the event before
    while True:
        if state.counts.changes[0] < 0:
            do(layout.invert, ())
        do(layout.settle, ())
        if asking.watches != 0:
            do(layout.look, ())
        ask_again(asking, state, acted, done > 0)
        if done == most:
            break
        acted, time = earliest(state.due)
        if times.switch[0] <= time:
            acted, time = -1, times.switch[0]
        if not time < last:
            break
        passed = time - times.now[0]
        times.free[0] += power[0] * passed
        times.pushed[0] += power[1] * passed
        pass_until(asking, state, time)
        if acted < 0:
            do(layout.shared.show, ())
        else:
            value = state.value[acted, 0]
            do(layout.sense, (acted,))
            do(layout.act, (acted,))
            do(layout.follow, (acted, scratch.u[0]))
            has_fired(asking, layout.shared, state, value, acted)
        done += 1
        if log.time.size > 0:
            write_line(log, time, acted, state)
    out[0] = done
