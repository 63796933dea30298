"""Labelled examples for modules to learn from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from clockless.errors import TaskError, real_array, shown, whole
from clockless.numerics.randomness import numbers
from clockless.tasks import datasets

_SPLIT = np.uint64(65)  # purpose of random numbers, see `randomness`
_DIGITS_TRAIN = 1347  # of 1,797: three quarters


@dataclass(frozen=True, eq=False)
class Examples:
    """A training set and a test set of labelled vectors.

    Args:
        x_train, x_test: [example, input], any unit; of the order of one for the networks here.
        y_train, y_test: labels [example], whole numbers from 0 to classes - 1.
        classes: how many there are.
        name: how plots and tables call it.

    Raises:
        TaskError: arrays that do not fit each other, values that are not finite, or labels outside their range.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    name: str = "examples"

    def __post_init__(self) -> None:
        whole("classes", self.classes, 2)
        for kind in ("train", "test"):
            x = _checked_inputs(f"x_{kind}", getattr(self, f"x_{kind}"))
            y = _checked_labels(f"y_{kind}", getattr(self, f"y_{kind}"), self.classes)
            if len(x) != len(y):
                raise TaskError(f"x_{kind} has {len(x)} examples but y_{kind} has {len(y)}; give one label per example.")
            object.__setattr__(self, f"x_{kind}", x)
            object.__setattr__(self, f"y_{kind}", y)
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise TaskError(
                f"training examples have {self.x_train.shape[1]} inputs and test examples {self.x_test.shape[1]}; "
                f"give both the same."
            )

    def __repr__(self) -> str:
        return f"Examples({self.name!r}, {len(self.x_train)} train, {len(self.x_test)} test, {self.classes} classes)"

    @property
    def inputs(self) -> int:
        """Width of an example."""
        return self.x_train.shape[1]

    @property
    def fingerprint(self) -> int:
        """A 64-bit hash of the training set: the replica word of random numbers."""
        digest = hashlib.sha256(np.array(self.x_train.shape, dtype="<i8").tobytes())
        digest.update(self.x_train.astype("<f8").tobytes())
        digest.update(self.y_train.astype("<i8").tobytes())
        return int.from_bytes(digest.digest()[:8], "little")


def examples(name: str = "digits", seed: int = 0) -> Examples:
    """The examples that a name stands for, split into training and test set by `seed`; the last few are kept.

    "digits": 1,797 handwritten digits of 8 x 8 pixels in [0, 1] that come with scikit-learn (UCI 'optical recognition of
    handwritten digits'), 1,347 to learn from and 450 to test.

    Raises:
        TaskError: another name.
    """
    if not isinstance(name, str) or name not in _READERS:
        raise TaskError(f"there are no examples called {shown(name)}; known are {', '.join(sorted(_READERS))}.")
    return _read(name, whole("seed", seed))


@lru_cache(maxsize=4)
def _read(name: str, seed: int) -> Examples:
    return _READERS[name](seed)


def mnist(folder: str | os.PathLike, crop: int = 0, pool: int = 1) -> Examples:
    """MNIST from the four IDX files in `folder`, pixels in [0, 1], with its own test set; see `datasets.mnist`.

    Raises:
        TaskError: a missing or damaged file, or images that cannot be cropped and pooled so.
    """
    parts = datasets.mnist(folder, crop, pool)
    (x_train, y_train), (x_test, y_test) = ((part.values / 255, part.labels) for part in parts)
    return Examples(x_train, y_train, x_test, y_test, 10, "MNIST")


def _digits(seed: int) -> Examples:
    pixels, labels = datasets.digits()
    order = np.argsort(numbers(seed, 0, 0, _SPLIT, len(labels)), kind="stable")
    train, test = order[:_DIGITS_TRAIN], order[_DIGITS_TRAIN:]
    return Examples(pixels[train] / 16, labels[train], pixels[test] / 16, labels[test], 10, "digits")


_READERS: dict[str, Callable[[int], Examples]] = {"digits": _digits}


def _checked_inputs(name: str, given: Any) -> np.ndarray:
    try:
        table = real_array(given)
    except ValueError:
        raise TaskError(f"{name} = {shown(given)} does not hold numbers; give an array [example, input].") from None
    if table.ndim != 2 or table.size == 0:
        raise TaskError(f"{name} has shape {table.shape}; it must be [examples, inputs] and not empty.")
    if not np.isfinite(table).all():
        raise TaskError(f"{name} holds {table[~np.isfinite(table)][0]}; inputs must be finite.")
    table.setflags(write=False)
    return table


def _checked_labels(name: str, given: Any, classes: int) -> np.ndarray:
    labels = np.array(given)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise TaskError(f"{name} = {shown(given)} are not labels; give whole numbers [example] from 0 to {classes - 1}.")
    labels = labels.astype(np.int64)
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if outside.size:
        raise TaskError(
            f"example {outside[0]} of {name} has the label {labels[outside[0]]}, but {classes} classes are labelled "
            f"0 to {classes - 1}; mend the label or raise `classes`."
        )
    labels.setflags(write=False)
    return labels
