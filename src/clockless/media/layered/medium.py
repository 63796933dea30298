"""Deep resistive networks as a medium: layers of conductances and ideal diodes that learn by equilibrium propagation.

    cl.train(cl.DeepResistive.preset("xs"), cl.tasks.mnist_pixels("DIR"), rule=cl.EquilibriumPropagation(1.0, 0.006,
             centred=True), batch=4, steps=15_000)

*Units* of the clock are the nodes that settle, hidden ones first, outputs last: a node owns the conductances from the layer
below and its own current, and where it does not act in a step they stay as they are. All nodes settle in every step.

Equilibrium propagation by plain descent on exact devices runs in a compiled engine in single precision; every other rule,
optimiser and device in the plain loop in NumPy and double precision, some hundred times slower.
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from clockless.errors import ParameterError, TaskError, is_one_of, real_array, shown, whole
from clockless.learning.checks import check_parts
from clockless.learning.contracts import Examples, Learner, Luck, Replica, Variable
from clockless.media.layered.learner import LayeredLearner, ReadableLearner, free_states
from clockless.media.layered.packing import Shape, packed
from clockless.media.layered.presets import CLASSES, PIXELS, PUBLISHED
from clockless.media.layered.reference import FREE, Layers, Numbers, Pull
from clockless.numerics.randomness import COUPLINGS
from clockless.parts.comparators import Ideal
from clockless.parts.devices import Continuous
from clockless.parts.optimisers import Descent
from clockless.parts.pushes import Clamp, Nudge, Push, push_of
from clockless.parts.rules import EquilibriumPropagation
from clockless.parts.samplers import Epochs
from clockless.seen import Seen
from clockless.tasks.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CITE = (
    "Scellier, 'A fast algorithm to simulate nonlinear resistive networks', ICML 2024, arXiv 2402.11674",
    "Kendall et al., 'Training end-to-end analog neural networks with equilibrium propagation', arXiv 2006.01981",
)


DIODES = ("ideal", "exponential")


class Looked(NamedTuple):
    """What is seen of the free states behind a contrast; `Info` with the number of wrong classes."""

    residual: np.ndarray
    sweeps: np.ndarray
    cost: float
    wrong: int


class DeepResistive(Seen):
    """Layers of nodes, each joined to the next by conductances; ideal diodes keep hidden nodes on their side of 0 V.

    Inputs x are held at gain (x, -x). The first half of a hidden layer is kept at 0 or above, the second at 0 or below.
    Conductances stop at 0. Targets are volts at the outputs, or labels: 1 V at the class's output, 0 V at the others.

    Args:
        layers: nodes of every layer, inputs (before they are doubled) first, outputs last, such as (784, 100, 10).
        gain: amplifies the inputs.
        amplifier: gain of the bidirectional amplifiers after hidden layers: voltage times it upwards, current times it
            downwards (Kendall et al. 2020); 1 is none.
        sweeps: of block coordinate descent, in the free and again in the pushed phase.
        relaxation: 1 moves nodes to their minimum, up to below 2 beyond it.
        rates: factors on the rule's rate, one a layer of conductances; all 1 if nothing is said.
        bias_rate: factor on the rates of the nodes' own currents; 0 keeps them at 0.
        decay: factor on all rates after every pass through the examples.
        diode: "ideal" or "exponential": from every hidden node to ground, carrying Is (exp(s v / w) - 1) with s = -1 in the
            first half of a layer and 1 in the second.
        saturation, thermal: Is, amperes, and w = N V_t, volts, of exponential diodes; those of Kendall et al. 2020.

    Raises:
        ParameterError: a number outside its range, rates that are not one a layer, or a diode of another kind.
    """

    cite = CITE
    parallel: Literal["threads", "processes"] = "threads"
    unit = "node"
    sources = (__name__,)

    def __init__(
        self,
        layers: Sequence[int],
        gain: float = 1.0,
        amplifier: float = 1.0,
        sweeps: int = 4,
        relaxation: float = 1.0,
        rates: Sequence[float] | None = None,
        bias_rate: float = 1.0,
        decay: float = 1.0,
        diode: Literal["ideal", "exponential"] = "ideal",
        saturation: float = 1e-6,
        thermal: float = 2 * 0.02585,
    ) -> None:
        self.shape = _shape(layers)
        self.layers = (self.shape.inputs, *self.shape.layers)
        self.gain, self.amplifier = _positive("gain", gain), _positive("amplifier", amplifier)
        self.sweeps, self.relaxation = whole("sweeps", sweeps, 1), _positive("relaxation", relaxation)
        if self.relaxation >= 2:
            raise ParameterError(f"relaxation = {shown(relaxation)}; the energy falls only below 2.")
        self.rates = _rates(rates, len(self.shape.layers))
        self.bias_rate, self.decay = _positive("bias_rate", bias_rate, least=0.0), _positive("decay", decay)
        if self.decay > 1:
            raise ParameterError(f"decay = {shown(decay)}; rates are multiplied with it after every epoch, 0 < decay <= 1.")
        if not is_one_of(diode, DIODES):
            raise ParameterError(f"diode = {shown(diode)}; give one of: {', '.join(DIODES)}.")
        self.diode = diode
        self.saturation, self.thermal = _positive("saturation", saturation), _positive("thermal", thermal)
        if diode == "exponential" and self.relaxation > 1:
            raise ParameterError(
                f"relaxation = {shown(relaxation)} with exponential diodes, whose energy is no parabola; give 1 or less."
            )
        self.stretches = self.shape.stretches

    @classmethod
    def preset(cls, name: str, **changes: Any) -> DeepResistive:
        """A net of arXiv 2402.11674 for MNIST: "xs", "1h", "2h", "3h" or "xl"; `changes` replace arguments.

        The rule that goes with it is `published(name).rule`.

        Raises:
            ParameterError: another name.
        """
        published = cls.published(name)
        return cls(**{"layers": (PIXELS, *published.hidden, CLASSES), **published.medium, **changes})

    @staticmethod
    def published(name: str) -> Any:
        """What the paper says of a net: settings, epochs, and test and training error in %; see `presets.Published`.

        Raises:
            ParameterError: another name.
        """
        if not isinstance(name, str) or name not in PUBLISHED:
            raise ParameterError(f"there is no net called {shown(name)}; the paper's are {', '.join(PUBLISHED)}.")
        return PUBLISHED[name]

    def __repr__(self) -> str:
        return f"DeepResistive({self.layers}, gain={self.gain:g}, sweeps={self.sweeps})"

    @property
    def units(self) -> int:
        """Nodes that settle."""
        return self.shape.units

    @property
    def numbers(self) -> Numbers:
        """What settling depends on besides the parameters."""
        saturation = self.saturation if self.diode == "exponential" else 0.0
        return Numbers(self.gain, self.amplifier, self.sweeps, self.relaxation, saturation, self.thermal)

    # --- what it leaves behind ----------------------------------------------------------------------------

    def variables(self, traces: bool) -> dict[str, Variable]:
        """Costs and errors at the recorded steps, how settling went, and the parameters."""
        variables = {
            "error": Variable(("step",), "f8", "test cost, 1/2 sum over outputs of (v - target)^2", "V^2"),
            "accuracy": Variable(("step",), "f8", "part of the test set whose class is shown", "1"),
            "train_error": Variable(("step",), "f8", "part of this epoch's examples whose class was not shown", "1"),
            "train_cost": Variable(("step",), "f8", "cost of the examples of the last step", "V^2"),
            "residual": Variable((), "f8", "largest change of an output in the last sweep of a free state", "V"),
            "failed": Variable((), "bool", "not finite", "1"),
            "actions": Variable(("unit",), "f8", "updates of each unit", "1"),
            "parameters": Variable(("parameter",), "f8", "final conductances, layer by layer, then currents", "S; A"),
        }
        if traces:
            variables["traces"] = Variable(("step", "parameter"), "f8", "parameters at each recorded step", "S; A")
        return variables

    def sizes(self, task: Task) -> dict[str, int]:
        """Parameters, and units of the clock."""
        return {"parameter": self.shape.parameters, "unit": self.units}

    def coordinates(self) -> dict[str, Any]:
        """Which kind each parameter is of: w1, w2, .. and b1, b2, .."""
        kinds = np.repeat(list(self.stretches), list(self.stretches.values()))
        return {"parameter": np.arange(kinds.size), "parameter_kind": ("parameter", kinds), "unit": np.arange(self.units)}

    # --- replicas -----------------------------------------------------------------------------------------

    def check(self, replica: Replica) -> None:
        """Raise for what layered nets cannot use; see `Medium`."""
        self._checked(replica)

    def _checked(self, replica: Replica) -> Replica:
        replica = check_parts(replica, self.units)
        _check_task(replica.task, self.shape)
        rule, device = replica.rule, replica.device
        if getattr(rule, "parameter", "conductance") != "conductance":
            raise ParameterError(f"rule = {rule}: layers learn conductances; say so by parameter='conductance'.")
        if not isinstance(push_of(rule), (Clamp, Nudge)):
            raise ParameterError(f"rule = {rule} pushes nothing; layered nets need a rule that clamps or nudges.")
        if not isinstance(getattr(device, "comparator", Ideal()), Ideal):
            raise ParameterError(
                f"device: {device.comparator} compares two voltages of one example, and layers learn from batches; give a "
                "device without it."
            )
        if hasattr(device, "bound") or getattr(device, "low", 0.0) < 0:
            raise ParameterError(f"device = {device}: conductances are not negative; give Levels(128, 0.001, 0.1).")
        self._check_initial(replica.initial)
        return replica.changed(batch=Epochs(replica.batch)) if isinstance(replica.batch, int) else replica

    def _check_initial(self, initial: Any) -> None:
        if initial is None:
            return
        try:
            values = real_array(initial)
        except ValueError:
            values = np.empty(0)
        if values.shape != (self.shape.parameters,) or not np.isfinite(values).all():
            raise ParameterError(
                f"initial = {shown(initial)}; layered nets begin by the seed (leave it out) or from {self.shape.parameters} "
                "numbers such as run.parameters."
            )
        if (values[: self.shape.conductances] < 0).any():
            raise ParameterError("initial holds a negative conductance; all must be 0 or above.")

    def kind(self, replica: Replica) -> Hashable:
        """Every replica has a learner of its own."""
        return id(replica)

    def width(self, steps: int, replicas: int) -> int:
        """One replica in a unit of work."""
        return 1

    def learner(self, replicas: Sequence[Replica], traces: bool = False, of: int = 0) -> Learner:
        """The compiled engine where it can do what is asked for, else the plain loop."""
        replica = self._checked(replicas[0])
        plain = (type(replica.rule), type(replica.device), type(replica.optimiser))
        if plain == (EquilibriumPropagation, Continuous, Descent):
            return LayeredLearner(self, replica, traces)
        return ReadableLearner(replica, traces)

    def given(self, values: np.ndarray) -> np.ndarray:
        """An `initial` from one array [parameter], such as another run's end."""
        self._check_initial(values)
        return values

    # --- what the plain learner asks ------------------------------------------------------------------------

    def owners(self) -> np.ndarray:
        """The node that each parameter belongs to."""
        return self.shape.owners()

    def factors(self) -> np.ndarray:
        """Factors on the rule's rate."""
        return self.shape.by_layer(self.rates, self.bias_rate)

    def limits(self) -> tuple[np.ndarray, float]:
        """Conductances from 0, currents of either sign."""
        low = np.full(self.shape.parameters, -np.inf)
        low[: self.shape.conductances] = 0.0
        return low, np.inf

    def held_by_device(self) -> slice:
        """The conductances."""
        return slice(0, self.shape.conductances)

    def first(self, replica: Replica) -> np.ndarray:
        """Parameters at step 0: conductances max(0, uniform in +-1 / sqrt(nodes below)), on the device's levels."""
        if replica.initial is not None:
            return np.array(real_array(replica.initial))
        weights = self.shape.conductances
        spread = np.repeat([lower**-0.5 for lower, _ in self.shape.matrices], [a * b for a, b in self.shape.matrices])
        values = np.zeros(self.shape.parameters)
        values[:weights] = np.maximum(spread * (2.0 * replica.luck.uniform(COUPLINGS, weights) - 1.0), 0.0)
        if hasattr(replica.device, "nearest"):
            values[:weights] = replica.device.nearest(values[:weights])
        return values

    def targets(self, task: Task, part: str) -> np.ndarray:
        """Volts wanted at the outputs [example, output] of "train" or "test"."""
        wanted = getattr(task, f"y_{part}")
        labels = getattr(task, f"labels_{part}")
        return np.asarray(wanted) if wanted is not None else np.equal.outer(labels, np.arange(self.shape.outputs)) * 1.0

    def examples(self, task: Task, chosen: np.ndarray) -> Examples:
        """Those of the task's training examples."""
        return Examples((), task.x_train[chosen], (), self.targets(task, "train")[chosen])

    def contrast(self, values: np.ndarray, examples: Examples, push: Push, luck: Luck) -> tuple[np.ndarray, Any]:
        """Mean over examples of the difference of signals; of a centred nudge half of it."""
        net = Layers(self.shape, values, examples.x, self.numbers)
        free, change = net.settle(net.rest())
        if isinstance(push, Clamp):
            held = free[-1] + push.nudge * (examples.y - free[-1])
            pushed, _ = net.settle([*free[:-1], held], Pull(held=held))
        else:
            assert isinstance(push, Nudge)
            pushed, _ = net.settle(free, Pull(push.nudge, examples.y))
        if isinstance(push, Nudge) and push.centred:
            back, _ = net.settle(free, Pull(-push.nudge, examples.y))
            signal = 0.5 * (net.signal(pushed) - net.signal(back))
        else:
            signal = net.signal(pushed) - net.signal(free)
        wrong = int(np.sum(np.argmax(free[-1], axis=1) != np.argmax(examples.y, axis=1)))
        cost = 0.5 * float(np.mean(np.sum((free[-1] - examples.y) ** 2, axis=1)))
        return signal, Looked(change, np.full(len(change), self.sweeps), cost, wrong)

    def look(self, values: np.ndarray, task: Task, luck: Luck) -> Mapping[str, float]:
        """Mean cost of the test set, and the share whose class is shown."""
        y, outputs = self.targets(task, "test"), self.predict(values, task.x_test, task, luck)
        labels = task.labels_test
        accuracy = np.nan if labels is None else float(np.mean(self.classes(outputs) == labels))
        return {"error": 0.5 * float(np.mean(np.sum((outputs - y) ** 2, axis=1))), "accuracy": accuracy}

    # --- what it answers --------------------------------------------------------------------------------------

    def classes(self, outputs: np.ndarray) -> np.ndarray:
        """The class that outputs [example, output] show: the highest voltage."""
        largest: np.ndarray = np.argmax(outputs, axis=1)
        return largest

    def predict(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Free output voltages [example, output] for inputs x [example, input]."""
        return self.state(values, x, task, luck)[:, -self.shape.outputs :]

    def state(self, values: np.ndarray, x: Any, task: Task, luck: Luck) -> np.ndarray:
        """Free voltages [example, node] of hidden nodes and outputs, in volts."""
        x = real_array(x)
        states, _ = free_states(self, packed(self.shape, values), x, np.zeros((len(x), self.shape.outputs), np.float32))
        return states.astype(np.float64)

    def settled(self, values: np.ndarray, x: Any, pull: Pull = FREE) -> list[np.ndarray]:
        """The same in NumPy and double precision, layer by layer, with a nudge if `pull` has one; see `reference`."""
        net = Layers(self.shape, values, real_array(x), self.numbers)
        return net.settle(net.rest(), pull)[0]

    def draw(self, values: np.ndarray, task: Task, luck: Luck) -> Figure:
        """Figure of the conductances and of the voltages to which the first test examples settle."""
        layers = importlib.import_module("clockless.pictures.layers")  # by name: pictures are no source of the bits
        states = self.state(values, task.x_test[:3], task, luck)
        figure: Figure = layers.layers_figure(self.shape.split(values)[0], np.split(states, np.cumsum(self.shape.hidden), 1))
        return figure


def _shape(layers: Any) -> Shape:
    if isinstance(layers, (str, int)) or not hasattr(layers, "__len__") or len(layers) < 3:
        raise ParameterError(f"layers = {shown(layers)}; give inputs, hidden layers and outputs, such as (784, 100, 10).")
    sizes = [whole("layers", size, 1) for size in layers]
    return Shape(sizes[0], tuple(sizes[1:-1]), sizes[-1])


def _positive(name: str, value: Any, least: float | None = None) -> float:
    number = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(float(value))
    if not number or not (float(value) > 0 if least is None else float(value) >= least):
        raise ParameterError(f"{name} = {shown(value)}; give a finite number {'above 0' if least is None else 'from 0'}.")
    return float(value)


def _rates(rates: Any, layers: int) -> tuple[float, ...]:
    if rates is None:
        return (1.0,) * layers
    if isinstance(rates, (str, Real)) or not hasattr(rates, "__len__") or len(rates) != layers:
        raise ParameterError(f"rates = {shown(rates)}; give a factor for each of the {layers} layers of conductances.")
    return tuple(_positive("rates", rate, least=0.0) for rate in rates)


def _check_task(task: Task, shape: Shape) -> None:
    if task.wired:
        raise TaskError(f"{task.name} names nodes, but layers have inputs and outputs of their own; leave them out.")
    outputs = task.y_train.shape[1] if task.y_train is not None else task.classes
    for role, mine, given in (("inputs", shape.inputs, task.x_train.shape[1]), ("outputs", shape.outputs, outputs)):
        if mine != given:
            raise TaskError(f"{task.name} has {given} {role}, but the net has {mine}; make them equal.")
