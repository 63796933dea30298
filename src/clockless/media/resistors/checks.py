"""What resistors can use of rules, clocks, devices and batches; anything else is refused in a sentence that names it."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, TaskError, shown
from clockless.learning.contracts import Replica, checked_seed
from clockless.learning.part_checks import checked_part
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.parts.clocks import mean_rate
from clockless.parts.comparators import Ideal
from clockless.parts.optimisers import NONE
from clockless.parts.presentations import Shown
from clockless.parts.rules import EquilibriumPropagation, SignRule
from clockless.parts.triggers import is_trigger
from clockless.tasks.task import Task


def checked(resistors: OhmicNetwork, replica: Replica) -> Replica:
    """The replica as blocks of lanes take it: `initial` in ohms [edge], `batch` and `seed` as plain numbers.

    Raises:
        ParameterError: a noun that resistors cannot use, or nouns that contradict each other.
        TaskError: a task that does not fit the network.
    """
    replica = each_checked(resistors, replica, *_CHECKS)
    check_together(resistors, replica.rule, replica.device, replica.batch)
    examples = len(replica.task.x_train)
    if isinstance(replica.batch, int) and replica.batch > examples:
        raise ParameterError(f"batch = {replica.batch}, but {replica.task.name} has {examples} training examples.")
    if hasattr(replica.batch, "Lanes"):
        mean_rate(replica.batch, examples)  # raises if it would never draw one
    return replica


def each_checked(resistors: OhmicNetwork, replica: Replica, *nouns: str) -> Replica:
    """The replica with some of its nouns checked one by one, and its seed."""
    values = {name: _CHECKS[name](resistors, getattr(replica, name)) for name in nouns}
    return replica.changed(**values, seed=checked_seed(replica.seed))


def _checked_task(resistors: OhmicNetwork, task: Any) -> Task:
    if not isinstance(task, Task):
        raise TaskError(f"task = {shown(task)} is not a Task; make one with Task(...) or tasks.regression(...).")
    task.check_fits(resistors.network)
    if not task.ground:
        raise TaskError(f"{task.name} has no ground; currents leave a network at the ground, so give at least one node.")
    return task


def _checked_rule(resistors: OhmicNetwork, rule: Any) -> Any:
    if isinstance(rule, type) or not hasattr(rule, "nudge"):
        raise ParameterError(
            f"rule = {shown(rule)} is not a rule that compares two states; give one such as "
            "CoupledLearning(nudge=0.1, rate=0.01)."
        )
    if isinstance(rule, EquilibriumPropagation):
        _check_propagation(rule)
    return checked_part(rule, "rule")


def _check_propagation(rule: EquilibriumPropagation) -> None:
    """Raise for what equilibrium propagation has for phases only."""
    if rule.cost != "log":
        raise ParameterError(
            f"rule = {rule} has a cost of phases; on resistors it is 1/2 (V - V_D)^2 at every output, so leave `cost` out."
        )
    if rule.inits != 1:
        raise ParameterError(
            f"rule = {rule} averages over {rule.inits} starts, but resistors have one state; leave `inits` out."
        )
    if rule.eps != 0:
        raise ParameterError(
            f"rule = {rule} has an eps, which belongs to the log cost of phases; leave `eps` out on resistors."
        )


def _checked_clock(resistors: OhmicNetwork, clock: Any) -> Any:
    if is_trigger(clock):
        raise ParameterError(
            f"clock = {shown(clock)} triggers units at times of their own, but Resistors learn in steps; give "
            "medium=TimedResistors(network)."
        )
    if isinstance(clock, type) or not (hasattr(clock, "acts") or hasattr(clock, "acting")):
        raise ParameterError(f"clock = {shown(clock)} is not a clock; give one such as Global() or Bernoulli(0.5).")
    mean_rate(clock, len(resistors.network.edges))  # raises if nothing would ever act
    return checked_part(clock, "clock")


def _checked_device(resistors: OhmicNetwork, device: Any) -> Any:
    if isinstance(device, type) or not (hasattr(device, "writes") or hasattr(device, "written")):
        raise ParameterError(
            f"device = {shown(device)} is not a device; give one such as Continuous() or Levels(128, 1, 100)."
        )
    return checked_part(device, "device")


def _checked_optimiser(resistors: OhmicNetwork, optimiser: Any) -> Any:
    if optimiser is None:
        return NONE
    if isinstance(optimiser, type) or not hasattr(optimiser, "direction"):
        raise ParameterError(f"optimiser = {shown(optimiser)} is none; give one such as Momentum(0.9) or Adam().")
    if not hasattr(optimiser, "lane_slots"):
        raise ParameterError(
            f"optimiser = {shown(optimiser)} cannot run in lanes: it has no `lane_slots` and no behaviours of "
            "optimisers.steer and optimisers.follow; give Descent(), Momentum(0.9) or Adam()."
        )
    return optimiser


def check_together(resistors: OhmicNetwork, rule: Any, device: Any, batch: Any) -> None:
    """Raise if a rule, a device and a batch contradict each other."""
    discrete, level = isinstance(rule, SignRule), getattr(device, "level", 0.0)
    if discrete and level == 0:
        raise ParameterError(f"{rule} moves by one level, but {device} has none; give device=Levels(128, low, high).")
    learned = resistors.learned(rule)
    low, high = resistors.ends(learned)
    low, high = np.max(low), np.min(high)
    if level > 0 and hasattr(device, "low") and not (low <= device.low < device.high <= high):
        raise ParameterError(
            f"the levels of {device} lie outside the medium's range of {learned}s, {low:g} to {high:g}; "
            f"narrow the levels or widen the range with Resistors(network, low, high)."
        )
    if not isinstance(device.comparator, Ideal):
        if batch != 1:
            raise ParameterError(f"{device.comparator} looks at one example at a time; give batch=1, not {shown(batch)}.")
        analog = getattr(device.comparator, "analog", False)
        if analog and isinstance(rule, EquilibriumPropagation):
            raise ParameterError(f"{device.comparator} reads a clamped and a free state; give rule=CoupledLearning(..).")
        if not (discrete or analog):
            raise ParameterError(f"{device.comparator} tells only a sign; give rule=SignRule(nudge), not {rule}.")


def _checked_batch(resistors: OhmicNetwork, batch: Any) -> Any:
    if isinstance(batch, Shown):
        raise ParameterError(
            f"batch = {batch} holds examples for a time, but Resistors learn in steps; give medium=TimedResistors(network)."
        )
    count = isinstance(batch, (int, np.integer)) and not isinstance(batch, bool)
    clock = hasattr(batch, "acting") and hasattr(batch, "Lanes") and not isinstance(batch, type)
    if not ((isinstance(batch, str) and batch == "full") or (count and batch >= 1) or clock):
        raise ParameterError(f"batch = {shown(batch)}; give 'full', a number of examples, or a clock that draws them.")
    return int(batch) if count else batch


def _checked_initial(resistors: OhmicNetwork, initial: Any) -> np.ndarray:
    if isinstance(initial, (str, tuple)) or hasattr(initial, "deviation"):
        raise ParameterError(
            f"initial = {shown(initial)} is nothing for resistors; give resistances in ohms, one number or an array [edge]."
        )
    resistances = resistors.checked(np.array(1.0) if initial is None else initial)
    lows, highs = (np.broadcast_to(end, resistances.shape) for end in (resistors.low, resistors.high))
    outside = np.flatnonzero((resistances < lows) | (resistances > highs))
    if outside.size:
        raise ParameterError(
            f"edge {outside[0]} starts at {resistances[outside[0]]} ohms, outside the medium's range "
            f"{lows[outside[0]]} to {highs[outside[0]]}; widen it with Resistors(network, low, high)."
        )
    return resistances


_CHECKS = {
    "task": _checked_task,
    "rule": _checked_rule,
    "clock": _checked_clock,
    "device": _checked_device,
    "optimiser": _checked_optimiser,
    "batch": _checked_batch,
    "initial": _checked_initial,
}
