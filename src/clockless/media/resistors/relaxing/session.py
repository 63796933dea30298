"""One replica whose twins relax, from event to event; `RelaxingLearner` is an ensemble of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.constants import Boltzmann

from clockless.errors import ParameterError
from clockless.learning.contracts import Replica
from clockless.learning.events.session import run_for
from clockless.media.resistors.in_time.learner import EventLearner, Session
from clockless.media.resistors.reference import clamped_state, free_state, nudged_state
from clockless.media.resistors.relaxing import loop, propagation
from clockless.parts.pushes import Nudge, push_of


class RelaxingSession(Session):
    """One replica; at time 0 both twins have settled at the first example.

    Attributes:
        charged: the potentials, and what is under way.
    """

    _loop = loop

    def __init__(self, resistors: Any, replica: Replica, log: int = 0) -> None:
        super().__init__(resistors, replica, log)
        task, edges, nodes = replica.task, len(resistors.network.edges), resistors.network.nodes
        if self.state.counts.example[0] < 0:  # the only one
            self.state.counts.example[0] = 0
        self.charged = propagation.Charged(
            first_volts(resistors, replica, self.resistances(), int(self.state.counts.example[0])), self.network.conductance,
            np.full(edges, np.inf), np.zeros(edges), np.full(1, np.inf), np.zeros(1, dtype=np.int64),
            np.zeros(1, dtype=np.int64), np.full(1, propagation.TWINS), np.full(1, np.inf),
        )  # fmt: skip
        spans = resistors.alternate
        if spans is not None:
            self.charged.volts[:, 1] = self.charged.volts[:, 0]
            self.charged.phase[0], self.charged.turn[0] = propagation.FREE, spans[0]
        free = ~self.wiring.held
        self._physics = propagation.Medium(
            np.where(free, 1.0 / resistors.capacity, 0.0), np.array([2.0 * Boltzmann * resistors.temperature]),
            np.array([resistors.delay]), np.array([resistors.look or 0.0]), np.array(spans or (0.0, 0.0)),
            self.charged.phase, np.array([resistors.clamp_time]), propagation.series_of_noise(),
        )  # fmt: skip
        self._room = propagation.room_of(nodes, len(task.inputs), len(task.outputs))

    def _laid_out(self, others: Any) -> tuple[Any, tuple[Any, ...]]:
        """What the loop does, and what else it works on."""
        about = (self.wiring, self._examples, self._physics, self.charged, self._room)
        layout = loop.layout(self._stamp, self._parts, self._lanes, about, self.state, self._scratch, others)
        return layout, (self.state, self._physics, self.charged, self._scratch)

    def next_event(self) -> float:
        """When the next edge fires or is written, or the next example comes, seconds."""
        return float(min(super().next_event(), self.charged.writes.min(), self.charged.turn[0]))

    def _kept(self) -> tuple[Any, ...]:
        return self.state, self.charged

    # --- what is seen of it at a time --------------------------------------------------------------------------

    def seen(self, time: float) -> dict[str, float]:
        """What is recorded at a time before the next event."""
        task, example = self.replica.task, int(self.state.counts.example[0])
        volts, work = self.volts(time)
        transfer, admittance, residual = self._response()
        settled = transfer @ task.x_train[example]
        return {
            "error": float(np.mean((task.x_test @ transfer[list(task.outputs)].T - task.y_test) ** 2)),
            "residual": residual,
            "power": float(np.sum(admittance * self._examples.xx) / len(task.x_train)),
            "energy": float(self.state.times.free[0] + work),
            "lag": float(np.sqrt(np.mean((volts[:, 0] - settled)[~self.wiring.held] ** 2))),
            "fired": float(self.state.counts.fired.sum()),
        }  # fmt: skip

    def _response(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Transfer and admittance (see `in_time.inverse`) of the settled free twin, and the current that is left over."""
        inputs, held, k = self.wiring.inputs, self.wiring.held, self.charged.conductance
        i, j = self.wiring.edge_from, self.wiring.edge_to
        laplacian = np.zeros((len(held),) * 2)
        for rows, columns, values in ((i, i, k), (j, j, k), (i, j, -k), (j, i, -k)):
            np.add.at(laplacian, (rows, columns), values)
        transfer = np.zeros((len(held), len(inputs)))
        transfer[inputs, np.arange(len(inputs))] = 1.0
        if np.isfinite(k).all():
            transfer[~held] = np.linalg.solve(laplacian[np.ix_(~held, ~held)], -laplacian[~held][:, inputs])
        else:
            transfer[~held] = np.nan
        currents = np.abs(k[:, None] * (transfer[i] - transfer[j])).max(axis=0)
        left = np.abs((laplacian @ transfer)[~held]).max(axis=0, initial=0.0)
        return transfer, laplacian[inputs] @ transfer, float(np.max(left / np.maximum(currents, 1e-300)))

    def counted(self) -> dict[str, Any]:
        """What is counted up to now."""
        return {**super().counted(), "lost": self.charged.lost[0]}

    def potentials(self, history: Any, at: np.ndarray) -> np.ndarray:
        """Free potentials [time, node] at times of its history, by modes from change to change.

        Raises:
            ParameterError: the network is warm: its noise is not kept.
        """
        medium, found = self.replica.medium, np.zeros((len(at), len(self.wiring.held)))
        if medium.temperature > 0:
            raise ParameterError("the noise of a warm network is not kept; give temperature=0 to look at potentials again.")
        if medium.alternate is not None:
            raise ParameterError(
                "the phases of a network that alternates are not kept; give alternate=None to look at potentials."
            )
        changes = np.unique(np.concatenate([[0.0], history.times, history.switches]))
        volts = history.settled(np.zeros(1))[0]
        for k, first in enumerate(changes):
            last = changes[k + 1] if k + 1 < len(changes) else np.inf
            here = (at >= first) & (at < last)
            ohms = history.resistances(first)[0]
            example = history.examples[np.searchsorted(history.switches, first, side="right") - 1]
            held = self._held(self.replica.task.x_train[example])
            wanted = np.append(at[here] - first, last - first if np.isfinite(last) else 0.0)
            moved = medium.relax(ohms, held, [held.get(node, value) for node, value in enumerate(volts)], wanted)
            found[here], volts = moved[:-1], moved[-1]
        return found

    def _held(self, x: Any) -> dict[int, Any]:
        return {**dict.fromkeys(self.replica.task.ground, 0.0), **dict(zip(self.replica.task.inputs, x, strict=True))}

    def volts(self, time: float) -> tuple[np.ndarray, float]:
        """Potentials [node, 2] of both twins at a time before the next event, and joules delivered since the last one.

        Where there is noise, their mean over what it may still do.
        """
        volts = self.charged.volts.copy()
        passed = time - float(self.state.times.now[0])
        if not (np.isfinite(volts).all() and np.isfinite(self.charged.conductance).all()):
            return np.full_like(volts, np.nan), np.nan
        task, example = self.replica.task, int(self.state.counts.example[0])
        self._room.x[:], self._room.target[:] = task.x_train[example], task.y_train[example]
        cold, charged = self._physics._replace(heat=np.zeros(1)), self.charged._replace(volts=volts)
        times = self.state.times._replace(free=np.zeros(1))
        work = loop.relaxing(self._parts.push, self._lanes, (self.wiring, cold, charged, self._room), times)
        run_for(work, passed)
        return volts, float(times.free[0])


def first_volts(resistors: Any, replica: Replica, ohms: np.ndarray, example: int) -> np.ndarray:
    """Potentials [node, 2] of twins that have settled at an example."""
    task, push = replica.task, push_of(replica.rule)
    free = free_state(resistors, ohms, task, task.x_train[example])
    if isinstance(push, Nudge):
        pushed = nudged_state(resistors, ohms, task, example, push.nudge)
    else:
        pushed = clamped_state(resistors, ohms, task, example, replica.rule.nudge)
    return np.ascontiguousarray(np.stack([free, pushed], axis=-1))


class RelaxingLearner(EventLearner):
    """Replicas of one kind."""

    session = RelaxingSession
