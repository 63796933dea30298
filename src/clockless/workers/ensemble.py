"""Replicas in memory: grouped by who may share a learner, advanced on threads, and put back in their own order."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from clockless import memory
from clockless.errors import ParameterError, shown
from clockless.learning.contracts import Arrays, Learner, Replica
from clockless.learning.follow import Progress, Watch, follow
from clockless.parts.part import kind

Told = Callable[[int, int], None]
CHANGING = ("rule", "clock", "device", "optimiser")  # whose numbers may change while a board goes on
_COPIES = 3  # of the results: as they are recorded, gathered and labelled


@dataclass
class Group:
    """Replicas that share a learner.

    Attributes:
        members: their numbers within the ensemble.
        learner: what advances them.
        seen: what has been recorded of them.
    """

    members: list[int]
    learner: Learner
    seen: Progress = field(default_factory=Progress)


class Ensemble:
    """Replicas that learn in memory.

    Args:
        replicas: all of them, in order.
        traces: record the parameters, too.
        lanes: replicas advanced together; results do not depend on it.
    """

    def __init__(self, replicas: Sequence[Replica], traces: bool, lanes: int) -> None:
        self.replicas, self._traces, self._lanes = list(replicas), traces, lanes
        self.groups = [Group(members, self._learner(members, of)) for members, of in _members(self.replicas, lanes)]

    def _learner(self, members: list[int], of: int) -> Learner:
        mine = [self.replicas[k] for k in members]
        learner: Learner = mine[0].medium.learner(mine, self._traces, of)
        return learner

    def copied(self, replicas: Sequence[Replica] | None = None) -> Ensemble:
        """The same ensemble where it is now; advancing one leaves the other as it is.

        Args:
            replicas: what goes on in place of the present ones, with parts of the same classes and other numbers.

        Raises:
            ParameterError: parts of other classes, or what the present ones keep does not fit the new ones.
        """
        others = self.replicas if replicas is None else list(replicas)
        for old, new in zip(self.replicas, others, strict=True):
            _check_same_classes(old, new)
        twin = Ensemble(others, self._traces, self._lanes)
        for mine, other in zip(self.groups, twin.groups, strict=True):
            try:
                other.learner.restore(mine.learner.state())
            except ValueError as error:
                raise ParameterError(f"these parts cannot go on where the others are: {error}.") from None
            other.seen = mine.seen.only(set(mine.seen.steps))
        return twin

    def advance(self, record_at: np.ndarray, threads: int | None, progress: Told | None) -> None:
        """Advance every group to all steps of `record_at` that it has not seen; Ctrl-C stops in well under a second.

        Step 0 is seen in any case: it scales the errors.
        """
        stop, lock, done = threading.Event(), threading.Lock(), 0
        total = sum((int(record_at[-1]) - group.learner.step) * group.learner.size for group in self.groups)

        def count(replica_steps: int) -> None:
            nonlocal done
            with lock:
                done += replica_steps
                if progress is not None:
                    progress(done, total)

        def run(group: Group) -> None:
            follow(group.learner, record_at, group.seen, Watch(stop.is_set, count))

        with ThreadPoolExecutor(max_workers=threads or available_cores()) as pool:
            futures = [pool.submit(run, group) for group in self.groups]
            try:
                import xarray  # noqa: F401 (needed for the result: half a second, while the workers compile)

                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                stop.set()
                for future in futures:
                    future.cancel()
        for future in futures:
            future.result()

    def arrays(self, record_at: np.ndarray) -> Arrays:
        """What the replicas leave behind [replica, ..], recorded at `record_at`; NaN where networks are smaller."""
        found: list[tuple[list[int], Arrays]] = []
        for group in self.groups:
            results = group.learner.results(group.seen.arrays())
            variables = self.replicas[group.members[0]].medium.variables("traces" in results)
            kept = np.isin(group.seen.steps, record_at)
            stepped = {name for name, variable in variables.items() if variable.dims[:1] == ("step",)}
            found.append(
                (group.members, {n: a[:, kept] if n in stepped else a for n, a in results.items() if n in variables})
            )
        return {name: _gathered(found, name, len(self.replicas)) for name in found[0][1]}


def check_results(replicas: Sequence[Replica], traces: bool, records: int) -> None:
    """Whether what replicas leave behind at so many recorded steps fits into memory, by the first task of every medium.

    Raises:
        MemoryBoundError: it does not.
    """
    numbers: dict[int, int] = {}  # of one replica of a medium
    for replica in replicas:
        medium = replica.medium
        if id(medium) not in numbers:
            sizes = {"step": records, **medium.sizes(replica.task)}
            numbers[id(medium)] = sum(prod(sizes[dim] for dim in v.dims) for v in medium.variables(traces).values())
    count = sum(numbers[id(replica.medium)] for replica in replicas)
    memory.check(
        _COPIES * 8 * count,
        f"what {len(replicas):,} replicas leave behind at {records:,} recorded steps",
        "record fewer steps, leave the traces out, or keep the results in a store",
    )


def _members(replicas: list[Replica], lanes: int) -> Iterator[tuple[list[int], int]]:
    """Numbers of the replicas of each group, of one kind, at most `lanes`; and how many of the kind there are."""
    kinds: dict[Hashable, list[int]] = {}
    for index, replica in enumerate(replicas):
        kinds.setdefault(replica.medium.kind(replica), []).append(index)
    for members in kinds.values():
        for first in range(0, len(members), lanes):
            yield members[first : first + lanes], len(members)


def _check_same_classes(mine: Replica, changed: Replica) -> None:
    """ParameterError unless the parts are of the same classes: what they keep from step to step means the same then."""
    for name in CHANGING:
        old, new = getattr(mine, name), getattr(changed, name)
        if (kind(old) if hasattr(old, "Lanes") else type(old)) != (kind(new) if hasattr(new, "Lanes") else type(new)):
            raise ParameterError(
                f"{name} = {shown(new)} cannot go on where {shown(old)} has been: other numbers can, other classes begin "
                "anew, as train(.., initial=run.parameters)."
            )


def _gathered(found: list[tuple[list[int], Arrays]], name: str, replicas: int) -> np.ndarray:
    """One array in the order of the replicas."""
    parts = [results[name] for _, results in found]
    shape = tuple(np.max([part.shape[1:] for part in parts], axis=0).astype(int)) if parts[0].ndim > 1 else ()
    whole: np.ndarray = np.full((replicas, *shape), np.nan if parts[0].dtype.kind == "f" else 0, dtype=parts[0].dtype)
    for (members, _), part in zip(found, parts, strict=True):
        place: tuple[Any, ...] = (members, *(slice(size) for size in part.shape[1:]))
        whole[place] = part
    return whole


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
