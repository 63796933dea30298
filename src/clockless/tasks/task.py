"""What is wanted: examples of what is held at the inputs, and of what shall then be seen at the outputs; one for all media.

A task may say which nodes are inputs, outputs and ground; where it does not, the medium's architecture does. Values are what
the medium holds: volts, radians, metres. Labels are the classes of examples, where there are classes; a task of nothing but
labels leaves it to the medium what shows a class.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from clockless.errors import ParameterError, TaskError, array_of, flag, instance, number, real_array, shown, whole
from clockless.networks.network import Network
from clockless.seen import Seen

ROLES = ("inputs", "outputs", "ground")


@dataclass(frozen=True, eq=False)
class Task(Seen):
    """Examples to learn from and to be tested with.

    Args:
        inputs, outputs, ground: node numbers; no node has two roles. Without `inputs` and `outputs` the medium knows the
            sites. `ground` nodes are held at 0; resistors need at least one.
        x_train, x_test: what is held at the inputs [example, input].
        y_train, y_test: what is wanted at the outputs [example, output]; may be left out where there are labels.
        feasible: True if some parameters are known to meet all targets, False if none can or a search found none, None if
            unknown. For voltages, targets outside the range of the held ones break the maximum principle and set it to
            False.
        name: how plots and tables call it.
        labels_train, labels_test: class of each example, int [example] from 0.
        classes: how many classes there are; the number of outputs if nothing is said.
        least_error: the least mean squared error of the training set that a search over the parameters found, in the
            targets' unit squared; None if nobody searched. It enters no fingerprint.

    Raises:
        TaskError: a node with two roles, a missing role, or arrays that do not fit.
    """

    _card = "task"

    inputs: Any = None
    outputs: Any = None
    ground: Any = None
    x_train: Any = None
    y_train: Any = None
    x_test: Any = None
    y_test: Any = None
    feasible: bool | None = None
    name: str = field(default="task")
    labels_train: Any = None
    labels_test: Any = None
    classes: int | None = None
    least_error: float | None = None

    def __post_init__(self) -> None:
        if self.feasible is not None:
            object.__setattr__(self, "feasible", flag("feasible", self.feasible))
        if self.least_error is not None:
            object.__setattr__(self, "least_error", _checked_error("least_error", self.least_error))
        if self.wired:
            for role in ROLES:
                object.__setattr__(self, role, _checked_nodes(role, getattr(self, role)))
            _check_roles(self)
        self._check_tables()
        self._check_widths()
        if self.classes is None and self.labels_train is not None and self.y_train is not None:
            object.__setattr__(self, "classes", self.y_train.shape[1])
        for kind in ("train", "test"):
            labels = getattr(self, f"labels_{kind}")
            if labels is not None:
                examples = len(getattr(self, f"x_{kind}"))
                checked = _checked_labels(f"labels_{kind}", labels, examples, self.classes, self.y_train is None)
                object.__setattr__(self, f"labels_{kind}", checked)
        if self.classes is not None:
            whole("classes", self.classes, 1)
        if self.ground and self.feasible is not False and self.y_train is not None and not self._within_held_range():
            object.__setattr__(self, "feasible", False)

    @property
    def wired(self) -> bool:
        """Whether the task names its nodes."""
        return self.inputs is not None or self.outputs is not None or self.ground is not None

    def _check_tables(self) -> None:
        for kind in ("train", "test"):
            x = _checked_table(f"x_{kind}", getattr(self, f"x_{kind}"), self.inputs)
            object.__setattr__(self, f"x_{kind}", x)
            targets, labels = getattr(self, f"y_{kind}"), getattr(self, f"labels_{kind}")
            if targets is None and (labels is None or self.wired):
                raise TaskError(f"the task has no y_{kind}; give what is wanted at the outputs [example, output].")
            if targets is not None:
                y = _checked_table(f"y_{kind}", targets, self.outputs)
                if len(x) != len(y):
                    raise TaskError(
                        f"x_{kind} has {len(x)} examples but y_{kind} has {len(y)}; give one target per example."
                    )
                object.__setattr__(self, f"y_{kind}", y)
        if self.y_train is None or self.y_test is None:
            whole("classes", self.classes, 2)

    def _check_widths(self) -> None:
        for side, role in (("x", "inputs"), ("y", "outputs")):
            train, test = getattr(self, f"{side}_train"), getattr(self, f"{side}_test")
            if (train is None) != (test is None):
                raise TaskError(f"{side}_train and {side}_test must both be given, or neither.")
            if train is not None and train.shape[1] != test.shape[1]:
                raise TaskError(
                    f"{side}_train has {train.shape[1]} {role} but {side}_test {test.shape[1]}; both sets need the same."
                )

    def __repr__(self) -> str:
        counts = f"{len(self.x_train)} train, {len(self.x_test)} test examples"
        if self.wired:
            roles = ", ".join(f"{role}={getattr(self, role)}" for role in ROLES)
            return f"Task({self.name!r}, {roles}, {counts})"
        outputs = f"{self.y_train.shape[1]} outputs" if self.y_train is not None else f"{self.classes} classes"
        return f"Task({self.name!r}, {self.x_train.shape[1]} inputs, {outputs}, {counts})"

    def _within_held_range(self) -> bool:
        """Maximum principle: no free voltage lies outside the range of the held ones, 0 V of the ground included."""
        for x, y in ((self.x_train, self.y_train), (self.x_test, self.y_test)):
            low = np.minimum(x.min(axis=1), 0.0)[:, None]
            high = np.maximum(x.max(axis=1), 0.0)[:, None]
            slack = 1e-12 * (high - low)
            if ((y < low - slack) | (y > high + slack)).any():
                return False
        return True

    @cached_property
    def fingerprint(self) -> int:
        """A 64-bit hash of roles and training examples: the replica word of random numbers, so that a task draws the same
        numbers in whatever ensemble it stands.

        It hashes what decides: roles and tables of a task that names its nodes, shapes and tables of one that does not, and
        labels where there is nothing else.
        """
        digest = hashlib.sha256()
        if self.wired:
            for role in ROLES:
                numbers: tuple[int, ...] = getattr(self, role)
                digest.update(np.array([len(numbers), *numbers], dtype="<i8").tobytes())
            tables: tuple[np.ndarray, ...] = (self.x_train, self.y_train)
        elif self.y_train is None:
            digest.update(np.array(self.x_train.shape, dtype="<i8").tobytes())
            tables = (self.x_train,)
        else:
            tables = (self.x_train, self.y_train)
        for table in tables:
            if not self.wired and self.y_train is not None:
                digest.update(np.array(table.shape, dtype="<i8").tobytes())
            digest.update(np.ascontiguousarray(table, dtype="<f8").data)
        if self.y_train is None:
            digest.update(self.labels_train.astype("<i8").tobytes())
        return int.from_bytes(digest.digest()[:8], "little")

    def holding(self, node: int, value: float) -> Task:
        """The same examples with one node more held, at one value in all of them; an input that is held already gets it.

        Raises:
            TaskError: the node is an output or a ground, the value is not finite, or the task names no nodes.
        """
        if not self.wired:
            raise TaskError(f"{self.name} names no nodes, so none more can be held; name its inputs and outputs.")
        whole("node", node)
        if node in self.outputs or node in self.ground:
            raise TaskError(f"node {node} is {'an output' if node in self.outputs else 'a ground'}; hold another one.")
        tables = {}
        for name in ("x_train", "x_test"):
            table = getattr(self, name)
            column = np.full(len(table), float(value))
            if node in self.inputs:
                tables[name] = table.copy()
                tables[name][:, self.inputs.index(node)] = column
            else:
                tables[name] = np.column_stack([table, column])
        inputs = self.inputs if node in self.inputs else (*self.inputs, node)
        return replace(self, inputs=inputs, feasible=None, least_error=None, **tables)

    def check_fits(self, network: Network) -> None:
        """Raise TaskError unless the task names its nodes and all of them exist in `network`."""
        if not self.wired:
            raise TaskError(
                f"{self.name} names no nodes; give inputs and outputs, such as Task(inputs=[0], outputs=[3], ..)."
            )
        instance("network", network, Network, "make one with Network(edges)")
        largest = max(node for role in ROLES for node in getattr(self, role))
        if largest >= network.nodes:
            raise TaskError(f"{self.name} names node {largest}, but the network's nodes go from 0 to {network.nodes - 1}.")


def _checked_error(name: str, value: Any) -> float:
    """`value` as a mean of squares; ParameterError unless it is finite and 0 or above."""
    wanted = "a mean squared error, 0 or above"
    if not 0 <= (found := number(name, value, wanted)) < math.inf:
        raise ParameterError(f"{name} = {shown(value)}; give {wanted}.")
    return found


def _checked_nodes(role: str, nodes: Any) -> tuple[int, ...]:
    table = np.atleast_1d(array_of(() if nodes is None else nodes))
    if table.size == 0:
        if role == "ground":  # whether one is needed is the medium's business
            return ()
        raise TaskError(f"the task has no {role}; give at least one node.")
    if table.ndim != 1 or table.dtype.kind not in "iu" or (table.astype(np.int64) < 0).any():
        raise TaskError(f"{role} = {shown(nodes)} are not node numbers; give whole numbers from 0.")
    return tuple(table.tolist())


def _check_roles(task: Task) -> None:
    seen: dict[int, str] = {}
    for role in ROLES:
        for node in getattr(task, role):
            if node in seen:
                raise TaskError(f"node {node} is in {seen[node]} and again in {role}; a node can have one role only.")
            seen[node] = role


def _checked_table(name: str, table: Any, nodes: Sequence[int] | None) -> np.ndarray:
    """A table [example, node] of finite numbers, one column for every node if the task names them."""
    role = "inputs" if name.startswith("x") else "outputs"
    try:
        values = real_array(table)
    except ValueError:
        raise TaskError(f"{name} = {shown(table)} does not hold numbers; give an array [example, {role[:-1]}].") from None
    if nodes is not None and (values.ndim != 2 or values.shape[1] != len(nodes) or len(values) == 0):
        raise TaskError(f"{name} has shape {values.shape}; with {len(nodes)} {role} it must be [examples, {len(nodes)}].")
    if values.ndim != 2 or 0 in values.shape:
        raise TaskError(f"{name} has shape {values.shape}; it must be [examples, {role}], at least one example.")
    if not np.isfinite(values).all():
        example, node = np.argwhere(~np.isfinite(values))[0]
        raise TaskError(f"{name} holds {values[example, node]} in example {example}; all values must be finite.")
    values.setflags(write=False)
    return values


def _checked_labels(name: str, labels: Any, examples: int, classes: int | None, alone: bool) -> np.ndarray:
    """Whole numbers [example] from 0 to classes - 1."""
    table = array_of(labels)
    if table.dtype.kind not in "iu" or table.shape != (examples,):
        raise TaskError(f"{name} = {shown(labels)}; give one whole number per example, [{examples}].")
    outside = np.flatnonzero((table < 0) | (table >= (classes or 0)))
    if outside.size:
        there = f"{classes} classes are labelled" if alone else f"{classes} outputs show"
        raise TaskError(f"{name} holds {table[outside[0]]} in example {outside[0]}; {there} 0 to {(classes or 0) - 1}.")
    table = table.astype(np.int64)
    table.setflags(write=False)
    return table
