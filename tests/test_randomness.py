"""The hash that all luck comes from: known answers, agreement of both versions, uniformity and independence."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from clockless.media.resistors import reference
from clockless.numerics.randomness import CLOCK, EXAMPLES, philox, step_keys, uniform, unit_hash

MASK = 0xFFFFFFFF
ONES = (MASK,) * 4
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)

# Known answers of Random123 (kat_vectors, philox4x32 with 10 rounds): counter, key, words.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (ONES, (MASK, MASK), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (PI, (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]


@njit
def compiled_philox(counter, key):
    return philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1])


@njit
def draw(seed, replica, first, steps, purpose, units):
    """Numbers [step, lane, unit] as the engine draws them, and the same as floats."""
    lanes = seed.size
    key = np.zeros((2, lanes), dtype=np.uint32)
    words = np.empty((steps, lanes, units), dtype=np.uint32)
    floats = np.empty((steps, lanes, units))
    for step in range(steps):
        step_keys(seed, replica, first + step, purpose, key)
        for w in range(lanes):
            for unit in range(units):
                words[step, w, unit] = unit_hash(unit, key[0, w], key[1, w])
                floats[step, w, unit] = uniform(unit, key[0, w], key[1, w])
    return words, floats


def drawn(seeds, replicas, first=0, steps=1, purpose=CLOCK, units=1):
    seeds, replicas = np.broadcast_arrays(np.asarray(seeds, dtype=np.uint64), np.asarray(replicas, dtype=np.uint64))
    return draw(np.atleast_1d(seeds).copy(), np.atleast_1d(replicas).copy(), first, steps, purpose, units)


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_gives_the_known_answers_of_random123(counter, key, words):
    assert reference.philox(counter, key) == words
    compiled = compiled_philox(np.array(counter, dtype=np.uint64), np.array(key, dtype=np.uint64))
    assert tuple(int(word) for word in compiled) == words


def plain_number(seed: int, replica: int, step: int, purpose: int, unit: int) -> int:
    """The whole recipe once more, in Python integers and without a line of the package."""
    c, k = [step, replica & MASK, replica >> 32, purpose], [seed & MASK, seed >> 32]
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]

    def mix(x: int) -> int:
        x = (x ^ (x >> 16)) * 0x7FEB352D % 2**32
        x = (x ^ (x >> 15)) * 0x846CA68B % 2**32
        return x ^ (x >> 16)

    return mix(mix((c[0] + unit * 0x9E3779B9) % 2**32) ^ c[1])


# Written down once: a change of any constant, shift or order changes stored runs and must not pass unnoticed.
TABLE = [
    ((0, 0, 0, 0, 0), 0x89579C71),
    ((0, 0, 0, 0, 1), 0xA5DE8D8F),
    ((1, 2, 3, 0, 4), 0xCF4B0A09),
    ((1, 2, 3, 1, 4), 0x736260BE),
    ((2**64 - 1, 2**64 - 1, 2**32 - 1, 1, 142), 0xB1191642),
    ((2**32, 2**32, 0, 0, 4095), 0x82B25494),
    ((12345678901234567890, 9876543210987654321, 1_000_000, 0, 70), 0x40DCBFBC),
]


@pytest.mark.parametrize(("words", "expected"), TABLE)
def test_numbers_equal_the_table(words, expected):
    seed, replica, step, purpose, unit = words
    assert plain_number(*words) == expected
    assert reference.numbers(seed, replica, step, purpose, unit + 1)[unit] == expected
    compiled, floats = drawn(seed, replica, step, purpose=np.uint64(purpose), units=unit + 1)
    assert compiled[0, 0, unit] == expected
    assert floats[0, 0, unit] == (expected + 0.5) / 2**32


def test_compiled_numbers_equal_those_of_the_reference():
    rng = np.random.default_rng(3)
    seeds, replicas = rng.integers(0, 2**64, (2, 5), dtype=np.uint64)
    for first in (0, 999, 2**31 - 1, 2**32 - 3):
        words, _ = drawn(seeds, replicas, first, steps=3, purpose=EXAMPLES, units=143)
        for w in range(5):
            for step in range(3):
                expected = reference.numbers(int(seeds[w]), int(replicas[w]), first + step, EXAMPLES, 143)
                np.testing.assert_array_equal(words[step, w], expected)


def test_bytes_are_uniform():
    """Chi-square of 255 degrees of freedom per byte position: mean 255, standard deviation sqrt(510) = 22.6."""
    words, _ = drawn(np.arange(32), np.arange(32) // 4, steps=500, units=64)
    for position in range(4):
        counts = np.bincount(((words >> np.uint32(8 * position)) & np.uint32(255)).ravel(), minlength=256)
        expected = words.size / 256
        chi_square = np.sum((counts - expected) ** 2) / expected
        assert abs(chi_square - 255) < 5 * np.sqrt(510), f"byte {position}"


@pytest.mark.parametrize("between", ["units", "steps", "replicas", "seeds", "purposes"])
def test_neighbours_are_independent(between):
    """Every bit against every bit of the neighbour: 1024 correlations of n pairs, standard error 1/sqrt(n)."""
    lanes = np.arange(64)
    seeds, replicas = (lanes, 5) if between == "seeds" else (5, lanes)
    words, _ = drawn(seeds, replicas, steps=10, units=64)
    if between == "purposes":
        other, _ = drawn(seeds, replicas, steps=10, units=64, purpose=EXAMPLES)
        first, second = words.ravel(), other.ravel()
    else:
        table = np.moveaxis(words, {"steps": 0, "replicas": 1, "seeds": 1, "units": 2}[between], 0)
        first, second = table[:-1].ravel(), table[1:].ravel()
    bits = np.arange(32, dtype=np.uint32)[:, None]
    one, two = (((side >> bits) & np.uint32(1)) * 2.0 - 1.0 for side in (first, second))
    correlations = one @ two.T / first.size
    # The largest of 1024 normal numbers is below 5 standard errors with probability 0.9994.
    assert np.abs(correlations).max() < 5 / np.sqrt(first.size)
    assert np.sqrt(np.mean(correlations**2)) == pytest.approx(1 / np.sqrt(first.size), rel=0.2)


def test_uniform_has_the_moments_of_a_uniform_number():
    _, floats = drawn(np.arange(32), 7, steps=200, units=32)
    n = floats.size
    assert 0 < floats.min() < floats.max() < 1
    assert floats.mean() == pytest.approx(1 / 2, abs=5 * np.sqrt(1 / 12 / n))
    assert np.mean((floats - 0.5) ** 2) == pytest.approx(1 / 12, abs=5 * np.sqrt(1 / 180 / n))
