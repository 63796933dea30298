"""The memory that the processes of a run share: a line of numbers per actor, the mailboxes, and the newest trace records.

It has no name in any file system: the processes get it as an open file, and it is gone when the last of them is, however
they end. Nothing has to be unlinked, and nothing can be left behind.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clockless.actors.mailboxes import Wiring
from clockless.actors.rings import Ring, fence, words_of
from clockless.actors.traces import Record

_WORD = 8
_ROW = 32  # words of an actor's row, and of the run's
_RECORDS = 8192  # trace records of an actor that wait for the supervisor

# Words of the run's row.
GO, STOP = 0, 1

# Words of an actor's row; only its own process writes them, but for LIMIT and RECORD_TAIL. Times in nanoseconds.
STATE, EVENTS, BEGUN, DONE, LIMIT, BEAT, BUSY, IDLE, BLOCKED, LISTENING = range(10)
RECORD_HEAD, RECORD_TAIL, RECORDS_LOST, SAVED, PROCESSOR = range(10, 15)

# Values of STATE.
STARTING, ACTING, WAITING, STUCK, FINISHED = range(5)


@dataclass(frozen=True)
class Plan:
    """Where everything lies in the shared memory of a run, which has a number of its own."""

    wiring: Wiring
    record: bool
    run: int

    @cached_property
    def _layout(self) -> tuple[list[int], list[int], int]:
        at = _WORD * _ROW * (1 + len(self.wiring.names))
        rings, records = [], []
        for channel in self.wiring.channels:
            rings.append(at)
            at += Ring.bytes_of(channel.spec)
        for actor in range(len(self.wiring.names)):
            records.append(at)
            at += _RECORDS * self.width(actor) * _WORD if self.record else 0
        return rings, records, at

    def width(self, actor: int) -> int:
        """Words of a trace record: kind, number, nanoseconds, and what was taken from each mailbox; a multiple of 8."""
        return -(-(3 + len(self.wiring.into(actor))) // 8) * 8

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return self._layout[2]

    def ring_at(self, channel: int) -> int:
        """First byte of a channel's mailbox."""
        return self._layout[0][channel]

    def records_at(self, actor: int) -> int:
        """First byte of an actor's trace records."""
        return self._layout[1][actor]


def nameless_memory() -> int:
    """An open file in memory that has no name, and no size yet."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("clockless")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Board:
    """The shared memory of a run as its processes see it."""

    def __init__(self, descriptor: int, plan: Plan) -> None:
        self.plan = plan
        self.memory = np.frombuffer(mmap.mmap(descriptor, plan.size), dtype=np.uint8)
        words = words_of(self.memory[: _WORD * _ROW * (1 + len(plan.wiring.names))])
        self.run = words[:_ROW]
        self.rows = [words[_ROW * (1 + actor) : _ROW * (2 + actor)] for actor in range(len(plan.wiring.names))]

    def ring(self, channel: int) -> Ring:
        """A channel's mailbox."""
        spec = self.plan.wiring.channels[channel].spec
        at = self.plan.ring_at(channel)
        return Ring(self.memory[at : at + Ring.bytes_of(spec)], spec)

    def records(self, actor: int) -> Records:
        """An actor's trace records on their way to the supervisor."""
        width = self.plan.width(actor)
        at = self.plan.records_at(actor)
        words = words_of(self.memory[at : at + _RECORDS * width * _WORD]) if self.plan.record else None
        return Records(self.rows[actor], words, width, len(self.plan.wiring.into(actor)))


class Records:
    """A ring of trace records: an actor's process appends, the supervisor fetches. When it is full records are lost, and
    counted: an actor never waits for the supervisor."""

    def __init__(self, row: memoryview, words: memoryview | None, width: int, mailboxes: int) -> None:
        self.row, self.words, self.width, self.mailboxes = row, words, width, mailboxes

    def append(self, record: tuple[int, ...]) -> None:
        """Append (kind, number, nanoseconds, taken...)."""
        if self.words is None:
            return
        head = self.row[RECORD_HEAD]
        if head - self.row[RECORD_TAIL] >= _RECORDS:
            self.row[RECORDS_LOST] += 1
            return
        at = (head % _RECORDS) * self.width
        for place, word in enumerate(record):
            self.words[at + place] = word
        fence()
        self.row[RECORD_HEAD] = head + 1

    def fetch(self, began: int) -> list[Record]:
        """Take out what is there; times count from `began`, in nanoseconds."""
        if self.words is None:
            return []
        records = []
        tail, head = self.row[RECORD_TAIL], self.row[RECORD_HEAD]
        fence()
        for place in range(tail, head):
            at = (place % _RECORDS) * self.width
            kind, number, when, *taken = self.words[at : at + 3 + self.mailboxes].tolist()
            records.append(Record(kind, number, (when - began) * 1e-9, tuple(taken)))
        fence()
        self.row[RECORD_TAIL] = head
        return records
