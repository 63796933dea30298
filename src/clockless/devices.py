"""What the hardware makes of a wanted change.

Contract of a device: a `part` with the readable `written(value, wanted, low, high)` and an overload of `write`, the same for
one unit of one lane. A rule never knows which device it runs on.
"""

from __future__ import annotations

import numpy as np

from clockless.parts import behaviour, part


def write(device, value, wanted, low, high, w):
    """The new value of a unit of lane `w` that now has `value`, wants to change by `wanted` and may move in [low, high]."""


@part
class Continuous:
    """An ideal device: any value within the range, changes written exactly, stops at the ends of the range."""

    def written(self, value: np.ndarray, wanted: np.ndarray, low: float, high: float) -> np.ndarray:
        """New values [unit]."""
        return np.clip(value + wanted, low, high)


@behaviour(write, Continuous)
def _write_continuous(device, value, wanted, low, high, w):
    new = value + wanted
    # Comparisons that let NaN through: a replica that has failed must look failed.
    return low if new < low else high if new > high else new


IDEAL = Continuous()
