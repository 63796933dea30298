"""How a medium of one's own settles and what its units sense, from its energy, at one set of parameters.

What is remembered between states, a curvature at rest, follows from the parameters alone: no state depends on which others
were settled before it.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from clockless.learning.boundaries import Boundary
from clockless.numerics.derivatives import gradient_of, hessian_of, is_analytic, jacobian_of
from clockless.numerics.minimum import Curvature, Landscape, minimum

_choosing = threading.Lock()


class Relaxation:
    """States and signals of one medium at parameters [unit]."""

    def __init__(self, medium: Any, parameters: np.ndarray) -> None:
        self.medium, self.parameters = medium, parameters
        self._sizes = np.broadcast_to(np.asarray(medium.scale, dtype=np.float64), medium.size)
        self._at_rest: Curvature | None = None
        self._latest: tuple[np.ndarray, Curvature] | None = None  # a free state and the curvature near it

    # --- derivatives of the energy ---------------------------------------------------------------------------

    def energy(self, state: np.ndarray) -> Any:
        """E at a state [size], complex at a complex one."""
        return self.medium.energy(self.parameters, state)

    def forces(self, state: np.ndarray) -> np.ndarray:
        """dE/dstate [size]."""
        if self.medium.has("gradient"):
            return np.asarray(self.medium.gradient(self.parameters, state), dtype=np.float64)
        return gradient_of(self.energy, state, self._sizes, analytic(self.medium)[0])

    def signal(self, state: np.ndarray) -> np.ndarray:
        """dE/dparameter [unit]."""
        return gradient_of(
            lambda parameters: self.medium.energy(parameters, state),
            self.parameters,
            sizes_of(self.medium, self.parameters),
            analytic(self.medium)[1],
        )

    def curvature(self, state: np.ndarray) -> np.ndarray:
        """d^2E/dstate^2 [size, size]."""
        if self.medium.has("gradient"):
            return jacobian_of(self.forces, state, self._sizes)
        return hessian_of(self.energy, state, self._sizes, analytic(self.medium)[0])

    # --- states ----------------------------------------------------------------------------------------------

    def settled(self, boundary: Boundary, start: np.ndarray) -> tuple[np.ndarray, float, int]:
        """The minimum near `start`, its residual, and Newton steps taken."""
        has_energy = self.medium.has("energy")
        pushes = np.zeros(len(start))
        pushes[boundary.outputs] = boundary.strength
        landscape = Landscape(
            (lambda s: self.energy(s) + boundary.cost(s)) if has_energy else None,
            lambda s: self.forces(s) + boundary.push(s),
            lambda s: Curvature(self.curvature(s)).pushed(pushes),
        )
        near = self._near(start)
        first = near.pushed(pushes) if np.isfinite(near.matrix).all() else None
        found = minimum(landscape, boundary.placed(start), boundary.free(len(start)), first)
        if not pushes.any():
            self._latest = found.state, found.curvature
        return found.state, found.residual, found.sweeps

    def _near(self, start: np.ndarray) -> Curvature:
        """A curvature to begin with: that of the state which a pushed one starts from, else that at rest."""
        if self._latest is not None and self._latest[0] is start:
            return self._latest[1]
        if self._at_rest is None:
            self._at_rest = Curvature(self.curvature(np.asarray(self.medium.rest(), dtype=np.float64)))
        return self._at_rest

    def residual(self, boundary: Boundary, state: np.ndarray) -> float:
        """Largest force left / largest force, of a state that the medium settled itself; 0 where it has no energy."""
        if not np.isfinite(state).all():
            return np.nan
        if not (self.medium.has("energy") or self.medium.has("gradient")):
            return 0.0
        forces = np.abs(self.forces(state) + boundary.push(state))
        largest, left = np.max(forces), np.max(forces[boundary.free(len(state))], initial=0.0)
        return float(left / largest) if largest > 0 else 0.0


def analytic(medium: Any) -> tuple[bool, bool]:
    """Whether the energy takes a complex step in the state, and in the parameters, as is found out once."""
    found = getattr(medium, "_analytic", None)
    if found is None:
        with _choosing:
            sizes = np.broadcast_to(np.asarray(medium.scale, dtype=np.float64), medium.size)
            state = np.asarray(medium.rest(), dtype=np.float64) + 0.5 * sizes * np.sin(1.0 + np.arange(medium.size))
            parameters = np.array(np.broadcast_to(np.asarray(medium.initial, dtype=np.float64), medium.units))
            found = (
                is_analytic(lambda s: medium.energy(parameters, s), state, sizes),
                is_analytic(lambda p: medium.energy(p, state), parameters, sizes_of(medium, parameters)),
            )
            medium._analytic = found
    return found


def sizes_of(medium: Any, parameters: np.ndarray) -> np.ndarray:
    """Sizes of changes of parameters that matter: their own, and where they are small that of the start, or of the range."""
    start, span = float(np.max(np.abs(medium.initial))), float(np.max(medium.high) - np.min(medium.low))
    least = start if start > 0 else span if np.isfinite(span) else 1.0
    sizes: np.ndarray = np.maximum(np.abs(parameters), 0.1 * least)
    return sizes
