"""Events in plain NumPy: the same triggers and random numbers as compiled loops, whatever happens between them.

It is documentation and oracle; a medium says what is sensed and dissipated. Nothing is followed here: after every event all
is found anew, and every trigger that watches is asked anew.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clockless.learning.contracts import Replica
from clockless.numerics.randomness import HEARD, NORMALS, RULES, TRIGGERS, WRITES, numbers
from clockless.parts.presentations import Shown
from clockless.parts.scalars import Units, called, first_memory, level_seen, named, scalar
from clockless.parts.triggers import watches


class Trajectory(NamedTuple):
    """What has happened until a time."""

    time: np.ndarray  # [event] seconds
    edge: np.ndarray  # int [event] of those that learn; -1: another example
    value: np.ndarray  # [event] the edge's new learning parameter, or the number of the example
    learned: np.ndarray  # [edge] at the end
    energy: float  # joules in the free twin, sum over events of power x time
    energy_pushed: float


class EventSimulation:
    """One replica; `run` does its events until a time. A medium's own says what edges sense and what is dissipated.

    Args:
        replica: as its medium has checked it.
        value: what edges learn, at time 0 [edge].
        low, high: its range [edge].
        ends: nodes of the edges [edge, 2].
    """

    def __init__(self, replica: Replica, value: np.ndarray, low: np.ndarray, high: np.ndarray, ends: np.ndarray) -> None:
        self.replica, self.edges, self.word = replica, len(value), replica.luck.replica
        self.value, self.low, self.high = value, low, high
        if hasattr(replica.device, "nearest"):
            self.value = replica.device.nearest(self.value)
        units = Units(replica.seed, self.word, 0, self.edges, {"value": self.value, "low": self.low, "high": self.high})
        self.memory = {
            "rule": first_memory(replica.rule, "rule", units), "device": first_memory(replica.device, "device", units),
            "trigger": first_memory(replica.clock, "trigger", units.knowing(now=0.0)),
        }  # fmt: skip
        self.fired, self.heard = np.zeros(self.edges, dtype=int), np.zeros(self.edges, dtype=int)
        self.now, self.due = 0.0, np.full(self.edges, np.inf)
        self.switch, self.example, self.switches = float("inf"), -1, 0
        self.joules = np.zeros(2)
        self.beside = [
            np.flatnonzero(np.isin(ends, ends[e]).any(axis=1) & (np.arange(self.edges) != e)) for e in range(self.edges)
        ]

    def signals(self) -> np.ndarray:
        """Contrast of both twins [edge] now."""
        raise NotImplementedError

    def power(self) -> np.ndarray:
        """Watts of the free and the pushed twin now."""
        raise NotImplementedError

    def learned(self) -> np.ndarray:
        """What edges have learned [edge], as results show it."""
        return self.value.copy()

    def shown(self) -> list[int]:
        """Examples that are shown now."""
        return list(range(len(self.replica.task.x_train))) if self.example < 0 else [self.example]

    # --- what units do --------------------------------------------------------------------------------------

    def ask(self, part: Any, method: str, family: str, e: int, **seen: Any) -> Any:
        """A scalar method of a part, of one edge."""
        function = scalar(type(part), method)
        if function is None:
            return None
        purpose, step = {
            "rule": (RULES, self.fired[e]), "device": (WRITES, self.fired[e]), "trigger": (TRIGGERS, self.fired[e]),
            "hears": (HEARD, self.heard[e]),
        }["hears" if method == "hears" else family]  # fmt: skip
        luck = (numbers(self.replica.seed, self.word, int(step), purpose, 1, e) + 0.5) * 2.0**-32
        pair = (numbers(self.replica.seed, self.word, int(step), purpose, 2, NORMALS + 2 * e) + 0.5) * 2.0**-32
        fields = {
            "now": self.now, "value": self.value[e], "low": self.low[e], "high": self.high[e], "index": e,
            "step": int(self.fired[e]), "memory": tuple(float(slot[e]) for slot in self.memory[family]),
            "uniform": float(luck[0]), "normal": float(np.sqrt(-2 * np.log(pair[0])) * np.cos(2 * np.pi * pair[1])), **seen,
        }  # fmt: skip
        return called(function, part, {name: fields[name] for name in named(function)}, ())

    def keep(self, part: Any, method: str, family: str, e: int, **seen: Any) -> None:
        """What an edge remembers after that."""
        kept = self.ask(part, method, family, e, **seen)
        if kept is not None:
            self.memory[family][:, e] = [float(number) for number in kept]

    def fire(self, e: int, signal: float) -> None:
        """One edge acts on what it senses."""
        rule, device = self.replica.rule, self.replica.device
        sensed = {"signal": signal, "level": float(level_seen(device, self.value[e], signal)), "acts": True}
        if hasattr(rule, "change"):
            wanted = float(rule.change(np.array(signal), sensed["level"]))
        else:
            wanted = float(self.ask(rule, "wants", "rule", e, **sensed))
        if hasattr(device, "written"):
            new = float(device.written(self.value[e], wanted, self.low[e], self.high[e]))
        else:
            new = float(np.clip(self.ask(device, "writes", "device", e, wanted=wanted, **sensed), self.low[e], self.high[e]))
        self.keep(rule, "keeps", "rule", e, wanted=wanted, **sensed)
        self.keep(device, "keeps", "device", e, wanted=wanted, **sensed)
        self.keep(self.replica.clock, "fires", "trigger", e, signal=signal)
        self.value[e] = new
        self.fired[e] += 1

    def show(self) -> None:
        """The next example."""
        count = len(self.replica.task.x_train)
        self.example, wait = self.replica.batch.drawn(count, self.replica.seed, self.word, self.switches)
        self.switch, self.switches = self.now + wait, self.switches + 1

    def look(self, edges: Any) -> None:
        """When these edges are due."""
        for e in edges:
            wait = self.ask(self.replica.clock, "due", "trigger", e, signal=self.signal[e])
            self.due[e] = self.now + max(float(wait), 0.0)

    def run(self, last: float) -> Trajectory:
        """All events from time 0 until a time."""
        watching, everyone = watches(type(self.replica.clock)), range(self.edges)
        events: list[tuple[float, int, float]] = []
        if isinstance(self.replica.batch, Shown):
            self.show()
        self.signal = self.signals()
        self.look(everyone)
        while min(self.due.min(), self.switch) < last:
            e = -1 if self.switch <= self.due.min() else int(np.argmin(self.due))
            time = float(self.switch if e < 0 else self.due[e])
            self.joules += self.power() * (time - self.now)
            if watching:
                for f in everyone:
                    self.keep(self.replica.clock, "passes", "trigger", f, signal=self.signal[f], passed=time - self.now)
            self.now = time
            if e < 0:
                self.show()
            else:
                self.fire(e, self.signal[e])
            events.append((time, e, self.value[e] if e >= 0 else self.example))
            self.signal = self.signals()
            if e >= 0:
                for neighbour in self.beside[e]:
                    self.keep(self.replica.clock, "hears", "trigger", int(neighbour), signal=self.signal[neighbour])
                    self.heard[neighbour] += 1
            hears = scalar(type(self.replica.clock), "hears") is not None and e >= 0
            self.look(everyone if watching else [*([e] if e >= 0 else []), *(self.beside[e] if hears else [])])
        self.joules += self.power() * (last - self.now)
        table = np.array(events).reshape(-1, 3)
        return Trajectory(table[:, 0], table[:, 1].astype(int), table[:, 2], self.learned(), *self.joules)
