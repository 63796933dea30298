"""The compiled learning loop: one block of replicas, from one step to another.

A step of a block is a list of stages (`parts.stages`): conductances, one factorisation with the columns of the held nodes
and their response, how far outputs are pushed, what every edge senses of free and pushed states for the step's examples,
and then what it wants, which edges act, what the device writes. Each is compiled for the types of what it works on; medium,
rule, clock, device and batch are named tuples of numbers.

The readable version of the same equations is `reference.learn`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.learning import unit_lanes
from clockless.learning.unit_lanes import Memory, Noted, leave_out
from clockless.media.resistors.columns import inject, invert_response, push_outputs, respond
from clockless.media.resistors.moments import sensing
from clockless.media.resistors.ohm import conductance_of
from clockless.numerics.elimination import assemble, factor, solve
from clockless.numerics.lanes import known, zeros
from clockless.parts.kernels import separate
from clockless.parts.packed import Packed, unpack
from clockless.parts.stages import Stage, Stages


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


@separate
def conduct(packed, step):
    """Conductances of all edges from what learns."""
    medium, value, conductance = unpack(packed)
    for e in range(value.shape[0]):
        for w in range(value.shape[1]):
            conductance[e, w] = conductance_of(medium, value[e, w])


@separate
def absent(packed, step):
    """Take from edges that are absent for the step all but a leak of their conductance."""
    _, clock, lanes, key, conductance = unpack(packed)
    leave_out(clock, lanes, step, key, conductance)


@separate
def settle(packed, step):
    """Settle all lanes of a block: one factorisation, the columns of the held nodes, their response."""
    tile, schedule, held, ground, factors, potential, response, currents = unpack(packed)
    # Only what is used: every array that is known to be in tiles costs time to compile.
    conductance, upper, lower = known(tile, factors)
    potential, response, currents = known(tile, potential), known(tile, response), known(tile, currents)
    n = schedule.start.size - 1
    assemble(tile, schedule.edge_from, schedule.edge_to, schedule.edge_slot, n, conductance, upper)
    factor(tile, schedule.start, schedule.updates, upper, lower)
    inject(held, ground, n + 1, potential)
    solve(tile, schedule.forward, schedule.backward, lower, potential)
    respond(tile, held, ground, n + 1, potential, response)
    invert_response(tile, response, currents)


@separate
def push_all(packed, step):
    """How far the outputs of every lane are pushed."""
    tile, push, columns = unpack(packed)
    push_outputs(push, tile, known(tile, columns))


class Block(NamedTuple):
    """All that the steps of a block work on."""

    tile: Any
    schedule: Any
    parts: tuple[Any, ...]  # (medium, rule, push, clock, device, optimiser, limits, batch)
    lanes: Lanes
    roles: Any
    state: State
    scratch: Scratch
    columns: Any
    moments: Any


def looking(block: Block) -> Stages:
    """The stages that settle a block."""
    return Stages(_settling(block))


def _settling(block: Block, *between: Stage) -> list[Stage]:
    tile, schedule, parts, _, roles, state, scratch, columns, _ = block
    factors = scratch.conductance, scratch.upper, scratch.lower
    currents = columns.source_currents, columns.output_currents, columns.transfer
    values = tile, schedule, roles.held, roles.ground, factors, columns.potential, columns.response, currents
    return [
        Stage(conduct, Packed(parts[0], state.value, scratch.conductance)), *between, Stage(settle, Packed(*values)),
    ]  # fmt: skip


def learning(block: Block, stamp: np.ndarray) -> Stages:
    """The stages of a learning step: settle, push, sense, change; `stamp` names the sources of the parts."""
    tile, _, (medium, rule, push, clock, device, optimiser, limits, _), lanes, _, state, scratch, columns, _ = block
    without = Stage(absent, Packed(stamp, clock, lanes, scratch.key, scratch.conductance), own=True)
    return Stages([
        *_settling(block, *([without] if getattr(clock._part, "absent", False) else [])),
        Stage(push_all, Packed(tile, push, columns)),
        *sensing(block, stamp),
        *unit_lanes.stages(stamp, tile, (medium, rule, optimiser, clock, device), limits, lanes, state, scratch),
    ])  # fmt: skip
