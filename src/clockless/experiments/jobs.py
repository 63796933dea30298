"""What an experiment computes: its jobs, and a learner for each.

A *job* is what one worker computes at a time: replicas that share a learner. Jobs follow from the description and their
width alone, so that every worker on every machine means the same by job 17. Nothing of a job exists until its learner is
made.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from clockless import memory
from clockless.errors import ClocklessError, DescriptionError
from clockless.experiments.catalogue import CATALOGUE, kind_of
from clockless.experiments.descriptions import built, built_on, canonical, named_in
from clockless.experiments.experiment import Axis, Experiment, unpacked
from clockless.learning.contracts import Learner, Medium, Replica, Variable
from clockless.sources import digest_of

_REPLICA_BYTES = 64  # of a replica's number, while jobs are made of them
_ADVICE = "make the axes shorter: every combination of their values is a replica"
_LATER = frozenset({"actions", "power"})
_CHECKED_VALUES = 256  # of a longer axis only its ends are built before anything runs
_CHECKED_PAIRINGS = 4096  # of more, only those of the axes' ends
_SECTIONS = ("network", "medium", "task", "rule", "clock", "device", "optimiser", "batch", "initial")
_TOGETHER = (
    ("network", "medium", "rule", "device", "optimiser", "batch", "initial"),
    ("network", "medium", "task", "batch"),
    ("network", "medium", "clock"),
)  # sections that may contradict each other


class Jobs:
    """The jobs of an experiment.

    Attributes:
        experiment: what is computed.
        width: the largest number of replicas in a job.
        members: the replicas of every job, int [replica] each.
    """

    def __init__(self, experiment: Experiment, width: int | None = None) -> None:
        self.experiment = experiment
        self._kept: dict[str, Any] | None = None
        self._dropped: set[str] = set()
        kinds = {each["kind"] for each in _listed(experiment.medium)}
        if len(kinds) > 1:
            raise DescriptionError("medium holds several kinds of media; describe an experiment for each.")
        memory.check(_REPLICA_BYTES * experiment.replicas, f"a list of {experiment.replicas:,} replicas", _ADVICE)
        self.width = width or self.medium.width(experiment.steps, experiment.replicas)
        self.members = list(members_of(experiment, self.width))

    @cached_property
    def medium(self) -> Medium:
        """The medium of the first replica, which speaks for all."""
        medium: Medium = medium_at(self.experiment, 0)
        return medium

    # --- what a store keeps of the medium, so that looking at results runs nobody's code --------------------

    def about_medium(self) -> str:
        """Whatever else follows from the medium, as JSON."""
        variables = {name: list(variable) for name, variable in self.variables.items()}
        return json.dumps({"variables": variables, "sizes": self.sizes, "units": self.units, "unit": self.unit,
                           "cite": list(self.cite), "sources": list(self.medium.sources)})  # fmt: skip

    def of_medium(self, kept: Any) -> Jobs:
        """These jobs with what a store keeps of a medium of the user's own, which is then not asked; returns itself."""
        if isinstance(kept, str) and own_in(self.experiment, ("medium",)):
            self._kept = json.loads(kept)
        return self

    def without(self, names: set[str]) -> Jobs:
        """These jobs without some variables, which an older version did not leave behind; returns itself."""
        self._dropped = set(names)
        return self

    @property
    def later(self) -> frozenset[str]:
        """Variables that came later than the first stores."""
        return _LATER & self.variables.keys()

    @property
    def units(self) -> int:
        """What a clock chooses among."""
        return int(self._kept["units"]) if self._kept else self.medium.units

    @property
    def unit(self) -> str:
        """What one unit is called."""
        return str(self._kept["unit"]) if self._kept else self.medium.unit

    @property
    def cite(self) -> tuple[str, ...]:
        """Works to cite."""
        return tuple(self._kept["cite"]) if self._kept else self.medium.cite

    @cached_property
    def sources(self) -> str:
        """Hash of the package's own modules that decide the bits: of the medium's and of all kinds that are named."""
        kinds = (kind_of(section, each["kind"], section) for section, each in described_parts(self.experiment))
        named = {kind.path.partition(":")[0] for kind in kinds if not kind.is_own}
        mine = self._kept["sources"] if self._kept else self.medium.sources
        return digest_of(*mine, *named, __name__)

    @property
    def variables(self) -> dict[str, Variable]:
        """What every replica leaves behind."""
        if self._kept:
            found = {name: Variable(tuple(v[0]), *v[1:]) for name, v in self._kept["variables"].items()}
        else:
            found = dict(self.medium.variables(self.experiment.traces))
        return {name: variable for name, variable in found.items() if name not in self._dropped}

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Lengths of the variables' dimensions, of the largest network; others are filled with NaN."""
        if self._kept:
            return dict(self._kept["sizes"])
        sizes: dict[str, int] = {"step": len(self.experiment.record_at)}
        for number in differing(self.experiment, ("network", "task") if self._sized_by_task else ("network",), None):
            medium = medium_at(self.experiment, number)
            task = task_at(self.experiment, number) if self._sized_by_task else None
            for dim, size in medium.sizes(task).items():
                sizes[dim] = max(size, sizes.get(dim, 0))
        return sizes

    @property
    def _sized_by_task(self) -> bool:
        """Whether the medium's sizes follow from examples: then tasks must be built, which may be many."""
        return bool(getattr(self.medium, "sized_by_task", False))

    @property
    def coordinates(self) -> dict[str, Any]:
        """Coordinates of the variables' dimensions but `step`, numbers alone where networks differ."""
        if not self._kept and len(list(differing(self.experiment, ("network",), 2))) == 1:
            return self.medium.coordinates()
        return {dim: np.arange(size) for dim, size in self.sizes.items() if dim != "step"}

    def replica(self, number: int) -> Replica:
        """One replica, as objects; the medium checks it."""
        return replica_at(self.experiment, number)

    def learner(self, job: int) -> Learner:
        """A new learner of a job, at step 0."""
        replicas = [self.replica(int(member)) for member in self.members[job]]
        learner: Learner = replicas[0].medium.learner(replicas, self.experiment.traces, max(map(len, self.members)))
        return learner

    def check(self) -> None:
        """Build every value of every section once, and let the medium check every pairing of what may contradict each other.

        Raises:
            ClocklessError: whatever can be known to fail before anything runs; the sentence names the section.
        """
        check_sections(self.experiment)
        for together in _TOGETHER:
            for number in differing(self.experiment, together):
                replica = self.replica(number)
                replica.medium.check(replica)


