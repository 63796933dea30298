"""The minimum of an energy near a start: Newton's method with a curvature that is taken anew only where it has to be.

A step solves H step = -dE/ds over the free entries of the state, and is halved until the energy falls. Where H has negative
pivots a multiple of one is added, so that the way is always downhill; directions in which nothing pulls and nothing resists
stay as they are. The inverse is written out, because the bits of LAPACK depend on its threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_SETTLED = 1e-13  # largest force left / largest force
_ROUNDING = 1e-9  # below it, forces that no longer fall are rounding
_SLOW = 0.2  # of the forces left by a step, beyond which the curvature is taken anew
_FLAT = 1e-9  # pivots below this part of the largest are flat directions
_SHIFT = 1e-3
_SWEEPS = 100
_HALVINGS = 30
_DESCENT = 1e-4  # part of the slope by which the energy must fall (Armijo)


class Landscape(NamedTuple):
    """What is descended: the energy may be None, then forces themselves must fall."""

    energy: Callable[[np.ndarray], float] | None
    gradient: Callable[[np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray], Curvature]


class Minimum(NamedTuple):
    """Where it ended: the state, largest force left / largest force, steps taken, and the curvature last used."""

    state: np.ndarray
    residual: float
    sweeps: int
    curvature: Curvature


def minimum(landscape: Landscape, start: np.ndarray, free: np.ndarray, curvature: Curvature | None = None) -> Minimum:
    """Descend from `start` [k] over the entries `free`; `curvature` is a first guess, such as that of a state nearby.

    The residual is relative to the largest force there, those at held entries included; NaN where numbers are not finite.
    """
    state, fresh = start, curvature is None
    curvature = landscape.curvature(state) if curvature is None else curvature
    forces = landscape.gradient(state)
    scale = np.max(np.abs(forces), initial=0.0)
    sweeps = 0
    while sweeps < _SWEEPS:
        worst = np.max(np.abs(forces[free]), initial=0.0)
        if not worst > _SETTLED * scale:
            break
        rounding = worst <= _ROUNDING * scale
        found = _downhill(landscape, (state, forces), curvature.step(forces, free), free, fresh and not rounding)
        sweeps += 1
        if found is None and (fresh or rounding):
            break
        slow = found is None or np.max(np.abs(found[1][free])) > _SLOW * worst
        if found is not None:
            state, forces = found
            scale = np.max(np.abs(forces))  # of the present state: forces met on the way may have been huge
        fresh = bool(slow and not rounding)
        if fresh:
            curvature = landscape.curvature(state)
    left = np.max(np.abs(forces[free]), initial=0.0)
    residual = left / scale if scale > 0 else left
    return Minimum(state, float(residual) if np.isfinite(state).all() else np.nan, sweeps, curvature)


def _downhill(
    landscape: Landscape, here: tuple[np.ndarray, np.ndarray], step: np.ndarray, free: np.ndarray, halve: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """State and forces after a step from `here` that leads down, halved as often as needed; None if none does."""
    state, forces = here
    worst, slope = np.max(np.abs(forces[free])), float(np.sum(forces[free] * step[free]))
    energy = None if landscape.energy is None else float(landscape.energy(state))
    for k in range(_HALVINGS if halve else 1):
        part = 0.5**k
        there = state + part * step
        pulled = landscape.gradient(there)
        if not np.isfinite(pulled).all():
            continue
        falls = np.max(np.abs(pulled[free])) < worst
        if energy is None:
            if falls:
                return there, pulled
            continue
        change = float(landscape.energy(there)) - energy  # type: ignore[misc]
        rounding = 1e-13 * abs(energy)
        if change <= _DESCENT * part * slope or (falls and change <= rounding):
            return there, pulled
    return None


class Curvature:
    """d^2E/ds^2 [k, k], and what it makes of forces; an inverse is taken once for every set of free entries."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix
        self._inverses: dict[bytes, np.ndarray] = {}
        self._pushed: dict[bytes, Curvature] = {}

    def pushed(self, diagonal: np.ndarray) -> Curvature:
        """With `diagonal` [k] added; itself where that is 0."""
        if not diagonal.any():
            return self
        return self._pushed.setdefault(diagonal.tobytes(), Curvature(self.matrix + np.diag(diagonal)))

    def step(self, forces: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Change of the state [k] that Newton's method makes of forces [k] at the free entries."""
        inverse = self._inverses.get(free.tobytes())
        if inverse is None:
            inverse = self._inverses[free.tobytes()] = inverse_of(self.matrix[np.ix_(free, free)])
        step = np.zeros_like(forces)
        step[free] = -np.sum(inverse * forces[free], axis=1)
        return step


def inverse_of(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a symmetric matrix, made positive by adding a multiple of one if it is not; 0 in flat directions."""
    largest = float(np.max(np.abs(matrix), initial=0.0))
    shift = 0.0
    while (found := _swept(matrix + shift * np.eye(len(matrix)), _FLAT * largest, shift == 0.0)) is None:
        shift = max(10.0 * shift, _SHIFT * largest)
    return found


def _swept(rest: np.ndarray, flat: float, passes: bool) -> np.ndarray | None:
    """The inverse by the sweep operator (Goodnight 1979, doi 10.2307/2683825); None at a negative pivot, and at one below
    `flat` unless it is to be passed over."""
    for k in range(len(rest)):
        pivot = rest[k, k]
        if pivot < -flat or (pivot <= flat and not passes):
            return None
        if not pivot > flat:
            rest[k, :] = rest[:, k] = 0.0
            continue
        row = rest[k] / pivot
        rest -= np.multiply.outer(rest[:, k].copy(), row)
        rest[k] = rest[:, k] = row
        rest[k, k] = -1.0 / pivot
    return -rest
