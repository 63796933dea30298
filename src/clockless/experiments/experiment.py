"""An experiment as plain data: what is learned by what, which fields are axes, and a fingerprint of all that decides it.

The same description is a Python object, a YAML or TOML file and the flags of the command line. A field that is a list is a
named axis, and the experiment is every combination of the axes' values, one replica each.

    network: {kind: packing, nodes: 64, edges: 143}
    task: {kind: regression, seed: [0, 1, 2, 3]}
    rule: {kind: coupled-learning, nudge: 0.1, rate: 0.3}
    clock: {kind: bernoulli, p: [0.1, 0.5, 1.0]}
    steps: 5000
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from math import prod
from numbers import Integral, Real
from typing import Any

import numpy as np

from clockless.errors import DescriptionError, ParameterError, real_array, shown, whole
from clockless.experiments import own_parts
from clockless.experiments.catalogue import CATALOGUE
from clockless.experiments.descriptions import built, canonical, described, each, number
from clockless.experiments.ranges import unfolded
from clockless.learning.continued import as_one_array
from clockless.learning.recording import a_decade
from clockless.seen import Seen

_PARTS = ("network", "medium", "task", "rule", "clock", "device")
_SECTIONS = (*_PARTS, "optimiser", "batch", "initial", "seeds")
_LONGEST = 2**32 - 1  # steps are 32-bit words of the random numbers


Point = dict[str, Any]  # the description of one replica, section by section


@dataclass(frozen=True)
class Axis:
    """One named axis: `values` of the field at `path` within a section, or whole descriptions if the path is empty."""

    name: str
    section: str
    path: tuple[str, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True, repr=False)
class Experiment(Seen):
    """A description, complete and checked. Fields are descriptions or numbers; a list in place of one is an axis.

    Args:
        network: a wiring, such as `{"kind": "packing", "nodes": 64, "edges": 143}`, or a `Network`.
        medium: what settles on it, such as `{"kind": "resistors", "low": 0.01, "high": 100.0}`.
        task: such as `{"kind": "regression", "seed": [0, 1]}`, or a `Task`.
        rule, clock, device: descriptions, or parts such as `Bernoulli(0.5)`.
        optimiser: what becomes of a gradient before the rule is told of it; nothing if it is not given.
        batch: "full", a number of examples drawn anew in every step, or a clock that draws them.
        initial: the learning parameters' start in ohms, 1 if nothing is said: a number, or
            `{"kind": "given", "dims": [..], "values": [..]}` whose dimensions are axes of this experiment and "edge".
        steps: learning steps, 1 or more.
        record: how many times a decade of steps is recorded (besides steps 0 and the last), or the steps themselves.
        traces: record the learning parameters at those steps, too.
        seeds: of clocks and batches.
        title: how figures and tables call it; says nothing of the result.

    Raises:
        DescriptionError: anything that no experiment can have; the sentence names the field.
    """

    _card = "experiment"

    network: Any = field(default_factory=lambda: {"kind": "packing"})
    medium: Any = field(default_factory=lambda: {"kind": "resistors"})
    task: Any = field(default_factory=lambda: {"kind": "regression"})
    rule: Any = field(default_factory=lambda: {"kind": "coupled-learning", "nudge": 0.1, "rate": 0.3})
    clock: Any = field(default_factory=lambda: {"kind": "global"})
    device: Any = field(default_factory=lambda: {"kind": "continuous"})
    optimiser: Any = None
    batch: Any = "full"
    initial: Any = None
    steps: int = 1000
    record: Any = 20
    traces: bool = False
    seeds: Any = 0
    title: str = ""

    def __post_init__(self) -> None:
        checked = {name: each(getattr(self, name), _part_check(name), name) for name in _PARTS}
        checked["optimiser"] = each(self.optimiser, _optional("optimiser"), "optimiser")
        checked["batch"] = each(unfolded(self.batch, "batch"), _checked_batch, "batch")
        checked["initial"] = each(unfolded(self.initial, "initial"), _checked_initial, "initial")
        checked["seeds"] = each(unfolded(self.seeds, "seeds"), _checked_seed, "seeds")
        checked["steps"] = _whole(self.steps, 1, _LONGEST, "steps")
        checked["record"] = _checked_record(self.record, checked["steps"])
        for name, kind in (("traces", bool), ("title", str)):
            if not isinstance(getattr(self, name), kind):
                raise DescriptionError(f"{name} = {shown(getattr(self, name))}; it must be a {kind.__name__}.")
        _check_writable(self.title)
        _check_wired(self.medium, checked["network"])
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        _check_given(self)

    @classmethod
    def of(cls, data: Any) -> Experiment:
        """From plain data, such as a file holds."""
        if not isinstance(data, Mapping):
            raise DescriptionError(f"{shown(data)} is no description of an experiment; give fields such as 'steps: 1000'.")
        known = [each_field.name for each_field in fields(cls)]
        for name in data:
            if name not in known:
                raise DescriptionError(f"{shown(name)} is no field of an experiment; the fields are: {', '.join(known)}.")
        return cls(**data)

    def plain(self) -> dict[str, Any]:
        """The description as plain data, complete; `Experiment.of` makes the same experiment of it."""
        return {each_field.name: getattr(self, each_field.name) for each_field in fields(self)}

    def changed(self, **values: Any) -> Experiment:
        """The same experiment but for some fields."""
        return type(self).of({**self.plain(), **values})

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        axes = ", ".join(f"{axis.name}: {len(axis.values)}" for axis in self.axes) or "no axes"
        title = f"{self.title!r}, " if self.title else ""
        return f"Experiment({title}{self.replicas:,} replicas ({axes}), {self.steps:,} steps, {self.fingerprint})"

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change when, and only when, the result would."""
        decisive = {name: value for name, value in self.plain().items() if name != "title"}
        return hashlib.sha256(canonical(decisive).encode()).hexdigest()[:16]

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The axes, outermost first: in the order of the description's sections and fields."""
        found: list[tuple[str, tuple[str, ...], tuple[Any, ...]]] = []
        for section in _SECTIONS:
            value = getattr(self, section)
            if isinstance(value, list):
                found.append((section, (), tuple(value)))
            else:
                found += [(section, path, values) for path, values in _lists(section, value)]
        for section, path, values in found:
            for k, item in enumerate(values):
                for inner, _ in _lists(_section_at(section, getattr(self, section), path), item, path):
                    where = ".".join((section, *path)) + ".".join((f"[{k}]", *inner[len(path) :]))
                    raise DescriptionError(f"{where} is a list within a list; an axis of {section} holds single ones.")
        short = [_short(section, path) for section, path, _ in found]
        return tuple(
            Axis(
                name if short.count(name) == 1 and not self._taken(name, section) else "_".join((section, *path)),
                section,
                path,
                values,
            )
            for name, (section, path, values) in zip(short, found, strict=True)
        )

    def _taken(self, name: str, section: str) -> bool:
        """Whether an axis of a section must have a longer name; p of an own clock may be anything, but p is `rate`."""
        if name == "p" and section == "clock" and isinstance(self.clock, dict) and own_parts.is_own(self.clock["kind"]):
            return True
        return name in _TAKEN or _LABELS.get(name, section) != section

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def replicas(self) -> int:
        """Number of combinations."""
        return prod(self.shape)

    def at(self, replica: int) -> Point:
        """The description of one replica, without lists; replicas are counted with the last axis fastest."""
        if whole("replica", replica) >= self.replicas:
            raise ParameterError(f"replica = {replica}; the experiment has replicas 0 to {self.replicas - 1}.")
        point = {name: getattr(self, name) for name in _SECTIONS}
        for axis, k in zip(self.axes, np.unravel_index(replica, self.shape) if self.axes else (), strict=True):
            point[axis.section] = _with(point[axis.section], axis.path, axis.values[int(k)])
        return point

    @cached_property
    def record_at(self) -> np.ndarray:
        """Steps that are recorded [step]: those of the description, 0 and the last one."""
        return np.union1d(self.record_grid, [0, self.steps])

    @cached_property
    def record_grid(self) -> np.ndarray:
        """Steps that would be recorded in a longer run, too [step]."""
        if isinstance(self.record, list):
            return np.array([0, *self.record], dtype=np.int64)
        return a_decade(self.steps, self.record)


