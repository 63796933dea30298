"""One learner from record to record: stopped at any step, put away and taken up again, it gives the same bits.

Whatever learns, resistors in lanes or anything else, is run by `follow`; ensembles in memory and stores on disk differ only
in where the results go.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from clockless.learning.contracts import Arrays, Learner

_SLICE_SECONDS = 0.1  # between looks at whether to stop


@dataclass
class Progress:
    """What has been recorded of a learner: `recorded` [replica, record, ..] at `steps`."""

    steps: list[int] = field(default_factory=list)
    recorded: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def add(self, step: int, seen: Arrays) -> None:
        """Record what was seen at a step."""
        self.steps.append(step)
        for name, values in seen.items():
            self.recorded.setdefault(name, []).append(values.copy())

    def only(self, steps: set[int]) -> Progress:
        """What was recorded at these steps."""
        kept = [k for k, step in enumerate(self.steps) if step in steps]
        recorded = {name: [values[k] for k in kept] for name, values in self.recorded.items()}
        return Progress([self.steps[k] for k in kept], recorded)

    def arrays(self) -> Arrays:
        """[replica, record, ..] by name."""
        return {name: np.stack(values, axis=1) for name, values in self.recorded.items()}


@dataclass(frozen=True)
class Watch:
    """What goes on beside a learner.

    Attributes:
        stopped: looked at several times a second; True leaves after the present slice of steps.
        count: told how many replica-steps have been done.
        put_away: given the learner and its progress between slices; writes a checkpoint if it is time for one.
    """

    stopped: Callable[[], bool] = lambda: False
    count: Callable[[int], None] = lambda replica_steps: None
    put_away: Callable[[Learner, Progress], None] = lambda learner, progress: None


def follow(learner: Learner, record_at: np.ndarray, progress: Progress, watch: Watch) -> bool:
    """Advance to every step of `record_at` in turn and record it; False if it was stopped on the way."""
    done = set(progress.steps)
    slice_ = 64
    for target in record_at.tolist():
        if target in done:
            continue
        while learner.step < target:
            if watch.stopped():
                return False
            first, began = learner.step, time.perf_counter()
            learner.advance(min(target, first + slice_))
            seconds = time.perf_counter() - began
            watch.count((learner.step - first) * learner.size)
            if learner.step == first + slice_:
                slice_ = max(1, min(2 * slice_, int(slice_ * _SLICE_SECONDS / max(seconds, 1e-9))))
            if learner.step < target:
                watch.put_away(learner, progress)
        progress.add(target, learner.measure())
        watch.put_away(learner, progress)
    return True
