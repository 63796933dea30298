"""The Python API: parts, builders, media, tasks and runs called with arguments that nobody meant, by their signatures."""

from __future__ import annotations

import decimal
import fractions
import inspect
import math
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import networkx
import numpy as np

import clockless as cl
from clockless import networks, tasks
from clockless.workers.run import Workers
from fuzz.attempts import Case, Finding
from fuzz.chance import Chance, shown
from fuzz.mutations import NUMBERS, PLAIN, WORDS

_NETWORK = networks.lattice(3, 3)
_SQUARE = cl.architectures.square(3, 3, [0, 2], [6, 8])
_X = np.linspace(-1, 1, 12).reshape(6, 2)
_TABLES = {"x_train": _X[:4], "y_train": 0.1 * _X[:4], "x_test": _X[4:], "y_test": 0.1 * _X[4:]}
_ROLES = {"inputs": [0, 1], "outputs": [4, 5], "ground": [8]}
_LIVELY = {"rule": cl.CoupledLearning(0.1, 0.1), "steps": 2}
_EP = cl.EquilibriumPropagation(0.1, 0.1)

ODD: list[Any] = [
    *PLAIN, 1j, b"x", (), (1, 2), {1, 2}, range(3), Ellipsis, object(), type, print, fractions.Fraction(1, 2),
    decimal.Decimal("0.5"), Path("x"), np.float64("nan"), np.float32(0.5), np.int8(3), np.bool_(True), np.str_("x"),
    np.array([]), np.array(3), np.zeros((2, 2)), np.array([True]), np.array(["a"]), np.array([None]),
    np.array([1 + 1j]), np.datetime64("2001-01-01"), np.full(12, np.nan), np.full(12, np.inf), np.zeros(12),
    -np.ones(12), np.ones(12), np.ones(12, dtype=object), np.ma.masked, _NETWORK, _SQUARE,
    tasks.regression(_NETWORK, train=2, test=2), cl.Bernoulli(0.5), cl.Bernoulli, cl.CoupledLearning(0.1, 0.1),
    cl.Levels(3), cl.Adam(), cl.Epochs(2), cl.Resistors(_NETWORK), cl.XY(_SQUARE), networkx.path_graph(3),
    networkx.DiGraph([(0, 1)]), iter([1, 2]),
]  # fmt: skip


class Target(NamedTuple):
    """Something to call, with arguments that make sense."""

    name: str
    call: Callable[..., Any]
    arguments: dict[str, Any]


