"""What one replica's learning with phases follows from: frozen, plain data that any process can be sent.

`XYLearning` in `xy_learning` is what it starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, TaskError, shown
from clockless.media.phases.schedules import TwoColour
from clockless.media.phases.tasks import PhaseTask
from clockless.media.phases.xy import KINDS, XY, Parameters, check_settling
from clockless.networks.architectures import Architecture
from clockless.numerics.randomness import COUPLINGS, numbers
from clockless.parts.clocks import SYNCHRONOUS
from clockless.parts.devices import IDEAL, Ideal
from clockless.parts.optimisers import Descent, Rates
from clockless.parts.rules import SignRule
from clockless.parts.samplers import FULL, examples_checked


@dataclass(frozen=True)
class Settling:
    """How states are sought, while learning and when a set is looked at.

    Args:
        schedule: TwoColour(), RandomSequential(), PoissonTimed() or GradientFlow().
        residual: torque at which a sample has settled, while learning; large ones are unfinished relaxation.
        sweeps_limit: after so many sweeps a sample is taken as it is.
        test_residual: the same for test sets, whose classes need less.
    """

    schedule: Any = field(default_factory=TwoColour)
    residual: float = 1e-6
    sweeps_limit: int = 10_000
    test_residual: float = 1e-4

    def __post_init__(self) -> None:
        if not hasattr(self.schedule, "relax"):
            raise ParameterError(f"schedule = {shown(self.schedule)} is no schedule; give one such as TwoColour().")
        check_settling(self.residual, self.sweeps_limit)
        check_settling(self.test_residual, self.sweeps_limit)


@dataclass(frozen=True)
class Initial:
    """Parameters at step 0: W normal, h uniform in [-fields, fields], psi uniform in (-pi, pi).

    Args:
        deviation: standard deviation of all W; None takes the architecture's `initial_scale`.
        fields: largest |h|.
    """

    deviation: float | None = None
    fields: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("deviation", self.deviation), ("fields", self.fields)):
            number = isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < np.inf
            if not (number or (name == "deviation" and value is None)):
                raise ParameterError(f"{name} = {shown(value)}; give a number from 0.")

    def parameters(self, architecture: Architecture, seed: int, replica: int) -> Parameters:
        """Drawn from the numbers of (seed, replica)."""
        from scipy.special import ndtri  # the normal quantile

        couplings, sites = architecture.couplings, architecture.network.nodes
        drawn = (numbers(seed, replica, 0, COUPLINGS, couplings + 2 * sites) + 0.5) * 2.0**-32
        scale = architecture.initial_scale if self.deviation is None else self.deviation
        h, psi = 2.0 * drawn[couplings:].reshape(2, sites) - 1.0
        return Parameters(scale * ndtri(drawn[:couplings]), self.fields * h, np.pi * psi)


@dataclass(frozen=True, eq=False)
class XYSetting:
    """Everything that one replica's learning follows from.

    Args:
        architecture, task: what is wired and what is wanted.
        rule: EquilibriumPropagation(nudge, rate, ...), CoupledLearning(nudge, rate), or SignRule(nudge) with levels.
        clock: which units act.
        device: what couplings can hold; Continuous() or SignedLevels(count, bound), with an ideal comparator.
        optimiser: Descent(), Momentum(), Adam().
        batch: "full", a number of samples drawn anew in every step, Epochs(size), or a clock that draws samples.
        rates: factors on the rule's rate for W, h and psi.
        trainable: kinds that learn.
        settling, initial: how states are sought, and where parameters begin: an `Initial`, or `Parameters`.
        seed: of all random numbers, from 0 to 2^64 - 1.

    Raises:
        ParameterError: parts that are none, or that contradict each other.
        TaskError: a task that does not fit the architecture.
    """

    architecture: Architecture
    task: PhaseTask
    rule: Any
    clock: Any = SYNCHRONOUS
    device: Any = IDEAL
    optimiser: Any = field(default_factory=Descent)
    batch: Any = FULL
    rates: Rates = field(default_factory=Rates)
    trainable: tuple[str, ...] = KINDS
    settling: Settling = field(default_factory=Settling)
    initial: Any = field(default_factory=Initial)
    seed: int = 0

    def __post_init__(self) -> None:
        _check_kinds(self)
        if isinstance(self.seed, bool) or not (isinstance(self.seed, (int, np.integer)) and 0 <= self.seed < 2**64):
            raise ParameterError(f"seed = {shown(self.seed)}; give a whole number from 0 to 2^64 - 1.")
        object.__setattr__(self, "seed", int(self.seed))
        self.task.check_fits(self.architecture)
        self.clock.rate(self.architecture.couplings + self.architecture.network.nodes)  # raises if nothing would ever act
        object.__setattr__(self, "batch", examples_checked(self.batch, self.task))
        if isinstance(self.rule, SignRule) and self.device.level == 0:
            raise ParameterError(f"{self.rule} moves by one level, but {self.device} has none; give SignedLevels(129, 1.0).")
        if not isinstance(self.device.comparator, Ideal):
            raise ParameterError(f"{self.device.comparator} compares voltages, phases have none; give a device without it.")
        XY(self.architecture.network, self.architecture.shared, self.trainable)  # raises for kinds that do not exist


def _check_kinds(setting: XYSetting) -> None:
    if not isinstance(setting.architecture, Architecture):
        raise ParameterError(f"architecture = {shown(setting.architecture)} is none; see clockless.networks.architectures.")
    if not isinstance(setting.task, PhaseTask):
        raise TaskError(f"task = {shown(setting.task)} is not a PhaseTask; see clockless.media.phases.tasks.")
    expected = (
        ("rule", "nudge", "EquilibriumPropagation(nudge=0.1, rate=0.1)"),
        ("clock", "acting", "Global() or Bernoulli(0.5)"),
        ("device", "written", "Continuous() or SignedLevels(129, 1.0)"),
        ("optimiser", "direction", "Descent(), Momentum(0.9) or Adam()"),
    )
    for name, method, example in expected:
        value = getattr(setting, name)
        if isinstance(value, type) or not hasattr(value, method):
            raise ParameterError(f"{name} = {shown(value)} is none; give one such as {example}.")
    for name, cls in (("rates", Rates), ("settling", Settling)):
        if not isinstance(getattr(setting, name), cls):
            raise ParameterError(f"{name} = {shown(getattr(setting, name))}; give {cls.__name__}(...).")
    if not isinstance(setting.initial, (Initial, tuple)):
        raise ParameterError(f"initial = {shown(setting.initial)}; give Initial(...) or Parameters(W, h, psi).")
