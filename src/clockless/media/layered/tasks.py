"""Pictures as voltages: pixels in [0, 1] at the inputs, and a label for each."""

from __future__ import annotations

import os

import numpy as np

from clockless.errors import whole
from clockless.numerics.randomness import numbers
from clockless.tasks import datasets
from clockless.tasks.task import Task

_SPLIT = np.uint64(65)  # purpose of random numbers, see `randomness`
_DIGITS_TRAIN = 1347  # of 1,797: three quarters


def mnist_pixels(
    folder: str | os.PathLike[str], crop: int = 0, pool: int = 1, train: int | None = None, test: int | None = None
) -> Task:
    """MNIST from the four IDX files in `folder`, pixels in [0, 1], with its own test set; nothing is downloaded.

    Args:
        folder: holds the files, as they are or packed.
        crop: pixels cut off each side.
        pool: squares of this many pixels a side are averaged, after cropping.
        train, test: use only the first so many examples of each set; None: all.

    Raises:
        TaskError: a missing or damaged file, or images that cannot be cropped and pooled so.
    """
    parts = datasets.mnist(folder, crop, pool)
    counts = [None if count is None else whole(name, count, 1) for name, count in (("train", train), ("test", test))]
    few = [(part.values[:count] / 255, part.labels[:count]) for part, count in zip(parts, counts, strict=True)]
    return _labelled(few, "MNIST")


def digit_pixels(seed: int = 0) -> Task:
    """The 1,797 digits of 8 x 8 pixels that come with scikit-learn, in [0, 1]; 1,347 to learn from are drawn by `seed`."""
    pixels, labels = datasets.digits()
    order = np.argsort(numbers(whole("seed", seed), 0, 0, _SPLIT, len(labels)), kind="stable")
    parts = (order[:_DIGITS_TRAIN], order[_DIGITS_TRAIN:])
    return _labelled([(pixels[part] / 16, labels[part]) for part in parts], f"digits {seed}")


def _labelled(parts: list[tuple[np.ndarray, np.ndarray]], name: str) -> Task:
    (x_train, labels_train), (x_test, labels_test) = parts
    return Task(x_train=x_train, x_test=x_test, labels_train=labels_train, labels_test=labels_test, classes=10, name=name)
