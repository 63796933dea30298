"""Mailboxes in memory that two processes share: one writes, one reads, neither ever holds a lock.

A ring of slots and two counters: `head`, the messages ever left, which only the sender writes, and `tail`, the messages ever
taken or passed over, which only the receiver writes. Message n lies in slot n modulo the number of slots.

- "block": as many slots as the capacity; the sender leaves nothing while head - tail is the capacity.
- "drop-oldest" and "latest": the sender never looks at `tail`; the receiver begins at max(tail, head - capacity). The slots
  are a few more than the capacity, so that the message being written is not one that waits. The sender raises `begun`
  before it writes; a receiver that finds, after copying, that its slot may have been written to again takes a newer message.

So whoever is killed or stopped in the middle, a message is read whole or not at all: one that was half written never
counted, and is written anew. A receiver killed between copying and counting meets the message again.
"""

from __future__ import annotations

import threading

import numpy as np

from clockless.actors.mailboxes import MailboxSpec

_LINE = 64  # bytes of a cache line
_HEADER = 4 * _LINE
_HEAD, _BEGUN, _FULLEST = 0, 1, 2  # words that the sender writes
_TAIL, _TAKEN, _DROPPED, _STALE, _STALEST = 16, 17, 18, 19, 20  # words that the receiver writes, on other cache lines
_SPARE = 3  # slots beyond the capacity where the sender may overtake

_lock = threading.Lock()


def fence() -> None:
    """Order memory accesses before and after, also on processors that reorder stores: two rounds of an atomic lock."""
    with _lock:
        pass
    with _lock:
        pass


def words_of(memory: np.ndarray) -> memoryview:
    """Memory as signed words of 64 bits, which are read and written whole."""
    return memory.data.cast("q")


class Ring:
    """One mailbox in shared memory (uint8 [Ring.bytes_of(spec)], zero at first), seen from either end."""

    def __init__(self, memory: np.ndarray, spec: MailboxSpec) -> None:
        self.spec = spec
        self.slots = _slots(spec)
        self.words = words_of(memory[:_HEADER])
        self.tags, self.views = [], []
        for slot in range(self.slots):
            at = _HEADER + slot * (_LINE + spec.size)
            self.tags.append(words_of(memory[at : at + _LINE]))
            self.views.append(spec.views(memory[at + _LINE : at + _LINE + spec.size]))

    @staticmethod
    def bytes_of(spec: MailboxSpec) -> int:
        """Bytes of memory that a mailbox takes, a multiple of 64."""
        return _HEADER + _slots(spec) * (_LINE + spec.size)

    def __len__(self) -> int:
        words = self.words
        return min(words[_HEAD] - words[_TAIL], self.spec.capacity)

    def full(self) -> bool:
        """Must the sender wait?"""
        return self.spec.policy == "block" and self.words[_HEAD] - self.words[_TAIL] >= self.spec.capacity

    def put(self, made: int, done: int, message: dict[str, np.ndarray]) -> bool:
        """Leave a message made in event number `made`, when its sender had done `done` events; False if there is no room."""
        if self.full():
            return False
        words = self.words
        head = words[_HEAD]
        words[_BEGUN] = head + 1
        fence()
        slot = head % self.slots
        for name, view in self.views[slot].items():
            np.copyto(view, message[name])
        self.tags[slot][0], self.tags[slot][1] = made, done
        fence()
        words[_HEAD] = head + 1
        words[_FULLEST] = max(words[_FULLEST], len(self))
        return True

    def take(self) -> tuple[int, int, dict[str, np.ndarray], int] | None:
        """The oldest message as (made, done, arrays of its own, its place), or None; it stays until `count`."""
        words = self.words
        while words[_HEAD] > words[_TAIL]:
            head = words[_HEAD]
            place = max(words[_TAIL], head - self.spec.capacity)
            fence()
            slot = place % self.slots
            message = {name: view.copy() for name, view in self.views[slot].items()}
            made, done = self.tags[slot][0], self.tags[slot][1]
            fence()
            if words[_BEGUN] - 1 < place + self.slots:  # the message being written, if any, is not in this slot
                return made, done, message, place
        return None

    def count(self, place: int, staleness: int) -> None:
        """Count the message at `place` as taken, and those before it that were passed over as dropped."""
        words = self.words
        words[_TAKEN] += 1
        words[_STALE] += staleness
        words[_STALEST] = max(words[_STALEST], staleness)
        words[_DROPPED] += place - words[_TAIL]
        fence()
        words[_TAIL] = place + 1

    def clear(self) -> None:
        """Throw away what waits, for a receiver that will take no more."""
        words = self.words
        head = words[_HEAD]
        words[_DROPPED] += head - words[_TAIL]
        words[_TAIL] = head

    def counts(self) -> dict[str, int]:
        """taken, dropped, waiting, fullest, stale (sum), stalest."""
        words = self.words
        lost = max(words[_HEAD] - words[_TAIL] - self.spec.capacity, 0)  # overtaken, and not yet passed over
        return {
            "taken": words[_TAKEN],
            "dropped": words[_DROPPED] + lost,
            "waiting": len(self),
            "fullest": words[_FULLEST],
            "stale": words[_STALE],
            "stalest": words[_STALEST],
        }


def _slots(spec: MailboxSpec) -> int:
    return spec.capacity if spec.policy == "block" else spec.capacity + _SPARE
