"""Random numbers without state: each is a hash of (seed, replica, step, purpose, unit).

So a replica draws the same numbers whatever lane, thread or worker it runs on, however many replicas run beside it, and
after any resume. Two layers, because 143 units ask for a number in every step and only one key is needed per step:

- `step_key`: Philox4x32-10 (Salmon et al. 2011, doi 10.1145/2063384.2063405) of the counter (step, replica, purpose, 0)
  under the key `seed`; two of its four words are the key of that replica and step.
- `unit_hash`: two rounds of a 32-bit avalanche mixer over (unit, key), four multiplications a number, which
  vectorises over lanes.

All arithmetic stays in explicit unsigned types: mixed with signed integers Numba would promote it and change the bits.
"""

from __future__ import annotations

import numpy as np

from clockless.numerics.lanes import uncounted

_LOW32 = np.uint64(0xFFFFFFFF)
_SHIFT32 = np.uint64(32)
_PHILOX_M0 = np.uint64(0xD2511F53)
_PHILOX_M1 = np.uint64(0xCD9E8D57)
_PHILOX_W0 = np.uint64(0x9E3779B9)
_PHILOX_W1 = np.uint64(0xBB67AE85)
_GOLDEN = np.uint32(0x9E3779B9)

# Purposes, so that two uses in the same step never share a number.
CLOCK = np.uint64(0)
EXAMPLES = np.uint64(1)
OSCILLATORS = np.uint64(3)
COMPARATORS = np.uint64(2)
RULES = np.uint64(4)  # what rules draw
WRITES = np.uint64(5)  # what devices draw when they write
TRIGGERS = np.uint64(8)  # what triggers draw for an event of their own
HEARD = np.uint64(9)  # and for one of a neighbour
PRESENTATIONS = np.uint64(10)  # which example is shown, and for how long
THERMAL = np.uint64(11)  # Johnson noise of edges
MISMATCH = np.uint64(12)  # by how much the edges of two twins differ
PHASES = np.uint64(16)  # where phases start
RELAXATION = np.uint64(17)  # in which order sites relax
COUPLINGS = np.uint64(18)  # initial couplings and fields
TEST_PHASES = np.uint64(19)  # where phases start when a test set is looked at
EPOCHS = np.uint64(20)  # in which order an epoch goes through the examples
STATES = np.uint64(64)  # to 67: noise of free, pushed, back-pushed and tested states of media of one's own


NORMALS = 2**31  # the units from here on give the pairs that normal numbers are made of


@uncounted
def philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: four 32-bit words (in uint64) from a counter of four words and a key of two."""
    for _ in range(10):
        p0 = _PHILOX_M0 * c0
        p1 = _PHILOX_M1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT32) ^ c1 ^ k0, p1 & _LOW32, (p0 >> _SHIFT32) ^ c3 ^ k1, p0 & _LOW32
        k0 = (k0 + _PHILOX_W0) & _LOW32
        k1 = (k1 + _PHILOX_W1) & _LOW32
    return c0, c1, c2, c3


@uncounted
def step_keys(seed, replica, step, purpose, key):
    """Write the two key words of every lane into `key` (uint32 [2, lane]); `seed`, `replica` are uint64 [lane]."""
    for w in range(key.shape[1]):
        words = philox(
            np.uint64(step) & _LOW32,
            replica[w] & _LOW32,
            replica[w] >> _SHIFT32,
            purpose,
            seed[w] & _LOW32,
            seed[w] >> _SHIFT32,
        )
        key[0, w] = np.uint32(words[0])
        key[1, w] = np.uint32(words[1])


@uncounted
def _mix(x):
    """A bijection of 32-bit words in which every input bit flips every output bit with probability near 1/2."""
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@uncounted
def unit_hash(unit, key0, key1):
    """The uniform 32-bit number of `unit` under a step's key."""
    inner = _mix(np.uint32(key0 + np.uint32(np.uint32(unit) * _GOLDEN)))
    return _mix(np.uint32(inner ^ key1))


@uncounted
def uniform(unit, key0, key1):
    """The same number as a float64 in (0, 1): the centre of its 2^-32 wide bin."""
    return (np.float64(unit_hash(unit, key0, key1)) + 0.5) * 2.0**-32


@uncounted
def normal(unit, key0, key1):
    """A normal number of mean 0 and variance 1 from two uniform ones (Box and Muller 1958, doi 10.1214/aoms/1177706645)."""
    pair = NORMALS + 2 * unit
    return np.sqrt(-2.0 * np.log(uniform(pair, key0, key1))) * np.cos(2.0 * np.pi * uniform(pair + 1, key0, key1))


def numbers(seed: int, replica: int, step: int, purpose: np.uint64, units: int, first: int = 0) -> np.ndarray:
    """The numbers of `unit_hash` for `units` units from `first` on of one replica and step, uint32 [unit], in NumPy."""
    words = philox.py_func(
        np.uint64(step) & _LOW32,
        np.uint64(replica) & _LOW32,
        np.uint64(replica) >> _SHIFT32,
        purpose,
        np.uint64(seed) & _LOW32,
        np.uint64(seed) >> _SHIFT32,
    )
    inner = _mix.py_func(np.uint32(words[0]) + np.arange(first, first + units, dtype=np.uint32) * _GOLDEN)
    drawn: np.ndarray = _mix.py_func(inner ^ np.uint32(words[1]))
    return drawn
