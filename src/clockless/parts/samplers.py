"""Which samples a step of learning with phases uses: all, some drawn anew, or a share of a shuffled epoch.

All are drawn from the numbers of (seed, replica, step), so a step's samples do not depend on what ran before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown, whole
from clockless.numerics.randomness import EPOCHS, EXAMPLES, numbers

__all__ = ["Epochs"]

FULL = "full"


@dataclass(frozen=True)
class Epochs:
    """Mini-batches: every epoch goes once through all samples in a new random order, `size` samples per step.

    The last batch of an epoch holds what is left.

    Raises:
        ParameterError: a size below 1.
    """

    size: int

    def __post_init__(self) -> None:
        whole("size", self.size, 1)

    def drawn(self, count: int, seed: int, replica: int, step: int) -> np.ndarray:
        """Indices of the samples of a step."""
        per_epoch = -(-count // self.size)
        epoch, batch = divmod(step, per_epoch)
        order = np.argsort(numbers(seed, replica, epoch, EPOCHS, count), kind="stable")
        return order[batch * self.size : (batch + 1) * self.size]


def examples_checked(batch: Any, task: Any) -> Any:
    """`batch` if it can draw samples of the task; ParameterError otherwise."""
    count = isinstance(batch, (int, np.integer)) and not isinstance(batch, bool)
    clock = (hasattr(batch, "acting") and not hasattr(batch, "memory")) and not isinstance(batch, type)
    clock = clock and not getattr(batch, "absent", False)
    if not ((isinstance(batch, str) and batch == FULL) or (count and batch >= 1) or clock or isinstance(batch, Epochs)):
        raise ParameterError(
            f"batch = {shown(batch)}; give 'full', a number of samples, Epochs(size), or a clock that draws samples."
        )
    size = batch if count else getattr(batch, "size", 1)
    if size > len(task.x_train):
        raise ParameterError(f"a batch of {size} samples, but {task.name} has {len(task.x_train)} to train with.")
    if clock and hasattr(batch, "rate"):
        batch.rate(len(task.x_train))  # raises if it would never draw one
    return int(batch) if count else batch


def drawn_examples(batch: Any, count: int, seed: int, replica: int, step: int) -> np.ndarray:
    """Indices of the samples of a step, of `count`; `batch` as `examples_checked` returns it.

    A number of samples takes those with the smallest random numbers: every set is equally likely.
    """
    if isinstance(batch, str):
        return np.arange(count)
    if isinstance(batch, Epochs):
        return batch.drawn(count, seed, replica, step)
    drawn = numbers(seed, replica, step, EXAMPLES, count)
    if isinstance(batch, int):
        keys = drawn.astype(np.uint64) << np.uint64(32) | np.arange(count, dtype=np.uint64)  # no two are equal
        return np.sort(np.argpartition(keys, batch - 1)[:batch])
    return np.flatnonzero(batch.acting(drawn))


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