_TAKEN = (
    "step", "edge", "edge_from", "edge_to", "error", "initial_error", "failed", "residual", "parameters", "traces", "done",
    "unit", "lane", "replica", "power", "energy", "energy_pushed", "fired", "intervals", "gaps", "together", "switches",
    "interval",
)  # fmt: skip
_LABELS = {"p": "clock", "nudge": "rule", "rate": "rule"}  # what results say of every value of a section


def _short(section: str, path: tuple[str, ...]) -> str:
    """The name of an axis if no other axis has it: a list of seeds is named after what it seeds."""
    if not path:
        return "seed" if section == "seeds" else section
    return (section, *path)[-2] if path[-1] == "seed" else path[-1]


def _lists(section: str, value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], tuple[Any, ...]]]:
    """The fields within a description that are axes, with their values; `section` is that of the part at `path`."""
    from clockless.experiments.catalogue import kind_of
    from clockless.experiments.descriptions import tables_named

    if not isinstance(value, dict) or value.get("kind") == "given":
        return []
    kind = kind_of(section, value["kind"], section)
    tables = (*kind.tables, *kind.parts, *tables_named(section, value))
    found = []
    for name, item in value.items():
        if isinstance(item, list) and name not in tables:
            found.append(((*path, name), tuple(item)))
        elif isinstance(item, dict):
            found += _lists(kind.section_of(name), item, (*path, name))
    return found


