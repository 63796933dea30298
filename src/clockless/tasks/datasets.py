"""Measured data as plain arrays: values [example, feature] and labels [example]; nothing is ever downloaded.

Iris and the 8 x 8 digits are bundled with scikit-learn, and read there: its own readers import half of it, a second, of
which a program that shows one sentence has no use. MNIST is read from the IDX files in a folder that the user names.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clockless import disk
from clockless.errors import TaskError, place, whole
from clockless.tasks.idx import read_images, read_labels

MNIST_FILES = {  # part: (images, labels); each may end in .gz
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


class Labelled(NamedTuple):
    """Values, float64 [example, feature], and the class of each example, int64 [example]."""

    values: np.ndarray
    labels: np.ndarray


class Split(NamedTuple):
    """Examples to learn from and examples to be tested on."""

    train: Labelled
    test: Labelled


def iris() -> Labelled:
    """Fisher's 150 irises: sepal length and width, petal length and width (cm) of 3 species."""
    table = _bundled("iris.csv", header=1)
    if table is None:
        from sklearn.datasets import load_iris

        return _labelled(*load_iris(return_X_y=True))
    return _labelled(np.ascontiguousarray(table[:, :-1]), table[:, -1])


def digits() -> Labelled:
    """1,797 handwritten digits of 8 x 8 pixels, row by row, with grey values 0 to 16."""
    table = _bundled("digits.csv.gz")
    if table is None:
        from sklearn.datasets import load_digits

        return _labelled(*load_digits(return_X_y=True))
    return _labelled(table[:, :-1], table[:, -1])


def _bundled(name: str, header: int = 0) -> np.ndarray | None:
    """A table of scikit-learn's [example, feature and then class]; None where it has another place for it."""
    spec = importlib.util.find_spec("sklearn")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, "datasets", "data", name)
        if path.is_file():
            return np.loadtxt(path, delimiter=",", skiprows=header)
    return None


def mnist(folder: str | os.PathLike[str], crop: int = 0, pool: int = 1) -> Split:
    """MNIST's handwritten digits from its four IDX files: grey values 0 to 255, row by row.

    Args:
        folder: holds the files named in `MNIST_FILES`, as they are or packed (.gz).
        crop: pixels cut off each side.
        pool: squares of this many pixels a side are averaged, after cropping.

    Raises:
        TaskError: a missing or damaged file, counts that differ, or images that cannot be cropped and pooled so.
    """
    folder, parts = place("folder", folder), []
    for images_name, labels_name in MNIST_FILES.values():
        images, labels = read_images(_found(folder, images_name)), read_labels(_found(folder, labels_name))
        if len(images) != len(labels):
            raise TaskError(
                f"{images_name} holds {len(images)} images but {labels_name} {len(labels)} labels; take both from one set."
            )
        small = pooled(images, crop, pool)
        parts.append(_labelled(small.reshape(len(small), -1), labels))
    sides = [part.values.shape[1] for part in parts]
    if sides[0] != sides[1]:
        raise TaskError(f"training images have {sides[0]} pixels but test images {sides[1]}; take all files from one set.")
    return Split(*parts)


def mnist_digest(folder: str | os.PathLike[str]) -> str:
    """16 hexadecimal digits of SHA-256 over the four files that `mnist` reads; a file that has not changed is hashed once.

    Raises:
        TaskError: a file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    for name in (name for names in MNIST_FILES.values() for name in names):
        path = _found(folder, name)
        try:
            about = path.stat()
            digest.update(_hash_of(path, about.st_size, about.st_mtime_ns))
        except OSError as error:
            raise TaskError(f"cannot read {path}: {error.strerror or error}; check the path.") from None
    return digest.hexdigest()[:16]


@lru_cache(maxsize=64)
def _hash_of(path: Path, size: int, modified: int) -> bytes:
    """The hash of a file as long as its size and time of change stay what they are."""
    with open(disk.given(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def pooled(images: np.ndarray, crop: int = 0, pool: int = 1) -> np.ndarray:
    """Means over squares of pool x pool pixels of images [image, row, column] without a rim of `crop` pixels, float64."""
    whole("crop", crop)
    whole("pool", pool, 1)
    count, *sides = images.shape
    rows, columns = (side - 2 * crop for side in sides)
    if min(rows, columns) < pool or rows % pool or columns % pool:
        raise TaskError(
            f"images of {sides[0]} x {sides[1]} pixels less a rim of {crop} cannot be pooled by {pool}; choose a divisor."
        )
    inner = images[:, crop : crop + rows, crop : crop + columns]
    means: np.ndarray = inner.reshape(count, rows // pool, pool, columns // pool, pool).mean(axis=(2, 4))
    return means


def _found(folder: str | os.PathLike[str], name: str) -> Path:
    for candidate in (Path(folder) / name, Path(folder) / f"{name}.gz"):
        if candidate.exists():
            return candidate
    raise TaskError(f"{folder} holds neither {name} nor {name}.gz; name the folder with the four files of MNIST.")


def _labelled(values: np.ndarray, labels: np.ndarray) -> Labelled:
    return Labelled(np.asarray(values, dtype=np.float64), np.asarray(labels, dtype=np.int64))
