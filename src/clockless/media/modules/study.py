"""Experiments on stacks of modules: which of them wait for what, one replica a unit of work.

network: {kind: mlp, layers: [3, 4, 5, 6], width: 256}
medium: {kind: modules, optimiser: adam, rate: 0.001}
task: {kind: labels, name: digits}
rule: {kind: dni, conditioned: true}
clock: {kind: bernoulli, p: 0.2}
batch: 64
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clockless.errors import DescriptionError, ParameterError, shown, whole
from clockless.experiments.catalogue import built, kind_of
from clockless.experiments.experiment import Experiment, Point
from clockless.experiments.studies import Variable, check_sections, differing, sources_digest, units_of
from clockless.learning.follow import Arrays, OneReplica
from clockless.media.modules.data import Examples
from clockless.media.modules.layers import Module, mlp
from clockless.media.modules.learning import Learning, Session, flat_parameters
from clockless.media.modules.methods import DNI
from clockless.media.modules.optimisers import Adam, Descent

CITE = (
    "Jaderberg et al., 'Decoupled neural interfaces using synthetic gradients', ICML 2017, arXiv 1608.05343",
    "Czarnecki et al., 'Understanding synthetic gradients and decoupled neural interfaces', ICML 2017, arXiv 1703.00522",
)
OPTIMISERS = {"adam": Adam, "descent": Descent}
_SECTIONS = ("network", "medium", "task", "rule", "clock", "device", "optimiser", "batch", "initial")


@dataclass(frozen=True)
class MLP:
    """The papers' network: hidden layers (linear, batch normalisation, ReLU) and a linear one; each layer is a module.

    Inputs and classes are the task's.

    Args:
        layers: weight matrices, so one more than hidden layers.
        width: units of a hidden layer.

    Raises:
        ParameterError: a number that is not whole or below 1.
    """

    layers: int = 4
    width: int = 256

    def __post_init__(self) -> None:
        whole("layers", self.layers, 1)
        whole("width", self.width, 1)

    def modules(self, examples: Examples) -> tuple[Module, ...]:
        """The stack for such examples."""
        return mlp(examples.inputs, self.width, self.layers, examples.classes)


@dataclass(frozen=True)
class Nets:
    """Stacks of modules as the medium of an experiment: how they compute and change.

    Args:
        precision: "float32" or "float64".
        optimiser: one of OPTIMISERS; every module and every interface has its own.
        rate: its step size.
        drops: steps from which the rate is a tenth of what it was.

    Raises:
        ParameterError: an unknown word, or a rate or drops that are none.
    """

    precision: str = "float32"
    optimiser: str = "adam"
    rate: float = 1e-3
    drops: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.precision not in ("float32", "float64"):
            raise ParameterError(f"precision = {shown(self.precision)}; the nets compute in 'float32' or 'float64'.")
        if self.optimiser not in OPTIMISERS:
            raise ParameterError(f"optimiser = {shown(self.optimiser)}; there are: {', '.join(OPTIMISERS)}.")
        object.__setattr__(self, "drops", self.descent.drops)

    @property
    def descent(self) -> Any:
        """The optimiser."""
        return OPTIMISERS[self.optimiser](self.rate, tuple(self.drops))


class Stacks:
    """Stacks of modules that learn from labelled examples; every replica is a unit.

    The time of a step goes into JAX's own threads, of which there is one (see the package's docstring), so replicas
    side by side need processes of their own.
    """

    scales_on_threads = False

    def __init__(self, experiment: Experiment, width: int = 1) -> None:
        self.experiment, self.width, self.cite = experiment, width, CITE
        self.sources = sources_digest("media/modules", "tasks")
        self.units = list(units_of(experiment, width))
        self.variables = {
            "error": Variable(("step",), "f8", "part of the test set that is classified wrongly", "1"),
            "cost": Variable(("step",), "f8", "mean cross-entropy of the test set", "nat"),
            "updates": Variable(("step", "module"), "f8", "updates of each module so far", "1"),
            "alignment": Variable(("step", "boundary"), "f8", "cosine of synthetic and true gradient", "1"),
            "failed": Variable((), "bool", "not finite", "1"),
            "parameters": Variable(("parameter",), "f8", "final parameters, module by module", "1"),
        }
        if experiment.traces:
            traces = Variable(("step", "parameter"), "f8", "parameters at each recorded step", "1")
            self.variables["traces"] = traces

    @staticmethod
    def width_for(experiment: Experiment) -> int:
        """One replica in a unit."""
        return 1

    @property
    def acting_units(self) -> int:
        """Modules."""
        return len(self.learning(0).modules)

    @property
    def sizes(self) -> dict[str, int]:
        """Lengths for the largest network, if there are several; others' results are filled with NaN."""
        stacks = [self.learning(number) for number in differing(self.experiment, ("network", "task"), None)]
        modules = max(len(stack.modules) for stack in stacks)
        counts = [sum(_parameters(module) for module in stack.modules) for stack in stacks]
        steps = len(self.experiment.record_at)
        return {"step": steps, "module": modules, "boundary": max(modules - 1, 1), "parameter": max(counts)}

    def learning(self, number: int) -> Learning:
        """Everything that one replica's learning follows from."""
        point = self.experiment.at(number)
        _check_kinds(point)
        network, medium, task, rule = (built(name, point[name]) for name in ("network", "medium", "task", "rule"))
        return Learning(
            network.modules(task),
            task,
            rule,
            built("clock", point["clock"]),
            point["batch"],
            medium.descent,
            point["seeds"],
            medium.precision,
        )

    def session(self, unit: int) -> Replica:
        """The session of one replica."""
        (member,) = self.units[unit]
        return Replica(Session(self.learning(int(member))), self.experiment.traces)

    def check(self) -> None:
        """Build every value of every section once, and every pairing of network, task, rule and batch."""
        for number in differing(self.experiment, ("network", "task", "rule", "device", "optimiser", "initial")):
            _check_kinds(self.experiment.at(number))
        check_sections(self.experiment)
        for number in differing(self.experiment, ("network", "task", "rule", "batch")):
            self.learning(number)

    def coordinates(self) -> dict[str, Any]:
        """Numbers of modules, of the boundaries after them, and of parameters."""
        return {name: np.arange(size) for name, size in self.sizes.items() if name != "step"}


