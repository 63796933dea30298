"""The replicas of an ensemble: every combination of the values on its axes, checked before anything runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, TaskError, shown
from clockless.media.resistors.ohm import Resistors
from clockless.parts.devices import Ideal
from clockless.parts.part import kind
from clockless.parts.rules import SignRule
from clockless.tasks.task import Task

AXES = ("task", "rule", "clock", "device", "batch", "initial", "seed")


@dataclass(frozen=True)
class Replica:
    """One combination of the axes' values, and where it stands in the ensemble."""

    task: Task
    rule: Any
    clock: Any
    device: Any
    batch: Any
    initial: np.ndarray
    seed: int

    @property
    def kind(self) -> tuple:
        """Replicas of one kind share compiled code and array shapes."""
        task, batch = self.task, self.batch
        sizes = (len(task.inputs), len(task.outputs), len(task.ground), len(task.x_train), len(task.x_test))
        if hasattr(batch, "acting"):
            batch_kind: Any = kind(batch)
        else:
            batch_kind = batch if batch in ("full", 1) else "count"
        return sizes, kind(self.rule), self.rule.parameter, kind(self.clock), kind(self.device), batch_kind


def combinations(resistors: Resistors, axes: dict[str, Any]) -> list[Replica]:
    """All combinations in the order of AXES, checked."""
    axes, continued = _split_continued(resistors, axes)
    values = {}
    for name in AXES:
        _check_axis(resistors, name, axes[name])
        given = axes[name] if isinstance(axes[name], list) else [axes[name]]
        if not given:
            raise ParameterError(f"{name} is an empty list; an axis needs at least one value.")
        values[name] = [_CHECKS[name](resistors, value) for value in given]
    for rule, device, batch in itertools.product(values["rule"], values["device"], values["batch"]):
        _check_together(resistors, rule, device, batch)
    for task, batch in itertools.product(values["task"], values["batch"]):
        if isinstance(batch, int) and batch > len(task.x_train):
            raise ParameterError(f"batch = {batch}, but {task.name} has {len(task.x_train)} training examples.")
        if hasattr(batch, "acting"):
            batch.rate(len(task.x_train))  # raises if it would never draw one
    replicas = [Replica(*combination) for combination in itertools.product(*values.values())]
    if continued is None:
        return replicas
    lists = {name: len(axes[name]) for name in AXES if isinstance(axes[name], list)}
    starts = _paired(resistors, continued, lists)
    return [replace(replica, initial=start) for replica, start in zip(replicas, starts, strict=True)]


def _check_axis(resistors: Resistors, name: str, given: Any) -> None:
    """Raise for what was meant as an axis but is no list, and for a list that was meant as one value per edge."""
    if name != "initial":
        if isinstance(given, (tuple, range)) or (isinstance(given, np.ndarray) and given.ndim > 0):
            kind_of_error = TaskError if name == "task" else ParameterError
            raise kind_of_error(f"{name} = {shown(given)} is a {type(given).__name__}; for several values use a list.")
        return
    per_edge = isinstance(given, list) and len(given) == len(resistors.network.edges) > 1
    if per_edge and all(isinstance(value, Real) for value in given):
        raise ParameterError(
            f"initial is a list of {len(given)} numbers, and a list is an axis; for one value per edge give "
            f"np.array(...), for an axis of {len(given)} values a list of arrays."
        )