def described_parts(experiment: Experiment, sections: Sequence[str] = _SECTIONS) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every description in an experiment, with the section whose kinds it is one of."""
    for section in sections:
        yield from named_in(section, getattr(experiment, section))


def own_in(experiment: Experiment, sections: Sequence[str] = _SECTIONS) -> list[dict[str, Any]]:
    """The descriptions of parts that are the user's own."""
    parts = described_parts(experiment, sections)
    return [part for section, part in parts if kind_of(section, part["kind"], section).is_own]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def medium_at(experiment: Experiment, number: int) -> Any:
    """The medium of a replica."""
    point = experiment.at(number)
    return built_on("medium", point["medium"], point["network"])


def task_at(experiment: Experiment, number: int) -> Any:
    """The task of a replica."""
    point = experiment.at(number)
    return built_on("task", point["task"], point["network"])


def replica_at(experiment: Experiment, number: int) -> Replica:
    """One replica of an experiment, as objects."""
    point = experiment.at(number)
    medium, batch, optimiser = medium_at(experiment, number), point["batch"], point["optimiser"]
    return Replica(
        medium,
        task_at(experiment, number),
        built("rule", point["rule"]),
        built("clock", point["clock"]),
        built("device", point["device"]),
        optimiser=None if optimiser is None else built("optimiser", optimiser),
        batch=built("batch", batch) if isinstance(batch, dict) else batch,
        initial=_initial(experiment, number),
        seed=point["seeds"],
        after=initial.get("after", 0) if isinstance(initial := point["initial"], dict) else 0,
    )


def _initial(experiment: Experiment, number: int) -> Any:
    """Where a replica's parameters begin: a number, what is drawn, or its share of a given table."""
    initial = experiment.at(number)["initial"]
    if not isinstance(initial, dict):
        return initial
    if initial["kind"] != "given":
        return built("initial", initial)
    names = (axis.name for axis in experiment.axes)
    at = dict(zip(names, np.unravel_index(number, experiment.shape), strict=True))
    values = unpacked(initial["values"])[tuple(int(at[dim]) if dim in at else slice(None) for dim in initial["dims"])]
    medium = medium_at(experiment, number)
    return medium.given(values) if hasattr(medium, "given") else values


def check_sections(experiment: Experiment) -> None:
    """Build every value of every section once, whatever the medium; raises DescriptionError, which names the section."""
    for section in _SECTIONS:
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
                said = str(error)  # a medium or a task may find that the network is what does not fit
                raise DescriptionError(said if said.startswith("network = ") else f"{section}: {said}") from None
            except (TypeError, ValueError, AttributeError) as error:  # a part from outside may check itself in its own way
                raise DescriptionError(f"{section} = {canonical(description)} cannot be built: {error}.") from None


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


def members_of(experiment: Experiment, width: int) -> Iterator[np.ndarray]:
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
            return canonical([np.shape(value.get(name) or ()) for name in CATALOGUE["task"]["examples"].tables])
        return canonical({name: item for name, item in value.items() if name != "seed"})
    return canonical(value)


def _skeleton(value: Any) -> str:
    """A description without its numbers."""
    if isinstance(value, dict):
        return canonical({name: _skeleton(item) for name, item in value.items()})
    return value if isinstance(value, str) else ""