class Replica(OneReplica):
    """One replica's learning as a session of a store."""

    def measure(self) -> Arrays:
        """Error, cost, updates and alignment, with traces the parameters, too; each [1, ..]."""
        seen = {**self.learning.measure(), "alignment": self._alignment()}
        return {**seen, "traces": flat_parameters(self.learning.memories)[None]} if self._traces else seen

    def _alignment(self) -> np.ndarray:
        """NaN without computing anything where no module has a model of its gradient."""
        if isinstance(self.learning.learning.method, DNI):
            return self.learning.alignment()
        return np.full((1, len(self.learning.units) - 1), np.nan)

    def results(self, recorded: Arrays) -> Arrays:
        """What was recorded, and the final parameters."""
        parameters = flat_parameters(self.learning.memories)[None]
        finite = np.isfinite(parameters).all(axis=1) & np.isfinite(recorded["cost"]).all(axis=1)
        return {**recorded, "failed": ~finite, "parameters": parameters}


def _parameters(module: Module) -> int:
    """How many numbers of a module learn."""
    from jax import tree

    parameters, _ = module.init(lambda count: np.full(count, 0.5))
    return sum(leaf.size for leaf in tree.leaves(parameters))


_EXAMPLES = {
    "network": "{kind: mlp, layers: 4, width: 256}",
    "task": "{kind: labels, name: digits}",
    "rule": "{kind: backprop} or {kind: dni}",
}


def _check_kinds(point: Point) -> None:
    """Sections of other media get a sentence that names what modules take there."""
    for name, example in _EXAMPLES.items():
        kind = point[name]["kind"]
        if not kind_of(name, kind, name).path.startswith("clockless.media.modules."):
            raise DescriptionError(f"{name}: {kind} is nothing for modules; give one such as {example}.")
    if point["device"]["kind"] != "continuous":
        raise DescriptionError(f"device: {point['device']['kind']} is nothing for modules, which change continuously.")
    for name, where in (("optimiser", "the medium's fields optimiser and rate"), ("initial", "seeds")):
        if point[name] is not None:
            raise DescriptionError(f"{name}: modules take theirs from {where}; leave it out.")
    if not isinstance(point["batch"], int):
        raise DescriptionError(f"batch = {shown(point['batch'])}; modules learn from a number of examples, such as 64.")
