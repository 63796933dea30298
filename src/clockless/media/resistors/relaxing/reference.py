"""Twins that relax in plain NumPy: the same events as the compiled loop, potentials by the exponential of the whole matrix.

It is the documentation and the oracle, without noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import expm

from clockless.learning.contracts import Replica
from clockless.learning.events.reference import Trajectory
from clockless.media.resistors.in_time.reference import Simulation as Settled
from clockless.media.resistors.relaxing.loop import MOVED, SOON
from clockless.media.resistors.relaxing.propagation import FREE, PUSHED, TWINS
from clockless.media.resistors.relaxing.session import first_volts
from clockless.parts.presentations import Shown
from clockless.parts.pushes import Nudge, push_of
from clockless.parts.scalars import scalar
from clockless.parts.triggers import watches


class Simulation(Settled):
    """One replica; `run` does its events until a time."""

    def __init__(self, resistors: Any, replica: Replica) -> None:
        super().__init__(resistors, replica)
        self.physics: Any = resistors
        self.volts = np.zeros((resistors.network.nodes, 2))
        self.writes, self.written = np.full(self.edges, np.inf), np.zeros(self.edges)
        self.push: Any = push_of(replica.rule)
        self.work, self.lost = 0.0, 0
        self.phase, self.turn = TWINS, np.inf
        if resistors.alternate is not None:
            self.phase, self.turn = FREE, resistors.alternate[0]

    def matrix(self) -> np.ndarray:
        """M of both twins, of a nudge's targets and of the sources' work: dy/dt = -M y, y = (V_F, V_P, V_D, W)."""
        task, nodes = self.replica.task, self.resistors.network.nodes
        laplacian = self.resistors.laplacian(1 / self.resistances).toarray()
        held, outputs, inputs = [*task.inputs, *task.ground], list(task.outputs), list(task.inputs)
        inverse = 1 / self.physics.capacity
        inverse[held] = 0
        whole = np.zeros((2 * nodes + len(outputs) + 1,) * 2)
        free, pushed = slice(nodes), slice(nodes, 2 * nodes)
        whole[free, free] = whole[pushed, pushed] = inverse[:, None] * laplacian
        if self.phase == PUSHED:
            whole[free] = 0
        for k, o in enumerate(outputs if self.phase != FREE else []):
            if isinstance(self.push, Nudge):
                whole[nodes + o, nodes + o] += inverse[o] * self.push.nudge
                whole[nodes + o, 2 * nodes + k] -= inverse[o] * self.push.nudge
            elif self.physics.clamp_time > 0:
                whole[nodes + o] = 0
                of_state = {nodes + o: 1.0, o: self.push.nudge - 1, 2 * nodes + k: -self.push.nudge}
                whole[nodes + o, list(of_state)] = np.array(list(of_state.values())) / self.physics.clamp_time
            else:
                whole[nodes + o] = 0
                whole[nodes + o, free] = (1 - self.push.nudge) * whole[o, free]
        whole[-1, pushed if self.phase == PUSHED else free] = -task.x_train[self.example] @ laplacian[inputs]
        return whole

    def relax(self, passed: float) -> None:
        """Let time pass."""
        target = self.replica.task.y_train[self.example]
        state = expm(-passed * self.matrix()) @ np.concatenate([self.volts.T.ravel(), target, [0.0]])
        self.volts = state[: self.volts.size].reshape(2, -1).T.copy()
        self.work += float(state[-1])

    def hold(self) -> None:
        """Inputs, and clamped outputs, where the example says."""
        task = self.replica.task
        self.volts[list(task.inputs)] = task.x_train[self.example][:, None]
        outputs = list(task.outputs)
        if not isinstance(self.push, Nudge) and self.phase != FREE and self.physics.clamp_time == 0:
            free = self.volts[outputs, 0]
            self.volts[outputs, 1] = free + self.push.nudge * (task.y_train[self.example] - free)

    def turn_over(self) -> None:
        """The other phase of a network that alternates; a free one begins with the potentials that there are."""
        spans = self.physics.alternate
        if self.phase == FREE:
            self.phase, self.turn = PUSHED, self.now + spans[1]
            self.hold()
        else:
            self.volts[:, 0] = self.volts[:, 1]
            self.phase, self.turn = FREE, self.now + spans[0]

    def signals(self) -> np.ndarray:
        """What edges sense of both twins now, of ideal comparators."""
        drops = np.diff(self.volts[self.resistors.network.edges], axis=1)[:, 0]
        difference: np.ndarray = drops[:, 1] ** 2 - drops[:, 0] ** 2
        return difference / 2 if self.conducts else -difference / (2 * self.resistances**2)

    def next_look(self) -> float:
        """When edges that watch are asked again although nothing happens."""
        total = np.zeros(len(self.volts))
        np.add.at(total, self.resistors.network.edges.ravel(), np.repeat(2 / self.resistances, 2))
        total[list(self.replica.task.outputs)] += self.push.nudge if isinstance(self.push, Nudge) else 0.0
        free = np.setdiff1d(np.arange(len(total)), [*self.replica.task.inputs, *self.replica.task.ground])
        bound = (total / self.physics.capacity)[free].max()
        if self.physics.clamp_time:
            bound = max(bound, (1 + self.push.nudge + abs(1 - self.push.nudge)) / self.physics.clamp_time)
        if self.physics.look:
            return self.now + float(min(self.physics.look, 1 / bound))
        state = np.concatenate([self.volts.T.ravel(), self.replica.task.y_train[self.example], [0.0]])
        fast = np.abs((self.matrix() @ state)[: self.volts.size]).max()
        return self.now + float(SOON / bound + (MOVED * np.abs(self.volts).max() / fast if fast > 0 else np.inf))

    def run(self, last: float) -> Trajectory:
        """All events from time 0 until a time."""
        watching, everyone = watches(type(self.replica.clock)), range(self.edges)
        hears = scalar(type(self.replica.clock), "hears") is not None
        events: list[tuple[float, int, float]] = []
        if isinstance(self.replica.batch, Shown):
            self.show()
        self.example = max(self.example, 0)
        self.volts = first_volts(self.resistors, self.replica, self.resistances, self.example)
        if self.phase == FREE:
            self.volts[:, 1] = self.volts[:, 0]
        self.hold()
        self.signal, look, edge = self.signals(), np.inf, -1
        self.look(everyone)
        while True:
            look = self.next_look() if watching else np.inf
            time = min(self.due.min(), self.writes.min(), self.switch, look, self.turn)
            if time >= last:
                break
            self.relax(time - self.now)
            if watching:
                for f in everyone:
                    self.keep(self.replica.clock, "passes", "trigger", f, signal=self.signal[f], passed=time - self.now)
            self.now, edge = float(time), -1
            if time == self.switch:
                if self.phase != TWINS:
                    self.phase = PUSHED  # another example begins a free phase, whatever the last one was
                    self.turn_over()
                self.show()
                self.hold()
                events.append((self.now, -1, self.example))
            elif time == self.writes.min():
                events.append(self._write(int(np.argmin(self.writes))))
            elif time == self.due.min():
                edge = int(np.argmin(self.due))
                events += self._act(edge)
            elif time == self.turn:
                self.turn_over()
            self.signal = self.signals()
            for neighbour in self.beside[edge] if hears and edge >= 0 else []:
                self.keep(self.replica.clock, "hears", "trigger", int(neighbour), signal=self.signal[neighbour])
                self.heard[neighbour] += 1
            self.look(everyone if watching else [*([edge] if edge >= 0 else []), *(self.beside[edge] if hears else [])])
        self.relax(last - self.now)
        table = np.array(events).reshape(-1, 3)
        return Trajectory(table[:, 0], table[:, 1].astype(int), table[:, 2], self.resistances.copy(), self.work, np.nan)

    def _write(self, e: int) -> tuple[float, int, float]:
        self.value[e], self.writes[e] = self.written[e], np.inf
        return self.now, e, self.value[e]

    def _act(self, e: int) -> list[tuple[float, int, float]]:
        """The events of the log that come of an edge's own event now."""
        old, busy = self.value[e], self.writes[e] < np.inf
        if busy:
            self.lost += 1
            self.keep(self.replica.clock, "fires", "trigger", e, signal=self.signal[e])
            self.fired[e] += 1
            return []
        self.fire(e, self.signals()[e])
        if self.physics.delay == 0:
            return [(self.now, e, self.value[e])]
        self.writes[e], self.written[e], self.value[e] = self.now + self.physics.delay, self.value[e], old
        return []
