"""What a state is held by while it settles: values that are fixed, a push towards targets, the luck of this one state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from clockless.numerics.randomness import STATES, numbers

FREE, PUSHED, PUSHED_BACK, TESTED = range(4)  # which state of an example


class Key(NamedTuple):
    """Which state this is; whatever is random about it is hashed from these numbers.

    Attributes:
        seed, replica, step: of the replica, and steps done.
        example: place in the batch, or in the test set.
        state: 0 free, 1 pushed, 2 pushed the other way, 3 tested.
    """

    seed: int = 0
    replica: int = 0
    step: int = 0
    example: int = 0
    state: int = FREE


@dataclass(frozen=True, eq=False)
class Boundary:
    """What a medium settles under.

    Attributes:
        held: entries of the state that are fixed: inputs, ground and, under a clamp, outputs; int [held].
        values: what they are fixed at [held].
        outputs, targets: under a nudge, the entries that are pushed and whereto [output].
        strength: of the nudge, which adds strength / 2 sum (s_output - target)^2 to the energy; negative if it pushes away.
        key: which state this is.
    """

    held: np.ndarray
    values: np.ndarray
    outputs: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    targets: np.ndarray = field(default_factory=lambda: np.zeros(0))
    strength: float = 0.0
    key: Key = field(default_factory=Key)

    def placed(self, state: np.ndarray) -> np.ndarray:
        """A copy of a state with the held values in place."""
        placed = np.array(state, dtype=np.float64)
        placed[self.held] = self.values
        return placed

    def free(self, size: int) -> np.ndarray:
        """The entries of a state of `size` that are not held, int [free]."""
        return np.setdiff1d(np.arange(size), self.held)

    def cost(self, state: np.ndarray) -> float:
        """What the nudge adds to the energy: strength / 2 sum (s_output - target)^2."""
        return 0.5 * self.strength * float(np.sum((state[self.outputs] - self.targets) ** 2))

    def push(self, state: np.ndarray) -> np.ndarray:
        """What the nudge adds to dE/dstate [size]: strength (s_output - target) at outputs, 0 elsewhere."""
        push = np.zeros(state.size)
        push[self.outputs] = self.strength * (state[self.outputs] - self.targets)
        return push

    def uniform(self, count: int) -> np.ndarray:
        """Numbers in (0, 1) of this state alone [count], the same however the run is sliced, resumed or spread."""
        key = self.key
        purpose = np.uint64(int(STATES) + key.state)
        drawn = numbers(key.seed, key.replica, key.step, purpose, count, (key.example * count) % 2**31)
        return (drawn + 0.5) * 2.0**-32


class Sensed(NamedTuple):
    """A settled state and what units sense in it.

    Attributes:
        state: [size].
        signal: dE/dparameter [unit].
        residual: largest force left / largest force; 0 where a medium says nothing of forces.
        sweeps: work it took, in the medium's own measure.
    """

    state: np.ndarray
    signal: np.ndarray
    residual: float = 0.0
    sweeps: int = 1