def _targets() -> list[Target]:
    """All that the package offers by name, and methods of a few objects."""
    parts = {
        "CoupledLearning": {"nudge": 0.1, "rate": 0.1},
        "SignRule": {"nudge": 0.1},
        "EquilibriumPropagation": {"nudge": 0.1, "rate": 0.1},
        "Bernoulli": {"p": 0.5},
        "FixedFraction": {"p": 0.5},
        "Oscillators": {"bias": 0.4, "spread": 0.1},
        "Poisson": {"events": 1.0},
        "Magnitudes": {"bias": 1e-4},
        "TwoComparators": {"bias": 1e-4},
        "Epochs": {"size": 2},
        "Resistors": {"network": _NETWORK},
        "XY": {"network": _SQUARE},
        "Modules": {"network": cl.MLP(2, 8)},
        "Network": {"edges": [(0, 1), (1, 2)], "positions": None},
        "Task": {**_ROLES, **_TABLES},
        "Experiment": {"network": {"kind": "board16"}},
        "check": {"thing": cl.Bernoulli(0.5)},
    }
    plain = [
        "Global",
        "Continuous",
        "Levels",
        "SignedLevels",
        "AnalogMemory",
        "Ideal",
        "Descent",
        "Momentum",
        "Adam",
        "MLP",
        "Backprop",
        "NoBackprop",
        "LocalLoss",
        "DelayedGradients",
        "DNI",
    ]
    found = [Target(name, getattr(cl, name), parts.get(name, {})) for name in (*parts, *plain)]
    sites = {"inputs": [0, 2], "outputs": [6, 8]}
    grid = {"rows": 3, "columns": 3}
    made = {
        networks.packing: {"nodes": 8, "edges": 12},
        networks.lattice: grid,
        networks.from_networkx: {"graph": networkx.path_graph(4)},
        networks.read_csv: {"path": "x.csv"},
        networks.read_graphml: {"path": "x.graphml"},
        cl.load: {"path": "x"},
        cl.read: {"path": "x.yaml"},
        cl.architectures.square: {**grid, **sites},
        cl.architectures.triangular: {**grid, **sites},
        cl.architectures.square_with_skips: {**grid, **sites, "skips": 2},
        cl.architectures.all_to_all: {"nodes": 9, **sites},
        cl.architectures.wiring: {"edges": _NETWORK.edges, **sites},
        cl.architectures.with_skips: {"architecture": _SQUARE, "pairs": [(0, 8)]},
        cl.windows.local: {"channels": 1},
        cl.windows.stacked: {"sizes": [(4, 4), (2, 2)], "window": 2},
        tasks.regression: {"network": _NETWORK, "train": 4, "test": 4},
        tasks.allosteric: {"network": _NETWORK},
        tasks.from_arrays: {"x": _X, "y": 0.1 * _X, "network": _NETWORK},
        tasks.labels: {},
        tasks.xor: {"network": _SQUARE},
        tasks.classification: {
            "data": {"a": _X[:, 0], "b": _X[:, 1], "c": list("xyxyxy")},
            "label": "c",
            "network": _NETWORK,
        },
        tasks.iris: {"architecture": cl.architectures.dense(4, 3, 3), "train": 20},
        Workers: {"threads": 1},
    }
    found += [Target(call.__name__, call, arguments) for call, arguments in made.items()]
    medium, phases = cl.Resistors(_NETWORK), cl.XY(_SQUARE)
    volts = tasks.regression(_NETWORK, train=4, test=4)
    angles = tasks.from_arrays(_X, 0.1 * _X, network=_SQUARE)
    state = medium.settle(np.ones(12), {0: 0.0, 8: 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = cl.train(medium, volts, **_LIVELY)
        turned = cl.train(phases, angles, rule=_EP, steps=2)
    values = phases.parameters(np.ones(12))
    return [
        *found,
        Target("train", cl.train, {"medium": medium, "task": volts, **_LIVELY}),
        Target("train", cl.train, {"medium": phases, "task": angles, "rule": _EP, "steps": 1}),
        Target("settle", medium.settle, {"parameters": np.ones(12), "held": {0: 0.0, 8: 1.0}}),
        Target("energy", medium.energy, {"parameters": np.ones(12), "state": state}),
        Target("signal", medium.signal, {"parameters": np.ones(12), "state": state}),
        Target("residual", medium.residual, {"parameters": np.ones(12), "state": state, "held": {0: 0.0, 8: 1.0}}),
        Target("XY.parameters", phases.parameters, {"W": np.ones(12)}),
        Target("XY.settle", phases.settle, {"parameters": values, "held": {0: 0.1, 2: 0.2}, "start": np.zeros(9)}),
        Target("XY.energy", phases.energy, {"parameters": values, "phases": np.zeros(9)}),
        Target("Run.predict", run.predict, {"x": volts.x_test}),
        Target("Run.state", run.state, {"x": volts.x_test}),
        Target("Run.plot", run.plot, {"against": "step"}),
        Target("Run.save", run.save, {"path": "run"}),
        Target("Run.extended", run.extended, {"steps": 1}),
        Target("XY.predict", turned.predict, {"x": angles.x_test}),
    ]


_MOST_STEPS = 100
_GOOD: dict[str, tuple[type, ...]] = {"float": (float, int), "int": (int,), "bool": (bool,)}


class Fed:
    """Call something with one or two odd arguments; what is accepted is finite, and of the type that the signature says."""

    def prepare(self, fixtures: Path) -> None:
        """Make what is called, and call it as it was meant; a place is given only to what writes there."""
        self.targets = _targets()
        for target in self.targets:
            if target.arguments.get("path") is None and target.name not in ("Run.save",):
                target.call(**target.arguments)

    def attempt(self, case: Case) -> None:
        """One call."""
        import matplotlib.pyplot as plt

        chance = case.chance
        with case.quietly():
            target = chance.one(self.targets)
            declared = {
                name: parameter
                for name, parameter in inspect.signature(target.call).parameters.items()
                if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            }
            names = [chance.one(list(declared)) for _ in range(chance.few(2))] if declared else []
            odd = {name: _odd(target.arguments.get(name), chance) for name in names}
            if isinstance(odd.get("steps"), int) and odd["steps"] > _MOST_STEPS:
                odd["steps"] = _MOST_STEPS  # who asks for years of work gets them
            if callable(odd.get("progress")):
                del odd["progress"]  # what somebody's own function raises is theirs
            case.guard.asked = [
                os.path.realpath(value) for value in odd.values() if isinstance(value, str) and "\0" not in value
            ]
            case.shows(
                f"{target.name}({', '.join(f'{name}={shown(value, 500)}' for name, value in odd.items())}, others as meant)"
            )
        try:
            result = target.call(**{**target.arguments, **odd})
        finally:
            plt.close("all")
        if len(odd) == 1:
            ((name, value),) = odd.items()
            _check_meaning(target.name, name, str(declared[name].annotation), value, result)


def _odd(meant: Any, chance: Chance) -> Any:
    """Any odd value; often the one that was meant, changed in one place."""
    if isinstance(meant, np.ndarray) and chance.with_odds(0.5):
        changed = meant.astype(chance.one([np.float64, np.int64, object, np.complex128, np.bool_]))
        if changed.dtype == np.float64:
            changed.flat[chance.randrange(changed.size)] = chance.one([math.nan, math.inf, -1.0, 0.0, 1e308, 1e-308, 1e20])
        return chance.one([changed, changed[:-1], changed[..., None], changed.T, changed.tolist(), changed.astype("S")])
    if isinstance(meant, Mapping) and chance.with_odds(0.5):
        return {**meant, chance.one([*meant, *NUMBERS[:8], *WORDS[:4], None]): chance.one(ODD)}
    if isinstance(meant, list) and chance.with_odds(0.5):
        return [chance.one(ODD) if chance.with_odds(0.4) else item for item in meant]
    return chance.one(ODD)


def _check_meaning(name: str, field: str, annotation: str, value: Any, result: Any) -> None:
    """A number, a whole number, or true or false where the signature says so; nothing only where it says that, too."""
    wanted = annotation.removesuffix(" | None")
    if wanted not in _GOOD or isinstance(value, np.generic):
        return
    if value is None and annotation.endswith("None"):
        return
    fits = isinstance(value, _GOOD[wanted]) and (wanted == "bool" or not isinstance(value, bool))
    if wanted == "float":
        fits |= isinstance(value, (fractions.Fraction, decimal.Decimal))
        fits &= not (isinstance(value, float) and math.isnan(value))
    if wanted == "int" and isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind == "i":
        return
    if not fits:
        said = f"{name}: {field} takes {type(value).__name__} {shown(value, 60)}; gives {shown(result, 100)}"
        raise Finding("nonsense", said, f"{name}.{field}")
