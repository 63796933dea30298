"""What the hardware makes of two settled states and of a wanted change.

Contract of a device: a `part` with

- a field `comparator: Part = Ideal()`, whose `sensed(free, clamped, numbers)` and `compare` say what an edge makes of its
  two voltage drops: ideally their difference of squares, on real boards the output of comparators with a bias;
- `writes(self, unit)`: the value after a wanted change; see `scalars` for what a unit senses and remembers. It is stopped at
  the ends of the medium's range;
- a field `level` if it has one: the distance of two values that it can hold; without it any value can be held.

In place of `writes` a device may have a readable `written(value, wanted, low, high)` and a behaviour of `write`, the same
for one unit of one lane, which stop at ends of their own; in place of the field, a property `level` and a behaviour of
`level_of`. `Levels` has them because what it computes depends on whether it has a table. A rule never knows which device
it runs on.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, no_type_check

import numpy as np
from numba.core import types
from numba.extending import overload

from clockless.errors import ParameterError, real_array, shown, whole
from clockless.numerics.lanes import COMPILE_OPTIONS, compiled
from clockless.parts.comparators import Ideal, Magnitudes, Priced, ReadNoise, TwoComparators  # noqa: F401 (users find all of them here)
from clockless.parts.part import Part, Table, behaves, behaviour, part

__all__ = ["AnalogMemory", "Continuous", "Levels", "SignedLevels"]


def write(device: Any, value: float, wanted: float, low: float, high: float, w: int) -> Any:
    """The new value of a unit of lane `w` that now has `value`, wants to change by `wanted` and may move in [low, high]."""


def level_of(device: Any, w: int) -> Any:
    """Distance of two neighbouring values that a unit of lane `w` can hold; 0 if it can hold any. Compiled only."""


def spacing(device: Any, value: float, signal: float, w: int) -> Any:
    """Distance from a value to the next that the device can hold, upwards if the signal is below 0, else downwards.

    0 if it can hold any. Compiled only.
    """


# numba wants the signature of what an overload returns to be the overload's own, annotations included: with lambdas, none.
@overload(spacing, jit_options=COMPILE_OPTIONS)
@no_type_check
def _spacing(device, value, signal, w):
    cls = getattr(device.instance_class, "_part", None)
    if behaves("spacing", cls):
        return None
    if behaves("level_of", cls):
        return lambda device, value, signal, w: level_of(device, w)
    if "level" in device.fields:
        return lambda device, value, signal, w: device.level[w]
    return lambda device, value, signal, w: 0.0


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

    def writes(self, unit: Any) -> Any:
        """As wanted."""
        return unit.value + unit.wanted


def _check_part(comparator: Any) -> None:
    if not hasattr(comparator, "sensed"):
        raise ParameterError(
            f"comparator = {shown(comparator)}; give Ideal(), Magnitudes(bias), TwoComparators(bias) or ReadNoise(volts)."
        )


@part
class AnalogMemory:
    """An analog memory cell that is written imprecisely: *write noise* and *asymmetric update*, other steps up than down.

        value += (up if wanted > 0 else down) wanted (1 + write_noise normal),

    with a normal number of mean 0 and variance 1 for every unit and step: the noise is in proportion to the change, as the
    cycle-to-cycle variation of resistive memories is often described (Agarwal et al. 2016, doi 10.1109/IJCNN.2016.7727298).
    Values stop at the ends of the range. `AnalogMemory()` is `Continuous()`.

    Args:
        write_noise: standard deviation of a change relative to the wanted one, 0 or more.
        up, down: what becomes of a wanted change of 1 upwards and downwards, 0 or more.

    Raises:
        ParameterError: a number outside its range.
    """

    write_noise: float = 0.0
    up: float = 1.0
    down: float = 1.0
    comparator: Part = Ideal()

    def __post_init__(self) -> None:
        for name in ("write_noise", "up", "down"):
            value = getattr(self, name)
            if isinstance(value, bool) or not (isinstance(value, Real) and 0 <= float(value) < np.inf):
                raise ParameterError(f"{name} = {shown(value)}; it is relative to the wanted change: give 0 or more.")
        _check_part(self.comparator)

    @property
    def level(self) -> float:
        """Any value can be held."""
        return 0.0

    def writes(self, unit: Any) -> Any:
        """More or less as wanted."""
        upwards = unit.wanted > 0.0
        gain = self.up * upwards + self.down * (1.0 - upwards)
        return unit.value + gain * unit.wanted * (1.0 + self.write_noise * unit.normal)


@part
class Worn:
    """A device some of whose cells are stuck, and all of which forget: every write finds that the value has drifted.

        value += drift (rest - value) + wanted (1 + write_noise normal);    a stuck cell keeps its first value for ever.

    Which cells are stuck is drawn once, by the replica's seed and task.

    Args:
        stuck: chance that a cell is stuck, 0 to 1.
        drift: part of the distance to `rest` that is lost from one write of a cell to its next, 0 to 1.
        rest: the value that a cell drifts to, ohms or siemens: what learns.
        write_noise: standard deviation of a change relative to the wanted one, 0 or more.

    Raises:
        ParameterError: a number outside its range.
    """

    stuck: float = 0.0
    drift: float = 0.0
    rest: float = 1.0
    write_noise: float = 0.0
    comparator: Part = Ideal()
    slots = 1  # 1: stuck

    def __post_init__(self) -> None:
        for name, most in (("stuck", 1.0), ("drift", 1.0), ("rest", np.inf), ("write_noise", np.inf)):
            value = getattr(self, name)
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not (number and 0 <= float(value) <= most and float(value) < np.inf):
                raise ParameterError(
                    f"{name} = {shown(value)}; give a number from 0{f' to {most:g}' if most < np.inf else ''}."
                )
        _check_part(self.comparator)

    @property
    def level(self) -> float:
        """Any value can be held."""
        return 0.0

    def first(self, unit: Any) -> Any:
        """Whether it is stuck."""
        return (1.0 * (unit.uniform < self.stuck),)

    def writes(self, unit: Any) -> Any:
        """What it has become, and as wanted, more or less."""
        change = self.drift * (self.rest - unit.value) + unit.wanted * (1.0 + self.write_noise * unit.normal)
        return unit.value + (1.0 - unit.memory[0]) * change

    def keeps(self, unit: Any) -> Any:
        """Once stuck, always stuck."""
        return (unit.memory[0],)


@part
class Levels:
    """A digital potentiometer: `count` equally spaced values from `low` to `high`, ends included; or a measured table.

    They are values of what learns: resistances in ohms, or conductances in siemens if those learn.

    A wanted change is rounded to whole levels, so a rule whose changes are proportional to the signal has a *dead zone*:
    changes of half a level or less are lost, and learning stops when all are that small. `SignRule` speaks in levels and
    has none. Initial values are rounded to the nearest level.

    With `values` the levels are those of a table, as measured on a device. What is wanted becomes the level nearest by
    value, `SignRule` moves to the neighbouring level whatever its distance; `count`, `low`, `high` follow from the table.

    The paper's board has 128 levels of about 781 ohms (Wycoff et al. 2022, doi 10.1063/5.0084631).

    Raises:
        ParameterError: fewer than 2 levels, not 0 < low < high < infinity, or a table that does not increase strictly.
    """

    count: int = 128
    low: float = 0.01
    high: float = 100.0
    comparator: Part = Ideal()
    values: Table = None

    def __post_init__(self) -> None:
        if self.values is not None:
            table = _checked_table(self.values)
            for name, value in (("values", table), ("count", len(table)), ("low", table[0]), ("high", table[-1])):
                object.__setattr__(self, name, value)
        whole("count", self.count, 2)
        if not (
            isinstance(self.low, Real) and isinstance(self.high, Real) and 0 < float(self.low) < float(self.high) < np.inf
        ):
            raise ParameterError(f"levels from {self.low!r} to {self.high!r} are no range; give 0 < low < high.")
        _check_part(self.comparator)

    @property
    def level(self) -> float:
        """Distance of two neighbouring levels; of a table, the smallest."""
        if self.values is not None:
            return float(np.diff(self.values).min())
        return (self.high - self.low) / (self.count - 1)

    def spacing(self, value: np.ndarray, signal: np.ndarray) -> Any:
        """Distance [unit] to the neighbouring level on the side that lowers the contrast; inwards at the ends of a table."""
        if self.values is None:
            return self.level
        gaps, last = np.diff(self.values), self.count - 2
        at = self._entry(value)
        return gaps[np.clip(np.where(np.asarray(signal) < 0.0, at, at - 1), 0, last)]

    def nearest(self, value: np.ndarray) -> np.ndarray:
        """The level nearest to each value [unit]."""
        if self.values is not None:
            return np.where(np.isnan(value), value, np.array(self.values)[self._entry(value)])
        return self.low + self.level * np.clip(np.rint((value - self.low) / self.level), 0, self.count - 1)

    def written(self, value: np.ndarray, wanted: np.ndarray, low: float, high: float) -> np.ndarray:
        """New values [unit]; the device's own range counts."""
        if self.values is not None:
            return self.nearest(value + wanted)
        number = np.rint((value - self.low) / self.level) + np.rint(wanted / self.level)
        new: np.ndarray = self.low + self.level * np.clip(number, 0, self.count - 1)
        return new

    def _entry(self, value: np.ndarray) -> np.ndarray:
        """Number of the nearest entry of the table; the lower one in the middle between two."""
        table = np.array(self.values)
        return np.searchsorted(0.5 * (table[1:] + table[:-1]), value)


