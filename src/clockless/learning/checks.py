"""Whether the nouns of a replica are what they should be; what a certain medium cannot use it refuses itself."""

from __future__ import annotations

from typing import Any

from clockless.errors import ParameterError, TaskError, shown
from clockless.learning.contracts import Replica, checked_seed
from clockless.parts.clocks import mean_rate
from clockless.parts.optimisers import Descent
from clockless.parts.pushes import push_of
from clockless.parts.rules import SignRule
from clockless.parts.samplers import examples_checked
from clockless.tasks.task import Task

_EXPECTED = (
    ("rule", ("change", "wants"), "CoupledLearning(nudge=0.1, rate=0.01) or EquilibriumPropagation(nudge=0.1, rate=0.1)"),
    ("clock", ("acting", "acts"), "Global() or Bernoulli(0.5)"),
    ("device", ("written", "writes"), "Continuous() or Levels(128, 1, 100)"),
    ("optimiser", ("direction",), "Descent(), Momentum(0.9) or Adam()"),
)


def check_parts(replica: Replica, units: int, absent: bool = False) -> Replica:
    """The replica with its batch and optimiser as learners take them; `absent`, whether units can be left out of a step.

    Raises:
        ParameterError: a noun that is none, or nouns that contradict each other; the sentence names it.
        TaskError: a task that is none.
    """
    if not isinstance(replica.task, Task):
        raise TaskError(
            f"task = {shown(replica.task)} is not a Task; make one with Task(...) or a builder of clockless.tasks."
        )
    replica = replica.changed(
        seed=checked_seed(replica.seed), optimiser=Descent() if replica.optimiser is None else replica.optimiser
    )
    for name, methods, example in _EXPECTED:
        value = getattr(replica, name)
        if isinstance(value, type) or not any(hasattr(value, method) for method in methods):
            kind = "rule that compares two states" if name == "rule" else name  # modules have rules of another kind
            raise ParameterError(f"{name} = {shown(value)} is not a {kind}; give one such as {example}.")
    push_of(replica.rule)
    mean_rate(replica.clock, units)  # raises if nothing would ever act
    if not absent:
        check_present(replica.clock, "clock")
    check_levels(replica.rule, replica.device)
    return replica.changed(batch=examples_checked(replica.batch, replica.task))


def check_present(clock: Any, noun: str) -> None:
    """Only edges of resistors and circuits can be left out of a step's states."""
    if getattr(clock, "absent", False):
        raise ParameterError(
            f"{noun} = {clock} leaves what does not act out of the step, which only edges of Resistors or a Circuit can be; "
            f"use Bernoulli({clock.p:g}) here."
        )


def check_levels(rule: Any, device: Any) -> None:
    """A rule that moves by levels needs a device that has them."""
    if isinstance(rule, SignRule) and getattr(device, "level", 0.0) == 0:
        raise ParameterError(
            f"{rule} moves by one level, but {device} has none; give a device with levels, such as Levels()."
        )