def _section_at(section: str, value: Any, path: tuple[str, ...]) -> str:
    """The section of the kinds that the field at `path` of a description names."""
    from clockless.experiments.catalogue import kind_of

    for name in path:
        section, value = kind_of(section, value["kind"], section).section_of(name), value[name]
    return section


def _with(value: Any, path: tuple[str, ...], item: Any) -> Any:
    return item if not path else {**value, path[0]: _with(value[path[0]], path[1:], item)}


def _optional(section: str) -> Any:
    return lambda value, where: None if value is None else described(section, value, where)


def _part_check(section: str) -> Any:
    return lambda value, where: described(section, value, where)


def _whole(value: Any, least: int, most: int, where: str) -> int:
    if type(value) is int and least <= value <= most:
        return value
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) <= most:
        raise DescriptionError(f"{where} = {shown(value)}; it must be a whole number from {least:,} to {most:,}.")
    return int(value)


def _checked_seed(value: Any, where: str) -> int:
    return _whole(value, 0, 2**64 - 1, where)


def _checked_batch(value: Any, where: str) -> Any:
    if isinstance(value, str) and value == "full":
        return value
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1:
        return int(value)
    if isinstance(value, Mapping) or is_dataclass(type(value)):  # clocks, Epochs, and those of one's own
        return described("batch", value, where)
    raise DescriptionError(
        f"{where} = {shown(value)}; it must be 'full', a number of examples, Epochs(size), or a clock that draws them."
    )


def _checked_initial(value: Any, where: str) -> Any:
    value = as_one_array(value)
    if value is None:
        return None
    if isinstance(value, Mapping) and value.get("kind") in list(CATALOGUE["initial"]):
        return described("initial", value, where)
    if isinstance(value, Real) and not isinstance(value, bool):
        if np.isfinite(number(value)):
            return number(value)
    elif hasattr(value, "dims"):
        return _given(list(map(str, value.dims)), value.values, where, value.attrs.get("after", 0))
    elif (
        isinstance(value, Mapping) and value.get("kind") == "given" and set(value) - {"after"} == {"kind", "dims", "values"}
    ):
        return _given(value["dims"], value["values"], where, value.get("after", 0))
    raise DescriptionError(
        f"{where} = {shown(value)}; it must be a number of ohms, or {{kind: given, dims: [..], values: [..]}}."
    )


