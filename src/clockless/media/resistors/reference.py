"""The learning loop in plain NumPy: the same equations and random numbers as the compiled engine, one replica, dense solves.

It is the documentation and the oracle: every kernel is tested against it. It is some hundreds of times slower. What units
make of their signals is `unit_arrays.learn`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.media.resistors.ohm import OhmicNetwork
from clockless.numerics.randomness import CLOCK, COMPARATORS, EXAMPLES
from clockless.parts.clocks import LEAK, SYNCHRONOUS, FixedFraction
from clockless.parts.comparators import FROZEN_STEP
from clockless.parts.devices import IDEAL
from clockless.parts.optimisers import NONE
from clockless.parts.rules import EquilibriumPropagation
from clockless.parts.scalars import Units
from clockless.parts.unit_arrays import Learners, first_memories
from clockless.parts.unit_arrays import learn as learn_in_arrays
from clockless.tasks.task import Task

_MASK = 0xFFFFFFFF


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10 on Python integers (Salmon et al. 2011, doi 10.1145/2063384.2063405)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _MASK, (p0 >> 32) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    return c0, c1, c2, c3


def _mix(x: np.ndarray) -> np.ndarray:
    x = x ^ (x >> 16)
    x = (x * 0x7FEB352D) & _MASK
    x = x ^ (x >> 15)
    x = (x * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


def numbers(seed: int, replica: int, step: int, purpose: Any, units: int) -> np.ndarray:
    """The uniform 32-bit numbers of all units in one step, uint32 [unit]."""
    words = philox((step & _MASK, replica & _MASK, replica >> 32, int(purpose)), (seed & _MASK, seed >> 32))
    inner = _mix((words[0] + np.arange(units, dtype=np.int64) * 0x9E3779B9) & _MASK)
    return _mix(inner ^ words[1]).astype(np.uint32)


def chosen_examples(batch: Any, count: int, drawn: np.ndarray) -> np.ndarray:
    """Indices of the examples of a step; `drawn` are the step's numbers for the examples."""
    if batch == "full":
        return np.arange(count)
    if batch == 1:
        return np.array([(int(drawn[0]) * count) >> 32])
    clock = FixedFraction(batch / count) if isinstance(batch, int) else batch
    return np.flatnonzero(clock.acting(drawn))


def settle(resistors: OhmicNetwork, resistances: np.ndarray, held: dict[int, float]) -> np.ndarray:
    """Voltages [node] by a dense solve of Kirchhoff's current law at all nodes that are not held."""
    laplacian = np.zeros((resistors.network.nodes,) * 2)
    for (i, j), resistance in zip(resistors.network.edges, resistances, strict=True):
        laplacian[i, i] += 1 / resistance
        laplacian[j, j] += 1 / resistance
        laplacian[i, j] -= 1 / resistance
        laplacian[j, i] -= 1 / resistance
    nodes = np.array(list(held))
    free = np.setdiff1d(np.arange(resistors.network.nodes), nodes)
    voltages = np.zeros(resistors.network.nodes)
    voltages[nodes] = list(held.values())
    voltages[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, nodes)] @ voltages[nodes])
    return voltages


def free_state(resistors: OhmicNetwork, resistances: np.ndarray, task: Task, x: np.ndarray) -> np.ndarray:
    """Voltages with inputs at x [input] and the ground at 0."""
    return settle(resistors, resistances, {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, x, strict=True))})


def clamped_state(resistors: OhmicNetwork, resistances: np.ndarray, task: Task, example: int, nudge: float) -> np.ndarray:
    """Voltages with the outputs also held, at V_C = V_F + nudge (V_D - V_F): eq. 1 of doi 10.1063/5.0084631."""
    x, desired = task.x_train[example], task.y_train[example]
    free = free_state(resistors, resistances, task, x)[list(task.outputs)]
    held = {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, x, strict=True))}
    return settle(resistors, resistances, {**held, **dict(zip(task.outputs, free + nudge * (desired - free), strict=True))})


