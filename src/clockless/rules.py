"""What each unit wants to change, from what it senses in two settled states.

Contract of a rule: a `part` with a field `nudge` (how far the second state is pushed towards the target), a property
`parameter` (the quantity that learns), the readable `change(signal, level)` and a behaviour of `wants`, the same for one
unit of one lane. A rule knows nothing of clocks or devices.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError
from clockless.parts import behaviour, part


def wants(rule, signal, level, w):
    """The change that a unit of lane `w` wants, given sum over examples of signal(clamped) - signal(free).

    The signal is the derivative of the medium's energy with respect to the unit's own parameter, `level` the distance of
    two values that the device can hold. Compiled only.
    """


def _check_nudge(nudge: Any) -> None:
    if not (isinstance(nudge, Real) and 0 < float(nudge) <= 1):
        raise ParameterError(f"nudge = {nudge!r}; it is the part of the way to the target, 0 < nudge <= 1.")


def _check_parameter(parameter: Any) -> None:
    if parameter not in ("resistance", "conductance"):
        raise ParameterError(f"parameter = {parameter!r}; resistors learn by 'resistance' or 'conductance'.")


@part
class CoupledLearning:
    """Coupled learning: lower the energy of the clamped state relative to that of the free state.

    The clamped state holds the outputs at V_C = V_F + nudge (V_D - V_F). With the resistor energy E = sum v^2 / (2 R) and
    sums over the step's examples,

        dtheta_i = -(rate / nudge) sum (dE/dtheta_i at clamped - dE/dtheta_i at free),
        parameter "resistance":   dR_i = rate / (2 nudge) sum ([dV_i^C]^2 - [dV_i^F]^2) / R_i^2,
        parameter "conductance":  dk_i = -rate / (2 nudge) sum ([dV_i^C]^2 - [dV_i^F]^2).

    The first is eq. 2 of Wycoff et al. 2022 (doi 10.1063/5.0084631) with its gamma = rate / (2 nudge); the second is the
    rule of Stern et al. 2021 (doi 10.1103/PhysRevX.11.021045) with alpha = rate / 2. As nudge -> 0 the change becomes
    -rate times the gradient of a quadratic form of the errors with its matrix (the stiffness of the outputs) held fixed,
    so `rate` keeps its meaning while nudge varies.

    Args:
        nudge: eta of the paper, 0 < nudge <= 1.
        rate: step size, positive; Ohm^3 / V^2 for resistances, 1 / (Ohm V^2) for conductances.
        parameter: "resistance" or "conductance".

    Raises:
        ParameterError: nudge outside (0, 1], rate not positive and finite, or another parameter.
    """

    nudge: float
    rate: float
    parameter: str = "resistance"

    def __post_init__(self) -> None:
        _check_nudge(self.nudge)
        _check_parameter(self.parameter)
        if not (isinstance(self.rate, Real) and 0 < self.rate < np.inf):
            raise ParameterError(f"rate = {self.rate!r}; the step size must be positive and finite.")

    def change(self, signal: np.ndarray, level: float) -> np.ndarray:
        """Wanted change [unit] from the summed signal difference clamped - free [unit]; `level` does not matter."""
        return -self.rate * signal / self.nudge


@behaviour(wants, CoupledLearning)
def _wants_coupled_learning(rule, signal, level, w):
    return -rule.rate[w] * signal / rule.nudge[w]


@part
class SignRule:
    """Coupled learning that takes only the sign: always one level up or down, never none.

        R_i += delta if |dV_i^C| - |dV_i^F| > 0 else R_i -= delta,

    eq. 10 of Wycoff et al. 2022 (doi 10.1063/5.0084631), where delta is the spacing of the device's levels and the
    comparator's bias is the device's business; with `Bernoulli(p)` it is eq. 11. It needs a device with levels.

    Args:
        nudge: eta of the paper, 0 < nudge <= 1.
        parameter: "resistance", as in the paper, or "conductance", whose levels go the other way.

    Raises:
        ParameterError: nudge outside (0, 1], or another parameter.
    """

    nudge: float
    parameter: str = "resistance"

    def __post_init__(self) -> None:
        _check_nudge(self.nudge)
        _check_parameter(self.parameter)

    def change(self, signal: np.ndarray, level: float) -> np.ndarray:
        """One level up where the energy difference falls with the parameter, else one level down [unit]."""
        return np.where(signal < 0, level, -level)


@behaviour(wants, SignRule)
def _wants_sign(rule, signal, level, w):
    return level if signal < 0.0 else -level
