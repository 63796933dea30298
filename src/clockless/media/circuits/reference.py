"""Circuits in plain NumPy: a Newton of twenty lines for one state, and the learning loop on it; documentation and oracle.

What units make of their signals is `unit_arrays.learn`, as of resistors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clockless.learning.contracts import Replica
from clockless.media.circuits.checks import checked
from clockless.media.circuits.circuit import NonlinearNetwork
from clockless.media.circuits.learner import mismatched
from clockless.numerics.randomness import CLOCK, EXAMPLES, THERMAL, numbers
from clockless.parts.clocks import LEAK, FixedFraction
from clockless.parts.pushes import Clamp, push_of
from clockless.parts.samplers import Epochs
from clockless.parts.scalars import Units
from clockless.parts.scalars import luck as normals
from clockless.parts.unit_arrays import Learners, first_memories
from clockless.parts.unit_arrays import learn as learn_in_arrays

LARGEST_STEP = 0.1  # volts: small enough for every law, at the price of many steps


def newton(
    circuit: NonlinearNetwork, parameters: np.ndarray, held: Mapping[int, float], start: Any = None, pull: Any = None,
    there: Any = 1.0,
) -> np.ndarray:  # fmt: skip
    """Voltages [node] with the nodes of `held` kept, to 1e-13 V; edges carry the part `there` [edge] of their currents.

    `pull` is (nodes, targets, conductance) of a nudge. Raises ArithmeticError if it does not converge.
    """
    held = circuit.held_by(held)
    volts = np.full(circuit.network.nodes, np.mean(list(held.values()))) if start is None else np.array(start, dtype=float)
    volts[list(held)] = list(held.values())
    free = np.setdiff1d(np.arange(circuit.network.nodes), list(held))
    nodes, targets, conductance = ([], [], 0.0) if pull is None else pull
    for _ in range(20_000):
        left, jacobian = circuit.currents(parameters, volts, there), circuit.jacobian(parameters, volts, there)
        left[nodes] += conductance * (volts[nodes] - targets)
        jacobian[nodes, nodes] += conductance
        step = np.linalg.solve(jacobian[np.ix_(free, free)], -left[free])
        volts[free] += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        if np.abs(step).max(initial=0.0) < 1e-13 * max(1.0, np.abs(volts).max()):
            return volts
    raise ArithmeticError("Newton's method did not converge")


def wanted(circuit: NonlinearNetwork, free: np.ndarray, outputs: list[int], y: np.ndarray) -> np.ndarray:
    """Targets of the outputs [output]; differential ones keep the mean that their pair has in the free state."""
    if not circuit.differential:
        return y
    means = 0.5 * (free[outputs][0::2] + free[outputs][1::2])
    half = 0.5 * (y[0::2] - y[1::2])
    return np.stack([means + half, means - half], axis=1).ravel()


def contrast(
    circuit: NonlinearNetwork, parameters: np.ndarray, task: Any, example: int, push: Any, there: Any = 1.0,
    twin: Any = 0.0, shaken: Any = (0.0, 0.0),
) -> np.ndarray:  # fmt: skip
    """Signals of the pushed minus those of the free state [unit], half of that between both pushes if centred.

    The pushed twin has `twin` [unit] more of what is learned; `shaken` [state, node] are the fluctuations of both states.
    """
    held = {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, task.x_train[example], strict=True))}
    outputs = list(task.outputs)
    free = newton(circuit, parameters, held, there=there)
    targets = wanted(circuit, free, outputs, task.y_train[example])
    if isinstance(push, Clamp):
        clamped = free[outputs] + push.nudge * (targets - free[outputs])
        more = {**held, **dict(zip(outputs, clamped, strict=True))}
        pushed = newton(circuit, parameters + twin, more, free, None, there)
        return _signals(circuit, parameters, *_shaken(circuit, (free, pushed), (held, more), shaken))
    pushed = newton(circuit, parameters + twin, held, free, (outputs, targets, push.nudge), there)
    if not push.centred:
        return _signals(circuit, parameters, *_shaken(circuit, (free, pushed), (held, held), shaken))
    back = newton(circuit, parameters, held, free, (outputs, targets, -push.nudge), there)
    return 0.5 * _signals(circuit, parameters, *_shaken(circuit, (back, pushed), (held, held), shaken))


def _shaken(circuit: NonlinearNetwork, states: Any, held: Any, by: Any) -> list[np.ndarray]:
    """States [node] with their fluctuations, but for nodes that are held."""
    found = []
    for volts, nodes, more in zip(states, held, by, strict=True):
        free = np.ones(volts.size)
        free[[*nodes, *circuit.rails]] = 0.0
        found.append(volts + free * more)
    return found


def _signals(circuit: NonlinearNetwork, parameters: np.ndarray, base: np.ndarray, pushed: np.ndarray) -> np.ndarray:
    found = np.zeros(len(circuit.learning))
    for unit, e in enumerate(circuit.learning):
        drops = [circuit.gains[e] @ (state[circuit.network.edges[e]] * (1, -1)) for state in (base, pushed)]
        found[unit] = circuit.laws[e].contrasts(*drops, parameters[unit])
    return found


def chosen(batch: Any, count: int, seed: int, replica: int, step: int) -> np.ndarray:
    """The examples of a step, as lanes draw them."""
    if isinstance(batch, str):
        return np.arange(count)
    if isinstance(batch, Epochs):
        return batch.drawn(count, seed, replica, step)
    drawn = numbers(seed, replica, step, EXAMPLES, count)
    if batch == 1:
        return np.array([(int(drawn[0]) * count) >> 32])
    clock = FixedFraction(batch / count) if isinstance(batch, int) else batch
    return np.flatnonzero(clock.acting(drawn))


def fluctuations(circuit: NonlinearNetwork, luck: Any, step: int, draws: int) -> np.ndarray:
    """Samples of the fluctuations of the two states of every example of a step, volts [example, state, node]."""
    nodes = circuit.network.nodes
    drawn = normals("normal", luck.seed, luck.replica, step, THERMAL, 2 * draws * nodes).reshape(draws, nodes, 2)
    found: np.ndarray = drawn.transpose(0, 2, 1) * circuit.fluctuation
    return found


def learn(replica: Replica, steps: int) -> np.ndarray:
    """Parameters [unit] after so many steps; comparators are left out."""
    circuit = replica.medium
    replica = checked(circuit, replica)
    parts = Learners(replica.rule, replica.clock, replica.device, replica.optimiser)
    luck, task, push = replica.luck, replica.task, push_of(replica.rule)
    value: np.ndarray = replica.initial
    value = replica.device.nearest(value) if hasattr(replica.device, "nearest") else value
    seen = {"low": circuit.low, "high": circuit.high}
    memory = first_memories(parts, Units(luck.seed, luck.replica, 0, value.size, {"value": value, **seen}))
    twin = mismatched(circuit, luck)
    for step in range(steps):
        signal, there = np.zeros(value.size), np.ones(len(circuit.laws))
        if getattr(replica.clock, "absent", False):
            stays = replica.clock.acting(numbers(luck.seed, luck.replica, step, CLOCK, value.size))
            there[circuit.learning] = np.where(stays, 1.0, LEAK)
        examples = chosen(replica.batch, len(task.x_train), luck.seed, luck.replica, step)
        drawn = fluctuations(circuit, luck, step, len(examples))
        for example, shaken in zip(examples, drawn, strict=True):
            signal += contrast(circuit, value, task, example, push, there, twin, shaken)
        units = Units(luck.seed, luck.replica, step, value.size, {"value": value, "signal": signal, **seen})
        value, _, memory = learn_in_arrays(parts, units, memory)
    return value
