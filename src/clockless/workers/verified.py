"""Trained machines checked by another program: their settled states against those that ngspice finds."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from clockless.errors import ParameterError, whole
from clockless.spice.netlist import CLOSE, Netlist
from clockless.spice.verification import Comparison, compare
from clockless.spice.writing import Machine, example_netlist, pushes_of

if TYPE_CHECKING:
    from clockless.workers.runs import Run


class Verified(NamedTuple):
    """A comparison, and what was compared.

    Attributes:
        comparison: of all states.
        titles: what each state is.
        machines: numbers of the replicas.
    """

    comparison: Comparison
    titles: list[str]
    machines: list[int]


def verified(run: Run, machines: int = 8, examples: int = 4) -> Verified:
    """Settle examples of machines of a run, free and pushed, and compare with ngspice's states.

    Args:
        run: what has been trained; machines that failed or are not there yet are left out.
        machines, examples: at most so many, spread evenly over all replicas and over the training set.

    Raises:
        NgspiceError: ngspice is not installed, or does not end.
        SpiceError: the medium has no netlist.
        ParameterError: there is no machine that settled.
    """
    there = ~run.data["failed"].values.ravel()
    if "done" in run.data:
        there &= run.data["done"].values.ravel()
    if not there.any():
        raise ParameterError("no machine is done and settled, so there is nothing to verify; wait for the first.")
    chosen = _spread(np.flatnonzero(there), whole("machines", machines, 1))
    netlists: list[Netlist] = []
    states: list[np.ndarray] = []
    for number in chosen:
        machine = run.machine(number)
        for example in _spread(np.arange(len(machine.task.x_train)), whole("examples", examples, 1)):
            for phase in pushes_of(machine.rule):
                netlists.append(example_netlist(machine, example, phase))
                states.append(_settled(machine, example, phase, netlists[-1]))
    titles = [netlist.title for netlist in netlists]
    return Verified(compare(netlists, states), titles, chosen)


def _spread(numbers: np.ndarray, most: int) -> list[int]:
    places = np.unique(np.linspace(0, len(numbers) - 1, min(most, len(numbers))).round().astype(int))
    found: list[int] = numbers[places].tolist()
    return found


def _settled(machine: Machine, example: int, phase: str, netlist: Netlist) -> np.ndarray:
    """Our own voltages [node]."""
    medium, task = _closely(machine.medium), machine.task
    if phase == "free":
        volts: np.ndarray = medium.state(machine.values, task.x_train[example : example + 1], task, machine.luck)[0]
        return volts
    if phase == "nudged":  # settled with the resistors that draw the outputs
        return netlist.settle()[: medium.network.nodes]
    held = {node: volts for node, volts in netlist.held.items() if node < medium.network.nodes}
    return np.asarray(medium.settle(machine.values, held))


def _closely(medium: Any) -> Any:
    """The same medium, settling more closely than is worth while in learning, where it has a tolerance."""
    if not hasattr(medium, "tolerance") or medium.tolerance <= CLOSE:
        return medium
    close = copy(medium)
    close.tolerance = CLOSE
    close.__dict__.pop("plan", None)  # made of the tolerance when it is first needed
    return close