def _given(dims: Any, values: Any, where: str, after: Any = 0) -> dict[str, Any]:
    """Numbers with named dimensions, stored exactly and compactly; `after` so many steps of an earlier run."""
    if not (isinstance(dims, (list, tuple)) and all(isinstance(dim, str) for dim in dims) and len(set(dims)) == len(dims)):
        raise DescriptionError(f"{where}.dims = {shown(dims)}; it must be a list of different names, such as [task, edge].")
    try:
        table = unpacked(values) if isinstance(values, Mapping) else real_array(values)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise DescriptionError(f"{where}.values is no table of numbers.") from None
    if not np.isfinite(table).all():
        raise DescriptionError(f"{where}.values holds numbers that are not finite; give resistances in ohms.")
    if table.ndim != len(dims) or not {"edge", "parameter"} & set(dims):
        raise DescriptionError(f"{where}.dims = {dims}, but its values have {table.ndim} dimensions; name each.")
    packed = {"shape": list(table.shape), "float64": base64.b64encode(table.astype("<f8").tobytes()).decode()}
    steps = _whole(after, 0, _LONGEST, f"{where}.after")
    return {"kind": "given", "dims": list(dims), "values": packed, **({"after": steps} if steps else {})}


def unpacked(values: Mapping[str, Any]) -> np.ndarray:
    """The table behind `{"shape": .., "float64": ..}`."""
    return np.frombuffer(base64.b64decode(values["float64"]), dtype="<f8").reshape(values["shape"]).astype(np.float64)


def _checked_record(value: Any, steps: int) -> Any:
    if not isinstance(value, (list, tuple)) and not (isinstance(value, np.ndarray) and value.ndim):
        return _whole(value, 1, 1000, "record")
    if len(value) == 0:
        raise DescriptionError("record is an empty list; give steps, or how many times a decade is recorded.")
    return sorted({_whole(item, 0, steps, f"record[{k}]") for k, item in enumerate(value)})


def _check_writable(title: str) -> None:
    """A title must fit into a file."""
    try:
        title.encode()
    except UnicodeEncodeError:
        raise DescriptionError(f"title = {shown(title)} is not text in UTF-8; use other letters.") from None


def _check_wired(medium: Any, network: Any) -> None:
    """A medium that is given as an object brings its network along, which must be that of the experiment."""
    for thing in medium if isinstance(medium, (list, tuple)) else [medium]:
        mine = wiring_of(thing)
        if mine is None:
            continue
        there = None if isinstance(network, list) or _lists("network", network) else built("network", network)
        if getattr(there, "network", there) != getattr(mine, "network", mine):
            raise DescriptionError(f"medium = {shown(thing)} stands on another network; give its network as `network`, too.")


def wiring_of(medium: Any) -> Any:
    """The architecture or network that a medium object stands on; None for a description."""
    if isinstance(medium, (Mapping, type)):
        return None
    return getattr(medium, "architecture", None) or getattr(medium, "network", None)


def _check_given(experiment: Experiment) -> None:
    """Initial values must have the dimensions of the axes; checking the axes checks them, too."""
    sizes = {axis.name: len(axis.values) for axis in experiment.axes}
    if isinstance(experiment.initial, dict) and experiment.initial["kind"] == "given":
        dims = dict(zip(experiment.initial["dims"], experiment.initial["values"]["shape"], strict=True))
        unfit = {name: size for name, size in dims.items() if name not in ("edge", "parameter") and sizes.get(name) != size}
        if unfit:
            raise DescriptionError(f"initial has {unfit}, but the axes are {sizes}; give it their names and lengths.")
