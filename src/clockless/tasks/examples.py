"""Tasks from one's own measurements: classes of a table, or targets of one's own; split, scaled and put on nodes.

    task = cl.tasks.classification(frame, "species", network=network)     # voltages, phases or numbers, as the medium holds
    run = cl.train(cl.Resistors(network), task, rule=cl.CoupledLearning(0.1, 0.1), steps=10_000, batch=1)
    run.accuracy, run.classes(task.encoded(new))                          # numbers of task.class_names

Nothing of the test set is used for scaling: a feature's range, or its mean and deviation, are those of the training set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clockless.errors import SEEDS, ParameterError, TaskError, array_of, is_one_of, real_array, shown, whole
from clockless.networks.architectures import Architecture
from clockless.networks.network import Network
from clockless.tasks.encoding import MEDIA, QUARTER, Encoding, names_read, names_written
from clockless.tasks.roles import drawn_roles
from clockless.tasks.tables import table_of
from clockless.tasks.task import Task

LOW, HIGH = 0.2, 0.3  # volts wanted at outputs of the other classes and of the right one
ENCODINGS = {"resistors": ("differential", "one-hot"), "xy": ("one-hot",), "modules": ("one-hot",)}


@dataclass(frozen=True, eq=False, repr=False)
class Classification(Task):
    """A `Task` that knows its classes' names and how features become inputs.

    Args:
        class_names: the label of each class, in the order of the outputs; or they as JSON, as a description has them.
        encoding: of features; or it as JSON.

    Raises:
        TaskError: names or an encoding that cannot be read, or names that are not one per class.
    """

    class_names: Any = ()
    encoding: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.class_names, str):
            object.__setattr__(self, "class_names", names_read(self.class_names))
        if self.class_names and len(self.class_names) != self.classes:
            raise TaskError(f"{len(self.class_names)} class_names for {self.classes} classes; give one name per class.")
        if isinstance(self.encoding, str):
            object.__setattr__(self, "encoding", Encoding.read(self.encoding))

    def described(self) -> Any:
        """The task as a description can have it; without names if these are not words, numbers, true or false."""
        fields = {name: getattr(self, name) for name in Task.__dataclass_fields__}
        names, code = names_written(self.class_names), self.encoding.written() if self.encoding is not None else None
        if names is None or code is None:
            return Task(**fields)
        return {"kind": "classification", **fields, "class_names": names, "encoding": code}

    def encoded(self, data: Any) -> np.ndarray:
        """New features, in any form that `classification` takes, as inputs [example, input] for `run.predict`.

        Raises:
            TaskError: as `classification`.
        """
        if self.encoding is None:
            raise TaskError(f"{self.name} does not know how features become inputs; give run.predict the inputs.")
        features = self.encoding.features
        named = features != tuple(range(len(features)))
        table = table_of(data, features=features if named else None)
        if len(table.features) != len(features):
            raise TaskError(f"the data have {len(table.features)} features, but {self.name} has {len(features)}.")
        inputs: np.ndarray = self.encoding(table.values)
        return inputs


def classification(
    data: Any,
    label: Any,
    *,
    network: Any = None,
    inputs: Sequence[int] | None = None,
    outputs: Sequence[int] | None = None,
    ground: Sequence[int] | None = None,
    encoding: str | None = None,
    test: float = 0.25,
    seed: int = 0,
    medium: str | None = None,
) -> Classification:
    """Classes to be told from features, scaled to what the medium holds, with one output for each class.

    | medium      | features                                  | targets                     | class shown     |
    |-------------|-------------------------------------------|-----------------------------|-----------------|
    | "resistors" | 0 to 1 V; differential: v and 1 - v       | 0.3 V, the others 0.2 V     | highest voltage |
    | "xy"        | -pi/2 to pi/2                             | pi/2, the others -pi/2      | largest sine    |
    | "modules"   | mean 0, deviation 1                       | the label                   | largest logit   |

    Voltages are differential unless `encoding` says otherwise: a passive network cannot lower an output by raising an
    input, so it is given both. The targets lie close together, for its outputs are means of what is held; where even these
    lie outside the held range, `feasible` is False. The scaled error of voltages falls far as soon as the outputs come near
    the middle of the targets, classes told apart or not: look at `run.accuracy`.

    Args:
        data: a data frame, columns by name, a structured array, or an array [example, feature].
        label: name of the column of labels, or the labels [example]; anything that can be told apart.
        network: a `Network` (resistors), an `Architecture` (xy), or nothing (modules).
        inputs, outputs, ground: nodes; drawn by `seed` where none of them is given. An architecture brings its own.
        encoding: of the resistors' features: "differential" or "one-hot" (one input for each).
        test: part of each class that is kept for the test set, drawn by `seed`.
        medium: one of MEDIA, where the network leaves it open.

    Raises:
        TaskError: columns of words, missing values, a class with one example, a feature with one value, nodes that do not
            fit.
        ParameterError: another medium, encoding or test.
    """
    medium = _medium(network, medium)
    known = ENCODINGS[medium]
    if encoding is not None and not is_one_of(encoding, known):
        raise ParameterError(f"encoding = {shown(encoding)}; features of {medium} are encoded {' or '.join(known)}.")
    differential = (encoding or known[0]) == "differential"
    if label is None:
        raise TaskError("label = None; name the column of labels, or give the labels [example].")
    table = table_of(data, label)
    names, numbers = _classes(table.labels or [])
    rng = np.random.default_rng(whole("seed", seed, most=SEEDS))
    train, rest = _split_by_class(numbers, names, _checked_part(test), rng)
    code = Encoding.of(medium, differential, table.values[train], table.features)
    x_train, x_test = code(table.values[train]), code(table.values[rest])
    nodes = _nodes(network, medium, (inputs, outputs, ground), (x_train.shape[1], len(names)), rng)
    y_train, y_test = (_targets(medium, numbers[part], len(names)) for part in (train, rest))
    chosen: dict[str, Any] = dict(zip(("inputs", "outputs", "ground"), nodes, strict=True))
    tables: dict[str, Any] = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    labels: dict[str, Any] = {"labels_train": numbers[train], "labels_test": numbers[rest], "classes": len(names)}
    name = f"{_called(label)} {seed}"
    return Classification(**chosen, **tables, **labels, name=name, class_names=names, encoding=code)


def from_arrays(
    x: Any,
    y: Any,
    *,
    network: Any = None,
    inputs: Sequence[int] | None = None,
    outputs: Sequence[int] | None = None,
    ground: Sequence[int] | None = None,
    test: float = 0.25,
    seed: int = 0,
) -> Task:
    """Examples of one's own, in the medium's own units (volts, radians), split into training and test set by `seed`.

    Args:
        x, y: what is held at the inputs [example, input], and wanted at the outputs [example, output].
        network: a `Network` in which nodes are drawn where none are named, one ground among them; an `Architecture` brings
            its own sites; nothing leaves it to the medium.
        inputs, outputs, ground: nodes; phases have no ground.
        test: part of the examples that is kept for the test set.

    Raises:
        TaskError: tables that are none, or nodes that do not fit.
        ParameterError: another test.
    """
    tables = [_table(name, values) for name, values in (("x", x), ("y", y))]
    count = len(tables[0])
    if count != len(tables[1]) or count < 2:
        raise TaskError(f"x has {count} examples and y {len(tables[1])}; give a target for each, at least 2.")
    rng = np.random.default_rng(whole("seed", seed, most=SEEDS))
    kept = int(np.clip(round(_checked_part(test) * count), 1, count - 1))
    order = rng.permutation(count)
    rest, train = np.sort(order[:kept]), np.sort(order[kept:])
    named = not (inputs is None and outputs is None and ground is None)
    if network is not None and not isinstance(network, (Network, Architecture)):
        raise TaskError(f"network = {shown(network)} is no Network; give one, an Architecture, or nothing.")
    if named and isinstance(network, Architecture):
        raise TaskError(f"nodes are named, but {network.name} has its own; leave them out.")
    nodes: tuple[Any, Any, Any] = (inputs, outputs, ground)
    if isinstance(network, Network) and not named:
        nodes = drawn_roles(network, (tables[0].shape[1], tables[1].shape[1], 1), rng)
    (x_train, y_train), (x_test, y_test) = ([table[part] for table in tables] for part in (train, rest))
    task = Task(*nodes, x_train, y_train, x_test, y_test, name=f"examples {seed}")
    if task.wired and isinstance(network, Network):
        task.check_fits(network)
    return task


# --- pieces ----------------------------------------------------------------------------------------------


def _medium(network: Any, medium: str | None) -> str:
    if isinstance(getattr(network, "network", None), Network) and not isinstance(network, Architecture):
        raise TaskError(f"network = {shown(network)} is a medium; give its wiring.")
    if medium is None:
        medium = "xy" if isinstance(network, Architecture) else "resistors" if isinstance(network, Network) else "modules"
    if not is_one_of(medium, MEDIA):
        raise ParameterError(f"medium = {shown(medium)}; give one of: {', '.join(MEDIA)}.")
    wired = isinstance(network, (Network, Architecture))
    if network is not None and not wired:
        raise TaskError(f"network = {shown(network)} is no Network; give one, an Architecture, or nothing.")
    if wired == (medium == "modules") or (medium == "resistors" and isinstance(network, Architecture)):
        fit = {"resistors": "a Network", "xy": "an Architecture or a Network", "modules": "none"}[medium]
        raise TaskError(f"network = {shown(network)}, but the network of {medium} is {fit}.")
    return medium


def _checked_part(test: Any) -> float:
    if isinstance(test, bool) or not isinstance(test, (float, np.floating)) or not 0 < test < 1:
        raise ParameterError(f"test = {shown(test)}; give the part of the examples to test with, between 0 and 1.")
    return float(test)


def _classes(labels: list[Any]) -> tuple[tuple[Any, ...], np.ndarray]:
    """Names of the classes, sorted where they can be, and the number of each example's class."""
    names = list(dict.fromkeys(labels))
    if len(names) < 2:
        raise TaskError(f"all examples have the label {shown(names[0])}; two classes or more can be told apart.")
    try:
        names.sort()
    except TypeError:  # words and numbers: in the order in which they appear
        names = list(dict.fromkeys(labels))
    number = {name: k for k, name in enumerate(names)}
    return tuple(names), np.array([number[label] for label in labels])


