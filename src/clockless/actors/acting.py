"""The life of one actor in a real process: wait, take, act, send, save, until told to stop.

Contract of a post, through which an actor meets the world: see `Post`. All waits of a life are short ones of the post, which
looks after its own limits; so an actor never hangs here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from clockless.actors import snapshots
from clockless.actors.boards import FINISHED, STUCK, WAITING
from clockless.actors.mailboxes import Wiring

if TYPE_CHECKING:
    from clockless.actors import Actor

Message = dict[str, np.ndarray]


class Post(Protocol):
    """How the messages of one actor travel, and who tells it to stop."""

    def stopping(self) -> bool:
        """Is it time to end?"""
        ...

    def limit(self) -> int:
        """Events that this actor may do in all; -1 for any number."""
        ...

    def waiting(self) -> dict[str, int]:
        """Messages that wait, by mailbox."""
        ...

    def begin(self) -> tuple[int, dict[str, Message | None]]:
        """Begin an event: its number, and what it takes from each mailbox."""
        ...

    def ended(self, events: int, nanoseconds: int) -> None:
        """An event has ended after `nanoseconds`; `events` are in the actor's state."""
        ...

    def send(self, message: str, made: int, arrays: Message) -> bool:
        """Send a message made in event number `made`; False if there is no room now."""
        ...

    def rest(self, state: int) -> None:
        """Wait a little, or until something came or went; `state` says what for."""
        ...

    def discard(self) -> None:
        """Throw away what waits, for an actor that has done its number of events."""
        ...


class Life:
    """One actor at its post.

    Args:
        events: in its state so far.
    """

    def __init__(self, actor: Actor, wiring: Wiring, post: Post, events: int, saving: Saving) -> None:
        self.actor, self.post, self.events, self.saving = actor, post, events, saving
        index = wiring.names.index(actor.name)
        self.specs = {channel.message: channel.spec for channel in wiring.out_of(index)}
        self.unsent: dict[str, Message] = {}
        self.number = -1  # of the event that made what is unsent

    def live(self) -> None:
        """Until the post says stop."""
        post = self.post
        while not post.stopping():
            if self.unsent:
                self._send()
            if 0 <= post.limit() <= self.events:
                self.saving.finished(self)
                post.discard()
                post.rest(FINISHED)
            elif self.unsent:
                post.rest(STUCK)
            elif self.actor.ready(post.waiting()):
                self._act()
                self.saving.perhaps(self)
            else:
                post.rest(WAITING)

    def _act(self) -> None:
        self.number, inbox = self.post.begin()
        began = time.monotonic_ns()
        messages = self.actor.act(inbox)
        for name, spec in self.specs.items():
            if name in messages:
                self.unsent[name] = spec.checked(messages[name], f"message {name} of {self.actor.name}")
        self.events += 1
        self.post.ended(self.events, time.monotonic_ns() - began)
        self._send()

    def _send(self) -> None:
        for name in list(self.unsent):
            if self.post.send(name, self.number, self.unsent[name]):
                del self.unsent[name]


class Saving:
    """Writes snapshots now and then; what an actor has not yet sent is not in them, so it waits until all is sent."""

    def __init__(
        self, folder: Path, period: float, run: int, begun: Callable[[], int], saved: Callable[[int], None]
    ) -> None:
        self.folder, self.period, self.run, self.begun, self.saved = folder, period, run, begun, saved
        self.next = time.monotonic() + period
        self.last = -1

    def perhaps(self, life: Life) -> None:
        """Write one if it is time."""
        if time.monotonic() >= self.next and not life.unsent:
            self.now(life)

    def finished(self, life: Life) -> None:
        """Write the last one of an actor that has done its number of events, once."""
        if self.last != life.events:
            self.now(life)

    def now(self, life: Life) -> None:
        """Write one."""
        snapshots.save(self.folder, life.actor, life.events, self.begun(), self.run)
        self.last = life.events
        self.next = time.monotonic() + self.period
        self.saved(life.events)
