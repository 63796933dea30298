"""The post of an actor on an MPI rank: how its messages travel, and how ranks know of each other."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from clockless.actors.boards import ACTING, FINISHED, STUCK, WAITING
from clockless.actors.endings import Limits, within
from clockless.actors.mailboxes import Channel, MemoryMailbox, Wiring
from clockless.actors.reports import MailboxReport
from clockless.actors.traces import EVENT, NOTHING, Record
from clockless.errors import StalledError

_TAG = 64  # bytes before the fields of a message: number of the event that made it, events its sender had done
_BEATS, _LETTERS = 2, 16  # tags: signs of life; channel c uses _LETTERS + 2 c, and one more for confirmations
_POSTED = 4  # receives posted at most per channel
_UNDER_WAY = 2  # messages under way at most, where the policy is to drop
_BEAT_SECONDS = 0.1
_GLANCES = 20
_LATE = "MPI does not give a message back; the snapshots are whole, the same command goes on from them."

# What a sign of life tells: is this rank's part done, events done, state, events begun
_OVER, _DONE, _STATE, _BEGUN = range(4)


@dataclass(frozen=True)
class Clockwork:
    """When a rank's part is over, and what it began with.

    Attributes:
        limit: events it may do; infinite for a rank that others' events end.
        counted: does anyone's number of events end the run?
    """

    limit: float
    seconds: float | None
    counted: bool
    record: bool
    events: int


class Outgoing:
    """The sender's end of a channel."""

    def __init__(self, comm: Any, channel: Channel) -> None:
        self.comm, self.channel = comm, channel
        self.blocks = channel.spec.policy == "block"
        self.window = channel.spec.capacity if self.blocks else _UNDER_WAY
        self.queue = MemoryMailbox(channel.spec)  # on this side, where the policy is to drop
        self.sent = 0
        self.confirmed = np.zeros(1, dtype=np.int64)
        self.heard = np.zeros(1, dtype=np.int64)
        self.flying: deque[tuple[Any, np.ndarray]] = deque()
        self.tag = _LETTERS + 2 * channel.index
        self.request = comm.Irecv(self.heard, channel.receiver, self.tag + 1)

    def send(self, tag: tuple[int, int], arrays: dict[str, np.ndarray]) -> bool:
        if self.sent - self.confirmed[0] < self.window and not self.queue.waiting:
            self._fly(tag, arrays)
            return True
        return not self.blocks and self.queue.put(tag, {name: array.copy() for name, array in arrays.items()})

    def _fly(self, tag: tuple[int, int], arrays: dict[str, np.ndarray]) -> None:
        buffer = np.empty(_TAG + self.channel.spec.size, dtype=np.uint8)
        buffer[:16].view(np.int64)[:] = tag
        for name, view in self.channel.spec.views(buffer[_TAG:]).items():
            np.copyto(view, arrays[name])
        self.flying.append((self.comm.Isend(buffer, self.channel.receiver, self.tag), buffer))
        self.sent += 1

    def pump(self) -> None:
        while self.request.Test():
            self.confirmed[0] = self.heard[0]
            self.request = self.comm.Irecv(self.heard, self.channel.receiver, self.tag + 1)
        while self.flying and self.flying[0][0].Test():
            self.flying.popleft()
        while self.queue.waiting and self.sent - self.confirmed[0] < self.window:
            self._fly(*self.queue.waiting.popleft())


class Incoming:
    """The receiver's end of a channel."""

    def __init__(self, comm: Any, channel: Channel) -> None:
        self.comm, self.channel = comm, channel
        self.blocks = channel.spec.policy == "block"
        self.mailbox = MemoryMailbox(channel.spec)
        self.tag = _LETTERS + 2 * channel.index
        self.posted: deque[tuple[Any, np.ndarray]] = deque()
        for _ in range(min(channel.spec.capacity, _POSTED) if self.blocks else _UNDER_WAY):
            self._post()
        self.arrived = self.taken = self.stale = self.stalest = 0
        self.told = np.zeros(1, dtype=np.int64)
        self.telling: Any = None
        self.sender_done = 0

    def _post(self) -> None:
        buffer = np.empty(_TAG + self.channel.spec.size, dtype=np.uint8)
        self.posted.append((self.comm.Irecv(buffer, self.channel.sender, self.tag), buffer))

    def pump(self) -> None:
        while self.posted[0][0].Test():
            _, buffer = self.posted.popleft()
            self._post()
            tag = tuple(int(word) for word in buffer[:16].view(np.int64))
            self.sender_done = max(self.sender_done, tag[1])
            self.mailbox.put(tag, self.channel.spec.views(buffer[_TAG:]))
            self.arrived += 1
        self._confirm()

    def _confirm(self) -> None:
        """Tell the sender how many messages have made room, one such letter at a time."""
        count = self.arrived - len(self.mailbox) if self.blocks else self.arrived
        if count > self.told[0] and (self.telling is None or self.telling.Test()):
            self.told[0] = count
            self.telling = self.comm.Isend(self.told, self.channel.sender, self.tag + 1)

    def take(self) -> tuple[int, dict[str, np.ndarray]] | None:
        got = self.mailbox.take()
        if got is None:
            return None
        (made, done), arrays = got
        staleness = max(self.sender_done - done, 0)
        self.taken += 1
        self.stale += staleness
        self.stalest = max(self.stalest, staleness)
        return made, arrays

    def report(self) -> MailboxReport:
        box = self.mailbox
        mean = self.stale / max(self.taken, 1)
        return MailboxReport(self.taken, box.dropped, len(box), box.fullest, mean, self.stalest)


