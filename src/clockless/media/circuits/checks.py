"""What circuits can use of tasks, rules, clocks, devices and batches; all else is refused in a sentence that names it."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, TaskError, shown
from clockless.learning.checks import check_parts
from clockless.learning.contracts import Replica
from clockless.learning.part_checks import checked_part
from clockless.media.circuits.circuit import NonlinearNetwork
from clockless.media.circuits.floating import check_held
from clockless.parts.comparators import Ideal
from clockless.parts.presentations import Shown
from clockless.parts.pushes import push_of
from clockless.parts.rules import EquilibriumPropagation, SignRule
from clockless.parts.samplers import Epochs
from clockless.parts.triggers import is_trigger
from clockless.tasks.task import Task

_FAR = 6.0  # standard deviations, beyond which one normal number in a billion lies


def checked(circuit: NonlinearNetwork, replica: Replica) -> Replica:
    """The replica as blocks of lanes take it: `initial` [edge that learns], `batch` and `seed` as plain numbers.

    Raises:
        ParameterError: a noun that circuits cannot use, or nouns that contradict each other.
        TaskError: a task that does not fit the circuit.
    """
    units = len(circuit.learning)
    if is_trigger(replica.clock):
        raise ParameterError(
            f"clock = {shown(replica.clock)} triggers units at times of their own, but a Circuit learns in steps; give "
            "medium=TimedCircuit(network, law), or a clock such as Bernoulli(0.5)."
        )
    if isinstance(replica.batch, Shown):
        raise ParameterError(
            f"batch = {replica.batch} holds examples for a time, but a Circuit learns in steps; give "
            "medium=TimedCircuit(network, law)."
        )
    if not units:
        raise ParameterError("no edge of this circuit learns; give at least one a law that does, such as laws.Linear().")
    replica = check_parts(replica, units, absent=True)
    _check_task(circuit, replica.task)
    for family in ("rule", "clock", "device"):
        checked_part(getattr(replica, family), family)
    if isinstance(replica.rule, EquilibriumPropagation):
        _check_propagation(replica.rule)
    if not hasattr(replica.optimiser, "lane_slots"):
        raise ParameterError(
            f"optimiser = {shown(replica.optimiser)} cannot run in lanes: it has no `lane_slots` and no behaviours of "
            "optimisers.steer and optimisers.follow; give Descent(), Momentum(0.9) or Adam()."
        )
    _check_twins(circuit, replica.rule)
    _check_device(circuit, replica)
    return replica.changed(initial=first(circuit, replica.initial))


def _check_task(circuit: NonlinearNetwork, task: Task) -> None:
    task.check_fits(circuit.network)
    for role in ("inputs", "ground", "outputs"):
        both = [node for node in getattr(task, role) if node in circuit.rails]
        if both:
            raise TaskError(
                f"node {both[0]} is in {role} of {task.name}, but a source of {circuit.rails[both[0]]:g} V holds it: they "
                "would short each other; give the source or the task another node."
            )
    check_held(circuit, (*circuit.rails, *task.inputs, *task.ground))
    if circuit.differential and len(task.outputs) % 2:
        raise TaskError(f"{task.name} has {len(task.outputs)} outputs, but differential ones come in pairs.")


def _check_propagation(rule: EquilibriumPropagation) -> None:
    """Raise for what equilibrium propagation has for phases only."""
    for name, plain, why in (
        ("cost", "log", "on circuits it is 1/2 (V - V_D)^2 at every output"),
        ("inits", 1, "a circuit starts where its last state was"),
        ("eps", 0.0, "it belongs to the log cost of phases"),
    ):
        if getattr(rule, name) != plain:
            raise ParameterError(f"rule = {rule} has {name} = {shown(getattr(rule, name))}, but {why}; leave it out.")


def _check_twins(circuit: NonlinearNetwork, rule: Any) -> None:
    """Raise for a mismatch of twins where there is one network alone, or where a twin would be below 0."""
    if circuit.mismatch.any() and getattr(push_of(rule), "centred", False):
        raise ParameterError(
            f"rule = {rule} pushes one network both ways, but this circuit has a mismatch between twins; leave out "
            "`mismatch`, or `centred`."
        )
    for unit, e in enumerate(circuit.learning):
        law, far = circuit.laws[e], _FAR * circuit.mismatch[unit]
        if far > 0 and law.measure != "V" and circuit.low[unit] < far:  # gate voltages may be below 0
            raise ParameterError(
                f"edge {e} learns from {circuit.low[unit]:g} {law.measure} on, and with a mismatch of "
                f"{circuit.mismatch[unit]:g} a twin may be below 0; give at most a sixth of it, or a higher `low`."
            )


def _check_device(circuit: NonlinearNetwork, replica: Replica) -> None:
    device, level = replica.device, getattr(replica.device, "level", 0.0)
    low, high = float(np.max(circuit.low)), float(np.min(circuit.high))
    if level > 0 and hasattr(device, "low") and not (low <= device.low < device.high <= high):
        raise ParameterError(
            f"the levels of the device {device} lie outside the range of what learns, {low:g} to {high:g}; narrow the "
            "levels, or widen the range with Circuit(network, law, low=.., high=..)."
        )
    if not isinstance(device.comparator, Ideal):
        if getattr(device.comparator, "analog", False):
            raise ParameterError(
                f"device: {device.comparator} reads squares of voltages, which linear resistors learn from; edges of a "
                "circuit learn by their own law; give a device without it."
            )
        if replica.batch != 1 and not (isinstance(replica.batch, Epochs) and replica.batch.size == 1):
            raise ParameterError(
                f"{device.comparator} looks at one example at a time; give batch=1 or Epochs(1), not {shown(replica.batch)}."
            )
        if not isinstance(replica.rule, SignRule):
            raise ParameterError(f"{device.comparator} tells only a sign; give rule=SignRule(nudge), not {replica.rule}.")


def first(circuit: NonlinearNetwork, initial: Any) -> np.ndarray:
    """What learns at step 0 [edge that learns], within the range."""
    if isinstance(initial, (str, tuple)) or hasattr(initial, "deviation"):
        raise ParameterError(
            f"initial = {shown(initial)} is nothing for circuits; give one number, or an array for every edge that learns."
        )
    own = np.array([circuit.laws[e].initial for e in circuit.learning])
    values = np.clip(own, circuit.low, circuit.high) if initial is None else circuit.checked(initial)
    outside = np.flatnonzero(~((values >= circuit.low) & (values <= circuit.high)))
    if outside.size:
        k = int(outside[0])
        law = circuit.laws[circuit.learning[k]]
        raise ParameterError(
            f"edge {circuit.learning[k]} starts at a {law.parameter} of {values[k]:g} {law.measure}, outside its range "
            f"{circuit.low[k]:g} to {circuit.high[k]:g}; widen it with Circuit(network, law, low=.., high=..)."
        )
    return values
