"""One unit of work from record to record: stopped at any step, put away and taken up again, it gives the same bits.

A session holds one or more replicas that advance together. Whatever learns, resistors in lanes or anything else, is run by
`follow`; ensembles in memory and stores on disk differ only in where the results go.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]

_SLICE_SECONDS = 0.1  # between looks at whether to stop


class Session(Protocol):
    """Contract of a unit in progress.

    `step` counts the steps done. What a step does depends on the absolute step alone, never on how the steps are sliced.
    """

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def size(self) -> int:
        """Number of replicas."""

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, not included."""

    def measure(self) -> Arrays:
        """What is recorded at a step, each [replica, ..]."""

    def state(self) -> Arrays:
        """All that the next step needs, `step` included."""

    def restore(self, state: Arrays) -> None:
        """Take up such a state; raises ValueError if it does not fit."""

    def results(self, recorded: Arrays) -> Arrays:
        """What is kept in the end, each [replica, ..], from what was recorded, each [replica, record, ..]."""


class OneReplica:
    """The part of the contract that any learning of a single replica shares; `learning` has the same methods."""

    size = 1

    def __init__(self, learning: Any, traces: bool) -> None:
        self.learning, self._traces = learning, traces

    @property
    def step(self) -> int:
        """Steps done."""
        return self.learning.step

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, not included."""
        self.learning.advance(last)

    def state(self) -> Arrays:
        """What the next step needs."""
        return self.learning.state()

    def restore(self, state: Arrays) -> None:
        """Take up such a state."""
        self.learning.restore(state)


@dataclass
class Progress:
    """What has been recorded of a session: `recorded` [replica, record, ..] at `steps`."""

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
    """What goes on beside a session.

    Attributes:
        stopped: looked at several times a second; True leaves after the present slice of steps.
        count: told how many replica-steps have been done.
        put_away: given the session and its progress between slices; writes a checkpoint if it is time for one.
    """

    stopped: Callable[[], bool] = lambda: False
    count: Callable[[int], None] = lambda replica_steps: None
    put_away: Callable[[Session, Progress], None] = lambda session, progress: None


def follow(session: Session, record_at: np.ndarray, progress: Progress, watch: Watch) -> bool:
    """Advance to every step of `record_at` in turn and record it; False if it was stopped on the way."""
    done = set(progress.steps)
    slice_ = 64
    for target in record_at.tolist():
        if target in done:
            continue
        while session.step < target:
            if watch.stopped():
                return False
            first, began = session.step, time.perf_counter()
            session.advance(min(target, first + slice_))
            seconds = time.perf_counter() - began
            watch.count((session.step - first) * session.size)
            if session.step == first + slice_:
                slice_ = max(1, min(2 * slice_, int(slice_ * _SLICE_SECONDS / max(seconds, 1e-9))))
            if session.step < target:
                watch.put_away(session, progress)
        progress.add(target, session.measure())
        watch.put_away(session, progress)
    return True
