"""The baseline of a learning step: what one writes first in NumPy.

Every step builds the whole Laplacian, removes the held nodes and solves twice, once with the inputs held and once with
the outputs held too. One replica, one example, no loop in Python over edges or nodes.
"""

from __future__ import annotations

import numpy as np

from clockless.media.resistors import reference
from clockless.numerics.randomness import CLOCK, EXAMPLES


class NaiveLearner:
    """One replica that learns by eqs. 1-3 of doi 10.1063/5.0084631; `step` advances `resistances` [edge] in place."""

    def __init__(self, resistors, task, rule, p: float, seed: int = 0) -> None:
        self.resistors, self.task, self.rule, self.p = resistors, task, rule, p
        self.ends = resistors.network.edges.T
        self.held_free = np.array([*task.inputs, *task.ground])
        self.held_clamped = np.array([*task.inputs, *task.ground, *task.outputs])
        nodes = np.arange(resistors.network.nodes)
        self.free = np.setdiff1d(nodes, self.held_free)
        self.free_clamped = np.setdiff1d(nodes, self.held_clamped)
        self.outputs = np.array(task.outputs)
        self.resistances = np.ones(len(resistors.network.edges))
        self.rng = np.random.default_rng(seed)

    def step(self) -> None:
        """One step with random numbers of NumPy's."""
        self.learn(self.rng.integers(len(self.task.x_train)), self.rng.random(self.resistances.size) < self.p)

    def step_as_engine(self, clock, seed: int, step: int) -> None:
        """One step with the engine's random numbers, to check that both compute the same."""
        fingerprint, count = self.task.fingerprint, len(self.task.x_train)
        example = reference.chosen_examples(1, count, reference.numbers(seed, fingerprint, step, EXAMPLES, count))[0]
        self.learn(example, clock.acting(reference.numbers(seed, fingerprint, step, CLOCK, self.resistances.size)))

    def learn(self, example: int, acts: np.ndarray) -> None:
        """Settle twice and let the edges that act change."""
        laplacian = self._laplacian()
        volts = np.append(self.task.x_train[example], np.zeros(len(self.task.ground)))
        state = _settled(laplacian, self.held_free, self.free, volts)
        free_outputs = state[self.outputs]
        nudged = free_outputs + self.rule.nudge * (self.task.y_train[example] - free_outputs)
        clamped = _settled(laplacian, self.held_clamped, self.free_clamped, np.append(volts, nudged))
        i, j = self.ends
        sensed = (clamped[i] - clamped[j]) ** 2 - (state[i] - state[j]) ** 2
        changed = self.resistances + self.rule.rate / (2 * self.rule.nudge) * sensed / self.resistances**2
        changed = np.clip(changed, self.resistors.low, self.resistors.high)
        self.resistances = np.where(acts, changed, self.resistances)

    def _laplacian(self) -> np.ndarray:
        i, j = self.ends
        conductances = 1 / self.resistances
        laplacian = np.zeros((self.resistors.network.nodes,) * 2)
        laplacian[i, j] = laplacian[j, i] = -conductances  # no doubled edges, so plain assignment will do
        np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
        return laplacian


def _settled(laplacian: np.ndarray, held: np.ndarray, free: np.ndarray, volts: np.ndarray) -> np.ndarray:
    state = np.empty(len(laplacian))
    state[held] = volts
    state[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, held)] @ volts)
    return state
