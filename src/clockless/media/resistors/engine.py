"""The compiled learning loop: one block of replicas, from one step to another.

A step of a block is: conductances, one factorisation, the columns of the held nodes, the coefficients of free and clamped
states for the step's examples, what every edge senses, what it wants, which edges act, what the device writes. All of
it is compiled into one loop over steps (`advance`), whose medium, rule, clock, device and batch are named tuples of numbers.

The readable version of the same equations is `reference.learn`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.media.resistors.columns import inject, invert_response, push_outputs, respond
from clockless.media.resistors.moments import sense, sensing
from clockless.media.resistors.ohm import conductance_of
from clockless.media.resistors.unit_lanes import LONGEST_TALLY, Memory, Noted, learn, tally
from clockless.numerics.elimination import assemble, factor, solve
from clockless.numerics.lanes import known, zeros
from clockless.parts.kernels import call, entry, separate
from clockless.parts.packed import unpack


class Lanes(NamedTuple):
    """Who the replicas of a block are: the words that their random numbers are hashed from."""

    seed: np.ndarray  # uint64 [lane]
    replica: np.ndarray  # uint64 [lane]


class State(NamedTuple):
    """What the next step needs."""

    value: np.ndarray  # [edge, lane] learning parameter
    memory: Memory  # of the parts
    actions: np.ndarray  # [edge, lane] updates so far


class Scratch(NamedTuple):
    """Arrays of a block that hold nothing from one step to the next."""

    conductance: np.ndarray  # [edge, lane]
    upper: np.ndarray  # [slot, lane]
    lower: np.ndarray  # [slot, lane]
    wanted: np.ndarray  # [edge, lane]
    acts: np.ndarray  # bool [edge, lane]
    key: np.ndarray  # uint32 [2, lane]
    noted: Noted


def allocate(edges: int, slots: int, lanes: int, noted: Noted) -> Scratch:
    """Scratch for a block of `lanes` replicas."""
    return Scratch(
        conductance=zeros(edges, lanes),
        upper=zeros(slots, lanes),
        lower=zeros(slots, lanes),
        wanted=zeros(edges, lanes),
        acts=np.zeros((edges, lanes), dtype=np.bool_),
        key=np.zeros((2, lanes), dtype=np.uint32),
        noted=noted,
    )


class Layout(NamedTuple):
    """What the loop is given of a block beside its numbers: its tile, and where its separately compiled parts begin."""

    tile: Any
    settle: int
    push: int
    sense: int


@separate
def settle(tile, schedule, roles, scratch, columns):
    """Settle all lanes of a block: one factorisation, the columns of the held nodes, their response."""
    # Only what is used: every array that is known to be in tiles costs time to compile.
    conductance, upper, lower = known(tile, (scratch.conductance, scratch.upper, scratch.lower))
    potential, response = known(tile, (columns.potential, columns.response))
    currents = known(tile, (columns.source_currents, columns.output_currents, columns.transfer))
    held, ground = roles.held, roles.ground
    n = schedule.start.size - 1
    assemble(tile, schedule.edge_from, schedule.edge_to, schedule.edge_slot, n, conductance, upper)
    factor(tile, schedule.start, schedule.updates, upper, lower)
    inject(held, ground, n + 1, potential)
    solve(tile, schedule.forward, schedule.backward, lower, potential)
    respond(tile, held, ground, n + 1, potential, response)
    invert_response(tile, response, currents)


@separate
def push_all(tile, push, columns):
    """How far the outputs of every lane are pushed."""
    push_outputs(push, tile, known(tile, columns))


def layout(
    tile: Any, push: Any, batch: Any, schedule: Any, roles: Any, scratch: Scratch, columns: Any, moments: Any
) -> Layout:
    """Find or compile the separate parts of a block's loop."""
    arguments = (tile, schedule, roles, columns, moments)
    settled = settle.address(tile, schedule, roles, scratch, columns)
    return Layout(tile, settled, push_all.address(tile, push, columns), sensing(batch, arguments, scratch.wanted))


def _advance(packed, first, last):
    """Run steps `first` to `last` (not included) of one block, then settle it once more, to be looked at.

    `packed` holds stamp, layout, schedule, parts, lanes, roles, state, scratch, columns and moments, where `parts` are
    (medium, rule, push, clock, device, optimiser, limits, batch).
    """
    _, layout, schedule, parts, lanes, roles, state, scratch, columns, moments = unpack(packed)
    medium, rule, push, clock, device, optimiser, limits, batch = parts
    tile = layout.tile
    state, scratch, columns = known(tile, state), known(tile, scratch), known(tile, columns)
    arguments = (tile, schedule, roles, columns, moments)
    edges, width = state.value.shape
    wanted = scratch.wanted
    for step in range(first, last + 1):
        for e in range(edges):
            for w in range(width):
                scratch.conductance[e, w] = conductance_of(medium, state.value[e, w])
        call(layout.settle, (tile, schedule, roles, scratch, columns))
        if step == last:
            break
        # Learn: what edges sense of free and clamped states, what they want, which act, what is written.
        call(layout.push, (tile, push, columns))
        sense(layout.sense, batch, device.comparator, arguments, lanes, step, scratch, wanted)
        learn((medium, rule, optimiser, clock, device), limits, lanes, step, state, scratch)
        if (step - first) % LONGEST_TALLY == LONGEST_TALLY - 1:
            tally(scratch.noted.recent, state.actions)
    tally(scratch.noted.recent, state.actions)


advance = entry(_advance, _nrt=False)  # nothing is allocated, so no references are counted
