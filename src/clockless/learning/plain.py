"""The learning loop in plain NumPy, for any medium that settles: readable, one replica at a time, and the oracle of engines.

A step: draw examples; let the medium contrast a pushed with a free state of each; let the optimiser and the rule say what
change each parameter wants; let the clock say which units act, and the device what is written. All random numbers depend on
(seed, task, absolute step, unit), so that stopping and restoring changes no bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clockless.learning.contracts import Arrays, Info, Luck, Replica
from clockless.numerics.randomness import CLOCK
from clockless.parts.pushes import push_of
from clockless.parts.samplers import drawn_examples

_SEEN = ("residual", "cost", "unsettled", "samples", "sweeps")


class PlainLearner:
    """One replica of a medium that settles; `Learner` with one lane.

    Attributes:
        step: learning steps done.
        values: present parameters [parameter].
    """

    size = 1

    def __init__(self, replica: Replica, traces: bool = False) -> None:
        medium = replica.medium
        self.replica, self.step, self._traces = replica, 0, traces
        self._luck, self._push = replica.luck, push_of(replica.rule)
        self.values = np.array(medium.first(replica), dtype=np.float64)
        self._factors = np.broadcast_to(np.asarray(medium.factors(), dtype=np.float64), self.values.shape)
        self._owners = medium.owners()
        self._moments = np.zeros((replica.optimiser.slots, self.values.size))
        self._actions = np.zeros(medium.units)
        clock = replica.clock
        has_memory = hasattr(clock, "memory")
        self._memory = clock.memory(self._luck.seed, self._luck.replica, medium.units) if has_memory else None
        self._seen = dict.fromkeys(_SEEN, 0.0) | {"cost": np.nan}

    # --- the contract of a learner ---------------------------------------------------------------------------

    def advance(self, last: int) -> None:
        """Do the steps from the present one to `last` (not included)."""
        while self.step < last:
            self._learn()
            self.step += 1

    def measure(self) -> Arrays:
        """What the medium sees of the test set now, and how settling went so far, each [1, ..].

        `residual` and `train_cost` are those of the last step's states, `unsettled` is the share of all examples so far that
        did not settle, `sweeps` the mean work until they had.
        """
        seen = self._seen
        samples = max(seen["samples"], 1.0)
        measured = {
            "train_cost": seen["cost"], "residual": seen["residual"], "unsettled": seen["unsettled"] / samples,
            "sweeps": seen["sweeps"] / samples, "actions": self._actions.copy(),
            **self._looked(),
        }  # fmt: skip
        if self._traces:
            measured["traces"] = self.values.copy()
        return {name: np.asarray(value, dtype=np.float64)[None] for name, value in measured.items()}

    def _looked(self) -> Mapping[str, Any]:
        """What the medium sees of the test set."""
        replica = self.replica
        return replica.medium.look(self.values, replica.task, self._luck._replace(step=self.step))

    def state(self) -> Arrays:
        """All that the next step needs. The clock's memory follows from the seed."""
        seen = {name: np.array(value) for name, value in self._seen.items()}
        arrays = {"values": self.values.copy(), "moments": self._moments.copy(), "actions": self._actions.copy()}
        return {"step": np.array(self.step), **arrays, **seen}

    def restore(self, state: Arrays) -> None:
        """Take over what `state` returned of a learner of the same replica; ValueError if it is of another."""
        for name, mine in (("values", self.values), ("moments", self._moments), ("actions", self._actions)):
            if name not in state or state[name].shape != mine.shape:
                raise ValueError(
                    f"the stored state does not fit: {name} must be {mine.shape}; it is of another replica or version."
                )
        self.step = int(state["step"])
        self.values, self._moments = state["values"].copy(), state["moments"].copy()
        self._actions = state["actions"].copy()
        self._seen = {name: float(state[name]) for name in self._seen}

    def results(self, recorded: Arrays) -> Arrays:
        """What was recorded of every variable of the medium: at all steps where it has that dimension, else at the last."""
        variables = self.replica.medium.variables(self._traces)
        results = {
            name: recorded[name] if "step" in variable.dims else recorded[name][:, -1]
            for name, variable in variables.items()
            if name in recorded
        }
        results |= {"parameters": self.values[None].copy()}
        if "initial_error" in variables:
            first = recorded["error"][:, 0]
            results |= {"initial_error": first, "error": recorded["error"] / _scale(first, self.replica.task)[:, None]}
        finite = np.isfinite(self.values).all() and np.isfinite(recorded["error"]).all()
        settled = not np.isnan(self._seen["residual"])
        return {**results, "failed": np.array([not (finite and settled)])}

    # --- one step ------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        replica, luck = self.replica, self._luck._replace(step=self.step)
        chosen = drawn_examples(replica.batch, len(replica.task.x_train), luck.seed, luck.replica, self.step)
        if not chosen.size:
            return
        examples = replica.medium.examples(replica.task, chosen)
        signal, info = replica.medium.contrast(self.values, examples, self._push, luck)
        self._note(info)
        self._write(signal, luck)

    def _write(self, signal: np.ndarray, luck: Luck) -> None:
        """What each parameter wants from its signal; which units act; what is written."""
        rule, device, medium = self.replica.rule, self.replica.device, self.replica.medium
        units = self._acting(luck)
        self._actions += units
        acts = units if self._owners is None else units[self._owners]
        direction, self._moments = self.replica.optimiser.direction(signal / rule.nudge, self._moments, acts)
        wanted = self._factors * rule.change(rule.nudge * direction, device.level)
        low, high = medium.limits()
        written, held = self.values + wanted, medium.held_by_device()
        written[held] = device.written(self.values[held], wanted[held], low, high)
        self.values = np.where(acts & (self._factors > 0), written, self.values)

    def _acting(self, luck: Luck) -> np.ndarray:
        """Which units act in this step, bool [unit]."""
        clock = self.replica.clock
        if self._memory is not None:
            return clock.acting_at(self.step, self._memory)
        return clock.acting(luck.numbers(CLOCK, self.replica.medium.units))

    def _note(self, info: Info) -> None:
        tolerated = getattr(self.replica.medium, "tolerated", np.inf)
        seen = self._seen
        seen["cost"], seen["residual"] = float(info.cost), float(np.max(info.residual))
        seen["unsettled"] += float(np.sum(~(info.residual <= tolerated)))
        seen["samples"] += float(len(info.residual))
        seen["sweeps"] += float(np.sum(info.sweeps))


def _scale(first: np.ndarray, task: Any) -> np.ndarray:
    """What errors are divided by: the error at step 0, or where that is 0, the mean square of the targets."""
    targets = float(np.mean(task.y_test**2)) if task.y_test is not None else 0.0
    return np.where(first > 0, first, targets if targets > 0 else 1.0)
