"""What every runtime reports: how often actors acted, what they waited for, how old their news was, what was lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from clockless.actors.traces import Trace


@dataclass(frozen=True)
class MailboxReport:
    """What went through one mailbox.

    Attributes:
        taken: messages that were used.
        dropped: messages that were lost at the bound, or came after the receiver's last event.
        waiting: messages left at the end.
        fullest: the most that ever waited at once.
        staleness: mean over taken messages of the number of events that the sender did between making a message and
            the receiver's taking it; 0 if it was the sender's last word.
        stalest: the largest of these.
    """

    taken: int
    dropped: int
    waiting: int
    fullest: int
    staleness: float
    stalest: int


@dataclass(frozen=True)
class ActorReport:
    """What one actor did; times in seconds, virtual in a simulation.

    Attributes:
        events: events done that count in its state.
        busy: time spent in events, lost ones included.
        idle: time without enough messages (or, in a simulation, without a tick or a worker).
        blocked: time with a message that found no room.
        restarts: how often it was brought back from a snapshot.
        processor: processor time of its process in the run, messages and looking for them included; known of worker
            processes only.
    """

    events: int
    busy: float
    idle: float
    blocked: float
    mailboxes: dict[str, MailboxReport]
    restarts: int = 0
    measures: dict[str, float] = field(default_factory=dict)
    processor: float | None = None


@dataclass(frozen=True)
class Incident:
    """Something that a person should know about a run: when, which actor, what happened and what was done."""

    seconds: float
    actor: str
    what: str

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s  {self.actor}: {self.what}"


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        seconds: length of the run, virtual in a simulation; without the start of processes.
        ended: why it ended: "events", "seconds", "idle" (nobody could act any more), or "interrupted" (Ctrl-C, on MPI
            ranks).
        critical_path: the longest chain of events and messages in which each waited for the one before, in seconds: no
            number of workers finishes sooner. Known in simulations only.
        snapshots: the actors' states at the end.
    """

    actors: dict[str, ActorReport]
    seconds: float
    ended: str
    snapshots: dict[str, dict[str, np.ndarray]]
    critical_path: float | None = None
    incidents: list[Incident] = field(default_factory=list)
    trace: Trace | None = None

    @property
    def events(self) -> int:
        """Events of all actors."""
        return sum(actor.events for actor in self.actors.values())

    @property
    def work(self) -> float:
        """Busy time of all actors, in seconds: what one worker would need."""
        return sum(actor.busy for actor in self.actors.values())

    @property
    def speed_up(self) -> float:
        """Work done per time: the mean number of actors that were busy at once."""
        return self.work / self.seconds if self.seconds > 0 else 0.0
