"""Labelled examples for modules to learn from."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

import numpy as np

from clockless.errors import SEEDS, TaskError, shown, whole
from clockless.numerics.randomness import numbers
from clockless.tasks import datasets
from clockless.tasks.task import Task

_SPLIT = np.uint64(65)  # purpose of random numbers, see `randomness`
_DIGITS_TRAIN = 1347  # of 1,797: three quarters


def labelled(x_train: Any, y_train: Any, x_test: Any, y_test: Any, classes: int, name: str = "examples") -> Task:
    """A `Task` of labelled vectors: x [example, input] of the order of one, labels y [example] from 0 to classes - 1."""
    return Task(x_train=x_train, x_test=x_test, labels_train=y_train, labels_test=y_test, classes=classes, name=name)


@dataclass(frozen=True, eq=False, repr=False)
class Named(Task):
    """A task that a description names in two words, so that stores need not repeat its examples.

    Attributes:
        made_of: name and seed that `labels` made it from; nothing once somebody has replaced a field.
    """

    made_of: tuple[str, int] | None = field(default=None, init=False)

    def described(self) -> Any:
        """The description that makes it, or the task itself, examples and all."""
        if self.made_of is None:
            return Task(**_fields(self))
        return {"kind": "labels", "name": self.made_of[0], "seed": self.made_of[1]}


def _fields(task: Task) -> dict[str, Any]:
    return {each.name: getattr(task, each.name) for each in fields(Task)}


def labels(name: str = "digits", seed: int = 0) -> Task:
    """The labelled examples that a name stands for, split into training and test set by `seed`; the last few are kept.

    "digits": 1,797 handwritten digits of 8 x 8 pixels in [0, 1] that come with scikit-learn (UCI 'optical recognition of
    handwritten digits'), 1,347 to learn from and 450 to test.

    Raises:
        TaskError: another name.
    """
    if not isinstance(name, str) or name not in _READERS:
        raise TaskError(f"there are no examples called {shown(name)}; known are {', '.join(sorted(_READERS))}.")
    return _read(name, whole("seed", seed, most=SEEDS))


@lru_cache(maxsize=4)
def _read(name: str, seed: int) -> Task:
    named = Named(**_fields(_READERS[name](seed)))
    object.__setattr__(named, "made_of", (name, seed))
    return named


def mnist(folder: str | os.PathLike[str], crop: int = 0, pool: int = 1) -> Task:
    """MNIST from the four IDX files in `folder`, pixels in [0, 1], with its own test set; see `datasets.mnist`.

    Raises:
        TaskError: a missing or damaged file, or images that cannot be cropped and pooled so.
    """
    parts = datasets.mnist(folder, crop, pool)
    (x_train, y_train), (x_test, y_test) = ((part.values / 255, part.labels) for part in parts)
    return labelled(x_train, y_train, x_test, y_test, 10, "MNIST")


def _digits(seed: int) -> Task:
    pixels, labels = datasets.digits()
    order = np.argsort(numbers(seed, 0, 0, _SPLIT, len(labels)), kind="stable")
    train, test = order[:_DIGITS_TRAIN], order[_DIGITS_TRAIN:]
    return labelled(pixels[train] / 16, labels[train], pixels[test] / 16, labels[test], 10, "digits")


_READERS: dict[str, Callable[[int], Task]] = {"digits": _digits}
