"""One replica of resistors in continuous time, settled between any two events; `EventLearner` is an ensemble of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from clockless.errors import ClocklessError
from clockless.learning import unit_lanes
from clockless.learning.contracts import Replica
from clockless.learning.events.asking import Beside
from clockless.learning.events.learner import EventLearner as AnyEventLearner
from clockless.learning.events.session import EventSession
from clockless.media.resistors.checking import not_compiled
from clockless.media.resistors.in_time import loop
from clockless.media.resistors.in_time.inverse import network_of, wiring_of
from clockless.media.resistors.in_time.states import Examples, examples_of, pushed_of
from clockless.media.resistors.learner import RESIDUAL_LIMIT, first_values
from clockless.media.resistors.ohm import Conductance, OhmicNetwork, Resistance


class Session(EventSession):
    """One replica from event to event; `network` follows its conductances."""

    residual_limit = RESIDUAL_LIMIT
    _loop: Any = loop

    def __init__(self, resistors: OhmicNetwork, replica: Replica, log: int = 0) -> None:
        task, edges, nodes = replica.task, len(resistors.network.edges), resistors.network.nodes
        self.conducts = resistors.learned(replica.rule) == "conductance"
        self._ends = resistors.low, resistors.high
        limits = unit_lanes.Limits(
            *(np.broadcast_to(end, edges).astype(np.float64) for end in resistors.ends(resistors.learned(replica.rule)))
        )
        value = np.array(first_values(resistors, replica), dtype=np.float64)[:, None]
        super().__init__(replica, value, limits, Conductance() if self.conducts else Resistance(), nodes, log)
        self.wiring = wiring_of(nodes, resistors.network.edges, task)
        conductance = value[:, 0].copy() if self.conducts else 1.0 / value[:, 0]
        self.network = network_of(conductance, nodes, len(task.inputs))
        self._examples: Examples = examples_of(task)
        self._pushed = pushed_of(len(task.inputs), len(task.outputs), edges)

    def _laid_out(self, others: Any) -> tuple[Any, tuple[Any, ...]]:
        """What the loop does, and what else it works on."""
        about = (self.wiring, self.network, self._examples, self._pushed)
        layout = loop.layout(self._stamp, self._parts, self._lanes, about, self.state, self._scratch, others)
        return layout, (self.state, self._pushed.power, self._scratch)

    def _beside(self) -> Beside:
        return Beside(self.wiring.first, self.wiring.neighbours)

    def _not_compiled(self, error: NumbaError) -> ClocklessError:
        parts = {"rule": self.replica.rule, "trigger": self.replica.clock, "device": self.replica.device}
        return not_compiled(parts, error)

    # --- what is seen of it at a time --------------------------------------------------------------------------

    def seen(self, time: float) -> dict[str, float]:
        """What is recorded at a time before the next event."""
        free, pushed = self.energies(time)
        return {
            "error": self.error(), "residual": self.residual(), "power": self.power(), "energy": free,
            "energy_pushed": pushed, "fired": float(self.state.counts.fired.sum()),
        }  # fmt: skip

    def energies(self, time: float) -> tuple[float, float]:
        """Joules that the free and the pushed twin have dissipated up to a time before the next event."""
        times, (free, pushed) = self.state.times, self._pushed.power
        passed = time - times.now[0]
        return float(times.free[0] + free * passed), float(times.pushed[0] + pushed * passed)

    def power(self) -> float:
        """Watts that the free twin dissipates, the mean over the training set."""
        x = self._examples.x
        return float(np.sum(self.network.admittance * self._examples.xx) / len(x))

    def error(self) -> float:
        """Mean squared difference of free and desired outputs over the test set, volts squared."""
        task = self.replica.task
        free = task.x_test @ self.network.transfer[list(task.outputs)].T
        return float(np.mean((free - task.y_test) ** 2))

    def residual(self) -> float:
        """Largest unbalanced current of all checks and of now, relative."""
        now = _unbalanced(self.wiring, self.network)
        return float(np.maximum(now, self.state.times.worst[0]))

    def learned(self) -> np.ndarray:
        """Ohms [edge], as results show them."""
        return self.resistances()

    def resistances(self) -> np.ndarray:
        """Ohms [edge]."""
        value = self.state.value[:, 0]
        return np.clip(1.0 / value, *self._ends) if self.conducts else value.copy()

    def shown(self, values: np.ndarray) -> np.ndarray:
        """Ohms."""
        return 1.0 / values if self.conducts else values

    def _kept(self) -> tuple[Any, ...]:
        return self.state, self.network


def _unbalanced(wiring: Any, network: Any) -> float:
    """`inverse.unbalanced` in NumPy, to be looked at."""
    i, j = wiring.edge_from, wiring.edge_to
    states = np.hstack([network.transfer, network.inverse[:, wiring.outputs]])
    currents = network.conductance[:, None] * (states[i] - states[j])
    net = np.zeros_like(states)
    np.add.at(net, i, currents)
    np.subtract.at(net, j, currents)
    net[wiring.outputs, np.arange(len(wiring.outputs)) + len(wiring.inputs)] -= 1.0
    return float(np.max(np.abs(net[~wiring.held]) / np.maximum(np.abs(currents).max(axis=0), 1e-300), initial=0.0))


class EventLearner(AnyEventLearner):
    """Replicas of one kind."""

    session = Session
