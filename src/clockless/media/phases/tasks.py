"""What is wanted of phases: examples of phases at the inputs and of those wanted at the outputs; builders from data.

Values are mapped to [-pi/2, pi/2], where a phase and its sine are one-to-one. Targets are one-hot: +pi/2 at the output of
the right class, -pi/2 at the others, so the class that a state shows is the output with the largest sine (arXiv 2402.08579).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np

from clockless.errors import SEEDS, ParameterError, TaskError, is_one_of, shown, whole
from clockless.networks.architectures import Architecture
from clockless.tasks import datasets
from clockless.tasks.datasets import Labelled, Split
from clockless.tasks.task import Task

__all__ = ["digits", "iris", "mnist", "xor"]

QUARTER = np.pi / 2
_FIRST_TRAIN, _FIRST_TEST = 100, 70  # of each digit, the authors' split of the 8 x 8 digits
_RANDOM_TRAIN = 1437  # of 1,797 digits


def PhaseTask(
    x_train: Any,
    y_train: Any,
    x_test: Any,
    y_test: Any,
    labels_train: Any = None,
    labels_test: Any = None,
    name: str = "phase task",
) -> Task:
    """A `Task` of phases in radians [example, site] for the sites of an architecture; labels [example] are classes."""
    return Task(
        x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test, name=name, labels_train=labels_train,
        labels_test=labels_test,
    )  # fmt: skip


def fitting(task: Task, architecture: Architecture) -> Task:
    """The task; TaskError unless the architecture has one site per column of its examples."""
    _check_sites(architecture)
    if not isinstance(task, Task) or task.y_train is None:
        raise TaskError(f"task = {shown(task)} is no task of phases; give a Task with phases at inputs and outputs.")
    for role, table in (("inputs", task.x_train), ("outputs", task.y_train)):
        sites = len(getattr(architecture, role))
        if sites != table.shape[1]:
            raise TaskError(f"{task.name} has {table.shape[1]} {role}, but {architecture.name} has {sites}; choose others.")
    return task


def _check_sites(architecture: Any) -> None:
    if not (hasattr(architecture, "inputs") and hasattr(architecture, "outputs")):
        raise TaskError(
            f"network = {shown(architecture)} names no input and output sites; this task is one of phases: give "
            "an architecture, such as dense(64, 10), and the medium XY."
        )


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Target phases [example, class]: +pi/2 at each example's class, -pi/2 elsewhere."""
    return np.where(np.asarray(labels)[:, None] == np.arange(classes), QUARTER, -QUARTER)


# --- builders --------------------------------------------------------------------------------------------


def xor(architecture: Architecture) -> Task:
    """Exclusive or: each output shall be +pi/2 where the two inputs differ, -pi/2 where they agree; inputs are +-pi/2.

    Training and test set are the same four examples. There are no labels: the sign of an output's sine is the answer.
    """
    _check_sites(architecture)
    x = QUARTER * np.array(list(product((-1.0, 1.0), repeat=2)))
    y = np.repeat(np.where(x[:, :1] != x[:, 1:], QUARTER, -QUARTER), len(architecture.outputs), axis=1)
    return fitting(PhaseTask(x, y, x, y, name="XOR"), architecture)


def iris(architecture: Architecture, train: int = 100, seed: int = 0) -> Task:
    """Fisher's irises, `train` of the 150 drawn by `seed` to learn from, the others as test set.

    Each feature is mapped linearly so that its range in the training set becomes [-pi/2, pi/2]; test values outside that
    range are cut off at its ends, so nothing of the test set is used.
    """
    data = datasets.iris()
    if not 2 <= whole("train", train, 1) < len(data.labels):
        raise TaskError(f"train = {train} of {len(data.labels)} irises; give 2 to {len(data.labels) - 1}.")
    split = _drawn(data, train, seed)
    low, high = split.train.values.min(axis=0), split.train.values.max(axis=0)
    if (low == high).any():
        raise TaskError(f"all {train} irises to learn from agree in feature {np.argmax(low == high)}; raise train.")
    phases = (np.clip(np.pi * (part.values - low) / (high - low) - QUARTER, -QUARTER, QUARTER) for part in split)
    return _classes(phases, split, 3, f"iris {seed}", architecture)


def digits(architecture: Architecture, split: str = "first", seed: int = 0) -> Task:
    """The 8 x 8 digits of scikit-learn; grey values X = 0 .. 16 become pi (X - 8) / 16.

    Args:
        architecture: with 64 inputs (row by row) and 10 outputs.
        split: "first" takes the first 100 of each digit to learn from and the next 70 of each as test set, the split of the
            notebooks of arXiv 2402.08579; "random" draws 1,437 to learn from and leaves 360.
        seed: of the random split; the first one needs none.
    """
    data = datasets.digits()
    if not is_one_of(split, ("first", "random")):
        raise ParameterError(f"split = {shown(split)}; the digits are split 'first' or 'random'.")
    parts = _drawn(data, _RANDOM_TRAIN, seed) if split == "random" else _first_of_each(data, _FIRST_TRAIN, _FIRST_TEST)
    phases = (np.pi * (part.values - 8) / 16 for part in parts)
    return _classes(phases, parts, 10, "digits first" if split == "first" else f"digits random {seed}", architecture)


def mnist(
    architecture: Architecture,
    folder: str | os.PathLike[str],
    crop: int = 0,
    pool: int = 1,
    train: int | None = None,
    test: int | None = None,
) -> Task:
    """MNIST from the IDX files in `folder`; grey values X = 0 .. 255 become pi (X / 255 - 1/2).

    Args:
        architecture: with 28 x 28 inputs (or as many as cropping and pooling leave, row by row) and 10 outputs.
        folder: holds the four files; nothing is ever downloaded.
        crop: pixels cut off each side.
        pool: squares of this many pixels a side are averaged, after cropping.
        train, test: use only the first so many examples of each set; None: all.
    """
    parts = datasets.mnist(folder, crop, pool)
    counts = [None if count is None else whole(name, count, 1) for name, count in (("train", train), ("test", test))]
    few = Split(*(Labelled(part.values[:count], part.labels[:count]) for part, count in zip(parts, counts, strict=True)))
    phases = (np.pi * (part.values / 255 - 0.5) for part in few)
    return _classes(phases, few, 10, "MNIST", architecture)


def _drawn(data: Labelled, train: int, seed: int) -> Split:
    order = np.random.default_rng(whole("seed", seed, most=SEEDS)).permutation(len(data.labels))
    return Split(*(Labelled(data.values[part], data.labels[part]) for part in (order[:train], order[train:])))


def _first_of_each(data: Labelled, train: int, test: int) -> Split:
    """The first `train` and the next `test` examples of each class, in the order of the data."""
    places = [np.flatnonzero(data.labels == label) for label in np.unique(data.labels)]
    ranges = slice(train), slice(train, train + test)
    parts = [np.sort(np.concatenate([place[part] for place in places])) for part in ranges]
    return Split(*(Labelled(data.values[part], data.labels[part]) for part in parts))


def _classes(phases: Iterable[np.ndarray], split: Split, classes: int, name: str, architecture: Architecture) -> Task:
    x_train, x_test = phases
    y_train, y_test = (one_hot(part.labels, classes) for part in split)
    task = PhaseTask(x_train, y_train, x_test, y_test, split.train.labels, split.test.labels, name)
    return fitting(task, architecture)


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
