"""Which steps of a run are recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown


def log_spaced(steps: int, count: int = 60) -> np.ndarray:
    """0, then about `count` whole numbers from 1 to `steps` in equal ratios."""
    if steps == 0:
        return np.array([0])
    return np.unique(np.concatenate([[0], np.rint(np.geomspace(1, steps, count)).astype(np.int64)]))


def a_decade(steps: int, times: int) -> np.ndarray:
    """0 and `times` steps a decade, none beyond `steps`: a longer run records them, too."""
    exponents = np.arange(0, np.log10(max(steps, 1)) * times + 1)
    grid = np.unique(np.rint(10.0 ** (exponents / times)).astype(np.int64))
    return np.concatenate([[0], grid[grid <= steps]])


def checked_record(record: Any, steps: int) -> np.ndarray:
    """The steps to record, int64 [step]."""
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or not 0 <= steps < 2**32:
        raise ParameterError(f"steps = {shown(steps)}; give a whole number from 0 to 4,294,967,295.")
    if record is None:
        return log_spaced(int(steps))
    if isinstance(record, (int, np.integer)) and not isinstance(record, bool) and 1 <= record <= 1000:
        return np.union1d(a_decade(int(steps), int(record)), [steps])
    try:
        at = np.unique(np.asarray(record))
    except ValueError:
        raise ParameterError(f"record = {shown(record)}; give whole numbers of steps, such as [0, 10, 100].") from None
    if at.size == 0 or np.ndim(record) == 0 or at.dtype.kind not in "iu" or at[0] < 0 or at[-1] > steps:
        raise ParameterError(f"record = {shown(record)}; give whole numbers of steps between 0 and {steps}.")
    return at.astype(np.int64)
