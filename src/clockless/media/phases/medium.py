"""XY networks as a medium: what learns in them, what they are shown, and how a replica is checked.

    cl.train(cl.XY(architecture), cl.tasks.iris(architecture), rule=cl.EquilibriumPropagation(0.1, 0.1), steps=500)

*Units* of the clock are the couplings, then the sites: h and psi of a site act together. The device holds couplings; h and
psi take any value. A step settles each sample freely from phases uniform in (-pi, pi) and a second time pushed, starting
from the free state; signals are means over samples.
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clockless.errors import ParameterError, TaskError, real_array, shown
from clockless.learning.checks import check_parts
from clockless.learning.contracts import Examples, Info, Luck, Replica, Variable
from clockless.learning.plain import PlainLearner
from clockless.media.phases.contrast import Samples, contrast
from clockless.media.phases.costs import directions, reported
from clockless.media.phases.settings import Initial, Settling, words_of
from clockless.media.phases.tasks import fitting
from clockless.media.phases.xy import KINDS, Parameters, Rotors, Stop, phases_of
from clockless.networks.architectures import Architecture
from clockless.networks.network import Network
from clockless.numerics.randomness import PHASES, RELAXATION, TEST_PHASES
from clockless.parts.comparators import Ideal
from clockless.parts.optimisers import Rates
from clockless.parts.pushes import Clamp, Nudge, Push, push_of
from clockless.parts.triggers import is_trigger
from clockless.tasks.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CITE = (
    "Wang, Wanjura, Marquardt, 'Training coupled phase oscillators as a neuromorphic platform using equilibrium "
    "propagation', Neuromorph. Comput. Eng. 4, 034014 (2024), arXiv 2402.08579",
    "Wang, Wanjura, Marquardt, 'Dependence of equilibrium propagation training success on network architecture', "
    "arXiv 2601.21945 (2026)",
    "Scellier, Bengio, 'Equilibrium propagation: bridging the gap between energy-based models and backpropagation', "
    "Front. Comput. Neurosci. 11, 24 (2017), doi 10.3389/fncom.2017.00024",
)
_TEST_CHUNK = 256  # test samples settled at once


class XY(Rotors):
    """Phases coupled by cosines that learn couplings W, field strengths h and field directions psi.

    Args:
        network: an `Architecture`, or a plain `Network` whose input and output sites the task names.
        shared: which coupling each edge uses, int [edge]; an architecture brings its own.
        trainable: which of the kinds "W", "h" and "psi" learn; the others stay as they are.
        settling: how states are sought.
        rates: factors on the rule's rate for W, h and psi.

    Raises:
        NetworkError: the network is none, or `shared` does not fit it.
        ParameterError: a kind that does not exist, or settings that are none.
    """

    cite: tuple[str, ...] = CITE
    parallel: Literal["threads", "processes"] = "threads"
    unit = "coupling or site"
    sources = (__name__,)

    def __init__(
        self,
        network: Network | Architecture,
        shared: Any = None,
        trainable: str | Sequence[str] = KINDS,
        settling: Settling | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.architecture = network if isinstance(network, Architecture) else None
        if isinstance(network, Architecture):
            shared, network = network.shared if shared is None else shared, network.network
        super().__init__(network, shared, trainable)
        self.settling = Settling() if settling is None else settling
        self.rates = Rates() if rates is None else rates
        for name, cls in (("settling", Settling), ("rates", Rates)):
            if not isinstance(getattr(self, name), cls):
                raise ParameterError(f"{name} = {shown(getattr(self, name))}; give {cls.__name__}(...).")
        self.stretches = {"W": self.couplings, "h": self.network.nodes, "psi": self.network.nodes}
        self.tolerated = self.settling.residual

    @property
    def units(self) -> int:
        """Couplings and sites."""
        return self.couplings + self.network.nodes

    def described(self) -> dict[str, Any]:
        """The medium in words and numbers, see `described.Phases`.

        Raises:
            ParameterError: a schedule with numbers of its own, which no word stands for.
        """
        settling, rates = self.settling, self.rates
        limits = {name: getattr(settling, name) for name in ("residual", "sweeps_limit", "test_residual")}
        factors = {f"rate_{kind}": getattr(rates, kind) for kind in KINDS}
        words = {**words_of(settling.schedule), "trainable": " ".join(self.trainable)}
        return {"kind": "xy", **words, **limits, **factors}

    # --- what it leaves behind ----------------------------------------------------------------------------

    def variables(self, traces: bool) -> dict[str, Variable]:
        """Costs and accuracy at the recorded steps, how settling went, and the parameters: W, then h, then psi."""
        variables = {
            "error": Variable(("step",), "f8", "test cost, 1/2 sum over outputs of (1 - cos delta)", "1"),
            "accuracy": Variable(("step",), "f8", "part of the test set whose class is shown", "1"),
            "train_cost": Variable(("step",), "f8", "cost of the samples of the last step", "1"),
            "sweeps": Variable((), "f8", "mean sweeps per sample until settled", "1"),
            "unsettled": Variable((), "f8", "part of the samples that did not settle", "1"),
            "residual": Variable((), "f8", "largest torque left in the last step", "1"),
            "failed": Variable((), "bool", "not finite", "1"),
            "actions": Variable(("unit",), "f8", "updates of each unit", "1"),
            "parameters": Variable(("parameter",), "f8", "final W of every coupling, then h, then psi of every site", "1"),
        }
        if traces:
            variables["traces"] = Variable(("step", "parameter"), "f8", "parameters at each recorded step", "1")
        return variables

    def sizes(self, task: Task) -> dict[str, int]:
        """Parameters, and units of the clock."""
        return {"parameter": sum(self.stretches.values()), "unit": self.units}

    def coordinates(self) -> dict[str, Any]:
        """Which kind each parameter is of."""
        kinds = np.repeat(list(self.stretches), list(self.stretches.values()))
        return {"parameter": np.arange(kinds.size), "parameter_kind": ("parameter", kinds), "unit": np.arange(self.units)}

    # --- replicas -----------------------------------------------------------------------------------------

    def check(self, replica: Replica) -> None:
        """Raise for what phases cannot use; see `Medium`."""
        self._checked(replica)

    def _checked(self, replica: Replica) -> Replica:
        if is_trigger(replica.clock):
            raise ParameterError(
                f"clock = {shown(replica.clock)} triggers units at times of their own, but phases of XY learn in steps; "
                "give medium=RelaxingXY(network)."
            )
        replica = check_parts(replica, self.units)
        self.architecture_of(replica.task)
        if getattr(replica.rule, "parameter", "resistance") != "resistance":
            raise ParameterError(
                f"rule = {replica.rule}: phases learn couplings and fields, not a {replica.rule.parameter}."
            )
        if not isinstance(getattr(replica.device, "comparator", Ideal()), Ideal):
            raise ParameterError(
                f"device: {replica.device.comparator} compares voltages, phases have none; give a device without it."
            )
        if getattr(replica.device, "low", -1.0) >= 0:
            raise ParameterError(
                f"device = {replica.device}: couplings of phases have either sign; give SignedLevels(129, 1.0)."
            )
        if not isinstance(push_of(replica.rule), (Clamp, Nudge)):
            raise ParameterError(f"rule = {replica.rule} pushes nothing; phases need a rule that clamps or nudges.")
        initial = Initial() if replica.initial is None else replica.initial
        if not isinstance(initial, (Initial, tuple)):
            raise ParameterError(f"initial = {shown(initial)}; phases begin from Initial(...) or Parameters(W, h, psi).")
        return replica.changed(initial=initial)

    def kind(self, replica: Replica) -> Hashable:
        """Every replica has a learner of its own: its samples are the lanes."""
        return id(replica)

    def width(self, steps: int, replicas: int) -> int:
        """One replica in a unit of work."""
        return 1

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0) -> PlainLearner:
        """The plain loop of one replica."""
        (replica,) = replicas
        return PlainLearner(self._checked(replica), traces)

    def architecture_of(self, task: Task) -> Architecture:
        """The medium's architecture, or one with the sites that the task names.

        Raises:
            TaskError: neither names sites, or both do and differ, or they do not fit the examples.
        """
        if task.y_train is None:
            raise TaskError(f"{task.name} has labels alone; phases need targets: take a builder such as tasks.digits.")
        if task.ground:
            raise TaskError(f"{task.name} has a ground, but phases have none; leave it out.")
        if task.wired:
            task.check_fits(self.network)
            sites = (tuple(task.inputs or ()), tuple(task.outputs or ()))
            mine = self.architecture
            if mine is not None and (mine.inputs, mine.outputs) != sites:
                raise TaskError(f"{task.name} names other sites than {mine.name}; name them in one place.")
            return mine if mine is not None else _wired(self, *sites)
        if self.architecture is None:
            raise TaskError(
                f"neither {task.name} nor the network names input and output sites; give Task(inputs=.., outputs=..)."
            )
        fitting(task, self.architecture)
        return self.architecture

    # --- what the plain learner asks ------------------------------------------------------------------------

    def owners(self) -> np.ndarray:
        """Couplings are units of their own, h and psi of a site are one."""
        sites = self.couplings + np.arange(self.network.nodes)
        return np.concatenate([np.arange(self.couplings), sites, sites])

    def factors(self) -> np.ndarray:
        """Rates of the kinds that learn, 0 for the others."""
        parts = [np.full(n, getattr(self.rates, kind) * (kind in self.trainable)) for kind, n in self.stretches.items()]
        return np.concatenate(parts)

    def limits(self) -> tuple[float, float]:
        """None."""
        return -np.inf, np.inf

    def held_by_device(self) -> slice:
        """The couplings."""
        return slice(0, self.couplings)

    def first(self, replica: Replica) -> np.ndarray:
        """Parameters at step 0, couplings on the device's levels if it has any."""
        start = replica.initial
        if isinstance(start, Initial):
            start = start.parameters(self.architecture_of(replica.task), replica.luck)
        start = self.parameters(*start)
        if hasattr(replica.device, "nearest"):
            start = start._replace(W=replica.device.nearest(start.W))
        return np.concatenate(start)

    def given(self, values: np.ndarray) -> Parameters:
        """An `initial` from one array [parameter], such as another run's end; ParameterError if it does not fit."""
        if values.shape != (sum(self.stretches.values()),):
            raise ParameterError(f"initial has {values.size} values a replica; {self!r} has {sum(self.stretches.values())}.")
        return self.split(values)

    def split(self, values: np.ndarray) -> Parameters:
        """W [coupling], h [site] and psi [site] of one array, views."""
        return Parameters(*np.split(values, np.cumsum(list(self.stretches.values()))[:-1]))

    def examples(self, task: Task, chosen: np.ndarray) -> Examples:
        """Those of the task's training examples."""
        architecture = self.architecture_of(task)
        return Examples(architecture.inputs, task.x_train[chosen], architecture.outputs, task.y_train[chosen])

    def contrast(self, values: np.ndarray, examples: Examples, push: Push, luck: Luck) -> tuple[np.ndarray, Info]:
        """Mean over samples of the difference of signals; see `contrast` for the equations."""
        inits = push.inits if isinstance(push, Nudge) else 1
        samples = Samples(examples.inputs, examples.x.T, examples.outputs, examples.y.T)
        z = self._starting(luck, PHASES, examples.inputs, 0, len(examples.x) * inits)
        parameters = self.split(values)
        signal, looked = contrast(push, self, parameters, samples, z, self._stop(luck, self.settling.residual))
        delta = phases_of(looked.free[list(examples.outputs)]) - np.repeat(samples.y, inits, axis=1)
        return np.concatenate(signal), Info(looked.residual, looked.sweeps, float(reported(delta).mean()))

    def look(self, values: np.ndarray, task: Task, luck: Luck) -> dict[str, float]:
        """Mean cost 1/2 sum over outputs (1 - cos delta), and the share whose class is shown, argmax sin(phi_out)."""
        phases = self.predict(values, task.x_test, task, luck)
        labels = task.labels_test
        accuracy = np.nan if labels is None else float(np.mean(self.classes(phases) == labels))
        return {"error": float(reported((phases - task.y_test).T).mean()), "accuracy": accuracy}

    def classes(self, outputs: np.ndarray) -> np.ndarray:
        """The class that output phases [example, output] show: the largest sine."""
        largest: np.ndarray = np.argmax(np.sin(outputs), axis=1)
        return largest

    def predict(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Free output phases [example, output] for input phases [example, input], from starts drawn for this step."""
        outputs = list(self.architecture_of(task).outputs)
        return self.state(values, x, task, luck)[:, outputs]

    def state(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Free phases [example, site] for input phases [example, input]."""
        x, architecture = real_array(x), self.architecture_of(task)
        stop, settled = self._stop(luck, self.settling.test_residual), np.empty((len(x), self.network.nodes))
        for first in range(0, len(x), _TEST_CHUNK):
            chunk = x[first : first + _TEST_CHUNK]
            z = self._starting(luck, TEST_PHASES, architecture.inputs, first, len(chunk))
            z[list(architecture.inputs)] = directions(chunk.T)
            self.relax(self.split(values), z, architecture.inputs, stop)
            settled[first : first + len(chunk)] = phases_of(z).T
        return settled

    def draw(self, values: np.ndarray, task: Task, luck: Luck) -> Figure:
        """Figure of the couplings `values` and the phases to which the first test example settles."""
        lattices = importlib.import_module("clockless.pictures.lattices")  # by name: pictures are no source of the bits
        (phases,) = self.state(values, task.x_test[:1], task, luck)
        figure: Figure = lattices.lattice_figure(self.architecture_of(task), phases, self.split(values).W)
        return figure

    def _starting(self, luck: Luck, purpose: Any, inputs: tuple[int, ...], first: int, count: int) -> np.ndarray:
        """z [site, 2, sample] of `count` samples from number `first` on: free phases uniform in (-pi, pi), inputs yet unset.

        A sample's start depends on its own number and the step alone, not on how many others there are.
        """
        rows = self.arrangement(inputs).rows
        drawn = luck.numbers(purpose, count * rows.size, first * rows.size)
        turns = ((drawn + 0.5) * 2.0**-31 - 1.0).reshape(count, rows.size)
        z = np.zeros((self.network.nodes, 2, count))
        z[rows] = directions(np.pi * turns.T)
        return z

    def _stop(self, luck: Luck, residual: float) -> Stop:
        low, high = luck.numbers(RELAXATION, 2)
        occasion = int(low) | int(high) << 32  # other random orders in every step
        return Stop(self.settling.schedule, residual, self.settling.sweeps_limit, luck.seed, occasion)


@lru_cache(maxsize=64)
def _wired(xy: XY, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Architecture:
    """The medium's wiring with a task's sites; couplings begin at 1 / sqrt(degree), as in lattices."""
    degrees = xy.network.degrees
    scale = np.zeros(xy.couplings)
    by_edge = 1.0 / np.sqrt(degrees[xy.network.edges].mean(axis=1))
    np.maximum.at(scale, xy.shared, by_edge)
    return Architecture(xy.network, inputs, outputs, xy.shared, None, scale, "network")
