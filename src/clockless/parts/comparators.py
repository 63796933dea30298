"""What an edge makes of its two voltage drops: their difference of squares, or on real boards the output of comparators.

Contract of a comparator: a `part` with the readable `sensed(free, clamped, numbers)`, and behaviours of `listen` (which
random numbers it hears in a step) and `compare`, for one edge of one lane.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.numerics.randomness import COMPARATORS, step_keys, uniform
from clockless.parts.part import behaviour, part

FROZEN_STEP = 2**32 - 1  # never a step of a run: the numbers of biases that are drawn once


def listen(comparator: Any, lanes: Any, step: int, key: np.ndarray) -> None:
    """Write the key of the step's comparator noise (uint32 [2, lane]). Compiled only."""


def compare(comparator: Any, difference: float, total: float, edge: int, key: np.ndarray, w: int) -> Any:
    """A number whose sign says whether the clamped drop is the larger in magnitude. Compiled only.

    `difference` = dV_C - dV_F, `total` = dV_C + dV_F, in volts; their product is dV_C^2 - dV_F^2.
    """


@part
class Ideal:
    """No comparator: the unit senses dV_C^2 - dV_F^2 exactly, whatever the number of examples."""

    def sensed(self, free: np.ndarray, clamped: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Difference of squares [edge], volts squared."""
        difference: np.ndarray = clamped**2 - free**2
        return difference


@behaviour(listen, Ideal)
def _listen_ideal(comparator: Any, lanes: Any, step: int, key: np.ndarray) -> None:
    pass


@behaviour(compare, Ideal)
def _compare_ideal(comparator: Any, difference: float, total: float, edge: int, key: np.ndarray, w: int) -> float:
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
        heard: np.ndarray = self.gain * (np.abs(clamped) - np.abs(free)) + sigma
        return heard


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
        product: np.ndarray = (self.gain * (clamped - free) + first) * (self.gain * (clamped + free) + second)
        return product


@part
class ReadNoise:
    """No comparator, but two readings that are not exact: (dV_C + n_1)^2 - (dV_F + n_2)^2, n_1 and n_2 normal.

    Both are drawn anew for every reading; on average it is dV_C^2 - dV_F^2. Readings are of one example at a time; any rule
    can use them.

    Args:
        noise: standard deviation of a reading, volts, from 0.
    """

    noise: float
    analog = True  # what is sensed is a magnitude, and not only a sign

    def __post_init__(self) -> None:
        if isinstance(self.noise, bool) or not (isinstance(self.noise, Real) and 0 <= float(self.noise) < np.inf):
            raise ParameterError(f"noise = {shown(self.noise)}; the noise of a reading is in volts, 0 or more and finite.")

    def sensed(self, free: np.ndarray, clamped: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Difference of squares of both readings [edge], volts squared, from two uniform 32-bit numbers per edge."""
        one, two = ((numbers[k::2] + 0.5) * 2.0**-32 for k in (0, 1))
        size = self.noise * np.sqrt(-2.0 * np.log(one))
        read: np.ndarray = (clamped + size * np.cos(2 * np.pi * two)) ** 2 - (free + size * np.sin(2 * np.pi * two)) ** 2
        return read


@part
class Priced:
    """Ideal, but an edge pays for the power of the free state: it senses dV_C^2 - (1 - price) dV_F^2.

    With `CoupledLearning` of conductances dk = -rate / (2 nudge) (dV_C^2 - (1 - price) dV_F^2), the rule of Stern, Dillavou,
    Jayaraman, Durian, Liu, APL Mach. Learn. 2, 016114 (2024), with lambda = price. One example at a time.

    Args:
        price: lambda, from 0 to 1.
    """

    price: float
    analog = True

    def __post_init__(self) -> None:
        if isinstance(self.price, bool) or not (isinstance(self.price, Real) and 0 <= float(self.price) <= 1):
            raise ParameterError(f"price = {shown(self.price)}; it is a part of the free state's power: give 0 to 1.")

    def sensed(self, free: np.ndarray, clamped: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Difference of squares [edge], volts squared."""
        paid: np.ndarray = clamped**2 - (1.0 - self.price) * free**2
        return paid


def _listen_biased(comparator: Any, lanes: Any, step: int, key: np.ndarray) -> None:
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


@behaviour(listen, Priced)
def _listen_priced(comparator: Any, lanes: Any, step: int, key: np.ndarray) -> None:
    pass


@behaviour(compare, Priced)
def _compare_priced(comparator: Any, difference: float, total: float, edge: int, key: np.ndarray, w: int) -> Any:
    return difference * total + comparator.price[w] * 0.25 * (total - difference) ** 2


@behaviour(listen, ReadNoise)
def _listen_noise(comparator: Any, lanes: Any, step: int, key: np.ndarray) -> None:
    step_keys(lanes.seed, lanes.replica, step, COMPARATORS, key)


@behaviour(compare, ReadNoise)
def _compare_readings(comparator: Any, difference: float, total: float, edge: int, key: np.ndarray, w: int) -> Any:
    turn = 2.0 * np.pi * uniform(2 * edge + 1, key[0, w], key[1, w])
    size = comparator.noise[w] * np.sqrt(-2.0 * np.log(uniform(2 * edge, key[0, w], key[1, w])))
    first, second = size * np.cos(turn), size * np.sin(turn)  # Box and Muller 1958: both are normal, and independent
    return (difference + first - second) * (total + first + second)


@behaviour(compare, Magnitudes)
def _compare_magnitudes(comparator: Any, difference: float, total: float, edge: int, key: np.ndarray, w: int) -> Any:
    sigma = comparator.bias[w] * uniform(2 * edge, key[0, w], key[1, w])
    return comparator.gain[w] * 0.5 * (abs(total + difference) - abs(total - difference)) + sigma


@behaviour(compare, TwoComparators)
def _compare_twice(comparator: Any, difference: float, total: float, edge: int, key: np.ndarray, w: int) -> Any:
    first = comparator.bias[w] * uniform(2 * edge, key[0, w], key[1, w])
    second = comparator.bias[w] * uniform(2 * edge + 1, key[0, w], key[1, w])
    return (comparator.gain[w] * difference + first) * (comparator.gain[w] * total + second)
