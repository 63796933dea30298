"""From a gradient to the direction of a step: plain descent, momentum, Adam; and rates per kind of parameter.

Contract of an optimiser: `slots`, how many numbers each unit keeps, and `direction(gradient, memory, acts) -> direction,
memory`, with memory float64 [slot, unit]. A unit that does not act keeps its memory as it was: it is asleep, and it counts
its own steps. The wanted change is the rule's for that direction: the rule is told nudge x direction in place of the signal,
and the gradient is signal / nudge.

In lanes: `lane_slots`, and behaviours of `steer` and `follow`. What units keep there may differ: Adam has 1 - first^t in
place of t, which needs no power in every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.numerics.lanes import compiled
from clockless.parts.part import behaviour, part

__all__ = ["Adam", "Descent", "Momentum"]


def steer(optimiser: Any, signal: float, nudge: float, memory: np.ndarray, e: int, w: int) -> Any:
    """The signal that the rule of lane `w` is told of, nudge x direction. Compiled only; memory is [slot, unit, lane]."""


def follow(optimiser: Any, signal: float, nudge: float, memory: np.ndarray, acts: bool, e: int, w: int) -> None:
    """Remember the signal, if the unit acts. Compiled only."""


def _check_decay(name: str, value: Any) -> None:
    if isinstance(value, bool) or not (isinstance(value, Real) and 0 <= float(value) < 1):
        raise ParameterError(f"{name} = {shown(value)}; give what is kept of the past in a step, from 0 to below 1.")


@part
class Descent:
    """The gradient itself. On resistors it leaves every bit of the signal as it is."""

    slots = lane_slots = 0

    def direction(self, gradient: np.ndarray, memory: np.ndarray, acts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The gradient, and nothing to remember."""
        return gradient, memory


NONE = Descent()


@part
class Momentum:
    """Heavy ball: v <- momentum v + gradient, direction v.

    Raises:
        ParameterError: momentum outside [0, 1).
    """

    momentum: float = 0.9
    slots = lane_slots = 1

    def __post_init__(self) -> None:
        _check_decay("momentum", self.momentum)

    def direction(self, gradient: np.ndarray, memory: np.ndarray, acts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The running sum of gradients."""
        velocity = self.momentum * memory[0] + gradient
        return velocity, np.where(acts, velocity, memory[0])[None]


@part
class Adam:
    """Adam (Kingma and Ba 2015, arXiv 1412.6980): m / (sqrt(v) + eps) with both moments corrected for their start at 0.

    Raises:
        ParameterError: a decay outside [0, 1), or eps not positive.
    """

    first: float = 0.9
    second: float = 0.999
    eps: float = 1e-8
    slots = 3
    lane_slots = 4

    def __post_init__(self) -> None:
        _check_decay("first", self.first)
        _check_decay("second", self.second)
        if isinstance(self.eps, bool) or not (isinstance(self.eps, Real) and 0 < float(self.eps) < np.inf):
            raise ParameterError(f"eps = {shown(self.eps)}; give a small positive number such as 1e-8.")

    def direction(self, gradient: np.ndarray, memory: np.ndarray, acts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The scaled mean gradient; memory holds m, v and the number of the unit's own steps."""
        steps = memory[2] + 1.0
        mean = self.first * memory[0] + (1.0 - self.first) * gradient
        square = self.second * memory[1] + (1.0 - self.second) * gradient**2
        direction = mean / (1.0 - self.first**steps) / (np.sqrt(square / (1.0 - self.second**steps)) + self.eps)
        return direction, np.where(acts, np.stack([mean, square, steps]), memory)


# --- the same in lanes --------------------------------------------------------------------------------------------------


@behaviour(steer, Descent)
def _steer_nowhere(optimiser: Any, signal: float, nudge: float, memory: np.ndarray, e: int, w: int) -> float:
    return signal


@behaviour(follow, Descent)
def _follow_nothing(optimiser: Any, signal: float, nudge: float, memory: np.ndarray, acts: bool, e: int, w: int) -> None:
    pass


@behaviour(steer, Momentum)
def _steer_by_momentum(optimiser: Any, signal: float, nudge: float, memory: np.ndarray, e: int, w: int) -> Any:
    return nudge * (optimiser.momentum[w] * memory[0, e, w] + signal / nudge)


@behaviour(follow, Momentum)
def _follow_by_momentum(optimiser: Any, signal: float, nudge: float, memory: np.ndarray, acts: bool, e: int, w: int) -> None:
    if acts:
        memory[0, e, w] = optimiser.momentum[w] * memory[0, e, w] + signal / nudge


@compiled
def _mean(decay: float, before: float, new: float) -> float:
    return decay * before + (1.0 - decay) * new


@behaviour(steer, Adam)
def _steer_by_adam(optimiser: Any, signal: float, nudge: float, memory: np.ndarray, e: int, w: int) -> Any:
    first, second, gradient = optimiser.first[w], optimiser.second[w], signal / nudge
    mean, square = _mean(first, memory[0, e, w], gradient), _mean(second, memory[1, e, w], gradient * gradient)
    # 1 - decay^t is the same running mean of the number 1.
    mean /= _mean(first, memory[2, e, w], 1.0)
    square /= _mean(second, memory[3, e, w], 1.0)
    return nudge * (mean / (np.sqrt(square) + optimiser.eps[w]))


@behaviour(follow, Adam)
def _follow_by_adam(optimiser: Any, signal: float, nudge: float, memory: np.ndarray, acts: bool, e: int, w: int) -> None:
    if acts:
        first, second, gradient = optimiser.first[w], optimiser.second[w], signal / nudge
        memory[0, e, w] = _mean(first, memory[0, e, w], gradient)
        memory[1, e, w] = _mean(second, memory[1, e, w], gradient * gradient)
        memory[2, e, w] = _mean(first, memory[2, e, w], 1.0)
        memory[3, e, w] = _mean(second, memory[3, e, w], 1.0)


@dataclass(frozen=True)
class Rates:
    """Factors on the rule's rate for couplings W, field strengths h and field directions psi; 0 keeps a kind as it is.

    Raises:
        ParameterError: a factor that is negative or not finite.
    """

    W: float = 1.0
    h: float = 1.0
    psi: float = 1.0

    def __post_init__(self) -> None:
        for name in ("W", "h", "psi"):
            value = getattr(self, name)
            if isinstance(value, bool) or not (isinstance(value, Real) and 0 <= float(value) < np.inf):
                raise ParameterError(f"the rate factor of {name} is {shown(value)}; give a number from 0.")


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