def _split_by_class(
    numbers: np.ndarray, names: tuple[Any, ...], part: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Examples to learn from and to test with; both hold every class."""
    tested = []
    for k, name in enumerate(names):
        members = rng.permutation(np.flatnonzero(numbers == k))
        if len(members) < 2:
            raise TaskError(f"class {shown(name)} has one example; a class needs one to learn from and one to test with.")
        tested.append(members[: int(np.clip(round(part * len(members)), 1, len(members) - 1))])
    rest = np.sort(np.concatenate(tested))
    return np.setdiff1d(np.arange(len(numbers)), rest), rest


def _targets(medium: str, numbers: np.ndarray, classes: int) -> np.ndarray | None:
    """One-hot targets [example, class]; modules have labels alone."""
    low, high = {"resistors": (LOW, HIGH), "xy": (-QUARTER, QUARTER)}.get(medium, (0.0, 0.0))
    return None if medium == "modules" else np.where(numbers[:, None] == np.arange(classes), high, low)


def _nodes(
    network: Any, medium: str, given: tuple[Any, ...], counts: tuple[int, int], rng: np.random.Generator
) -> tuple[Any, ...]:
    """Inputs, outputs and ground of a task: as given, drawn, or the architecture's own (None)."""
    named = {name: nodes for name, nodes in zip(("inputs", "outputs", "ground"), given, strict=True) if nodes is not None}
    if "ground" in named and medium != "resistors":
        raise TaskError(f"ground = {shown(given[2])}: only resistors have one; leave it out.")
    if isinstance(network, Architecture) or medium == "modules":
        if named:
            where = "the architecture's" if network is not None else "no nodes"
            raise TaskError(f"{next(iter(named))} are named, but {medium} have {where}; leave them out.")
        given = (network.inputs, network.outputs, None) if network is not None else (None, None, None)
    elif not named and network is not None:
        inputs, outputs, ground = drawn_roles(network, (*counts, int(medium == "resistors")), rng)
        given = (inputs, outputs, ground or None)
    elif len(named) < 2 + (medium == "resistors"):
        raise TaskError(f"only {', '.join(named) or 'no nodes'} are named; name inputs, outputs and the resistors' ground.")
    for role, nodes, count in zip(("inputs", "outputs"), given[:2], counts, strict=True):
        if nodes is not None and array_of(nodes).size != count:
            raise TaskError(f"the task needs {count} {role}, but there are {array_of(nodes).size}; {_ADVICE[role]}")
    return (None, None, None) if isinstance(network, Architecture) else given


_ADVICE = {
    "inputs": "give one for each feature, two where features are differential.",
    "outputs": "give one for each class or target.",
}


def _table(name: str, values: Any) -> np.ndarray:
    try:
        table = real_array(values.to_numpy() if hasattr(values, "to_numpy") else values)
    except ValueError:
        table = np.array(np.nan)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or not np.isfinite(table).all():
        raise TaskError(f"{name} = {shown(values)}; give finite numbers [example, column].")
    return table


def _called(label: Any) -> str:
    return label if isinstance(label, str) else "classes"