class Beats:
    """Signs of life between all ranks, and what they tell."""

    def __init__(self, comm: Any, names: tuple[str, ...], limits: Limits) -> None:
        self.comm, self.names, self.limits = comm, names, limits
        self.others = [rank for rank in range(comm.size) if rank != comm.rank]
        self.known = np.zeros((comm.size, 4), dtype=np.int64)
        self.buffers = np.zeros((comm.size, 4), dtype=np.int64)
        self.letters = np.zeros((comm.size, 4), dtype=np.int64)
        now = time.monotonic()
        self.heard = dict.fromkeys(self.others, now)
        self.receiving = {rank: comm.Irecv(self.buffers[rank], rank, _BEATS) for rank in self.others}
        self.sending: dict[int, Any] = {}
        self.next, self.moved, self.last = now, now, -1

    def pump(self, urgent: bool = False) -> None:
        now = time.monotonic()
        if now < self.next and not urgent:
            return
        self.next = now + _BEAT_SECONDS
        for rank in self.others:
            while self.receiving[rank].Test():
                self.known[rank] = self.buffers[rank]
                self.heard[rank] = now
                self.receiving[rank] = self.comm.Irecv(self.buffers[rank], rank, _BEATS)
            if rank not in self.sending or self.sending[rank].Test():
                self.letters[rank] = self.known[self.comm.rank]
                self.sending[rank] = self.comm.Isend(self.letters[rank], rank, _BEATS)
            if now - self.heard[rank] > self.limits.silent:
                raise StalledError(
                    f"rank {rank} ({self.names[rank]}) gave no sign of life for {self.limits.silent:g} s; see whether its "
                    "machine lives; the same command goes on from the snapshots."
                )
        self._see_stall(now)

    def _see_stall(self, now: float) -> None:
        activity = int(self.known[:, [_DONE, _BEGUN]].sum())
        if activity != self.last or ACTING in self.known[:, _STATE] or self.known[:, _OVER].all():
            self.moved, self.last = now, activity
        if self.comm.rank == 0 and now - self.moved > self.limits.stall:
            words = {WAITING: "is not ready", STUCK: "finds no room for a message", FINISHED: "is done"}
            each = "; ".join(
                f"{name} (event {known[_DONE]}) {words[int(known[_STATE])]}"
                for name, known in zip(self.names, self.known, strict=True)
            )
            raise StalledError(f"nobody acted for {self.limits.stall:g} s: {each}; mend who waits for whom.")

    def close(self) -> None:
        for request in self.receiving.values():
            request.Cancel()
        for request in (*self.receiving.values(), *self.sending.values()):  # both complete at once
            within(self.limits.stop, request.Test, _LATE)


