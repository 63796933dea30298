"""Traces: who took which message in which event of a run; enough to repeat the run bit for bit in one process.

Every event has a number of its own: an actor counts those it begins, and goes on counting when it is brought back from a
snapshot. A message carries the number of the event that made it. So a trace need not say what was sent or lost: replay
lets each actor do its events in the recorded order, each as soon as the messages it took have been made.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clockless import disk
from clockless.actors.mailboxes import Ports, Wiring, wire
from clockless.errors import ActorError, OutputError, WiringError

if TYPE_CHECKING:
    from clockless.actors import Actor

EVENT, RESTORED = 0, 1
NOTHING = -1  # in `taken`: the mailbox was empty


class Record(NamedTuple):
    """One line of an actor's trace.

    Attributes:
        kind: EVENT, or RESTORED: the actor went back to its state after the first `number` events.
        number: of the event, from 0, counting those that were lost again.
        seconds: when it began.
        taken: per mailbox, in the actor's order, the number of the sender's event that made the message; -1 for none.
    """

    kind: int
    number: int
    seconds: float
    taken: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """The records of a run, by actor in their order.

    Attributes:
        complete: False if records were lost because nobody fetched them in time; such a trace cannot be replayed.
        first: the states that actors began with, where these were not as built.
    """

    names: tuple[str, ...]
    records: tuple[tuple[Record, ...], ...]
    complete: bool
    first: dict[str, dict[str, np.ndarray]]

    def save(self, path: Path) -> None:
        """Write the trace as .npz, whole or not at all.

        Raises:
            OutputError: a place that cannot be written to.
        """
        arrays: dict[str, np.ndarray] = {"about": np.array(json.dumps({"names": self.names, "complete": self.complete}))}
        for index, records in enumerate(self.records):
            arrays[f"kind/{index}"] = np.array([record.kind for record in records], dtype=np.int8)
            arrays[f"number/{index}"] = np.array([record.number for record in records], dtype=np.int64)
            arrays[f"seconds/{index}"] = np.array([record.seconds for record in records])
            arrays[f"taken/{index}"] = np.array([record.taken for record in records], dtype=np.int64)
        for name, snapshot in self.first.items():
            arrays |= {f"first/{name}/{key}": value for key, value in snapshot.items()}
        write_whole(path, arrays)

    @classmethod
    def load(cls, path: Path) -> Trace:
        """Read what `save` wrote."""
        first: dict[str, dict[str, np.ndarray]] = {}
        arrays = disk.read_arrays(path)
        about = json.loads(str(arrays["about"]))
        records = tuple(
            tuple(
                Record(int(kind), int(number), float(seconds), tuple(int(made) for made in taken))
                for kind, number, seconds, taken in zip(
                    *(arrays[f"{column}/{index}"] for column in Record._fields), strict=True
                )
            )
            for index in range(len(about["names"]))
        )
        for key, values in arrays.items():
            if key.startswith("first/"):
                _, name, part = key.split("/", 2)
                first.setdefault(name, {})[part] = values
        return cls(tuple(about["names"]), records, bool(about["complete"]), first)


def write_whole(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz whole or not at all; not forced to the disk, for an actor would wait for that.

    Raises:
        OutputError: a place that cannot be written to.
    """
    try:
        disk.write_arrays(path, arrays, sync=False)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path} could not be written ({reason}); free the disk or choose a folder.") from error


def replay(trace: Trace, actors: Sequence[Actor]) -> dict[str, dict[str, np.ndarray]]:
    """Repeat a recorded run with freshly built `actors`; their snapshots at its end, by name.

    Raises:
        WiringError: other actors than the trace's.
        ActorError: a trace with gaps, or actors that do not make the messages they made then.
    """
    if not trace.complete:
        raise ActorError("the trace has gaps, because its records were not fetched in time; record the run again.")
    if tuple(actor.name for actor in actors) != trace.names:
        raise WiringError(f"the trace is of {', '.join(trace.names)}; give these actors in this order.")
    _Replay(trace, actors).run()
    return {actor.name: copied(actor.snapshot()) for actor in actors}


class _Replay:
    def __init__(self, trace: Trace, actors: Sequence[Actor]) -> None:
        self.trace, self.actors = trace, actors
        self.wiring: Wiring = wire([Ports.of(actor) for actor in actors])
        self.next = [0] * len(actors)
        self.made: dict[tuple[int, int], dict[str, np.ndarray]] = {}  # (channel, number of event) -> message still wanted
        self.wanted: Counter[tuple[int, int]] = Counter()
        self.points: list[set[int]] = []  # states an actor goes back to, by number of events
        self.saved: list[dict[int, dict[str, np.ndarray]]] = [{} for _ in actors]
        for index, records in enumerate(trace.records):
            self.points.append({record.number for record in records if record.kind == RESTORED})
            self.wanted.update(key for record in records for key in self._keys(index, record))

    def run(self) -> None:
        for index, actor in enumerate(self.actors):
            if actor.name in self.trace.first:
                actor.restore(self.trace.first[actor.name])
            self._save(index, 0)
        ready = [(records[0].seconds, index) for index, records in enumerate(self.trace.records) if records]
        heapq.heapify(ready)
        parked: dict[tuple[int, int], int] = {}
        while ready:
            _, index = heapq.heappop(ready)
            record = self.trace.records[index][self.next[index]]
            missing = next((key for key in self._keys(index, record) if key not in self.made), None)
            if missing is not None:
                parked[missing] = index
                continue
            for key in self._repeat(index, record):
                if key in parked:
                    other = parked.pop(key)
                    heapq.heappush(ready, (self.trace.records[other][self.next[other]].seconds, other))
            self.next[index] += 1
            if self.next[index] < len(self.trace.records[index]):
                heapq.heappush(ready, (self.trace.records[index][self.next[index]].seconds, index))
        if parked:
            waiting = ", ".join(sorted(self.actors[index].name for index in parked.values()))
            raise ActorError(f"the trace does not fit the actors: {waiting} took messages that nobody made in replay.")

    def _keys(self, index: int, record: Record) -> list[tuple[int, int]]:
        """The messages that an event took."""
        if record.kind == RESTORED:
            return []
        channels = self.wiring.into(index)
        return [(c.index, made) for c, made in zip(channels, record.taken, strict=True) if made != NOTHING]

    def _repeat(self, index: int, record: Record) -> list[tuple[int, int]]:
        """Do one record; the messages it made that somebody wants."""
        actor = self.actors[index]
        if record.kind == RESTORED:
            actor.restore(copied(self.saved[index][record.number]))
            return []
        inbox: dict[str, dict[str, np.ndarray] | None] = {}
        for channel, made in zip(self.wiring.into(index), record.taken, strict=True):
            inbox[channel.mailbox] = None if made == NOTHING else self._fetch((channel.index, made))
        messages = actor.act(inbox)
        new = []
        for channel in self.wiring.out_of(index):
            key = (channel.index, record.number)
            if channel.message in messages and self.wanted[key]:
                arrays = channel.spec.checked(messages[channel.message], f"message {channel.message} of {actor.name}")
                self.made[key] = copied(arrays)
                new.append(key)
        self._save(index, record.number + 1)
        return new

    def _fetch(self, key: tuple[int, int]) -> dict[str, np.ndarray]:
        self.wanted[key] -= 1
        return copied(self.made[key]) if self.wanted[key] else self.made.pop(key)

    def _save(self, index: int, number: int) -> None:
        if number in self.points[index]:
            self.saved[index][number] = copied(self.actors[index].snapshot())


def copied(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of their own, whatever the given ones are views of."""
    return {name: np.array(array) for name, array in arrays.items()}
