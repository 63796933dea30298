"""What the hardware makes of two settled states and of a wanted change.

Contract of a device: a `part` with

- `sensed(free, clamped, numbers)` and `compare`: what an edge makes of its two voltage drops; ideally their difference of
  squares, on real boards the output of comparators with a bias;
- `level` and `level_of`: the distance of two values that it can hold, 0 if any value can be held;
- `written(value, wanted, low, high)` and `write`: the value after a wanted change;

each as a readable method and as a compiled behaviour for one unit of one lane. A rule never knows which device it runs on.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown, whole
from clockless.numerics.randomness import COMPARATORS, step_keys, uniform
from clockless.parts.part import Part, behaviour, part

FROZEN_STEP = 2**32 - 1  # never a step of a run: the numbers of biases that are drawn once


def listen(comparator, lanes, step, key):
    """Write the key of the step's comparator noise (uint32 [2, lane]). Compiled only."""


def compare(comparator, difference, total, edge, key, w):
    """A number whose sign says whether the clamped drop is the larger in magnitude. Compiled only.

    `difference` = dV_C - dV_F, `total` = dV_C + dV_F, in volts; their product is dV_C^2 - dV_F^2.
    """


def write(device, value, wanted, low, high, w):
    """The new value of a unit of lane `w` that now has `value`, wants to change by `wanted` and may move in [low, high]."""


def level_of(device, w):
    """Distance of two neighbouring values that a unit of lane `w` can hold; 0 if it can hold any. Compiled only."""


# --- comparators -------------------------------------------------------------------------------------------------------


