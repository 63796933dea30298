"""An XY medium in plain words and numbers, as a description has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clockless.errors import ParameterError, is_one_of, shown
from clockless.media.phases.medium import XY
from clockless.media.phases.relaxing.medium import RelaxingXY
from clockless.media.phases.settings import SCHEDULES, Settling, scheduled
from clockless.media.phases.xy import KINDS
from clockless.parts.optimisers import Rates


@dataclass(frozen=True)
class Phases:
    """An XY medium in plain words and numbers, as a description has it; `on` puts it on a wiring.

    Args:
        schedule: one of SCHEDULES.
        residual, sweeps_limit, test_residual: see `Settling`.
        trainable: kinds that learn, such as "W h psi".
        rate_W, rate_h, rate_psi: factors on the rule's rate.
        relaxation: over-relaxation of a schedule that visits sites, from 1 (exact minima) to below 2; None adapts it.

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
    relaxation: float | None = None

    def __post_init__(self) -> None:
        kinds = self.trainable.split() if isinstance(self.trainable, str) else []
        if not kinds or any(kind not in KINDS for kind in kinds):
            raise ParameterError(f"trainable = {shown(self.trainable)}; name some of: {' '.join(KINDS)}.")
        if not is_one_of(self.schedule, SCHEDULES):
            raise ParameterError(f"schedule = {shown(self.schedule)}; there are: {', '.join(SCHEDULES)}.")
        _ = self.settling, self.rates  # which check the numbers

    @property
    def settling(self) -> Settling:
        """How states are sought."""
        return Settling(scheduled(self.schedule, self.relaxation), self.residual, self.sweeps_limit, self.test_residual)

    @property
    def rates(self) -> Rates:
        """Factors on the rule's rate."""
        return Rates(self.rate_W, self.rate_h, self.rate_psi)

    def on(self, network: Any) -> XY:
        """The medium on a wiring or an architecture."""
        return XY(network, trainable=self.trainable, settling=self.settling, rates=self.rates)


@dataclass(frozen=True)
class RelaxingPhases(Phases):
    """A medium of phases that take time, in plain words and numbers.

    Args:
        friction, temperature, tolerance, time_step: see `RelaxingXY`; the others as of `Phases`.
    """

    friction: float = 1.0
    temperature: float = 0.0
    tolerance: float = 1e-6
    time_step: float | None = None

    def on(self, network: Any) -> RelaxingXY:
        """The medium on a wiring or an architecture."""
        own = {name: getattr(self, name) for name in ("friction", "temperature", "tolerance", "time_step")}
        return RelaxingXY(network, trainable=self.trainable, settling=self.settling, rates=self.rates, **own)
