"""How fast time goes on a board: as many steps in a slice of a few hundredths of a second as are due, or as fit."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

_SLICE = 0.03  # seconds of learning between looks at what is asked


@dataclass
class Pace:
    """How fast time goes."""

    running: bool = False
    rate: float = 30.0
    due: float = 0.0  # steps that should have been done, beyond those that were
    slice: int = 1
    stop_after: int = 0  # steps that were asked for one by one
    last: float = field(default_factory=time.perf_counter)

    def steps(self) -> int:
        """How many steps to do now."""
        now = time.perf_counter()
        passed, self.last = min(now - self.last, 0.25), now
        if self.stop_after:
            return min(self.stop_after, self.slice)
        if not self.running:
            self.due = 0.0
            return 0
        self.due = min(self.due + passed * self.rate, max(2.0 * self.slice, 1.0))
        return min(int(self.due), self.slice)

    def did(self, steps: int, seconds: float) -> None:
        """Learn from how long they took, how many fit into a slice."""
        self.due = max(0.0, self.due - steps)
        self.stop_after = max(0, self.stop_after - steps)
        if steps >= self.slice and seconds < _SLICE / 2:
            self.slice = min(2 * self.slice, 1_000_000)
        elif seconds > _SLICE:
            self.slice = max(1, int(self.slice * _SLICE / seconds))
