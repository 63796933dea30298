"""What an experiment computes: its units of work, what each leaves behind, and a session for every unit.

A *study* knows one kind of medium. Its units are fixed by the description and the width of a unit alone, so that every
worker on every machine means the same by unit 17. Nothing of a unit exists until its session is made.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from clockless.errors import ClocklessError, DescriptionError
from clockless.experiments.catalogue import CATALOGUE, built, built_on, canonical, imported, kind_of
from clockless.experiments.experiment import Axis, Experiment, unpacked
from clockless.learning.follow import Arrays, Session
from clockless.media.resistors.learner import Block, Wiring
from clockless.media.resistors.ohm import Resistors
from clockless.media.resistors.replicas import Replica, combinations

CITE = (
    "Wycoff, Dillavou, Stern, Liu, Durian, 'Desynchronous learning in a physics-driven learning network', "
    "J. Chem. Phys. 156, 144903 (2022), doi 10.1063/5.0084631",
    "Stern, Hexner, Rocks, Liu, 'Supervised learning in physical networks: from machine learning to learning machines', "
    "Phys. Rev. X 11, 021045 (2021), doi 10.1103/PhysRevX.11.021045",
)
LANES = 64
_CHECKED_VALUES = 256  # of a longer axis only its ends are built before anything runs
_CHECKED_PAIRINGS = 4096  # of more, only those of the axes' ends
_CONTRADICT = (
    ("network", "medium", "rule", "device", "batch", "initial"),
    ("network", "task", "batch"),
    ("network", "clock"),
)


class Variable(NamedTuple):
    """One result of every replica: its dimensions besides the replica's own axes, and what it is."""

    dims: tuple[str, ...]
    dtype: str
    long_name: str
    units: str


class Study(Protocol):
    """Contract: what the store and the workers need of a kind of experiment."""

    experiment: Experiment
    sources: str  # hash of the package's own files that decide its bits
    width: int  # the largest number of replicas in a unit
    cite: tuple[str, ...]  # works
    units: list[np.ndarray]  # the replicas of every unit
    variables: dict[str, Variable]
    scales_on_threads: bool  # else units side by side need processes

    @property
    def acting_units(self) -> int:
        """What a clock chooses among: edges, couplings or modules."""

    @property
    def sizes(self) -> dict[str, int]:
        """Lengths of the variables' dimensions."""

    def session(self, unit: int) -> Session:
        """A new session of one unit, at step 0."""

    def check(self) -> None:
        """Raise DescriptionError for whatever can be known to fail before anything runs."""

    def coordinates(self) -> dict[str, Any]:
        """Coordinates of the variables' dimensions but `step`, as xarray takes them."""


def study(experiment: Experiment, width: int | None = None) -> Study:
    """The study of an experiment, by its medium; `width` is the largest number of replicas in a unit."""
    media = experiment.medium if isinstance(experiment.medium, list) else [experiment.medium]
    paths = {kind_of("medium", medium["kind"], "medium").study for medium in media}
    if len(paths) > 1:
        raise DescriptionError("medium holds several kinds of media; describe an experiment for each.")
    cls = imported(paths.pop())
    return cls(experiment, width or cls.width_for(experiment))


@cache
def sources_digest(*names: str) -> str:
    """A hash of the package's own modules and folders of these names, and of those that any learning rests on."""
    folder, digest = Path(__file__).parents[1], hashlib.sha256()
    for name in sorted({*names, *_UNDER_ALL}):
        for path in sorted([*folder.glob(f"{name}.py"), *folder.glob(f"{name}/**/*.py")]):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


_UNDER_ALL = ("numerics", "parts", "learning")
_UNDER_RESISTORS = ("media/resistors", "tasks", "networks")


def check_sections(experiment: Experiment) -> None:
    """Build every value of every section once, whatever the medium; raises DescriptionError, which names the section."""
    for section in ("network", "medium", "task", "rule", "clock", "device", "optimiser", "batch", "initial"):
        for number in differing(experiment, (section,)):
            point = experiment.at(number)
            description = point[section]
            if not isinstance(description, dict) or description["kind"] == "given":
                continue
            try:
                if section in ("medium", "task"):
                    built_on(section, description, point["network"])
                else:
                    built(section, description)
            except ClocklessError as error:
                raise DescriptionError(f"{section}: {error}") from None
            except (TypeError, ValueError) as error:  # a part from outside may check itself in its own way
                raise DescriptionError(f"{section} = {canonical(description)} cannot be built: {error}.") from None


