"""Continuous time in plain NumPy: the same equations and random numbers as the compiled loop, every state by dense solves.

It is the documentation and the oracle. Nothing is followed here: after every event both twins are settled anew for every
example that is shown, with all that is held, and every trigger that watches is asked anew.
"""

from __future__ import annotations

import numpy as np

from clockless.learning.contracts import Replica
from clockless.learning.events.reference import EventSimulation
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.media.resistors.reference import clamped_state, free_state, nudged_state, signal_difference
from clockless.numerics.randomness import COMPARATORS, numbers
from clockless.parts.comparators import FROZEN_STEP
from clockless.parts.pushes import Nudge, push_of


class Simulation(EventSimulation):
    """One replica; `run` does its events until a time."""

    def __init__(self, resistors: OhmicNetwork, replica: Replica) -> None:
        self.resistors, edges = resistors, len(resistors.network.edges)
        self.conducts = resistors.learned(replica.rule) == "conductance"
        low, high = (np.broadcast_to(end, edges).astype(float) for end in resistors.ends(resistors.learned(replica.rule)))
        initial = np.array(np.broadcast_to(1.0 if replica.initial is None else replica.initial, edges), dtype=float)
        super().__init__(replica, 1 / initial if self.conducts else initial, low, high, resistors.network.edges)

    @property
    def resistances(self) -> np.ndarray:
        """Ohms [edge]."""
        return 1 / self.value if self.conducts else self.value

    def learned(self) -> np.ndarray:
        """Ohms [edge]."""
        return self.resistances.copy()

    def signals(self) -> np.ndarray:
        """Contrast of both twins [edge], as the comparators of all edges let it through."""
        comparator, rule = self.replica.device.comparator, self.replica.rule
        step = FROZEN_STEP if getattr(comparator, "frozen", False) else None
        noise = np.concatenate(
            [
                numbers(self.replica.seed, self.word, count if step is None else step, COMPARATORS, 2, 2 * e)
                for e, count in enumerate(self.fired)
            ]
        )
        total = np.zeros(self.edges)
        for example in self.shown():
            total += signal_difference(
                self.resistors, self.resistances, self.replica.task, example, rule, comparator.sensed, noise
            )
        return total

    def power(self) -> np.ndarray:
        """Watts of the free and the pushed twin, sum of dV^2 / R over edges, mean over what is shown (centred: of both)."""
        task, push, watts = self.replica.task, push_of(self.replica.rule), np.zeros(2)
        for example in self.shown():
            free = free_state(self.resistors, self.resistances, task, task.x_train[example])
            if isinstance(push, Nudge):
                betas = (push.nudge, -push.nudge) if push.centred else (push.nudge,)
                pushed = [nudged_state(self.resistors, self.resistances, task, example, beta) for beta in betas]
            else:
                pushed = [clamped_state(self.resistors, self.resistances, task, example, self.replica.rule.nudge)]
            each = [np.sum(self.resistors.drops(state) ** 2 / self.resistances) for state in (free, *pushed)]
            watts += (each[0], np.mean(each[1:]))
        return watts / len(self.shown())
