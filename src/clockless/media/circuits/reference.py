"""A plain Newton's method in NumPy, one state at a time: documentation and oracle of the lanes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clockless.media.circuits.circuit import NonlinearNetwork


def newton(
    circuit: NonlinearNetwork, parameters: np.ndarray, held: Mapping[int, float], start: Any = None, pull: Any = None,
    tolerance: float = 1e-12,
) -> np.ndarray:  # fmt: skip
    """Voltages [node] with the nodes of `held` kept: damped Newton, halving each step until the currents fall.

    `pull` is (nodes, targets, conductance) of a nudge. Raises ArithmeticError if it does not converge.
    """
    held = circuit.held_by(held)
    volts = np.full(circuit.network.nodes, np.mean(list(held.values()))) if start is None else np.array(start, dtype=float)
    volts[list(held)] = list(held.values())
    free = np.setdiff1d(np.arange(circuit.network.nodes), list(held))
    nodes, targets, conductance = ([], [], 0.0) if pull is None else pull

    def left(at: np.ndarray) -> np.ndarray:
        found = circuit.currents(parameters, at)
        found[nodes] += conductance * (at[nodes] - targets)
        return found

    for _ in range(2000):
        jacobian, residual = circuit.jacobian(parameters, volts), left(volts)
        jacobian[nodes, nodes] += conductance
        step = np.zeros_like(volts)
        step[free] = np.linalg.solve(jacobian[np.ix_(free, free)], -residual[free])
        share = min(1.0, 0.5 / max(np.abs(step).max(), 1e-300)) if not circuit.reciprocal else 1.0
        before = np.abs(residual[free]).max(initial=0.0)
        while share > 1e-6 and not np.abs(left(volts + share * step)[free]).max(initial=0.0) <= before * (1 - 1e-4 * share):
            share *= 0.5
        volts = volts + share * step
        if np.abs(step).max() <= tolerance:
            return volts
    raise ArithmeticError("Newton's method did not converge")