class Ensemble:
    """Resistor networks, in blocks of lanes."""

    scales_on_threads = True

    def __init__(self, experiment: Experiment, width: int = LANES) -> None:
        self.experiment, self.width, self.cite = experiment, width, CITE
        self.sources = sources_digest(*_UNDER_RESISTORS)
        self.units = list(units_of(experiment, width))
        self.variables = {
            "error": Variable(("step",), "f8", "test error / its value at step 0", "1"),
            "initial_error": Variable((), "f8", "test error at step 0", "V^2"),
            "residual": Variable((), "f8", "unbalanced current / test current", "1"),
            "failed": Variable((), "bool", "did not settle or is not finite", "1"),
            "parameters": Variable(("edge",), "f8", "final resistance", "ohm"),
        }
        if experiment.traces:
            self.variables["traces"] = Variable(("step", "edge"), "f8", "resistance at each recorded step", "ohm")

    @staticmethod
    def width_for(experiment: Experiment) -> int:
        """Replicas in a unit, so that it takes about a second where there is enough to do, yet there are 16 units or more.

        A replica-step takes about 7 ns per edge. A unit has at least 64 replicas, if there are so many.
        """
        edges = len(built("network", experiment.at(0)["network"]).edges)
        seconds = 7e-9 * edges * experiment.steps
        wanted = min(1.0 / max(seconds, 1e-12), experiment.replicas / 16)
        return int(np.clip(LANES * (wanted // LANES), LANES, 64 * LANES))

    @property
    def acting_units(self) -> int:
        """Edges: a clock says which of them act."""
        return self.sizes["edge"]

    @property
    def sizes(self) -> dict[str, int]:
        """Recorded steps, and edges: of the largest network if there are several; the others' are filled with NaN."""
        networks = _values(self.experiment, "network")
        edges = max(len(built("network", network).edges) for network in networks)
        return {"step": len(self.experiment.record_at), "edge": edges}

    def session(self, unit: int) -> Session:
        """Blocks of at most 64 lanes, advanced one after the other."""
        members = self.units[unit]
        replicas = [self.replica(int(member)) for member in members]
        resistors = self._medium(self.experiment.at(int(members[0])))
        wiring, traces = _wiring(resistors), self.experiment.traces
        parts = range(0, len(members), LANES)
        blocks = [
            Block(wiring, replicas, list(range(k, min(k + LANES, len(members)))), LANES, traces) for k in parts
        ]  # fmt: skip
        return blocks[0] if len(blocks) == 1 else Blocks(blocks)

    def replica(self, number: int) -> Replica:
        """One replica, built and checked."""
        point = self.experiment.at(number)
        resistors = self._medium(point)
        batch = point["batch"]
        chosen = {name: built(name, point[name]) for name in ("rule", "clock", "device")}
        return combinations(
            resistors,
            {
                **chosen, "task": built_on("task", point["task"], point["network"]), "seed": point["seeds"],
                "batch": built("batch", batch) if isinstance(batch, dict) else batch,
                "initial": self._initial(point["initial"], number, len(resistors.network.edges)),
            },
        )[0]  # fmt: skip

    def _medium(self, point: dict[str, Any]) -> Resistors:
        return built_on("medium", point["medium"], point["network"])

    def _initial(self, initial: Any, number: int, edges: int) -> Any:
        if not isinstance(initial, dict):
            return 1.0 if initial is None else initial
        if initial["kind"] != "given":
            raise DescriptionError(
                f"initial: {initial['kind']} is nothing for resistors; give ohms, or {{kind: given, ..}}."
            )
        at = dict(
            zip((axis.name for axis in self.experiment.axes), np.unravel_index(number, self.experiment.shape), strict=True)
        )
        table = unpacked(initial["values"])
        values = table[tuple(slice(None) if dim == "edge" else int(at[dim]) for dim in initial["dims"])]
        if values.shape != (edges,):
            raise DescriptionError(f"initial has {values.size} values a replica, but the network has {edges} edges.")
        return values

    def check(self) -> None:
        """Build every value of every section once, and every pairing of what may contradict each other."""
        if self.experiment.optimiser is not None:
            raise DescriptionError("optimiser: resistors follow their rule without one; leave it out.")
        check_sections(self.experiment)
        for together in _CONTRADICT:
            for number in differing(self.experiment, together):
                self.replica(number)

    def coordinates(self) -> dict[str, Any]:
        """Edges and their ends, where all replicas have the same."""
        networks = _values(self.experiment, "network")
        if len(networks) > 1:
            return {"edge": np.arange(self.sizes["edge"])}
        edges = built("network", networks[0]).edges
        return {"edge": np.arange(len(edges)), "edge_from": ("edge", edges[:, 0]), "edge_to": ("edge", edges[:, 1])}


@lru_cache(maxsize=8)
def _wiring(resistors: Resistors) -> Wiring:
    return Wiring.of(resistors)


def _values(experiment: Experiment, section: str) -> list[Any]:
    """The different descriptions of a section."""
    return [experiment.at(number)[section] for number in differing(experiment, (section,), None)]


def differing(experiment: Experiment, sections: tuple[str, ...], most: int | None = _CHECKED_VALUES) -> Iterator[int]:
    """Replicas that differ in all the values of these sections, others at their first; long axes only at their ends."""
    choices: list[Sequence[int]] = []
    for axis in experiment.axes:
        count = len(axis.values) if axis.section in sections else 1
        choices.append(range(count) if most is None or count <= most else (0, count - 1))
    if most is not None and prod(map(len, choices)) > _CHECKED_PAIRINGS:
        choices = [sorted({choice[0], choice[-1]}) for choice in choices]
    for at in itertools.product(*choices):
        yield int(np.ravel_multi_index(at, experiment.shape)) if at else 0


def units_of(experiment: Experiment, width: int) -> Iterator[np.ndarray]:
    """Replicas that share compiled code and array shapes, at most `width` together."""
    kinds = np.zeros(experiment.shape, dtype=np.int64)
    for position, axis in enumerate(experiment.axes):
        spelled: dict[str, int] = {}
        kind = np.array([spelled.setdefault(_structure(axis, value), len(spelled)) for value in axis.values])
        others = tuple(d for d in range(len(experiment.axes)) if d != position)
        kinds = kinds * len(spelled) + np.expand_dims(kind, others)
    flat = kinds.ravel()
    order = np.argsort(flat, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(flat[order])) + 1):
        for first in range(0, len(group), width):
            yield group[first : first + width]


def _structure(axis: Axis, value: Any) -> str:
    """What of a value decides about compiled code and array shapes; seeds and parts' numbers do not."""
    if axis.section in ("seeds", "initial") or (axis.section == "task" and axis.path == ("seed",)):
        return ""
    if axis.section in ("rule", "clock", "device"):
        return "" if isinstance(value, float) or (axis.path and isinstance(value, (int, bool))) else _skeleton(value)
    if axis.section == "batch":
        if isinstance(value, dict):
            return _skeleton(value)
        return "" if axis.path else str(value) if value in ("full", 1) else "count"
    if axis.section == "task" and isinstance(value, dict) and not axis.path:
        if value["kind"] == "examples":
            return canonical([np.shape(value[name]) for name in CATALOGUE["task"]["examples"].tables])
        return canonical({name: item for name, item in value.items() if name != "seed"})
    return canonical(value)


def _skeleton(value: Any) -> str:
    """A description without its numbers."""
    if isinstance(value, dict):
        return canonical({name: _skeleton(item) for name, item in value.items()})
    return value if isinstance(value, str) else ""


class Blocks:
    """Several blocks as one session: short runs fill a unit with more replicas than a block has lanes."""

    def __init__(self, blocks: list[Block]) -> None:
        self._blocks = blocks
        self.step = 0

    @property
    def size(self) -> int:
        """Replicas in all blocks."""
        return sum(block.size for block in self._blocks)

    def advance(self, last: int) -> None:
        """Do the steps up to `last`, block by block."""
        for block in self._blocks:
            block.advance(last)
        self.step = last

    def measure(self) -> Arrays:
        """As the blocks measure."""
        return _joined([block.measure() for block in self._blocks])

    def state(self) -> Arrays:
        """The blocks' states, numbered."""
        states = {f"{name}_{k}": array for k, block in enumerate(self._blocks) for name, array in block.state().items()}
        return {"step": np.array(self.step), **states}

    def restore(self, state: Arrays) -> None:
        """Take up such a state."""
        for k, block in enumerate(self._blocks):
            end = f"_{k}"
            block.restore({name.removesuffix(end): array for name, array in state.items() if name.endswith(end)})
        self.step = int(state["step"])

    def results(self, recorded: Arrays) -> Arrays:
        """As the blocks', one below the other."""
        ends = np.cumsum([0, *(block.size for block in self._blocks)])
        parts = [
            block.results({name: array[first:last] for name, array in recorded.items()})
            for block, (first, last) in zip(self._blocks, itertools.pairwise(ends), strict=True)
        ]
        return _joined(parts)


def _joined(parts: list[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
