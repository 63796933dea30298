"""Experiments with phases: XY networks as the medium of an `Experiment`, one replica a unit of work.

network: {kind: dense, sizes: [64, 100, 10]}
medium: {kind: xy, residual: 1.0e-5}
task: {kind: digits}
rule: {kind: equilibrium-propagation, nudge: 0.1, rate: 0.1}
batch: 300
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clockless.errors import DescriptionError, ParameterError, shown
from clockless.experiments.catalogue import built, built_on, kind_of
from clockless.experiments.experiment import Experiment, Point
from clockless.experiments.studies import Variable, check_sections, differing, sources_digest, units_of
from clockless.learning.follow import Arrays, OneReplica, Session
from clockless.media.phases.learner import XYLearning
from clockless.media.phases.schedules import GradientFlow, PoissonTimed, RandomSequential, TwoColour
from clockless.media.phases.setting import Initial, Settling, XYSetting
from clockless.media.phases.xy import KINDS
from clockless.networks.architectures import Architecture
from clockless.parts.optimisers import Descent, Rates

CITE = (
    "Wang, Wanjura, Marquardt, 'Training coupled phase oscillators as a neuromorphic platform using equilibrium "
    "propagation', Neuromorph. Comput. Eng. 4, 034014 (2024), arXiv 2402.08579",
    "Wang, Wanjura, Marquardt, 'Dependence of equilibrium propagation training success on network architecture', "
    "arXiv 2601.21945 (2026)",
    "Scellier, Bengio, 'Equilibrium propagation: bridging the gap between energy-based models and backpropagation', "
    "Front. Comput. Neurosci. 11, 24 (2017), doi 10.3389/fncom.2017.00024",
)
SCHEDULES = {
    "two-colour": TwoColour, "random-sequential": RandomSequential, "poisson-timed": PoissonTimed,
    "gradient-flow": GradientFlow,
}  # fmt: skip


@dataclass(frozen=True)
class Phases:
    """The XY medium of an experiment: how states are sought and which parameters learn.

    Args:
        schedule: one of SCHEDULES.
        residual, sweeps_limit, test_residual: see `Settling`.
        trainable: kinds that learn, such as "W h psi".
        rate_W, rate_h, rate_psi: factors on the rule's rate.
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
        if self.schedule not in SCHEDULES:
            raise ParameterError(f"schedule = {shown(self.schedule)}; there are: {', '.join(SCHEDULES)}.")
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise ParameterError(f"trainable = {shown(self.trainable)}; name some of: {' '.join(KINDS)}.")
        _ = self.settling, self.rates  # which check the numbers

    @property
    def settling(self) -> Settling:
        """How states are sought."""
        return Settling(SCHEDULES[self.schedule](), self.residual, self.sweeps_limit, self.test_residual)

    @property
    def rates(self) -> Rates:
        """Factors on the rule's rate."""
        return Rates(self.rate_W, self.rate_h, self.rate_psi)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of parameters that learn."""
        return tuple(self.trainable.split())


_UNDER_PHASES = ("media/phases", "tasks", "networks")


class Lattices:
    """XY networks that learn tasks of phases; every replica is a unit."""

    scales_on_threads = True

    def __init__(self, experiment: Experiment, width: int = 1) -> None:
        self.experiment, self.width = experiment, width
        self.cite, self.sources = CITE, sources_digest(*_UNDER_PHASES)
        self.units = list(units_of(experiment, width))
        self.variables = {
            "error": Variable(("step",), "f8", "test cost, 1/2 sum over outputs of (1 - cos delta)", "1"),
            "accuracy": Variable(("step",), "f8", "part of the test set whose class is shown", "1"),
            "train_cost": Variable(("step",), "f8", "cost of the samples of the last step", "1"),
            "sweeps": Variable((), "f8", "mean sweeps per sample until settled", "1"),
            "unsettled": Variable((), "f8", "part of the samples that did not settle", "1"),
            "residual": Variable((), "f8", "largest torque left in the last step", "1"),
            "failed": Variable((), "bool", "not finite", "1"),
            "parameters": Variable(("parameter",), "f8", "final W of every coupling, then h, then psi of every site", "1"),
        }
        if experiment.traces:
            traces = Variable(("step", "parameter"), "f8", "parameters at each recorded step", "1")
            self.variables["traces"] = traces

    @staticmethod
    def width_for(experiment: Experiment) -> int:
        """One replica in a unit: its samples are the lanes."""
        return 1

    @property
    def acting_units(self) -> int:
        """Couplings and sites."""
        architecture = self._architecture(self.experiment.at(0))
        return architecture.couplings + architecture.network.nodes

    @property
    def sizes(self) -> dict[str, int]:
        """Recorded steps, and parameters: of the largest network if there are several; others' are filled with NaN."""
        counts = [
            architecture.couplings + 2 * architecture.network.nodes
            for number in differing(self.experiment, ("network",), None)
            for architecture in [self._architecture(self.experiment.at(number))]
        ]
        return {"step": len(self.experiment.record_at), "parameter": max(counts)}

    def setting(self, number: int) -> XYSetting:
        """Everything that one replica's learning follows from."""
        point = self.experiment.at(number)
        architecture, medium = self._architecture(point), built("medium", point["medium"])
        batch, optimiser, initial = point["batch"], point["optimiser"], point["initial"]
        if isinstance(initial, float) or (isinstance(initial, dict) and initial["kind"] == "given"):
            raise DescriptionError("initial: phases begin from {kind: drawn, deviation: .., fields: ..}, not from ohms.")
        return XYSetting(
            architecture,
            built_on("task", point["task"], point["network"]),
            built("rule", point["rule"]),
            built("clock", point["clock"]),
            built("device", point["device"]),
            optimiser=Descent() if optimiser is None else built("optimiser", optimiser),
            batch=built("batch", batch) if isinstance(batch, dict) else batch,
            rates=medium.rates,
            trainable=medium.kinds,
            settling=medium.settling,
            initial=Initial() if initial is None else built("initial", initial),
            seed=point["seeds"],
        )

    def _architecture(self, point: Point) -> Architecture:
        return built("network", point["network"])

    def session(self, unit: int) -> Session:
        """The session of one replica."""
        (member,) = self.units[unit]
        return Replica(XYLearning(self.setting(int(member))), self.experiment.traces)

    def check(self) -> None:
        """Build every value of every section once, and every pairing of rule, device and batch."""
        for number in differing(self.experiment, ("network",)):
            _check_sites(self.experiment.at(number)["network"]["kind"])
        check_sections(self.experiment)
        for number in differing(self.experiment, ("network", "medium", "rule", "device", "batch", "task")):
            self.setting(number)

    def coordinates(self) -> dict[str, Any]:
        """Numbers of the parameters."""
        return {"parameter": np.arange(self.sizes["parameter"])}