class RankPost:
    """An actor's post on a rank; see `acting.Post`."""

    def __init__(self, comm: Any, wiring: Wiring, clockwork: Clockwork, limits: Limits) -> None:
        self.comm, self.clockwork, self.limits = comm, clockwork, limits
        self.into = [Incoming(comm, channel) for channel in wiring.into(comm.rank)]
        self.out = {channel.message: Outgoing(comm, channel) for channel in wiring.out_of(comm.rank)}
        self.beats = Beats(comm, wiring.names, limits)
        self.me = self.beats.known[comm.rank]
        self.me[_STATE] = WAITING
        self.me[_OVER] = clockwork.counted and clockwork.limit == np.inf
        self.records: list[Record] = []
        self.begun = self.glances = 0
        self.busy = self.idle = self.blocked = 0.0
        self.began = time.monotonic()
        self.resting: tuple[float, int] | None = None
        self.interrupted = False  # by Ctrl-C: this rank's part is over, and all end together

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    def _pump(self, urgent: bool = False) -> None:
        for outgoing in self.out.values():
            outgoing.pump()
        for incoming in self.into:
            incoming.pump()
        self.beats.pump(urgent)

    def stopping(self) -> bool:
        late = self.clockwork.seconds is not None and self.elapsed() >= self.clockwork.seconds
        self._over(late or self.interrupted)
        self._pump()
        return bool(self.beats.known[:, _OVER].all())

    def _over(self, over: bool) -> None:
        if over and not self.me[_OVER]:
            self.me[_OVER] = 1
            self.beats.pump(urgent=True)

    def saved(self, events: int) -> None:
        """A snapshot of `events` events is on disk; the part of this rank may be over."""
        self._over(events >= self.clockwork.limit)

    def limit(self) -> int:
        return -1 if self.clockwork.limit == np.inf else int(self.clockwork.limit)

    def waiting(self) -> dict[str, int]:
        return {incoming.channel.mailbox: len(incoming.mailbox) for incoming in self.into}

    def begin(self) -> tuple[int, dict[str, dict[str, np.ndarray] | None]]:
        self._rested()
        number = self.begun
        self.begun += 1
        self.me[_BEGUN], self.me[_STATE] = self.begun, ACTING
        for incoming in self.into:
            incoming.sender_done = max(incoming.sender_done, int(self.beats.known[incoming.channel.sender, _DONE]))
        got = [incoming.take() for incoming in self.into]
        if self.clockwork.record:
            taken = tuple(message[0] if message else NOTHING for message in got)
            self.records.append(Record(EVENT, number, self.elapsed(), taken))
        boxes = [incoming.channel.mailbox for incoming in self.into]
        return number, {box: message[1] if message else None for box, message in zip(boxes, got, strict=True)}

    def ended(self, events: int, nanoseconds: int) -> None:
        self.busy += nanoseconds * 1e-9
        self.me[_DONE] += 1

    def send(self, message: str, made: int, arrays: dict[str, np.ndarray]) -> bool:
        return self.out[message].send((made, int(self.me[_DONE])), arrays)

    def rest(self, state: int) -> None:
        now = time.monotonic()
        self._book(now)
        self.resting = (now, state)
        self.me[_STATE] = state
        self.glances += 1
        if self.glances < _GLANCES:
            os.sched_yield()
        else:
            time.sleep(min(0.001, 0.00005 * (self.glances - _GLANCES + 1)))

    def _book(self, now: float) -> None:
        if self.resting is not None:
            since, state = self.resting
            if state == STUCK:
                self.blocked += now - since
            else:
                self.idle += now - since

    def _rested(self) -> None:
        self._book(time.monotonic())
        self.resting, self.glances = None, 0

    def discard(self) -> None:
        for incoming in self.into:
            incoming.mailbox.dropped += len(incoming.mailbox)
            incoming.mailbox.waiting.clear()

    def drops(self) -> dict[int, int]:
        """Messages lost on the sender's side, by channel."""
        return {out.channel.index: out.queue.dropped for out in self.out.values()}

    def mailboxes(self) -> dict[str, MailboxReport]:
        """What went through this actor's mailboxes."""
        return {incoming.channel.mailbox: incoming.report() for incoming in self.into}

    def close(self) -> None:
        """Leave together: once what this rank sent has arrived it enters a barrier, and receives until all are in it."""
        for out in self.out.values():
            out.queue.dropped += len(out.queue)
            out.queue.waiting.clear()
        barrier, deadline = None, time.monotonic() + self.limits.silent
        while barrier is None or not barrier.Test():
            self._pump(urgent=True)
            if barrier is None and not any(out.flying for out in self.out.values()):
                barrier = self.comm.Ibarrier()
            if time.monotonic() > deadline:
                raise StalledError("a rank did not come to the end; the same command goes on from the snapshots.")
            time.sleep(0.0005)
        self._give_up_receives()
        self.beats.close()

    def _give_up_receives(self) -> None:
        requests = [request for incoming in self.into for request, _ in incoming.posted]
        requests += [out.request for out in self.out.values()]
        for request in requests:
            request.Cancel()
        requests += [incoming.telling for incoming in self.into if incoming.telling is not None]
        for request in requests:
            within(self.limits.stop, request.Test, _LATE)
