"""What media of one's own can use of tasks, rules and devices; anything else is refused in a sentence that names it."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, TaskError
from clockless.learning.checks import check_parts
from clockless.learning.contracts import Replica
from clockless.parts.comparators import Ideal
from clockless.parts.pushes import Clamp, Nudge, push_of
from clockless.tasks.task import Task


def checked(medium: Any, replica: Replica) -> Replica:
    """The replica as the plain learner takes it.

    Raises:
        ParameterError: physics that are incomplete, or a noun that the medium cannot use.
        TaskError: a task that does not fit the state.
    """
    name = type(medium).__name__
    for one, other in (("settle", "energy"), ("signal", "energy")):
        if not (medium.has(one) or medium.has(other)):
            raise ParameterError(f"{name} has neither {other} nor {one}; give one.")
    medium.fields()
    replica = check_parts(replica, medium.units)
    _check_task(medium, replica.task)
    _check_rule(medium, replica.rule)
    _check_device(medium, replica.device)
    return replica


def _check_task(medium: Any, task: Task) -> None:
    if not task.wired:
        raise TaskError(f"{task.name} names no entries of the state; give Task(inputs=[0], outputs=[3], ..).")
    largest = max(max(getattr(task, role), default=0) for role in ("inputs", "outputs", "ground"))
    if largest >= medium.size:
        raise TaskError(f"{task.name} names entry {largest} of the state, but they go from 0 to {medium.size - 1}.")


def _check_rule(medium: Any, rule: Any) -> None:
    name, push, learns = type(medium).__name__, push_of(rule), getattr(rule, "parameter", "resistance")
    if learns not in ("resistance", medium.parameter):
        raise ParameterError(f"rule = {rule}: {name} learns its {medium.parameter}, not a {learns}.")
    if not isinstance(push, (Clamp, Nudge)):
        raise ParameterError(f"rule = {rule} pushes nothing; {name} needs a rule that clamps or nudges.")
    if isinstance(push, Nudge) and medium.has("settle") and not medium.nudges:
        raise ParameterError(
            f"rule = {rule} nudges, but {name} settles by itself and says nothing of nudges; add boundary.push(state) to "
            "its forces and say nudges = True, or take CoupledLearning, which holds the outputs."
        )
    if isinstance(push, Nudge) and push.inits != 1:
        raise ParameterError(f"rule = {rule}: {name} starts from its rest; give inits=1.")


def _check_device(medium: Any, device: Any) -> None:
    if not isinstance(getattr(device, "comparator", Ideal()), Ideal):
        raise ParameterError(f"device: {device.comparator} compares voltages of resistors; give a device without it.")
    low, high = float(np.min(medium.low)), float(np.max(medium.high))
    if device.level > 0 and not low <= device.low < device.high <= high:
        raise ParameterError(f"the levels of {device} lie outside the medium's range, {low:g} to {high:g}; narrow them.")
