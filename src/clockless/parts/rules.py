"""What each unit wants to change, from what it senses in two settled states.

Contract of a rule: a `part` with a field `nudge` (how far the second state is pushed towards the target), if it is not
resistance that learns the field `parameter`, and the scalar method `wants(self, unit)`; see `scalars` for what a unit
senses and remembers. In its place, a readable `change(signal, level)` and a behaviour of `rules.wants`, the same for one
unit of one lane. A rule knows nothing of clocks or devices.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, is_one_of, shown, whole
from clockless.parts.part import part
from clockless.parts.pushes import Nudge

__all__ = ["CoupledLearning", "EquilibriumPropagation", "SignRule"]


def wants(rule: Any, signal: float, level: float, w: int) -> Any:
    """The change that a unit of lane `w` wants, given sum over examples of signal(clamped) - signal(free).

    The signal is the derivative of the medium's energy with respect to the unit's own parameter, `level` the distance of
    two values that the device can hold. Compiled only.
    """


def learned(rule: Any) -> str:
    """What of a resistor learns by a rule: "resistance", unless its field `parameter` says "conductance"."""
    return str(getattr(rule, "parameter", "resistance"))


_FURTHEST = 10.0  # a nudge beyond is a slip: a percentage, or the rate in its place


def _check_nudge(nudge: Any) -> None:
    if isinstance(nudge, bool) or not (isinstance(nudge, Real) and 0 < float(nudge) <= _FURTHEST):
        raise ParameterError(
            f"nudge = {shown(nudge)}; it is the part of the way to the target, 0 < nudge <= 1, or up to {_FURTHEST:g} "
            "to clamp beyond it."
        )


def _check_parameter(parameter: Any) -> None:
    if not is_one_of(parameter, ("resistance", "conductance")):
        raise ParameterError(f"parameter = {parameter!r}; resistors learn by 'resistance' or 'conductance'.")


@part
class CoupledLearning:
    """Coupled learning: lower the energy of the clamped state relative to that of the free state.

    The clamped state holds the outputs at V_C = V_F + nudge (V_D - V_F). With the resistor energy E = sum v^2 / (2 R) and
    sums over the step's examples (phases take the mean),

        dtheta_i = -(rate / nudge) sum (dE/dtheta_i at clamped - dE/dtheta_i at free),
        parameter "resistance":   dR_i = rate / (2 nudge) sum ([dV_i^C]^2 - [dV_i^F]^2) / R_i^2,
        parameter "conductance":  dk_i = -rate / (2 nudge) sum ([dV_i^C]^2 - [dV_i^F]^2).

    The first is eq. 2 of Wycoff et al. 2022 (doi 10.1063/5.0084631) with its gamma = rate / (2 nudge); the second is the
    rule of Stern et al. 2021 (doi 10.1103/PhysRevX.11.021045) with alpha = rate / 2. As nudge -> 0 the change becomes
    -rate times the gradient of a quadratic form of the errors with its matrix (the stiffness of the outputs) held fixed,
    so `rate` keeps its meaning while nudge varies.

    Args:
        nudge: eta of the paper, 0 < nudge <= 1; up to 10 it clamps outputs beyond their targets (over-clamping), so that
            noise and bias of readings matter less.
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

    def wants(self, unit: Any) -> Any:
        """Down the difference of the two states' energies."""
        return -self.rate * unit.signal / self.nudge