@part
class Ideal:
    """No comparator: the unit senses dV_C^2 - dV_F^2 exactly, whatever the number of examples."""

    def sensed(self, free: np.ndarray, clamped: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Difference of squares [edge], volts squared."""
        return clamped**2 - free**2


@behaviour(listen, Ideal)
def _listen_ideal(comparator, lanes, step, key):
    pass


@behaviour(compare, Ideal)
def _compare_ideal(comparator, difference, total, edge, key, w):
    return difference * total


def _check_comparator(comparator: Any) -> None:
    if not (isinstance(comparator.bias, Real) and 0 <= float(comparator.bias) < np.inf):
        raise ParameterError(f"bias = {shown(comparator.bias)}; a comparator's bias is in volts, 0 or more and finite.")
    if not (isinstance(comparator.gain, Real) and 0 < float(comparator.gain) < np.inf):
        raise ParameterError(f"gain = {shown(comparator.gain)}; the gain before the comparator is positive and finite.")


@part
class Magnitudes:
    """Compares magnitudes with a bias: gain (|dV_C| - |dV_F|) + sigma, sigma uniform in [0, bias] volts.

    Eq. 10 of Wycoff et al. 2022 (doi 10.1063/5.0084631), where bias = 0.05 V. The sign of sigma follows from the paper's
    'tends to drift upward'. Whether sigma is drawn anew in each step or frozen per edge is not said there.

    Args:
        bias: largest sigma, volts.
        gain: amplification of the signals before the comparator; only bias / gain matters.
        frozen: each edge keeps one sigma for ever, instead of a new one in each step.
    """

    bias: float
    gain: float = 1.0
    frozen: bool = False

    def __post_init__(self) -> None:
        _check_comparator(self)

    def sensed(self, free: np.ndarray, clamped: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Input of the comparator [edge], volts; `numbers` are two uniform 32-bit numbers per edge, the first is used."""
        sigma = self.bias * (numbers[0::2] + 0.5) * 2.0**-32
        return self.gain * (np.abs(clamped) - np.abs(free)) + sigma


@part
class TwoComparators:
    """The board's circuit: sign((dV_C - dV_F)(dV_C + dV_F)) from two comparators and an XOR, with an offset in each.

    gain (dV_C - dV_F) + sigma_1 and gain (dV_C + dV_F) + sigma_2, both sigma uniform in [0, bias] volts. Unlike with
    `Magnitudes` the drift that sigma_1 causes has the sign of the drop: edges whose current flows from their first to
    their second node drift up, the others down.

    Args: as `Magnitudes`.
    """

    bias: float
    gain: float = 1.0
    frozen: bool = False

    def __post_init__(self) -> None:
        _check_comparator(self)

    def sensed(self, free: np.ndarray, clamped: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Product of the inputs of the two comparators [edge], volts squared."""
        first = self.bias * (numbers[0::2] + 0.5) * 2.0**-32
        second = self.bias * (numbers[1::2] + 0.5) * 2.0**-32
        return (self.gain * (clamped - free) + first) * (self.gain * (clamped + free) + second)


def _listen_biased(comparator, lanes, step, key):
    # Per lane, because one block may hold both frozen and redrawn biases.
    step_keys(lanes.seed, lanes.replica, step, COMPARATORS, key)
    if comparator.frozen.max() > 0.0:
        drawn = key.copy()
        step_keys(lanes.seed, lanes.replica, FROZEN_STEP, COMPARATORS, key)
        for w in range(key.shape[1]):
            if comparator.frozen[w] == 0.0:
                key[0, w] = drawn[0, w]
                key[1, w] = drawn[1, w]


behaviour(listen, Magnitudes)(_listen_biased)
behaviour(listen, TwoComparators)(_listen_biased)


@behaviour(compare, Magnitudes)
def _compare_magnitudes(comparator, difference, total, edge, key, w):
    sigma = comparator.bias[w] * uniform(2 * edge, key[0, w], key[1, w])
    return comparator.gain[w] * 0.5 * (abs(total + difference) - abs(total - difference)) + sigma


@behaviour(compare, TwoComparators)
def _compare_twice(comparator, difference, total, edge, key, w):
    first = comparator.bias[w] * uniform(2 * edge, key[0, w], key[1, w])
    second = comparator.bias[w] * uniform(2 * edge + 1, key[0, w], key[1, w])
    return (comparator.gain[w] * difference + first) * (comparator.gain[w] * total + second)


# --- what is written ---------------------------------------------------------------------------------------------------


@part
class Continuous:
    """An ideal device: any value within the medium's range, changes written exactly, stops at the ends of the range."""

    comparator: Part = Ideal()

    def __post_init__(self) -> None:
        _check_part(self.comparator)

    @property
    def level(self) -> float:
        """Any value can be held."""
        return 0.0

    def written(self, value: np.ndarray, wanted: np.ndarray, low: float, high: float) -> np.ndarray:
        """New values [unit]."""
        return np.clip(value + wanted, low, high)


def _check_part(comparator: Any) -> None:
    if not hasattr(comparator, "sensed"):
        raise ParameterError(f"comparator = {shown(comparator)}; give Ideal(), Magnitudes(bias) or TwoComparators(bias).")


@behaviour(write, Continuous)
def _write_continuous(device, value, wanted, low, high, w):
    new = value + wanted
    # Comparisons that let NaN through: a replica that has failed must look failed.
    return low if new < low else high if new > high else new


@behaviour(level_of, Continuous)
def _no_level(device, w):
    return 0.0


@part
class Levels:
    """A digital potentiometer: `count` equally spaced values from `low` to `high`, ends included.

    They are values of what learns: resistances in ohms, or conductances in siemens under a rule for conductances.

    A wanted change is rounded to whole levels, so a rule whose changes are proportional to the signal has a *dead zone*:
    changes of half a level or less are lost, and learning stops when all are that small. `SignRule` speaks in levels and
    has none. Initial values are rounded to the nearest level.

    The paper's board has 128 levels of about 781 ohms (Wycoff et al. 2022, doi 10.1063/5.0084631).

    Raises:
        ParameterError: fewer than 2 levels, or not 0 < low < high < infinity.
    """

    count: int = 128
    low: float = 0.01
    high: float = 100.0
    comparator: Part = Ideal()

    def __post_init__(self) -> None:
        whole("count", self.count, 2)
        if not (
            isinstance(self.low, Real) and isinstance(self.high, Real) and 0 < float(self.low) < float(self.high) < np.inf
        ):
            raise ParameterError(f"levels from {self.low!r} to {self.high!r} are no range; give 0 < low < high.")
        _check_part(self.comparator)

    @property
    def level(self) -> float:
        """Distance of two neighbouring levels."""
        return (self.high - self.low) / (self.count - 1)

    def nearest(self, value: np.ndarray) -> np.ndarray:
        """The level nearest to each value [unit]."""
        return self.low + self.level * np.clip(np.rint((value - self.low) / self.level), 0, self.count - 1)

    def written(self, value: np.ndarray, wanted: np.ndarray, low: float, high: float) -> np.ndarray:
        """New values [unit]; the device's own range counts."""
        number = np.rint((value - self.low) / self.level) + np.rint(wanted / self.level)
        return self.low + self.level * np.clip(number, 0, self.count - 1)


@behaviour(level_of, Levels)
def _level_spacing(device, w):
    return (device.high[w] - device.low[w]) / (device.count[w] - 1.0)


@behaviour(write, Levels)
def _write_levels(device, value, wanted, low, high, w):
    level = (device.high[w] - device.low[w]) / (device.count[w] - 1.0)
    number = np.rint((value - device.low[w]) / level) + np.rint(wanted / level)
    number = 0.0 if number < 0.0 else device.count[w] - 1.0 if number > device.count[w] - 1.0 else number
    return device.low[w] + level * number


@part
class SignedLevels:
    """Equally spaced values from -bound to bound, for couplings of either sign (two potentiometers in opposition).

    An odd `count` has a zero. Changes are rounded to whole levels as by `Levels`, with the same dead zone.

    Raises:
        ParameterError: fewer than 2 levels, or a bound that is not positive and finite.
    """

    count: int = 129
    bound: float = 1.0
    comparator: Part = Ideal()

    def __post_init__(self) -> None:
        whole("count", self.count, 2)
        if not (isinstance(self.bound, Real) and 0 < float(self.bound) < np.inf):
            raise ParameterError(f"bound = {shown(self.bound)}; levels go from -bound to bound, so give a positive number.")
        _check_part(self.comparator)

    @property
    def low(self) -> float:
        """The lowest level."""
        return -self.bound

    @property
    def high(self) -> float:
        """The highest level."""
        return self.bound

    @property
    def level(self) -> float:
        """Distance of two neighbouring levels."""
        return 2.0 * self.bound / (self.count - 1)

    def nearest(self, value: np.ndarray) -> np.ndarray:
        """The level nearest to each value [unit]."""
        return self._value(np.rint((value + self.bound) / self.level))

    def written(self, value: np.ndarray, wanted: np.ndarray, low: float, high: float) -> np.ndarray:
        """New values [unit]; the device's own range counts."""
        return self._value(np.rint((value + self.bound) / self.level) + np.rint(wanted / self.level))

    def _value(self, number: np.ndarray) -> np.ndarray:
        return self.level * (np.clip(number, 0, self.count - 1) - 0.5 * (self.count - 1))  # the middle one is exactly 0


IDEAL = Continuous()
