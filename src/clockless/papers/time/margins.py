"""Rows of the figures on continuous time that hold where a whole interval lies within a stated margin.

The margins are those that were stated before the figures' first runs. That the interval must lie within them, and not the
measured value alone, was stated on 22 November 2026 after a look at the values of master seeds 0 and 1: a value within a
margin that its interval leaves would hold or not by luck. Intervals are over tasks, which are what was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clockless.papers.claims import Claim, Source
from clockless.papers.trends import equivalence, median_interval, share_interval, widest_difference

STATED = "2026-11-22"


def within(
    figure: str, quantity: str, expected: float, margin: float, says: str, note: str, source: Source, **found: Any
) -> Claim:
    """A row of the criterion `within`; `found` is what is measured, with its interval."""
    return Claim(
        figure, quantity, expected, margin, says=says, note=note, source=source, criterion="within", stated=STATED, **found
    )


def of_share(share: float, tasks: int) -> dict[str, Any]:
    """A share, and its 90 % interval as if all runs of a task went alike: then tasks are what was drawn."""
    if tasks == 0 or not np.isfinite(share):
        return {"measured": float("nan")}
    low, high = share_interval(np.array(share * tasks), tasks, 0.9)
    return {"measured": share, "ends": (float(low), float(high)), "level": 0.9}


def of_mean(values: np.ndarray) -> dict[str, Any]:
    """Mean over tasks and half of its 90 % interval."""
    if values.size < 2:
        return {"measured": float("nan")}
    mean, half = equivalence(values)
    return {"measured": mean, "half": half, "level": 0.9}


def of_median(values: np.ndarray) -> dict[str, Any]:
    """Median over the tasks of finite value and its interval of at least 95 %, for there are outliers."""
    values = values[np.isfinite(values)]
    if values.size < 2:
        return {"measured": float("nan")}
    middle, low, high = median_interval(values)
    return {"measured": float(middle), "ends": (float(low), float(high))}


def of_all(differences: Sequence[np.ndarray]) -> dict[str, Any]:
    """The largest of several mean differences, and an interval that lies within a margin if that of each one does."""
    if not differences or min(each.size for each in differences) < 2:
        return {"measured": float("nan")}
    largest, ends = widest_difference(differences)
    return {"measured": largest, "ends": ends, "level": 0.9}
