"""A setting: what stands on the screen as complete descriptions, checked against what the page offers, within bounds.

Presets are settings that show something at once; each is a beginning, every field can be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from clockless.errors import DescriptionError, shown, whole
from clockless.experiments.descriptions import built, built_on, described
from clockless.lab.drawn import MOST_EDGES
from clockless.lab.forms import Forms, check_offered

MOST_REPLICAS = 64
_LARGEST = 2_500  # of every whole number that says a size
_MOST_SITES = 5_000  # product of the sides of a lattice
_MOST_NUMBERS = 1_000_000  # of a task's examples
_PARTS = ("medium", "task", "rule", "clock", "device")
_REFERENCE = {"kind": "global"}


@dataclass(frozen=True)
class Setting:
    """Descriptions by section, complete; `replicas` boards that differ in their seeds, from `seed` on.

    Attributes:
        parts: network, medium, task, rule, clock, device, optimiser, batch and initial.
        seed: of the board that is drawn.
        replicas: how many boards learn behind it, itself included.
        reference: whether every board has a twin on which all units act in every step (p = 1).
    """

    parts: Mapping[str, Any]
    seed: int = 0
    replicas: int = 1
    reference: bool = True

    def plain(self) -> dict[str, Any]:
        """As the page says it."""
        return {**self.parts, "seed": self.seed, "replicas": self.replicas, "reference": self.reference}

    def turned(self, section: str, path: str, value: float) -> Setting:
        """With one number of a part changed; `path` may lead into a part within it: comparator.bias.

        Raises:
            DescriptionError: there is no such number.
        """
        part = self.parts.get(section)
        if section not in ("rule", "clock", "device", "optimiser") or not isinstance(part, Mapping):
            raise DescriptionError(f"{section} has no knobs; rule, clock, device and optimiser have.")
        return self.changed(section, _with(part, path.split("."), value, f"{section}.{path}"))

    def changed(self, section: str, description: Any) -> Setting:
        """With another description of a section."""
        return replace(self, parts={**self.parts, section: description})

    @property
    def clocks(self) -> list[dict[str, Any]]:
        """The clocks of the board and its twin; the board's own is the last."""
        own = dict(self.parts["clock"])
        return [_REFERENCE, own] if self.reference else [own]


def _with(part: Mapping[str, Any], path: list[str], value: float, where: str) -> dict[str, Any]:
    old = part.get(path[0])
    if len(path) > 1 and isinstance(old, Mapping):
        return {**part, path[0]: _with(old, path[1:], value, where)}
    if len(path) > 1 or isinstance(old, bool) or not isinstance(old, (int, float)) or path[0] in ("kind", "digest"):
        raise DescriptionError(f"{where} is no number that can be turned.")
    return {**part, path[0]: value}


def checked(data: Mapping[str, Any], offered: Forms) -> Setting:
    """The setting that the page asks for.

    Raises:
        DescriptionError: what the page does not offer, or more than a page should hold.
    """
    known = {"network", *_PARTS, "optimiser", "batch", "initial", "seed", "replicas", "reference"}
    for name in data:
        if name not in known:
            raise DescriptionError(f"{shown(name)} is no part of a setting; there are: {', '.join(sorted(known))}.")
    for name in ("network", *_PARTS):
        if name not in data:
            raise DescriptionError(f"the setting has no {name}.")
    parts: dict[str, Any] = {}
    for section in ("network", *_PARTS, "optimiser", "batch", "initial"):
        value = data.get(section, "full" if section == "batch" else None)
        if isinstance(value, dict) or section in ("network", *_PARTS):
            check_offered(section, value, offered)
            _check_sizes(section, value)
            parts[section] = described(section, value, section)
        else:
            parts[section] = _number(section, value)
    reference = data.get("reference", True)
    if not isinstance(reference, bool):
        raise DescriptionError(f"reference = {shown(reference)}; it is true or false.")
    seed, replicas = whole("seed", data.get("seed", 0), most=2**32), whole("replicas", data.get("replicas", 1), 1)
    if replicas > MOST_REPLICAS:
        raise DescriptionError(f"replicas = {replicas}; a page shows the statistics of at most {MOST_REPLICAS}.")
    if parts["medium"]["kind"] == "timed-resistors" or parts["clock"]["kind"] == "global":
        reference = False  # continuous time has no step in which all act; and a board needs no twin of itself
    return Setting(parts, int(seed), int(replicas), reference)


def _number(section: str, value: Any) -> Any:
    if section == "batch" and (value == "full" or (type(value) is int and 1 <= value <= 1_000_000)):
        return value
    if section == "initial" and (value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))):
        return value
    if section == "optimiser" and value is None:
        return value
    raise DescriptionError(f"{section} = {shown(value)} is nothing that the page offers.")


def _check_sizes(section: str, description: Mapping[str, Any]) -> None:
    """DescriptionError for sizes that would keep this machine busy for long before anything is seen."""
    if section not in ("network", "task", "medium"):
        return
    sides = 1
    for name, value in description.items():
        if name == "seed" or isinstance(value, (bool, list)) or not isinstance(value, int):
            continue
        limit = {"edges": MOST_EDGES, "iterations": 10_000, "sweeps_limit": 100_000}.get(name, _LARGEST)
        if value > limit:
            raise DescriptionError(f"{section}.{name} = {value:,}; the page draws at most {limit:,}, a study takes more.")
        sides *= max(value, 1) if section == "network" and description["kind"] != "packing" else 1
    if sides > _MOST_SITES:
        raise DescriptionError(f"the network would have {sides:,} sites or more; the page draws at most {_MOST_SITES:,}.")


