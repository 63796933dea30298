"""A part on random units for a few steps, in lanes and in NumPy side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.learning import unit_lanes
from clockless.media.resistors.engine import Lanes, Scratch, State
from clockless.media.resistors.ohm import Conductance
from clockless.numerics.lanes import Tile32, zeros
from clockless.numerics.randomness import RULES
from clockless.parts.clocks import Bernoulli
from clockless.parts.devices import Continuous, Levels
from clockless.parts.kernels import separate
from clockless.parts.optimisers import Descent
from clockless.parts.part import stack
from clockless.parts.rules import CoupledLearning, SignRule
from clockless.parts.scalars import Units, luck
from clockless.parts.stages import Stages
from clockless.parts.unit_arrays import Learners, first_memories, learn

_UNITS, _STEPS, _SEED = 13, 4, 7
_LOW, _HIGH = 0.1, 10.0
_LANES = 32
_Ended = tuple[np.ndarray, np.ndarray, np.ndarray]  # values, actions, and memories


def lanes_against_arrays(part: Any, family: str) -> float:
    """Largest relative difference of values and memories after some steps; infinity where other units act.

    Raises:
        NumbaError: it cannot be compiled.
    """
    parts = Learners(CoupledLearning(0.5, 0.5), Bernoulli(0.5), Continuous(), Descent())
    if isinstance(part, SignRule):
        parts = parts._replace(device=Levels(40, _LOW, _HIGH))
    parts = parts._replace(**{family: part})
    low, high = (getattr(parts.device, name, end) for name, end in (("low", _LOW), ("high", _HIGH)))
    value = low + (high - low) * luck("uniform", _SEED, 1, 0, RULES, _UNITS)
    if hasattr(parts.device, "nearest"):
        value = parts.device.nearest(value)
    contrasts = np.array([luck("normal", _SEED, 1, step, RULES, _UNITS) for step in range(_STEPS)])
    ends = unit_lanes.Limits(np.full(_UNITS, low), np.full(_UNITS, high))
    here = _in_lanes(parts, value, contrasts, ends)
    there = _in_arrays(parts, value, contrasts, ends)
    if not np.array_equal(there[1], here[1]):
        return np.inf
    return max(_apart(a, b) for a, b in zip(there[::2], here[::2], strict=True))


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    if not a.size or np.array_equal(a, b, equal_nan=True):
        return 0.0
    return float(np.max(np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), 1e-300)))


def _in_arrays(parts: Learners, value: np.ndarray, contrasts: np.ndarray, ends: unit_lanes.Limits) -> _Ended:
    units = Units(_SEED, 0, 0, _UNITS, {"value": value, "low": ends.low, "high": ends.high})
    memory, actions = first_memories(parts, units), np.zeros(_UNITS)
    for step, signal in enumerate(contrasts):
        units = Units(_SEED, 0, step, _UNITS, {**units.seen, "value": value, "signal": signal})
        value, acts, memory = learn(parts, units, memory)
        actions += acts
    return value, actions, np.concatenate(memory[:3])


def _in_lanes(parts: Learners, value: np.ndarray, contrasts: np.ndarray, ends: unit_lanes.Limits) -> _Ended:
    def spread(array: np.ndarray) -> np.ndarray:
        return np.repeat(array[..., None], _LANES, axis=-1)

    units = Units(_SEED, 0, 0, _UNITS, {"value": value, "low": ends.low, "high": ends.high})
    first = first_memories(parts, units)
    optimised = np.zeros((parts.optimiser.lane_slots, _UNITS, _LANES))
    memory = unit_lanes.Memory(spread(first.rule), spread(first.clock), spread(first.device), optimised)
    state = State(spread(value), memory, zeros(_UNITS, _LANES))
    noted = unit_lanes.notes(*parts, _UNITS, _LANES)
    scratch = Scratch(
        conductance=np.ones((_UNITS, _LANES)), upper=zeros(0, _LANES), lower=zeros(0, _LANES), wanted=zeros(_UNITS, _LANES),
        acts=np.zeros((_UNITS, _LANES), dtype=np.bool_), key=np.zeros((2, _LANES), dtype=np.uint32), noted=noted,
    )  # fmt: skip
    who = Lanes(np.full(_LANES, _SEED, dtype=np.uint64), np.zeros(_LANES, dtype=np.uint64))
    stacked = tuple(stack([one] * _LANES) for one in (Conductance(), parts.rule, parts.optimiser, parts.clock, parts.device))
    stages = unit_lanes.stages(np.empty(0), Tile32(), stacked, ends, who, state, scratch)
    learning = Stages([s._replace(function=separate(s.function.function, cache=False)) if s.own else s for s in stages])
    for step, signal in enumerate(contrasts):
        scratch.wanted[:] = 2.0 * signal[:, None]  # of conductances the signal is half of what is sensed
        learning.run(step, step + 1)
    unit_lanes.tally(scratch, state)
    kept = np.concatenate([state.memory.rule, state.memory.clock, state.memory.device])
    return state.value[:, 0], state.actions[:, 0], kept[..., 0]
