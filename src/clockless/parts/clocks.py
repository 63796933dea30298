"""Which units act now: words for asynchrony, from none at all to oscillators in hardware.

Contract of a clock: a `part` with

- `acts(self, unit)`: whether a unit acts; see `scalars` for what it senses and remembers;
- if it is known, `rate(units)`: the mean fraction of units that act in a step. Otherwise it is measured.

A clock whose units are not decided one by one has the block contract in place of `acts`:

- `acting(numbers)`: which of the units act, given their uniform 32-bit numbers of the step (uint32 [unit] -> bool
  [unit]); the readable version;
- an overload of `choose`, the same for a block of lanes;
- if its units keep something from step to step, `memory(seed, replica, units)`: its first value, float64 [slot, unit],
  and `acting_at(step, memory)`, which takes the place of `acting` as the readable version.

Of the clocks here `FixedFraction` has it because units are decided one after the other, `Oscillators` and `Poisson` because
what all units of a lane share costs logarithms and exponentials, which are then computed once a step. No clock sees another
unit.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.numerics.lanes import compiled
from clockless.numerics.randomness import OSCILLATORS, numbers, uniform
from clockless.parts.part import behaviour, part

__all__ = ["Bernoulli", "Dropout", "FixedFraction", "Global", "Oscillators", "Poisson", "mean_rate"]


def choose(clock: Any, memory: np.ndarray, step: int, key: np.ndarray, wanted: np.ndarray, acts: np.ndarray) -> None:
    """Write which units act at `step` into `acts` (bool [unit, lane]).

    `memory` [slot, unit, lane] is what each unit keeps from step to step, `key` the step's uint32 [2, lane] key for
    `randomness.unit_hash`, `wanted` [unit, lane] the change each unit wants. Compiled only; see the overloads.
    """


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _checked_fraction(name: str, p: Any) -> None:
    if not (isinstance(p, Real) and 0 < float(p) <= 1):
        raise ParameterError(f"{name} got p = {p!r}; p is the fraction of units that act in a step, 0 < p <= 1.")


@part
class Global:
    """All units act in every step: the synchronous limit, p = 1."""

    def rate(self, units: int) -> float:
        """Mean fraction of units that act in a step."""
        return 1.0

    def acts(self, unit: Any) -> Any:
        """All of them."""
        return True


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

    def acts(self, unit: Any) -> Any:
        """Units whose uniform number in (0, 1) is below p."""
        return unit.uniform < self.p


LEAK = 1e-6  # of its conductance, what an absent edge keeps: no node floats, and nothing measurable flows


@part
class Dropout:
    """Each unit stays with probability p and acts; the others are absent: for the step they carry no current.

    The control of learning without a clock, in which units that do not act stay where they are. Coins are those of
    `Bernoulli(p)`. Absent edges keep a millionth of their conductance in the step's free and pushed states; when the error
    is measured all are there, at their full values (Srivastava et al., J. Mach. Learn. Res. 15, 1929 (2014), scale what
    stays; voltages are ratios and need no scale). Only edges of `Resistors` and of a `Circuit` can be
    left out; of a `Circuit` those that learn, and of all that they carry the millionth part stays.

    Raises:
        ParameterError: p outside (0, 1].
    """

    p: float
    absent = True

    def __post_init__(self) -> None:
        _checked_fraction("Dropout", self.p)

    def rate(self, units: int) -> float:
        """Mean fraction of units that act in a step: p."""
        return float(self.p)

    def acts(self, unit: Any) -> Any:
        """Units whose uniform number in (0, 1) is below p."""
        return unit.uniform < self.p


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
def _choose_fixed_fraction(
    clock: Any, memory: np.ndarray, step: int, key: np.ndarray, wanted: np.ndarray, acts: np.ndarray
) -> None:
    units, lanes = acts.shape
    missing = np.empty(lanes)
    for w in range(lanes):
        missing[w] = np.floor(clock.p[w] * units + 0.5)
    for unit in range(units):
        for w in range(lanes):
            take = (units - unit) * uniform(unit, key[0, w], key[1, w]) < missing[w]
            acts[unit, w] = take
            missing[w] -= 1.0 if take else 0.0


@part
class Poisson:
    """Each unit has its own Poisson process, `events` per step on average; it acts if at least one fell into the step.

    The chance of none is exp(-events), so p = 1 - exp(-events), and `Poisson(events)` equals `Bernoulli(p)` bit for bit.
    Several events in one step are one update. (`events` is no p, and may exceed 1; p is `rate(units)`.) For times without
    steps see `PoissonEvents`.

    Raises:
        ParameterError: events not positive and finite.
    """

    events: float

    def __post_init__(self) -> None:
        if not (_is_number(self.events) and 0 < self.events < np.inf):
            raise ParameterError(f"Poisson got events = {shown(self.events)}; give the mean number per step, above 0.")

    def rate(self, units: int) -> float:
        """Mean fraction of units that act in a step: p = 1 - exp(-events)."""
        return float(-np.expm1(-self.events))

    def acting(self, numbers: np.ndarray) -> np.ndarray:
        """Units to which at least one event came, bool [unit]."""
        return (numbers + 0.5) * 2.0**-32 < self.rate(numbers.size)


@behaviour(choose, Poisson)
def _choose_poisson(
    clock: Any, memory: np.ndarray, step: int, key: np.ndarray, wanted: np.ndarray, acts: np.ndarray
) -> None:
    p = -np.expm1(-clock.events)
    for unit in range(acts.shape[0]):
        for w in range(acts.shape[1]):
            acts[unit, w] = uniform(unit, key[0, w], key[1, w]) < p[w]


GOLDEN = (1 + 5**0.5) / 2


@part
class Oscillators:
    """Each unit has an RC relaxation oscillator; it acts if its voltage is above one global bias when the trigger comes.

    The hardware of Fig. 3 of Wycoff et al. 2022 (doi 10.1063/5.0084631). Each capacitor charges towards the supply (1)
    and discharges towards 0, and turns round at 2/3 and 1/3 of the supply, as in an astable multivibrator. Both ways take
    half a period. With phase x in cycles from the lower turning point,

        v = 1 - (2/3) 2^(-2x)     for x < 1/2,          v = (2/3) 2^(1 - 2x)     for x >= 1/2.

    v > bias between the phases x_up = log2(2 / (3 (1 - bias))) / 2 and x_down = 1/2 + log2(2 / (3 bias)) / 2, so

        p = x_down - x_up = (1 + log2((1 - bias) / bias)) / 2,          bias = 1 / (1 + 2^(2p - 1)).

    No random number is drawn while learning: the phase at a step is start + step / period, modulo 1. A unit's number of
    actions therefore stays close to p x step, where that of `Bernoulli` wanders as a random walk.

    Args:
        bias: as a fraction of the supply, 1/3 <= bias < 2/3; 1/3 gives p = 1.
        spread: of the periods, by the tolerance of components: ln(period / typical period) is normal with this standard
            deviation, 0 <= spread < 1. For small ones it is the relative standard deviation of the periods.
        ticks: steps per typical period. The default is the golden ratio, the number worst approximated by fractions: a
            unit then meets all phases as evenly as can be. With ticks = 1/k and no spread it would meet only one, and
            act always or never; with ticks = 2, two.
        reset: all oscillators start at the lower turning point; otherwise at phases uniform in [0, 1).

    Raises:
        ParameterError: a number outside its range.
    """

    bias: float
    spread: float
    ticks: float = GOLDEN
    reset: bool = False

    def __post_init__(self) -> None:
        if not (_is_number(self.bias) and 1 / 3 <= self.bias < 2 / 3):
            raise ParameterError(f"bias = {shown(self.bias)}; it is a fraction of the supply, 1/3 <= bias < 2/3.")
        if not (_is_number(self.spread) and 0 <= self.spread < 1):
            raise ParameterError(
                f"spread = {shown(self.spread)}; give that of the logarithm of the periods, 0 <= spread < 1."
            )
        if not (_is_number(self.ticks) and 1e-6 <= self.ticks <= 1e6):
            raise ParameterError(f"ticks = {shown(self.ticks)}; give the steps per oscillator period, from 1e-6 to 1e6.")
        if not isinstance(self.reset, bool):
            raise ParameterError(f"reset = {shown(self.reset)}; give True (start together) or False (at random phases).")

    @classmethod
    def of_rate(cls, p: float, spread: float, ticks: float = GOLDEN, reset: bool = False) -> Oscillators:
        """Oscillators whose bias makes the fraction p of the units act."""
        _checked_fraction("Oscillators", p)
        return cls(1 / (1 + 2.0 ** (2 * float(p) - 1)), spread, ticks, reset)

    def rate(self, units: int) -> float:
        """Mean fraction of units that act in a step: p = (1 + log2((1 - bias) / bias)) / 2."""
        up, down = _window(self.bias)
        return float(down - up)

    def memory(self, seed: int, replica: int, units: int) -> np.ndarray:
        """Each unit's phase at step 0, in cycles, and its frequency, in cycles per step: float64 [2, unit]."""
        from scipy.special import ndtri  # the normal quantile

        phase, luck = ((numbers(seed, replica, slot, OSCILLATORS, units) + 0.5) * 2.0**-32 for slot in (0, 1))
        frequency = np.exp(-self.spread * ndtri(luck)) / self.ticks
        return np.array([np.zeros(units) if self.reset else phase, frequency])

    def phase(self, step: Any, memory: np.ndarray) -> np.ndarray:
        """Phases in cycles, [.., unit], at one step or an array of them, which need not be whole."""
        cycles: np.ndarray = memory[0] + np.asarray(step)[..., None] * memory[1]
        phase: np.ndarray = cycles - np.floor(cycles)
        return phase

    def voltage(self, step: Any, memory: np.ndarray) -> np.ndarray:
        """Capacitor voltages as fractions of the supply, [.., unit]."""
        phase = self.phase(step, memory)
        return np.where(phase < 0.5, 1 - 2 / 3 * 2.0 ** (-2 * phase), 2 / 3 * 2.0 ** (1 - 2 * phase))

    def acting_at(self, step: Any, memory: np.ndarray) -> np.ndarray:
        """Units whose voltage is above the bias at one step or an array of them, bool [.., unit]."""
        up, down = _window(self.bias)
        phase = self.phase(step, memory)
        acts: np.ndarray = (up <= phase) & (phase < down)
        return acts

    def acting(self, numbers: np.ndarray) -> np.ndarray:
        """Oscillators draw no numbers while learning; always raises ParameterError."""
        raise ParameterError("who acts follows from the memory of Oscillators, not from drawn numbers; ask acting_at.")


