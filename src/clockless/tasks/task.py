"""What is wanted: which nodes are inputs, outputs and ground, and examples of voltages at them.

Builders draw nodes and targets from a seed. A passive network's free outputs lie within the range of the held voltages
(maximum principle), and more tightly bound by the wiring, so targets are made by a *teacher*: the same network, the same
roles, other resistances. Such a task is feasible by construction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from clockless.errors import TaskError, real_array, shown
from clockless.networks.network import Network


@dataclass(frozen=True, eq=False)
class Task:
    """Examples of voltages wanted at the outputs while the inputs are held and the ground is at 0 V.

    Args:
        inputs, outputs, ground: node numbers; no node has two roles, and at least one of each.
        x_train, x_test: input voltages [example, input].
        y_train, y_test: desired output voltages [example, output].
        feasible: True if some resistances are known to meet all targets, False if none can, None if unknown. Targets
            outside the range of the held voltages break the maximum principle and set it to False.
        name: how plots and tables call it.

    Raises:
        TaskError: a node with two roles, a missing role, or arrays that do not fit.
    """

    inputs: Sequence[int]
    outputs: Sequence[int]
    ground: Sequence[int]
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    feasible: bool | None = None
    name: str = field(default="task")

    def __post_init__(self) -> None:
        for role in ("inputs", "outputs", "ground"):
            object.__setattr__(self, role, _checked_nodes(role, getattr(self, role)))
        _check_roles(self)
        for kind in ("train", "test"):
            x = _checked_table(f"x_{kind}", getattr(self, f"x_{kind}"), "inputs", len(self.inputs))
            y = _checked_table(f"y_{kind}", getattr(self, f"y_{kind}"), "outputs", len(self.outputs))
            if len(x) != len(y):
                raise TaskError(f"x_{kind} has {len(x)} examples but y_{kind} has {len(y)}; give one target per example.")
            object.__setattr__(self, f"x_{kind}", x)
            object.__setattr__(self, f"y_{kind}", y)
        if self.feasible is not False and not self._within_held_range():
            object.__setattr__(self, "feasible", False)

    def __repr__(self) -> str:
        roles = ", ".join(f"{role}={getattr(self, role)}" for role in ("inputs", "outputs", "ground"))
        return f"Task({self.name!r}, {roles}, {len(self.x_train)} train, {len(self.x_test)} test examples)"

    def _within_held_range(self) -> bool:
        """Maximum principle: no free voltage lies outside the range of the held ones, 0 V of the ground included."""
        for x, y in ((self.x_train, self.y_train), (self.x_test, self.y_test)):
            low = np.minimum(x.min(axis=1), 0.0)[:, None]
            high = np.maximum(x.max(axis=1), 0.0)[:, None]
            slack = 1e-12 * (high - low)
            if ((y < low - slack) | (y > high + slack)).any():
                return False
        return True

    @property
    def fingerprint(self) -> int:
        """A 64-bit hash of roles and training examples: the replica word of random numbers, so that a task draws the same
        numbers in whatever ensemble it stands."""
        digest = hashlib.sha256()
        for numbers in (self.inputs, self.outputs, self.ground):
            digest.update(np.array([len(numbers), *numbers], dtype="<i8").tobytes())
        for table in (self.x_train, self.y_train):
            digest.update(table.astype("<f8").tobytes())
        return int.from_bytes(digest.digest()[:8], "little")

    def check_fits(self, network: Network) -> None:
        """Raise TaskError unless all nodes exist in `network`."""
        largest = max(*self.inputs, *self.outputs, *self.ground)
        if largest >= network.nodes:
            raise TaskError(f"{self.name} names node {largest}, but the network's nodes go from 0 to {network.nodes - 1}.")


def _checked_nodes(role: str, nodes: Sequence[int]) -> tuple[int, ...]:
    try:
        table = np.atleast_1d(np.array(nodes))
    except ValueError:  # ragged
        table = np.array([None])
    if table.size == 0:
        raise TaskError(f"the task has no {role}; give at least one node.")
    if table.ndim != 1 or table.dtype.kind not in "iu" or (table.astype(np.int64) < 0).any():
        raise TaskError(f"{role} = {shown(nodes)} are not node numbers; give whole numbers from 0.")
    return tuple(table.tolist())


def _check_roles(task: Task) -> None:
    seen: dict[int, str] = {}
    for role in ("inputs", "outputs", "ground"):
        for node in getattr(task, role):
            if node in seen:
                raise TaskError(f"node {node} is in {seen[node]} and again in {role}; a node can have one role only.")
            seen[node] = role


def _checked_table(name: str, table: np.ndarray, role: str, width: int) -> np.ndarray:
    try:
        values = real_array(table)
    except ValueError:
        raise TaskError(f"{name} = {shown(table)} does not hold numbers; give voltages [example, node].") from None
    if values.ndim != 2 or values.shape[1] != width or len(values) == 0:
        raise TaskError(f"{name} has shape {values.shape}; with {width} {role} it must be [examples, {width}].")
    if not np.isfinite(values).all():
        example, node = np.argwhere(~np.isfinite(values))[0]
        raise TaskError(f"{name} holds {values[example, node]} in example {example}; voltages must be finite.")
    values.setflags(write=False)
    return values