def built_setting(setting: Setting) -> tuple[Any, Any, Any]:
    """Network or architecture, medium and task of a setting.

    Raises:
        ClocklessError: their own; DescriptionError for more edges or examples than a page should hold.
    """
    network = dict(setting.parts["network"])
    wiring = built("network", network)
    edges = len(getattr(getattr(wiring, "network", wiring), "edges", ()))
    if edges > MOST_EDGES:
        raise DescriptionError(f"the network has {edges:,} edges; the page draws at most {MOST_EDGES:,}.")
    medium = built_on("medium", dict(setting.parts["medium"]), network)
    task = built_on("task", dict(setting.parts["task"]), network)
    if task.x_train.size + task.x_test.size > _MOST_NUMBERS:
        raise DescriptionError("the task has more examples than a page should hold; a study takes them.")
    return wiring, medium, task


def preset(name: str, about: str, **parts: Any) -> dict[str, Any]:
    """A setting by its name, with the usual parts where nothing else is said."""
    usual = {
        "network": {"kind": "board16"}, "medium": {"kind": "resistors"}, "task": {"kind": "regression"},
        "rule": {"kind": "coupled-learning", "nudge": 0.1, "rate": 0.05}, "clock": {"kind": "bernoulli", "p": 0.3},
        "device": {"kind": "continuous"}, "optimiser": None, "batch": "full", "initial": None, "seed": 0, "replicas": 1,
        "reference": True,
    }  # fmt: skip
    speed = parts.pop("speed", 30.0)
    return {"name": name, "about": about, "speed": speed, "setting": {**usual, **parts}}


_TORUS = {"kind": "lattice", "rows": 4, "columns": 4, "periodic": True}
_NMOS = {"kind": "nmos", "vto": 0.7, "kp": 1e-3}
PRESETS = (
    preset("Board of 16 edges", "Sixteen resistors learn two voltages; each acts with probability p in a step."),
    preset(
        "143 edges, 64 boards", "The network of the desynchronous paper, with 64 boards behind it for the statistics.",
        network={"kind": "packing", "nodes": 64, "edges": 143, "seed": 1}, replicas=64, speed=60.0,
        rule={"kind": "coupled-learning", "nudge": 0.1, "rate": 0.3},
    ),
    preset(
        "Levels and biased comparators", "Resistances move by a level at a time, by a sign that is sometimes wrong.",
        rule={"kind": "sign", "nudge": 0.1}, batch=1,
        device={"kind": "levels", "count": 128, "low": 0.1, "high": 10.0, "comparator": {
            "kind": "magnitudes", "bias": 0.01}},
    ),
    preset(
        "Edges that trigger themselves", "Continuous time: an edge acts when it has seen enough of a difference.",
        medium={"kind": "timed-resistors"}, clock={"kind": "self-triggered", "threshold": 0.02, "refractory": 0.5},
        reference=False, speed=3.0,
    ),
    preset(
        "Phases that learn XOR", "Five coupled phases settle without a clock and learn by equilibrium propagation.",
        network={"kind": "all-to-all", "nodes": 5, "inputs": [0, 1], "outputs": [4]}, medium={"kind": "xy"},
        task={"kind": "xor"}, rule={"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.1},
        clock={"kind": "bernoulli", "p": 0.5}, speed=20.0,
    ),
    preset(
        "Transistors that learn XOR", "What no linear network can do: the voltage between two outputs is exclusive or.",
        network=_TORUS, task={"kind": "xor-in-volts"},
        medium={"kind": "circuit", "law": _NMOS, "rails": [[5, 0.11], [7, 0.33]], "differential": True},
        rule={"kind": "coupled-learning", "nudge": 0.5, "rate": 0.3}, initial=2.0, batch={"kind": "epochs", "size": 1},
        clock={"kind": "bernoulli", "p": 0.5}, speed=300.0,
    ),
    preset(
        "Layers that learn digits", "Conductances and diodes in layers see digits of 8 x 8 pixels; nodes act, not edges.",
        medium={"kind": "deep-resistive", "layers": [64, 20, 10], "gain": 10.0}, task={"kind": "digit-pixels"},
        rule={"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.05, "centred": True}, batch=4, speed=100.0,
    ),
)  # fmt: skip
NEURAL = (  # where JAX is installed
    preset(
        "Modules that do not wait", "Four neural modules learn digits, each from a synthetic gradient; p is of modules.",
        network={"kind": "mlp", "layers": 4, "width": 64}, medium={"kind": "modules"}, task={"kind": "labels"},
        rule={"kind": "dni"}, clock={"kind": "bernoulli", "p": 0.3}, batch=64, speed=60.0,
    ),
)  # fmt: skip


def presets(own: Mapping[str, str], offered: Forms) -> list[dict[str, Any]]:
    """Settings to begin with; `own` are the sections of one's own parts by their kinds."""
    neural = NEURAL if "modules" in offered["medium"] else ()
    return [*PRESETS, *neural, *own_presets(own, offered)]


def own_presets(own: Mapping[str, str], offered: Forms) -> list[dict[str, Any]]:
    """Settings to begin with, one for each of one's own parts and media that needs no numbers."""
    found = []
    for kind, section in own.items():
        fields = offered[section][kind]["fields"]
        if all("default" in field for field in fields):
            numbers = {field["name"]: field["default"] for field in fields}
            about = f"Your own {section}, with the board of 16 edges; turn nudge and rate to what it needs."
            parts: dict[str, Any] = {section: {"kind": kind, **numbers}}
            if section == "medium":  # which settles example by example, in NumPy
                parts |= {"task": {"kind": "regression", "train": 4, "test": 4}, "reference": False}
            found.append((f"Your own: {kind.partition(':')[2]}", about, parts))
    return [preset(name, about, **parts) for name, about, parts in found]