def _checked_table(values: Any) -> tuple[float, ...]:
    try:
        table = real_array(values)
    except ValueError:
        table = np.array(None)
    if table.ndim != 1 or table.size < 2 or not (np.isfinite(table).all() and (np.diff(table) > 0).all()):
        raise ParameterError(f"values = {shown(values)}; a table of levels holds two or more numbers, each above the last.")
    return tuple(table.tolist())


@behaviour(level_of, Levels)
def _level_spacing(device: Any, w: int) -> Any:
    return (device.high[w] - device.low[w]) / (device.count[w] - 1.0)


@behaviour(spacing, Levels)
def _spacing_of_levels(device: Any, value: float, signal: float, w: int) -> Any:
    return _gap(device.values, device, value, signal, w)


@behaviour(write, Levels)
def _write_levels(device: Any, value: float, wanted: float, low: float, high: float, w: int) -> Any:
    return _at_level(device.values, device, value, wanted, w)


def _gap(values: np.ndarray | None, device: Any, value: float, signal: float, w: int) -> Any:
    """`spacing` by whether there is a table; compiled only."""


def _at_level(values: np.ndarray | None, device: Any, value: float, wanted: float, w: int) -> Any:
    """`write` by whether there is a table; compiled only."""


@overload(_gap, jit_options=COMPILE_OPTIONS)
@no_type_check
def _gap_by_table(values, device, value, signal, w):
    if isinstance(values, types.NoneType):
        return lambda values, device, value, signal, w: level_of(device, w)

    def local(values, device, value, signal, w):
        below = _entry_in_lane(values, value, w) - (0 if signal < 0.0 else 1)
        below = min(max(below, 0), values.shape[0] - 2)
        return values[below + 1, w] - values[below, w]

    return local


