"""Actors in virtual time: a deterministic discrete-event simulation, the reference for every other runtime.

Time stands still until all that happens at one instant has happened, in this order: messages arrive (by channel), events
end (by actor), the clock ticks; then every actor that can begins its next event, longest waiting first, seeing what had
arrived. So actors of equal speed with free messages move in step: event k sees what others made in their events up to k - 1.

An event takes its messages when it begins and sends when it ends. Messages of one channel arrive in the order in which
they were sent. A mailbox that blocks counts messages on their way, too; the others lose a message when one arrives.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from clockless.actors.endings import limited
from clockless.actors.freezing import frozen, thaw
from clockless.actors.mailboxes import Channel, MemoryMailbox, Ports, wire
from clockless.actors.reports import ActorReport, MailboxReport, Report
from clockless.actors.times import COMPUTING, TRAVELLING, Drawn, Times, drawn
from clockless.actors.traces import EVENT, NOTHING, Record, Trace, copied
from clockless.errors import ParameterError, StalledError, WiringError, shown
from clockless.numerics.randomness import CLOCK, numbers

if TYPE_CHECKING:
    from clockless.actors import Actor

_ARRIVAL, _END, _TICK = 0, 1, 2  # what the queue holds, in the order of one instant


@dataclass(frozen=True)
class Ticks:
    """A clock (see `clockless.parts.clocks`) that says at every tick which actors may begin an event; period in seconds.

    An actor that is busy, blocked or without messages at its tick misses it.

    Raises:
        ParameterError: a period that is not above 0, or a clock that cannot say who acts.
    """

    clock: Any
    period: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.period < np.inf:
            raise ParameterError(f"period = {shown(self.period)}; give the seconds between ticks, above 0.")
        if not (hasattr(self.clock, "acting") or hasattr(self.clock, "acting_at")):
            raise ParameterError(f"{shown(self.clock)} is no clock; give one such as Bernoulli(0.2).")

    def chosen(self, tick: int, units: int, seed: int) -> set[int]:
        """Actors that may begin at a tick; the numbers are those of unit = actor, step = tick."""
        if hasattr(self.clock, "memory"):
            acts = self.clock.acting_at(tick, self.clock.memory(seed, 0, units))
        else:
            acts = self.clock.acting(numbers(seed, 0, tick, CLOCK, units))
        return {int(actor) for actor in np.flatnonzero(acts)}


@dataclass
class _Standing:
    """How an actor stands now."""

    limit: float = np.inf
    events: int = 0  # ended
    acting: bool = False
    began: float = 0.0
    busy: float = 0.0
    blocked: float = 0.0
    blocked_since: float = 0.0
    path: float = 0.0  # end of the longest chain of work that its last event closes
    made: dict[str, Any] = field(default_factory=dict)  # messages of the event in progress
    unsent: dict[int, Any] = field(default_factory=dict)  # by channel: message that found no room
    records: list[Record] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return self.events >= self.limit


@dataclass
class _Route:
    """A channel, its mailbox, what is on its way, and what was measured."""

    channel: Channel
    delays: Drawn
    mailbox: MemoryMailbox
    flying: deque[Any] = field(default_factory=deque)  # (arrival, (event, path), message)
    sent: int = 0
    last: float = 0.0
    taken: int = 0
    stale: int = 0
    stalest: int = 0

    def full(self) -> bool:
        spec = self.channel.spec
        return spec.policy == "block" and len(self.mailbox) + len(self.flying) >= spec.capacity


class Simulation:
    """Actors in virtual time.

    Args:
        actors: freshly built.
        computing: seconds that an event takes: one for all, a list, or by actor's name; numbers, `Lognormal`, `Exponential`.
        travelling: seconds that a message travels: one for all, a list, or by "actor.mailbox".
        ticks: who may begin when; None lets everyone begin as soon as it can.
        workers: which worker each actor runs on (any numbers); a worker does one event at a time, and takes the actor that
            waited longest since its last beginning. None gives each actor its own.
        seed: of drawn times and of the clock.
        record: keep a trace that `traces.replay` can repeat.

    Raises:
        WiringError, ParameterError: actors that do not fit together, or a number outside its range.
    """

    def __init__(
        self,
        actors: Sequence[Actor],
        computing: Times = 1.0,
        travelling: Times = 0.0,
        *,
        ticks: Ticks | None = None,
        workers: Sequence[int] | None = None,
        seed: int = 0,
        record: bool = False,
    ) -> None:
        if not isinstance(actors, (list, tuple)):
            raise WiringError(f"actors = {shown(actors)}; give a list of actors.")
        self.actors: list[Actor] = list(actors)
        self.wiring = wire([Ports.of(actor) for actor in actors])
        targets = [f"{self.wiring.names[c.receiver]}.{c.mailbox}" for c in self.wiring.channels]
        self._computing = drawn(computing, self.wiring.names, seed, COMPUTING, "computing times")
        delays = drawn(travelling, targets, seed, TRAVELLING, "travelling times")
        if ticks is None and any(times.duration == 0 for times in self._computing):
            raise ParameterError("an event that takes no time never lets time pass; give computing times above 0, or ticks.")
        if workers is not None and len(workers) != len(self.actors):
            raise WiringError(f"{len(workers)} workers are named for {len(self.actors)} actors; name one for each.")
        self.ticks, self.seed, self.record = ticks, seed, record
        self.workers = list(workers) if workers is not None else list(range(len(self.actors)))
        self.now = 0.0
        self._standing = [_Standing() for _ in actors]
        self._routes = [
            _Route(c, times, MemoryMailbox(c.spec)) for c, times in zip(self.wiring.channels, delays, strict=True)
        ]
        self._into = [[self._routes[c.index] for c in self.wiring.into(i)] for i in range(len(self.actors))]
        self._out = [[self._routes[c.index] for c in self.wiring.out_of(i)] for i in range(len(self.actors))]
        self._queue: list[tuple[float, int, int]] = [(0.0, _TICK, 0)] if ticks else []
        self._tick = 0

    def run(self, events: int | Mapping[str, int] | None = None, seconds: float | None = None) -> Report:
        """Go on until each actor has done `events` events in all (or those named have), or to the time `seconds`.

        An actor that has done its number acts no more, and never blocks others. Called again, the simulation goes on; cut
        into slices of `seconds` it does the same, bit for bit, as in one go.

        Raises:
            StalledError: nobody can act any more before the wanted events are done.
        """
        limits = limited(events, seconds, self.wiring.names)
        for standing, limit in zip(self._standing, limits, strict=True):
            standing.limit = limit
        self._begin(set() if self.ticks else set(range(len(self.actors))))
        while (ended := self._ended(events, seconds)) is None:
            self._instant()
        if ended == "seconds" and seconds is not None:
            self.now = max(self.now, float(seconds))
        if ended == "idle" and events is not None:
            raise StalledError(f"after {self.now:.6g} s nobody can act any more: {self._waits()}; mend who waits for whom.")
        return self._report(ended)

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the simulation follows from, between two calls of `run`; goes into an .npz."""
        return frozen(self)

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from the `state()` of a simulation made with the same arguments, with the same bits.

        Raises:
            WiringError: the state of other actors.
        """
        thaw(self, state)

    def _ended(self, events: Any, seconds: float | None) -> str | None:
        if events is not None and all(s.finished for s in self._standing if s.limit < np.inf):
            return "events"
        moving = self._queue if self.ticks is None else [entry for entry in self._queue if entry[1] != _TICK]
        if not moving and not (self.ticks and any(self._can(index) for index in range(len(self.actors)))):
            return "idle"
        return "seconds" if seconds is not None and self._queue[0][0] > seconds else None

    def _instant(self) -> None:
        """All that happens at the next instant."""
        self.now = self._queue[0][0]
        may = set() if self.ticks else set(range(len(self.actors)))
        while self._queue and self._queue[0][0] == self.now:
            _, kind, index = heapq.heappop(self._queue)
            if kind == _ARRIVAL:
                self._arrive(self._routes[index])
            elif kind == _END:
                self._end(index)
            elif self.ticks:
                may = self.ticks.chosen(self._tick, len(self.actors), self.seed)
                self._tick += 1
                heapq.heappush(self._queue, (self._tick * self.ticks.period, _TICK, 0))
        self._begin(may)

    def _can(self, index: int) -> bool:
        standing = self._standing[index]
        if standing.acting or standing.unsent or standing.finished:
            return False
        return self.actors[index].ready({r.channel.mailbox: len(r.mailbox) for r in self._into[index]})

    def _begin(self, may: set[int]) -> None:
        """Let everyone begin that may and can; beginning takes messages, which may let others begin."""
        working = {self.workers[i] for i, standing in enumerate(self._standing) if standing.acting}
        changed = True
        while changed:
            changed = False
            for index in sorted(may, key=lambda i: (self._standing[i].began, i)):
                if self.workers[index] not in working and self._can(index):
                    self._act(index)
                    may.discard(index)
                    working.add(self.workers[index])
                    changed = True

    def _act(self, index: int) -> None:
        standing, actor = self._standing[index], self.actors[index]
        standing.acting, standing.began = True, self.now
        inbox: dict[str, dict[str, np.ndarray] | None] = {}
        taken = []
        for route in self._into[index]:
            got = route.mailbox.take()
            inbox[route.channel.mailbox] = got[1] if got else None
            taken.append(got[0][0] if got else NOTHING)
            if got:
                self._count(route, got[0][0])
                standing.path = max(standing.path, got[0][1])
        for route, made in zip(self._into[index], taken, strict=True):
            if made != NOTHING:
                self._free(route, standing.path)
        if self.record:
            standing.records.append(Record(EVENT, standing.events, self.now, tuple(taken)))
        messages = actor.act(inbox)
        standing.made = {}
        for route in self._out[index]:
            name = route.channel.message
            if name in messages:
                arrays = route.channel.spec.checked(messages[name], f"message {name} of {actor.name}")
                standing.made[name] = {key: np.array(array) for key, array in arrays.items()}
        seconds = self._computing[index].at(standing.events)
        standing.path += seconds
        heapq.heappush(self._queue, (self.now + seconds, _END, index))

    def _count(self, route: _Route, made: int) -> None:
        staleness = self._standing[route.channel.sender].events - (made + 1)
        route.taken += 1
        route.stale += staleness
        route.stalest = max(route.stalest, staleness)

    def _end(self, index: int) -> None:
        standing = self._standing[index]
        standing.acting = False
        standing.busy += self.now - standing.began
        tag = (standing.events, standing.path)
        standing.events += 1
        for route in self._out[index]:
            if route.channel.message in standing.made:
                self._send(route, tag, standing.made[route.channel.message])
        standing.made = {}
        standing.blocked_since = self.now
        if standing.finished:
            for route in self._into[index]:
                self._free(route, standing.path)

    def _send(self, route: _Route, tag: tuple[int, float], message: Any) -> None:
        if route.full():
            if self._standing[route.channel.receiver].finished:
                route.mailbox.dropped += 1
            else:
                self._standing[route.channel.sender].unsent[route.channel.index] = (tag, message)
            return
        delay = route.delays.at(route.sent)
        route.sent += 1
        route.last = max(self.now + delay, route.last)
        tag = (tag[0], tag[1] + delay)
        if route.last == self.now and not route.flying:
            route.mailbox.put(tag, message)
        else:
            route.flying.append((route.last, tag, message))
            heapq.heappush(self._queue, (route.last, _ARRIVAL, route.channel.index))

    def _arrive(self, route: _Route) -> None:
        _, tag, message = route.flying.popleft()
        route.mailbox.put(tag, message)

    def _free(self, route: _Route, path: float) -> None:
        """Room in a mailbox: its sender's waiting message goes on its way, `path` being the work that made the room."""
        sender = self._standing[route.channel.sender]
        if route.channel.index not in sender.unsent:
            return
        (made, before), message = sender.unsent.pop(route.channel.index)
        sender.path = max(sender.path, path)
        self._send(route, (made, max(before, path)), message)
        if not sender.unsent:
            sender.blocked += self.now - sender.blocked_since

    def _waits(self) -> str:
        sentences = []
        for name, standing, into in zip(self.wiring.names, self._standing, self._into, strict=True):
            if standing.unsent:
                targets = [self.wiring.channels[index] for index in standing.unsent]
                full = ", ".join(f"{self.wiring.names[c.receiver]}.{c.mailbox}" for c in targets)
                sentences.append(f"{name} finds no room in {full}")
            elif not standing.finished:
                boxes = ", ".join(f"{len(route.mailbox)} in {route.channel.mailbox}" for route in into) or "no mailbox"
                sentences.append(f"{name} (event {standing.events}) is not ready with {boxes}")
        return "; ".join(sentences)

    def _report(self, ended: str) -> Report:
        reports = {}
        for index, (actor, standing) in enumerate(zip(self.actors, self._standing, strict=True)):
            busy = standing.busy + (self.now - standing.began if standing.acting else 0.0)
            blocked = standing.blocked + (self.now - standing.blocked_since if standing.unsent else 0.0)
            boxes = {route.channel.mailbox: _mailbox_report(route) for route in self._into[index]}
            idle = max(self.now - busy - blocked, 0.0)
            reports[actor.name] = ActorReport(standing.events, busy, idle, blocked, boxes, 0, dict(actor.measure()))
        snapshots = {actor.name: copied(actor.snapshot()) for actor in self.actors}
        path = max(standing.path for standing in self._standing)
        trace = Trace(self.wiring.names, tuple(tuple(s.records) for s in self._standing), True, {}) if self.record else None
        return Report(reports, self.now, ended, snapshots, path, [], trace)


def _mailbox_report(route: _Route) -> MailboxReport:
    return MailboxReport(
        taken=route.taken,
        dropped=route.mailbox.dropped,
        waiting=len(route.mailbox) + len(route.flying),
        fullest=route.mailbox.fullest,
        staleness=route.stale / max(route.taken, 1),
        stalest=route.stalest,
    )
