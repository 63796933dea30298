"""What a description can name: the kinds of every section, and where each is imported from."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clockless.errors import DescriptionError, shown
from clockless.experiments import own_media, own_parts


@dataclass(frozen=True)
class Kind:
    """One thing that a description can name.

    Attributes:
        path: "module:attribute" of what is called with the fields.
        filled: arguments that other sections fill in.
        tables: fields that hold tables of numbers; a list there is no axis.
        later: fields that came later: left out where they have their default, so that older fingerprints stay.
        parts: fields that hold a part, or a list of parts that is no axis.
        files: "module:attribute" of the digest of the data files in the field `folder`, for kinds that read any.
    """

    path: str
    filled: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    files: str = ""

    def section_of(self, field: str) -> str:
        """The section whose kinds a field that holds a part names."""
        return field if field in self.parts else "comparator"

    @property
    def is_own(self) -> bool:
        """Whether this is a part from outside the package, whose fields and call are for `own_parts` to find."""
        return own_parts.is_own(self.path) and not self.path.startswith("clockless.")

    @property
    def call(self) -> Callable[..., Any]:
        """What is named."""
        found: Callable[..., Any] = imported(self.path)
        return found

    def fields(self) -> dict[str, inspect.Parameter]:
        """The arguments that a description may give, in order."""
        parameters = inspect.signature(self.call).parameters
        return {name: parameter for name, parameter in parameters.items() if name not in self.filled}


_OWN = ("network", "medium", "task")  # sections that take no parts from outside
_FILLED = ("network",)
_SITES = ("architecture",)
_METHODS = (
    "clockless.media.modules.methods"  # needs JAX, as everything of modules does, and is imported once it is asked for
)
_CLOCKS = {
    "global": Kind("clockless.parts.clocks:Global"),
    "bernoulli": Kind("clockless.parts.clocks:Bernoulli"),
    "dropout": Kind("clockless.parts.clocks:Dropout"),
    "fixed-fraction": Kind("clockless.parts.clocks:FixedFraction"),
    "poisson": Kind("clockless.parts.clocks:Poisson"),
    "oscillators": Kind("clockless.parts.clocks:Oscillators"),
}
TRIGGERS = {
    "poisson-events": Kind("clockless.parts.triggers:PoissonEvents"),
    "free-oscillators": Kind("clockless.parts.triggers:FreeOscillators"),
    "self-triggered": Kind("clockless.parts.triggers:SelfTriggered"),
    "ticks": Kind("clockless.parts.triggers:Ticks"),
    "sign-changes": Kind("clockless.parts.triggers:SignChanges"),
    "avalanches": Kind("clockless.parts.triggers:Avalanches"),
}
_EXAMPLES = ("inputs", "outputs", "ground", "x_train", "y_train", "x_test", "y_test", "labels_train", "labels_test")

_LAWS = "clockless.media.circuits.laws"
_TIMED = "clockless.media.circuits.in_time.medium"
_CIRCUIT = ("of_edge", "rails", "shunt", "capacity", "gains", "low", "high")
_WIRING = ("edges", "inputs", "outputs", "positions", "shared", "initial_scale")
_MNIST = "clockless.tasks.datasets:mnist_digest"

CATALOGUE: dict[str, dict[str, Kind]] = {
    "network": {
        "packing": Kind("clockless.networks.builders:packing"),
        "board16": Kind("clockless.networks.builders:board16"),
        "lattice": Kind("clockless.networks.builders:lattice"),
        "edges": Kind("clockless.networks.network:Network", tables=("edges", "positions")),
        "wiring": Kind("clockless.networks.architectures:wiring", tables=_WIRING),
        "square": Kind("clockless.networks.architectures:square", tables=("inputs", "outputs")),
        "square-with-skips": Kind("clockless.networks.architectures:square_with_skips", tables=("inputs", "outputs")),
        "triangular": Kind("clockless.networks.architectures:triangular", tables=("inputs", "outputs")),
        "all-to-all": Kind("clockless.networks.architectures:all_to_all", tables=("inputs", "outputs")),
        "dense": Kind("clockless.networks.architectures:dense", tables=("sizes",)),
        "local": Kind("clockless.networks.windows:local", tables=("image",)),
        "local-layers": Kind("clockless.networks.windows:local", tables=("image", "window", "stride", "channels")),
        "stacked": Kind("clockless.networks.windows:stacked", tables=("sizes",)),
        "mlp": Kind("clockless.media.modules.medium:MLP"),
    },
    "medium": {
        "resistors": Kind("clockless.media.resistors.medium:Resistors", _FILLED, later=("parameter",)),
        "circuit": Kind("clockless.media.circuits.medium:Circuit", _FILLED, tables=_CIRCUIT, parts=("law",)),
        "timed-circuit": Kind(f"{_TIMED}:TimedCircuit", _FILLED, tables=_CIRCUIT, parts=("law",)),
        "relaxing-circuit": Kind(f"{_TIMED}:RelaxingCircuit", _FILLED, tables=_CIRCUIT, parts=("law",)),
        "timed-resistors": Kind("clockless.media.resistors.in_time.medium:TimedResistors", _FILLED),
        "relaxing-resistors": Kind(
            "clockless.media.resistors.relaxing.medium:RelaxingResistors",
            _FILLED,
            tables=("capacity", "alternate"),
            later=("clamp_time",),
        ),
        "xy": Kind("clockless.media.phases.described:Phases", later=("relaxation",)),
        "relaxing-xy": Kind("clockless.media.phases.described:RelaxingPhases", later=("relaxation",)),
        "modules": Kind("clockless.media.modules.medium:Modules", _FILLED, tables=("drops",), later=("renormalised",)),
        "deep-resistive": Kind(
            "clockless.media.layered.medium:DeepResistive",
            tables=("layers", "rates"),
            later=("diode", "saturation", "thermal"),
        ),
        "bench": Kind("clockless.media.bench:Bench", _FILLED),
    },
    "task": {
        "regression": Kind("clockless.media.resistors.tasks:regression", _FILLED),
        "allosteric": Kind("clockless.media.resistors.tasks:allosteric", _FILLED),
        "random-regression": Kind("clockless.media.resistors.tasks:random_regression", _FILLED),
        "random-allosteric": Kind("clockless.media.resistors.tasks:random_allosteric", _FILLED),
        "examples": Kind(
            "clockless.tasks.task:Task", tables=_EXAMPLES, later=("labels_train", "labels_test", "classes", "least_error")
        ),
        "classification": Kind("clockless.tasks.examples:Classification", tables=_EXAMPLES),
        "xor": Kind("clockless.media.phases.tasks:xor", _SITES),
        "xor-in-volts": Kind("clockless.media.circuits.tasks:xor", _FILLED, tables=("inputs", "outputs", "ground")),
        "iris": Kind("clockless.media.phases.tasks:iris", _SITES),
        "digits": Kind("clockless.media.phases.tasks:digits", _SITES),
        "mnist": Kind("clockless.media.phases.tasks:mnist", _SITES, files=_MNIST),
        "labels": Kind("clockless.media.modules.data:labels"),
        "mnist-pixels": Kind("clockless.media.layered.tasks:mnist_pixels", files=_MNIST),
        "digit-pixels": Kind("clockless.media.layered.tasks:digit_pixels"),
        "mnist-labels": Kind("clockless.media.modules.data:mnist", files=_MNIST),
    },
    "rule": {
        "coupled-learning": Kind("clockless.parts.rules:CoupledLearning"),
        "sign": Kind("clockless.parts.rules:SignRule"),
        "equilibrium-propagation": Kind("clockless.parts.rules:EquilibriumPropagation"),
        "backprop": Kind(f"{_METHODS}:Backprop"),
        "no-backprop": Kind(f"{_METHODS}:NoBackprop"),
        "local-loss": Kind(f"{_METHODS}:LocalLoss"),
        "delayed": Kind(f"{_METHODS}:DelayedGradients"),
        "dni": Kind(f"{_METHODS}:DNI", tables=("hidden", "source")),
    },
    "clock": {**_CLOCKS, **TRIGGERS},
    "batch": {
        **_CLOCKS,
        "epochs": Kind("clockless.parts.samplers:Epochs"),
        "shown": Kind("clockless.parts.presentations:Shown"),
    },
    "device": {
        "continuous": Kind("clockless.parts.devices:Continuous"),
        "levels": Kind("clockless.parts.devices:Levels", tables=("values",), later=("values",)),
        "analog-memory": Kind("clockless.parts.devices:AnalogMemory"),
        "worn": Kind("clockless.parts.devices:Worn"),
        "signed-levels": Kind("clockless.parts.devices:SignedLevels"),
    },
    "optimiser": {
        "descent": Kind("clockless.parts.optimisers:Descent"),
        "momentum": Kind("clockless.parts.optimisers:Momentum"),
        "adam": Kind("clockless.parts.optimisers:Adam"),
    },
    "initial": {"drawn": Kind("clockless.media.phases.settings:Initial")},
    "law": {
        "linear": Kind(f"{_LAWS}:Linear"),
        "fixed-resistor": Kind(f"{_LAWS}:FixedResistor"),
        "ohmic": Kind("clockless.media.circuits.transistors:Ohmic"),
        "nmos": Kind("clockless.media.circuits.transistors:NMOS"),
        "diode": Kind("clockless.media.circuits.junctions:Diode"),
        "ideal-diode": Kind("clockless.media.circuits.junctions:IdealDiode"),
        "memristor": Kind(f"{_LAWS}:Memristor"),
        "polynomial": Kind("clockless.media.circuits.polynomials:Polynomial", tables=("coefficients",)),
        "table": Kind("clockless.media.circuits.measured:Table", tables=("voltages", "currents")),
    },
    "comparator": {
        "ideal": Kind("clockless.parts.comparators:Ideal"),
        "magnitudes": Kind("clockless.parts.comparators:Magnitudes"),
        "two-comparators": Kind("clockless.parts.comparators:TwoComparators"),
        "read-noise": Kind("clockless.parts.comparators:ReadNoise"),
        "priced": Kind("clockless.parts.comparators:Priced"),
    },
}


def imported(path: str) -> Any:
    """What "module:attribute" names."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def kind_of(section: str, name: Any, where: str) -> Kind:
    """The kind that `name` stands for in a section; DescriptionError if there is none."""
    known = CATALOGUE[section]
    if isinstance(name, str) and name in known:
        return known[name]
    if section == "medium" and isinstance(name, str) and name.startswith("clockless."):
        return Kind(name, *own_media.signature(_found(name, where), name, where))
    if (section == "medium" or section not in _OWN) and own_parts.is_own(name):
        return _checked_part(name, where) if name.startswith("clockless.") else Kind(name)
    if section == "medium":
        known = {**known, **own_media.installed()}  # type: ignore[dict-item]
    raise DescriptionError(f"{where}.kind = {shown(name)}; the kinds of {section} are: {', '.join(known)}.")


def _checked_part(name: str, where: str) -> Kind:
    """A part of the package that is named by where it is imported from, though no section lists it."""
    found = _found(name, where)
    if not (inspect.isclass(found) and hasattr(found, "Lanes")):
        raise DescriptionError(f"{where}.kind = {name!r} is no part; decorate its class with clockless.parts.part.part.")
    return Kind(name)


def _found(name: str, where: str) -> Any:
    try:
        return imported(name)
    except (ImportError, AttributeError) as error:
        raise DescriptionError(f"{where}.kind = {shown(name)} cannot be imported ({error}); check the name.") from None
