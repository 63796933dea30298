"""What test errors are divided by: their value at step 0, or where a task is solved there, the size of its targets."""

from __future__ import annotations

import numpy as np

SCALED_ERROR = "test error / its value at step 0 (of a task solved at step 0: / mean squared target)"
_SOLVED = 1e-24  # of the mean squared target: errors of 1e-12 of the targets are rounding


def scales(initial: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """What errors are divided by [replica]: the error at step 0, unless that is nothing but rounding.

    A task that is solved at step 0 is scaled by its mean squared target, or by 1 if all targets are 0; so no finite state
    gives NaN, and rounding does not look like a failure to learn.

    Args:
        initial: test error at step 0 [replica].
        squares: mean squared target of the test set [replica].
    """
    targets = np.where(squares > 0, squares, 1.0)
    return np.where(initial <= _SOLVED * targets, targets, initial)
