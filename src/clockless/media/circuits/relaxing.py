"""How a circuit with capacities relaxes: C dV/dt = -F(V) at the nodes that are not held, by SciPy's implicit solver.

Laws of edges are stiff: a diode's conductance spans many decades, and so do the times of nodes. `Radau` is an implicit
Runge-Kutta method of order 5, L-stable, with control of its error (Hairer and Wanner, Solving Ordinary Differential
Equations II, 1996); BDF, the other kept choice, loses its order wherever a source or a law has a corner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clockless.errors import ParameterError, real_array, shown
from clockless.media.circuits.circuit import NonlinearNetwork

TIGHT = 1e-9  # relative error of a step; volts are resolved to a thousandth of it


def relax(circuit: NonlinearNetwork, parameters: Any, held: Mapping[int, float], start: Any, times: Any) -> np.ndarray:
    """Voltages [time, node] at `times` in seconds after the voltages `start` [node], with nodes `held` at volts from 0 on.

    Capacities are the circuit's own `capacity`, from every node to ground.

    Raises:
        ParameterError: parameters, voltages or times that do not fit; the solver gives up.
        HeldNodesError: held nodes that do not exist or are rails.

    """
    if not isinstance(circuit, NonlinearNetwork):
        raise ParameterError(
            f"circuit = {shown(circuit)}; give a Circuit. A network of resistors relaxes by its own `relax`."
        )
    values, at = circuit.checked(parameters), np.atleast_1d(real_array(times))
    if at.ndim != 1 or not at.size or not (np.isfinite(at) & (at >= 0)).all() or (np.diff(at) < 0).any():
        raise ParameterError(f"times = {shown(times)}; give seconds from 0 on, in order.")
    try:
        volts = np.array(np.broadcast_to(real_array(start), circuit.network.nodes))
    except ValueError:
        raise ParameterError(f"start = {shown(start)}; give volts for each of {circuit.network.nodes} nodes.") from None
    sources = circuit.held_by(held)
    for node, value in sources.items():
        volts[node] = value
    free = np.setdiff1d(np.arange(circuit.network.nodes), list(sources))
    if not free.size:
        return np.tile(volts, (at.size, 1))

    def whole(state: np.ndarray) -> Any:
        all_volts = volts.copy()
        all_volts[free] = state
        return all_volts

    def slope(_: float, state: np.ndarray) -> Any:
        return -circuit.currents(values, whole(state))[free] / circuit.capacity[free]

    def jacobian(_: float, state: np.ndarray) -> Any:
        return -circuit.jacobian(values, whole(state))[np.ix_(free, free)] / circuit.capacity[free][:, None]

    from scipy.integrate import solve_ivp

    once, of = np.unique(at, return_inverse=True)
    found = solve_ivp(
        slope, (0.0, float(at[-1])), volts[free], "Radau", once, jac=jacobian, rtol=TIGHT, atol=1e-3 * TIGHT
    )  # fmt: skip
    if not found.success:
        raise ParameterError(
            f"the circuit could not be followed in time: {found.message} Look for currents that are infinite."
        )
    return np.array([whole(state) for state in found.y.T])[of]
