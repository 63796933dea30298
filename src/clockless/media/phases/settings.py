"""How phases are sought, where their parameters begin and how fast each kind learns: what a user chooses of an XY medium."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.learning.contracts import Luck
from clockless.media.phases.schedules import GradientFlow, PoissonTimed, RandomSequential, TwoColour
from clockless.media.phases.xy import KINDS, Parameters, check_settling
from clockless.networks.architectures import Architecture
from clockless.numerics.randomness import COUPLINGS
from clockless.parts.optimisers import Rates

SCHEDULES = {
    "two-colour": TwoColour, "random-sequential": RandomSequential, "poisson-timed": PoissonTimed,
    "gradient-flow": GradientFlow,
}  # fmt: skip


@dataclass(frozen=True)
class Settling:
    """How states are sought, while learning and when a set is looked at.

    Args:
        schedule: TwoColour(), RandomSequential(), PoissonTimed() or GradientFlow(), or its name in SCHEDULES.
        residual: torque at which a sample has settled, while learning; large ones are unfinished relaxation.
        sweeps_limit: after so many sweeps a sample is taken as it is.
        test_residual: the same for test sets, whose classes need less.

    Raises:
        ParameterError: an unknown schedule, or a residual or limit that is not positive.
    """

    schedule: Any = field(default_factory=TwoColour)
    residual: float = 1e-6
    sweeps_limit: int = 10_000
    test_residual: float = 1e-4

    def __post_init__(self) -> None:
        if isinstance(self.schedule, str):
            if self.schedule not in SCHEDULES:
                raise ParameterError(f"schedule = {shown(self.schedule)}; there are: {', '.join(SCHEDULES)}.")
            object.__setattr__(self, "schedule", SCHEDULES[self.schedule]())
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

    def parameters(self, architecture: Architecture, luck: Luck) -> Parameters:
        """Drawn from the replica's numbers."""
        from scipy.special import ndtri  # the normal quantile

        couplings, sites = architecture.couplings, architecture.network.nodes
        drawn = luck._replace(step=0).uniform(COUPLINGS, couplings + 2 * sites)
        scale = architecture.initial_scale if self.deviation is None else self.deviation
        h, psi = 2.0 * drawn[couplings:].reshape(2, sites) - 1.0
        return Parameters(scale * ndtri(drawn[:couplings]), self.fields * h, np.pi * psi)


@dataclass(frozen=True)
class Phases:
    """An XY medium in plain words and numbers, as a description has it; `on` puts it on a wiring.

    Args:
        schedule: one of SCHEDULES.
        residual, sweeps_limit, test_residual: see `Settling`.
        trainable: kinds that learn, such as "W h psi".
        rate_W, rate_h, rate_psi: factors on the rule's rate.

    Raises:
        ParameterError: an unknown word, or a number outside its range.
    """

    schedule: str = "two-colour"
    residual: float = 1e-6
    sweeps_limit: int = 10_000
    test_residual: float = 1e-4
    trainable: str = "W h psi"
    rate_W: float = 1.0
    rate_h: float = 1.0
    rate_psi: float = 1.0

    def __post_init__(self) -> None:
        kinds = self.trainable.split() if isinstance(self.trainable, str) else []
        if not kinds or any(kind not in KINDS for kind in kinds):
            raise ParameterError(f"trainable = {shown(self.trainable)}; name some of: {' '.join(KINDS)}.")
        if self.schedule not in SCHEDULES:
            raise ParameterError(f"schedule = {shown(self.schedule)}; there are: {', '.join(SCHEDULES)}.")
        _ = self.settling, self.rates  # which check the numbers

    @property
    def settling(self) -> Settling:
        """How states are sought."""
        return Settling(self.schedule, self.residual, self.sweeps_limit, self.test_residual)

    @property
    def rates(self) -> Rates:
        """Factors on the rule's rate."""
        return Rates(self.rate_W, self.rate_h, self.rate_psi)

    def on(self, network: Any) -> Any:
        """The medium on a wiring or an architecture."""
        from clockless.media.phases.medium import XY

        return XY(network, trainable=self.trainable, settling=self.settling, rates=self.rates)

    @classmethod
    def of(cls, xy: Any) -> Phases:
        """The words of a medium.

        Raises:
            ParameterError: a schedule with numbers of its own, which no word stands for.
        """
        settling, rates = xy.settling, xy.rates
        name = next((name for name, schedule in SCHEDULES.items() if schedule() == settling.schedule), None)
        if name is None:
            raise ParameterError(
                f"{shown(settling.schedule)} has no name in a description; use one of: {', '.join(SCHEDULES)}."
            )
        numbers = settling.residual, settling.sweeps_limit, settling.test_residual
        return cls(name, *numbers, " ".join(xy.trainable), rates.W, rates.h, rates.psi)
