"""Stacks of modules as a medium that does not settle: which module waits for what is the rule's business.

    network: {kind: mlp, layers: [3, 4, 5, 6], width: 256}
    medium: {kind: modules, optimiser: adam, rate: 0.001}
    task: {kind: labels, name: digits}
    rule: {kind: dni, conditioned: true}
    clock: {kind: bernoulli, p: 0.2}
    batch: 64

Nothing in a stack minimises an energy while inputs are held, so there are no two states to compare: a module learns from a
gradient, the true one or a model's. Clocks choose among modules, as they choose among edges. In Python:

    cl.train(cl.Modules(cl.MLP(4, 256)), cl.tasks.labels("digits"), rule=cl.DNI(), batch=64, steps=2000)
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from clockless.errors import ParameterError, TaskError, is_one_of, shown, whole
from clockless.learning.contracts import Arrays, Luck, Replica, Variable
from clockless.media.modules.answers import (
    answer,
    answer_among,
    computing,
    counts,
    flat_parameters,
    flat_statistics,
    restored,
)
from clockless.media.modules.devices import checked_device
from clockless.media.modules.layers import Module, mlp
from clockless.media.modules.learning import Learning, Session, error_and_cost
from clockless.media.modules.methods import DNI, is_method
from clockless.media.modules.optimisers import OPTIMISERS, StepSize, transform
from clockless.seen import Seen
from clockless.tasks.task import Task

CITE = (
    "Jaderberg et al., 'Decoupled neural interfaces using synthetic gradients', ICML 2017, arXiv 1608.05343",
    "Czarnecki et al., 'Understanding synthetic gradients and decoupled neural interfaces', ICML 2017, arXiv 1703.00522",
)


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

    def modules(self, task: Task) -> tuple[Module, ...]:
        """The stack for such examples."""
        return mlp(task.x_train.shape[1], self.width, self.layers, int(task.classes or 0))


class Modules(Seen):
    """A stack of neural modules, each of which may learn without waiting for the others.

    Args:
        network: such as `MLP(layers=4, width=256)`.
        precision: "float32" or "float64".
        optimiser: "adam", "descent" or "momentum", with its usual numbers; every module and every interface has its own
            moments. An `optimiser=` such as `Momentum(0.5)` that is given with the rule takes its place.
        rate: step size.
        drops: steps from which the rate is a tenth of what it was.
        renormalised: whether the test set is looked at a second time with batch normalisation by its own moments, which,
            unlike the running ones, do not depend on how many passes were made.

    Raises:
        ParameterError: an unknown word, a rate or drops that are none, or a network of another kind.
    """

    cite = CITE
    parallel: Literal["threads", "processes"] = "processes"  # JAX computes on one thread of its own
    unit = "module"
    sized_by_task = True
    remembers = ("parameters", "statistics")  # what answers follow from
    sources = (__name__,)

    def __init__(
        self,
        network: MLP,
        precision: str = "float32",
        optimiser: str = "adam",
        rate: float = 1e-3,
        drops: Any = (),
        renormalised: bool = False,
    ) -> None:
        if not hasattr(network, "modules"):
            raise ParameterError(f"network = {shown(network)} is no stack of modules; give one such as MLP(4, 256).")
        if not is_one_of(precision, ("float32", "float64")):
            raise ParameterError(f"precision = {shown(precision)}; the nets compute in 'float32' or 'float64'.")
        if not is_one_of(optimiser, OPTIMISERS):
            raise ParameterError(f"optimiser = {shown(optimiser)}; there are: {', '.join(OPTIMISERS)}.")
        if not isinstance(renormalised, bool):
            raise ParameterError(f"renormalised = {shown(renormalised)}; give True or False.")
        self.network, self.precision, self.optimiser, self.renormalised = network, precision, optimiser, renormalised
        self.step_size = StepSize(rate, drops)

    def __repr__(self) -> str:
        more = ", renormalised=True" if self.renormalised else ""
        own = f"{self.network!r}, {self.precision!r}, {self.optimiser!r}, rate={self.rate}, drops={self.drops}"
        return f"Modules({own}{more})"

    @property
    def rate(self) -> float:
        """Step size at step 0."""
        return self.step_size.rate

    @property
    def drops(self) -> tuple[int, ...]:
        """Steps from which the rate is a tenth of what it was."""
        return self.step_size.drops

    @property
    def units(self) -> int:
        """Modules."""
        return self.network.layers

    def variables(self, traces: bool) -> dict[str, Variable]:
        """Error and cost, updates and alignments of the modules, and their parameters."""
        variables = {
            "error": Variable(("step",), "f8", "part of the test set that is classified wrongly", "1"),
            "cost": Variable(("step",), "f8", "mean cross-entropy of the test set", "nat"),
            "updates": Variable(("step", "module"), "f8", "updates of each module so far", "1"),
            "alignment": Variable(("step", "boundary"), "f8", "cosine of synthetic and true gradient", "1"),
            "failed": Variable((), "bool", "not finite", "1"),
            "parameters": Variable(("parameter",), "f8", "final parameters, module by module", "1"),
            "statistics": Variable(("statistic",), "f8", "final running means and variances, module by module", "1"),
        }
        if self.renormalised:
            among = "of the test set, normalised by its own moments"
            variables["own_error"] = Variable(("step",), "f8", f"part that is classified wrongly {among}", "1")
            variables["own_cost"] = Variable(("step",), "f8", f"mean cross-entropy {among}", "nat")
        if traces:
            variables["traces"] = Variable(("step", "parameter"), "f8", "parameters at each recorded step", "1")
        return variables

    def sizes(self, task: Task) -> dict[str, int]:
        """Modules, the boundaries after them, parameters and running statistics of all modules.

        Where there is no boundary or no statistic its place is held by a NaN.
        """
        parameters, statistics = counts(self.network.modules(task))
        boundaries = max(self.units - 1, 1)
        return {"module": self.units, "boundary": boundaries, "parameter": parameters, "statistic": max(statistics, 1)}

    def coordinates(self) -> dict[str, Any]:
        """Numbers of modules and of the boundaries after them."""
        return {"module": np.arange(self.units), "boundary": np.arange(max(self.units - 1, 1))}

    def check(self, replica: Replica) -> None:
        """Raise for what modules cannot use; see `Medium`."""
        self.learning(replica)

    def learning(self, replica: Replica) -> Learning:
        """Everything that one replica's learning follows from, checked."""
        _check_nouns(replica)
        return Learning(
            modules=self.network.modules(replica.task), task=replica.task, method=replica.rule, clock=replica.clock,
            device=replica.device, batch=replica.batch, seed=replica.seed, precision=self.precision,
            step_size=self.step_size,
            optimiser=OPTIMISERS[self.optimiser]() if replica.optimiser is None else replica.optimiser,
        )  # fmt: skip

    def kind(self, replica: Replica) -> Hashable:
        """Every replica has a learner of its own."""
        return id(replica)

    def width(self, steps: int, replicas: int) -> int:
        """One replica in a unit of work."""
        return 1

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0) -> ModulesLearner:
        """The plain loop over the modules of one replica."""
        (replica,) = replicas
        return ModulesLearner(Session(self.learning(replica)), traces, self.renormalised)

    def classes(self, outputs: np.ndarray) -> np.ndarray:
        """The class that logits [example, class] show."""
        largest: np.ndarray = np.argmax(outputs, axis=1)
        return largest

    def predict(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Logits [example, class] for inputs x [example, input]; `values` are parameters, then statistics, in a row."""
        modules = self.network.modules(task)
        own = counts(modules)[0]
        with computing(self.precision):
            numbers = restored(modules, values[:own], values[own:], self.precision)
            return np.asarray(answer(modules, numbers, np.asarray(x, dtype=self.precision)), dtype=np.float64)


class ModulesLearner:
    """One replica of modules; `Learner` with one lane."""

    size = 1

    def __init__(self, session: Session, traces: bool, renormalised: bool = False) -> None:
        self.session, self._traces, self._renormalised = session, traces, renormalised

    @property
    def step(self) -> int:
        """Steps done."""
        return self.session.step

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, not included."""
        self.session.advance(last)

    def state(self) -> Arrays:
        """What the next step needs."""
        return self.session.state()

    def restore(self, state: Arrays) -> None:
        """Take up such a state."""
        self.session.restore(state)

    def measure(self) -> Arrays:
        """Error, cost, updates and alignment, with traces the parameters, too; each [1, ..]."""
        seen = {**self.session.measure(), "alignment": self._alignment()}
        if self._renormalised:
            error, cost = error_and_cost(self.session.learning, self.session.memories, answer_among)
            seen |= {"own_error": np.array([error]), "own_cost": np.array([cost])}
        return {**seen, "traces": flat_parameters(self.session.memories)[None]} if self._traces else seen

    def _alignment(self) -> np.ndarray:
        """NaN without computing anything where no module has a model of its gradient."""
        boundaries = len(self.session.units) - 1
        if isinstance(self.session.learning.method, DNI) and boundaries:
            return self.session.alignment()
        return np.full((1, max(boundaries, 1)), np.nan)

    def results(self, recorded: Arrays) -> Arrays:
        """What was recorded, the final parameters and running statistics."""
        parameters = flat_parameters(self.session.memories)[None]
        statistics = flat_statistics(self.session.memories)[None]
        if not statistics.size:
            statistics = np.full((1, 1), np.nan)
        finite = np.isfinite(parameters).all(axis=1) & np.isfinite(recorded["cost"]).all(axis=1)
        return {**recorded, "failed": ~finite, "parameters": parameters, "statistics": statistics}


def _check_nouns(replica: Replica) -> None:
    """Nouns of other media get a sentence that names what modules take there."""
    if not isinstance(replica.task, Task) or replica.task.labels_train is None:
        raise TaskError(
            f"task = {shown(replica.task)} has no labels, and modules learn classes; give examples such as "
            "tasks.labels('digits')."
        )
    if not is_method(replica.rule):
        raise ParameterError(
            f"rule = {shown(replica.rule)} is nothing for modules; give one of theirs, such as Backprop() or DNI()."
        )
    checked_device(replica.device)
    if replica.optimiser is not None:
        transform(replica.optimiser)  # raises if it is none for modules
    if replica.initial is not None:
        raise ParameterError("initial: modules draw their first parameters by the seed; leave it out.")
    if not isinstance(replica.batch, int):
        raise ParameterError(f"batch = {shown(replica.batch)}; modules learn from a number of examples, such as 64.")
