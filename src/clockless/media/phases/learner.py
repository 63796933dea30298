"""Learning with phases: one replica of an XY network that learns a task step by step.

    setting = XYSetting(architecture, task, rule, clock, device, optimiser, batch, seed=0)
    session = XYLearning(setting)
    session.advance(1_000)
    session.measure()           # test cost, test accuracy, ...
    session.results()           # W, h, psi

A step: draw samples; settle each freely from phases uniform in (-pi, pi) and a second time nudged or clamped, starting from
the free state; take the mean difference of every unit's local signal; let the optimiser and the rule say what change each
unit wants; let the clock say which units act, and the device what is written. *Units* of the clock are the couplings, then
the sites: h and psi of a site act together. The device holds couplings; h and psi take any value. All random
numbers depend on (seed, task, absolute step, unit), so that stopping and restoring changes no bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, real_array
from clockless.media.phases.contrast import Examples, contrast
from clockless.media.phases.costs import directions, reported
from clockless.media.phases.setting import Initial, XYSetting
from clockless.media.phases.xy import KINDS, XY, Parameters, Stop, phases_of
from clockless.numerics.randomness import CLOCK, PHASES, RELAXATION, TEST_PHASES, numbers
from clockless.parts.samplers import drawn_examples

_TEST_CHUNK = 256  # test samples settled at once


class XYLearning:
    """The state of one replica; see the contract of sessions in the documentation. Every array has one lane.

    Attributes:
        step: learning steps done.
        parameters: present W, h and psi.
    """

    def __init__(self, setting: XYSetting) -> None:
        self.setting, self.step = setting, 0
        architecture, task = setting.architecture, setting.task
        self.xy = XY(architecture.network, architecture.shared, setting.trainable)
        self._replica = task.fingerprint
        start = setting.initial
        if isinstance(start, Initial):
            start = start.parameters(architecture, setting.seed, self._replica)
        start = self.xy.parameters(*start)
        if hasattr(setting.device, "nearest"):
            start = start._replace(W=setting.device.nearest(start.W))
        self._sizes = np.cumsum([start.W.size, start.h.size])
        self._values = np.concatenate(start)
        self._moments = np.zeros((setting.optimiser.slots, self._values.size))
        self._units = start.W.size + start.h.size
        clock = setting.clock
        has_memory = hasattr(clock, "memory")
        self._memory = clock.memory(setting.seed, self._replica, self._units) if has_memory else None
        kinds = [np.full(part.size, getattr(setting.rates, kind) * (kind in setting.trainable)) for kind, part in
                 zip(KINDS, start, strict=True)]  # fmt: skip
        self._factors = np.concatenate(kinds)
        self._inits = getattr(setting.rule, "inits", 1)
        self._seen = {"train_cost": np.nan, "residual": 0.0, "unsettled": 0.0, "samples": 0.0, "sweeps": 0.0}

    @property
    def parameters(self) -> Parameters:
        """Present W [coupling], h [site] and psi [site], a view."""
        return Parameters(*np.split(self._values, self._sizes))

    # --- the contract of a session ---------------------------------------------------------------------------------------

    def advance(self, last: int) -> None:
        """Do the steps from the present one to `last` (not included)."""
        while self.step < last:
            self._learn()
            self.step += 1

    def measure(self) -> dict[str, np.ndarray]:
        """What is recorded at this step, each [1]: see `looked_at` for test values.

        `train_cost` is the mean cost of the free states of the step before, `residual` the largest residual of its states;
        `unsettled` is the share of all samples so far that stopped at the sweeps' limit, `sweeps` the mean number of sweeps
        of free and second state together.
        """
        seen, samples = self._seen, max(self._seen["samples"], 1.0)
        measured = {
            **self.looked_at(self.setting.task.x_test, self.setting.task.y_test, self.setting.task.labels_test),
            "train_cost": seen["train_cost"],
            "residual": seen["residual"],
            "unsettled": seen["unsettled"] / samples,
            "sweeps": seen["sweeps"] / samples,
        }
        return {name: np.array([value]) for name, value in measured.items()}

    def state(self) -> dict[str, np.ndarray]:
        """All that the next step needs. The clock's memory follows from the seed."""
        seen = {name: np.array(value) for name, value in self._seen.items()}
        return {"step": np.array(self.step), "values": self._values.copy(), "moments": self._moments.copy(), **seen}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned in a session of the same setting.

        Raises:
            ParameterError: a state of another setting.
        """
        fits = state["values"].shape == self._values.shape and state["moments"].shape == self._moments.shape
        if not fits:
            raise ParameterError(
                f"the stored state has {state['values'].size} parameters, this session {self._values.size}, or the "
                "optimiser differs; it is of another setting, so restore it with the one it was made with."
            )
        self.step = int(state["step"])
        self._values = np.array(state["values"], dtype=np.float64)
        self._moments = np.array(state["moments"], dtype=np.float64)
        self._seen = {name: float(state[name]) for name in self._seen}

    def results(self) -> dict[str, np.ndarray]:
        """Final W [1, coupling], h and psi [1, site], the last step's residual [1], and whether numbers are not finite."""
        parts = dict(zip(KINDS, self.parameters, strict=True))
        failed = not np.isfinite(self._values).all() or np.isnan(self._seen["residual"])
        arrays = {name: part[None].copy() for name, part in parts.items()}
        return {**arrays, "residual": np.array([self._seen["residual"]]), "failed": np.array([failed])}

    # --- one step ------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        setting, parameters = self.setting, self.parameters
        chosen = drawn_examples(setting.batch, len(setting.task.x_train), setting.seed, self._replica, self.step)
        if not chosen.size:
            return
        x, y = setting.task.x_train[chosen].T, setting.task.y_train[chosen].T
        examples = Examples(setting.architecture.inputs, x, setting.architecture.outputs, y)
        z = self._starting(PHASES, 0, chosen.size * self._inits)
        signal, looked = contrast(setting.rule, self.xy, parameters, examples, z, self._stop(setting.settling.residual))
        self._note(looked, np.repeat(y, self._inits, axis=1))
        self._write(np.concatenate(signal))

    def _write(self, signal: np.ndarray) -> None:
        """What each unit wants from its signal; which act; what is written."""
        setting, couplings = self.setting, self._sizes[0]
        acts = self._acting()
        acts = np.concatenate([acts, acts[couplings:]])  # h and psi of a site act together
        direction, self._moments = setting.optimiser.direction(signal / setting.rule.nudge, self._moments, acts)
        wanted = self._factors * setting.rule.change(setting.rule.nudge * direction, setting.device.level)
        written = self._values + wanted
        written[:couplings] = setting.device.written(self._values[:couplings], wanted[:couplings], -np.inf, np.inf)
        self._values = np.where(acts & (self._factors > 0), written, self._values)

    def _acting(self) -> np.ndarray:
        """Which units act in this step, bool [coupling, then site]."""
        if self._memory is not None:
            return self.setting.clock.acting_at(self.step, self._memory)
        return self.setting.clock.acting(numbers(self.setting.seed, self._replica, self.step, CLOCK, self._units))

    def _starting(self, purpose: np.uint64, first: int, count: int) -> np.ndarray:
        """z [site, 2, sample] of `count` samples from number `first` on: free phases uniform in (-pi, pi), inputs yet unset.

        A sample's start depends on its own number and the step alone, not on how many others there are.
        """
        architecture = self.setting.architecture
        rows = self.xy.arrangement(architecture.inputs).rows
        drawn = numbers(self.setting.seed, self._replica, self.step, purpose, count * rows.size, first * rows.size)
        turns = ((drawn + 0.5) * 2.0**-31 - 1.0).reshape(count, rows.size)
        z = np.zeros((architecture.network.nodes, 2, count))
        z[rows] = directions(np.pi * turns.T)
        return z

    def _stop(self, residual: float) -> Stop:
        settling, seed = self.setting.settling, self.setting.seed
        low, high = numbers(seed, self._replica, self.step, RELAXATION, 2)
        occasion = int(low) | int(high) << 32  # other random orders in every step
        return Stop(settling.schedule, residual, settling.sweeps_limit, seed, occasion)

    def _note(self, looked: Any, y: np.ndarray) -> None:
        delta = phases_of(looked.free[list(self.setting.architecture.outputs)]) - y
        self._seen["train_cost"] = float(reported(delta).mean())
        self._seen["residual"] = float(looked.residual.max())
        self._seen["unsettled"] += float(np.sum(~(looked.residual <= self.setting.settling.residual)))
        self._seen["samples"] += float(len(looked.residual))
        self._seen["sweeps"] += float(looked.sweeps.sum())

    # --- looking at examples ------------------------------------------------------------------------------------------

    def shown_phases(self, x: np.ndarray) -> np.ndarray:
        """Free output phases [example, output] for input phases [example, input], from starts drawn for this step."""
        architecture, stop = self.setting.architecture, self._stop(self.setting.settling.test_residual)
        shown_there = np.empty((len(x), len(architecture.outputs)))
        for first in range(0, len(x), _TEST_CHUNK):
            chunk = x[first : first + _TEST_CHUNK]
            z = self._starting(TEST_PHASES, first, len(chunk))
            z[list(architecture.inputs)] = directions(chunk.T)
            self.xy.relax(self.parameters, z, architecture.inputs, stop)
            shown_there[first : first + len(chunk)] = phases_of(z[list(architecture.outputs)]).T
        return shown_there

    def looked_at(self, x: np.ndarray, y: np.ndarray, labels: np.ndarray | None) -> dict[str, float]:
        """Mean cost 1/2 sum over outputs (1 - cos delta), and the share whose class is shown, argmax sin(phi_out)."""
        phases = self.shown_phases(real_array(x))
        accuracy = np.nan if labels is None else float(np.mean(np.argmax(np.sin(phases), axis=1) == labels))
        return {"cost": float(reported((phases - y).T).mean()), "accuracy": accuracy}