@part
class SignRule:
    """Coupled learning that takes only the sign: always one level up or down, never none.

        R_i += delta if |dV_i^C| - |dV_i^F| > 0 else R_i -= delta,

    eq. 10 of Wycoff et al. 2022 (doi 10.1063/5.0084631), where delta is the spacing of the device's levels and the
    comparator's bias is the device's business; with `Bernoulli(p)` it is eq. 11. It needs a device with levels. An edge
    that senses exactly nothing moves, too: rounding decides where.

    Args:
        nudge: eta of the paper, 0 < nudge <= 1; up to 10 it clamps outputs beyond their targets (over-clamping), so that
            noise and bias of readings matter less.
        parameter: "resistance", as in the paper, or "conductance", whose levels go the other way.

    Raises:
        ParameterError: nudge outside (0, 1], or another parameter.
    """

    nudge: float
    parameter: str = "resistance"

    def __post_init__(self) -> None:
        _check_nudge(self.nudge)
        _check_parameter(self.parameter)

    def wants(self, unit: Any) -> Any:
        """One level up where the energy difference falls with the parameter, else one level down."""
        return unit.level if unit.signal < 0.0 else -unit.level

    def change(self, signal: np.ndarray, level: Any) -> np.ndarray:
        """The same for all units at once, which `if` cannot."""
        change: np.ndarray = np.where(signal < 0, level, -level)
        return change


@part
class EquilibriumPropagation:
    """Equilibrium propagation: nudge the settled state by a cost of the outputs and see what each unit's energy makes of it.

    With total energy E + beta C, beta the nudge, and the mean over samples and initial states (voltages and media of one's
    own sum over samples),

        dtheta = -rate (dE/dtheta at beta - dE/dtheta at 0) / beta,
        centred:  dtheta = -rate (dE/dtheta at beta - dE/dtheta at -beta) / (2 beta),

    which becomes -rate dC/dtheta as beta -> 0 (Scellier and Bengio 2017, doi 10.3389/fncom.2017.00024), with an error of
    order beta, or beta^2 if centred. Costs of phases (`media.costs`): "log", -sum log(1 + eps + cos(delta)), or "cosine",
    sum (1 - cos delta). The log cost is singular at delta = pi, also for -beta: centred is better there only for small beta.

    On resistors the cost is 1/2 sum over outputs of (V - V_D)^2 and beta a conductance, in siemens, that joins each output
    to a source at V_D (Kendall et al. 2020, arXiv 2006.01981); sums are over the step's examples, as for `CoupledLearning`,
    and what learns is the medium's parameter. `cost`, `inits` and `eps` are about phases and keep their defaults there. A
    centred nudge needs 1 / beta above the largest eigenvalue of the outputs' resistance matrix (inputs held): beyond, no
    state at -beta is stable, and the replica is marked as failed.

    Args:
        nudge: beta, positive.
        rate: step size, positive.
        cost: "log" or "cosine".
        centred: nudge both ways.
        inits: random initial states per sample to average over (M_init of arXiv 2402.08579), against multistability.
        eps: of the log cost, from 0.

    Raises:
        ParameterError: a nudge or rate that is not positive, an unknown cost, fewer than one initial state, a negative eps.
    """

    nudge: float
    rate: float
    cost: str = "log"
    centred: bool = False
    inits: int = 1
    eps: float = 0.0

    def __post_init__(self) -> None:
        for name in ("nudge", "rate"):
            value = getattr(self, name)
            if isinstance(value, bool) or not (isinstance(value, Real) and 0 < float(value) < np.inf):
                raise ParameterError(f"{name} = {shown(value)}; equilibrium propagation needs a positive, finite {name}.")
        if not is_one_of(self.cost, ("log", "cosine")):
            raise ParameterError(f"cost = {shown(self.cost)}; the costs of phases are 'log' and 'cosine'.")
        if not isinstance(self.centred, (bool, np.bool_)):
            raise ParameterError(f"centred = {shown(self.centred)}; give True (nudge both ways) or False.")
        whole("inits", self.inits, 1)
        if isinstance(self.eps, bool) or not (isinstance(self.eps, Real) and 0 <= float(self.eps) < np.inf):
            raise ParameterError(f"eps = {shown(self.eps)}; give a small number from 0, such as 1e-5.")

    @property
    def push(self) -> Nudge:
        """A nudge by the cost."""
        return Nudge(self.nudge, bool(self.centred), self.cost, self.inits, self.eps)

    def wants(self, unit: Any) -> Any:
        """Down the difference of nudged and free signals (half of both ways if centred)."""
        return -self.rate * unit.signal / self.nudge


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