@overload(_at_level, jit_options=COMPILE_OPTIONS)
@no_type_check
def _at_level_by_table(values, device, value, wanted, w):
    if isinstance(values, types.NoneType):
        return _at_equal_level
    return _at_entry


@no_type_check
def _at_equal_level(values, device, value, wanted, w):
    level = (device.high[w] - device.low[w]) / (device.count[w] - 1.0)
    number = np.rint((value - device.low[w]) / level) + np.rint(wanted / level)
    number = 0.0 if number < 0.0 else device.count[w] - 1.0 if number > device.count[w] - 1.0 else number
    return device.low[w] + level * number


@no_type_check
def _at_entry(values, device, value, wanted, w):
    new = value + wanted
    return new if np.isnan(new) else values[_entry_in_lane(values, new, w), w]


@compiled
def _entry_in_lane(values: np.ndarray, value: float, w: int) -> int:
    """Number of the entry of column w that is nearest, by bisection of the middles between entries."""
    first, last = 0, values.shape[0] - 1
    while first < last:
        middle = (first + last) // 2
        if 0.5 * (values[middle + 1, w] + values[middle, w]) < value:
            first = middle + 1
        else:
            last = middle
    return first


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
        middle = 0.5 * (self.count - 1)
        value: np.ndarray = self.level * (np.clip(number, 0, self.count - 1) - middle)  # the middle one is exactly 0
        return value


IDEAL = Continuous()


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)


@behaviour(level_of, SignedLevels)
def _signed_spacing(device: Any, w: int) -> Any:
    return 2.0 * device.bound[w] / (device.count[w] - 1.0)


@behaviour(write, SignedLevels)
def _write_signed(device: Any, value: float, wanted: float, low: float, high: float, w: int) -> Any:
    level, last = 2.0 * device.bound[w] / (device.count[w] - 1.0), device.count[w] - 1.0
    number = np.rint((value + device.bound[w]) / level) + np.rint(wanted / level)
    number = 0.0 if number < 0.0 else last if number > last else number
    return level * (number - 0.5 * last)