def _window(bias: Any) -> tuple[Any, Any]:
    """The phases between which the voltage is above the bias; exactly 0 and 1 at a bias of 1/3."""
    return 0.5 * np.log2(2 / (3 * (1 - bias))), 0.5 + 0.5 * np.log2(2 / (3 * bias))


_compiled_window = compiled(_window)


@behaviour(choose, Oscillators)
def _choose_oscillators(
    clock: Any, memory: np.ndarray, step: int, key: np.ndarray, wanted: np.ndarray, acts: np.ndarray
) -> None:
    units, lanes = acts.shape
    up = np.empty(lanes)
    down = np.empty(lanes)
    for w in range(lanes):
        up[w], down[w] = _compiled_window(clock.bias[w])
    for unit in range(units):
        for w in range(lanes):
            cycles = memory[0, unit, w] + step * memory[1, unit, w]
            phase = cycles - np.floor(cycles)
            acts[unit, w] = (up[w] <= phase) & (phase < down[w])


def mean_rate(clock: Any, units: int) -> float:
    """The mean fraction of units that act in a step as the clock itself knows it; NaN where it has to be measured.

    Raises:
        ParameterError: a clock by which nothing would ever act.
    """
    return float(clock.rate(units)) if hasattr(clock, "rate") else np.nan


SYNCHRONOUS = Global()


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
