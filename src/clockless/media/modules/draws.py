"""What is drawn for a session: first parameters, batches of examples, and who acts. All from (seed, replica, step, unit)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clockless.numerics.randomness import CLOCK, EXAMPLES, numbers

_WEIGHTS = np.uint64(64)  # purpose of random numbers, see `randomness`
_SLOTS = 1 << 16  # arrays that one module may draw
_CHUNK = 256  # steps whose clock numbers are drawn at once; results do not depend on it


class Draws:
    """The luck of one replica; `replica` is a hash of its examples, `count` their number, `units` that of modules."""

    def __init__(self, seed: int, replica: int, count: int, batch: int, clock: Any, units: int) -> None:
        self._seed, self._replica, self._count, self._batch = seed, replica, count, batch
        self._clock, self._units = clock, units
        self._memory = clock.memory(seed, replica, units) if hasattr(clock, "memory") else None
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)
        self._chunk, self._drawn = -1, np.empty((0, units), dtype=np.uint32)

    def uniform(self, unit: int) -> Callable[[int], np.ndarray]:
        """A source of first parameters for a module: each call gives the next array's numbers in (0, 1), float64 [count]."""
        calls = iter(range(_SLOTS))

        def draw(count: int) -> np.ndarray:
            drawn = numbers(self._seed, self._replica, unit * _SLOTS + next(calls), _WEIGHTS, count)
            return (drawn + 0.5) * 2.0**-32

        return draw

    def examples(self, step: int) -> np.ndarray:
        """Which examples are learned from in a step [batch].

        Every epoch is a new random order cut into batches; the examples left over sit that epoch out.
        """
        epoch, place = divmod(step, self._count // self._batch)
        if epoch != self._epoch:
            drawn = numbers(self._seed, self._replica, epoch, EXAMPLES, self._count)
            self._epoch, self._order = epoch, np.argsort(drawn, kind="stable")
        return self._order[place * self._batch : (place + 1) * self._batch]

    def acting(self, step: int) -> np.ndarray:
        """Which modules the clock lets act in a step, bool [unit]."""
        if self._memory is not None:
            called: np.ndarray = self._clock.acting_at(step, self._memory)
            return called
        chunk, row = divmod(step, _CHUNK)
        if chunk != self._chunk:
            steps: Any = (chunk * _CHUNK + np.arange(_CHUNK))[:, None]  # a column: one row of numbers per step
            self._chunk, self._drawn = chunk, numbers(self._seed, self._replica, steps, CLOCK, self._units)
        acts: np.ndarray = self._clock.acting(self._drawn[row])
        return acts
