"""Where actors run: in virtual time in one process, in worker processes of one machine, or on the ranks of an MPI job.

An actor is anything that takes messages, changes itself and sends messages, one *event* at a time, and never looks at
another actor. Actors know nothing of time, processes or machines; a runtime knows nothing of what they compute. The same
actors therefore run in

- `simulation.Simulation`: a deterministic discrete-event simulation, the reference;
- `processes.Processes`: supervised worker processes that share memory;
- `mpi.Ranks`: one rank per actor, started by mpiexec or srun.

Contract of an actor (`Actor`):

- It takes at most one message per mailbox in an event: the runtime takes the oldest message of every mailbox that has one,
  and `act` sees None for the others. Each message is taken once; who wants to use one again keeps it.
- `ready(waiting)` depends on nothing but the numbers of waiting messages and the actor's own state, and changes nothing.
- `act(inbox)` depends on nothing but the inbox and the actor's own state; so a trace of who took what can be replayed.
  Arrays in the inbox belong to the actor; arrays that it returns are copied before it acts again.
- `snapshot()` holds all that the next event needs, and `restore(snapshot)` brings it back into a freshly built actor, or
  into one that went on. An actor brought back after its process was lost may meet messages twice and miss others: it
  must not wait for the answer to a message that it may never have sent.

A mailbox (`MailboxSpec`) has one sender, one layout and a bound. At the bound, `policy` says what gives: "block" (the sender
waits before its next event), "drop-oldest" (the oldest message is lost), or "latest" (as drop-oldest with room for one).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from clockless.actors.mailboxes import MailboxSpec

if TYPE_CHECKING:
    import numpy as np

Message = dict[str, "np.ndarray"]


class Actor(Protocol):
    """What every runtime asks of an actor; see the contract above.

    Attributes:
        name: unlike that of every other actor; letters, digits, "-" and "_".
        receives: own mailbox -> layout of its messages.
        sends: own message -> "actor.mailbox" it goes to.
    """

    name: str
    receives: Mapping[str, MailboxSpec]
    sends: Mapping[str, str]

    def ready(self, waiting: dict[str, int]) -> bool:
        """May it act, given the number of waiting messages per mailbox?"""
        ...

    def act(self, inbox: dict[str, Message | None]) -> dict[str, Message]:
        """One event: the message taken from each mailbox, or None; returns messages by own message name, or none of them."""
        ...

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that the next event needs."""
        ...

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Take over the state of a snapshot."""
        ...

    def measure(self) -> dict[str, float]:
        """Numbers worth reporting; cheap."""
        ...


class Build(Protocol):
    """A function of a module (found by its name in a new process) that makes actor `index` of a plain description."""

    __module__: str
    __qualname__: str

    def __call__(self, description: Any, index: int) -> Actor: ...
