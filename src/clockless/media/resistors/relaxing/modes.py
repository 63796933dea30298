"""The modes in which a linear network with capacities relaxes: the closed form that `propagation` is compared with.

With S = C^-1/2 L C^-1/2 at the nodes that are not held, S = Q diag(rates) Q^T, potentials that settle at V* move as
V(t) = V* + C^-1/2 Q exp(-rates t) Q^T C^1/2 (V(0) - V*).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Modes(NamedTuple):
    """Modes of a network.

    Attributes:
        rates: per second, ascending [mode]; 1 / rates are the times in which modes relax.
        shapes: potentials of every mode [node, mode], with sum over nodes of C V^2 = 1; 0 at held nodes.
        capacity: farads [node].
    """

    rates: np.ndarray
    shapes: np.ndarray
    capacity: np.ndarray

    def relaxed(self, start: np.ndarray, settled: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Potentials [time, node] after `start` [node], where they end at `settled` [node]; seconds [time]."""
        amplitudes = self.shapes.T @ (self.capacity * (start - settled))
        potentials: np.ndarray = settled + (np.exp(-np.outer(times, self.rates)) * amplitudes) @ self.shapes.T
        return potentials


def modes_of(laplacian: np.ndarray, held: list[int], capacity: np.ndarray) -> Modes:
    """Modes from the Laplacian [node, node] in siemens, held nodes and capacities [node]."""
    free = np.setdiff1d(np.arange(len(laplacian)), held)
    root = np.sqrt(capacity[free])
    rates, vectors = np.linalg.eigh(laplacian[np.ix_(free, free)] / np.outer(root, root))
    shapes = np.zeros((len(laplacian), len(free)))
    shapes[free] = vectors / root[:, None]
    return Modes(rates, shapes, capacity)
