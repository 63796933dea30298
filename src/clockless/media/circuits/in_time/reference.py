"""Circuits in continuous time in plain NumPy: events as everywhere, states by the readable Newton, relaxing by tiny steps.

It is documentation and oracle; comparators are left out. `Relaxing` follows both twins by the classical Runge-Kutta method
of order 4 with equal steps, which resolve the fastest node, independently of the compiled solver.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.learning.contracts import Replica
from clockless.learning.events.reference import EventSimulation, Trajectory
from clockless.media.circuits import reference
from clockless.media.circuits.in_time.loop import MOVED, SOON
from clockless.media.circuits.learner import mismatched
from clockless.parts.presentations import Shown
from clockless.parts.pushes import Clamp, push_of
from clockless.parts.scalars import scalar
from clockless.parts.triggers import watches

FINE = 0.1  # of the fastest node's time: a step


class Settled(EventSimulation):
    """One replica whose circuit settles between any two events; `run` does its events until a time."""

    def __init__(self, circuit: Any, replica: Replica) -> None:
        self.circuit, self.twin = circuit, mismatched(circuit, replica.luck)
        ends = circuit.network.edges[circuit.learning]
        super().__init__(replica, np.array(replica.initial, dtype=float), circuit.low, circuit.high, ends)
        self.push: Any = push_of(replica.rule)
        self.outputs = list(replica.task.outputs)

    def held(self) -> dict[int, float]:
        """Inputs and grounds at the example that is shown."""
        task = self.replica.task
        return {**dict.fromkeys(task.ground, 0.0), **dict(zip(task.inputs, task.x_train[self.example], strict=True))}

    def signals(self) -> np.ndarray:
        """Contrast of both twins [edge], over what is shown."""
        task = self.replica.task
        each = [reference.contrast(self.circuit, self.value, task, k, self.push, twin=self.twin) for k in self.shown()]
        total: np.ndarray = np.sum(each, axis=0)
        return total

    def twins(self) -> tuple[np.ndarray, np.ndarray]:
        """Voltages [node] of both twins, settled at the example that is shown."""
        free = reference.newton(self.circuit, self.value, self.held())
        targets = reference.wanted(self.circuit, free, self.outputs, self.replica.task.y_train[self.example])
        if isinstance(self.push, Clamp):
            clamped = free[self.outputs] + self.push.nudge * (targets - free[self.outputs])
            held = {**self.held(), **dict(zip(self.outputs, clamped, strict=True))}
            return free, reference.newton(self.circuit, self.value + self.twin, held, free)
        pull = self.outputs, targets, self.push.nudge
        return free, reference.newton(self.circuit, self.value + self.twin, self.held(), free, pull)

    def power(self) -> np.ndarray:
        """Watts of both twins: V F summed over all nodes, mean over what is shown."""
        shown_now, watts = self.example, np.zeros(2)
        for example in self.shown():
            self.example = example
            for k, (volts, values) in enumerate(zip(self.twins(), (self.value, self.value + self.twin), strict=True)):
                watts[k] += volts @ self.circuit.currents(values, volts)
        count, self.example = len(self.replica.task.x_train) if shown_now < 0 else 1, shown_now
        return watts / count


class Relaxing(Settled):
    """One replica whose nodes have capacities; the same in time."""

    def __init__(self, circuit: Any, replica: Replica) -> None:
        super().__init__(circuit, replica)
        self.volts = np.zeros((2, circuit.network.nodes))
        self.writes, self.written = np.full(self.edges, np.inf), np.zeros(self.edges)
        self.work, self.lost = 0.0, 0

    def follow(self, volts: np.ndarray) -> np.ndarray:
        """Both twins' voltages with clamped outputs where the free ones have them."""
        if isinstance(self.push, Clamp):
            targets = reference.wanted(self.circuit, volts[0], self.outputs, self.replica.task.y_train[self.example])
            volts = volts.copy()
            volts[1, self.outputs] = volts[0, self.outputs] + self.push.nudge * (targets - volts[0, self.outputs])
        return volts

    def slope(self, volts: np.ndarray) -> tuple[np.ndarray, float]:
        """dV/dt [twin, node], but for clamped outputs, which follow; watts of the free twin's sources."""
        volts, held = self.follow(volts), [*self.held(), *self.circuit.rails]
        leaving = np.array([
            self.circuit.currents(values, each)
            for values, each in zip((self.value, self.value + self.twin), volts, strict=True)
        ])  # fmt: skip
        delivered = float(volts[0, held] @ leaving[0, held])
        if not isinstance(self.push, Clamp):
            targets = reference.wanted(self.circuit, volts[0], self.outputs, self.replica.task.y_train[self.example])
            leaving[1, self.outputs] += self.push.nudge * (volts[1, self.outputs] - targets)
        leaving[:, held] = 0.0
        return -leaving / self.circuit.capacity, delivered

    def rate(self) -> float:
        """A bound of the rate of the fastest free node, per second."""
        largest, held = 0.0, [*self.held(), *self.circuit.rails]
        for k, values in enumerate((self.value, self.value + self.twin)):
            total = self.circuit.shunt.copy()
            slopes = np.abs(self.circuit.flows(values, self.volts[k])[1:]).sum(axis=0)
            np.add.at(total, self.circuit.network.edges, np.abs(self.circuit.gains) * slopes[:, None])
            if k and not isinstance(self.push, Clamp):
                total[self.outputs] += self.push.nudge
            largest = max(largest, float(np.delete(total / self.circuit.capacity, held).max()))
        return largest

    def relax(self, passed: float) -> None:
        """Let time pass, by the classical Runge-Kutta method."""
        count = max(int(np.ceil(passed * self.rate() / FINE)), 1)
        h = passed / count
        for _ in range(count if passed > 0 else 0):
            k1, w1 = self.slope(self.volts)
            k2, w2 = self.slope(self.volts + h / 2 * k1)
            k3, w3 = self.slope(self.volts + h / 2 * k2)
            k4, w4 = self.slope(self.volts + h * k3)
            self.volts = self.follow(self.volts + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
            self.work += h / 6 * (w1 + 2 * w2 + 2 * w3 + w4)

    def hold(self) -> None:
        """Sources where the example says."""
        for node, volts in {**self.circuit.rails, **self.held()}.items():
            self.volts[:, node] = volts
        self.volts = self.follow(self.volts)

    def signals(self) -> np.ndarray:
        """Contrast of both twins [edge] as they are."""
        found = np.zeros(self.edges)
        for unit, e in enumerate(self.circuit.learning):
            drops = [self.circuit.gains[e] @ (each[self.circuit.network.edges[e]] * (1, -1)) for each in self.volts]
            found[unit] = self.circuit.laws[e].contrasts(*drops, self.value[unit])
        return found

    def next_look(self) -> float:
        """When edges that watch are asked again although nothing happens."""
        bound = self.rate()
        if self.circuit.look:
            return self.now + float(min(self.circuit.look, 1 / bound))
        rates, fast = self.slope(self.volts)[0], 0.0
        if isinstance(self.push, Clamp):
            rates[1, self.outputs] = 0.0
        fast = float(np.abs(rates).max())
        return self.now + float(SOON / bound + (MOVED * np.abs(self.volts).max() / fast if fast > 0 else np.inf))

    def run(self, last: float) -> Trajectory:
        """All events from time 0 until a time."""
        watching, everyone = watches(type(self.replica.clock)), range(self.edges)
        hears = scalar(type(self.replica.clock), "hears") is not None
        events: list[tuple[float, int, float]] = []
        if isinstance(self.replica.batch, Shown):
            self.show()
        self.example = max(self.example, 0)
        self.volts = np.array(self.twins())
        self.signal = self.signals()
        self.look(everyone)
        while True:
            look = self.next_look() if watching else np.inf
            time = float(min(self.due.min(), self.writes.min(), self.switch, look))
            if time >= last:
                break
            self.relax(time - self.now)
            for f in everyone if watching else ():
                self.keep(self.replica.clock, "passes", "trigger", f, signal=self.signal[f], passed=time - self.now)
            self.now, edge = time, -1
            if time == self.switch:
                self.show()
                self.hold()
                events.append((time, -1, self.example))
            elif time == self.writes.min():
                events.append(self._write(int(np.argmin(self.writes))))
            elif time == self.due.min():
                edge = int(np.argmin(self.due))
                events += self._act(edge)
            self.signal = self.signals()
            for neighbour in self.beside[edge] if hears and edge >= 0 else []:
                self.keep(self.replica.clock, "hears", "trigger", int(neighbour), signal=self.signal[neighbour])
                self.heard[neighbour] += 1
            self.look(everyone if watching else [*([edge] if edge >= 0 else []), *(self.beside[edge] if hears else [])])
        self.relax(last - self.now)
        table = np.array(events).reshape(-1, 3)
        return Trajectory(table[:, 0], table[:, 1].astype(int), table[:, 2], self.learned(), self.work, np.nan)

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
        if self.circuit.delay == 0:
            return [(self.now, e, self.value[e])]
        self.writes[e], self.written[e], self.value[e] = self.now + self.circuit.delay, self.value[e], old
        return []
