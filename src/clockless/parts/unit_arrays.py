"""The learning half of a step in NumPy, one replica: what units want, which act, what they remember, what is written."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.parts.scalars import (
    Units,
    acting_by,
    clock_memory,
    first_memory,
    kept,
    level_seen,
    wanted_by,
    written_by,
)  # fmt: skip


class Learners(NamedTuple):
    """The parts that a unit learns by."""

    rule: Any
    clock: Any
    device: Any
    optimiser: Any


class Memories(NamedTuple):
    """What units keep from step to step, each float64 [slot, unit]."""

    rule: np.ndarray
    clock: np.ndarray
    device: np.ndarray
    optimiser: np.ndarray


def first_memories(parts: Learners, units: Units) -> Memories:
    """What units remember before the first step; `units` know their value, low and high."""
    return Memories(
        first_memory(parts.rule, "rule", units),
        clock_memory(parts.clock, units),
        first_memory(parts.device, "device", units),
        np.zeros((parts.optimiser.slots, units.count)),
    )


def learn(parts: Learners, units: Units, memory: Memories) -> tuple[np.ndarray, np.ndarray, Memories]:
    """New values [unit], which acted [unit] and the memory after a step; `units` know value, signal, low and high."""
    rule, clock, device, optimiser = parts
    gradient = units.seen["signal"] / rule.nudge
    direction, _ = optimiser.direction(gradient, memory.optimiser, np.ones(units.count, dtype=bool))
    if optimiser.slots:
        units = units.knowing(signal=rule.nudge * direction)
    units = units.knowing(level=level_seen(device, units.seen["value"], units.seen["signal"]))
    units = units.knowing(wanted=wanted_by(rule, units, memory.rule))
    units = units.knowing(acts=acting_by(clock, units, memory.clock))
    acts, written = units.seen["acts"], written_by(device, units, memory.device)
    after = Memories(
        kept(rule, "rule", units, memory.rule),
        kept(clock, "clock", units, memory.clock),
        kept(device, "device", units, memory.device),
        optimiser.direction(gradient, memory.optimiser, acts)[1],
    )
    return np.where(acts, written, units.seen["value"]), acts, after