def nudged_state(resistors: OhmicNetwork, resistances: np.ndarray, task: Task, example: int, nudge: float) -> np.ndarray:
    """Voltages that minimise E + nudge/2 sum over outputs of (V - V_D)^2; the nudge is a conductance, in siemens.

    Equilibrium propagation on resistors (Kendall et al. 2020, arXiv 2006.01981): every output is joined to a source at its
    desired voltage by a resistor of 1 / nudge ohms.
    """
    held = np.array([*task.inputs, *task.ground])
    outputs = np.array(task.outputs)
    volts = np.append(task.x_train[example], np.zeros(len(task.ground)))
    laplacian = resistors.laplacian(1 / resistances).toarray()
    laplacian[outputs, outputs] += nudge
    currents = np.zeros(len(laplacian))
    currents[outputs] = nudge * task.y_train[example]
    free = np.setdiff1d(np.arange(len(laplacian)), held)
    voltages = np.zeros(len(laplacian))
    voltages[held] = volts
    voltages[free] = np.linalg.solve(laplacian[np.ix_(free, free)], currents[free] - laplacian[np.ix_(free, held)] @ volts)
    return voltages


def _squares_propagated(resistors: OhmicNetwork, resistances: np.ndarray, task: Task, example: int, rule: Any) -> np.ndarray:
    """dV^2 at the nudged minus that at the free state [edge], or half of that between both nudges if centred."""
    there = resistors.drops(nudged_state(resistors, resistances, task, example, rule.nudge)) ** 2
    if rule.centred:
        back = resistors.drops(nudged_state(resistors, resistances, task, example, -rule.nudge)) ** 2
        difference: np.ndarray = 0.5 * (there - back)
    else:
        difference = there - resistors.drops(free_state(resistors, resistances, task, task.x_train[example])) ** 2
    return difference


def signal_difference(
    resistors: OhmicNetwork, resistances: np.ndarray, task: Task, example: int, rule: Any,
    sensed: Any = IDEAL.comparator.sensed, noise: Any = None,
) -> np.ndarray:  # fmt: skip
    """Signal at the clamped minus signal at the free state of one example [edge], as a comparator lets it through.

    For `EquilibriumPropagation` the second state is nudged.
    """
    if isinstance(rule, EquilibriumPropagation):
        difference = _squares_propagated(resistors, resistances, task, example, rule)
    else:
        clamped = resistors.drops(clamped_state(resistors, resistances, task, example, rule.nudge))
        free = resistors.drops(free_state(resistors, resistances, task, task.x_train[example]))
        difference = sensed(free, clamped, noise)
    return difference / 2 if resistors.learned(rule) == "conductance" else -difference / (2 * resistances**2)


def test_error(resistors: OhmicNetwork, resistances: np.ndarray, task: Task) -> float:
    """Mean squared difference of free and desired outputs over the test set, volts squared."""
    outputs = np.array([free_state(resistors, resistances, task, x)[list(task.outputs)] for x in task.x_test])
    return float(np.mean((outputs - task.y_test) ** 2))


def learn(
    resistors: OhmicNetwork,
    task: Task,
    rule: Any,
    clock: Any = SYNCHRONOUS,
    steps: int = 1,
    batch: Any = "full",
    initial: Any = 1.0,
    seed: int = 0,
    device: Any = IDEAL,
    optimiser: Any = NONE,
) -> np.ndarray:
    """Resistances [edge] after `steps` steps; arguments as those of `training.train`, without lists."""
    edges, replica, conducts = len(resistors.network.edges), task.fingerprint, resistors.learned(rule) == "conductance"
    parts = Learners(rule, clock, device, optimiser)
    resistances = np.array(np.broadcast_to(initial, edges), dtype=np.float64)
    value = 1 / resistances if conducts else resistances
    if hasattr(device, "nearest"):
        value = device.nearest(value)
    low, high = resistors.ends(resistors.learned(rule))
    units = Units(seed, replica, 0, edges, {"value": value, "low": low, "high": high})
    memory = first_memories(parts, units)
    for step in range(steps):
        resistances = 1 / value if conducts else value
        drawn = numbers(seed, replica, step, EXAMPLES, len(task.x_train))
        frozen = getattr(device.comparator, "frozen", False)
        noise = numbers(seed, replica, FROZEN_STEP if frozen else step, COMPARATORS, 2 * edges)
        signal = np.zeros(edges)
        present = resistances
        if getattr(clock, "absent", False):
            stays = clock.acting(numbers(seed, replica, step, CLOCK, edges))
            present = np.where(stays, resistances, resistances / LEAK)
        for example in chosen_examples(batch, len(task.x_train), drawn):
            signal = signal + signal_difference(resistors, present, task, example, rule, device.comparator.sensed, noise)
        units = Units(seed, replica, step, edges, {**units.seen, "value": value, "signal": signal})
        value, _, memory = learn_in_arrays(parts, units, memory)
    return 1 / value if conducts else value
