"""How phases are sought, where their parameters begin and how fast each kind learns: what a user chooses of an XY medium."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown
from clockless.learning.contracts import Luck
from clockless.media.phases.schedules import GradientFlow, PoissonTimed, RandomSequential, TwoColour
from clockless.media.phases.xy import Parameters, check_schedule, check_settling
from clockless.networks.architectures import Architecture
from clockless.numerics.randomness import COUPLINGS

SCHEDULES = {
    "two-colour": TwoColour, "random-sequential": RandomSequential, "poisson-timed": PoissonTimed,
    "gradient-flow": GradientFlow,
}  # fmt: skip


def scheduled(name: str, relaxation: float | None) -> Any:
    """The schedule of a name, with its over-relaxation; ParameterError if it visits no sites, or for a bad number."""
    schedule: Any = SCHEDULES[name]
    if relaxation is None:
        return schedule()
    if not hasattr(schedule, "relaxation"):
        raise ParameterError(f"relaxation = {shown(relaxation)}, but {name} visits no sites; leave it out.")
    return schedule(relaxation=relaxation)


def words_of(schedule: Any) -> dict[str, Any]:
    """A schedule in a description; ParameterError for one with other numbers of its own, which no word stands for."""
    for name, known in SCHEDULES.items():
        relaxation = getattr(schedule, "relaxation", None)
        if type(schedule) is known and scheduled(name, relaxation) == schedule:
            return {"schedule": name, **({} if relaxation is None else {"relaxation": relaxation})}
    raise ParameterError(f"{shown(schedule)} has no name in a description; use one of: {', '.join(SCHEDULES)}.")


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
        check_schedule(self.schedule)
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
