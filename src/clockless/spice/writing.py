"""The netlist of a state: of a medium with given volts, or of a trained machine at one of its examples, free or pushed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clockless.errors import ParameterError, SpiceError, shown, whole
from clockless.media.circuits.laws import FixedResistor, Linear
from clockless.media.resistors.ohm import OhmicNetwork
from clockless.networks.network import Network
from clockless.parts.pushes import Clamp, Free, Nudge, push_of
from clockless.spice.elements import GROUND
from clockless.spice.netlist import Netlist
from clockless.tasks.task import Task

PHASES = ("free", "clamped", "nudged")


class Machine(NamedTuple):
    """One trained machine."""

    medium: Any
    values: np.ndarray  # what has learned, as the medium takes it
    task: Task
    rule: Any
    luck: Any


class Posed(NamedTuple):
    """An example in one phase: what is held, and what is joined to the outputs.

    Attributes:
        held: volts of nodes.
        desired: volts that nodes are drawn to, through `conductance` siemens each.
    """

    held: dict[int, float]
    desired: dict[int, float]
    conductance: float


def write(
    what: Any, path: str | os.PathLike[str], example: int = 0, phase: str = "free", replica: Any = None,
    parameters: Any = None, held: Mapping[int, float] | None = None,
) -> Path:  # fmt: skip
    """Write the netlist of a state, with models and tolerances, so that ngspice's answer can be compared.

    Args:
        what: a run, or what `read` gives, or a medium with `parameters` and `held`.
        path: the file.
        example: of a run, the training example.
        phase: of a run, "free", "clamped" (the outputs held as the rule does) or "nudged" (drawn to the targets).
        replica: of a run, which machine: a place on each axis, such as {"clock": 1}, or its number; the first if not given.
        parameters: of a medium, what its edges have learned.
        held: of a medium, volts of nodes.

    Raises:
        SpiceError: a medium or law that has no netlist.
        ParameterError: an example, phase or replica that there is not.
        OutputError: the file cannot be written.
    """
    if isinstance(what, Netlist):
        return what.write(path)
    if hasattr(what, "netlist"):
        places = {"number": replica} if isinstance(replica, int) else dict(replica or {})
        netlist: Netlist = what.netlist(example, phase, **places)
        return netlist.write(path)
    if parameters is None or held is None:
        raise ParameterError(
            f"{shown(what)} is no run, so it has no examples; give a medium with parameters=.. and held={{node: volts}}."
        )
    return netlist_of(what, parameters, held).write(path)


def netlist_of(medium: Any, parameters: Any, held: Mapping[int, float], title: str = "clockless") -> Netlist:
    """The netlist of a medium of resistors or other edges whose nodes `held` are kept at so many volts.

    Shunts to ground are edges to a node more, the last one, which is ground.

    Raises:
        SpiceError: a medium that has no netlist, or amplifiers.
    """
    laws, values = _edges(medium, parameters)
    network: Network = medium.network
    circuit = not isinstance(medium, OhmicNetwork)
    shunt = np.broadcast_to(medium.shunt if circuit else 0.0, network.nodes)
    names = tuple(f"n{k}" for k in range(network.nodes))
    volts = {int(node): float(value) for node, value in (medium.held_by(held) if circuit else held).items()}
    hanging = [k for k in np.flatnonzero(shunt).tolist() if k not in volts]
    if hanging:
        ground = network.nodes
        network = Network([*network.edges.tolist(), *([k, ground] for k in hanging)])
        shunts = 1.0 / shunt[hanging]
        laws += tuple(FixedResistor(ohms) for ohms in shunts.tolist())
        values = np.append(values, shunts)
        names, volts = (*names, GROUND), {**volts, ground: 0.0}
    return Netlist(network, names, laws, values, volts, title=title)


def _edges(medium: Any, parameters: Any) -> tuple[tuple[Any, ...], np.ndarray]:
    """Laws, and what cards say of the edges: ohms, or what learns."""
    if isinstance(medium, OhmicNetwork):
        return (Linear(),) * len(medium.network.edges), np.array(medium.checked(parameters))
    if not hasattr(medium, "laws"):
        raise SpiceError(f"{type(medium).__name__} has no netlist; resistors and circuits have.")
    if not (medium.gains == 1.0).all():
        edge = int(np.flatnonzero((medium.gains != 1.0).any(axis=1))[0])
        raise SpiceError(f"edge {edge} has an amplifier, which has no netlist here; write the circuit without it.")
    values = np.full(len(medium.laws), np.nan)
    values[medium.learning] = medium.checked(parameters)
    for edge, law in enumerate(medium.laws):
        if isinstance(law, Linear):
            values[edge] = 1.0 / values[edge]
        elif isinstance(law, FixedResistor):
            values[edge] = law.resistance
    return tuple(medium.laws), values


# --- examples of a task ----------------------------------------------------------------------------------


def posed(machine: Machine, example: int, phase: str, test: bool = False) -> Posed:
    """What an example holds, and what it draws to where in one phase.

    Raises:
        ParameterError: an example that there is not, another phase, or one that the rule does not know.
    """
    medium, task = machine.medium, machine.task
    x, y = (task.x_test, task.y_test) if test else (task.x_train, task.y_train)
    if whole("example", example) >= len(x):
        raise ParameterError(f"example = {example}, but there are {len(x)}; count from 0.")
    if phase not in PHASES:
        raise ParameterError(f"phase = {shown(phase)}; give 'free', 'clamped' or 'nudged'.")
    held = {**dict.fromkeys(task.ground or (), 0.0), **dict(zip(task.inputs, x[example].tolist(), strict=True))}
    if phase == "free":
        return Posed(held, {}, 0.0)
    push = push_of(machine.rule)
    if phase in pushes_of(machine.rule) and not isinstance(push, Free):
        free = medium.predict(machine.values, x[example : example + 1], task, machine.luck)[0]
        wanted = _of_pairs(free, y[example]) if getattr(medium, "differential", False) else y[example]
        if isinstance(push, Nudge):
            return Posed(held, dict(zip(task.outputs, wanted.tolist(), strict=True)), push.nudge)
        clamped = free + push.nudge * (wanted - free)
        return Posed({**held, **dict(zip(task.outputs, clamped.tolist(), strict=True))}, {}, 0.0)
    known = " and ".join(f"{name!r}" for name in pushes_of(machine.rule))
    raise ParameterError(f"phase = {phase!r}, but {type(machine.rule).__name__} knows {known} only; choose of these.")


def _of_pairs(free: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """What is wanted of outputs in pairs, whose difference counts: the difference of the targets about the free mean."""
    mean, half = 0.5 * (free[0::2] + free[1::2]), 0.5 * (targets[0::2] - targets[1::2])
    return np.column_stack([mean + half, mean - half]).ravel()


def pushes_of(rule: Any) -> tuple[str, ...]:
    """The phases of a rule."""
    push = push_of(rule)
    return ("free", "clamped") if isinstance(push, Clamp) else ("free", "nudged") if isinstance(push, Nudge) else ("free",)


def example_netlist(machine: Machine, example: int, phase: str, test: bool = False) -> Netlist:
    """The netlist of an example in one phase; raises as `posed` and `netlist_of`."""
    at = posed(machine, example, phase, test)
    kind = "test" if test else "training"
    title = f"{machine.task.name}: {phase} state of {kind} example {example}"
    netlist = netlist_of(machine.medium, machine.values, at.held, title)
    roles = ((role, getattr(machine.task, role) or ()) for role in ("inputs", "outputs", "ground"))
    notes = tuple(f"{role}: {' '.join(f'n{node}' for node in nodes)}" for role, nodes in roles if nodes)
    return _drawn(netlist, at, notes)


def _drawn(netlist: Netlist, at: Posed, notes: tuple[str, ...]) -> Netlist:
    """The netlist with a resistor of 1 / conductance from each output to a source at what it is drawn to."""
    first = netlist.network.nodes
    network, names, laws, values, held = netlist.network, netlist.names, netlist.laws, netlist.values, dict(netlist.held)
    if at.desired:
        ends = [[output, first + k] for k, output in enumerate(at.desired)]
        network = Network([*network.edges.tolist(), *ends])
        names = (*names, *(f"wanted{output}" for output in at.desired))
        laws = (*laws, *[FixedResistor(1.0 / at.conductance)] * len(ends))
        values = np.append(values, np.full(len(ends), 1.0 / at.conductance))
        held |= {first + k: volts for k, volts in enumerate(at.desired.values())}
    return Netlist(network, names, laws, values, held, {}, netlist.title, notes)
