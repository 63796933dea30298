"""Which examples the steps of a block use: a table [step, draw, lane] of example numbers, -1 where a lane draws no more.

The numbers drawn are those of other engines in lanes: one example is the first random number of the step scaled to the set,
a number of examples is `FixedFraction`, a clock decides of every example, `Epochs` goes through shuffled epochs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.numerics.randomness import EPOCHS, EXAMPLES, step_keys, unit_hash
from clockless.parts.clocks import FixedFraction, choose
from clockless.parts.kernels import entry, stamp
from clockless.parts.packed import Packed, unpack
from clockless.parts.part import stack
from clockless.parts.samplers import Epochs
from clockless.parts.scalars import Units, clock_memory


def _draw_one(packed, first, last):
    seed, replica, key, table, count = unpack(packed)
    for t in range(last - first):
        step_keys(seed, replica, first + t, EXAMPLES, key)
        for w in range(seed.size):
            table[t, 0, w] = np.int64((np.uint64(unit_hash(0, key[0, w], key[1, w])) * np.uint64(count)) >> np.uint64(32))


def _draw_some(packed, first, last):
    """`taken` [example, lane] are those that a clock chooses; `nothing` is what it sees of their signals."""
    seed, replica, key, table, _, clock, memory, nothing, taken = unpack(packed)
    for t in range(last - first):
        step_keys(seed, replica, first + t, EXAMPLES, key)
        choose(clock, memory, first + t, key, nothing, taken)
        for w in range(seed.size):
            j = 0
            for example in range(taken.shape[0]):
                if taken[example, w]:
                    table[t, j, w] = example
                    j += 1


def _draw_epochs(packed, first, last):
    """The order of an epoch is that of its random numbers; the last batch of an epoch holds what is left."""
    seed, replica, key, table, size, order, drawn = unpack(packed)
    count = order.size
    batches = -(-count // size)
    for w in range(seed.size):
        present = -1
        for t in range(last - first):
            epoch, batch = (first + t) // batches, (first + t) % batches
            if epoch != present:
                present = epoch
                step_keys(seed[w : w + 1], replica[w : w + 1], epoch, EPOCHS, key)
                for k in range(count):  # insertion: stable, and epochs are short beside what is learned in them
                    drawn[k] = unit_hash(k, key[0, 0], key[1, 0])
                    at = k
                    while at > 0 and drawn[order[at - 1]] > drawn[k]:
                        order[at] = order[at - 1]
                        at -= 1
                    order[at] = k
            for j in range(min(size, count - batch * size)):
                table[t, j, w] = order[batch * size + j]


draw_one: Any = entry(_draw_one, _nrt=False)
draw_some: Any = entry(_draw_some, _nrt=False)
draw_epochs: Any = entry(_draw_epochs, _nrt=False)


class Draw:
    """Draws the examples of steps: `draw(first, last)` writes those of steps `first` to `last`, not included.

    Attributes:
        table: int64 [step, draw, lane]; a single step where all are alike.
        always: whether they are.
    """

    def __init__(self, replicas: list[Any], seed: np.ndarray, replica: np.ndarray, examples: int, steps: int) -> None:
        batch, lanes = replicas[0].batch, len(seed)
        self.always = batch == "full"
        if self.always:
            self.table = np.repeat(np.arange(examples)[None, :, None], lanes, axis=2)
            return
        clocks = [FixedFraction(r.batch / examples) if isinstance(r.batch, int) else r.batch for r in replicas]
        epochs = isinstance(batch, Epochs)
        most = 1 if batch == 1 else batch.size if epochs else clock_draws(clocks[0], examples)
        self.table = np.full((steps, most, lanes), -1, dtype=np.int64)
        key = np.zeros((2, 1 if epochs else lanes), dtype=np.uint32)
        if epochs:
            order, drawn = np.zeros(examples, dtype=np.int64), np.zeros(examples, dtype=np.uint32)
            self._draw, self._packed = draw_epochs, Packed(seed, replica, key, self.table, batch.size, order, drawn)
        elif batch == 1:
            self._draw, self._packed = draw_one, Packed(seed, replica, key, self.table, examples)
        else:
            who = zip(seed, replica, clocks, strict=True)
            memories = [clock_memory(clock, Units(int(s), int(r), 0, examples, {})) for s, r, clock in who]
            memory, taken = np.ascontiguousarray(np.stack(memories, axis=-1)), np.zeros((examples, lanes), dtype=np.bool_)
            self._draw = draw_some
            self._packed = Packed(
                seed,
                replica,
                key,
                self.table,
                stamp(__name__, clocks[0]),
                stack(clocks),
                memory,
                np.zeros((0, lanes)),
                taken,
            )

    def __call__(self, first: int, last: int) -> None:
        if not self.always:
            self.table[:] = -1
            self._draw(self._packed, first, last)


def clock_draws(clock: Any, examples: int) -> int:
    """The most examples that a clock can draw in a step."""
    return round(clock.rate(examples) * examples) if isinstance(clock, FixedFraction) else examples
