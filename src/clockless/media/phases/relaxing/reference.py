"""Phases that relax in plain NumPy: the same events, steps and random numbers as the compiled loop. It is the oracle.

`flowing` follows cold phases by SciPy's `DOP853`, independently of both.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np

from clockless.learning.contracts import Replica
from clockless.media.phases.contrast import cost_of, wrapped
from clockless.media.phases.relaxing.propagation import LONGEST, MOVED, RESTS, SMALLEST, SOON, WARM
from clockless.numerics.randomness import HEARD, NORMALS, RULES, THERMAL, TRIGGERS, WRITES, numbers
from clockless.parts.presentations import Shown
from clockless.parts.pushes import Nudge, push_of
from clockless.parts.scalars import Units, called, first_memory, level_seen, luck, named, scalar
from clockless.parts.triggers import watches


def flowing(xy: Any, parameters: Any, held: list[int], start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Cold phases [time, site] at `times` after `start` [site], with sites `held`: gamma dphi/dt = F."""
    free = np.setdiff1d(np.arange(len(start)), held)
    found = np.tile(np.asarray(start, dtype=np.float64), (len(times), 1))
    if not free.size or not times.size or times.max() == 0:
        return found

    def motion(_: float, moving: np.ndarray) -> np.ndarray:
        phases = start.copy()
        phases[free] = moving
        rate: np.ndarray = xy.torque(parameters, phases)[free] / xy.friction
        return rate

    from scipy.integrate import solve_ivp

    order = np.argsort(times)
    solved = solve_ivp(motion, (0.0, float(times.max())), start[free], "DOP853", t_eval=times[order], rtol=1e-10, atol=1e-12)
    found[np.ix_(order, free)] = solved.y.T
    return found


class Trajectory(NamedTuple):
    """What has happened until a time."""

    time: np.ndarray  # [event] seconds
    unit: np.ndarray  # int [event]; -1: another example
    values: np.ndarray  # [parameter] at the end
    phases: np.ndarray  # [site, 2] after the last step before the end


