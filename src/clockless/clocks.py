"""Which units act now: five words for asynchrony, from none at all to independent coin tosses.

Contract of a clock: a `part` with

- `rate(units)`: the mean fraction of units that act in a step;
- `acting(numbers)`: which of the units act, given their uniform 32-bit numbers of the step (uint32 [unit] -> bool
  [unit]); the readable version, used by the NumPy reference;
- an overload of `choose`, the same for a block of lanes;
- if its units keep something from step to step, `memory(seed, replica, units)`: its first value [slot, unit].

What a unit can sense is its own random numbers, its own memory and the change that it wants; no clock sees another unit.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError
from clockless.parts import behaviour, part
from clockless.randomness import uniform, unit_hash


def choose(clock, memory, step, key, wanted, acts):
    """Write which units act at `step` into `acts` (bool [unit, lane]).

    `memory` [slot, unit, lane] is what each unit keeps from step to step, `key` the step's uint32 [2, lane] key for
    `randomness.unit_hash`, `wanted` [unit, lane] the change each unit wants. Compiled only; see the overloads.
    """


def _checked_fraction(name: str, p: Any) -> None:
    if not (isinstance(p, Real) and 0 < float(p) <= 1):
        raise ParameterError(f"{name} got p = {p!r}; p is the fraction of units that act in a step, 0 < p <= 1.")


@part
class Global:
    """All units act in every step: the synchronous limit, p = 1."""

    def rate(self, units: int) -> float:
        """Mean fraction of units that act in a step."""
        return 1.0

    def acting(self, numbers: np.ndarray) -> np.ndarray:
        """All of them, bool [unit]."""
        return np.ones(numbers.size, dtype=bool)


@behaviour(choose, Global)
def _choose_global(clock, memory, step, key, wanted, acts):
    acts[:] = True


@part
class Bernoulli:
    """Each unit acts with probability p, independently of the others and of the past.

    Eq. 3 of Wycoff et al. 2022 (doi 10.1063/5.0084631). `Bernoulli(1.0)` equals `Global()` bit for bit.

    Raises:
        ParameterError: p outside (0, 1].
    """

    p: float

    def __post_init__(self) -> None:
        _checked_fraction("Bernoulli", self.p)

    def rate(self, units: int) -> float:
        """Mean fraction of units that act in a step: p."""
        return float(self.p)

    def acting(self, numbers: np.ndarray) -> np.ndarray:
        """Units whose number lies in the lowest fraction p of the 2^32 values, bool [unit]."""
        return numbers <= np.uint32(max(np.rint(self.p * 2.0**32) - 1, 0))


@behaviour(choose, Bernoulli)
def _choose_bernoulli(clock, memory, step, key, wanted, acts):
    units, lanes = acts.shape
    highest = np.empty(lanes, dtype=np.uint32)
    for w in range(lanes):
        highest[w] = np.uint32(max(np.rint(clock.p[w] * 2.0**32) - 1.0, 0.0))
    for unit in range(units):
        for w in range(lanes):
            acts[unit, w] = unit_hash(unit, key[0, w], key[1, w]) <= highest[w]


@part
class FixedFraction:
    """Exactly round(p N) of the N units act in each step, every such set being equally likely.

    The 'constant number' variant of Fig. 2b of Wycoff et al. 2022 (doi 10.1063/5.0084631). Units are decided one after the
    other by selection sampling (Knuth, TAOCP vol. 2, 3.4.2, algorithm S).

    Raises:
        ParameterError: p outside (0, 1]; at training, round(p N) = 0.
    """

    p: float

    def __post_init__(self) -> None:
        _checked_fraction("FixedFraction", self.p)

    def rate(self, units: int) -> float:
        """Fraction of units that act in each step: round(p N) / N."""
        if int(np.floor(self.p * units + 0.5)) == 0:
            raise ParameterError(f"{self} of {units} units rounds to none, so nothing would ever act; raise p.")
        return float(np.floor(self.p * units + 0.5)) / units

    def acting(self, numbers: np.ndarray) -> np.ndarray:
        """bool [unit]: unit u is taken if its uniform number times the units left is below the number still wanted."""
        wanted = np.floor(self.p * numbers.size + 0.5)
        acts = np.zeros(numbers.size, dtype=bool)
        for unit, number in enumerate(numbers):
            acts[unit] = (numbers.size - unit) * ((float(number) + 0.5) * 2.0**-32) < wanted
            wanted -= acts[unit]
        return acts


@behaviour(choose, FixedFraction)
def _choose_fixed_fraction(clock, memory, step, key, wanted, acts):
    units, lanes = acts.shape
    missing = np.empty(lanes)
    for w in range(lanes):
        missing[w] = np.floor(clock.p[w] * units + 0.5)
    for unit in range(units):
        for w in range(lanes):
            take = (units - unit) * uniform(unit, key[0, w], key[1, w]) < missing[w]
            acts[unit, w] = take
            missing[w] -= 1.0 if take else 0.0


SYNCHRONOUS = Global()
