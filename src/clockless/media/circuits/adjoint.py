"""The exact gradient of a circuit's error, by the transposed Jacobian; the oracle that rules of learning are compared with.

With F(V, theta) = 0 at the free nodes and C = sum over examples and outputs of (V - y)^2 / 2,

    J^T lambda = dC/dV,    dC/dtheta = -lambda^T dF/dtheta,

one linear solve an example. A circuit of reciprocal laws has J = J^T, so a nudge by a physical current is the adjoint
state itself, and equilibrium propagation gives this gradient as the nudge falls. Transistors have not: what they answer to
a nudge is J^-1 and not J^-T, and what they learn by is a rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.media.circuits.circuit import NonlinearNetwork
from clockless.media.circuits.solving import settled


def adjoint_gradient(circuit: Any, parameters: Any, task: Any) -> np.ndarray:
    """dC/dtheta [edge that learns] over the training examples, C = 1/2 sum of (V - y)^2, volts squared.

    With differential outputs C = 1/2 sum of ((V_first - V_second) - (y_first - y_second))^2 over pairs.

    Raises:
        ParameterError: not a circuit, parameters that do not fit, or a state that does not settle.
    """
    if not isinstance(circuit, NonlinearNetwork):
        raise ParameterError(f"circuit = {shown(circuit)}; the adjoint gradient is that of a Circuit.")
    values = circuit.checked(parameters)
    held = circuit.held_by({
        **dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, np.asarray(task.x_train).T, strict=True)),
    })  # fmt: skip
    states = np.atleast_2d(settled(circuit, values, held))
    free = np.setdiff1d(np.arange(circuit.network.nodes), list(held))
    outputs, total = list(task.outputs), np.zeros(len(values))
    for volts, y in zip(states, task.y_train, strict=True):
        wrong = volts[outputs] - y
        if circuit.differential:
            apart = wrong[0::2] - wrong[1::2]
            wrong = np.stack([apart, -apart], axis=1).ravel()
        slope = np.zeros(len(volts))
        slope[outputs] = wrong
        jacobian = circuit.jacobian(values, volts)
        adjoint = np.zeros(len(volts))
        adjoint[free] = np.linalg.solve(jacobian[np.ix_(free, free)].T, slope[free])
        total -= circuit.felt(adjoint) * circuit.steered(values, volts)
    return total