def _split_continued(resistors: Resistors, axes: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Take resistances that are given per replica (an xarray.DataArray such as `run.parameters`) out of the axes."""
    if not hasattr(axes["initial"], "dims"):
        return axes, None
    return {**axes, "initial": np.sqrt(resistors.low * resistors.high)}, axes["initial"]


def _paired(resistors: Resistors, continued: Any, lists: dict[str, int]) -> np.ndarray:
    """Initial resistances [replica, edge] in the order of the replicas; missing dimensions are broadcast."""
    expected = {**lists, "edge": len(resistors.network.edges)}
    unfit = {name: size for name, size in continued.sizes.items() if expected.get(name) != size}
    if unfit:
        raise ParameterError(f"initial has {unfit}, but this ensemble has {expected}; give matching dimensions.")
    filled = continued.drop_vars(list(continued.coords)).expand_dims(
        {k: n for k, n in expected.items() if k not in continued.dims}
    )
    table = filled.transpose(*expected).values.reshape(-1, expected["edge"])
    return np.array([_checked_initial(resistors, row) for row in table])


def _checked_task(resistors: Resistors, task: Any) -> Task:
    if not isinstance(task, Task):
        raise TaskError(f"task = {shown(task)} is not a Task; make one with Task(...) or tasks.regression(...).")
    task.check_fits(resistors.network)
    return task


def _checked_rule(resistors: Resistors, rule: Any) -> Any:
    if isinstance(rule, type) or not hasattr(rule, "nudge"):
        raise ParameterError(f"rule = {shown(rule)} is not a rule; give one such as CoupledLearning(nudge=0.1, rate=0.01).")
    if not hasattr(rule, "parameter"):
        raise ParameterError(
            f"rule = {shown(rule)} is compiled for phases only; give CoupledLearning(nudge, rate), or learn with "
            "clockless.media.resistors.reference.learn, which knows equilibrium propagation on resistors."
        )
    return rule


def _checked_clock(resistors: Resistors, clock: Any) -> Any:
    if isinstance(clock, type) or not hasattr(clock, "acting"):
        raise ParameterError(f"clock = {shown(clock)} is not a clock; give one such as Global() or Bernoulli(0.5).")
    clock.rate(len(resistors.network.edges))
    return clock


def _checked_device(resistors: Resistors, device: Any) -> Any:
    if isinstance(device, type) or not hasattr(device, "written"):
        raise ParameterError(
            f"device = {shown(device)} is not a device; give one such as Continuous() or Levels(128, 1, 100)."
        )
    return device


def _check_together(resistors: Resistors, rule: Any, device: Any, batch: Any) -> None:
    """Raise if a rule, a device and a batch contradict each other."""
    discrete = isinstance(rule, SignRule)
    if discrete and device.level == 0:
        raise ParameterError(f"{rule} moves by one level, but {device} has none; give device=Levels(128, low, high).")
    ends = (1 / resistors.high, 1 / resistors.low) if rule.parameter == "conductance" else (resistors.low, resistors.high)
    if device.level > 0 and not (ends[0] <= device.low < device.high <= ends[1]):
        raise ParameterError(
            f"the levels of {device} lie outside the medium's range of {rule.parameter}s, {ends[0]:g} to {ends[1]:g}; "
            f"narrow the levels or widen the range with Resistors(network, low, high)."
        )
    if not isinstance(device.comparator, Ideal):
        if batch != 1:
            raise ParameterError(f"{device.comparator} looks at one example at a time; give batch=1, not {shown(batch)}.")
        if not discrete:
            raise ParameterError(f"{device.comparator} tells only a sign; use it with SignRule(nudge), not {rule}.")


def _checked_batch(resistors: Resistors, batch: Any) -> Any:
    count = isinstance(batch, (int, np.integer)) and not isinstance(batch, bool)
    clock = hasattr(batch, "acting") and not isinstance(batch, type)
    if not ((isinstance(batch, str) and batch == "full") or (count and batch >= 1) or clock):
        raise ParameterError(f"batch = {shown(batch)}; give 'full', a number of examples, or a clock that draws them.")
    return int(batch) if count else batch


def _checked_initial(resistors: Resistors, initial: Any) -> np.ndarray:
    resistances = resistors.checked(initial)
    outside = np.flatnonzero((resistances < resistors.low) | (resistances > resistors.high))
    if outside.size:
        raise ParameterError(
            f"edge {outside[0]} starts at {resistances[outside[0]]} ohms, outside the medium's range "
            f"{resistors.low} to {resistors.high}; widen it with Resistors(network, low, high)."
        )
    return resistances


def _checked_seed(resistors: Resistors, seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ParameterError(f"seed = {seed!r}; give a whole number from 0 to 2^64 - 1.")
    return int(seed)


_CHECKS: dict[str, Callable[[Resistors, Any], Any]] = {
    "task": _checked_task,
    "rule": _checked_rule,
    "clock": _checked_clock,
    "device": _checked_device,
    "batch": _checked_batch,
    "initial": _checked_initial,
    "seed": _checked_seed,
}
