"""The minimum of an energy near a start: Newton's method with a curvature that is taken anew only where it has to be.

A step solves H step = -dE/ds over the free entries of the state, and is halved until the energy falls. Where H has negative
pivots a multiple of one is added, so that the way is always downhill; directions in which nothing pulls and nothing resists
stay as they are. Elimination is written out, because the bits of LAPACK depend on its threads.
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
    curvature: Callable[[np.ndarray], np.ndarray]


class Minimum(NamedTuple):
    """Where it ended: the state, largest force left / largest force, steps taken, and the curvature last used."""

    state: np.ndarray
    residual: float
    sweeps: int
    curvature: np.ndarray


def minimum(landscape: Landscape, start: np.ndarray, free: np.ndarray, curvature: np.ndarray | None = None) -> Minimum:
    """Descend from `start` [k] over the entries `free`; `curvature` [k, k] is a first guess, such as that of a state nearby.

    The residual is relative to the largest force met, those at held entries included; it is NaN where numbers are not finite.
    """
    state, fresh = start, curvature is None
    curvature = landscape.curvature(state) if curvature is None else curvature
    factors = Elimination(curvature[np.ix_(free, free)])
    forces = landscape.gradient(state)
    scale = np.max(np.abs(forces), initial=0.0)
    sweeps = 0
    while sweeps < _SWEEPS:
        worst = np.max(np.abs(forces[free]), initial=0.0)
        if not worst > _SETTLED * scale:
            break
        step = np.zeros_like(state)
        step[free] = factors.solved(-forces[free])
        found = _downhill(landscape, state, forces, step, free, fresh and worst > _ROUNDING * scale)
        sweeps += 1
        slow = found is None or np.max(np.abs(found[1][free])) > _SLOW * worst
        if found is not None:
            state, forces = found
            scale = max(scale, np.max(np.abs(forces)))
        elif fresh:
            break
        fresh = slow and not (fresh and found is None) and worst > _ROUNDING * scale
        if fresh:
            curvature = landscape.curvature(state)
            factors = Elimination(curvature[np.ix_(free, free)])
        elif found is None:
            break
    left = np.max(np.abs(forces[free]), initial=0.0)
    residual = left / scale if scale > 0 else left
    return Minimum(state, float(residual) if np.isfinite(state).all() else np.nan, sweeps, curvature)


def _downhill(
    landscape: Landscape, state: np.ndarray, forces: np.ndarray, step: np.ndarray, free: np.ndarray, halve: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """State and forces after a step that leads down, halved as often as needed; None if none does."""
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


class Elimination:
    """L D L^T of a symmetric matrix, made positive by adding a multiple of one if it is not."""

    def __init__(self, matrix: np.ndarray) -> None:
        largest = float(np.max(np.abs(matrix), initial=0.0))
        shift = 0.0
        while not self._eliminate(matrix, shift, _FLAT * largest):
            shift = max(10.0 * shift, _SHIFT * largest)

    def _eliminate(self, matrix: np.ndarray, shift: float, flat: float) -> bool:
        """Factor column by column; False at a negative pivot."""
        rest = matrix + shift * np.eye(len(matrix))
        self._lower, self._inverse = np.zeros_like(rest), np.zeros(len(rest))
        for k in range(len(rest)):
            pivot = rest[k, k]
            if pivot < -flat:
                return False
            if not pivot > flat:
                continue
            self._inverse[k] = 1.0 / pivot
            column = rest[k + 1 :, k] / pivot
            self._lower[k + 1 :, k] = column
            rest[k + 1 :, k + 1 :] -= np.multiply.outer(column, rest[k + 1 :, k])
        return True

    def solved(self, right: np.ndarray) -> np.ndarray:
        """The solution [k]; entries in flat directions are 0."""
        x = right.copy()
        for k in range(len(x)):
            x[k + 1 :] -= self._lower[k + 1 :, k] * x[k]
        x *= self._inverse
        for k in range(len(x) - 1, 0, -1):
            x[:k] -= self._lower[k, :k] * x[k]
        return x
