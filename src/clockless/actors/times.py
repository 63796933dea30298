"""How long things take in virtual time: a number of seconds, or one drawn for each event from a counter-based hash.

Contract of a duration: `of(uniform)`, the seconds [..] that belong to uniform numbers in (0, 1), all above 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.numerics.randomness import numbers

COMPUTING = np.uint64(0x100)  # purposes of random numbers; a replica is an actor or a channel, a step a block of events
TRAVELLING = np.uint64(0x101)
_BLOCK = 256


class Duration(Protocol):
    """See the contract above."""

    def of(self, uniform: np.ndarray) -> np.ndarray:
        """Seconds that belong to uniform numbers in (0, 1)."""
        ...


@dataclass(frozen=True)
class Lognormal:
    """Seconds whose logarithm is normal: typically `median`, with `spread` the standard deviation of the logarithm.

    Raises:
        ParameterError: median or spread not positive and finite.
    """

    median: float
    spread: float

    def __post_init__(self) -> None:
        _checked("median of Lognormal", self.median)
        _checked("spread of Lognormal", self.spread)

    def of(self, uniform: np.ndarray) -> np.ndarray:
        """median exp(spread z), z the normal quantile of `uniform`."""
        from scipy.special import ndtri

        times: np.ndarray = self.median * np.exp(self.spread * ndtri(uniform))
        return times


@dataclass(frozen=True)
class Exponential:
    """Seconds between the events of a Poisson process of rate 1 / `mean`.

    Raises:
        ParameterError: mean not positive and finite.
    """

    mean: float

    def __post_init__(self) -> None:
        _checked("mean of Exponential", self.mean)

    def of(self, uniform: np.ndarray) -> np.ndarray:
        """-mean ln(uniform)."""
        times: np.ndarray = -self.mean * np.log(uniform)
        return times


def _checked(name: str, value: Any, least_allowed: bool = False) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and (value > 0 or (least_allowed and value == 0)) and value < np.inf):
        raise ParameterError(f"{name} = {shown(value)}; give seconds {'from' if least_allowed else 'above'} 0.")


class Drawn:
    """The durations of one series of events, the same whenever and in whatever order they are asked for."""

    def __init__(self, duration: float | Duration, seed: int, series: int, purpose: np.uint64) -> None:
        self.duration, self.seed, self.series, self.purpose = duration, seed, series, purpose
        self.block, self.seconds = -1, np.empty(0)

    def at(self, event: int) -> float:
        """Seconds of event number `event`."""
        if isinstance(self.duration, (int, float)):
            return float(self.duration)
        block, place = divmod(event, _BLOCK)
        if block != self.block:
            words = numbers(self.seed, self.series, block, self.purpose, _BLOCK)
            self.block, self.seconds = block, self.duration.of((words + 0.5) * 2.0**-32)
        return float(self.seconds[place])


Times = float | Duration | Sequence[float | Duration] | Mapping[str, float | Duration]


def drawn(times: Times, names: Sequence[str], seed: int, purpose: np.uint64, what: str) -> list[Drawn]:
    """One series of durations per name, from one for all, a list, or a mapping by name.

    Raises:
        ParameterError: a duration below 0, or one too many or missing.
    """
    if isinstance(times, Mapping):
        if set(times) != set(names):
            raise ParameterError(f"{what} are given for {shown(sorted(times))}; give them for {shown(sorted(names))}.")
        each = [times[name] for name in names]
    elif isinstance(times, Sequence):
        each = list(times)
    else:
        each = [times] * len(names)
    if len(each) != len(names):
        raise ParameterError(f"{len(each)} {what} were given for {len(names)}; give one for each, or one for all.")
    for duration in each:
        if not hasattr(duration, "of"):
            _checked(what, duration, least_allowed=True)
    return [Drawn(duration, seed, series, purpose) for series, duration in enumerate(each)]
