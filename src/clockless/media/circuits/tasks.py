"""Tasks of circuits that linear networks provably cannot do."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, TaskError, shown
from clockless.networks.network import Network
from clockless.tasks.task import Task


def xor(
    network: Network, inputs: Any = (15, 13), outputs: Any = (10, 0), ground: Any = (), high: float = 0.45,
    target: float = -0.087,
) -> Task:  # fmt: skip
    """Exclusive or in volts: the difference of two outputs shall be `target` where the two inputs differ, else 0.

    Inputs are 0 or `high`. It is a task of differential outputs, `Circuit(.., differential=True)`. Training and test set are
    the same four examples, and there are no labels: an example is right if the difference is nearer to its own target than
    to the other one, which `solved` says. The defaults are those of PyCLLN (Ma-Lab-Cal, 2026) on a 4 x 4 torus, whose rails
    of .11 and .33 V at nodes 5 and 7 are the circuit's.

    A linear network cannot do it: its answers at (0, 0) and (1, 1) have the mean of those at (0, 1) and (1, 0).

    Raises:
        TaskError: not two inputs and two outputs, or nodes that are not there.
        ParameterError: voltages that are not finite, or equal.
    """
    for name, nodes in (("inputs", inputs), ("outputs", outputs)):
        if len(nodes) != 2:
            raise TaskError(
                f"{name} = {shown(nodes)}; exclusive or has two inputs, and two outputs whose difference counts."
            )
    for name, volts in (("high", high), ("target", target)):
        if not np.isfinite(volts) or volts == 0:
            raise ParameterError(f"{name} = {shown(volts)}; give volts, not 0.")
    x = high * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0.0, 0.0], [target, 0.0], [target, 0.0], [0.0, 0.0]])
    task = Task(inputs, outputs, ground, x, y, x, y, name="XOR in volts")
    task.check_fits(network)
    return task


def solved(task: Task, outputs: Any) -> np.ndarray:
    """Whether all examples of an XOR are right, bool [..], of outputs [.., example, output] in volts."""
    shown_ = np.asarray(outputs)[..., 0] - np.asarray(outputs)[..., 1]
    wanted = task.y_test[:, 0] - task.y_test[:, 1]
    other = wanted.sum() / max(np.count_nonzero(wanted), 1) - wanted  # of two targets, 0 and another, the other one
    right: np.ndarray = (np.abs(shown_ - wanted) < np.abs(shown_ - other)).all(axis=-1)
    return right