class Simulation:
    """One replica; `run` does its events until a time. `phases` [site, 2] are those at time 0."""

    def __init__(self, xy: Any, replica: Replica, phases: np.ndarray, example: int) -> None:
        self.xy, self.replica, self.phase = xy, replica, phases.copy()
        self.example, self.word, self.push = example, replica.luck.replica, cast(Any, push_of(replica.rule))
        architecture = xy.architecture_of(replica.task)
        self.inputs, self.outputs = list(architecture.inputs), list(architecture.outputs)
        self.value, self.factors = np.array(xy.first(replica)), xy.factors()
        self.couplings, self.sites = xy.couplings, xy.network.nodes
        none = np.full(len(self.value), np.inf)
        units = Units(replica.seed, self.word, 0, len(self.value), {"value": self.value, "low": -none, "high": none})
        self.memory = {
            "rule": first_memory(replica.rule, "rule", units), "device": first_memory(replica.device, "device", units),
            "trigger": first_memory(replica.clock, "trigger", units.knowing(now=0.0)),
        }  # fmt: skip
        self.fired, self.heard = np.zeros(xy.units, dtype=int), np.zeros(xy.units, dtype=int)
        self.now, self.due, self.switch, self.switches = 0.0, np.full(xy.units, np.inf), float("inf"), 0
        self.step, self.drawn = np.inf, 0
        ends = [set(np.unique(xy.network.edges[xy.shared == c])) for c in range(self.couplings)]
        self.ends = [*ends, *({site} for site in range(self.sites))]

    # --- phases ---------------------------------------------------------------------------------------------

    def place(self, phase: np.ndarray) -> np.ndarray:
        """Clamped outputs of the pushed twin put where they are held."""
        if not isinstance(self.push, Nudge):
            free = phase[self.outputs, 0]
            phase[self.outputs, 1] = free + self.push.nudge * wrapped(self.replica.task.y_train[self.example] - free)
        return phase

    def rates(self, phase: np.ndarray) -> np.ndarray:
        """dphi/dt [site, 2] without noise."""
        torque = self.xy.torque(self.xy.split(self.value), self.place(phase))
        torque[self.inputs] = 0
        if isinstance(self.push, Nudge):
            delta = phase[self.outputs, 1] - self.replica.task.y_train[self.example]
            torque[self.outputs, 1] -= self.push.nudge * cost_of(self.push).slope(delta)
        else:
            torque[self.outputs, 1] = 0
        rates: np.ndarray = torque / self.xy.friction
        return rates

    def bound(self) -> float:
        """Gershgorin's bound of all rates."""
        parameters = self.xy.split(self.value)
        total = np.abs(parameters.h)
        for (i, j), weight in zip(self.xy.network.edges, self.xy.weights(parameters), strict=True):
            total[[i, j]] += 2 * abs(weight)
        total[self.outputs] += self.push.nudge if isinstance(self.push, Nudge) else 0.0
        return float(np.delete(total, self.inputs).max() / self.xy.friction)

    def cold_step(self, time: float, bound: float) -> float:
        """Bogacki and Shampine's step of at most `time`; its length."""
        h, k1 = time, self.rates(self.phase)
        while True:
            k2 = self.rates(self.phase + 0.5 * h * k1)
            k3 = self.rates(self.phase + 0.75 * h * k2)
            end = self.place(self.phase + h * (2 / 9 * k1 + 1 / 3 * k2 + 4 / 9 * k3))
            k4 = self.rates(end)
            error = h * np.abs(-5 / 72 * k1 + k2 / 12 + k3 / 9 - k4 / 8).max()
            factor = 5.0 if error <= 0 else float(np.clip(0.9 * np.cbrt(self.xy.tolerance / error), 0.2, 5.0))
            if error <= self.xy.tolerance or h * bound <= SMALLEST:
                self.phase = end
                if h * factor > self.step or h >= self.step:
                    self.step = h * factor
                return h
            h *= factor
            self.step = h

    def warm_step(self, time: float) -> None:
        """Heun's step."""
        luck = (numbers(self.replica.seed, self.word, self.drawn, THERMAL, 4 * self.sites, NORMALS) + 0.5) * 2.0**-32
        normal = np.sqrt(-2 * np.log(luck[0::2])) * np.cos(2 * np.pi * luck[1::2])
        noise = np.sqrt(2 * self.xy.temperature * time / self.xy.friction) * normal.reshape(2, self.sites).T
        noise[self.inputs] = 0
        self.drawn += 1
        k1 = self.rates(self.phase)
        k2 = self.rates(self.phase + time * k1 + noise)
        self.phase = self.place(self.phase + 0.5 * time * (k1 + k2) + noise)

    def relax(self, until: float, last: float, once: bool) -> None:
        """To `until`, by steps that end until `last`, or by one."""
        bound, warm = self.bound(), self.xy.temperature > 0
        cap = min(WARM / bound, 1.0) if warm else LONGEST / bound
        if self.xy.time_step:
            cap = min(self.xy.time_step, (1.0 if warm else LONGEST) / bound)
        while self.now < until:
            fast = np.abs(self.rates(self.place(self.phase))).max()
            rests, longest = not warm and fast <= RESTS * bound, cap if warm else min(cap, self.step)
            if once:
                longest = min(longest, SOON / bound + (MOVED / fast if fast > 0 else np.inf))
            end = self.now + longest if until - self.now > longest and not rests else until
            if end > last:
                break
            time = end - self.now
            if warm:
                self.warm_step(time)
            elif not rests:
                done = self.cold_step(time, bound)
                end = self.now + done if done < time else end
            self.now = end
            if once:
                break

    # --- units ----------------------------------------------------------------------------------------------

    def contrast(self) -> np.ndarray:
        """dE/dtheta of the pushed minus that of the free twin [parameter]."""
        parameters = self.xy.split(self.value)
        free, pushed = (np.concatenate(self.xy.signal(parameters, self.phase[:, twin])) for twin in (0, 1))
        contrast: np.ndarray = pushed - free
        return contrast

    def signals(self) -> np.ndarray:
        """What triggers see of units [unit]."""
        contrast = np.where(self.factors > 0, self.contrast(), 0.0)
        W, h, psi = np.split(contrast, [self.couplings, self.couplings + self.sites])
        return np.concatenate([W, np.where(np.abs(psi) > np.abs(h), psi, h)])

    def ask(self, part: Any, method: str, family: str, row: int, unit: int, **seen: Any) -> Any:
        """A scalar method of a part, of a row of parameters of a unit."""
        function = scalar(type(part), method)
        if function is None:
            return None
        purpose = {"rule": RULES, "device": WRITES, "trigger": HEARD if method == "hears" else TRIGGERS}[family]
        count = int(self.heard[unit] if method == "hears" else self.fired[unit])
        wanted = named(function)
        drawn = {
            name: float(luck(name, self.replica.seed, self.word, count, purpose, len(self.value))[row])
            for name in sorted(wanted & {"uniform", "normal"})
        }
        fields = {
            "now": self.now, "value": self.value[row], "low": -np.inf, "high": np.inf, "index": row, "step": count,
            "memory": tuple(float(slot[row]) for slot in self.memory[family]), **drawn, **seen,
        }  # fmt: skip
        return called(function, part, {name: fields[name] for name in wanted}, ())

    def keep(self, part: Any, method: str, family: str, row: int, unit: int, **seen: Any) -> None:
        """What is remembered after that."""
        kept = self.ask(part, method, family, row, unit, **seen)
        if kept is not None:
            self.memory[family][:, row] = [float(number) for number in kept]

    def act(self, unit: int) -> None:
        """A unit acts on what it senses."""
        rule, device, contrast = self.replica.rule, self.replica.device, self.contrast()
        new = {}
        for row in (unit,) if unit < self.couplings else (unit, unit + self.sites):
            old, signal = self.value[row], float(contrast[row])
            sensed = {"signal": signal, "level": float(level_seen(device, old, signal)), "acts": True}
            if hasattr(rule, "change"):
                wanted = float(rule.change(np.array(signal), sensed["level"]))
            else:
                wanted = float(self.ask(rule, "wants", "rule", row, unit, **sensed))
            wanted *= self.factors[row]
            new[row] = old + wanted
            if unit < self.couplings and hasattr(device, "written"):
                new[row] = float(device.written(np.array(old), np.array(wanted), -np.inf, np.inf))
            elif unit < self.couplings:
                new[row] = float(self.ask(device, "writes", "device", row, unit, wanted=wanted, **sensed))
                self.keep(device, "keeps", "device", row, unit, wanted=wanted, **sensed)
            self.keep(rule, "keeps", "rule", row, unit, wanted=wanted, **sensed)
        self.keep(self.replica.clock, "fires", "trigger", unit, unit, signal=float(contrast[unit]))
        for row, value in new.items():
            self.value[row] = value if self.factors[row] > 0 else self.value[row]
        self.fired[unit] += 1

    def show(self) -> None:
        """The next example."""
        task = self.replica.task
        self.example, wait = self.replica.batch.drawn(len(task.x_train), self.replica.seed, self.word, self.switches)
        self.switch, self.switches = self.now + wait, self.switches + 1

    def run(self, last: float) -> Trajectory:
        """All events from time 0 until a time."""
        clock, everyone = self.replica.clock, range(self.xy.units)
        watching, hears = watches(type(clock)), scalar(type(clock), "hears") is not None
        events: list[tuple[float, int]] = []
        if isinstance(self.replica.batch, Shown):
            self.show()
        asked: Any = everyone
        while True:
            self.phase[self.inputs] = self.replica.task.x_train[self.example][:, None]
            self.place(self.phase)
            signal = self.signals()
            for unit in asked:
                wait = self.ask(clock, "due", "trigger", unit, unit, signal=signal[unit])
                self.due[unit] = self.now + max(float(wait), 0.0)
            until, before = min(self.due.min(), self.switch), self.now
            self.relax(until, last, watching)
            if watching and self.now > before:
                for unit in everyone:
                    self.keep(clock, "passes", "trigger", unit, unit, signal=signal[unit], passed=self.now - before)
            if self.now < until or not until < last:
                if watching and self.now > before:
                    continue
                break
            unit = -1 if self.switch == until else int(np.argmin(self.due))
            if unit < 0:
                self.show()
            else:
                self.act(unit)
            asked = everyone if watching else [unit] if unit >= 0 else []
            if hears and unit >= 0:
                for other in everyone:
                    if other != unit and self.ends[other] & self.ends[unit]:
                        self.keep(clock, "hears", "trigger", other, other)
                        self.heard[other] += 1
                        asked = [*asked, other]
            events.append((self.now, unit))
        table = np.array(events).reshape(-1, 2)
        return Trajectory(table[:, 0], table[:, 1].astype(int), self.value.copy(), self.phase.copy())