def _check_sites(kind: str) -> None:
    """Raise unless networks of this kind have input and output sites."""
    if kind_of("network", kind, "network").path.partition(":")[0] not in _WITH_SITES:
        raise DescriptionError(
            f"network: {kind} says nothing of input and output sites, which phases need; give a kind such as dense, local, "
            f"square or all-to-all."
        )


_WITH_SITES = ("clockless.networks.architectures", "clockless.networks.windows")


class Replica(OneReplica):
    """One replica's learning as a session of a store."""

    def measure(self) -> Arrays:
        """Costs, accuracy and how settling went, with traces the parameters, too; each [1, ..]."""
        seen = self.learning.measure()
        return {**seen, "traces": self._parameters()} if self._traces else seen

    def results(self, recorded: Arrays) -> Arrays:
        """Costs and accuracy at the recorded steps; the rest from the last one."""
        parameters = self._parameters()
        results = {name: recorded[name] for name in ("accuracy", "train_cost")}
        results |= {name: recorded[name][:, -1] for name in ("sweeps", "unsettled", "residual")}
        finite = np.isfinite(parameters).all(axis=1) & np.isfinite(recorded["cost"]).all(axis=1)
        results |= {"error": recorded["cost"], "failed": ~finite, "parameters": parameters}
        return {**results, "traces": recorded["traces"]} if self._traces else results

    def _parameters(self) -> np.ndarray:
        return np.concatenate(self.learning.parameters)[None]
