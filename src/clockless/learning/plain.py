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
from clockless.learning.scaling import scales
from clockless.parts.pushes import push_of
from clockless.parts.samplers import drawn_examples
from clockless.parts.scalars import (
    Units,
    acting_by,
    clock_memory,
    first_memory,
    kept,
    level_seen,
    scalar,
    wanted_by,
    written_by,
)  # fmt: skip

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
        held = self.values[medium.held_by_device()]
        self._memory = {
            "rule": first_memory(replica.rule, "rule", self._units(self.values.size, value=self.values)),
            "clock": clock_memory(replica.clock, self._units(medium.units)),
            "device": first_memory(replica.device, "device", self._units(held.size, value=held)),
        }
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
        seen: Mapping[str, Any] = replica.medium.look(self.values, replica.task, self._luck._replace(step=self.step))
        return seen

    def state(self) -> Arrays:
        """All that the next step needs. Memory that no step changes follows from the seed."""
        seen = {name: np.array(value) for name, value in self._seen.items()}
        arrays = {"values": self.values.copy(), "moments": self._moments.copy(), "actions": self._actions.copy()}
        memory = {f"{name}_memory": self._memory[name].copy() for name in self._changing}
        return {"step": np.array(self.step), **arrays, **seen, **memory}

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
        for name in self._changing:
            self._memory[name] = np.array(state[f"{name}_memory"], dtype=np.float64)
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
            targets = self.replica.task.y_test
            squares = np.array([0.0 if targets is None else np.mean(targets**2)])
            results |= {"initial_error": first, "error": recorded["error"] / scales(first, squares)[:, None]}
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
        signal, info = self._contrast(examples, luck)
        self._note(info)
        self._write(signal, luck)

    def _contrast(self, examples: Any, luck: Luck) -> tuple[np.ndarray, Info]:
        """The signal of each parameter, from the states of a step's examples."""
        contrast: tuple[np.ndarray, Info] = self.replica.medium.contrast(self.values, examples, self._push, luck)
        return contrast

    def _write(self, signal: np.ndarray, luck: Luck) -> None:
        """What each parameter wants from its signal; which units act; what is written; what is remembered."""
        rule, clock, device, memory = self.replica.rule, self.replica.clock, self.replica.device, self._memory
        direction, moved = self.replica.optimiser.direction(
            signal / rule.nudge, self._moments, np.ones(self.values.size, dtype=bool)
        )
        units = self._units(self.values.size, value=self.values, signal=rule.nudge * direction)
        units = units.knowing(level=level_seen(device, self.values, units.seen["signal"]))
        wanted = self._factors * wanted_by(rule, units, memory["rule"])
        # A unit that owns several parameters shows clocks none of them.
        alone = {} if self._owners is not None else {**units.seen, "wanted": wanted}
        deciding = self._units(self.replica.medium.units, **alone)
        acting = acting_by(clock, deciding, memory["clock"])
        self._actions += acting
        acts = acting if self._owners is None else acting[self._owners]
        self._moments = np.where(acts, moved, self._moments)  # a unit that does not act is asleep
        units = units.knowing(wanted=wanted, acts=acts)
        written, held = self.values + wanted, self.replica.medium.held_by_device()
        first = {name: values[held] if np.ndim(values) else values for name, values in units.seen.items()}
        of_device = self._units(self.values[held].size, **first)
        written[held] = written_by(device, of_device, memory["device"])
        self._memory = {
            "rule": kept(rule, "rule", units, memory["rule"]),
            "clock": kept(clock, "clock", deciding.knowing(acts=acting), memory["clock"]),
            "device": kept(device, "device", of_device, memory["device"]),
        }
        self.values = np.where(acts & (self._factors > 0), written, self.values)

    def _units(self, count: int, **seen: Any) -> Units:
        """The first `count` units and what they sense."""
        low, high = self.replica.medium.limits()
        return Units(self._luck.seed, self._luck.replica, self.step, count, {"low": low, "high": high, **seen})

    @property
    def _changing(self) -> list[str]:
        """Parts whose memory steps change."""
        return [name for name in self._memory if scalar(type(getattr(self.replica, name)), "keeps")]

    def _note(self, info: Info) -> None:
        tolerated = getattr(self.replica.medium, "tolerated", np.inf)
        seen = self._seen
        seen["cost"], seen["residual"] = float(info.cost), float(np.max(info.residual))
        seen["unsettled"] += float(np.sum(~(info.residual <= tolerated)))
        seen["samples"] += float(len(info.residual))
        seen["sweeps"] += float(np.sum(info.sweeps))
