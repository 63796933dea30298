"""Which examples the steps of a block use: a table [step, draw, lane] of example numbers, -1 where a lane draws no more.

The numbers drawn are those of other engines in lanes: one example is the first random number of the step scaled to the set,
a number of examples is `FixedFraction`, a clock decides of every example, `Epochs` goes through shuffled epochs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clockless.numerics.randomness import EPOCHS, EXAMPLES, step_keys, unit_hash
from clockless.parts.clocks import choose
from clockless.parts.kernels import entry


def _draw_one(seed, replica, count, first, table):
    key = np.zeros((2, seed.size), dtype=np.uint32)
    for t in range(table.shape[0]):
        step_keys(seed, replica, first + t, EXAMPLES, key)
        for w in range(seed.size):
            table[t, 0, w] = np.int64((np.uint64(unit_hash(0, key[0, w], key[1, w])) * np.uint64(count)) >> np.uint64(32))


def _draw_some(stamp, clock, memory, seed, replica, count, first, table):
    key = np.zeros((2, seed.size), dtype=np.uint32)
    taken = np.zeros((count, seed.size), dtype=np.bool_)
    nothing = np.zeros((0, seed.size))
    for t in range(table.shape[0]):
        step_keys(seed, replica, first + t, EXAMPLES, key)
        choose(clock, memory, first + t, key, nothing, taken)
        for w in range(seed.size):
            j = 0
            for example in range(count):
                if taken[example, w]:
                    table[t, j, w] = example
                    j += 1


def _draw_epochs(seed, replica, count, size, first, table):
    """The order of an epoch is that of its random numbers; the last batch of an epoch holds what is left."""
    key = np.zeros((2, 1), dtype=np.uint32)
    batches = -(-count // size)
    order = np.zeros(count, dtype=np.int64)
    drawn = np.zeros(count, dtype=np.uint32)
    for w in range(seed.size):
        present = -1
        for t in range(table.shape[0]):
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


draw_one: Any = entry(_draw_one)
draw_some: Any = entry(_draw_some)
draw_epochs: Any = entry(_draw_epochs)
